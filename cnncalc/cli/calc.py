"""`cnncalc SPEC`: the figures of a network, in any format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cnncalc.analysis import Options, analyze_graph
from cnncalc.cli import COMMANDS
from cnncalc.cli.output import (
    Output,
    announce,
    at_option,
    exceeded,
    fail,
    figure_options,
    input_shape,
    model_options,
    output_options,
    spec_options,
)
from cnncalc.diagnostics import SpecError, nearest
from cnncalc.figures.cost import DEFAULT_CONVENTION
from cnncalc.figures.training import OPTIMIZERS

if TYPE_CHECKING:
    from cnncalc.analysis import Analysis
    from cnncalc.graph import Graph
    from cnncalc.query.conditions import Condition, Outcome

#: In place of a convention: all of them, side by side.
EVERY_CONVENTION = "all"


@click.command("calc", no_args_is_help=True)
@click.argument("spec")
@spec_options
@at_option
@model_options
@figure_options(EVERY_CONVENTION)
@click.option(
    "--optimizer", type=click.Choice(list(OPTIMIZERS)), default="sgd", help="For the estimate of training's memory."
)
@click.option("--memory", is_flag=True, help="What is live while each layer runs, and every memory figure in words.")
@click.option(
    "--get",
    "paths",
    multiple=True,
    metavar="PATH",
    help="One figure, raw: totals.params, conv1.output_shape; again for more, one a line.",
)
@click.option(
    "--fail-if",
    "conditions",
    multiple=True,
    metavar="CONDITION",
    help="Exit with 3 where it holds: 'params > 5M', 'peak > 256KiB'.",
)
@output_options
def command(
    spec: str,
    input: str | None,
    variables: dict[str, Any],
    at: dict[str, int],
    dims: dict[str, int],
    strict: bool,
    batch: int,
    dtype: str,
    convention: str,
    optimizer: str,
    memory: bool,
    paths: tuple[str, ...],
    conditions: tuple[str, ...],
    output: Output,
) -> None:
    """Calculate a network: output size, parameters, MACs and receptive field of every layer.

    \b
    cnncalc "input 5x5x3 | conv 3x3 s1 valid x2"
    cnncalc "conv3x3s1p0:16,pool2" --input 32x32x3
    cnncalc net.cnn --format json | jq .totals.params
    cnncalc model.onnx --dim batch=1

    SPEC is a file (.cnn, .yaml, or a model), - for standard input, a name of the zoo, or the network itself.
    Without an input, or with letters in it (HxWx3), sizes and counts are formulas; --at H=224,W=224 gives numbers
    for the letters.
    """
    from cnncalc.language.expand import LetterMode
    from cnncalc.sources import find, load_source

    every = convention == EVERY_CONVENTION
    options = Options(batch, dtype, DEFAULT_CONVENTION if every else convention, optimizer)
    _refuse(memory, paths, output)
    if every and (memory or paths or conditions or output.columns is not None or output.depth is not None):
        raise click.UsageError(
            "`--convention all` shows totals alone: name one for --memory, --get, --fail-if, --columns or --depth"
        )
    budgets = _budgets(conditions, output, options)
    # What lives when, a limit, and what is more than what depend on numbers.
    letters = not (memory or conditions or every)
    shape = input_shape(input, output, options)
    try:
        announce(spec, output)
        graph = load_source(find(spec), shape, variables, dims, strict, LetterMode(letters, at))
    except SpecError as error:
        fail(_or_a_command(spec, error), output, options)
    if every:
        _compare_conventions(graph, batch, output)
        return
    analysis = analyze_graph(graph, options)
    try:
        outcomes = _outcomes(budgets, analysis)
        if paths:
            output.write(_figures(paths, analysis, output))
        elif memory and output.format != "json":
            output.write(_memory(analysis, output))
        else:
            output.emit(analysis, _more(memory, analysis, outcomes))
    except SpecError as error:
        fail(error, output, options, status=2)
    if analysis.unknown and (paths or budgets):
        from cnncalc.report.columns import uncounted

        click.echo(f"warning: {uncounted(analysis.unknown)}", err=True)
    exceeded(outcomes, output)


def _compare_conventions(graph: Graph, batch: int, output: Output) -> None:
    from cnncalc.report import conventions as report

    if output.format == "json":
        output.write(report.comparison_json(graph, batch))
        return
    sheet = report.comparison_sheet(graph, batch)
    if output.format == "table":
        output.write(report.comparison_text(sheet, output.report_look()))
    else:
        output.write(output.render_sheet(sheet))


def _refuse(memory: bool, paths: tuple[str, ...], output: Output) -> None:
    """Options that say nothing about one another's reports are refused, not passed over."""
    if paths and memory:
        raise click.UsageError("--get and --memory exclude one another")
    if paths and output.format not in ("table", "json"):
        raise click.UsageError(f"--get writes raw values, or JSON: there is no {output.format} of them")
    if (memory or paths) and output.columns:
        raise click.UsageError(f"--columns is for the table of layers: leave out {'--memory' if memory else '--get'}")


def _budgets(conditions: tuple[str, ...], output: Output, options: Options) -> list[Condition]:
    """The conditions of --fail-if, read before anything is calculated."""
    if not conditions:
        return []
    from cnncalc.query.conditions import parse_conditions

    try:
        return parse_conditions(conditions)
    except SpecError as error:
        fail(error, output, options, status=2)


def _outcomes(budgets: list[Condition], analysis: Analysis) -> list[Outcome]:
    if not budgets:
        return []
    from cnncalc.query.conditions import judge

    return judge(budgets, analysis)


def _figures(paths: tuple[str, ...], analysis: Analysis, output: Output) -> str:
    """The figures of --get, one a line: raw, or each as JSON."""
    from cnncalc.query.paths import find_all

    figures = find_all(paths, analysis)
    if output.format != "json":
        return "".join(figure.text(output.layout) + "\n" for figure in figures)
    from json import dumps

    return "".join(dumps(figure.value, ensure_ascii=False) + "\n" for figure in figures)


def _memory(analysis: Analysis, output: Output) -> str:
    """The timeline of --memory in the output's format."""
    from cnncalc.report.memory import memory_table, memory_text

    if output.format == "table":
        return memory_text(analysis, output.report_look())
    return output.render_sheet(memory_table(analysis, output.depth))


def _more(memory: bool, analysis: Analysis, outcomes: list[Outcome]) -> dict[str, object]:
    """The keys that JSON has on request alone."""
    more: dict[str, object] = {}
    if memory:
        from cnncalc.report.memory import memory_dict

        more["memory"] = memory_dict(analysis)
    if outcomes:
        more["budgets"] = [outcome.to_dict() for outcome in outcomes]
    return more


def _or_a_command(spec: str, error: SpecError) -> SpecError:
    """The error with the command in its help that an unknown word, all of the spec, is near to."""
    first, *more = error.diagnostics
    command = nearest(spec, (*COMMANDS, "help"), cutoff=0.7) if first.code == "E101" and first.span else None
    if command is None or first.span is None or first.span.source.text != spec or first.span.text != spec.strip():
        return error
    meant = "--help" if command == "help" else command
    return SpecError([first._replace(help=f"write `cnncalc {meant}`"), *more], error.partial)
