"""Pools as formats for older frameworks have them, with sizes that the language's pools cannot have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnncalc.layers import Layer
from cnncalc.layers.opaque import OpaqueOp
from cnncalc.layers.taps import WindowTaps
from cnncalc.shape import Shape, ShapeError, Window

#: From a window and the number of elements of its axis to the number of its positions.
SizeRule = Callable[[Window, int], int]


def pool_of_size(layer: Layer, x: Shape | None, rule: SizeRule = Window.size) -> Layer:
    """Return a pool whose sizes follow from a rule, and whose padding may be over half of its window.

    Where no pool of the language has that padding or those sizes, it is an operator of the same windows.
    """
    if x is None:
        return layer
    try:
        resolved: Any = layer.resolve(x)
    except ShapeError:
        return layer
    per_axis = zip(resolved.kernel, resolved.stride, resolved.dilation, strict=True)
    windows = [
        resolved.padding.window(axis, n, *window)
        for axis, (n, window) in enumerate(zip(x.spatial, per_axis, strict=True))
    ]
    sizes = tuple([rule(window, n) for window, n in zip(windows, x.spatial, strict=True)])
    try:
        if resolved.infer((x,)).spatial == sizes:
            return layer
    except ShapeError:
        pass
    if not sizes or min(sizes) < 1:
        return layer  # its own rule says what is wrong
    taps = tuple([WindowTaps.of(window) for window in windows])
    return OpaqueOp(layer.kind, Shape(sizes, x.channels), window=taps)
