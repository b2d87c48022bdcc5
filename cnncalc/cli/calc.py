"""`cnncalc SPEC`: the figures of a network, in any format."""

from __future__ import annotations

from typing import Any

import click

from cnncalc.analysis import Options, analyze_graph
from cnncalc.cli import COMMANDS
from cnncalc.cli.output import Output, fail, figure_options, model_options, output_options, spec_options
from cnncalc.diagnostics import SpecError, nearest


@click.command("calc", no_args_is_help=True)
@click.argument("spec")
@spec_options
@model_options
@figure_options
@output_options
def command(
    spec: str,
    input: str | None,
    variables: dict[str, Any],
    dims: dict[str, int],
    strict: bool,
    batch: int,
    dtype: str,
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

    options = Options(batch, dtype)
    try:
        shape = parse_shape(input.strip(), "--input") if input is not None else None
        graph = load_source(find(spec), shape, variables, dims, strict)
    except SpecError as error:
        fail(_or_a_command(spec, error), output, options)
    output.emit(analyze_graph(graph, options))


def _or_a_command(spec: str, error: SpecError) -> SpecError:
    """The error with the command in its help that an unknown word, all of the spec, is near to."""
    first, *more = error.diagnostics
    command = nearest(spec, COMMANDS, cutoff=0.7) if first.code == "E101" and first.span else None
    if command is None or first.span is None or first.span.source.text != spec or first.span.text != spec.strip():
        return error
    return SpecError([first._replace(help=f"write `cnncalc {command}`"), *more], error.partial)
