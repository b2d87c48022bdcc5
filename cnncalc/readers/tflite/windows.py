"""TensorFlow Lite's operators with a sliding window: convolutions, pools, and reductions of whole axes."""

from __future__ import annotations

from typing import Any

from cnncalc.readers.operands import Operands, Outputs
from cnncalc.readers.shape_inference import Dims, ShapeMismatchError, axes_of, text
from cnncalc.readers.tensors import CannotInferError, Tensor
from cnncalc.readers.tflite.importer import TfliteImporter, channels_first, channels_last, rules
from cnncalc.readers.tflite.model import OperatorDef
from cnncalc.readers.windows import WindowArguments, cropped_to
from cnncalc.readers.windows import pool as add_pool
from cnncalc.shape import Padding

#: Padding by its number in the schema.
PADDINGS = (Padding("same"), Padding("valid"))

#: Names of the spatial axes in options, the outermost first.
AXES = {2: "HW", 3: "DHW"}


def window_of(node: OperatorDef, kernel: Dims) -> WindowArguments:
    """Return the window of an operator: its strides, its dilation if it may have one, and its padding by rule."""
    names = AXES.get(len(kernel), "")
    if not names:
        raise ShapeMismatchError(f"its window has {len(kernel)} axes")
    stride = tuple(node.integer(f"Stride{axis}", 1, low=1) for axis in names)
    dilates = node.name in ("CONV_2D", "DEPTHWISE_CONV_2D", "CONV_3D", "CONV_3D_TRANSPOSE")
    dilation = tuple(node.integer(f"Dilation{axis}Factor", 1, low=1) if dilates else 1 for axis in names)
    number = node.integer("Padding")
    if number >= len(PADDINGS):
        raise ShapeMismatchError(f"its padding has the number {number}")
    return WindowArguments(kernel, stride, dilation, PADDINGS[number])


def _weights(operands: Operands, position: int, rank: int) -> Dims:
    """Return the dimensions of an operator's weights, as many as its input has."""
    dims = operands.value(position).dims
    if dims is None:
        raise CannotInferError
    if len(dims) != rank:
        raise ShapeMismatchError(f"its weights are {text(dims)}, for an input with {rank} axes")
    return dims


