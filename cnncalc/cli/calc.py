"""`cnncalc SPEC`: the figures of a network, in any format."""

from __future__ import annotations

import sys
from typing import Any

import click

from cnncalc.analysis import Options, analyze_graph
from cnncalc.cli import COMMANDS
from cnncalc.cli.output import Output, fail, figure_options, model_options, output_options, spec_options
from cnncalc.diagnostics import SpecError, nearest
from cnncalc.figures.cost import DEFAULT_CONVENTION
from cnncalc.graph import Graph

#: In place of a convention: all of them, side by side.
EVERY_CONVENTION = "all"


@click.command("calc", no_args_is_help=True)
@click.argument("spec")
@spec_options
@model_options
@figure_options(EVERY_CONVENTION)
@output_options
def command(
    spec: str,
    input: str | None,
    variables: dict[str, Any],
    dims: dict[str, int],
    strict: bool,
    batch: int,
    dtype: str,
    convention: str,
    output: Output,
) -> None:
    """Calculate a network: output size, parameters, MACs and receptive field of every layer.

    \b
    cnncalc "input 5x5x3 | conv 3x3 s1 valid x2"
    cnncalc "conv3x3s1p0:16,pool2" --input 32x32x3
    cnncalc net.cnn --format json | jq .totals.params
    cnncalc model.onnx --dim batch=1

    SPEC is a file (.cnn, .yaml, or a model: .onnx), - for standard input, a name of the zoo, or the network itself.
    """
    from cnncalc.sources import find, load_source, parse_shape

    every = convention == EVERY_CONVENTION
    if every and (output.columns is not None or output.depth is not None):
        raise click.UsageError("--columns and --depth are for rows of layers; `--convention all` shows totals alone")
    options = Options(batch, dtype, DEFAULT_CONVENTION if every else convention)
    try:
        shape = parse_shape(input.strip(), "--input") if input is not None else None
        graph = load_source(find(spec), shape, variables, dims, strict)
    except SpecError as error:
        fail(_or_a_command(spec, error), output, options)
    if every:
        _compare_conventions(graph, batch, output)
    else:
        output.emit(analyze_graph(graph, options))


def _compare_conventions(graph: Graph, batch: int, output: Output) -> None:
    from cnncalc.report import conventions as report

    if output.format == "json":
        output.write(report.comparison_json(graph, batch))
        return
    sheet = report.comparison_sheet(graph, batch)
    if output.format == "table":
        output.write(report.comparison_text(sheet, output.look(sys.stdout, piped=output.file is not None)))
    else:
        output.write(output.render_sheet(sheet))


def _or_a_command(spec: str, error: SpecError) -> SpecError:
    """The error with the command in its help that an unknown word, all of the spec, is near to."""
    first, *more = error.diagnostics
    command = nearest(spec, COMMANDS, cutoff=0.7) if first.code == "E101" and first.span else None
    if command is None or first.span is None or first.span.source.text != spec or first.span.text != spec.strip():
        return error
    return SpecError([first._replace(help=f"write `cnncalc {command}`"), *more], error.partial)
