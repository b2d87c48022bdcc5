"""Which sizes a letter may stand for: the conditions that the rules set, and all whole numbers that meet them.

Along an axis every size is a formula with f(N + p) = f(N) + q: a line, and what repeats. So a condition holds
from some size on, or up to one, or comes back with its period; what lies between is tried, number by number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import ceil, floor, lcm
from typing import NamedTuple

from cnncalc.graph import Graph
from cnncalc.layers.windowed import Windowed
from cnncalc.symbols import Formula, Guard, Value, bounds, noting, period, symbol, symbols_of

#: So many atoms of formulas are evaluated at most, in trying numbers: a second or two.
MOST_EVALUATED = 500_000


class IntegerSet(NamedTuple):
    """A set of whole numbers: `listed`, and from `start` on what repeats every `step` (0: nothing) at `offsets`."""

    listed: tuple[int, ...]
    start: int = 0
    step: int = 0
    offsets: tuple[int, ...] = ()

    @property
    def first(self) -> int | None:
        """The smallest."""
        return self.listed[0] if self.listed else self.start + self.offsets[0] if self.offsets else None

    @property
    def every(self) -> bool:
        """Whether it is all numbers from the first on."""
        return not self.listed and self.step == 1

    def __contains__(self, n: object) -> bool:
        if not isinstance(n, int):
            return False
        return n in self.listed or (
            bool(self.step) and n >= self.start and (n - self.start) % self.step in self.offsets
        )

    def __str__(self) -> str:
        """`7`, `193 to 224`, `16, 32, 48, …`, `7 or more`"""
        if self.every:
            return f"{self.first} or more"
        if not self.step:
            return ", ".join(_run_text(*run) for run in runs(self.listed)) or "none"
        shown = [*self.listed, *(self.start + self.step * turn + at for turn in range(3) for at in self.offsets)]
        if len(shown) <= 8:
            return ", ".join(map(str, shown)) + ", …"
        more = runs([self.start + at for at in self.offsets])
        text = [*(_run_text(*run) for run in runs(self.listed)), *(_run_text(*run) for run in more)]
        return f"{', '.join(text)}, and so on every {self.step}"

    def to_dict(self) -> dict[str, object]:
        return {
            "sizes": [list(run) for run in runs(self.listed)],
            "from": self.start if self.step else None,
            "every": self.step or None,
            "offsets": list(self.offsets),
        }


def runs(numbers: Sequence[int]) -> list[tuple[int, int, int]]:
    """Rising numbers as (first, last, step): the longest runs that go on in even steps, from the left."""
    found: list[tuple[int, int, int]] = []
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
        found.append((numbers[at], numbers[end], step if end > at else 1))
        at = end + 1
    return found


def _run_text(first: int, last: int, step: int) -> str:
    if first == last:
        return str(first)
    if last - first == step:
        return f"{first}, {last}"
    return f"{first} to {last}" + (f" in steps of {step}" if step > 1 else "")


def conditions(graph: Graph) -> list[Guard]:
    """What the rules of all layers take for granted of the letters."""
    with noting() as found:
        for layer, shapes in dict.fromkeys((node.layer, node.input_shapes) for node in graph.nodes):
            layer.shape_of(shapes)
    return list(found)


def dropping_nothing(graph: Graph) -> list[Guard]:
    """What has to hold for every window to reach the end of its input."""
    with noting() as found:
        for layer, shapes in dict.fromkeys((node.layer, node.input_shapes[:1]) for node in graph.nodes):
            if isinstance(layer, Windowed):
                layer.dropped(shapes[0])
    return list(found)


def solve_constraints(conditions: Iterable[Guard], name: str) -> IntegerSet | None:
    """The numbers from 1 on that meet all conditions on one letter; None where that is too long to find.

    Raises `ValueError` for a condition on several letters.
    """
    conditions = list(conditions)
    lines = [GuardRange.of(each, name) for each in conditions]
    known = [line for line in lines if line is not None]
    low = max([1, *(line.low for line in known)])
    ends = [line.high for line in known if line.high is not None]
    settled = max([low, *(line.settled for line in known)])
    step = lcm(*(line.period for line in known))
    if len(known) < len(lines) and not ends:
        return None
    stop = min(ends) + 1 if ends else settled + step
    weight = sum(each.weight for condition in conditions for each in (condition.formula, *condition.others))
    if (stop - low) * max(weight, 1) > MOST_EVALUATED:
        return None
    met = [n for n in range(low, stop) if all(each.holds({name: n}) for each in conditions)]
    if ends:
        return IntegerSet(tuple(met))
    return _folded(met, settled, step)


def _folded(met: list[int], settled: int, step: int) -> IntegerSet:
    """The set whose members below settled + step are given, and which repeats from `settled` on."""
    offsets = {n - settled for n in met if n >= settled}
    shorter = next(
        d
        for d in range(1, step + 1)
        if step % d == 0 and all(((at + d) % step in offsets) == (at in offsets) for at in range(step))
    )
    if not offsets:
        return IntegerSet(tuple(met))
    # The pattern may well begin before it was sure to: it goes as far down as the members follow it.
    members, start = set(met), settled
    while start > 1 and ((start - 1) in members) == (((start - 1 - settled) % shorter) in offsets):
        start -= 1
    if not any(n < start for n in met):
        start = met[0]
    first = next(n for n in met if n >= start)
    turn = tuple(n - first for n in range(first, first + shorter) if (n - settled) % shorter in offsets)
    return IntegerSet(tuple(n for n in met if n < first), first, shorter, turn)


class GuardRange(NamedTuple):
    """Where a condition can hold: not below `low` nor above `high`, and from `settled` on with its `period`."""

    condition: Guard
    low: int
    high: int | None
    settled: int
    period: int

    @classmethod
    def of(cls, condition: Guard, name: str) -> GuardRange | None:
        formulas = (condition.formula, *condition.others)
        if symbols_of(formulas) - {name}:
            raise ValueError(f"{condition} is about more than {name}")
        parts = [_reach(formula, name, condition.zero or bool(at)) for at, formula in enumerate(formulas)]
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        highs = [high for _, high, _, _ in known]
        high = None if None in highs else max(each for each in highs if each is not None)
        low = min(part[0] for part in known)
        settled = max([part[2] for part in known] + [each + 1 for each in highs if each is not None])
        return cls(condition, low, high, settled, lcm(*(part[3] for part in known)))


def _reach(value: Value, name: str, zero: bool) -> tuple[int, int | None, int, int] | None:
    """(low, high, settled, period) of where a formula is at least 0, or is 0."""
    found = period(value)
    if found is None or not isinstance(value, Formula):
        return None
    steps, gain = found
    if gain == 0:
        return 1, None, 1, steps
    slope = Fraction(gain, steps)
    below, above = bounds(value - symbol(name) * slope)
    if below is None or above is None:
        return None
    # slope·N + below <= f(N) <= slope·N + above
    first, last = sorted((-above / slope, -below / slope))
    if zero:
        return max(1, ceil(first)), max(0, floor(last)), 1, 1
    if gain > 0:
        return max(1, ceil(first)), None, max(1, ceil(last)), 1
    return 1, max(0, floor(last)), 1, 1


def domains(graph: Graph) -> dict[str, str]:
    """For each letter of the graph's inputs, in words, the numbers for which all of its layers fit."""
    found = conditions(graph)
    texts = {}
    for name in graph.letters:
        mine = [each for each in found if symbols_of((each.formula, *each.others)) == {name}]
        sizes = solve_constraints(mine, name)
        texts[name] = "as far as its layers fit" if sizes is None else str(sizes)
    joint = [str(each) for each in found if len(symbols_of((each.formula, *each.others))) > 1]
    for name in graph.letters:
        its = [text for text in joint if re.search(rf"\b{name}\b", text)]
        texts[name] += "".join(f"; {text}" for text in its)
    return texts
