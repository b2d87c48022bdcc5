"""`cnncalc draw`: formats by suffix, what is refused, and notes."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from command_line import run

SPEC = "input 8x8x3 | conv 3x3 x4 | pool 2 | fc 5"


@pytest.mark.parametrize(
    ("suffix", "beginning"),
    [
        ("svg", "<svg xmlns="),
        ("tex", "% input 8x8x3 | conv 3x3 x4 | pool 2 | fc 5: 4 layers"),
        ("html", "<!doctype html>"),
    ],
)
def test_suffix(suffix: str, beginning: str, tmp_path: Path) -> None:
    """The suffix says the format; nothing is written but the file."""
    path = tmp_path / f"net.{suffix}"
    done = run("draw", SPEC, "-o", str(path))
    assert (done.exit_code, done.output) == (0, "")
    assert path.read_text(encoding="utf-8").startswith(beginning)


def test_standard_output() -> None:
    """Without a file, SVG goes to standard output, under the name of what was given."""
    root = ElementTree.fromstring(run("draw", SPEC).stdout)
    assert root[0].text == SPEC


def test_name_of_a_file(tmp_path: Path) -> None:
    """A figure has the name of its file, and of a network of the zoo."""
    path = tmp_path / "mine.cnn"
    path.write_text(SPEC, encoding="utf-8")
    assert ElementTree.fromstring(run("draw", str(path)).stdout)[0].text == "mine"
    assert ElementTree.fromstring(run("draw", "lenet5").stdout)[0].text == "lenet5"


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["input 5x5x3"], 1, "error[E508]: there is nothing to draw: no layer follows the input"),
        ([SPEC, "-o", "net.png"], 2, "has the suffix `.png`: add -f, or write to `.svg`, `.tex` or `.html`"),
        ([SPEC, "--style", "flow", "--scale", "log"], 2, "`--scale` has no effect with `--style flow`"),
        (["input 5x5x3 | conv 9x9 x2"], 1, "error[E201]"),
        (["input HxWx3 | conv 3x3 x2"], 1, "error"),
        (["input 5x5x3 | (conv 1x1 x3 | pool 1x1) * 1200"], 0, "× 1200"),
    ],
)  # fmt: skip
def test_refusal(arguments: list[str], status: int, message: str) -> None:
    """What cannot be drawn, or cannot be written so, is an error that says what can."""
    done = run("draw", *arguments)
    assert done.exit_code == status
    assert message in done.output.replace("&#215;", "×")


def test_too_many_boxes() -> None:
    """A network of thousands of boxes that are all different makes no picture."""
    layers = " | ".join(f"conv 1x1 x{n}" for n in range(2, 2103))
    done = run("draw", f"input 5x5x3 | {layers}")
    assert done.exit_code == 1
    assert done.stderr.startswith("error[E508]: 2,102 boxes make no picture\n = help: draw at most 2,000")


def test_note_on_folding() -> None:
    """Where blocks are folded, a note says so, and with a depth nothing."""
    layers = " | ".join(f"two({n})" for n in range(2, 142))
    spec = f"def two(c) = conv 1x1 x{{c}} | pool 1x1\ninput 5x5x3 | {layers}"
    done = run("draw", spec)
    assert done.stderr == (
        "note: blocks are drawn as one box each below depth 1, since there would be over 200 boxes: `--depth 2` draws "
        "more of them\n"
    )
    assert run("draw", spec, "--depth", "2").stderr == ""
    assert run("draw", spec, "-q").stderr == ""


@pytest.mark.parametrize("word", ["plot", "visualize", "diagram"])
def test_other_words(word: str) -> None:
    """What others call it draws as well."""
    assert run(word, SPEC).stdout == run("draw", SPEC).stdout != ""
