"""Error handling of all commands: the text on standard error, and the exit status."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from cnncalc.cli.output import Output, terminal_width, write_stream
from cnncalc.diagnostics import SpecError, cut, printable
from cnncalc.interrupts import INTERRUPTED

if TYPE_CHECKING:
    from cnncalc.analysis import Options
    from cnncalc.graph import BuildError
    from cnncalc.query.conditions import Outcome

#: Exit statuses: the spec or file is wrong; the command line is; a limit is exceeded.
WRONG_SPEC, WRONG_COMMAND_LINE, EXCEEDED = 1, 2, 3


#: Of a message that echoes a value, at most so many lines and characters are written.
MOST_LINES, MOST_TEXT = 20, 2000


class OptionError(SpecError):
    """The value of an option is wrong, which is an error of the command line, not of the spec."""


@contextmanager
def from_options() -> Iterator[None]:
    """Raise `OptionError` for errors in the values of options that are read inside the block."""
    try:
        yield
    except SpecError as error:
        raise OptionError(error.diagnostics) from None


def report(error: BaseException, output: Output, options: Options | None) -> int:
    """Write the error to standard error, and return the exit status."""
    if isinstance(error, SpecError):
        _write_spec_error(error, output, options)
        return WRONG_COMMAND_LINE if isinstance(error, OptionError) else WRONG_SPEC
    if isinstance(error, KeyboardInterrupt):
        return report_interrupted()
    if isinstance(error, OSError):
        return report_os_error(error)
    write_stream(sys.stderr, f"Error: {shown(str(error))}\n")
    return WRONG_COMMAND_LINE


def report_click_error(error: click.ClickException) -> int:
    """Write an error of the command line as click does, what it echoes made harmless; return the exit status."""
    message, context = shown(error.format_message()), getattr(error, "ctx", None)
    show = click.UsageError(message, context) if context is not None else click.ClickException(message)
    if sys.stderr is not None:
        show.show()
    return error.exit_code


def report_os_error(error: OSError) -> int:
    """Write what the system refused, and return the exit status."""
    reason = (error.strerror or str(error)).lower()
    message = f"`{shown(str(error.filename))}`: {reason}" if error.filename else shown(reason)
    write_stream(sys.stderr, f"Error: {message}\n")
    return WRONG_SPEC


def report_interrupted() -> int:
    """Write that the command was interrupted, and return the exit status."""
    write_stream(sys.stderr, "interrupted\n")
    return INTERRUPTED


def shown(message: str) -> str:
    """Return a message of several lines without what a terminal would obey, and with its longest words cut.

    A word of it, or all, may be what somebody gave for the value of an option, of any length.
    """
    lines = [printable_words(line) for line in message.split("\n")[:MOST_LINES]]
    text = "\n".join(lines)
    return text if len(text) <= MOST_TEXT else f"{text[: MOST_TEXT // 2]} … {text[-MOST_TEXT // 2 :]}"


def printable_words(line: str) -> str:
    """Return a line with each of its words printable, and cut where it is very long."""
    return re.sub(r"\S+", lambda word: printable(cut(word.group())), line)


def _write_spec_error(error: SpecError, output: Output, options: Options | None) -> None:
    """Write the diagnostics, after the table of the layers before the one that failed."""
    stream = sys.stderr
    if output.format == "json":
        from cnncalc.report.json import to_json

        write_stream(stream, to_json({"errors": [each.to_dict() for each in error.diagnostics]}))
        return
    from cnncalc.graph import BuildError

    if isinstance(error, BuildError) and output.format == "table":
        write_stream(stream, _partial_table(error, output, options) + "\n")
    from cnncalc.report.terminal import diagnostics_text

    terminal = stream is not None and stream.isatty()
    width = output.width or (terminal_width(stream) if terminal else 100)
    write_stream(stream, diagnostics_text(error.diagnostics, width, output.colour(terminal)))


def _partial_table(error: BuildError, output: Output, options: Options | None) -> str:
    from cnncalc.analysis import Options
    from cnncalc.report.network import failure_document
    from cnncalc.report.selection import Selection
    from cnncalc.report.terminal import to_terminal

    stream = output.options_of(sys.stderr)
    selection, columns = Selection(output.depth or None), output.chosen()
    table = failure_document(error, columns, output.layout, options or Options(), selection, stream.most_rows)
    return to_terminal(table, stream)


def report_exceeded(outcomes: Sequence[tuple[str, Outcome]], output: Output) -> None:
    """Write to standard error which limits are exceeded, and exit with status 3 if any is.

    With each outcome goes the name of its network, empty where there is one alone.
    """
    stream = sys.stderr
    colour = output.colour(stream is not None and stream.isatty())
    head = click.style("exceeded", fg="red", bold=True) if colour else "exceeded"
    exceeded = [(f"{shown(name)}: " if name else "", outcome) for name, outcome in outcomes if outcome.exceeded]
    write_stream(stream, "".join(f"{head}: {name}{outcome}\n" for name, outcome in exceeded))
    if exceeded:
        sys.exit(EXCEEDED)


def warn(message: str, output: Output) -> None:
    """Write a warning to standard error, unless `--quiet` is given."""
    if not output.quiet:
        write_stream(sys.stderr, f"warning: {shown(message)}\n")


def note(message: str, output: Output) -> None:
    """Write a note to standard error, unless `--quiet` is given; in JSON mode only errors are written."""
    if not output.quiet and output.format != "json":
        write_stream(sys.stderr, f"note: {shown(message)}\n")
