"""`cnncalc format`: which form goes where, and what it refuses to do to a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cnncalc.cli import main

MESSY = "input 8x8x3 # in\nCONV3x3s1p0:16,relu\n"
TIDY = "input 8x8x3  # in\nconv 3x3 x16 | relu\n"
YAML = "input: 8x8x3\nlayers:\n  - conv 3x3 x16\n  - relu\n"


def run(*arguments: str | Path, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, ["format", *map(str, arguments)], input=stdin)


def file_of(folder: Path, text: str, name: str = "net.cnn") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


# -- what is written ---------------------------------------------------------------------------------------


def test_text() -> None:
    """A spec on the command line is written in its canonical form."""
    assert run("CONV 3X3 S1 P0 X16,Relu").stdout == "conv 3x3 x16 | relu\n"


def test_no_input_is_needed() -> None:
    """Sizes are not looked at: a spec without an input has a canonical form as well."""
    result = run("conv3x3:16,pool2")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "conv 3x3 x16 | pool 2\n", "")


def test_file(tmp_path: Path) -> None:
    """A file is written to standard output, and left as it was."""
    path = file_of(tmp_path, MESSY)
    assert run(path).stdout == TIDY
    assert path.read_text() == MESSY


def test_standard_input() -> None:
    """`-` is standard input."""
    assert run("-", stdin=MESSY).stdout == TIDY


def test_output_file(tmp_path: Path) -> None:
    """`-o` writes to a file in place of standard output."""
    target = tmp_path / "out.cnn"
    result = run(file_of(tmp_path, MESSY), "-o", target)
    assert (result.exit_code, result.output) == (0, "")
    assert target.read_text() == TIDY


def test_compact() -> None:
    """`--compact` glues a spec together on one line, without its comments."""
    assert run("--compact", "-", stdin=MESSY).stdout == "input8x8x3,conv3x3:16,relu\n"


def test_to_yaml() -> None:
    """`--to yaml` translates text to YAML."""
    assert run("--to", "yaml", "-", stdin=MESSY).stdout == YAML


def test_to_text(tmp_path: Path) -> None:
    """`--to cnn` translates YAML to text, an item a line."""
    assert run(file_of(tmp_path, YAML, "net.yaml"), "--to", "cnn").stdout == "input 8x8x3\nconv 3x3 x16\nrelu\n"


def test_yaml_stays_yaml(tmp_path: Path) -> None:
    """Without `--to`, YAML is written as YAML."""
    path = file_of(tmp_path, "input: 8x8x3\nlayers: [conv: {filters: 16, kernel: 3x3}, RELU]\n", "net.YML")
    assert run(path).stdout == YAML


# -- --check and -w ----------------------------------------------------------------------------------------


def test_check_of_another_form(tmp_path: Path) -> None:
    """`--check` says on standard error that a file would change, exits with 1, and writes nothing."""
    path = file_of(tmp_path, MESSY)
    result = run("--check", path)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"`{path}` is not in canonical form: `cnncalc format` would change it\n"
    assert path.read_text() == MESSY


@pytest.mark.parametrize(("name", "text"), [("net.cnn", TIDY), ("net.yaml", YAML)])
def test_check_of_the_canonical_form(tmp_path: Path, name: str, text: str) -> None:
    """`--check` is silent about a file in canonical form, and exits with 0."""
    result = run("--check", file_of(tmp_path, text, name))
    assert (result.exit_code, result.output) == (0, "")


def test_check_of_text() -> None:
    """Text on the command line needs no new line at its end to be canonical; a file does."""
    assert run("--check", "conv 3x3 x16 | relu").exit_code == 0
    assert run("--check", "-", stdin="conv 3x3 x16 | relu").exit_code == 1


def test_check_compact() -> None:
    """`--check --compact` asks for the glued form."""
    assert run("--check", "--compact", "conv3x3:16,relu").exit_code == 0
    assert run("--check", "--compact", "conv 3x3 x16 | relu").exit_code == 1


@pytest.mark.parametrize("option", ["-w", "--write"])
def test_write(tmp_path: Path, option: str) -> None:
    """`-w` rewrites the file, comments and mode kept, and says nothing."""
    path = file_of(tmp_path, MESSY)
    path.chmod(0o640)
    result = run(option, path)
    assert (result.exit_code, result.output) == (0, "")
    assert path.read_text() == TIDY
    assert path.stat().st_mode & 0o777 == 0o640


def test_write_of_the_canonical_form(tmp_path: Path) -> None:
    """`-w` does not touch a file that is in canonical form."""
    path = file_of(tmp_path, TIDY)
    before = path.stat()
    run("-w", path)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_write_yaml(tmp_path: Path) -> None:
    """`-w` rewrites YAML without comments, a `#` in its name being none."""
    path = file_of(tmp_path, "name: 'net #1'\nlayers: [RELU, conv3x3:8]\n", "net.yaml")
    assert run("-w", path).exit_code == 0
    assert path.read_text() == 'name: "net #1"\nlayers:\n  - relu\n  - conv 3x3 x8\n'


@pytest.mark.parametrize("text", ["# a net\nlayers: [RELU]\n", "layers: ['RELU # here']\n", "layers: [RELU] # x\n"])
def test_comments_in_yaml(tmp_path: Path, text: str) -> None:
    """`-w` refuses to lose the comments of YAML, and says what to do instead."""
    path = file_of(tmp_path, text, "net.yaml")
    result = run("-w", path)
    assert result.exit_code == 1
    lost = "its comments would be lost; use `--to cnn -o FILE`"
    assert result.stderr == f"Error: cannot rewrite `{path}`: {lost}\n"
    assert path.read_text() == text


def test_comments_have_no_place_on_one_line(tmp_path: Path) -> None:
    """`-w --compact` refuses to lose comments."""
    path = file_of(tmp_path, MESSY)
    result = run("-w", "--compact", path)
    assert result.exit_code == 1
    assert result.stderr == f"Error: cannot rewrite `{path}`: its comments would be lost; use `-o FILE`\n"
    assert path.read_text() == MESSY


# -- what is wrong -----------------------------------------------------------------------------------------


def test_errors(tmp_path: Path) -> None:
    """What is wrong with the spec is shown as everywhere, the file is left alone, and the status is 1."""
    path = file_of(tmp_path, "cnov 3x3 x8\nconv 3x3 s0 x8\n")
    result = run("-w", path)
    assert (result.exit_code, result.stdout) == (1, "")
    assert [line for line in result.stderr.splitlines() if line.startswith("error")] == [
        "error[E101]: unknown layer `cnov`",
        "error[E105]: `stride` must be at least 1",
    ]
    assert path.read_text() == "cnov 3x3 x8\nconv 3x3 s0 x8\n"


def test_no_such_file() -> None:
    """A file that is not there is an error with status 1."""
    result = run("nowhere.cnn")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("error[E010]: cannot read `nowhere.cnn`\n")


def test_nested_too_deeply() -> None:
    """Every kind of nesting at once is refused, not run into Python's own limit."""
    result = run("-", stdin=f"{'(' * 100}conv 3 x{{{'1-(' * 99}1{')' * 99}}}{')' * 100}")
    assert result.exit_code == 1
    assert result.stderr.startswith("error[E005]: `<stdin>` is nested too deeply\n")


