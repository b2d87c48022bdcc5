"""What one network has that another has not: their layers side by side, and every total with its change.

Layers are told by what they are, not by their names, which are numbered anew wherever a layer is put in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from cnncalc.analysis import SCHEMA, Analysis, Row
from cnncalc.compare.alignment import Pair, align
from cnncalc.graph import Node
from cnncalc.layers.base import Layer
from cnncalc.layers.rearrange import Input

#: What happened to a layer from A to B.
Status = Literal["same", "changed", "added", "removed"]
STATUSES: tuple[Status, ...] = ("same", "changed", "added", "removed")

#: How alike two layers are that are not equal, from the best to the least; others are never paired.
EQUAL, LIKE_BUT_SHAPES, SAME_KIND, SAME_FAMILY = 8, 6, 2, 1

#: What same arguments add to SAME_KIND: all but one are still less than LIKE_BUT_SHAPES.
MOST_FOR_ARGUMENTS = 3


class LayerChange(NamedTuple):
    """A layer of both networks, or of one; `changes` is field → (in A, in B), empty where all is the same."""

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
        """The layer as it is in B, or was in A where B has none."""
        row = self.b or self.a
        assert row is not None
        return row

    def to_dict(self) -> dict[str, object]:
        """The figures are those of `row`; `changes` tells what they were."""
        row = self.row
        return {
            "status": self.status,
            "a": self.a.name if self.a else None,
            "b": self.b.name if self.b else None,
            "type": row.type,
            "layer": row.description,
            "output_shape": list(row.output_shape) or None,
            "params": row.params,
            "buffers": row.buffers,
            "macs": row.macs,
            "changes": {field: list(values) for field, values in self.changes.items()},
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
        """The change in per cent of A's figure; None where that is 0 and B's is not."""
        if not self.a:
            return None if self.b else 0.0
        return 100 * self.change / self.a

    def to_dict(self) -> dict[str, object]:
        percent = self.percent
        rounded = None if percent is None else round(percent, 4)
        return {"a": self.a, "b": self.b, "change": self.change, "percent": rounded}


class Difference(NamedTuple):
    """`steps` leads from A to B: without the removed it lists B's layers in order, without the added A's."""

    a: Analysis
    b: Analysis
    steps: tuple[LayerChange, ...]
    totals: tuple[TotalChange, ...]

    def __bool__(self) -> bool:
        """Whether the networks differ. Names are not compared."""
        return any(step.status != "same" for step in self.steps)

    def counts(self) -> dict[Status, int]:
        """How many layers there are of each status."""
        found = Counter(step.status for step in self.steps)
        return {status: found[status] for status in STATUSES}

    def to_dict(self) -> dict[str, object]:
        """The JSON object, but for what the networks are called."""
        options = self.b.options
        return {
            "schema": SCHEMA,
            "batch": options.batch,
            "dtype": options.dtype,
            "convention": options.convention,
            "differs": bool(self),
            "counts": self.counts(),
            "layers": [step.to_dict() for step in self.steps],
            "totals": {total.key: total.to_dict() for total in self.totals},
        }


def difference(a: Analysis, b: Analysis) -> Difference:
    """The way from network A to network B, in time that grows linearly with their layers."""
    pairs = _aligned(a.graph.nodes, b.graph.nodes)
    return Difference(a, b, tuple(_steps(a, b, pairs)), tuple(_totals(a, b)))


def _aligned(a: tuple[Node, ...], b: tuple[Node, ...]) -> list[Pair]:
    # A number for each layer on a shape: comparing them is what takes the time.
    numbers: dict[Any, int] = {}
    kinds: list[Node] = []

    def numbered(nodes: tuple[Node, ...]) -> list[int]:
        found = []
        for node in nodes:
            number = numbers.setdefault((node.layer, node.input_shapes, node.shape, node.stored), len(kinds))
            if number == len(kinds):
                kinds.append(node)
            found.append(number)
        return found

    return list(align(numbered(a), numbered(b), lambda x, y: EQUAL if x == y else _likeness(kinds[x], kinds[y])))


def _likeness(a: Node, b: Node) -> int:
    if a.layer == b.layer:
        return LIKE_BUT_SHAPES
    names = a.layer.arguments
    if _alike(a.layer, b.layer):
        same = sum(1 for name in names if getattr(a.layer, name) == getattr(b.layer, name))
        return SAME_KIND + MOST_FOR_ARGUMENTS * same // max(len(names), 1)
    # A file of layers is a family: a pool may become another pool, but an input is nothing else.
    if type(a.layer).__module__ == type(b.layer).__module__ and Input not in (type(a.layer), type(b.layer)):
        return SAME_FAMILY
    return 0


def _alike(a: Layer, b: Layer) -> bool:
    """Whether they differ in arguments alone. A model file's operator can be called as a word of the language."""
    return a.kind == b.kind and type(a) is type(b)


