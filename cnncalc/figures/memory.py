"""The memory of the feature maps: the buffer that holds each, and the live elements at each step.

Layers run in source order, a step for each node. A tensor is live from the layer that makes it to the last that
reads it; an input from the start, an output to the end. Several nodes can share one buffer: an alias (flatten)
uses that of its input, and an in-place layer (relu) overwrites its input if nothing reads that
afterwards. So a buffer is live from its first node to the last reader of any of its nodes. Weights are not included.
A tensor of unknown size counts as 0, and the figures are lower bounds.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice, pairwise
from typing import NamedTuple

from cnncalc.figures.dtypes import packed_bytes
from cnncalc.graph import Node
from cnncalc.shape import Shape, Size, known_part, known_unequal

#: What may write over its input besides the layers that always do: depthwise convolutions, channel by channel.
DEPTHWISE = "dw"


class Buffer(NamedTuple):
    """Memory that holds the outputs of `nodes`, one after another: live during the steps `first` to `last`.

    `elements` are those of one sample, or its bytes where each map has a type of its own. An output of the network is
    live to the end: `last` is the number of nodes.

    A depthwise convolution in place may leave less than it was given: `shrinks` has the steps after which the buffer
    is smaller, and its elements from then on. It keeps its offset.
    """

    nodes: tuple[int, ...]
    elements: Size
    first: int
    last: int
    shrinks: tuple[tuple[int, Size], ...] = ()

    def lifetimes(self) -> "Iterator[Lifetime]":
        """Yield its elements with the first and last step at which it has as many."""
        elements, first = self.elements, self.first
        for step, fewer in self.shrinks:
            yield elements, first, step
            elements, first = fewer, step + 1
        yield elements, first, self.last

    def elements_at(self, step: int) -> Size:
        """Return its elements while a step runs at which it is live."""
        return next((elements for elements, _, last in self.lifetimes() if step <= last), self.elements)

    def output_at(self, step: int) -> int:
        """Return the node whose output the buffer holds after a step: the latest of its nodes up to then."""
        return self.nodes[max(bisect_right(self.nodes, step) - 1, 0)]


class MemoryStep(NamedTuple):
    """The elements that are live while a node runs.

    `reads` are those of its inputs, `writes` those of an output with its own memory; everything else live is kept
    for later. `kept` has some of the buffers that the node neither reads nor writes, the oldest first; `more` is
    the number of the others.
    """

    node: int
    live: int
    reads: int
    writes: int
    kept: tuple[Buffer, ...]
    more: int

    @property
    def later(self) -> int:
        """The elements that the node neither reads nor writes, which are kept for later nodes."""
        return self.live - self.reads - self.writes


#: The elements of a buffer, and the first and last step at which it is live.
Lifetime = tuple[Size, int, int]


def map_sizes(nodes: Sequence[Node], element_bytes: Sequence[float] | None = None) -> list[Size]:
    """Return the elements of each node's output, or its bytes if those of an element are given for each."""
    elements = [known_part(node.shape.elements) for node in nodes]
    if element_bytes is None:
        return elements
    return [packed_bytes(count, each) for count, each in zip(elements, element_bytes, strict=True)]


def assign_buffers(
    nodes: Sequence[Node],
    outputs: Sequence[int],
    element_bytes: Sequence[float] | None = None,
    in_place: Collection[str] = (),
) -> list[Buffer]:
    """Return the buffers that hold all feature maps, in the order in which they become live.

    With the bytes of an element of each, only maps whose elements are as large overwrite one another. With
    `DEPTHWISE` in `in_place`, depthwise convolutions write over their input.
    """
    sizes = map_sizes(nodes, element_bytes)
    depthwise = DEPTHWISE in in_place
    owner, dies, members = _share(nodes, outputs, True, element_bytes, depthwise)
    return [
        Buffer(
            tuple(members[index] or (index,)),
            sizes[index],
            index if node.inputs else 0,
            dies[index],
            _shrinks(members[index] or (), nodes, sizes) if depthwise else (),
        )
        for index, node in enumerate(nodes)
        if owner[index] == index
    ]


def _shrinks(members: Sequence[int], nodes: Sequence[Node], sizes: Sequence[Size]) -> tuple[tuple[int, Size], ...]:
    """Return the nodes of a buffer that leave it smaller, with its elements from then on."""
    return tuple(
        (index, sizes[index])
        for before, index in pairwise(members)
        if nodes[index].layer.is_depthwise(nodes[index].input_shapes[0]) and sizes[index] != sizes[before]
    )


def buffer_lifetimes(buffers: Sequence[Buffer]) -> Iterator[Lifetime]:
    """Yield the lifetimes of all buffers."""
    for buffer in buffers:
        if buffer.shrinks:
            yield from buffer.lifetimes()
        else:
            yield buffer.elements, buffer.first, buffer.last


