"""Weights that several layers have: those that are meant to be the same, and those that a file only stores once.

A layer with the weights of an earlier one is that one called again; code can say so where both stand in one block.

An exporter stores equal tensors once. The norms of an untrained network all hold ones and zeros, and its biases
zeros: a file has one such vector for each length, and all layers but the first seem to have none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from cnncalc.diagnostics import Problems
from cnncalc.figures.cost import cost
from cnncalc.graph import Graph, Node
from cnncalc.writers.emitter import Emitter, Unsupported

T = TypeVar("T")


def in_one_block(graph: Graph) -> Graph:
    """Return the graph with names in which no layer stands in another block than the one whose weights it has.

    Blocks around either of two such layers are dissolved, from the outermost one in which they are apart.
    """
    apart: set[tuple[str, ...]] = set()
    for node in graph.nodes:
        if node.weights_from is not None:
            apart.update(_blocks_apart(graph.nodes, graph.nodes[node.weights_from], node))
    if not apart:
        return graph
    return graph._replace(nodes=tuple([node._replace(name=_outside(node.name, apart)) for node in graph.nodes]))


def _blocks_apart(nodes: Sequence[Node], owner: Node, node: Node) -> list[tuple[str, ...]]:
    """Return the paths of the outermost blocks that only one of two layers stands in, or each in a part of its own."""
    one, other = (tuple(each.name.split(".")[:-1]) for each in (owner, node))
    between = [tuple(each.name.split(".")[:-1]) for each in nodes[owner.index : node.index + 1]]
    common = 0
    while common < min(len(one), len(other)) and one[common] == other[common]:
        # A block is what stands together.
        if not all(path[: common + 1] == one[: common + 1] for path in between):
            break
        common += 1
    return [path[: common + 1] for path in (one, other) if len(path) > common]


def _outside(name: str, dissolved: set[tuple[str, ...]]) -> str:
    """Return the name of a layer whose blocks in `dissolved`, and those within them, are no blocks any more."""
    path = tuple(name.split("."))
    for length in range(1, len(path)):
        if path[:length] in dissolved:
            return ".".join([*path[: length - 1], "_".join(path[length - 1 :])])
    return name


def refuse_unlike(
    emitter: Emitter[T], graph: Graph, emitted: Mapping[int, T], alike: Callable[[T, T], bool], help: str
) -> None:
    """Raise `SpecError` E320 for each layer with the weights of another one that the format writes otherwise.

    `alike` is whether what is emitted for both can have one set of weights; `help` is the edit to make.
    """
    problems = Problems()
    for node in graph.nodes:
        if node.weights_from is not None and not alike(emitted[node.index], emitted[node.weights_from]):
            owner = graph.nodes[node.weights_from]
            reason = (
                f"a layer called again is the same, and `{owner.name}` is `{owner.layer}` on {owner.input_shapes[0]}"
            )
            problems.add(emitter.problem(node, Unsupported(reason, help)))
    problems.raise_if_any()


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
