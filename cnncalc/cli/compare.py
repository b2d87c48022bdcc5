"""`cnncalc compare SPEC SPEC …`: several networks in one table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from cnncalc.analysis import Options
from cnncalc.cli.output import (
    FORMATS,
    Output,
    at_option,
    columns_option,
    figure_options,
    model_options,
    side_by_side_options,
    spec_options,
)
from cnncalc.cli.several import analyses, written

if TYPE_CHECKING:
    from cnncalc.analysis import Analysis


@click.command("compare", no_args_is_help=True)
@click.argument("specs", metavar="SPEC...", nargs=-1, required=True)
@spec_options
@at_option
@model_options
@figure_options()
@columns_option("cnncalc.report.networks")
@side_by_side_options(*FORMATS)
def command(specs: tuple[str, ...], batch: int, dtype: str, convention: str, output: Output, **reading: Any) -> None:
    """Several networks in one table: a row each with parameters, MACs, peak memory and receptive field.

    \b
    cnncalc compare small.cnn large.cnn
    cnncalc compare *.cnn --columns +flops --format latex

    Each SPEC is a file (.cnn, .yaml, or a model), - for standard input, a name of the zoo, or the network itself.
    """
    from cnncalc.compare.networks import NetworkRow
    from cnncalc.report import networks
    from cnncalc.report.columns import choose

    labels = [f"spec {number}" for number in range(1, len(specs) + 1)]
    found = analyses(specs, labels, Options(batch, dtype, convention), output, **reading)
    rows = [NetworkRow(*each) for each in zip(_names(specs, found), found, strict=True)]
    default = "all" if output.format == "csv" else None
    columns = choose(output.columns or default, networks.COLUMNS, networks.DEFAULT)
    output.emit(
        lambda _: networks.networks_document(rows, columns, output.layout), lambda: networks.networks_data(rows)
    )


def _names(specs: Sequence[str], found: Sequence[Analysis]) -> list[str]:
    """What each network is called: the name that its spec gives, where no other has that, else as it was written."""
    given = [written(analysis.graph.name or "") for analysis in found]
    often = Counter(given)
    return [name if name and often[name] == 1 else written(spec) for name, spec in zip(given, specs, strict=True)]
