"""What every layer with a sliding window shares: sizes, reach, padding and the warnings about them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from cnncalc.layers.arguments import PaddingArgument, PerAxis
from cnncalc.layers.base import Layer, Reach, Remark
from cnncalc.shape import AXES, Padding, Shape, Size, Window, require_size, same_total


class Windowed(Layer):
    """A layer that slides a window of `kernel` over its padded input. The subclass declares the arguments."""

    spatial = True
    size_rule = "floor((N + 2P − F')/S) + 1; C"
    size_notes: ClassVar[tuple[str, ...]] = (
        "`valid`: P = 0",
        "`same`: ceil(N/S), the smaller half of the padding first",
        "`full`: P = F' − 1",
    )
    reach_rule = "grows by (F' − 1)·j, begins P·j earlier; j becomes j·S"
    kernel: PerAxis
    stride: PerAxis
    padding: PaddingArgument
    dilation: PerAxis

    def windows(self, x: Shape) -> tuple[Window, ...]:
        """The window on each axis, padding resolved for the sizes of `x`."""
        place: Padding = self.padding
        ceil = self.rounds_up
        return tuple(
            [
                place.window(axis, n, kernel, stride, dilation, ceil)
                for axis, (n, kernel, stride, dilation) in enumerate(
                    zip(x.spatial, self.kernel, self.stride, self.dilation, strict=True)
                )
            ]
        )

    def same_totals(self, x: Shape) -> tuple[Size, ...]:
        """What `same` adds to each axis, at both ends together."""
        return tuple([same_total(n, window) for n, window in zip(x.spatial, self.windows(x), strict=True)])

    def swept(self, x: Shape, y: Shape) -> tuple[tuple[Size, ...], tuple[Size, ...]]:
        """The sizes that the windows move over, and how many places they take on each axis."""
        return x.spatial, y.spatial

    #: What becomes of the elements of a window, where that can be shown on values.
    gathers: ClassVar[Literal["sum of products", "largest", "mean"] | None] = None
    #: What becomes of padding: it is added around the input, or cropped from the output.
    pads: ClassVar[Literal["adds", "crops"]] = "adds"

    @property
    def rounds_up(self) -> bool:
        """Whether a window that hangs over the end counts."""
        return False

    def sizes(self, x: Shape) -> tuple[Size, ...]:
        """The output's spatial sizes; raises `ShapeError` E201 where a window does not fit."""
        windows = self.windows(x)
        sizes = tuple([window.size(n) for n, window in zip(x.spatial, windows, strict=True)])
        for name, n, window, size in zip(AXES[x.rank], x.spatial, windows, sizes, strict=True):
            room = n + window.begin + window.end
            if isinstance(room, int) and room < window.extent:
                fact = f"window {window.extent} does not fit in {room}"
                # Rounding up would still give 1 to a window that does not fit: the floor tells it plainly.
                require_size(0, name, window._replace(ceil=False).size_text(n), fact, self._way_out(n, window))
            require_size(size, name, window.size_text(n), "no place is left for a window")
        return sizes

    def _way_out(self, n: int, window: Window) -> str:
        enough = -(-(window.extent - n) // 2)
        if enough * 2 > window.extent and not self.pads_freely:
            return f"use a window of at most {n}, or remove this layer"
        return f"add `same` or `p{enough}`, or remove this layer"

    #: Whether padding may be wider than half the window.
    pads_freely = True

    def reach(self, x: Shape, y: Shape) -> tuple[Reach, ...]:
        return tuple([Reach(w.extent - 1, w.begin, w.stride) for w in self.windows(x)])

    def padding_ends(self, x: Shape) -> list[list[Size]]:
        return [[window.begin, window.end] for window in self.windows(x)]

    def remarks(self, x: Shape) -> Iterator[Remark]:
        windows = self.windows(x)
        axes = list(zip(AXES[x.rank], x.spatial, windows, strict=True))
        lost = [(name, n, window) for name, n, window in axes if window.unreached(n)]
        if lost:
            facts = " and ".join(_last(window.unreached(n), name, n) for name, n, window in lost)
            _, n, window = lost[0]
            unreached = window.unreached(n)
            larger = n + window.stride - unreached - window.end
            help = f"an input of {n - unreached} or {larger} drops nothing; `same` reaches all"
            yield Remark("W201", f"`{{layer}}` never reaches {facts}", help)
        wide = [(max(window.begin, window.end), window.extent) for window in windows]
        if self.padding.mode != "full" and any(padding >= extent for padding, extent in wide):
            padding, extent = max(wide)
            fact = f"the padding of `{{layer}}` ({padding}) is as wide as its window ({extent}) or wider"
            yield Remark("W202", fact, f"windows at the edge see zeros alone; below {extent}, none does")


def _last(count: int, axis: str, n: int) -> str:
    """`the last 2 rows (of 17)`"""
    one = {"height": "row", "width": "column", "depth": "slice"}.get(axis, "element")
    return f"the last {one} (of {n})" if count == 1 else f"the last {count} {one}s (of {n})"
