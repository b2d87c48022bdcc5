"""The memory that the backward pass of training reads, and its multiply-accumulates.

PyTorch's autograd keeps of each layer what the layer's gradient is computed from, which `Layer.keeps` defines.
Nothing that is kept is overwritten, and a tensor that several layers keep (an activation its output, the following
convolution its input) is in memory once. Nothing is kept of a layer without a gradient.
"""

from collections.abc import Sequence
from typing import NamedTuple

from cnncalc.figures.cost import Cost
from cnncalc.graph import Node
from cnncalc.layers.base import Layer
from cnncalc.shape import Size, known_part

#: Optimizer → how many values it keeps for each parameter.
OPTIMIZERS = {"sgd": 0, "momentum": 1, "adam": 2}


class TrainingCosts(NamedTuple):
    """The cost of training each node, for one sample.

    `backward_macs` are the MACs for the gradients of a node's weights and inputs; `saved_bytes` the bytes that it is
    the first to keep for the backward pass: the outputs of the nodes `kept`, and its own (indices, masks, intermediate
    results). Lists of numbers, rather than a value for each node: a deep network has many.
    """

    backward_macs: list[Size]
    saved_bytes: list[Size]
    kept: list[tuple[int, ...]]


class _LayerTraining(NamedTuple):
    """The properties of a layer on certain shapes that its training cost depends on, wherever it stands."""

    keeps: str
    is_view: bool
    has_weights: bool
    own_elements: Size
    own_bytes: Size
    is_chain: bool


def training_costs(nodes: Sequence[Node], costs: Sequence[Cost], bytes_of_element: int) -> TrainingCosts:
    """Return what training one sample takes of each node; `costs` are for one sample, too."""
    result = TrainingCosts([], [], [])
    # For each node, whether it has a gradient, and the node whose output its own is a view of.
    learns: list[bool] = []
    storage: list[int] = []
    saved: set[int] = set()
    layers: dict[tuple[int, int], _LayerTraining] = {}
    for node, cost in zip(nodes, costs, strict=True):
        inputs = node.inputs
        # Repeated layers on repeated shapes are the same objects, as for their costs.
        key = id(node.layer), id(node.input_shapes)
        layer = layers.get(key)
        if layer is None or node.stored:
            layer = layers[key] = _layer_training(node, cost)
        storage.append(storage[inputs[0]] if inputs and layer.is_view else node.index)
        factors = layer.has_weights + sum([learns[index] for index in inputs])
        learns.append(factors > 0)
        first: tuple[int, ...] = ()
        saved_bytes: Size = 0
        if factors:
            first = _first_kept(node, layer.keeps, factors, learns, storage, saved)
            elements = layer.own_elements
            for index in first:
                elements = elements + known_part(nodes[index].shape.elements)
            saved_bytes = elements * bytes_of_element + layer.own_bytes
        result.kept.append(first)
        result.saved_bytes.append(saved_bytes)
        chain = layer.is_chain and factors
        result.backward_macs.append(known_part(_chain_macs(node, layer, factors)) if chain else cost.macs * factors)
    return result


def _layer_training(node: Node, cost: Cost) -> _LayerTraining:
    layer = node.layer
    if not node.inputs:
        return _LayerTraining(layer.keeps, False, False, 0, 0, False)
    own_elements = known_part(layer.kept_elements(node.input_shapes, node.shape))
    # A layer with a state has gradients that go from step to step.
    own_rule = type(layer).backward_multiply_adds is not Layer.backward_multiply_adds
    is_chain = own_rule or len(layer.decompose(node.input_shapes[0])) > 1
    trains = _trains(node, cost)
    return _LayerTraining(
        layer.keeps, layer.is_view, trains, own_elements, known_part(layer.kept_bytes(node.shape)), is_chain
    )


def _first_kept(
    node: Node, keeps: str, factors: int, learns: Sequence[bool], storage: Sequence[int], saved: set[int]
) -> tuple[int, ...]:
    """Return the nodes whose outputs the node keeps and none before it does; they are added to `saved`."""
    if keeps == "output":
        kept = [node.index]
    elif keeps == "inputs":
        kept = [storage[index] for index in node.inputs]
    elif keeps == "factors":
        kept = [storage[index] for index in node.inputs if factors > learns[index]]
    else:
        return ()
    first = tuple([index for index in dict.fromkeys(kept) if index not in saved])
    saved.update(first)
    return first


def _trains(node: Node, cost: Cost) -> bool:
    """Return whether the node has trainable weights."""
    if node.layer.frozen or (node.stored and node.stored.frozen and not node.stored.params):
        return False
    # Where a file holds weights that nodes share, they are counted with the first alone.
    params = known_part(node.layer.weights(node.input_shapes[0])) if node.stored and not cost.params else cost.params
    # A formula is never 0.
    return params is not None and params != 0


def _chain_macs(node: Node, layer: _LayerTraining, factors: int) -> Size:
    """Return the MACs of a chain's gradients: those of each part once more for each of its factors that learns.

    That is what PyTorch's FlopCounterMode counts for a convolution and a matrix product. All but the first part have
    an input that learns as the weights before it do.
    """
    macs: Size = 0
    x = node.input_shapes[0]
    for part in node.layer.decompose(x):
        y = part.output(x)
        macs = macs + part.backward_multiply_adds(x, y, layer.has_weights, factors - layer.has_weights)
        x, factors = y, layer.has_weights + 1
    return known_part(macs)


def training_bytes(params: Size, constant: Size, saved_bytes: Size, bytes_of_element: int, optimizer: str) -> Size:
    """Return the bytes of a training step: weights, gradients, the optimizer's state, and saved tensors.

    `saved_bytes` are those of the whole batch. Parameters have a gradient and the optimizer's state; the `constant`
    numbers (frozen weights, running statistics) have neither. The framework's own needs and the workspace of its
    kernels are not included.
    """
    copies = 1 + OPTIMIZERS[optimizer]
    return (params + constant + copies * params) * bytes_of_element + saved_bytes
