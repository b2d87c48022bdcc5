"""Errors: the table before them, JSON, exit statuses, and commands that are none."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from command_line import CARD, WRONG, cells, run, run_process

from cnncalc import sources


def test_a_table_up_to_the_error() -> None:
    """A shape error comes with the table of the layers before it, the failing one marked, on standard error."""
    done = run_process(WRONG)
    heading, _, first, second, third, blank, headline, *_ = done.errors.split("\n")

    assert (done.status, done.output, blank) == (1, "", "")
    assert cells(heading) == ["name", "layer", "output", "parameters", "MACs", "field"]
    assert [cells(line)[0] for line in (first, second)] == ["input1", "conv1"]
    assert cells(third) == ["conv2", "conv 9x9 x8", "✗"]
    assert headline == "error[E201]: output of `conv2` would be empty"


def test_errors_in_json() -> None:
    """In JSON mode standard error gets one object, and standard output nothing."""
    done = run_process(WRONG, "-f", "json")

    assert (done.status, done.output) == (1, "")
    assert json.loads(done.errors) == {
        "errors": [
            {
                "code": "E201",
                "message": "output of `conv2` would be empty: window 9 does not fit in 3",
                "source": "<spec>",
                "line": 1,
                "column": 29,
                "end_column": 40,
                "layer": "conv2",
                "notes": [
                    "height: floor((3 + 0 + 0 - 9) / 1) + 1 = -5",
                    "shapes so far: 5x5x3 -> 3x3x8",
                ],
                "help": "add `same` or `p3`, or remove this layer",
            }
        ]
    }


def test_errors_without_a_place_in_json(tmp_path: Path) -> None:
    """An error of a file has no line, and JSON says so."""
    (found,) = json.loads(run_process("nothing.cnn", "-f", "json", cwd=tmp_path).errors)["errors"]

    assert (found["code"], found["line"], found["column"], found["layer"]) == ("E010", None, None, None)


@pytest.mark.parametrize("form", ["csv", "markdown"])
def test_errors_in_other_formats(form: str) -> None:
    """Nothing goes to standard output where the spec is wrong."""
    done = run_process(WRONG, "-f", form)

    assert (done.status, done.output) == (1, "")
    assert done.errors.startswith("error[E201]")


def test_several_errors() -> None:
    """Several errors are shown in the order of the spec, a blank line between them."""
    done = run_process("input 5x5x3 | cnov 3 | relu7")

    assert re.findall(r"^error\[(\w+)\]", done.errors, re.MULTILINE) == ["E101", "E102"]
    assert done.errors.count("\n\n") == 1


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ((CARD,), 0),
        ((), 0),
        (("--help",), 0),
        (("calc", "--help"), 0),
        (("--version",), 0),
        (("--version", "more"), 0),
        (("input 5x5x3 | cnov",), 1),
        ((WRONG,), 1),
        (("nothing.cnn",), 1),
        (("",), 1),
        ((CARD, "--input", "1x1x3"), 1),
        ((CARD, "--input", "5x5x"), 2),
        ((CARD, "--var", "w=3"), 1),
        ((CARD, "more"), 2),
        ((CARD, "--bogus"), 2),
        ((CARD, "-f", "xml"), 2),
        ((CARD, "--batch", "0"), 2),
        ((CARD, "--batch", "x"), 2),
        ((CARD, "--dtype", "float8"), 2),
        ((CARD, "--columns", "nmae"), 2),
        ((CARD, "--columns", ""), 2),
        ((CARD, "--layout", "nhwc"), 2),
        ((CARD, "--width", "5"), 2),
        ((CARD, "--depth", "-1"), 2),
        ((CARD, "-o", ""), 2),
        ((CARD, "--var", "w"), 2),
        ((CARD, "--var", "w=1/0"), 2),
        ((CARD, "--color", "green"), 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
def test_exit_status(arguments: tuple[str, ...], status: int) -> None:
    """0 is fine, 1 a wrong spec or file, 2 a wrong command line; what is wrong stands on standard error alone."""
    done = run(*arguments)

    assert done.exit_code == status
    assert (done.stdout == "", done.stderr == "") == (status != 0, status == 0)
    assert done.exception is None or isinstance(done.exception, SystemExit)


def test_a_column_that_was_meant() -> None:
    """An unknown column is refused with the nearest one."""
    assert "unknown column 'nmae': did you mean 'name'?" in run_process(CARD, "--columns", "nmae").errors


QUOTE = "To calculate a spec of several words, quote it."


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fromat", "net.cnn"), "unknown command `fromat`: did you mean `format`? " + QUOTE),
        (("input", "5x5x3"), "unknown command `input`. " + QUOTE),
    ],
)
def test_a_mistyped_command(arguments: tuple[str, ...], message: str) -> None:
    """A word in a command's place that is none gets the nearest command, or the reason."""
    done = run_process(*arguments)

    assert (done.status, done.output, done.errors.rstrip()) == (2, "", f"Error: {message}")


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (PermissionError(13, "Permission denied", "net.onnx"), 1, "Error: `net.onnx`: permission denied\n"),
        (OSError("no more memory"), 1, "Error: no more memory\n"),
        (ValueError("batch must be a whole number"), 2, "Error: batch must be a whole number\n"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_any_error_ends_in_one_line(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, status: int, text: str
) -> None:
    """What a command raises ends in one line and its exit status, not in a traceback."""

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(sources, "load_source", fail)
    done = run(CARD)
    assert (done.exit_code, done.stdout, done.stderr) == (status, "", text)


def test_a_table_up_to_the_error_of_one_of_several() -> None:
    """The table before a failing layer has its own columns, whichever those of the comparison are."""
    done = run("compare", CARD, WRONG, "--columns", "network")
    assert cells(done.stderr.split("\n")[0]) == ["name", "layer", "output", "parameters", "MACs", "field"]


LONG = "y" * 130_000
OPTIONS = (
    *("--input", "--var", "--at", "--dim", "--columns", "--batch", "--dtype", "--convention", "-f", "-o", "--layout"),
    *("--color", "--width", "--depth", "--get", "--fail-if"),
)


@pytest.mark.parametrize("form", ["table", "json"])
@pytest.mark.parametrize(
    "arguments",
    [
        *[(CARD, name, value) for name in OPTIONS for value in (LONG, f"w={LONG}", f"H={'9' * 4000}")],
        *[
            (command, LONG, LONG)
            for command in ("compare", "diff", "export", "format", "solve", "zoo", "layers", "help")
        ],
        (LONG, "x"),
        (f"--{LONG}",),
        (f"{LONG}.cnn",),
        (LONG,),
    ],
    ids=lambda words: " ".join(word[:9] for word in words),
)
def test_a_long_value_is_cut(arguments: tuple[str, ...], form: str) -> None:
    """Of a value of any length, an error shows enough to find it."""
    done = run(*arguments, *(("-f", "json") if form == "json" and "-f" not in arguments else ()))

    assert done.exit_code in (1, 2)
    assert 0 < len(done.stderr) < 3000


@pytest.mark.parametrize("text", ["\x1b[31mred", "a\x07b", "\u202eabc", "\x9b2J", "\udc80"], ids=ascii)
@pytest.mark.parametrize(
    "before", [*[(CARD, name) for name in OPTIONS if name != "-o"], ("help",), ("syntax",), ("zoo",), ()]
)
def test_nothing_for_a_terminal_to_obey(before: tuple[str, ...], text: str) -> None:
    """What an error echoes has no character that a terminal would obey."""
    done = run(*before, text)

    assert done.exit_code in (1, 2)
    assert [each for each in done.stderr if not each.isprintable() and each not in "\n\t"] == []


def test_errors_of_many_networks() -> None:
    """Of a comparison of many wrong networks twenty errors are shown, as of one."""
    errors = json.loads(run("compare", *["cnov 3"] * 50, "-f", "json").stderr)["errors"]
    assert len(errors) == 20
