"""`--watch`: a report that is drawn again whenever its file changes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from cnncalc.cli.errors import report
from cnncalc.cli.output import Output, write_stream
from cnncalc.diagnostics import fail
from cnncalc.interrupts import InterruptsRaised

if TYPE_CHECKING:
    from cnncalc.analysis import Options

#: Goes to the upper left corner and clears the screen, and what has been scrolled up stays.
CLEAR = "\x1b[H\x1b[2J"
RESET = "\x1b[0m"

#: Milliseconds: what changes within so many is one change; and how long to wait before looking again.
DEBOUNCE, STEP = 200, 40
#: Milliseconds after which the file is looked at anyway: it may have changed while it was drawn.
LOOK_AGAIN = 500


def watch_file(path: str, draw: Callable[[], None], output: Output, options: Options) -> None:
    """Draw a report, and again whenever the file changes, until Ctrl-C; errors are shown in its place.

    Raises `click.UsageError` if there is nothing to watch, or no terminal to draw on, and `SpecError` E301 without the
    package `watchfiles`.
    """
    if not os.path.isfile(path):
        raise click.UsageError("`--watch` is for a file: name one, and write the spec into it")
    if sys.stdout is None or not sys.stdout.isatty():
        raise click.UsageError("`--watch` draws on a terminal, and standard output is none")
    try:
        import watchfiles
    except ImportError:
        help = 'install it: `pip install "cnncalc[watch]"`'
        fail("E301", "watching a file needs the package `watchfiles`", label="it is not installed", help=help)
    target = os.path.realpath(path)
    # Editors write a new file and rename it, so that the folder is what is watched.
    changes = watchfiles.watch(
        os.path.dirname(target),
        watch_filter=lambda _, changed: os.path.realpath(changed) == target,
        debounce=DEBOUNCE,
        step=STEP,
        recursive=False,
        yield_on_timeout=True,
        rust_timeout=LOOK_AGAIN,
    )
    with InterruptsRaised():
        try:
            drawn = _state(target)
            _draw(draw, output, options)
            for _ in changes:
                if (state := _state(target)) != drawn:
                    drawn = state
                    _draw(draw, output, options)
        except KeyboardInterrupt:
            write_stream(sys.stdout, f"{RESET}\n")


def _state(path: str) -> tuple[int, int, int] | None:
    """Return what changes with a file: when it was written, its size, and which file it is; None without one."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _draw(draw: Callable[[], None], output: Output, options: Options) -> None:
    write_stream(sys.stdout, CLEAR)
    try:
        draw()
    except (ValueError, OSError) as error:
        sys.stdout.flush()
        report(error, output, options)
    except SystemExit:  # a limit is exceeded, which has been said
        pass
    sys.stdout.flush()
