"""Operators with a sliding window: convolutions, pools, and global pools."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.frameworks.onnx import ONNX
from cnncalc.layers.arguments import MAX_INTEGER
from cnncalc.readers.importer import explicit_padding, make
from cnncalc.readers.onnx.constant_folding import reduced_axes
from cnncalc.readers.onnx.importer import OnnxImporter, rules, with_runtime
from cnncalc.readers.onnx.model import NodeDef
from cnncalc.readers.operands import Operands, Outputs
from cnncalc.readers.shape_inference import Dims, ShapeMismatchError, axes_of, text
from cnncalc.readers.tensor_importer import output_and_macs
from cnncalc.readers.tensors import CannotInferError, Tensor, sample_shape
from cnncalc.readers.windows import WindowArguments, cropped_to
from cnncalc.readers.windows import pool as add_pool
from cnncalc.shape import Padding, Window

#: Pools by their operators; a pool that is no layer of ours is opaque.
POOLS: dict[str, str | None] = {
    **{name: kind for kind in ("pool", "avgpool") for name in ONNX.rows[kind].names},
    "LpPool": None,
}

#: Operators that give one number for each channel where they go over all of space.
GLOBAL_POOLS: dict[str, str | None] = {
    **{name: kind for kind in ("gap", "gmp") for name in ONNX.rows[kind].names},
    "GlobalLpPool": None,
}
REDUCTIONS: dict[str, str | None] = {
    **dict.fromkeys(("ReduceMin", "ReduceSum", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare")),
    **dict.fromkeys(("ReduceLogSum", "ReduceLogSumExp")),
    "ReduceMean": "gap",
    "ReduceMax": "gmp",
}


def window_arguments(node: NodeDef, kernel: Sequence[int], spatial: Dims) -> WindowArguments:
    """Return the arguments of a node's window; raises `ShapeMismatchError` if they do not fit its spatial axes."""
    rank = len(spatial)
    if rank > 3:
        raise CannotInferError
    if len(kernel) != rank or rank < 1:
        raise ShapeMismatchError(f"its window has {len(kernel)} axes, its input {rank} spatial ones")
    stride = node.integers("strides") or (1,) * rank
    dilation = node.integers("dilations") or (1,) * rank
    for name, values in (("kernel", kernel), ("stride", stride), ("dilation", dilation)):
        if len(values) != rank or not all(1 <= value < MAX_INTEGER for value in values):
            raise ShapeMismatchError(f"its {name} is {text(tuple(values))}")
    given = WindowArguments(tuple(kernel), stride, dilation, Padding("valid"))
    rule = node.text("auto_pad", "NOTSET")
    if rule == "SAME_LOWER":
        return given.same_lower(spatial)
    if rule != "VALID":
        padding = Padding("same") if rule == "SAME_UPPER" else padding_of(node, rank)
        given = given._replace(padding=padding)
    return given


def padding_of(node: NodeDef, rank: int) -> Padding:
    """Return the attribute `pads`, which has all begins, then all ends, as padding by axis."""
    pads = node.integers("pads") or (0,) * (2 * rank)
    if len(pads) != 2 * rank or not all(0 <= value < MAX_INTEGER for value in pads):
        raise ShapeMismatchError(f"its pads are {list(pads)[:8]}")
    return explicit_padding(list(zip(pads[:rank], pads[rank:], strict=True)))


# -- convolutions ------------------------------------------------------------------------------------------


#: Positions of the weights and the bias; between them stand the scales and zero points of quantized numbers.
CONVOLUTIONS = {"Conv": (1, 2), "com.microsoft.FusedConv": (1, 2), "ConvInteger": (1, None), "QLinearConv": (3, 8)}


@rules.table(CONVOLUTIONS)
def conv(importer: OnnxImporter, node: NodeDef, operands: Operands, positions: tuple[int, int | None]) -> Outputs:
    weights, bias = operands.value(positions[0]), operands.get(positions[1])
    x, kernels = importer.with_channels(node, operands.tensor(0), 1), weights.dims
    dims = x.dims
    if kernels is None or dims is None:
        raise CannotInferError
    groups = node.integer("group", 1)
    if len(kernels) != len(dims) or len(dims) < 3:
        raise ShapeMismatchError(f"its weights are {text(kernels)}, its input is {text(dims)}")
    channels = dims[1]
    if groups < 1 or kernels[1] * groups != channels:
        raise ShapeMismatchError(
            f"its weights are for {kernels[1]} channels in {groups} groups, its input has {channels}"
        )
    given = window_arguments(node, kernels[2:], dims[2:])
    stored = importer.count_weights(weights, bias, any_type=True)
    return importer.convolution(node, x, kernels, groups, stored, bias=bias is not None, **given._asdict())


