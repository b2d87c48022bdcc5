"""`cnncalc format SPEC`: a spec in its canonical form."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from cnncalc.cli.command import CHECKS, define_command, option
from cnncalc.cli.options import file_option, quiet_option, spec_argument
from cnncalc.cli.output import Output, write_whole
from cnncalc.diagnostics import Diagnostic, Problems, Source, SpecError

if TYPE_CHECKING:
    from cnncalc.language.nodes import Spec

FORMS = ("cnn", "yaml")

EXAMPLES = """
cnncalc format "CONV3X3s1p0:16,maxpool2"
cnncalc format --check net.cnn
cnncalc format --to yaml net.cnn -o net.yaml
"""


@define_command("format", EXAMPLES, no_args_is_help=True)
@spec_argument("spec")
@option("--check", group=CHECKS, is_flag=True, help="Write nothing; exit with 1 where the spec is not in this form.")
@option("--to", type=click.Choice(FORMS), metavar="FORM", help="Form to write, in place of the one of the source")
@option("--compact", is_flag=True, help="Write words glued together, on one line: conv3x3s2:64,relu,pool2.")
@option("-w", "--write", "in_place", is_flag=True, help="Rewrite the file, whole or not at all.")
@file_option()
@quiet_option()
def command(spec: str, check: bool, to: str | None, compact: bool, in_place: bool, output: Output) -> None:
    """Write a spec in its canonical form.

    There is one way for everything within a line. Line breaks, blank lines and comments stay; a line of over 100
    characters is broken.

    SPEC is a file (.cnn or .yaml), - for standard input, a name of the zoo, or the network itself.
    """
    from cnncalc.sources import YAML, find, text_of

    if check + in_place + (output.file is not None) > 1:
        raise click.UsageError("--check, --write and --output exclude one another")
    if in_place and not os.path.isfile(spec):
        raise click.UsageError(f"--write needs a file to rewrite, and `{spec}` is none")
    source = text_of(find(spec))
    own = "yaml" if source.name.lower().endswith(YAML) else "cnn"
    form = to or own
    if compact and form == "yaml":
        raise click.UsageError("--compact is a form of text: add --to cnn")
    if (check or in_place) and form != own:
        raise click.UsageError(f"a file of {own} stays one: write {form} with --to {form} -o FILE")
    nodes, text = _formatted(source, own, form, compact)
    # Text on the command line has no last line to end.
    before = source.text.rstrip("\n") + "\n" if source.name == "<spec>" else source.text
    changed = text != before
    if check:
        if changed and not output.quiet:
            click.echo(f"`{source.name}` is not in canonical form: `cnncalc format` would change it", err=True)
        sys.exit(int(changed))
    if not in_place:
        output.write(text)
    elif changed:
        _refuse_to_lose_comments(source, nodes, form, compact)
        write_whole(spec, text)


def _formatted(source: Source, own: str, form: str, compact: bool) -> tuple[Spec, str]:
    """Return the nodes of a source and its canonical text; raises `SpecError` with what is wrong."""
    from cnncalc.language.tokens import MAX_TEXT

    problems = Problems()
    try:
        if own == "yaml":
            from cnncalc.language.yaml import parse_yaml

            spec = parse_yaml(source, problems)
        else:
            from cnncalc.language.parse import parse

            spec = parse(source, problems)
        if form == "yaml":
            from cnncalc.language.write_yaml import write_yaml

            text = write_yaml(spec, problems)
        else:
            from cnncalc.language.write import write

            text = write(spec, problems, source if own == "cnn" else None, compact)
    except RecursionError:
        # As in `load_source`: each kind of nesting has its limit, all of them together are too much.
        raise SpecError([Diagnostic("E005", f"`{source.name}` is nested too deeply")]) from None
    if len(text) > MAX_TEXT:
        # Spaces and indents took it over the limit that it had kept to.
        message = f"the canonical text of `{source.name}` is longer than {MAX_TEXT:,} characters"
        raise SpecError([Diagnostic("E005", message, help="write repeated layers once, with `* count`")])
    return spec, text


def _refuse_to_lose_comments(source: Source, nodes: Spec, form: str, compact: bool) -> None:
    """Raise where a rewrite would drop comments: those of YAML are not read, and one line has no room for them."""
    # A `#` begins a comment, but for one in the name.
    if (form == "yaml" or compact) and source.text.count("#") > (nodes.name or "").count("#"):
        way_out = "-o FILE" if compact else "--to cnn -o FILE"
        raise click.ClickException(f"cannot rewrite `{source.name}`: its comments would be lost; use `{way_out}`")
