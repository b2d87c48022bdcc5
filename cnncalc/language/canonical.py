"""Whether a text is in the words of the language, or is read as frameworks, papers and prose have it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cnncalc.diagnostics import Problems, Source, Span, SpecError
from cnncalc.language.arguments import read_canonical
from cnncalc.language.missing import ANY_COUNT
from cnncalc.language.nodes import DefNode, GroupNode, InvalidNode, ItemNode, LayerNode, MergeNode
from cnncalc.language.parse import parse
from cnncalc.language.placeholders import Placeholder


class AnyHole(dict[Span, Any]):
    """A number within any bounds for any hole."""

    def __missing__(self, span: Span) -> Placeholder:
        return Placeholder(span.text)


def is_canonical(source: Source) -> bool:
    """Return whether each layer of a text, which has no errors, is in the words of the language."""
    problems = Problems()
    try:
        spec = parse(source, problems)
        items = [*spec.items, *(item for each in spec.definitions if isinstance(each, DefNode) for item in each.items)]
        for layer in _layers(items):
            read_canonical(layer, AnyHole(), ANY_COUNT)
    except SpecError:
        return False
    return not problems


def _layers(items: list[ItemNode]) -> Iterator[LayerNode]:
    """Yield the layers of items, of groups and arms as well; raises `SpecError` for what could not be read."""
    while items:
        atom = items.pop().atom
        if isinstance(atom, LayerNode):
            yield atom
        elif isinstance(atom, GroupNode):
            items += atom.items
        elif isinstance(atom, MergeNode):
            yield atom.layer
            items += [item for arm in atom.arms for item in arm]
        elif isinstance(atom, InvalidNode):
            raise SpecError(())
