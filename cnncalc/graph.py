"""The graph of a network, and the builder that names its nodes and works out each one's shape as it comes."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from cnncalc.diagnostics import Diagnostic, Origin, Problems
from cnncalc.layers.base import Layer, Lint
from cnncalc.layers.rearrange import Flatten, Input
from cnncalc.shape import MAX_ELEMENTS, Shape, ShapeError, statically_known

#: A network has at most this many layers, repeats counted out.
MAX_LAYERS = 100_000

#: In place of a node's index: a tensor behind an error, whose shape nobody knows.
UNKNOWN = -1

FLATTEN = Flatten("flatten")


class StoredWeights(NamedTuple):
    """The weights that a model file holds for one node: counted in place of what its layer's rule says.

    A weight that several nodes share is stored with the first; one that belongs to no layer of the language
    (an `Add` of constants) with the node that reads it.
    """

    params: int = 0
    buffers: int = 0


class Node(NamedTuple):
    """One layer of a network: what goes in (indices of earlier nodes), and the shape that comes out."""

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
    #: The weights that a file holds for it, where its layer's rule is not what counts.
    stored: StoredWeights | None = None


class Graph(NamedTuple):
    """The nodes in source order, each behind its inputs, and the indices of the outputs."""

    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]
    name: str | None = None
    warnings: tuple[Diagnostic, ...] = ()

    @property
    def letters(self) -> tuple[str, ...]:
        """The letters that stand for sizes of its inputs, each once."""
        inputs = [node.layer for node in self.nodes if isinstance(node.layer, Input)]
        return tuple(dict.fromkeys(letter for layer in inputs for letter in layer.open))


class GraphBuilder:
    """Adds one layer at a time. A layer that does not fit is reported to `problems`, and what follows it is unknown."""

    def __init__(self, problems: Problems, reserved: Iterable[str] = ()) -> None:
        self.problems = problems
        self.nodes: list[Node] = []
        self._taken = set(reserved)
        self._counters: dict[str, int] = {}
        self._lints: list[tuple[int, Lint]] = []
        self.failed_at: int | None = None

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
    ) -> int:
        """Append a node and return its index, or UNKNOWN where its shape cannot be worked out.

        `name` is the node's own; without one it is numbered by its kind within `scope`.
        """
        name = scope + name if name else self.number(scope + layer.kind)
        if UNKNOWN in inputs:
            return UNKNOWN
        nodes = self.nodes
        shapes = tuple([nodes[index].shape for index in inputs])
        if layer.flat and shapes[0].spatial:
            flattened = self.add(FLATTEN, inputs, origin, None, scope, arms, implicit=True)
            if flattened == UNKNOWN:
                return UNKNOWN
            inputs, shapes = (flattened,), (nodes[flattened].shape,)
        try:
            # The same layer on the same shapes gives the same, in this network and in the next one.
            fit = _fit(layer, layer.axes, shapes)
        except ShapeError as fault:
            self._report(fault, name, layer, inputs, origin)
            return UNKNOWN
        index = len(nodes)
        nodes.append(Node(index, name, fit[0], inputs, fit[1], fit[2], origin, implicit, arms, stored))
        if fit[3]:
            self._lints += [(index, remark) for remark in fit[3]]
        return index

    def number(self, path: str) -> str:
        """The next free name for a path: `conv1`, then `conv2`."""
        while True:
            self._counters[path] = count = self._counters.get(path, 0) + 1
            name = f"{path}{count}"
            if name not in self._taken:
                return name

    def _report(
        self, fault: ShapeError, name: str, layer: Layer, inputs: tuple[int, ...], origin: Origin | None
    ) -> None:
        if self.failed_at is None:
            self.failed_at = len(self.nodes)
        chain = self.shape_chain(inputs[0]) if inputs else ""
        notes = [*fault.notes, *([f"shapes so far: {chain}"] if chain else []), *self._channels_first(inputs)]
        help = fault.help
        if fault.code in ("E106", "E204") and (x := self.nodes[inputs[0]].shape).rank == 1:
            notes.append(f"{x} is 1 spatial axis and {x.channels} channels; a grey image is {x}x1")
        if len(inputs) > 1:
            from cnncalc import repair  # only once something is wrong

            arms = repair.arms_of(self.nodes, inputs)
            notes, help = [*fault.notes, *repair.notes(arms)], repair.edit(layer, arms)
        self.problems.add(
            Diagnostic(
                fault.code,
                fault.summary.format(layer=name),
                origin.span if origin else None,
                fault.fact,
                tuple(notes),
                help,
                name,
                origin.calls if origin else (),
            )
        )

    def add_lint(self, index: int, remark: Lint) -> None:
        """A warning about a node, where there is one."""
        if index != UNKNOWN:
            self._lints.append((index, remark))

    def shape_chain(self, index: int) -> str:
        """The shapes from the input to a node, those alike said once: `5x5x3 -> 3x3x8 -> 1x1x8`."""
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

    def _channels_first(self, inputs: tuple[int, ...]) -> list[str]:
        """A note where the input looks like PyTorch's order, which is behind many a window that does not fit."""
        for node in self.nodes[: 1 if inputs else 0]:
            if isinstance(node.layer, Input) and (turned := channels_last(node.shape)):
                return [f"the input {node.shape} looks channels first; shapes here are HxWxC: write `{turned}`"]
        return []

    def build(self, last: int, name: str | None = None) -> Graph:
        """The graph: its outputs are the last item's tensor and every tensor that no layer reads.

        Raises `SpecError` with all problems, and the graph up to the first failing layer, where there are any.
        """
        if self.problems:
            upto = self.nodes[: self.failed_at] if self.failed_at is not None else []
            self.problems.raise_if_any(Graph(tuple(upto), (), name) if upto else None)
        read = {index for node in self.nodes for index in node.inputs}
        outputs = tuple(node.index for node in self.nodes if node.index not in read or node.index == last)
        return Graph(tuple(self.nodes), outputs, name, tuple(self._warnings()))

    def _warnings(self) -> list[Diagnostic]:
        found = []
        for node in self.nodes:
            if not node.inputs and (turned := channels_last(node.shape)):
                message = f"the input {node.shape} looks channels first, as in PyTorch; shapes here are HxWxC"
                help = f"write `{turned}` if the channels are {turned.channels}"
                found.append((node.index, Lint("W204", message, help)))
        return [_warning(self.nodes[index], remark) for index, remark in sorted([*found, *self._lints])]


