"""Keras's layers and operations that move elements: padding, order, parts, repeats, and other shapes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import prod

from cnncalc.layers.opaque import OpaqueOp
from cnncalc.readers.errors import fail
from cnncalc.readers.keras.config import LayerConfig, is_whole
from cnncalc.readers.keras.rules import LayerPart, class_names, operations, operator, part, rules
from cnncalc.readers.tensors import CannotInferError
from cnncalc.shape import Padding, Shape, Size, UnknownSize


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
def expand_dims(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    dims = _dims(config, shapes[0])
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
    dims, axis = _dims(config, shapes[0]), config.of_call(1, "axis", "squeeze_dims")
    if axis is None or axis == []:
        yield _moved(config, [size for size in dims if size != 1])
        return
    places = config.axes(shapes[0], axis)
    yield _moved(config, [size for at, size in enumerate(dims) if at not in places])


def _dims(config: LayerConfig, x: Shape) -> list[Size]:
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
    dims = _dims(config, shapes[0])
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


# -- repeats and parts -----------------------------------------------------------------------------------------


@rules("RepeatVector")
def repeat_vector(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    yield operator(config, Shape((config.integer("n"),), shapes[0].channels))


@operations("Tile", "tile", "Pad", "pad", "pad_v2", "mirror_pad", "zero_padding")
def tile(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield repeats of a tensor along its axes, or a padding of them; the batch is the first and stays."""
    dims = _dims(config, shapes[0])
    tiles = config.class_name.lower() == "tile"
    given = config.of_call(1, "repeats", "multiples") if tiles else config.of_call(1, "pad_width", "paddings")
    if isinstance(given, int) and not tiles:
        raise CannotInferError
    values = list(given) if isinstance(given, list | tuple) else []
    if len(values) != len(dims) + 1:
        raise CannotInferError
    if tiles:
        if values[0] != 1 or not all(is_whole(value, 1) for value in values):
            raise CannotInferError
        yield operator(config, config.shape_of([size * n for size, n in zip(dims, values[1:], strict=True)]))
        return
    if not all(isinstance(pair, list) and len(pair) == 2 and all(is_whole(end, 0) for end in pair) for pair in values):
        raise CannotInferError
    ends = values[1:]
    channels = ends.pop(0) if config.channels_first else ends.pop()
    if any(values[0]) or any(channels) or not ends:
        sized = [size + sum(pair) for size, pair in zip(dims, values[1:], strict=True)]
        yield operator(config, config.shape_of(sized))
    else:
        yield part("pad", amount=Padding("explicit", tuple((pair[0], pair[1]) for pair in ends)))


