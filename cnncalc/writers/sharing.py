"""Vectors that a model file stores once for several layers, which are copied so that each layer has its own.

An exporter stores equal tensors once. The norms of an untrained network all hold ones and zeros, and its biases
zeros: a file has one such vector for each length, and all layers but the first seem to have none.
"""

from __future__ import annotations

from cnncalc.figures.cost import cost
from cnncalc.graph import Graph, Node


def with_own_vectors(graph: Graph) -> tuple[Graph, int]:
    """Return the graph in which no layer shares its norm's vectors or its bias, and how many numbers that adds.

    A layer whose kernels are another layer's is unchanged: two copies of them would be a different network.
    """
    missing = {node.index: _missing(node) for node in graph.nodes if node.stored is not None and node.layer.known}
    if not any(missing.values()):
        return graph, 0
    nodes = [node._replace(stored=None) if missing.get(node.index) else node for node in graph.nodes]
    return graph._replace(nodes=tuple(nodes)), sum(missing.values())


def _missing(node: Node) -> int:
    """Return how many numbers of its vectors a layer lacks; 0 if it has them all, or lacks other weights too."""
    if node.stored is None or not node.inputs:
        return 0
    figures = cost(node._replace(stored=None))
    # What multiplies has kernels; the weights of all other layers are vectors.
    kernels = node.layer.weights(node.input_shapes[0]) if figures.macs else 0
    held, needed = sum(node.stored), figures.params + figures.frozen + figures.buffers
    return needed - held if kernels <= held < needed else 0
