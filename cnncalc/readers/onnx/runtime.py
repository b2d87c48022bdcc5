"""ONNX Runtime's own operators: products, norms and embeddings that its optimizer fuses.

https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
"""

from __future__ import annotations

from math import prod

from cnncalc.readers.onnx.importer import OnnxImporter, rules
from cnncalc.readers.onnx.model import NodeDef
from cnncalc.readers.onnx.products import add_product, gemm
from cnncalc.readers.operands import Operands, Outputs
from cnncalc.readers.shape_inference import broadcast
from cnncalc.readers.tensors import CannotInferError, Tensor

#: Products of a tensor with a matrix → the positions of the matrix and of a bias; scales and zero points are between.
PRODUCTS = {
    "com.microsoft.MatMulIntegerToFloat": (1, 6),
    "com.microsoft.DynamicQuantizeMatMul": (1, 4),
    "com.microsoft.TransposeMatMul": (1, None),
    "com.microsoft.FusedMatMulActivation": (1, None),
    "com.microsoft.GemmFastGelu": (1, 2),
}


@rules.table(PRODUCTS)
def product(importer: OnnxImporter, node: NodeDef, operands: Operands, positions: tuple[int, int | None]) -> Outputs:
    a, b, bias = operands.value(0), operands.value(positions[0]), operands.get(positions[1])
    if a.dims is None or b.dims is None:
        raise CannotInferError
    left = (*a.dims[:-2], *a.dims[-2:][::-1]) if node.integer("transA", 0) else a.dims
    right = (*b.dims[:-2], *b.dims[-2:][::-1]) if node.integer("transB", 0) else b.dims
    return add_product(importer, node, a, left, b, right, bias)


@rules("com.microsoft.FusedGemm")
def fused_gemm(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    result: Outputs = gemm(importer, node, operands, (1, 2))
    return result


@rules("com.microsoft.MatMulNBits")
def packed_product(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    """Add a product with a matrix of K x N that is packed: its weights are K·N, whatever bits they have."""
    data = operands.tensor(0)
    dims, inner, outer = data.known_dims, node.integer("K", 0), node.integer("N", 0)
    if inner < 1 or outer < 1 or dims[-1] != inner:
        raise CannotInferError
    packed = importer.count_weights(operands.get(1), any_type=True)
    bias = importer.count_weights(operands.get(5))
    stored = bias._replace(params=bias.params + (inner * outer if packed.params else 0))
    after = (*dims[:-1], outer)
    if dims[0] == 1 and 1 < len(dims) <= 5:
        return importer.dense(node, data, after, stored, bias=bool(bias.params))
    return importer.opaque(node, after, [data], len(after) - 1, stored, macs=prod(after) * inner)


@rules("com.microsoft.SkipLayerNormalization", "com.microsoft.SkipSimplifiedLayerNormalization")
def skip_norm(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    """Add a sum of two tensors and a bias, and its layer norm; the last output is the sum."""
    data, skip = operands.tensor(0), operands.value(1)
    if skip.dims is None:
        raise CannotInferError
    dims = broadcast(data.known_dims, skip.dims)
    stored = importer.count_weights(*operands.values[1:])
    output = importer.opaque(node, dims, operands.tensors, len(dims) - 1, stored)
    return [output, output, output, output]


@rules("com.microsoft.EmbedLayerNormalization")
def embedded_norm(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    """Add the sum of the rows of a word, of its place and of its segment, and its layer norm."""
    words, table = operands.tensor(0), operands.value(2)
    if not table.dims:
        raise CannotInferError
    dims = (*words.known_dims, table.dims[-1])
    stored = importer.count_weights(*operands.values[2:7])
    output = importer.opaque(node, dims, operands.tensors, len(dims) - 1, stored)
    mask = output._replace(dims=dims[:1], channel=0)
    return [output, mask, output]


@rules(
    *(f"com.microsoft.{name}" for name in ("BiasGelu", "BiasAdd", "BiasSoftmax", "BiasDropout", "QLinearWhere")),
    *(f"com.microsoft.{name}" for name in ("GroupNorm", "SkipGroupNorm", "LayerNormalization", "Trilu")),
)
def in_place(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    """Add an operator that keeps the shape of its first input, with the weights that it reads."""
    data = operands.tensor(0)
    stored = importer.count_weights(*operands.constants[1:], scalars=False)
    output: Tensor = importer.elementwise(node, operands.tensors, data.known_dims, stored)
    return [output] * max(len(node.outputs), 1)


@rules("com.microsoft.BiasSplitGelu")
def split_gelu(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    """Add a GELU of one half of the channels, times the other."""
    data = operands.tensor(0)
    *before, channels = data.known_dims
    stored = importer.count_weights(operands.get(1))
    return importer.opaque(node, (*before, channels // 2), [data], len(before), stored)
