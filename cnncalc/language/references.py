"""Names of tensors in the arguments of layers: `resize @NAME`, and `weights=@NAME`."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.diagnostics import Span, fail
from cnncalc.language.nodes import Chunk, LayerNode, ReferenceNode

#: What stands before the name of the layer whose weights a layer has.
WEIGHTS = "weights"


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


def layer_node(word: Chunk, arguments: Sequence[Chunk], span: Span) -> LayerNode:
    """Return the node of a layer, with what names the layer of its weights apart from its arguments.

    Raises `SpecError` E103 where that is given twice, E105 where it is no `@NAME`.
    """
    named = [chunk for chunk in arguments if _names_weights(chunk)]
    if not named:
        return LayerNode(word, tuple(arguments), span)
    for chunk in named:
        if len(chunk.parts) != 1 or not str(chunk.parts[0]).startswith("@"):
            text = chunk.span.text
            help = f"write `weights=@{text}`" if text.isidentifier() else "write `weights=@NAME`, and `as NAME` there"
            fail("E105", "`weights` takes the name of a layer", chunk.span, "not a name", help)
    if len(named) > 1:
        first = named[0].span.in_file()
        notes = (f"first given as `{named[0].span.text}` at {first.line}:{first.column}",)
        message = f"`{WEIGHTS}` of `{word.span.text}` is given twice"
        fail("E103", message, named[1].span, "given again", "remove one", notes=notes)
    rest = tuple([chunk for chunk in arguments if chunk is not named[0]])
    return LayerNode(word, rest, span, named[0])


def weights_reference(node: LayerNode) -> ReferenceNode | None:
    """Return the name of the layer whose weights a layer has; None if it has its own."""
    return None if node.weights is None else ReferenceNode(str(node.weights.parts[0])[1:], node.weights.span)


def _names_weights(chunk: Chunk) -> bool:
    return chunk.name is not None and str(chunk.name.parts[0]).lower() == WEIGHTS
