"""Formulas of letters: their arithmetic is that of whole numbers, and one value has one form."""

import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncalc.shape import (
    Padding,
    ShapeError,
    Window,
    at_least,
    at_most,
    ceil_div,
    equal,
    known_unequal,
    require_divisible,
    require_size,
    statically_known,
)
from cnncalc.symbols import Guard, bounds, largest, period, substitute, symbol

H, W, C = symbol("H"), symbol("W"), symbol("C")

small = st.integers(-6, 6)
numbers = st.integers(1, 40)


def steps() -> st.SearchStrategy[Any]:
    """What the size rules do to a size: one step, as a function of anything that computes like a number."""
    return st.one_of(
        st.builds(lambda a: lambda n: n + a, small),
        st.builds(lambda a: lambda n: n * a, st.integers(1, 4)),
        st.builds(lambda b: lambda n: n // b, st.integers(1, 6)),
        st.builds(lambda b: lambda n: n % b, st.integers(1, 6)),
        st.builds(lambda b: lambda n: ceil_div(n, b), st.integers(1, 6)),
        st.builds(lambda low: lambda n: at_least(n, low), small),
        st.builds(lambda high: lambda n: at_most(n, high), small),
        st.builds(lambda a, b: lambda n: at_most(ceil_div(n + a, b), ceil_div(n - a, b)), small, st.integers(1, 5)),
        st.just(lambda n: n - 2 * (n // 2)),
    )


def after(chain: list[Any], n: Any) -> Any:
    for step in chain:
        n = step(n)
    return n


@given(st.lists(steps(), max_size=6), numbers)
def test_substituting_is_calculating(chain: list[Any], n: int) -> None:
    """A number put into a formula gives what the steps give on the number."""
    found = after(chain, H)
    assert substitute(found, {"H": n}) == after(chain, n)


@given(st.lists(steps(), max_size=5), numbers)
def test_bounds_hold(chain: list[Any], n: int) -> None:
    """No number that a letter may be takes a formula past its bounds."""
    low, high = bounds(after(chain, H))
    value = after(chain, n)
    assert low is None or low <= value
    assert high is None or value <= high


@given(st.lists(steps(), max_size=5), numbers)
def test_periods_hold(chain: list[Any], n: int) -> None:
    """A formula of period p and gain q is q larger p numbers on."""
    found = period(after(chain, H))
    if found is not None:
        assert after(chain, n + found[0]) == after(chain, n) + found[1]


@given(st.lists(steps(), max_size=4), st.lists(steps(), max_size=4), numbers, numbers)
def test_text_is_the_value(down: list[Any], across: list[Any], h: int, w: int) -> None:
    """The text of a product, evaluated, is its value."""
    found = 12 * after(down, H) * after(across, W) * C
    names = {"floor": math.floor, "max": max, "min": min, "H": h, "W": w, "C": 5}
    assert eval(str(found).replace("/", "//"), names) == 60 * after(down, h) * after(across, w)


kernels, strides, few, pads = st.integers(1, 7), st.integers(1, 5), st.integers(1, 3), st.integers(0, 4)
windows = st.one_of(
    st.builds(lambda k, s, d, b, e: lambda n: Window(k, s, d, b, e).size(n), kernels, strides, strides, pads, pads),
    st.builds(
        lambda k, s, d: lambda n: Padding("same").window(0, n, k, s, d).size(n), kernels, st.integers(1, 3), strides
    ),
    st.builds(lambda k, s, b: lambda n: Window(k, s, 1, b, b, ceil=True).size(n), kernels, strides, pads),
)


@given(st.lists(windows, min_size=1, max_size=4))
def test_a_chain_of_windows_is_one_floor(chain: list[Any]) -> None:
    """Convolutions and pools in a chain, `same` and `ceil` among them, are floor((H + a)/b) + c."""
    text = str(after(chain, H))
    assert re.fullmatch(r"(floor\((H|\(H \+ \d+\))/\d+\)|H)( [+-] \d+)?", text), text


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        # A 3x3 window at stride 2 with one zero at each end: floor((H + 2 − 3)/2) + 1.
        (Window(3, 2, 1, 1, 1).size(H), "floor((H + 1)/2)"),
        # floor((floor(H/2) + 1)/3) = floor((H + 2)/6).
        ((H // 2 + 1) // 3, "floor((H + 2)/6)"),
        # floor((4H + 2)/6) = floor((2H + 1)/3).
        ((4 * H + 2) // 6, "floor((2*H + 1)/3)"),
        ((5 * H + 7) // 2, "2*H + floor((H + 1)/2) + 3"),
        (432 * (H - 2) * (W - 2), "432*(H - 2)*(W - 2)"),
        (9 * (H - 2) * (H - 4), "9*(H - 2)*(H - 4)"),
        (H * H * C * 3, "3*C*H**2"),
        (144 * C + 16, "144*C + 16"),
        (-H, "-H"),
        (H / 7, "1/7*H"),
    ],
)
def test_text(formula: Any, text: str) -> None:
    """A formula is written in one way, derived by hand."""
    assert str(formula) == text


def test_what_has_no_letter_is_a_number() -> None:
    """A formula whose letters cancel is a plain number."""
    assert (H - H, H + 1 - H, (H - H) * W, (2 * H) // 2 - H) == (0, 1, 0, 0)
    assert isinstance(H - H, int)


def test_comparisons() -> None:
    """A comparison is decided where every number that the symbols may be decides it alike, and else has no truth."""
    assert (H > 0, H + 1 > H, H * W < 0, 2 * (H // 2) <= H) == (True, True, False, True)
    assert (known_unequal(H, H + 1), known_unequal(H, 2 * (H // 2))) == (True, False)
    assert (statically_known(H > 0), statically_known(H > 1)) == (True, False)
    with pytest.raises(TypeError, match=r"^whether H >= 5 depends on the values of its symbols$"):
        bool(H >= 5)


def test_requirements() -> None:
    """A requirement on a symbol is a guard on it; one that is decided is True or an error at once."""
    size = require_size(H - 6, "height", str, "it is too small")
    whole = require_divisible(H, 2, "rows", "groups")
    assert [str(each.condition) for each in (size, whole)] == ["H >= 7", "H = 2*floor(H/2)"]
    assert (size.code, whole.code) == ("E201", "E202")
    assert require_size(H, "height", str, "it is too small").condition is True
    with pytest.raises(ShapeError, match=r"^it is too small$"):
        require_size(3 - 2 * H // 2 - 3, "height", str, "it is too small")


def test_guards() -> None:
    """A guard on equal sizes holds too where an axis of 1 is stretched, if that is allowed."""
    guard = equal(H // 4, H // 5, or_one=True)
    assert isinstance(guard, Guard)
    # 8//4 = 2 and 8//5 = 1; 10//4 = 2 = 10//5; 12//4 = 3 and 12//5 = 2.
    assert [guard.holds({"H": n}) for n in (8, 10, 12)] == [True, True, False]


def test_largest() -> None:
    """Of several sizes those are left that may be the largest."""
    assert largest([H, H + 2, 2 * (H // 2)]) == H + 2
    assert str(largest([H * W, 100, 5])) == "max(H*W, 100)"
    assert largest([H * W, 100])
    assert largest([symbol(name) for name in "ABDEFGH"]) is None
