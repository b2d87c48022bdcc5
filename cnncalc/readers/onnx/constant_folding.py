"""Constant folding: values that can be computed before the network runs, such as shapes that a file computes itself.

Values are tracked if they are few and in the file: sizes and indices, which exporters compute with Shape, Gather,
Concat and similar operators. Those of weights are never read; only their shape is kept, and the tensors of the file
that they come from, so that each is counted once. An operator that is not here has no values that a size depends on:
its shapes are those that its rule gives (`OnnxImporter`).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from functools import reduce
from itertools import product
from typing import Any

from cnncalc.readers import shape_inference
from cnncalc.readers.importer import OperatorRules
from cnncalc.readers.onnx.constants import (
    MAX_ELEMENTS,
    UNKNOWN_CONSTANT,
    Constants,
    NotKnownError,
    argument,
    dims_of,
    elementwise,
    few,
    integers_of,
    moved,
    stretched,
    values_of,
)
from cnncalc.readers.onnx.model import MAX_REALS, NodeDef
from cnncalc.readers.shape_inference import Dims
from cnncalc.readers.weights import ConstantTensor
from cnncalc.shape import at_least, at_most, ceil_div, equal

#: Whole numbers are ONNX's of 64 bits; what is larger is no size.
INTEGER_LIMIT = 2**63

#: Formulas of sizes are followed up to so many atoms.
MAX_WEIGHT = 40

#: Operators whose further inputs are the scale and zero point of quantized numbers.
SCALED = ("DequantizeLinear", "QuantizeLinear")

#: From a node and its constant inputs to its output, or a list with one for each.
FoldingRule = Callable[[NodeDef, Constants], "ConstantTensor | list[ConstantTensor]"]

folding: OperatorRules[FoldingRule] = OperatorRules()


def fold_node(node: NodeDef, inputs: Constants) -> list[ConstantTensor]:
    """Return the outputs of a node whose inputs are all constant, as far as they can be known."""
    # A scale and a zero point are no weights of the layer that reads what they scale, and a shape has none in it.
    counted = inputs[:1] if node.operator in SCALED else () if node.operator in ("Shape", "Size") else inputs
    sources: frozenset[int] = frozenset().union(*(each.sources for each in counted if each))
    rule = folding.get(node.qualified_operator)
    outputs: ConstantTensor | list[ConstantTensor] = [UNKNOWN_CONSTANT] * max(len(node.outputs), 1)
    if rule is not None:
        try:
            outputs = rule(node, inputs)
        except (ArithmeticError, ValueError, TypeError, IndexError, AttributeError):
            pass  # arguments that make no sense, or whose values are not known
    listed = outputs if isinstance(outputs, list) else [outputs]
    return [ConstantTensor(each.dims, _bounded(each.values), sources) for each in listed]


def _bounded(values: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
    """Return the values if they are few, and numbers of a size that a file can hold."""
    if values is None or len(values) > MAX_ELEMENTS:
        return None
    if not all(_is_sound(value) for value in values):
        return None
    return values


def _is_sound(value: Any) -> bool:
    """Return whether a value is a number that a file can hold, or a formula of a size."""
    if hasattr(value, "weight"):
        return bool(value.weight <= MAX_WEIGHT)
    return bool(abs(value) < INTEGER_LIMIT)  # not so NaN


# -- element by element ------------------------------------------------------------------------------------


def _is_formula(value: Any) -> bool:
    return hasattr(value, "clip")


def _exact(value: Any) -> Any:
    """Return a number that a formula can be multiplied by: a float as the fraction that it stands for."""
    if not isinstance(value, float):
        return value
    from fractions import Fraction

    return Fraction(value).limit_denominator(10**6)


def _on_formulas(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of numbers that takes formulas as well; a comparison that they leave open is not known."""

    def combined(*values: Any) -> Any:
        if not any(map(_is_formula, values)):
            return function(*values)
        result = function(*map(_exact, values))
        if not isinstance(result, bool) and not _is_formula(result) and not hasattr(result, "denominator"):
            raise NotKnownError
        return result

    return combined


