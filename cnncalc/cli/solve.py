"""`cnncalc solve SPEC`: from the output back to the input, a layer's number, the repeats of a block, or a let."""

from __future__ import annotations

import sys
from typing import Any

import click

from cnncalc.analysis import Options
from cnncalc.cli.command import FIGURES, define_command, option, refuse
from cnncalc.cli.options import batch_options, page_options, spec_argument, spec_options
from cnncalc.cli.output import Output
from cnncalc.cli.specs import SpecOptions

EXAMPLES = """
cnncalc solve net.cnn --output-size 7x7                           # the input's sizes
cnncalc solve "conv 5x5 s2" --input 32x32 --output-size 16x16     # the paddings
cnncalc solve "conv ?x? s2 p1" --input 32x32 --output-size 16x16  # the kernel
cnncalc solve "(conv 3x3 same | relu) * ?" --receptive-field 64   # the repeats
cnncalc solve net.cnn --var 'width=?' --where 'params <= 1M'      # the largest width
"""


@define_command("solve", EXAMPLES, no_args_is_help=True)
@spec_argument("spec")
@spec_options()
@option("--output-size", group=FIGURES, metavar="HxW", help="Size that the output is to have.")
@option(
    "--receptive-field",
    group=FIGURES,
    type=click.IntRange(1, 10**9 - 1),
    metavar="N",
    help="Input elements that the receptive field is to cover; the `* ?` of a block is found.",
)
@option(
    "--where",
    group=FIGURES,
    multiple=True,
    metavar="CONDITION",
    help="Condition that is to hold: 'params <= 1M'; the let of `--var NAME=?` is found. May be repeated.",
)
@batch_options()
@option("--layer", group=FIGURES, metavar="NAME", help="Layer whose output is meant; without it, the last.")
@page_options()
def command(
    spec: str,
    reading: SpecOptions,
    output_size: str | None,
    receptive_field: int | None,
    where: tuple[str, ...],
    options: Options,
    layer: str | None,
    output: Output,
) -> None:
    """Solve for the input's size, or for one number of a layer.

    The output's size is given, or a receptive field. A `?` is the number to find: a kernel, stride, padding,
    dilation or count of repeats. Filters may be left out. With --where, `--var NAME=?` finds the largest value of a
    let: of those that it has to try, `--var 'width=? in [0.5..2..0.01]'`, or else of whole numbers or hundredths.
    Where nothing solves it, the nearest is shown, and the exit status is 1.

    SPEC is a file (.cnn or .yaml), - for standard input, a name of the zoo, or the network itself.
    """
    from cnncalc.language.meant import in_our_words
    from cnncalc.report import solve as report
    from cnncalc.solve import Problem
    from cnncalc.sources import find, parse_shape, text_of

    unknown = {name: value for name, value in reading.variables.items() if isinstance(value, str)}
    if where or unknown:
        _solve_let(spec, reading, where, options, unknown, output)
        return
    refuse(("batch", "dtype"), "without `--where`")
    if (output_size is None) == (receptive_field is None):
        raise click.UsageError("give either --output-size or --receptive-field")
    if reading.more_inputs:
        raise click.UsageError("`--input` is given more than once: `solve` takes the shape of one input")
    problem = Problem(in_our_words(text_of(find(spec))), reading.variables)
    shape = parse_shape(reading.input.strip(), "--input", reading.layout) if reading.input is not None else None
    if receptive_field is not None:
        refuse(("layer",), "with `--receptive-field`")
        repeats = problem.repeats(receptive_field, shape)
        output.emit(lambda _: report.repeats_document(repeats), lambda: report.repeats_data(repeats))
        sys.exit(int(not repeats.solved))
    sizes = parse_shape((output_size or "").strip(), "--output-size")
    if any(isinstance(size, str) for size in sizes):
        raise click.BadParameter("sizes are numbers", param_hint="--output-size")
    if shape is not None and len(shape) == len(sizes):
        # Sizes alone: how many channels there are makes no difference to them.
        shape = (*shape, "C")
    solution = _solution(problem, shape, sizes, layer)
    output.emit(lambda _: report.solution_document(solution), lambda: report.solution_data(solution))
    sys.exit(int(not solution.solved))


def _solve_let(
    spec: str,
    reading: SpecOptions,
    where: tuple[str, ...],
    options: Options,
    unknown: dict[str, str],
    output: Output,
) -> None:
    """Show the largest value of a let for which conditions hold; where there is none, the exit status is 1."""
    from cnncalc.report import solve as report
    from cnncalc.sources import find, text_of
    from cnncalc.sweep.largest import largest

    refuse(("output_size", "receptive_field", "layer"), "with `--where`")
    if not where:
        raise click.UsageError("`--var NAME=?` needs a condition: --where 'params <= 1M'")
    if len(unknown) != 1:
        raise click.UsageError("`--where` is for one unknown: name the let to find, --var 'width=?'")
    ((name, text),) = unknown.items()
    rest = text.removeprefix("?").strip()
    choices = rest[2:].strip() if rest[:2].lower() == "in" else rest
    asked = {
        "input": reading.shape(),
        "variables": {key: value for key, value in reading.variables.items() if key != name},
        "batch": options.batch,
        "dtype": options.dtype,
    }
    answer = largest(text_of(find(spec)), name, choices, where, asked, spec)
    output.emit(lambda _: report.largest_document(answer), lambda: report.largest_data(answer))
    sys.exit(int(answer.value is None))


def _solution(problem: Any, shape: tuple[Any, ...] | None, sizes: tuple[int, ...], layer: str | None) -> Any:
    if problem.unknowns:
        return problem.number(shape, sizes, layer)
    if shape is None:
        return problem.input_sizes(sizes, layer)
    refuse(("layer",), "here: with an input, the padding is found that gives the last output its size")
    return problem.padding(shape, sizes)