@operations("Repeat", "repeat")
def repeat(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    dims, count = _dims(config, shapes[0]), config.of_call(1, "repeats")
    if not is_whole(count, 1):
        raise CannotInferError
    (place,) = config.axes(shapes[0], config.of_call(2, "axis"))
    dims[place] = dims[place] * count
    yield operator(config, config.shape_of(dims))


@operations("Stack", "stack")
def stack(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    dims, axis = _dims(config, shapes[0]), config.of_call(1, "axis", default=0)
    if type(axis) is not int or not -len(dims) - 2 <= axis < len(dims) + 2 or axis % (len(dims) + 2) == 0:
        raise CannotInferError
    dims.insert(axis % (len(dims) + 2) - 1, len(shapes))
    yield operator(config, config.shape_of(dims))


@operations("Split", "split")
def split(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield the parts of a tensor, each an output: a number of equal ones, their sizes, or where they end."""
    dims = _dims(config, shapes[0])
    given = config.of_call(1, "indices_or_sections", "num_or_size_splits")
    (place,) = config.axes(shapes[0], config.of_call(2, "axis", default=0))
    size = dims[place]
    if isinstance(size, UnknownSize) or not isinstance(size, int):
        raise CannotInferError
    if is_whole(given, 1):
        if size % given:
            config.fail("indices_or_sections", f"{size} does not divide into {given}")
        ends = [size // given * number for number in range(given + 1)]
    elif isinstance(given, list) and all(type(each) is int for each in given):
        if config.class_name == "split":
            ends = [sum(given[:number]) for number in range(len(given) + 1)]
        else:
            ends = [0, *given, size]
    else:
        raise CannotInferError
    if len(ends) > MAX_PARTS or sorted(ends) != ends or ends[-1] != size:
        raise CannotInferError
    last = place == (0 if config.channels_first and len(dims) > 1 else len(dims) - 1)
    for number, (begin, end) in enumerate(pairwise(ends)):
        if last and end > begin:
            yield part("slice", channels=(begin, end))._replace(output=number)
        else:
            dims[place] = end - begin
            yield operator(config, config.shape_of(dims), output=number)


#: A tensor is split into no more parts than this.
MAX_PARTS = 10_000


@operations("Unstack", "unstack")
def unstack(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    dims = _dims(config, shapes[0])
    (place,) = config.axes(shapes[0], config.of_call(2, "axis", default=0))
    count = dims.pop(place)
    if not isinstance(count, int) or count > MAX_PARTS:
        raise CannotInferError
    y = config.shape_of(dims)
    for number in range(count):
        yield operator(config, y, output=number)


@operations("Take", "gather", "Gather")
def take(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield as many elements of an axis as the file lists."""
    dims, indices = _dims(config, shapes[0]), config.of_call(1, "indices")
    if isinstance(indices, dict):
        inner = indices.get("config")
        indices = inner.get("value") if isinstance(inner, dict) else None
    (place,) = config.axes(shapes[0], config.of_call(2, "axis"))
    if isinstance(indices, list) and all(type(each) is int for each in indices):
        dims[place] = len(indices)
    elif type(indices) is int:
        del dims[place]
    else:
        raise CannotInferError
    yield operator(config, config.shape_of(dims))


@operations("TopK", "top_k")
def top_k(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield the largest elements of the last axis, and their places."""
    dims = _dims(config, shapes[0])
    dims[-1] = config.of_call(1, "k", default=1)
    if not is_whole(dims[-1], 1):
        raise CannotInferError
    for number in range(2):
        yield operator(config, config.shape_of(dims), output=number)


@operations("OneHot", "one_hot")
def one_hot(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    dims, count = _dims(config, shapes[0]), config.of_call(1, "num_classes", "depth")
    axis = config.of_call(2, "axis", default=-1)
    if axis not in (-1, len(dims) + 1, None) or not is_whole(count, 1):
        raise CannotInferError
    yield operator(config, config.shape_of([*dims, count]))


@operations("BroadcastTo", "broadcast_to")
def broadcast_to(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    target = config.of_call(1, "shape")
    if not isinstance(target, list) or len(target) < 2 or not all(is_whole(size, 1) for size in target[1:]):
        raise CannotInferError
    yield operator(config, config.shape_of(target[1:]))


@operations("Slice", "slice")
def slice_of(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield a part of given sizes; TensorFlow's -1 is all that is left."""
    dims = _dims(config, shapes[0])
    begin, sizes = config.of_call(1, "start_indices", "begin"), config.of_call(2, "shape", "size")
    if not all(isinstance(each, list) and len(each) == len(dims) + 1 for each in (begin, sizes)):
        raise CannotInferError
    if not all(type(each) is int for each in (*begin, *sizes)):
        raise CannotInferError
    made = [n - at if size == -1 else size for n, at, size in zip(dims, begin[1:], sizes[1:], strict=True)]
    if any(isinstance(size, int) and size < 1 for size in made):
        raise CannotInferError
    yield operator(config, config.shape_of(made))


@rules("GetItem")
@operations("GetItem", "getitem")
def get_item(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield the layer for `x[..., 2:5]`: adjacent channels are a `slice`, any other part is an opaque operator.

    A number takes an axis away, `None` adds one.
    """
    x = shapes[0]
    dims = _dims(config, x)
    key = config.of_call(1, "slice_spec", "key")
    given = [*key] if isinstance(key, list) else [key]
    gaps = [at for at, each in enumerate(given) if isinstance(each, dict) and each.get("class_name") == "__ellipsis__"]
    if len(gaps) > 1:
        raise CannotInferError
    at = gaps[0] if gaps else len(given)
    before, behind = given[:at], given[at + 1 :]
    used = sum(each is not None for each in (*before, *behind))
    if used > len(dims) + 1:
        raise CannotInferError
    indices = [*before, *[ALL] * (len(dims) + 1 - used), *behind]
    if indices[0] is None or _ends_of(indices[0]) not in ((None, None, None), (0, None, None), (None, None, 1)):
        raise CannotInferError
    made: list[Size] = []
    ranges: list[range | None] = []
    sizes = iter(dims)
    for index in indices[1:]:
        if index is None:
            made.append(1)
            ranges.append(None)
        elif type(index) is int:
            next(sizes)
            ranges.append(None)
        else:
            taken, length = _taken(index, next(sizes))
            made.append(length)
            ranges.append(taken)
    places = len(dims) - 1
    last = 0 if config.channels_first and places else places
    channels = ranges[last] if len(ranges) == len(dims) else None
    whole = None not in ranges and all(
        at == last or taken == range(size) for at, (taken, size) in enumerate(zip(ranges, dims, strict=True))
    )
    if not made:
        made = [1]
    if channels is not None and whole and channels.step == 1 and len(channels):
        yield part("slice", channels=(channels.start, channels.stop))
    else:
        yield operator(config, config.shape_of(made))


#: The whole of an axis.
ALL = {"class_name": "__slice__", "config": {}}


def _ends_of(index: object) -> tuple[object, object, object]:
    """Return begin, end and step of a slice; raises `CannotInferError` if it is none, or depends on a tensor."""
    ends = index.get("config") if isinstance(index, dict) and index.get("class_name") == "__slice__" else index
    if not isinstance(ends, dict) or (ends is index and not {"start", "stop", "step"} & ends.keys()):
        raise CannotInferError
    values = tuple(ends.get(key) for key in ("start", "stop", "step"))
    if not all(value is None or type(value) is int for value in values) or values[-1] == 0:
        raise CannotInferError
    return values  # type: ignore[return-value]  # three


def _taken(index: object, size: Size) -> tuple[range | None, Size]:
    """Return the places of an axis that a slice takes, and their number; of an open axis only all are known."""
    ends = _ends_of(index)
    if not isinstance(size, int):
        if ends in ((None, None, None), (0, None, None), (0, None, 1), (None, None, 1)):
            return None, size
        raise CannotInferError
    taken = range(*slice(*ends).indices(size))
    if not len(taken):
        raise CannotInferError
    return taken, len(taken)
