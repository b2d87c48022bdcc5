"""OpenVINO's layers that work element by element: activations, norms, sums and products."""

from __future__ import annotations

from math import inf

from cnncalc.frameworks.openvino import ACTIVATIONS, BINARY, OPENVINO, PASSED_ON, UNARY
from cnncalc.graph import StoredWeights
from cnncalc.readers.openvino.importer import OpenvinoImporter, rules
from cnncalc.readers.openvino.ir import IrLayer
from cnncalc.readers.operands import Operands, Outputs
from cnncalc.readers.shape_inference import broadcast
from cnncalc.readers.tensors import Tensor, is_per_channel
from cnncalc.readers.weights import ConstantTensor

#: Kinds that a type is all by itself.
PLAIN = (
    "elu", "selu", "gelu", "silu", "mish", "sigmoid", "hardsigmoid", "hardswish", "tanh", "softplus", "softsign",
    "softmax", "logsoftmax",
)  # fmt: skip

#: Bounds of a clamp that has a word.
CLAMPS = {(0.0, 6.0): "relu6", (-1.0, 1.0): "hardtanh"}


@rules.table({name: kind for kind in PLAIN for name in OPENVINO.equivalent(kind).names})
def plain(importer: OpenvinoImporter, layer: IrLayer, operands: Operands, kind: str) -> Outputs:
    values = {"alpha": layer.real("alpha", 1)} if kind == "elu" else {}
    return importer.same_shape(layer, kind, operands.tensor(0), **values)  # type: ignore[arg-type]  # an argument of a layer


@rules("ReLU", "Relu")
def relu(importer: OpenvinoImporter, layer: IrLayer, operands: Operands) -> Outputs:
    slope = layer.real("negative_slope", 0)
    if slope:
        return importer.same_shape(layer, "leakyrelu", operands.tensor(0), slope=slope)
    return importer.same_shape(layer, "relu", operands.tensor(0))


@rules("Clamp")
def clamp(importer: OpenvinoImporter, layer: IrLayer, operands: Operands) -> Outputs:
    x, bounds = operands.tensor(0), (layer.real("min", -inf), layer.real("max", inf))
    kind = CLAMPS.get(bounds) or ("relu" if bounds[0] == 0 and bounds[1] > 1e30 else None)
    return importer.same_shape(layer, kind, x) if kind else importer.elementwise(layer, [x], x.known_dims)


@rules("Activation")
def activation(importer: OpenvinoImporter, layer: IrLayer, operands: Operands) -> Outputs:
    x, kind = operands.tensor(0), ACTIVATIONS.get(layer.text("type", ""))
    return importer.same_shape(layer, kind, x) if kind else importer.elementwise(layer, [x], x.known_dims)


@rules("PReLU", "PRelu")
def prelu(importer: OpenvinoImporter, layer: IrLayer, operands: Operands) -> Outputs:
    """Add a rectifier with slopes; a single one is a number that the file fixes, not a weight."""
    x, slope = operands.tensor(0), operands.get(1)
    held = layer.elements_of("weights")
    stored = importer.count_weights(slope, scalars=False)
    shared = held == 1 or (isinstance(slope, ConstantTensor) and slope.is_scalar)
    stored = StoredWeights(stored.params + (held if held > 1 else 0))
    return importer.same_shape(layer, "prelu", importer.with_channels(layer, x, 1), stored, shared=shared)


@rules(*PASSED_ON)
def passed_on(importer: OpenvinoImporter, layer: IrLayer, operands: Operands) -> Outputs:
    """Return the first input; there is no row."""
    return operands.value(0)


@rules(*UNARY)
def unary(importer: OpenvinoImporter, layer: IrLayer, operands: Operands) -> Outputs:
    x = operands.tensor(0)
    stored = importer.count_weights(*operands.values[1:], scalars=False)
    held = sum(map(layer.elements_of, layer.blobs))
    return importer.elementwise(layer, [x], x.known_dims, StoredWeights(stored.params + held))


