"""The graph of a network, and the builder that names its nodes and infers their shapes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cnncalc.diagnostics import Diagnostic, Origin, Problems, Span, SpecError, counted, printable
from cnncalc.layers.axis_order import misreading
from cnncalc.layers.base import Layer, Lint
from cnncalc.layers.rearrange import Flatten, Input
from cnncalc.layers.sharing import check_sharing, frozen
from cnncalc.layers.timewise import Timewise
from cnncalc.shape import MAX_ELEMENTS, Shape, ShapeError

#: A network has at most this many layers, repeats counted out.
MAX_LAYERS = 100_000

#: Stands for the index of a tensor whose shape is unknown because an earlier layer failed.
UNKNOWN = -1

FLATTEN = Flatten("flatten")


class StoredWeights(NamedTuple):
    """The weights that a model file holds for one node; they are counted instead of its layer's rule.

    A weight that several nodes share is stored with the first (where a node shares all that it has, `weights_from`
    names that one); one that belongs to no layer of the language (an `Add` of constants) with the node that reads it.
    """

    params: int = 0
    buffers: int = 0
    #: Those that training leaves as they are: they are not in `params`.
    frozen: int = 0


def weights_of(layer: Layer, x: Shape) -> StoredWeights:
    """Return the weights that a layer has by its own rule on an input of shape `x`."""
    params = layer.weights(x) + layer.bias_weights(x)
    return StoredWeights(0 if layer.frozen else params, layer.buffers(x), params if layer.frozen else 0)


class Node(NamedTuple):
    """One layer of a network: the indices of its inputs, which are earlier nodes, and its output shape."""

    index: int  # type: ignore[assignment]  # hides tuple.index, which no one asks of a node
    name: str
    layer: Layer
    inputs: tuple[int, ...]
    input_shapes: tuple[Shape, ...]
    shape: Shape
    origin: Origin | None = None
    #: Whether it was not written but added: the flatten in front of an fc.
    implicit: bool = False
    #: The arms it stands in, outermost first: (number of the merge, number of the arm).
    arms: tuple[tuple[int, int], ...] = ()
    #: The weights that a file holds for it, where they differ from its layer's rule.
    stored: StoredWeights | None = None
    #: The earlier node whose weights it has, where it has none of its own: they are counted there.
    weights_from: int | None = None
    #: On a device, the layers behind it that it does as well: a batch norm in its weights, an activation of its output.
    fused: tuple[Layer, ...] = ()

    def __repr__(self) -> str:
        return f"<Node {printable(f'{self.name}: {self.layer}, {self.shape}')}>"


class StoredTypes(NamedTuple):
    """The bytes of a network in a model file's own types: of an element of each node's output, and of its weights.

    An element takes a fraction of a byte where several share one.
    """

    element_bytes: tuple[float, ...]
    weight_bytes: tuple[int, ...]


class Graph(NamedTuple):
    """The nodes in source order, each after its inputs, and the indices of the outputs."""

    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]
    name: str | None = None
    warnings: tuple[Diagnostic, ...] = ()
    #: The parameters of a PyTorch module that its forward pass never reaches, which no node has.
    unused: int = 0
    types: StoredTypes | None = None

    def __repr__(self) -> str:
        name = f" {printable(self.name)}" if self.name else ""
        return f"<Graph{name}: {counted(len(self.nodes), 'node')}>"

    @property
    def letters(self) -> tuple[str, ...]:
        """The letters in the shapes of the inputs and for the filters of layers, each once."""
        return tuple(dict.fromkeys(letter for node in self.nodes for letter in node.layer.open))


class WeightOwner(NamedTuple):
    """The node whose weights another one has, and what the spec calls it."""

    owner: int
    called: str


class FailedLayer(NamedTuple):
    """A layer that does not fit its inputs (indices of nodes), the diagnostic of the failure, and where it stands."""

    diagnostic: Diagnostic
    layer: Layer
    inputs: tuple[int, ...]
    span: Span | None = None


class BuildError(SpecError):
    """Some layers do not fit their inputs. `nodes` have known shapes, `failures` have none.

    `partial` is the graph up to the first failure.
    """

    def __init__(
        self, diagnostics: Iterable[Diagnostic], partial: Graph, nodes: Sequence[Node], failures: Sequence[FailedLayer]
    ) -> None:
        super().__init__(diagnostics)
        self.partial, self.nodes, self.failures = partial, tuple(nodes), tuple(failures)

    def with_diagnostics(self, diagnostics: Iterable[Diagnostic]) -> BuildError:
        return BuildError(diagnostics, self.partial, self.nodes, self.failures)


#: A layer applied to the shapes of its inputs: the layer resolved for them, those shapes, its output, its warnings.
Fit = tuple[Layer, tuple[Shape, ...], Shape, tuple[Lint, ...]]


class GraphBuilder:
    """Builds a graph one layer at a time. A layer that does not fit is added to `problems`; its output is unknown."""

    def __init__(
        self,
        problems: Problems,
        reserved: Iterable[str] = (),
        shapes_are_written: bool = True,
        stretching: bool = False,
    ) -> None:
        """Make an empty graph; `reserved` names are not given to layers without a name of their own.

        `shapes_are_written` is False for a model file, whose reader knows the axis order of its shapes.
        """
        self.problems, self.shapes_are_written = problems, shapes_are_written
        #: Whether symbols may be such numbers that one of two sizes that always differ is 1, and stretched.
        self.stretching = stretching
        self.nodes: list[Node] = []
        self.failures: list[FailedLayer] = []
        self._taken = set(reserved)
        self._counters: dict[str, int] = {}
        self._lints: list[tuple[int, Lint]] = []
        #: The same layer on the same shapes gives the same. A `conv1d` equals a `conv`, and may yet not fit where that
        #: does: so the axes of its word belong to the key.
        self._fits: dict[tuple[Layer, int | None, tuple[Shape, ...]], Fit] = {}
        self._fits_by_identity: dict[tuple[int, ...], tuple[Layer, Fit]] = {}
        self._failed_at: int | None = None

    def add(
        self,
        layer: Layer,
        inputs: tuple[int, ...],
        origin: Origin | None = None,
        name: str | None = None,
        scope: str = "",
        arms: tuple[tuple[int, int], ...] = (),
        implicit: bool = False,
        stored: StoredWeights | None = None,
        shared: WeightOwner | None = None,
    ) -> int:
        """Append a node and return its index, or UNKNOWN if its shape cannot be inferred.

        `name` is the node's own; without one it is numbered by its kind within `scope`. With `shared`, it has the
        weights of an earlier node; that they do not fit is a problem as any other.
        """
        name = scope + name if name else self.number(scope + layer.stem)
        if UNKNOWN in inputs:
            return UNKNOWN
        nodes = self.nodes
        shapes = tuple([nodes[index].shape for index in inputs])
        if layer.flat and shapes[0].spatial and (front := _in_front(layer, shapes[0])):
            flattened = self.add(front, inputs, origin, None, scope, arms, implicit=True)
            if flattened == UNKNOWN:
                return UNKNOWN
            inputs, shapes = (flattened,), (nodes[flattened].shape,)
        # Mostly they are the same objects, too: comparing them by value takes longer.
        identity = (id(layer), *map(id, shapes))
        known = self._fits_by_identity.get(identity)
        if known is None:
            try:
                # The layer is kept with it, so that its identity stays its own.
                known = self._fits_by_identity[identity] = layer, self._fit(layer, shapes)
            except ShapeError as fault:
                self.report(fault, name, layer, inputs, origin)
                return UNKNOWN
        fit = known[1]
        made, first = fit[0], None
        if shared is not None:
            try:
                made, first = self._with_weights_of(made, shapes[0], shared)
            except ShapeError as fault:
                self.report(fault, name, layer, inputs, origin)
                return UNKNOWN
        index = len(nodes)
        nodes.append(Node(index, name, made, inputs, fit[1], fit[2], origin, implicit, arms, stored, first))
        if fit[3]:
            self._lints += [(index, lint) for lint in fit[3]]
        return index

    def share(self, index: int, owner: int) -> bool:
        """Let a node have the weights of an earlier one in place of its own, if they fit; return whether they do."""
        if UNKNOWN in (index, owner):
            return False
        node = self.nodes[index]
        x = node.input_shapes[0] if node.inputs else node.shape
        try:
            layer, first = self._with_weights_of(node.layer, x, WeightOwner(owner, self.nodes[owner].name))
        except ShapeError:
            return False
        self.nodes[index] = node._replace(layer=layer, stored=None, weights_from=first)
        return True

    def _with_weights_of(self, layer: Layer, x: Shape, shared: WeightOwner) -> tuple[Layer, int]:
        """Return a layer as it is with the weights of an earlier node, and the node that has these as its own.

        Raises `ShapeError` E214 if they do not fit.
        """
        first = self.nodes[shared.owner]
        if first.weights_from is not None:
            first = self.nodes[first.weights_from]
        other_x = first.input_shapes[0] if first.inputs else first.shape
        check_sharing(layer, x, first.layer, other_x, shared.called)
        return frozen(layer) if first.layer.frozen and not layer.frozen else layer, first.index

    def _fit(self, layer: Layer, shapes: tuple[Shape, ...]) -> Fit:
        key = layer, layer.axes, shapes
        fit = self._fits.get(key)
        if fit is None:
            fit = self._fits[key] = fit_layer(layer, shapes, self.stretching)
        return fit

    def number(self, path: str) -> str:
        """Return the next free name for a path: `conv1`, then `conv2`."""
        while True:
            self._counters[path] = count = self._counters.get(path, 0) + 1
            name = f"{path}{count}"
            if name not in self._taken:
                return name

    def report(
        self, fault: ShapeError, name: str, layer: Layer, inputs: tuple[int, ...], origin: Origin | None
    ) -> None:
        """Record that a layer does not fit its inputs."""
        self.mark_failed()
        chain = [f"shapes so far: {self.shape_chain(inputs[0])}"] if len(inputs) == 1 else []
        whole, calls = (origin.span, origin.calls) if origin else (None, ())
        span = whole
        if span is not None and fault.part is not None and (place := re.search(fault.part, span.text)):
            span = span._replace(start=span.start + place.start(1), end=span.start + place.end(1))
        headline = fault.summary.format(layer=name)
        notes = (*fault.notes, *chain)
        diagnostic = Diagnostic(fault.code, headline, span, fault.fact, notes, fault.help, name, calls)
        self.failures.append(FailedLayer(diagnostic, layer, inputs, whole))
        self.problems.add(diagnostic)

    def mark_failed(self) -> None:
        """Record that a layer failed here: the partial graph of an error ends before the first failure."""
        if self._failed_at is None:
            self._failed_at = len(self.nodes)

    def error(self, error: SpecError, name: str | None = None) -> SpecError:
        """Return the error as a `BuildError` if a layer has failed, and otherwise unchanged."""
        if not self._failed_at:
            return error
        partial = Graph(tuple(self.nodes[: self._failed_at]), (), name)
        return BuildError(error.diagnostics, partial, self.nodes, self.failures)

    def add_lint(self, index: int, lint: Lint) -> None:
        """Record a warning about a node; a warning about an unknown node is ignored."""
        if index != UNKNOWN:
            self._lints.append((index, lint))

    def shape_chain(self, index: int) -> str:
        """Return the shapes from the input to a node, without repetitions: `5x5x3 -> 3x3x8 -> 1x1x8`."""
        chain: list[str] = []
        while True:
            node = self.nodes[index]
            text = str(node.shape)
            if not chain or chain[-1] != text:
                chain.append(text)
            if not node.inputs:
                break
            index = node.inputs[0]
        chain.reverse()
        if len(chain) > 8:
            chain = [*chain[:3], "…", *chain[-4:]]
        return " -> ".join(chain)

    def build(self, last: int, name: str | None = None) -> Graph:
        """Return the graph: its outputs are the last item's tensor and every tensor that no layer reads.

        Raises `SpecError` with all problems if there are any, as a `BuildError` if a layer does not fit.
        """
        try:
            self.problems.raise_if_any()
        except SpecError as error:
            raise self.error(error, name) from None
        read = {index for node in self.nodes for index in node.inputs}
        outputs = tuple(node.index for node in self.nodes if node.index not in read or node.index == last)
        return Graph(tuple(self.nodes), outputs, name, tuple(self._warnings()))

    def _warnings(self) -> list[Diagnostic]:
        inputs = input_order_lints(self.nodes) if self.shapes_are_written else []
        return [_warning(self.nodes[index], lint) for index, lint in sorted([*inputs, *self._lints])]


def _in_front(layer: Layer, x: Shape) -> Layer | None:
    """Return the flatten in front of a layer that works on flat vectors alone, at each step if that is; else None."""
    if isinstance(layer, Timewise) and x.spatial:
        front = _in_front(layer.layer, layer.step(x))
        return front and Timewise("timewise", front)
    return FLATTEN if layer.flat and x.spatial else None


def one_step(node: Node) -> Node:
    """Return what a node does at one step of the first axis, along which its layer is applied."""
    layer = node.layer
    assert isinstance(layer, Timewise)
    inputs = tuple(map(layer.step, node.input_shapes))
    return node._replace(layer=layer.layer, input_shapes=inputs, shape=layer.step(node.shape))


def step_of(node: Node) -> Node:
    """Return what a node does at a single step, along whatever number of axes; one without steps is unchanged."""
    while isinstance(node.layer, Timewise):
        node = one_step(node)
    return node


def fit_layer(layer: Layer, shapes: tuple[Shape, ...], stretching: bool = False) -> Fit:
    """Resolve a layer and infer its output shape; raises `ShapeError` if it does not fit."""
    ranked = True
    if shapes:
        shapes = _with_one_rank(layer, shapes)
        ranked = shapes[0].has_rank
        layer = layer.resolve(shapes[0])
    shape = layer.infer(shapes)
    if not ranked and shape.spatial and not layer.sets_rank:
        shape = Shape.partial(shape.channels)
    if len(shapes) > 1 and not stretching:
        for each in layer.requirements_of(shapes):
            if getattr(each.condition, "stretched", False):
                raise each.error
    if isinstance(shape.elements, int) and shape.elements > MAX_ELEMENTS:
        raise ShapeError("E209", "the output of `{layer}` is too large", "over 10^100 elements")
    return layer, shapes, shape, tuple(layer.lints(shapes[0])) if shapes else ()


def _with_one_rank(layer: Layer, shapes: tuple[Shape, ...]) -> tuple[Shape, ...]:
    """Return the shapes with the number of axes that the layer or another of them states where it is not known."""
    if all(shape.has_rank for shape in shapes) or layer.sets_rank:
        return shapes
    ranks = [layer.stated_rank, *(shape.rank for shape in shapes if shape.has_rank)]
    rank = next((rank for rank in ranks if rank is not None), None)
    return shapes if rank is None else tuple([shape.with_rank(rank) for shape in shapes])


def _warning(node: Node, lint: Lint) -> Diagnostic:
    span, calls = (node.origin.span, node.origin.calls) if node.origin else (None, ())
    fact = lint.fact.format(layer=node.name)
    return Diagnostic(lint.code, fact, span, help=lint.help, layer=node.name, calls=calls)


def with_input_order_warnings(graph: Graph) -> Graph:
    """Return the graph of a model with a given input shape, with warnings if the shape looks misread."""
    warnings = [_warning(graph.nodes[index], lint) for index, lint in input_order_lints(graph.nodes)]
    return graph._replace(warnings=(*warnings, *graph.warnings))


def input_order_lints(nodes: Sequence[Node]) -> list[tuple[int, Lint]]:
    """Return a warning W204, with its node's index, for each input that looks channels first or has a batch."""
    lints = []
    for node in nodes:
        misread = misreading(node.layer.shape) if isinstance(node.layer, Input) else None
        if misread is None or (len(node.shape.dims) == 2 and _read_as_written(node, nodes)):
            continue
        message = f"the input {node.shape} looks {misread.looks}; {misread.here}"
        lints.append((node.index, Lint("W204", message, misread.help)))
    return lints


def _read_as_written(input: Node, nodes: Sequence[Node]) -> bool:
    """Return whether the readers of a one-axis input expect one axis or none: then its axis order is meant."""
    readers = [node.layer for node in nodes if input.index in node.inputs]
    return bool(readers) and all(
        layer.axes == 1 or layer.flat or layer.takes_sequences or isinstance(layer, Flatten) for layer in readers
    )
