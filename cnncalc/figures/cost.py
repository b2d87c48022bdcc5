"""Parameters and multiply-accumulates of a node."""

from typing import NamedTuple

from cnncalc.graph import Node
from cnncalc.shape import Size


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
    layer, x = node.layer, node.input_shapes[0]
    macs = layer.multiply_adds(x, node.shape)
    if stored is not None:
        return Cost(stored.params, stored.buffers, macs)
    return Cost(layer.weights(x) + layer.biases(x), layer.buffers(x), macs)
