"""Fronts and rankings that grow: of what was found so far, and what a chunk may add to it.

A variant is on the front if no other is at least as good by every figure and better by one. Of variants with equal
figures the first stands for all, so that a front does not depend on the order in which parts of a space are looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cnncalc.sweep.chunks import VariantChunk
from cnncalc.sweep.plans import Array

#: A front of three figures and more is compared with so many candidates at once.
BATCH = 1 << 14
#: So many variants of such a front are compared with all of a chunk beforehand.
PIVOTS = 24


def _none(columns: int) -> list[Array]:
    return [np.zeros(0, dtype=np.int64) for _ in range(columns)]


def _joined(first: Array, second: Array) -> Array:
    if object in (first.dtype, second.dtype):
        first, second = first.astype(object), second.astype(object)
    return np.concatenate([first, second])


def ranks(numbers: Array) -> Array:
    """Return numbers that compare as these do, of 64 bits."""
    if numbers.dtype != object:
        return numbers
    order = {number: rank for rank, number in enumerate(sorted(set(numbers.tolist())))}
    return np.array([order[number] for number in numbers.tolist()], dtype=np.int64)


class Front:
    """The front of the variants that were added: their figures, each the smaller the better, and their numbers."""

    def __init__(self, figures: int) -> None:
        self.figures = _none(figures)
        self.numbers = np.zeros(0, dtype=np.int64)

    def candidates(self, chunk: VariantChunk, columns: Sequence[Array], wanted: Any) -> Array:
        """Return the positions in a chunk of those that may be on the front."""
        if wanted is False:
            return np.zeros(0, dtype=np.int64)
        if any(each.dtype == object for each in (*columns, *self.figures)) or not len(self.numbers):
            return _positions(chunk, wanted)
        if len(columns) == 2:
            # What is better than the front by the second figure, among its variants that are as good by the first.
            near, far = columns if columns[0].size <= columns[1].size else (columns[1], columns[0])
            own = self.figures if near is columns[0] else self.figures[::-1]
            order = np.argsort(own[0], kind="stable")
            best = np.minimum.accumulate(own[1][order])
            place = np.searchsorted(own[0][order], near, side="right")
            highest = np.concatenate([[np.iinfo(np.int64).max], best])[place]
            return _positions(chunk, _both(wanted, far <= highest))
        if len(columns) == 1:
            return _positions(chunk, _both(wanted, columns[0] <= self.figures[0].min()))
        kept: Any = wanted
        picked = np.linspace(0, len(self.numbers) - 1, min(PIVOTS, len(self.numbers))).astype(int)
        for at in picked.tolist():
            worse: Any = True
            equal: Any = True
            for column, front_column in zip(columns, self.figures, strict=True):
                worse = worse & (column >= front_column[at])
                equal = equal & (column == front_column[at])
            kept = _both(kept, ~worse | equal)
        return _positions(chunk, kept)

    def add(self, figures: Sequence[Array], numbers: Array) -> None:
        """Add variants."""
        for start in range(0, len(numbers), BATCH if len(figures) > 2 else max(len(numbers), 1)):
            end = start + (BATCH if len(figures) > 2 else len(numbers))
            joined = [_joined(own, new[start:end]) for own, new in zip(self.figures, figures, strict=True)]
            together = np.concatenate([self.numbers, numbers[start:end]])
            kept = front([ranks(each) for each in joined], together)
            self.figures = [each[kept] for each in joined]
            self.numbers = together[kept]


def _both(first: Any, second: Any) -> Any:
    return second if first is True else first & second


def _positions(chunk: VariantChunk, wanted: Any) -> Array:
    if wanted is True:
        return np.arange(chunk.count)
    return np.flatnonzero(np.broadcast_to(wanted, chunk.shape))


def front(figures: Sequence[Array], numbers: Array) -> Array:
    """Return the positions of the variants on the front, by their figures and then their numbers."""
    order = np.lexsort((numbers, *reversed(figures)))
    first = figures[0][order]
    if len(figures) == 1:
        return order[:1]
    if len(figures) == 2:
        # From the smallest first figure on, each is on the front that is better by the second than all before.
        second = figures[1][order]
        best = np.minimum.accumulate(second)
        kept = np.ones(len(order), dtype=bool)
        kept[1:] = second[1:] < best[:-1]
        return order[kept]
    rest = [each[order] for each in figures]
    distinct = np.ones(len(order), dtype=bool)
    distinct[1:] = np.any([each[1:] != each[:-1] for each in rest], axis=0)
    order = order[distinct]
    points = np.stack([ranks_below_2_53(each[order]) for each in figures], axis=1)
    del first
    return order[_undominated(points)]


def ranks_below_2_53(numbers: Array) -> Array:
    """Return numbers as floats that compare as they do: exact ones, or their ranks."""
    if len(numbers) and max(abs(int(numbers.min())), abs(int(numbers.max()))) >= 2**53:
        _, numbers = np.unique(numbers, return_inverse=True)
    return numbers.astype(np.float64)


def _undominated(points: Array) -> Array:
    """Return which of different points no other dominates."""
    try:
        import moocore
    except ImportError:
        return _undominated_by_comparison(points)
    result: Array = moocore.is_nondominated(points)
    return result


def _undominated_by_comparison(points: Array) -> Array:
    """As `_undominated`, where the library for it is not installed; the points are sorted by their first figure."""
    kept = np.zeros(len(points), dtype=bool)
    chosen = np.zeros((0, points.shape[1]))
    for at, point in enumerate(points):
        if not (chosen <= point).all(axis=1).any():
            kept[at] = True
            chosen = np.concatenate([chosen, point[None]])
    return kept


class Ranking:
    """The best of the variants that were added by one figure, up to a number; of equal ones, the first."""

    def __init__(self, most: int | None) -> None:
        self.most = most
        self.figures = np.zeros(0, dtype=np.int64)
        self.numbers = np.zeros(0, dtype=np.int64)

    @property
    def full(self) -> bool:
        return self.most is not None and len(self.numbers) >= self.most

    def candidates(self, chunk: VariantChunk, column: Array, wanted: Any) -> Array:
        """Return the positions in a chunk of those that may be among the best."""
        if wanted is False or self.most == 0:
            return np.zeros(0, dtype=np.int64)
        if self.full and column.dtype != object and self.figures.dtype != object:
            # An equal one may come before those that were found, in a part of the space that is looked at later.
            before = chunk.numbers(np.zeros(1, dtype=np.int64))[0] < self.numbers[-1]
            wanted = _both(wanted, column <= self.figures[-1] if before else column < self.figures[-1])
            if not np.any(wanted):
                return np.zeros(0, dtype=np.int64)
        chosen = _positions(chunk, wanted)
        if self.most is not None and len(chosen) > 4 * self.most and column.dtype != object:
            own = np.broadcast_to(column, chunk.shape).reshape(-1)[chosen] if column.size > 1 else None
            if own is None:
                return chosen[: self.most]
            worst = np.partition(own, self.most - 1)[self.most - 1]
            below, same = chosen[own < worst], chosen[own == worst]
            chosen = np.concatenate([below, same[: self.most]])
        return chosen

    def add(self, figures: Array, numbers: Array) -> None:
        """Add variants."""
        joined = _joined(self.figures, figures)
        together = np.concatenate([self.numbers, numbers])
        order = np.lexsort((together, ranks(joined)))
        # One that was found twice stands twice in a row.
        again = np.zeros(len(order), dtype=bool)
        again[1:] = together[order][1:] == together[order][:-1]
        order = order[~again][: self.most]
        self.figures, self.numbers = joined[order], together[order]
