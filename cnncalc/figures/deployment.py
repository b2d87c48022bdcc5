"""The network as it runs on a device: what is folded away, fused, and taken apart there.

    batch norm, scale   folded into the weights of the convolution or fc before it, which then has a bias; where that
                        cannot be (another reader between them, shared weights, nothing to fold it into), it stays as a
                        weight and a bias for each channel
    activations         fused into the layer that they follow, which writes what they give
    sepconv             its two convolutions, with a tensor between them
    dropout, identity   not there

Source: what TensorFlow Lite's converter does, which the figures are held to in the tests.
"""

from __future__ import annotations

from cnncalc.graph import Graph, Node, StoredWeights, step_of
from cnncalc.layers.activation import Activation, Elu, LeakyRelu
from cnncalc.layers.base import Layer
from cnncalc.layers.conv import Conv, Deconv, DepthwiseConv, SeparableConv
from cnncalc.layers.linear import FullyConnected
from cnncalc.layers.norm import BatchNorm, Scale
from cnncalc.layers.rearrange import Dropout, Identity
from cnncalc.layers.timewise import Timewise

#: Layers of products that add a bias at the end: what comes after them channel by channel goes into their weights.
PRODUCTS = (Conv, DepthwiseConv, Deconv, FullyConnected)

#: Activations that are no function of one element.
OVER_CHANNELS = ("softmax", "logsoftmax")


def deployed(graph: Graph) -> Graph:
    """Return the graph of the network as a device runs it; its nodes say what is fused into them."""
    return _Deployment(graph).run()


class _Deployment:
    """Adds the nodes of a graph one after another to a new one, or to a node of it that does their work as well."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes: list[Node] = []
        #: The new node of each old one.
        self.places: list[int] = []
        self.readers = [0] * len(graph.nodes)
        for node in graph.nodes:
            for index in set(node.inputs):
                self.readers[index] += 1
        for index in graph.outputs:
            self.readers[index] += 1
        #: The new node of the first half of each old one that is taken apart.
        self.fronts: dict[int, int] = {}
        #: The old nodes whose weights several have.
        self.shared = {index for node in graph.nodes if node.weights_from is not None for index in _ends(node)}

    def run(self) -> Graph:
        for node in self.graph.nodes:
            self.places.append(self._place(node))
        outputs = tuple(dict.fromkeys(self.places[index] for index in self.graph.outputs))
        return self.graph._replace(nodes=tuple(self.nodes), outputs=outputs, types=None)

    def _place(self, node: Node) -> int:
        """Return the new node of an old one, which is added where no other does its work."""
        layer = step_of(node).layer
        if node.inputs:
            if isinstance(layer, (Dropout, Identity)):
                return self.places[node.inputs[0]]
            before = self._only_read_by(node)
            if isinstance(layer, (BatchNorm, Scale)) and before is not None and self._folds(before, node):
                return self._fold(before, node)
            if _is_activation(layer) and before is not None and _takes_activation(self.nodes[before]):
                return self._fuse(before, node)
            if isinstance(layer, BatchNorm):
                node = self._as_scale(node)
            elif isinstance(layer, SeparableConv):
                return self._take_apart(node)
        return self._add(node)

    def _add(self, node: Node) -> int:
        index = len(self.nodes)
        first = node.weights_from
        inputs = tuple(self.places[each] for each in node.inputs)
        self.nodes.append(
            node._replace(index=index, inputs=inputs, weights_from=None if first is None else self.places[first])
        )
        return index

    def _only_read_by(self, node: Node) -> int | None:
        """Return the new node of a node's only input, if nothing else reads that; else None."""
        first = node.inputs[0]
        return self.places[first] if len(node.inputs) == 1 and self.readers[first] == 1 else None

    def _folds(self, before: int, node: Node) -> bool:
        """Return whether a node's factor and summand of each channel can go into the weights of the new node before."""
        into = self.nodes[before]
        apart = self.shared.isdisjoint({node.index, node.inputs[0]})
        linear = all(isinstance(each, (BatchNorm, Scale)) for each in into.fused)
        return apart and linear and isinstance(step_of(into).layer, PRODUCTS)

    def _fold(self, before: int, node: Node) -> int:
        into = self.nodes[before]
        layer, stored = into.layer, into.stored
        x = into.input_shapes[0]
        if not layer.bias_weights(x) and (isinstance(step_of(node).layer, BatchNorm) or step_of(node).layer.bias):  # type: ignore[attr-defined]
            layer = _with_bias(layer)
            if stored is not None:
                stored = stored._replace(params=stored.params + layer.bias_weights(x))
        self.nodes[before] = into._replace(layer=layer, stored=stored)
        return self._fuse(before, node)

    def _fuse(self, before: int, node: Node) -> int:
        into = self.nodes[before]
        self.nodes[before] = into._replace(fused=(*into.fused, step_of(node).layer))
        return before

    def _as_scale(self, node: Node) -> Node:
        """Return a batch norm that stays: a weight and a bias for each channel, into which its statistics have gone."""
        layer: Layer = Scale("scale", bias=True)
        if isinstance(node.layer, Timewise):
            layer = Timewise("timewise", layer)
        return node._replace(layer=layer, stored=StoredWeights() if node.stored == StoredWeights() else None)

    def _take_apart(self, node: Node) -> int:
        """Add the two convolutions of a separable one: the second under its name."""
        x = node.input_shapes[0]
        first, second = node.layer.decompose(x)
        between = first.output(x)
        stored = node.stored
        if stored is not None:
            # What a file holds differs from the rule: nothing says in which of the two.
            held = min(stored.params + stored.frozen, first.weights(x))
            stored = StoredWeights(stored.params + stored.frozen - held)
        depthwise = node._replace(
            name=f"{node.name}.depthwise",
            layer=first,
            shape=between,
            stored=None if node.stored is None else StoredWeights(held),
        )
        middle = self.fronts[node.index] = self._add(depthwise)
        if node.weights_from is not None:
            self.nodes[middle] = self.nodes[middle]._replace(weights_from=self.fronts[node.weights_from])
        index = self._add(node._replace(layer=second, input_shapes=(between,), stored=stored))
        self.nodes[index] = self.nodes[index]._replace(inputs=(middle,))
        return index


def _ends(node: Node) -> tuple[int, ...]:
    return (node.index,) if node.weights_from is None else (node.index, node.weights_from)


def _is_activation(layer: Layer) -> bool:
    """Return whether a layer is a function of each element, without weights."""
    return isinstance(layer, (Activation, LeakyRelu, Elu)) and layer.kind not in OVER_CHANNELS


def _takes_activation(node: Node) -> bool:
    """Return whether a device can apply an activation as it writes the node's output: once, and if it writes one."""
    layer = step_of(node).layer
    done = any(_is_activation(each) for each in (layer, *node.fused))
    return bool(node.inputs) and layer.known and layer.memory != "alias" and not done


def _with_bias(layer: Layer) -> Layer:
    """Return a layer of products with a bias."""
    if isinstance(layer, Timewise):
        return Timewise("timewise", _with_bias(layer.layer))
    return layer.replace(bias=True)
