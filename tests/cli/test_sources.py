"""What cannot be read is told apart, with what was likely meant."""

from __future__ import annotations

import os
import re
from pathlib import Path

from command_line import Done, no_root, posix, run_process


def first_lines(done: Done) -> str:
    return "\n".join(done.errors.split("\n")[:2])


def test_a_missing_file(tmp_path: Path) -> None:
    """A file that is not there is named, and the one that was likely meant."""
    (tmp_path / "lenet.cnn").write_text("input 5")
    done = run_process("lenett.cnn", cwd=tmp_path)

    assert (done.status, done.output) == (1, "")
    assert re.fullmatch(r"error\[E010\]: cannot read `lenett.cnn`\n +(= |)there is no such file", first_lines(done))
    assert "help: write `lenet.cnn`" in done.errors


def test_a_missing_file_in_a_folder(tmp_path: Path) -> None:
    """The likely file is named with its folder."""
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "lenet.cnn").write_text("input 5")

    assert f"write `{os.path.join('nets', 'lenet.cnn')}`" in run_process("nets/lenett.cnn", cwd=tmp_path).errors


def test_a_missing_folder(tmp_path: Path) -> None:
    """A folder that is not there is no crash."""
    done = run_process("a/b/c.cnn", cwd=tmp_path)

    assert re.fullmatch(r"error\[E010\]: cannot read `a/b/c.cnn`\n +(= |)there is no such file", first_lines(done))


def test_a_folder(tmp_path: Path) -> None:
    """A folder is told apart from a file."""
    done = run_process(".", cwd=tmp_path)

    assert (done.status, done.output) == (1, "")
    assert re.fullmatch(r"error\[E010\]: cannot read `.`\n +(= |)it is a directory", first_lines(done))
    assert done.errors.count("E010") == 1


@posix
def test_a_pipe_with_a_name(tmp_path: Path) -> None:
    """A pipe that no one writes to is not waited for."""
    os.mkfifo(tmp_path / "pipe")
    done = run_process("pipe", cwd=tmp_path)

    assert (done.status, done.output) == (1, "")
    assert re.fullmatch(r"error\[E010\]: cannot read `pipe`\n +(= |)it is not a regular file", first_lines(done))
    assert done.errors.count("E010") == 1


@no_root
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    """A file without permission is told apart from one that is not there."""
    (tmp_path / "net.cnn").write_text("input 5")
    (tmp_path / "net.cnn").chmod(0)
    done = run_process("net.cnn", cwd=tmp_path)

    assert re.fullmatch(r"error\[E010\]: cannot read `net.cnn`\n +(= |)permission denied", first_lines(done))


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    """A binary file is refused at its first byte that is no text."""
    (tmp_path / "net.cnn").write_bytes(b"input 5\n\x89PNG\xff\xfe")
    done = run_process("net.cnn", cwd=tmp_path)

    assert (done.status, done.output) == (1, "")
    assert done.errors.startswith("error[E006]: the spec has bytes that are not UTF-8 in it\n --> net.cnn:2:1\n")


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    """A file beyond any spec is not read to its end."""
    (tmp_path / "net.cnn").write_bytes(b"#" * (5 << 20))
    done = run_process("net.cnn", cwd=tmp_path)

    assert (done.status, done.output) == (1, "")
    assert done.errors.startswith("error[E005]: `net.cnn` is too large\n")


def test_an_error_names_its_file(tmp_path: Path) -> None:
    """A message shows the file, the line and the column."""
    (tmp_path / "net.cnn").write_text("input 5x5x3\ncnov 3x3 x8\n")
    done = run_process("net.cnn", cwd=tmp_path)

    assert done.all == (
        1,
        "",
        "error[E101]: unknown layer `cnov`\n"
        " --> net.cnn:2:1\n"
        "  |\n"
        "2 | cnov 3x3 x8\n"
        "  | ^^^^ not a layer word\n"
        "  = help: write `conv`\n",
    )
