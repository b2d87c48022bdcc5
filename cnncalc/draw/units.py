"""Units: what a drawing has one box for. Norms, activations and aliases join the layer before them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from cnncalc.draw.families import family_of
from cnncalc.draw.text import sizes
from cnncalc.graph import Graph, Node
from cnncalc.layers.windowed import Windowed
from cnncalc.shape import Shape

#: Beyond so many boxes blocks are drawn as one box each.
MOST_BOXES = 200


class NodeChange(NamedTuple):
    """What happened to a node from one network to another: a family of its own, a word before it, lines below it."""

    family: str
    word: str
    details: tuple[str, ...]


class Unit(NamedTuple):
    """One box: a layer with those that it takes along, or a block.

    `inputs` are numbers of earlier units, `key` is equal for units that do the same. `word` is the kind of layer with
    its window, as in `conv 3×3 /2`. `bands` are the families of the
    layers that it takes along; `shape` is the output of the first layer, or of a block's last.
    """

    name: str
    texts: tuple[str, ...]
    family: str
    kind: str
    word: str
    bands: tuple[str, ...]
    shape: Shape
    inputs: tuple[int, ...]
    is_output: bool
    key: tuple[object, ...]
    nodes: tuple[int, ...]
    #: What else there is to say of it, a line each.
    details: tuple[str, ...] = ()


def units_of(graph: Graph, depth: int | None, changes: Sequence[NodeChange] = ()) -> list[Unit]:
    """Return the units of a graph in source order; blocks below the depth are one unit each.

    `changes` has one for each node, or none; nodes in a unit have equal ones.
    """
    nodes = graph.nodes
    readers: list[list[int]] = [[] for _ in nodes]
    for node in nodes:
        for index in node.inputs:
            readers[index].append(node.index)
    outputs = set(graph.outputs)
    members: list[tuple[str | None, list[Node]]] = []
    unit_of: list[int] = []
    for block, run in groupby(nodes, lambda node: _block(node, depth)):
        for node in run:
            same = bool(members) and block is not None and members[-1][0] == block
            alike = not changes or (bool(members) and _unchanged(changes, members[-1][1][-1], node))
            if same or (alike and block is None and _joins(node, nodes, readers, outputs, members)):
                members[-1][1].append(node)
            else:
                members.append((block, [node]))
            unit_of.append(len(members) - 1)
    units = [_unit(block, each, unit_of, outputs) for block, each in members]
    return [_changed(unit, [changes[index] for index in unit.nodes]) for unit in units] if changes else units


def _block(node: Node, depth: int | None) -> str | None:
    """Return the name of the block of that depth which the node is inside, if there is one."""
    path = node.name.split(".")
    return ".".join(path[:depth]) if depth is not None and len(path) > depth else None


def _joins(
    node: Node,
    nodes: Sequence[Node],
    readers: Sequence[Sequence[int]],
    outputs: set[int],
    members: Sequence[tuple[str | None, list[Node]]],
) -> bool:
    """Return whether a node joins the last unit: it alone reads that unit's result, and only sets values anew.

    A flatten that nobody wrote takes the layer along that it was put in front of.
    """
    if len(node.inputs) != 1 or not members or node.implicit:
        return False
    before = node.inputs[0]
    if nodes[before].implicit and readers[before] == [node.index]:
        return True
    if before != members[-1][1][-1].index or len(readers[before]) != 1 or before in outputs or not nodes[before].inputs:
        return False
    layer = node.layer
    return family_of(layer) in ("norm", "activation") or layer.memory == "alias"


def _unchanged(changes: Sequence[NodeChange], before: Node, node: Node) -> bool:
    return changes[before.index] == changes[node.index] and not changes[node.index].details


def _changed(unit: Unit, changes: Sequence[NodeChange]) -> Unit:
    """Return a unit with what happened to its nodes; a block in which anything did has changed."""
    families = {change.family for change in changes}
    if len(families) == 1:
        change = changes[0]
    else:
        others = sum(1 for each in changes if each.family != "same")
        change = NodeChange("changed", "changed: ", (f"{others} of them not as before",))
    texts = (f"{change.word}{unit.texts[0]}", *unit.texts[1:])
    key = (*unit.key, *change)
    return unit._replace(family=change.family, bands=(), texts=texts, key=key, details=change.details)


def _unit(block: str | None, members: list[Node], unit_of: Sequence[int], outputs: set[int]) -> Unit:
    last = members[-1]
    inside = {node.index for node in members}
    sources = [index for node in members for index in node.inputs if index not in inside]
    inputs = tuple(dict.fromkeys(unit_of[index] for index in sources))
    is_output = any(index in outputs for index in inside)
    key = tuple([(node.layer, tuple([node.index - index for index in node.inputs[1:]])) for node in members])
    indices = tuple(node.index for node in members)
    if block is not None:
        texts: tuple[str, ...] = (f"{len(members)} layer{'s' if len(members) > 1 else ''}",)
        return Unit(block, texts, "block", "block", "block", (), last.shape, inputs, is_output, key, indices)
    # A flatten that nobody wrote is not told.
    first, *others = [node for node in members if not node.implicit] or members
    texts = tuple([str(node.layer) for node in (first, *others)])
    bands = tuple([family for node in others if (family := family_of(node.layer)) in ("norm", "activation")])
    family, kind = family_of(first.layer), first.layer.kind
    return Unit(first.name, texts, family, kind, _word(first), bands, first.shape, inputs, is_output, key, indices)


def _word(node: Node) -> str:
    """Return the kind of a node with its window, and its stride as papers write it: `conv 3×3 /2`."""
    layer = node.layer
    if not isinstance(layer, Windowed):
        return layer.kind
    stride = set(layer.stride)
    steps = "" if stride == {1} else f" /{stride.pop()}" if len(stride) == 1 else f" /{sizes(layer.stride)}"
    return f"{layer.kind} {sizes(layer.kernel)}{steps}"


def depths(graph: Graph) -> Iterator[int | None]:
    """Yield the depths to try, from every layer alone to the outermost blocks as one each."""
    yield None
    yield from range(max(node.name.count(".") for node in graph.nodes), 0, -1)
