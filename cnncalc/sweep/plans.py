"""A structure made ready to be counted: plain arrays over the part of the space that has it.

A plan has no reference to the graph, so that it can be sent to other processes and machines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import prod
from typing import Any, NamedTuple, Union

import numpy as np

from cnncalc.sweep.answers import FailureCause
from cnncalc.sweep.grids import Axes, VaryingCondition
from cnncalc.sweep.networks import Structure
from cnncalc.sweep.runs import Run
from cnncalc.sweep.sums import LargestSum, Sum
from cnncalc.sweep.values import HIGHEST, Varying

Array = np.ndarray[Any, Any]

#: Failures are combined beforehand on the axes that they depend on, if these have no more combinations.
MOST_STATES = 1 << 22

#: The states of a variant: it has another structure; it is fine; from 2 on, the number of its failure plus 2.
ELSEWHERE, FINE, FAILED = 0, 1, 2


class GridTerm(NamedTuple):
    """Numbers over some axes."""

    axes: Axes
    array: Array


Factor = Union[GridTerm, int, Fraction]


class SumPlan(NamedTuple):
    """A sum of products of a factor and the terms of a sum. If `wide`, it is computed in Python's own integers."""

    products: tuple[tuple[Factor, tuple[Factor, ...]], ...]
    wide: bool


class LargestPlan(NamedTuple):
    """The largest of several sums."""

    sums: tuple[SumPlan, ...]

    @property
    def wide(self) -> bool:
        return any(each.wide for each in self.sums)


FigurePlan = Union[SumPlan, LargestPlan, None]


class StructurePlan(NamedTuple):
    """The part of a space that has one structure: the positions on each axis, and what is counted there.

    `states` says of each variant whether it is fine, on the axes that this depends on; None if all are. Where it would
    be too large, `conditions` has the region and the failures apart.
    """

    positions: tuple[Array, ...]
    states: GridTerm | None
    conditions: tuple[tuple[int, GridTerm], ...]
    problems: tuple[FailureCause, ...]
    figures: dict[str, FigurePlan]
    #: How many layers are built, and the sizes of the whole space's axes.
    layers: int
    lengths: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple([len(each) for each in self.positions])

    @property
    def variants(self) -> int:
        """How many variants there are in the part of the space."""
        return prod(self.shape)


def plan(
    structure: Structure,
    run: Run,
    figures: Mapping[str, Sum | LargestSum | None],
    offsets: Sequence[int],
    lengths: Sequence[int],
) -> StructurePlan | None:
    """Return the plan of a structure; None if no variant has it.

    The axes of the run begin at the `offsets` of the whole space's, which have so many values.
    """
    chosen = [np.arange(length) for length in run.lengths]
    left = []
    for fact in run.region:
        if len(fact.axes) == 1:
            axis = fact.axes[0]
            chosen[axis] = chosen[axis][fact.array[chosen[axis]]]
        else:
            left.append(fact)
    if not all(len(each) for each in chosen):
        return None
    cut = Cutter(chosen, run.lengths)
    conditions = [(ELSEWHERE, cut.term(~fact)) for fact in left]
    problems: list[FailureCause] = []
    for failure in structure.failures:
        place = failure.diagnostic.place
        line, column = (place.in_file().line, place.in_file().column) if place is not None else (0, 0)
        problem = FailureCause(failure.diagnostic.code, failure.diagnostic.message, line, column)
        if problem not in problems:
            problems.append(problem)
        where = failure.where
        term = cut.term(where) if isinstance(where, VaryingCondition) else GridTerm((), np.array(True))
        conditions.append((FAILED + problems.index(problem), term))
    states = _states(conditions, cut.shape)
    frozen = {key: cut.figure(figure) for key, figure in figures.items()}
    positions = tuple([each + offset for each, offset in zip(chosen, offsets, strict=True)])
    apart = () if states is not None else tuple(conditions)
    return StructurePlan(positions, states, apart, tuple(problems), frozen, len(structure.nodes), tuple(lengths))


def _states(conditions: Sequence[tuple[int, GridTerm]], shape: tuple[int, ...]) -> GridTerm | None:
    """Return the state of each variant on the axes that it depends on; None if all are fine or these are too many."""
    axes = tuple(sorted({axis for _, term in conditions for axis in term.axes}))
    if not conditions or prod([shape[axis] for axis in axes]) > MOST_STATES:
        return None
    states = np.full([shape[axis] for axis in axes], FINE, dtype=np.int16)
    for state, term in conditions:
        holds = spread(term, axes)
        # The first failure counts; that another run has a variant is said by any.
        np.copyto(states, state, where=holds & (states == FINE) if state != ELSEWHERE else holds)
    return GridTerm(axes, states)


def spread(term: GridTerm, axes: Axes) -> Array:
    """Return a term's array with a dimension of 1 for each of the axes that it does not depend on."""
    lengths = dict(zip(term.axes, term.array.shape, strict=True))
    return term.array.reshape([lengths.get(axis, 1) for axis in axes])


class Cutter:
    """Cuts arrays to the positions that a structure has."""

    def __init__(self, chosen: Sequence[Array], lengths: Sequence[int]) -> None:
        self.chosen = chosen
        self.whole = [len(each) == length for each, length in zip(chosen, lengths, strict=True)]
        self.shape = tuple([len(each) for each in chosen])

    def term(self, value: Varying | VaryingCondition) -> GridTerm:
        array = value.array
        for at, axis in enumerate(value.axes):
            if not self.whole[axis]:
                array = array.take(self.chosen[axis], axis=at)
        return GridTerm(value.axes, np.ascontiguousarray(array))

    def factor(self, value: Any) -> Factor:
        return self.term(value) if isinstance(value, Varying) else value

    def figure(self, figure: Sum | LargestSum | None) -> FigurePlan:
        if figure is None:
            return None
        if isinstance(figure, LargestSum):
            return LargestPlan(tuple([self.sum(each) for each in figure.sums]))
        return self.sum(figure)

    def sum(self, figure: Sum) -> SumPlan:
        products = []
        bound: Any = 0
        wide = False
        for factor, terms in figure.terms:
            most_terms: Any = 0
            cut = []
            for each in sorted(terms, key=lambda term: term.array.size if isinstance(term, Varying) else 0):
                cut.append(self.factor(each))
                most, own = _most(cut[-1])
                most_terms, wide = most_terms + most, wide or own
            first = self.factor(factor)
            most, own = _most(first)
            bound, wide = bound + most_terms * max(most, 1), wide or own
            products.append((first, tuple(cut)))
        # No sum of some of the terms, nor of some of the products, is past the sum of what each is at most.
        return SumPlan(tuple(products), wide or bound > HIGHEST)


def _most(value: Factor) -> tuple[Any, bool]:
    """Return what a factor is at most, its sign apart, and whether it is wide."""
    if not isinstance(value, GridTerm):
        return abs(value), not isinstance(value, int)
    if value.array.dtype == object:
        return max(map(abs, value.array.flat)), True
    return max(abs(int(value.array.min())), abs(int(value.array.max()))), False
