"""What the commands share: the options for a spec and for its report, and the way out for both results and errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeVar

import click

if TYPE_CHECKING:
    from cnncalc.analysis import Analysis, Options
    from cnncalc.diagnostics import SpecError
    from cnncalc.query.conditions import Outcome
    from cnncalc.report.columns import Column
    from cnncalc.report.datatable import DataTable
    from cnncalc.report.options import RenderOptions

FORMATS = ("table", "json", "csv", "markdown", "latex")
PAGE_FORMATS = ("table", "json", "markdown")
LAYOUTS = ("hwc", "chw")

Command = TypeVar("Command", bound=Callable[..., Any])
Option = Callable[[Any], Any]


class Output(NamedTuple):
    """How and where a report goes."""

    format: str
    file: str | None = None
    columns: str | None = None
    layout: str = "hwc"
    depth: int | None = None
    color: str = "auto"
    width: int | None = None

    def emit(self, analysis: Analysis, more: Mapping[str, object] | None = None) -> None:
        """Write the report; a file is written whole or not at all. `more` are further keys for JSON."""
        self.write(self.render(analysis, more))

    def emit_page(
        self, json: Callable[[], str], markdown: Callable[[], str], text: Callable[[RenderOptions], str]
    ) -> None:
        """Write a page in the format that is wanted, its formulas in ASCII where the stream has no more."""
        from cnncalc.report.document import to_ascii

        look = self.report_look()
        page = json() if self.format == "json" else markdown() if self.format == "markdown" else text(look)
        self.write(page if look.unicode else to_ascii(page))

    def write(self, text: str | bytes) -> None:
        if self.file is not None and self.file != "-":
            write_whole(self.file, text)
        elif isinstance(text, bytes):
            sys.stdout.buffer.write(text)
        else:
            _write(sys.stdout, text)

    def render(self, analysis: Analysis, more: Mapping[str, object] | None = None) -> str:
        if self.format == "json":
            from cnncalc.report.json import to_json

            return to_json(analysis, more)
        if self.format == "table":
            from cnncalc.report.table import to_table

            return to_table(analysis, self.chosen(), self.report_look())
        from cnncalc.report.datatable import layers_table

        columns = self.chosen("all" if self.format == "csv" else None)
        return self.render_sheet(layers_table(analysis, columns, self.layout, self.depth))

    def render_sheet(self, sheet: DataTable) -> str:
        """A sheet in the format, one of csv, markdown and latex."""
        if self.format == "csv":
            from cnncalc.report.csv import to_csv

            return to_csv(sheet)
        if self.format == "markdown":
            from cnncalc.report.markdown import to_markdown

            return to_markdown(sheet)
        from cnncalc.report.latex import to_latex

        return to_latex(sheet)

    def chosen(self, default: str | None = None) -> tuple[Column, ...]:
        from cnncalc.report.columns import choose

        return choose(self.columns or default)

    def report_look(self) -> RenderOptions:
        """What the place of the report can show: standard output, or a file."""
        return self.look(sys.stdout, piped=self.file not in (None, "-"))

    def look(self, stream: Any, piped: bool = False) -> RenderOptions:
        """What the stream can show. What goes to no terminal has no colour and a width of its own."""
        from cnncalc.report.options import RenderOptions

        encoding = "utf-8" if piped else getattr(stream, "encoding", None) or "ascii"
        terminal = not piped and stream is not None and stream.isatty()
        width = self.width or (terminal_width(stream) if terminal else None)
        unicode = encoding.lower().startswith("utf")
        return RenderOptions(width, self.colour(terminal), unicode, self.layout, self.depth)

    def colour(self, terminal: bool) -> bool:
        if self.color != "auto":
            return self.color == "always"
        return terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def columns_option(module: str = "cnncalc.report.columns") -> Option:
    """The option for columns out of those that the module has, by its names `COLUMNS` and `DEFAULT`."""

    def checked(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
        if value is None:
            return None
        from importlib import import_module

        from cnncalc.report.columns import choose

        known = import_module(module)
        try:
            choose(value, known.COLUMNS, known.DEFAULT)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
        return value

    return click.option("--columns", metavar="A,B", callback=checked, help="Which columns; +A adds one; all.")


def _format(formats: tuple[str, ...]) -> Option:
    return click.option("-f", "--format", type=click.Choice(formats), default="table", help="What to write.")


_COLORS = click.Choice(("auto", "always", "never"))
_LOOK_OPTIONS = (
    click.option("--color", type=_COLORS, default="auto", help="When to colour."),
    click.option("--width", type=click.IntRange(20, 1000), metavar="N", help="Width of the table in columns."),
)
_FILE = click.option(
    "-o", "--output", "file", type=click.Path(), metavar="FILE", help="Write there, whole or not at all."
)
_LAYOUT = click.option(
    "--layout", type=click.Choice(LAYOUTS), default="hwc", help="How shapes are written; JSON is hwc."
)
_OUTPUT_OPTIONS = (
    _format(FORMATS),
    _FILE,
    columns_option(),
    click.option("--depth", type=click.IntRange(0, 100), metavar="N", help="Collapse deeper blocks; 0: totals alone."),
    _LAYOUT,
    *_LOOK_OPTIONS,
)
_PAGE_OPTIONS = (_format(PAGE_FORMATS), _FILE, *_LOOK_OPTIONS)


def spec_options(command: Command) -> Command:
    """The options that every command on a spec takes."""
    command = click.option(
        "--input", metavar="HxWxC", help="Shape of the input, for a spec without one or to override it."
    )(command)
    return click.option(
        "--var",
        "variables",
        multiple=True,
        metavar="NAME=VALUE",
        callback=_variables,
        help="Override a let of the spec.",
    )(command)


def at_option(command: Command) -> Command:
    """The option that gives numbers for the letters of an input."""
    return click.option("--at", metavar="H=N,W=N", default="", callback=_numbers, help="Numbers for letters.")(command)


def figure_options(*more_conventions: str) -> Callable[[Command], Command]:
    """The options that figures depend on besides the network; `more_conventions` stand for none that there is."""
    from cnncalc.figures.cost import CONVENTION_SYNONYMS, CONVENTIONS, DEFAULT_CONVENTION
    from cnncalc.figures.memory import DTYPES

    others = [f"{name} (as {convention})" for name, convention in CONVENTION_SYNONYMS.items()]
    named = ", ".join([*CONVENTIONS, *others]) + "".join(f"; or {more}" for more in more_conventions)
    options = (
        click.option(
            "--batch",
            type=click.IntRange(1, 10**9 - 1),
            default=1,
            metavar="N",
            help="Samples at once: MACs and activations scale.",
        ),
        click.option(
            "--dtype", type=click.Choice(list(DTYPES)), default="float32", help="Type of weights and activations."
        ),
        click.option(
            "--convention",
            type=click.Choice([*CONVENTIONS, *CONVENTION_SYNONYMS, *more_conventions]),
            default=DEFAULT_CONVENTION,
            callback=lambda context, option, name: CONVENTION_SYNONYMS.get(name, name),
            metavar="NAME",
            help=f"Whose MACs to count: {named}.",
        ),
    )

    def with_options(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return with_options


def model_options(command: Command) -> Command:
    """The options for a model file."""
    command = click.option("--strict", is_flag=True, help="An unknown operator of a model file is an error.")(command)
    return click.option(
        "--dim",
        "dims",
        multiple=True,
        metavar="NAME=N",
        callback=_symbolic,
        help="Size of a symbolic dimension of a model file.",
    )(command)


def output_options(command: Command) -> Command:
    """The options for a report, gathered into one `output` argument."""

    return _gathered(command, _OUTPUT_OPTIONS)


def side_by_side_options(*formats: str) -> Callable[[Command], Command]:
    """The options for a report on several networks in one of the formats, gathered into one `output` argument."""
    return lambda command: _gathered(command, (_format(formats), _FILE, _LAYOUT, *_LOOK_OPTIONS))


def page_options(command: Command) -> Command:
    """The options for a page of help, gathered into one `output` argument."""
    return _gathered(command, _PAGE_OPTIONS)


def _gathered(command: Command, options: tuple[Option, ...]) -> Command:
    @wraps(command)
    def gathered(**given: Any) -> Any:
        fields = {field: given.pop(field) for field in Output._fields if field in given}
        return command(output=Output(**fields), **given)

    for option in reversed(options):
        gathered = option(gathered)
    return gathered  # type: ignore[return-value]


def input_shape(input: str | None, output: Output, options: Options) -> tuple[int, ...] | None:
    """The shape that --input gives; leaves with status 2 where it is none."""
    if input is None:
        return None
    from cnncalc.diagnostics import SpecError
    from cnncalc.sources import parse_shape

    try:
        return parse_shape(input.strip(), "--input")
    except SpecError as error:
        fail(error, output, options, status=2)


def fail(error: SpecError, output: Output, options: Options, status: int = 1) -> NoReturn:
    """Say what is wrong on standard error, after the table of what comes before it, and exit.

    The status is 1 where the spec is wrong, and 2 where the command line is.
    """
    stream = sys.stderr
    if output.format == "json":
        from cnncalc.report.json import errors_to_json

        _write(stream, errors_to_json(error.diagnostics))
        sys.exit(status)
    terminal = stream is not None and stream.isatty()
    if error.partial is not None and output.format == "table":
        from cnncalc.analysis import analyze_graph
        from cnncalc.report.table import Failure, to_table

        first = next(each for each in error.diagnostics if each.layer is not None)
        layer = " ".join(first.span.text.split()) if first.span else ""
        failure = Failure(first.layer or "", layer if len(layer) < 40 else "")
        _write(
            stream,
            to_table(analyze_graph(error.partial, options), output.chosen(), output.look(stream), failure) + "\n",
        )
    from cnncalc.report.errors import errors_text

    width = output.width or (terminal_width(stream) if terminal else 100)
    _write(stream, errors_text(error.diagnostics, width, output.colour(terminal)))
    sys.exit(status)


def exceeded(outcomes: Sequence[Outcome], output: Output) -> None:
    """Say on standard error which budgets are exceeded, and exit with status 3 where any is."""
    stream = sys.stderr
    colour = output.colour(stream is not None and stream.isatty())
    head = click.style("exceeded", fg="red", bold=True) if colour else "exceeded"
    _write(stream, "".join(f"{head}: {outcome}\n" for outcome in outcomes if outcome.exceeded))
    if any(outcome.exceeded for outcome in outcomes):
        sys.exit(3)


def announce(spec: str, output: Output) -> None:
    """Say whose code a spec such as `torch:module:factory` runs; in JSON mode standard error is for errors alone."""
    from cnncalc.sources import TORCH

    if spec.startswith(TORCH) and output.format != "json":
        click.echo(f"note: running the code of {spec.removeprefix(TORCH)}", err=True)


def write_whole(path: str, text: str | bytes) -> None:
    """Write a file in one step: what was there before stays until all of the new text is on disk."""
    if not path:
        raise click.BadParameter("the name of the file is empty", param_hint="-o")
    data = text.encode("utf-8") if isinstance(text, str) else text
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            # A device or a pipe is written to, not replaced.
            with open(path, "wb") as stream:
                stream.write(data)
            return
        import tempfile

        path = os.path.realpath(path)
        handle, temporary = tempfile.mkstemp(prefix=".cnncalc-", dir=os.path.dirname(path))
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.chmod(temporary, os.stat(path).st_mode & 0o777 if os.path.exists(path) else 0o666 & ~_umask())
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise click.ClickException(f"cannot write `{path}`: {reason}") from None


def terminal_width(stream: Any) -> int:
    import shutil

    return shutil.get_terminal_size().columns


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _write(stream: Any, text: str) -> None:
    """Write to a standard stream; one that is closed takes nothing, and one that is full is an error."""
    if stream is None:
        return
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        click.echo(text.encode(encoding, "replace").decode(encoding), file=stream, nl=False, color=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise click.ClickException(f"cannot write: {(error.strerror or str(error)).lower()}") from None


def _numbers(_: click.Context, __: click.Parameter, value: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for part in value.replace(" ", "").split(",") if value else ():
        letter, _equals, number = part.partition("=")
        if len(letter) != 1 or not letter.isalpha() or not number.isdecimal() or not number.isascii():
            raise click.BadParameter(f"{part!r} is not a letter and its number: H=224")
        if len(number) > 9 or int(number) < 1:
            raise click.BadParameter(f"{part!r}: the number is from 1 to 10^9 - 1")
        if letter.upper() in found:
            raise click.BadParameter(f"{letter.upper()} is given twice")
        found[letter.upper()] = int(number)
    return found


def _variables(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, Any]:
    from cnncalc.diagnostics import Source, SpecError

    found: dict[str, Any] = {}
    for value in values:
        name, equals, number = value.partition("=")
        if not equals or not name.strip().isidentifier():
            raise click.BadParameter(f"{value!r} is not NAME=VALUE")
        from cnncalc.language.expressions import ExpressionParser, evaluate

        try:
            found[name.strip()] = evaluate(ExpressionParser(Source("--var", number), 0, len(number)).parse(), {})
        except SpecError as error:
            raise click.BadParameter(f"{value!r}: {error.diagnostics[0].message}") from None
    return found


def _symbolic(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, int]:
    found: dict[str, int] = {}
    for value in values:
        name, equals, size = value.rpartition("=")
        # Only ASCII digits: isdigit() alone takes ² too.
        if not (equals and name and size.isascii() and size.isdigit() and 0 < len(size) <= 9 and int(size) > 0):
            raise click.BadParameter(f"{value!r} is not NAME=N, with N a whole number from 1 to 10^9 - 1")
        found[name] = int(size)
    return found
