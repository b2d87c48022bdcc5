"""Letters beside everything else: conventions, single figures, caches, and the commands that need numbers."""

import re
from itertools import product
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import cnncalc
from cnncalc.cli import main
from cnncalc.figures.cost import CONVENTIONS
from cnncalc.layers.base import REGISTRY
from cnncalc.symbols import substitute

EXAMPLES = sorted({example.spec for layer in REGISTRY.values() for example in layer.examples})
SPEC = "input HxWx3 | conv 3x3 x16 | pool 2"
CFG = "[net]\nheight=8\nwidth=8\nchannels=3\n\n[convolutional]\nfilters=2\nsize=3\nstride=1\nactivation=linear\n"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


# -- conventions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_conventions(convention: str) -> None:
    """By every convention, a layer's MACs in letters are, with numbers for them, those of the numbers."""
    for spec in EXAMPLES:
        first = re.match(r"input (\S+)", spec)
        assert first is not None
        sizes = first[1].split("x")
        plain = [row.macs for row in cnncalc.analyze(spec, convention=convention)]
        for open_ in product((True, False), repeat=len(sizes)):
            numbers = {letter: int(n) for letter, n, left in zip("HWDC", sizes, open_, strict=False) if left}
            shape = [letter if letter in numbers else n for letter, n in zip("HWDC", sizes, strict=False)]
            lettered = cnncalc.analyze(spec, input="x".join(shape), convention=convention)
            assert [substitute(row.macs, numbers) for row in lettered] == plain


# -- single figures ----------------------------------------------------------------------------------------


def test_get() -> None:
    """A figure by its path is a formula, written as in JSON; what depends on numbers is empty."""
    paths = ["totals.params", "conv1.macs", "pool1.output_shape", "pool1.receptive_field", "arena"]
    done = run(SPEC, *[each for path in paths for each in ("--get", path)])
    # 3·3·3·16 + 16 parameters; pool: floor((H − 2)/2) places; the field grows from 3 to 4.
    assert done.output.splitlines() == [
        "448", "432*(H - 2)*(W - 2)", "(floor(H/2) - 1)x(floor(W/2) - 1)x16", "4", ""
    ]  # fmt: skip


def test_get_tensors() -> None:
    """Which tensors are live at the peak depends on numbers: that is said."""
    done = run(SPEC, "--get", "totals.peak_at.tensors")
    assert done.exit_code == 2
    assert "depends on numbers" in done.stderr


# -- what needs numbers ------------------------------------------------------------------------------------

NEEDING = [
    (SPEC, "--memory"),
    (SPEC, "--fail-if", "params > 5M"),
    (SPEC, "--convention", "all"),
    ("explain", SPEC),
    ("compare", SPEC, "resnet18"),
    ("diff", SPEC, "resnet18"),
    ("compare", "relu", "gelu", "--input", "HxWx3"),
    ("export", SPEC, "--to", "cnn"),
]


@pytest.mark.parametrize("arguments", NEEDING, ids=" ".join)
def test_refused(arguments: tuple[str, ...]) -> None:
    """What needs numbers says so, once, and how to give them."""
    done = run(*arguments)
    assert done.exit_code == 1
    assert done.stderr.count("error[E132]: `input HxWx3` leaves sizes open") == done.stderr.count("error[") == 1
    assert "`--at H=32,W=32`" in done.stderr


@pytest.mark.parametrize("arguments", [each for each in NEEDING if "resnet18" not in each], ids=" ".join)
def test_at(arguments: tuple[str, ...]) -> None:
    """With numbers for the letters it answers as for the numbers."""
    plain = [each.replace("HxWx3", "32x24x3") for each in arguments]
    done = run(*arguments, "--at", "H=32,W=24")
    assert done.exit_code == 0
    assert done.output.replace("HxWx3", "32x24x3").split() == run(*plain).output.split()


def test_model_files(tmp_path: Path) -> None:
    """The input of a model file is given in numbers."""
    path = tmp_path / "net.cfg"
    path.write_text(CFG, encoding="utf-8")
    assert "error[E132]: `input HxWx3` leaves sizes open" in run(str(path), "--input", "HxWx3").stderr
    assert "error[E309]: `--at` does not apply here" in run(str(path), "--at", "H=8").stderr
    assert "error[E309]: " in run("solve", str(path), "--output-size", "6x6").stderr


def test_channels_that_never_divide() -> None:
    """Channels that no number makes divisible are an error, as those of numbers are."""
    done = run("concat(conv 1x1 x1; ; ) | conv 1x1 g2 x4")
    assert "`channels` (=2*C + 1) must be divisible by `groups` (=2)" in done.stderr


# -- caches ------------------------------------------------------------------------------------------------


def test_twice() -> None:
    """What is kept of a network does not keep the next one of its kind from all conditions."""
    spec = "input HxWx3 | conv 5x5 x8 as a | pool 2 | upsample 2 | concat(; @a)"
    first, second = cnncalc.analyze(spec), cnncalc.analyze(spec)
    # A 5x5 takes 4 off, and halves that are doubled are whole only where H is even.
    assert first.domains == second.domains
    assert {name: str(domain) for name, domain in first.domains.items()} == {"H": "6, 8, 10, …", "W": "6, 8, 10, …"}
    assert first.to_dict() == second.to_dict()


def test_letters_and_numbers_in_turn() -> None:
    """A network of letters and one of numbers are worked out each by itself, whichever comes first."""
    numbers = cnncalc.analyze("input 9x9x3 | conv 3x3 s2 x8").to_dict()
    letters = cnncalc.analyze("input HxHx3 | conv 3x3 s2 x8")
    assert letters["conv1"].output_shape[0].substitute({"H": 9}) == 4
    assert cnncalc.analyze("input 9x9x3 | conv 3x3 s2 x8").to_dict() == numbers


def test_assumed_filters_stay_with_their_question() -> None:
    """Filters that solving takes for granted are no part of what the same text means elsewhere."""
    assert run("solve", "conv 3x3", "--output-size", "5x5").exit_code == 0
    assert "error[E104]: `conv` has no filters" in run("input 9x9x3 | conv 3x3").stderr
