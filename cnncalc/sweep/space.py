"""The space of a sweep: its axes, and the variants by their numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import islice
from math import prod
from typing import Any, NamedTuple

from cnncalc.figures.dtypes import DTYPES

#: What may vary besides lets.
INPUT, BATCH, DTYPE = "input", "batch", "dtype"
OPTIONS = (INPUT, BATCH, DTYPE)

#: Type → bytes of an element, of the types that all numbers of a variant may have: figures are whole numbers of bytes.
BYTES = {name: int(each) for name, each in DTYPES.items() if each >= 1}


class Axis(NamedTuple):
    """Names that vary together, and their values: a tuple for each position."""

    names: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


class Space(NamedTuple):
    """A space of variants: one for each combination of positions. The last axis varies fastest in their numbers."""

    axes: tuple[Axis, ...]

    @property
    def lengths(self) -> tuple[int, ...]:
        return tuple([len(axis.rows) for axis in self.axes])

    @property
    def variants(self) -> int:
        """How many variants there are."""
        return prod(self.lengths)

    @property
    def names(self) -> tuple[str, ...]:
        """The names that vary, in order."""
        return tuple([name for axis in self.axes for name in axis.names])

    def values(self, number: int) -> dict[str, Any]:
        """Return the values of a variant by name."""
        values: dict[str, Any] = {}
        for axis in reversed(self.axes):
            number, position = divmod(number, len(axis.rows))
            values = dict(zip(axis.names, axis.rows[position], strict=True)) | values
        return values

    def sample(self, size: int, seed: int) -> list[int]:
        """Return the numbers of so many different variants, drawn at random, in order."""
        from random import Random

        random = Random(seed)
        if self.variants <= size:
            return list(range(self.variants))
        chosen: set[int] = set()
        while len(chosen) < size:
            chosen.update(islice(iter(lambda: random.randrange(self.variants), None), size - len(chosen)))
        return sorted(chosen)

    def subspace(self, numbers: Sequence[int]) -> Space:
        """Return the space of one axis that has these variants alone."""
        rows = [tuple(self.values(number).values()) for number in numbers]
        return Space((Axis(self.names, tuple(rows)),))


def value_text(value: Any) -> str:
    """Return a value as the language and the command line read it: `0.75`, `1/3`, `96x96x3`, `int8`."""
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    if not isinstance(value, Fraction):
        return str(value)
    return decimal_text(value) or str(value)


def decimal_text(value: Fraction) -> str | None:
    """Return a fraction as a decimal, or None if it has no end."""
    rest = value.denominator
    twos = fives = 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest != 1:
        return None
    digits = max(twos, fives)
    scaled = abs(value.numerator) * 10**digits // value.denominator
    whole, part = divmod(scaled, 10**digits)
    return f"{'-' if value < 0 else ''}{whole}" + (f".{part:0{digits}d}" if digits else "")


def command_line(spec: str, values: Mapping[str, Any], fixed: Sequence[str] = ()) -> str:
    """Return the command that calculates a variant."""
    import shlex

    words = ["cnncalc", spec]
    for name, value in values.items():
        words += [f"--{name}", value_text(value)] if name in OPTIONS else ["--var", f"{name}={value_text(value)}"]
    return shlex.join([*words, *fixed])


def shares(space: Space) -> Iterator[tuple[Space, tuple[range, ...]]]:
    """Yield two halves of a space, cut along its longest axis, each with the positions that it has on every axis."""
    longest = max(range(len(space.axes)), key=lambda number: space.lengths[number])
    length = space.lengths[longest]
    for part in (range(length // 2), range(length // 2, length)):
        ranges = tuple([part if number == longest else range(n) for number, n in enumerate(space.lengths)])
        yield part_of(space, ranges), ranges


def part_of(space: Space, ranges: tuple[range, ...]) -> Space:
    """Return the space of some positions of each axis."""
    return Space(
        tuple([axis._replace(rows=axis.rows[r.start : r.stop]) for axis, r in zip(space.axes, ranges, strict=True)])
    )


def axes_text(space: Space) -> str:
    """Return the axes of a space with the number of their values: `36 width × 29 size`."""
    names = [axis.names[0] if len(axis.names) == 1 else f"({', '.join(axis.names)})" for axis in space.axes]
    return " × ".join(f"{len(axis.rows):,} {name}" for axis, name in zip(space.axes, names, strict=True))
