"""Receptive fields that differ from output to output: the exact extent that each output sees.

After an upsampling, neighbours see different extents, and the extents repeat with a period. The same holds for
a chain, and for several paths with one jump. Paths with different jumps have no period: then every output of the map
is computed separately. If that takes too long, a hull between straight lines is used instead, an upper bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import reduce
from math import gcd, lcm
from typing import Any, NamedTuple

from cnncalc.layers.taps import Taps
from cnncalc.shape import at_least, at_most

#: The most outputs along an axis that are computed separately.
MOST_PHASES = 4096

#: The first and the last element that an output sees; None where it sees nothing.
Interval = tuple[int, int] | None


class Effort:
    """The number of intervals that may still be computed, for a network of so many layers, before hulls are used."""

    def __init__(self, layers: int) -> None:
        self.left = 500_000 + 100 * layers


class Phases(NamedTuple):
    """The extents that the outputs along an axis see, in order, counted from `origin` elements before the input.

    They repeat, each time `shift` elements further on; or, with `borders`, they are all outputs, and those marked
    see less than they would further inside.
    """

    intervals: tuple[Interval, ...]
    shift: int
    origin: Any = 0
    borders: tuple[bool, ...] | None = None

    def at(self, output: int) -> Interval:
        """Return the extent that an output sees; an output before the first or after the last sees nothing."""
        if self.borders is not None:
            return self.intervals[output] if 0 <= output < len(self.intervals) else None
        turn, phase = divmod(output, len(self.intervals))
        interval = self.intervals[phase]
        return interval and (interval[0] + turn * self.shift, interval[1] + turn * self.shift)

    @property
    def sizes(self) -> list[int]:
        """The extents that outputs see, excluding those at the borders if there are any others."""
        borders = self.borders or (False,) * len(self.intervals)
        seeing = [(each[1] - each[0] + 1, border) for each, border in zip(self.intervals, borders, strict=True) if each]
        return [size for size, border in seeing if not border] or [size for size, _ in seeing] or [0]

    @property
    def left(self) -> Any:
        """How far the field of the first output that sees anything begins before the input's first element."""
        first = next((each[0] for each in self.intervals if each), None)
        return 0 if first is None else self.origin - first

    def as_one(self, jump: Any) -> Phases:
        """Return all outputs as one phase, if each sees the extent of the one before it, moved on by the jump."""
        first, *others = self.intervals
        if first is None:
            return self
        alike = all(each == (first[0] + n * jump, first[1] + n * jump) for n, each in enumerate(others, 1))
        return Phases((first,), jump, self.origin) if alike else self

    def through(self, taps: Taps, outputs: Any, effort: Effort) -> Phases | None:
        """Return the extents that a layer's `outputs` see through its taps; None if there are too many."""
        if self.borders is not None:
            return self._inside(self.borders, taps, outputs, effort)
        period = len(self.intervals)
        turns = period // gcd(period, taps.advance)
        if taps.period * turns > MOST_PHASES:
            return None
        intervals = []
        for output in range(taps.period * turns):
            places = taps.places(output)
            # The first of every phase reaches lowest, the last of every phase highest.
            cycle = period // gcd(period, places.step)
            read = [*places[:cycle], *places[-cycle:]] if len(places) > cycle else places
            effort.left -= len(read) + 1
            if effort.left < 0:
                return None
            intervals.append(self._hull_at(read))
        return Phases(tuple(intervals), self.shift * taps.advance * turns // period, self.origin)

    def _hull_at(self, outputs: Iterable[int]) -> Interval:
        """Return the hull of the extents that these outputs see, for phases that repeat."""
        intervals, shift, *_ = self
        period = len(intervals)
        low = high = None
        for output in outputs:
            turn, phase = divmod(output, period)
            interval = intervals[phase]
            if interval is not None:
                first, last = interval[0] + turn * shift, interval[1] + turn * shift
                low = first if low is None or first < low else low
                high = last if high is None or last > high else high
        return None if low is None or high is None else (low, high)

    def _inside(self, borders: tuple[bool, ...], taps: Taps, outputs: Any, effort: Effort) -> Phases | None:
        if not isinstance(outputs, int) or outputs > MOST_PHASES:
            return None
        intervals, cut = [], []
        for output in range(outputs):
            places = taps.places(output)
            first = max(-(places.start // places.step), 0)
            last = (len(borders) - 1 - places.start) // places.step
            inside = places[first : max(last + 1, 0)]
            effort.left -= len(inside)
            if effort.left < 0:
                return None
            intervals.append(_hull([self.at(place) for place in inside]))
            cut.append(len(inside) < len(places) or any(borders[place] for place in inside))
        return Phases(tuple(intervals), 0, self.origin, tuple(cut))


def _hull(intervals: list[Interval]) -> Interval:
    seen = [each for each in intervals if each]
    return (min([each[0] for each in seen]), max([each[1] for each in seen])) if seen else None


def together(arms: list[Phases], effort: Effort) -> Phases | None:
    """Return the hull, phase by phase, of paths with equal jumps; None if there are too many phases."""
    period = lcm(*(len(arm.intervals) for arm in arms))
    effort.left -= period * len(arms)
    moved = _with_one_origin(arms)
    if period > MOST_PHASES or effort.left < 0 or moved is None:
        return None
    intervals = tuple([_hull([arm.at(output) for arm in moved]) for output in range(period)])
    return Phases(intervals, moved[0].shift * period // len(moved[0].intervals), moved[0].origin)


def one_by_one(arms: list[Phases], stretched: list[bool], outputs: Any, effort: Effort) -> Phases | None:
    """Return the hull, output by output, of paths with different jumps, or some `stretched` from one output.

    Return None if there are too many outputs, or if their number is not known.
    """
    if not isinstance(outputs, int) or outputs > MOST_PHASES:
        return None
    effort.left -= outputs * len(arms)
    moved = _with_one_origin(arms)
    if effort.left < 0 or moved is None:
        return None
    intervals, cut = [], []
    for output in range(outputs):
        read = [(arm, 0 if one else output) for arm, one in zip(moved, stretched, strict=True)]
        intervals.append(_hull([arm.at(at) for arm, at in read]))
        cut.append(any(arm.borders[at] for arm, at in read if arm.borders))
    return Phases(tuple(intervals), 0, moved[0].origin, tuple(cut))


def in_sequence(arms: list[Phases], sizes: Sequence[Any], effort: Effort) -> Phases | None:
    """Return what each output sees where the outputs of paths, so many of each, stand one behind the other.

    Return None if there are too many outputs, or if a number of them is not known.
    """
    if not all(isinstance(size, int) for size in sizes) or sum(sizes) > MOST_PHASES:
        return None
    effort.left -= sum(sizes)
    moved = _with_one_origin(arms)
    if effort.left < 0 or moved is None:
        return None
    places = [(arm, output) for arm, size in zip(moved, sizes, strict=True) for output in range(size)]
    cut = tuple([bool(arm.borders and arm.borders[output]) for arm, output in places])
    return Phases(tuple([arm.at(output) for arm, output in places]), 0, moved[0].origin, cut)


def _with_one_origin(arms: list[Phases]) -> list[Phases] | None:
    """Return the arms counted from the origin of the first; None if their distance depends on symbols."""
    moved = []
    for arm in arms:
        apart = arms[0].origin - arm.origin
        if not isinstance(apart, int):
            return None
        intervals = tuple([each and (each[0] + apart, each[1] + apart) for each in arm.intervals]) if apart else None
        moved.append(arm._replace(intervals=intervals or arm.intervals, origin=arms[0].origin))
    return moved


class Hull(NamedTuple):
    """Lines that bound the extents of outputs: output o sees nothing below o·jump + low, nothing above o·jump + high.

    With `exact`, the size of the field is exact and not only a bound.
    """

    low: Any
    high: Any
    exact: bool = False

    @property
    def size(self) -> Any:
        """The largest extent between the lines."""
        return _whole(self.high - self.low) + 1

    @property
    def left(self) -> Any:
        """How far before the input's first element the first output's field can begin."""
        return _whole(-self.low)

    def through(self, taps: Taps, jump: Any) -> Hull:
        """Return the hull of the extents that a layer's outputs see, given the jump of its inputs."""
        return Hull(self.low + taps.low * jump, self.high + taps.high * jump)


def hull_end_to_end(arms: list[Hull], jumps: Sequence[Any], sizes: Sequence[Any], jump: Any) -> Hull:
    """Return the hull of paths whose outputs, so many of each, stand one behind the other; its jump is the largest."""
    before: Any = 0
    lows, highs = [], []
    for arm, own, size in zip(arms, jumps, sizes, strict=True):
        lows.append(arm.low - before * jump - (size - 1) * (jump - own))
        highs.append(arm.high - before * jump)
        before = before + size
    return Hull(reduce(at_most, lows), reduce(at_least, highs))


def _whole(value: Any) -> Any:
    """Return a number rounded down; a formula is returned unchanged, since a bound need not be an integer."""
    return value // 1 if isinstance(value, (int, Fraction)) else value


def hull_of(phases: Phases, jump: Any) -> Hull:
    """Return the hull of the phases between lines of that jump."""
    seen = [(each, output * jump) for output, each in enumerate(phases.intervals) if each] or [((0, 0), 0)]
    low = min([each[0] - at for each, at in seen])
    return Hull(low - phases.origin, max([each[1] - at for each, at in seen]) - phases.origin)


def hull_over(arms: list[Hull], jumps: list[Any], outputs: Any) -> tuple[Hull, Any]:
    """Return the hull of several paths on `outputs` outputs, and the largest of their jumps, which is its own."""
    jump = jumps[0]
    for other in jumps[1:]:
        jump = jump if other == jump else at_least(jump, other)
    lows = [arm.low - (outputs - 1) * (jump - own) for arm, own in zip(arms, jumps, strict=True)]
    low, high = lows[0], arms[0].high
    for other_low, arm in zip(lows[1:], arms[1:], strict=True):
        low, high = at_most(low, other_low), at_least(high, arm.high)
    return Hull(low, high), jump
