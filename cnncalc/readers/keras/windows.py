"""Keras's layers with a sliding window: convolutions and pools."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cnncalc.graph import StoredWeights
from cnncalc.readers.importer import per_axis
from cnncalc.readers.keras.activations import activation_of
from cnncalc.readers.keras.config import LayerConfig
from cnncalc.readers.keras.rules import LayerPart, class_names, operator, part, rules
from cnncalc.shape import Padding, Shape, Window


@rules.table({name: kind for kind in ("conv", "dwconv", "sepconv") for name in class_names(kind)})
def convolution(config: LayerConfig, shapes: list[Shape], kind: str) -> Iterator[LayerPart]:
    yield part(kind, **config.arguments(kind, shapes[0]))
    yield from activation_of(config)


@rules.table({"Conv2DBatchnorm": "conv", "DepthwiseConv2DBatchnorm": "dwconv"})
def folded(config: LayerConfig, shapes: list[Shape], kind: str) -> Iterator[LayerPart]:
    """Yield a convolution of QKeras with the batch norm that is folded into it, which has a counter besides."""
    yield part(kind, **config.arguments(kind, shapes[0]), suffix="conv")
    center, scale = config.flag("center"), config.flag("scale")
    channels = shapes[0].channels
    filters = config.integer("filters") if kind == "conv" else config.integer("depth_multiplier", 1) * channels
    stored = StoredWeights((center + scale) * filters, 2 * filters + 1)
    yield part("bn", affine=center or scale, scale=scale or not center, stored=stored)
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


@rules("STFTSpectrogram")
def spectrogram(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield a transform into frequencies, which is a convolution of each channel with the waves as weights.

    They are real ones, imaginary ones, or both, and count as parameters unless the file freezes them.
    """
    x, mode = shapes[0], str(config.get("mode", "log"))
    length = config.integer("frame_length", 256)
    stride = config.integer("frame_step", 0, low=0) or length // 2
    frequencies = config.integer("fft_length", length) // 2 + 1
    kernels = 1 if mode in ("real", "imag") else 2
    window = config.rule("padding").window(0, x.spatial[0], length, stride, 1)
    steps = window.size(x.spatial[0])
    made = frequencies * (2 if mode == "stft" else 1)
    stored = StoredWeights(kernels * length * frequencies)
    macs = steps * kernels * length * frequencies * x.channels
    if config.flag("expand_dims", default=False):
        yield operator(config, Shape((steps, made), x.channels), stored, macs=macs)
    else:
        yield operator(config, Shape((steps,), made * x.channels), stored, macs=macs)


@rules("MelSpectrogram")
def mel_spectrogram(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield a transform of a signal into its mel frequencies, without weights."""
    step = config.integer("sequence_stride", 256)
    steps = (shapes[0].channels + step + 1) // step
    yield operator(config, Shape.of((config.integer("num_mel_bins", 128), steps)))
