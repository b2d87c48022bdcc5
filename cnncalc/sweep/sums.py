"""Figures of a structure as sums and maxima that are not yet spread over the space.

A total is the sum of what its layers cost, each on few axes. Terms of the same axes are added up here, where they are
short; only a chunk of the space at a time sees all axes (`cnncalc.sweep.chunks`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cnncalc.sweep.grids import Axes
from cnncalc.sweep.values import Varying


class Sum:
    """A sum of products: numbers, each times how often it counts. It computes like a number that is only added up."""

    def __init__(self) -> None:
        #: By the content of the factor: the factor, and the sums of its terms by their axes.
        self.products: dict[Any, tuple[Any, dict[Axes, Any]]] = {}

    def add(self, value: Any, times: Any = 1) -> None:
        """Add a number that counts so many times."""
        if isinstance(value, Sum):
            for factor, terms in value.products.values():
                for each in terms.values():
                    self.add(each, factor * times)
            return
        if isinstance(times, Varying) and not isinstance(value, Varying):
            value, times = times * value, 1
        elif not isinstance(times, Varying) and times != 1:
            value, times = value * times, 1
        key = times.content if isinstance(times, Varying) else times
        _, terms = self.products.setdefault(key, (times, {}))
        axes = value.axes if isinstance(value, Varying) else ()
        terms[axes] = terms[axes] + value if axes in terms else value

    def __add__(self, other: object) -> Sum:
        result = Sum()
        result.add(self)
        result.add(other)
        return result

    __radd__ = __add__

    def times(self, factor: Any) -> Sum:
        """Return each of its products so many times."""
        result = Sum()
        result.add(self, factor)
        return result

    __mul__ = __rmul__ = times

    @property
    def terms(self) -> list[tuple[Any, list[Any]]]:
        """Its products: a factor, and the terms of its sum."""
        return [(factor, list(terms.values())) for factor, terms in self.products.values()]

    @property
    def axes(self) -> Axes:
        """The axes that it depends on."""
        axes: set[int] = set()
        for factor, terms in self.terms:
            for each in (factor, *terms):
                axes.update(each.axes if isinstance(each, Varying) else ())
        return tuple(sorted(axes))

    def as_value(self) -> Any:
        """Return the number itself, spread over all of its axes."""
        result: Any = 0
        for factor, terms in self.terms:
            part: Any = 0
            for each in sorted(terms, key=lambda term: term.array.size if isinstance(term, Varying) else 0):
                part = each + part
            result = result + part * factor
        return result


class LargestSum:
    """The largest of several sums."""

    def __init__(self, sums: Iterable[Sum]) -> None:
        self.sums = list(sums)

    def times(self, factor: Any) -> LargestSum:
        """Return the largest of the sums, each so many times."""
        return LargestSum([each.times(factor) for each in self.sums])


def total(values: Iterable[Any], counts: Iterable[Any]) -> Sum:
    """Return the sum of numbers, each times its count."""
    result = Sum()
    for value, count in zip(values, counts, strict=True):
        if not (isinstance(value, int) and value == 0):
            result.add(value, count)
    return result
