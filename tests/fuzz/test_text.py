"""Texts and YAML files by the ten thousand: of each comes an answer, or an error that can be shown everywhere."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import pytest

import cnncalc
from cnncalc.diagnostics import MAX_ERRORS, Source, SpecError, render
from cnncalc.language.inputs import LetterMode
from cnncalc.report.json import to_json
from cnncalc.sources import load_source

#: Each seed is a test of its own, which is given to another core.
SEEDS = range(40)
SPECS, SOUPS, FILES = 600, 1200, 500

WIDTHS = (20, 33, 80, 200)

WORDS = (
    *(
        "conv",
        "conv3d",
        "dwconv",
        "sepconv",
        "deconv",
        "pool",
        "maxpool",
        "avgpool",
        "gap",
        "fc",
        "bn",
        "ln",
        "gn",
        "relu",
    ),
    *(
        "prelu",
        "softmax",
        "dropout",
        "flatten",
        "reshape",
        "slice",
        "crop",
        "pad",
        "shuffle",
        "pixelshuffle",
        "upsample",
    ),
    *("lrn", "lstm", "gru", "attention", "embedding", "identity", "input", "cnov", "Conv2d", "MaxPool2d", "nn.ReLU"),
)
ARGUMENTS = (
    *(
        "3",
        "3x3",
        "1x1",
        "7x7x7",
        "2",
        "0",
        "s2",
        "s1x2",
        "p1",
        "p0-1",
        "same",
        "valid",
        "full",
        "d2",
        "g2",
        "g0",
        "x4",
        "x0",
    ),
    *(
        ":8",
        "x{c}",
        "s{s}",
        "{n}",
        "{2*n}",
        "{n//0}",
        "{10**10**9}",
        "{9**9}",
        "{-1}",
        "{1/3}",
        "nobias",
        "ceil",
        "op1",
    ),
    *("kernel=3", "filters=4", "stride=2", "padding=same", "bias=false", "out_channels=3", "kernel_size=(3, 3)", "0.5"),
    *(
        "999999999",
        "99999999999",
        "-3",
        "1e9",
        "1e999",
        "nan",
        "３",
        "x",
        "=",
        "a=b",
        "bilinear",
        "countpad",
        "m2",
        "h4",
    ),
)
SHAPES = (
    "5x5x3",
    "32x32x3",
    "8x8",
    "10",
    "HxWx3",
    "HxHx3",
    "8x8x8x2",
    "1x1x1",
    "0x5x3",
    "3x224x224",
    "999999999x9x1",
    "NxC",
)
#: Layers that fit one another on most inputs.
FITTING = (
    *(
        "conv 3x3 same x4",
        "conv 3x3 s2 p1 x8",
        "conv1x1:6",
        "dwconv 3x3 same",
        "pool 2 ceil",
        "pool 3 s1 same",
        "bn",
        "relu",
    ),
    *("upsample 2", "deconv 2 s2 x4", "conv 1x1 x{2*4}", "shuffle g2", "ln", "dropout 0.1", "concat( ; )", "identity"),
)
ENDS = ("", "", "", "", " as a", " as b", " * 2", " * 0", " * {n}", " * 999999999", " * 3 as c", " *", " as")
JOINS = (" | ", " | ", " | ", " -> ", ", ", "\n", " ; ", "|", " ", " # x\n", "→")
HEADS = (
    "",
    "",
    "",
    "let n = 3\n",
    "let n = 2, m = n*n\n",
    "def b(c, s=1) = conv 3x3 s{s} x{c} same | relu\n",
    "let n = n\n",
)
SIGNS = "|,;()*@={}[]x:->#\n\t _./%+'\"0123456789abcXé５\u202e\x1b\0\ud800😀"


def layer(choose: random.Random, depth: int, slips: float) -> str:
    """Return one item of a sequence; with a probability of `slips`, one that does not mind the others."""
    kind = choose.random()
    wrong = choose.random() < slips
    end = choose.choice(ENDS) if wrong else choose.choice(("", "", " * 2"))
    if depth and kind < 0.12:
        return f"({sequence(choose, depth - 1, slips)}){end}"
    if depth and kind < 0.28:
        arms = [sequence(choose, depth - 1, slips) for _ in range(choose.randint(0, 3))] if wrong else [""]
        return f"{choose.choice(('add', 'concat', 'mul'))}({' ; '.join([*arms, ''])}){end}"
    if not wrong:
        return choose.choice(FITTING) + end
    if kind < 0.34:
        return choose.choice(("@a", "@b", "@a:1", "b(8)", "b(8, s=2)", "b()", "b(1, 2, 3)", "f(2)"))
    return " ".join((choose.choice(WORDS), *choose.choices(ARGUMENTS, k=choose.randint(0, 4)))) + end


def sequence(choose: random.Random, depth: int, slips: float) -> str:
    """Return some items, joined by one of the ways or by another."""
    join = choose.choice(JOINS) if choose.random() < slips else " | "
    return join.join(layer(choose, depth, slips) for _ in range(choose.randint(1, 5)))


def slipped(text: str, choose: random.Random, most: int) -> str:
    """Return a text with some characters dropped, doubled or replaced."""
    for _ in range(choose.randint(0, most)):
        at = choose.randrange(len(text))
        text = text[:at] + choose.choice(("", choose.choice(SIGNS), text[at] * 2)) + text[at + choose.randint(0, 2) :]
    return text


def grammatical(choose: random.Random) -> str:
    """Return a spec by the grammar, with no slip, with some, or with many."""
    slips = choose.choice((0, 0.05, 0.3, 1))
    head = choose.choice(HEADS) if choose.random() < slips else ""
    shape = choose.choice(SHAPES) if choose.random() < slips else choose.choice(SHAPES[:2])
    return slipped(head + f"input {shape} | " + sequence(choose, 3, slips), choose, 2 if slips else 0)


def soup(choose: random.Random) -> str:
    """Return tokens in any order."""
    every = (
        WORDS,
        ARGUMENTS,
        SHAPES,
        ENDS,
        JOINS,
        HEADS,
        SIGNS,
        ("add(", "concat(", ")", "(", "{", "}", "let ", "def "),
    )
    return "".join(choose.choice(choose.choice(every)) + choose.choice(("", " ")) for _ in range(choose.randint(1, 30)))


def yaml(choose: random.Random, slips: float, depth: int = 3) -> str:
    """Return a value in YAML's own brackets: an item in short or long form, or a list of them; with slips in it."""
    kind = choose.random()
    if depth == 0 or kind < 0.4:
        text = layer(choose, 0, slips)
        return "'" + text.replace("'", "''") + "'" if choose.random() < 0.8 else text
    inner = ", ".join(yaml(choose, slips, depth - 1) for _ in range(choose.randint(0, 3)))
    if kind < 0.6 or choose.random() > slips:
        return choose.choice(("", "&a ", "&b ")) + f"[{inner}]"
    if kind < 0.65:
        return choose.choice(("*a", "*b", "{}", "~", "''", "!!str x"))
    if kind < 0.75:
        return f"{{{choose.choice(('add', 'concat', 'mul', 'group'))}: [{inner}]}}"
    if kind < 0.85:
        return f"{{repeat: {{times: {choose.choice(('2', '0', '{n}', 'x', '-1', '[2]'))}, layers: [{inner}]}}}}"
    pairs = ", ".join(
        f"{choose.choice(('kernel', 'filters', 'stride', 'padding', 'name', 'kernl', 'times', 'arms'))}: "
        f"{choose.choice(('3', '[3, 3]', 'same', '[[0, 1], [1, 1]]', '[]', '{}', 'a', choose.choice(ARGUMENTS)))}"
        for _ in range(choose.randint(0, 3))
    )
    return f"{{{choose.choice(WORDS)}: {{{pairs}}}}}"