#: What a layer gives on the shapes that go in: fitted to them, those shapes, its output, and its remarks.
Fit = tuple[Layer, tuple[Shape, ...], Shape, tuple[Lint, ...]]


@lru_cache(20_000)
def _fit(layer: Layer, axes: int | None, shapes: tuple[Shape, ...]) -> Fit:
    """Work a layer out; raises `ShapeError` where it does not fit.

    `axes` are the layer's: a `conv1d` equals a `conv`, and yet does not fit where that does.
    """
    fitted = layer.resolve(shapes[0]) if shapes else layer
    shape = fitted.shape_of(shapes)
    if isinstance(shape.elements, int) and shape.elements > MAX_ELEMENTS:
        raise ShapeError("E209", "the output of `{layer}` is too large", "over 10^100 elements")
    return fitted, shapes, shape, tuple(fitted.lints(shapes[0])) if shapes else ()


def _warning(node: Node, remark: Lint) -> Diagnostic:
    span, calls = node.origin if node.origin else (None, ())
    fact = remark.fact.format(layer=node.name)
    return Diagnostic(remark.code, fact, span, help=remark.help, layer=node.name, calls=calls)


def channels_last(shape: Shape) -> Shape | None:
    """The shape turned to channels last where it looks channels first: 3x224x224 → 224x224x3."""
    first, *rest = shape.dims
    looks = shape.rank == 2 and first in (1, 3, 4) and rest[0] == rest[1] and not statically_known(rest[0] <= 4)
    return Shape.of((*rest, first)) if looks else None
