"""Operators that move elements about: reshapes, transposes, slices, joins, and changes of the spatial size."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, prod

from cnncalc.graph import Stored
from cnncalc.layers import REGISTRY
from cnncalc.layers.base import Reach
from cnncalc.readers.onnx import dims as sizes
from cnncalc.readers.onnx.dims import Dims, MisfitError, axis_of
from cnncalc.readers.onnx.fold import Static, argument, slice_ranges
from cnncalc.readers.onnx.model import NodeDef
from cnncalc.readers.onnx.patterns import OWN
from cnncalc.readers.onnx.reading import Operands, Reading, Tensor, UnknowableError, Value, rule, shape_of
from cnncalc.shape import Padding


def _dims(x: Tensor) -> Dims:
    if x.dims is None:
        raise UnknowableError
    return x.dims


def _space(x: Tensor) -> list[int]:
    """The axes of space, in order."""
    return [axis for axis in range(1, len(_dims(x))) if axis != x.channel]


# -- the same elements in another shape --------------------------------------------------------------------


@rule("Transpose")
def transpose(reading: Reading, node: NodeDef, x: Operands) -> Sequence[Value]:
    data = x.tensor(0)
    before = _dims(data)
    order = node.integers("perm") or tuple(reversed(range(len(before))))
    after = sizes.transpose(before, order)
    channel = order.index(data.channel) if data.channel in order else len(order) - 1
    space = [order[axis] for axis in range(len(order)) if order[axis] != data.channel and before[order[axis]] != 1]
    if space == sorted(space) and shape_of(after, channel) == shape_of(before, data.channel):
        return [Tensor(data.node, after, channel)]
    return [reading.foreign(node, after, [data], channel)]


@rule("Reshape")
def reshape(reading: Reading, node: NodeDef, x: Operands) -> Sequence[Value]:
    data = x.tensor(0)
    before, target = _dims(data), argument(node, x.statics, "shape", 1)
    if isinstance(x.get(1), Tensor) or target is None:
        raise UnknowableError
    if reading.batch > 1 and target and target[0] == reading.batch and before[0] == 1:
        target = [1, *target[1:]]
    return [_reshaped(reading, node, data, sizes.reshape(before, target, bool(node.integer("allowzero", 0))))]


@rule("ChannelShuffle", domain=OWN)
def shuffle(reading: Reading, node: NodeDef, x: Operands) -> Sequence[Value]:
    """Channels as groups x members, turned, and joined again."""
    data, groups, joined = x.tensor(0), x.static(1), x.static(2)
    before = _dims(data)
    targets = [each.integers() if each else None for each in (groups, joined)]
    if targets[0] is None or targets[1] is None:
        raise UnknowableError
    for target in targets:
        if reading.batch > 1 and target and target[0] == reading.batch:
            target[0] = 1
    split = sizes.reshape(before, targets[0])
    whole = sizes.reshape((split[0], split[2], split[1], *split[3:]), targets[1])
    if whole != before or split[3:] != before[2:] or data.channel != 1:
        raise MisfitError(f"it turns {sizes.text(split)} into {sizes.text(whole)}, not into {sizes.text(before)}")
    return [reading.layer(node, "shuffle", data, groups=split[1])]


@rule("Flatten")
def flatten(reading: Reading, node: NodeDef, x: Operands) -> Sequence[Value]:
    data = x.tensor(0)
    return [_reshaped(reading, node, data, sizes.flatten(_dims(data), node.integer("axis", 1)))]


@rule("Squeeze")
def squeeze(reading: Reading, node: NodeDef, x: Operands) -> Sequence[Value]:
    data = x.tensor(0)
    return [_reshaped(reading, node, data, sizes.squeeze(_dims(data), argument(node, x.statics, "axes", 1)))]


@rule("Unsqueeze")
def unsqueeze(reading: Reading, node: NodeDef, x: Operands) -> Sequence[Value]:
    data = x.tensor(0)
    return [_reshaped(reading, node, data, sizes.unsqueeze(_dims(data), argument(node, x.statics, "axes", 1) or []))]


def _reshaped(reading: Reading, node: NodeDef, x: Tensor, after: Dims) -> Tensor:
    return reading.reshaped(node, x, after, _channel_after(_dims(x), after, x.channel))


def _channel_after(before: Dims, after: Dims, channel: int) -> int:
    """Where the channels are behind a reshape: where as many elements stand before and behind an axis of their size.

    Channels that are split or joined while space behind them stays are the axis in front of it; else the last axis.
    """
    if channel < len(before):
        outer, inner = prod(before[:channel]), prod(before[channel + 1 :])
        for axis, size in enumerate(after):
            if size == before[channel] and prod(after[:axis]) == outer and prod(after[axis + 1 :]) == inner and axis:
                return axis
    kept = 0
    while kept < min(len(after) - 2, len(before) - channel - 1) and before[-1 - kept] == after[-1 - kept]:
        kept += 1
    return max(len(after) - 1 - kept, 0)


# -- parts ---------------------------------------------------------------------------------------------------


@rule("Slice")
def take(reading: Reading, node: NodeDef, x: Operands) -> Sequence[Value]:
    data = x.tensor(0)
    if any(isinstance(each, Tensor) for each in x.values[1:]):
        raise UnknowableError
    return [_taken(reading, node, data, slice_ranges(node, x.statics, _dims(data)))]


@rule("Split")
def split(reading: Reading, node: NodeDef, x: Operands) -> Sequence[Value]:
    data = x.tensor(0)
    dims = _dims(data)
    axis = axis_of(node.integer("axis", 0), len(dims))
    found, start = [], 0
    for part in sizes.split(dims[axis], argument(node, x.statics, "split", 1), len(node.outputs)):
        taken = [range(start, start + part) if each == axis else range(size) for each, size in enumerate(dims)]
        found.append(_taken(reading, node, data, taken))
        start += part
    return found


def _taken(reading: Reading, node: NodeDef, x: Tensor, taken: Sequence[range]) -> Tensor:
    """Part of a tensor: channels in a row are a `slice`, ends of space cut off a `crop`, all else its own row."""
    before, after = _dims(x), tuple(map(len, taken))
    changed = [axis for axis, each in enumerate(taken) if each != range(before[axis])]
    if not changed:
        return x
    if 0 in after:
        raise MisfitError("nothing is left of its input")
    plain = before[0] == 1 and all(taken[axis].step == 1 for axis in changed)
    if plain and changed == [x.channel]:
        part = taken[x.channel]
        layer = REGISTRY["slice"]("slice", channels=(part.start, part.stop))
        return Tensor(reading.add(node, layer, (x,)), after, x.channel)
    space = _space(x)
    if plain and set(changed) <= set(space) and len(space) <= 3:
        ends = tuple((taken[axis].start, before[axis] - taken[axis].stop) for axis in space)
        layer = REGISTRY["crop"]("crop", amount=Padding("explicit", ends))
        return Tensor(reading.add(node, layer, (x,)), after, x.channel)
    reach = tuple(Reach(0, -taken[axis].start, abs(taken[axis].step)) for axis in space) if before[0] == 1 else None
    return reading.foreign(node, after, [x], x.channel, window=reach)


@rule("Gather")
def gather(reading: Reading, node: NodeDef, x: Operands) -> Sequence[Value]:
    data, at = x.value(0), x.value(1)
    if data.dims is None or at.dims is None:
        raise UnknowableError
    axis = axis_of(node.integer("axis", 0), len(data.dims))
    after = sizes.gather(data.dims, at.dims, axis)
    if isinstance(data, Static):
        # A table of embeddings.
        return [reading.foreign(node, after, x, len(after) - 1, Stored(reading.claim(data)))]
    if at.dims == () and data.dims[axis] == 1:
        return [_reshaped(reading, node, data, after)]
    channel = data.channel + len(at.dims) - 1 if data.channel > axis else data.channel
    return [reading.foreign(node, after, x, min(max(channel, 0), len(after) - 1))]


@rule("GatherElements")
def gather_elements(reading: Reading, node: NodeDef, x: Operands) -> Sequence[Value]:
    return [reading.foreign(node, x.value(1).dims, x, stored=Stored(reading.claim(x.get(0), single=False)))]


@rule("GatherND")
def gather_nd(reading: Reading, node: NodeDef, x: Operands) -> Sequence[Value]:
    data, at, batch = x.value(0), x.value(1), node.integer("batch_dims", 0)
    if data.dims is None or not at.dims or not 0 <= batch < len(at.dims):
        raise UnknowableError
    after = (*at.dims[:-1], *data.dims[batch + at.dims[-1] :])
    return [reading.foreign(node, after, x, stored=Stored(reading.claim(data, single=False)))]


@rule("TopK")
def top_k(reading: Reading, node: NodeDef, x: Operands) -> Sequence[Value]:
    data = x.tensor(0)
    count = argument(node, x.statics, "k", 1)
    k = count[0] if count else node.integer("k", 0)
    dims = list(_dims(data))
    axis = axis_of(node.integer("axis", -1), len(dims))
    if not 0 < k <= dims[axis]:
        raise MisfitError(f"it takes {k} of {dims[axis]}")
    dims[axis] = k
    row = reading.foreign(node, tuple(dims), [data], data.channel)
    return [row, row]


# -- together ------------------------------------------------------------------------------------------------


@rule("Concat")
def concat(reading: Reading, node: NodeDef, x: Operands) -> Sequence[Value]:
    return [_joined(reading, node, list(x.values), node.integer("axis", 1))]


@rule("QLinearConcat", domain="com.microsoft")
def quantized_concat(reading: Reading, node: NodeDef, x: Operands) -> Sequence[Value]:
    # The scale and zero point of y, then each input with its own.
    return [_joined(reading, node, list(x.values[2::3]), node.integer("axis", 1))]


def _joined(reading: Reading, node: NodeDef, values: list[Value | None], axis: int) -> Tensor:
    given = [each for each in values if each is not None]
    shapes = [each.dims for each in given if each.dims is not None]
    if len(shapes) < len(given):
        raise UnknowableError
    after = sizes.concat(shapes, axis)
    tensors = [each for each in given if isinstance(each, Tensor)]
    axis, channel = axis_of(axis, len(after)), tensors[0].channel
    alike = len(tensors) == len(given) and len({each.channel for each in tensors}) == 1
    if alike and axis == channel and after[0] == 1 and len(after) > 1:
        return Tensor(reading.add(node, REGISTRY["concat"]("concat"), tensors), after, channel)
    stored = Stored(reading.claim(*(each for each in given if isinstance(each, Static))))
    return reading.foreign(node, after, tensors, channel, stored)


@rule("Expand")
def expand(reading: Reading, node: NodeDef, x: Operands) -> Sequence[Value]:
    data, target = x.tensor(0), x.static(1)
    wanted = target.integers() if target else None
    if wanted is None or any(size < 1 for size in wanted):
        raise UnknowableError
    after = sizes.broadcast(_dims(data), tuple(wanted))
    return [data if after == data.dims else reading.foreign(node, after, [data])]


@rule("Tile")
def tile(reading: Reading, node: NodeDef, x: Operands) -> Sequence[Value]:
    data, target = x.tensor(0), x.static(1)
    times = target.integers() if target else None
    if times is None or len(times) != len(_dims(data)) or any(count < 1 for count in times):
        raise UnknowableError
    after = tuple(size * count for size, count in zip(_dims(data), times, strict=True))
    return [data if after == data.dims else reading.foreign(node, after, [data], data.channel)]


# -- space ---------------------------------------------------------------------------------------------------


@rule("Pad")
def pad(reading: Reading, node: NodeDef, x: Operands) -> Sequence[Value]:
    data = x.tensor(0)
    dims = _dims(data)
    pads, axes = argument(node, x.statics, "pads", 1), argument(node, x.statics, "axes", 3)
    axes = list(range(len(dims))) if axes is None else [axis_of(axis, len(dims)) for axis in axes]
    if pads is None or len(pads) != 2 * len(axes):
        raise UnknowableError
    ends = {axis: (pads[at], pads[at + len(axes)]) for at, axis in enumerate(axes)}
    changed = [axis for axis, each in ends.items() if any(each)]
    if not changed:
        return [data]
    after = tuple(size + sum(ends.get(axis, (0, 0))) for axis, size in enumerate(dims))
    if min(after) < 1:
        raise MisfitError("nothing is left of its input")
    space = _space(data)
    amounts = tuple(ends.get(axis, (0, 0)) for axis in space)
    limited = all(0 <= amount < 10**9 for each in amounts for amount in each)
    if set(changed) <= set(space) and dims[0] == 1 and limited and len(space) <= 3:
        layer = REGISTRY["pad"]("pad", amount=Padding("explicit", amounts))
        return [Tensor(reading.add(node, layer, (data,)), after, data.channel)]
    reach = tuple(Reach(0, begin, 1) for begin, _ in amounts)
    return [reading.foreign(node, after, [data], data.channel, window=reach)]


@rule("Resize", "Upsample")
def resize(reading: Reading, node: NodeDef, x: Operands) -> Sequence[Value]:
    data = x.tensor(0)
    before, after = _dims(data), _resized(reading, node, x)
    if after == before:
        return [data]
    if min(after) < 1:
        raise MisfitError("nothing is left of its input")
    space = _space(data)
    if any(after[axis] != size for axis, size in enumerate(before) if axis not in space):
        return [reading.foreign(node, after, [data], data.channel)]
    mode = {"nearest": "nearest", "linear": "bilinear"}.get(node.text("mode", "nearest"))
    factors = tuple(after[axis] // before[axis] for axis in space)
    whole = all(after[axis] == before[axis] * factor for axis, factor in zip(space, factors, strict=True))
    if mode and whole and before[0] == 1 and len(space) <= 3:
        layer = REGISTRY["upsample"]("upsample", factor=factors, mode=mode)
        return [Tensor(reading.add(node, layer, (data,)), after, data.channel)]
    from fractions import Fraction  # few files need it

    more = 0 if mode == "nearest" else 1
    reach = tuple(Reach(more, more, Fraction(before[axis], after[axis])) for axis in space)
    return [reading.foreign(node, after, [data], data.channel, window=reach)]


def _resized(reading: Reading, node: NodeDef, x: Operands) -> Dims:
    """The output's dimensions: as given, or scaled and rounded down."""
    before = _dims(x.tensor(0))
    axes = node.integers("axes")
    axes = tuple(range(len(before))) if axes is None else tuple(axis_of(axis, len(before)) for axis in axes)
    wanted = x.static(3).integers() if x.get(3) is not None and x.static(3) else None  # type: ignore[union-attr]
    if wanted:
        if len(wanted) != len(axes) or node.text("keep_aspect_ratio_policy", "stretch") != "stretch":
            raise UnknowableError
        to = dict(zip(axes, wanted, strict=True))
        if reading.batch > 1 and to.get(0) == reading.batch:
            to[0] = 1
        return tuple(to.get(axis, size) for axis, size in enumerate(before))
    given = x.static(1 if node.operator == "Upsample" or reading.opset < 11 else 2)
    scales = (given.values if given else None) or node.reals("scales")
    if not scales or len(scales) != len(axes) or not all(0 < scale < 10**6 for scale in scales):
        raise UnknowableError
    from fractions import Fraction  # few files need it

    by = dict(zip(axes, scales, strict=True))
    return tuple(floor(size * Fraction(by.get(axis, 1)).limit_denominator(10**6)) for axis, size in enumerate(before))


