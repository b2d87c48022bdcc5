"""The destination and format of a report: a stream or a file."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from cnncalc.analysis import Options
    from cnncalc.report.document import Column, Document
    from cnncalc.report.options import RenderOptions


class Output(NamedTuple):
    """The destination, format and appearance of a report."""

    format: str
    file: str | None = None
    columns: str | None = None
    layout: str = "hwc"
    depth: int | None = None
    color: str = "auto"
    width: int | None = None
    quiet: bool = False

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
        if self.format == "table":
            from cnncalc.report.terminal import to_terminal

            return to_terminal(document(options), options)
        report = plain() if plain is not None else document(options)
        if self.format == "csv":
            from cnncalc.report.csv import to_csv

            return to_csv(report)
        if self.format == "latex":
            from cnncalc.report.latex import to_latex

            return to_latex(report)
        from cnncalc.report.markdown import to_markdown

        return to_markdown(report)

    def write(self, text: str | bytes) -> None:
        if self.file is not None and self.file != "-":
            write_whole(self.file, text)
        elif isinstance(text, bytes):
            sys.stdout.buffer.write(text)
        else:
            write_stream(sys.stdout, text)

    def chosen(self, default: str | None = None, options: Options | None = None) -> tuple[Column, ...]:
        """Return the columns that are asked for, or those that are usual for the options."""
        from cnncalc.report.columns import BOUNDED, COLUMNS, DEFAULT, DEPLOYED, choose

        usual: tuple[str, ...] = DEFAULT
        if options is not None and (options.deploy or options.device):
            usual = BOUNDED if options.device else DEPLOYED
        return choose(self.columns or default, COLUMNS, usual)

    def render_options(self) -> RenderOptions:
        """Return the options for the report's destination: standard output, or a file."""
        return self.options_of(sys.stdout, piped=self.file not in (None, "-"))

    def options_of(self, stream: Any, piped: bool = False) -> RenderOptions:
        """Return the options for a stream; if it is not a terminal, it has no colour, and only the width of --width."""
        from cnncalc.report.options import RenderOptions

        encoding = "utf-8" if piped else getattr(stream, "encoding", None) or "ascii"
        terminal = not piped and stream is not None and stream.isatty()
        width = self.width or (terminal_width(stream) if terminal else None)
        unicode = encoding.lower().startswith("utf")
        return RenderOptions(width, self.colour(terminal, piped), unicode)

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
    """Write a file atomically: its old contents stay until all of the new text is on disk."""
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

        from cnncalc.interrupts import InterruptsRaised

        if path.endswith(os.sep):  # a folder that is not there
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        path = os.path.realpath(path)
        if os.path.islink(path):  # links in a circle
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        with InterruptsRaised():
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
