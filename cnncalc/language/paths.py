"""The names of layers: those that a spec gives, and the paths of blocks in front of them."""

from __future__ import annotations

from cnncalc.diagnostics import Span, exceed
from cnncalc.language.nodes import GroupNode, ItemNode, MergeNode

#: The names of blocks around a layer, which are part of its name, may be this long in all.
MAX_PATH = 1000


def refuse_long_path(path: str, span: Span, calls: tuple[Span, ...]) -> None:
    """Raise `FatalError` E005 for names of blocks that together are too long: each layer in them has them all."""
    if len(path) > MAX_PATH:
        message = f"the names of blocks in one another are longer than {MAX_PATH:,} characters"
        exceed(message, span, "too long", "choose shorter names", calls=calls)


def given_names(items: tuple[ItemNode, ...]) -> set[str]:
    """Return all names that the spec itself gives, which numbered names must avoid."""
    names: set[str] = set()
    stack = [items]
    while stack:
        for item in stack.pop():
            if item.name is not None:
                names.add(item.name)
            if isinstance(item.atom, GroupNode):
                stack.append(item.atom.items)
            elif isinstance(item.atom, MergeNode):
                stack.extend(item.atom.arms)
    return names
