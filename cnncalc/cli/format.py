"""`cnncalc format SPEC…`: specs in their canonical form."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

import click

from cnncalc.cli.command import CHECKS, define_command, option
from cnncalc.cli.options import file_option, quiet_option, spec_argument
from cnncalc.cli.output import Output, write_whole
from cnncalc.cli.specs import one_line
from cnncalc.diagnostics import Diagnostic, Problems, Source, SpecError

if TYPE_CHECKING:
    from cnncalc.language.nodes import Spec
    from cnncalc.sources import TextOrModel

FORMS = ("cnn", "yaml")
#: The form that the suffix of an output file asks for.
FORM_OF_SUFFIX = {".cnn": "cnn", ".txt": "cnn", ".yaml": "yaml", ".yml": "yaml"}

#: What a text is: `auto` decides by itself whether it is code.
TEXTS = ("auto", "code")

EXAMPLES = """
cnncalc format "CONV3X3s1p0:16,maxpool2"
cnncalc format -w *.cnn
cnncalc format --check --diff *.cnn
cnncalc format net.cnn -o net.yaml
cnncalc format "nn.Conv2d(3, 16, 3, padding=1)"
"""


def form_of(name: str) -> str | None:
    """Return the form that a file's suffix denotes, or None."""
    return FORM_OF_SUFFIX.get(os.path.splitext(name)[1].lower())


class RequestedForm(NamedTuple):
    """The requested form: that of `--to`, compact or not, whether files are rewritten in place, and the `-o` file."""

    to: str | None
    compact: bool
    in_place: bool
    file: str | None

    def form(self, own: str) -> str:
        """Return the form to write for a source of one form; raises `click.UsageError` if options conflict."""
        form = self.to or form_of(self.file or "") or own
        if self.compact and form == "yaml":
            raise click.UsageError("--compact is a form of text: add --to cnn")
        if self.in_place and form != own:
            raise click.UsageError(f"a file of {own} stays one: write {form} with --to {form} -o FILE")
        return form


class Formatted(NamedTuple):
    """A spec and its canonical form: the source, its nodes, the style, and both texts."""

    source: Source
    nodes: Spec
    style: RequestedForm
    before: str
    after: str


@define_command("format", EXAMPLES, no_args_is_help=True)
@spec_argument("specs", metavar="SPEC...", nargs=-1, required=True)
@option("--check", group=CHECKS, is_flag=True, help="Write nothing; name each that would change, and exit with 1.")
@option("--diff", "show_diff", group=CHECKS, is_flag=True, help="Write what would change, as a unified diff.")
@option(
    "--from",
    "origin",
    type=click.Choice(TEXTS),
    metavar="FORM",
    default="auto",
    help="What SPEC is; auto recognizes code.",
)
@option("--to", type=click.Choice(FORMS), metavar="FORM", help="Form to write, in place of that of the file or of -o")
@option("--compact", is_flag=True, help="Write words glued together, on one line: conv3x3s2:64,relu,pool2.")
@option("-w", "--write", "in_place", is_flag=True, help="Rewrite each file, whole or not at all.")
@file_option("form")
@quiet_option()
def command(
    specs: tuple[str, ...],
    check: bool,
    show_diff: bool,
    origin: str,
    to: str | None,
    compact: bool,
    in_place: bool,
    output: Output,
) -> None:
    """Write specs in their canonical form.

    There is one way for everything within a line. Line breaks, blank lines and comments stay; a line of over 100
    characters is broken. What calculates to an error is not formatted: it is reported, and left as it is.

    SPEC is a file (.cnn or .yaml), - for standard input, a name of the zoo, or the network itself. Several are files.
    Code of PyTorch or Keras, or what print(model) shows, is written as the spec that it comes to.
    """
    shown = "--check" if check else "--diff" if show_diff else None
    _refuse_combinations(specs, shown, in_place, output)
    style = RequestedForm(to, compact, check or show_diff or in_place, output.file)
    errors: list[SpecError] = []
    failed = differs = False
    for spec in specs:
        try:
            formatted = _format(spec, style, origin, alone=len(specs) == 1)
        except SpecError as error:
            errors.append(error)
            continue
        changed = formatted.after != formatted.before
        differs |= changed
        if show_diff:
            output.write(_difference(formatted))
        if check:
            if changed and not output.quiet:
                name = formatted.source.name
                click.echo(f"`{name}` is not in canonical form: `cnncalc format` would change it", err=True)
        elif in_place:
            try:
                if changed:
                    _refuse_to_lose_comments(formatted)
                    write_whole(spec, formatted.after)
            except click.ClickException as error:
                error.show()
                failed = True
        elif not show_diff:
            if _is_same_file(spec, output.file):
                _refuse_to_lose_comments(formatted)
            output.write(formatted.after)
    if errors:
        raise SpecError([each for error in errors for each in error.diagnostics])
    if failed or (check and differs):
        sys.exit(1)


def _refuse_combinations(specs: tuple[str, ...], shown: str | None, in_place: bool, output: Output) -> None:
    """Refuse options that conflict, and several specs that are not files."""
    if (shown is not None) + in_place + (output.file is not None) > 1:
        raise click.UsageError(f"{shown or '--check'}, --write and --output exclude one another")
    missing = [spec for spec in specs if not os.path.isfile(spec)]
    if len(specs) > 1:
        if output.file is not None:
            raise click.UsageError("--output is for one SPEC: --write rewrites each file")
        if missing == list(specs):
            whole = " ".join(specs)
            raise click.UsageError(f'several SPECs are files, and none of these is one: quote a spec, "{whole}"')
        if "-" in specs:
            raise click.UsageError("several SPECs are files: standard input stands alone")
    elif in_place and missing:
        raise click.UsageError(f"--write needs a file to rewrite, and `{missing[0]}` is none")


