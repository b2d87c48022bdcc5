"""A number that varies computes like each of its numbers, and a run takes one side of what it does not decide."""

from __future__ import annotations

import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import examples

from cnncalc.diagnostics import Diagnostic, SpecError
from cnncalc.shape import at_least, at_most, ceil_div, equal
from cnncalc.sweep.grids import VaryingCondition
from cnncalc.sweep.runs import MOST_NUMBERS, Failure, Run, TooLarge, TooManyRuns, explore
from cnncalc.sweep.values import Varying, from_numbers

LENGTHS = (3, 2)
INTEGERS = st.integers(-5, 70) | st.integers(-(2**62), 2**62)
OPERATIONS: list[Callable[[Any, Any], Any]] = [
    operator.add, operator.sub, operator.mul, operator.floordiv, operator.mod, at_least, at_most,
]  # fmt: skip


def run() -> Run:
    return Run(LENGTHS, (), {})


def value(numbers: list[Any], axis: int, of: Run) -> Any:
    return from_numbers(of, (axis,), numbers, (len(numbers),))


def at(number: Any, first: int, second: int) -> Any:
    """The number of a combination of the two axes."""
    if not isinstance(number, Varying):
        return number
    place = tuple((first, second)[axis] for axis in number.axes)
    found = number.array[place]
    return found if number.wide else int(found)


@examples(30)
@given(
    st.sampled_from(OPERATIONS),
    st.lists(INTEGERS, min_size=3, max_size=3),
    st.lists(INTEGERS.filter(bool), min_size=2, max_size=2),
)
def test_arithmetic(compute: Callable[[Any, Any], Any], first: list[int], second: list[int]) -> None:
    """Each operation gives, for each combination, what it gives for plain integers, however large."""
    of = run()
    left, right = value(first, 0, of), value(second, 1, of)
    for a, b in ((left, right), (left, second[0]), (first[0], right)):
        result = compute(a, b)
        for i in range(3):
            for j in range(2):
                assert at(result, i, j) == compute(at(a, i, j), at(b, i, j))


@examples(15)
@given(st.lists(st.integers(1, 2**40), min_size=3, max_size=3), st.integers(0, 4))
def test_powers(numbers: list[int], exponent: int) -> None:
    """So does a power, and a division rounded up."""
    of = run()
    varied = value(numbers, 0, of)
    for i in range(3):
        assert at(varied**exponent, i, 0) == numbers[i] ** exponent
        assert at(ceil_div(varied, exponent + 1), i, 0) == -(-numbers[i] // (exponent + 1))


def test_fractions() -> None:
    """A division is exact, and whole results are integers again."""
    of = run()
    third = value([1, 2, 3], 0, of) / 3
    assert [at(third, i, 0) for i in range(3)] == [Fraction(1, 3), Fraction(2, 3), 1]
    assert not (third * 3).wide
    assert [at(third.denominator, i, 0) for i in range(3)] == [3, 3, 1]
    assert at(1 / value([2, 4, 8], 0, of), 1, 0) == Fraction(1, 4)
    assert at(7 // value([2, 4, 8], 0, of), 1, 0) == 1
    assert at(7 % value([2, 4, 8], 0, of), 1, 0) == 3
    assert at(2 ** value([2, 4, 8], 0, of), 2, 0) == 256
    assert at(abs(value([-2, 4, 0], 0, of)), 0, 0) == 2


def test_numbers_that_are_alike_are_one_number() -> None:
    """What does not vary is a plain number."""
    of = run()
    assert value([4, 4, 4], 0, of) == 4
    assert type(value([2, 3, 4], 0, of) * 0) is int
    assert type(value([2, 3, 4], 0, of) // 5) is int


def test_shorter_than_the_space() -> None:
    """A number is stored for the axes that it depends on alone."""
    of = run()
    width, size = value([1, 2, 3], 0, of), value([8, 9], 1, of)
    assert ((width + 1).axes, (size * size).axes, (width * size).axes) == ((0,), (1,), (0, 1))
    assert (width * size).array.shape == LENGTHS


def test_comparisons() -> None:
    """A comparison that is the same for all is decided, another is a condition."""
    of = run()
    width = value([1, 2, 3], 0, of)
    assert (width > 0) is True
    assert (width > 10**30) is False
    assert isinstance(width > 1, VaryingCondition)
    assert (width > 1).array.tolist() == [False, True, True]
    assert equal(width, 2, or_one=True).array.tolist() == [True, True, False]
    assert ((width > 1) & (width < 3)).array.tolist() == [False, True, False]
    assert ((width > 2) | (width < 2)).array.tolist() == [True, False, True]
    assert (width > Fraction(3, 2)).array.tolist() == [False, True, True]


def branches(of: Run) -> str:
    """Branch on one number that varies, then on another."""
    width, size = value([1, 2, 3], 0, of), value([8, 9], 1, of)
    if width == 1:
        return "narrow"
    return f"{int(width)} at {'8' if size < 9 else '9'}"


def test_explore() -> None:
    """Each structure is one run, and each variant is in exactly one of them."""
    covered = np.zeros(LENGTHS, dtype=int)
    results = []
    for of, result in explore(LENGTHS, branches):
        inside = np.ones(LENGTHS, dtype=bool)
        for fact in of.region:
            inside &= np.broadcast_to(fact.spread((0, 1)), LENGTHS)
        covered += inside
        results.append(result)
    assert results == ["narrow", "2 at 8", "2 at 9", "3 at 8", "3 at 9"]
    assert (covered == 1).all()


def test_explore_has_an_end() -> None:
    """No more structures are built than is allowed."""
    with pytest.raises(TooManyRuns):
        list(explore(LENGTHS, branches, most=4))


def test_lift() -> None:
    """A function of plain numbers gives a value of the axes along which results differ; errors are failures."""
    of = run()
    width, size = value([1, 2, 3], 0, of), value([8, 9], 1, of)
    assert of.lift(lambda a, b: a + 0 * b, width, size).axes == (0,)

    def odd(number: int) -> int:
        if number % 2 == 0:
            raise SpecError([Diagnostic("E114", "even")])
        return number

    assert of.lift(odd, width).array.tolist() == [1, 1, 3]
    assert [failure.where.array.tolist() for failure in of.failures] == [[False, True, False]]
    with pytest.raises(SpecError, match="even"):
        of.lift(odd, value([2, 4, 6], 0, of))


def test_failed_variants_decide_nothing() -> None:
    """What holds for all variants but those that failed is decided."""
    of = run()
    width = value([1, 2, 3], 0, of)
    of.failures.append(Failure(width < 2, Diagnostic("E201", "empty")))
    assert (width > 1) is True
    assert bool(width * 2 > 3)
    assert of.region == []


def test_too_large() -> None:
    """A value of too many combinations is not made: the space is looked at in parts then."""
    long = MOST_NUMBERS // 100
    of = Run((long, 200), (), {})
    first, second = value(list(range(long)), 0, of), value(list(range(200)), 1, of)
    with pytest.raises(TooLarge):
        first * second


def test_no_sequence() -> None:
    """A number cannot be iterated by mistake, and is shown as the range of what it may be."""
    width = value([1, 2, 3], 0, run())
    with pytest.raises(TypeError, match="not a sequence"):
        iter(width)
    assert f"{width} {width!r}" == "1…3 1…3"
    with pytest.raises(TypeError):
        width + "1"
