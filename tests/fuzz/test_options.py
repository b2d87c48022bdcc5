"""Command lines by the thousand: whatever is given, a run ends with one of the documented statuses."""

from __future__ import annotations

import json
import random
from pathlib import Path

import click
import pytest
from command_line import run

from cnncalc.cli import main
from cnncalc.cli.command import COMMANDS

#: Each seed is a test of its own, which is given to another core.
SEEDS = range(40)
RUNS = 100

SPECS = (
    *("input 5x5x3 | conv 3x3 s1 valid x2", "input 16x16x3 | (conv 3x3 same x4 | bn | relu) * 2 as b | gap | fc 10"),
    *(
        "let w = 2\ninput 8x8x3 | conv 3x3 x{w}",
        "conv 3x3 x4 | pool 2",
        "input HxWx3 | conv 3x3 s2 x4 | deconv 2 s2 x3",
    ),
    *("input 5x5x3 | conv 9x9 x8", "cnov", "", "-", "lenet5", "alexnet", "nothing.cnn", "input 8x8x3 | conv ?x? x4"),
    *("input 9x3 | conv 3 x4 | lstm 5", "input 5x5x3 | \x1b[31m", "input 5x5x3 | " + "x" * 3000, "/", "E201", "conv"),
)
ODD = (
    *(
        "",
        " ",
        "0",
        "1",
        "-1",
        "3",
        "2.5",
        "1e9",
        "999999999",
        "99999999999",
        "9" * 5000,
        "x" * 5000,
        "nan",
        "inf",
        "all",
    ),
    *(
        "3x3",
        "32x32x3",
        "HxWx3",
        "1x",
        "x",
        "a=b",
        "w=3",
        "w=1/0",
        "w={",
        "H=3,W=4",
        "H=0",
        "=",
        ",",
        "+",
        "+macs",
        "macs",
    ),
    *(
        "params,macs",
        "name",
        "none",
        "params>3",
        "macs > 1G",
        "total.params",
        "layers[0].macs",
        "[",
        "*",
        "conv1.params",
    ),
    *(
        "\x1b[2J",
        "\u202e",
        "\udc80",
        "é",
        "３",
        "\0",
        "a\nb",
        "--",
        "-",
        "$(ls)",
        "~",
        "../x",
        "ram",
        "E201",
        "1 2;3 4",
    ),
)


def options(name: str) -> list[click.Option]:
    """The options of a command, but for those that write files at a place of their own choice."""
    command = main.get_command(click.Context(main), name)
    assert command is not None
    return [each for each in command.params if isinstance(each, click.Option)]


def value(option: click.Option, choose: random.Random) -> str:
    """Return a value for an option: one that it takes, or an odd one."""
    if isinstance(option.type, click.Choice) and choose.random() < 0.7:
        return str(choose.choice(list(option.type.choices)))
    return choose.choice(ODD)


def command_line(choose: random.Random) -> list[str]:
    """Return the words of a command line."""
    name = choose.choice(["calc", *COMMANDS])
    words = [] if name == "calc" and choose.random() < 0.5 else [name]
    words += choose.choices(SPECS if choose.random() < 0.8 else ODD, k=choose.choice((0, 1, 1, 1, 2, 3)))
    known = options(name if choose.random() < 0.9 else choose.choice(list(COMMANDS)))
    for option in choose.sample(known, min(len(known), choose.choice((0, 1, 1, 2, 3, 6)))):
        flag = choose.choice([*option.opts, *option.secondary_opts])
        if option.is_flag:
            words.append(flag)
        elif option.name == "file":
            words += [flag, choose.choice(("out", "-", "", "out.json", "missing/out", "folder/", "link", "/dev/null"))]
        else:
            words += [flag, value(option, choose)]
    if choose.random() < 0.05:
        words.insert(choose.randrange(len(words) + 1), choose.choice(ODD))
    return words


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_any_command_line(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run ends in 0, 1, 2 or 3, raises nothing, writes no control character, and what is JSON can be read."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("target")
    monkeypatch.chdir(tmp_path)
    choose = random.Random(f"options {seed}")
    for _ in range(RUNS):
        words = command_line(choose)
        done = run(*words)
        assert done.exception is None or isinstance(done.exception, SystemExit), (words, done.exception)
        assert done.exit_code in (0, 1, 2, 3), words
        if "always" not in words:
            shown = done.stdout + done.stderr
            assert not [each for each in shown if not each.isprintable() and each not in "\n\t\N{NO-BREAK SPACE}"], (
                words
            )
        assert len(done.stderr) < 20_000, words
        if done.exit_code == 0 and done.stdout.startswith("{\n"):
            json.loads(done.stdout)
