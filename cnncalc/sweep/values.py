"""Sizes that differ from variant to variant: exact numbers over the axes of a space, which compute like one number.

A `Varying` holds a number for each combination of the axes that it depends on, and of these alone: the channels of a
layer depend on the width, its sizes on the resolution. So the rules of the layers, which know nothing of a sweep,
compute on short arrays. Numbers are 64-bit integers where the corners, computed in Python's integers, prove that the
result fits, and Python's own integers or fractions where they do not.

A comparison is a `VaryingCondition`, undecided where it holds for some variants and not for others. Code that branches
on it asks the `Decider` that the value belongs to, which takes one side now and the other in a further run: each
structure of the network is built once, for the variants that have it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from cnncalc.sweep.grids import Axes, Decider, Grid, condition

#: The integers that an array of 64 bits holds.
LOWEST, HIGHEST = -(2**63), 2**63 - 1
#: Arrays up to this size are looked at for numbers that are all the same.
MOST_COMPARED = 4096


def is_number(value: object) -> bool:
    """Return whether a value is a number of Python, and not a truth value."""
    return isinstance(value, (int, Fraction)) and not isinstance(value, bool)


def varying(
    run: Decider, axes: Axes, array: np.ndarray[Any, Any], low: int | None = None, high: int | None = None
) -> Any:
    """Return the numbers of an array as one value: a plain number if they are all the same."""
    if array.size <= MOST_COMPARED:
        first = array.flat[0]
        if (array == first).all():
            return first if isinstance(first, Fraction) else int(first) if is_integer(first) else first
    return Varying(run, axes, array, low, high)


def is_integer(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def from_numbers(run: Decider, axes: Axes, numbers: list[Any], shape: tuple[int, ...]) -> Any:
    """Return a value of these numbers, in the order of the axes."""
    whole = all(isinstance(number, int) for number in numbers)
    if whole and all(LOWEST <= number <= HIGHEST for number in numbers):
        return varying(run, axes, np.array(numbers, dtype=np.int64).reshape(shape))
    array = np.empty(len(numbers), dtype=object)
    array[:] = numbers
    return varying(run, axes, array.reshape(shape))


class Varying(Grid):
    """A number for each combination of its axes, which computes like one number.

    `low` and `high` bound its integers, where they are of 64 bits; they may be wider than the numbers are.
    """

    def __init__(
        self, run: Decider, axes: Axes, array: np.ndarray[Any, Any], low: int | None = None, high: int | None = None
    ) -> None:
        super().__init__(run, axes, array)
        self._low, self._high = low, high

    @property
    def bounds(self) -> tuple[int, int]:
        """Numbers that none is below and none above."""
        if self._low is None or self._high is None:
            self._low, self._high = self.exact_bounds
        return self._low, self._high

    @cached_property
    def exact_bounds(self) -> tuple[Any, Any]:
        """The smallest and the largest number."""
        low, high = self.array.min(), self.array.max()
        return (int(low), int(high)) if self.array.dtype != object else (low, high)

    @property
    def wide(self) -> bool:
        """Whether its numbers are Python's own."""
        return bool(self.array.dtype == object)

    def _tighten(self) -> None:
        self._low, self._high = self.exact_bounds

    # -- arithmetic ----------------------------------------------------------------------------------

    def _corners(self, other: Any, corners: Callable[[int, int, int, int], tuple[int, int]]) -> tuple[int, int] | None:
        """Return bounds of a result of 64 bits; None if it may not fit, or an operand is wide."""
        if self.wide or (isinstance(other, Varying) and other.wide) or isinstance(other, Fraction):
            return None
        for attempt in range(2):
            theirs = other.bounds if isinstance(other, Varying) else (other, other)
            low, high = corners(*self.bounds, *theirs)
            if low >= LOWEST and high <= HIGHEST:
                fits = isinstance(other, Varying) or LOWEST <= other <= HIGHEST
                return (low, high) if fits else None
            if attempt == 0:
                self._tighten()
                if isinstance(other, Varying):
                    other._tighten()
        return None

    def _compute(
        self,
        other: Any,
        compute: Callable[[Any, Any], Any],
        corners: Callable[[int, int, int, int], tuple[int, int]],
        reflected: bool = False,
    ) -> Any:
        if not isinstance(other, Varying):
            if isinstance(other, (bool, np.integer)):
                other = int(other)
            if not is_number(other):
                return NotImplemented
        bounds = self._corners(other, corners)
        axes, mine, theirs = self._aligned(other, wide=bounds is None)
        result = compute(theirs, mine) if reflected else compute(mine, theirs)
        if bounds is None:
            return varying(self.run, axes, _whole_numbers(result))
        return varying(self.run, axes, result, *bounds)

    def _aligned(self, other: Any, wide: bool) -> tuple[Axes, Any, Any]:
        """Return the axes of both, and their arrays on these."""
        mine = self.array.astype(object) if wide and not self.wide else self.array
        if not isinstance(other, Varying):
            return self.axes, mine, other
        theirs = other.array.astype(object) if wide and not other.wide else other.array
        axes = self.run.together(self.axes, other.axes)
        return axes, Grid(self.run, self.axes, mine).spread(axes), Grid(self.run, other.axes, theirs).spread(axes)

    def __add__(self, other: Any) -> Any:
        if isinstance(other, int) and other == 0:
            return self
        return self._compute(other, operator.add, lambda a, b, c, d: (a + c, b + d))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self._compute(other, operator.sub, lambda a, b, c, d: (a - d, b - c))

    def __rsub__(self, other: Any) -> Any:
        return self._compute(other, operator.sub, lambda a, b, c, d: (c - b, d - a), reflected=True)

    def __neg__(self) -> Any:
        return 0 - self

    def __abs__(self) -> Any:
        return self.clip(0, None) + (0 - self).clip(0, None)

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, int) and other in (0, 1):
            return self if other else 0
        return self._compute(other, operator.mul, _product_corners)

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> Any:
        return self._compute(_divisor(other), operator.floordiv, _quotient_corners)

    def __rfloordiv__(self, other: Any) -> Any:
        return other // self if isinstance(other, Varying) else _lift_plain(self, other) // self

    def __mod__(self, other: Any) -> Any:
        return self._compute(_divisor(other), operator.mod, _remainder_corners)

    def __rmod__(self, other: Any) -> Any:
        return _lift_plain(self, other) % self

    def __divmod__(self, other: Any) -> tuple[Any, Any]:
        return self // other, self % other

    def __truediv__(self, other: Any) -> Any:
        return self._compute(_divisor(other), _quotients, lambda *_: (LOWEST - 1, HIGHEST + 1))

    def __rtruediv__(self, other: Any) -> Any:
        return _lift_plain(self, other) / self

    def __pow__(self, exponent: Any) -> Any:
        if isinstance(exponent, int) and 0 <= exponent <= 64:
            result: Any = 1
            for _ in range(exponent):
                result = self * result
            return result
        return self._compute(exponent, operator.pow, lambda *_: (LOWEST - 1, HIGHEST + 1))

    def __rpow__(self, base: Any) -> Any:
        return self._compute(base, operator.pow, lambda *_: (LOWEST - 1, HIGHEST + 1), reflected=True)

    def clip(self, low: Any, high: Any) -> Any:
        """Return the numbers, none below `low` and none above `high`; None is no limit."""
        result: Any = self
        for limit, compute, corners in (
            (low, np.maximum, lambda a, b, c, d: (max(a, c), max(b, d))),
            (high, np.minimum, lambda a, b, c, d: (min(a, c), min(b, d))),
        ):
            if limit is None:
                continue
            if not isinstance(result, Varying):
                plain = max if compute is np.maximum else min
                result = (
                    limit.clip(result if plain is max else None, None if plain is max else result)
                    if isinstance(limit, Varying)
                    else plain(result, limit)
                )
            else:
                result = result._compute(limit, compute, corners)
        return result

    @property
    def numerator(self) -> Any:
        return self._part("numerator")

    @property
    def denominator(self) -> Any:
        return self._part("denominator") if self.wide else 1

    def _part(self, name: str) -> Any:
        if not self.wide:
            return self
        return from_numbers(self.run, self.axes, [getattr(each, name) for each in self.array.flat], self.array.shape)

    # -- comparisons ---------------------------------------------------------------------------------

    def _compare(self, other: Any, compare: Callable[[Any, Any], Any]) -> Any:
        if not isinstance(other, Varying) and not is_number(other):
            return NotImplemented
        if isinstance(other, int) and not self.wide and not LOWEST <= other <= HIGHEST:
            return bool(compare(0, other))
        axes, mine, theirs = self._aligned(other, wide=isinstance(other, Fraction))
        return condition(self.run, axes, compare(mine, theirs))

    def __lt__(self, other: Any) -> Any:
        return self._compare(other, operator.lt)

    def __le__(self, other: Any) -> Any:
        return self._compare(other, operator.le)

    def __gt__(self, other: Any) -> Any:
        return self._compare(other, operator.gt)

    def __ge__(self, other: Any) -> Any:
        return self._compare(other, operator.ge)

    def equals(self, other: Any, or_one: bool = False) -> Any:
        """Return the condition that two sizes are the same or, with `or_one`, either of them is 1."""
        same = self._compare(other, operator.eq)
        if not or_one or same is True:
            return same
        one = self._compare(1, operator.eq)
        others = other._compare(1, operator.eq) if isinstance(other, Varying) else other == 1
        return same | one | others

    def __eq__(self, other: object) -> bool:
        """Return whether two numbers are the same; the run decides if they are so for some variants."""
        if self.same_as(other):
            return True
        same = self._compare(other, operator.eq)
        return False if same is NotImplemented else bool(same)

    __hash__ = Grid.__hash__

    def __bool__(self) -> bool:
        return self != 0

    def __index__(self) -> int:
        """Return the number; the run decides which, if there are several."""
        for number in np.unique(self.array).tolist():
            if self == number:
                return int(number)
        raise AssertionError("no variant is left")

    __int__ = __index__

    def __iter__(self) -> Iterator[Any]:
        raise TypeError("a number is not a sequence")

    def __str__(self) -> str:
        low, high = self.exact_bounds
        return f"{low}…{high}"

    __repr__ = __str__

    def __format__(self, form: str) -> str:
        return str(self)


