"""Commands and options as other tools have them: what was meant is done, or named where it may be several things."""

from __future__ import annotations

import json
import re

import click
import pytest
from command_line import run

from cnncalc.cli import main
from cnncalc.cli.command import COMMANDS
from cnncalc.cli.manners import COMMAND_WORDS, NAMES, SEVERAL, TARGETS, WITH_VALUE, as_command
from cnncalc.writers import FORMATS

CARD = "input 5x5x3 | conv 3x3 s1 valid x2"

#: A command line as it is typed, and as this program has it.
MEANT = {
    ("memory", "lenet5"): ("calc", "lenet5", "--memory"),
    ("summary", "lenet5"): ("calc", "lenet5"),
    ("convert", "lenet5", "--to", "torch"): ("export", "lenet5", "--to", "pytorch"),
    ("export", "lenet5", "-f", "tf"): ("export", "lenet5", "--to", "keras"),
    ("list",): ("zoo",),
    ("ls", "lenet5"): ("zoo", "lenet5"),
    ("version",): ("--version",),
    ("lenet5", "--json"): ("lenet5", "--format", "json"),
    ("--json", "lenet5"): ("--format", "json", "lenet5"),
    ("lenet5", "-f", "md"): ("lenet5", "-f", "markdown"),
    ("lenet5", "-fmd"): ("lenet5", "-f", "markdown"),
    ("lenet5", "--format=tex"): ("lenet5", "--format=latex"),
    ("lenet5", "--batch_size", "8"): ("lenet5", "--batch", "8"),
    ("lenet5", "--batch-size=8"): ("lenet5", "--batch=8"),
    ("lenet5", "--input-shape", "64"): ("lenet5", "--input", "64"),
    ("lenet5", "--dtype", "half"): ("lenet5", "--dtype", "float16"),
    ("lenet5", "--fp16"): ("lenet5", "--dtype", "float16"),
    ("lenet5", "--no-color"): ("lenet5", "--color", "never"),
    ("format", "net.cnn", "--to", "yml"): ("format", "net.cnn", "--to", "yaml"),
    # What is no word of another tool stays as it is: specs, files of that name behind a `--`, numbers.
    (CARD, "--at", "H=-3"): (CARD, "--at", "H=-3"),
    ("memory",): ("memory",),
    ("calc", "--", "--json"): ("calc", "--", "--json"),
    ("-",): ("-",),
    (): (),
}


@pytest.mark.parametrize(("typed", "meant"), MEANT.items(), ids=[" ".join(each) for each in MEANT])
def test_as_command(typed: tuple[str, ...], meant: tuple[str, ...]) -> None:
    assert tuple(as_command(typed)) == meant


def test_a_command_by_another_word() -> None:
    """The result is that of the command, and a note names it."""
    done = run("memory", CARD)
    assert (done.stdout, done.stderr) == (
        run(CARD, "--memory").stdout,
        "note: `memory` is `cnncalc calc` with `--memory`\n",
    )


def test_json() -> None:
    """`--json` is `--format json`, with nothing beside it."""
    done = run("summary", CARD, "--json")
    assert (json.loads(done.stdout)["totals"]["params"], done.stderr) == (56, "")


@pytest.mark.parametrize("word", SEVERAL)
def test_what_may_be_several_commands_names_them(word: str) -> None:
    """Each command that is named has the options that are named with it."""
    done = run(word, CARD)
    assert (done.exit_code, done.stdout) == (2, "")
    for named in re.findall(r"`cnncalc ([^`]+)`", done.stderr.replace("\n", " ")):
        first = named.split()[0]
        command = main.get_command(click.Context(main), first if first in COMMANDS else "calc")
        assert command is not None
        known = {name for each in command.params for name in each.opts}
        assert set(re.findall(r"(--[a-z-]+)", named)) <= known


def test_no_command_has_such_an_option() -> None:
    """What other tools call an option is none of any command's own, nor a word one of the commands."""
    own = {
        name
        for word in COMMANDS
        if (command := main.get_command(click.Context(main), word))
        for each in command.params
        for name in each.opts
    }
    assert sorted({*WITH_VALUE, *NAMES} & own) == []
    assert sorted({*COMMAND_WORDS, *SEVERAL} & {*COMMANDS}) == []
    assert sorted({*TARGETS.values()} - {*FORMATS, "yaml"}) == []


def test_the_suffix_tells_the_target(tmp_path: object) -> None:
    """Python code is PyTorch's, and a note says how to have the other."""
    path = f"{tmp_path}/lenet.py"
    done = run("export", "lenet5", "-o", path)
    assert done.stderr == "note: written for pytorch; for another framework add `--to keras`\n"
    with open(path, encoding="utf-8") as file:
        assert file.read() == run("export", "lenet5", "--to", "pytorch").stdout