def yaml_file(choose: random.Random) -> str:
    """Return a file in YAML, mostly with what a spec has."""
    slips = choose.choice((0, 0.05, 0.3, 1))
    lines = [
        f"input: {choose.choice((*SHAPES, '[8, 8, 3]', '{shape: 8x8x3}', '&a 8x8x3'))}",
        f"let: {{n: {choose.choice(('3', '{n}', '1/0', '[]', '2 * m'))}}}" * (choose.random() < 0.3),
        f"def: {{'b(c, s=1)': [{yaml(choose, slips, 2)}]}}" * (choose.random() < 0.3),
        "layers:",
        *(f"- {yaml(choose, slips)}" for _ in range(choose.randint(1, 5))),
    ]
    return slipped("\n".join(line for line in lines if line), choose, 1)


def check(source: Source) -> None:
    """Analyse a text with letters allowed, and hold what comes of it to what holds of every answer and error."""
    try:
        graph = load_source(source, left_open=LetterMode(True))
        answer = cnncalc.analyze(graph)
    except SpecError as error:
        check_error(error)
    else:
        assert json.loads(to_json(answer.to_dict()))["totals"]


def check_error(error: SpecError) -> None:
    """There are 1 to 20 errors, each can be shown at any width, and JSON has each with a code and a message."""
    assert 1 <= len(error.diagnostics) <= MAX_ERRORS
    for width in WIDTHS:
        assert "".join(render(error.diagnostics, width).split("\n")).isprintable()
    found = json.loads(to_json([each.to_dict() for each in error.diagnostics]))
    assert all(each["message"] and each["code"] for each in found)


def run_all(make: Callable[[random.Random], str], name: str, seed: int, number: int) -> None:
    """Check so many texts that a seed makes; a text that fails is part of the failure."""
    choose = random.Random(f"{name} {seed}")
    for _ in range(number):
        text = make(choose)
        try:
            check(Source(name, text))
        except Exception as error:
            raise AssertionError(f"{type(error).__name__} at {text!r}") from error


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_any_spec(seed: int) -> None:
    """Of a spec with slips comes an answer or an error, at every width and in JSON."""
    run_all(grammatical, "<spec>", seed, SPECS)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_any_tokens(seed: int) -> None:
    """Of tokens in any order comes an answer or an error, at every width and in JSON."""
    run_all(soup, "<spec>", seed, SOUPS)


def is_right(text: str) -> bool:
    """Whether a spec comes to a network."""
    try:
        load_source(Source("<spec>", text))
    except SpecError:
        return False
    return True


def test_most_kinds_of_outcome() -> None:
    """Of texts by the grammar many are right and many are wrong, so that both sides are tried."""
    choose = random.Random(1)
    assert 20 <= sum(is_right(grammatical(choose)) for _ in range(100)) <= 80


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_any_yaml(seed: int) -> None:
    """Of a file in YAML comes an answer or an error, at every width and in JSON."""
    run_all(yaml_file, "net.yaml", seed, FILES)
