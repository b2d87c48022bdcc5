"""The networks of a space: one graph for each structure, whose sizes differ from variant to variant.

The spec is expanded as any other, and each layer is fitted by its own rules. What is new here: a value that differs
is computed for each combination of its axes, what does not fit is a failure of the variants concerned, and the copies
of a repeat that are all alike are built once, with their number beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from cnncalc.diagnostics import Diagnostic, Problems, SpecError
from cnncalc.graph import UNKNOWN, Fit, GraphBuilder, Node
from cnncalc.language.blocks import Blocks, Scope, is_count, wrong_count
from cnncalc.language.build import NO_TENSOR, Expander
from cnncalc.language.channels import ChannelsUnknownError
from cnncalc.language.expressions import evaluate, names_of
from cnncalc.language.inputs import CLOSED
from cnncalc.language.nodes import (
    CallNode,
    Expression,
    GroupNode,
    Hole,
    ItemNode,
    LayerNode,
    MergeNode,
    ReferenceNode,
    Spec,
)
from cnncalc.language.paths import given_names
from cnncalc.layers.base import Layer
from cnncalc.layers.merge import Merge
from cnncalc.shape import MAX_ELEMENTS, Shape, ShapeError
from cnncalc.sweep.grids import VaryingCondition, either, without
from cnncalc.sweep.runs import Failure, Run
from cnncalc.sweep.values import Varying

#: Copies of a repeat are built until one keeps the shape of its input, but no more than these.
MOST_COPIES = 4


class Structure(NamedTuple):
    """The graph of the variants of a run.

    `counts` has for each node how many copies of it there are: 1, or for the last of a repeat's copies, which stands
    for others as well, a number that may be 0. `failures` are in the order in which their errors are reported.
    """

    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]
    counts: tuple[Any, ...]
    failures: tuple[Failure, ...]


def build(spec: Spec, run: Run, lets: Mapping[str, Any], shape: tuple[Any, ...] | None, repeats: bool) -> Structure:
    """Return the structure of a run. `lets` has the values of lets, and `shape` is that of the first input.

    With `repeats`, the copies of a repeat that are alike are built once. Where no variant of the run fits, it has no
    nodes.
    """
    expander = VariantExpander(spec, run, lets, shape, repeats)
    try:
        graph = expander.graph()
    except SpecError as error:
        # What is reported of all others is the error of those that are left.
        failures = (*_in_order(run.failures), Failure(True, error.diagnostics[0]))
        return Structure((), (), (), failures)
    counts = tuple(expander.variant_builder.counts)
    return Structure(graph.nodes, graph.outputs, counts, tuple(_in_order(run.failures)))


def _in_order(failures: Sequence[Failure]) -> list[Failure]:
    """Return failures in the order of their places in the spec: the first that a variant has is the one reported."""

    def position(failure: Failure) -> int:
        place = failure.diagnostic.place
        return place.in_file().start if place is not None else -1

    return sorted(failures, key=position)


class VariantBuilder(GraphBuilder):
    """Builds a graph of sizes that vary. A layer that does not fit for some variants fails for these alone.

    Of a variant that failed in front of a layer, that layer's shapes are unknown, and it cannot fail there.
    """

    def __init__(self, run: Run, problems: Problems, names: Sequence[str]) -> None:
        super().__init__(problems, names)
        self.run = run
        #: How many copies there are of each node, and of the nodes that are built now.
        self.counts: list[Any] = []
        self.count: Any = 1
        #: For each node the variants for which its shape is unknown: a condition, or False.
        self.unknown: list[Any] = []
        #: The variants for which something cannot be read, from there on: all that follows is unknown.
        self.unread: Any = False
        #: What a layer requires of its shapes, and does not hold for all variants, by the identity of these.
        self._unmet: dict[tuple[int, int], list[tuple[Any, str, str]]] = {}

    def add(
        self,
        layer: Layer,
        inputs: tuple[int, ...],
        origin: Any = None,
        name: str | None = None,
        scope: str = "",
        *more: Any,
        **named: Any,
    ) -> int:
        index = super().add(layer, inputs, origin, name, scope, *more, **named)
        if len(self.counts) < len(self.nodes):
            self.counts.append(self.count)
            self.unknown.append(self._unknown_behind(self.nodes[index]))
        return index

    def report(self, fault: ShapeError, name: str, layer: Layer, inputs: tuple[int, ...], origin: Any) -> None:
        """Record that a layer fits none of the variants that are left."""
        left: Any = True
        for failure in self.run.failures:
            left = without(left, failure.where)
        super().report(fault, name, layer, inputs, origin)
        if left is not False:
            self.run.failures.append(Failure(left, self.failures[-1].diagnostic))

    def _unknown_behind(self, node: Node) -> Any:
        """Record the variants for which a node does not fit; return those for which its shape is unknown."""
        unknown = self.unread
        for index in node.inputs:
            unknown = either(unknown, self.unknown[index])
        before = unknown
        for unmet, code, summary in self._unmet.get((id(node.layer), id(node.input_shapes)), ()):
            span, calls = (node.origin.span, node.origin.calls) if node.origin else (None, ())
            diagnostic = Diagnostic(code, summary.format(layer=node.name), span, layer=node.name, calls=calls)
            where = without(unmet, before)
            if where is not False:
                self.run.failures.append(Failure(where, diagnostic))
            unknown = either(unknown, unmet)
        return unknown

    def _fit(self, layer: Layer, shapes: tuple[Shape, ...]) -> Fit:
        key = layer, layer.axes, shapes
        fit = self._fits.get(key)
        if fit is None:
            fit = self._fits[key] = self._fit_variants(layer, shapes)
        return fit

    def _fit_variants(self, layer: Layer, shapes: tuple[Shape, ...]) -> Fit:
        if shapes:
            layer = layer.resolve(shapes[0])
        if isinstance(layer, Merge) and layer.elementwise:
            # Which of the arms has the size that others are compared with depends on which are stretched.
            for shape in shapes if len(shapes) > 2 else ():
                for size in shape.dims:
                    bool(isinstance(size, Varying) and size == 1)
        unmet = [
            (~each.condition, each.code, each.summary)
            for each in layer.requirements_of(shapes)
            if isinstance(each.condition, VaryingCondition)
        ]
        shape = layer.shape_of(shapes)
        too_large, summary = shape.elements > MAX_ELEMENTS, "the output of `{layer}` is too large"
        if too_large is True:
            raise ShapeError("E209", summary, "over 10^100 elements")
        if isinstance(too_large, VaryingCondition):
            unmet.append((too_large, "E209", summary))
        if unmet:
            self._unmet[id(layer), id(shapes)] = unmet
        return layer, shapes, shape, ()

    def _warnings(self) -> list[Diagnostic]:
        return []


class VariantBlocks(Blocks):
    """The blocks of a spec whose numbers vary."""

    def __init__(self, run: Run, *more: Any) -> None:
        super().__init__(*more)
        self.run = run

    def evaluate(self, expression: Expression, names: Mapping[str, Any]) -> Any:
        return evaluate_variants(self.run, expression, names)

    def repeat_count(self, item: ItemNode, scope: Scope) -> Any:
        if isinstance(item.count, Hole):
            count, calls = item.count, scope.calls
            try:
                value = self.evaluate(count.expression, scope.numbers)
            except (ChannelsUnknownError, SpecError):
                return super().repeat_count(item, scope)
            if isinstance(value, Varying):

                def checked(number: Any) -> Any:
                    if not is_count(number):
                        raise SpecError([wrong_count(count, number, calls)])
                    return number

                try:
                    return self.run.lift(checked, value)
                except SpecError as error:
                    self.problems.catch(error)
                    return None
        return super().repeat_count(item, scope)


def evaluate_variants(run: Run, expression: Expression, names: Mapping[str, Any]) -> Any:
    """Return the value of an expression, computed for each combination of the axes of its names."""
    used = [name for name in sorted(names_of(expression)) if name in names]
    varying = [name for name in used if isinstance(names[name], Varying)]
    if not varying:
        return evaluate(expression, names)
    fixed = {name: names[name] for name in used if name not in varying}
    key = (id(expression), tuple(fixed.items()))

    def value(*numbers: Any) -> Any:
        return evaluate(expression, {**fixed, **dict(zip(varying, numbers, strict=True))})

    return run.lift(value, *[names[name] for name in varying], key=key)


class VariantExpander(Expander):
    """Builds the graph of one structure of a space."""

    NUMBERS = (int, Varying)

    def __init__(
        self, spec: Spec, run: Run, lets: Mapping[str, Any], shape: tuple[Any, ...] | None, repeats: bool
    ) -> None:
        self.run, self.lets, self.repeats = run, lets, repeats
        problems = Problems()
        super().__init__(spec, problems, shape, {}, CLOSED)
        self.builder = self.variant_builder = VariantBuilder(run, problems, list(given_names(spec.items)))
        self.blocks = VariantBlocks(run, spec.definitions, self.top.numbers, problems)

    def evaluate(self, expression: Expression, names: Mapping[str, Any]) -> Any:
        return evaluate_variants(self.run, expression, names)

    def _top_scope(self, variables: dict[str, Any]) -> Scope:
        return super()._top_scope({**variables, **self.lets})

    def read_with(self, node: LayerNode, text: tuple[str, ...], holes: list[Hole], values: Sequence[Any]) -> Layer:
        if not any(isinstance(value, Varying) for value in values):
            return super().read_with(node, text, holes, values)
        read = super().read_with

        def layer(*numbers: Any) -> Layer:
            return read(node, text, holes, numbers)

        # Where the text is the same, and not only the values, so are the layers.
        made: Layer = self._reading(partial(self.run.lift, layer, *values, key=(text, tuple([h.span for h in holes]))))
        return made

    def _reading(self, work: Callable[[], Any]) -> Any:
        """Return what some work gives; the variants for which something cannot be read in it are unread from there."""
        before = len(self.run.failures)
        result = work()
        for failure in self.run.failures[before:]:
            self.variant_builder.unread = either(self.variant_builder.unread, failure.where)
        return result

    def call(self, node: CallNode, current: int, scope: Scope, name: str | None) -> int:
        block = self.blocks.named(node.name, scope)
        if block is not None and not node.problems and not self.blocks.uses_channels(block):
            self._reading(partial(self.blocks.bind, node, block, scope))
        return super().call(node, current, scope, name)

    def item(self, item: ItemNode, current: int, scope: Scope) -> int:
        if not isinstance(item.count, Hole):
            return super().item(item, current, scope)
        count = self._reading(partial(self.blocks.repeat_count, item, scope))
        if not isinstance(count, Varying):
            return super().item(item, current, scope)
        if count == 0:
            self.check_unused(item, scope)
            return current
        current = self._copies(item, current, scope, count)
        if item.name is not None:
            self.define_tensor(item, current, scope)
        return current

    def _copies(self, item: ItemNode, current: int, scope: Scope, count: Varying) -> int:
        """Build a number of copies of an item that varies: those that are alike once.

        Copies are alike behind one that keeps the shape of its input, since its input and output are in the same
        place then: read by nothing but the copy behind, with the same need of a gradient.
        """
        builder = self.variant_builder
        if not self.repeats and item.name is not None and count == 1:
            # A single copy has the name as it stands; where layers are not asked for, names are of no matter.
            return self.copy(item, current, scope, None)
        for number in range(1, MOST_COPIES + 1):
            before = current
            current = self.copy(item, current, scope, number)
            if UNKNOWN in (before, current):
                return UNKNOWN
            if self.repeats and self._keeps_shape(before, current) and not names_tensors(item):
                outside, builder.count = builder.count, builder.count * (count - number)
                current = self.copy(item, current, scope, number + 1)
                builder.count = outside
                return current
            if count == number:
                return current
        for number in range(MOST_COPIES + 1, int(count) + 1):
            current = self.copy(item, current, scope, number)
        return current

    def _keeps_shape(self, before: int, after: int) -> bool:
        if before in (NO_TENSOR, after):
            return False
        shapes = self.builder.nodes[before].shape, self.builder.nodes[after].shape
        return len(shapes[0].dims) == len(shapes[1].dims) and all(
            a.same_as(b) if isinstance(a, Varying) else not isinstance(b, Varying) and a == b
            for a, b in zip(shapes[0].dims, shapes[1].dims, strict=True)
        )


def names_tensors(item: ItemNode) -> bool:
    """Return whether an item names tensors within it or reads others by their names, or has an input in it.

    Its copies may differ then: the last one is the one that others read, or the last to read another.
    """
    atom = item.atom
    if isinstance(atom, ReferenceNode):
        return True
    inner: Iterator[ItemNode] = iter(())
    if isinstance(atom, GroupNode):
        inner = iter(atom.items)
    elif isinstance(atom, MergeNode):
        inner = (each for arm in atom.arms for each in arm)
    elif isinstance(atom, LayerNode):
        return str(atom.word.parts[0])[:5].lower() == "input"
    return any(each.name is not None or names_tensors(each) for each in inner)
