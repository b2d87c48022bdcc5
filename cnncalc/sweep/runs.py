"""One run of the program on a space: the decisions that it takes, the variants left by them, and those that fail.

Where code branches on a condition that holds for some variants alone, the run decides for one side and goes on with the
variants of that side; `explore` begins another run for the other. So each run has one structure, and all its variants
have it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from math import prod
from operator import is_
from typing import Any, NamedTuple, TypeVar

import numpy as np

from cnncalc.diagnostics import Diagnostic, SpecError
from cnncalc.sweep.grids import Axes, VaryingCondition, condition, union
from cnncalc.sweep.values import Varying, from_numbers

Result = TypeVar("Result")

#: No space is split into more structures: each is built by itself.
MOST_RUNS = 4096
#: A value has at most so many numbers: a larger space is looked at in parts.
MOST_NUMBERS = 1 << 17
#: What is left is looked at exactly up to this many combinations of axes.
MOST_COMBINED = 1 << 20


class DeadEnd(Exception):  # noqa: N818  # no error
    """No variant is left."""


class TooManyRuns(Exception):  # noqa: N818
    """The space has more structures than are built."""


class TooLarge(Exception):  # noqa: N818
    """A value would depend on more combinations than one part of a space may have."""


class Failure(NamedTuple):
    """Variants that fail: those for which `where` holds, with the error of one of them."""

    where: Any
    diagnostic: Diagnostic


class Run:
    """The state of one run. `lengths` has the number of values of each axis, `shared` what all runs may reuse."""

    def __init__(self, lengths: Sequence[int], decisions: tuple[bool, ...], shared: dict[Any, Any]) -> None:
        self.lengths, self.given, self.shared = lengths, decisions, shared
        self.taken: list[bool] = []
        #: The decisions that had another side, at which further runs begin.
        self.open: list[tuple[bool, ...]] = []
        #: What holds for the variants of this run, and is not that they failed.
        self.region: list[VaryingCondition] = []
        self.failures: list[Failure] = []

    def together(self, first: Axes, second: Axes) -> Axes:
        """Return the axes of both; raises `TooLarge` if they have too many combinations."""
        axes = union(first, second)
        if axes not in (first, second) and self.combinations(axes) > MOST_NUMBERS:
            raise TooLarge
        return axes

    def combinations(self, axes: Axes) -> int:
        """Return how many combinations of positions some axes have."""
        return prod([self.lengths[axis] for axis in axes])

    @property
    def facts(self) -> int:
        """How much is known of the variants that are left."""
        return len(self.region) + len(self.failures)

    def decide(self, asked: VaryingCondition) -> bool:
        """Return one side of a condition, and leave the variants of the other side to another run."""
        known = self.settled(asked)
        if isinstance(known, bool):
            return known
        position = len(self.taken)
        if position < len(self.given):
            side = self.given[position]
        else:
            side = True
            self.open.append((*self.taken, False))
        self.taken.append(side)
        self.region.append(asked if side else ~asked)
        return side

    def settled(self, asked: VaryingCondition) -> Any:
        """Return True or False for a condition that is the same for all variants left, else the condition."""
        if asked.array.all():
            return True
        if not asked.array.any():
            return False
        if not self._possible(asked):
            return False
        return asked if self._possible(~asked) else True

    def _possible(self, asked: VaryingCondition) -> bool:
        """Return whether variants are left for which a condition holds; True where that is not known."""
        axes, holds = asked.axes, asked.array
        for fact in self._facts():
            if not set(fact.axes) & set(axes):
                continue
            both = union(axes, fact.axes)
            if self.combinations(both) > MOST_COMBINED:
                continue
            holds = VaryingCondition(self, axes, holds).spread(both) & fact.spread(both)
            axes = both
            if not holds.any():
                return False
        return True

    def _facts(self) -> Iterator[VaryingCondition]:
        yield from self.region
        for failure in self.failures:
            if isinstance(failure.where, VaryingCondition):
                yield ~failure.where

    def fail(self, where: Any, diagnostic: Diagnostic) -> None:
        """Record variants that fail."""
        if where is True:
            raise SpecError([diagnostic])
        if where is not False:
            self.failures.append(Failure(where, diagnostic))

    # -- values of combinations ----------------------------------------------------------------------

    def lift(self, function: Callable[..., Any], *arguments: Any, key: Any = None) -> Any:
        """Return a function's results for each combination of the axes of its arguments, as one value.

        It is called with plain numbers. A combination for which it raises `SpecError` fails; with no other left, the
        first of these is raised. Runs share the results of calls with one `key`.
        """
        axes: Axes = ()
        for each in arguments:
            if isinstance(each, Varying):
                axes = self.together(axes, each.axes)
        shape = tuple(self.lengths[axis] for axis in axes)
        columns = [
            np.broadcast_to(each.spread(axes), shape).ravel().tolist() if isinstance(each, Varying) else repeat(each)
            for each in arguments
        ]
        known: dict[tuple[Any, ...], Any] = self.shared.setdefault(key, {}) if key is not None else {}
        points = list(zip(*columns, strict=False))
        for given in dict.fromkeys(points):
            if given not in known:
                try:
                    known[given] = function(*given)
                except SpecError as error:
                    known[given] = error
        results = [known[given] for given in points]
        return self.merged(self._without_errors(results, axes, shape), axes, shape)

    def _without_errors(self, results: list[Any], axes: Axes, shape: tuple[int, ...]) -> list[Any]:
        """Return results with another in place of each error, after recording which combinations fail by which."""
        if not any(issubclass(each, SpecError) for each in set(map(type, results))):
            return results
        errors = {id(each): each for each in results if isinstance(each, SpecError)}
        good = next((each for each in results if not isinstance(each, SpecError)), None)
        if good is None and len(errors) == 1:
            raise next(iter(errors.values()))
        for key, error in errors.items():
            where = np.array([id(each) == key for each in results]).reshape(shape)
            self.fail(condition(self, axes, where), error.diagnostics[0])
        if good is None:
            raise next(iter(errors.values()))
        return [good if isinstance(each, SpecError) else each for each in results]

    def merged(self, results: list[Any], axes: Axes, shape: tuple[int, ...]) -> Any:
        """Return the results of all combinations as one value: numbers as a `Varying`, tuples and layers by part."""
        first = results[0]
        if all(map(is_, results, repeat(first))):
            return first
        kinds = set(map(type, results))
        if kinds == {int} or (bool not in kinds and all(map(_is_number_type, kinds))):
            return self._without_idle_axes(results, axes, shape)
        if len(kinds) == 1:
            if isinstance(first, tuple) and len({len(each) for each in results}) == 1:
                parts = [self.merged([each[at] for each in results], axes, shape) for at in range(len(first))]
                return type(first)(*parts) if hasattr(first, "_fields") else tuple(parts)
            if hasattr(first, "with_values") and len({(each.kind, each.axes) for each in results}) == 1:
                values = {
                    name: self.merged([vars(each)[name] for each in results], axes, shape) for name in first.arguments
                }
                return first.with_values(values)
            if all(each == first for each in results):
                return first
        return self._one_kind(results, axes, shape)

    def _one_kind(self, results: list[Any], axes: Axes, shape: tuple[int, ...]) -> Any:
        """Return the results of the variants on one side, where results are of different kinds; the run decides."""
        numbers: dict[Any, int] = {}
        for each in results:
            numbers.setdefault(_kind(each), len(numbers))
        if len(numbers) == 1:
            raise TypeError(f"results differ in what is no number: {type(results[0]).__name__}")
        chosen = int(from_numbers(self, axes, [numbers[_kind(each)] for each in results], shape))
        stand_in = next(each for each in results if numbers[_kind(each)] == chosen)
        return self.merged([each if numbers[_kind(each)] == chosen else stand_in for each in results], axes, shape)

    def _without_idle_axes(self, numbers: list[Any], axes: Axes, shape: tuple[int, ...]) -> Any:
        """Return numbers as a value of the axes along which they differ."""
        value = from_numbers(self, axes, numbers, shape)
        if not isinstance(value, Varying):
            return value
        array, kept = value.array, list(axes)
        for axis in axes:
            at = kept.index(axis)
            if (array == array.take([0], axis=at)).all():
                array = array.take(0, axis=at)
                kept.remove(axis)
        return value if len(kept) == len(axes) else Varying(self, tuple(kept), array)


def _is_number_type(kind: type) -> bool:
    return issubclass(kind, (int, float)) or hasattr(kind, "denominator")


def _kind(result: Any) -> Any:
    """Return what results must have in common to be one value."""
    if hasattr(result, "with_values"):
        return result.kind, result.axes, *[_kind(vars(result)[name]) for name in result.arguments]
    if isinstance(result, tuple):
        return type(result), *[_kind(each) for each in result]
    if isinstance(result, (str, bool)) or result is None:
        return result
    return "number" if hasattr(result, "denominator") or isinstance(result, float) else result


def explore(
    lengths: Sequence[int], work: Callable[[Run], Result], most: int = MOST_RUNS
) -> Iterator[tuple[Run, Result]]:
    """Yield a run for each structure, and what the work gave in it.

    Raises `TooManyRuns` if there are more.
    """
    pending: list[tuple[bool, ...]] = [()]
    shared: dict[Any, Any] = {}
    count = 0
    while pending:
        count += 1
        if count > most:
            raise TooManyRuns
        run = Run(lengths, pending.pop(), shared)
        result = work(run)
        pending += run.open
        yield run, result
