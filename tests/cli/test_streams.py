"""Standard streams that are closed, full, or read to the first line alone."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import CARD, environment, posix, run_process


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


#: Runs the program as `python -m cnncalc` does; at the first import of a module of that name, an interrupt comes.
INTERRUPTED_AT = """
import os, runpy, signal, sys
class Interrupts:
    def find_spec(self, name, *_):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupts())
sys.argv = ["cnncalc", "zoo", "-o", "out"]
runpy.run_module("cnncalc", run_name="__main__")
"""


@posix
@pytest.mark.parametrize(
    "module", ["click", "cnncalc.cli", "cnncalc.cli.zoo", "cnncalc.layers", "fractions", "tempfile"]
)
def test_an_interrupt_while_modules_load(tmp_path: Path, module: str) -> None:
    """Whichever module is being imported, an interrupt ends the program in one word, without a traceback."""
    command = [sys.executable, "-c", INTERRUPTED_AT.format(module=module)]
    done = subprocess.run(command, env=environment(), cwd=tmp_path, capture_output=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"interrupted\n")
    assert list(tmp_path.iterdir()) == []


@posix
def test_the_library_leaves_interrupts_alone() -> None:
    """Importing and using the library changes nothing for the program that does."""
    code = (
        "import signal, cnncalc, cnncalc.cli\ncnncalc.analyze('input 3 | relu')\n"
        "print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, check=True)
    assert done.stdout == b"True\n"


@posix
def test_ignored_interrupts_stay_ignored() -> None:
    """A program that was started to ignore interrupts, as behind `nohup` in a script, does."""
    waiting = subprocess.Popen(
        [sys.executable, "-m", "cnncalc", "-"],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    with waiting:
        waiting.send_signal(signal.SIGINT)
        output, _ = waiting.communicate(CARD.encode())
    assert (waiting.returncode, output.decode()) == (0, run_process(CARD).output)


@posix
@pytest.mark.parametrize("arguments", [(CARD, "-f", "json"), ("zoo",), ("--help",), ("cnov",), ("--nosuch",)])
@pytest.mark.parametrize("streams", ["1>&-", "2>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-", "1>/dev/full", "2>/dev/full"])
def test_streams_that_take_nothing(arguments: tuple[str, ...], streams: str) -> None:
    """Streams that are closed or full are no cause for a traceback or for another status than the documented ones."""
    words = " ".join(f"'{word}'" for word in arguments)
    command = ["sh", "-c", f'"{sys.executable}" -m cnncalc {words} {streams}']
    done = subprocess.run(command, env=environment(), capture_output=True, check=False)

    assert b"Traceback" not in done.stderr + done.stdout
    assert b"Exception" not in done.stderr + done.stdout
    assert done.returncode in (0, 1, 2)


@posix
@pytest.mark.parametrize(
    "given",
    [
        {"COLUMNS": "garbage"},
        {"COLUMNS": "-5"},
        {"COLUMNS": "9" * 400},
        {"TERM": "x" * 10_000},
        {"TERM": ""},
        {"FORCE_COLOR": "1", "TERM": "nonsense"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1:strict"},
        {"PYTHONIOENCODING": "cp037"},
        {"PYTHONIOENCODING": "", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LANG": "zz_ZZ", "HOME": "/nonexistent"},
    ],
    ids=lambda given: " ".join(f"{name}={value[:12]}" for name, value in given.items()),
)
def test_an_odd_environment(given: dict[str, str]) -> None:
    """Whatever the environment says, a result is a result and an error an error."""
    for arguments, status in (((CARD,), 0), ((f"{CARD} | cnov é",), 1), (("explain", CARD), 0), (("--nosuché",), 2)):
        command = [sys.executable, "-m", "cnncalc", *arguments]
        done = subprocess.run(command, env=environment(**given), capture_output=True, check=False)
        assert done.returncode == status
        assert (bool(done.stdout), bool(done.stderr)) == (status == 0, status != 0)
