"""OpenVINO's layers with a sliding window: convolutions, pools, and reductions of whole axes."""

from __future__ import annotations

from math import prod
from typing import Any

from cnncalc.frameworks.openvino import OPENVINO
from cnncalc.graph import StoredWeights
from cnncalc.readers.importer import explicit_padding, make
from cnncalc.readers.openvino.importer import OpenvinoImporter, rules
from cnncalc.readers.openvino.ir import OPEN, IrLayer
from cnncalc.readers.operands import Operands, Outputs
from cnncalc.readers.shape_inference import Dims, ShapeMismatchError
from cnncalc.readers.tensor_importer import output_and_macs
from cnncalc.readers.tensors import CannotInferError, Tensor, sample_shape
from cnncalc.readers.windows import WindowArguments, cropped_to
from cnncalc.readers.windows import pool as add_pool
from cnncalc.shape import Padding

#: Reductions that are global pools where they go over all of space.
REDUCTIONS: dict[str, str | None] = {
    "ReduceMean": "gap", "ReduceMax": "gmp", "ReduceSum": None, "ReduceProd": None, "ReduceMin": None, "ReduceL1": None,
    "ReduceL2": None, "ReduceLogicalAnd": None, "ReduceLogicalOr": None,
}  # fmt: skip


def window_of(layer: IrLayer, kernel: Dims, spatial: Dims) -> WindowArguments:
    """Return the window of a layer with its padding: in numbers, or by the rule `auto_pad`."""
    rank = len(spatial)
    if rank > 3:
        raise CannotInferError
    if len(kernel) != rank or rank < 1:
        raise ShapeMismatchError(f"its window has {len(kernel)} axes, its input {rank} spatial ones")
    stride, dilation = layer.integers("strides", rank, (1,)), layer.integers("dilations", rank, (1,))
    given = WindowArguments(kernel, stride, dilation, Padding("valid"))
    rule = layer.text("auto_pad", "explicit")
    if rule == "same_upper":
        return given._replace(padding=Padding("same"))
    if rule == "same_lower":
        return given.same_lower(spatial)
    if rule == "valid":
        return given
    begins, ends = layer.integers("pads_begin", rank, (0,), low=0), layer.integers("pads_end", rank, (0,), low=0)
    return given._replace(padding=explicit_padding(list(zip(begins, ends, strict=True))))


