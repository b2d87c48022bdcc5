"""The integers that a symbol may stand for under conditions on it.

Along an axis every size is a formula with f(N + p) = f(N) + q: a line plus a periodic function. So a condition holds
from some size on, or up to one, or repeats with its period; the sizes before that are tried one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import ceil, floor, lcm
from typing import NamedTuple

from cnncalc.symbols.bounds import bounds
from cnncalc.symbols.formula import Formula, symbol
from cnncalc.symbols.guards import Guard
from cnncalc.symbols.periods import period
from cnncalc.symbols.polynomial import Value

#: The most atoms of formulas that are evaluated when numbers are tried: a second or two.
MOST_EVALUATED = 500_000


class IntegerSet(NamedTuple):
    """A set of integers: `listed`, and `offsets` from `start` that repeat every `step` (0: nothing repeats)."""

    listed: tuple[int, ...]
    start: int = 0
    step: int = 0
    offsets: tuple[int, ...] = ()

    @classmethod
    def repeating(cls, members: list[int], settled: int, step: int, low: int = 1) -> IntegerSet:
        """Return the set with these ascending members from `low` to settled + step, which repeat every `step`."""
        offsets = {n - settled for n in members if n >= settled}
        if not offsets:
            return cls(tuple(members))
        shorter = next(
            d
            for d in range(1, step + 1)
            if step % d == 0 and all(((at + d) % step in offsets) == (at in offsets) for at in range(step))
        )
        # The pattern may begin before it was sure to: it goes as far down as the members follow it.
        known, start = set(members), settled
        while start > low and ((start - 1) in known) == (((start - 1 - settled) % shorter) in offsets):
            start -= 1
        first = next(n for n in members if n >= start)
        turn = tuple(n - first for n in range(first, first + shorter) if (n - settled) % shorter in offsets)
        return cls(tuple(n for n in members if n < first), first, shorter, turn)

    def intersection(self, other: IntegerSet) -> IntegerSet:
        """Return the numbers that are in both sets."""
        if not self.step or not other.step:
            finite, more = (self, other) if not self.step else (other, self)
            return IntegerSet(tuple(n for n in finite.listed if n in more))
        step = lcm(self.step, other.step)
        settled = max(self.start, other.start)
        low = min(n for n in (self.first, other.first) if n is not None)
        members = [n for n in range(low, settled + step) if n in self and n in other]
        return IntegerSet.repeating(members, settled, step, low)

    @property
    def first(self) -> int | None:
        """The smallest member."""
        return self.listed[0] if self.listed else self.start + self.offsets[0] if self.offsets else None

    @property
    def every(self) -> bool:
        """Whether the set has every integer from its first on."""
        return not self.listed and self.step == 1

    def __contains__(self, n: object) -> bool:
        if not isinstance(n, int):
            return False
        return n in self.listed or (
            bool(self.step) and n >= self.start and (n - self.start) % self.step in self.offsets
        )

    def __str__(self) -> str:
        """Return the set in words: `7`, `193 to 224`, `16, 32, 48, …`, `7 or more`."""
        if self.every:
            return f"{self.first} or more"
        if not self.step:
            return ", ".join(_run_text(*run) for run in runs_of(self.listed)) or "none"
        shown = [*self.listed, *(self.start + self.step * turn + at for turn in range(3) for at in self.offsets)]
        if len(shown) <= 8:
            return ", ".join(map(str, shown)) + ", …"
        more = runs_of([self.start + at for at in self.offsets])
        text = [*(_run_text(*run) for run in runs_of(self.listed)), *(_run_text(*run) for run in more)]
        return f"{', '.join(text)}, and so on every {self.step}"

    def runs(self) -> list[tuple[int, int | None, int]]:
        """Return the set as runs (first, last, step); the last of an endless run is None."""
        return [*runs_of(self.listed), *((self.start + at, None, self.step) for at in self.offsets)]

    def to_dict(self) -> dict[str, object]:
        """Return the set for JSON: the runs [first, last, step] of its listed members, and its repeating part."""
        return {
            "sizes": [list(run) for run in runs_of(self.listed)],
            "from": self.start if self.step else None,
            "every": self.step or None,
            "offsets": list(self.offsets),
        }


def runs_of(numbers: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return ascending numbers as runs (first, last, step): from the left, each the longest with a constant step."""
    runs: list[tuple[int, int, int]] = []
    at = 0
    while at < len(numbers):
        end, step = at, 1
        if at + 1 < len(numbers):
            step = numbers[at + 1] - numbers[at]
            while end + 1 < len(numbers) and numbers[end + 1] - numbers[end] == step:
                end += 1
        if end == at + 1 and step > 1:
            # Two numbers are no pattern: the second may begin one.
            end = at
        runs.append((numbers[at], numbers[end], step if end > at else 1))
        at = end + 1
    return runs


