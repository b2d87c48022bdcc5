"""Parameters and multiply-accumulates of a node."""

from collections.abc import Callable
from typing import NamedTuple

from cnncalc.graph import Node
from cnncalc.layers.base import Layer
from cnncalc.shape import Shape, Size

#: The conventions for counting MACs, the default first. figures/conventions.py has their definitions.
CONVENTIONS = ("torchvision", "fvcore", "ptflops", "thop", "deepspeed", "onnx-tool", "netscope")
DEFAULT_CONVENTION = CONVENTIONS[0]


class Cost(NamedTuple):
    """The parameters of a layer, and for one sample its `macs` and the elements of its output, `activations`."""

    params: Size
    buffers: Size
    macs: Size
    activations: Size


def costing(convention: str) -> Callable[[Node], Cost]:
    """Return the function that gives the cost of a node, its MACs by the convention.

    It remembers the layers that it has counted, for as long as it is kept: one is for the nodes of one graph.
    """
    memo: dict[tuple[Layer, tuple[Shape, ...], Shape], Cost] = {}

    def cost_of(node: Node) -> Cost:
        if node.stored is not None or not node.inputs:
            return cost(node)
        key = (node.layer, node.input_shapes, node.shape)
        known = memo.get(key)
        if known is None:
            known = memo[key] = cost(node)
        return known

    if convention == DEFAULT_CONVENTION:
        return cost_of
    from cnncalc.figures import conventions  # few runs need another

    count = conventions.counting(conventions.TABLES[convention].rules)
    return lambda node: cost_of(node)._replace(macs=count(node))


def cost(node: Node) -> Cost:
    """Return the node's cost, its MACs by the default convention: multiply-adds and nothing else."""
    layer, y, stored = node.layer, node.shape, node.stored
    if not node.inputs:
        return Cost(*(stored or (0, 0)), 0, y.elements)
    x = node.input_shapes[0]
    params, buffers = stored or (layer.weights(x) + layer.biases(x), layer.buffers(x))
    return Cost(params, buffers, layer.multiply_adds(x, y), y.elements)
