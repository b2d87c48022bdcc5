"""The taps of a layer: the elements of its input that an output reads, along one axis.

Every kind gives them for output number o, with a period: outputs o and o + `period` read the same places, `advance`
elements apart. So `rate` = advance / period is the distance in input elements between neighbouring outputs. `low` and
`high` bound the places of o as o·rate + low and o·rate + high, for sizes that are symbols or too many to enumerate.
"""

from __future__ import annotations

from math import gcd
from typing import Any, NamedTuple, Union

from cnncalc.shape import Size, Window, ratio


class WindowTaps(NamedTuple):
    """A window: output o reads o·stride − begin + t·spacing, t = 0 … grow / spacing."""

    #: The elements from the first tap to the last, less one: F' − 1.
    grow: Size
    stride: Any
    begin: Size
    spacing: Any = 1

    @classmethod
    def of(cls, window: Window) -> WindowTaps:
        """Return the taps of a window."""
        return cls(window.extent - 1, window.stride, window.begin, window.dilation)

    @property
    def known(self) -> bool:
        """Whether the places of an output are known numbers."""
        return all(isinstance(number, int) for number in self)

    @property
    def period(self) -> int:
        return 1

    @property
    def advance(self) -> int:
        stride: int = self.stride
        return stride

    @property
    def rate(self) -> Any:
        return self.stride

    @property
    def low(self) -> Any:
        return -self.begin

    @property
    def high(self) -> Any:
        return self.grow - self.begin

    def places(self, output: int) -> range:
        """Return the places that an output reads, in order."""
        first = output * self.stride - self.begin
        return range(first, first + self.grow + 1, self.spacing)


#: The taps along an axis of a layer that changes nothing there: a window of 1 at stride 1.
UNCHANGED = WindowTaps(0, 1, 0)


