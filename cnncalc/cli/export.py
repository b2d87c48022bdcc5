"""`cnncalc export SPEC --to FORMAT`: a network as framework code, as a model file, or as a spec."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from cnncalc.analysis import Options
from cnncalc.cli.output import Output, announce, at_option, fail, input_shape, model_options, spec_options
from cnncalc.diagnostics import SpecError
from cnncalc.writers import FORMATS, export

_FORMATS = "; ".join(f"{name}: {form.title}" for name, form in FORMATS.items()) + "."


@click.command("export", no_args_is_help=True)
@click.argument("spec")
@click.option("--to", required=True, type=click.Choice(list(FORMATS)), help=_FORMATS)
@spec_options
@at_option
@model_options
@click.option("-o", "--output", "file", type=click.Path(), metavar="FILE", help="Write there, whole or not at all.")
def command(
    spec: str,
    to: str,
    input: str | None,
    variables: dict[str, Any],
    at: dict[str, int],
    dims: dict[str, int],
    strict: bool,
    file: str | None,
) -> None:
    """Write a network as code that trains, as a model file, or as a spec.

    \b
    cnncalc export net.cnn --to pytorch -o net.py
    cnncalc export "input 32x32x3 | conv 3x3 x8 | relu" --to keras
    cnncalc export resnet50 --to onnx -o resnet50.onnx
    cnncalc export model.onnx --to cnn

    What the framework has no words for is an error that names the layer, and nothing is written.

    SPEC is a file (.cnn, .yaml, or a model), - for standard input, a name of the zoo, or the network itself.
    """
    from cnncalc.language.inputs import LetterMode
    from cnncalc.sources import find, load_source
    from cnncalc.writers.sharing import with_own_vectors

    output, options = Output("table", file), Options()
    if FORMATS[to].binary and file is None and sys.stdout.isatty():
        raise click.UsageError(f"{to} is no text for a terminal: add -o net{FORMATS[to].suffix}")
    shape = input_shape(input, output, options)
    try:
        announce(spec, output)
        source = find(spec)
        graph = load_source(source, shape, variables, dims, strict, LetterMode(at=at))
        # A file's network goes by its file's name, unless it says one itself.
        name = None if source.name.startswith("<") else os.path.splitext(os.path.basename(source.name))[0]
        graph, more = with_own_vectors(graph._replace(name=graph.name or name))
        written = export(graph, to)
    except SpecError as error:
        fail(error, output, options)
    if more:
        what = "norms and biases that the file stores once for several layers are each layer's own"
        click.echo(f"warning: {what}: {more:,} numbers more than the file has", err=True)
    output.write(written)
