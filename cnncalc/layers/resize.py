"""Layers that change the spatial size and have no weights: by a factor, to a size, by padding and cropping."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, ClassVar

from cnncalc.layers.arguments import Choice, Integer, PaddingArgument, PerAxis
from cnncalc.layers.base import Example, Layer
from cnncalc.layers.pieces import ArgumentError
from cnncalc.layers.references import CropArgument, Offset, SizeArgument, TensorSize
from cnncalc.layers.taps import UNCHANGED, LinearTaps, NearestTaps, Taps, WindowTaps
from cnncalc.shape import AXES, Detail, Padding, Requirement, Shape, Size, equal, ratio, require, require_size


class Upsample(Layer):
    """Make the input `factor` times as large, by repeating its elements or by interpolation."""

    words = {"upsample": ()}
    keeps = "nothing"
    spatial = True
    factor = PerAxis("", help="how many times as large")
    implied: ClassVar[Mapping[str, Any]] = {"factor": (2,)}
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


class Resize(Layer):
    """Scale to a size, or to that of another tensor: output i is element floor(i·N/O), or between two of them."""

    words = {"resize": ("interpolate",)}
    keeps = "nothing"
    spatial = True
    size = SizeArgument(sample="20x19", help="output size, or the tensor of that size")
    mode = Choice("nearest", "bilinear", help="how elements between are made")
    size_rule = "size; C"
    field_rule = "that of the element taken, bilinear of those on both sides; j becomes j·N/O"
    examples = (
        Example("input 7x9x8 | resize 20x19", "20x19x8"),
        # 16 halved is 8, and resized to what came before the pool.
        Example("input 16x15x4 | relu as a | pool 2 | resize @a bilinear", "16x15x4"),
    )

    @property
    def sizes(self) -> tuple[Size, ...]:
        """The output's size on each axis."""
        size: Any = self.size
        sizes: Any = size.sizes if isinstance(size, TensorSize) else size
        return tuple(sizes)

    def output(self, x: Shape) -> Shape:
        return Shape(self.sizes, x.channels)

    def taps(self, x: Shape, y: Shape) -> tuple[Taps, ...]:
        return tuple([self._taps(n, out) for n, out in zip(x.spatial, y.spatial, strict=True)])

    def _taps(self, n: Size, out: Size) -> Taps:
        share = ratio(n, out)
        if share == 1:
            return UNCHANGED
        # Sizes in letters may be as many times as large whatever the letters are.
        terms = (n, out) if not hasattr(share, "numerator") else (share.numerator, share.denominator)
        return (LinearTaps if self.mode == "bilinear" else NearestTaps)(*terms)