class TransposedTaps(NamedTuple):
    """A transposed window, which lies around each input: output o reads i where o = i·S − begin + t·d for a tap t."""

    window: Window

    @property
    def known(self) -> bool:
        """Whether the places of an output are known numbers."""
        return isinstance(self.window.begin, int)

    @property
    def period(self) -> int:
        return self.window.stride

    @property
    def advance(self) -> int:
        return 1

    @property
    def rate(self) -> Any:
        return ratio(1, self.window.stride)

    @property
    def low(self) -> Any:
        return ratio(self.window.begin - self.window.extent + 1, self.window.stride)

    @property
    def high(self) -> Any:
        return ratio(self.window.begin, self.window.stride)

    def places(self, output: int) -> range:
        """Return the places that an output reads, in order; none if every tap is between two inputs."""
        kernel, stride, dilation, begin, *_ = self.window
        common = gcd(stride, dilation)
        at = output + begin
        if at % common:
            return range(0)
        # The taps t with t·d = at (mod S) are every S/common-th, and each of them lies d/common inputs further back.
        step = stride // common
        first = at // common * pow(dilation // common, -1, step) % step if step > 1 else 0
        count = max(-(-(kernel - first) // step), 0)
        last, back = (at - first * dilation) // stride, dilation // common
        return range(last - (count - 1) * back, last + 1, back) if count else range(0)


class NearestTaps(NamedTuple):
    """Elements repeated, or left out: output o reads floor(o·inputs/outputs)."""

    inputs: Size
    outputs: Size

    @property
    def known(self) -> bool:
        """Whether the places of an output are known numbers."""
        return isinstance(self.inputs, int) and isinstance(self.outputs, int)

    @property
    def period(self) -> int:
        period: int = self.outputs // gcd(self.inputs, self.outputs)
        return period

    @property
    def advance(self) -> int:
        advance: int = self.inputs // gcd(self.inputs, self.outputs)
        return advance

    @property
    def rate(self) -> Any:
        return ratio(self.inputs, self.outputs)

    @property
    def low(self) -> Any:
        return ratio(1, self.outputs) - 1

    @property
    def high(self) -> Any:
        return 0

    def places(self, output: int) -> range:
        """Return the one place that an output reads."""
        at = output * self.inputs // self.outputs
        return range(at, at + 1)


class LinearTaps(NamedTuple):
    """Interpolation: output o is at c = (o + 1/2)·inputs/outputs − 1/2, and reads the elements on both sides of c.

    If c is an element, the output reads only that.
    """

    inputs: Size
    outputs: Size

    @property
    def known(self) -> bool:
        """Whether the places of an output are known numbers."""
        return isinstance(self.inputs, int) and isinstance(self.outputs, int)

    @property
    def period(self) -> int:
        period: int = self.outputs // gcd(self.inputs, self.outputs)
        return period

    @property
    def advance(self) -> int:
        advance: int = self.inputs // gcd(self.inputs, self.outputs)
        return advance

    @property
    def rate(self) -> Any:
        return ratio(self.inputs, self.outputs)

    @property
    def low(self) -> Any:
        return (self.rate - 3) * ratio(1, 2)

    @property
    def high(self) -> Any:
        return (self.rate + 1) * ratio(1, 2)

    def places(self, output: int) -> range:
        """Return the places that an output reads, one or two."""
        at, rest = divmod((2 * output + 1) * self.inputs - self.outputs, 2 * self.outputs)
        return range(at, at + (2 if rest else 1))


class BinTaps(NamedTuple):
    """The bins of an adaptive pool: output o reads floor(o·inputs/outputs) up to ceil((o + 1)·inputs/outputs)."""

    inputs: Size
    outputs: int

    @property
    def known(self) -> bool:
        """Whether the places of an output are known numbers."""
        return isinstance(self.inputs, int)

    @property
    def period(self) -> int:
        return self.outputs // gcd(self.inputs, self.outputs)

    @property
    def advance(self) -> int:
        advance: int = self.inputs // gcd(self.inputs, self.outputs)
        return advance

    @property
    def rate(self) -> Any:
        return ratio(self.inputs, self.outputs)

    @property
    def low(self) -> Any:
        return ratio(1 - self.outputs, self.outputs)

    @property
    def high(self) -> Any:
        return ratio(self.inputs - 1, self.outputs)

    @property
    def largest(self) -> Size:
        """The largest number of elements that an output reads."""
        return largest_bin(self.inputs, self.outputs)

    def places(self, output: int) -> range:
        """Return the places that an output reads, in order."""
        return range(output * self.inputs // self.outputs, -(-(output + 1) * self.inputs // self.outputs))


class BlockTaps(NamedTuple):
    """Blocks side by side, the first from `shift`: output o reads the block of `block` elements that it stands in."""

    block: Any
    shift: Any = 0

    @property
    def known(self) -> bool:
        """Whether the places of an output are known numbers."""
        return True

    @property
    def period(self) -> int:
        period: int = self.block
        return period

    @property
    def advance(self) -> int:
        return self.period

    @property
    def rate(self) -> Any:
        return 1

    @property
    def low(self) -> Any:
        return 1 - self.block

    @property
    def high(self) -> Any:
        return self.block - 1

    def places(self, output: int) -> range:
        """Return the places that an output reads, in order."""
        first = (output - self.shift) // self.block * self.block + self.shift
        return range(first, first + self.block)


def largest_bin(n: Size, out: Size) -> Size:
    """Return the most elements in one of `out` adaptive bins over `n`: max of ceil((i + 1)n/o) − floor(i·n/o).

    With n = q·out + r, bin i holds q elements and those that the two roundings add. Its end rounds up by
    the fraction of (i + 1)·r/out, its start rounds down by that of i·r/out. So the length is q, q + 1 or
    q + 2, and depends only on i modulo out/gcd(r, out).
    """
    if not isinstance(n, int):
        return n.apply(largest_bin, out)
    quotient, rest = divmod(n, out)
    if rest == 0:
        return quotient
    # i·r mod out runs through the multiples of g below out; a bin that starts at fraction f/out ends at
    # (f + r)/out, and is longest where ceil(f + r) is: at the largest f, out − g.
    most = out - gcd(rest, out)
    return quotient - (-(most + rest) // out)


Taps = Union[WindowTaps, TransposedTaps, NearestTaps, LinearTaps, BinTaps, BlockTaps]


class FromAxis(NamedTuple):
    """The taps along an axis that comes from another one of the input than that at its place.

    With None for the axis, the input has no such axis: the positions were elements of a vector, or channels, and each
    sees its own.
    """

    axis: int | None
    taps: Taps = UNCHANGED


#: The taps of one axis of an output, along the axis at its place or another.
AxisTaps = Union[Taps, FromAxis]
