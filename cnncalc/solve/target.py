"""The layer whose output size is wanted, and the wanted sizes."""

from __future__ import annotations

from cnncalc.diagnostics import Diagnostic, SpecError
from cnncalc.graph import Graph, Node
from cnncalc.spelling import nearest


def target(graph: Graph, layer: str | None) -> Node:
    """Return the layer of that name, or the last; raises `SpecError` if there is none or it has no spatial axes."""
    node = graph.nodes[graph.outputs[-1]]
    if layer is not None:
        named = {node.name: node for node in graph.nodes}
        if layer not in named:
            near = nearest(layer, named)
            help = f"write `--layer {near}`" if near else None
            raise SpecError([Diagnostic("E110", f"no layer is named `{layer}`", help=help)])
        node = named[layer]
    if not node.shape.spatial:
        spatial = next((each.name for each in reversed(graph.nodes) if each.shape.spatial and each.inputs), None)
        help = f"write `--layer {spatial}`, the last that has some" if spatial else None
        raise SpecError([Diagnostic("E203", f"the output of `{node.name}` has no spatial axes", help=help)])
    return node


def wanted_sizes(node: Node, wanted: tuple[int, ...]) -> tuple[int, ...]:
    """Return the wanted spatial sizes, which may be given with or without channels."""
    rank, channels = node.shape.rank, node.shape.channels
    if len(wanted) == rank + 1 and wanted[-1] == channels:
        return wanted[:-1]
    if len(wanted) != rank:
        fact = f"`{node.name}` has {rank} spatial ax{'is' if rank == 1 else 'es'}, {len(wanted)} sizes are given"
        if len(wanted) == rank + 1:
            fact = f"`{node.name}` has {channels} channels, not {wanted[-1]}"
        raise SpecError([Diagnostic("E106", "the wanted output does not fit", label=fact)])
    return wanted
