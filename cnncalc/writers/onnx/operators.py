"""The operators that ONNX has for a layer: the emitter, and what several kinds of layer are written with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from cnncalc.frameworks.notation import begins_then_ends
from cnncalc.frameworks.onnx import ONNX
from cnncalc.frameworks.table import Equivalent
from cnncalc.graph import Node
from cnncalc.shape import Shape
from cnncalc.writers.emitter import Emitter, Unsupported
from cnncalc.writers.onnx.model import OMITTED, Constant, Op, OperatorInput, Weight, X, op

#: The file's integers, of 64 bits with a sign, are below this.
INTEGER_LIMIT = 2**63


def operator(row: Equivalent, node: Node, *operands: OperatorInput, **values: Any) -> Op:
    """Return the operator of a row with all inputs of a layer and the operands; `values` override attributes."""
    arguments = row.write(node.layer, node.input_shapes[0], node.shape, values)
    attributes = {each.name: value for each, value in arguments if value != each.default}
    return op(row.name(node.shape.rank), X, *operands, **attributes)


def operator_of(kind: str, node: Node, *operands: OperatorInput, **values: Any) -> Op:
    return operator(ONNX.equivalent(kind), node, *operands, **values)


class OnnxEmitter(Emitter[list[Op]]):
    """Operators by kind of layer; a layer with a number too large for the format's integers has no equivalent."""

    def emit(self, node: Node) -> list[Op]:
        operators = super().emit(node)
        dims = [size for shape in (node.shape, *node.input_shapes) for size in shape.dims]
        largest = max([*dims, *chain.from_iterable(map(integers, operators))])
        if largest >= INTEGER_LIMIT:
            raise Unsupported(f"its integers are below 2^63, and {largest:,} is not", "use a smaller input")
        return operators


def integers(operator: Op) -> Iterator[int]:
    """Yield the integers that an operator is written with."""
    for operand in operator.operands:
        if isinstance(operand, Weight):
            yield from operand.dims
        elif isinstance(operand, Constant) and isinstance(operand.values, tuple):
            yield from operand.values
    for value in operator.attributes.values():
        yield from (each for each in (value if isinstance(value, list) else [value]) if isinstance(each, int))


emitter = OnnxEmitter(ONNX.title, ONNX, lambda row, node: [operator(row, node)])


def bias(filters: int, wanted: bool) -> list[OperatorInput]:
    return [Weight("bias", (filters,))] if wanted else []


def per_channel(name: str, x: Shape, value: float = 0.0) -> Weight:
    """Return a number for each channel, which is broadcast over the spatial axes."""
    return Weight(name, (x.channels, *(1,) * x.rank), value)


def sizes(shape: Shape) -> tuple[int, ...]:
    """Return a shape with its batch, as Reshape takes it."""
    return (-1, shape.channels, *shape.spatial)


def channels_last(rank: int) -> Op:
    """Return the operator that moves the channels of the layer's input after its spatial axes."""
    return op("Transpose", X, perm=[0, *range(2, 2 + rank), 1])


def padding(ends: Sequence[tuple[int, int]], value: float = 0.0) -> Op:
    """Return the operator that pads the spatial axes with a value."""
    axes = Constant("axes", tuple(range(2, 2 + len(ends))))
    filling = Constant("value", value) if value else OMITTED
    return op("Pad", X, Constant("pads", tuple(begins_then_ends(ends))), filling, axes)
