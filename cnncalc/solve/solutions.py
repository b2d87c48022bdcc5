"""The answers of solving: the values for each axis, or the number of repeats."""

from __future__ import annotations

from typing import Any, NamedTuple

from cnncalc.symbols.constraints import IntegerSet


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

    @property
    def solved(self) -> bool:
        """Whether there is a value."""
        return self.values is not None and self.values.first is not None


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
