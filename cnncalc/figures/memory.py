"""The memory of the feature maps: what is live when, where it peaks, and how it fits into one buffer.

Layers run in source order. A tensor is live from the layer that makes it to the last that reads it; an input
from the start, an output to the end. Several nodes can share one buffer: an alias (flatten) is its input's,
and what runs in place (relu) writes over its input where nothing reads that afterwards. So a buffer lives
from its first node to the last reader of any of its nodes. Weights are not in it.
"""

import bisect
from collections.abc import Sequence
from typing import NamedTuple

from cnncalc.graph import Node

#: dtype → bytes of an element.
DTYPES = {"float32": 4, "float16": 2, "bfloat16": 2, "int8": 1, "float64": 8}

#: Copies of the weights that an optimizer keeps beside them.
OPTIMIZERS = {"sgd": 0, "momentum": 1, "adam": 2}

ARENA_ALIGNMENT = 16


class Buffer(NamedTuple):
    """Memory that nodes share: live while the layers `first` to `last` run."""

    nodes: tuple[int, ...]
    elements: int
    first: int
    last: int


class Peak(NamedTuple):
    """The most elements live at once, the node that runs then, and the buffers live with it."""

    elements: int
    node: int
    live: tuple[Buffer, ...]


def buffers(nodes: Sequence[Node], outputs: Sequence[int], in_place: bool = True) -> list[Buffer]:
    """The buffers that hold all feature maps, in the order they come to life."""
    end = len(nodes)
    last_read = list(range(end))
    for node in nodes:
        for index in node.inputs:
            last_read[index] = node.index
    for index in outputs:
        last_read[index] = end
    owner: list[int] = []
    members: dict[int, list[int]] = {}
    dies: dict[int, int] = {}
    for node in nodes:
        source = _written_over(node, nodes, owner, dies, in_place)
        index = node.index
        root = index if source is None else owner[source]
        owner.append(root)
        members.setdefault(root, []).append(index)
        dies[root] = max(dies.get(root, 0), last_read[index])
    return [
        Buffer(tuple(each), nodes[root].shape.elements, root if nodes[root].inputs else 0, dies[root])
        for root, each in members.items()
    ]


def _written_over(
    node: Node, nodes: Sequence[Node], owner: list[int], dies: dict[int, int], in_place: bool
) -> int | None:
    """The input whose buffer the node's output takes, if any."""
    memory = node.layer.memory
    if memory == "alias":
        return node.inputs[0]
    if memory == "in place" and in_place:
        for index in node.inputs:
            # The buffer as a whole must die here: an alias of it may be read later.
            if nodes[index].shape == node.shape and dies[owner[index]] == node.index:
                return index
    return None


def peak(found: Sequence[Buffer], count: int) -> Peak:
    """The first node at which the most elements are live, of `count` nodes."""
    change = [0] * (count + 2)
    for buffer in found:
        change[buffer.first] += buffer.elements
        change[min(buffer.last, count) + 1] -= buffer.elements
    most, at, live = 0, 0, 0
    for index in range(count):
        live += change[index]
        if live > most:
            most, at = live, index
    return Peak(most, at, tuple(each for each in found if each.first <= at <= each.last))


def arena(found: Sequence[Buffer], bytes_of_element: int, alignment: int = ARENA_ALIGNMENT) -> int:
    """The height in bytes of one buffer that holds all: placed greedily by size, the largest first.

    As TensorFlow Lite Micro's GreedyMemoryPlanner does: each goes to the lowest gap between those placed
    that are live at the same time.
    """
    placed: list[tuple[int, int, Buffer]] = []
    top = 0
    for buffer in sorted(found, key=lambda each: (-each.elements, each.first)):
        size = -(-buffer.elements * bytes_of_element // alignment) * alignment
        at = 0
        for start, end, other in placed:
            if other.first > buffer.last or buffer.first > other.last:
                continue
            if start - at >= size:
                break
            at = max(at, end)
        bisect.insort(placed, (at, at + size, buffer))
        top = max(top, at + size)
    return top
