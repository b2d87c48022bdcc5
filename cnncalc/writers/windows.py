"""Windows as frameworks take them, where their rules are not ours."""

from __future__ import annotations

from typing import Any

from cnncalc.graph import Node
from cnncalc.shape import Window


def floored(node: Node, layer: Any) -> list[Window]:
    """Return the windows of a pool, with padding at the end under which rounding down gives what rounding up gave.

    Where the last window hangs over, the end is padded as far as it goes. Where it is left out, or stops
    short of the end, there is nothing to add: what is over is less than a step.
    """
    x = node.input_shapes[0]
    windows = []
    for n, size, window in zip(x.spatial, node.shape.spatial, layer.windows(x), strict=True):
        if window.ceil:
            needed = (size - 1) * window.stride + window.extent - window.begin - n
            window = window._replace(end=max(needed, 0), ceil=False)
        windows.append(window)
    return windows
