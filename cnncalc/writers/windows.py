"""Conversion of windows to frameworks whose rules differ from ours."""

from __future__ import annotations

from typing import Any

from cnncalc.graph import Node
from cnncalc.shape import Window


def floored(node: Node, layer: Any) -> list[Window]:
    """Return the windows of a pool, with padding at the end so that rounding down gives the same size as rounding up.

    If the last window extends past the end, the end is padded to its extent. If it is left out, or stops
    before the end, nothing is added: the remainder is less than a step.
    """
    x = node.input_shapes[0]
    windows = []
    for n, size, window in zip(x.spatial, node.shape.spatial, layer.windows(x), strict=True):
        if window.ceil:
            needed = (size - 1) * window.stride + window.extent - window.begin - n
            window = window._replace(end=max(needed, 0), ceil=False)
        windows.append(window)
    return windows
