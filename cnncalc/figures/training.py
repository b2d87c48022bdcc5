"""The memory that the backward pass of training reads, and its multiply-accumulates.

PyTorch's autograd keeps of each layer what the layer's gradient is computed from, which `Layer.keeps` defines.
Nothing that is kept is overwritten, and a tensor that several layers keep (an activation its output, the following
convolution its input) is in memory once. Nothing is kept of a layer without a gradient.
"""

from collections.abc import Sequence
from typing import NamedTuple

from cnncalc.figures.cost import Cost
from cnncalc.graph import Node
from cnncalc.shape import Size

#: Optimizer → how many values it keeps for each parameter.
OPTIMIZERS = {"sgd": 0, "momentum": 1, "adam": 2}


class TrainingCost(NamedTuple):
    """The cost of training a node, for one sample.

    `saved_bytes` are those that the node is the first to keep for the backward pass: the outputs of the nodes `kept`,
    and its own (indices, masks, intermediate results). `backward_macs` are its MACs for the gradients of its
    weights and of its inputs.
    """

    backward_macs: Size
    saved_bytes: Size
    kept: tuple[int, ...]


NO_COST = TrainingCost(0, 0, ())


def training_costs(nodes: Sequence[Node], costs: Sequence[Cost], bytes_of_element: int) -> list[TrainingCost]:
    """Return the training cost of each node, for one sample; `costs` are for one sample, too."""
    result: list[TrainingCost] = []
    # For each node, whether it has a gradient, and the node whose output its own is a view of.
    learns: list[bool] = []
    storage: list[int] = []
    saved: set[int] = set()
    for node, cost in zip(nodes, costs, strict=True):
        layer, inputs = node.layer, node.inputs
        storage.append(storage[inputs[0]] if inputs and layer.is_view else node.index)
        trains = bool(inputs) and _trains(node, cost)
        learning = [learns[index] for index in inputs]
        factors = trains + sum(learning)
        learns.append(factors > 0)
        if not factors:
            result.append(NO_COST)
            continue
        kept: list[int] = []
        keeps = layer.keeps
        if keeps == "output":
            kept = [node.index]
        elif keeps == "inputs":
            kept = [storage[index] for index in inputs]
        elif keeps == "factors":
            kept = [storage[index] for index, learnt in zip(inputs, learning, strict=True) if factors > learnt]
        first = tuple([index for index in dict.fromkeys(kept) if index not in saved])
        saved.update(first)
        elements = layer.kept_elements(node.input_shapes, node.shape)
        for index in first:
            elements = elements + nodes[index].shape.elements
        saved_bytes = elements * bytes_of_element + layer.kept_bytes(node.shape)
        result.append(TrainingCost(_backward_macs(node, cost, trains, factors), saved_bytes, first))
    return result


def _trains(node: Node, cost: Cost) -> bool:
    """Return whether the node has trainable weights."""
    if node.layer.frozen or (node.stored and node.stored.frozen and not node.stored.params):
        return False
    # Where a file holds weights that nodes share, they are counted with the first alone.
    params = node.layer.weights(node.input_shapes[0]) if node.stored and not cost.params else cost.params
    # A formula is never 0.
    return params is not None and params != 0


def _backward_macs(node: Node, cost: Cost, trains: bool, factors: int) -> Size:
    """Return the MACs of a node's gradients: those of the product once for each factor that has a gradient.

    This is what PyTorch's FlopCounterMode counts for a convolution and a matrix product.
    """
    parts = node.layer.decompose(node.input_shapes[0])
    if len(parts) == 1:
        return cost.macs * factors
    # Of a chain, all but the first part have an input that learns as the weights before it do.
    macs: Size = 0
    x = node.input_shapes[0]
    for part in parts:
        y = part.output(x)
        macs = macs + part.multiply_adds(x, y) * factors
        x, factors = y, trains + 1
    return macs


def training_bytes(params: Size, constant: Size, saved_bytes: Size, bytes_of_element: int, optimizer: str) -> Size:
    """Return the bytes of a training step: weights, gradients, the optimizer's state, and saved tensors.

    `saved_bytes` are those of the whole batch. Parameters have a gradient and the optimizer's state; the `constant`
    numbers (frozen weights, running statistics) have neither. The framework's own needs and the workspace of its
    kernels are not included.
    """
    copies = 1 + OPTIMIZERS[optimizer]
    return (params + constant + copies * params) * bytes_of_element + saved_bytes
