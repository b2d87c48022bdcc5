"""The rules of Darknet's sections, each of which converts a section to our layers."""

from __future__ import annotations

from typing import Any

from cnncalc.frameworks.darknet import DARKNET, HEADS, TRAINING
from cnncalc.graph import UNKNOWN, StoredWeights
from cnncalc.layers import Layer
from cnncalc.layers.opaque import OpaqueOp
from cnncalc.layers.taps import WindowTaps
from cnncalc.readers.darknet.cfg import CfgSection
from cnncalc.readers.darknet.importer import ConvolutionWeights, DarknetImporter, rules
from cnncalc.readers.errors import fail
from cnncalc.readers.importer import elementwise_op, explicit_padding, make, symmetric_padding
from cnncalc.readers.pools import pool_of_size
from cnncalc.shape import Padding, Shape, Window

#: Kinds whose sections mean our layer and nothing else, with the arguments of the table.
PLAIN = ("gap", "bn", "dropout", "softmax", "lrn")


@rules.table({name: kind for kind in PLAIN for name in DARKNET.equivalent(kind).names})
def plain(importer: DarknetImporter, section: CfgSection, last: int, kind: str) -> int:
    return importer.add_layer(section, section.make(kind), last)


# -- layers with weights -------------------------------------------------------------------------------------


@rules.table({name: kind for kind in ("deconv", "fc") for name in DARKNET.equivalent(kind).names})
def weighted(importer: DarknetImporter, section: CfgSection, last: int, kind: str) -> int:
    """Add a layer with weights; followed by a batch norm, it has no bias."""
    normalized = section.flag("batch_normalize", default=False)
    padding = {} if kind == "fc" else {"padding": symmetric_padding((_amount(section),) * 2)}
    layer = section.make(kind, **padding, bias=not normalized)
    return importer.add_ending(section, importer.add_layer(section, layer, last), normalized, "logistic")


@rules(*DARKNET.equivalent("conv").names)
def conv(importer: DarknetImporter, section: CfgSection, last: int) -> int:
    """Add a convolution, its batch norm and activation, and the blur behind it; some share an earlier one's weights."""
    normalized = section.flag("batch_normalize", default=False) or section.flag("cbn", default=False)
    x = importer.shape(last)
    layer = section.make("conv", padding=Padding("valid"), bias=not normalized)
    if section.integer("xnor", 0, low=0):
        layer = layer.replace(groups=1)
    stride = layer.stride
    antialiasing = section.integer("antialiasing", 0, low=0)
    if antialiasing:
        layer = layer.replace(stride=(1, 1))
    if layer.kernel == (1, 1):
        layer = layer.replace(dilation=(1, 1))
    layer = layer.replace(padding=_conv_padding(section, layer, x))
    shared = _shared(importer, section, layer, x, normalized)
    node = importer.add_layer(section, layer, last)
    if shared is not None:
        importer.share(node, shared)
    importer.convolution_nodes[len(importer.ends)] = node
    # A norm stands right behind its convolution.
    norm = shared + 1 if shared is not None and shared != UNKNOWN else shared
    node = importer.add_ending(section, node, normalized, "logistic", norm)
    return _blur(importer, section, node, antialiasing, stride)


def _amount(section: CfgSection) -> int:
    """Return half of the window with `pad=1`, else the number `padding`."""
    half = section.integer("size", 1) // 2
    return half if section.integer("pad", 0, low=0) else section.integer("padding", 0, low=0)


def _conv_padding(section: CfgSection, layer: Any, x: Shape | None) -> Padding:
    """Return the padding of a convolution: the amount times the dilation.

    The size of the output is the one that the window would have without a dilation. Where that padding does not give
    it, the end is padded as far as the last window reaches.
    """
    amount = _amount(section)
    ends = []
    for kernel, stride, dilation, n in zip(
        layer.kernel, layer.stride, layer.dilation, x.spatial if x and x.rank == 2 else (0, 0), strict=True
    ):
        begin = end = amount * dilation
        positions = (n + 2 * amount - kernel) // stride + 1
        window = Window(kernel, stride, dilation, begin, end)
        if n and positions > 0 and window.size(n) != positions:
            end = max((positions - 1) * stride + window.extent - n - begin, 0)
        ends.append((begin, end))
    return explicit_padding(ends)


