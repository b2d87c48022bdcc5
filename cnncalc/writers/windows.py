"""Conversion of windows to frameworks whose rules differ from ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from cnncalc.graph import Node
from cnncalc.shape import Window

#: Padding at the beginning and the end of each axis.
Ends = list[tuple[int, int]]


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


def ends_of(windows: Sequence[Window]) -> Ends:
    return [(window.begin, window.end) for window in windows]


def end_and_output_padding(layer: Any, windows: Sequence[Window]) -> tuple[list[int], list[int]]:
    """Return the crop of a transposed convolution at the end of each axis, and its output padding; one is 0."""
    over = [window.end - more for window, more in zip(windows, layer.output_padding, strict=True)]
    return [max(end, 0) for end in over], [max(-end, 0) for end in over]


class MeanPadding(NamedTuple):
    """The padding of an average pool whose framework layer has none: all of it, and the part counted in the mean."""

    padding: Ends
    counted: Ends

    @property
    def all_counts(self) -> bool:
        """Whether zeros before a pool without padding give the same means, as they do without any padding."""
        return self.padding == self.counted


def mean_padding(node: Node, layer: Any) -> MeanPadding:
    """Return the padding of an average pool whose size is then rounded down.

    What the last window covers beyond the padding, if sizes are rounded up, is padded and never counts.
    """
    windows = floored(node, layer)
    padding = ends_of(windows)
    if not layer.countpad:
        return MeanPadding(padding, [(0, 0)] * len(padding))
    own = layer.windows(node.input_shapes[0])
    counted = [(window.begin, min(window.end, each.end)) for window, each in zip(windows, own, strict=True)]
    return MeanPadding(padding, counted)
