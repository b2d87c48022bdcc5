"""Keras's layers that move elements: padding, order, parts, joins, and changes of the spatial size."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from cnncalc.layers.opaque import OpaqueOp
from cnncalc.readers.errors import fail
from cnncalc.readers.importer import unknown_op
from cnncalc.readers.keras.config import LayerConfig, is_whole
from cnncalc.readers.keras.importer import LayerPart, class_names, part, rules
from cnncalc.shape import Padding, Shape


@rules(*class_names("pad"), *class_names("crop"))
def pad(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    cropping = "cropping" in config.values
    ends = _ends(config, "cropping" if cropping else "padding", shapes[0].rank)
    yield part("crop" if cropping else "pad", amount=Padding("explicit", ends))


def _ends(config: LayerConfig, key: str, rank: int) -> tuple[tuple[int, int], ...]:
    """Return padding or cropping by axis from 1, (1, 2) or ((0, 1), (1, 1)); on one axis a pair is its two ends."""
    value = config.get(key, 1)
    value = [value] * rank if isinstance(value, int) else value
    value = [value] if rank == 1 and isinstance(value, list) and len(value) == 2 else value
    ends = [[each, each] if isinstance(each, int) else each for each in value] if isinstance(value, list) else []
    right = [isinstance(pair, list) and len(pair) == 2 and all(is_whole(end, 0) for end in pair) for pair in ends]
    if len(ends) != rank or not all(right):
        config.fail(key, f"it is {str(value)[:40]}")
    return tuple((pair[0], pair[1]) for pair in ends)


@rules(*class_names("upsample"))
def upsample(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    nearest = config.get("interpolation", "nearest") == "nearest"
    factor = config.integers("size", shapes[0].rank, 2)
    yield part("upsample", factor=factor, mode="nearest" if nearest else "bilinear")


@rules("Resizing", *class_names("resize"))
def resize(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    if "size" in config.values:
        size = config.integers("size", shapes[0].rank)
    else:
        size = config.integer("height"), config.integer("width")
    mode = config.get("interpolation", "bilinear")
    # Where it crops or pads, or weighs more than neighbours, elements come from elsewhere.
    other = any(config.flag(key, False) for key in ("crop_to_aspect_ratio", "pad_to_aspect_ratio", "antialias"))
    if mode in ("nearest", "bilinear") and not other and shapes[0].rank == len(size):
        yield part("resize", size=size, mode=mode)
    else:
        yield LayerPart(OpaqueOp("Resizing", Shape(size, shapes[0].channels)))


@rules("Reshape")
def reshape(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    sizes = list(config.integers("target_shape", 0, low=-1))
    known = prod(size for size in sizes if size != -1)
    if sizes.count(-1) == 1 and known > 0:
        sizes = [shapes[0].elements // known if size == -1 else size for size in sizes]
    if min(sizes) < 1 or prod(sizes) != shapes[0].elements:
        fail("E306", f"`{config.name}` changes the number of elements", f"{shapes[0]} does not fill {sizes}")
    turned = config.channels_first and len(sizes) > 1
    yield part("reshape", shape=(*sizes[1:], sizes[0]) if turned else tuple(sizes))


@rules("Permute")
def permute(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    order = config.integers("dims", 0)
    dims = shapes[0].dims
    if sorted(order) != list(range(1, len(dims) + 1)):
        config.fail("dims", f"{list(order)} is no order of {len(dims)} axes")
    yield LayerPart(OpaqueOp("Permute", Shape.of([dims[axis - 1] for axis in order])))


@rules("GetItem")
def get_item(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield the layer for `x[..., 2:5]`: adjacent channels are a `slice`, any other part is an opaque operator."""
    x = shapes[0]
    key = config.call_arguments[1] if len(config.call_arguments) > 1 else None
    given = [*key] if isinstance(key, list) else [key]
    gaps = [at for at, each in enumerate(given) if isinstance(each, dict) and each.get("class_name") == "__ellipsis__"]
    at, all_of = gaps[0] if gaps else len(given), {"class_name": "__slice__", "config": {}}
    before, behind = given[:at], given[at + 1 :]
    indices = [*before, *[all_of] * (len(x.dims) + 1 - len(before) - len(behind)), *behind]
    taken = [_taken(index, size) for index, size in zip(indices[1:], config.file_order(x), strict=False)]
    if len(indices) != len(x.dims) + 1 or len(gaps) > 1 or any(each is None or not len(each) for each in taken):
        yield LayerPart(unknown_op("GetItem"))
        return
    ranges = [each for each in taken if each is not None]
    channels, *spatial = [ranges[0], *ranges[1:]] if config.channels_first else [ranges[-1], *ranges[:-1]]
    whole = all(each == range(size) for each, size in zip(spatial, x.spatial, strict=True))
    if whole and channels.step == 1:
        yield part("slice", channels=(channels.start, channels.stop))
    else:
        yield LayerPart(OpaqueOp("GetItem", Shape(tuple(map(len, spatial)), len(channels))))


def _taken(index: object, size: int) -> range | None:
    """Return the indices of an axis that a slice takes; None for an index, a new axis, or anything else."""
    ends = index.get("config") if isinstance(index, dict) and index.get("class_name") == "__slice__" else None
    values = [ends.get(key) for key in ("start", "stop", "step")] if isinstance(ends, dict) else [""]
    if not all(value is None or type(value) is int for value in values) or values[-1] == 0:
        return None
    return range(*slice(*values).indices(size))


@rules("RepeatVector")
def repeat_vector(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    yield LayerPart(OpaqueOp("RepeatVector", Shape((config.integer("n"),), shapes[0].channels)))


@rules("CenterCrop", "RandomCrop")
def resizing(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    sizes = (config.integer("height"), config.integer("width"))
    yield LayerPart(OpaqueOp("Resizing", Shape(sizes, shapes[0].channels)))


@rules("Concatenate")
def concatenate(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    axis = config.integer("axis", -1, low=-5)
    last = shapes[0].rank + 1
    if axis in ((1,) if config.channels_first else (-1, last)):
        yield part("concat")
        return
    position = (axis - 2 if config.channels_first else axis - 1) if axis > 0 else axis + last
    if not 0 <= position < shapes[0].rank or len({shape.rank for shape in shapes}) > 1:
        config.fail("axis", f"there is no axis {axis} in {shapes[0]}")
    yield part("concat", axis=position + 1)
