"""The memory of the feature maps: what is live when, where it peaks, and how it fits into one buffer.

Layers run in source order. A tensor is live from the layer that makes it to the last that reads it; an input
from the start, an output to the end. Several nodes can share one buffer: an alias (flatten) is its input's,
and what runs in place (relu) writes over its input where nothing reads that afterwards. So a buffer lives
from its first node to the last reader of any of its nodes. Weights are not in it.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cnncalc.graph import Node
from cnncalc.shape import Shape, Size, certainly, differs

#: dtype → bytes of an element.
DTYPES = {"float32": 4, "float16": 2, "bfloat16": 2, "int8": 1, "float64": 8}

#: Copies of the weights that an optimizer keeps beside them.
OPTIMIZERS = {"sgd": 0, "momentum": 1, "adam": 2}

ARENA_ALIGNMENT = 16

#: So many pairs of buffers are compared at most: seconds become a fraction of one on a hostile network.
MOST_COMPARED = 2_000_000


class Buffer(NamedTuple):
    """Memory that nodes share: live while the layers `first` to `last` run."""

    nodes: tuple[int, ...]
    elements: Size
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
    members: list[list[int] | None] = [None] * end
    #: When a buffer is last read, by the index of its first node.
    dies = last_read.copy()
    for index, node in enumerate(nodes):
        source = None
        if node.layer.memory != "own":
            source = _written_over(node, nodes, owner, dies, in_place)
        if source is None:
            owner.append(index)
            continue
        root = owner[source]
        owner.append(root)
        dies[root] = max(dies[root], last_read[index])
        shared = members[root]
        if shared is None:
            members[root] = [root, index]
        else:
            shared.append(index)
    return [
        Buffer(tuple(members[index] or (index,)), node.shape.elements, index if node.inputs else 0, dies[index])
        for index, node in enumerate(nodes)
        if owner[index] == index
    ]


def _written_over(node: Node, nodes: Sequence[Node], owner: list[int], dies: list[int], in_place: bool) -> int | None:
    """The input whose buffer the node's output takes, if any."""
    if node.layer.memory == "alias":
        return node.inputs[0]
    if in_place:
        for index in node.inputs:
            # The buffer as a whole must die here: an alias of it may be read later.
            if _alike(nodes[index].shape, node.shape) and dies[owner[index]] == node.index:
                return index
    return None


def _alike(left: Shape, right: Shape) -> bool:
    """Whether two shapes are one, letters taken for what lets the layer fit: where one size is 1, it is stretched."""
    if left == right:
        return True
    pairs = zip(left.dims, right.dims, strict=False)
    return all(a == b or (1 not in (a, b) and not certainly(differs(a, b))) for a, b in pairs)


def live(found: Sequence[Buffer], count: int) -> Iterator[Size]:
    """The elements live while each of `count` nodes runs."""
    change: list[Size] = [0] * (count + 2)
    for buffer in found:
        change[buffer.first] += buffer.elements
        change[min(buffer.last, count) + 1] -= buffer.elements
    elements: Size = 0
    for index in range(count):
        elements = elements + change[index]
        yield elements


def peak(found: Sequence[Buffer], count: int) -> Peak:
    """The first node at which the most elements are live, of `count` nodes."""
    most, at = 0, 0
    for index, elements in enumerate(live(found, count)):
        if elements > most:
            most, at = elements, index
    return Peak(most, at, tuple(each for each in found if each.first <= at <= each.last))


def arena(found: Sequence[Buffer], bytes_of_element: int, alignment: int = ARENA_ALIGNMENT) -> int:
    """The height in bytes of one buffer that holds all: placed greedily by size, the largest first.

    As TensorFlow Lite Micro's GreedyMemoryPlanner does: each goes to the lowest gap between those placed
    that are live at the same time. Once `MOST_COMPARED` pairs were compared (a network of many thousand
    outputs), what is left is stacked on top: still a placement, though not a tight one.
    """
    timeline = Timeline(max((buffer.last for buffer in found), default=0) + 1)
    compared = top = 0
    for buffer in sorted(found, key=lambda each: (-each.elements, each.first)):
        size = -(-buffer.elements * bytes_of_element // alignment) * alignment
        at = 0
        if compared > MOST_COMPARED:
            at = top
        else:
            neighbours = timeline.overlapping(buffer.first, buffer.last)
            compared += len(neighbours)
            for start, end in sorted(neighbours):
                if start - at >= size:
                    break
                at = max(at, end)
            timeline.add(buffer.first, buffer.last, (at, at + size))
        top = max(top, at + size)
    return top


class Timeline:
    """Items that each live from a first to a last step; finds those that overlap a span of steps.

    An item overlaps a span where it is live at the span's first step or begins within the span. A short life
    is noted at each of its steps; a long one at the few nodes of a segment tree that make it up.
    """

    SHORT = 16

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._live: dict[int, list[tuple[int, int]]] = {}
        self._tree: dict[int, list[tuple[int, int]]] = {}
        self._beginning: dict[int, list[tuple[int, int]]] = {}

    def add(self, first: int, last: int, item: tuple[int, int]) -> None:
        self._beginning.setdefault(first, []).append(item)
        if last - first <= self.SHORT:
            for step in range(first, last + 1):
                self._live.setdefault(step, []).append(item)
            return
        low, high = first + self._steps, last + 1 + self._steps
        while low < high:
            if low & 1:
                self._tree.setdefault(low, []).append(item)
                low += 1
            if high & 1:
                high -= 1
                self._tree.setdefault(high, []).append(item)
            low >>= 1
            high >>= 1

    def overlapping(self, first: int, last: int) -> list[tuple[int, int]]:
        found = list(self._live.get(first, ()))
        node = first + self._steps if self._tree else 0
        while node:
            found += self._tree.get(node, ())
            node >>= 1
        if last - first < len(self._beginning):
            for step in range(first + 1, last + 1):
                found += self._beginning.get(step, ())
        else:
            for step, items in self._beginning.items():
                if first < step <= last:
                    found += items
        return found
