"""The rules of Caffe's layer types that join, cut, reorder or combine blobs along their axes.

https://github.com/BVLC/caffe, src/caffe/layers
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod

from cnncalc.layers import Layer
from cnncalc.layers.opaque import OpaqueOp
from cnncalc.readers.caffe.arguments import CaffeArguments, CaffeLayer, whole
from cnncalc.readers.caffe.blobs import LearnableBlob
from cnncalc.readers.caffe.importer import CaffeImporter, plain_type, rules
from cnncalc.readers.errors import fail
from cnncalc.readers.importer import elementwise_op, explicit_padding, make
from cnncalc.shape import Padding, Shape, ShapeError

# -- joins and parts -----------------------------------------------------------------------------------------


@rules("concat")
def concat(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add the inputs one behind the other, along the channels or a spatial axis; along the batch, a sample stays.

    Intel's Caffe may lay each of them out as a vector first (`per_fla_fuse`).
    """
    given, dims = layer.parameters("concat_param"), importer.dims(layer.inputs[0])
    if given.flag("per_fla_fuse", default=False):
        vectors = [importer.add_layer(layer, make("flatten"), each, part="flatten") for each in layer.inputs]
        return importer.add_layer(layer, make("concat"), *vectors)
    axis = importer.axis(layer, given, "concat_dim") if dims else 1
    if axis == 0:
        return importer.add_layer(layer, OpaqueOp("Concat", importer.shape(layer.inputs[0]), local=True), *layer.inputs)
    return importer.add_layer(layer, make("concat", **({"axis": axis - 1} if axis > 1 else {})), *layer.inputs)


