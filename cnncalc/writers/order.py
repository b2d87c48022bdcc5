"""The order of elements in a vector, which frameworks with channels first have otherwise than the language.

A `flatten` takes its elements place by place, as a spec's tensors lie: channels last. Where all that reads the vector
is fully connected layers, the order is the layout of these layers' kernels, as kernels of convolutions have a layout in
each framework: there a framework flattens as its users do. Everywhere else the order is the language's.
"""

from __future__ import annotations

from math import prod

from cnncalc.graph import Graph
from cnncalc.layers.activation import Activation
from cnncalc.shape import Shape

#: Kinds that do the same to every element of a vector, wherever it stands.
ALIKE = (*Activation.words, "leakyrelu", "elu", "dropout", "droppath", "identity")


def has_order(shape: Shape) -> bool:
    """Return whether channels first and channels last put the elements in different orders."""
    return shape.channels > 1 and prod(shape.spatial) > 1


def flattens_by_place(graph: Graph) -> list[int]:
    """Return the flattens that a framework with channels first has to do place by place, as the language does."""
    by_channel = flattens_by_channel(graph)
    flattens = [node for node in graph.nodes if node.layer.kind == "flatten" and has_order(node.input_shapes[0])]
    return [node.index for node in flattens if node.index not in by_channel]


def flattens_by_channel(graph: Graph) -> set[int]:
    """Return the flattens whose order only fully connected layers see, and which differs from framework to framework.

    What reads them, through layers that treat all elements alike, are `fc` layers, each with weights of its own: one
    whose weights another layer has too would need them in two orders.
    """
    shared = {node.weights_from for node in graph.nodes} | {
        node.index for node in graph.nodes if node.weights_from is not None
    }
    readers: dict[int, list[int]] = {node.index: [] for node in graph.nodes}
    for node in graph.nodes:
        for index in node.inputs:
            readers[index].append(node.index)
    outputs = set(graph.outputs)
    # From the last layer to the first: whether a vector's order is seen by `fc` alone.
    hidden: dict[int, bool] = {}
    for node in reversed(graph.nodes):
        behind = readers[node.index]
        hidden[node.index] = (
            bool(behind)
            and node.index not in outputs
            and all(
                (graph.nodes[reader].layer.kind == "fc" and reader not in shared)
                or (graph.nodes[reader].layer.kind in ALIKE and hidden[reader])
                for reader in behind
            )
        )
    return {
        node.index
        for node in graph.nodes
        if node.layer.kind == "flatten" and hidden[node.index] and has_order(node.input_shapes[0])
    }
