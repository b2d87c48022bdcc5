"""`cnncalc SPEC`: the figures of a network, in any format."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

import click

from cnncalc.analysis import Options, analyze_graph
from cnncalc.cli.command import CHECKS, COMMANDS, FIGURES, define_command, option, refuse
from cnncalc.cli.errors import from_options, report_exceeded, warn
from cnncalc.cli.limits import judged, parsed
from cnncalc.cli.options import (
    deployment_options,
    figure_options,
    limits_option,
    source_options,
    spec_argument,
    table_options,
)
from cnncalc.cli.output import Output
from cnncalc.cli.specs import SpecOptions
from cnncalc.diagnostics import SpecError
from cnncalc.figures.training import OPTIMIZERS
from cnncalc.spelling import nearest

if TYPE_CHECKING:
    from cnncalc.analysis import Analysis
    from cnncalc.figures.roofline import Device
    from cnncalc.graph import Graph
    from cnncalc.query.conditions import Condition, Outcome
    from cnncalc.report.document import Block, Column, Document
    from cnncalc.report.options import RenderOptions

#: The options that choose rows and columns of the table.
ROWS = ("columns", "depth", "sort", "top", "units")

EXAMPLES = """
cnncalc "input 5x5x3 | conv 3x3 s1 valid x2"
cnncalc "conv3x3s1p0:16,pool2" --input 32x32x3
cnncalc resnet50 --depth 1
cnncalc resnet50 --top 5 macs
cnncalc net.cnn --format json | jq .totals.params
cnncalc net.cnn --fail-if "params > 5M" --fail-if "peak > 256KiB"
cnncalc net.cnn --deploy int8 --fit ram=256KiB,flash=1MiB
cnncalc model.onnx --dim batch=1
cat net.cnn | cnncalc -
"""


@define_command("calc", EXAMPLES, no_args_is_help=True)
@spec_argument("spec")
@source_options()
@figure_options(every_convention=True)
@deployment_options()
@option(
    "--optimizer",
    group=FIGURES,
    type=click.Choice(list(OPTIMIZERS)),
    default="sgd",
    metavar="NAME",
    help="Optimizer in the memory of training",
)
@option(
    "--peak",
    group=FIGURES,
    metavar="RATE",
    help="With --bandwidth, mark each layer compute or memory bound: 10TFLOP/s, or by type "
    "float32=10TFLOP/s,int8=40TOP/s.",
)
@option("--bandwidth", group=FIGURES, metavar="RATE", help="What the memory moves at most: 900GB/s.")
@option(
    "--memory",
    group=FIGURES,
    is_flag=True,
    help="Show what is live while each layer runs, and every memory figure.",
)
@option(
    "--train",
    group=FIGURES,
    is_flag=True,
    help="With --memory, show what each layer keeps for the backward pass, too.",
)
@option(
    "--get",
    "paths",
    group=FIGURES,
    multiple=True,
    metavar="PATH",
    help="Write one figure alone: totals.params, conv1.output_shape; may be repeated.",
)
@limits_option()
@option(
    "--fit",
    group=CHECKS,
    metavar="MEMORY=N,…",
    help="With --deploy, what the device has: ram=256KiB,flash=1MiB; exit with 3 where that is too little.",
)
@option("--watch", is_flag=True, help="Draw again whenever the file changes, until Ctrl-C.")
@option("--roofline", metavar="FILE", help="Write the roofline as a picture too, in SVG.")
@table_options()
def command(
    spec: str,
    reading: SpecOptions,
    options: Options,
    every_convention: bool,
    memory: bool,
    train: bool,
    paths: tuple[str, ...],
    conditions: tuple[str, ...],
    fit: str | None,
    peak: str | None,
    bandwidth: str | None,
    roofline: str | None,
    watch: bool,
    output: Output,
) -> None:
    """Calculate the figures of a network, layer by layer.

    They are the output size, parameters, MACs and receptive field, and the totals with the memory that is needed.

    SPEC is a file (.cnn, .yaml, or a model), - for standard input, a name of the zoo, or the network itself.
    Without an input, or with letters in it (HxWx3), sizes and counts are formulas; --at H=224,W=224 gives numbers
    for the letters.
    """
    _refuse_combinations(every_convention, options.deploy, memory, paths, conditions, output)
    with from_options():
        limits = _limits(conditions, fit)
        options = options._replace(device=_device(peak, bandwidth, roofline))
    # What lives when, a limit, and what is more than what depend on numbers.
    letters = not (memory or conditions or fit or options.deploy or options.device or every_convention)
    letters = letters and not (output.sort or output.top)

    def calculate() -> None:
        try:
            graph = reading.load(spec, output, letters)
        except SpecError as error:
            _suggest_command(spec, error)
            raise
        if every_convention:
            _compare_conventions(graph, options.batch, output)
            return
        analysis = analyze_graph(graph, options)
        if fit and not analysis.totals.on_device:
            raise click.UsageError("`--fit` is for a network on a device: add `--deploy int8`, or another type")
        if options.device:
            _ = analysis.options.roof  # raises where no peak is given for the type
        with from_options():
            outcomes = judged(limits, analysis)
            if paths:
                output.write(_figures(paths, analysis, output))
            elif memory and output.format != "json":
                _show_memory(analysis, train, output)
            else:
                shown = _without_warnings(analysis) if output.quiet and output.format == "table" else analysis
                _show_layers(
                    shown, _more(memory, train, analysis, outcomes, output.depth), outcomes[len(conditions) :], output
                )
        if analysis.incomplete and (paths or limits):
            from cnncalc.report.columns import uncounted

            warn(uncounted(analysis.incomplete), output)
        if roofline is not None:
            from cnncalc.cli.output import write_whole
            from cnncalc.report.roofline import roofline_svg

            write_whole(roofline, roofline_svg(analysis))
        report_exceeded([("", outcome) for outcome in outcomes], output)

    if not watch:
        calculate()
        return
    refuse(("file",), "with `--watch`, which draws on the terminal")
    from cnncalc.cli.watch import watch_file

    watch_file(spec, calculate, output, options)


def _refuse_combinations(
    every_convention: bool,
    deploy: str | None,
    memory: bool,
    paths: tuple[str, ...],
    conditions: tuple[str, ...],
    output: Output,
) -> None:
    """Refuse options that have no effect in combination with others."""
    if deploy is not None:
        refuse(("train", "optimizer"), "with `--deploy`: a device does not train")
    if every_convention:
        reason = "with `--convention all`, which shows the totals of MACs alone"
        refuse(("memory", "train", "paths", "conditions", "fit", "deploy", "in_place"), reason)
        refuse(("peak", "bandwidth", "roofline", *ROWS, "dtype", "optimizer", "layout"), reason)
    if paths:
        refuse(("memory", "train", *ROWS, "width"), "with `--get`, which writes single values")
        if output.format not in ("table", "json"):
            raise click.UsageError(f"`--get` writes values as they are, or as JSON, not as {output.format}")
        refuse(("peak", "bandwidth"), "with `--get`, which writes single values")
    elif memory:
        refuse(("columns", "layout", "peak", "bandwidth"), "with `--memory`, which has columns of its own")
        refuse(("sort", "top", "units"), "with `--memory`, which has an order and units of its own")
    else:
        refuse(("train",), "without `--memory`")
        if not conditions and output.format != "json":
            refuse(("optimizer",), "without `--memory` or JSON")


def _device(peak: str | None, bandwidth: str | None, roofline: str | None) -> Device | None:
    """Return the device of `--peak` and `--bandwidth`; raises `click.UsageError` if only one is given."""
    if peak is None and bandwidth is None:
        if roofline is not None:
            raise click.UsageError("`--roofline` has no effect without `--peak` and `--bandwidth`")
        return None
    if peak is None or bandwidth is None:
        given, missing = ("--peak", "--bandwidth 900GB/s") if bandwidth is None else ("--bandwidth", "--peak 10TFLOP/s")
        raise click.UsageError(f"`{given}` has no effect by itself: add `{missing}`")
    from cnncalc.figures.roofline import Device
    from cnncalc.query.rates import parse_bandwidth, parse_peak

    return Device(parse_peak(peak), parse_bandwidth(bandwidth))


def _suggest_command(spec: str, error: SpecError) -> None:
    """Name the command in the error's help if the whole spec is one unknown word similar to it."""
    first, *more = error.diagnostics
    if first.code != "E101" or first.span is None or not first.span.text == spec.strip() == first.span.source.text:
        return
    near = nearest(spec, COMMANDS, cutoff=0.7)
    if near is not None:
        error.diagnostics = (first._replace(help=f"write `cnncalc {near}`"), *more)