@rules("slice")
def cut(importer: CaffeImporter, layer: CaffeLayer) -> list[int]:
    """Add parts of the input along an axis, one for each output: at the given points, or equal ones."""
    source, parts = layer.inputs[0], layer.outputs
    dims = importer.dims(source)
    if dims is None:
        return [importer.add_unknown(layer)]
    given = layer.parameters("slice_param")
    axis = importer.axis(layer, given, "slice_dim")
    if axis == 0:
        return [importer.add_layer(layer, elementwise_op(layer.type, importer.shape(source)), source)]
    size = dims[axis - 1]
    points = [whole(point, "a slice_point") for point in given.message.scalars("slice_point")]
    if not points and not size % parts:
        points = [size * number // parts for number in range(1, parts)]
    ends = [0, *points, size]
    if sorted(set(ends)) != ends or len(ends) != parts + 1:
        message = f"`{layer.name}` cannot cut {size} {'channels' if axis == 1 else 'elements'} into {parts}"
        fail("E306", message, f"at {points}", span=layer.span)
    names = [layer.name, *(importer.names(layer.name) for _ in range(parts - 1))]
    return [
        importer.add_layer(layer._replace(name=name), _part(axis, len(dims), begin, end, size), source)
        for name, (begin, end) in zip(names, pairwise(ends), strict=True)
    ]


def _part(axis: int, axes: int, begin: int, end: int, size: int) -> Layer:
    """Return the layer that takes the elements from `begin` up to `end` along an axis."""
    if axis == 1:
        return make("slice", channels=(begin, end))
    ends = [(0, 0)] * (axes - 1)
    ends[axis - 2] = begin, size - end
    return make("crop", amount=explicit_padding(ends)) if begin or end < size else make("identity")


@rules("crop")
def crop(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add a crop to the sizes of the second input, from `axis` on: from the beginning, or from an offset on."""
    dims, other = importer.dims(layer.inputs[0]), importer.dims(layer.inputs[-1])
    if dims is None or other is None:
        return importer.add_unknown(layer)
    given = layer.parameters("crop_param")
    axis = max(importer.axis(layer, given, default=2), 1)
    stated = [whole(offset, "an offset") for offset in given.message.scalars("offset")] or [0]
    offsets = stated * (len(dims) + 1 - axis) if len(stated) == 1 else stated
    if len(other) != len(dims) or len(offsets) != len(dims) + 1 - axis:
        message = f"`{layer.name}` crops {len(dims)} axes to {len(other)}"
        fail("E306", message, f"{len(offsets)} offsets", span=layer.span)
    ends = [(0, 0)] * (axis - 1)
    for size, wanted, offset in zip(dims[axis - 1 :], other[axis - 1 :], offsets, strict=True):
        if size - offset < wanted:
            message = f"`{layer.name}` asks for more than there is"
            fail("E306", message, f"{wanted} from {offset} on, of {size}", span=layer.span)
        ends.append((offset, size - offset - wanted))
    node = layer.inputs[0]
    begin, end = ends[0]
    if begin or end:
        part = make("slice", channels=(begin, dims[0] - end))
        node = importer.add_layer(layer, part, node, part="channels" if len(dims) > 1 else "")
    if len(dims) == 1:
        return node
    return importer.add_layer(layer, make("crop", amount=Padding("explicit", tuple(ends[1:]))), node)


# -- other shapes of the same elements -----------------------------------------------------------------------


@rules("flatten")
def flatten(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add a flatten of all axes, or of those from `axis` up to `end_axis`."""
    dims = importer.dims(layer.inputs[0])
    if dims is None:
        return importer.add_layer(layer, make("flatten"), layer.inputs[0])
    given, before = layer.parameters("flatten_param"), importer.batch(layer.inputs[0]).insert(dims)
    axes = len(before)
    axis, end = layer.axis(given, axes), given.integer("end_axis", -1, low=-axes)
    end = end + axes if end < 0 else end
    if axis == 0 or not axis <= end < axes:
        return importer.add_unknown(layer)
    if (axis, end) == (1, axes - 1):
        return importer.add_layer(layer, make("flatten"), layer.inputs[0])
    return importer.add_reshaped(layer, [*before[:axis], prod(before[axis : end + 1]), *before[end + 1 :]])


@rules("reshape")
def reshape(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add a reshape of the axes from `axis` on, in which 0 keeps a size, and -1 stands for what is left."""
    dims = importer.dims(layer.inputs[0])
    given = layer.parameters("reshape_param")
    stated = given.message.message("shape").scalars("dim")
    asked = [whole(dim, "a dimension", low=-1) for dim in stated]
    if dims is None or not asked:
        return importer.add_unknown(layer)
    before = importer.batch(layer.inputs[0]).insert(dims)
    axes, count = len(before), given.integer("num_axes", -1, low=-1)
    start = given.integer("axis", 0, low=-axes - 1)
    start = start + axes + 1 if start < 0 else start
    stop = axes if count < 0 else start + count
    if not 0 <= start <= stop <= axes:
        fail("E306", f"`{layer.name}` reshapes axes {start} to {stop}", f"of {axes}", span=layer.span)
    sizes = [before[start + at] if dim == 0 and start + at < axes else dim for at, dim in enumerate(asked)]
    after = [*before[:start], *sizes, *before[stop:]]
    for batch in (after[0], before[0]):  # a batch that does not fit is that of other data
        known, elements = prod(size for size in (batch, *after[1:]) if size != -1), prod(before)
        open_axes = [batch, *after[1:]].count(-1)
        if known > 0 and elements % known == 0 and (open_axes == 1 or (open_axes == 0 and known == elements)):
            full = [elements // known if size == -1 else size for size in (batch, *after[1:])]
            return importer.add_reshaped(layer, full)
    message = f"`{layer.name}` cannot lay out the {prod(dims)} elements of {importer.shape(layer.inputs[0])}"
    fail("E306", message, f"asked for {asked}", span=layer.span)


@rules("permute", "transpose")
def permute(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add the axes in another order; those that are not named come last."""
    given = layer.parameters("permute_param", "transpose_param").message
    order = [whole(axis, "an axis") for name in ("order", "dim") for axis in given.scalars(name)]
    axes = len(importer.batch(layer.inputs[0]).insert(importer.dims(layer.inputs[0]) or ()))
    order += [axis for axis in range(axes) if axis not in order]
    return importer.add_permuted(layer, order)


@rules("tile")
def tile(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add copies of the input one behind the other along an axis."""
    given, dims = layer.parameters("tile_param"), importer.dims(layer.inputs[0])
    if dims is None:
        return importer.add_unknown(layer)
    axis, tiles = importer.axis(layer, given), given.integer("tiles")
    return importer.add_of_dims(layer, [size * tiles if at == axis else size for at, size in enumerate(dims, 1)])


@rules("reduction")
def reduction(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add a sum, or the like, over all axes from `axis` on."""
    dims = importer.dims(layer.inputs[0])
    if dims is None:
        return importer.add_unknown(layer)
    axis = importer.axis(layer, layer.parameters("reduction_param"), default=0)
    return importer.add_of_dims(layer, dims[: max(axis - 1, 0)])


@rules("argmax")
def largest(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add the places of the largest elements along an axis, or of a whole sample; with their values, if asked for."""
    given, dims = layer.parameters("argmax_param"), importer.dims(layer.inputs[0])
    if dims is None:
        return importer.add_unknown(layer)
    count = given.integer("top_k", 1)
    if given.states("axis"):
        axis = importer.axis(layer, given)
        return importer.add_of_dims(layer, [count if at == axis else size for at, size in enumerate(dims, 1)])
    rows = 2 if given.flag("out_max_val", default=False) else 1
    return importer.add_of_dims(layer, [rows, count, *[1] * max(len(dims) - 2, 0)])


@rules("batchreindex", "filter")
def other_samples(importer: CaffeImporter, layer: CaffeLayer) -> list[int]:
    """Add a choice of samples: each of them stays as it is. A filter chooses of all inputs but its last."""
    sources = layer.inputs[: max(min(layer.outputs, len(layer.inputs) - 1), 1)]
    nodes = []
    for number, source in enumerate(sources):
        shape = importer.shape(source)
        kind = elementwise_op(layer.type, shape) if shape else None
        if kind is None:
            return [importer.add_unknown(layer)]
        chooser = layer.inputs[-1:] if len(layer.inputs) > 1 else []
        nodes.append(importer.add_layer(layer, kind, source, *chooser, part="" if not number else f"input{number + 1}"))
    return nodes


@rules("im2col")
def windows(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add the elements of each window as the channels of its position."""
    window, x = layer.make("dwconv"), importer.shape(layer.inputs[0])
    if x is None:
        return importer.add_unknown(layer)
    try:
        resolved = window.resolve(x)
        y = resolved.infer((x,))
    except ShapeError:
        return importer.add_layer(layer, window, layer.inputs[0])  # reports what is wrong
    return importer.add_of_dims(layer, [x.channels * prod(resolved.kernel), *y.spatial])


# -- several blobs, element by element -----------------------------------------------------------------------


@rules("eltwise")
def combine(importer: CaffeImporter, layer: CaffeLayer) -> int:
    operation = layer.parameters("eltwise_param").text("operation", "SUM")
    if operation in ("MAX", "2"):
        return importer.add_layer(layer, elementwise_op("EltwiseMax", importer.shape(layer.inputs[0])), *layer.inputs)
    return importer.add_layer(layer, make("mul" if operation in ("PROD", "0") else "add"), *layer.inputs)


@rules("scale", "bias")
def scale(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add weights for the axes that are named, or the product with a second input (the sum, of `Bias`)."""
    kind = plain_type(layer.type)
    given, dims = layer.parameters(f"{kind}_param"), importer.dims(layer.inputs[0])
    count = given.integer("num_axes", 1, low=-1)
    axis = given.integer("axis", 1, low=-100) if dims is None else importer.axis(layer, given)
    # It needs no more than the channels.
    if kind == "scale" and axis == count == len(layer.inputs) == 1:
        return importer.add_layer(layer, layer.make("scale"), layer.inputs[0])
    if dims is None:
        return importer.add_unknown(layer)
    if len(layer.inputs) > 1:
        return _by_input(importer, layer, given, dims)
    stop = len(dims) + 1 if count < 0 else axis + count
    size = prod([1, *dims][axis:stop])
    blobs = [LearnableBlob(size)] * (1 + given.flag("bias_term", default=False))
    shape = importer.shape(layer.inputs[0])
    return importer.add_layer(layer, elementwise_op(layer.type, shape), layer.inputs[0], blobs=blobs)


def _by_input(importer: CaffeImporter, layer: CaffeLayer, given: CaffeArguments, dims: Sequence[int]) -> int:
    """Add the product (or sum) with a second input, which stands for the axes from `axis` on, and for all behind it."""
    first, second, *_ = layer.inputs
    other = importer.dims(second)
    operation = "add" if plain_type(layer.type) == "bias" else "mul"
    blobs = [LearnableBlob(prod(other))] if other and given.flag("bias_term", default=False) else ()
    axis = importer.axis(layer, given)
    shape = importer.shape(first)
    if axis == 0 and other is not None and list(other) == list(dims[: len(other)]):
        stretched = Shape((1,) * (len(dims) - 1), other[0]) if len(other) == 1 else None
        if other == list(dims) or stretched:
            if stretched and len(dims) > 1:
                second = importer.add_layer(layer, make("reshape", shape=stretched.dims), second, part="reshape")
            return importer.add_layer(layer, make(operation), first, second, blobs=blobs)
    # A blob without a batch, as that of a `Parameter`, or one for some of the axes.
    return importer.add_layer(layer, elementwise_op(layer.type, shape), *layer.inputs, blobs=blobs)


@rules("axpy")
def scaled_sum(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add a·x + y, with a number a for each channel (SENet)."""
    if len(layer.inputs) != 3:
        fail("E306", f"`{layer.name}` has {len(layer.inputs)} inputs", "it needs a, x and y", span=layer.span)
    factor, x, y = layer.inputs
    shape, target = importer.shape(factor), importer.shape(x)
    if shape is not None and target is not None and shape.rank != target.rank:
        ones = (1,) * target.rank
        factor = importer.add_layer(layer, make("reshape", shape=(*ones, shape.channels)), factor, part="reshape")
    return importer.add_layer(layer, make("add"), importer.add_layer(layer, make("mul"), factor, x, part="mul"), y)
