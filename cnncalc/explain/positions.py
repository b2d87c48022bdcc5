"""The positions of a layer's windows along an axis, and how many of them cover an element."""

from __future__ import annotations

from math import gcd
from typing import NamedTuple

from cnncalc.graph import Node
from cnncalc.layers.windowed import Windowed
from cnncalc.shape import AXES, Window


class WindowPositions(NamedTuple):
    """The `number` positions of a window along an axis of `n` elements.

    For a transposed convolution the elements are the output's, and an element of the input writes at each position.
    Elements count from 0; those below 0 and from `n` on are padding.
    """

    axis: str
    n: int
    window: Window
    number: int

    def taps(self, position: int) -> range:
        """Return the elements under the window at a position."""
        start = position * self.window.stride - self.window.begin
        return range(start, start + self.window.extent, self.window.dilation)

    def counted(self, position: int, padding: bool) -> int:
        """Return how many taps at a position are on elements or, with `padding`, on elements and padding."""
        low, high = (-self.window.begin, self.n + self.window.end) if padding else (0, self.n)
        return sum(1 for tap in self.taps(position) if low <= tap < high)

    @property
    def cells(self) -> range:
        """All elements, with padding and those past the end that the last window covers."""
        last = self.taps(self.number - 1)[-1]
        return range(-max(self.window.begin, 0), max(self.n + self.window.end, last + 1, self.n))

    def coverage(self, element: int) -> int:
        """Return how many windows cover the element with a tap.

        Window i does if element + begin − i·stride is t·dilation for a tap t from 0 to kernel − 1: these are
        consecutive positions, of which every dilation/gcd(stride, dilation)-th has a tap on the element.
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

    def coverages(self) -> list[int]:
        """Return the coverage of every element."""
        return [self.coverage(element) for element in range(self.n)]


def window_positions(node: Node) -> tuple[WindowPositions, ...]:
    """Return the positions of a layer's windows on each axis; none if it has no windows, or sizes are unknown."""
    layer = node.layer
    if not isinstance(layer, Windowed):
        return ()
    x, y = node.input_shapes[0], node.shape
    if not (x.is_known and y.is_known):
        return ()
    return tuple(map(WindowPositions, AXES[x.rank], layer.swept(x, y)[0], layer.windows(x), layer.swept(x, y)[1]))
