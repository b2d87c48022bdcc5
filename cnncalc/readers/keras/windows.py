"""Keras's layers with a sliding window: convolutions and pools."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cnncalc.readers.importer import per_axis
from cnncalc.readers.keras.config import LayerConfig
from cnncalc.readers.keras.elementwise import activation_of
from cnncalc.readers.keras.importer import LayerPart, class_names, part, rules
from cnncalc.shape import Padding, Shape, Window


@rules.table({name: kind for kind in ("conv", "dwconv", "sepconv") for name in class_names(kind)})
def convolution(config: LayerConfig, shapes: list[Shape], kind: str) -> Iterator[LayerPart]:
    yield part(kind, **config.arguments(kind, shapes[0]))
    yield from activation_of(config)


@rules(*class_names("deconv"))
def transposed(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield a deconv, whose size is N·S, and with `valid` padding larger by the window's excess over the stride.

    With `output_padding`: (N − 1)·S + F − 2P + output_padding, where P is half of the window for `same`.
    """
    rank = shapes[0].rank
    arguments: dict[str, Any] = config.arguments("deconv", shapes[0])
    kernels, dilations, strides = (per_axis(arguments[name], rank) for name in ("kernel", "dilation", "stride"))
    extents = [Window(kernel, 1, dilation).extent for kernel, dilation in zip(kernels, dilations, strict=True)]
    if "output_padding" in arguments:
        if arguments["padding"].mode == "same":
            arguments["padding"] = Padding("explicit", tuple((extent // 2, extent // 2) for extent in extents))
    elif arguments["padding"].mode == "valid":
        more = tuple(max(stride - extent, 0) for stride, extent in zip(strides, extents, strict=True))
        arguments["output_padding"] = more
    yield part("deconv", **arguments)
    yield from activation_of(config)


POOLS = ("pool", "avgpool", "adaptiveavgpool", "adaptivemaxpool")


@rules.table({name: kind for kind in POOLS for name in class_names(kind)})
def pool(config: LayerConfig, shapes: list[Shape], kind: str) -> Iterator[LayerPart]:
    yield part(kind, **config.arguments(kind, shapes[0]))


@rules.table({name: kind for kind in ("gap", "gmp") for name in class_names(kind)})
def global_pool(config: LayerConfig, shapes: list[Shape], kind: str) -> Iterator[LayerPart]:
    """Yield a global pool; without `keepdims` a flatten follows, an alias that has the layer's name."""
    if config.flag("keepdims", default=False):
        yield part(kind)
    else:
        yield part(kind, suffix="pool")
        yield part("flatten")
