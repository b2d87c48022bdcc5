"""Fully connected, recurrent and attention layers as operators of ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, product
from math import inf, prod
from typing import Any

from cnncalc.graph import Node
from cnncalc.writers.emitter import Unsupported
from cnncalc.writers.onnx.model import Constant, Op, OperatorInput, OperatorResult, Weight, X, op
from cnncalc.writers.onnx.operators import bias, emitter, operator_of, sizes

#: The number of ONNX for the type of indices.
INT64 = 7


@emitter("fc")
def fc(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    if x.rank:
        # On the channels of each position it is a convolution of one.
        weight = Weight("weight", (layer.units, x.channels, *(1,) * x.rank))
        return [op("Conv", X, weight, *bias(layer.units, layer.bias), kernel_shape=[1] * x.rank)]
    weight = Weight("weight", (layer.units, x.channels))
    return [operator_of("fc", node, weight, *bias(layer.units, layer.bias))]


@emitter("lstm", "gru", "rnn")
def recurrent(node: Node, layer: Any) -> list[Op]:
    if layer.biases == 1:
        raise Unsupported("its recurrent operators have two biases or none", "write `biases=2` or `nobias`")
    directions, rows = layer.directions, layer.gates * layer.units
    reset = {"linear_before_reset": 1} if layer.kind == "gru" else {}
    # Steps come first, then the batch.
    ops = [op("Transpose", X, perm=[2, 0, 1])]
    channels = node.input_shapes[0].channels
    for number in range(1, layer.layers + 1):
        weights = (
            Weight(f"weight{number}", (directions, rows, channels)),
            Weight(f"state{number}", (directions, rows, layer.units)),
            *([Weight(f"bias{number}", (directions, 2 * rows))] if layer.biases else []),
        )
        each = operator_of(layer.kind, node)
        each = each._replace(operands=(OperatorResult(len(ops) - 1), *weights), attributes={**each.attributes, **reset})
        if number == layer.layers and layer.last:
            # The last state: directions x batch x units.
            ops += [
                each._replace(output=1),
                op("Transpose", OperatorResult(len(ops)), perm=[1, 0, 2]),
                op("Reshape", OperatorResult(len(ops) + 1), Constant("shape", sizes(node.shape))),
            ]
            continue
        # Steps x directions x batch x units.
        channels = directions * layer.units
        if number == layer.layers:
            perm, shape = [2, 1, 3, 0], Constant("shape", sizes(node.shape))
        else:
            perm, shape = [0, 2, 1, 3], Constant(f"shape{number}", (0, 0, channels))
        ops += [
            each,
            op("Transpose", OperatorResult(len(ops)), perm=perm),
            op("Reshape", OperatorResult(len(ops) + 1), shape),
        ]
    return ops


@emitter("attention")
def attention(node: Node, layer: Any) -> list[Op]:
    x, y = node.input_shapes[0], node.shape
    heads, kv, rank = layer.heads, layer.kv, x.rank
    window = layer.block(x)
    blocks = [n // size for n, size in zip(x.spatial, window, strict=True)]
    number, places = prod(blocks), prod(window)
    ops: list[Op] = []

    def add(type: str, *operands: OperatorInput, **attributes: Any) -> OperatorResult:
        ops.append(op(type, *operands, **attributes))
        return OperatorResult(len(ops) - 1)

    def reshaped(operand: OperatorInput, name: str, *dims: int) -> OperatorResult:
        return add("Reshape", operand, Constant(name, dims))

    def projected(operand: OperatorInput, name: str, ins: int, outs: int) -> OperatorResult:
        result = add("MatMul", operand, Weight(name, (ins, outs)))
        has_bias = layer.bias is True or (layer.bias and name != "output")
        return add("Add", result, Weight(f"{name}_bias", (outs,))) if has_bias else result

    def rolled(operand: OperatorInput, axis: int, name: str, at: int, n: int) -> OperatorResult:
        """Begin an axis of `n` places at a place; what is in front of it comes last."""
        along = Constant(f"{name}_axis", (axis,))
        begin, end, place = (Constant(f"{name}_{word}", (to,)) for word, to in (("begin", 0), ("end", n), ("at", at)))
        return add(
            "Concat", add("Slice", operand, place, end, along), add("Slice", operand, begin, place, along), axis=axis
        )

    shifts = [(axis, step, n) for axis, (step, n) in enumerate(zip(layer.shift, x.spatial, strict=True)) if step]
    shifted: OperatorInput = X
    for axis, step, n in shifts:
        shifted = rolled(shifted, 2 + axis, f"shift{axis}", step, n)
    # A tensor of blocks x places of a block x channels; then, of heads with keys x heads that share them.
    apart = reshaped(shifted, "apart", -1, x.channels, *chain.from_iterable(zip(blocks, window, strict=True)))
    apart = add("Transpose", apart, perm=[0, *range(2, 2 + 2 * rank, 2), *range(3, 3 + 2 * rank, 2), 1])
    tokens = reshaped(apart, "tokens", -1, number, places, x.channels)
    size, value_size = layer.query_size(x) // heads, layer.value_size(x) // heads
    query = projected(tokens, "query", x.channels, heads * size)
    query = reshaped(query, "queries", -1, number, places, kv, heads // kv, size)
    query = add("Transpose", query, perm=[0, 1, 3, 4, 2, 5])
    key = projected(tokens, "key", x.channels, kv * size)
    key = add("Transpose", reshaped(key, "keys", -1, number, places, kv, 1, size), perm=[0, 1, 3, 4, 5, 2])
    value = projected(tokens, "value", x.channels, kv * value_size)
    value = add("Transpose", reshaped(value, "values", -1, number, places, kv, 1, value_size), perm=[0, 1, 3, 4, 2, 5])
    scores = add("Mul", add("MatMul", query, key), Constant("scaling", size**-0.5))
    if layer.position == "vectors":
        # Each place has a row of products with all vectors; of it, the numbers of each pair are taken from one list.
        starts, vectors = vector_offsets(window)
        by_vector = add("MatMul", query, Weight("vectors", (size, vectors)))
        by_vector = reshaped(by_vector, "by_vector", -1, number, kv, heads // kv, places * vectors)
        for axis, at in enumerate(starts):
            along = add("Gather", by_vector, Constant(f"pairs{axis}", at), axis=4)
            scores = add("Add", scores, reshaped(along, f"by_pair{axis}", -1, number, kv, heads // kv, places, places))
    elif layer.position != "none":
        at, numbers = offsets(window, layer.position == "distance")
        table = add("Gather", Weight("offsets", (heads, numbers)), Constant("pairs", at), axis=1)
        scores = add("Add", scores, reshaped(table, "by_pair", kv, heads // kv, places, places))
    if shifts:
        # Two places that a shift brought from two ends of an axis are in different parts.
        parts = Constant("parts", parts_of_blocks(x.spatial, window, layer.shift))
        one, other = reshaped(parts, "one", number, 1, 1, places, 1), reshaped(parts, "other", number, 1, 1, 1, places)
        scores = add("Where", add("Equal", one, other), scores, Constant("hidden", -inf))
    read = add("MatMul", add("Softmax", scores, axis=-1), value)
    read = add("Transpose", read, perm=[0, 1, 4, 2, 3, 5])
    read = reshaped(read, "read", -1, number, places, heads * value_size)
    if layer.projection:
        read = projected(read, "output", heads * value_size, x.channels)
    back = reshaped(read, "back", -1, *blocks, *window, y.channels)
    order = [0, 2 * rank + 1, *(1 + axis + part * rank for axis in range(rank) for part in (0, 1))]
    result = add("Reshape", add("Transpose", back, perm=order), Constant("shape", sizes(y)))
    for axis, step, n in shifts:
        result = rolled(result, 2 + axis, f"back{axis}", n - step, n)
    return ops


def parts_of_blocks(sizes: Sequence[int], window: Sequence[int], shift: Sequence[int]) -> tuple[int, ...]:
    """Return for each place of each block of a shifted map a number, alike for the places of one part of the map."""
    blocks = product(*[range(n // size) for n, size in zip(sizes, window, strict=True)])
    return tuple(
        [
            sum(
                2**axis for axis, at in enumerate(place) if block[axis] * window[axis] + at >= sizes[axis] - shift[axis]
            )
            for block in blocks
            for place in product(*map(range, window))
        ]
    )


def offsets(window: Sequence[int], distance: bool) -> tuple[tuple[int, ...], int]:
    """Return the index of the offset of each two places of a block, and the number of offsets."""
    kinds = [size if distance else 2 * size - 1 for size in window]
    indices = []
    for one, other in product(list(product(*map(range, window))), repeat=2):
        at = 0
        for a, b, size, kind in zip(one, other, window, kinds, strict=True):
            at = at * kind + (abs(a - b) if distance else a - b + size - 1)
        indices.append(at)
    return tuple(indices), prod(kinds)


def vector_offsets(window: Sequence[int]) -> tuple[list[tuple[int, ...]], int]:
    """Return for each axis where each two places of a block have their offset, and the number of vectors.

    A place's row has the offsets of one axis behind those of another; the rows of all places are one list.
    """
    vectors, begin = sum(2 * size - 1 for size in window), 0
    places = list(product(*map(range, window)))
    found = []
    for axis, size in enumerate(window):
        first = begin + size - 1
        found.append(
            tuple([row * vectors + first + one[axis] - b[axis] for row, one in enumerate(places) for b in places])
        )
        begin += 2 * size - 1
    return found, vectors


@emitter("parameter")
def parameter(node: Node, layer: Any) -> list[Op]:
    # As often as there are samples.
    dims = sizes(node.shape)[1:]
    return [
        op("Shape", X, start=0, end=1),
        op("Concat", OperatorResult(0), Constant("shape", dims), axis=0),
        op("Expand", Weight("weight", dims), OperatorResult(1)),
    ]


@emitter("embedding")
def embedding(node: Node, layer: Any) -> list[Op]:
    return [
        op("Cast", X, to=INT64),
        op("Gather", Weight("table", layer.table), OperatorResult(0)),
        op("Transpose", OperatorResult(1), perm=[0, 2, 1]),
    ]
