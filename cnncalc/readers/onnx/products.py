"""Matrix products, and the norms with weights of their own."""

from __future__ import annotations

from math import prod

from cnncalc.readers.einsum import einsum
from cnncalc.readers.onnx.importer import OnnxImporter, rules
from cnncalc.readers.onnx.model import NodeDef
from cnncalc.readers.operands import Operands, Outputs, Value
from cnncalc.readers.shape_inference import Dims, ShapeMismatchError, axis_of, matmul, text
from cnncalc.readers.tensors import CannotInferError, Tensor
from cnncalc.readers.weights import ConstantTensor

#: Positions of B and C; the others are the scales and zero points of quantized numbers.
GEMMS = {"Gemm": (1, 2), "com.microsoft.QGemm": (3, 6)}


@rules.table(GEMMS)
def gemm(importer: OnnxImporter, node: NodeDef, operands: Operands, positions: tuple[int, int]) -> Outputs:
    """Add A·B + C with either matrix transposed: an fc if A is one vector and B constant."""
    a, b, bias = operands.value(0), operands.value(positions[0]), operands.get(positions[1])
    left, right = _transposed(a.dims, node.integer("transA", 0)), _transposed(b.dims, node.integer("transB", 0))
    if left is None or right is None:
        raise CannotInferError
    if len(left) != 2 or len(right) != 2:
        raise ShapeMismatchError(f"it multiplies matrices, not {text(left)} and {text(right)}")
    return add_product(importer, node, a, left, b, right, bias)


def _transposed(dims: Dims | None, transposed: int) -> Dims | None:
    return dims[::-1] if dims and transposed else dims


#: Positions of B and of a bias that pattern fusion has put there.
PRODUCTS = {
    "MatMul": (1, 2), "com.microsoft.FusedMatMul": (1, 2), "MatMulInteger": (1, None), "QLinearMatMul": (3, None),
}  # fmt: skip


@rules.table(PRODUCTS)
def matrix_product(
    importer: OnnxImporter, node: NodeDef, operands: Operands, positions: tuple[int, int | None]
) -> Outputs:
    a, b, bias = operands.value(0), operands.value(positions[0]), operands.get(positions[1])
    if a.dims is None or b.dims is None:
        raise CannotInferError
    left, right = a.dims, b.dims
    if node.operator == "FusedMatMul":
        left = (*left[:-2], *left[-2:][::-1]) if node.integer("transA", 0) else left
        right = (*right[:-2], *right[-2:][::-1]) if node.integer("transB", 0) else right
    return add_product(importer, node, a, left, b, right, bias)


def add_product(
    importer: OnnxImporter, node: NodeDef, a: Value, left: Dims, b: Value, right: Dims, bias: Value | None
) -> Tensor:
    """Add a product of matrices: an `fc` or 1x1 `conv` if the right one is constant, otherwise opaque."""
    dims = matmul(left, right)
    constant = isinstance(b, ConstantTensor) and len(right) == 2 and not isinstance(bias, Tensor)
    rank = len(left) - 2
    if isinstance(a, Tensor) and constant and left == a.dims and left[0] == 1 and len(left) > 1 and 0 <= rank <= 3:
        stored = importer.count_weights(b, bias, any_type=True)
        return importer.dense(node, a, dims, stored, bias=bias is not None)
    stored = importer.count_weights(a, b, bias, scalars=False)
    tensors = [each for each in (a, b, bias) if isinstance(each, Tensor)]
    return importer.opaque(node, dims, tensors, len(dims) - 1, stored, macs=prod(dims) * left[-1])


@rules("Einsum")
def contraction(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    shapes = [each.dims for each in operands.values if each is not None and each.dims is not None]
    if len(shapes) < len(operands.values):
        raise CannotInferError
    dims, macs = einsum(node.text("equation", ""), shapes)
    stored = importer.count_weights(*operands.values, scalars=False)
    return importer.opaque(node, dims, operands.tensors, len(dims) - 1, stored, macs=macs)


# -- norms ---------------------------------------------------------------------------------------------------


@rules("BatchNormalization")
def batch_norm(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    stored = importer.count_weights(operands.get(1), operands.get(2), buffers=(operands.get(3), operands.get(4)))
    x = importer.with_channels(node, operands.tensor(0), 1)
    # In training the statistics of the batch come out, too.
    statistics = ConstantTensor((x.known_dims[1],)) if len(x.known_dims) > 1 else ConstantTensor(None)
    return [importer.same_shape(node, "bn", x, stored), *[statistics] * (len(node.outputs) - 1)]


@rules("InstanceNormalization")
def instance_norm(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    data = importer.with_channels(node, operands.tensor(0), 1)
    stored = importer.count_weights(operands.get(1), operands.get(2))
    if len(data.dims or ()) < 3:
        return importer.opaque(node, data.dims, [data], stored=stored)
    return importer.same_shape(node, "instancenorm", data, stored)


@rules(
    "LayerNormalization",
    "RMSNormalization",
    "SimplifiedLayerNormalization",
    "com.microsoft.SimplifiedLayerNormalization",
)
def layer_norm(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    data, stored = operands.tensor(0), importer.count_weights(operands.get(1), operands.get(2))
    dims = data.known_dims
    axis = axis_of(node.integer("axis", -1), len(dims))
    if node.operator == "LayerNormalization" and axis == len(dims) - 1:
        output = importer.same_shape(node, "ln", importer.with_channels(node, data, axis), stored)
    else:
        output = importer.opaque(node, dims, [data], data.channel, stored, memory="in place")
    # Mean and inverse deviation, where a file asks for them.
    statistics = output._replace(dims=(*dims[:axis], *[1] * (len(dims) - axis)))
    return [output, *[statistics] * (len(node.outputs) - 1)]


@rules("GroupNormalization")
def group_norm(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    stored = importer.count_weights(operands.get(1), operands.get(2))
    groups = node.integer("num_groups", 1)
    if groups < 1:
        raise ShapeMismatchError(f"it has {groups} groups")
    return importer.same_shape(node, "gn", importer.with_channels(node, operands.tensor(0), 1), stored, groups=groups)
