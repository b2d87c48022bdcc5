"""Layers that compute element by element, or move elements, as operators of ONNX."""

from __future__ import annotations

from math import prod
from typing import Any

from cnncalc.graph import Node
from cnncalc.writers.onnx.model import Constant, LayerInput, Op, OperatorInput, OperatorResult, Weight, X, op
from cnncalc.writers.onnx.operators import channels_last, emitter, operator_of, padding, per_channel, sizes
from cnncalc.writers.order import has_order

#: Activations of several operators or with constants, which no layer changes.
COMPOSED = {
    "relu6": [op("Clip", X, Constant("min", 0.0), Constant("max", 6.0))],
    "hardtanh": [op("Clip", X, Constant("min", -1.0), Constant("max", 1.0))],
    "silu": [op("Sigmoid", X), op("Mul", X, OperatorResult(0))],
}


@emitter(*COMPOSED)
def composed(node: Node, layer: Any) -> list[Op]:
    return COMPOSED[layer.kind]


@emitter("prelu")
def prelu(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    return [op("PRelu", X, Weight("slope", (1,), 0.25) if layer.shared else per_channel("slope", x, 0.25))]


@emitter("dropout")
def dropout(node: Node, layer: Any) -> list[Op]:
    return [op("Dropout", X, Constant("ratio", float(layer.rate)))]


@emitter("pixelunshuffle")
def pixelunshuffle(node: Node, layer: Any) -> list[Op]:
    x, factor = node.input_shapes[0], layer.factor
    blocks = [part for size in node.shape.spatial for part in (size, factor)]
    # The positions within blocks go to the channels, those of the blocks stay behind them.
    order = [*range(3, 2 + 2 * x.rank, 2), *range(2, 2 + 2 * x.rank, 2)]
    return [
        op("Reshape", X, Constant("apart", (-1, x.channels, *blocks))),
        op("Transpose", OperatorResult(0), perm=[0, 1, *order]),
        op("Reshape", OperatorResult(1), Constant("shape", sizes(node.shape))),
    ]


@emitter("pixelshuffle")
def pixelshuffle(node: Node, layer: Any) -> list[Op]:
    x, factor = node.input_shapes[0], layer.factor
    if x.rank == 2:
        return [operator_of("pixelshuffle", node)]
    apart = (-1, node.shape.channels, *(factor,) * x.rank, *x.spatial)
    # Each axis of space, then the axis of channels that is laid out along it.
    order = [position for axis in range(x.rank) for position in (2 + x.rank + axis, 2 + axis)]
    return [
        op("Reshape", X, Constant("apart", apart)),
        op("Transpose", OperatorResult(0), perm=[0, 1, *order]),
        op("Reshape", OperatorResult(1), Constant("shape", sizes(node.shape))),
    ]


@emitter("shuffle")
def shuffle(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    grouped = (-1, layer.groups, x.channels // layer.groups, prod(x.spatial))
    return [
        op("Reshape", X, Constant("groups", grouped)),
        op("Transpose", OperatorResult(0), perm=[0, 2, 1, 3]),
        op("Reshape", OperatorResult(1), Constant("shape", sizes(x))),
    ]


@emitter("pad")
def pad(node: Node, layer: Any) -> list[Op]:
    return [padding(layer.amount.ends)]


@emitter("crop")
def crop(node: Node, layer: Any) -> list[Op]:
    x, ends = node.input_shapes[0], layer.amount.ends
    starts = tuple(begin for begin, _ in ends)
    stops = tuple(n - end for n, (_, end) in zip(x.spatial, ends, strict=True))
    return [cut(starts, stops, tuple(range(2, 2 + x.rank)))]


@emitter("slice")
def slice_(node: Node, layer: Any) -> list[Op]:
    start, stop = layer.channels
    return [cut((start,), (stop,), (1,))]


def cut(starts: tuple[int, ...], stops: tuple[int, ...], axes: tuple[int, ...]) -> Op:
    return op("Slice", X, Constant("starts", starts), Constant("ends", stops), Constant("axes", axes))


@emitter("reshape")
def reshape(node: Node, layer: Any) -> list[Op]:
    x, y = node.input_shapes[0], node.shape
    # Elements keep the language's order, channels last, where that is another one than channels first.
    ops = [channels_last(x.rank)] if has_order(x) else []

    def last() -> OperatorInput:
        return OperatorResult(len(ops) - 1) if ops else X

    if has_order(y):
        ops.append(op("Reshape", last(), Constant("places", (-1, prod(y.spatial), y.channels))))
        ops.append(op("Transpose", last(), perm=[0, 2, 1]))
    if not has_order(y) or y.rank > 1:
        ops.append(op("Reshape", last(), Constant("shape", sizes(y))))
    return ops


@emitter("add")
def add(node: Node, layer: Any) -> list[Op]:
    return [op("Add" if len(node.inputs) == 2 else "Sum", X)]


@emitter("mul")
def mul(node: Node, layer: Any) -> list[Op]:
    # Sum takes any number of inputs, Mul two.
    product = [op("Mul", LayerInput(0), LayerInput(1))] if len(node.inputs) > 1 else [op("Identity", X)]
    return [
        *product,
        *(op("Mul", OperatorResult(number - 2), LayerInput(number)) for number in range(2, len(node.inputs))),
    ]