@rule("DepthToSpace")
def depth_to_space(reading: Reading, node: NodeDef, x: Operands) -> Sequence[Value]:
    factor = node.integer("blocksize", 0)
    if not 0 < factor < 10**4:
        raise MisfitError(f"its block size is {factor}")
    return [reading.layer(node, "pixelshuffle", x.tensor(0), factor=factor)]


@rule("SpaceToDepth")
def space_to_depth(reading: Reading, node: NodeDef, x: Operands) -> Sequence[Value]:
    data, block = reading.turned(node, x.tensor(0), 1), node.integer("blocksize", 0)
    dims = _dims(data)
    if block < 1 or len(dims) < 3 or any(size % block for size in dims[2:]):
        raise MisfitError(f"its block size is {block}, its input {sizes.text(dims)}")
    after = (dims[0], dims[1] * block ** (len(dims) - 2), *(size // block for size in dims[2:]))
    return [reading.foreign(node, after, [data], 1, window=(Reach(block - 1, 0, block),) * (len(dims) - 2))]


@rule("GridSample")
def grid_sample(reading: Reading, node: NodeDef, x: Operands) -> Sequence[Value]:
    data, grid = reading.turned(node, x.tensor(0), 1), x.value(1)
    if grid.dims is None or len(grid.dims) != len(_dims(data)):
        raise UnknowableError
    return [reading.foreign(node, (*_dims(data)[:2], *grid.dims[1:-1]), x, 1)]
