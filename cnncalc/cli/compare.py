"""`cnncalc compare SPEC SPEC …`: several networks in one table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnncalc.cli.command import define_command
from cnncalc.cli.options import (
    FORMATS,
    columns_option,
    deployment_options,
    figure_options,
    report_options,
    source_options,
    spec_argument,
)
from cnncalc.cli.output import Output
from cnncalc.cli.specs import SpecOptions, analyze_all, one_line

if TYPE_CHECKING:
    from cnncalc.analysis import Analysis, Options

EXAMPLES = """
cnncalc compare small.cnn large.cnn
cnncalc compare resnet18 resnet34 mobilenet_v2
cnncalc compare *.cnn --columns +flops --format latex
"""


@define_command("compare", EXAMPLES, no_args_is_help=True)
@spec_argument("specs", metavar="SPEC...", nargs=-1, required=True)
@source_options()
@figure_options()
@deployment_options()
@columns_option("network_columns", "cnncalc.report.networks")
@report_options(*FORMATS)
def command(
    specs: tuple[str, ...], reading: SpecOptions, options: Options, network_columns: str | None, output: Output
) -> None:
    """Compare networks in one table, a row each.

    A row has the parameters, MACs, peak memory and receptive field.

    Each SPEC is a file (.cnn, .yaml, or a model), - for standard input, a name of the zoo, or the network itself.
    """
    from cnncalc.compare.networks import NetworkRow
    from cnncalc.report import networks
    from cnncalc.report.columns import choose

    labels = [f"spec {number}" for number in range(1, len(specs) + 1)]
    analyses = analyze_all(specs, labels, reading, options, output)
    rows = [NetworkRow(*each) for each in zip(_names(specs, analyses), analyses, strict=True)]
    default = "all" if output.format == "csv" else None
    columns = choose(network_columns or default, networks.COLUMNS, networks.DEFAULT)
    output.emit(
        lambda _: networks.networks_document(rows, columns, output.layout), lambda: networks.networks_data(rows)
    )


def _names(specs: Sequence[str], analyses: Sequence[Analysis]) -> list[str]:
    """Return a name for each network: its own in the spec if that is unique, else the spec as written."""
    given = [one_line(analysis.graph.name or "") for analysis in analyses]
    count = Counter(given)
    return [name if name and count[name] == 1 else one_line(spec) for name, spec in zip(given, specs, strict=True)]
