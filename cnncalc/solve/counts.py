"""Repeats found by arithmetic: the size after a block is a function of the size before it, applied repeatedly.

Along an axis the block, written once between letters, is one formula g(N), with conditions for it to fit and for its
windows to reach the end; what follows the block is a formula h(Z). So k repeats give h(g(g(… g(N)))), and the sizes
in between are computed one after the other, until the block does not fit any more or a size recurs: from there on
everything repeats. No network of k repeats is built.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from cnncalc.diagnostics import Problems, Source, SpecError
from cnncalc.figures.domain import coverage_conditions, guards
from cnncalc.graph import MAX_LAYERS, BuildError
from cnncalc.language.nodes import ItemNode, Spec
from cnncalc.language.parse import parse_items
from cnncalc.layers.rearrange import Input
from cnncalc.shape import MAX_ELEMENTS, Condition
from cnncalc.solve.network import Network
from cnncalc.solve.skips import skips
from cnncalc.solve.solutions import AxisSolution, Outputs, Skip
from cnncalc.solve.target import target
from cnncalc.solve.unknowns import first_leaf, names_in, with_item
from cnncalc.symbols import Guard, period, substitute, symbols_of
from cnncalc.symbols.constraints import solve_constraints

#: The values of a formula are kept for one period of at most so many sizes.
LONGEST_PERIOD = 4096
#: Channels that change with every repeat are followed so far; from then on they are a letter, which fits everywhere.
MOST_CHANNELS = 64

#: The item's place in the rewritten specs.
PLACE = "solve_place"


class UnsuitableError(Exception):
    """The repeated item cannot be separated from its network, so the answer must be found by building it."""


class Step(NamedTuple):
    """The effect of a part of the network on a size: the formula, and where it fits and where it drops nothing."""

    size: Callable[[int], int]
    fits: Callable[[int], bool]
    drops_nothing: Callable[[int], bool]
    channels: int | None
    layers: int
    skipped: Callable[[int], tuple[Skip, ...]]


class Repeats:
    """The repeats of one item of a spec, along one axis of an input in numbers."""

    def __init__(self, problem: Network, item: ItemNode, shape: tuple[Any, ...], layer: str | None, axis: int) -> None:
        self.problem, self.item, self.layer, self.axis = problem, item, layer, axis
        self.shape = shape
        inside = names_in((item._replace(name=None),))
        if inside or (layer is not None and layer not in names_in(problem.spec.items) - {item.name}):
            # A name in a copy is numbered, and so are the layers behind it.
            raise UnsuitableError
        taken = {letter for letter in problem.source.text if letter.isupper()}
        self.letters = [letter for letter in "ZYVUTSRQPONMKJIGFEBAHWCDL" if letter not in taken]
        if len(self.letters) < len(shape) + 1:
            raise UnsuitableError
        #: By the channels before them: None stands for a letter.
        self.bodies: dict[int | None, Step | None] = {}
        self.rests: dict[int | None, Step | None] = {}

    def solution(self, name: str, wanted: int) -> tuple[AxisSolution, int | None]:
        """Return the counts that give the wanted size, and the largest count tried if larger ones may do as well."""
        outputs, repeats, limit = self._outputs()
        found = AxisSolution.of_outputs(name, wanted, outputs, repeats)
        clean = found.nothing_dropped.first if found.nothing_dropped else None
        return found if clean is None else found._replace(skipped=self._skipped(clean)), limit

    def _outputs(self) -> tuple[Outputs, tuple[int, int] | None, int | None]:
        """Return the outputs by count, where and how often they repeat, and the last count if there may be more."""
        outputs, repeats, limit = self._outputs_by_state()
        if self.item.name is not None and 0 in outputs:
            # Nothing has the name of an item that is left out.
            outputs = {**outputs, 0: self.problem.output(self.shape, 0, self.layer, self.axis)}
        return outputs, repeats, limit

    def _outputs_by_state(self) -> tuple[Outputs, tuple[int, int] | None, int | None]:
        """Return what `_outputs` does, as if an item that is left out had its name all the same."""
        outputs: dict[int, tuple[int, bool] | None] = {}
        seen: dict[tuple[Any, ...], int] = {}
        for count, state in enumerate(self._states()):
            if state in seen:
                return outputs, (seen[state], count - seen[state]), None
            if count > 0 or self.item.name is None:
                seen[state] = count
            n, channels, clean = state
            rest = self._rest(channels)
            fits = rest is not None and rest.fits(n)
            outputs[count] = (rest.size(n), clean and rest.drops_nothing(n)) if fits and rest is not None else None
            if count >= self._most():
                return outputs, None, count
        return outputs, None, None

    def _states(self) -> Iterator[tuple[int, int | None, bool]]:
        """Yield for each count the size and the channels after the copies, and whether they drop nothing."""
        start = self._start()
        if start is None:
            return
        n, channels = start
        clean, changes = True, 0
        while n <= MAX_ELEMENTS:
            yield n, channels, clean
            body = self._body(channels)
            if body is None or not body.fits(n):
                return
            clean = clean and body.drops_nothing(n)
            n = body.size(n)
            changes += body.channels != channels
            channels = body.channels if changes <= MOST_CHANNELS else None

    def _most(self) -> int:
        """Return the largest number of copies that a network may have."""
        layers = max((body.layers for body in self.bodies.values() if body), default=1)
        return MAX_LAYERS // max(layers, 1)

    def _skipped(self, count: int) -> tuple[Skip, ...]:
        """Return the layers that skip elements in the network with that many copies."""
        found: dict[Skip, None] = {}
        for at, (n, channels, _) in enumerate(self._states()):
            part = self._body(channels) if at < count else self._rest(channels)
            # The copies are alike: the first and, of the smallest size, the last tell.
            if part is not None and (at == 0 or at >= count - 1):
                found.update(dict.fromkeys(part.skipped(n)))
            if at >= count:
                break
        return tuple({skip.layer: skip for skip in found}.values())

    # -- the three parts of the network ----------------------------------------------------------------

    def _start(self) -> tuple[int, int | None] | None:
        """Return the size and the channels before the item; None if the layers before it do not fit."""
        name = self.item.name or PLACE
        spec = self._with(f"identity as {name}")
        try:
            nodes = self.problem.graph(self._alone, spec=spec).nodes
        except BuildError as error:
            nodes = error.nodes
        place = next((node for node in nodes if node.name.rpartition(".")[2] == name), None)
        if place is None:
            return None
        size = place.shape.spatial[self.axis] if self.axis < place.shape.rank else None
        if place.shape.rank != len(self.shape) - 1 or not isinstance(size, int):
            raise UnsuitableError
        channels = place.shape.channels
        return size, channels if isinstance(channels, int) else None

    def _body(self, channels: int | None) -> Step | None:
        if channels not in self.bodies:
            item = self.item._replace(count=None, count_span=None, name=None)
            spec = self.problem.spec._replace(items=(item,))
            self.bodies[channels] = self._step(spec, self._place_shape(channels), None, one_output=True)
        return self.bodies[channels]

    def _rest(self, channels: int | None) -> Step | None:
        if channels not in self.rests:
            sizes = "x".join(map(str, self._place_shape(channels)))
            spec = self._with(f"input {sizes} as {self.item.name or PLACE}")
            first = first_leaf(self.problem.spec.items) is self.item
            self.rests[channels] = self._step(spec, None if first else self._alone, self.layer)
        return self.rests[channels]

    @property
    def _alone(self) -> tuple[Any, ...]:
        return self.problem.alone(self.shape, self.axis)

    def _place_shape(self, channels: int | None) -> tuple[Any, ...]:
        """Return the shape, in separate letters, of the tensor that the item reads."""
        spatial = self.letters[: len(self.shape) - 1]
        return (*spatial, self.letters[len(self.shape) - 1] if channels is None else channels)

    def _with(self, text: str) -> Spec:
        (place,) = parse_items(Source("<solve>", text), Problems())
        items = with_item(self.problem.spec.items, self.item, place)
        return self.problem.spec._replace(items=items)

    def _step(
        self, spec: Spec, shape: tuple[Any, ...] | None, layer: str | None, one_output: bool = False
    ) -> Step | None:
        """Return the effect of a spec on a size; None if it fits no size."""
        letter = self.letters[self.axis]
        try:
            graph = self.problem.graph(shape, spec=spec)
        except SpecError as error:
            if all(each.code.startswith("E2") and each.code != "E210" for each in error.diagnostics):
                return None
            raise UnsuitableError from None
        inputs = sum(isinstance(each.layer, Input) for each in graph.nodes)
        if one_output and (len(graph.outputs) > 1 or inputs > 1):
            raise UnsuitableError
        node = target(graph, layer)
        fitting = [each for each in guards(graph) if letter in each.symbols]
        covering = coverage_conditions(graph, self.axis)
        size = node.shape.spatial[self.axis] if node.shape.rank == len(self.shape) - 1 else None
        mixed = any(each.symbols != {letter} for each in fitting)
        if size is None or mixed or symbols_of([size]) - {letter}:
            raise UnsuitableError
        channels = node.shape.channels
        return Step(
            _function(size, letter),
            _predicate(fitting, letter),
            _predicate(covering, letter),
            channels if isinstance(channels, int) else None,
            len(graph.nodes) - inputs,
            lambda n: skips(graph, self.axis, {letter: n}),
        )


def _function(formula: Any, letter: str) -> Callable[[int], int]:
    """Return the formula as a function: by f(N + p) = f(N) + q, a table of one period serves all sizes."""
    repeats = period(formula)
    if isinstance(formula, int) or repeats is None or repeats[0] > LONGEST_PERIOD:
        return lambda n: int(substitute(formula, {letter: n}))
    step, gain = repeats
    table: list[int | None] = [None] * step

    def value(n: int) -> int:
        turn, at = divmod(n, step)
        first = table[at]
        if first is None:
            first = table[at] = substitute(formula, {letter: at + step}) - gain
        return first + turn * gain

    return value


def _predicate(conditions: list[Condition], letter: str) -> Callable[[int], bool]:
    """Return the conditions on one letter as a function of its number."""
    if any(each is False for each in conditions):
        return lambda n: False
    mine = [each for each in conditions if isinstance(each, Guard) and letter in each.symbols]
    if any(each.symbols != {letter} for each in mine):
        raise UnsuitableError
    if not mine:
        return lambda n: True
    found = solve_constraints(mine, letter)
    if found is None:
        return lambda n: all(each.holds({letter: n}) for each in mine)
    listed = set(found.listed)
    return lambda n: n in listed or (bool(found.step) and n in found)
