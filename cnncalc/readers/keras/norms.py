"""Keras's norms, whose weights are those of the axes that each normalizes."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from cnncalc.graph import StoredWeights
from cnncalc.readers.keras.config import LayerConfig
from cnncalc.readers.keras.rules import LayerPart, class_names, elementwise, part, rules
from cnncalc.shape import Shape, Size


def along(config: LayerConfig, x: Shape, default: object = -1) -> Size:
    """Return the number of weights of a norm: the product of the sizes of its axes."""
    sizes = config.file_order(x)
    return prod(sizes[place] for place in config.axes(x, config.get("axis"), default))


def is_of_channels(config: LayerConfig, x: Shape, default: object = -1) -> bool:
    """Return whether the axis of a norm is that of the channels, wherever they stand; so if nothing is known of it."""
    axis = config.get("axis", default)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    if not x.has_rank:
        return bool(axis == -1)
    last = 0 if config.channels_first and x.spatial else x.rank
    return config.axes(x, axis) == (last,)


@rules(*class_names("bn"))
def batch_norm(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    yield norm(config, shapes[0], "bn", buffers=2)


@rules(*class_names("ln"))
def layer_norm(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    x = shapes[0]
    axes = config.get("axis", -1)
    if config.flag("rms_scaling", default=False):
        yield elementwise(config, x, StoredWeights(along(config, x)))
        return
    everything = isinstance(axes, list) and len(axes) > 1 and len(axes) == len(x.dims)
    # An axis of a file of Keras 2 with channels first is that of the channels all the same.
    yield norm(config, x, "ln", all=everything)


@rules(*class_names("gn"))
def group_norm(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    groups = config.integer("groups", 32, low=-1)
    x = shapes[0]
    if is_of_channels(config, x):
        yield norm(config, x, "gn", groups=x.channels if groups == -1 else groups)
    else:
        yield elementwise(config, x, _held(config, along(config, x)))


@rules("InstanceNormalization")
def instance_norm(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    yield norm(config, shapes[0], "instancenorm")


def norm(config: LayerConfig, x: Shape, kind: str, buffers: int = 0, **arguments: Any) -> LayerPart:
    """Return a norm; weights that none of our layers has (one without a bias, other axes) are stored with it."""
    center, scale = config.flag("center"), config.flag("scale")
    layer = part(kind, affine=center or scale, scale=scale or not center, **arguments)
    if arguments.get("all"):
        count: Size = x.elements
    elif is_of_channels(config, x):
        count = x.channels
    else:
        count = along(config, x)
        return layer._replace(stored=StoredWeights((center + scale) * count, buffers * count))
    if scale and not center:
        layer = layer._replace(stored=StoredWeights(count, buffers * count))
    return layer


def _held(config: LayerConfig, count: Size) -> StoredWeights:
    return StoredWeights((config.flag("center") + config.flag("scale")) * count)


@rules("RMSNormalization")
def rms_norm(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    x = shapes[0]
    yield elementwise(config, x, StoredWeights(x.channels if is_of_channels(config, x) else along(config, x)))


@rules("Normalization")
def normalization(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield a norm whose mean and variance, and a count, are measured and not trained; given ones are no weights."""
    x = shapes[0]
    axis = config.values.get("axis", -1)
    measured = None
    if config.get("mean") is None:
        each: Size = 1 if axis is None or axis == [] else along(config, x)
        measured = StoredWeights(0, 2 * each + 1)
    yield elementwise(config, x, measured)


@rules("LayerScale")
def layer_scale(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield a weight for each channel, by which it is multiplied (ConvNeXt's, arXiv:2103.17239)."""
    yield part("scale")