def _shared(
    importer: DarknetImporter, section: CfgSection, layer: Layer, x: Shape | None, normalized: bool
) -> int | None:
    """Return the node of the earlier convolution that `share_index` names for the weights of this one, else None.

    Raises `SpecError` E307 if that is no convolution, and E306 if it has another number of weights.
    """
    number = len(importer.ends)
    if x is None or importer.output(layer, x) is None:
        return None
    held = ConvolutionWeights(layer.resolve(x).weights(x), normalized)
    importer.convolutions[number] = held
    if not section.states("share_index"):
        return None
    span = section.options["share_index"].span
    source = importer.earlier_number(section.integer("share_index", low=-number), span)
    if source not in importer.convolutions:
        fail("E307", f"layer {source} is no convolution whose weights can be shared", "not one", span=span)
    theirs = importer.convolutions[source]
    if theirs.weights != held.weights:
        message = f"the weights of layer {source} do not fit"
        fail("E306", message, f"it has {theirs.weights}, and {held.weights} are needed", span=span)
    return importer.convolution_nodes[source] if theirs.normalized >= normalized else None


def _blur(importer: DarknetImporter, section: CfgSection, node: int, antialiasing: int, stride: tuple[int, ...]) -> int:
    """Add the blur of `antialiasing`, of constant weights: a window of 3x3 or, with 2, of 2x2 without padding."""
    if not antialiasing:
        return node
    size, padding = (2, Padding("valid")) if antialiasing == 2 else (3, symmetric_padding((1, 1)))
    blur = make("dwconv", kernel=(size, size), stride=stride, padding=padding, bias=False)
    # Its weights are constants of the program: no file of weights holds them.
    return importer.add_layer(section, blur, node, stored=StoredWeights())


@rules("deformableconvolutional")
def deformable_conv(importer: DarknetImporter, section: CfgSection, last: int) -> int:
    """Add a modulated deformable convolution as ScaledYOLOv4 has it.

    Two convolutions of 3x3, with biases, give two offsets and a factor for each tap of the window.
    """
    x = importer.shape(last)
    if x is None:
        return importer.add_unknown(section, last)
    normalized = section.flag("batch_normalize", default=False)
    layer = section.make("conv", padding=symmetric_padding((_amount(section),) * 2), bias=not normalized)
    layer = layer.replace(groups=1, dilation=(1, 1))
    output = importer.output(layer, x)
    if output is None:
        return importer.add_layer(section, layer, last)  # reports what is wrong
    taps = layer.kernel[0] * layer.kernel[1]
    inner = {"kernel": (3, 3), "stride": layer.stride, "padding": symmetric_padding((1, 1))}
    parts = [(layer, x), (make("conv", **inner, filters=2 * taps), x), (make("conv", **inner, filters=taps), x)]
    node = importer.add_composite(section, output, parts, last)
    return importer.add_ending(section, node, normalized, "linear")


@rules("local")
def locally_connected(importer: DarknetImporter, section: CfgSection, last: int) -> int:
    """Add a convolution with separate weights at every position; `pad=1` means a position at each of the stride."""
    shape = importer.shape(last)
    if shape is None:
        return importer.add_unknown(section, last)
    padding = Padding("same" if section.integer("pad", 0, low=0) else "valid")
    # It has no groups and no dilation, whatever the section states.
    conv = section.make("conv", padding=padding).replace(dilation=(1, 1), groups=1)
    output = importer.output(conv, shape)
    if output is None:
        return importer.add_layer(section, conv, last)  # reports what is wrong
    macs = conv.resolve(shape).multiply_adds(shape, output)
    stored = StoredWeights(macs + output.elements)
    node = importer.add_layer(section, OpaqueOp(section.name, output, macs=macs), last, stored=stored)
    return importer.add_ending(section, node, False, "logistic")


# -- pools and sizes -----------------------------------------------------------------------------------------


