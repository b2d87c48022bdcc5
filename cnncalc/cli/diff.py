"""`cnncalc diff A B`: two networks side by side."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from cnncalc.cli.command import CHECKS, define_command, given_options, option, refuse
from cnncalc.cli.options import (
    PAGE_FORMATS,
    deployment_options,
    figure_options,
    report_options,
    source_options,
    spec_argument,
)
from cnncalc.cli.output import Output
from cnncalc.cli.specs import SpecOptions, analyze_all, one_line
from cnncalc.notation import shortened
from cnncalc.report.formats import FORMAT_OF_SUFFIX

if TYPE_CHECKING:
    from cnncalc.analysis import Options

EXAMPLES = """
cnncalc diff old.cnn new.cnn
cnncalc diff resnet18 resnet34 --context 0
cnncalc diff old.cnn new.cnn --draw -o changes.svg
git show main:net.cnn | cnncalc diff - net.cnn --format markdown
"""

#: The formats of a figure, and all suffixes: a figure in LaTeX is TikZ.
FIGURE_FORMATS = ("svg", "tikz")
SUFFIXES = {**FORMAT_OF_SUFFIX, ".svg": "svg", ".tex": "tikz"}


@define_command("diff", EXAMPLES, suffixes=SUFFIXES, no_args_is_help=True)
@spec_argument("a")
@spec_argument("b")
@source_options()
@figure_options()
@deployment_options()
@option("--exit-code", group=CHECKS, is_flag=True, help="Exit with 1 where the networks differ.")
@option(
    "--context",
    type=click.IntRange(0),
    default=2,
    metavar="N",
    help="Equal layers to show around each that differs.",
)
@option("--draw", "drawn", is_flag=True, help="Draw both as one figure, SVG or LaTeX, with what changed marked.")
@report_options(*PAGE_FORMATS, *FIGURE_FORMATS)
def command(
    a: str,
    b: str,
    reading: SpecOptions,
    options: Options,
    exit_code: bool,
    context: int,
    drawn: bool,
    output: Output,
) -> None:
    """Compare two networks layer by layer.

    The report has the layers that were added, removed and changed, and every total with its change. Layers
    are matched by what they are; names do not count.

    A and B are each a file (.cnn, .yaml, or a model), - for standard input, a name of the zoo, or the network itself.
    """
    from cnncalc.compare.diff import difference
    from cnncalc.compare.networks import NetworkRow
    from cnncalc.report import difference as report

    if drawn:
        refuse(("context", "layout", "color", "width"), "with `--draw`")
        if "format" in given_options(click.get_current_context()) and output.format not in FIGURE_FORMATS:
            raise click.UsageError(f"`--draw` writes a figure, not {output.format}: leave `--format` out")
    elif output.format in FIGURE_FORMATS:
        raise click.UsageError(f"`{output.format}` is the format of a figure: add --draw")
    before, after = analyze_all((a, b), ("A", "B"), reading, options, output)
    changes = difference(before, after)
    networks = NetworkRow(one_line(a), before), NetworkRow(one_line(b), after)
    if drawn:
        from cnncalc.cli.draw import write_scene
        from cnncalc.draw.difference import draw_difference

        write_scene(draw_difference(changes, [shortened(each.name, 40) for each in networks]), output)
    else:
        output.emit(
            lambda _: report.difference_document(changes, networks, output.layout, context),
            lambda: report.difference_data(changes, networks),
            lambda: report.difference_comment(changes, networks, output.layout),
        )
    if exit_code and changes:
        sys.exit(1)
