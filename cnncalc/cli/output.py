"""The destination and format of a report: a stream or a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from cnncalc.analysis import Options
    from cnncalc.report.document import Column, Document
    from cnncalc.report.options import RenderOptions
    from cnncalc.report.selection import Selection


#: The depth at which every layer has a row of its own.
ALL = sys.maxsize


#: The formats for programs and papers, without the parts of a document that people alone look at.
PLAIN = ("csv", "markdown", "latex")


class Output(NamedTuple):
    """The destination, format and appearance of a report."""

    format: str
    file: str | None = None
    columns: str | None = None
    layout: str = "hwc"
    #: None for what suits the destination, `ALL` for every layer.
    depth: int | None = None
    color: str = "auto"
    width: int | None = None
    quiet: bool = False
    sort: str | None = None
    #: How many rows to show alone, and the figure that they are the heaviest by.
    top: tuple[int, str] | None = None
    #: The unit of counts: one for all of them, or `auto` for the one that suits each; None for every digit.
    units: str | None = None

    def emit(
        self,
        document: Callable[[RenderOptions], Document],
        data: Callable[[], object],
        plain: Callable[[], Document] | None = None,
    ) -> None:
        """Write a report: `data` as JSON, the document in every other format.

        CSV, LaTeX and Markdown use `plain` if it is given: the document without parts that only a terminal shows.
        """
        options = self.render_options()
        text = self._rendered(document, data, plain, options)
        if not options.unicode and not text.isascii():
            from cnncalc.report.layout import to_ascii

            text = to_ascii(text)
        self.write(text)

    def _rendered(
        self,
        document: Callable[[RenderOptions], Document],
        data: Callable[[], object],
        plain: Callable[[], Document] | None,
        options: RenderOptions,
    ) -> str:
        if self.format == "json":
            from cnncalc.report.json import to_json

            return to_json(data())
        from cnncalc.report.formats import render

        report = plain() if plain is not None and self.format in PLAIN else document(options)
        return render(report, self.format, options)

    @property
    def stem(self) -> str | None:
        """The name of the file that is written, without folder and suffix; None for a stream."""
        return None if self.file in (None, "-") else os.path.splitext(os.path.basename(str(self.file)))[0]

    def write(self, text: str | bytes) -> None:
        if self.file is not None and self.file != "-":
            write_whole(self.file, text)
        elif isinstance(text, bytes):
            sys.stdout.buffer.write(text)
        else:
            write_stream(sys.stdout, text)

    def chosen(self, default: str | None = None, options: Options | None = None) -> tuple[Column, ...]:
        """Return the columns that are asked for, or those that are usual for the options."""
        from cnncalc.report.columns import BAR, BOUNDED, COLUMNS, DEFAULT, DEPLOYED, OF_DEVICE, choose
        from cnncalc.report.units import in_units

        usual: tuple[str, ...] = DEFAULT
        if options is not None and (options.deploy or options.device):
            usual = BOUNDED if options.device else DEPLOYED
        columns = choose(self.columns or default, COLUMNS, usual)
        if options is not None and options.deploy:
            columns = tuple(
                each._replace(heading=OF_DEVICE[each.key], bar=BAR, rank=4) if each.key in OF_DEVICE else each
                for each in columns
            )
        return in_units(columns, self.units)

    def selection(self) -> Selection:
        """Return which layers to show, and in which order."""
        from cnncalc.report import selection
        from cnncalc.report.columns import COLUMNS

        return selection.selection(self.depth, self.sort, self.top, COLUMNS)

    def render_options(self) -> RenderOptions:
        """Return the options for the report's destination: standard output, or a file."""
        return self.options_of(sys.stdout, piped=self.file not in (None, "-"))

    def options_of(self, stream: Any, piped: bool = False) -> RenderOptions:
        """Return the options for a stream; if it is not a terminal, it has no colour, and only the width of --width."""
        from cnncalc.report.options import MOST_AT_ONCE, RenderOptions

        encoding = "utf-8" if piped else getattr(stream, "encoding", None) or "ascii"
        terminal = not piped and stream is not None and stream.isatty()
        width = self.width or (terminal_width(stream) if terminal else None)
        unicode = encoding.lower().startswith("utf")
        return RenderOptions(width, self.colour(terminal, piped), unicode, MOST_AT_ONCE if terminal else None)

    def colour(self, terminal: bool, file: bool = False) -> bool:
        """Return whether to use colour: by `--color`, else NO_COLOR, else FORCE_COLOR, else by the terminal."""
        if self.color != "auto":
            return self.color == "always"
        if os.environ.get("NO_COLOR"):
            return False
        if os.environ.get("FORCE_COLOR"):
            return not file
        return terminal and os.environ.get("TERM") != "dumb"


def write_whole(path: str, text: str | bytes) -> None:
    """Write a file atomically; raises click's errors where it has no name or cannot be written."""
    if not path:
        raise click.BadParameter("the name of the file is empty", param_hint="-o")
    from cnncalc.files import write_whole as write

    try:
        write(path, text.encode("utf-8") if isinstance(text, str) else text)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise click.ClickException(f"cannot write `{path}`: {reason}") from None


def terminal_width(stream: Any) -> int:
    import shutil

    return shutil.get_terminal_size().columns


def write_stream(stream: Any, text: str) -> None:
    """Write to a standard stream; a closed stream is ignored, and a full disk is an error."""
    if stream is None:
        return
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        click.echo(text.encode(encoding, "replace").decode(encoding), file=stream, nl=False, color=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise click.ClickException(f"cannot write: {(error.strerror or str(error)).lower()}") from None
