"""The bytes of each node: those of its weights, those live while it runs, and those that it moves.

`traffic_bytes` are what a layer at least moves between memory and the processor when it runs by itself: its weights,
its inputs and its outputs, each once. A tensor that it reads twice counts once, and an alias moves nothing.
"""

from collections.abc import Collection, Sequence
from functools import cached_property

from cnncalc.figures.cost import Cost
from cnncalc.figures.dtypes import DTYPES, Dtypes
from cnncalc.figures.memory import Buffer, assign_buffers, buffer_lifetimes, live_elements, map_sizes
from cnncalc.graph import Graph, Node, step_of
from cnncalc.layers.linear import Embedding
from cnncalc.shape import Size, at_most, known_part


class Footprint:
    """The bytes of each node of a graph, by its index; `dtypes` is None for the types that the graph's file states."""

    def __init__(
        self, graph: Graph, costs: Sequence[Cost], dtypes: Dtypes | None, batch: int, in_place: Collection[str] = ()
    ) -> None:
        """Take what the bytes depend on; `in_place` is that of `assign_buffers`."""
        self.graph = graph
        self._costs, self._dtypes, self._batch, self._in_place = costs, dtypes, batch, in_place

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
            return [dtypes.weight_bytes(count, 0) for count in counts]
        biases = [_biases(node, count) for node, count in zip(nodes, counts, strict=True)]
        return [dtypes.weight_bytes(count - bias, bias) for count, bias in zip(counts, biases, strict=True)]

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
        return [self._moved(node, sizes) for node in self.graph.nodes]

    def _moved(self, node: Node, sizes: Sequence[Size]) -> Size:
        if not node.inputs or node.layer.memory == "alias":
            return 0
        moved = self.weight_bytes[node.index if node.weights_from is None else node.weights_from]
        if isinstance(step_of(node).layer, Embedding):
            moved = at_most(moved, sizes[node.index])  # the rows that are looked up
        for index in dict.fromkeys((*node.inputs, node.index)):
            moved = moved + sizes[index]
        return moved


def _biases(node: Node, count: Size) -> Size:
    """Return the biases among the weights of a node."""
    if not node.inputs or node.weights_from is not None:
        return 0
    biases = known_part(node.layer.bias_weights(node.input_shapes[0]))
    if isinstance(biases, int) and isinstance(count, int):
        return min(biases, count)  # a file may hold fewer than the layer has by its rule
    return biases
