"""Where the windows of a layer lie along an axis, and how many of them an element takes part in."""

from __future__ import annotations

from math import gcd
from typing import NamedTuple

from cnncalc.graph import Node
from cnncalc.layers.windowed import Windowed
from cnncalc.shape import AXES, Window


class WindowPositions(NamedTuple):
    """The `number` of places that a window takes along an axis of `n` elements.

    For a transposed convolution these are the output's elements and the places where the input's write.
    Elements count from 0; those below and from `n` on are padding.
    """

    axis: str
    n: int
    window: Window
    number: int

    def taps(self, place: int) -> range:
        """The elements under the window at a place."""
        start = place * self.window.stride - self.window.begin
        return range(start, start + self.window.extent, self.window.dilation)

    @property
    def cells(self) -> range:
        """All elements, padding included, and what the last window hangs over the end."""
        last = self.taps(self.number - 1)[-1]
        return range(-max(self.window.begin, 0), max(self.n + self.window.end, last + 1, self.n))

    def taking_part(self, element: int) -> int:
        """How many windows the element is under.

        It is under window i where element + begin − i·stride is t·dilation for a tap t from 0 to kernel − 1:
        a stretch of places, of which every dilation/gcd(stride, dilation)-th meets the element with a tap.
        """
        stride, dilation = self.window.stride, self.window.dilation
        at: int = element + self.window.begin
        low = max(-(-(at - self.window.extent + 1) // stride), 0)
        high = min(at // stride, self.number - 1)
        common = gcd(stride, dilation)
        if at % common or high < low:
            return 0
        step = dilation // common
        first: int = at // common * pow(stride // common, -1, step) % step
        return (high - first) // step - (low - 1 - first) // step

    def coverage(self) -> list[int]:
        """`taking_part` of every element."""
        return [self.taking_part(element) for element in range(self.n)]


def window_positions(node: Node) -> tuple[WindowPositions, ...]:
    """The places of a layer's windows on each axis; none where it has no windows."""
    layer = node.layer
    if not isinstance(layer, Windowed):
        return ()
    x, y = node.input_shapes[0], node.shape
    return tuple(map(WindowPositions, AXES[x.rank], layer.swept(x, y)[0], layer.windows(x), layer.swept(x, y)[1]))
