"""Numbers that tell how they came about: the value is that of plain arithmetic, the text its formula."""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import Any

import pytest

from cnncalc.explain.trace import TracedNumber, signed, text_of, value_of
from cnncalc.shape import Padding, Window, ceil_div, ratio, transposed_size


def window(kernel: int, stride: int, dilation: int, ceil: bool = False) -> Window:
    padding = TracedNumber(1)
    return Window(TracedNumber(kernel), TracedNumber(stride), dilation, padding, padding, ceil)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("told", "text", "value"),
    [
        (TracedNumber(5), "5", 5),
        (TracedNumber(-5), "−5", -5),
        (TracedNumber(7) - TracedNumber(-1), "7 − (−1)", 8),
        (TracedNumber(7) + TracedNumber(2) - 1, "7 + 2 − 1", 8),
        (TracedNumber(7) - (TracedNumber(2) + TracedNumber(1)), "7 − (2 + 1)", 4),
        (TracedNumber(7) + (TracedNumber(2) - TracedNumber(1)), "7 + (2 − 1)", 8),
        (2 * (TracedNumber(3) - 1), "2·(3 − 1)", 4),
        (-TracedNumber(3) + TracedNumber(4), "(−3) + 4", 1),
        (prod([TracedNumber(3), TracedNumber(3), TracedNumber(2)]), "3·3·2", 18),
        (prod([TracedNumber(3), TracedNumber(3)]) * prod([TracedNumber(2), TracedNumber(5)]), "3·3 · 2·5", 90),
        (TracedNumber(4) // TracedNumber(2), "4/2", 2),
        (TracedNumber(5) // TracedNumber(2), "floor(5 / 2)", 2),
        (TracedNumber(3) * (TracedNumber(4) // TracedNumber(2)) * TracedNumber(6), "3·(4/2)·6", 36),
        ((TracedNumber(5) - TracedNumber(3)) // TracedNumber(2), "floor((5 − 3) / 2)", 1),
        (ceil_div(TracedNumber(5), 2), "ceil(5 / 2)", 3),
        (ratio(1, TracedNumber(2)) * TracedNumber(3), "(1/2)·3", Fraction(3, 2)),
        (ratio(TracedNumber(14), TracedNumber(7)), "14/7", 2),
        (TracedNumber(12) // TracedNumber(2) ** 2, "12/2^2", 3),
        (TracedNumber(Fraction(1, 2)) + TracedNumber(2), "1/2 + 2", Fraction(5, 2)),
    ],
)
def test_text(told: Any, text: str, value: Any) -> None:
    """An operation's text has brackets where, and only where, it needs them."""
    assert (text_of(told), value_of(told)) == (text, value)


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (TracedNumber(3) * 1, "3"),
        (1 * TracedNumber(3), "3"),
        (0 + TracedNumber(3), "3"),
        (TracedNumber(3) - 0, "3"),
        (TracedNumber(3) // 1, "3"),
        (1 * (TracedNumber(3) - 1) + 1, "3"),
        (2 * (TracedNumber(3) - 1) + 1 - 1, "2·(3 − 1)"),
        (TracedNumber(3) + 0 * TracedNumber(2), "3"),
    ],
)
def test_plain_numbers_vanish(told: TracedNumber, text: str) -> None:
    """A plain number that changes nothing is not told."""
    assert told.text == text


@pytest.mark.parametrize(
    "told", [TracedNumber(3) * TracedNumber(1), TracedNumber(3) + TracedNumber(0), TracedNumber(3) - TracedNumber(0)]
)
def test_given_numbers_stay(told: TracedNumber) -> None:
    """A number that was given is told, though it changes nothing."""
    assert told.text in ("3·1", "3 + 0", "3 − 0")


def test_size() -> None:
    """The rule of sizes tells padding that is alike at both ends once."""
    told = window(3, 1, 1).size(TracedNumber(5))
    assert (told.text, told.value) == ("floor((5 + 2·1 − 3) / 1) + 1", 5)


def test_dilated_size() -> None:
    """A dilated window's extent is part of the formula."""
    assert window(3, 2, 2).size(TracedNumber(9)).text == "floor((9 + 2·1 − (2·(3 − 1) + 1)) / 2) + 1"


def test_size_rounded_up() -> None:
    """Rounding up tells its clip: the smaller of two numbers."""
    told = window(3, 2, 1, ceil=True).size(TracedNumber(6))
    assert (told.text, told.value) == ("min(ceil((6 + 2·1 − 3) / 2) + 1, ceil((6 + 1) / 2))", 4)


def test_same() -> None:
    """What `same` pads in all is told as the most of what is missing and nothing."""
    padded = Padding("same").window(0, TracedNumber(5), TracedNumber(3), TracedNumber(2), 1)  # type: ignore[arg-type]
    assert padded.begin.text == "floor(max((ceil(5 / 2) − 1)·2 + 3 − 5, 0) / 2)"
    assert (padded.begin.value, padded.end.value) == (1, 1)


def test_transposed() -> None:
    """The rule of transposed convolutions runs on them too."""
    told = transposed_size(TracedNumber(4), window(3, 2, 1), 0)
    assert (told.text, told.value) == ("(4 − 1)·2 − 2·1 + 3", 7)


def test_compares_by_value() -> None:
    """Among numbers it is one: by value it is equal, ordered, hashed and true."""
    assert TracedNumber(3) == 3
    assert {TracedNumber(3): "x"}[3] == "x"  # type: ignore[index]
    assert sorted([TracedNumber(3), TracedNumber(1), TracedNumber(2)]) == [1, 2, 3]
    assert not TracedNumber(0)
    assert TracedNumber(2) <= TracedNumber(2) < 3 <= TracedNumber(3) > 2 >= TracedNumber(2)
    assert (range(TracedNumber(3)), TracedNumber(7) % 4) == (range(3), 3)


@pytest.mark.parametrize(("value", "text"), [(3, "3"), (-3, "−3"), (Fraction(-1, 2), "−1/2")])
def test_signed(value: Any, text: str) -> None:
    """A plain value is written with the minus of formulas."""
    assert (signed(value), text_of(value)) == (text, text)
