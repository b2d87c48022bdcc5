"""How and where a report goes: a stream or a file, in a format."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from cnncalc.analysis import Analysis
    from cnncalc.report.columns import Column
    from cnncalc.report.datatable import DataTable
    from cnncalc.report.options import RenderOptions


class Output(NamedTuple):
    """How and where a report goes."""

    format: str
    file: str | None = None
    columns: str | None = None
    layout: str = "hwc"
    depth: int | None = None
    color: str = "auto"
    width: int | None = None
    quiet: bool = False

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
            write_stream(sys.stdout, text)

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
        return RenderOptions(width, self.colour(terminal, piped), unicode, self.layout, self.depth)

    def colour(self, terminal: bool, file: bool = False) -> bool:
        """Return whether to colour: as `--color` has it, else NO_COLOR, else FORCE_COLOR, else by the terminal."""
        if self.color != "auto":
            return self.color == "always"
        if os.environ.get("NO_COLOR"):
            return False
        if os.environ.get("FORCE_COLOR"):
            return not file
        return terminal and os.environ.get("TERM") != "dumb"


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


def write_stream(stream: Any, text: str) -> None:
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
