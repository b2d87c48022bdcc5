"""Parameters and multiply-accumulates of a node."""

from collections.abc import Callable
from typing import NamedTuple

from cnncalc.graph import Node
from cnncalc.shape import Size

#: The conventions for counting MACs, the default first. figures/conventions.py has their definitions.
CONVENTIONS = ("torchvision", "fvcore", "ptflops", "thop", "deepspeed", "onnx-tool", "netscope")
DEFAULT_CONVENTION = CONVENTIONS[0]


class Cost(NamedTuple):
    """What a layer has to learn and to compute: `macs` are for one sample."""

    params: Size
    buffers: Size
    macs: Size


def cost(node: Node, macs: Callable[[Node], Size]) -> Cost:
    """The node's cost, its MACs as `macs` counts them."""
    if not node.inputs:
        return Cost(0, 0, 0)
    layer, x = node.layer, node.input_shapes[0]
    return Cost(layer.weights(x) + layer.biases(x), layer.buffers(x), macs(node))


def counter(convention: str) -> Callable[[Node], Size]:
    """What counts the MACs of a node by the convention."""
    if convention == DEFAULT_CONVENTION:
        return multiply_adds
    from cnncalc.figures import conventions  # few runs need another

    return conventions.counting(conventions.TABLES[convention].rules)


def multiply_adds(node: Node) -> Size:
    """MACs by the default convention: multiply-adds of convolutions and matrix products, and nothing else."""
    return node.layer.multiply_adds(node.input_shapes[0], node.shape)