def weights_of_convolution(importer: OpenvinoImporter, layer: IrLayer, operands: Operands, channels: int) -> Dims:
    """Return the dimensions of a convolution's weights, with the groups in front: those of its second input.

    In v7 the layer states them itself.
    """
    weights = operands.get(1)
    if weights is not None and not layer.states("kernel"):
        dims = weights.dims
        if dims is None:
            raise CannotInferError
        return dims if layer.type.startswith("Group") else (1, *dims)
    groups, filters = layer.integer("group", 1), layer.integer("output")
    kernel = layer.integers("kernel", 0)
    if channels % groups or filters % groups:
        raise ShapeMismatchError(f"{channels} channels and {filters} filters do not divide into {groups} groups")
    sides = (filters // groups, channels // groups)
    return (groups, *(sides[::-1] if layer.type == "Deconvolution" else sides), *kernel)


def stored_weights(importer: OpenvinoImporter, layer: IrLayer, operands: Operands) -> tuple[StoredWeights, bool]:
    """Return the weights of a layer, and whether it has a bias of its own, as in v7."""
    own = layer.states("kernel")
    biases, bias = layer.elements_of("biases"), operands.get(2) if own else None
    counted = importer.count_weights(operands.get(1), bias, any_type=True)
    stored = StoredWeights(counted.params + layer.elements_of("weights") + biases)
    return stored, bool(biases) or bias is not None


@rules("Convolution", "GroupConvolution", "BinaryConvolution")
def conv(importer: OpenvinoImporter, layer: IrLayer, operands: Operands) -> Outputs:
    x = importer.with_channels(layer, operands.tensor(0), 1)
    channels, *spatial = x.known_dims[1:]
    groups, filters, each, *kernel = weights_of_convolution(importer, layer, operands, channels)
    if each * groups != channels:
        raise ShapeMismatchError(f"its weights are for {each} channels in {groups} groups, its input has {channels}")
    given = window_of(layer, tuple(kernel), tuple(spatial))
    stored, has_bias = stored_weights(importer, layer, operands)
    weight = (filters * groups, each, *kernel)
    return importer.convolution(layer, x, weight, groups, stored, bias=has_bias, **given._asdict())


@rules("ConvolutionBackpropData", "GroupConvolutionBackpropData", "Deconvolution")
def deconv(importer: OpenvinoImporter, layer: IrLayer, operands: Operands) -> Outputs:
    x = importer.with_channels(layer, operands.tensor(0), 1)
    channels, *spatial = x.known_dims[1:]
    groups, each, filters, *kernel = weights_of_convolution(importer, layer, operands, channels)
    if each * groups != channels:
        raise ShapeMismatchError(f"its weights are for {each} channels in {groups} groups, its input has {channels}")
    given = window_of(layer, tuple(kernel), tuple(spatial))
    more = layer.integers("output_padding", len(spatial), (0,), low=0)
    if operands.get(2) is not None and not layer.states("kernel"):
        # It states the output's sizes, which are those of the port.
        lower = layer.text("auto_pad", "explicit") != "same_upper"
        given, more = cropped_to(importer.stated_dims(layer)[2:], tuple(spatial), given, more, lower)
    stored, has_bias = stored_weights(importer, layer, operands)
    arguments: dict[str, Any] = {"groups": groups, "filters": filters * groups, "output_padding": more}
    return importer.layer(layer, "deconv", x, stored, bias=has_bias, **arguments, **given._asdict())


@rules("DeformableConvolution")
def deformable(importer: OpenvinoImporter, layer: IrLayer, operands: Operands) -> Outputs:
    """Add an opaque operator with the size and cost of a `conv`, which samples its input at computed offsets."""
    x, weights = importer.with_channels(layer, operands.tensor(0), 1), operands.value(2).dims
    if weights is None or x.known_dims[0] != 1:
        raise CannotInferError
    given = window_of(layer, weights[2:], x.known_dims[2:])
    conv = make("conv", groups=layer.integer("group", 1), filters=weights[0], **given._asdict())
    shape, macs = output_and_macs(conv, sample_shape(x.known_dims, 1))
    stored = importer.count_weights(operands.get(2), any_type=True)
    return importer.opaque(layer, (1, shape.channels, *shape.spatial), operands.tensors, 1, stored, macs=macs)


#: Types of pools with their kind; `Pooling` is of v7 and states its own.
POOLS = {"MaxPool": "pool", "AvgPool": "avgpool", "Pooling": ""}


@rules.table(POOLS)
def pool(importer: OpenvinoImporter, layer: IrLayer, operands: Operands, kind: str) -> Outputs:
    x = importer.with_channels(layer, operands.tensor(0), 1)
    spatial = x.known_dims[2:]
    kernel = layer.integers("kernel", len(spatial))
    kind = kind or ("avgpool" if layer.text("pool-method", "max") == "avg" else "pool")
    given = window_of(layer, kernel, spatial)
    ceil = layer.text("rounding_type", "floor").startswith("ceil")
    countpad = not layer.flag("exclude-pad", default=True)
    pooled = add_pool(importer, layer, x, kind, given, ceil=ceil, countpad=countpad)
    return [pooled] * max(len(layer.outputs), 1)


@rules.table({"AdaptiveAvgPool": "adaptiveavgpool", "AdaptiveMaxPool": "adaptivemaxpool"})
def adaptive_pool(importer: OpenvinoImporter, layer: IrLayer, operands: Operands, kind: str) -> Outputs:
    x = importer.with_channels(layer, operands.tensor(0), 1)
    size = importer.stated(layer.outputs[0])[2:]
    if OPEN in size:
        raise CannotInferError
    pooled = importer.layer(layer, kind, x, size=size)
    return [pooled] * max(len(layer.outputs), 1)


@rules.table(REDUCTIONS)
def reduction(importer: OpenvinoImporter, layer: IrLayer, operands: Operands, kind: str | None) -> Outputs:
    x = operands.tensor(0)
    keep = layer.flag("keep_dims", default=True)
    return importer.reduce(layer, x, reduced_axes(x, importer.stated(layer.outputs[0]), keep), keep, kind)


def reduced_axes(x: Tensor, after: Dims, keep: bool) -> tuple[int, ...]:
    """Return the axes that are reduced, which the sizes before and after it tell; the spatial ones where several do."""
    before = x.known_dims
    if keep and len(after) == len(before):
        return tuple(axis for axis, size in enumerate(before) if size != 1 and after[axis] == 1)
    count = len(before) - len(after)
    candidates = [x.spatial_axes, (x.channel,), *((axis,) for axis in range(1, len(before)))]
    for axes in candidates:
        left = tuple(size for axis, size in enumerate(before) if axis not in axes)
        if len(axes) == count and all(OPEN in each or each[0] == each[1] for each in zip(left, after, strict=True)):
            return tuple(axes)
    if prod(after) == 1:
        return tuple(range(len(before)))
    raise CannotInferError


@rules.table({name: kind for kind in ("lrn",) for name in OPENVINO.equivalent(kind).names})
def lrn(importer: OpenvinoImporter, layer: IrLayer, operands: Operands, kind: str) -> Outputs:
    size = layer.integer("size" if layer.states("size") else "local-size", 1)
    return importer.same_shape(layer, kind, importer.with_channels(layer, operands.tensor(0), 1), size=size)
