"""The base of layers with a sliding window: sizes, receptive field, padding and the warnings about them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from cnncalc.layers.arguments import PaddingArgument, PerAxis
from cnncalc.layers.base import Layer, Lint
from cnncalc.layers.taps import Taps, WindowTaps
from cnncalc.shape import (
    AXES,
    EMPTY,
    Condition,
    Detail,
    Padding,
    Requirement,
    Shape,
    ShapeError,
    Size,
    Window,
    at_least,
    ceil_div,
    require,
    same_total,
    statically_known,
)


class Windowed(Layer):
    """A layer that slides a window of `kernel` over its padded input. The subclass declares the arguments."""

    spatial = True
    size_rule = "floor((N + 2P − F')/S) + 1; C"
    size_notes: ClassVar[tuple[str, ...]] = (
        "`valid`: P = 0",
        "`same`: ceil(N/S), the smaller half of the padding first",
        "`full`: P = F' − 1",
    )
    field_rule = "grows by (F' − 1)·j, begins P·j earlier; j becomes j·S"
    kernel: PerAxis
    stride: PerAxis
    padding: PaddingArgument
    dilation: PerAxis

    #: What becomes of the elements of a window, where that can be shown on values.
    reduction: ClassVar[Literal["sum of products", "largest", "mean"] | None] = None
    #: What becomes of padding: it is added around the input, or cropped from the output.
    pads: ClassVar[Literal["adds", "crops"]] = "adds"
    #: Whether padding may be wider than half the window.
    pads_freely: ClassVar[bool] = True

    @property
    def rounds_up(self) -> bool:
        """Whether a window that extends past the end counts."""
        return False

    def windows(self, x: Shape) -> tuple[Window, ...]:
        """Return the window on each axis, with padding resolved for the sizes of `x`."""
        padding: Padding = self.padding
        ceil = self.rounds_up
        return tuple(
            [
                padding.window(axis, n, kernel, stride, dilation, ceil)
                for axis, (n, kernel, stride, dilation) in enumerate(
                    zip(x.spatial, self.kernel, self.stride, self.dilation, strict=True)
                )
            ]
        )

    def same_totals(self, x: Shape) -> tuple[Size, ...]:
        """Return the total padding of `same` on each axis, for both ends together."""
        return tuple([same_total(n, window) for n, window in zip(x.spatial, self.windows(x), strict=True)])

    def swept(self, x: Shape, y: Shape) -> tuple[tuple[Size, ...], tuple[Size, ...]]:
        """Return the sizes that the windows move over, and the number of positions on each axis."""
        return x.spatial, y.spatial

    def requirements(self, x: Shape) -> Iterator[Requirement]:
        """Yield the requirement that every window fits its padded axis, which also ensures at least one position."""
        for name, n, window in zip(AXES[x.rank], x.spatial, self.windows(x), strict=True):
            yield self._require_fit(name, n, window)

    def _require_fit(self, axis: str, n: Size, window: Window) -> Requirement:
        room, extent = n + window.begin + window.end, window.extent

        def detail() -> Detail:
            # Rounding up would still give 1 to a window that does not fit: the floor shows it plainly.
            note = f"{axis}: {window._replace(ceil=False).size_text(n)}"
            return Detail(f"window {extent} does not fit in {room}", (note,), self._way_out(n, window))

        return require(room >= extent, "E201", EMPTY, detail)

    def _way_out(self, n: int, window: Window) -> str:
        enough = -(-(window.extent - n) // 2)
        if not self.pads_freely and enough * 2 > window.extent:
            return f"use a window of at most {n}, or remove this layer"
        return f"add `same` or `p{enough}`, or remove this layer"

    def sizes(self, x: Shape) -> tuple[Size, ...]:
        """Return the output's spatial sizes."""
        return tuple([window.size(n) for n, window in zip(x.spatial, self.windows(x), strict=True)])

    def taps(self, x: Shape, y: Shape) -> tuple[Taps, ...]:
        return tuple([WindowTaps.of(window) for window in self.windows(x)])

    def padding_ends(self, x: Shape) -> list[list[Size]]:
        return [[window.begin, window.end] for window in self.windows(x)]

    def dropped(self, x: Shape) -> list[Size]:
        """Return the number of elements at the end of each axis that no window reaches."""
        return [window.dropped(n) for n, window in zip(x.spatial, self.windows(x), strict=True)]

    def drops_nothing(self, x: Shape) -> list[Condition]:
        """Return for each axis whether the windows reach its end."""
        return [window.drops_nothing(n) for n, window in zip(x.spatial, self.windows(x), strict=True)]

    def lints(self, x: Shape) -> Iterator[Lint]:
        windows = self.windows(x)
        lost = [window.dropped(n) for n, window in zip(x.spatial, windows, strict=True)]
        if any(lost):
            axes = zip(lost, AXES[x.rank], x.spatial, strict=True)
            facts = " and ".join(_last(count, name, n) for count, name, n in axes if count)
            yield Lint("W201", f"`{{layer}}` never reaches {facts}", self._advice(x, windows, lost))
        if self.padding.mode != "explicit":
            return
        ends = [(at_least(window.begin, window.end), window.extent) for window in windows]
        wide = [each for each in ends if statically_known(each[0] >= each[1])]
        if wide:
            padding, extent = max(wide)
            fact = f"the padding of `{{layer}}` ({padding}) is as wide as its window ({extent}) or wider"
            yield Lint("W202", fact, f"windows at the edge see zeros alone; below {extent}, none does")

    def _advice(self, x: Shape, windows: tuple[Window, ...], lost: list[Size]) -> str:
        """Return edits after which the windows reach the whole input; each candidate is tried."""
        left_over = [
            w.stride - (n + w.begin + w.end - w.extent) % w.stride for n, w in zip(x.spatial, windows, strict=True)
        ]
        # One more position at the end takes as many elements, or zeros, as the stride leaves over.
        more = [missing if count else 0 for missing, count in zip(left_over, lost, strict=True)]
        smaller = x._replace(spatial=tuple([n - count for n, count in zip(x.spatial, lost, strict=True)]))
        larger = x._replace(spatial=tuple([n + count for n, count in zip(x.spatial, more, strict=True)]))
        inputs = [_sizes(shape) for shape in (smaller, larger) if self._loses_nothing(shape)]
        ends = tuple([(w.begin, w.end + count) for w, count in zip(windows, more, strict=True)])
        kernel = tuple([k + ceil_div(count, d) for k, d, count in zip(self.kernel, self.dilation, lost, strict=True)])
        changes = {"padding": Padding("explicit", ends)}, {"padding": Padding("same")}, {"kernel": kernel}
        edits = [
            f"`{self.arguments[name].write(value)}`"
            if name == "padding"
            else f"a kernel of {'x'.join(map(str, kernel))}"
            for change in changes
            for name, value in change.items()
            if self._loses_nothing(x, **change)
        ]
        return f"an input of {' or '.join(inputs)} drops nothing; so does {_either(edits)}"

    def _loses_nothing(self, x: Shape, **changed: object) -> bool:
        """Return whether the layer, with some arguments changed, fits an input and drops none of it."""
        if any(statically_known(n < 1) for n in x.spatial):
            return False
        layer = self.replace(**changed).resolve(x)
        try:
            layer.infer((x,))
        except ShapeError:
            return False
        return not any(layer.dropped(x))


def _sizes(shape: Shape) -> str:
    return "x".join(map(str, shape.spatial))


def _either(ways: list[str]) -> str:
    """Return the alternatives in words: `a`, `a or b`, `a, b or c`."""
    return " or ".join([", ".join(ways[:-1]), ways[-1]] if len(ways) > 1 else ways)


def _last(count: Size, axis: str, n: Size) -> str:
    """Return the last elements of an axis in words: `the last 2 rows (of 17)`."""
    one = {"height": "row", "width": "column", "depth": "slice"}.get(axis, "element")
    return f"the last {one} (of {n})" if count == 1 else f"the last {count} {one}s (of {n})"
