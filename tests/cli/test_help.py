"""`--help` and `cnncalc help`: options in groups, examples, pages, layers and codes."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from command_line import CARD, ESCAPE, at_terminal, posix, run, run_process, without_colour

import cnncalc
from cnncalc.cli import main, topics
from cnncalc.cli.command import COMMANDS, Command, Option

COMPARE_HELP = """\
Usage: cnncalc compare [OPTIONS] SPEC...

  Compare networks in one table, a row each.

  A row has the parameters, MACs, peak memory and receptive field. Where --input
  or --var has several values, there is a row for every combination, and a
  column for what differs.

  Each SPEC is a file (.cnn, .yaml, or a model), - for standard input, a name of
  the zoo, or the network itself.

Examples:
  cnncalc compare small.cnn large.cnn
  cnncalc compare resnet18 resnet34 mobilenet_v2 --relative
  cnncalc compare mobilenet_v2 --var width=0.5,1 --input 224x224x3 --input 288x288x3
  cnncalc compare *.cnn --columns network,mparams,gmacs --sort gmacs --format latex

Input:
  --input HxWxC        Shape of the input, where the spec has none or in its
                       place; repeat it to compare several.
  --var NAME=A,B       Value for a `let` of the spec, several with commas; may
                       be repeated.
  --at H=N,W=N         Numbers for the letters of sizes and filters.
  --dim NAME=N         Size of a symbolic dimension of a model file; may be
                       repeated.
  --strict             Refuse unknown operators of a model file.

Figures:
  --batch N            Samples at once; MACs and activations scale with it.
                       (default: 1)
  --dtype TYPE         Type of weights and activations: float32, float16,
                       bfloat16, int8, float64, uint8, int4, int16, int32,
                       int64; or of each part:
                       weights=int8,bias=int32,maps=int16 (default: float32)
"""

COMPARE_OUTPUT = """\
Output:
  --columns A,B        Columns to show: names, `+name` to add one, or `all`.
  --sort FIGURE        Sort the rows by a column, smallest first; -FIGURE is for
                       largest first.
  --units UNIT         Unit of counts: k, M, G (1000^n; of bytes 1024^n), or
                       auto for the one that suits each
  -f, --format FORMAT  Format of the result: table, json, csv, markdown, latex,
                       html (default: table)
  -o, --output FILE    Write to a file, whole or not at all; its suffix says the
                       format.
  --layout ORDER       Order in which shapes are written: hwc, chw (default:
                       hwc)
  --color WHEN         When to colour: auto (by the terminal, NO_COLOR and
                       FORCE_COLOR), always, never (default: auto)
  --width N            Width of the text in columns.
  -q, --quiet          Write the result alone: no warnings, no notes.

Other:
  -h, --help           Show this message and exit.
"""

PAGE = """\
# Memory, in *bytes*

[Peak memory](figures.md) is what is live at once. More follows.

```console
$ cnncalc net.cnn --memory
```
"""


def command(name: str) -> Command:
    found = main.get_command(click.Context(main), name)
    assert isinstance(found, Command)
    return found


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of two pages in place of those of the package."""
    (tmp_path / "memory.md").write_text(PAGE, encoding="utf-8")
    (tmp_path / "language.md").write_text("# The language\n\nA spec is text.\n", encoding="utf-8")
    monkeypatch.setattr(topics, "FOLDER", tmp_path)
    return tmp_path


# -- --help --------------------------------------------------------------------------------------------------


def test_version() -> None:
    """`--version` prints the name and the version."""
    assert run_process("--version").all == (0, f"cnncalc {cnncalc.__version__}\n", "")


@pytest.mark.parametrize("arguments", [(), ("-h",), ("--help",)], ids=["nothing", "-h", "--help"])
def test_help(arguments: tuple[str, ...]) -> None:
    """Help shows how a spec looks."""
    done = run_process(*arguments)

    assert done.output.startswith("Usage: cnncalc [OPTIONS] SPEC | COMMAND ...\n")
    assert f'\n  cnncalc "{CARD}"\n' in done.output


def test_help_has_the_options_of_a_spec() -> None:
    """The help of the program has all options that `cnncalc SPEC` takes, in their groups."""
    own, calc = run("--help").stdout, run("calc", "--help").stdout

    groups = calc[calc.index("\nInput:") : calc.index("\nOther:")]
    assert groups in own


def test_help_lists_the_commands() -> None:
    """The help of the program has a line for each command."""
    listed = run("--help").stdout.split("\nCommands:\n")[1].split("\n\n")[0]
    assert [line.split()[0] for line in listed.split("\n")] == list(COMMANDS)


def test_help_of_a_command() -> None:
    """Help has the examples, and the options by what they are for, with their defaults."""
    text = run("compare", "--help").stdout
    assert text.startswith(COMPARE_HELP)
    assert text.endswith(COMPARE_OUTPUT)


@pytest.mark.parametrize("name", COMMANDS)
def test_summary(name: str) -> None:
    """The line by which a command is listed is the first of its help."""
    assert (command(name).help or "").split("\n")[0] == COMMANDS[name]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained(name: str) -> None:
    """Each option stands in a group, with a text."""
    options = [each for each in command(name).params if isinstance(each, click.Option)]
    assert all(isinstance(each, Option) and each.help for each in options)


