"""`cnncalc solve SPEC`: from the output back to the input, a layer's number, or the repeats of a block."""

from __future__ import annotations

import sys
from typing import Any

import click

from cnncalc.analysis import Options
from cnncalc.cli.output import Output, fail, spec_options
from cnncalc.diagnostics import SpecError

FORMATS = ("table", "json")


@click.command("solve", no_args_is_help=True)
@click.argument("spec")
@click.option("--output-size", "wanted", metavar="HxW", help="The output's size that is wanted.")
@click.option(
    "--receptive-field",
    "field",
    type=click.IntRange(1, 10**9 - 1),
    metavar="N",
    help="How many repeats of the repeated item see N input elements?",
)
@click.option("--layer", metavar="NAME", help="The layer whose output is meant; without it, the last.")
@spec_options
@click.option("-f", "--format", "form", type=click.Choice(FORMATS), default="table", help="What to write.")
def command(
    spec: str,
    wanted: str | None,
    field: int | None,
    layer: str | None,
    input: str | None,
    variables: dict[str, Any],
    form: str,
) -> None:
    """Backwards: what gives an output of the wanted size. Exit status 1 where nothing does; then the nearest is told.

    \b
    cnncalc solve net.cnn --output-size 7x7                       the input's sizes
    cnncalc solve "conv 5x5 s2" --input 32x32 --output-size 16x16 the paddings
    cnncalc solve "conv ?x? s2 p1" --input 32x32 --output-size 16x16
    cnncalc solve "(conv 3x3 same | relu) * ?" --receptive-field 64

    A `?` is the number to find: a kernel, stride, padding, dilation or count of repeats. Filters may be left out.
    """
    from cnncalc.report import solve as report
    from cnncalc.solve import Problem
    from cnncalc.sources import find, parse_shape, text_of

    if (wanted is None) == (field is None):
        raise click.UsageError("give either --output-size or --receptive-field")
    output = Output("json" if form == "json" else "text")
    try:
        problem = Problem(text_of(find(spec)), variables)
        given = parse_shape(input.strip(), "--input") if input is not None else None
        if field is not None:
            repeats = problem.repeats(field, given)
            text = report.repeats_json(repeats) if form == "json" else report.repeats_text(repeats)
            solved = repeats.solved
        else:
            sizes = parse_shape((wanted or "").strip(), "--output-size")
            if any(isinstance(size, str) for size in sizes):
                raise click.BadParameter("sizes are numbers", param_hint="--output-size")
            if given is not None and len(given) == len(sizes):
                # Sizes alone: what the channels are makes no difference to them.
                given = (*given, "C")
            solution = _solved(problem, given, sizes, layer)
            text = report.solution_json(solution) if form == "json" else report.solution_text(solution)
            solved = solution.solved
    except SpecError as error:
        fail(error, output, Options())
    output.write(text)
    sys.exit(0 if solved else 1)


def _solved(problem: Any, given: Any, sizes: tuple[int, ...], layer: str | None) -> Any:
    if problem.unknowns:
        return problem.number(given, sizes, layer)
    return problem.padding(given, sizes) if given is not None else problem.input_sizes(sizes, layer)
