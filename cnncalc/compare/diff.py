"""Comparison of two networks: their layers side by side, and every total with its change.

Layers are matched by their kind, arguments and shapes, not by their names, which are renumbered when a
layer is inserted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from cnncalc.analysis import SCHEMA, Analysis
from cnncalc.compare.alignment import Pair, align
from cnncalc.figures.rows import Row
from cnncalc.graph import Node
from cnncalc.layers.base import Layer
from cnncalc.layers.rearrange import Input
from cnncalc.shape import formulas_as_text

#: What happened to a layer from A to B.
Status = Literal["same", "changed", "added", "removed"]
STATUSES: tuple[Status, ...] = ("same", "changed", "added", "removed")

#: Scores of how similar two layers are, from the best to the least; others are never paired.
EQUAL, EQUAL_BUT_SHAPES, SAME_KIND, SAME_FAMILY = 8, 6, 2, 1

#: The most that equal arguments add to SAME_KIND: all but one are still less than EQUAL_BUT_SHAPES.
MOST_FOR_ARGUMENTS = 3


class LayerChange(NamedTuple):
    """A layer of both networks, or of one of them.

    `changes` is key → (value in A, value in B), for what differs: arguments, inputs, output shape and figures.
    """

    a: Row | None
    b: Row | None
    changes: Mapping[str, tuple[Any, Any]]

    @property
    def status(self) -> Status:
        if self.a is None:
            return "added"
        if self.b is None:
            return "removed"
        return "changed" if self.changes else "same"

    @property
    def row(self) -> Row:
        """The layer's row in B, or in A if B does not have the layer."""
        row = self.b or self.a
        assert row is not None
        return row

    def to_dict(self) -> dict[str, object]:
        """Return the JSON object of the layer: the figures of `row`, and the changes."""
        row = self.row
        return {
            "status": self.status,
            "a": self.a.name if self.a else None,
            "b": self.b.name if self.b else None,
            "type": row.type,
            "layer": row.description,
            "output_shape": formulas_as_text(row.output_shape) or None,
            "params": row.params,
            "frozen": row.frozen,
            "buffers": row.buffers,
            "macs": row.macs,
            "changes": {key: list(values) for key, values in self.changes.items()},
        }


class TotalChange(NamedTuple):
    """A figure of both networks, by its path in the JSON object's totals."""

    key: str
    a: int
    b: int

    @property
    def change(self) -> int:
        return self.b - self.a

    @property
    def percent(self) -> float | None:
        """The change as a percentage of the figure in A; None if only that is 0."""
        if not self.a:
            return None if self.b else 0.0
        return 100 * self.change / self.a

    def to_dict(self) -> dict[str, object]:
        percent = self.percent
        rounded = None if percent is None else round(percent, 4)
        return {"a": self.a, "b": self.b, "change": self.change, "percent": rounded}


class Difference(NamedTuple):
    """The difference from network A to network B.

    `layers` has those of both: without the removed ones it lists the layers of B in order, without the added
    ones those of A.
    """

    a: Analysis
    b: Analysis
    layers: tuple[LayerChange, ...]
    totals: tuple[TotalChange, ...]

    def __bool__(self) -> bool:
        """Return whether the networks differ. Names are not compared."""
        return any(layer.status != "same" for layer in self.layers)

    def counts(self) -> dict[Status, int]:
        """Return the number of layers of each status."""
        counts = Counter(layer.status for layer in self.layers)
        return {status: counts[status] for status in STATUSES}

    def to_dict(self) -> dict[str, object]:
        """Return the JSON object, without the names of the networks."""
        options = self.b.options
        return {
            "schema": SCHEMA,
            "batch": options.batch,
            "dtype": options.dtype,
            **({"deploy": options.deploy} if options.deploy else {}),
            "convention": options.convention,
            "differs": bool(self),
            "counts": self.counts(),
            "layers": [layer.to_dict() for layer in self.layers],
            "totals": {total.key: total.to_dict() for total in self.totals},
        }


def difference(a: Analysis, b: Analysis) -> Difference:
    """Return the difference from network A to network B, in time that grows linearly with their layers."""
    pairs = _aligned(a.graph.nodes, b.graph.nodes)
    return Difference(a, b, tuple(_layer_changes(a, b, pairs)), tuple(_total_changes(a, b)))


def _aligned(a: tuple[Node, ...], b: tuple[Node, ...]) -> list[Pair]:
    """Return the pairs of corresponding layers, by index."""
    # Equal layers on equal shapes have one number: comparing numbers saves most of the time.
    numbers: dict[Any, int] = {}
    examples: list[Node] = []

    def numbered(nodes: tuple[Node, ...]) -> list[int]:
        of_nodes = []
        for node in nodes:
            number = numbers.setdefault(
                (node.layer, node.input_shapes, node.shape, node.stored, node.weights_from is None), len(examples)
            )
            if number == len(examples):
                examples.append(node)
            of_nodes.append(number)
        return of_nodes

    def score(x: int, y: int) -> int:
        return EQUAL if x == y else _similarity(examples[x], examples[y])

    return list(align(numbered(a), numbered(b), score))


