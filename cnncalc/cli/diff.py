"""`cnncalc diff A B`: two networks side by side."""

from __future__ import annotations

import sys
from typing import Any

import click

from cnncalc.analysis import Options
from cnncalc.cli.output import Output, at_option, figure_options, model_options, side_by_side_options, spec_options
from cnncalc.cli.several import analyses, written


@click.command("diff", no_args_is_help=True)
@click.argument("a")
@click.argument("b")
@spec_options
@at_option
@model_options
@figure_options()
@click.option(
    "--context", type=click.IntRange(0), default=2, metavar="N", help="Layers alike around each that differs."
)
@click.option("--exit-code", is_flag=True, help="Exit with 1 where the networks differ.")
@side_by_side_options("table", "json", "markdown")
def command(
    a: str,
    b: str,
    batch: int,
    dtype: str,
    convention: str,
    context: int,
    exit_code: bool,
    output: Output,
    **reading: Any,
) -> None:
    """Two networks side by side: the layers added, removed and changed, and every total with its change.

    Layers are told by what they are; names do not count.

    \b
    cnncalc diff old.cnn new.cnn
    git show main:net.cnn | cnncalc diff - net.cnn --format markdown

    A and B are each a file (.cnn, .yaml, or a model), - for standard input, a name of the zoo, or the network itself.
    """
    from cnncalc.compare.diff import difference
    from cnncalc.compare.networks import NetworkRow
    from cnncalc.report import difference as report

    before, after = analyses((a, b), ("A", "B"), Options(batch, dtype, convention), output, **reading)
    found = difference(before, after)
    networks = NetworkRow(written(a), before), NetworkRow(written(b), after)
    output.emit(
        lambda _: report.difference_document(found, networks, output.layout, context),
        lambda: report.difference_data(found, networks),
        lambda: report.difference_comment(found, networks, output.layout),
    )
    if exit_code and found:
        sys.exit(1)
