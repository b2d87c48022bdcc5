"""Backwards: from the output's size to the input's, to a padding or any one number of a layer; from a receptive
field to the repeats of a block.

The input's sizes are solved for in letters: the wanted size is one more condition beside those that the rules
set (`figures.domain`), so branches that have to agree are as exact as a chain. Any other number is found by
trying all that can matter, one axis at a time: the other axes are letters meanwhile, which cannot fail.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from cnncalc.diagnostics import Diagnostic, Problems, Source, Span, SpecError, nearest
from cnncalc.figures.domain import IntegerSet, conditions, dropping_nothing, solve_constraints
from cnncalc.figures.receptive_field import receptive_fields
from cnncalc.graph import Graph, Node
from cnncalc.language.build import build_graph
from cnncalc.language.inputs import LETTERS, LetterMode
from cnncalc.language.nodes import Spec
from cnncalc.layers.windowed import Windowed
from cnncalc.shape import AXES, Padding, Shape, ShapeError
from cnncalc.solve.solutions import Found, Repeats, Solution
from cnncalc.solve.unknowns import marks, repeated
from cnncalc.sources import read_nodes
from cnncalc.symbols import Formula, Guard, symbols_of

#: Outputs so far from the wanted one are looked at, for the nearest that there is.
FARTHEST = 64
#: So many values of an unknown are tried at most, and so many layers built for that.
MOST_VALUES, MOST_LAYERS = 4096, 20_000
#: A repeated block is built up to so many layers.
MOST_REPEATED = 10_000

TOO_MANY = f"over {MOST_REPEATED:,} layers"

NO_FILTERS = {"filters": 1, "units": 1}


class Problem:
    """A spec with something unknown in it, read once."""

    def __init__(self, source: Source, variables: Mapping[str, Any] | None = None) -> None:
        self.source, self.variables = source, variables or {}
        problems = Problems()
        self.spec = read_nodes(source, problems)
        problems.raise_if_any()
        self.marks = list(marks(self.spec))

    def graph(
        self, input: tuple[Any, ...] | None = None, unknown: int | None = None, spec: Spec | None = None
    ) -> Graph:
        """The graph with that input and that number for `?`; raises `SpecError` where it does not fit."""
        left_open = LetterMode(letters=True, unknown=unknown, assumed=NO_FILTERS)
        return build_graph(spec or self.spec, Problems(), input, self.variables, left_open)

    def input(self) -> tuple[Any, ...] | None:
        """The shape of the spec's own input, be it one that does not fit; None where it has none."""
        try:
            first = self.graph(unknown=1).nodes[0]
        except SpecError as error:
            if error.partial is None or any(not each.code.startswith("E2") for each in error.diagnostics):
                raise
            first = error.partial.nodes[0]
        shape: tuple[Any, ...] = vars(first.layer)["shape"]
        return shape if first.origin is not None else None

    # -- the input's sizes ---------------------------------------------------------------------------

    def input_sizes(self, wanted: tuple[int, ...], layer: str | None = None) -> Solution:
        """The input's sizes that give an output of these sizes, at a layer or at the end."""
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
        rules, reaching = conditions(graph), dropping_nothing(graph)
        found = tuple([_sizes_of(letter, its, rules, reaching) for letter, its in axes.items()])
        return Solution("input", node.name, str(first), sizes, found)

    # -- one number of a layer -----------------------------------------------------------------------

    def number(self, given: tuple[Any, ...] | None, wanted: tuple[int, ...], layer: str | None = None) -> Solution:
        """What the `?` may be for an output of these sizes."""
        if len({chunk for _, chunk, _ in self.marks}) > 1:
            message, help = "two numbers are unknown at once", "write a number for one of them"
            raise SpecError([Diagnostic("E117", message, self.marks[-1][0].span, "a second `?`", help=help)])
        shape = given or self.input()
        if shape is None or any(isinstance(size, str) for size in shape[:-1]):
            raise _no_input(self.source)
        node = self._sample(shape, layer)
        sizes = _wanted(node, wanted)
        text = self.marks[0][2]
        # Padding makes up for strides; every other number has an effect within the size that it works on.
        reach = max(map(int, re.findall(r"\d{1,4}", text)), default=1) * (max(sizes) + 1) + max(shape[:-1])
        limit = min(2 * reach, MOST_VALUES, max(MOST_LAYERS // (node.index + 1), 64))
        axes = []
        for axis, (name, size) in enumerate(zip(AXES[len(sizes)], sizes, strict=True)):
            alone = _alone(shape, axis)
            outputs = {value: self._output(alone, value, layer, axis) for value in range(limit + 1)}
            axes.append((name, size, outputs))
        found = tuple([_tried(name, size, outputs) for name, size, outputs in axes])
        if len(self.marks) == 1 or len(self.marks) != len(sizes):
            common = _common(axes)
            found = (common,) if common.some or len(found) == 1 else found
            if len(found) > 1 and all(each.some for each in found):
                found = (*found, common._replace(what="together"))
        # Channels that no one gave are not told either.
        given_text = "x".join(map(str, shape[:-1] if isinstance(shape[-1], str) else shape))
        return Solution("?", text, given_text, sizes, found, limit)

    def _sample(self, shape: tuple[Any, ...], layer: str | None) -> Node:
        """The layer meant, in a graph with some number for the unknown: its name and rank are what counts."""
        open_shape = (*_letters(shape), shape[-1])
        try:
            return target(self.graph(open_shape, 1), layer)
        except SpecError:
            # A dilation of 1 fits where one of 2 may not, but no padding of 1 is half of a window of 1.
            return target(self.graph(open_shape, 2), layer)

    def _output(self, shape: tuple[Any, ...], value: int, layer: str | None, axis: int) -> tuple[int, bool] | None:
        """The output's size along an axis, and whether nothing is dropped; None where the value does not fit."""
        try:
            graph = self.graph(shape, value)
        except SpecError:
            return None
        size = target(graph, layer).shape.spatial[axis]
        return (size, _drops_nothing(graph)) if isinstance(size, int) else None

    # -- the padding of a layer ----------------------------------------------------------------------

    def padding(self, given: tuple[Any, ...], wanted: tuple[int, ...]) -> Solution:
        """The paddings of the spec's one layer that give an output of these sizes."""
        graph = self.graph((*_letters(given), given[-1]))
        layers = [node for node in graph.nodes if node.inputs]
        if len(layers) != 1 or "padding" not in layers[0].layer.arguments:
            raise _nothing_unknown(self.source)
        node = layers[0]
        assert isinstance(node.layer, Windowed)
        sizes = _wanted(node, wanted)
        found = []
        # With more zeros a convolution gives still more, and a deconvolution nothing.
        extent = max(window.extent for window in node.layer.windows(node.input_shapes[0]))
        limit = min(max(node.layer.stride) * (max(*sizes, *given[:-1]) + 1) + extent + max(given[:-1]), MOST_VALUES)
        for axis, (name, size) in enumerate(zip(AXES[len(sizes)], sizes, strict=True)):
            shape = self.graph(_alone(given, axis)).nodes[0].shape
            outputs = {total: _padded(node.layer, shape, total, axis) for total in range(limit + 1)}
            its = _tried(name, size, outputs)
            same = self._same(node.layer, shape, axis)
            forms = [_padding_text(total, total == same) for total in (its.values.listed if its.values else ())]
            found.append(its._replace(forms=tuple(forms)))
        return Solution("padding", str(node.layer), "x".join(map(str, given[:-1])), sizes, tuple(found), limit)

    @staticmethod
    def _same(layer: Windowed, shape: Shape, axis: int) -> int:
        """How many zeros `same` adds on the axis."""
        window = layer.replace(padding=Padding("same")).resolve(shape).windows(shape)[axis]  # type: ignore[attr-defined]
        total: int = window.begin + window.end
        return total

    # -- repeats -------------------------------------------------------------------------------------

    def repeats(self, wanted: int, given: tuple[Any, ...] | None = None) -> Repeats:
        """How many repeats of the spec's repeated item it takes to see so many input elements."""
        items, block = repeated(self.spec)
        spec = self.spec._replace(items=items)
        known: dict[int, tuple[Any, ...] | str] = {}

        def field(count: int) -> tuple[Any, ...] | str:
            if count not in known:
                known[count] = self._field(spec, given, count)
            return known[count]

        one, two = field(1), field(2)
        if isinstance(one, str):
            return Repeats(block, wanted, None, (), (), one)
        if not isinstance(two, str) and one == two and min(one) < wanted:
            return Repeats(block, wanted, None, one, one, "a repeat adds nothing to the field")
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
            return Repeats(block, wanted, None, (), (), f"{widest} with {high} repeats")
        while high - low > 1:
            middle = (low + high) // 2
            its = field(middle)
            if not isinstance(its, str) and min(its) < wanted:
                low = middle
            else:
                high = middle
        at = field(high)
        before = field(low) if low else ()
        assert not isinstance(before, str)
        if isinstance(at, str):
            return Repeats(block, wanted, None, before, before, f"{high} repeats do not fit: {at}")
        return Repeats(block, wanted, high, at, before)

    def _field(self, spec: Spec, given: tuple[Any, ...] | None, count: int) -> tuple[Any, ...] | str:
        """The size of the field at the end with that many repeats, or why there is none."""
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
        sizes = tuple([axis.size for axis in field.axes])
        return "its field depends on the input's size" if symbols_of(sizes) else sizes


def target(graph: Graph, layer: str | None) -> Node:
    """The layer of that name, or the last; raises `SpecError` where there is none or it has no spatial axes."""
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
    """The spatial sizes out of what was asked for, with or without channels."""
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
    """Letters for the spatial axes of a shape."""
    return next((letters[:-1] for letters in LETTERS if len(letters) == len(shape)), ())


def _alone(shape: tuple[Any, ...], axis: int) -> tuple[Any, ...]:
    """The shape with letters on all axes but one."""
    names = _letters(shape)
    return (*names[:axis], shape[axis], *names[axis + 1 :], shape[-1])


def _sizes_of(letter: str, axes: list[tuple[str, Any, int]], rules: list[Guard], reaching: list[Guard]) -> Found:
    """The numbers for a letter that give the wanted sizes on its axes."""
    mine = _about(letter, rules)
    tidy = [*mine, *_about(letter, reaching)]

    def meet(shift: int, conditions: list[Guard]) -> IntegerSet | None:
        goals = []
        for _, formula, size in axes:
            gap = formula - size - shift
            if isinstance(gap, Formula):
                goals.append(Guard(gap, zero=True))
            elif gap:
                return IntegerSet(())
        return solve_constraints([*conditions, *goals], letter)

    what, wanted = " and ".join(name for name, _, _ in axes), axes[0][2]
    values = meet(0, mine)
    near: list[tuple[int, IntegerSet]] = []
    if values is not None and values.first is None:
        for sign in (-1, 1):
            for distance in range(1, min(FARTHEST, wanted if sign < 0 else FARTHEST)):
                other = meet(sign * distance, mine)
                if other is not None and other.first is not None:
                    near.append((wanted + sign * distance, other))
                    break
    near.sort(key=lambda each: abs(each[0] - wanted))
    return Found(what, wanted, values, meet(0, tidy), tuple(near))


def _about(letter: str, conditions: list[Guard]) -> list[Guard]:
    """The conditions on a letter; raises `SpecError` where one is on other letters of sizes too."""
    mine = []
    for each in conditions:
        letters = symbols_of((each.formula, *each.others))
        if letter in letters:
            if len(letters) > 1:
                message = f"the sizes cannot be solved one by one: {each}"
                raise SpecError(
                    [Diagnostic("E211", message, help="give some of them in numbers, in the input's shape")]
                )
            mine.append(each)
    return mine


Outputs = Mapping[int, "tuple[int, bool] | None"]


def _tried(name: str, wanted: int, outputs: Outputs) -> Found:
    """The values that give the wanted size on one axis."""
    return _gathered(name, wanted, {value: its for value, its in outputs.items() if its is not None})


def _common(axes: Sequence[tuple[str, int, Outputs]]) -> Found:
    """The values that give the wanted sizes on all axes at once."""
    each = [_tried(name, size, outputs) for name, size, outputs in axes]
    if len(each) == 1:
        return each[0]
    values, tidy = (
        IntegerSet(tuple(sorted(set.intersection(*(set(sizes.listed) for sizes in found if sizes is not None)))))
        for found in ([its.values for its in each], [its.tidy for its in each])
    )
    return Found(" and ".join(its.what for its in each), each[0].wanted, values, tidy)


def _gathered(name: str, wanted: int, outputs: dict[int, tuple[int, bool]]) -> Found:
    right = [value for value, (size, _) in outputs.items() if size == wanted]
    tidy = [value for value in right if outputs[value][1]]
    near = []
    if not right:
        others = sorted({size for size, _ in outputs.values()}, key=lambda size: (abs(size - wanted), size))
        near = [
            (other, IntegerSet(tuple(v for v, (size, _) in outputs.items() if size == other))) for other in others[:2]
        ]
    return Found(name, wanted, IntegerSet(tuple(right)), IntegerSet(tuple(tidy)), tuple(near))


def _drops_nothing(graph: Graph) -> bool:
    return not any(
        isinstance(size, int) and size
        for node in graph.nodes
        if isinstance(node.layer, Windowed)
        for size in node.layer.dropped(node.input_shapes[0])
    )


def _padded(layer: Windowed, shape: Any, total: int, axis: int) -> tuple[int, bool] | None:
    """The output's size with that padding in all, the smaller half first, and whether nothing is dropped."""
    ends = ((total // 2, total - total // 2),) * shape.rank
    padded = layer.replace(padding=Padding("explicit", ends) if total else Padding("valid")).resolve(shape)
    assert isinstance(padded, Windowed)
    try:
        return padded.output(shape).spatial[axis], not padded.dropped(shape)[axis]
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
