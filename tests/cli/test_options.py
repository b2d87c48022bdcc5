"""Options that hold for every command: `--quiet`, and that none is passed over in silence."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import CARD, run

LEFT_OVER = "input 6x6x1 | conv 3x3 s2 valid x1"  # warned of: the last row and column are never reached


# -- --quiet -------------------------------------------------------------------------------------------------


def test_quiet_table() -> None:
    """With `--quiet` a table has no warnings below it."""
    loud, quiet = run(LEFT_OVER).stdout, run(LEFT_OVER, "--quiet").stdout
    assert "W201" in loud
    assert loud.startswith(quiet.rstrip("\n"))
    assert "W201" not in quiet


def test_quiet_json() -> None:
    """JSON is data, and keeps its warnings."""
    assert run(LEFT_OVER, "-q", "-f", "json").stdout == run(LEFT_OVER, "-f", "json").stdout


def test_quiet_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `-q` there is no note on the code that is run."""
    monkeypatch.chdir(tmp_path)
    note = "note: running the code of nowhere:net\n"
    assert run("torch:nowhere:net").stderr.startswith(note)
    assert not run("torch:nowhere:net", "-q").stderr.startswith("note")


def test_quiet_error() -> None:
    """An error is written all the same."""
    assert run("cnov", "-q").stderr == run("cnov").stderr != ""


def test_quiet_check(tmp_path: Path) -> None:
    """With `-q`, `format --check` has its exit status alone."""
    (tmp_path / "net.cnn").write_text("conv  3x3 x8\n", encoding="utf-8")
    done = run("format", "--check", "-q", str(tmp_path / "net.cnn"))
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", "")


def test_quiet_copy(tmp_path: Path) -> None:
    """With `-q`, a copy from the zoo is made without a word."""
    done = run("zoo", "lenet5", "--copy", "-q", "-o", str(tmp_path / "net.cnn"))
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")


# -- options without effect ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (f"calc|{CARD}|-f|json|--columns|name", "`--columns` has no effect in JSON"),
        ("explain|input 5x5x1|--pictures|-f|json", "`--pictures` has no effect in JSON"),
        (f"calc|{CARD}|-f|json|--layout|chw", "`--layout` has no effect in JSON"),
        (f"calc|{CARD}|-f|json|--width|80", "`--width` has no effect in JSON"),
        (f"calc|{CARD}|-f|csv|--width|80", "`--width` has no effect in CSV"),
        (f"calc|{CARD}|-f|latex|--width|80", "`--width` has no effect in LaTeX"),
        (f"calc|{CARD}|--get|params|--width|80", "`--width` has no effect with `--get`, which writes single values"),
        (f"calc|{CARD}|--optimizer|adam", "`--optimizer` has no effect without `--memory` or JSON"),
        (f"compare|{CARD}|-f|json|--columns|macs", "`--columns` has no effect in JSON"),
        (f"diff|{CARD}|{CARD}|-f|markdown|--context|1", "`--context` has no effect in Markdown"),
        ("layers|conv|-f|markdown|--width|80", "`--width` has no effect in Markdown"),
        ("explain|E201|--batch|2", "`--batch` has no effect on a code"),
        ("explain|--codes|--layer|conv1", "`--layer` has no effect with `--codes`"),
        ("explain|pool 2|--image|1 2|--dtype|int8", "`--dtype` has no effect with `--image`"),
        ("solve|(conv 3x3) * ?|--receptive-field|9|--layer|conv1", "`--layer` has no effect with `--receptive-field`"),
        ("zoo|lenet5|--layout|chw", "`--layout` has no effect on a spec"),
        ("zoo|lenet5|--copy|-f|json", "`--format` has no effect with `--copy`, which writes a spec"),
    ],
)  # fmt: skip
def test_without_effect(arguments: str, message: str) -> None:
    """An option that would change nothing is refused, with the reason."""
    done = run(*arguments.replace(CARD, "CARD").replace("|", "\n").replace("CARD", CARD).split("\n"))
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.endswith(f"Error: {message}\n")


@pytest.mark.parametrize(
    "option", ["--memory", "--get=training_bytes", "--fail-if=training_bytes > 800B", "--format=json"]
)
def test_optimizer(option: str) -> None:
    """`--optimizer` changes the estimate of training memory wherever it is shown."""
    plain, adam = run(CARD, option), run(CARD, option, "--optimizer", "adam")
    assert (plain.stdout, plain.stderr) != (adam.stdout, adam.stderr)


# -- given twice, or for nothing -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["compare", CARD, CARD, "--var", "width=0.25", "--var", "width=0.5"],
            "Invalid value for '--var': `width` is given twice: `width=0.25` and `width=0.5`",
        ),
        (
            [CARD, "--var", "a=1", "--var", "b=1", "--var", " a =2"],
            "Invalid value for '--var': `a` is given twice: `a=1` and ` a =2`",
        ),
        (
            ["net.onnx", "--dim", "batch=1", "--dim", "batch=2"],
            "Invalid value for '--dim': `batch` is given twice: `batch=1` and `batch=2`",
        ),
        (
            ["input HxWx3", "--at", "h=8,W=8,H=16"],
            "Invalid value for '--at': `H` is given twice: `H=8` and `H=16`",
        ),
    ],
)
def test_given_twice(arguments: list[str], message: str) -> None:
    """A name that is given two values is an error that shows both: neither is passed over."""
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.endswith(f"\nError: {message}\n")


STRICT = """\
error[E309]: `--strict` does not apply here
 = a spec has no unknown operators
 = help: leave `--strict` out: an unknown layer of a spec is always an error
"""


@pytest.mark.parametrize("command", ["calc", "explain", "compare"])
def test_strict_on_a_spec(command: str) -> None:
    """`--strict` is for model files: on text it would change nothing."""
    done = run(command, "lenet5", "--strict")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(STRICT.partition(" = help")[0])
    assert STRICT.splitlines()[-1] in done.stderr


def test_strict_on_one_of_two(tmp_path: Path) -> None:
    """Beside a model file, `--strict` is for that."""
    (tmp_path / "net.cfg").write_text("[net]\nheight=8\nwidth=8\nchannels=3\n\n[maxpool]\nsize=2\nstride=2\n")
    assert run("compare", "lenet5", str(tmp_path / "net.cfg"), "--strict").exit_code == 0
