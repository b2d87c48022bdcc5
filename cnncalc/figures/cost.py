"""Parameters and multiply-accumulates of a node, and the names of the conventions for counting the latter."""

from functools import lru_cache
from typing import NamedTuple

from cnncalc.graph import Node
from cnncalc.layers.base import Layer
from cnncalc.shape import Shape, Size

#: The conventions for counting MACs, the default first. figures/conventions.py has what each of them counts.
CONVENTIONS = ("torchvision", "fvcore", "ptflops", "thop", "onnx-tool")
DEFAULT_CONVENTION = CONVENTIONS[0]

#: Tools whose MACs are those of a convention, to the integer: other names for it.
CONVENTION_SYNONYMS = {"deepspeed": "torchvision", "calflops": "torchvision"}


class Cost(NamedTuple):
    """Parameters and buffers of a node, and its MACs and output elements for one sample."""

    params: Size
    buffers: Size
    macs: Size
    activations: Size


def cost(node: Node) -> Cost:
    """Return the node's cost, its MACs by the default convention: multiply-adds and nothing else."""
    stored = node.stored
    if not node.inputs:
        return Cost(*(stored or (0, 0)), 0, node.shape.elements)
    its = _cost(node.layer, node.input_shapes[0], node.shape)
    return its._replace(params=stored.params, buffers=stored.buffers) if stored else its


@lru_cache(20_000)
def _cost(layer: Layer, x: Shape, y: Shape) -> Cost:
    return Cost(layer.weights(x) + layer.biases(x), layer.buffers(x), layer.multiply_adds(x, y), y.elements)
