"""Layers that change the spatial size and have no weights: upsample, pixelshuffle and pixelunshuffle, pad, crop."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from cnncalc.layers.arguments import Choice, Integer, PaddingArgument, PerAxis
from cnncalc.layers.base import Example, Layer
from cnncalc.layers.taps import LinearTaps, NearestTaps, Taps, WindowTaps
from cnncalc.shape import AXES, Detail, Requirement, Shape, Size, equal, require, require_size


class Upsample(Layer):
    """Make the input `factor` times as large, by repeating its elements or by interpolation."""

    words = {"upsample": ()}
    keeps = "nothing"
    spatial = True
    factor = PerAxis("", help="how many times as large")
    mode = Choice("nearest", "bilinear", help="how elements between are made")
    size_rule = "N·factor; C"
    field_rule = "that of the element repeated, bilinear of those on both sides; j becomes j/factor"
    examples = (
        Example("input 7x7x8 | upsample 2", "14x14x8"),
        Example("input 7x7x8 | upsample 2x3 bilinear", "14x21x8"),
    )

    def output(self, x: Shape) -> Shape:
        return Shape(tuple(n * f for n, f in zip(x.spatial, self.factor, strict=True)), x.channels)

    def taps(self, x: Shape, y: Shape) -> tuple[Taps, ...]:
        kind = LinearTaps if self.mode == "bilinear" else NearestTaps
        return tuple([kind(1, factor) for factor in self.factor])


class PixelShuffle(Layer):
    """Lay groups of factor^axes channels out as space (sub-pixel convolution, arXiv:1609.05158)."""

    words = {"pixelshuffle": ()}
    keeps = "nothing"
    spatial = True
    factor = Integer("", help="how many times as large")
    size_rule = "N·factor; C/factor^axes"
    field_rule = "that of the element laid out; j becomes j/factor"
    examples = (Example("input 7x7x12 | pixelshuffle 2", "14x14x3"),)

    def requirements(self, x: Shape) -> Iterator[Requirement]:
        block = self.factor**x.rank

        def detail() -> Detail:
            fact = f"`channels` (={x.channels}) must be divisible by `factor`^{x.rank} (={block})"
            return Detail(fact, help=f"give the layer before it a multiple of {block} channels")

        summary = "the channels of `{layer}` cannot be laid out as space"
        yield require(equal(x.channels % block, 0), "E208", summary, detail)

    def output(self, x: Shape) -> Shape:
        return Shape(tuple(n * self.factor for n in x.spatial), x.channels // self.factor**x.rank)

    def explain_channels(self, x: Shape, y: Shape) -> str:
        block = "x".join([str(self.factor)] * x.rank)
        return f"every {self.factor**x.rank} channels become one, as {block} positions"

    def taps(self, x: Shape, y: Shape) -> tuple[Taps, ...]:
        return (NearestTaps(1, self.factor),) * x.rank


class PixelUnshuffle(Layer):
    """Lay blocks of factor^axes positions out as channels, as `pixelshuffle` backwards (space to depth)."""

    words = {"pixelunshuffle": ("spacetodepth",)}
    keeps = "nothing"
    spatial = True
    factor = Integer("", help="how many times as small")
    size_rule = "N/factor; C·factor^axes"
    field_rule = "grows by (factor − 1)·j; j becomes j·factor"
    examples = (
        # 14/2 x 14/2; each channel becomes the 2·2 of its blocks' positions.
        Example("input 14x14x3 | pixelunshuffle 2", "7x7x12"),
        Example("input 12x2 | pixelunshuffle 3", "4x6"),
    )

    def requirements(self, x: Shape) -> Iterator[Requirement]:
        for axis, n in zip(AXES[x.rank], x.spatial, strict=True):

            def detail(axis: str = axis, n: Size = n) -> Detail:
                fact = f"`{axis}` (={n}) must be divisible by `factor` (={self.factor})"
                return Detail(fact, help=f"pad or crop the {axis} to a multiple of {self.factor}")

            summary = "the sizes of `{layer}` do not divide into blocks"
            yield require(equal(n % self.factor, 0), "E208", summary, detail)

    def output(self, x: Shape) -> Shape:
        return Shape(tuple([n // self.factor for n in x.spatial]), x.channels * self.factor**x.rank)

    def explain_channels(self, x: Shape, y: Shape) -> str:
        block = "x".join([str(self.factor)] * x.rank)
        return f"every channel becomes {self.factor**x.rank}, one for each position of its {block} blocks"

    def taps(self, x: Shape, y: Shape) -> tuple[Taps, ...]:
        return (WindowTaps(self.factor - 1, self.factor, 0),) * x.rank


class Pad(Layer):
    """Add zeros at the ends of the spatial axes."""

    words = {"pad": ()}
    keeps = "nothing"
    spatial = True
    amount = PaddingArgument("", rules=(), help="rows added at each end of an axis")
    size_rule = "N + begin + end; C"
    field_rule = "begins begin·j earlier"
    examples = (Example("input 5x5x3 | pad 1x0-2", "7x7x3"),)

    def output(self, x: Shape) -> Shape:
        ends = self.amount.ends
        return Shape(tuple(n + a + b for n, (a, b) in zip(x.spatial, ends, strict=True)), x.channels)

    def taps(self, x: Shape, y: Shape) -> tuple[Taps, ...]:
        return tuple(WindowTaps(0, 1, begin) for begin, _ in self.amount.ends)


class Crop(Layer):
    """Remove elements at the ends of the spatial axes."""

    words = {"crop": ()}
    keeps = "nothing"
    is_view = True
    spatial = True
    amount = PaddingArgument("", rules=(), help="rows taken at each end of an axis")
    size_rule = "N − begin − end; C"
    field_rule = "begins begin·j later"
    examples = (Example("input 5x5x3 | crop 1", "3x3x3"),)

    def requirements(self, x: Shape) -> Iterator[Requirement]:
        for name, n, (begin, end) in zip(AXES[x.rank], x.spatial, self.amount.ends, strict=True):
            rule = partial("{} - {} - {} = {}".format, n, begin, end, n - begin - end)
            yield require_size(n - begin - end, name, rule, f"it crops all of {n}", "crop less")

    def output(self, x: Shape) -> Shape:
        ends = self.amount.ends
        return Shape(tuple(n - a - b for n, (a, b) in zip(x.spatial, ends, strict=True)), x.channels)

    def taps(self, x: Shape, y: Shape) -> tuple[Taps, ...]:
        return tuple(WindowTaps(0, 1, -begin) for begin, _ in self.amount.ends)