def unshared_lifetimes(
    nodes: Sequence[Node], outputs: Sequence[int], element_bytes: Sequence[float] | None = None
) -> Iterator[Lifetime]:
    """Yield the lifetimes of the buffers if no layer overwrites its input; aliases still share the buffer of theirs."""
    sizes = map_sizes(nodes, element_bytes)
    owner, dies, _ = _share(nodes, outputs, in_place=False)
    for index, node in enumerate(nodes):
        if owner[index] == index:
            yield sizes[index], index if node.inputs else 0, dies[index]


def _share(
    nodes: Sequence[Node],
    outputs: Sequence[int],
    in_place: bool,
    element_bytes: Sequence[float] | None = None,
    depthwise: bool = False,
) -> tuple[list[int], list[int], list[list[int] | None]]:
    """Return for each node the first node of the buffer that its output is in.

    And for such a first node the last step at which the buffer is live, and its nodes where there are several.
    """
    end = len(nodes)
    last_read = list(range(end))
    for node in nodes:
        for index in node.inputs:
            last_read[index] = node.index
    for index in outputs:
        last_read[index] = end
    # The first node of the buffer that each node's output is in, and for a first node all nodes that share it.
    owner: list[int] = []
    members: list[list[int] | None] = [None] * end
    # The last reader of a buffer, by its first node.
    dies = last_read.copy()
    for index, node in enumerate(nodes):
        source = None
        if depthwise and _may_be_over_its_input(node, owner, dies):
            source = node.inputs[0]
        elif node.layer.memory != "own":
            source = _input_to_share(node, nodes, owner, dies, in_place)
            if source is not None and element_bytes and element_bytes[source] != element_bytes[index]:
                source = None
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
    return owner, dies, members


def _may_be_over_its_input(node: Node, owner: list[int], dies: list[int]) -> bool:
    """Return whether a depthwise convolution can write over its input, which dies there, channel by channel.

    It has no more outputs than inputs in each channel. Source: TinyEngine (MCUNet, arXiv:2007.10319), which keeps one
    channel aside; that is a kernel's own workspace, and not counted.
    """
    if not (node.inputs and node.layer.is_depthwise(node.input_shapes[0])):
        return False
    x, y = node.input_shapes[0].elements, node.shape.elements
    fits = y <= x if isinstance(x, int) and isinstance(y, int) else _same_shape(node.input_shapes[0], node.shape)
    return fits and dies[owner[node.inputs[0]]] == node.index


def _input_to_share(node: Node, nodes: Sequence[Node], owner: list[int], dies: list[int], in_place: bool) -> int | None:
    """Return the input whose buffer the node's output uses, or None if it needs its own."""
    if node.layer.memory == "alias":
        return node.inputs[0]
    if in_place:
        for index in node.inputs:
            # The buffer as a whole must die here: an alias of it may be read later.
            if _same_shape(nodes[index].shape, node.shape) and dies[owner[index]] == node.index:
                return index
    return None


def _same_shape(left: Shape, right: Shape) -> bool:
    """Return whether two shapes are the same, or must be for the layer to fit if sizes are letters.

    A size of 1 beside another is broadcast, not the same.
    """
    if left == right:
        return True
    pairs = zip(left.dims, right.dims, strict=False)
    return all(a == b or (1 not in (a, b) and not known_unequal(a, b)) for a, b in pairs)


def live_elements(lifetimes: Iterable[Lifetime], steps: int) -> Iterator[Size]:
    """Yield for each of `steps` steps the elements of all buffers that are live at that step."""
    change: list[Size] = [0] * (steps + 2)
    for elements, first, last in lifetimes:
        change[first] += elements
        change[min(last, steps) + 1] -= elements
    live: Size = 0
    for step in range(steps):
        live = live + change[step]
        yield live


def steps(nodes: Sequence[Node], buffers: Sequence[Buffer], most_kept: int) -> Iterator[MemoryStep]:
    """Yield the memory while each node runs, naming at most `most_kept` of the buffers that are kept for later."""
    buffer_of = {index: buffer for buffer in buffers for index in buffer.nodes}
    begins: list[list[Buffer]] = [[] for _ in nodes]
    for buffer in buffers:
        begins[buffer.first].append(buffer)
    # The live buffers by their first node, the oldest first.
    alive: dict[int, Buffer] = {}
    live = 0
    for node in nodes:
        for buffer in begins[node.index]:
            alive[buffer.nodes[0]] = buffer
            live += buffer.elements
        step = node.index
        read = {buffer_of[index].nodes[0]: buffer_of[index] for index in node.inputs}
        touched = {**read, buffer_of[node.index].nodes[0]: buffer_of[node.index]}
        kept = tuple(islice((buffer for root, buffer in alive.items() if root not in touched), most_kept))
        reads = sum(buffer.elements_at(step) for buffer in read.values())
        writes = sum(buffer.elements_at(step) for buffer in touched.values()) - reads
        yield MemoryStep(node.index, live, reads, writes, kept, len(alive) - len(touched) - len(kept))
        for root, buffer in touched.items():
            if buffer.last <= step:
                del alive[root]
                live -= buffer.elements_at(step)
            elif any(index == step for index, _ in buffer.shrinks):
                live -= buffer.elements_at(step) - buffer.elements_at(step + 1)