def _run_text(first: int, last: int, step: int) -> str:
    if first == last:
        return str(first)
    if last - first == step:
        return f"{first}, {last}"
    return f"{first} to {last}" + (f" in steps of {step}" if step > 1 else "")


def solve_constraints(guards: Iterable[Guard], name: str) -> IntegerSet | None:
    """Return the positive integers that satisfy all guards on one symbol; None if the search would take too long.

    Raises `ValueError` if a guard has several symbols.
    """
    guards = list(guards)
    ranges = [GuardRange.of(each, name) for each in guards]
    known = [each for each in ranges if each is not None]
    low = max([1, *(each.low for each in known)])
    ends = [each.high for each in known if each.high is not None]
    settled = max([low, *(each.settled for each in known)])
    step = lcm(*(each.period for each in known))
    if len(known) < len(ranges) and not ends:
        return None
    stop = min(ends) + 1 if ends else settled + step
    weight = sum(formula.weight for guard in guards for formula in (guard.formula, *guard.others))
    if (stop - low) * max(weight, 1) > MOST_EVALUATED:
        return None
    met = [n for n in range(low, stop) if all(each.holds({name: n}) for each in guards)]
    if ends:
        return IntegerSet(tuple(met))
    return IntegerSet.repeating(met, settled, step)


class GuardRange(NamedTuple):
    """The range in which a guard can hold, from `low` to `high`, and its `period`, valid from `settled` on."""

    low: int
    high: int | None
    settled: int
    period: int

    @classmethod
    def of(cls, guard: Guard, name: str) -> GuardRange | None:
        """Return the range of a guard on one symbol; None if its formulas have no period or no bounds."""
        if guard.symbols - {name}:
            raise ValueError(f"{guard} is about more than {name}")
        formulas = (guard.formula, *guard.others)
        parts = [_range_of(formula, name, guard.zero or bool(at)) for at, formula in enumerate(formulas)]
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        # It holds where any of its formulas does.
        highs = [part.high for part in known]
        high = None if None in highs else max(each for each in highs if each is not None)
        settled = max([part.settled for part in known] + [each + 1 for each in highs if each is not None])
        return cls(min(part.low for part in known), high, settled, lcm(*(part.period for part in known)))


def _range_of(value: Value, name: str, zero: bool) -> GuardRange | None:
    """Return the range in which a formula is at least 0 or, with `zero`, equal to 0."""
    repeats = period(value)
    if repeats is None or not isinstance(value, Formula):
        return None
    steps, gain = repeats
    if gain == 0:
        return GuardRange(1, None, 1, steps)
    slope = Fraction(gain, steps)
    below, above = bounds(value - symbol(name) * slope)
    if below is None or above is None:
        return None
    # slope·N + below <= f(N) <= slope·N + above
    first, last = sorted((-above / slope, -below / slope))
    if zero:
        return GuardRange(max(1, ceil(first)), max(0, floor(last)), 1, 1)
    if gain > 0:
        return GuardRange(max(1, ceil(first)), None, max(1, ceil(last)), 1)
    return GuardRange(1, max(0, floor(last)), 1, 1)
