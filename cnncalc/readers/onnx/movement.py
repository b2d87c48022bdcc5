"""Operators that move elements: reshapes, transposes, slices, joins, and changes of the spatial size."""

from __future__ import annotations

from collections.abc import Callable
from math import floor

from cnncalc.readers import shape_inference
from cnncalc.readers.onnx.constant_folding import RESHAPES, slice_ranges
from cnncalc.readers.onnx.constants import Constants, argument
from cnncalc.readers.onnx.importer import OnnxImporter, rules
from cnncalc.readers.onnx.model import NodeDef
from cnncalc.readers.operands import Operands, Outputs
from cnncalc.readers.operator_importer import join
from cnncalc.readers.shape_inference import Dims, ShapeMismatchError, axis_of
from cnncalc.readers.tensors import CannotInferError, Tensor
from cnncalc.readers.weights import ConstantTensor

# -- the same elements in another shape --------------------------------------------------------------------


@rules("Transpose")
def transpose(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    data = operands.tensor(0)
    order = node.integers("perm") or tuple(reversed(range(len(data.known_dims))))
    return importer.transpose(node, data, order)


@rules("Reshape")
def reshape(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    data = operands.tensor(0)
    before, target = data.known_dims, argument(node, operands.constants, "shape", 1)
    if isinstance(operands.get(1), Tensor) or target is None:
        raise CannotInferError
    after = shape_inference.reshape(before, importer.for_one_sample(target, data), bool(node.integer("allowzero", 0)))
    return importer.reshape(node, data, after)


@rules("cnncalc.ChannelShuffle")
def shuffle(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    """Add a channel shuffle (split into groups x members, transposed, joined), or its steps if it is not one."""
    data, groups, joined = operands.tensor(0), operands.constant(1), operands.constant(2)
    targets = [each.integers() if each else None for each in (groups, joined)]
    if targets[0] is None or targets[1] is None:
        raise CannotInferError
    before = data.known_dims
    split = shape_inference.reshape(before, importer.for_one_sample(targets[0], data))
    turned = (split[0], split[2], split[1], *split[3:])
    whole = shape_inference.reshape(turned, importer.for_one_sample(targets[1], data))
    if whole == before and split[1] * split[2] == before[1] and data.channel == 1:
        return importer.layer(node, "shuffle", data, groups=split[1])
    parts = importer.reshape(node, data, split)
    parts = importer.transpose(node._replace(operator="Transpose"), parts, (0, 2, 1, *range(3, len(split))))
    return importer.reshape(node, parts, whole)


@rules.table(RESHAPES)
def reshaped(
    importer: OnnxImporter, node: NodeDef, operands: Operands, function: Callable[[NodeDef, Constants, Dims], Dims]
) -> Outputs:
    data = operands.tensor(0)
    return importer.reshape(node, data, function(node, operands.constants, data.known_dims))


# -- parts ---------------------------------------------------------------------------------------------------


@rules("Slice")
def take(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    data = operands.tensor(0)
    if any(isinstance(each, Tensor) for each in operands.values[1:]):
        raise CannotInferError
    return importer.slice(node, data, slice_ranges(node, operands.constants, data.known_dims))


@rules("Split")
def split(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    data = operands.tensor(0)
    dims = data.known_dims
    axis = axis_of(node.integer("axis", 0), len(dims))
    parts = shape_inference.split(dims[axis], argument(node, operands.constants, "split", 1), len(node.outputs))
    return importer.split(node, data, axis, parts)


@rules("Gather")
def gather(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    data, at = operands.value(0), operands.value(1)
    if data.dims is None or at.dims is None:
        raise CannotInferError
    axis = axis_of(node.integer("axis", 0), len(data.dims))
    after = shape_inference.gather(data.dims, at.dims, axis)
    if isinstance(data, ConstantTensor):
        # A table of embeddings.
        return importer.opaque(node, after, operands.tensors, len(after) - 1, importer.count_weights(data))
    if at.dims == () and data.dims[axis] == 1:
        return importer.reshape(node, data, after)
    channel = data.channel + len(at.dims) - 1 if data.channel > axis else data.channel
    return importer.opaque(node, after, operands.tensors, min(max(channel, 0), len(after) - 1))


@rules("GatherElements")
def gather_elements(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    return importer.opaque(
        node, operands.value(1).dims, operands.tensors, stored=importer.count_weights(operands.get(0), scalars=False)
    )


@rules("GatherND")
def gather_nd(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    data, at, batch = operands.value(0), operands.value(1), node.integer("batch_dims", 0)
    if data.dims is None or not at.dims or not 0 <= batch < len(at.dims):
        raise CannotInferError
    after = (*at.dims[:-1], *data.dims[batch + at.dims[-1] :])
    return importer.opaque(node, after, operands.tensors, stored=importer.count_weights(data, scalars=False))


@rules("TopK")
def top_k(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    data = operands.tensor(0)
    count = argument(node, operands.constants, "k", 1)
    k = count[0] if count else node.integer("k", 0)
    dims = list(data.known_dims)
    axis = axis_of(node.integer("axis", -1), len(dims))
    if not 0 < k <= dims[axis]:
        raise ShapeMismatchError(f"it takes {k} of {dims[axis]}")
    dims[axis] = k
    output = importer.opaque(node, tuple(dims), [data], data.channel)
    return [output, output]


# -- together ------------------------------------------------------------------------------------------------


@rules("Concat")
def concat(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    return join(importer, node, operands, node.integer("axis", 1))


@rules("com.microsoft.QLinearConcat")
def quantized_concat(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    # The scale and zero point of y, then each input with its own.
    return join(importer, node, Operands(operands.values[2::3]), node.integer("axis", 1))


@rules("Expand")
def expand(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    data, target = operands.tensor(0), operands.constant(1)
    wanted = target.integers() if target else None
    if wanted is None or any(isinstance(size, int) and size < 1 for size in wanted):
        raise CannotInferError
    after = shape_inference.broadcast(data.known_dims, tuple(wanted))
    return data if after == data.dims else importer.opaque(node, after, [data])


@rules("Tile")
def tile(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    data, target = operands.tensor(0), operands.constant(1)
    times = target.integers() if target else None
    if times is None or len(times) != len(data.known_dims) or any(count < 1 for count in times):
        raise CannotInferError
    after = tuple(size * count for size, count in zip(data.known_dims, times, strict=True))
    return data if after == data.dims else importer.opaque(node, after, [data], data.channel)


# -- space ---------------------------------------------------------------------------------------------------


@rules("Pad")
def pad(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    data = operands.tensor(0)
    dims = data.known_dims
    pads, axes = argument(node, operands.constants, "pads", 1), argument(node, operands.constants, "axes", 3)
    axes = list(range(len(dims))) if axes is None else [axis_of(axis, len(dims)) for axis in axes]
    if pads is None or len(pads) != 2 * len(axes):
        raise CannotInferError
    ends = {axis: (pads[at], pads[at + len(axes)]) for at, axis in enumerate(axes)}
    return importer.pad(node, data, ends)


@rules("Resize", "Upsample")
def resize(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    data = operands.tensor(0)
    mode = {"nearest": "nearest", "linear": "bilinear"}.get(node.text("mode", "nearest"))
    return importer.resize(node, data, _resized(importer, node, operands), mode)


def _resized(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Dims:
    """Return the output's dimensions: as given, or scaled and rounded down."""
    data = operands.tensor(0)
    before, axes = data.known_dims, node.integers("axes")
    axes = tuple(range(len(before))) if axes is None else tuple(axis_of(axis, len(before)) for axis in axes)
    from fractions import Fraction  # few files need it

    target = operands.constant(3)
    if target is not None:
        wanted = target.integers()
        if wanted is None or len(wanted) != len(axes):
            raise CannotInferError
        fits = {"not_larger": min, "not_smaller": max}.get(node.text("keep_aspect_ratio_policy", "stretch"))
        if fits is not None:
            # One scale for all axes, and sizes rounded to the nearest.
            scale = fits(Fraction(size, before[axis]) for axis, size in zip(axes, wanted, strict=True))
            wanted = [floor(before[axis] * scale + Fraction(1, 2)) for axis in axes]
        to = dict(zip(axes, importer.for_one_sample(wanted, data), strict=True))
        return tuple(to.get(axis, size) for axis, size in enumerate(before))
    given = operands.constant(1 if node.operator == "Upsample" or importer.opset < 11 else 2)
    scales = (given.values if given else None) or node.reals("scales")
    if not scales or len(scales) != len(axes) or not all(0 < scale < 10**6 for scale in scales):
        raise CannotInferError
    by = dict(zip(axes, scales, strict=True))
    return tuple(size * Fraction(by.get(axis, 1)).limit_denominator(10**6) // 1 for axis, size in enumerate(before))


@rules("DepthToSpace", "SpaceToDepth")
def blocks_of_space(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    factor = node.integer("blocksize", 0)
    if not 0 < factor < 10**4:
        raise ShapeMismatchError(f"its block size is {factor}")
    kind = "pixelshuffle" if node.operator == "DepthToSpace" else "pixelunshuffle"
    return importer.layer(node, kind, operands.tensor(0), factor=factor)


@rules("GridSample")
def grid_sample(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    data, grid = importer.with_channels(node, operands.tensor(0), 1), operands.value(1)
    if grid.dims is None or len(grid.dims) != len(data.known_dims):
        raise CannotInferError
    return importer.opaque(node, (*data.known_dims[:2], *grid.dims[1:-1]), operands.tensors, 1)
