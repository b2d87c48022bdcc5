"""Arrays over some of the axes of a space, and conditions that hold for some variants alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Protocol

import numpy as np

Axes = tuple[int, ...]


class Decider(Protocol):
    """What values ask of the run that they belong to."""

    @property
    def facts(self) -> int:
        """How much is known of the variants that are left."""

    def decide(self, asked: VaryingCondition) -> bool:
        """Return one side of a condition that holds for some variants alone, with which the run goes on."""

    def settled(self, asked: VaryingCondition) -> Any:
        """Return True or False for a condition that is the same for all variants left, else the condition."""

    def together(self, first: Axes, second: Axes) -> Axes:
        """Return the axes of both."""


class Grid:
    """An array with a dimension for each of some axes of a space, in their order."""

    def __init__(self, run: Decider, axes: Axes, array: np.ndarray[Any, Any]) -> None:
        self.run, self.axes, self.array = run, axes, array

    def spread(self, axes: Axes) -> np.ndarray[Any, Any]:
        """Return the array with a dimension of 1 for each of the `axes` that it does not depend on."""
        if axes == self.axes:
            return self.array
        lengths = dict(zip(self.axes, self.array.shape, strict=True))
        return self.array.reshape([lengths.get(axis, 1) for axis in axes])

    @cached_property
    def content(self) -> tuple[object, ...]:
        """What tells it from others: its axes and numbers."""
        array = self.array
        return self.axes, tuple(array.ravel().tolist()) if array.dtype == object else array.tobytes()

    def same_as(self, other: object) -> bool:
        """Return whether another value is the same for every variant, without a question to the run."""
        return self is other or (type(other) is type(self) and self.content == other.content)

    def __hash__(self) -> int:
        return hash(self.content)


def union(first: Axes, second: Axes) -> Axes:
    """Return the axes of both, in order."""
    return first if first == second else tuple(sorted({*first, *second}))


class VaryingCondition(Grid):
    """A condition that holds for some variants. Its truth is a decision of the run."""

    def __bool__(self) -> bool:
        return self.run.decide(self)

    def __and__(self, other: Any) -> Any:
        return self._with(other, np.logical_and)

    def __or__(self, other: Any) -> Any:
        return self._with(other, np.logical_or)

    __rand__, __ror__ = __and__, __or__

    def __invert__(self) -> VaryingCondition:
        return VaryingCondition(self.run, self.axes, ~self.array)

    def _with(self, other: Any, combine: Callable[..., Any]) -> Any:
        if not isinstance(other, VaryingCondition):
            return condition(self.run, self.axes, combine(self.array, bool(other)))
        axes = self.run.together(self.axes, other.axes)
        return condition(self.run, axes, combine(self.spread(axes), other.spread(axes)))

    def __eq__(self, other: object) -> bool:
        return self.same_as(other)

    __hash__ = Grid.__hash__


def either(first: Any, second: Any) -> Any:
    """Return the variants for which one of two conditions holds, those that failed among them."""
    return _together(first, second, np.logical_or)


def without(first: Any, second: Any) -> Any:
    """Return the variants for which the first of two conditions holds and the second does not."""
    if isinstance(second, bool):
        return False if second else first
    return _together(first, ~second, np.logical_and)


def _together(first: Any, second: Any, combine: Callable[..., Any]) -> Any:
    """Return two conditions combined; either may be True or False, as the result may."""
    if isinstance(first, bool) or isinstance(second, bool):
        plain, other = (first, second) if isinstance(first, bool) else (second, first)
        return other if plain is (combine is np.logical_and) else plain
    axes = first.run.together(first.axes, second.axes)
    array = combine(first.spread(axes), second.spread(axes))
    if array.all() or not array.any():
        return bool(array.all())
    return VaryingCondition(first.run, axes, array)


def condition(run: Decider, axes: Axes, holds: np.ndarray[Any, Any]) -> Any:
    """Return a condition, or True or False if it is the same for all variants that are left."""
    array = np.asarray(holds, dtype=bool)
    if array.all():
        return True
    if not array.any():
        return False
    made = VaryingCondition(run, axes, array)
    return made if run.facts == 0 else run.settled(made)
