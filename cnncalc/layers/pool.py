"""Pooling: by windows, over the whole input, or to a given size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from cnncalc.layers.arguments import Choice, Flag, PaddingArgument, PerAxis
from cnncalc.layers.base import BYTES_OF_INDEX, WHOLE, Example, Layer
from cnncalc.layers.pieces import WORD, Pieces
from cnncalc.layers.taps import UNCHANGED, BinTaps, Taps
from cnncalc.layers.windowed import Windowed
from cnncalc.shape import AXES, Detail, Padding, Requirement, Shape, Size, Window, at_least, require


class Pooling(Windowed):
    """The base of pools by window: the stride is the kernel, and padding is at most half of the window."""

    kernel = PerAxis("", in_full=True, help="window size")
    stride = PerAxis("s", default=None, like="kernel", help="step of the window")
    padding = PaddingArgument("p", default=Padding("valid"), help="rows added at each end of an axis")
    implied: ClassVar[Mapping[str, Any]] = {"kernel": (2,)}
    pads_freely = False
    keeps = "inputs"
    size_notes = (
        *Windowed.size_notes,
        "`ceil`: rounded up, but a window that would start in the padding at the end is left out",
    )

    def requirements(self, x: Shape) -> Iterator[Requirement]:
        if self.padding.mode != "valid":
            for name, window in zip(AXES[x.rank], self.windows(x), strict=True):
                yield _require_half(name, window)
        yield from super().requirements(x)

    def output(self, x: Shape) -> Shape:
        return Shape(self.sizes(x), x.channels)

    def explain_channels(self, x: Shape, y: Shape) -> str:
        return each_by_itself(y)


class MaxPool(Pooling):
    """The largest element of each window, channel by channel."""

    words = {"pool": ("maxpool",)}
    ranked = True
    reduction = "largest"
    dilation = PerAxis("d", default=(1,), help="distance between taps")
    rounding = Choice("floor", "ceil", help="how the size is rounded")
    examples = (
        Example("input 4x4x3 | pool 2", "2x2x3"),
        Example("input 5x5x3 | maxpool 3x3 s2 p1", "3x3x3"),
        Example("input 6x6x1 | pool 3 s2 ceil", "3x3x1"),
    )

    @property
    def rounds_up(self) -> bool:
        return self.rounding == "ceil"

    def kept_bytes(self, y: Shape) -> Size:
        # For each output, which of its inputs it is.
        return BYTES_OF_INDEX * y.elements


class AvgPool(Pooling):
    """The mean of each window, channel by channel: of its elements or, with `countpad`, of its padding as well."""

    words = {"avgpool": ()}
    ranked = True
    reduction = "mean"
    rounding = Choice("floor", "ceil", help="how the size is rounded")
    countpad = Flag("countpad", None, default=False, help="whether padding counts")
    examples = (Example("input 8x6 | avgpool 2", "4x6"),)

    @property
    def dilation(self) -> tuple[int, ...]:  # type: ignore[override]  # no argument: taps are always neighbours
        return (1,) * len(self.kernel)

    @property
    def rounds_up(self) -> bool:
        return self.rounding == "ceil"


class GlobalPool(Layer):
    """Reduce each channel to one number: its mean (gap) or its largest element (gmp)."""

    words = {"gap": ("globalavgpool",), "gmp": ("globalmaxpool",)}
    spatial = True
    size_rule = "1 on each axis; C"
    field_rule = "the whole input"
    examples = (Example("input 7x7x512 | gap", "1x1x512"), Example("input 9x8 | gmp", "1x8"))

    @property
    def keeps(self) -> Literal["nothing", "inputs"]:  # type: ignore[override]  # differs by kind
        # The gradient of a mean depends on no value.
        return "nothing" if self.kind == "gap" else "inputs"

    def kept_bytes(self, y: Shape) -> Size:
        return BYTES_OF_INDEX * y.elements if self.kind == "gmp" else 0

    def output(self, x: Shape) -> Shape:
        return Shape((1,) * x.rank, x.channels)

    def explain_channels(self, x: Shape, y: Shape) -> str:
        return each_by_itself(y)

    def taps(self, x: Shape, y: Shape) -> Literal["whole"]:
        return WHOLE


class PooledSize(PerAxis):
    """A size for each spatial axis, or `_` for an axis that stays as it is (None): `5x_`."""

    def begins(self, letters: str) -> bool:
        return letters.startswith("_")

    def read(self, pieces: Pieces) -> tuple[Any, ...]:
        values = [self._size(pieces)]
        while pieces.take_mark("x") or self._take_x(pieces):
            values.append(self._size(pieces))
        return tuple(values)

    def _size(self, pieces: Pieces) -> int | None:
        piece = pieces.next
        if piece is not None and piece.kind == WORD and piece.value.startswith("_"):
            pieces.take_character()
            return None
        size: int = self._number(pieces, self.low)
        return size

    @staticmethod
    def _take_x(pieces: Pieces) -> bool:
        """Take the `x` in front of a `_`; return whether there is one."""
        piece = pieces.next
        if piece is None or piece.kind != WORD or not piece.value.startswith("x_"):
            return False
        pieces.take_character()
        return True

    def spell(self, value: tuple[Any, ...]) -> str:
        return "x".join("_" if size is None else str(size) for size in value)

    def to_json(self, value: tuple[Any, ...]) -> object:
        return ["_" if size is None else size for size in value]

    def forms(self) -> list[str]:
        return [*super().forms(), "5x_"]


class AdaptivePool(Layer):
    """Pool to a given size: output i takes the elements floor(i·N/O) up to ceil((i + 1)·N/O)."""

    words = {"adaptiveavgpool": (), "adaptivemaxpool": ()}
    spatial = True
    size = PooledSize("", in_full=True, sample="7x7", help="output size; `_` leaves an axis as it is")
    size_rule = "size; C"
    field_rule = "the hull of those of its elements, at most B of them; j becomes j·N/O"
    examples = (
        Example("input 15x15x8 | adaptiveavgpool 7x7", "7x7x8"),
        Example("input 15x13x8 | adaptiveavgpool 5x_", "5x13x8"),
    )

    @property
    def keeps(self) -> Literal["nothing", "inputs"]:  # type: ignore[override]  # differs by kind and size
        # To a single position it is a mean, as gap is.
        mean = self.kind == "adaptiveavgpool" and all(size == 1 for size in self.size)
        return "nothing" if mean else "inputs"

    def kept_bytes(self, y: Shape) -> Size:
        return BYTES_OF_INDEX * y.elements if self.kind == "adaptivemaxpool" else 0

    def output(self, x: Shape) -> Shape:
        sizes = zip(x.spatial, self.size, strict=True)
        return Shape(tuple([n if out is None else out for n, out in sizes]), x.channels)

    def decompose(self, x: Shape) -> tuple[Layer, ...]:
        everything = all(out == 1 for out in self.size)
        return (GlobalPool("gap" if self.kind == "adaptiveavgpool" else "gmp"),) if everything else (self,)

    def explain_channels(self, x: Shape, y: Shape) -> str:
        return each_by_itself(y)

    def taps(self, x: Shape, y: Shape) -> tuple[Taps, ...]:
        sizes = zip(x.spatial, self.size, strict=True)
        return tuple([UNCHANGED if out is None else BinTaps(n, out) for n, out in sizes])


def _require_half(axis: str, window: Window) -> Requirement:
    """Require that padding is at most half of the window, since a window could otherwise cover only padding."""
    most = at_least(window.begin, window.end)

    def detail() -> Detail:
        half = window.extent // 2
        note = f"{axis}: a window could lie in the padding alone, where there is nothing to pool"
        return Detail(
            f"padding {most} must be at most {half}, half of {window.extent}", (note,), f"write `p{half}` or `same`"
        )

    return require(2 * most <= window.extent, "E205", "the padding of `{layer}` is over half its window", detail)


def each_by_itself(y: Shape) -> str:
    return f"each channel by itself, so that as many come out as go in: {y.channels}"