@rules.table(
    dict.fromkeys(DARKNET.equivalent("pool").names, "pool")
    | dict.fromkeys(DARKNET.equivalent("avgpool").names, "avgpool")
)
def pool(importer: DarknetImporter, section: CfgSection, last: int, kind: str) -> int:
    """Add a pool, whose padding is its size less one in all, and the blur behind it; or one over the channels."""
    x = importer.shape(last)
    if kind == "pool" and section.flag("maxpool_depth", default=False):
        output = Shape(x.spatial, section.integer("out_channels", 1)) if x else None
        pooled = OpaqueOp("maxpool_depth", output, local=True) if output else None
        return importer.add_layer(section, pooled, last) if pooled else importer.add_unknown(section, last)
    layer = section.make(kind)
    stride, antialiasing = layer.stride, section.integer("antialiasing", 0, low=0) if kind == "pool" else 0
    if antialiasing:
        layer = layer.replace(stride=(1, 1))
    ends = []
    for size in layer.kernel:
        total = section.integer("padding", size - 1, low=0)
        ends.append((total // 2, total - total // 2))
    layer = layer.replace(padding=explicit_padding(ends))
    node = importer.add_layer(section, pool_of_size(layer, x), last)
    return _blur(importer, section, node, antialiasing, stride)


@rules(*DARKNET.equivalent("upsample").names)
def upsample(importer: DarknetImporter, section: CfgSection, last: int) -> int:
    """Add an upsampling; with a negative stride it adds up blocks of as many positions."""
    factor = section.integer("stride", 2, low=-1_000_000)
    if factor > 0:
        return importer.add_layer(section, section.make("upsample"), last)
    x = importer.shape(last)
    if x is None or factor == 0:
        return importer.add_unknown(section, last)
    sizes = tuple(size // -factor for size in x.spatial)
    return _add_of_size(importer, section, last, Shape(sizes, x.channels), -factor)


@rules("reorg", "reorg3d", "dwt")
def reorg(importer: DarknetImporter, section: CfgSection, last: int) -> int:
    """Add a layer that lays out blocks of stride x stride positions as channels, or channels as blocks.

    Darknet's own files state the stride; without one the section is that of YOLOR, whose stride is 2.
    """
    x, stride = importer.shape(last), section.integer("stride", 2)
    if x is None:
        return importer.add_unknown(section, last)
    if section.integer("extra", 0, low=0):
        output = Shape((), x.elements + section.integer("extra"))
    elif section.flag("reverse", default=False):
        output = Shape(tuple(size * stride for size in x.spatial), x.channels // stride**x.rank)
    else:
        output = Shape(tuple(size // stride for size in x.spatial), x.channels * stride**x.rank)
        return _add_of_size(importer, section, last, output, stride)
    return _add_of_size(importer, section, last, output)


@rules("crop")
def crop(importer: DarknetImporter, section: CfgSection, last: int) -> int:
    x = importer.shape(last)
    if x is None:
        return importer.add_unknown(section, last)
    sizes = section.integer("crop_height", 1), section.integer("crop_width", 1)
    return _add_of_size(importer, section, last, Shape(sizes, x.channels))


def _add_of_size(importer: DarknetImporter, section: CfgSection, last: int, output: Shape, block: int = 0) -> int:
    """Add an operator without weights of a known shape; `block` positions on each axis become one.

    Raises `SpecError` E306 if nothing is left.
    """
    if not output.elements:
        fail("E306", f"`[{section.name}]` leaves nothing of {importer.shape(last)}", f"{output}", span=section.span)
    window = (WindowTaps(block - 1, block, 0),) * output.rank if block else None
    return importer.add_layer(section, OpaqueOp(section.name, output, window=window), last)


# -- what has no weights -------------------------------------------------------------------------------------


@rules("activation")
def activation(importer: DarknetImporter, section: CfgSection, last: int) -> int:
    return importer.add_ending(section, last, False, "linear")


@rules("empty", "silence", *TRAINING)
def passed_on(importer: DarknetImporter, section: CfgSection, last: int) -> int:
    return last


@rules("logistic")
def logistic(importer: DarknetImporter, section: CfgSection, last: int) -> int:
    return importer.add_layer(section, make("sigmoid"), last)


@rules("history")
def history(importer: DarknetImporter, section: CfgSection, last: int) -> int:
    """Add the channels of the last steps one behind the other."""
    x = importer.shape(last)
    if x is None:
        return importer.add_unknown(section, last)
    return _add_of_size(importer, section, last, Shape(x.spatial, x.channels * section.integer("history_size", 4)))


@rules("l2norm", *HEADS)
def unchanged(importer: DarknetImporter, section: CfgSection, last: int) -> int:
    """Add an operator without weights whose output is of its input's shape."""
    shape = importer.shape(last)
    if shape is None:
        return importer.add_unknown(section, last)
    return importer.add_layer(section, elementwise_op(section.name, shape), last)
