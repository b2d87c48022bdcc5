"""The rules of Caffe's layer types, each of which converts a type to our layers."""

from __future__ import annotations

from itertools import pairwise
from math import prod

from cnncalc.frameworks.caffe import CAFFE, ELEMENTWISE
from cnncalc.graph import StoredWeights
from cnncalc.layers.opaque import OpaqueOp
from cnncalc.layers.pool import AvgPool
from cnncalc.readers.caffe.importer import CaffeImporter, CaffeLayer, plain_type, rules, whole
from cnncalc.readers.errors import fail
from cnncalc.readers.importer import elementwise_op, make, unknown_op
from cnncalc.shape import Shape

#: Kinds whose types mean our layer and nothing else, with the arguments of the table.
PLAIN = (
    "conv", "deconv", "fc", "lrn", "relu6", "elu", "prelu", "silu", "mish", "sigmoid", "tanh", "softmax", "identity",
    "dropout", "upsample", "shuffle", "flatten",
)  # fmt: skip


@rules.table({plain_type(name): kind for kind in PLAIN for name in CAFFE.equivalent(kind).names})
def plain(importer: CaffeImporter, layer: CaffeLayer, kind: str) -> int:
    return importer.add_layer(layer, layer.make(kind), layer.inputs[0])


@rules(*map(plain_type, ELEMENTWISE))
def elementwise(importer: CaffeImporter, layer: CaffeLayer) -> int:
    return importer.add_layer(layer, OpaqueOp(layer.type, importer.shape(layer.inputs[0]), local=True), *layer.inputs)


@rules(*map(plain_type, CAFFE.equivalent("dwconv").names))
def depthwise(importer: CaffeImporter, layer: CaffeLayer) -> int:
    shape = importer.shape(layer.inputs[0])
    conv = layer.make("conv")
    return importer.add_layer(layer, conv.replace(groups=shape.channels) if shape else conv, layer.inputs[0])


@rules("pooling")
def pool(importer: CaffeImporter, layer: CaffeLayer) -> int:
    given = layer.parameters("pooling_param")
    text = given.message.text
    largest = text("pool", "MAX").upper() in ("MAX", "0")
    if given.flag("global_pooling", default=False):
        return importer.add_layer(layer, make("gmp" if largest else "gap"), layer.inputs[0])
    floor = text("round_mode", "CEIL").upper() in ("FLOOR", "1") or not given.flag("ceil_mode")
    rounding = "floor" if floor else "ceil"
    made = layer.make("pool" if largest else "avgpool", rounding=rounding)
    # It divides by the window's size, but for what is past the padding.
    if isinstance(made, AvgPool) and made.padding.mode != "valid":
        made = made.replace(countpad=True)
    return importer.add_layer(layer, made, layer.inputs[0])


@rules("relu")
def relu(importer: CaffeImporter, layer: CaffeLayer) -> int:
    leaky = layer.parameters("relu_param").read(CAFFE, "leakyrelu")
    return importer.add_layer(layer, make("leakyrelu", **leaky) if leaky["slope"] else make("relu"), layer.inputs[0])


