"""`cnncalc completion`: what a shell completes, and the script for it."""

from __future__ import annotations

import pytest
from click.shell_completion import ShellComplete
from command_line import run

from cnncalc import zoo
from cnncalc.cli import main
from cnncalc.cli.command import COMMANDS
from cnncalc.cli.completion import SHELLS


def completions(*words: str) -> dict[str, str]:
    """Return what may stand for the last word, which has been begun: the value, and whether it is a file."""
    *before, incomplete = words
    items = ShellComplete(main, {}, "cnncalc", "_CNNCALC_COMPLETE").get_completions(list(before), incomplete)
    return {item.value: item.type for item in items}


@pytest.mark.parametrize("shell", SHELLS)
def test_script(shell: str) -> None:
    """The script asks this program, by the variable that click knows."""
    done = run("completion", shell)
    assert done.exit_code == 0
    assert f"_CNNCALC_COMPLETE={shell}_complete" in done.stdout


def test_an_unknown_shell() -> None:
    """A shell that is not known is refused with those that are."""
    done = run("completion", "tcsh")
    assert done.exit_code == 2
    assert "'bash', 'zsh', 'fish'" in done.stderr


def test_first_word() -> None:
    """The first word may be a command, a network of the zoo, or a file."""
    assert completions("") == {**dict.fromkeys((*COMMANDS, *zoo.members()), "plain"), "": "file"}


def test_first_word_begun() -> None:
    """Of commands and networks, those are left that begin as the word does."""
    assert list(completions("co")) == [
        "compare",
        "completion",
        "coatnet_0",
        "convnext_tiny",
        "convnext_small",
        "convnext_base",
        "convnext_large",
        "convnextv2_atto",
        "convnextv2_femto",
        "convnextv2_pico",
        "convnextv2_nano",
        "convnextv2_tiny",
        "co",
    ]


def test_networks_and_blocks() -> None:
    """`cnncalc zoo` completes networks and blocks."""
    assert list(completions("zoo", "inv")) == ["inverted"]
    assert {"resnet50", "se"} <= set(completions("zoo", ""))


def test_a_spec_of_a_command() -> None:
    """A command's spec may be a network of the zoo, or a file."""
    assert completions("diff", "lenet") == {"lenet5": "plain", "lenet": "file"}


@pytest.mark.parametrize("before", [(), ("resnet50",), ("calc",)], ids=" ".join)
def test_options(before: tuple[str, ...]) -> None:
    """The options for a spec are completed with and without it, and without the command's name."""
    assert {"--columns", "--convention", "--color"} <= set(completions(*before, "--co"))


def test_values_of_an_option() -> None:
    """The choices of an option are completed."""
    assert list(completions("resnet50", "--dtype", "float")) == ["float32", "float16", "float64"]


def test_two_words_that_are_no_command() -> None:
    """While words are completed, none of them is refused."""
    assert "--columns" in completions("fromat", "net.cnn", "--col")


def test_topics_of_help() -> None:
    """The topic of help may be a command."""
    assert "format" in completions("help", "form")
