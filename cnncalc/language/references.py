"""Names of tensors in the arguments of layers: `resize @NAME`."""

from __future__ import annotations

from cnncalc.language.nodes import LayerNode, ReferenceNode


def references(node: LayerNode) -> tuple[ReferenceNode, ...]:
    """Return the tensors that a layer's arguments name, in order."""
    return tuple(
        [
            ReferenceNode(part[1:], chunk.span)
            for chunk in node.arguments
            for part in chunk.parts
            if isinstance(part, str) and part.startswith("@")
        ]
    )
