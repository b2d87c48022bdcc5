"""Sliding windows of files whose tensors have their own layout: their arguments, padding by rule, and pools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from cnncalc.frameworks.notation import without_idle_countpad
from cnncalc.layers.taps import WindowTaps
from cnncalc.readers.shape_inference import Dims, ShapeMismatchError, text
from cnncalc.readers.tensor_importer import FrameworkNode, TensorImporter
from cnncalc.readers.tensors import Tensor
from cnncalc.readers.weights import StoredTensor
from cnncalc.shape import Padding, Window, transposed_size


class WindowArguments(NamedTuple):
    """The arguments of a sliding window, a number for each axis."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: Padding

    def windows(self, spatial: Dims, ceil: bool = False) -> list[Window]:
        """Return the window on each axis of an input."""
        each_axis = enumerate(zip(spatial, self.kernel, self.stride, self.dilation, strict=True))
        return [self.padding.window(axis, *each, ceil) for axis, each in each_axis]

    def same_lower(self, spatial: Dims) -> WindowArguments:
        """Return the window padded as by `same`, but with the larger half at the beginning of each axis."""
        same = self._replace(padding=Padding("same")).windows(spatial)
        return self._replace(padding=Padding("explicit", tuple((window.end, window.begin) for window in same)))


def cropped_to(
    wanted: Dims, spatial: Dims, given: WindowArguments, more: Sequence[int], larger_first: bool
) -> tuple[WindowArguments, tuple[int, ...]]:
    """Return the window and output padding of a transposed convolution whose output size a file states.

    What is too much is cropped at both ends, the larger half at the beginning with `larger_first`.
    """
    if len(wanted) != len(spatial):
        raise ShapeMismatchError(f"its output shape is {list(wanted)[:8]}")
    ends, extra = [], []
    for size, n, kernel, stride, dilation, add in zip(
        wanted, spatial, given.kernel, given.stride, given.dilation, more, strict=True
    ):
        total = transposed_size(n, Window(kernel, stride, dilation), add) - size
        extra.append(add + max(-total, 0))
        half = max(total, 0) // 2
        first = max(total, 0) - half if larger_first else half
        ends.append((first, max(total, 0) - first))
    return given._replace(padding=Padding("explicit", tuple(ends))), tuple(extra)


def pool(
    importer: TensorImporter[FrameworkNode, StoredTensor],
    node: FrameworkNode,
    x: Tensor,
    kind: str | None,
    given: WindowArguments,
    *,
    ceil: bool = False,
    countpad: bool = False,
) -> Tensor:
    """Add a pool on a channels-first tensor; without a `kind`, or where ours cannot be so, it is opaque."""
    dims = x.known_dims
    windows = given.windows(dims[2:], ceil)
    values: dict[str, Any] = {**given._asdict(), "rounding": "ceil" if ceil else "floor"}
    if kind == "avgpool":
        kind = kind if set(values.pop("dilation")) == {1} else None
        values["countpad"] = countpad
        values = without_idle_countpad(values)
    # A window that may lie in the padding alone is no pool of ours, but a file may have one.
    ends = [(end, window.extent) for window in windows for end in (window.begin, window.end) if isinstance(end, int)]
    if kind and dims[0] == 1 and all(2 * end <= extent for end, extent in ends):
        return importer.layer(node, kind, x, **values)
    sizes = [window.size(n) for window, n in zip(windows, dims[2:], strict=True)]
    if any(isinstance(size, int) and size < 1 for size in sizes):
        raise ShapeMismatchError(f"its window does not fit in {text(dims[2:])}")
    reach = tuple(map(WindowTaps.of, windows))
    return importer.opaque(node, (*dims[:2], *sizes), [x], window=reach)
