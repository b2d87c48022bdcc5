"""ncnn's layers that work element by element: activations, norms, sums and products."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any

from cnncalc.frameworks.ncnn import ELEMENTWISE, NCNN, PASSED_ON
from cnncalc.graph import StoredWeights
from cnncalc.readers.ncnn.importer import NcnnImporter, rules
from cnncalc.readers.ncnn.param import NcnnLayer
from cnncalc.readers.operands import Operands, Outputs, Value
from cnncalc.readers.shape_inference import Dims, ShapeMismatchError, broadcast
from cnncalc.readers.tensors import CannotInferError, Tensor, is_per_channel
from cnncalc.readers.weights import ConstantTensor

#: Kinds that a type is all by itself, with the arguments of the table.
PLAIN = (
    "elu", "selu", "celu", "gelu", "silu", "mish", "sigmoid", "hardsigmoid", "hardswish", "tanh", "softplus", "softmax",
    "dropout", "lrn",
)  # fmt: skip


@rules.table({name: kind for kind in PLAIN for name in NCNN.equivalent(kind).names})
def plain(importer: NcnnImporter, layer: NcnnLayer, operands: Operands, kind: str) -> Outputs:
    return importer.same_shape(layer, kind, operands.tensor(0), **layer.read(NCNN, kind))


@rules(*ELEMENTWISE)
def elementwise(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    first = operands.tensor(0)
    return importer.elementwise(layer, operands.tensors, first.known_dims)


@rules(*PASSED_ON)
def passed_on(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    """Return the input, for as many readers as there are; there is no row."""
    return [operands.value(0)] * max(len(layer.outputs), 1)


@rules("ReLU")
def relu(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    slope = layer.real("slope", 0)
    if slope:
        return importer.same_shape(layer, "leakyrelu", operands.tensor(0), slope=slope)
    return importer.same_shape(layer, "relu", operands.tensor(0))


@rules("Clip")
def clip(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    return importer.clip(layer, operands.tensor(0), layer.real("min", -inf), layer.real("max", inf))


@rules("PReLU")
def prelu(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    slopes = layer.integer("num_slope", 1)
    x = importer.with_channels(layer, operands.tensor(0), 1)
    return importer.same_shape(layer, "prelu", x, StoredWeights(slopes), shared=slopes == 1)


# -- norms ---------------------------------------------------------------------------------------------------


def _check_channels(layer: NcnnLayer, name: str, x: Tensor) -> int:
    """Return the channels that a layer states; raises `ShapeMismatchError` if its input has others."""
    channels: int = x.known_dims[1]
    stated = layer.integer(name, channels)
    if stated != channels:
        raise ShapeMismatchError(f"its weights are for {stated} channels, its input has {channels}")
    return channels


@rules("BatchNorm")
def batch_norm(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    x = importer.with_channels(layer, operands.tensor(0), 1)
    channels = _check_channels(layer, "channels", x)
    return importer.same_shape(layer, "bn", x, StoredWeights(2 * channels, 2 * channels))


@rules.table({"GroupNorm": "gn", "InstanceNorm": "instancenorm"})
def group_norm(importer: NcnnImporter, layer: NcnnLayer, operands: Operands, kind: str) -> Outputs:
    x = importer.with_channels(layer, operands.tensor(0), 1)
    channels = _check_channels(layer, "channels", x)
    stored = StoredWeights(2 * channels if layer.flag("affine") else 0)
    return importer.same_shape(layer, kind, x, stored, **layer.read(NCNN, kind))


@rules.table({"LayerNorm": 2, "RMSNorm": 1})
def layer_norm(importer: NcnnImporter, layer: NcnnLayer, operands: Operands, weights: int) -> Outputs:
    """Add a norm of the last axis, or of several whose elements `affine_size` counts."""
    x, size = operands.tensor(0), layer.integer("affine_size", 0, low=0)
    last = len(x.known_dims) - 1
    stored = StoredWeights(weights * size if layer.flag("affine") else 0)
    if layer.type == "LayerNorm" and size in (0, x.known_dims[last]):
        return importer.same_shape(layer, "ln", importer.with_channels(layer, x, last), stored)
    return importer.opaque(layer, x.dims, [x], x.channel, stored, memory="in place")


@rules("Normalize")
def normalize(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    stored = StoredWeights(layer.integer("scale_data_size", 0, low=0))
    return importer.elementwise(layer, operands.tensors, operands.tensor(0).known_dims, stored)


# -- with weights, or of two -----------------------------------------------------------------------------------


@rules("Scale")
def scale(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    """Add a factor for each channel, from the layer's weights or from a second blob."""
    x = importer.with_channels(layer, operands.tensor(0), 1)
    size = layer.integer("scale_data_size", 0, low=-233)
    bias = layer.flag("bias_term", default=False)
    if size < 0:
        return _combined(importer, layer, "mul", operands.values)
    stored = StoredWeights(2 * size if bias else size)
    if size != x.known_dims[1]:
        return importer.elementwise(layer, [x], x.known_dims, stored)
    return importer.same_shape(layer, "scale", x, stored, bias=bias)