@rules("batchnorm")
def batch_norm(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add a norm with a running mean and variance only; a `Scale` after it has the trained parameters.

    The scalar by which Caffe scales both is left out.
    """
    return importer.add_layer(layer, make("bn", affine=False), layer.inputs[0])


@rules("bn")
def affine_batch_norm(importer: CaffeImporter, layer: CaffeLayer) -> int:
    return importer.add_layer(layer, make("bn"), layer.inputs[0])


@rules("scale")
def scale(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add a weight for each channel, or the product with a second input."""
    kind = make("mul") if len(layer.inputs) > 1 else layer.make("scale")
    return importer.add_layer(layer, kind, *layer.inputs)


@rules("bias")
def bias(importer: CaffeImporter, layer: CaffeLayer) -> int:
    return _per_channel(importer, layer)


@rules("normalize")
def normalize(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add SSD's normalization, with a weight for each channel (or one for all).

    Each position is scaled to length 1 and then multiplied by the weight.
    """
    return _per_channel(importer, layer, shared=layer.parameters("norm_param").flag("channel_shared"))


def _per_channel(importer: CaffeImporter, layer: CaffeLayer, shared: bool = False) -> int:
    shape = importer.shape(layer.inputs[0])
    if shape is None:
        return importer.add_layer(layer, unknown_op(layer.type), *layer.inputs, stored=StoredWeights())
    stored = StoredWeights(1 if shared else shape.channels)
    return importer.add_layer(layer, elementwise_op(layer.type, shape), *layer.inputs, stored=stored)


@rules("eltwise")
def combine(importer: CaffeImporter, layer: CaffeLayer) -> int:
    operation = layer.parameters("eltwise_param").message.text("operation", "SUM").upper()
    if operation in ("MAX", "2"):
        return importer.add_layer(layer, elementwise_op("EltwiseMax", importer.shape(layer.inputs[0])), *layer.inputs)
    return importer.add_layer(layer, make("mul" if operation in ("PROD", "0") else "add"), *layer.inputs)


@rules("concat")
def concat(importer: CaffeImporter, layer: CaffeLayer) -> int:
    axis, shape = _axis(layer, "concat_param", "concat_dim"), importer.shape(layer.inputs[0])
    axis = axis + shape.rank + 2 if axis < 0 and shape else axis
    if axis < 1:
        return importer.add_layer(layer, unknown_op("Concat"), *layer.inputs)
    return importer.add_layer(layer, make("concat", axis="channels" if axis == 1 else axis - 1), *layer.inputs)


def _axis(layer: CaffeLayer, parameters: str, older: str) -> int:
    """Return the axis that a layer works along: 1, the channels, if none is given."""
    given = layer.parameters(parameters)
    return given.integer("axis", given.integer(older, 1, low=0), low=-4)


@rules("slice")
def cut(importer: CaffeImporter, layer: CaffeLayer) -> list[int]:
    """Add slices of the channels, one for each output: at the given points, or in equal parts."""
    source, parts = layer.inputs[0], layer.outputs
    shape = importer.shape(source)
    stated = layer.parameters("slice_param").message.scalars("slice_point")
    points = [whole(point, "a slice_point") for point in stated]
    if shape is None or _axis(layer, "slice_param", "slice_dim") != 1:
        return [importer.add_layer(layer, unknown_op("Slice"), source)]
    if not points:
        points = [shape.channels * number // parts for number in range(1, parts)]
    ends = [0, *points, shape.channels]
    if sorted(set(ends)) != ends or len(ends) != parts + 1:
        message = f"`{layer.name}` cannot cut {shape.channels} channels into {parts}"
        fail("E306", message, f"at {points}", span=layer.span)
    names = [layer.name, *(importer.names(layer.name) for _ in range(parts - 1))]
    return [
        importer.add_layer(layer._replace(name=name), make("slice", channels=part), source)
        for name, part in zip(names, pairwise(ends), strict=True)
    ]


@rules("reshape")
def reshape(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add a reshape to N, C, H, W, in which 0 keeps a dimension, and -1 stands for the remaining size."""
    shape = importer.shape(layer.inputs[0])
    stated = layer.parameters("reshape_param").message.message("shape").scalars("dim")
    dims = [whole(dim, "a dimension", low=-1) for dim in stated]
    if shape is None or not 2 <= len(dims) <= 5:
        return importer.add_layer(layer, unknown_op("Reshape"), *layer.inputs)
    before = _dims(shape)
    sizes = [before[at] if dim == 0 and at < len(before) else dim for at, dim in enumerate(dims)][1:]
    known = prod(size for size in sizes if size != -1)
    if sizes.count(-1) > 1 or known < 1 or shape.elements % known:
        message = f"`{layer.name}` cannot lay out the {shape.elements} elements of {shape}"
        fail("E306", message, f"asked for {dims}", span=layer.span)
    channels, *spatial = [shape.elements // known if size == -1 else size for size in sizes]
    return importer.add_layer(layer, make("reshape", shape=(*spatial, channels)), layer.inputs[0])


@rules("crop")
def crop(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add a crop of the first input to the spatial sizes of the second."""
    shapes = [importer.shape(node) for node in layer.inputs]
    if len(shapes) == 2 and shapes[0] is not None and shapes[1] is not None:
        cropped = OpaqueOp("Crop", Shape(shapes[1].spatial, shapes[0].channels))
        return importer.add_layer(layer, cropped, *layer.inputs)
    return importer.add_layer(layer, unknown_op("Crop"), *layer.inputs)


@rules("permute")
def permute(importer: CaffeImporter, layer: CaffeLayer) -> int:
    shape = importer.shape(layer.inputs[0])
    order = [whole(axis, "an axis") for axis in layer.parameters("permute_param").message.scalars("order")]
    if shape is None or sorted(order) != list(range(shape.rank + 2)) or order[0] != 0:
        return importer.add_layer(layer, unknown_op("Permute"), *layer.inputs)
    _, channels, *spatial = [_dims(shape)[axis] for axis in order]
    return importer.add_layer(layer, OpaqueOp("Permute", Shape.of((*spatial, channels))), *layer.inputs)


def _dims(shape: Shape) -> list[int]:
    """Return the dimensions of one sample in the file's order: N, C, H, W."""
    return [1, shape.channels, *shape.spatial]