def test_grown_too_long() -> None:
    """A text that its canonical form takes over the limit is refused: it could not be read again."""
    result = run("-", stdin=f"{'(' * 50}{'relu|' * 20_000}relu{')' * 50}")
    assert result.exit_code == 1
    assert result.stderr.startswith(
        "error[E005]: the canonical text of `<stdin>` is longer than 1,048,576 characters\n"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--check", "-w"], "--check, --write and --output exclude one another"),
        (["-w", "-o", "out.cnn"], "--check, --write and --output exclude one another"),
        (["-w", "--to", "yaml"], "a file of cnn stays one: write yaml with --to yaml -o FILE"),
        (["--check", "--to", "yaml"], "a file of cnn stays one: write yaml with --to yaml -o FILE"),
        (["--compact", "--to", "yaml"], "--compact is a form of text: add --to cnn"),
    ],
)
def test_options_that_clash(tmp_path: Path, options: list[str], message: str) -> None:
    """Options that ask for two things at once are a misuse, with status 2."""
    path = file_of(tmp_path, MESSY)
    result = run(path, *options)
    assert result.exit_code == 2
    assert result.stderr.endswith(f"\nError: {message}\n")
    assert path.read_text() == MESSY


@pytest.mark.parametrize("spec", ["-", "conv 3x3 x16"])
def test_nothing_to_rewrite(spec: str) -> None:
    """`-w` is for files."""
    result = run("-w", spec)
    assert result.exit_code == 2
    assert result.stderr.endswith(f"\nError: --write needs a file to rewrite, and `{spec}` is none\n")
