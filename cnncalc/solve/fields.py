"""The repeats of a block for a receptive field, found count by count, or by a line where growth is constant."""

from __future__ import annotations

from math import lcm
from typing import Any, NamedTuple

from cnncalc.diagnostics import SpecError
from cnncalc.figures.receptive_field import receptive_fields
from cnncalc.graph import MAX_LAYERS
from cnncalc.solve.network import Network
from cnncalc.solve.solutions import RepeatSolution
from cnncalc.solve.unknowns import repeated
from cnncalc.symbols import symbols_of

#: Counts are tried one by one up to so many layers in all. A jump that grows takes few, for it grows by half at least.
MOST_TRIED = 2_000
#: A field that has not grown for so many counts grows no more.
STILL = 3

TOO_MANY = f"over {MAX_LAYERS:,} layers"


class Field(NamedTuple):
    """The receptive field after a number of repeats: sizes and jumps by axis, and the number of layers.

    Outputs that see different extents do so with a `period`.
    """

    sizes: tuple[Any, ...]
    jumps: tuple[Any, ...]
    layers: int
    period: int


class FieldRepeats:
    """A spec with an unknown number of repeats, for a wanted receptive field."""

    def __init__(self, problem: Network, given: tuple[Any, ...] | None, wanted: int) -> None:
        self.problem, self.given, self.wanted = problem, given, wanted
        self.spec, self.block = repeated(problem.spec)
        self.known: dict[int, Field | str] = {}

    def solution(self) -> RepeatSolution:
        """Return the least count whose field is wide enough on every axis."""
        fields: list[Field] = []
        layers = 0
        while True:
            count = len(fields) + 1
            field = self._field(count)
            if isinstance(field, str):
                reason = field if count == 1 else f"{count} repeats do not fit: {field}"
                return self._none(fields, reason)
            fields.append(field)
            layers += field.layers
            if min(field.sizes) >= self.wanted:
                return self._found(count)
            # Behind upsampling a repeat may reach no further element yet; within a period it does, if ever.
            still = max(STILL, 1 + field.period)
            if count >= still and len({each.sizes for each in fields[-still:]}) == 1:
                return self._none(fields, "a repeat adds nothing to the field")
            growth = self._growth(fields)
            if growth is not None:
                return self._on_the_line(fields, growth)
            if layers > MOST_TRIED:
                return self._none(fields, f"{count} repeats are not enough, and more are too many to try")

    @staticmethod
    def _growth(fields: list[Field]) -> tuple[int, ...] | None:
        """Return the growth per period of further repeats on each axis; None if it is not constant.

        If the jump is constant, so is the growth of a layer: the field is linear in the number of repeats.
        After upsampling a repeat may reach no further element yet: there the growth is constant per period.
        """
        period = fields[-1].period
        if len(fields) < max(STILL, 2 * period + 1):
            return None
        span = fields[-2 * period - 1 :]
        if len({(each.jumps, each.period) for each in span}) > 1:
            return None
        gains = {
            tuple([after - before for before, after in zip(one.sizes, two.sizes, strict=True)])
            for one, two in zip(span, span[period:], strict=False)
        }
        return gains.pop() if len(gains) == 1 else None

    def _on_the_line(self, fields: list[Field], growth: tuple[int, ...]) -> RepeatSolution:
        """Return the least count on the line whose field is wide enough."""
        count, last, period = len(fields), fields[-1], fields[-1].period
        narrow = [axis for axis, size in enumerate(last.sizes) if size < self.wanted]
        if any(growth[axis] <= 0 for axis in narrow):
            return self._none(fields, "a repeat adds nothing to the field")
        turns = max(-((last.sizes[axis] - self.wanted) // growth[axis]) for axis in narrow)

        def line(at: int) -> tuple[Any, ...]:
            times = -((count - at) // period)
            base = fields[at - times * period - 1].sizes
            return tuple([size + times * each for size, each in zip(base, growth, strict=True)])

        at = count + period * max(turns - 1, 0) + 1
        while min(line(at)) < self.wanted:
            at += 1
        for each in (at - 1, at):
            if each not in self.known:
                self.known[each] = self._checked(each, line(each), last, count)
        if isinstance(self.known[at], str) or isinstance(self.known[at - 1], str):
            return self._first_unfit(count, at)
        return self._found(at)

    def _checked(self, at: int, line: tuple[Any, ...], last: Field, count: int) -> Field | str:
        """Return the field on the line, or the reason why the network with that many repeats does not fit."""
        each = max(last.layers // count, 1)
        if at * each > MAX_LAYERS:
            return TOO_MANY
        if not any(isinstance(size, int) for size in (self.given or self.problem.input() or ())[:-1]):
            return Field(line, last.jumps, at * each, last.period)
        built = self._field(at)
        return built if isinstance(built, str) else Field(line, last.jumps, built.layers, last.period)

    def _first_unfit(self, low: int, high: int) -> RepeatSolution:
        """Return why no count is a solution: the first beyond `low` that does not fit."""
        if self.known.get(high) == TOO_MANY:
            return RepeatSolution(self.block, self.wanted, None, (), (), f"{TOO_MANY} with {high} repeats")
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if isinstance(self._field(middle), str) else (middle, high)
        below = self._field(low)
        assert isinstance(below, Field)
        return self._none([below], f"{high} repeats do not fit: {self._field(high)}")

    def _found(self, count: int) -> RepeatSolution:
        at, before = self.known[count], self.known.get(count - 1)
        assert isinstance(at, Field)
        return RepeatSolution(
            self.block, self.wanted, count, at.sizes, before.sizes if isinstance(before, Field) else ()
        )

    def _none(self, fields: list[Field], reason: str) -> RepeatSolution:
        sizes = fields[-1].sizes if fields else ()
        return RepeatSolution(self.block, self.wanted, None, sizes, sizes, reason)

    def _field(self, count: int) -> Field | str:
        if count not in self.known:
            self.known[count] = self._built(count)
        return self.known[count]

    def _built(self, count: int) -> Field | str:
        """Return the field at the end with that many repeats, or the reason why there is none."""
        try:
            graph = self.problem.graph(self.given, count, self.spec)
        except SpecError as error:
            first = error.diagnostics[0]
            if first.code == "E005":
                return TOO_MANY
            if not first.code.startswith("E2"):
                raise
            return f"{first.message}: {first.label}"
        field = receptive_fields(graph.nodes)[-1]
        if field.whole or not field.axes:
            return "an output sees the whole input by nature"
        if field.at_most:
            return "its field is known as an upper bound alone"
        period = lcm(*(len(axis.phases.intervals) for axis in field.axes if axis.phases))
        sizes, jumps = tuple([axis.size for axis in field.axes]), tuple([axis.jump for axis in field.axes])
        # Only the sizes have to be numbers.
        if symbols_of(sizes):
            return "its field depends on the input's size"
        return Field(sizes, jumps, len(graph.nodes), period)
