"""The rules of Darknet's sections that read earlier layers."""

from __future__ import annotations

from cnncalc.graph import StoredWeights
from cnncalc.layers.opaque import OpaqueOp
from cnncalc.readers.darknet.cfg import CfgSection
from cnncalc.readers.darknet.importer import DarknetImporter, rules
from cnncalc.readers.errors import fail
from cnncalc.readers.importer import make
from cnncalc.shape import Shape


@rules.table({"route": 0, "route2": 0, "route3": 0, "route_lhalf": 2})
def route(importer: DarknetImporter, section: CfgSection, last: int, halves: int) -> int:
    """Add the concatenation of earlier layers' channels; with `groups`, of one group of each."""
    groups, group = section.integer("groups", halves or 1), section.integer("group_id", 0, low=0)
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
    """Add the sum with earlier layers, each of them weighted with `weights_type`.

    For unequal shapes Darknet adds the overlap, and keeps the first's shape.
    """
    others = [importer.earlier(number, span) for number, span in section.layer_numbers("from")]
    shape = importer.shape(last)
    alike = shape is None or all(importer.shape(other) in (shape, None) for other in others)
    inputs, stored = len(others) + 1, None
    match section.text("weights_type", "none"):
        case "per_feature" | "per_layer":
            stored = StoredWeights(inputs)
        case "per_channel":
            stored = StoredWeights(inputs * shape.channels if shape else 0)
    layer = make("add") if alike else OpaqueOp(section.name, shape)
    node = importer.add_layer(section, layer, last, *others, stored=stored)
    return importer.add_ending(section, node, False, "linear")


@rules("scale_channels", "sam")
def scale_channels(importer: DarknetImporter, section: CfgSection, last: int) -> int:
    ((number, span), *_) = section.layer_numbers("from")
    node = importer.add_layer(section, make("mul"), importer.earlier(number, span), last)
    return importer.add_ending(section, node, False, "linear")


# -- YOLOR ---------------------------------------------------------------------------------------------------


@rules("implicit", "implicit_add", "implicit_mul", "implicit_cat")
def implicit(importer: DarknetImporter, section: CfgSection, last: int) -> int:
    """Add a tensor of weights that depends on no input: `atoms` rows of a weight for each filter."""
    return _weights(importer, section, Shape((section.integer("atoms", 1), 1), section.integer("filters", 128)))


@rules("implicit_add_2d", "implicit_mul_2d", "implicit_cat_2d")
def implicit_2d(importer: DarknetImporter, section: CfgSection, last: int) -> int:
    """Add a tensor of weights: `atoms` channels of a weight for each filter."""
    return _weights(importer, section, Shape((section.integer("filters", 128), 1), section.integer("atoms", 128)))


def _weights(importer: DarknetImporter, section: CfgSection, shape: Shape) -> int:
    # Of what comes in nothing is read: the network's input serves as any.
    return importer.add_layer(section, make("parameter", shape=shape.dims), 0)


@rules.table({
    name + suffix: (kind, bool(suffix))
    for name, kind in {"shift": "add", "control": "mul", "select": "select", "alternate": "concat"}.items()
    for name in [f"{name}_channels"]
    for suffix in ("", "_2d")
})  # fmt: skip
def combine_channels(importer: DarknetImporter, section: CfgSection, last: int, row: tuple[str, bool]) -> int:
    """Combine each position with an earlier layer's channels: their sum, product, gate, or both side by side."""
    kind, flat = row
    ((number, span), *_) = section.layer_numbers("from")
    other, x = importer.earlier(number, span), importer.shape(last)
    theirs = importer.shape(other)
    if flat and theirs is not None:
        other = importer.add_layer(section, make("reshape", shape=(1, 1, theirs.elements)), other)
    if kind == "select":
        other, kind = importer.add_layer(section, make("sigmoid"), other), "mul"
    if kind != "concat":
        return importer.add_layer(section, make(kind), last, other)
    if x is None:
        return importer.add_unknown(section, other, last)
    expanded = importer.add_layer(section, OpaqueOp("expand", x), other)
    return importer.add_layer(section, make(kind), expanded, last)