def _format(spec: str, style: RequestedForm, origin: str, alone: bool) -> Formatted:
    """Return a spec in its canonical form; raises `SpecError` for errors in it."""
    from cnncalc.sources import as_code, find, language_of_code, read_file, text_of

    source = find(spec) if alone else read_file(spec)
    if origin == "code" and isinstance(source, Source):
        source = as_code(source)
    if language_of_code(source) is not None:
        return _format_code(source, style)
    text = text_of(source)
    own = form_of(text.name) or "cnn"
    nodes, after = _formatted(text, own, style.form(own), style.compact)
    # Text on the command line has no last line to end.
    before = text.text.rstrip("\n") + "\n" if text.name == "<spec>" else text.text
    return Formatted(text, nodes, style, before, after)


def _format_code(code: TextOrModel, style: RequestedForm) -> Formatted:
    """Return the spec that code comes to; sizes that it leaves open are letters."""
    from cnncalc.language.inputs import LetterMode
    from cnncalc.sources import load_source
    from cnncalc.writers.cnn import write_spec

    if style.in_place:
        raise click.UsageError("--check, --diff and --write are for specs: write what code comes to with -o FILE")
    text = write_spec(load_source(code, left_open=LetterMode(letters=True)))
    nodes, after = _formatted(Source("<spec>", text), "cnn", style.form("cnn"), style.compact)
    return Formatted(Source(code.name, text), nodes, style, text, after)


def _formatted(source: Source, own: str, form: str, compact: bool) -> tuple[Spec, str]:
    """Return the nodes of a source and its canonical text; raises `SpecError` for errors in it."""
    from cnncalc.language.meant import as_meant
    from cnncalc.language.tokens import MAX_TEXT

    try:
        spec, text = as_meant(source, lambda meant: _written(meant, own, form, compact))
    except RecursionError:
        # As in `load_source`: each kind of nesting has its limit, all of them together are too much.
        raise SpecError([Diagnostic("E005", f"`{source.name}` is nested too deeply")]) from None
    if len(text) > MAX_TEXT:
        # Spaces and indents took it over the limit that it had kept to.
        message = f"the canonical text of `{source.name}` is longer than {MAX_TEXT:,} characters"
        raise SpecError([Diagnostic("E005", message, help="write repeated layers once, with `* count`")])
    return spec, text


def _written(source: Source, own: str, form: str, compact: bool) -> tuple[Spec, str]:
    problems = Problems()
    if own == "yaml":
        from cnncalc.language.yaml import parse_yaml

        spec = parse_yaml(source, problems)
    else:
        from cnncalc.language.parse import parse

        spec = parse(source, problems)
    _refuse_errors(spec, problems)
    if form == "yaml":
        from cnncalc.language.write_yaml import write_yaml

        return spec, write_yaml(spec, problems)
    from cnncalc.language.write import write

    return spec, write(spec, problems, source if own == "cnn" else None, compact)


def _refuse_errors(spec: Spec, problems: Problems) -> None:
    """Raise `SpecError` with the errors of calculating the spec, except for a missing input or a `?`."""
    from cnncalc.language.build import build_graph
    from cnncalc.language.inputs import LetterMode
    from cnncalc.solve.unknowns import unknowns

    unsolved = next(unknowns(spec), None) is not None
    try:
        build_graph(spec, problems, left_open=LetterMode(letters=True, unknown=1 if unsolved else None))
    except SpecError as error:
        # Without the number of a `?` there are no sizes.
        errors = [each for each in error.diagnostics if not (unsolved and each.layer)]
        if errors:
            raise SpecError(errors) from None
        problems.diagnostics.clear()


def _is_same_file(spec: str, file: str | None) -> bool:
    return file is not None and os.path.isfile(spec) and os.path.exists(file) and os.path.samefile(spec, file)


def _difference(formatted: Formatted) -> str:
    """Return the changes that formatting makes as a unified diff; it is empty if there are none."""
    from difflib import unified_diff

    name = one_line(formatted.source.name)
    lines = unified_diff(_lines(formatted.before), _lines(formatted.after), name, name)
    no_end = "\n\\ No newline at end of file\n"
    return "".join(line if line.endswith("\n") else line + no_end for line in lines)


def _lines(text: str) -> list[str]:
    """Return the lines with their ends; `splitlines` would also split at characters that a comment may contain."""
    *lines, rest = text.split("\n")
    return [*(f"{line}\n" for line in lines), *([rest] if rest else [])]


def _refuse_to_lose_comments(formatted: Formatted) -> None:
    """Raise if a rewrite would drop comments: those of YAML are not read, and one line has no room for them."""
    source, style = formatted.source, formatted.style
    own = form_of(source.name) or "cnn"
    # A `#` begins a comment, but for one in the name.
    comments = source.text.count("#") > (formatted.nodes.name or "").count("#")
    if comments and (style.compact or "yaml" in (own, style.form(own))):
        way_out = "-o FILE" if style.compact else "--to cnn -o FILE"
        raise click.ClickException(f"cannot rewrite `{source.name}`: its comments would be lost; use `{way_out}`")