def _divide(a: Any, b: Any) -> Any:
    if _is_formula(a) or _is_formula(b):
        # Whole sizes are divided by whole numbers, rounded down; where one is a fraction, both are reals.
        whole = isinstance(b, int) and all(isinstance(each, int) for each in getattr(a, "terms", {}).values())
        return a // b if whole else a * (1 / _exact(b))
    if isinstance(a, int) and isinstance(b, int):
        return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)  # rounded towards zero
    return a / b


def _power(a: Any, b: Any) -> Any:
    result = float(a) ** float(b)
    return int(result) if isinstance(a, int) else result


#: Operator → the function of its input's elements.
UNARY: dict[str, Callable[[Any], Any]] = {
    "Neg": operator.neg, "Abs": abs, "Not": operator.not_, "Sqrt": math.sqrt, "Exp": math.exp, "Log": math.log,
    "Ceil": lambda value: -(-value // 1), "Floor": lambda value: value // 1,
    "Round": lambda value: float(round(value)), "Reciprocal": lambda value: 1 / value,
    "Sign": lambda value: (value > 0) - (value < 0),
}  # fmt: skip

#: Operator → the function of the elements of all its inputs.
COMBINING: dict[str, Callable[..., Any]] = {
    "Add": operator.add, "Sub": operator.sub, "Mul": operator.mul, "Div": _divide, "Pow": _power,
    "Mod": operator.mod, "Equal": equal, "Greater": operator.gt, "GreaterOrEqual": operator.ge,
    "Less": operator.lt, "LessOrEqual": operator.le, "And": lambda a, b: bool(a and b), "Or": lambda a, b: bool(a or b),
    "Min": lambda *values: reduce(at_most, values), "Max": lambda *values: reduce(at_least, values),
    "Where": lambda condition, a, b: a if condition else b,
}  # fmt: skip


@folding.table(UNARY)
def _unary(node: NodeDef, inputs: Constants, function: Callable[[Any], Any]) -> ConstantTensor:
    return elementwise(function, inputs[:1])


@folding.table(COMBINING)
def _combining(node: NodeDef, inputs: Constants, function: Callable[..., Any]) -> ConstantTensor:
    return elementwise(_on_formulas(function), inputs)


@folding("Cast")
def _cast(node: NodeDef, inputs: Constants) -> ConstantTensor:
    to = node.integer("to", 1)
    kind: Callable[[Any], Any] = bool if to == 9 else int if to in (2, 3, 4, 5, 6, 7, 12, 13) else float
    return elementwise(lambda value: _cast_formula(value, kind) if _is_formula(value) else kind(value), inputs[:1])


def _cast_formula(value: Any, kind: Callable[[Any], Any]) -> Any:
    return value // 1 if kind is int else value if kind is float else True


@folding("Clip")
def _clip(node: NodeDef, inputs: Constants) -> ConstantTensor:
    low, high = bounds(node, inputs)

    def clipped(value: Any) -> Any:
        value = value if low == -math.inf else at_least(value, low)
        return value if high == math.inf else at_most(value, high)

    return elementwise(clipped, inputs[:1])


def bounds(node: NodeDef, inputs: Sequence[Any]) -> tuple[float, float]:
    """Return the bounds of a Clip: attributes in old files, inputs in new ones; None for a bound that is not known."""
    both = [node.real("min", -math.inf), node.real("max", math.inf)]
    for position, each in enumerate(inputs[1:3]):
        value = each.number() if isinstance(each, ConstantTensor) else None
        both[position] = both[position] if value is None else value
    return both[0], both[1]


@folding("Identity", "Dropout", "CastLike", "BitCast")
def _same(node: NodeDef, inputs: Constants) -> list[ConstantTensor]:
    # The second output of a Dropout, its mask, is as large as the first.
    return [inputs[0] or UNKNOWN_CONSTANT, *[ConstantTensor(dims_of(inputs[0]))] * (len(node.outputs) - 1)]


# -- the same elements in another shape --------------------------------------------------------------------


@folding("Transpose")
def _transpose(node: NodeDef, inputs: Constants) -> ConstantTensor:
    data = inputs[0]
    before, order = dims_of(data), node.integers("perm")
    after = shape_inference.transpose(before, order)
    if data is None or data.values is None:
        return ConstantTensor(after)
    order = order if order is not None else tuple(reversed(range(len(before))))
    steps = [math.prod(before[axis + 1 :]) for axis in order]
    picked = (sum(map(operator.mul, index, steps)) for index in product(*map(range, after)))
    return ConstantTensor(after, tuple(data.values[at] for at in picked))


@folding("Reshape")
def _reshape(node: NodeDef, inputs: Constants) -> ConstantTensor:
    target = argument(node, inputs, "shape", 1)
    if target is None:
        raise NotKnownError
    after = shape_inference.reshape(dims_of(inputs[0]), target, bool(node.integer("allowzero", 0)))
    return moved(inputs[0], after)


#: Operators that give the elements in order another shape → that shape.
RESHAPES: dict[str, Callable[[NodeDef, Constants, Dims], Dims]] = {
    "Flatten": lambda node, inputs, dims: shape_inference.flatten(dims, node.integer("axis", 1)),
    "Squeeze": lambda node, inputs, dims: shape_inference.squeeze(dims, argument(node, inputs, "axes", 1)),
    "Unsqueeze": lambda node, inputs, dims: shape_inference.unsqueeze(dims, argument(node, inputs, "axes", 1) or []),
}


@folding.table(RESHAPES)
def _reshaped(node: NodeDef, inputs: Constants, function: Callable[[NodeDef, Constants, Dims], Dims]) -> ConstantTensor:
    return moved(inputs[0], function(node, inputs, dims_of(inputs[0])))


# -- parts, and together -----------------------------------------------------------------------------------


@folding("Gather")
def _gather(node: NodeDef, inputs: Constants) -> ConstantTensor:
    data, indices = inputs[0], inputs[1]
    before, axis = dims_of(data), node.integer("axis", 0)
    after = shape_inference.gather(before, dims_of(indices), axis)
    if data is None or data.values is None or indices is None or indices.values is None:
        return ConstantTensor(after)
    axis = shape_inference.axis_of(axis, len(before))
    picked = [shape_inference.axis_of(index, before[axis]) for index in integers_of(indices)]
    return moved(data, after, [picked if each == axis else range(size) for each, size in enumerate(before)])


@folding("Slice")
def _slice(node: NodeDef, inputs: Constants) -> ConstantTensor:
    taken = slice_ranges(node, inputs, dims_of(inputs[0]))
    after = tuple(map(shape_inference.taken_size, taken))
    ranges = [each for each in taken if isinstance(each, range)]
    return moved(inputs[0], after, ranges) if len(ranges) == len(taken) else ConstantTensor(after)


def slice_ranges(node: NodeDef, inputs: Constants, before: Dims) -> list[shape_inference.Taken]:
    """Return the elements that a Slice takes along each axis; raises `NotKnownError` if they are not known."""
    starts, ends = (argument(node, inputs, name, position) for name, position in (("starts", 1), ("ends", 2)))
    if starts is None or ends is None:
        raise NotKnownError
    axes = argument(node, inputs, "axes", 3) or range(len(starts))
    steps = argument(node, inputs, "steps", 4) or [1] * len(starts)
    return shape_inference.slices(before, starts, ends, axes, steps)


@folding("Split")
def _split(node: NodeDef, inputs: Constants) -> list[ConstantTensor]:
    before = dims_of(inputs[0])
    axis = shape_inference.axis_of(node.integer("axis", 0), len(before))
    parts, start = [], 0
    for size in shape_inference.split(before[axis], argument(node, inputs, "split", 1), len(node.outputs)):
        taken = [range(start, start + size) if each == axis else range(all_) for each, all_ in enumerate(before)]
        parts.append(moved(inputs[0], tuple(map(len, taken)), taken))
        start += size
    return parts


@folding("Concat")
def _concat(node: NodeDef, inputs: Constants) -> ConstantTensor:
    given = [each for each in inputs if each is not None]
    after = shape_inference.concat([dims_of(each) for each in given], node.integer("axis", 0))
    if len(after) == 1 and all(each.values is not None for each in given):
        return ConstantTensor(after, tuple(value for each in given for value in each.values or ()))
    return ConstantTensor(after)


@folding("Expand")
def _expand(node: NodeDef, inputs: Constants) -> ConstantTensor:
    data = inputs[0]
    after = shape_inference.broadcast(dims_of(data), tuple(integers_of(inputs[1])))
    if data is None or data.values is None or not few(after):
        return ConstantTensor(after)
    return ConstantTensor(after, stretched(data, after))


@folding("Tile")
def _tile(node: NodeDef, inputs: Constants) -> ConstantTensor:
    return ConstantTensor(tuple(map(operator.mul, dims_of(inputs[0]), integers_of(inputs[1]))))


# -- made of shapes and numbers ----------------------------------------------------------------------------


@folding("Range")
def _range(node: NodeDef, inputs: Constants) -> ConstantTensor:
    start, limit, step = (values_of(each)[0] for each in inputs[:3])
    if any(map(_is_formula, (start, limit, step))):
        return ConstantTensor((ceil_div(limit - start, step),))
    if not all(isinstance(each, int) for each in (start, limit, step)):
        return ConstantTensor((max(math.ceil((limit - start) / step), 0),))
    numbers = range(start, limit, step)
    return ConstantTensor((len(numbers),), tuple(numbers) if len(numbers) <= MAX_ELEMENTS else None)


@folding("ConstantOfShape")
def _constant_of_shape(node: NodeDef, inputs: Constants) -> ConstantTensor:
    after = tuple(integers_of(inputs[0]))
    if any(isinstance(size, int) and size < 0 for size in after):
        raise NotKnownError
    value = node.tensor("value")
    fill = 0.0 if value is None else (value.values or (None,))[0]
    # Reals by the hundred are weights, not sizes.
    limit = MAX_ELEMENTS if isinstance(fill, int) else MAX_REALS
    return ConstantTensor(after, (fill,) * math.prod(after) if few(after, limit) and fill is not None else None)


@folding("Shape")
def _shape(node: NodeDef, inputs: Constants) -> ConstantTensor:
    return shape_operator(node, dims_of(inputs[0]))


def shape_operator(node: NodeDef, dims: Dims) -> ConstantTensor:
    """Return the output of a Shape for a tensor of these dimensions."""
    end = node.attributes.get("end", {}).get("i")
    taken = dims[node.integer("start", 0) : end]
    return ConstantTensor((len(taken),), taken)


@folding("Size")
def _size(node: NodeDef, inputs: Constants) -> ConstantTensor:
    return ConstantTensor((), (math.prod(dims_of(inputs[0])),))


@folding("NonZero")
def _nonzero(node: NodeDef, inputs: Constants) -> ConstantTensor:
    dims, values = dims_of(inputs[0]), values_of(inputs[0])
    indices = [index for index, value in zip(product(*map(range, dims)), values, strict=True) if value]
    # One row for each axis, with the places along it.
    return ConstantTensor(
        (len(dims), len(indices)), tuple(index[axis] for axis in range(len(dims)) for index in indices)
    )


def reduced_axes(node: NodeDef, inputs: Constants, rank: int) -> Dims:
    """Return the axes of a reduction: all of them where none is given, unless the node says that then it is none."""
    given = argument(node, inputs, "axes", 1)
    return () if not given and node.integer("noop_with_empty_axes", 0) else shape_inference.axes_of(given or None, rank)


REDUCTIONS: dict[str, Callable[[Sequence[Any]], Any]] = {
    "ReduceProd": math.prod, "ReduceSum": sum, "ReduceMax": max, "ReduceMin": min,
    "ReduceMean": lambda values: sum(values) / len(values),
}  # fmt: skip


@folding.table(REDUCTIONS)
def _reduce(node: NodeDef, inputs: Constants, function: Callable[[Sequence[Any]], Any]) -> ConstantTensor:
    data, before = inputs[0], dims_of(inputs[0])
    axes = reduced_axes(node, inputs, len(before))
    after = shape_inference.reduce(before, axes, bool(node.integer("keepdims", 1)))
    if data is not None and data.values and len(axes) == len(before):
        return ConstantTensor(after, (function(data.values),))
    return ConstantTensor(after)
