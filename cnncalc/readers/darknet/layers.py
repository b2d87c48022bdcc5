"""The rules of Darknet's sections, each of which converts a section to our layers."""

from __future__ import annotations

from cnncalc.frameworks.darknet import DARKNET, HEADS, TRAINING
from cnncalc.graph import StoredWeights
from cnncalc.layers.opaque import OpaqueOp
from cnncalc.readers.darknet.cfg import CfgSection
from cnncalc.readers.darknet.importer import DarknetImporter, rules
from cnncalc.readers.errors import fail
from cnncalc.readers.importer import elementwise_op, explicit_padding, make, symmetric_padding
from cnncalc.shape import Padding, Shape, ShapeError

#: Kinds whose sections mean our layer and nothing else, with the arguments of the table.
PLAIN = ("gap", "upsample", "bn", "dropout", "softmax")


@rules.table({name: kind for kind in PLAIN for name in DARKNET.equivalent(kind).names})
def plain(importer: DarknetImporter, section: CfgSection, last: int, kind: str) -> int:
    return importer.add_layer(section, section.make(kind), last)


@rules.table({"convolutional": "conv", "deconvolutional": "deconv", "connected": "fc"})
def weighted(importer: DarknetImporter, section: CfgSection, last: int, kind: str) -> int:
    """Add a layer with weights; followed by a batch norm, it has no bias."""
    normalized = section.flag("batch_normalize", default=False)
    padding = {} if kind == "fc" else {"padding": _half_padding(section)}
    layer = section.make(kind, **padding, bias=not normalized)
    return importer.add_ending(section, importer.add_layer(section, layer, last), normalized, "logistic")


def _half_padding(section: CfgSection) -> Padding:
    """Return half of the window with `pad=1`, else the number `padding`."""
    half = section.integer("size", 1) // 2
    amount = half if section.integer("pad", 0, low=0) else section.integer("padding", 0, low=0)
    return symmetric_padding((amount, amount))


@rules("local")
def locally_connected(importer: DarknetImporter, section: CfgSection, last: int) -> int:
    """Add a convolution with separate weights at every position."""
    shape = importer.shape(last)
    if shape is None:
        return importer.add_unknown(section, last)
    # It has no groups, whatever the section states.
    conv = section.make("conv", padding=_half_padding(section)).replace(dilation=(1, 1), groups=1)
    try:
        resolved = conv.resolve(shape)
        output = resolved.infer((shape,))
    except ShapeError:
        return importer.add_layer(section, conv, last)  # reports what is wrong
    macs = resolved.multiply_adds(shape, output)
    stored = StoredWeights(macs + output.elements)
    node = importer.add_layer(section, OpaqueOp(section.name, output, macs=macs), last, stored=stored)
    return importer.add_ending(section, node, False, "logistic")


@rules("maxpool")
def max_pool(importer: DarknetImporter, section: CfgSection, last: int) -> int:
    kernel = section.integer("size", section.integer("stride", 1))
    total = section.integer("padding", kernel - 1, low=0)
    ends = (total // 2, total - total // 2)
    return importer.add_layer(section, section.make("pool", padding=explicit_padding([ends, ends])), last)


@rules("activation")
def activation(importer: DarknetImporter, section: CfgSection, last: int) -> int:
    return importer.add_ending(section, last, False, "linear")


@rules("empty", "silence", *TRAINING)
def passed_on(importer: DarknetImporter, section: CfgSection, last: int) -> int:
    return last


@rules("route")
def route(importer: DarknetImporter, section: CfgSection, last: int) -> int:
    """Add the concatenation of earlier layers' channels; with `groups`, of one group of each."""
    groups, group = section.integer("groups", 1), section.integer("group_id", 0, low=0)
    parts = []
    for number, span in section.layer_numbers("layers"):
        node = importer.earlier(number, span)
        shape = importer.shape(node)
        if groups > 1 and shape is not None:
            if shape.channels % groups or group >= groups:
                message = f"`groups` of `[route]` does not divide the {shape.channels} channels that come in"
                fail("E306", message, f"group {group} of {groups}", span=section.span)
            width = shape.channels // groups
            part = make("slice", channels=(group * width, (group + 1) * width))
            node = importer.add_layer(section, part, node)
        parts.append(node)
    return parts[0] if len(parts) == 1 else importer.add_layer(section, make("concat"), *parts)


@rules("shortcut")
def shortcut(importer: DarknetImporter, section: CfgSection, last: int) -> int:
    """Add the sum with earlier layers. For unequal shapes Darknet adds the overlap, and keeps the first's shape."""
    others = [importer.earlier(number, span) for number, span in section.layer_numbers("from")]
    shape = importer.shape(last)
    alike = shape is None or all(importer.shape(other) in (shape, None) for other in others)
    node = importer.add_layer(section, make("add") if alike else OpaqueOp(section.name, shape), last, *others)
    return importer.add_ending(section, node, False, "linear")


@rules("scale_channels", "sam")
def scale_channels(importer: DarknetImporter, section: CfgSection, last: int) -> int:
    ((number, span), *_) = section.layer_numbers("from")
    node = importer.add_layer(section, make("mul"), importer.earlier(number, span), last)
    return importer.add_ending(section, node, False, "linear")


@rules("reorg", "reorg3d")
def reorg(importer: DarknetImporter, section: CfgSection, last: int) -> int:
    """Add a layer that lays out blocks of stride x stride positions as channels."""
    shape, stride = importer.shape(last), section.integer("stride", 1)
    if shape is None:
        return importer.add_unknown(section, last)
    if any(size % stride for size in shape.spatial):
        message = f"`stride` of `[{section.name}]` does not divide the {shape} that comes in"
        fail("E306", message, f"stride {stride}", span=section.span)
    sizes = tuple(size // stride for size in shape.spatial)
    output = Shape(sizes, shape.channels * stride**shape.rank)
    return importer.add_layer(section, OpaqueOp(section.name, output), last)


@rules("crop")
def crop(importer: DarknetImporter, section: CfgSection, last: int) -> int:
    shape = importer.shape(last)
    if shape is None:
        return importer.add_unknown(section, last)
    sizes = section.integer("crop_height"), section.integer("crop_width")
    return importer.add_layer(section, OpaqueOp(section.name, Shape(sizes, shape.channels)), last)


@rules(*HEADS)
def head(importer: DarknetImporter, section: CfgSection, last: int) -> int:
    shape = importer.shape(last)
    if shape is None:
        return importer.add_unknown(section, last)
    return importer.add_layer(section, elementwise_op(section.name, shape), last)
