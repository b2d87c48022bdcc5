"""Parameters and multiply-accumulates of a node."""

from functools import lru_cache
from typing import NamedTuple

from cnncalc.graph import Node
from cnncalc.layers.base import Layer
from cnncalc.shape import Shape, Size


class Cost(NamedTuple):
    """What a layer has to learn and to compute: `macs` are for one sample."""

    params: Size
    buffers: Size
    macs: Size


#: The conventions for counting MACs, each with its definition.
CONVENTIONS = {
    "torchvision": "multiply-adds of convolution, deconvolution and fc; no bias, norm, activation or pool",
}


def cost(node: Node) -> Cost:
    """The node's cost by the `torchvision` convention."""
    stored = node.stored
    if not node.inputs:
        return Cost(stored.params, stored.buffers, 0) if stored else Cost(0, 0, 0)
    its = _cost(node.layer, node.input_shapes[0], node.shape)
    return its._replace(params=stored.params, buffers=stored.buffers) if stored else its


@lru_cache(20_000)
def _cost(layer: Layer, x: Shape, y: Shape) -> Cost:
    return Cost(layer.weights(x) + layer.biases(x), layer.buffers(x), layer.multiply_adds(x, y))
