"""`cnncalc SPEC`: the figures of a network, in any format."""

from __future__ import annotations

from typing import Any

import click

from cnncalc.analysis import Options, analyze_graph
from cnncalc.cli import COMMANDS
from cnncalc.cli.output import Output, at_option, fail, output_options, spec_options
from cnncalc.diagnostics import SpecError, nearest
from cnncalc.figures.memory import DTYPES


@click.command("calc", no_args_is_help=True)
@click.argument("spec")
@spec_options
@click.option(
    "--batch",
    type=click.IntRange(1, 10**9 - 1),
    default=1,
    metavar="N",
    help="Samples at once: MACs and activations scale.",
)
@click.option("--dtype", type=click.Choice(list(DTYPES)), default="float32", help="Type of weights and activations.")
@at_option
@output_options
def command(
    spec: str,
    input: str | None,
    variables: dict[str, Any],
    batch: int,
    dtype: str,
    at: dict[str, int],
    output: Output,
) -> None:
    """Calculate a network: output size, parameters, MACs and receptive field of every layer.

    \b
    cnncalc "input 5x5x3 | conv 3x3 s1 valid x2"
    cnncalc "conv3x3s1p0:16,pool2" --input 32x32x3
    cnncalc net.cnn --format json | jq .totals.params

    SPEC is a file (.cnn, .yaml), - for standard input, or the network itself. Without an input, or with letters
    in it (HxWx3), sizes and counts are formulas; --at H=224,W=224 gives numbers for the letters.
    """
    from cnncalc.language.expand import Open
    from cnncalc.sources import find, load_source, parse_shape

    options = Options(batch, dtype)
    try:
        shape = parse_shape(input.strip(), "--input") if input is not None else None
        graph = load_source(find(spec), shape, variables, Open(letters=True, at=at))
    except SpecError as error:
        fail(_as_what(spec, error), output, options)
    output.emit(analyze_graph(graph, options))


def _as_what(spec: str, error: SpecError) -> SpecError:
    """The error with a note on what a lone word was tried as: it may have meant a command or a file."""
    first = error.diagnostics[0]
    if first.code != "E101" or not spec.strip() or any(mark in spec for mark in " |,\n>("):
        return error
    notes = (*first.notes, "tried as a command, as a file (there is none of this name) and as a spec")
    command = nearest(spec, COMMANDS, cutoff=0.7)
    help = f"write `cnncalc {command}`" if command else first.help
    return SpecError([first._replace(notes=notes, help=help), *error.diagnostics[1:]], error.partial)
