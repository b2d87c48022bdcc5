"""Layers that Keras's `TimeDistributed` applies to each step: what each is on all steps at once."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from cnncalc.graph import StoredWeights, weights_of
from cnncalc.layers import Layer
from cnncalc.layers.base import WHOLE
from cnncalc.layers.merge import Merge
from cnncalc.layers.opaque import OpaqueOp
from cnncalc.layers.windowed import Windowed
from cnncalc.readers.importer import make
from cnncalc.shape import Padding, Shape, Size

#: Arguments with a number for each axis; along the steps it is 1.
PER_AXIS = ("kernel", "stride", "dilation", "factor")


def on_all_steps(
    layer: Layer, inputs: Sequence[Shape], steps: tuple[Size, ...], stored: StoredWeights | None
) -> tuple[Layer, StoredWeights | None]:
    """Return the layer that does on all steps what `layer` does on each, and the weights stored with it.

    `inputs` are the shapes of one step. A window spans one step; a layer without an equivalent is an operator of
    the same figures.
    """
    x = inputs[0]
    if isinstance(layer, OpaqueOp):
        shape = Shape((*steps, *layer.shape.spatial), layer.shape.channels) if layer.shape.has_rank else layer.shape
        macs = layer.macs * prod(steps)
        memory: Any = layer.memory
        return OpaqueOp(layer.kind, shape, known=layer.known, macs=macs, local=layer.local, memory=memory), stored
    same = _on_all_axes(layer, x, steps)
    if same is not None:
        return same, stored
    resolved = layer.resolve(x)
    y = resolved.infer(tuple(inputs))
    macs = resolved.multiply_adds(x, y) * prod(steps)
    held = weights_of(resolved, x) if stored is None else stored
    return OpaqueOp(layer.kind, Shape((*steps, *y.spatial), y.channels), macs=macs), held


def _on_all_axes(layer: Layer, x: Shape, steps: tuple[Size, ...]) -> Layer | None:
    """Return the layer of the same kind on the axes of the steps as well; None if there is none."""
    count = len(steps)
    if layer.kind in ("flatten", "reshape"):
        made = (x.elements,) if layer.kind == "flatten" else vars(layer)["shape"]
        dims = (*steps, *made)
        whole = all(isinstance(size, int) for size in dims) and len(dims) <= 4
        return make("reshape", shape=dims) if whole else OpaqueOp("reshape", Shape.of(dims), memory="alias")
    if layer.kind == "fc":
        return layer.replace(each=True) if not x.spatial else None
    if isinstance(layer, Windowed) or layer.kind in ("upsample", "pad", "crop"):
        return _windowed(layer, count)
    if isinstance(layer, Merge):
        return layer if vars(layer).get("axis", "channels") == "channels" else None
    if layer.kind == "slice":
        return layer
    keeps = layer.infer((x,)) == x and not vars(layer).get("all", False)
    return layer if keeps and layer.taps(x, x) != WHOLE else None


def _windowed(layer: Layer, count: int) -> Layer | None:
    changed: dict[str, Any] = {}
    for name in layer.arguments:
        value = vars(layer)[name]
        if (name in PER_AXIS and len(value) > 1) or (name == "kernel" and set(value) != {1}):
            changed[name] = (1,) * count + value
        elif name == "output_padding" and any(value):
            changed[name] = (0,) * count + value
        elif isinstance(value, Padding) and value.mode == "explicit":
            changed[name] = value._replace(ends=((0, 0),) * count + value.ends)
        elif name in PER_AXIS and set(value) != {1}:
            changed[name] = (1,) * count + value
        elif isinstance(value, Padding) and value.mode not in ("valid", "same"):
            return None
    return layer.replace(**changed)
