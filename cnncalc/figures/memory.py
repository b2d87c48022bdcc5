"""The memory of the feature maps: what is live when, and where it peaks.

Layers run in source order. A tensor is live from the layer that makes it to the last that reads it; an input
from the start, an output to the end. Several nodes can share one buffer: an alias (flatten) is its input's,
and what runs in place (relu) writes over its input where nothing reads that afterwards. So a buffer lives
from its first node to the last reader of any of its nodes. Weights are not in it.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from cnncalc.graph import Node
from cnncalc.shape import Shape, Size, known_unequal

#: dtype → bytes of an element.
DTYPES = {"float32": 4, "float16": 2, "bfloat16": 2, "int8": 1, "float64": 8}

#: Copies of the weights that an optimizer keeps beside them.
OPTIMIZERS = {"sgd": 0, "momentum": 1, "adam": 2}


class Buffer(NamedTuple):
    """Memory that nodes share: live while the layers `first` to `last` run."""

    nodes: tuple[int, ...]
    elements: Size
    first: int
    last: int

    def holds(self, step: int) -> int:
        """The node whose output it holds once the node `step` has run: the latest, or an input's from the start."""
        return self.nodes[max(bisect_right(self.nodes, step) - 1, 0)]


class Peak(NamedTuple):
    """The most elements live at once, the node that runs then, and the buffers live with it."""

    elements: int
    node: int
    live: tuple[Buffer, ...]


class MemoryStep(NamedTuple):
    """What is live while a node runs, in elements: what it reads, what it writes to memory of its own, and what
    is kept for later. `kept` are the first of the buffers that it does not touch, `more` is how many there are
    besides."""

    node: int
    live: int
    reads: int
    writes: int
    kept: tuple[Buffer, ...]
    more: int

    @property
    def later(self) -> int:
        """The elements that are kept for later."""
        return self.live - self.reads - self.writes


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
    return all(a == b or (1 not in (a, b) and not known_unequal(a, b)) for a, b in pairs)


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


def steps(nodes: Sequence[Node], found: Sequence[Buffer], most_kept: int) -> Iterator[MemoryStep]:
    """The memory over time: a step for each node, with at most so many of the kept buffers, the oldest first."""
    home = {index: buffer for buffer in found for index in buffer.nodes}
    begins: list[list[Buffer]] = [[] for _ in nodes]
    for buffer in found:
        begins[buffer.first].append(buffer)
    alive: dict[int, Buffer] = {}
    live = 0
    for node in nodes:
        for buffer in begins[node.index]:
            alive[buffer.nodes[0]] = buffer
            live += buffer.elements
        read = {home[index].nodes[0]: home[index] for index in node.inputs}
        touched = {**read, home[node.index].nodes[0]: home[node.index]}
        kept = tuple(islice((buffer for root, buffer in alive.items() if root not in touched), most_kept))
        reads = sum(buffer.elements for buffer in read.values())
        writes = sum(buffer.elements for buffer in touched.values()) - reads
        yield MemoryStep(node.index, live, reads, writes, kept, len(alive) - len(touched) - len(kept))
        for root, buffer in touched.items():
            if buffer.last <= node.index:
                del alive[root]
                live -= buffer.elements