def _lift_plain(like: Varying, number: Any) -> Varying:
    """Return a plain number as a value without axes."""
    fits = isinstance(number, int) and LOWEST <= number <= HIGHEST
    return Varying(like.run, (), np.array(number, dtype=np.int64 if fits else object))


def _divisor(other: Any) -> Any:
    """Return a divisor without zeros: a variant that has one is wrong already, and its numbers are never looked at."""
    if isinstance(other, Varying) and (other.array == 0).any():
        return Varying(other.run, other.axes, np.where(other.array == 0, 1, other.array))
    return other


def _quotients(left: Any, right: Any) -> Any:
    divide = np.frompyfunc(lambda a, b: Fraction(a) / Fraction(b), 2, 1)
    return divide(left, right)


def _whole_numbers(array: Any) -> np.ndarray[Any, Any]:
    """Return an array of Python's numbers with those that are whole as integers, of 64 bits if all of them fit."""
    array = np.asarray(array, dtype=object)
    flat = [each.numerator if isinstance(each, Fraction) and each.denominator == 1 else each for each in array.ravel()]
    if all(isinstance(each, int) and LOWEST <= each <= HIGHEST for each in flat):
        return np.array(flat, dtype=np.int64).reshape(array.shape)
    result = np.empty(len(flat), dtype=object)
    result[:] = flat
    return result.reshape(array.shape)


def _product_corners(a: int, b: int, c: int, d: int) -> tuple[int, int]:
    corners = a * c, a * d, b * c, b * d
    return min(corners), max(corners)


def _quotient_corners(a: int, b: int, c: int, d: int) -> tuple[int, int]:
    most = max(abs(a), abs(b))
    return (0 if a >= 0 and c > 0 else -most), most


def _remainder_corners(a: int, b: int, c: int, d: int) -> tuple[int, int]:
    return (0, d - 1) if c > 0 else (-max(abs(c), abs(d)), max(abs(c), abs(d)))
