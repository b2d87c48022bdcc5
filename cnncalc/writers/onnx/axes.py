"""Layers that work on axes as such: those applied to each step, and axes laid out anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnncalc.graph import Node, one_step
from cnncalc.writers.axes import keeps_order, split_and_order
from cnncalc.writers.onnx.model import Constant, LayerInput, Op, OperatorInput, OperatorResult, X, op
from cnncalc.writers.onnx.operators import channels_last, emitter, sizes
from cnncalc.writers.order import has_order


@emitter("timewise")
def timewise(node: Node, layer: Any) -> list[Op]:
    """Return the operators of a step with the steps as samples, and what lays them out as samples and back."""
    step = one_step(node)
    x, y = step.input_shapes[0], step.shape
    by_place = step.layer.kind == "flatten" and has_order(x)
    ops = [channels_last(x.rank), op("Flatten", OperatorResult(0))] if by_place else emitter.emit(step)
    before = [
        op("Transpose", X, perm=[0, 2, 1, *range(3, 3 + x.rank)]),
        op("Reshape", OperatorResult(0), Constant("samples", sizes(x))),
    ]
    inside = [each._replace(operands=tuple(map(behind(len(before)), each.operands))) for each in ops]
    steps = (-1, node.shape.spatial[0], y.channels, *y.spatial)
    last = len(before) + len(ops)
    return [
        *before,
        *inside,
        op("Reshape", OperatorResult(last - 1), Constant("steps", steps)),
        op("Transpose", OperatorResult(last), perm=[0, 2, 1, *range(3, 3 + y.rank)]),
    ]


def behind(number: int) -> Callable[[OperatorInput], OperatorInput]:
    """Return a function that moves an operand of a layer's operators behind others, whose last result is its input."""

    def moved(operand: OperatorInput) -> OperatorInput:
        if isinstance(operand, OperatorResult):
            return OperatorResult(operand.number + number)
        return OperatorResult(number - 1) if operand == X or isinstance(operand, LayerInput) else operand

    return moved


@emitter("rearrange")
def rearrange(node: Node, layer: Any) -> list[Op]:
    parts, order = split_and_order(node, channels_first=True)
    shape = Constant("shape", sizes(node.shape))
    if keeps_order(order):
        return [op("Reshape", X, shape)]
    return [
        op("Reshape", X, Constant("parts", (-1, *parts))),
        op("Transpose", OperatorResult(0), perm=[0, *(place + 1 for place in order)]),
        op("Reshape", OperatorResult(1), shape),
    ]
