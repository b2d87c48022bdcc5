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
    result = run("-", stdin=f"input 8x8x3|{'(' * 50}{'relu|' * 20_000}relu{')' * 50}")
    assert result.exit_code == 1
    assert result.stderr.startswith(
        "error[E005]: the canonical text of `<stdin>` is longer than 1,048,576 characters\n"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--check", "-w"], "--check, --write and --output exclude one another"),
        (["--diff", "-w"], "--diff, --write and --output exclude one another"),
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


# -- what calculates to an error ---------------------------------------------------------------------------

DROPS = """\
def f(c, s=1) = conv 3x3 s{s} p1 x{c} | relu

input 8x8x3
f(64, s=1.5.2)
f(16 32)
"""

#: Specs that calculate to an error, by its code; of each, once, the formatted text had lost something or hidden it.
WRONG = {
    "Conv2d(3, 16, kernel_size=(3, 3), speed=2)": "E112",
    DROPS: "E008",
    "def f(c) = relu\ninput 8x8x3 | f(64 32)": "E008",
    "def f(c) = relu\ndef g() = f(64 32)\ninput 8x8x3 | relu": "E008",
    "input 8x8x3 | relu | g(3 4) * 0": "E112",
    "def f(c) = relu\ninput 8x8x3 | relu | f(3 4) * 0": "E008",
    "def f(c) = relu\ninput 8x8x3 | relu | f(3, 4) * 0": "E113",
    "def f(c) = relu\ninput 8x8x3 | relu | f() * 0": "E113",
    "def f() = cnov 3x3 x8\ninput 8x8x3 | relu": "E101",
    "def f() = conv 3x3 s0 x8\ninput 8x8x3 | relu": "E105",
    "def f() = conv 3x3 s{0} x8\ninput 8x8x3 | relu": "E105",
    "def f() = conv 3x3 x{1 - 2}\ninput 8x8x3 | relu": "E114",
    "def f(c) = conv 3x3 x{d}\ninput 8x8x3 | relu": "E110",
    "def f(c) = conv 3x3 x{mix(c)}\ninput 8x8x3 | relu": "E110",
    "def f(c) = conv 3x3 x{ceil(c, 2)}\ninput 8x8x3 | relu": "E113",
    "def f(c, d=e) = relu\ninput 8x8x3 | relu": "E110",
    "def f() = relu * {1 / 2}\ninput 8x8x3 | relu": "E114",
    "def f() = @nowhere\ninput 8x8x3 | relu": "E110",
    "def f(n) = (cnov 3x3 x8) * {n}\ninput 8x8x3 | relu | f(0)": "E101",
    "input 8x8x3 | relu | (relu | add(cnov 3x3 x8 ; )) * 0": "E101",
    "input 8x8x3 | relu | @nowhere * 0": "E110",
    "let a = 1 / 0\ninput 8x8x3 | relu": "E115",
    "input 8x8x3 | conv 9x9 x8": "E201",
    "input 8x8x3 | conv 3x3": "E104",
    "input 8x8x3 | gn g2": "E202",
    "conv 3x3 g2 x3": "E202",
}


def errors_of(result: Result) -> str:
    """Return what a run wrote of errors, without the table of the layers before."""
    return result.stderr[result.stderr.index("error[") :]


@pytest.mark.parametrize("text", WRONG)
def test_what_calculates_to_an_error(tmp_path: Path, text: str) -> None:
    """Formatting and calculating report the same, and nothing is written."""
    path = file_of(tmp_path, text)
    calculated = CliRunner().invoke(main, [str(path)])
    formatted, rewritten = run(path), run("-w", path)
    assert f"error[{WRONG[text]}]" in calculated.stderr
    for result in (formatted, rewritten):
        assert (result.exit_code, result.stdout, result.stderr) == (1, "", errors_of(calculated))
    assert path.read_text() == text


@pytest.mark.parametrize(
    "text",
    [
        "def f(c, n=2) = conv 3x3 x{c // n} | relu\ninput 8x8x3 | relu\n",
        "def f(n) = (conv 3x3 x{8 // n} | relu) * {n}\ninput 8x8x3 | relu | f(0)\n",
        "let n = 0\ninput 8x8x3 | relu | (conv 3x3 s{n} x8 as a | @a) * {n}\n",
        "def f(c) = relu as a | add(conv 1x1 x{c} ; @a)\ndef g() = f(8) * 2\ninput 8x8x3 | relu\n",
        "conv ?x? s2 p1 x8 | (relu) * ?\n",
        "input 8x8x3 | conv ? s2 x8 | fc 10\n",
    ],
)
def test_what_is_right_where_it_is_not_used(tmp_path: Path, text: str) -> None:
    """What is not built is not held against values that it never has; a `?` stands for a number."""
    result = run(file_of(tmp_path, text))
    assert (result.exit_code, result.stdout, result.stderr) == (0, text, "")


# -- several files -----------------------------------------------------------------------------------------


def test_several_files(tmp_path: Path) -> None:
    """`-w` rewrites each; one that is wrong does not keep the others from it."""
    first, wrong, last = (
        file_of(tmp_path, text, name) for text, name in ((MESSY, "a.cnn"), ("cnov 3x3 x8\n", "b.cnn"), (MESSY, "c.cnn"))
    )
    result = run("-w", first, wrong, tmp_path / "missing.cnn", last)
    heads = [line for line in result.stderr.splitlines() if line.startswith("error")]
    assert heads == ["error[E101]: unknown layer `cnov`", f"error[E010]: cannot read `{tmp_path}/missing.cnn`"]
    assert (result.exit_code, result.stdout) == (1, "")
    assert [path.read_text() for path in (first, wrong, last)] == [TIDY, "cnov 3x3 x8\n", TIDY]


def test_comments_of_one_of_several(tmp_path: Path) -> None:
    """A file whose comments a rewrite would lose is left alone, and the others are not."""
    commented, messy = file_of(tmp_path, "# x\nlayers: [RELU]\n", "net.yaml"), file_of(tmp_path, MESSY)
    result = run("-w", commented, messy)
    assert (result.exit_code, messy.read_text()) == (1, TIDY)
    assert result.stderr.startswith(f"Error: cannot rewrite `{commented}`: its comments would be lost")


def test_check_names_each(tmp_path: Path) -> None:
    """`--check` names every file that would change, and those alone."""
    paths = [file_of(tmp_path, text, f"{at}.cnn") for at, text in enumerate((MESSY, TIDY, MESSY))]
    result = run("--check", *paths)
    lines = [f"`{path}` is not in canonical form: `cnncalc format` would change it" for path in paths[::2]]
    assert (result.exit_code, result.stdout, result.stderr.splitlines()) == (1, "", lines)


def test_several_files_to_standard_output(tmp_path: Path) -> None:
    """Without an option the texts are written one behind the other."""
    assert run(file_of(tmp_path, MESSY, "a.cnn"), file_of(tmp_path, TIDY, "b.cnn")).stdout == TIDY + TIDY


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("conv", "3x3", "x16"), 'several SPECs are files, and none of these is one: quote a spec, "conv 3x3 x16"'),
        (("{net}", "-"), "several SPECs are files: standard input stands alone"),
        (("{net}", "{net}", "-o", "out.cnn"), "--output is for one SPEC: --write rewrites each file"),
    ],
)
def test_several_that_make_no_sense(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    """Words without quotes, standard input among files, and one output for many are a misuse."""
    path = str(file_of(tmp_path, TIDY))
    result = run(*(each.format(net=path) for each in arguments))
    assert result.exit_code == 2
    assert result.stderr.endswith(f"\nError: {message}\n")


# -- --diff ------------------------------------------------------------------------------------------------


def test_diff(tmp_path: Path) -> None:
    """`--diff` shows what would change as a unified diff, and changes nothing."""
    path, tidy = file_of(tmp_path, MESSY), file_of(tmp_path, TIDY, "tidy.cnn")
    result = run("--diff", path, tidy)
    changes = "-input 8x8x3 # in\n-CONV3x3s1p0:16,relu\n+input 8x8x3  # in\n+conv 3x3 x16 | relu\n"
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"--- {path}\n+++ {path}\n@@ -1,2 +1,2 @@\n{changes}"
    assert path.read_text() == MESSY


def test_diff_of_a_last_line_without_end(tmp_path: Path) -> None:
    """A last line without its end differs from one with it, as in every unified diff."""
    path = file_of(tmp_path, "relu")
    shown = f"--- {path}\n+++ {path}\n@@ -1 +1 @@\n-relu\n\\ No newline at end of file\n+relu\n"
    assert run("--diff", path).stdout == shown


def test_check_with_diff(tmp_path: Path) -> None:
    """`--check --diff` names a file, shows what would change, and exits with 1."""
    result = run("--check", "--diff", file_of(tmp_path, MESSY))
    assert (result.exit_code, result.stdout.count("\n"), result.stderr.count("\n")) == (1, 7, 1)


# -- the form by suffix ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "text"), [("net.yaml", YAML), ("net.YML", YAML), ("net.txt", TIDY), ("net", TIDY)])
def test_form_of_the_output_file(tmp_path: Path, name: str, text: str) -> None:
    """The suffix of `-o` says the form, where `--to` does not."""
    assert run(file_of(tmp_path, MESSY), "-o", tmp_path / name).exit_code == 0
    assert (tmp_path / name).read_text() == text
    assert run(file_of(tmp_path, MESSY), "--to", "cnn", "-o", tmp_path / name).exit_code == 0
    assert (tmp_path / name).read_text() == TIDY


def test_output_onto_the_file_itself(tmp_path: Path) -> None:
    """`-o` onto the source loses its comments no more than `-w` does."""
    path = file_of(tmp_path, MESSY)
    result = run("--compact", path, "-o", path)
    assert (result.exit_code, path.read_text()) == (1, MESSY)
    assert result.stderr.startswith(f"Error: cannot rewrite `{path}`: its comments would be lost")
