"""The unknowns of a spec: every `?` in it, and the item whose number of repeats is solved for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeGuard

from cnncalc.diagnostics import Diagnostic, Span, SpecError
from cnncalc.language.nodes import (
    UNKNOWN_NUMBER,
    Chunk,
    DefNode,
    GroupNode,
    Hole,
    ItemNode,
    LayerNode,
    MergeNode,
    NameNode,
    Spec,
)


class Unknown(NamedTuple):
    """A `?` in a spec, the part that contains it (an argument, or an item with its count), and the layer's text."""

    hole: Hole
    part: Chunk | ItemNode
    layer: str


def unknowns(spec: Spec) -> Iterator[Unknown]:
    """Yield every `?` of the spec, those of its blocks included."""
    stack: list[tuple[ItemNode, ...]] = [
        spec.items,
        *(each.items for each in spec.definitions if isinstance(each, DefNode)),
    ]
    while stack:
        for item in stack.pop():
            atom = item.atom
            if isinstance(item.count, Hole) and _is_unknown(item.count):
                yield Unknown(item.count, item, item.span.text)
            if isinstance(atom, LayerNode):
                for chunk in (atom.word, *atom.arguments):
                    yield from (Unknown(part, chunk, atom.span.text) for part in chunk.parts if _is_unknown(part))
            elif isinstance(atom, GroupNode):
                stack.append(atom.items)
            elif isinstance(atom, MergeNode):
                stack.extend(atom.arms)


def _is_unknown(part: Any) -> TypeGuard[Hole]:
    return isinstance(part, Hole) and isinstance(part.expression, NameNode) and part.expression.name == UNKNOWN_NUMBER


def repeated(spec: Spec) -> tuple[tuple[ItemNode, ...], str]:
    """Return the items with an unknown number of repeats, and the text of the block that is repeated.

    The block is the item with `* ?`, else the first that is repeated, else everything but the input. Raises `SpecError`
    E007 if there is nothing to repeat.
    """
    chosen = next(
        (at for at, item in enumerate(spec.items) if isinstance(item.count, Hole) and _is_unknown(item.count)), None
    )
    if chosen is None:
        chosen = next((at for at, item in enumerate(spec.items) if item.count is not None), None)
    span = spec.items[0].span
    count = Hole(NameNode(UNKNOWN_NUMBER, span), span)
    if chosen is not None:
        item = spec.items[chosen]
        repeated = item._replace(count=count)
        return (*spec.items[:chosen], repeated, *spec.items[chosen + 1 :]), item.atom.span.text
    first = 1 if _is_input(spec.items[0]) else 0
    body = spec.items[first:]
    if not body:
        raise SpecError([Diagnostic("E007", "the spec has no layer to repeat", span)])
    whole = Span(span.source, body[0].span.start, body[-1].span.end)
    return (*spec.items[:first], ItemNode(GroupNode(body, whole), whole, count)), f"({whole.text})"


def _is_input(item: ItemNode) -> bool:
    return isinstance(item.atom, LayerNode) and str(item.atom.word.parts[0]).lower().startswith("input")
