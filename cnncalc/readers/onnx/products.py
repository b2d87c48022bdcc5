"""Matrix products, and the norms with weights of their own."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from cnncalc.graph import StoredWeights
from cnncalc.readers.importer import Tensor, UnknowableError
from cnncalc.readers.onnx.constant_folding import Static
from cnncalc.readers.onnx.importer import RUNTIME, OnnxImporter, Operands, Value, rule
from cnncalc.readers.onnx.model import NodeDef
from cnncalc.readers.shape_inference import Dims, MisfitError, axis_of, matmul, text


@rule("Gemm")
def gemm(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    return [_gemm(reading, node, x.value(0), x.value(1), x.get(2))]


@rule("QGemm", domain=RUNTIME)
def quantized_gemm(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    # a, b with scale and zero point each, then the bias.
    return [_gemm(reading, node, x.value(0), x.value(3), x.get(6))]


def _gemm(reading: OnnxImporter, node: NodeDef, a: Value, b: Value, bias: Value | None) -> Tensor:
    """A·B + C with either side transposed: an fc where A is one vector and B constant."""
    left, right = _turned(a.dims, node.integer("transA", 0)), _turned(b.dims, node.integer("transB", 0))
    if left is None or right is None:
        raise UnknowableError
    if len(left) != 2 or len(right) != 2:
        raise MisfitError(f"it multiplies matrices, not {text(left)} and {text(right)}")
    return _product(reading, node, a, left, b, right, bias)


def _turned(dims: Dims | None, transposed: int) -> Dims | None:
    return dims[::-1] if dims and transposed else dims


@rule("MatMul")
@rule("FusedMatMul", domain=RUNTIME)
def matrix_product(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    # A third input is a bias that `patterns` has put there.
    return [_matmul(reading, node, x.value(0), x.value(1), x.get(2))]


@rule("MatMulInteger")
def matrix_product_integer(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    return [_matmul(reading, node, x.value(0), x.value(1))]


@rule("QLinearMatMul")
def quantized_matrix_product(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    # a, its scale and zero point, b and its own, those of y.
    return [_matmul(reading, node, x.value(0), x.value(3))]


def _matmul(reading: OnnxImporter, node: NodeDef, a: Value, b: Value, bias: Value | None = None) -> Tensor:
    if a.dims is None or b.dims is None:
        raise UnknowableError
    left, right = a.dims, b.dims
    if node.operator == "FusedMatMul":
        left = (*left[:-2], *left[-2:][::-1]) if node.integer("transA", 0) else left
        right = (*right[:-2], *right[-2:][::-1]) if node.integer("transB", 0) else right
    return _product(reading, node, a, left, b, right, bias)


def _product(
    reading: OnnxImporter, node: NodeDef, a: Value, left: Dims, b: Value, right: Dims, bias: Value | None
) -> Tensor:
    """The product of matrices, by the layer that it is: an fc on a vector, a conv 1x1 at every place of a sample."""
    dims = matmul(left, right)
    constant = isinstance(b, Static) and len(right) == 2 and not isinstance(bias, Tensor)
    rank = len(left) - 2
    if isinstance(a, Tensor) and constant and left == a.dims and left[0] == 1 and len(left) > 1 and 0 <= rank <= 3:
        stored = StoredWeights(reading.claim(b, bias, any_type=True))
        x = reading.turned(node, a, len(left) - 1)
        if rank == 0:
            return _named(reading, node, "fc", x, dims, stored, units=right[1], bias=bias is not None)
        return _named(reading, node, "conv", x, dims, stored, kernel=(1,), filters=right[1], bias=bias is not None)
    stored = StoredWeights(reading.claim(a, b, bias, single=False, any_type=False))
    tensors = [each for each in (a, b, bias) if isinstance(each, Tensor)]
    return reading.foreign(node, dims, tensors, len(dims) - 1, stored, macs=prod(dims) * left[-1])


def _named(
    reading: OnnxImporter, node: NodeDef, word: str, x: Tensor, dims: Dims, stored: StoredWeights, **values: object
) -> Tensor:
    """A layer of the language whose output has its channels last in the file."""
    return Tensor(reading.same(node, word, x, stored, **values).node, dims, len(dims) - 1)


@rule("Einsum")
def einsum(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    """A product for each combination of all letters, where there are two operands."""
    equation = node.text("equation", "").replace(" ", "")
    terms, arrow, result = equation.partition("->")
    operands = terms.split(",")
    values = [x.value(at) for at in range(len(operands))]
    if not arrow or "." in equation or len(operands) > 2 or len(values) != len(x.values):
        raise UnknowableError
    sizes: dict[str, int] = {}
    for letters, value in zip(operands, values, strict=True):
        if value.dims is None or len(letters) != len(value.dims):
            raise UnknowableError
        for letter, size in zip(letters, value.dims, strict=True):
            if sizes.setdefault(letter, size) != size:
                raise MisfitError(f"`{letter}` is both {sizes[letter]} and {size}")
    if not set(result) <= set(sizes):
        raise UnknowableError
    stored = StoredWeights(reading.claim(*values, single=False))
    macs = prod(sizes.values()) if len(operands) == 2 else 0
    dims = tuple(sizes[letter] for letter in result)
    return [reading.foreign(node, dims, x.tensors, len(dims) - 1, stored, macs=macs)]


@rule("LSTM", "GRU", "RNN")
def recurrent(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    """Weights and shapes are known; multiply-adds at every step are none that the conventions count."""
    data, state = x.tensor(0), x.value(2)
    if len(data.known) != 3 or not state.dims or node.integer("layout", 0):
        raise UnknowableError
    steps, batch, _ = data.known
    directions, hidden = state.dims[0], state.dims[-1]
    stored = StoredWeights(reading.claim(*x.values[1:4]))
    row = reading.foreign(node, (steps, directions, batch, hidden), [data], 3, stored, known=False)
    # The last state (and cell) have no row of their own: they are the last of what the row has for every step.
    last = row._replace(dims=(directions, batch, hidden), channel=2)
    return [row, last, last]


# -- norms ---------------------------------------------------------------------------------------------------


@rule("BatchNormalization")
def batch_norm(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    stored = StoredWeights(reading.claim(x.get(1), x.get(2)), reading.claim(x.get(3), x.get(4)))
    return [reading.same(node, "bn", reading.turned(node, x.tensor(0), 1), stored)]


@rule("InstanceNormalization")
def instance_norm(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    data = reading.turned(node, x.tensor(0), 1)
    stored = StoredWeights(reading.claim(x.get(1), x.get(2)))
    if len(data.dims or ()) < 3:
        return [reading.foreign(node, data.dims, [data], stored=stored)]
    return [reading.same(node, "instancenorm", data, stored)]


@rule("LayerNormalization", "RMSNormalization")
@rule("SimplifiedLayerNormalization")
@rule("SimplifiedLayerNormalization", domain=RUNTIME)
def layer_norm(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    data, stored = x.tensor(0), StoredWeights(reading.claim(x.get(1), x.get(2)))
    rank = len(data.dims or ())
    if node.operator == "LayerNormalization" and axis_of(node.integer("axis", -1), rank) == rank - 1:
        return [reading.same(node, "ln", reading.turned(node, data, rank - 1), stored)]
    return [reading.foreign(node, data.dims, [data], data.channel, stored, memory="in place")]


@rule("GroupNormalization")
def group_norm(reading: OnnxImporter, node: NodeDef, x: Operands) -> Sequence[Value]:
    stored = StoredWeights(reading.claim(x.get(1), x.get(2)))
    groups = node.integer("num_groups", 1)
    if groups < 1:
        raise MisfitError(f"it has {groups} groups")
    return [reading.same(node, "gn", reading.turned(node, x.tensor(0), 1), stored, groups=groups)]
