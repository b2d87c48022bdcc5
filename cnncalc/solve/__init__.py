"""Solving backwards: from an output's size to the input's, to a padding or any one number of a layer, and from a
receptive field to the repeats of a block.

The input's sizes are solved for as symbols: the wanted size is one more condition beside those that the rules
set (`figures.domain`), so branches that have to agree are as exact as a chain. Any other number is found by
trying all that can matter, one axis at a time: the other axes are symbols meanwhile, which cannot fail.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from cnncalc.diagnostics import Diagnostic, Problems, Source, Span, SpecError, nearest
from cnncalc.figures.domain import coverage_guards, guards
from cnncalc.figures.receptive_field import receptive_fields
from cnncalc.graph import BuildError, Graph, Node
from cnncalc.language.build import build_graph
from cnncalc.language.inputs import LETTERS, LetterMode
from cnncalc.language.nodes import Spec
from cnncalc.layers.windowed import Windowed
from cnncalc.shape import AXES, Padding, Shape, ShapeError
from cnncalc.solve.solutions import AxisSolution, RepeatSolution, Solution
from cnncalc.solve.unknowns import repeated, unknowns
from cnncalc.sources import read_nodes
from cnncalc.symbols import Formula, Guard, symbols_of
from cnncalc.symbols.constraints import IntegerSet, solve_constraints

#: Where no value gives the wanted size, sizes up to so far from it are tried, for the nearest.
FARTHEST = 64
#: At most so many values of an unknown are tried, and so many layers built for that.
MOST_VALUES, MOST_LAYERS = 4096, 20_000
#: A repeated block is built up to so many layers.
MOST_REPEATED = 10_000

TOO_MANY = f"over {MOST_REPEATED:,} layers"

NO_FILTERS = {"filters": 1, "units": 1}


class Problem:
    """A spec with something to solve for, read once. `unknowns` are its `?`."""

    def __init__(self, source: Source, variables: Mapping[str, Any] | None = None) -> None:
        self.source, self.variables = source, variables or {}
        problems = Problems()
        self.spec = read_nodes(source, problems)
        problems.raise_if_any()
        self.unknowns = list(unknowns(self.spec))

    def graph(
        self, input: tuple[Any, ...] | None = None, unknown: int | None = None, spec: Spec | None = None
    ) -> Graph:
        """Return the graph with that input and that number for `?`; raises `SpecError` where it does not fit."""
        left_open = LetterMode(letters=True, unknown=unknown, assumed=NO_FILTERS)
        return build_graph(spec or self.spec, Problems(), input, self.variables, left_open)

    def input(self) -> tuple[Any, ...] | None:
        """Return the shape of the spec's own input, even where layers do not fit it; None where it has none."""
        try:
            first = self.graph(unknown=1).nodes[0]
        except BuildError as error:
            if any(not each.code.startswith("E2") for each in error.diagnostics):
                raise
            first = error.partial.nodes[0]
        shape: tuple[Any, ...] = vars(first.layer)["shape"]
        return shape if first.origin is not None else None

    # -- the input's sizes ---------------------------------------------------------------------------

    def input_sizes(self, wanted: tuple[int, ...], layer: str | None = None) -> Solution:
        """Return the input's sizes that give an output of these sizes, at a layer or at the end."""
        own = self.input()
        shape = None
        if own is not None:
            free = iter([name for name in (*_letters(own), *"ABDEFGHIJK") if name not in own])
            shape = (*[size if isinstance(size, str) else next(free) for size in own[:-1]], own[-1])
        graph = self.graph(shape)
        if own is None and graph.nodes[0].shape.rank not in (len(wanted), len(wanted) - 1):
            graph = self.graph(next((letters for letters in LETTERS if len(letters) == len(wanted) + 1), None))
        node = target(graph, layer)
        sizes = _wanted(node, wanted)
        first = graph.nodes[0].shape
        if first.rank != node.shape.rank:
            fact = f"the input has {first.rank} spatial axes, the output {node.shape.rank}"
            raise SpecError([Diagnostic("E211", "the sizes cannot be solved one by one", label=fact)])
        axes: dict[str, list[tuple[str, Any, int]]] = {}
        for name, before, after, size in zip(AXES[first.rank], first.spatial, node.shape.spatial, sizes, strict=True):
            (letter,) = symbols_of([before])
            axes.setdefault(letter, []).append((name, after, size))
        fitting, covering = guards(graph), coverage_guards(graph)
        solutions = tuple([_input_sizes(letter, each, fitting, covering) for letter, each in axes.items()])
        return Solution("input", node.name, str(first), sizes, solutions)

    # -- one number of a layer -----------------------------------------------------------------------

    def number(self, given: tuple[Any, ...] | None, wanted: tuple[int, ...], layer: str | None = None) -> Solution:
        """Return the numbers that the `?` may be for an output of these sizes."""
        if len({unknown.part for unknown in self.unknowns}) > 1:
            message, help = "two numbers are unknown at once", "write a number for one of them"
            raise SpecError([Diagnostic("E117", message, self.unknowns[-1].hole.span, "a second `?`", help=help)])
        shape = given or self.input()
        if shape is None or any(isinstance(size, str) for size in shape[:-1]):
            raise _no_input(self.source)
        node = self._sample(shape, layer)
        sizes = _wanted(node, wanted)
        text = self.unknowns[0].layer
        # Padding makes up for strides; every other number has an effect within the size that it works on.
        span = max(map(int, re.findall(r"\d{1,4}", text)), default=1) * (max(sizes) + 1) + max(shape[:-1])
        limit = min(2 * span, MOST_VALUES, max(MOST_LAYERS // (node.index + 1), 64))
        axes = []
        for axis, (name, size) in enumerate(zip(AXES[len(sizes)], sizes, strict=True)):
            alone = _alone(shape, axis)
            outputs = {value: self._output(alone, value, layer, axis) for value in range(limit + 1)}
            axes.append((name, size, outputs))
        solutions = tuple([_of_outputs(name, size, outputs) for name, size, outputs in axes])
        if len(self.unknowns) == 1 or len(self.unknowns) != len(sizes):
            common = _common(solutions)
            solutions = (common,) if common.solved or len(solutions) == 1 else solutions
            if len(solutions) > 1 and all(each.solved for each in solutions):
                solutions = (*solutions, common._replace(axis="together"))
        # Channels that no one gave are left out of the text.
        given_text = "x".join(map(str, shape[:-1] if isinstance(shape[-1], str) else shape))
        return Solution("?", text, given_text, sizes, solutions, limit)

    def _sample(self, shape: tuple[Any, ...], layer: str | None) -> Node:
        """Return the layer that is asked about, in a graph with some number for the unknown: for its name and rank."""
        open_shape = (*_letters(shape), shape[-1])
        try:
            return target(self.graph(open_shape, 1), layer)
        except SpecError:
            # A dilation of 1 fits where one of 2 may not, but no padding of 1 is half of a window of 1.
            return target(self.graph(open_shape, 2), layer)

    def _output(self, shape: tuple[Any, ...], value: int, layer: str | None, axis: int) -> tuple[int, bool] | None:
        """Return the output's size along an axis, and whether nothing is dropped; None where the value does not fit."""
        try:
            graph = self.graph(shape, value)
        except SpecError:
            return None
        size = target(graph, layer).shape.spatial[axis]
        return (size, _drops_nothing(graph)) if isinstance(size, int) else None

    # -- the padding of a layer ----------------------------------------------------------------------

    def padding(self, given: tuple[Any, ...], wanted: tuple[int, ...]) -> Solution:
        """Return the paddings of the spec's one layer that give an output of these sizes."""
        graph = self.graph((*_letters(given), given[-1]))
        layers = [node for node in graph.nodes if node.inputs]
        if len(layers) != 1 or "padding" not in layers[0].layer.arguments:
            raise _nothing_unknown(self.source)
        node = layers[0]
        assert isinstance(node.layer, Windowed)
        sizes = _wanted(node, wanted)
        solutions = []
        # With more zeros a convolution gives still more, and a deconvolution nothing.
        extent = max(window.extent for window in node.layer.windows(node.input_shapes[0]))
        limit = min(max(node.layer.stride) * (max(*sizes, *given[:-1]) + 1) + extent + max(given[:-1]), MOST_VALUES)
        for axis, (name, size) in enumerate(zip(AXES[len(sizes)], sizes, strict=True)):
            shape = self.graph(_alone(given, axis)).nodes[0].shape
            outputs = {total: _padded(node.layer, shape, total, axis) for total in range(limit + 1)}
            solution = _of_outputs(name, size, outputs)
            same = self._same(node.layer, shape, axis)
            totals = solution.values.listed if solution.values else ()
            solutions.append(solution._replace(written=tuple([_padding_text(each, each == same) for each in totals])))
        return Solution("padding", str(node.layer), "x".join(map(str, given[:-1])), sizes, tuple(solutions), limit)

    @staticmethod
    def _same(layer: Windowed, shape: Shape, axis: int) -> int:
        """Return how many zeros `same` adds on the axis."""
        window = layer.replace(padding=Padding("same")).resolve(shape).windows(shape)[axis]
        total: int = window.begin + window.end
        return total

    # -- repeats -------------------------------------------------------------------------------------

    def repeats(self, wanted: int, given: tuple[Any, ...] | None = None) -> RepeatSolution:
        """Return how many repeats of the spec's repeated item it takes to see so many input elements."""
        items, block = repeated(self.spec)
        spec = self.spec._replace(items=items)
        known: dict[int, tuple[Any, ...] | str] = {}
        periods: list[int] = [1]

        def field(count: int) -> tuple[Any, ...] | str:
            if count not in known:
                known[count] = self._field(spec, given, count, periods)
            return known[count]

        one, two = field(1), field(2)
        if isinstance(one, str):
            return RepeatSolution(block, wanted, None, (), (), one)
        # Behind upsampling a repeat may reach no further element yet; within a period it does, if ever.
        if not isinstance(two, str) and one == two == field(1 + max(periods)) and min(one) < wanted:
            return RepeatSolution(block, wanted, None, one, one, "a repeat adds nothing to the field")
        low, high = 0, 1
        if not isinstance(two, str) and min(one) < wanted:
            # Without strides every repeat adds as much: this is the answer, and else a beginning.
            steps = -((min(one) - wanted) // max(min(two) - min(one), 1))
            guess = field(1 + steps)
            low, high = (1, 1 + steps) if not isinstance(guess, str) and min(guess) >= wanted else (1, 2)
            if low < high - 1 and not isinstance(below := field(high - 1), str) and min(below) < wanted:
                low = high - 1
        # A field that is wide enough ends the doubling, and so does a count that does not fit.
        while not isinstance(widest := field(high), str) and min(widest) < wanted:
            low, high = high, 2 * high
        if widest == TOO_MANY:
            return RepeatSolution(block, wanted, None, (), (), f"{widest} with {high} repeats")
        while high - low > 1:
            middle = (low + high) // 2
            between = field(middle)
            if not isinstance(between, str) and min(between) < wanted:
                low = middle
            else:
                high = middle
        at = field(high)
        before = field(low) if low else ()
        assert not isinstance(before, str)
        if isinstance(at, str):
            return RepeatSolution(block, wanted, None, before, before, f"{high} repeats do not fit: {at}")
        return RepeatSolution(block, wanted, high, at, before)

    def _field(
        self, spec: Spec, given: tuple[Any, ...] | None, count: int, periods: list[int]
    ) -> tuple[Any, ...] | str:
        """Return the size of the field at the end with that many repeats, or the reason why there is none.

        The periods in which outputs differ are added to `periods`.
        """
        try:
            graph = self.graph(given, count, spec)
        except SpecError as error:
            first = error.diagnostics[0]
            if first.code == "E005":
                return TOO_MANY
            if not first.code.startswith("E2"):
                raise
            return f"{first.message}: {first.label}"
        if len(graph.nodes) > MOST_REPEATED:
            return TOO_MANY
        field = receptive_fields(graph.nodes)[-1]
        if field.whole or not field.axes:
            return "an output sees the whole input by nature"
        periods += [len(axis.phases.intervals) for axis in field.axes if axis.phases]
        if field.at_most:
            return "its field is known as an upper bound alone"
        sizes = tuple([axis.size for axis in field.axes])
        return "its field depends on the input's size" if symbols_of(sizes) else sizes


def target(graph: Graph, layer: str | None) -> Node:
    """Return the layer of that name, or the last; raises `SpecError` where there is none or it has no spatial axes."""
    node = graph.nodes[graph.outputs[-1]]
    if layer is not None:
        named = {node.name: node for node in graph.nodes}
        if layer not in named:
            near = nearest(layer, named)
            help = f"write `--layer {near}`" if near else None
            raise SpecError([Diagnostic("E110", f"no layer is named `{layer}`", help=help)])
        node = named[layer]
    if not node.shape.spatial:
        spatial = next((each.name for each in reversed(graph.nodes) if each.shape.spatial and each.inputs), None)
        help = f"write `--layer {spatial}`, the last that has some" if spatial else None
        raise SpecError([Diagnostic("E203", f"the output of `{node.name}` has no spatial axes", help=help)])
    return node


def _wanted(node: Node, wanted: tuple[int, ...]) -> tuple[int, ...]:
    """Return the wanted spatial sizes, which may be given with or without channels."""
    rank, channels = node.shape.rank, node.shape.channels
    if len(wanted) == rank + 1 and wanted[-1] == channels:
        return wanted[:-1]
    if len(wanted) != rank:
        fact = f"`{node.name}` has {rank} spatial ax{'is' if rank == 1 else 'es'}, {len(wanted)} sizes are given"
        if len(wanted) == rank + 1:
            fact = f"`{node.name}` has {channels} channels, not {wanted[-1]}"
        raise SpecError([Diagnostic("E106", "the wanted output does not fit", label=fact)])
    return wanted


def _letters(shape: tuple[Any, ...]) -> tuple[str, ...]:
    """Return letters for the spatial axes of a shape."""
    return next((letters[:-1] for letters in LETTERS if len(letters) == len(shape)), ())


def _alone(shape: tuple[Any, ...], axis: int) -> tuple[Any, ...]:
    """Return the shape with letters on all axes but one."""
    names = _letters(shape)
    return (*names[:axis], shape[axis], *names[axis + 1 :], shape[-1])


def _input_sizes(
    letter: str, axes: list[tuple[str, Any, int]], fitting: list[Guard], covering: list[Guard]
) -> AxisSolution:
    """Return the numbers for a letter that give the wanted sizes on its axes (name, formula, wanted size)."""
    mine = _about(letter, fitting)
    nothing_dropped = [*mine, *_about(letter, covering)]

    def solve(shift: int, conditions: list[Guard]) -> IntegerSet | None:
        goals = []
        for _, formula, size in axes:
            gap = formula - size - shift
            if isinstance(gap, Formula):
                goals.append(Guard(gap, zero=True))
            elif gap:
                return IntegerSet(())
        return solve_constraints([*conditions, *goals], letter)

    names, wanted = " and ".join(name for name, _, _ in axes), axes[0][2]
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
    return AxisSolution(names, wanted, values, solve(0, nothing_dropped), tuple(nearest))


def _about(letter: str, conditions: list[Guard]) -> list[Guard]:
    """Return the conditions on a letter; raises `SpecError` E211 where one is on other letters as well."""
    mine = [each for each in conditions if letter in each.symbols]
    for each in mine:
        if len(each.symbols) > 1:
            message = f"the sizes cannot be solved one by one: {each}"
            help = "give some of them in numbers, in the input's shape"
            raise SpecError([Diagnostic("E211", message, help=help)])
    return mine


#: For each value that was tried the output's size and whether nothing is dropped, or None where it does not fit.
Outputs = Mapping[int, "tuple[int, bool] | None"]


def _of_outputs(name: str, wanted: int, outputs: Outputs) -> AxisSolution:
    """Return the values that give the wanted size on one axis."""
    fitting = {value: output for value, output in outputs.items() if output is not None}
    right = [value for value, (size, _) in fitting.items() if size == wanted]
    nothing_dropped = [value for value in right if fitting[value][1]]
    nearest = []
    if not right:
        sizes = sorted({size for size, _ in fitting.values()}, key=lambda size: (abs(size - wanted), size))
        nearest = [(size, IntegerSet(tuple(v for v, (s, _) in fitting.items() if s == size))) for size in sizes[:2]]
    return AxisSolution(name, wanted, IntegerSet(tuple(right)), IntegerSet(tuple(nothing_dropped)), tuple(nearest))


def _common(solutions: Sequence[AxisSolution]) -> AxisSolution:
    """Return the values that give the wanted sizes on all axes at once."""
    if len(solutions) == 1:
        return solutions[0]
    name = " and ".join(each.axis for each in solutions)
    values = _in_all([each.values for each in solutions])
    return AxisSolution(name, solutions[0].wanted, values, _in_all([each.nothing_dropped for each in solutions]))


def _in_all(sets: Sequence[IntegerSet | None]) -> IntegerSet:
    members = [set(each.listed) for each in sets if each is not None]
    return IntegerSet(tuple(sorted(set.intersection(*members))))


def _drops_nothing(graph: Graph) -> bool:
    return not any(
        isinstance(size, int) and size
        for node in graph.nodes
        if isinstance(node.layer, Windowed)
        for size in node.layer.dropped(node.input_shapes[0])
    )


def _padded(layer: Windowed, shape: Any, total: int, axis: int) -> tuple[int, bool] | None:
    """Return the output's size with that much padding, the smaller half first, and whether nothing is dropped."""
    ends = ((total // 2, total - total // 2),) * shape.rank
    padded = layer.replace(padding=Padding("explicit", ends) if total else Padding("valid")).resolve(shape)
    try:
        return padded.infer((shape,)).spatial[axis], not padded.dropped(shape)[axis]
    except ShapeError:
        return None


def _padding_text(total: int, same: bool) -> str:
    text = f"p{total // 2}" if total % 2 == 0 else f"p{total // 2}-{total - total // 2}"
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
