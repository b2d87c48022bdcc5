"""What solving gives: an answer for each axis, or a count of repeats."""

from __future__ import annotations

from typing import Any, NamedTuple

from cnncalc.figures.domain import IntegerSet


class Found(NamedTuple):
    """What does it for one axis (or one number for several): all `values`, and those that drop nothing.

    `values` is None where there are too many numbers to try. Where there is none, `near` has other outputs and
    what gives them, the nearest first.
    """

    what: str
    wanted: int
    values: IntegerSet | None
    tidy: IntegerSet | None
    near: tuple[tuple[int, IntegerSet], ...] = ()
    #: The values as they are written, where that says more than a number: `p1-2`.
    forms: tuple[str, ...] = ()

    @property
    def some(self) -> bool:
        return self.values is not None and self.values.first is not None


class Solution(NamedTuple):
    """The answer: for the `unknown` in words, an entry for each axis. `limit` is how far numbers were tried."""

    unknown: str
    layer: str
    given: str
    wanted: tuple[int, ...]
    found: tuple[Found, ...]
    limit: int | None = None

    @property
    def solved(self) -> bool:
        return all(each.some for each in self.found)


class Repeats(NamedTuple):
    """How many repeats a receptive field takes: the field at that many and at one less (None: not wide enough)."""

    block: str
    wanted: int
    count: int | None  # type: ignore[assignment]  # hides tuple.count, which no one asks of it
    field: tuple[Any, ...]
    before: tuple[Any, ...]
    reason: str = ""
