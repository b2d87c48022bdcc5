"""The unknowns of a spec: every `?` in it, and the item whose number of repeats is solved for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeGuard

from cnncalc.diagnostics import Diagnostic, Span, SpecError
from cnncalc.language.nodes import (
    UNKNOWN_NUMBER,
    Atom,
    Chunk,
    DefNode,
    GroupNode,
    Hole,
    ItemNode,
    LayerNode,
    MergeNode,
    NameNode,
    NumberNode,
    Spec,
)

#: A number for each axis, written together, with a `?` among them: `?x3`, `1-?x0`, `(?, 3)`.
PER_AXIS = re.compile(r"[\d?]+(?:-[\d?]+)?(?:(?:\s*[xX×,*]\s*)[\d?]+(?:-[\d?]+)?)*")
BETWEEN_AXES = re.compile(r"[xX×,*]")


class Unknown(NamedTuple):
    """A `?` in a spec, the part that contains it (an argument, or an item with its count), and the layer's text.

    `argument` identifies the argument, and `axis` the spatial axis of the `?` if there is a number for each.
    """

    hole: Hole
    part: Chunk | ItemNode
    layer: str
    argument: tuple[int, int]
    axis: int | None = None


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
                yield Unknown(item.count, item, item.span.text, (id(item), 0))
            layer = atom.layer if isinstance(atom, MergeNode) else atom
            if isinstance(layer, LayerNode):
                for chunk in (layer.word, *layer.arguments):
                    yield from _unknowns_of(chunk, layer)
            if isinstance(atom, GroupNode):
                stack.append(atom.items)
            elif isinstance(atom, MergeNode):
                stack.extend(atom.arms)


def _unknowns_of(chunk: Chunk, layer: LayerNode) -> Iterator[Unknown]:
    if not any(map(_is_unknown, chunk.parts)):
        return
    text, places = "", []
    for part in chunk.parts:
        if _is_unknown(part):
            places.append((len(text), part))
        text += part if isinstance(part, str) else "?"
    for number, numbers in enumerate(PER_AXIS.finditer(text)):
        several = BETWEEN_AXES.search(numbers.group())
        for at, hole in places:
            if numbers.start() <= at < numbers.end():
                axis = len(BETWEEN_AXES.findall(text, numbers.start(), at)) if several else None
                yield Unknown(hole, chunk, layer.span.text, (id(chunk), number), axis)


def _is_unknown(part: Any) -> TypeGuard[Hole]:
    return isinstance(part, Hole) and isinstance(part.expression, NameNode) and part.expression.name == UNKNOWN_NUMBER


# -- the tree with other parts in it ---------------------------------------------------------------------


def with_numbers(spec: Spec, numbers: Mapping[int, int]) -> Spec:
    """Return the spec with numbers in place of some `?` of its layers, by the identities of the holes."""

    def chunk_with(chunk: Chunk) -> Chunk:
        parts = [
            part._replace(expression=NumberNode(str(numbers[id(part)]), part.span))
            if isinstance(part, Hole) and id(part) in numbers
            else part
            for part in chunk.parts
        ]
        return chunk._replace(parts=tuple(parts))

    def items_with(items: tuple[ItemNode, ...]) -> tuple[ItemNode, ...]:
        return tuple([item._replace(atom=atom_with(item.atom)) for item in items])

    def layer_with(layer: LayerNode) -> LayerNode:
        return layer._replace(word=chunk_with(layer.word), arguments=tuple(map(chunk_with, layer.arguments)))

    def atom_with(atom: Atom) -> Atom:
        if isinstance(atom, LayerNode):
            return layer_with(atom)
        if isinstance(atom, GroupNode):
            return atom._replace(items=items_with(atom.items))
        if isinstance(atom, MergeNode):
            return atom._replace(layer=layer_with(atom.layer), arms=tuple(map(items_with, atom.arms)))
        return atom

    definitions = [
        each._replace(items=items_with(each.items)) if isinstance(each, DefNode) else each for each in spec.definitions
    ]
    return spec._replace(items=items_with(spec.items), definitions=tuple(definitions))


def repeated_item(items: tuple[ItemNode, ...], hole: Hole) -> ItemNode | None:
    """Return the item whose count is the hole, at the top, in a group or in an arm; None if it is elsewhere."""
    for item in items:
        if item.count is hole:
            return item
        for sequence in _inside(item):
            found = repeated_item(sequence, hole)
            if found is not None:
                return found
    return None


def with_item(items: tuple[ItemNode, ...], old: ItemNode, new: ItemNode) -> tuple[ItemNode, ...]:
    """Return the items with `new` in place of `old`, also within groups and arms."""
    return tuple([new if item is old else _with_item_inside(item, old, new) for item in items])


def _with_item_inside(item: ItemNode, old: ItemNode, new: ItemNode) -> ItemNode:
    if isinstance(item.atom, GroupNode) and item.count is None:
        return item._replace(atom=item.atom._replace(items=with_item(item.atom.items, old, new)))
    if isinstance(item.atom, MergeNode) and item.count is None:
        return item._replace(atom=item.atom._replace(arms=tuple([with_item(arm, old, new) for arm in item.atom.arms])))
    return item


def _inside(item: ItemNode) -> tuple[tuple[ItemNode, ...], ...]:
    """Return the sequences in an item that is not itself a repeat."""
    if item.count is not None:
        return ()
    if isinstance(item.atom, GroupNode):
        return (item.atom.items,)
    return item.atom.arms if isinstance(item.atom, MergeNode) else ()


def first_leaf(items: tuple[ItemNode, ...]) -> ItemNode | None:
    """Return the first item of a sequence, with or without brackets around it."""
    while items and items[0].count is None and isinstance(items[0].atom, GroupNode):
        items = items[0].atom.items
    return items[0] if items else None


def names_in(items: tuple[ItemNode, ...]) -> set[str]:
    """Return the names given to items and those within them."""
    names: set[str] = set()
    stack = [items]
    while stack:
        for item in stack.pop():
            names.update([item.name] if item.name else [])
            if isinstance(item.atom, GroupNode):
                stack.append(item.atom.items)
            elif isinstance(item.atom, MergeNode):
                stack.extend(item.atom.arms)
    return names


# -- repeats ---------------------------------------------------------------------------------------------


def repeated(spec: Spec) -> tuple[Spec, str]:
    """Return the items with an unknown number of repeats, and the text of the block that is repeated.

    The block is the item with `* ?`, else the first that is repeated, else everything but the input. Raises `SpecError`
    E007 if there is nothing to repeat.
    """
    found = list(unknowns(spec))
    for each in found:
        if isinstance(each.part, Chunk):
            message, label = "with a receptive field, a `?` stands for a number of repeats", "a number of the layer"
            help = "write a number here, and `* ?` behind what is to be repeated"
            raise SpecError([Diagnostic("E117", message, each.hole.span, label, help=help)])
    if len(found) > 1:
        message, help = "two numbers of repeats are unknown at once", "write a number for one of them"
        raise SpecError([Diagnostic("E117", message, found[-1].hole.span, "a second `?`", help=help)])
    if found:
        assert isinstance(found[0].part, ItemNode)
        return spec, found[0].part.atom.span.text
    chosen = next((at for at, item in enumerate(spec.items) if item.count is not None), None)
    span = spec.items[0].span
    count = Hole(NameNode(UNKNOWN_NUMBER, span), span)
    if chosen is not None:
        item = spec.items[chosen]
        items = (*spec.items[:chosen], item._replace(count=count), *spec.items[chosen + 1 :])
        return spec._replace(items=items), item.atom.span.text
    first = 1 if _is_input(spec.items[0]) else 0
    body = spec.items[first:]
    if not body:
        raise SpecError([Diagnostic("E007", "the spec has no layer to repeat", span)])
    whole = Span(span.source, body[0].span.start, body[-1].span.end)
    items = (*spec.items[:first], ItemNode(GroupNode(body, whole), whole, count))
    return spec._replace(items=items), f"({whole.text})"


def _is_input(item: ItemNode) -> bool:
    return isinstance(item.atom, LayerNode) and str(item.atom.word.parts[0]).lower().startswith("input")
