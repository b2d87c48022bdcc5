"""Operators that work element by element: activations, sums and products, and changes of type."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, prod

from cnncalc.graph import StoredWeights
from cnncalc.readers.importer import Tensor, CannotInferError
from cnncalc.readers.onnx.constant_folding import ConstantTensor, bounds
from cnncalc.readers.onnx.constant_folding import shape_of as folded_shape
from cnncalc.readers.onnx.importer import RUNTIME, OnnxImporter, Operands, Value, rule
from cnncalc.readers.onnx.model import NodeDef
from cnncalc.readers.shape_inference import Dims, broadcast

#: Operator → the word for it.
WORDS = {
    "Relu": "relu", "Selu": "selu", "Gelu": "gelu", "Mish": "mish", "Sigmoid": "sigmoid", "HardSigmoid": "hardsigmoid",
    "HardSwish": "hardswish", "Tanh": "tanh", "Softplus": "softplus", "Softsign": "softsign", "Softmax": "softmax",
    "LogSoftmax": "logsoftmax", "Swish": "silu", "QuickGelu": "gelu", "QLinearSigmoid": "sigmoid",
    "QLinearSoftmax": "softmax", "FastGelu": "gelu",
}  # fmt: skip


@rules(*WORDS)
@rules("Gelu", "QuickGelu", "FastGelu", "QLinearSigmoid", "QLinearSoftmax", domain=RUNTIME)
def activation(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Results:
    return [importer.same_shape(node, WORDS[node.operator], operands.tensor(0))]


@rules("LeakyRelu")
@rules("QLinearLeakyRelu", domain=RUNTIME)
def leaky_relu(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Results:
    return [importer.same_shape(node, "leakyrelu", operands.tensor(0), slope=_short(node.real("alpha", 0.01)))]


@rules("Elu")
def elu(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Results:
    return [importer.same_shape(node, "elu", operands.tensor(0), alpha=_short(node.real("alpha", 1.0)))]


@rules("Celu")
def celu(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Results:
    return [importer.same_shape(node, "celu", operands.tensor(0))]


def _short(value: float) -> float:
    """The number as it was written: a float of 32 bits holds 0.1 as 0.100000001."""
    short = float(f"{value:.6g}")
    return int(short) if short.is_integer() else short


@rules("PRelu")
def prelu(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Results:
    slope = operands.value(1)
    stored = importer.count_weights(slope)
    shared = isinstance(slope, ConstantTensor) and slope.single
    return [importer.same_shape(node, "prelu", operands.tensor(0), stored, shared=shared)]


@rules("Clip")
def clip(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Results:
    words: dict[tuple[float, float], str] = {(0, 6): "relu6", (-1, 1): "hardtanh", (0, inf): "relu"}
    word = words.get(bounds(node, operands.values))
    data = operands.tensor(0)
    return [importer.same_shape(node, word, data) if word else importer.elementwise(node, [data], data.dims or ())]


@rules(
    "Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "BitwiseNot", "Ceil", "Cos", "Cosh", "CumSum", "Erf",
    "Exp", "Floor", "IsInf", "IsNaN", "Log", "LpNormalization", "MeanVarianceNormalization", "Neg", "Not",
    "Reciprocal", "Round", "Shrink", "Sign", "Sin", "Sinh", "Sqrt", "Tan", "ThresholdedRelu", "Trilu", "Hardmax",
    "Bernoulli", "CumProd", "ReverseSequence", "RandomNormalLike", "RandomUniformLike", "ScatterND", "ScatterElements",
    "Scatter",
)  # fmt: skip
def unary(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Results:
    """Whatever keeps the shape of its first input."""
    data = operands.tensor(0)
    stored = importer.count_weights(*operands.constants[1:], single=False)
    return [importer.elementwise(node, operands.tensors, data.dims or (), stored)]


@rules("Identity", "Cast", "CastLike", "QuantizeLinear", "DequantizeLinear", "Clone")
@rules("QuantizeLinear", "DequantizeLinear", domain=RUNTIME)
def passed_on(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Results:
    """The same numbers, in another type at most: no row."""
    return [operands.tensor(0)]


@rules("DynamicQuantizeLinear")
def dynamic_quantize(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Results:
    """The tensor in 8 bits, with a scale and a zero point that are one number each."""
    return [operands.tensor(0), ConstantTensor(()), ConstantTensor(())]


@rules("Dropout")
def dropout(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Results:
    given = (
        operands.constants[1].number()
        if len(operands.constants) > 1 and operands.constants[1]
        else node.real("ratio", 0.5)
    )
    rate = _short(float(given)) if given is not None and 0 <= given < 1 else 0.5
    return [importer.same_shape(node, "dropout", operands.tensor(0), rate=rate)] * max(len(node.outputs), 1)


@rules("Shape")
def shape(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Results:
    return [folded_shape(node, operands.tensor(0).dims or ())]


@rules("Size")
def size(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Results:
    return [ConstantTensor((), (prod(operands.tensor(0).dims or ()),))]


# -- two and more --------------------------------------------------------------------------------------------


@rules("Add", "Sum", "Mul")
def combined(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Results:
    """`add` or `mul` of tensors; with a constant for each channel a `scale`, with any other a row of its own."""
    tensors = operands.tensors
    dims = broadcast(*_shapes(x))
    stored = importer.count_weights(*operands.constants, single=False)
    first = tensors[0]
    if len(tensors) == len(operands.values):
        merged = importer.merge(node, "mul" if node.operator == "Mul" else "add", tensors, dims)
        if merged is not None:
            return [merged]
    if node.operator == "Mul" and len(operands.values) == 2 and dims == first.dims and _per_channel(x, first):
        return [importer.same_shape(node, "scale", first, stored)]
    return [importer.elementwise(node, tensors, dims, stored)]


@rules("QLinearAdd", "QLinearMul", domain=RUNTIME)
def quantized(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Results:
    # a, its scale and zero point, b and its own, those of y.
    node = node._replace(operator=node.operator.removeprefix("QLinear"))
    return combined(importer, node, Operands([operands.value(0), operands.value(3)]))


@rules(
    "And", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Div", "Equal", "Greater", "GreaterOrEqual", "Less",
    "LessOrEqual", "Max", "Mean", "Min", "Mod", "Or", "Pow", "Sub", "Where", "Xor",
)  # fmt: skip
def several(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Results:
    stored = importer.count_weights(*operands.constants, single=False)
    return [importer.elementwise(node, operands.tensors, broadcast(*_shapes(x)), stored)]


def _shapes(operands: Operands) -> list[Dims]:
    shapes = [each.dims for each in operands.values if each is not None]
    known = [dims for dims in shapes if dims is not None]
    if len(known) < len(shapes) or not known:
        raise CannotInferError
    return known


def _per_channel(operands: Operands, tensor: Tensor) -> bool:
    """Whether the constant has a number for each channel, alike at every place."""
    dims = tensor.dims or ()
    for each in operands.constants:
        if each is not None and each.dims is not None:
            padded = (1,) * (len(dims) - len(each.dims)) + each.dims
            wanted = tuple(size if axis == tensor.channel else 1 for axis, size in enumerate(dims))
            return padded == wanted and dims[tensor.channel] > 1 and bool(each.sources)
    return False