# -- norms -----------------------------------------------------------------------------------------------------


@rules("BatchNormInference", "BatchNormalization")
def batch_norm(importer: OpenvinoImporter, layer: IrLayer, operands: Operands) -> Outputs:
    """Add a batch norm, whose data is the first input, or in the first operation set the third; v7 has no scale."""
    values = list(operands.values)
    x = next(each for each in values if isinstance(each, Tensor))
    rest = [each for each in values if each is not x]
    stored = importer.count_weights(*rest[:2])
    kept = importer.count_weights(*rest[2:])
    held = sum(map(layer.elements_of, layer.blobs))
    weights = StoredWeights(stored.params, kept.params + held)
    return importer.same_shape(layer, "bn", importer.with_channels(layer, x, 1), weights)


@rules("GroupNormalization")
def group_norm(importer: OpenvinoImporter, layer: IrLayer, operands: Operands) -> Outputs:
    x = importer.with_channels(layer, operands.tensor(0), 1)
    stored = importer.count_weights(operands.get(1), operands.get(2))
    return importer.same_shape(layer, "gn", x, stored, groups=layer.integer("num_groups"))


@rules("RMS", "RMSNorm")
def rms_norm(importer: OpenvinoImporter, layer: IrLayer, operands: Operands) -> Outputs:
    x = operands.tensor(0)
    return importer.opaque(layer, x.dims, [x], x.channel, importer.count_weights(operands.get(1)), memory="in place")


@rules("ScaleShift")
def scale_shift(importer: OpenvinoImporter, layer: IrLayer, operands: Operands) -> Outputs:
    """Add a factor and a summand for each channel, of v7."""
    x = importer.with_channels(layer, operands.tensor(0), 1)
    biases = layer.elements_of("biases")
    counted = importer.count_weights(*operands.values[1:])
    stored = StoredWeights(layer.elements_of("weights") + biases + counted.params)
    return importer.same_shape(layer, "scale", x, stored, bias=bool(biases) or operands.get(2) is not None)


# -- two and more ----------------------------------------------------------------------------------------------


@rules.table({"Add": "add", "Multiply": "mul"})
def combined(importer: OpenvinoImporter, layer: IrLayer, operands: Operands, kind: str) -> Outputs:
    """Add a sum or product: a merge of tensors, a bias or a `scale` if one is constant, else opaque."""
    tensors, dims = operands.tensors, broadcast(*operands.shapes)
    x = tensors[0]
    if len(tensors) == len(operands.values):
        merged = importer.merge(layer, kind, tensors, dims)
        if merged is not None:
            return merged
    constant = next((each for each in operands.constants if each is not None and each.dims is not None), None)
    if constant is not None and len(tensors) == 1 and dims == x.dims and constant.sources:
        per_channel = is_per_channel(constant.dims or (), x, dims) and dims[x.channel] > 1
        if kind == "add" and per_channel and importer.absorb_bias(layer, x, constant):
            return x
        if kind == "mul" and per_channel:
            return importer.same_shape(layer, "scale", x, importer.count_weights(constant), bias=False)
    stored = importer.count_weights(*operands.constants, scalars=False)
    return importer.elementwise(layer, tensors, dims, stored)


@rules("Eltwise")
def eltwise(importer: OpenvinoImporter, layer: IrLayer, operands: Operands) -> Outputs:
    """Add a sum, product or the like of v7."""
    kind = {"sum": "add", "mul": "mul", "prod": "mul"}.get(layer.text("operation", "sum"))
    outputs: Outputs = combined(importer, layer, operands, kind) if kind else several(importer, layer, operands)
    return outputs


@rules(*BINARY)
def several(importer: OpenvinoImporter, layer: IrLayer, operands: Operands) -> Outputs:
    stored = importer.count_weights(*operands.constants, scalars=False)
    return importer.elementwise(layer, operands.tensors, broadcast(*operands.shapes), stored)