def _similarity(a: Node, b: Node) -> int:
    """Return how similar two layers are that are not equal on equal shapes; 0 where they are never paired."""
    if a.layer == b.layer:
        return EQUAL_BUT_SHAPES
    names = a.layer.arguments
    if _same_kind(a.layer, b.layer):
        same = sum(1 for name in names if getattr(a.layer, name) == getattr(b.layer, name))
        return SAME_KIND + MOST_FOR_ARGUMENTS * same // max(len(names), 1)
    # The layers of one module are a family: a pool may become another pool. An input never becomes another layer.
    if type(a.layer).__module__ == type(b.layer).__module__ and Input not in (type(a.layer), type(b.layer)):
        return SAME_FAMILY
    return 0


def _same_kind(a: Layer, b: Layer) -> bool:
    """Return whether two layers differ at most in their arguments."""
    # A model file's operator may have the name of a kind.
    return a.kind == b.kind and type(a) is type(b)


def _layer_changes(a: Analysis, b: Analysis, pairs: list[Pair]) -> Iterator[LayerChange]:
    both = [(number, i, j) for number, (i, j) in enumerate(pairs) if i is not None and j is not None]
    sources_a = _sources(a.graph.nodes, {i: number for number, i, _ in both}, -1)
    sources_b = _sources(b.graph.nodes, {j: number for number, _, j in both}, -2)
    outputs_a, outputs_b = set(a.graph.outputs), set(b.graph.outputs)
    for i, j in pairs:
        before = None if i is None else a.rows[i]
        after = None if j is None else b.rows[j]
        changes: dict[str, tuple[Any, Any]] = {}
        if before is not None and after is not None:
            changes.update(_argument_changes(before, after))
            reads_a = [sources_a[index] for index in before.node.inputs]
            reads_b = [sources_b[index] for index in after.node.inputs]
            if reads_a != reads_b:
                changes["inputs"] = list(before.inputs), list(after.inputs)
            if before.weights_of != after.weights_of and _owner(sources_a, before) != _owner(sources_b, after):
                changes["weights_of"] = before.weights_of, after.weights_of
            if before.output_shape != after.output_shape:
                shapes = [formulas_as_text(row.output_shape) or None for row in (before, after)]
                changes["output_shape"] = shapes[0], shapes[1]
            for figure in ("params", "frozen", "buffers", "macs"):
                if (was := getattr(before, figure)) != (now := getattr(after, figure)):
                    changes[figure] = was, now
            if (i in outputs_a) != (j in outputs_b):
                changes["output"] = i in outputs_a, j in outputs_b
        yield LayerChange(before, after, changes)


def _sources(nodes: tuple[Node, ...], paired: Mapping[int, int], none: int) -> list[int]:
    """Return for each node the pair that a layer reads there, ignoring layers without a pair.

    So a layer that is inserted between two others changes neither of them. `none` stands for an input that the
    other network does not have.
    """
    sources: list[int] = []
    for node in nodes:
        upstream = sources[node.inputs[0]] if node.inputs else none
        sources.append(paired.get(node.index, upstream))
    return sources


def _owner(sources: list[int], row: Row) -> int | None:
    """Return the pair of the layer whose weights a layer has; None if they are its own."""
    index = row.node.weights_from
    return None if index is None else sources[index]


def _argument_changes(before: Row, after: Row) -> Iterator[tuple[str, tuple[Any, Any]]]:
    a, b = before.node.layer, after.node.layer
    if a == b:
        return
    if not _same_kind(a, b):
        yield "type", (a.kind, b.kind)
        yield "layer", (str(a), str(b))
        return
    for name, argument in a.arguments.items():
        was, now = getattr(a, name), getattr(b, name)
        # On another number of axes the same stride is another value, but it is written the same. None is
        # no number, of an offset that is not given.
        texts = [None if value is None else argument.write(value) for value in (was, now)]
        if texts[0] != texts[1]:
            values = [None if value is None else argument.to_json(value) for value in (was, now)]
            yield name, (values[0], values[1])


def _total_changes(a: Analysis, b: Analysis) -> Iterator[TotalChange]:
    figures = dict(_figures(b.totals.to_dict()))
    for key, value in _figures(a.totals.to_dict()):
        yield TotalChange(key, value, figures[key])


def _figures(totals: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, int]]:
    """Yield every figure of the totals with its path, except for the tensors at the peak."""
    for key, value in totals.items():
        if isinstance(value, int):
            yield path + key, value
        elif isinstance(value, dict) and key != "peak_at":
            yield from _figures(value, f"{path}{key}.")
