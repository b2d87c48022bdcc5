"""ncnn's products with weights, of matrices, and its recurrent and attention layers."""

from __future__ import annotations

from math import prod

from cnncalc.graph import StoredWeights
from cnncalc.layers.recurrent import GATES
from cnncalc.readers.einsum import einsum as add_einsum
from cnncalc.readers.ncnn.importer import NcnnImporter, rules
from cnncalc.readers.ncnn.param import NcnnLayer
from cnncalc.readers.operands import Operands, Outputs, Value
from cnncalc.readers.shape_inference import Dims, ShapeMismatchError, matmul, text
from cnncalc.readers.tensors import CannotInferError, Tensor
from cnncalc.readers.weights import ConstantTensor


@rules("InnerProduct")
def inner_product(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    """Add an fc on the whole input; on each row of a matrix whose rows are as long as its weights are wide."""
    x, units = operands.tensor(0), layer.integer("num_output")
    dims, size = x.known_dims, layer.integer("weight_data_size", 0, low=0)
    bias = layer.flag("bias_term", default=False)
    stored = StoredWeights((size or units * prod(dims)) + (units if bias else 0))
    if size % units:
        raise ShapeMismatchError(f"its {size:,} weights do not divide into {units} units")
    width = size // units
    if len(dims) == 3 and dims[2] == width and dims[1] > 1:
        y = importer.dense(layer, x, (1, dims[1], units), stored, bias=bias)
    elif size and width != prod(dims):
        raise ShapeMismatchError(
            f"its weights are for {width:,} elements, its input {text(dims[1:])} has {prod(dims):,}"
        )
    else:
        y = importer.same_shape(layer, "fc", x, stored, units=units, bias=bias)._replace(dims=(1, units), channel=1)
    return importer.activation(layer, y)


@rules("Embed")
def embed(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    """Add a table of vectors, of which each element of the input takes one."""
    x, width, entries = operands.tensor(0), layer.integer("num_output"), layer.integer("input_dim")
    bias = width if layer.flag("bias_term", default=False) else 0
    dims = (1, *(size for size in x.known_dims[1:] if size != 1), width)
    return importer.opaque(layer, dims, [x], len(dims) - 1, StoredWeights(entries * width + bias))


@rules("Gemm")
def gemm(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    """Add A·B + C, each a blob or weights of the layer: an fc if A is a blob and B are weights."""
    blobs = list(operands.values)
    a, b, c = (
        _matrix(importer, layer, blobs, "constant_a", ("rows", "inner")),
        _matrix(importer, layer, blobs, "constant_b", ("inner", "columns")),
        _addend(importer, layer, blobs),
    )
    left, right = _two_axes(a, layer.flag("transpose_a", False)), _two_axes(b, layer.flag("transpose_b", False))
    rows, columns = matmul(left, right)
    turned = layer.flag("output_transpose", default=False)
    dims = (1, columns, rows) if turned else (1, rows, columns)
    bias = c is not None
    plain = isinstance(a, Tensor) and left == a.known_dims[1:] and not turned
    if isinstance(a, Tensor) and plain and isinstance(b, ConstantTensor) and not isinstance(c, Tensor):
        stored = importer.count_weights(b, c)
        # The bias of a row is no bias of a layer: then the numbers in the file are not those of its rule.
        return importer.dense(layer, a, dims, stored, bias=bias)
    stored = importer.count_weights(a, b, c)
    tensors = [each for each in (a, b, c) if isinstance(each, Tensor)]
    return importer.opaque(layer, dims, tensors, 2, stored, macs=rows * columns * left[1])


def _matrix(
    importer: NcnnImporter, layer: NcnnLayer, blobs: list[Value | None], constant: str, sides: tuple[str, str]
) -> Value:
    """Return a factor: the next blob, or weights whose sides the layer states, as they are multiplied."""
    if not layer.flag(constant, default=False):
        if not blobs or (blob := blobs.pop(0)) is None:
            raise CannotInferError
        return blob
    # In a file they may be turned; their sides here are those of the product.
    dims = tuple(layer.integer(side) for side in sides)
    turned = layer.flag("transpose_a" if constant == "constant_a" else "transpose_b", default=False)
    return ConstantTensor((1, *(dims[::-1] if turned else dims)), None, importer.weights.add(prod(dims)))


def _addend(importer: NcnnImporter, layer: NcnnLayer, blobs: list[Value | None]) -> Value | None:
    if not layer.flag("constant_c", default=False):
        return blobs.pop(0) if blobs else None
    form = layer.integer("broadcast_c", 0, low=-1)
    if form == -1:
        return None
    rows, columns = layer.integer("rows", 0, low=0), layer.integer("columns", 0, low=0)
    sizes = {0: (1,), 1: (rows,), 2: (rows, 1), 3: (rows, columns), 4: (1, columns)}.get(form)
    if sizes is None or 0 in sizes:
        raise ShapeMismatchError(f"its constant addend has the form {form}, and sides {rows} and {columns}")
    return ConstantTensor((1, *sizes), None, importer.weights.add(prod(sizes)))


def _two_axes(value: Value, turned: bool) -> Dims:
    """Return the sides of a matrix; a blob of three axes has its rows on the first."""
    if value.dims is None:
        raise CannotInferError
    sides = value.dims[1:]
    if len(sides) == 3 and sides[1] == 1:
        sides = (sides[0], sides[2])
    if len(sides) == 1:
        sides = (1, *sides)
    if len(sides) != 2:
        raise ShapeMismatchError(f"it multiplies matrices, and not {text(sides)}")
    return sides[::-1] if turned else sides


@rules("MatMul")
def matrix_product(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    """Add the product of two blobs, matrix by matrix."""
    a, b = operands.value(0), operands.value(1)
    if a.dims is None or b.dims is None:
        raise CannotInferError
    right = b.dims
    if layer.flag("transpose_b", default=False):
        right = (*right[:-2], *right[-2:][::-1]) if len(right) > 2 else right
    rank = max(len(a.dims), len(right))
    left, right = ((1,) * (rank - len(dims)) + dims for dims in (a.dims, right))
    dims = matmul(left, right)
    stored = importer.count_weights(a, b)
    return importer.opaque(layer, dims, operands.tensors, len(dims) - 1, stored, macs=prod(dims) * left[-1])


@rules("Einsum")
def einsum(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    """Add an einsum, whose equation is a text or an array of its characters' numbers."""
    equation = layer.text("equation")
    if equation[:1].isdigit():
        equation = "".join(chr(code) for code in layer.whole_array("equation", low=0) if 32 < code < 127)
    shapes = [each.dims[1:] for each in operands.values if each is not None and each.dims is not None]
    if len(shapes) < len(operands.values) or not equation:
        raise CannotInferError
    dims, macs = add_einsum(equation, shapes)
    stored = importer.count_weights(*operands.values)
    return importer.opaque(layer, (1, *dims), operands.tensors, len(dims), stored, macs=macs)


#: Type → our kind, and the biases that the file holds for each unit.
RECURRENT = {"LSTM": ("lstm", 4), "GRU": ("gru", 4), "RNN": ("rnn", 1)}


@rules.table(RECURRENT)
def recurrent(importer: NcnnImporter, layer: NcnnLayer, operands: Operands, row: tuple[str, int]) -> Outputs:
    """Add a recurrent layer over the rows of a matrix; its outputs are all states, and the last ones."""
    kind, biases = row
    gates = GATES[kind]
    x, units = operands.tensor(0), layer.integer("num_output")
    hidden = layer.integer("hidden_size", units) if kind == "lstm" else units
    directions = 2 if layer.integer("direction", 0, low=0) == 2 else 1
    size = layer.integer("weight_data_size", 0, low=0)
    wanted = directions * gates * hidden * x.known_dims[-1]
    if len(x.known_dims) != 3 or size not in (0, wanted):
        raise ShapeMismatchError(
            f"it holds {size:,} weights for its input, whose rows {text(x.known_dims[1:])} take {wanted:,}"
        )
    projection = hidden * units if hidden != units else 0
    stored = StoredWeights(wanted + directions * (biases * hidden + gates * hidden * units + projection))
    if projection:
        per_step = wanted + directions * (gates * hidden * units + projection)
        dims = (1, x.known_dims[1], directions * units)
        states = importer.opaque(layer, dims, [x], 2, stored, macs=per_step * x.known_dims[1])
    else:
        bidirectional = directions == 2
        states = importer.recurrent(layer, kind, x, 0, stored, units=units, bidirectional=bidirectional, biases=1)
    if states.dims is None or all(blob not in importer.readers for blob in layer.outputs[1:]):
        return [states] * max(len(layer.outputs), 1)
    final = importer.last_states(layer, states, (1, directions, units))
    return [states, *[final] * (len(layer.outputs) - 1)]


@rules("MultiHeadAttention")
def attention(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    """Add attention with its four projections: of query, key and value, which may be one blob, and of the result."""
    query = operands.tensor(0)
    blobs = [each for each in operands.values if each is not None]
    masked = layer.flag("attn_mask", default=False)
    given = blobs[: len(blobs) - masked]
    key = given[1] if len(given) > 1 else query
    value = given[2] if len(given) > 2 else key
    width = layer.integer("embed_dim")
    key_width, value_width = layer.integer("kdim", width), layer.integer("vdim", width)
    size = layer.integer("weight_data_size", width * width, low=1)
    if size % width or len(query.known_dims) != 3 or key.dims is None or value.dims is None:
        raise CannotInferError
    steps, others, query_width = query.known_dims[1], key.dims[1], size // width
    if query.known_dims[2] != query_width or key.dims[2] != key_width or value.dims[2] != value_width:
        raise ShapeMismatchError(
            f"its weights are for rows of {query_width}, its input is {text(query.known_dims[1:])}"
        )
    params = width * (query_width + key_width + value_width) + query_width * width + 3 * width + query_width
    # The projections of all rows, then scores and weighted values: a product for each pair of rows.
    projected = steps * width * query_width * 2 + others * width * (key_width + value_width)
    macs = projected + 2 * steps * others * width
    dims = (1, steps, query_width)
    return importer.opaque(layer, dims, operands.tensors, 2, StoredWeights(params), macs=macs)


@rules("SDPA")
def scaled_dot_product(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    """Add attention of heads that are projected already; with a cache, its keys and values are read and handed on."""
    query, key, value = (operands.value(at).dims for at in range(3))
    if query is None or key is None or value is None or not len(query) == len(key) == len(value) == 4:
        raise CannotInferError
    heads, steps, width = query[1:]
    cached = layer.flag("kv_cache", default=False)
    at = 4 if layer.flag("attn_mask", default=False) else 3
    past = operands.value(at).dims if cached else None
    others = key[2] + (past[2] if past and len(past) == 4 else 0)
    macs = heads * steps * others * (width + value[3])
    y = importer.opaque(layer, (1, heads, steps, value[3]), operands.tensors, 3, macs=macs)
    if not cached:
        return y
    joined = [importer.opaque(layer, (1, each[1], others, each[3]), operands.tensors[1:], 3) for each in (key, value)]
    return [y, *joined]
