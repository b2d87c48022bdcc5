"""Convolutions, pools and resizing as modules of PyTorch."""

from __future__ import annotations

from typing import Any

from cnncalc.frameworks.notation import last_axis_first, one_or_each
from cnncalc.graph import Node
from cnncalc.writers.code import Call, RawCode, call, positional
from cnncalc.writers.pytorch.modules import emitter, module_of, padded, sequential
from cnncalc.writers.windows import ends_of, floored, mean_padding


@emitter("conv", "dwconv")
def conv(node: Node, layer: Any) -> Call:
    x = node.input_shapes[0]
    pads, padding = padded(x, layer.windows(x))
    return sequential(*pads, module_of(layer.kind, node, padding=padding))


@emitter("sepconv")
def sepconv(node: Node, layer: Any) -> Call:
    x, depth = node.input_shapes[0], node.input_shapes[0].channels * layer.multiplier
    pads, padding = padded(x, layer.windows(x))
    depthwise = module_of("dwconv", node, out_channels=depth, padding=padding, bias=False)
    once = {"kernel_size": 1, "stride": 1, "padding": 0, "dilation": 1, "groups": 1}
    return sequential(*pads, depthwise, module_of("conv", node, in_channels=depth, **once))


@emitter("deconv")
def deconv(node: Node, layer: Any) -> Call:
    # PyTorch crops both ends alike; what is to go beyond that is cropped behind it, what is to stay is
    # output padding.
    x = node.input_shapes[0]
    padding, extra, crop = [], [], []
    for window, more in zip(layer.windows(x), layer.output_padding, strict=True):
        alike = max(min(window.begin, window.end), 0)
        begin, end = window.begin - alike, window.end - alike - more
        padding.append(alike)
        extra.append(max(-end, 0))
        crop.append((-begin, -max(end, 0)))
    values = {"padding": one_or_each(padding), "output_padding": one_or_each(extra)}
    crops = [call(f"nn.ZeroPad{x.rank}d", positional("padding", last_axis_first(crop)))] if any(map(any, crop)) else []
    return sequential(module_of("deconv", node, **values), *crops)


@emitter("pool", "avgpool")
def pool(node: Node, layer: Any) -> Call:
    own = own_padding(node, layer)
    if own is not None:
        padding, ceil = own
        # Where nothing is padded, what counts is said by no argument.
        counts = {"count_include_pad": layer.countpad or not any(padding)} if layer.kind == "avgpool" else {}
        return module_of(layer.kind, node, padding=one_or_each(padding), ceil_mode=ceil, **counts)
    x = node.input_shapes[0]
    alone: dict[str, Any] = {"padding": 0, "ceil_mode": False}
    if layer.kind == "pool":
        ends = positional("padding", last_axis_first(ends_of(floored(node, layer))))
        pad = call(f"nn.ConstantPad{x.rank}d", ends, positional("value", RawCode('float("-inf")')))
        return sequential(pad, module_of("pool", node, **alone))
    mean = mean_padding(node, layer)
    bare = module_of("avgpool", node, **alone, count_include_pad=True)
    if mean.all_counts:
        return sequential(call(f"nn.ZeroPad{x.rank}d", positional("padding", last_axis_first(mean.padding))), bare)
    return call(
        "PaddedMean",
        positional("pool", bare),
        positional("padding", last_axis_first(mean.padding)),
        positional("counted", last_axis_first(mean.counted)),
    )


def own_padding(node: Node, layer: Any) -> tuple[list[int], bool] | None:
    """Return the padding and the rounding of PyTorch's pool with the same windows; None if there is no such pool.

    Its padding is equal at both ends, and at most half of its taps. Padding at the end does not change a maximum, nor
    a mean that leaves padding out: there, the end may also be the part of the last window past the input.
    """
    x = node.input_shapes[0]
    windows = layer.windows(x)
    if any(2 * window.begin > window.kernel for window in windows):
        return None
    if layer.kind == "avgpool" and x.rank == 3 and any(n < w.kernel for n, w in zip(x.spatial, windows, strict=True)):
        return None
    begins = [window.begin for window in windows]
    if all(window.begin == window.end for window in windows):
        return begins, layer.rounds_up
    if layer.kind == "avgpool" and layer.countpad:
        return None
    for ceil in (False, True):
        alike = [window._replace(end=window.begin, ceil=ceil) for window in windows]
        if tuple([window.size(n) for window, n in zip(alike, x.spatial, strict=True)]) == node.shape.spatial:
            return begins, ceil
    return None


@emitter("upsample", "resize")
def upsample(node: Node, layer: Any) -> Call:
    smooth = {1: "linear", 2: "bilinear", 3: "trilinear"}[node.shape.rank]
    return module_of(layer.kind, node, mode=smooth if layer.mode == "bilinear" else "nearest")