@rules("CONV_2D", "CONV_3D")
def conv(importer: TfliteImporter, node: OperatorDef, operands: Operands) -> Outputs:
    """Add a convolution and its activation; it has groups where its weights are for fewer channels than come in."""
    x = channels_first(importer, node, operands.tensor(0))
    channels = x.known_dims[1]
    weights = _weights(operands, 1, len(x.known_dims))
    if node.name == "CONV_3D":
        *kernel, each, filters = weights
    else:
        filters, *kernel, each = weights
    if each < 1 or channels % each:
        raise ShapeMismatchError(f"its weights are for {each} channels, its input has {channels}")
    stored = importer.count_weights(operands.get(1), operands.get(2))
    given = window_of(node, tuple(kernel))
    bias = operands.get(2) is not None
    y = importer.convolution(node, x, (filters, each, *kernel), channels // each, stored, bias=bias, **given._asdict())
    return importer.activation(node, channels_last(y))


@rules("DEPTHWISE_CONV_2D")
def depthwise(importer: TfliteImporter, node: OperatorDef, operands: Operands) -> Outputs:
    """Add a depth-wise convolution: the last axis of its weights has the filters of all channels."""
    x = channels_first(importer, node, operands.tensor(0))
    channels = x.known_dims[1]
    _, *kernel, filters = _weights(operands, 1, 4)
    if filters % channels or filters < 1:
        raise ShapeMismatchError(f"it has {filters} filters for {channels} channels")
    stored = importer.count_weights(operands.get(1), operands.get(2))
    given = window_of(node, tuple(kernel))
    values: dict[str, Any] = {"multiplier": filters // channels, "bias": operands.get(2) is not None, **given._asdict()}
    return importer.activation(node, channels_last(importer.layer(node, "dwconv", x, stored, **values)))


@rules("TRANSPOSE_CONV", "CONV_3D_TRANSPOSE", "Convolution2DTransposeBias")
def transposed(importer: TfliteImporter, node: OperatorDef, operands: Operands) -> Outputs:
    """Add a transposed convolution of the output's size: an input states it in the schema's own operators."""
    custom = node.name == "Convolution2DTransposeBias"
    at = 0 if custom else 2
    x = channels_first(importer, node, operands.tensor(at))
    weights, bias = _weights(operands, 1, len(x.known_dims)), operands.get(2 if custom else 3)
    if node.name == "CONV_3D_TRANSPOSE":
        *kernel, filters, each = weights
    else:
        filters, *kernel, each = weights
    if each != x.known_dims[1]:
        raise ShapeMismatchError(f"its weights are for {each} channels, its input has {x.known_dims[1]}")
    after = importer.stated_dims(node)
    spatial = x.known_dims[2:]
    if custom:
        # Its options are of a form of its own: the strides are the quotients of the sizes.
        stride = tuple(max(size // before, 1) for size, before in zip(after[1:-1], spatial, strict=True))
        given = WindowArguments(tuple(kernel), stride, (1,) * len(kernel), Padding("valid"))
    else:
        given = window_of(node, tuple(kernel))._replace(padding=Padding("valid"))
    given, more = cropped_to(after[1:-1], spatial, given, (0,) * len(kernel), larger_first=False)
    stored = importer.count_weights(operands.get(1), bias)
    values: dict[str, Any] = {"filters": filters, "output_padding": more, "bias": bias is not None, **given._asdict()}
    y = channels_last(importer.layer(node, "deconv", x, stored, **values))
    return y if custom else importer.activation(node, y)


POOLS = {"MAX_POOL_2D": "pool", "AVERAGE_POOL_2D": "avgpool", "L2_POOL_2D": None}


@rules.table(POOLS)
def pool(importer: TfliteImporter, node: OperatorDef, operands: Operands, kind: str | None) -> Outputs:
    x = channels_first(importer, node, operands.tensor(0))
    kernel = node.integer("FilterHeight", 1, low=1), node.integer("FilterWidth", 1, low=1)
    given = window_of(node, kernel)
    spatial = x.known_dims[2:]
    unpadded = all(window.begin == window.end == 0 for window in given.windows(spatial))
    if kind == "avgpool" and given.kernel == spatial and unpadded:
        return importer.activation(node, channels_last(importer.reduce(node, x, x.spatial_axes, True, "gap")))
    return importer.activation(node, channels_last(add_pool(importer, node, x, kind, given)))


REDUCTIONS: dict[str, str | None] = {
    "MEAN": "gap", "REDUCE_MAX": "gmp", "SUM": None, "REDUCE_PROD": None, "REDUCE_MIN": None, "REDUCE_ANY": None,
    "REDUCE_ALL": None,
}  # fmt: skip


@rules.table(REDUCTIONS)
def reduction(importer: TfliteImporter, node: OperatorDef, operands: Operands, kind: str | None) -> Outputs:
    x, axes = operands.tensor(0), operands.constant(1)
    taken = axes.integers() if axes is not None else None
    if taken is None:
        raise CannotInferError
    keep = node.flag("KeepDims")
    return importer.reduce(node, x, axes_of(taken, len(x.known_dims)), keep, kind)


@rules("ARG_MAX", "ARG_MIN")
def arg(importer: TfliteImporter, node: OperatorDef, operands: Operands) -> Outputs:
    x, axis = operands.tensor(0), operands.constant(1)
    taken = axis.integers() if axis is not None else None
    if taken is None:
        raise CannotInferError
    return importer.reduce(node, x, axes_of(taken, len(x.known_dims)), False)


@rules("LOCAL_RESPONSE_NORMALIZATION")
def lrn(importer: TfliteImporter, node: OperatorDef, operands: Operands) -> Outputs:
    return importer.same_shape(node, "lrn", operands.tensor(0), size=2 * node.integer("Radius") + 1)


@rules("PAD", "PADV2", "MIRROR_PAD")
def pad(importer: TfliteImporter, node: OperatorDef, operands: Operands) -> Outputs:
    x, amounts = operands.tensor(0), operands.constant(1)
    values = amounts.integers() if amounts is not None else None
    if values is None or len(values) != 2 * len(x.known_dims):
        raise CannotInferError
    ends: dict[int, tuple[int, int]] = {
        axis: (values[2 * axis], values[2 * axis + 1]) for axis in range(len(values) // 2)
    }
    padded: Tensor = importer.pad(node, x, ends)
    return padded
