"""Run the command line as users do: as a process with its streams piped, at a terminal, or in this process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cnncalc.cli import main

#: Networks that the tests of the command line share: two layers, four, and one whose second layer does not fit.
CARD = "input 5x5x3 | conv 3x3 s1 valid x2"
SMALL = "input 5x5x3 | conv 3x3 s1 valid x2 | bn | fc 10"
WRONG = "input 5x5x3 | conv 3x3 x8 | conv 9x9 x8"

ESCAPE = "\x1b["

posix = pytest.mark.skipif(os.name != "posix", reason="for POSIX systems")
no_root = pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read and write everything")


class Done:
    """How a run ended: its status, and what it wrote on each stream."""

    def __init__(self, status: int, output: bytes, errors: bytes) -> None:
        self.status, self.output, self.errors = status, output.decode(), errors.decode()

    @property
    def all(self) -> tuple[int, str, str]:
        return self.status, self.output, self.errors


def environment(**more: str) -> dict[str, str]:
    """Return the environment without what would change the looks, and with what a test adds."""
    apart = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM", "PYTHONIOENCODING")
    kept = {name: value for name, value in os.environ.items() if name not in apart}
    # UTF-8 whatever the locale of the machine.
    return {**kept, "PYTHONIOENCODING": "utf-8", "TERM": "xterm", **more}


def run_process(*arguments: str, stdin: bytes = b"", cwd: Path | None = None, **env: str) -> Done:
    """Run `python -m cnncalc` with its streams piped."""
    command = [sys.executable, "-m", "cnncalc", *arguments]
    done = subprocess.run(command, input=stdin, cwd=cwd, env=environment(**env), capture_output=True, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


def run(*arguments: str) -> Result:
    """Run the command line in this process, where nothing of a process matters."""
    return CliRunner().invoke(main, list(arguments), prog_name="cnncalc")


def at_terminal(*arguments: str, columns: int = 80, env: dict[str, str] | None = None) -> tuple[int, str]:
    """Return the status of a run at a terminal of that many columns, and what the terminal shows."""
    import fcntl
    import pty
    import struct
    import termios

    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    command = [sys.executable, "-m", "cnncalc", *arguments]
    with subprocess.Popen(
        command, env=environment(**env or {}), stdin=follower, stdout=follower, stderr=follower, close_fds=True
    ) as running:
        os.close(follower)
        shown = b""
        while True:
            try:
                part = os.read(leader, 65536)
            except OSError:  # Linux: the other end is closed
                break
            if not part:
                break
            shown += part
        os.close(leader)
    return running.returncode, shown.decode().replace("\r\n", "\n")


def without_colour(text: str) -> str:
    """Return a text without the sequences that colour it."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def cells(line: str) -> list[str]:
    """Return the cells of a line of the table, bars left out."""
    return re.split(r" {2,}", re.sub(r" [#█▏▎▍▌▋▊▉▁▂▃▄▅▆▇]+(?= |$)", "", line.strip()))
