"""Keras's layers and operations that repeat a tensor or take parts of it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from cnncalc.readers.keras.config import LayerConfig, is_whole
from cnncalc.readers.keras.movement import dims_of
from cnncalc.readers.keras.rules import LayerPart, operations, operator, part, rules
from cnncalc.readers.tensors import CannotInferError
from cnncalc.shape import Padding, Shape, Size, UnknownSize


@rules("RepeatVector")
def repeat_vector(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    yield operator(config, Shape((config.integer("n"),), shapes[0].channels))


@operations("Tile", "tile", "Pad", "pad", "pad_v2", "mirror_pad", "zero_padding")
def tile(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield repeats of a tensor along its axes, or a padding of them; the batch is the first and stays."""
    dims = dims_of(config, shapes[0])
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
    dims, count = dims_of(config, shapes[0]), config.of_call(1, "repeats")
    if not is_whole(count, 1):
        raise CannotInferError
    (place,) = config.axes(shapes[0], config.of_call(2, "axis"))
    dims[place] = dims[place] * count
    yield operator(config, config.shape_of(dims))


@operations("Stack", "stack")
def stack(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    dims, axis = dims_of(config, shapes[0]), config.of_call(1, "axis", default=0)
    if type(axis) is not int or not -len(dims) - 2 <= axis < len(dims) + 2 or axis % (len(dims) + 2) == 0:
        raise CannotInferError
    dims.insert(axis % (len(dims) + 2) - 1, len(shapes))
    yield operator(config, config.shape_of(dims))


@operations("Split", "split")
def split(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield the parts of a tensor, each an output: a number of equal ones, their sizes, or where they end."""
    dims = dims_of(config, shapes[0])
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
    dims = dims_of(config, shapes[0])
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
    dims, indices = dims_of(config, shapes[0]), config.of_call(1, "indices")
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
    dims = dims_of(config, shapes[0])
    dims[-1] = config.of_call(1, "k", default=1)
    if not is_whole(dims[-1], 1):
        raise CannotInferError
    for number in range(2):
        yield operator(config, config.shape_of(dims), output=number)


@operations("OneHot", "one_hot")
def one_hot(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    dims, count = dims_of(config, shapes[0]), config.of_call(1, "num_classes", "depth")
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
    dims = dims_of(config, shapes[0])
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
    dims = dims_of(config, x)
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