class Unpool(Layer):
    """Put each element where a max pool of that size found it in its block, with zeros around it (arXiv:1505.04366)."""

    words = {"unpool": ("maxunpool",)}
    keeps = "nothing"
    spatial = True
    factor = PerAxis("", help="how many times as large: the window of the max pool")
    size_rule = "N·factor; C"
    field_rule = "that of the element in its block; j becomes j/factor"
    examples = (
        # Blocks of 2·2, and of 2·3.
        Example("input 7x7x8 | unpool 2", "14x14x8"),
        Example("input 14x12x8 | pool 2x3 | conv 1x1 x8 | unpool 2x3", "14x12x8", params=72, macs=1792),
    )

    def output(self, x: Shape) -> Shape:
        return Shape(tuple([n * f for n, f in zip(x.spatial, self.factor, strict=True)]), x.channels)

    def explain_channels(self, x: Shape, y: Shape) -> str:
        block = "x".join(map(str, self.factor))
        return f"each channel by itself: one element of each {block} block is an input's, the others are 0"

    def taps(self, x: Shape, y: Shape) -> tuple[Taps, ...]:
        return tuple([NearestTaps(1, factor) for factor in self.factor])


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
    """Remove elements at the ends of the spatial axes, or leave the middle of the size of another tensor."""

    words = {"crop": ()}
    keeps = "nothing"
    is_view = True
    spatial = True
    amount = CropArgument(help="rows taken at each end of an axis, or the tensor of the size that is left")
    offset = Offset(help="rows taken at the beginning, with `@NAME`; without it, the smaller half of all")
    size_rule = "N − begin − end; C"
    size_notes = ("`@NAME`: the size of that tensor, out of the middle; with `offset=b` from b on",)
    field_rule = "begins begin·j later"
    examples = (
        Example("input 5x5x3 | crop 1", "3x3x3"),
        # 9 − 2 = 7 are left by the convolution: one goes at each end.
        Example("input 9x9x3 | relu as a | conv 3x3 x1 nobias as b | @a | crop @b", "7x7x3", params=27, macs=1323),
    )

    def __init__(self, word: str, /, **values: Any) -> None:
        super().__init__(word, **values)
        if self.offset is not None and not isinstance(self.amount, TensorSize):
            message = "`offset` is for a crop to the size of a tensor"
            help = "write `crop @NAME offset=5`, or both ends in numbers: `crop 5-3`"
            raise ArgumentError("E102", message, "there is no `@NAME`", None, help)

    def resolve(self, x: Shape) -> Crop:
        layer = super().resolve(x)
        amount: Any = layer.amount
        if not isinstance(amount, TensorSize) or not amount.known:
            return layer
        ends = tuple(layer.ends(x))
        fits = all(isinstance(end, int) and end >= 0 for _, end in ends)
        return layer.with_values({"amount": Padding("explicit", ends), "offset": None}) if fits else layer

    def ends(self, x: Shape) -> Iterator[tuple[Size, Size]]:
        """Yield how many elements go at the beginning and at the end of each axis."""
        amount: Any = self.amount
        if not isinstance(amount, TensorSize):
            yield from amount.ends
            return
        for axis, (n, left) in enumerate(zip(x.spatial, amount.sizes or (), strict=True)):
            begin = (n - left) // 2 if self.offset is None else self.offset[axis]
            yield begin, n - left - begin

    def requirements(self, x: Shape) -> Iterator[Requirement]:
        amount: Any = self.amount
        for name, n, (begin, end) in zip(AXES[x.rank], x.spatial, self.ends(x), strict=True):
            if isinstance(amount, TensorSize):
                yield self._require_fit(name, n, begin, end)
                continue
            rule = partial("{} - {} - {} = {}".format, n, begin, end, n - begin - end)
            yield require_size(n - begin - end, name, rule, f"it crops all of {n}", "crop less")

    def _require_fit(self, axis: str, n: Size, begin: Size, end: Size) -> Requirement:
        def detail() -> Detail:
            left, too_few = n - begin - end, end
            taken = [n, left, begin]
            if self.offset is None:
                taken, too_few = [n, left], n - left
            start = f", from {begin} on" if self.offset is not None else ""
            note = f"{axis}: {' - '.join(map(str, taken))} = {too_few}"
            help = "name a smaller tensor, or write `resize`, which makes it larger"
            return Detail(f"`{self.amount}` has {left}{start}, its input {n}", (note,), help)

        fits = end >= 0 if self.offset is not None else begin >= 0
        return require(fits, "E212", "`{layer}` asks for more than there is", detail)

    def output(self, x: Shape) -> Shape:
        sizes = [n - begin - end for n, (begin, end) in zip(x.spatial, self.ends(x), strict=True)]
        return Shape(tuple(sizes), x.channels)

    def fields(self, x: Shape | None) -> dict[str, object]:
        values = super().fields(x)
        if x is not None:
            values["amount"] = [list(ends) for ends in self.ends(x)]
        if self.offset is None:
            del values["offset"]
        return values

    def taps(self, x: Shape, y: Shape) -> tuple[Taps, ...]:
        return tuple([WindowTaps(0, 1, -begin) for begin, _ in self.ends(x)])
