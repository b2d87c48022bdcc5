"""Operators that work element by element: activations, sums and products, and changes of type."""

from __future__ import annotations

from math import inf, prod
from typing import Any

from cnncalc.frameworks.onnx import ONNX
from cnncalc.frameworks.table import Equivalent
from cnncalc.readers.onnx.constant_folding import bounds, shape_operator
from cnncalc.readers.onnx.importer import OnnxImporter, rules, with_runtime
from cnncalc.readers.onnx.model import NodeDef
from cnncalc.readers.operands import Operands, Outputs
from cnncalc.readers.shape_inference import broadcast
from cnncalc.readers.tensors import Tensor, is_per_channel
from cnncalc.readers.weights import ConstantTensor

#: Kinds of layers that an operator is all by itself.
PLAIN = (
    "relu", "selu", "celu", "gelu", "silu", "mish", "sigmoid", "hardsigmoid", "hardswish", "tanh", "softplus",
    "softsign", "softmax", "logsoftmax", "leakyrelu", "elu",
)  # fmt: skip


@rules.table(with_runtime({name: kind for kind in PLAIN for name in ONNX.rows[kind].names}))
def plain(importer: OnnxImporter, node: NodeDef, operands: Operands, kind: str) -> Outputs:
    equivalent = ONNX[kind]
    stated = equivalent.arguments if isinstance(equivalent, Equivalent) else ()
    arguments: dict[str, Any] = {
        each.meaning: _short(node.real(each.name, each.default)) for each in stated if isinstance(each.meaning, str)
    }
    return importer.same_shape(node, kind, operands.tensor(0), **arguments)


def _short(value: float) -> float:
    """Return the number as it was written: a float of 32 bits holds 0.1 as 0.100000001."""
    short = float(f"{value:.6g}")
    return int(short) if short.is_integer() else short


@rules("PRelu")
def prelu(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    slope = operands.value(1)
    stored = importer.count_weights(slope)
    shared = isinstance(slope, ConstantTensor) and slope.is_scalar
    return importer.same_shape(node, "prelu", operands.tensor(0), stored, shared=shared)


@rules("Clip")
def clip(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    words: dict[tuple[float, float], str] = {(0, 6): "relu6", (-1, 1): "hardtanh", (0, inf): "relu"}
    word = words.get(bounds(node, operands.values))
    data = operands.tensor(0)
    return importer.same_shape(node, word, data) if word else importer.elementwise(node, [data], data.dims or ())


@rules(
    "Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "BitwiseNot", "Ceil", "Cos", "Cosh", "CumSum", "Erf",
    "Exp", "Floor", "IsInf", "IsNaN", "Log", "LpNormalization", "MeanVarianceNormalization", "Neg", "Not",
    "Reciprocal", "Round", "Shrink", "Sign", "Sin", "Sinh", "Sqrt", "Tan", "ThresholdedRelu", "Trilu", "Hardmax",
    "Bernoulli", "CumProd", "ReverseSequence", "RandomNormalLike", "RandomUniformLike", "ScatterND", "ScatterElements",
    "Scatter", "RotaryEmbedding", "com.microsoft.RotaryEmbedding",
)  # fmt: skip
def unary(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    """Add a layer that keeps the shape of its first input."""
    data = operands.tensor(0)
    stored = importer.count_weights(*operands.constants[1:], scalars=False)
    return importer.elementwise(node, operands.tensors, data.dims or (), stored)


@rules(
    "Identity",
    "Cast",
    "CastLike",
    "BitCast",
    "QuantizeLinear",
    "DequantizeLinear",
    "Clone",
    "com.microsoft.QuantizeLinear",
    "com.microsoft.DequantizeLinear",
)
def passed_on(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    """Return the input, with a different type at most; there is no row."""
    return operands.value(0)


@rules("DynamicQuantizeLinear")
def dynamic_quantize(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    """Return the tensor in 8 bits, a scale and a zero point, each of which is one number."""
    return [operands.tensor(0), ConstantTensor(()), ConstantTensor(())]


@rules("Dropout")
def dropout(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    given = (
        operands.constants[1].number()
        if len(operands.constants) > 1 and operands.constants[1]
        else node.real("ratio", 0.5)
    )
    rate = _short(float(given)) if given is not None and 0 <= given < 1 else 0.5
    return [importer.same_shape(node, "dropout", operands.tensor(0), rate=rate)] * max(len(node.outputs), 1)


@rules("Shape")
def shape(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    return shape_operator(node, operands.tensor(0).dims or ())


@rules("Size")
def size(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    return ConstantTensor((), (prod(operands.tensor(0).dims or ()),))


# -- two and more --------------------------------------------------------------------------------------------


@rules("Add", "Sum", "Mul")
def combined(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    """Add an `add` or `mul` of tensors; with a constant for each channel a `scale`, otherwise an opaque operator."""
    tensors = operands.tensors
    dims = broadcast(*operands.shapes)
    stored = importer.count_weights(*operands.constants, scalars=False)
    first = tensors[0]
    if len(tensors) == len(operands.values):
        merged = importer.merge(node, "mul" if node.operator == "Mul" else "add", tensors, dims)
        if merged is not None:
            return merged
    if node.operator == "Mul" and len(operands.values) == 2 and dims == first.dims and _is_scale(operands, first):
        return importer.same_shape(node, "scale", first, stored)
    return importer.elementwise(node, tensors, dims, stored)


@rules("com.microsoft.QLinearAdd", "com.microsoft.QLinearMul")
def quantized(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    # a, its scale and zero point, b and its own, those of y.
    node = node._replace(operator=node.operator.removeprefix("QLinear"))
    return combined(importer, node, Operands([operands.value(0), operands.value(3)]))


@rules(
    "And", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Div", "Equal", "Greater", "GreaterOrEqual", "Less",
    "LessOrEqual", "Max", "Mean", "Min", "Mod", "Or", "Pow", "Sub", "Where", "Xor",
)  # fmt: skip
def several(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    stored = importer.count_weights(*operands.constants, scalars=False)
    return importer.elementwise(node, operands.tensors, broadcast(*operands.shapes), stored)


def _is_scale(operands: Operands, x: Tensor) -> bool:
    """Return whether the constant has a number for each channel, equal at every position."""
    for each in operands.constants:
        if each is not None and each.dims is not None:
            dims = x.known_dims
            return is_per_channel(each.dims, x, dims) and dims[x.channel] > 1 and bool(each.sources)
    return False