def _steps(a: Analysis, b: Analysis, pairs: list[Pair]) -> Iterator[LayerChange]:
    in_a = {at: number for number, (at, other) in enumerate(pairs) if at is not None and other is not None}
    in_b = {at: number for number, (other, at) in enumerate(pairs) if at is not None and other is not None}
    from_a, from_b = _sources(a.graph.nodes, in_a, -1), _sources(b.graph.nodes, in_b, -2)
    out_a, out_b = set(a.graph.outputs), set(b.graph.outputs)
    for at, to in pairs:
        before = None if at is None else a.rows[at]
        after = None if to is None else b.rows[to]
        changes: dict[str, tuple[Any, Any]] = {}
        if before is not None and after is not None:
            changes.update(_argument_changes(before, after))
            wires = [from_a[index] for index in before.node.inputs], [from_b[index] for index in after.node.inputs]
            if wires[0] != wires[1]:
                changes["inputs"] = list(before.inputs), list(after.inputs)
            if before.output_shape != after.output_shape:
                changes["output_shape"] = list(before.output_shape) or None, list(after.output_shape) or None
            for figure in ("params", "buffers", "macs"):
                if (was := getattr(before, figure)) != (now := getattr(after, figure)):
                    changes[figure] = was, now
            if (at in out_a) != (to in out_b):
                changes["output"] = at in out_a, to in out_b
        yield LayerChange(before, after, changes)


def _sources(nodes: tuple[Node, ...], paired: Mapping[int, int], none: int) -> list[int]:
    """For each node the pair that a reader of it reads, once the layers that have no pair are taken out.

    So a layer that is put in between two others changes neither of them. `none` stands for an input that the
    other network has not.
    """
    sources: list[int] = []
    for node in nodes:
        passed = sources[node.inputs[0]] if node.inputs else none
        sources.append(paired.get(node.index, passed))
    return sources


def _argument_changes(before: Row, after: Row) -> Iterator[tuple[str, tuple[Any, Any]]]:
    a, b = before.node.layer, after.node.layer
    if a == b:
        return
    if not _alike(a, b):
        yield "type", (a.kind, b.kind)
        yield "layer", (str(a), str(b))
        return
    for name, argument in a.arguments.items():
        was, now = getattr(a, name), getattr(b, name)
        # On other axes the same stride is another value, but the same words.
        if argument.write(was) != argument.write(now):
            yield name, (argument.to_json(was), argument.to_json(now))


def _totals(a: Analysis, b: Analysis) -> Iterator[TotalChange]:
    figures = dict(_figures(b.totals.to_dict()))
    for key, value in _figures(a.totals.to_dict()):
        yield TotalChange(key, value, figures[key])


def _figures(totals: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, int]]:
    """Every figure of the totals, by its path; the tensors at the peak are no total."""
    for key, value in totals.items():
        if isinstance(value, int):
            yield path + key, value
        elif isinstance(value, dict) and key != "peak_at":
            yield from _figures(value, f"{path}{key}.")
