"""Operators that work element by element: activations, sums and products, and changes of type."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, prod

from cnncalc.graph import StoredWeights
from cnncalc.readers.importer import Tensor, UnknowableError
from cnncalc.readers.onnx.constant_folding import Static, bounds
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


@rule(*WORDS)
@rule("Gelu", "QuickGelu", "FastGelu", "QLinearSigmoid", "QLinearSoftmax", domain=RUNTIME)
def activation(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    return [reading.same(node, WORDS[node.operator], x.tensor(0))]


@rule("LeakyRelu")
@rule("QLinearLeakyRelu", domain=RUNTIME)
def leaky_relu(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    return [reading.same(node, "leakyrelu", x.tensor(0), slope=_short(node.real("alpha", 0.01)))]


@rule("Elu")
def elu(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    return [reading.same(node, "elu", x.tensor(0), alpha=_short(node.real("alpha", 1.0)))]


@rule("Celu")
def celu(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    return [reading.same(node, "celu", x.tensor(0))]


def _short(value: float) -> float:
    """The number as it was written: a float of 32 bits holds 0.1 as 0.100000001."""
    short = float(f"{value:.6g}")
    return int(short) if short.is_integer() else short


@rule("PRelu")
def prelu(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    slope = x.value(1)
    stored = StoredWeights(reading.claim(slope))
    shared = isinstance(slope, Static) and slope.single
    return [reading.same(node, "prelu", x.tensor(0), stored, shared=shared)]


@rule("Clip")
def clip(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    words: dict[tuple[float, float], str] = {(0, 6): "relu6", (-1, 1): "hardtanh", (0, inf): "relu"}
    word = words.get(bounds(node, x.values))
    data = x.tensor(0)
    return [reading.same(node, word, data) if word else reading.plain(node, [data], data.dims or ())]


@rule(
    "Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "BitwiseNot", "Ceil", "Cos", "Cosh", "CumSum", "Erf",
    "Exp", "Floor", "IsInf", "IsNaN", "Log", "LpNormalization", "MeanVarianceNormalization", "Neg", "Not",
    "Reciprocal", "Round", "Shrink", "Sign", "Sin", "Sinh", "Sqrt", "Tan", "ThresholdedRelu", "Trilu", "Hardmax",
    "Bernoulli", "CumProd", "ReverseSequence", "RandomNormalLike", "RandomUniformLike", "ScatterND", "ScatterElements",
    "Scatter",
)  # fmt: skip
def unary(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    """Whatever keeps the shape of its first input."""
    data = x.tensor(0)
    stored = StoredWeights(reading.claim(*x.statics[1:], single=False))
    return [reading.plain(node, x.tensors, data.dims or (), stored)]


@rule("Identity", "Cast", "CastLike", "QuantizeLinear", "DequantizeLinear", "Clone")
@rule("QuantizeLinear", "DequantizeLinear", domain=RUNTIME)
def passed_on(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    """The same numbers, in another type at most: no row."""
    return [x.tensor(0)]


@rule("DynamicQuantizeLinear")
def dynamic_quantize(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    """The tensor in 8 bits, with a scale and a zero point that are one number each."""
    return [x.tensor(0), Static(()), Static(())]


@rule("Dropout")
def dropout(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    given = x.statics[1].number() if len(x.statics) > 1 and x.statics[1] else node.real("ratio", 0.5)
    rate = _short(float(given)) if given is not None and 0 <= given < 1 else 0.5
    return [reading.same(node, "dropout", x.tensor(0), rate=rate)] * max(len(node.outputs), 1)


@rule("Shape")
def shape(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    return [folded_shape(node, x.tensor(0).dims or ())]


@rule("Size")
def size(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    return [Static((), (prod(x.tensor(0).dims or ()),))]


# -- two and more --------------------------------------------------------------------------------------------


@rule("Add", "Sum", "Mul")
def combined(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    """`add` or `mul` of tensors; with a constant for each channel a `scale`, with any other a row of its own."""
    tensors = x.tensors
    dims = broadcast(*_shapes(x))
    stored = StoredWeights(reading.claim(*x.statics, single=False))
    first = tensors[0]
    if len(tensors) == len(x.values):
        merged = reading.merged(node, "mul" if node.operator == "Mul" else "add", tensors, dims)
        if merged is not None:
            return [merged]
    if node.operator == "Mul" and len(x.values) == 2 and dims == first.dims and _per_channel(x, first):
        return [reading.same(node, "scale", first, stored)]
    return [reading.plain(node, tensors, dims, stored)]


@rule("QLinearAdd", "QLinearMul", domain=RUNTIME)
def quantized(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    # a, its scale and zero point, b and its own, those of y.
    node = node._replace(operator=node.operator.removeprefix("QLinear"))
    return combined(reading, node, Operands([x.value(0), x.value(3)]))


@rule(
    "And", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Div", "Equal", "Greater", "GreaterOrEqual", "Less",
    "LessOrEqual", "Max", "Mean", "Min", "Mod", "Or", "Pow", "Sub", "Where", "Xor",
)  # fmt: skip
def several(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    stored = StoredWeights(reading.claim(*x.statics, single=False))
    return [reading.plain(node, x.tensors, broadcast(*_shapes(x)), stored)]


def _shapes(x: Operands) -> list[Dims]:
    shapes = [each.dims for each in x.values if each is not None]
    known = [dims for dims in shapes if dims is not None]
    if len(known) < len(shapes) or not known:
        raise UnknowableError
    return known


def _per_channel(x: Operands, tensor: Tensor) -> bool:
    """Whether the constant has a number for each channel, alike at every place."""
    dims = tensor.dims or ()
    for each in x.statics:
        if each is not None and each.dims is not None:
            padded = (1,) * (len(dims) - len(each.dims)) + each.dims
            wanted = tuple(size if axis == tensor.channel else 1 for axis, size in enumerate(dims))
            return padded == wanted and dims[tensor.channel] > 1 and bool(each.sources)
    return False
