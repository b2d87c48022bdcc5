"""The repeats of a block that see so much: its receptive field count by count, or along a line where it is one."""

from __future__ import annotations

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
    """The receptive field behind so many repeats: sizes and jumps by axis, and the number of layers."""

    sizes: tuple[Any, ...]
    jumps: tuple[Any, ...]
    layers: int


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
            if count >= STILL and len({each.sizes for each in fields[-STILL:]}) == 1:
                return self._none(fields, "a repeat adds nothing to the field")
            growth = self._growth(fields)
            if growth is not None:
                return self._on_the_line(count, field, growth)
            if layers > MOST_TRIED:
                return self._none(fields, f"{count} repeats are not enough, and more are too many to try")

    @staticmethod
    def _growth(fields: list[Field]) -> tuple[int, ...] | None:
        """Return what every further repeat adds on each axis; None where that is not the same for all of them.

        Where the jump stays the same, so does what a layer adds: the field is a line in the number of repeats.
        """
        if len(fields) < STILL or len({each.jumps for each in fields[-STILL:]}) > 1:
            return None
        one, two, three = [each.sizes for each in fields[-STILL:]]
        first = tuple([after - before for before, after in zip(one, two, strict=True)])
        second = tuple([after - before for before, after in zip(two, three, strict=True)])
        return first if first == second else None

    def _on_the_line(self, count: int, field: Field, growth: tuple[int, ...]) -> RepeatSolution:
        narrow = [axis for axis, size in enumerate(field.sizes) if size < self.wanted]
        if any(growth[axis] <= 0 for axis in narrow):
            return self._none([field], "a repeat adds nothing to the field")
        more = max(-((field.sizes[axis] - self.wanted) // growth[axis]) for axis in narrow)
        for at in (count + more - 1, count + more):
            line = [size + (at - count) * each for size, each in zip(field.sizes, growth, strict=True)]
            self.known.setdefault(at, self._checked(at, tuple(line), field.jumps, count, field.layers))
        if isinstance(self.known[count + more], str) or isinstance(self.known[count + more - 1], str):
            return self._first_unfit(count, count + more)
        return self._found(count + more)

    def _checked(self, at: int, line: tuple[Any, ...], jumps: tuple[Any, ...], count: int, layers: int) -> Field | str:
        """Return the field on the line, or the reason why there is none: a network of so many repeats does not fit."""
        each = max(layers // count, 1)
        if at * each > MAX_LAYERS:
            return TOO_MANY
        if not any(isinstance(size, int) for size in (self.given or self.problem.input() or ())[:-1]):
            return Field(line, jumps, at * each)
        built = self._field(at)
        return built if isinstance(built, str) else Field(line, jumps, built.layers)

    def _first_unfit(self, low: int, high: int) -> RepeatSolution:
        """Return why no count does: the first beyond `low` that does not fit."""
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
        sizes, jumps = tuple([axis.size for axis in field.axes]), tuple([axis.jump for axis in field.axes])
        # Only the sizes have to be numbers.
        return "its field depends on the input's size" if symbols_of(sizes) else Field(sizes, jumps, len(graph.nodes))
