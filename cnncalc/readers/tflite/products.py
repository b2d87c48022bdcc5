"""TensorFlow Lite's products of matrices, recurrent operators, and tables."""

from __future__ import annotations

from math import prod

from cnncalc.readers.operands import Operands, Outputs, Value
from cnncalc.readers.shape_inference import ShapeMismatchError, axis_of, gather, matmul, text
from cnncalc.readers.tensors import CannotInferError, Tensor
from cnncalc.readers.tflite.importer import TfliteImporter, rules
from cnncalc.readers.tflite.model import OperatorDef
from cnncalc.readers.weights import ConstantTensor


@rules("FULLY_CONNECTED")
def fully_connected(importer: TfliteImporter, node: OperatorDef, operands: Operands) -> Outputs:
    """Add a product with weights of units x elements: an fc on a vector, a 1x1 conv on several of them.

    Its input is cut into vectors as long as the weights are wide, whatever its axes.
    """
    x, weights, bias = operands.tensor(0), operands.value(1), operands.get(2)
    if weights.dims is None or len(weights.dims) != 2 or isinstance(weights, Tensor):
        return _product_of_tensors(importer, node, operands)
    units, width = weights.dims
    total = prod(x.known_dims)
    if width < 1 or total % width:
        raise ShapeMismatchError(f"its weights are for {width} elements, its input is {text(x.known_dims)}")
    stored = importer.count_weights(weights, bias)
    keep, rows = node.flag("KeepNumDims"), total // width
    after = (*x.known_dims[:-1], units) if keep else (rows, units)
    if rows == 1:
        y = importer.same_shape(node, "fc", x, stored, units=units, bias=bias is not None)
    else:
        if x.known_dims[-1] != width:
            x = importer.reshape(node, x, (rows, width), 1)
        # The rows are positions of one sample.
        positions = x.known_dims[:-1] if x.known_dims[0] == 1 else (1, *x.known_dims[:-1])
        sample = Tensor(x.node, (*positions, width), x.channel + len(positions) - len(x.known_dims) + 1)
        y = importer.dense(node, sample, (*positions, units), stored, bias=bias is not None)
    return importer.activation(node, y._replace(dims=after, channel=len(after) - 1))


def _product_of_tensors(importer: TfliteImporter, node: OperatorDef, operands: Operands) -> Outputs:
    """Add a product of two tensors, the second turned."""
    x, weights = operands.tensor(0), operands.value(1).dims
    if weights is None or len(weights) != 2:
        raise CannotInferError
    units, width = weights
    rows = prod(x.known_dims) // width if width else 0
    after = (*x.known_dims[:-1], units) if node.flag("KeepNumDims") else (rows, units)
    stored = importer.count_weights(*operands.constants, scalars=False)
    y = importer.opaque(node, after, operands.tensors, len(after) - 1, stored, macs=rows * units * width)
    return importer.activation(node, y)


@rules("BATCH_MATMUL")
def matrix_product(importer: TfliteImporter, node: OperatorDef, operands: Operands) -> Outputs:
    """Add a product of matrices: a 1x1 conv if the right one is constant, otherwise opaque."""
    a, b = operands.value(0), operands.value(1)
    if a.dims is None or b.dims is None:
        raise CannotInferError
    left = (*a.dims[:-2], *a.dims[-2:][::-1]) if node.flag("AdjX") else a.dims
    right = (*b.dims[:-2], *b.dims[-2:][::-1]) if node.flag("AdjY") else b.dims
    dims = matmul(left, right)
    constant = isinstance(b, ConstantTensor) and prod(right[:-2]) == 1 and isinstance(a, Tensor)
    if constant and isinstance(a, Tensor) and left == a.dims and left[0] == 1 and 1 < len(left) <= 5:
        return importer.dense(node, a, dims, importer.count_weights(b), bias=False)
    stored = importer.count_weights(a, b, scalars=False)
    return importer.opaque(node, dims, operands.tensors, len(dims) - 1, stored, macs=prod(dims) * left[-1])


# -- recurrent -------------------------------------------------------------------------------------------------


def _matrices(values: list[Value | None]) -> int:
    """Return the elements of all matrices among the weights: each is one multiply-add at a step."""
    return sum(
        prod(each.dims) for each in values if isinstance(each, ConstantTensor) and each.dims and len(each.dims) == 2
    )


