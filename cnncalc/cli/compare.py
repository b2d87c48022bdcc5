"""`cnncalc compare SPEC SPEC …`: several networks in one table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from cnncalc.cli.command import FIGURES, define_command, option
from cnncalc.cli.errors import from_options, report_exceeded
from cnncalc.cli.grid import GridPoint, of_model_files, variants
from cnncalc.cli.limits import judged, parsed
from cnncalc.cli.options import (
    FORMATS,
    columns_option,
    deployment_options,
    figure_options,
    limits_option,
    report_options,
    sort_option,
    source_options,
    spec_argument,
    units_option,
)
from cnncalc.cli.output import Output
from cnncalc.cli.specs import SpecOptions, analyze_readings, one_line

if TYPE_CHECKING:
    from cnncalc.analysis import Analysis, Options
    from cnncalc.compare.networks import NetworkRow
    from cnncalc.report.document import Column

EXAMPLES = """
cnncalc compare small.cnn large.cnn
cnncalc compare resnet18 resnet34 mobilenet_v2 --relative
cnncalc compare mobilenet_v2 --var width=0.5,1 --input 224x224x3 --input 288x288x3
cnncalc compare *.cnn --columns network,mparams,gmacs --sort gmacs --format latex
"""


@define_command("compare", EXAMPLES, no_args_is_help=True)
@spec_argument("specs", metavar="SPEC...", nargs=-1, required=True)
@source_options(grid=True)
@figure_options()
@deployment_options()
@option(
    "--relative",
    group=FIGURES,
    is_flag=True,
    help="Show figures as multiples of the first network's.",
)
@limits_option()
@columns_option("network_columns", "cnncalc.report.networks")
@sort_option()
@units_option()
@report_options(*FORMATS)
def command(
    specs: tuple[str, ...],
    reading: SpecOptions,
    options: Options,
    relative: bool,
    conditions: tuple[str, ...],
    network_columns: str | None,
    output: Output,
) -> None:
    """Compare networks in one table, a row each.

    A row has the parameters, MACs, peak memory and receptive field. Where --input or --var has several values, there
    is a row for every combination, and a column for what differs.

    Each SPEC is a file (.cnn, .yaml, or a model), - for standard input, a name of the zoo, or the network itself.
    """
    from cnncalc.report import networks

    with from_options():
        limits = parsed(conditions)
    every = variants(reading)
    rows = _rows(specs, every, options, output)
    outcomes = []
    with from_options():
        for number, row in enumerate(rows):
            of_row = judged(limits, row.analysis)
            rows[number] = row._replace(budgets=tuple(outcome.to_dict() for outcome in of_row))
            outcomes += [(row.title, outcome) for outcome in of_row]
    varied = networks.variable_columns([name for name, values in reading.variables.items() if len(values) > 1])
    default = "all" if output.format == "csv" else None
    columns = networks.chosen(network_columns or default, varied, bool(every[0].input))
    base = rows[0] if relative else None
    rows = _sorted(rows, output, {**networks.COLUMNS, **{column.key: column for column in varied}})
    shown = networks.as_shown(columns, output.units, base, output.layout)
    output.emit(
        lambda _: networks.networks_document(rows, shown, output.layout, base),
        lambda: networks.networks_data(rows, base),
    )
    report_exceeded(outcomes, output)


def _rows(specs: Sequence[str], every: Sequence[GridPoint], options: Options, output: Output) -> list[NetworkRow]:
    """Return a row for each spec in each of its variants."""
    from cnncalc.compare.networks import NetworkRow

    labels = [f"spec {number}" for number in range(1, len(specs) + 1)]
    of_files = of_model_files(every)

    def readings(of_text: bool) -> Mapping[str, SpecOptions]:
        return {each.text: each.reading for each in (every if of_text else of_files)}

    found = analyze_readings(specs, labels, readings, options, output)
    names = _names(specs, [analyses[0] for analyses in found])
    rows = []
    for name, analyses in zip(names, found, strict=True):
        read = every if len(analyses) == len(every) else of_files
        rows += [
            NetworkRow(name, analysis, variant.variables, variant.text)
            for analysis, variant in zip(analyses, read, strict=True)
        ]
    return rows


def _sorted(rows: list[NetworkRow], output: Output, known: Mapping[str, Column]) -> list[NetworkRow]:
    """Return the rows in the order of `--sort`."""
    if not output.sort:
        return rows
    from cnncalc.report.selection import Order

    try:
        return Order.parse(output.sort, known).sort(rows)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--sort") from None


def _names(specs: Sequence[str], analyses: Sequence[Analysis]) -> list[str]:
    """Return a name for each network: its own in the spec if that is unique, else the spec as written."""
    given = [one_line(analysis.graph.name or "") for analysis in analyses]
    count = Counter(given)
    return [name if name and count[name] == 1 else one_line(spec) for name, spec in zip(given, specs, strict=True)]