@rules("CausalConvWithState")
def causal_conv(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    """Add a depthwise convolution along one axis, padded at its beginning alone, and the last elements that it read."""
    x, kernels = importer.with_channels(node, operands.tensor(0), 1), operands.value(1).dims
    if kernels is None or len(kernels) != 3 or len(x.known_dims) != 3:
        raise CannotInferError
    stored = importer.count_weights(operands.get(1), operands.get(2), any_type=True)
    before = kernels[2] - 1
    output = importer.layer(
        node, "dwconv", x, stored, kernel=kernels[2:], multiplier=1, padding=explicit_padding([(before, 0)]),
        bias=operands.get(2) is not None,
    )  # fmt: skip
    return [output, x._replace(dims=(*x.known_dims[:2], before))]


@rules("DeformConv")
def deformable(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    """Add an opaque operator with the size and cost of a `conv`.

    It samples its input at computed offsets, so that its receptive field is not that of a `conv`.
    """
    data, weights = importer.with_channels(node, operands.tensor(0), 1), operands.value(1)
    dims, kernels, groups = data.known_dims, weights.dims, node.integer("group", 1)
    if kernels is None or dims[0] != 1:
        raise CannotInferError
    given = window_arguments(node, kernels[2:], dims[2:])
    layer = make("conv", groups=max(groups, 1), filters=max(kernels[0], 1), **given._asdict())
    shape, macs = output_and_macs(layer, sample_shape(dims, 1))
    stored = importer.count_weights(weights, operands.get(3), any_type=True)
    return importer.opaque(node, (1, shape.channels, *shape.spatial), operands.tensors, 1, stored, macs=macs)


@rules("ConvTranspose")
def conv_transpose(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    data, weights, bias = importer.with_channels(node, operands.tensor(0), 1), operands.value(1), operands.get(2)
    dims, kernels = data.dims, weights.dims
    if kernels is None or dims is None:
        raise CannotInferError
    groups = node.integer("group", 1)
    if len(kernels) != len(dims) or len(dims) < 3 or groups < 1 or kernels[0] != dims[1]:
        raise ShapeMismatchError(f"its weights are {text(kernels)}, its input is {text(dims)}")
    given = window_arguments(node, kernels[2:], dims[2:])
    rank = len(dims) - 2
    more = node.integers("output_padding") or (0,) * rank
    if len(more) != rank or not all(0 <= each < MAX_INTEGER for each in more):
        raise ShapeMismatchError(f"its output padding is {list(more)[:8]}")
    wanted = node.integers("output_shape")
    rule = node.text("auto_pad", "NOTSET")
    # What a stride wider than the window leaves out at the end stays out, as in ONNX Runtime.
    bare = [Window(*each) for each in zip(given.kernel, given.stride, given.dilation, strict=True)]
    lacking = [max(window.stride - window.extent - add, 0) for window, add in zip(bare, more, strict=True)]
    if wanted is None and (rule == "SAME_LOWER" or (rule == "SAME_UPPER" and any(lacking))):
        full = zip(dims[2:], given.stride, lacking, strict=True)
        wanted = tuple(size * stride - lack for size, stride, lack in full)
    if wanted is not None:
        larger_first = rule != "SAME_UPPER"
        given, more = cropped_to(wanted[-rank:], dims[2:], given, more, larger_first)
    stored = importer.count_weights(weights, bias, any_type=True)
    return importer.layer(
        node, "deconv", data, stored, groups=groups, filters=kernels[1] * groups, output_padding=more,
        bias=bias is not None, **given._asdict(),
    )  # fmt: skip


# -- pools ---------------------------------------------------------------------------------------------------


@rules.table(with_runtime(POOLS))
def pool(importer: OnnxImporter, node: NodeDef, operands: Operands, kind: str | None) -> Outputs:
    data = importer.with_channels(node, operands.tensor(0), 1)
    dims = data.dims or ()
    if len(dims) < 3:
        raise ShapeMismatchError(f"its input {text(dims)} has no spatial axes")
    given = window_arguments(node, node.integers("kernel_shape") or (), dims[2:])
    ceil, countpad = (bool(node.integer(name, 0)) for name in ("ceil_mode", "count_include_pad"))
    pooled = add_pool(importer, node, data, kind, given, ceil=ceil, countpad=countpad)
    # The second output of a max pool, where each largest element was, is as large as the first.
    return [pooled] * max(len(node.outputs), 1)


@rules.table(with_runtime(GLOBAL_POOLS))
def global_pool(importer: OnnxImporter, node: NodeDef, operands: Operands, kind: str | None) -> Outputs:
    data = importer.with_channels(node, operands.tensor(0), 1)
    return importer.reduce(node, data, data.spatial_axes, True, kind)


@rules.table(REDUCTIONS)
def reduction(importer: OnnxImporter, node: NodeDef, operands: Operands, kind: str | None) -> Outputs:
    data = operands.tensor(0)
    if isinstance(operands.get(1), Tensor):
        raise CannotInferError
    axes = reduced_axes(node, operands.constants, len(data.known_dims))
    return importer.reduce(node, data, axes, bool(node.integer("keepdims", 1)), kind)


@rules("ArgMax", "ArgMin")
def arg(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    data = operands.tensor(0)
    axes = axes_of([node.integer("axis", 0)], len(data.dims or ()))
    return importer.reduce(node, data, axes, bool(node.integer("keepdims", 1)))


@rules("RoiAlign")
def roi_align(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    """Add an operator that makes a small map for each region of interest."""
    data, regions = importer.with_channels(node, operands.tensor(0), 1), operands.value(1)
    if not regions.dims:
        raise CannotInferError
    size = max(node.integer("output_height", 1), 1), max(node.integer("output_width", 1), 1)
    return importer.opaque(node, (regions.dims[0], data.known_dims[1], *size), operands.tensors, 1)


@rules("LRN")
def lrn(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    return importer.same_shape(
        node, "lrn", importer.with_channels(node, operands.tensor(0), 1), size=max(node.integer("size", 1), 1)
    )