@rules("UNIDIRECTIONAL_SEQUENCE_LSTM", "UNIDIRECTIONAL_SEQUENCE_RNN")
def sequence(importer: TfliteImporter, node: OperatorDef, operands: Operands) -> Outputs:
    """Add a recurrent layer on a batch, steps and channels; one that ours is not is opaque."""
    x, batch = operands.tensor(0), 1 if node.flag("TimeMajor") else 0
    is_lstm = node.name.endswith("LSTM")
    weights = list(operands.values[1:18] if is_lstm else operands.values[1:4])
    weights += operands.values[20:24] if is_lstm else []
    forget = operands.value(2 if is_lstm else 1).dims
    if len(x.known_dims) != 3 or forget is None or len(forget) != 2:
        raise CannotInferError
    stored = importer.count_weights(*weights)
    steps, units = x.known_dims[1 - batch], forget[0]
    # Without an input gate, with peepholes, a projection or norms it is another layer than ours.
    extra = is_lstm and (weights[0] is None or any(each is not None for each in (*weights[8:11], *weights[15:])))
    if extra or x.known_dims[batch] != 1:
        macs = prod(x.known_dims[:-1]) * _matrices(weights)
        return importer.opaque(node, importer.stated_dims(node), [x], 2, stored, macs=macs)
    y = importer.recurrent(node, "lstm" if is_lstm else "rnn", x, batch, stored, units=units, biases=1)
    return importer.reshape(node, y, (steps, 1, units) if batch else (1, steps, units), 2) if y.dims else y


@rules("BIDIRECTIONAL_SEQUENCE_LSTM", "BIDIRECTIONAL_SEQUENCE_RNN")
def both_directions(importer: TfliteImporter, node: OperatorDef, operands: Operands) -> Outputs:
    """Add a recurrent operator that reads a sequence forwards and backwards."""
    x, weights = operands.tensor(0), list(operands.values[1:])
    stored = importer.count_weights(*weights)
    macs = prod(x.known_dims[:-1]) * _matrices(weights)
    outputs: list[Value] = [importer.opaque(node, importer.stated_dims(node), [x], stored=stored, macs=macs)]
    outputs += [importer.opaque(node, importer.stated_dims(node, at), [x]) for at in range(1, len(node.outputs))]
    return outputs


@rules("LSTM", "RNN", "SVDF")
def step(importer: TfliteImporter, node: OperatorDef, operands: Operands) -> Outputs:
    """Add one step of a recurrent operator, whose state the file keeps from one to the next.

    An SVDF filters its input, and weighs what the last steps gave: the elements of both matrices for each step.
    """
    x, weights = operands.tensor(0), list(operands.values[1:])
    states = {
        at for at, index in enumerate(node.inputs[1:]) if index >= 0 and importer.model.tensors[index].is_variable
    }
    weights = [None if at in states else each for at, each in enumerate(weights)]
    stored = importer.count_weights(*weights)
    macs = prod(x.known_dims[:-1]) * _matrices(weights)
    y = importer.opaque(node, importer.stated_dims(node), operands.tensors, stored=stored, macs=macs)
    outputs: list[Value] = [y if node.name == "LSTM" else importer.activation(node, y)]
    outputs += [importer.opaque(node, importer.stated_dims(node, at), [x]) for at in range(1, len(node.outputs))]
    return outputs


# -- tables ----------------------------------------------------------------------------------------------------


@rules("GATHER")
def take(importer: TfliteImporter, node: OperatorDef, operands: Operands) -> Outputs:
    """Add a table of embeddings, or a part of a tensor."""
    data, at = operands.value(0), operands.value(1)
    if data.dims is None or at.dims is None or node.integer("BatchDims"):
        after = importer.stated_dims(node)
    else:
        after = gather(data.dims, at.dims, axis_of(node.integer("Axis", 0, low=-16), len(data.dims)))
    if isinstance(data, ConstantTensor):
        return importer.opaque(node, after, operands.tensors, len(after) - 1, importer.count_weights(data))
    return importer.opaque(node, after, operands.tensors)


@rules("EMBEDDING_LOOKUP")
def lookup(importer: TfliteImporter, node: OperatorDef, operands: Operands) -> Outputs:
    after = importer.stated_dims(node)
    return importer.opaque(node, after, operands.tensors, len(after) - 1, importer.count_weights(operands.get(1)))
