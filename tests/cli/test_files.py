"""`-o`: a file is written whole or not at all."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest
from command_line import CARD, SMALL, WRONG, no_root, posix, run, run_process


@pytest.mark.parametrize("form", ["table", "json", "csv", "markdown"])
def test_output_to_a_file(tmp_path: Path, form: str) -> None:
    """`-o` writes the file and nothing else, as the pipe would have it."""
    done = run_process(SMALL, "-f", form, "-o", "out", cwd=tmp_path)

    assert done.all == (0, "", "")
    assert (tmp_path / "out").read_text("utf-8") == run_process(SMALL, "-f", form).output
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_output_to_a_dash() -> None:
    """`-o -` is standard output."""
    assert run_process(CARD, "-o", "-").all == run_process(CARD).all


def test_an_error_leaves_the_old_file(tmp_path: Path) -> None:
    """Where the spec is wrong, the file stays as it was, with nothing beside it."""
    (tmp_path / "out").write_text("old")

    assert run_process(WRONG, "-o", "out", cwd=tmp_path).status == 1
    assert (tmp_path / "out").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@posix
def test_a_file_keeps_its_mode(tmp_path: Path) -> None:
    """A file that is written anew keeps its permissions; a new one gets the usual ones."""
    out = tmp_path / "out"
    out.write_text("old")
    out.chmod(0o640)
    run_process(CARD, "-o", str(out))
    run_process(CARD, "-o", str(tmp_path / "new"))
    (tmp_path / "plain").write_text("")

    assert stat.S_IMODE(out.stat().st_mode) == 0o640
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "plain").stat().st_mode


@posix
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """Written through a link, the file behind it changes."""
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")
    run_process(CARD, "-f", "csv", "-o", "link", cwd=tmp_path)

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text().startswith("name,type")


@posix
def test_a_link_to_nothing_yet(tmp_path: Path) -> None:
    """Through a link to a file that is not there, that file is made; one that leads in a circle is an error."""
    (tmp_path / "link").symlink_to("target")
    (tmp_path / "circle").symlink_to("circle")

    assert run_process(CARD, "-o", "link", cwd=tmp_path).all == (0, "", "")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text("utf-8") == run_process(CARD).output
    assert run_process(CARD, "-o", "circle", cwd=tmp_path).status == 1
    assert (tmp_path / "circle").is_symlink()


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("nowhere/out", "no such file or directory"),
        (".", "is a directory"),
        ("nowhere/", "not a directory"),
        ("o" * 300, "file name too long"),
    ],
    ids=["missing", "folder", "missing folder", "long"],
)
def test_a_file_that_cannot_be_written(tmp_path: Path, path: str, reason: str) -> None:
    """Where the file cannot be written, one line says which and why."""
    done = run_process(CARD, "-o", path, cwd=tmp_path)

    assert (done.status, done.output) == (1, "")
    assert re.fullmatch(rf"Error: cannot write `.*`: {reason}\n", done.errors)
    assert len(done.errors) < 500
    assert list(tmp_path.iterdir()) == []


@no_root
def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """A folder without permission gives a clear error."""
    tmp_path.chmod(0o500)
    done = run_process(CARD, "-o", str(tmp_path / "out"))
    tmp_path.chmod(0o700)

    assert (done.status, done.errors) == (1, f"Error: cannot write `{tmp_path / 'out'}`: permission denied\n")


@posix
def test_a_full_device() -> None:
    """A device is written to, not replaced, and where it is full that is said."""
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")

    assert run_process(CARD, "-o", "/dev/full").all == (
        1,
        "",
        "Error: cannot write `/dev/full`: no space left on device\n",
    )
    assert run_process(CARD, "-o", "/dev/null").all == (0, "", "")


# -- the format by the suffix --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("out.json", "json"),
        ("out.csv", "csv"),
        ("out.md", "markdown"),
        ("out.tex", "latex"),
        ("out.txt", "table"),
        ("out.html", "html"),
        ("OUT.CSV", "csv"),
        ("out", "table"),
        ("v1.2/out", "table"),
    ],
)
def test_suffix(tmp_path: Path, name: str, form: str) -> None:
    """The suffix of `-o` says the format; without one it is a table, as without `-o`."""
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    assert run(CARD, "-o", str(path)).exit_code == 0
    assert path.read_text(encoding="utf-8") == run(CARD, "-f", form).stdout


def test_format_overrules_the_suffix(tmp_path: Path) -> None:
    """`-f` says the format, whatever the suffix."""
    path = tmp_path / "out.csv"
    assert run(CARD, "-f", "json", "-o", str(path)).exit_code == 0
    assert json.loads(path.read_text(encoding="utf-8"))["totals"]["params"] == 56
    assert run(CARD, "-f", "table", "-o", str(tmp_path / "out.xlsx")).exit_code == 0


@pytest.mark.parametrize(
    ("command", "name", "message"),
    [
        (
            "calc",
            "out.xlsx",
            "no format of `calc` has the suffix `.xlsx`: add -f, or write to `.json`, `.csv`, `.md`, `.tex`, "
            "`.txt` or `.html`",
        ),
        (
            "explain",
            "out.csv",
            "no format of `explain` has the suffix `.csv`: add -f, or write to `.json`, `.md`, `.txt` or `.html`",
        ),
    ],
)
def test_suffix_of_no_format(tmp_path: Path, command: str, name: str, message: str) -> None:
    """A suffix that no format of the command has is refused, and no file is written."""
    done = run(command, CARD, "-o", str(tmp_path / name))
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.endswith(f"Error: {message}\n")
    assert list(tmp_path.iterdir()) == []


def test_options_without_effect_in_the_format_of_the_suffix(tmp_path: Path) -> None:
    """What the format of the suffix does not show is refused, as with `-f`."""
    done = run(CARD, "--columns", "name", "-o", str(tmp_path / "out.json"))
    assert (done.exit_code, done.stderr) == (2, "Error: `--columns` has no effect in JSON\n")


def test_one_figure_by_suffix(tmp_path: Path) -> None:
    """`--get` writes values as they are, or as JSON, and nothing else under another suffix."""
    path = tmp_path / "out.json"
    assert run(CARD, "--get", "conv1.output_shape", "-o", str(path)).exit_code == 0
    assert path.read_text() == "[3, 3, 2]\n"
    done = run(CARD, "--get", "params", "-o", str(tmp_path / "out.csv"))
    assert done.stderr.endswith("`--get` writes values as they are, or as JSON, not as csv\n")


def test_a_spec_of_the_zoo_by_suffix(tmp_path: Path) -> None:
    """`zoo NAME` writes a spec under the suffix of one."""
    for options in ((), ("--copy",)):
        path = tmp_path / f"net{len(options)}.cnn"
        assert run("zoo", "lenet5", *options, "-o", str(path)).exit_code == 0
        assert path.read_text() == run("zoo", "lenet5").stdout
    done = run("zoo", "lenet5", "--copy", "-o", str(tmp_path / "net.json"))
    assert (done.exit_code, done.stderr.endswith("Error: `--copy` writes a spec: name a file in `.cnn`\n")) == (2, True)


# -- export --------------------------------------------------------------------------------------------------


def test_target_of_the_suffix(tmp_path: Path) -> None:
    """The suffix says what `export` writes; `--to` overrules it."""
    path = tmp_path / "net.cnn"
    assert run("export", CARD, "-o", str(path)).exit_code == 0
    assert path.read_text() == run("export", CARD, "--to", "cnn").stdout
    assert run("export", CARD, "--to", "keras", "-o", str(path)).exit_code == 0
    assert path.read_text() == run("export", CARD, "--to", "keras").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-o", "lenet.h5"), "`lenet.h5` does not say what to write: add `--to`, or write to `.py`, `.onnx` or `.cnn`"),
        ((), "missing `--to`: one of pytorch, keras, onnx, cnn, or a file by `-o` whose suffix says it"),
    ],
)
def test_target_that_is_not_said(arguments: tuple[str, ...], message: str) -> None:
    """Where the suffix is of no target, or missing, `--to` is asked for."""
    done = run("export", CARD, *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.endswith(f"\nError: {message}\n")
