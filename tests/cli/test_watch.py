"""`--watch` at a terminal: drawn again when the file changes, errors in place, and what Ctrl-C leaves."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import ESCAPE, environment, posix, run

from cnncalc.cli.watch import CLEAR

#: Seconds after which a test gives up waiting for what should come in a fraction of one.
PATIENCE = 30


class Watching:
    """A run of `cnncalc net.cnn --watch` at a terminal, and what has been drawn on it."""

    def __init__(self, folder: Path, *options: str) -> None:
        import pty

        self.leader, follower = pty.openpty()
        command = [sys.executable, "-m", "cnncalc", "net.cnn", "--watch", "--color", "never", *options]
        env = environment(COLUMNS="100", LINES="40")
        # A session of its own, so that Ctrl-C can be typed at it.
        self.process = subprocess.Popen(
            command, cwd=folder, env=env, stdin=follower, stdout=follower, stderr=follower, start_new_session=True
        )
        os.close(follower)
        self.shown = ""

    def until(self, text: str) -> str:
        """Return what is drawn, once a text is on the screen since it was cleared last."""
        end = time.monotonic() + PATIENCE
        while text not in self.screen:
            ready, _, _ = select.select([self.leader], [], [], max(end - time.monotonic(), 0))
            assert ready, self.shown
            self.shown += os.read(self.leader, 65536).decode().replace("\r\n", "\n")
        return self.screen

    @property
    def screen(self) -> str:
        return self.shown.rpartition(CLEAR)[2]

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pytest.importorskip("watchfiles")
    (tmp_path / "net.cnn").write_text("input 8x8x3 | conv 3x3 x4")
    return tmp_path


@posix
def test_watch(folder: Path) -> None:
    """A change is drawn in place of what was there: written, renamed over it, wrong, and mended; then Ctrl-C."""
    watching = Watching(folder, "--fail-if", "params > 200")
    try:
        first = watching.until("peak memory")
        assert first.startswith("name    layer        output")
        assert "112" in first
        (folder / "other.cnn").write_text("input 8x8x3 | conv 3x3 x64")
        fresh = folder / "new.tmp"
        fresh.write_text("input 8x8x3 | conv 3x3 x8")
        fresh.rename(folder / "net.cnn")
        second = watching.until("exceeded: ")
        assert "exceeded: `params > 200`: 224 is over 200 by 24 (12.0 %)" in second
        (folder / "net.cnn").write_text("input 8x8x3 | cnov 3x3 x8")
        assert watching.until("= help").startswith("error[E101]: unknown layer `cnov`\n --> net.cnn:1:15\n")
        (folder / "net.cnn").write_text("input 8x8x3 | conv 3x3 x2")
        assert "56" in watching.until("peak memory")
        assert watching.interrupt() == 0
        assert watching.until("\x1b[0m\n").split("(activations only)\n")[1] == "\x1b[0m\n"
        # Nothing but clearing and resetting: the cursor, the screen and the modes are what they were.
        assert watching.shown.replace(CLEAR, "").replace("\x1b[0m", "").count(ESCAPE) == 0
    finally:
        watching.process.kill()
        os.close(watching.leader)


@pytest.mark.parametrize(
    ("arguments", "last"),
    [
        (("lenet5", "--watch"), "Error: `--watch` is for a file: name one, and write the spec into it"),
        (("-", "--watch"), "Error: `--watch` is for a file: name one, and write the spec into it"),
        (("net.cnn", "--watch"), "Error: `--watch` draws on a terminal, and standard output is none"),
        (("net.cnn", "--watch", "-o", "a.md"), "Error: `-o` has no effect with `--watch`, which draws on the terminal"),
    ],
)
def test_refused(folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], last: str) -> None:
    """There must be a file to watch, and a terminal to draw on."""
    monkeypatch.chdir(folder)
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.rstrip("\n").split("\n")[-1].replace("`--output`", "`-o`") == last
