"""Convolutions, pools and resizing as operators of ONNX."""

from __future__ import annotations

from typing import Any

from cnncalc.frameworks.notation import begins_then_ends
from cnncalc.graph import Node
from cnncalc.layers.windowed import Windowed
from cnncalc.shape import Window, ceil_div
from cnncalc.writers.emitter import Unsupported
from cnncalc.writers.onnx.model import OMITTED, Constant, Op, OperatorResult, Weight, X, op
from cnncalc.writers.onnx.operators import bias, emitter, operator_of, padding
from cnncalc.writers.windows import end_and_output_padding, ends_of, floored


def convolution(node: Node, filters: int, groups: int, has_bias: bool) -> Op:
    x, layer = node.input_shapes[0], node.layer
    assert isinstance(layer, Windowed)
    weight = Weight("weight", (filters, x.channels // groups, *layer.kernel))
    pads = begins_then_ends([(window.begin, window.end) for window in layer.windows(x)])
    return operator_of("conv", node, weight, *bias(filters, has_bias), group=groups, pads=pads)


@emitter("conv")
def conv(node: Node, layer: Any) -> list[Op]:
    return [convolution(node, layer.filters, layer.groups, layer.bias)]


@emitter("dwconv")
def dwconv(node: Node, layer: Any) -> list[Op]:
    return [convolution(node, node.shape.channels, node.input_shapes[0].channels, layer.bias)]


@emitter("sepconv")
def sepconv(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    depth = x.channels * layer.multiplier
    weight = Weight("pointwise", (layer.filters, depth, *(1,) * x.rank))
    pointwise = op("Conv", OperatorResult(0), weight, *bias(layer.filters, layer.bias), kernel_shape=[1] * x.rank)
    return [convolution(node, depth, x.channels, False), pointwise]


@emitter("deconv")
def deconv(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    windows = layer.windows(x)
    ends, more = end_and_output_padding(layer, windows)
    if any(extra >= stride for extra, stride in zip(more, layer.stride, strict=True)):
        raise Unsupported("its output padding is below the stride", "drop it, and add rows with `pad`")
    pads = begins_then_ends([(window.begin, end) for window, end in zip(windows, ends, strict=True)])
    weight = Weight("weight", (x.channels, layer.filters // layer.groups, *layer.kernel))
    return [operator_of("deconv", node, weight, *bias(layer.filters, layer.bias), output_padding=more, pads=pads)]


@emitter("pool", "avgpool")
def pool(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    if any(max(window.begin, window.end) >= window.kernel for window in layer.windows(x)):
        # Runtimes refuse that, so it is a separate layer; only a dilated pool, which is a max pool, may have it.
        ends = ends_of(floored(node, layer))
        none = begins_then_ends([(0, 0)] * x.rank)
        bare = operator_of("pool", node, pads=none, ceil_mode=0)
        return [padding(ends, float("-inf")), bare._replace(operands=(OperatorResult(0),))]
    # Its rounding up leaves no window out; where ours does, the padding at the end decides how far they go.
    windows = [
        short if leaves_out(n, window) else window
        for n, window, short in zip(x.spatial, layer.windows(x), floored(node, layer), strict=True)
    ]
    ceil = any(window.ceil for window in windows)
    return [operator_of(layer.kind, node, pads=begins_then_ends(ends_of(windows)), ceil_mode=int(ceil))]


def leaves_out(n: int, window: Window) -> bool:
    """Return whether rounding up gives a window that would start in the padding at the end."""
    room = n + window.begin + window.end - window.extent
    return window.ceil and ceil_div(room, window.stride) + 1 != window.size(n)


@emitter("adaptiveavgpool", "adaptivemaxpool")
def adaptive(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    if any(n % size for n, size in zip(x.spatial, node.shape.spatial, strict=True)):
        fact = f"its pools have windows of one size, and {x} does not divide into {node.shape}"
        raise Unsupported(fact, "ask for a size that divides the input's")
    kernel = [n // size for n, size in zip(x.spatial, node.shape.spatial, strict=True)]
    name = "AveragePool" if layer.kind == "adaptiveavgpool" else "MaxPool"
    return [op(name, X, kernel_shape=kernel, strides=kernel)]


@emitter("upsample", "resize")
def upsample(node: Node, layer: Any) -> list[Op]:
    nearest = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    rounding = nearest if layer.mode == "nearest" else {}
    size = Constant("size", node.shape.spatial)
    axes = list(range(2, 2 + node.shape.rank))
    # An empty input stands for the region of interest and for the scales, which are not given.
    resize = operator_of(layer.kind, node, OMITTED, OMITTED, size)
    return [resize._replace(attributes={**resize.attributes, "axes": axes, **rounding})]
