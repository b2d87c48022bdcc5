"""Standard streams that are closed, full, or read to the first line alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from command_line import CARD, environment, posix


@posix
def test_a_full_disk_behind_standard_output() -> None:
    """Where standard output takes no more, one line says so."""
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    with open("/dev/full", "wb") as full:
        command = [sys.executable, "-m", "cnncalc", CARD]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=environment(), check=False)

    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert b"no space left on device" in done.stderr.lower()


@posix
def test_a_reader_that_leaves(tmp_path: Path) -> None:
    """Whoever reads only the first line causes no complaint."""
    (tmp_path / "net.cnn").write_text("input 5x5x3\n" + "relu\n" * 5000)
    command = [sys.executable, "-m", "cnncalc", "net.cnn"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline().split()[:2] == [b"name", b"layer"]
        running.stdout.close()
        assert running.stderr.read() == b""


@posix
@pytest.mark.parametrize("stream", ["0<&-", "1>&-", "2>&-"])
def test_a_closed_stream(stream: str) -> None:
    """A stream that is closed is no cause for a traceback."""
    command = f'"{sys.executable}" -m cnncalc {"-" if stream[0] == "0" else f"{CARD!r}"} {stream}'
    done = subprocess.run(["sh", "-c", command], env=environment(), capture_output=True, check=False)

    assert b"Traceback" not in done.stderr
    assert done.returncode in (0, 1)
