"""The holes of layers, and layers read without the values of these, to find errors that do not depend on them."""

from __future__ import annotations

from collections.abc import Callable

from cnncalc.language.arguments import read_layer
from cnncalc.language.missing import COUNTS
from cnncalc.language.nodes import Chunk, Hole, LayerNode
from cnncalc.layers import Layer


class Placeholder(int):
    """A number that stands for the value of a hole: within any bounds, and written as the hole's text.

    Two are equal if their texts are, since equal texts have one value.
    """

    text: str

    def __new__(cls, text: str) -> Placeholder:
        number = super().__new__(cls, 1)
        number.text = text
        return number

    def __str__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Placeholder) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __lt__(self, other: float) -> bool:
        return False

    __le__ = __gt__ = __ge__ = __lt__


#: Stands for a number that is not written.
NOT_GIVEN = Placeholder("")


def holes_of(node: LayerNode) -> list[Hole]:
    """Return the holes of a layer, in order."""
    chunks: tuple[Chunk, ...] = (node.word, *node.arguments)
    return [part for chunk in chunks for part in chunk.parts if isinstance(part, Hole)]


def text_and_holes(node: LayerNode) -> tuple[tuple[str, ...], list[Hole]]:
    """Return a node's text in parts, with `{}` for each hole, and its holes."""
    texts: list[str] = []
    holes: list[Hole] = []
    for chunk in (node.word, *node.arguments):
        if chunk.name is not None:
            texts += [part for part in chunk.name.parts if isinstance(part, str)]
            texts.append("=")
        for part in chunk.parts:
            if isinstance(part, Hole):
                holes.append(part)
                texts.append("{}")
            else:
                texts.append(part)
        texts.append(" ")
    return tuple(texts), holes


def read_with_placeholders(node: LayerNode, text: Callable[[Hole], str]) -> Layer:
    """Return the layer of a node with a `Placeholder` for each hole, and an empty one for filters that it lacks.

    `text` converts a hole to text.

    Raises `SpecError` as `read_layer` does.
    """
    values = {hole.span: Placeholder(text(hole)) for hole in holes_of(node)}
    return read_layer(node, values, dict.fromkeys(COUNTS, NOT_GIVEN))
