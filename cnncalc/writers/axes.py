"""What a `rearrange` does in frameworks: the axes split into those that its pattern names, and the order of these."""

from __future__ import annotations

from typing import Any

from cnncalc.graph import Node


def split_and_order(node: Node, channels_first: bool = False) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the sizes of the axes that the input is split into, and which of them stands at each place behind it.

    Put together again, these are the axes of the output. The sample's axis is not among them.
    """
    layer: Any = node.layer
    pattern, sizes = layer.layout(node.input_shapes[0])
    left, right = pattern.left, pattern.right
    if channels_first:
        left, right = (left[-1], *left[:-1]), (right[-1], *right[:-1])
    before = [name for axis in left for name in axis]
    return tuple([sizes[name] for name in before]), tuple([before.index(name) for axis in right for name in axis])


def keeps_order(order: tuple[int, ...]) -> bool:
    """Return whether the axes stay in their order, so that only the sizes change."""
    return list(order) == sorted(order)
