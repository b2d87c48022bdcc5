"""TensorFlow Lite's operators that work element by element: activations, sums and products, and copies."""

from __future__ import annotations

from cnncalc.frameworks.tflite import BINARY, COPIES, TFLITE, UNARY
from cnncalc.readers.operands import Operands, Outputs
from cnncalc.readers.shape_inference import broadcast
from cnncalc.readers.tensors import Tensor, is_per_channel
from cnncalc.readers.tflite.importer import TfliteImporter, rules
from cnncalc.readers.tflite.model import OperatorDef
from cnncalc.readers.weights import ConstantTensor

#: Kinds that an operator is all by itself.
PLAIN = (
    "relu", "relu6", "hardtanh", "elu", "gelu", "sigmoid", "hardswish", "tanh", "softmax", "logsoftmax",
)  # fmt: skip


@rules.table({name: kind for kind in PLAIN for name in TFLITE.equivalent(kind).names})
def plain(importer: TfliteImporter, node: OperatorDef, operands: Operands, kind: str) -> Outputs:
    return importer.same_shape(node, kind, operands.tensor(0))


@rules("LEAKY_RELU")
def leaky(importer: TfliteImporter, node: OperatorDef, operands: Operands) -> Outputs:
    return importer.same_shape(node, "leakyrelu", operands.tensor(0), slope=node.real("Alpha", 0.01))


@rules("PRELU")
def prelu(importer: TfliteImporter, node: OperatorDef, operands: Operands) -> Outputs:
    slope = operands.value(1)
    shared = isinstance(slope, ConstantTensor) and slope.is_scalar
    return importer.same_shape(node, "prelu", operands.tensor(0), importer.count_weights(slope), shared=shared)


@rules(*UNARY)
def unary(importer: TfliteImporter, node: OperatorDef, operands: Operands) -> Outputs:
    x = operands.tensors[0]
    return importer.elementwise(node, [x], x.known_dims)


@rules(*COPIES)
def copied(importer: TfliteImporter, node: OperatorDef, operands: Operands) -> Outputs:
    """Add a copy of a tensor in another type, which has memory of its own."""
    x = operands.tensor(0)
    return importer.opaque(node, x.dims, [x], x.channel, local=True)


@rules("ADD", "MUL", "ADD_N")
def combined(importer: TfliteImporter, node: OperatorDef, operands: Operands) -> Outputs:
    """Add a sum or product and its activation: a merge of tensors, a `scale` with a constant, else opaque."""
    kind = "mul" if node.name == "MUL" else "add"
    tensors, dims = operands.tensors, broadcast(*operands.shapes)
    y: Tensor | None = None
    if len(tensors) == len(operands.values):
        y = importer.merge(node, kind, tensors, dims)
    elif kind == "mul" and dims == tensors[0].dims:
        constant = next((each for each in operands.constants if each is not None), None)
        of_channels = constant is not None and is_per_channel(constant.dims or (), tensors[0], dims)
        if of_channels and dims[tensors[0].channel] > 1:
            y = importer.same_shape(node, "scale", tensors[0], importer.count_weights(constant), bias=False)
    if y is None:
        y = importer.elementwise(node, tensors, dims, importer.count_weights(*operands.constants, scalars=False))
    return y if node.name == "ADD_N" else importer.activation(node, y)


@rules(*BINARY)
def several(importer: TfliteImporter, node: OperatorDef, operands: Operands) -> Outputs:
    stored = importer.count_weights(*operands.constants, scalars=False, any_type=False)
    y = importer.elementwise(node, operands.tensors, broadcast(*operands.shapes), stored)
    return importer.activation(node, y) if node.name in ("SUB", "DIV") else y