def _show_layers(analysis: Analysis, more: dict[str, object], fits: list[Outcome], output: Output) -> None:
    """Write the table of the layers, with how they fit a device; JSON also has the keys of `more`."""
    options = analysis.options

    def table(shown: RenderOptions) -> Document:
        from cnncalc.report.network import network_document  # JSON needs no document

        folding = output.format == "html"
        document = network_document(analysis, columns(), output.layout, output.selection(), shown.most_rows, folding)
        more: list[Block] = []
        if options.device:
            from cnncalc.report.roofline import roofline_blocks

            more += roofline_blocks(analysis, shown.width)
        if fits:
            from cnncalc.report.deployment import fit_notes

            more.append(fit_notes(fits, analysis))
        return document._replace(blocks=(*document.blocks, *more))

    def rows() -> Document:
        from cnncalc.report.network import layers_document

        shown = columns("all" if output.format == "csv" else None)
        return layers_document(analysis, shown, output.layout, output.selection())

    def columns(default: str | None = None) -> tuple[Column, ...]:
        chosen = output.chosen(default, options)
        if not options.device:
            return chosen
        from cnncalc.report.roofline import bound_columns

        return (*chosen, *bound_columns(analysis))

    def data() -> dict[str, object]:
        whole = analysis.to_dict(output.depth) | more
        if output.sort or output.top:
            whole["layers"] = [line.to_dict() for line in output.selection().lines(analysis.rows)]
        return whole

    if output.format == "html":
        from cnncalc.report.page import network_page

        title = analysis.graph.name or output.stem or "cnncalc"
        output.write(network_page(analysis, table(output.render_options()), title))
        return
    output.emit(table, data, rows)


