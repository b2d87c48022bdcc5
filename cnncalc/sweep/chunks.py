"""A chunk of the variants of a structure, and the numbers that figures have there.

A `Block` is a run of neighbours, and what it takes of an array is a slice; `Points` are any variants. Both give arrays
that are spread over no more axes than they depend on, until the whole chunk is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from cnncalc.sweep.plans import (
    ELSEWHERE,
    FINE,
    Array,
    Factor,
    FigurePlan,
    GridTerm,
    StructurePlan,
    SumPlan,
)

#: So many variants are counted at once: their numbers stay in the processor's cache.
CHUNK = 1 << 17


class VariantChunk:
    """Some variants of a structure."""

    def __init__(self, plan: StructurePlan, shape: tuple[int, ...]) -> None:
        self.plan, self.shape = plan, shape
        self.count = prod(shape)

    def take(self, term: GridTerm) -> Array:
        """Return a term's numbers for the chunk, in an array that spreads over its shape."""
        raise NotImplementedError

    def numbers(self, chosen: Array) -> Array:
        """Return the numbers in the whole space of the variants at these positions of the chunk."""
        raise NotImplementedError

    # -- figures -------------------------------------------------------------------------------------

    def figure(self, figure: FigurePlan) -> Any:
        """Return a figure's numbers, in an array that spreads over the chunk; None if there are none."""
        if figure is None:
            return None
        if isinstance(figure, SumPlan):
            return self._sum(figure, figure.wide)
        result: Any = None
        for each in figure.sums:
            numbers = self._sum(each, figure.wide)
            result = numbers if result is None else np.maximum(result, numbers)
        return result

    def _sum(self, figure: SumPlan, wide: bool) -> Any:
        result: Any = None
        for factor, terms in figure.products:
            part: Any = None
            for term in terms:
                numbers = self._numbers(term, wide)
                part = numbers if part is None else part + numbers
            if isinstance(factor, GridTerm) or factor != 1:
                part = part * self._numbers(factor, wide)
            result = part if result is None else result + part
        return np.asarray(0 if result is None else result)

    def _numbers(self, factor: Factor, wide: bool) -> Any:
        if not isinstance(factor, GridTerm):
            return np.array(factor, dtype=object if wide else np.int64)
        numbers = self.take(factor)
        return numbers.astype(object) if wide and numbers.dtype != object else numbers

    def spread(self, numbers: Array) -> Array:
        """Return numbers for each variant of the chunk, one behind the other."""
        return np.broadcast_to(numbers, self.shape).reshape(-1)

    def states(self) -> Array | None:
        """Return the states of the variants, in an array that spreads over the chunk; None if all are fine."""
        if self.plan.states is not None:
            states = self.take(self.plan.states)
            return None if (states == FINE).all() else states
        if not self.plan.conditions:
            return None
        states = np.full(self.shape, FINE, dtype=np.int16)
        for state, term in self.plan.conditions:
            holds = np.broadcast_to(self.take(term), self.shape)
            states[holds if state == ELSEWHERE else holds & (states == FINE)] = state
        return states


class Block(VariantChunk):
    """Neighbours: one position on each of the first axes, a part of the next, and all of the others."""

    def __init__(self, plan: StructurePlan, slices: tuple[slice, ...]) -> None:
        super().__init__(plan, tuple([each.stop - each.start for each in slices]))
        self.slices = slices

    def take(self, term: GridTerm) -> Array:
        shape = [1] * len(self.shape)
        for axis in term.axes:
            shape[axis] = self.shape[axis]
        return term.array[tuple([self.slices[axis] for axis in term.axes])].reshape(shape)

    def numbers(self, chosen: Array) -> Array:
        result = np.zeros(len(chosen), dtype=np.int64)
        stride = 1
        at = np.unravel_index(chosen, self.shape)
        for axis in reversed(range(len(self.shape))):
            result += self.plan.positions[axis][self.slices[axis]][at[axis]] * stride
            stride *= self.plan.lengths[axis]
        return result


class Points(VariantChunk):
    """Variants by their positions in the structure's part of the space, an array for each axis."""

    def __init__(self, plan: StructurePlan, at: tuple[Array, ...], own_numbers: Array) -> None:
        super().__init__(plan, (len(own_numbers),))
        self.at, self.own_numbers = at, own_numbers

    @classmethod
    def of(cls, plan: StructurePlan, numbers: Array) -> tuple[Points, Array]:
        """Return those of the variants of these numbers that have the structure, and their positions in the list."""
        inside = np.ones(len(numbers), dtype=bool)
        rest = np.asarray(numbers, dtype=np.int64)
        at: list[Array] = []
        for axis in reversed(range(len(plan.lengths))):
            rest, wanted = np.divmod(rest, plan.lengths[axis])
            own = plan.positions[axis]
            found = np.minimum(np.searchsorted(own, wanted), len(own) - 1)
            inside &= own[found] == wanted
            at.insert(0, found)
        chosen = np.flatnonzero(inside)
        points = cls(plan, tuple([each[chosen] for each in at]), numbers[chosen])
        states = points.states()
        if states is not None:
            here = np.flatnonzero(np.broadcast_to(states, points.shape) != ELSEWHERE)
            points = cls(plan, tuple([each[here] for each in points.at]), points.own_numbers[here])
            chosen = chosen[here]
        return points, chosen

    def numbers(self, chosen: Array) -> Array:
        result: Array = self.own_numbers[chosen]
        return result

    def take(self, term: GridTerm) -> Array:
        if not term.axes:
            return term.array.reshape(1)
        return term.array[tuple([self.at[axis] for axis in term.axes])]


def blocks(plan: StructurePlan, size: int = CHUNK) -> Iterator[tuple[slice, ...]]:
    """Yield the slices of the blocks that a structure's part of the space is cut into, in order."""
    shape = plan.shape
    # The last axes whole, as many as fit, and a part of the one before them.
    split, inner = len(shape), 1
    while split and inner * shape[split - 1] <= size:
        split -= 1
        inner *= shape[split]
    last = tuple([slice(0, length) for length in shape[split:]])
    if not split:
        yield last
        return
    step = max(size // inner, 1)
    outer = shape[: split - 1]
    for number in range(prod(outer)):
        at = np.unravel_index(number, outer) if outer else ()
        first = tuple([slice(int(each), int(each) + 1) for each in at])
        for start in range(0, shape[split - 1], step):
            yield (*first, slice(start, min(start + step, shape[split - 1])), *last)
