"""`cnncalc export SPEC --to FORMAT`: a network as framework code, as a model file, or as a spec."""

from __future__ import annotations

import os
import sys

import click

from cnncalc.cli.command import define_command, option
from cnncalc.cli.errors import note, warn
from cnncalc.cli.options import file_option, quiet_option, source_options, spec_argument
from cnncalc.cli.output import Output
from cnncalc.cli.specs import SpecOptions, find_source
from cnncalc.writers import FORMATS, export

EXAMPLES = """
cnncalc export net.cnn --to pytorch -o net.py
cnncalc export "input 32x32x3 | conv 3x3 x8 | relu" --to keras
cnncalc export resnet50 -o resnet50.onnx
cnncalc export model.onnx --to cnn
"""


@define_command("export", EXAMPLES, no_args_is_help=True)
@spec_argument("spec")
@source_options()
@option(
    "--to",
    type=click.Choice(list(FORMATS)),
    metavar="FORMAT",
    help="; ".join(f"{name}: {form.title}" for name, form in FORMATS.items()),
)
@file_option("format")
@quiet_option()
def command(spec: str, to: str | None, reading: SpecOptions, output: Output) -> None:
    """Write a network as framework code, an ONNX file or a spec.

    A layer without an equivalent in the framework is an error that names it, and nothing is written.

    SPEC is a file (.cnn, .yaml, or a model), - for standard input, a name of the zoo, or the network itself.
    """
    from cnncalc.writers.sharing import with_own_vectors

    to = to or _format_of(output)
    if FORMATS[to].binary and output.file is None and sys.stdout.isatty():
        raise click.UsageError(f"`{to}` is binary: write it to a file with `-o net{FORMATS[to].suffix}`")
    shape, source = reading.shape(), find_source(spec, output)
    graph = reading.build(source, shape)
    graph, more = with_own_vectors(graph._replace(name=graph.name or _file_name(source.name)))
    written = export(graph, to)
    if more:
        fact = "norms and biases that the file stores once for several layers are each layer's own"
        warn(f"{fact}: {more:,} numbers more than the file has", output)
    output.write(written)


def _format_of(output: Output) -> str:
    """Return the format that the file's suffix denotes, of several the first, with a note on the others.

    Raises `click.UsageError` if there is none.
    """
    file = output.file
    if file is None:
        raise click.UsageError(f"missing `--to`: one of {', '.join(FORMATS)}, or a file by `-o` whose suffix says it")
    suffix = os.path.splitext(file)[1].lower()
    meant = [name for name, form in FORMATS.items() if form.suffix == suffix]
    if len(meant) > 1:
        others = " or ".join(f"`--to {name}`" for name in meant[1:])
        note(f"written for {meant[0]}; for another framework add {others}", output)
    if not meant:
        *known, last = [f"`{suffix}`" for suffix in dict.fromkeys(form.suffix for form in FORMATS.values())]
        ways = f"{', '.join(known)} or {last}"
        raise click.UsageError(f"`{file}` does not say what to write: add `--to`, or write to {ways}")
    return meant[0]


def _file_name(source: str) -> str | None:
    """Return the name of a source without folder and suffix, or None if it is not a file: `<spec>`, `<stdin>`."""
    return None if source.startswith("<") else os.path.splitext(os.path.basename(source))[0]
