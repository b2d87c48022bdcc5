"""Keras's layers and operations that move elements: padding, order, parts, repeats, and other shapes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from cnncalc.layers.opaque import OpaqueOp
from cnncalc.readers.errors import fail
from cnncalc.readers.keras.config import LayerConfig, is_whole
from cnncalc.readers.keras.rules import LayerPart, class_names, operations, operator, part, rules
from cnncalc.readers.tensors import CannotInferError
from cnncalc.shape import Padding, Shape, Size


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
    if rank == 2 and len(ends) == 4 and all(isinstance(each, int) for each in value):
        # Keras 1 gives the four ends one by one.
        ends = [list(value[:2]), list(value[2:])]
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


@rules("CenterCrop", "RandomCrop")
def crop_to(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    sizes = (config.integer("height"), config.integer("width"))
    yield LayerPart(OpaqueOp("Resizing", Shape(sizes, shapes[0].channels)))


# -- other shapes ----------------------------------------------------------------------------------------------


@rules(*class_names("flatten"))
@operations("Ravel")
def flatten(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    yield part("flatten")


@rules("Reshape")
def reshape(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    yield reshaped(config, shapes[0], config.integers("target_shape", 0, low=-1))


def reshaped(config: LayerConfig, x: Shape, target: Sequence[int]) -> LayerPart:
    """Return a reshape to sizes of one sample, one of which may be -1; raises `SpecError` E306 if it does not fit."""
    sizes: list[Size] = list(target)
    known = prod(size for size in sizes if size != -1)
    if sizes.count(-1) == 1 and known > 0:
        sizes = [x.elements // known if size == -1 else size for size in sizes]
    whole = [size for size in (*sizes, x.elements) if isinstance(size, int)]
    if min(whole, default=1) < 1 or (len(whole) > len(sizes) and prod(sizes) != x.elements):
        fail("E306", f"`{config.name}` changes the number of elements", f"{x} does not fill {list(target)}")
    y = config.shape_of(sizes)
    return part("reshape", shape=y.dims) if y.rank <= 3 else operator(config, y, memory="alias")


@operations("Reshape", "reshape")
def reshape_with_batch(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield a reshape whose target has the batch in front, as -1 or open."""
    target = config.of_call(1, "newshape", "shape")
    if not isinstance(target, list | tuple) or len(target) < 2 or target[0] not in (-1, None, 1):
        raise CannotInferError
    sizes = list(target[1:])
    if not all(type(size) is int for size in sizes):
        raise CannotInferError
    yield reshaped(config, shapes[0], sizes)


@operations("ExpandDims", "expand_dims")
def expanddims_of(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    dims = dims_of(config, shapes[0])
    axis = config.of_call(1, "axis", "dim")
    for each in axis if isinstance(axis, list) else [axis]:
        if type(each) is not int or not -len(dims) - 2 <= each < len(dims) + 2:
            raise CannotInferError
        place = each % (len(dims) + 2) - 1
        if place < 0:
            raise CannotInferError
        dims.insert(place, 1)
    yield _moved(config, dims)


@operations("Squeeze", "squeeze")
def squeeze(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    dims, axis = dims_of(config, shapes[0]), config.of_call(1, "axis", "squeeze_dims")
    if axis is None or axis == []:
        yield _moved(config, [size for size in dims if size != 1])
        return
    places = config.axes(shapes[0], axis)
    yield _moved(config, [size for at, size in enumerate(dims) if at not in places])


def dims_of(config: LayerConfig, x: Shape) -> list[Size]:
    """Return the sizes of a sample in the order of the file; raises `CannotInferError` if their number is unknown."""
    if not x.has_rank:
        raise CannotInferError
    return list(config.file_order(x))


def _moved(config: LayerConfig, dims: Sequence[Size]) -> LayerPart:
    """Return the same elements in another shape."""
    y = config.shape_of(dims)
    whole = all(isinstance(size, int) for size in y.dims) and y.rank <= 3
    return part("reshape", shape=y.dims) if whole else operator(config, y, memory="alias")


# -- order -----------------------------------------------------------------------------------------------------


@rules("Permute")
def permute(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    yield _permuted(config, shapes[0], config.get("dims"), "dims")


@operations("Transpose", "transpose", "permute_dimensions")
def transpose(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    axes = config.of_call(1, "axes", "perm", "pattern")
    if not isinstance(axes, list | tuple) or axes[0] != 0:
        raise CannotInferError
    yield _permuted(config, shapes[0], list(axes[1:]), "axes")


def _permuted(config: LayerConfig, x: Shape, order: object, key: str) -> LayerPart:
    dims = x.dims
    if not x.has_rank:
        raise CannotInferError
    valid = isinstance(order, list | tuple) and all(type(axis) is int for axis in order)
    if not valid or sorted(order) != list(range(1, len(dims) + 1)):  # type: ignore[call-overload]  # valid
        config.fail(key, f"{str(order)[:40]} is no order of {len(dims)} axes")
    return operator(config, Shape.of([dims[axis - 1] for axis in order]))  # type: ignore[attr-defined]  # valid


@operations("Swapaxes", "Moveaxis")
def swap(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    dims = dims_of(config, shapes[0])
    if config.class_name == "Swapaxes":
        (first,), (second,) = (config.axes(shapes[0], config.values.get(f"axis{number}")) for number in (1, 2))
        dims[first], dims[second] = dims[second], dims[first]
    else:
        sources, targets = (config.axes(shapes[0], config.values.get(name)) for name in ("source", "destination"))
        if len(sources) != len(targets):
            raise CannotInferError
        rest = [size for at, size in enumerate(dims) if at not in sources]
        for target, source in sorted(zip(targets, sources, strict=True)):
            rest.insert(target, dims[source])
        dims = rest
    yield operator(config, config.shape_of(dims))
