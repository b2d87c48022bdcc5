"""`C` in the holes of a block: the channels of the tensor that comes into it, known where the block is built."""

from __future__ import annotations

from collections.abc import Iterator

from cnncalc.language.expressions import names_of
from cnncalc.language.nodes import CallNode, DefNode, Expression, GroupNode, Hole, ItemNode, LayerNode, MergeNode
from cnncalc.language.placeholders import holes_of

#: The name of that number. A let or a parameter of the same name hides it.
CHANNELS = "C"


class ChannelsUnknownError(Exception):
    """A number depends on channels that are not known yet, since layers are being counted and not built."""


def uses_channels(block: DefNode) -> bool:
    """Return whether a block computes with the channels that come in."""
    if any(parameter == CHANNELS for parameter, _ in block.parameters):
        return False
    defaults = [default for _, default in block.parameters if default is not None]
    return any(CHANNELS in names_of(each) for each in [*defaults, *_expressions(block.items)])


def _expressions(items: tuple[ItemNode, ...]) -> Iterator[Expression]:
    """Yield the expressions in the items of a block."""
    for item in items:
        atom = item.atom
        if isinstance(item.count, Hole):
            yield item.count.expression
        if isinstance(atom, LayerNode):
            yield from [hole.expression for hole in holes_of(atom)]
        elif isinstance(atom, CallNode):
            yield from [value for _, value in atom.values]
        elif isinstance(atom, GroupNode):
            yield from _expressions(atom.items)
        elif isinstance(atom, MergeNode):
            yield from [hole.expression for hole in holes_of(atom.layer)]
            for arm in atom.arms:
                yield from _expressions(arm)
