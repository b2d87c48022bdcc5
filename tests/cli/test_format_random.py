"""Damaged specs: formatting and calculating report the same, and what is formatted calculates to the same."""

from __future__ import annotations

import random

import pytest
from click.testing import CliRunner, Result

from cnncalc.cli import main

SPECS = (
    "def f(c, s=1) = conv 3x3 s{s} p1 x{c} | relu\ninput 8x8x3\nf(64)\nf(16, s=2) * 2\n",
    "input 8x8x3 | conv 3x3 x8 as a | add(conv 3x3 same x8 ; @a) | (relu | bn) * 0 | gap | fc 10",
    "let w = 8, n = 2\ndef g(n) = (conv 1x1 x{w // n}) * {n}\ndef h() = g(2) | relu\ninput 8x8x3 | g(0) | relu\n",
    "conv 3x3 x8 | relu | pool 2",
)

PIECES = (
    "f(", "3 4", ")", "(", "{", "}", "s0", "x8", "* 0", "@a", "as b", "|", ",", ";", "cnov", "def q() = ", "\n",
    "1.5.2", " = ", "g()", "{1/0}", "conv 3x3", "let z=w", "64 32",
)  # fmt: skip


def damaged(random: random.Random) -> str:
    """Return one of the specs with up to three pieces put in, cut out or doubled."""
    text = random.choice(SPECS)
    for _ in range(random.randint(1, 3)):
        at, kind = random.randrange(len(text) + 1), random.random()
        if kind < 0.6:
            text = text[:at] + random.choice(PIECES) + text[at:]
        elif kind < 0.9:
            text = text[:at] + text[at + random.randint(1, 4) :]
        else:
            text = text[: at + 8] + text[at:]
    return text


def run(*arguments: str, stdin: str) -> Result:
    return CliRunner().invoke(main, [*arguments, "-"], input=stdin)


def errors(result: Result) -> str:
    """Return what a run wrote of errors, without the table of the layers before."""
    return result.stderr[result.stderr.find("error[") :] if result.exit_code else ""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_damaged_specs(seed: int) -> None:
    """Of 150 damaged specs each has the same errors both ways, or the same figures before and after."""
    source = random.Random(seed)
    outcomes = set()
    for _ in range(150):
        text = damaged(source)
        calculated, formatted = run("calc", "-f", "csv", stdin=text), run("format", stdin=text)
        assert (formatted.exit_code, errors(formatted)) == (calculated.exit_code, errors(calculated)), text
        if not formatted.exit_code:
            assert run("calc", "-f", "csv", stdin=formatted.stdout).stdout == calculated.stdout, text
        outcomes.add(formatted.exit_code)
    assert outcomes == {0, 1}
