"""OpenVINO's products of matrices, and its recurrent and attention layers."""

from __future__ import annotations

from math import prod

from cnncalc.graph import StoredWeights
from cnncalc.layers.recurrent import GATES
from cnncalc.readers.einsum import einsum as add_einsum
from cnncalc.readers.openvino.importer import OpenvinoImporter, rules
from cnncalc.readers.openvino.ir import IrLayer
from cnncalc.readers.operands import Operands, Outputs, Value
from cnncalc.readers.shape_inference import Dims, matmul
from cnncalc.readers.tensors import CannotInferError, Tensor
from cnncalc.readers.weights import ConstantTensor


def _turned(dims: Dims | None, turned: bool) -> Dims:
    if dims is None:
        raise CannotInferError
    return (*dims[:-2], *dims[-2:][::-1]) if turned and len(dims) > 1 else dims


@rules("MatMul", "Gemm")
def matrix_product(importer: OpenvinoImporter, layer: IrLayer, operands: Operands) -> Outputs:
    """Add a product of matrices: an `fc` or 1x1 `conv` if the right one is constant, otherwise opaque."""
    a, b = operands.value(0), operands.value(1)
    turns = (
        layer.flag(name, False) or layer.flag(name.replace("_", "-"), False) for name in ("transpose_a", "transpose_b")
    )
    left, right = (_turned(each.dims, turn) for each, turn in zip((a, b), turns, strict=True))
    dims = matmul(left, right)
    if isinstance(a, Tensor) and isinstance(b, ConstantTensor) and len(right) == 2 and left == a.dims:
        one = left[0] == 1 and 1 < len(left) <= 5
        if one:
            stored = importer.count_weights(b, any_type=True)
            return importer.dense(layer, a, dims, stored, bias=False)
    stored = importer.count_weights(a, b, scalars=False, any_type=True)
    return importer.opaque(layer, dims, operands.tensors, len(dims) - 1, stored, macs=prod(dims) * left[-1])


@rules("FullyConnected")
def fully_connected(importer: OpenvinoImporter, layer: IrLayer, operands: Operands) -> Outputs:
    """Add an fc of v7 on all elements behind the batch; it holds its weights itself, or reads them."""
    x, units = operands.tensor(0), layer.integer("out-size")
    weights, bias = operands.get(1), operands.get(2)
    counted = importer.count_weights(weights, bias, any_type=True)
    biases = layer.elements_of("biases")
    stored = StoredWeights(counted.params + layer.elements_of("weights") + biases)
    has_bias = bool(biases) or bias is not None
    if x.known_dims[0] != 1:
        raise CannotInferError
    output = importer.same_shape(layer, "fc", x, stored, units=units, bias=has_bias)
    return output._replace(dims=(1, units), channel=1)


@rules("Einsum")
def einsum(importer: OpenvinoImporter, layer: IrLayer, operands: Operands) -> Outputs:
    """Add an einsum, which is opaque."""
    shapes = [each.dims for each in operands.values if each is not None and each.dims is not None]
    if len(shapes) < len(operands.values):
        raise CannotInferError
    dims, macs = add_einsum(layer.attributes.get("equation", ""), shapes)
    stored = importer.count_weights(*operands.values, scalars=False, any_type=True)
    return importer.opaque(layer, dims, operands.tensors, len(dims) - 1, stored, macs=macs)


@rules.table({f"{name}Sequence": name.lower() for name in ("LSTM", "GRU", "RNN")})
def recurrent(importer: OpenvinoImporter, layer: IrLayer, operands: Operands, kind: str) -> Outputs:
    """Add a recurrent layer on a batch, steps and channels; its outputs are the states of all steps, and the last."""
    x, units = operands.tensor(0), layer.integer("hidden_size")
    # Behind the input stand the first states, the lengths of the sequences, and three weights.
    first = 4 if kind == "lstm" else 3
    weights: list[Value | None] = [operands.get(at) for at in range(first, first + 3)]
    stored = importer.count_weights(*weights)
    direction = layer.text("direction", "forward")
    steps = x.known_dims[1]
    if direction == "reverse":
        macs = steps * GATES[kind] * units * (x.known_dims[-1] + units)
        states = importer.opaque(layer, (1, steps, units), [x], 2, stored, macs=macs)
    else:
        bidirectional = direction == "bidirectional"
        states = importer.recurrent(layer, kind, x, 0, stored, units=units, bidirectional=bidirectional, biases=1)
    if states.dims is None:
        return states
    directions = states.known_dims[-1] // units
    reads_last = any((layer.id, port.id) in importer.read for port in layer.outputs[1:])
    final = importer.last_states(layer, states, (1, directions, units)) if reads_last else states
    every = importer.reshape(layer, states, (1, directions, steps, units), 3) if directions == 1 else None
    if every is None:
        every = importer.transpose(
            layer, importer.reshape(layer, states, (1, steps, directions, units), 3), (0, 2, 1, 3)
        )
    return [every, final, final]


@rules.table({f"{name}Cell": name.lower() for name in ("LSTM", "GRU", "RNN")})
def cell(importer: OpenvinoImporter, layer: IrLayer, operands: Operands, kind: str) -> Outputs:
    """Add one step of a recurrent layer, whose state comes in and goes out."""
    x, units = operands.tensor(0), layer.integer("hidden_size")
    first = 3 if kind == "lstm" else 2
    stored = importer.count_weights(*operands.values[first:])
    held = sum(map(layer.elements_of, layer.blobs))
    macs = GATES[kind] * units * (x.known_dims[-1] + units)
    stored = stored._replace(params=stored.params + held)
    output = importer.opaque(layer, (1, units), operands.tensors, 1, stored, macs=macs)
    return [output] * max(len(layer.outputs), 1)


@rules("ScaledDotProductAttention")
def attention(importer: OpenvinoImporter, layer: IrLayer, operands: Operands) -> Outputs:
    """Add attention of projected queries, keys and values: scores, and the values that they weigh."""
    query, key, value = (operands.value(at).dims for at in range(3))
    if query is None or key is None or value is None or len(query) < 2 or len(key) < 2:
        raise CannotInferError
    dims = (*query[:-1], value[-1])
    macs = prod(query[:-1]) * key[-2] * (query[-1] + value[-1])
    return importer.opaque(layer, dims, operands.tensors, len(dims) - 1, macs=macs)
