"""Parameters and multiply-accumulates of a node, and the names of the counting conventions."""

from collections.abc import Sequence
from typing import NamedTuple

from cnncalc.graph import Node, StoredWeights, weights_of
from cnncalc.shape import Size, UnknownSize, known_part

#: The conventions for counting MACs, the default first. figures/conventions.py has what each of them counts.
CONVENTIONS = ("torchvision", "fvcore", "ptflops", "thop", "onnx-tool")
DEFAULT_CONVENTION = CONVENTIONS[0]

#: Tools whose MACs are those of a convention, to the integer: other names for it.
CONVENTION_SYNONYMS = {"deepspeed": "torchvision", "calflops": "torchvision"}


class Cost(NamedTuple):
    """Parameters, frozen weights and buffers of a node, and for one sample its MACs and output elements.

    `conv_activations` are those of its output elements that convolutions, deconvolutions and fc give. A figure is an
    `UnknownSize` where sizes that it needs are unknown, or the operator is.
    """

    params: Size
    frozen: Size
    buffers: Size
    macs: Size
    activations: Size
    conv_activations: Size


def missing_figures(node: Node, cost: Cost) -> tuple[str, ...]:
    """Return the names of the figures of a node that are unknown, and counted as 0."""
    missing = [name for name, size in zip(Cost._fields, cost, strict=True) if isinstance(size, UnknownSize)]
    # What an unknown operator multiplies is not known, also by a convention that counts nothing for operators.
    return tuple(missing if node.layer.known or "macs" in missing else [*missing, "macs"])


def known_cost(cost: Cost) -> Cost:
    """Return the cost with 0 in place of unknown figures, so that sums are lower bounds."""
    return Cost(*map(known_part, cost))


def node_costs(nodes: Sequence[Node]) -> list[Cost]:
    """Return the cost of each node, MACs by the default convention."""
    counted: dict[tuple[int, int], Cost] = {}
    result = []
    for node in nodes:
        if node.stored or node.weights_from is not None or not node.inputs:
            result.append(cost(node))
            continue
        # Repeated layers on repeated shapes are the same objects: comparing them by value would take longer.
        key = id(node.layer), id(node.input_shapes)
        if key not in counted:
            counted[key] = cost(node)
        result.append(counted[key])
    return result


def cost(node: Node) -> Cost:
    """Return the cost of a node, with MACs by the default convention: only multiply-adds.

    Weights that a model file holds for the node replace those that its layer has by rule; those of an earlier node
    are counted there.
    """
    layer, y, stored = node.layer, node.shape, node.stored
    if node.weights_from is not None:
        stored = StoredWeights()
    if not node.inputs:
        held = stored or StoredWeights()
        return Cost(held.params, held.frozen, held.buffers, 0, y.elements, 0)
    x = node.input_shapes[0]
    params, buffers, frozen = stored or weights_of(layer, x)
    return Cost(params, frozen, buffers, layer.multiply_adds(x, y), y.elements, layer.conv_activations(x, y))