@pytest.mark.parametrize("name", COMMANDS)
def test_width_of_help(name: str) -> None:
    """Help keeps to 80 columns, but for an example that is longer."""
    examples = {f"  {line}" for line in command(name).examples.split("\n")}
    assert not [line for line in run(name, "--help").stdout.split("\n") if len(line) > 80 and line not in examples]


EXAMPLES = [line for name in COMMANDS for line in command(name).examples.split("\n")]


@pytest.mark.usefixtures("pages")
@pytest.mark.parametrize(
    "line",
    [
        # Writing ONNX needs its package, and so does Parquet.
        pytest.param(line, marks=pytest.mark.frameworks if ".onnx" in line or ".parquet" in line else ())
        for line in EXAMPLES
        # A comment needs a pull request.
        if "model.onnx" not in line and "$(" not in line and "--post" not in line
    ],
)
def test_examples(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An example gives a result; what is piped into it or behind it is left out."""
    monkeypatch.chdir(tmp_path)
    spec = "let width = 1 in [0.5, 1, 2]\ninput 30x30x3\nconv 3x3 x{8 * width}\nconv 3x3 x8\npool 2\n"
    for name in ("net", "old", "new", "small", "large"):
        (tmp_path / f"{name}.cnn").write_text(spec, encoding="utf-8")
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "net.cnn").write_text("input 30x30x3 | relu", encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text('[tool.cnncalc]\nfiles = ["*.cnn"]\n', encoding="utf-8")
    if " review " in line:
        _commit_to_main()
    words = shlex.split(line.partition("cnncalc ")[2], comments=True)
    words = words[: words.index("|")] if "|" in words else words
    words = [name for word in words for name in (sorted(map(str, Path().glob(word))) if "*." in word else [word])]
    done = CliRunner().invoke(main, words, input="input 30x30x3 | relu")

    assert (done.exit_code, done.stderr) == (0, "")


def _commit_to_main() -> None:
    """Make the working folder a git repository, with all that is in it on its branch and on that of its origin."""
    if not shutil.which("git"):
        pytest.skip("git is not installed")
    named = ("-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
    for arguments in (
        ("init", "--quiet", "--initial-branch=main"),
        ("add", "--all"),
        (*named, "commit", "--quiet", "--message", "all"),
        ("update-ref", "refs/remotes/origin/main", "HEAD"),
    ):
        subprocess.run(["git", *arguments], check=True)


# -- cnncalc help --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("pages")
def test_topics() -> None:
    """Without a topic, the pages are listed with their first sentences, then the commands."""
    text = run("help").stdout
    assert text.startswith(
        "Usage: cnncalc help TOPIC\n\nPages:\n"
        "  language     A spec is text.\n  memory       Peak memory is what is live at once.\n\nCommands:\n  calc "
    )


def test_shipped_pages() -> None:
    """Each page of the package has a title and a summary."""
    assert [name for name in topics.names() if not topics.read(name).summary or topics.read(name).title == name] == []


@pytest.mark.usefixtures("pages")
@pytest.mark.parametrize("topic", ["memory", "Memory"])
def test_a_page_in_a_pipe(topic: str) -> None:
    """In a pipe a page is the Markdown that it is."""
    assert run("help", topic).stdout == PAGE


@pytest.mark.usefixtures("pages")
def test_a_page_in_colour() -> None:
    """With colour a page is painted, its marks of Markdown gone."""
    text = CliRunner().invoke(main, ["help", "memory", "--color", "always"], color=True).stdout
    assert ESCAPE in text
    assert "Memory, in bytes" in without_colour(text)
    assert "```" not in text


def test_a_command() -> None:
    """The topic of a command is its help."""
    assert run("help", "diff").stdout == run("diff", "--help").stdout


@pytest.mark.parametrize("word", ["conv", "Conv2d", "maxpool"])
@pytest.mark.parametrize("command", ["help", "explain"])
def test_a_layer(command: str, word: str) -> None:
    """A word for a layer gives the page of the layer."""
    assert run(command, word).stdout == run("layers", word).stdout


def test_a_code() -> None:
    """A code gives its page, in small letters too."""
    text = run("help", "E201").stdout
    assert text.startswith("E201: the output would be empty\n")
    assert run("help", "e201").stdout == run("explain", "E201").stdout == text


def test_a_layer_with_an_input_is_a_spec() -> None:
    """`explain` takes a word with an option of a network to be a network."""
    text = run("explain", "relu", "--input", "5x5x3").stdout
    assert re.findall(r"^(\w+):", text, re.MULTILINE) == ["input1", "relu1"]


@pytest.mark.usefixtures("pages")
@pytest.mark.parametrize(
    ("topic", "hint"),
    [
        ("memroy", "did you mean `memory`?"),
        ("fromat", "did you mean `format`?"),
        ("cnov", "did you mean `conv`?"),
        ("xyzzy", "`cnncalc help` lists them all"),
    ],
)
def test_an_unknown_topic(topic: str, hint: str) -> None:
    """An unknown topic is an error with the nearest page, command or layer."""
    done = run("help", topic)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.endswith(f"Error: unknown topic `{topic}`: {hint}\n")


@posix
def test_help_at_a_terminal() -> None:
    """What is no longer than the terminal is written without a pager."""
    status, shown = at_terminal("help", "E001", env={"PAGER": "false"})
    assert status == 0
    assert "E001" in shown
