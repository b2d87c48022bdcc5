"""Solving backwards: from an output's size to the input's, to a padding or any one number of a layer, and from a
receptive field to the repeats of a block.

The input's sizes are solved for as symbols: the wanted size is one more condition beside those that the rules
set (`figures.domain`), so branches that have to agree are as exact as a chain. Any other number is found by
trying all that can matter, one axis at a time: the other axes are symbols meanwhile, which cannot fail.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import isqrt
from typing import Any, NamedTuple

from cnncalc.diagnostics import Diagnostic, Source, Span, SpecError
from cnncalc.figures.domain import coverage_conditions, guards
from cnncalc.graph import Graph, Node
from cnncalc.language.inputs import LETTERS
from cnncalc.language.nodes import ItemNode
from cnncalc.layers.windowed import Windowed
from cnncalc.shape import AXES, Padding, Shape, ShapeError
from cnncalc.solve.counts import Repeats, UnsuitableError
from cnncalc.solve.fields import FieldRepeats
from cnncalc.solve.network import Network, axis_letters
from cnncalc.solve.skips import skips
from cnncalc.solve.solutions import AxisSolution, RepeatSolution, Skip, Solution, common
from cnncalc.solve.target import target, wanted_sizes
from cnncalc.solve.unknowns import repeated_item
from cnncalc.symbols import Formula, Guard, symbols_of
from cnncalc.symbols.constraints import IntegerSet, solve_constraints

#: Where no value gives the wanted size, sizes up to so far from it are tried, for the nearest.
FARTHEST = 64
#: The most values of an unknown that are tried, and the most layers that are built for that.
MOST_VALUES, MOST_LAYERS = 4096, 20_000
#: What is skipped is looked for with so many of the values, and so many ways to split a padding are tried.
MOST_SKIPS, MOST_SPLITS = 16, 64


class Problem(Network):
    """A spec with something to solve for, read once."""

    # -- the input's sizes ---------------------------------------------------------------------------

    def input_sizes(self, wanted: tuple[int, ...], layer: str | None = None) -> Solution:
        """Return the input's sizes that give an output of these sizes, at a layer or at the end."""
        own = self.input()
        shape = None
        if own is not None:
            free = iter([name for name in (*axis_letters(own), *"ABDEFGHIJK") if name not in own])
            shape = (*[size if isinstance(size, str) else next(free) for size in own[:-1]], own[-1])
        graph = self.graph(shape)
        if own is None and graph.nodes[0].shape.rank not in (len(wanted), len(wanted) - 1):
            graph = self.graph(next((letters for letters in LETTERS if len(letters) == len(wanted) + 1), None))
        node = target(graph, layer)
        sizes = wanted_sizes(node, wanted)
        first = graph.nodes[0].shape
        if first.rank != node.shape.rank:
            fact = f"the input has {first.rank} spatial axes, the output {node.shape.rank}"
            raise SpecError([Diagnostic("E211", "the sizes cannot be solved one by one", label=fact)])
        axes: dict[str, list[AxisGoal]] = {}
        for axis, (before, after, size) in enumerate(zip(first.spatial, node.shape.spatial, sizes, strict=True)):
            (letter,) = symbols_of([before])
            axes.setdefault(letter, []).append(AxisGoal(axis, AXES[first.rank][axis], after, size))
        solutions = tuple([_input_sizes(graph, letter, each) for letter, each in axes.items()])
        return Solution("input", node.name, str(first), sizes, solutions)

    # -- one number of a layer -----------------------------------------------------------------------

    def number(self, given: tuple[Any, ...] | None, wanted: tuple[int, ...], layer: str | None = None) -> Solution:
        """Return the numbers that the `?` may be for an output of these sizes."""
        if len({unknown.argument for unknown in self.unknowns}) > 1:
            message, help = "two numbers are unknown at once", "write a number for one of them"
            raise SpecError([Diagnostic("E117", message, self.unknowns[-1].hole.span, "a second `?`", help=help)])
        shape = given or self.input()
        if shape is None or any(isinstance(size, str) for size in shape[:-1]):
            raise _no_input(self.source)
        node = self._sample(shape, layer)
        sizes = wanted_sizes(node, wanted)
        names = AXES[len(sizes)]
        text = self.unknowns[0].layer
        limit: int | None
        if isinstance(self.unknowns[0].part, ItemNode):
            solutions, limit = self._counts(shape, sizes, layer, node)
        else:
            # Padding makes up for strides; every other number has an effect within the size that it works on.
            span = max(map(int, re.findall(r"\d{1,4}", text)), default=1) * (max(sizes) + 1) + max(shape[:-1])
            limit = min(2 * span, MOST_VALUES, max(MOST_LAYERS // (node.index + 1), 64))
            solutions = [self._values(shape, axis, sizes, layer, limit) for axis in range(len(sizes))]
        if all(unknown.axis is None for unknown in self.unknowns):
            together = common(solutions)
            if together.solved or len(solutions) == 1:
                solutions = [together]
            elif all(each.solved for each in solutions):
                solutions = [*solutions, together._replace(axis="together")]
        else:
            asked = {names[each.axis] for each in self.unknowns if each.axis is not None and each.axis < len(names)}
            # Of an axis without a `?` there is something to say only where it cannot have its size.
            solutions = [each for each in solutions if each.axis in asked or not each.solved]
        # Channels that no one gave are left out of the text.
        given_text = "x".join(map(str, shape[:-1] if isinstance(shape[-1], str) else shape))
        return Solution("?", text, given_text, sizes, tuple(solutions), limit)

    def _sample(self, shape: tuple[Any, ...], layer: str | None) -> Node:
        """Return the layer asked about, in a graph with some number for the unknown, for its name and rank.

        Not every number fits a network of any size: a padding needs a window of twice its width.
        """
        first: SpecError | None = None
        for value in (1, 2, 0, *range(3, 33), *[2**power for power in range(6, 14)]):
            try:
                found = target(self.graph((*axis_letters(shape), shape[-1]), value), layer)
            except SpecError as error:
                if not all(each.code.startswith(("E105", "E114", "E2")) for each in error.diagnostics):
                    raise
                first = first or error
                continue
            self.sample = value
            return found
        assert first is not None
        raise first

    def _values(
        self, shape: tuple[Any, ...], axis: int, sizes: tuple[int, ...], layer: str | None, limit: int
    ) -> AxisSolution:
        """Return the numbers up to a limit that give the wanted size on one axis, each tried."""
        name, wanted = AXES[len(sizes)][axis], sizes[axis]
        if all(each.axis not in (None, axis) for each in self.unknowns):
            # No number of this argument matters here.
            output = self.output(shape, self.sample, layer, axis)
            return AxisSolution.of_outputs(name, wanted, {0: output}, (0, 1))
        outputs = {value: self.output(shape, value, layer, axis) for value in range(limit + 1)}
        found = AxisSolution.of_outputs(name, wanted, outputs)
        clean = found.nothing_dropped.listed if found.nothing_dropped else ()
        skipped: dict[str, Skip] = {}
        for value in clean[:MOST_SKIPS]:
            graph = self.built(shape, value, axis)
            skipped.update((skip.layer, skip) for skip in skips(graph, axis, {}))
        return found._replace(skipped=tuple(skipped.values()))

    def _counts(
        self, shape: tuple[Any, ...], sizes: tuple[int, ...], layer: str | None, node: Node
    ) -> tuple[list[AxisSolution], int | None]:
        """Return the numbers of repeats for each axis, and the largest tried where others may do: by arithmetic.

        Where the item cannot be taken out of its network, every count is built, while that is not too much work.
        """
        item = repeated_item(self.spec.items, self.unknowns[0].hole)
        try:
            if item is None:
                raise UnsuitableError
            found = [
                Repeats(self, item, shape, layer, axis).solution(name, size)
                for axis, (name, size) in enumerate(zip(AXES[len(sizes)], sizes, strict=True))
            ]
        except UnsuitableError:
            limit = max(isqrt(2 * MOST_LAYERS // (node.index + 1)), 32)
            return [self._values(shape, axis, sizes, layer, limit) for axis in range(len(sizes))], limit
        return [each for each, _ in found], max((limit for _, limit in found if limit is not None), default=None)

    # -- the padding of a layer ----------------------------------------------------------------------

    def padding(self, given: tuple[Any, ...], wanted: tuple[int, ...]) -> Solution:
        """Return the paddings of the spec's one layer that give an output of these sizes."""
        graph = self.graph((*axis_letters(given), given[-1]))
        layers = [node for node in graph.nodes if node.inputs]
        if len(layers) != 1 or "padding" not in layers[0].layer.arguments:
            raise _nothing_unknown(self.source)
        node = layers[0]
        assert isinstance(node.layer, Windowed)
        sizes = wanted_sizes(node, wanted)
        solutions = []
        # With more zeros a convolution gives still more, and a deconvolution nothing.
        extent = max(window.extent for window in node.layer.windows(node.input_shapes[0]))
        limit = min(max(node.layer.stride) * (max(*sizes, *given[:-1]) + 1) + extent + max(given[:-1]), MOST_VALUES)
        for axis, (name, size) in enumerate(zip(AXES[len(sizes)], sizes, strict=True)):
            # Each axis is padded by itself: the others are letters, which any window fits.
            shape = node.input_shapes[0]
            shape = shape._replace(spatial=(*shape.spatial[:axis], given[axis], *shape.spatial[axis + 1 :]))
            padded = {total: _padded(node.layer, shape, total, axis, size) for total in range(limit + 1)}
            outputs = {total: each and (each.size, each.drops_nothing) for total, each in padded.items()}
            solution = AxisSolution.of_outputs(name, size, outputs)
            same = self._same(node.layer, shape, axis)
            totals = solution.values.listed if solution.values else ()
            ends = [each.ends for each in map(padded.get, totals) if each]
            written = [_padding_text(each, each == same) for each in ends]
            solutions.append(solution._replace(written=tuple(written)))
        return Solution("padding", str(node.layer), "x".join(map(str, given[:-1])), sizes, tuple(solutions), limit)

    @staticmethod
    def _same(layer: Windowed, shape: Shape, axis: int) -> tuple[Any, Any]:
        """Return how many zeros `same` adds at each end of the axis."""
        window = layer.replace(padding=Padding("same")).resolve(shape).windows(shape)[axis]
        return window.begin, window.end

    # -- repeats -------------------------------------------------------------------------------------

    def repeats(self, wanted: int, given: tuple[Any, ...] | None = None) -> RepeatSolution:
        """Return the number of repeats of the spec's repeated item whose receptive field has the wanted size."""
        return FieldRepeats(self, given, wanted).solution()


class AxisGoal(NamedTuple):
    """An axis by its number and name, the formula of the output's size on it, and the size that is wanted."""

    axis: int
    name: str
    formula: Any
    wanted: int


class Padded(NamedTuple):
    """The size that a padding gives, whether nothing is dropped, and the zeros at each end."""

    size: int
    drops_nothing: bool
    ends: tuple[int, int]


def _input_sizes(graph: Graph, letter: str, axes: list[AxisGoal]) -> AxisSolution:
    """Return the numbers for a letter that give the wanted sizes on its axes."""
    mine = _about(letter, guards(graph))
    covering = [condition for each in axes for condition in coverage_conditions(graph, each.axis)]
    always = [each for each in covering if each is False]
    nothing_dropped = [*mine, *_about(letter, [each for each in covering if isinstance(each, Guard)])]

    def solve(shift: int, conditions: list[Guard]) -> IntegerSet | None:
        goals = []
        for each in axes:
            gap = each.formula - each.wanted - shift
            if isinstance(gap, Formula):
                goals.append(Guard(gap, zero=True))
            elif gap:
                return IntegerSet(())
        return solve_constraints([*conditions, *goals], letter)

    names, wanted = " and ".join(each.name for each in axes), axes[0].wanted
    values = solve(0, mine)
    nearest: list[tuple[int, IntegerSet]] = []
    if values is not None and values.first is None:
        for sign in (-1, 1):
            for distance in range(1, min(FARTHEST, wanted if sign < 0 else FARTHEST)):
                other = solve(sign * distance, mine)
                if other is not None and other.first is not None:
                    nearest.append((wanted + sign * distance, other))
                    break
    nearest.sort(key=lambda each: abs(each[0] - wanted))
    clean = IntegerSet(()) if always else solve(0, nothing_dropped)
    first = clean.first if clean else None
    skipped = [] if first is None else [skip for each in axes for skip in skips(graph, each.axis, {letter: first})]
    return AxisSolution(names, wanted, values, clean, tuple(nearest), skipped=tuple(dict.fromkeys(skipped)))


def _about(letter: str, conditions: list[Guard]) -> list[Guard]:
    """Return the conditions on a letter; raises `SpecError` E211 if one is on other letters as well."""
    mine = [each for each in conditions if letter in each.symbols]
    for each in mine:
        if len(each.symbols) > 1:
            message = f"the sizes cannot be solved one by one: {each}"
            help = "give some of them in numbers, in the input's shape"
            raise SpecError([Diagnostic("E211", message, help=help)])
    return mine


def _padded(layer: Windowed, shape: Shape, total: int, axis: int, wanted: int) -> Padded | None:
    """Return the padding of so many zeros on an axis, the other axes having none, that gives the wanted size.

    Where none does, it is the evenest that fits, the smaller half first; None where none fits.
    """
    found: Padded | None = None
    for begin in _begins(layer, total):
        ends = [(0, 0)] * shape.rank
        ends[axis] = begin, total - begin
        padded = layer.replace(padding=Padding("explicit", tuple(ends)) if total else Padding("valid")).resolve(shape)
        try:
            size = padded.infer((shape,)).spatial[axis]
        except ShapeError:
            continue
        each = Padded(size, padded.drops_nothing(shape)[axis] is not False, ends[axis])
        if size == wanted:
            return each
        found = found or each
    return found


def _begins(layer: Windowed, total: int) -> Iterable[int]:
    """Return how much of the padding may stand at the beginning, from the even split outwards.

    Only where a size is rounded up is it of any matter, since no window may start in the padding at the end.
    """
    even = total // 2
    if not layer.rounds_up:
        return (even,)
    return sorted(range(total + 1), key=lambda begin: (abs(2 * begin - total), begin))[:MOST_SPLITS]


def _padding_text(ends: tuple[int, int], same: bool) -> str:
    begin, end = ends
    text = f"p{begin}" if begin == end else f"p{begin}-{end}"
    return f"{text} (same)" if same else text


def _no_input(source: Source) -> SpecError:
    message, help = "the input's size is not given", "add `--input 32x32`"
    return SpecError(
        [Diagnostic("E130", message, Span(source, 0, len(source.text)), "what size goes in here?", help=help)]
    )


def _nothing_unknown(source: Source) -> SpecError:
    message = "nothing is unknown: both sizes are given"
    help = "write a `?` for the number to find, as in `conv ?x? s2`, or leave `--input` out"
    return SpecError([Diagnostic("E117", message, Span(source, 0, len(source.text)), "no `?` in it", help=help)])
