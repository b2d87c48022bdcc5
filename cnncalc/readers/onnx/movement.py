"""Operators that move elements about: reshapes, transposes, slices, joins, and changes of the spatial size."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor

from cnncalc.graph import StoredWeights
from cnncalc.layers.base import FieldStep
from cnncalc.readers import shape_inference as sizes
from cnncalc.readers.importer import Tensor, UnknowableError
from cnncalc.readers.onnx.constant_folding import Static, argument, slice_ranges
from cnncalc.readers.onnx.importer import OnnxImporter, Operands, Value, rule
from cnncalc.readers.onnx.model import NodeDef
from cnncalc.readers.onnx.pattern_fusion import OWN
from cnncalc.readers.shape_inference import Dims, MisfitError, axis_of

# -- the same elements in another shape --------------------------------------------------------------------


@rule("Transpose")
def transpose(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    data = x.tensor(0)
    order = node.integers("perm") or tuple(reversed(range(len(data.known))))
    return [reading.transposed(node, data, order)]


@rule("Reshape")
def reshape(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    data = x.tensor(0)
    before, target = data.known, argument(node, x.statics, "shape", 1)
    if isinstance(x.get(1), Tensor) or target is None:
        raise UnknowableError
    after = sizes.reshape(before, reading.of_one(target, data), bool(node.integer("allowzero", 0)))
    return [reading.reshaped(node, data, after)]


@rule("ChannelShuffle", domain=OWN)
def shuffle(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    """Channels as groups x members, turned, and joined again; what only looks like it is taken step by step."""
    data, groups, joined = x.tensor(0), x.static(1), x.static(2)
    targets = [each.integers() if each else None for each in (groups, joined)]
    if targets[0] is None or targets[1] is None:
        raise UnknowableError
    before = data.known
    split = sizes.reshape(before, reading.of_one(targets[0], data))
    turned = (split[0], split[2], split[1], *split[3:])
    whole = sizes.reshape(turned, reading.of_one(targets[1], data))
    if whole == before and split[1] * split[2] == before[1] and data.channel == 1:
        return [reading.layer(node, "shuffle", data, groups=split[1])]
    parts = reading.reshaped(node, data, split)
    parts = reading.transposed(node._replace(operator="Transpose"), parts, (0, 2, 1, *range(3, len(split))))
    return [reading.reshaped(node, parts, whole)]


@rule("Flatten")
def flatten(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    data = x.tensor(0)
    return [reading.reshaped(node, data, sizes.flatten(data.known, node.integer("axis", 1)))]


@rule("Squeeze")
def squeeze(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    data = x.tensor(0)
    return [reading.reshaped(node, data, sizes.squeeze(data.known, argument(node, x.statics, "axes", 1)))]


@rule("Unsqueeze")
def unsqueeze(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    data = x.tensor(0)
    return [reading.reshaped(node, data, sizes.unsqueeze(data.known, argument(node, x.statics, "axes", 1) or []))]


# -- parts ---------------------------------------------------------------------------------------------------


@rule("Slice")
def take(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    data = x.tensor(0)
    if any(isinstance(each, Tensor) for each in x.values[1:]):
        raise UnknowableError
    return [reading.taken(node, data, slice_ranges(node, x.statics, data.known))]


@rule("Split")
def split(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    data = x.tensor(0)
    dims = data.known
    axis = axis_of(node.integer("axis", 0), len(dims))
    parts = sizes.split(dims[axis], argument(node, x.statics, "split", 1), len(node.outputs))
    return reading.split(node, data, axis, parts)


@rule("Gather")
def gather(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    data, at = x.value(0), x.value(1)
    if data.dims is None or at.dims is None:
        raise UnknowableError
    axis = axis_of(node.integer("axis", 0), len(data.dims))
    after = sizes.gather(data.dims, at.dims, axis)
    if isinstance(data, Static):
        # A table of embeddings.
        return [reading.foreign(node, after, x.tensors, len(after) - 1, StoredWeights(reading.claim(data)))]
    if at.dims == () and data.dims[axis] == 1:
        return [reading.reshaped(node, data, after)]
    channel = data.channel + len(at.dims) - 1 if data.channel > axis else data.channel
    return [reading.foreign(node, after, x.tensors, min(max(channel, 0), len(after) - 1))]


@rule("GatherElements")
def gather_elements(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    return [
        reading.foreign(node, x.value(1).dims, x.tensors, stored=StoredWeights(reading.claim(x.get(0), single=False)))
    ]


@rule("GatherND")
def gather_nd(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    data, at, batch = x.value(0), x.value(1), node.integer("batch_dims", 0)
    if data.dims is None or not at.dims or not 0 <= batch < len(at.dims):
        raise UnknowableError
    after = (*at.dims[:-1], *data.dims[batch + at.dims[-1] :])
    return [reading.foreign(node, after, x.tensors, stored=StoredWeights(reading.claim(data, single=False)))]


@rule("TopK")
def top_k(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    data = x.tensor(0)
    count = argument(node, x.statics, "k", 1)
    k = count[0] if count else node.integer("k", 0)
    dims = list(data.known)
    axis = axis_of(node.integer("axis", -1), len(dims))
    if not 0 < k <= dims[axis]:
        raise MisfitError(f"it takes {k} of {dims[axis]}")
    dims[axis] = k
    row = reading.foreign(node, tuple(dims), [data], data.channel)
    return [row, row]


# -- together ------------------------------------------------------------------------------------------------


@rule("Concat")
def concat(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    return [_joined(reading, node, list(x.values), node.integer("axis", 1))]


@rule("QLinearConcat", domain="com.microsoft")
def quantized_concat(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    # The scale and zero point of y, then each input with its own.
    return [_joined(reading, node, list(x.values[2::3]), node.integer("axis", 1))]


def _joined(reading: OnnxImporter, node: NodeDef, values: list[Value | None], axis: int) -> Tensor:
    given = [each for each in values if each is not None]
    shapes = [each.dims for each in given if each.dims is not None]
    if len(shapes) < len(given):
        raise UnknowableError
    tensors = [each for each in given if isinstance(each, Tensor)]
    if not tensors:
        raise UnknowableError
    after = sizes.concat(shapes, axis)
    constants = [each for each in given if isinstance(each, Static)]
    stored = StoredWeights(reading.claim(*constants)) if constants else None
    return reading.joined(node, tensors, after, axis_of(axis, len(after)), stored)


@rule("Expand")
def expand(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    data, target = x.tensor(0), x.static(1)
    wanted = target.integers() if target else None
    if wanted is None or any(size < 1 for size in wanted):
        raise UnknowableError
    after = sizes.broadcast(data.known, tuple(wanted))
    return [data if after == data.dims else reading.foreign(node, after, [data])]


@rule("Tile")
def tile(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    data, target = x.tensor(0), x.static(1)
    times = target.integers() if target else None
    if times is None or len(times) != len(data.known) or any(count < 1 for count in times):
        raise UnknowableError
    after = tuple(size * count for size, count in zip(data.known, times, strict=True))
    return [data if after == data.dims else reading.foreign(node, after, [data], data.channel)]


# -- space ---------------------------------------------------------------------------------------------------


@rule("Pad")
def pad(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    data = x.tensor(0)
    dims = data.known
    pads, axes = argument(node, x.statics, "pads", 1), argument(node, x.statics, "axes", 3)
    axes = list(range(len(dims))) if axes is None else [axis_of(axis, len(dims)) for axis in axes]
    if pads is None or len(pads) != 2 * len(axes):
        raise UnknowableError
    ends = {axis: (pads[at], pads[at + len(axes)]) for at, axis in enumerate(axes)}
    return [reading.padded(node, data, ends)]


@rule("Resize", "Upsample")
def resize(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    data = x.tensor(0)
    mode = {"nearest": "nearest", "linear": "bilinear"}.get(node.text("mode", "nearest"))
    return [reading.resized(node, data, _resized(reading, node, x), mode)]


def _resized(reading: OnnxImporter, node: NodeDef, x: Operands) -> Dims:
    """The output's dimensions: as given, or scaled and rounded down."""
    data = x.tensor(0)
    before, axes = data.known, node.integers("axes")
    axes = tuple(range(len(before))) if axes is None else tuple(axis_of(axis, len(before)) for axis in axes)
    target = x.static(3)
    if target is not None:
        wanted = target.integers()
        if wanted is None or len(wanted) != len(axes) or node.text("keep_aspect_ratio_policy", "stretch") != "stretch":
            raise UnknowableError
        to = dict(zip(axes, reading.of_one(wanted, data), strict=True))
        return tuple(to.get(axis, size) for axis, size in enumerate(before))
    given = x.static(1 if node.operator == "Upsample" or reading.opset < 11 else 2)
    scales = (given.values if given else None) or node.reals("scales")
    if not scales or len(scales) != len(axes) or not all(0 < scale < 10**6 for scale in scales):
        raise UnknowableError
    from fractions import Fraction  # few files need it

    by = dict(zip(axes, scales, strict=True))
    return tuple(floor(size * Fraction(by.get(axis, 1)).limit_denominator(10**6)) for axis, size in enumerate(before))


@rule("DepthToSpace")
def depth_to_space(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    factor = node.integer("blocksize", 0)
    if not 0 < factor < 10**4:
        raise MisfitError(f"its block size is {factor}")
    return [reading.layer(node, "pixelshuffle", x.tensor(0), factor=factor)]


@rule("SpaceToDepth")
def space_to_depth(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    data, block = reading.turned(node, x.tensor(0), 1), node.integer("blocksize", 0)
    dims = data.known
    if block < 1 or len(dims) < 3 or any(size % block for size in dims[2:]):
        raise MisfitError(f"its block size is {block}, its input {sizes.text(dims)}")
    after = (dims[0], dims[1] * block ** (len(dims) - 2), *(size // block for size in dims[2:]))
    return [reading.foreign(node, after, [data], 1, window=(FieldStep(block - 1, 0, block),) * (len(dims) - 2))]


@rule("GridSample")
def grid_sample(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    data, grid = reading.turned(node, x.tensor(0), 1), x.value(1)
    if grid.dims is None or len(grid.dims) != len(data.known):
        raise UnknowableError
    return [reading.foreign(node, (*data.known[:2], *grid.dims[1:-1]), x.tensors, 1)]
