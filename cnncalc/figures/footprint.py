"""The bytes of each node: those of its weights, those live while it runs, and those that it moves.

`traffic_bytes` are what a layer at least moves between memory and the processor when it runs by itself: its weights,
its inputs and its outputs, each once. A tensor that it reads twice counts once, and an alias moves nothing.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cached_property

from cnncalc.figures.cost import Cost
from cnncalc.figures.dtypes import DTYPES, Dtypes, packed_bytes
from cnncalc.figures.memory import Buffer, assign_buffers, buffer_lifetimes, live_elements, map_sizes
from cnncalc.graph import Graph, Node, step_of
from cnncalc.layers.linear import Embedding
from cnncalc.layers.timewise import Timewise
from cnncalc.shape import Size, at_most, known_part

#: Layers that may read a part of their weights alone.
LOOKING_UP = (Embedding, Timewise)


class Footprint:
    """The bytes of each node of a graph, by its index; `dtypes` is None for the types that the graph's file states."""

    def __init__(
        self, graph: Graph, costs: Sequence[Cost], dtypes: Dtypes | None, batch: int, in_place: Collection[str] = ()
    ) -> None:
        """Take what the bytes depend on; `in_place` is that of `assign_buffers`."""
        self.graph = graph
        self._costs, self._dtypes, self._batch, self._in_place = costs, dtypes, batch, in_place

    def __eq__(self, other: object) -> bool:
        """Return whether each node has the same bytes in both."""
        if not isinstance(other, Footprint):
            return NotImplemented
        return all(
            list(mine) == list(yours)
            for mine, yours in (
                (self.weight_bytes, other.weight_bytes),
                (self.live_bytes, other.live_bytes),
                (self.traffic_bytes, other.traffic_bytes),
            )
        )

    def __hash__(self) -> int:
        return hash((len(self.graph.nodes), self._batch))

    def __repr__(self) -> str:
        return f"<the bytes of {len(self.graph.nodes)} nodes>"

    @cached_property
    def macs(self) -> Size:
        """The MACs of all layers, of which each has its share."""
        return sum([cost.macs for node, cost in zip(self.graph.nodes, self._costs, strict=True) if node.inputs])

    @cached_property
    def feature_maps(self) -> tuple[Buffer, ...]:
        """The buffers that hold the layers' outputs, in the order in which they become live."""
        graph = self.graph
        return tuple(assign_buffers(graph.nodes, graph.outputs, self.element_bytes, self._in_place))

    @cached_property
    def element_bytes(self) -> Sequence[float] | None:
        """The bytes of an element of each node's output, where those are not the same whole number for all."""
        if self._dtypes is None:
            assert self.graph.types is not None
            return self.graph.types.element_bytes
        each = DTYPES[self._dtypes.maps]
        return None if each >= 1 else (each,) * len(self.graph.nodes)

    @cached_property
    def scale(self) -> int:
        """The bytes of an element for the whole batch; where sizes are in bytes already, the batch."""
        return self._batch if self.element_bytes or not self._dtypes else self._batch * int(DTYPES[self._dtypes.maps])

    @cached_property
    def weight_bytes(self) -> Sequence[Size]:
        """The bytes of the parameters, frozen weights and buffers of each node."""
        dtypes, nodes = self._dtypes, self.graph.nodes
        if dtypes is None:
            assert self.graph.types is not None
            return self.graph.types.weight_bytes
        counts = [cost.params + cost.frozen + cost.buffers for cost in self._costs]
        if not dtypes.mixed:
            each = DTYPES[dtypes.weights]
            return [packed_bytes(count, each) for count in counts]
        biases = [_biases(node, count) for node, count in zip(nodes, counts, strict=True)]
        return [dtypes.weight_bytes(count - bias, bias) for count, bias in zip(counts, biases, strict=True)]

    def bytes_of_weights(self, count: Size, total: Callable[[Iterable[Size]], Size]) -> Size:
        """Return the bytes of all weights, of which there are so many; `total` adds up what each node has."""
        if self._dtypes is not None and not self._dtypes.mixed and DTYPES[self._dtypes.weights] >= 1:
            return count * int(DTYPES[self._dtypes.weights])
        return total(self.weight_bytes)

    @cached_property
    def live(self) -> list[Size]:
        """The elements of one sample's feature maps that are live while each node runs; `scale` makes bytes of them."""
        return list(live_elements(buffer_lifetimes(self.feature_maps), len(self.graph.nodes)))

    @cached_property
    def live_bytes(self) -> list[Size]:
        """The bytes of the feature maps that are live while each node runs."""
        return [each * self.scale for each in self.live]

    @cached_property
    def traffic_bytes(self) -> list[Size]:
        """The bytes that each node at least moves."""
        sizes = [size * self.scale for size in map_sizes(self.graph.nodes, self.element_bytes)]
        return moved(self.graph.nodes, self.weight_bytes, sizes)


def moved(nodes: Sequence[Node], weights: Sequence[Size], maps: Sequence[Size]) -> list[Size]:
    """Return what each node at least moves of weights and feature maps, in the unit in which those of each are given.

    `weights` are those that each node has of its own, `maps` its output.
    """
    traffic: list[Size] = []
    for node, output in zip(nodes, maps, strict=True):
        inputs, layer = node.inputs, node.layer
        if not inputs or layer.memory == "alias":
            traffic.append(0)
            continue
        read = weights[node.index if node.weights_from is None else node.weights_from]
        if isinstance(layer, LOOKING_UP) and isinstance(step_of(node).layer, Embedding):
            read = at_most(read, output)  # the rows that are looked up
        # A tensor that is read twice moves once.
        for index in inputs if len(inputs) == 1 else dict.fromkeys(inputs):
            read = read + maps[index]
        traffic.append(read + output)
    return traffic


def _biases(node: Node, count: Size) -> Size:
    """Return the biases among the weights of a node."""
    if not node.inputs or node.weights_from is not None:
        return 0
    biases = known_part(node.layer.bias_weights(node.input_shapes[0]))
    if isinstance(biases, int) and isinstance(count, int):
        return min(biases, count)  # a file may hold fewer than the layer has by its rule
    return biases
