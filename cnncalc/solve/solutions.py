"""The answers of solving: the values for each axis, or the number of repeats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any, NamedTuple

from cnncalc.symbols.constraints import IntegerSet


class Skip(NamedTuple):
    """A layer whose windows skip elements between them: it reads `reads` of every `of` elements of its input.

    There is no warning for this, since a stride wider than the window requests it; yet part of the input is not read.
    """

    layer: str
    reads: int
    of: int


class AxisSolution(NamedTuple):
    """All `values` that give the `wanted` size on one axis (or one number for several), and those that drop nothing.

    Either is None if there are too many numbers to try. If no value gives it, `nearest` has other sizes and the
    values that give them, the nearest first.
    """

    axis: str
    wanted: int
    values: IntegerSet | None
    nothing_dropped: IntegerSet | None
    nearest: tuple[tuple[int, IntegerSet], ...] = ()
    #: The values as they are written in a spec, where that shows more than a number: `p1-2`.
    written: tuple[str, ...] = ()
    skipped: tuple[Skip, ...] = ()

    @property
    def solved(self) -> bool:
        """Whether there is a value."""
        return self.values is not None and self.values.first is not None

    @classmethod
    def of_outputs(
        cls, axis: str, wanted: int, outputs: Outputs, repeats: tuple[int, int] | None = None
    ) -> AxisSolution:
        """Return the solution for the outputs of all values that matter.

        `repeats` is (from, period) if the outputs of larger values repeat.
        """

        def among(values: list[int]) -> IntegerSet:
            return IntegerSet.repeating(values, *repeats, low=0) if repeats else IntegerSet(tuple(values))

        fitting = {value: output for value, output in sorted(outputs.items()) if output is not None}
        right = [value for value, (size, _) in fitting.items() if size == wanted]
        nothing_dropped = [value for value in right if fitting[value][1]]
        nearest: list[tuple[int, IntegerSet]] = []
        if not right:
            sizes = sorted({size for size, _ in fitting.values()}, key=lambda size: (abs(size - wanted), size))
            nearest = [(size, among([v for v, (s, _) in fitting.items() if s == size])) for size in sizes[:2]]
        return cls(axis, wanted, among(right), among(nothing_dropped), tuple(nearest))


#: For each value the output's size and whether nothing is dropped, or None where the value does not fit.
Outputs = Mapping[int, "tuple[int, bool] | None"]


def common(solutions: Sequence[AxisSolution]) -> AxisSolution:
    """Return the values that give the wanted sizes on all axes at once."""
    if len(solutions) == 1:
        return solutions[0]
    name = " and ".join(each.axis for each in solutions)
    values = _in_all([each.values for each in solutions])
    skipped = tuple(dict.fromkeys(skip for each in solutions for skip in each.skipped))
    nothing_dropped = _in_all([each.nothing_dropped for each in solutions])
    return AxisSolution(name, solutions[0].wanted, values, nothing_dropped, skipped=skipped)


def _in_all(sets: Sequence[IntegerSet | None]) -> IntegerSet:
    return reduce(IntegerSet.intersection, [each for each in sets if each is not None])


class Solution(NamedTuple):
    """The possible values of the `unknown` (in words) on each axis, for the wanted output of a layer.

    `given` is the input as text, and `limit` the largest number that was tried, if numbers were tried.
    """

    unknown: str
    layer: str
    given: str
    wanted: tuple[int, ...]
    axes: tuple[AxisSolution, ...]
    limit: int | None = None

    @property
    def solved(self) -> bool:
        """Whether there is a value for every axis."""
        return all(each.solved for each in self.axes)


class RepeatSolution(NamedTuple):
    """The number of repeats of a block for a receptive field of the `wanted` size; None, and a reason, without one.

    `field` is the field's size on each axis with that many repeats, `before` with one less.
    """

    block: str
    wanted: int
    count: int | None  # type: ignore[assignment]  # hides tuple.count, which no one asks of it
    field: tuple[Any, ...]
    before: tuple[Any, ...]
    reason: str = ""

    @property
    def solved(self) -> bool:
        """Whether there is a number of repeats."""
        return self.count is not None
