"""What the README shows is what happens: its commands are run, its specs parsed, its tables held to the classes.

With CNNCALC_UPDATE=1 in the environment the outputs in the README are written anew; look at the difference.
"""

import doctest
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import cnncalc
from cnncalc.cli import COMMANDS, main
from cnncalc.report.layers import overview_document
from cnncalc.report.markdown import to_markdown

README = Path(__file__).parents[1] / "README.md"
TEXT = README.read_text(encoding="utf-8")
UPDATE = bool(os.environ.get("CNNCALC_UPDATE"))


def blocks(language: str, text: str = TEXT) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def sessions() -> Iterator[tuple[str, str]]:
    """Each command of the console blocks, and the output that stands below it."""
    for block in blocks("console"):
        yield from re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)


def files(folder: Path) -> None:
    """Write the README's files where its commands look for them."""
    named = re.findall(
        r"`([\w-]+\.(?:cnn|yaml|cfg))`[^`]*?\n```(?:cnn|yaml|cfg)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL
    )
    for name, text in named:
        (folder / name).write_text(text, encoding="utf-8")


def run(command: str, folder: Path) -> str:
    """What a shell shows for the command: both streams, one behind the other, at 100 columns, without colour."""
    here = f'cnncalc() {{ "{sys.executable}" -m cnncalc "$@"; }}; {command}'
    environment = {**os.environ, "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        ["bash", "-c", here], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(("command", "shown"), list(sessions()), ids=[command for command, _ in sessions()])
def test_command(command: str, shown: str, tmp_path: Path) -> None:
    """A command gives what the README shows."""
    if "jq" in command and not shutil.which("jq"):
        pytest.skip("jq is not installed")
    if not shutil.which("bash"):
        pytest.skip("the README's commands are for a POSIX shell")
    files(tmp_path)
    got = run(command, tmp_path).rstrip("\n") + "\n"
    if UPDATE:
        text = README.read_text(encoding="utf-8")
        README.write_text(text.replace(f"$ {command}\n{shown}", f"$ {command}\n{got}\n", 1), encoding="utf-8")
        return
    assert got == shown.rstrip("\n") + "\n"


@pytest.mark.parametrize("text", blocks("cnn"))
def test_spec(text: str) -> None:
    """A spec that the README shows has a result."""
    assert cnncalc.analyze(text).totals.params > 0


def test_yaml(tmp_path: Path) -> None:
    """The YAML that the README shows has a result."""
    files(tmp_path)
    assert cnncalc.analyze(tmp_path / "net.yaml").totals.params > 0


def test_python() -> None:
    """The README's Python session gives what it shows."""
    session = doctest.DocTestParser().get_doctest(blocks("python")[0], {}, "README", str(README), 0)
    runner = doctest.DocTestRunner()
    runner.run(session)
    assert runner.summarize(verbose=False) == doctest.TestResults(failed=0, attempted=5)


def test_resnet_of_the_readme() -> None:
    """The README's ResNet-50 is torchvision's: its published parameters, and the MACs of its published count."""
    text = next(block for block in blocks("cnn") if "bottleneck" in block)
    totals = cnncalc.analyze(text).totals
    assert (totals.params, totals.buffers, totals.macs) == (25_557_032, 53_120, 4_089_184_256)


def test_layers() -> None:
    """The README's table of layers is the one that the classes give."""
    assert f"<!-- layers: begin -->\n{to_markdown(overview_document())}<!-- layers: end -->" in README.read_text(
        encoding="utf-8"
    )


def options(command: str) -> set[str]:
    """All names of a command's options, but for --help."""
    found = main.get_command(click.Context(main), command)
    assert found is not None
    return {
        name for each in found.params if isinstance(each, click.Option) for name in (*each.opts, *each.secondary_opts)
    }


def test_every_option() -> None:
    """Each command and each of its options is somewhere in the README."""
    assert [command for command in COMMANDS if command not in TEXT] == []
    known = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", TEXT))
    assert {(command, name) for command in COMMANDS for name in options(command) - known} == set()


def test_table_of_options() -> None:
    """Of the options that are the same everywhere, each command has those that the table says it has."""
    rows = re.findall(r"^\| (`-.*?) \| .* \| ([a-z, ]+) \|$", TEXT, re.MULTILINE)
    told = [
        (command, name)
        for names, its in rows
        for command in its.split(", ")
        for name in re.findall(r"`(-[-\w]+)", names)
    ]

    assert len(told) > 50
    assert [(command, name) for command, name in told if name not in options(command)] == []


def test_links() -> None:
    """A link within the README leads to a heading."""
    headings = re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]*)\)", TEXT)) <= anchors
