"""ncnn's layers that move elements: reshapes, permutations, slices, joins, and changes of the spatial size."""

from __future__ import annotations

from itertools import permutations
from math import prod

from cnncalc.readers import shape_inference
from cnncalc.readers.ncnn.expressions import AXES, evaluate
from cnncalc.readers.ncnn.importer import NcnnImporter, rules
from cnncalc.readers.ncnn.param import OPEN, NcnnLayer
from cnncalc.readers.operands import Operands, Outputs, Value
from cnncalc.readers.shape_inference import Dims, ShapeMismatchError, axes_of, axis_of, text
from cnncalc.readers.tensors import CannotInferError, Tensor, channel_after
from cnncalc.readers.weights import ConstantTensor


def _axis(importer: NcnnImporter, layer: NcnnLayer, x: Value) -> int:
    """Return the axis that a layer states, with the batch in front counted."""
    return axis_of(layer.integer("axis", 0, low=-4), len(x.dims or ()) - 1) + 1


# -- the same elements in another shape --------------------------------------------------------------------


@rules("Flatten")
def flatten(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    x = operands.tensor(0)
    return importer.reshape(layer, x, (1, prod(x.known_dims)))


@rules("Reshape")
def reshape(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    """Add a reshape to the sizes that are given: 0 keeps an axis, -1 takes what is left."""
    x = operands.tensor(0)
    expression = layer.text("shape_expr")
    sizes = evaluate(expression, [each.dims[1:] if each and each.dims else None for each in operands.values])
    if not expression:
        width, height, depth, channels = layer.sizes("size")
        sizes = [size for size in (channels, depth, height, width) if size != OPEN]
    else:
        sizes = sizes[::-1]
    before = x.known_dims[1:]
    # A 0 keeps the axis of its name: width is the last, height before it, channels the first.
    of_input, of_output = _axis_names(len(before)), _axis_names(len(sizes))
    named = dict(zip(of_input, before, strict=True))
    kept = [named.get(name, 1) if size == 0 else size for name, size in zip(of_output, sizes, strict=True)]
    after = (1, *shape_inference.reshape(before, kept))
    channel = channel_after(x.known_dims, after, x.channel)
    if len(after) > 3 and after[channel] != x.known_dims[x.channel]:
        channel = 1  # an image has its channels in front
    return importer.reshape(layer, x, after, channel)


def _axis_names(rank: int) -> str:
    if rank not in AXES:
        raise ShapeMismatchError(f"a blob has no {rank} axes")
    return AXES[rank]


@rules("Squeeze")
def squeeze(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    x = operands.tensor(0)
    dims = x.known_dims[1:]
    axes = layer.whole_array("axes")
    if layer.states("axes"):
        gone = set(axes_of(axes, len(dims)))
    else:
        width, height, depth, channels = (size not in (0, OPEN) for size in layer.sizes("squeeze"))
        flags = {1: (width,), 2: (height, width), 3: (channels, height, width)}
        flagged = flags.get(len(dims), (channels, depth, height, width))
        gone = {axis for axis, flag in enumerate(flagged) if flag}
    left = tuple(size for axis, size in enumerate(dims) if axis not in gone or size != 1)
    return importer.reshape(layer, x, (1, *(left or (1,))))


@rules("ExpandDims")
def expand(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    x = operands.value(0)
    after = (1, *shape_inference.unsqueeze((x.dims or ())[1:], layer.whole_array("axes")))
    return x._replace(dims=after) if isinstance(x, ConstantTensor) else importer.reshape(layer, x, after)


@rules("Permute")
def permute(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    """Add a transpose. The orders of the axes, the outermost first, are numbered as they come in a dictionary."""
    x = operands.tensor(0)
    orders = list(permutations(range(1, len(x.known_dims))))
    number = layer.integer("order_type", 0, low=0)
    if number >= len(orders):
        raise ShapeMismatchError(f"there is no order {number} of the axes of {text(x.known_dims[1:])}")
    return importer.transpose(layer, x, (0, *orders[number]))


@rules("ShuffleChannel")
def shuffle(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    x = importer.with_channels(layer, operands.tensor(0), 1)
    groups = layer.integer("group", 1)
    if x.known_dims[1] % groups:
        raise ShapeMismatchError(f"{x.known_dims[1]} channels do not divide into {groups} groups")
    # Reversed, the groups are as large as they were many.
    return importer.same_shape(
        layer, "shuffle", x, groups=x.known_dims[1] // groups if layer.flag("reverse", default=False) else groups
    )


# -- parts, and together ---------------------------------------------------------------------------------------


@rules("Slice")
def split(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    """Add the parts of an axis: of given sizes, an open one sharing what is left, or between given indices."""
    x, count = operands.tensor(0), len(layer.outputs)
    axis = _axis(importer, layer, x)
    size = x.known_dims[axis]
    parts: list[int] = []
    if layer.states("indices"):
        ends = [end + size if end < 0 else end for end in layer.whole_array("indices")][: count - 1]
        parts = [end - begin for begin, end in zip([0, *ends], [*ends, size], strict=True)]
    else:
        for number, part in enumerate(layer.whole_array("slices")[:count]):
            parts.append((size - sum(parts)) // (count - number) if part == OPEN else part)
    if len(parts) != count or any(part < 1 for part in parts) or sum(parts) > size:
        raise ShapeMismatchError(f"{size} does not split into {parts[:8]}")
    outputs: list[Value] = list(importer.split(layer, x, axis, parts))
    return outputs


@rules("Crop")
def crop(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    """Add a part of a blob: by starts and ends of axes, by offsets and sizes, or as large as a second blob."""
    x = operands.tensor(0)
    dims = x.known_dims[1:]
    taken = [range(size) for size in dims]
    if layer.states("starts_expr"):
        raise CannotInferError
    if layer.states("starts"):
        starts, ends = layer.whole_array("starts"), layer.whole_array("ends")
        axes = layer.whole_array("axes") or list(range(len(dims)))
        for axis, start, end in zip(axes, starts, ends, strict=False):
            at = axis_of(axis, len(dims))
            begin = None if start == OPEN else start
            taken[at] = range(*slice(begin, None if end in (OPEN, 0) else end).indices(dims[at]))
        return importer.slice(layer, x, [range(1), *taken])
    wanted = operands.get(1)
    offsets, before_end = _by_axis(layer, "offset", len(dims)), _by_axis(layer, "offset_end", len(dims))
    sizes = _by_axis(layer, "size", len(dims))
    for at, size in enumerate(dims):
        begin = max(offsets[at], 0) if offsets[at] != OPEN else 0
        end = size - max(before_end[at], 0)
        if wanted is not None and wanted.dims and len(wanted.dims) == len(dims) + 1:
            # Channels are cropped to those of the second blob only where an offset says so.
            keep = at == 0 and len(dims) > 2 and sizes[at] in (0, OPEN) and offsets[at] in (0, OPEN)
            end = end if keep else begin + wanted.dims[at + 1]
        elif sizes[at] not in (OPEN, 0):
            end = min(end, begin + sizes[at])
        taken[at] = range(begin, max(min(end, size), begin))
    return importer.slice(layer, x, [range(1), *taken])


def _by_axis(layer: NcnnLayer, name: str, rank: int) -> list[int]:
    """Return a parameter's numbers for the axes of a blob, the outermost first."""
    width, height, depth, channels = layer.sizes(name)
    return {1: [width], 2: [height, width], 3: [channels, height, width]}.get(rank, [channels, depth, height, width])


@rules("Concat")
def concat(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    values = [each for each in operands.values if each is not None and each.dims is not None]
    rank = min(len(each.dims or ()) for each in values)
    values = [importer.of_rank(layer, each, rank) if isinstance(each, Tensor) else each for each in values]
    axis = _axis(importer, layer, values[0])
    after = shape_inference.concat([each.dims or () for each in values], axis)
    tensors = [each for each in values if isinstance(each, Tensor)]
    stored = importer.count_weights(*values) if len(tensors) < len(values) else None
    # Vectors and rows have their channels where they are joined.
    if rank < 4 and len(tensors) == len(values) and axis == len(after) - 1:
        tensors = [importer.with_channels(layer, each, axis) for each in tensors]
    return importer.concat(layer, tensors, after, axis, stored)


@rules("Tile")
def tile(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    """Add repetitions: along one axis, or a number for each axis of the output."""
    x = operands.tensor(0)
    dims, times = x.known_dims[1:], layer.whole_array("repeats", low=1)
    if not times:
        times = [1] * len(dims)
        times[_axis(importer, layer, x) - 1] = layer.integer("tiles", 1)
    rank = max(len(dims), len(times))
    before = (1,) * (rank - len(dims)) + dims
    after = tuple(size * count for size, count in zip(before, [1] * (rank - len(times)) + times, strict=True))
    if after == before:
        return importer.reshape(layer, x, (1, *after))
    return importer.opaque(layer, (1, *after), [x], x.channel + rank - len(dims))


@rules("GLU")
def gated(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    x = operands.tensor(0)
    axis = _axis(importer, layer, x)
    dims = tuple(size // 2 if at == axis else size for at, size in enumerate(x.known_dims))
    return importer.opaque(layer, dims, [x], x.channel)


# -- space -----------------------------------------------------------------------------------------------------


@rules("Padding")
def pad(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    """Add rows above, below, left and right; in front and behind they are channels, or of four axes the depth."""
    x = operands.tensor(0)
    top, bottom, left, right, front, behind = (0 if size == OPEN else size for size in layer.sizes("ends"))
    last = len(x.known_dims) - 1
    ends = {last: (left, right)}
    if last > 1:
        ends[last - 1] = (top, bottom)
    if last > 2:
        ends[last - 2] = (front, behind)
    return importer.pad(layer, x, ends)


@rules("Interp")
def resize(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    """Add a resize to a size, by factors, or to the size of a second blob. A vector is one number for each channel."""
    x = operands.tensor(0)
    mode = {1: "nearest", 2: "bilinear"}.get(layer.integer("resize_type", 0, low=0))
    if len(x.known_dims) == 2:
        x = importer.of_rank(layer, x, 4)
    x = importer.with_channels(layer, x, 1)
    channels, *spatial = x.known_dims[1:]
    expression = layer.text("size_expr")
    if expression:
        shapes = [each.dims[1:] if each and each.dims else None for each in operands.values]
        sizes = evaluate(expression, shapes)[::-1]
    elif layer.flag("dynamic_target_size", default=False) and len(operands.values) > 1:
        sizes = list(operands.value(1).dims or ())[2:]
    else:
        sizes = [0 if size == OPEN else size for size in layer.sizes("output_size")][::-1]
    if 0 in sizes:
        width, height = layer.scales()
        factors = (height, width)[2 - len(spatial) :]
        sizes = [int(size * factor) for size, factor in zip(spatial, factors, strict=True)]
    sizes = sizes[len(sizes) - len(spatial) :]
    if len(sizes) != len(spatial):
        raise ShapeMismatchError(f"{text(tuple(spatial))} is not resized to {text(tuple(sizes))}")
    return importer.resize(layer, x, (1, channels, *sizes), mode)


@rules.table({"PixelShuffle": "pixelshuffle", "Reorg": "pixelunshuffle"})
def blocks_of_space(importer: NcnnImporter, layer: NcnnLayer, operands: Operands, kind: str) -> Outputs:
    factor = layer.integer("upscale_factor" if kind == "pixelshuffle" else "stride", 1)
    x = importer.with_channels(layer, operands.tensor(0), 1)
    if kind == "pixelunshuffle" and any(size % factor for size in x.known_dims[2:]):
        # A rest of space is dropped, which ours does not.
        channels, *spatial = x.known_dims[1:]
        after: Dims = (1, channels * factor ** len(spatial), *(size // factor for size in spatial))
        return importer.opaque(layer, after, [x], 1)
    return importer.layer(layer, kind, x, factor=factor)


@rules("Fold")
def fold(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    """Add an image laid together from columns, each of which is a window."""
    x = operands.tensor(0)
    kernel, size = layer.integers("kernel", 2), layer.integers("output_size", 2)
    channels = x.known_dims[1] // prod(kernel)
    if len(x.known_dims) != 3 or not channels:
        raise CannotInferError
    return importer.opaque(layer, (1, channels, *size), [x], 1)