def _compare_conventions(graph: Graph, batch: int, output: Output) -> None:
    from cnncalc.report.conventions import comparison_data, comparison_document

    output.emit(lambda _: comparison_document(graph, batch), lambda: comparison_data(graph, batch))


def _limits(conditions: tuple[str, ...], fit: str | None) -> list[Condition]:
    """Return the conditions of `--fail-if`, then those of `--fit`, which are read before any calculation."""
    if fit is None:
        return parsed(conditions)
    from cnncalc.query.conditions import parse_fit

    return [*parsed(conditions), *parse_fit(fit)]


def _figures(paths: tuple[str, ...], analysis: Analysis, output: Output) -> str:
    """Return the figures of `--get`, one per line: as text, or each as JSON."""
    from cnncalc.query.paths import find_all

    figures = find_all(paths, analysis)
    if output.format != "json":
        return "".join(figure.text(output.layout) + "\n" for figure in figures)
    from json import dumps

    return "".join(dumps(figure.value, ensure_ascii=False) + "\n" for figure in figures)


def _show_memory(analysis: Analysis, train: bool, output: Output) -> None:
    """Write the timeline of `--memory`, with `--train` also what is kept for the backward pass."""
    from cnncalc.report.memory import memory_data, memory_document, timeline_document

    output.emit(
        lambda options: memory_document(analysis, output.depth, train, options.most_rows),
        lambda: memory_data(analysis, output.depth, train),
        lambda: timeline_document(analysis, output.depth, train),
    )


def _more(
    memory: bool, train: bool, analysis: Analysis, outcomes: list[Outcome], depth: int | None
) -> dict[str, object]:
    """Return the keys that JSON has only on request."""
    more: dict[str, object] = {}
    if memory:
        from cnncalc.report.memory import memory_data

        more["memory"] = memory_data(analysis, depth, train)
    if analysis.options.device:
        from cnncalc.report.roofline import roofline_data

        more["roofline"] = roofline_data(analysis, depth)
    if outcomes:
        more["budgets"] = [outcome.to_dict() for outcome in outcomes]
    return more


def _without_warnings(analysis: Analysis) -> Analysis:
    quiet = copy(analysis)
    quiet.warnings = ()
    return quiet
