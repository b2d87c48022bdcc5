"""Parameters and multiply-accumulates of a node."""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from cnncalc.graph import Node
from cnncalc.layers.base import Layer
from cnncalc.shape import Shape, Size

#: The conventions for counting MACs, the default first. figures/conventions.py has their definitions.
CONVENTIONS = ("torchvision", "fvcore", "ptflops", "thop", "deepspeed", "onnx-tool", "netscope")
DEFAULT_CONVENTION = CONVENTIONS[0]


class Cost(NamedTuple):
    """What a layer has to learn and to compute, and what comes out: `macs` and `activations` are for one sample."""

    params: Size
    buffers: Size
    macs: Size
    activations: Size


def costing(convention: str) -> Callable[[Node], Cost]:
    """What gives the cost of a node, its MACs by the convention."""
    if convention == DEFAULT_CONVENTION:
        return cost
    from cnncalc.figures import conventions  # few runs need another

    count = conventions.counting(conventions.TABLES[convention].rules)
    return lambda node: cost(node)._replace(macs=count(node))


def cost(node: Node) -> Cost:
    """The node's cost, its MACs by the default convention: multiply-adds and nothing else."""
    stored = node.stored
    if not node.inputs:
        return Cost(*(stored or (0, 0)), 0, node.shape.elements)
    its = _cost(node.layer, node.input_shapes[0], node.shape)
    return its._replace(params=stored.params, buffers=stored.buffers) if stored else its


@lru_cache(20_000)
def _cost(layer: Layer, x: Shape, y: Shape) -> Cost:
    return Cost(layer.weights(x) + layer.biases(x), layer.buffers(x), layer.multiply_adds(x, y), y.elements)
