"""Keras's wrappers that hold more than the layer which they wrap: norms of its kernel, masks of its weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cnncalc.graph import StoredWeights, weights_of
from cnncalc.layers import Layer
from cnncalc.readers.keras.config import LayerConfig
from cnncalc.readers.keras.rules import LayerPart, rules
from cnncalc.readers.tensors import CannotInferError
from cnncalc.shape import Shape, Size


@rules("SpectralNormalization")
def spectral(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield the layer with the vector of its power iteration, as long as the kernel's last axis (arXiv:1802.05957)."""
    yield from _with_more(config, shapes, lambda layer, x: StoredWeights(0, _last_of_kernel(layer, x)))


@rules("PruneLowMagnitude")
def pruned(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield the layer with a mask of its kernel, a threshold and a counter."""
    yield from _with_more(config, shapes, lambda layer, x: StoredWeights(0, layer.weights(x) + 2))


@rules("WeightNormalization")
def weight_norm(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield the layer with a length for each filter, and the flag of its first run (arXiv:1602.07868)."""
    yield from _with_more(config, shapes, lambda layer, x: StoredWeights(_last_of_kernel(layer, x), 1))


def _last_of_kernel(layer: Layer, x: Shape) -> Size:
    """Return the size of the last axis of a kernel, as Keras lays it out."""
    arguments = vars(layer)
    if layer.kind == "deconv":
        return x.channels
    if layer.kind == "dwconv":
        return arguments["multiplier"]
    if layer.kind == "embedding":
        return arguments["table"][1]
    size = arguments.get("filters", arguments.get("units"))
    if size is None:
        raise CannotInferError
    return size


def _with_more(config: LayerConfig, shapes: list[Shape], more: Any) -> Iterator[LayerPart]:
    """Yield the parts of the wrapped layer, the first of which has more weights than by its own rule."""
    inner = config.inner(config.get("layer"))
    rule = rules.get(inner.class_name)
    if rule is None:
        raise CannotInferError
    first, *others = rule(inner, shapes)
    if not isinstance(first.layer, Layer):
        raise CannotInferError
    layer = first.layer.resolve(shapes[0])
    own = first.stored or weights_of(layer, shapes[0])
    added = more(layer, shapes[0])
    yield first._replace(stored=StoredWeights(own.params + added.params, own.buffers + added.buffers, own.frozen))
    yield from others
