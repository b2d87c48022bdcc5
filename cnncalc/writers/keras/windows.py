"""Convolutions, pools and resizing as layers of Keras."""

from __future__ import annotations

from typing import Any

from cnncalc.frameworks.notation import one_or_each
from cnncalc.graph import Node
from cnncalc.shape import Shape
from cnncalc.writers.code import Call, LayerCode, call, positional
from cnncalc.writers.emitter import Unsupported
from cnncalc.writers.keras.calls import calls_of, chain, dilation_of, edges, emitter, is_same, layer_of, padded
from cnncalc.writers.windows import end_and_output_padding, ends_of, floored, mean_padding


@emitter("conv", "dwconv", "sepconv")
def conv(node: Node, layer: Any) -> Call:
    if layer.kind != "conv" and not has_own_depthwise(node.input_shapes[0], layer):
        return grouped(node, layer)
    pads, padding = padded(node.input_shapes[0], layer)
    if layer.kind == "conv" and layer.padding.mode == "causal":
        pads, padding = [], "causal"
    return chain(*pads, layer_of(layer.kind, node, padding=padding, dilation_rate=dilation_of(layer)))


def has_own_depthwise(x: Shape, layer: Any) -> bool:
    """Return whether Keras has this depthwise layer: on one or two axes, with equal strides."""
    return x.rank < 3 and len(set(layer.stride)) == 1


def grouped(node: Node, layer: Any) -> Call:
    """Return a depthwise or separable convolution with a group for each channel."""
    x, pointwise = node.input_shapes[0], []
    bias = {"use_bias": layer.bias}
    if layer.kind == "sepconv":
        once = {"kernel_size": 1, "strides": 1, "padding": "valid", "dilation_rate": 1, "groups": 1}
        pointwise, bias = [layer_of("conv", node, **once)], {"use_bias": False}
    pads, padding = padded(x, layer)
    filters, groups = x.channels * layer.multiplier, x.channels
    values = {"padding": padding, "dilation_rate": dilation_of(layer), "filters": filters, "groups": groups}
    depthwise = layer_of("conv", node, **values, **bias)
    arguments = [each._replace(channels=True) if each.name == "groups" else each for each in depthwise.arguments]
    return chain(*pads, Call(depthwise.function, tuple(arguments)), *pointwise)


@emitter("deconv")
def deconv(node: Node, layer: Any) -> Call:
    x = node.input_shapes[0]
    if layer.groups > 1:
        raise Unsupported("its transposed convolutions have no groups", "use one group")
    # A transposed convolution without padding, and what is over cropped behind it: the rule itself. Where the
    # kernel is smaller than its stride, what is to be added is output padding.
    windows = layer.windows(x)
    cropped, extra = end_and_output_padding(layer, windows)
    ends = [(window.begin, end) for window, end in zip(windows, cropped, strict=True)]
    same = layer.padding.mode == "same" and not any(layer.output_padding)
    if same:
        extra, ends = [0] * x.rank, [(0, 0)] * x.rank
    if any(more >= stride for more, stride in zip(extra, layer.stride, strict=True)):
        raise Unsupported("its output padding is below the stride", "drop it, and add rows with `pad`")
    short = any(window.extent < window.stride for window in windows)
    values = {
        "padding": "same" if same else "valid",
        "output_padding": one_or_each(extra) if any(extra) or (short and not same) else None,
        "dilation_rate": dilation_of(layer),
    }
    return chain(layer_of("deconv", node, **values), *edges("crop", x, ends))


@emitter("pool")
def pool(node: Node, layer: Any) -> Call:
    if any(d > 1 and k > 1 for d, k in zip(layer.dilation, layer.kernel, strict=True)):
        raise Unsupported("its pools have no dilation", "drop it")
    ends = ends_of(floored(node, layer))
    same = is_same(node.input_shapes[0], layer) and not layer.rounds_up
    pads = [] if same or not any(map(any, ends)) else [call("MaxPadding", positional("padding", tuple(ends)))]
    return chain(*pads, layer_of("pool", node, padding="same" if same else "valid"))


@emitter("avgpool")
def avgpool(node: Node, layer: Any) -> Call:
    x = node.input_shapes[0]
    padding, counted = mean = mean_padding(node, layer)
    if mean.all_counts:
        return chain(*edges("pad", x, padding), layer_of("avgpool", node, padding="valid"))
    # Where the ends differ, or a window is wider than its axis, not all of Keras's backends take the mean by that rule.
    alike = all(begin == end for begin, end in padding)
    alike = alike and all(n >= kernel for n, kernel in zip(x.spatial, layer.kernel, strict=True))
    if alike and is_same(x, layer) and not layer.rounds_up and not layer.countpad:
        return layer_of("avgpool", node, padding="same")
    window = [positional("pool_size", tuple(layer.kernel)), positional("strides", tuple(layer.stride))]
    return call("PaddedMean", *window, positional("padding", tuple(padding)), positional("counted", tuple(counted)))


#: Behind these, no maximum tells zeros from minus infinity, and Keras has a layer for zeros.
NEVER_NEGATIVE = ("relu", "relu6", "sigmoid", "hardsigmoid", "softplus", "softmax")


def padded_with_zeros(code: LayerCode, x: Shape) -> LayerCode:
    """Return a max pool with a layer before it that pads with zeros."""
    calls = calls_of(code) if isinstance(code, Call) else []
    if len(calls) < 2:
        return code
    (padding,) = calls[0].arguments
    return chain(*edges("pad", x, padding.value), calls[-1])


@emitter("adaptiveavgpool", "adaptivemaxpool")
def adaptive(node: Node, layer: Any) -> Call:
    # It takes numbers alone, so an axis that stays has that of its size.
    return layer_of(layer.kind, node, output_size=one_or_each(node.shape.spatial))


@emitter("upsample")
def upsample(node: Node, layer: Any) -> Call:
    if layer.mode == "bilinear" and node.shape.rank != 2:
        raise Unsupported("its upsampling interpolates on two axes alone", "use `nearest`")
    return layer_of("upsample", node)