@rules("Bias")
def bias(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    stored = StoredWeights(layer.integer("bias_data_size", 0, low=0))
    return importer.elementwise(layer, operands.tensors, operands.tensor(0).known_dims, stored)


#: Numbers of operations that are a merge of ours.
BINARY = {0: "add", 2: "mul"}
ELTWISE = {0: "mul", 1: "add"}


@rules("BinaryOp")
def binary(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    kind = BINARY.get(layer.integer("op_type", 0, low=0))
    if layer.flag("with_scalar", default=False) or len(operands.values) == 1:
        return importer.elementwise(layer, operands.tensors, operands.tensor(0).known_dims)
    return _combined(importer, layer, kind, operands.values)


@rules("Eltwise")
def eltwise(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    return _combined(importer, layer, ELTWISE.get(layer.integer("op_type", 0, low=0)), operands.values)


def _combined(importer: NcnnImporter, layer: NcnnLayer, kind: str | None, given: Sequence[Value | None]) -> Outputs:
    """Add an operator on several values of one shape, or of shapes that stretch to it."""
    values = [each for each in given if each is not None and each.dims is not None]
    if len(values) < len(given) or not values:
        raise CannotInferError
    rank = max(len(each.dims or ()) for each in values)
    whole = next(each.dims or () for each in values if len(each.dims or ()) == rank)
    values = [_stretched(importer, layer, each, whole) for each in values]
    dims = broadcast(*(each.dims or () for each in values))
    tensors = [each for each in values if isinstance(each, Tensor)]
    stored = importer.count_weights(*values)
    constants = [each.dims or () for each in values if isinstance(each, ConstantTensor)]
    if not tensors:
        raise CannotInferError
    if kind is not None and not constants:
        merged = importer.merge(layer, kind, tensors, dims)
        if merged is not None:
            return merged
    if (
        kind == "mul"
        and len(constants) == 1
        and tensors[0].dims == dims
        and is_per_channel(constants[0], tensors[0], dims)
    ):
        return importer.same_shape(layer, "scale", tensors[0], stored)
    return importer.elementwise(layer, tensors, dims, stored)


def _stretched(importer: NcnnImporter, layer: NcnnLayer, value: Value, whole: Dims) -> Value:
    """Return a value with as many axes as the largest one.

    Its axes are the first ones; but a vector that does not fit the first may be the last.
    """
    dims: Dims = value.dims or ()
    missing = len(whole) - len(dims)
    if not missing:
        return value
    ones = [1] * missing
    fits = all(size in (1, other) for size, other in zip(dims[1:], whole[1:], strict=False))
    last = not fits and len(dims) == 2 and dims[1] == whole[-1]
    new = (1, *ones, *dims[1:]) if last else (*dims, *ones)
    if isinstance(value, ConstantTensor):
        return value._replace(dims=new)
    return importer.reshape(layer, value, new, len(new) - 1 if last else value.channel)


# -- heads ---------------------------------------------------------------------------------------------------


@rules("YoloDetectionOutput", "Yolov3DetectionOutput", "Proposal")
def detections(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    """Add a head whose output has as many rows as there is found in the image."""
    output = importer.opaque(layer, None, operands.tensors)
    return [output] * max(len(layer.outputs), 1)


@rules("DetectionOutput")
def kept_detections(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    """Add a head that keeps so many detections at most, each a class, a score and a box."""
    return importer.opaque(layer, (1, layer.integer("keep_top_k", 100), 6), operands.tensors, 2)


@rules("PriorBox")
def prior_box(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    """Add the boxes of every position: four numbers each, and in a second row their variances."""
    x = importer.with_channels(layer, operands.tensor(0), 1)
    smallest, largest = len(layer.array("min_sizes")), len(layer.array("max_sizes"))
    ratios = len(layer.array("aspect_ratios"))
    if len(operands.values) == 1:
        dims: Dims = (1, 4 * x.known_dims[2] * x.known_dims[3] * (smallest - 1 + ratios))
    else:
        boxes = smallest * (1 + ratios * (2 if layer.flag("flip") else 1)) + largest
        dims = (1, 2, 4 * x.known_dims[2] * x.known_dims[3] * boxes)
    return importer.opaque(layer, dims, operands.tensors, len(dims) - 1)


@rules("ArgMax")
def arg(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    """Add the indices of the largest elements, with their values if asked for."""
    top, values = layer.integer("topk", 1), layer.flag("out_max_val", default=False)
    dims: dict[bool, Any] = {True: (1, 2, top), False: (1, top)}
    return importer.opaque(layer, dims[values], operands.tensors)
