"""Colour, width and character set of the output, in a pipe and at a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import ESCAPE, SMALL, WRONG, at_terminal, posix, run_process, without_colour


def test_no_colour_in_a_pipe() -> None:
    """What is piped has no colour, results and errors alike."""
    assert ESCAPE not in run_process(SMALL).output + run_process(WRONG).errors


def test_colour_always() -> None:
    """`--color always` colours a pipe, and takes nothing away."""
    plain, coloured = run_process(SMALL), run_process(SMALL, "--color", "always", NO_COLOR="1")
    wrong, red = run_process(WRONG), run_process(WRONG, "--color", "always")

    assert ESCAPE in coloured.output
    assert ESCAPE in red.errors
    assert [line.rstrip() for line in without_colour(coloured.output).split("\n")] == plain.output.split("\n")
    assert [line.rstrip() for line in without_colour(red.errors).split("\n")] == wrong.errors.split("\n")


@pytest.mark.parametrize("form", ["json", "csv", "markdown"])
def test_no_colour_for_programs(form: str) -> None:
    """`--color always` leaves the formats for programs alone."""
    assert run_process(SMALL, "-f", form, "--color", "always").output == run_process(SMALL, "-f", form).output


def test_ascii() -> None:
    """Where the stream has no more than ASCII, the table and the errors are in ASCII."""
    spec = "input 8x8x4 | add(conv 3x3 same x4 | relu ; ) | fc 10"
    table = run_process(spec, PYTHONIOENCODING="ascii")
    error = run_process(WRONG, PYTHONIOENCODING="ascii")

    assert table.output.isascii()
    assert error.errors.isascii()
    assert "?" not in table.output + error.errors
    assert [line.split()[-1] for line in table.output.split("\n")[2:7]] == ["1", "3", "3", "3", "all"]


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_width(width: int) -> None:
    """`--width` is kept to by a table whose numbers fit."""
    assert all(len(line) <= width for line in run_process(SMALL, "--width", str(width)).output.split("\n"))


@posix
@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_terminal(columns: int) -> None:
    """At a terminal the table is coloured, and no wider than it."""
    status, shown = at_terminal(SMALL, columns=columns)

    assert status == 0
    assert ESCAPE in shown
    assert max(len(line) for line in without_colour(shown).split("\n")) <= columns


@posix
@pytest.mark.parametrize(
    ("arguments", "env"),
    [((), {"NO_COLOR": "1"}), ((), {"TERM": "dumb"}), (("--color", "never"), {})],
    ids=["NO_COLOR", "dumb", "never"],
)
def test_a_terminal_without_colour(arguments: tuple[str, ...], env: dict[str, str]) -> None:
    """Who wants no colour has none, results and errors alike."""
    assert ESCAPE not in at_terminal(SMALL, *arguments, env=env)[1]
    assert ESCAPE not in at_terminal(WRONG, *arguments, env=env)[1]


def test_forced_colour() -> None:
    """FORCE_COLOR colours a pipe, results and errors alike."""
    assert run_process(SMALL, FORCE_COLOR="1").output == run_process(SMALL, "--color", "always").output
    assert ESCAPE in run_process(WRONG, FORCE_COLOR="1").errors


@pytest.mark.parametrize("arguments", [("--color", "never"), ("-f", "csv")], ids=" ".join)
def test_colour_that_is_not_forced(arguments: tuple[str, ...]) -> None:
    """FORCE_COLOR colours neither what an option has without colour, nor a format for programs."""
    assert ESCAPE not in run_process(SMALL, *arguments, FORCE_COLOR="1").output


def test_no_color_wins() -> None:
    """NO_COLOR wins over FORCE_COLOR."""
    assert ESCAPE not in run_process(SMALL, FORCE_COLOR="1", NO_COLOR="1").output


def test_an_empty_force_color() -> None:
    """An empty FORCE_COLOR asks for nothing."""
    assert ESCAPE not in run_process(SMALL, FORCE_COLOR="").output


def test_a_file_is_not_coloured(tmp_path: Path) -> None:
    """FORCE_COLOR leaves a file alone."""
    run_process(SMALL, "-o", str(tmp_path / "out"), FORCE_COLOR="1")
    assert ESCAPE not in (tmp_path / "out").read_text("utf-8")


@posix
def test_an_empty_no_color() -> None:
    """An empty NO_COLOR asks for nothing (no-color.org)."""
    assert ESCAPE in at_terminal(SMALL, env={"NO_COLOR": ""})[1]


@posix
def test_an_error_at_a_terminal() -> None:
    """An error at a narrow terminal keeps its caret below what it marks, and is not wrapped."""
    spec = "input 5x5x3 | " + "relu | " * 20 + "cnov 3x3 x4 | " + "relu | " * 20 + "bn"
    status, shown = at_terminal(spec, columns=50)
    _, _, _, excerpt, caret, *_ = without_colour(shown).split("\n")

    assert status == 1
    assert len(excerpt) <= 50
    assert excerpt[caret.index("^") : caret.rindex("^") + 1] == "cnov"


@posix
def test_standard_input_at_a_terminal_piped_out() -> None:
    """A long line of a table is not wrapped in a pipe, whatever COLUMNS says."""
    assert run_process(SMALL, COLUMNS="20").output == run_process(SMALL).output
