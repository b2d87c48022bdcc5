"""`cnncalc solve SPEC`: from the output back to the input, a layer's number, or the repeats of a block."""

from __future__ import annotations

import sys
from typing import Any

import click

from cnncalc.cli.command import FIGURES, define_command, option, refuse
from cnncalc.cli.options import page_options, spec_argument, spec_options
from cnncalc.cli.output import Output
from cnncalc.cli.specs import SpecOptions

EXAMPLES = """
cnncalc solve net.cnn --output-size 7x7                           # the input's sizes
cnncalc solve "conv 5x5 s2" --input 32x32 --output-size 16x16     # the paddings
cnncalc solve "conv ?x? s2 p1" --input 32x32 --output-size 16x16  # the kernel
cnncalc solve "(conv 3x3 same | relu) * ?" --receptive-field 64   # the repeats
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
@option("--layer", group=FIGURES, metavar="NAME", help="Layer whose output is meant; without it, the last.")
@page_options()
def command(
    spec: str,
    reading: SpecOptions,
    output_size: str | None,
    receptive_field: int | None,
    layer: str | None,
    output: Output,
) -> None:
    """Solve for the input's size, or for one number of a layer.

    The output's size is given, or a receptive field. A `?` is the number to find: a kernel, stride, padding,
    dilation or count of repeats. Filters may be left out.
    Where nothing solves it, the nearest is shown, and the exit status is 1.

    SPEC is a file (.cnn or .yaml), - for standard input, a name of the zoo, or the network itself.
    """
    from cnncalc.report import solve as report
    from cnncalc.solve import Problem
    from cnncalc.sources import find, in_our_words, parse_shape, text_of

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


def _solution(problem: Any, shape: tuple[Any, ...] | None, sizes: tuple[int, ...], layer: str | None) -> Any:
    if problem.unknowns:
        return problem.number(shape, sizes, layer)
    if shape is None:
        return problem.input_sizes(sizes, layer)
    refuse(("layer",), "here: with an input, the padding is found that gives the last output its size")
    return problem.padding(shape, sizes)
