"""What can be worked out before the network runs: shapes that a file computes, and the shapes of its weights.

A `ConstantTensor` is a tensor that does not depend on the input. Its values are known where they are few and there: sizes
and indices, as exporters compute them with Shape, Gather, Concat and their like. Those of weights are never looked
at; what is kept is their shape and which of the file's tensors they come from, so that each is counted once.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

from cnncalc.readers import shape_inference
from cnncalc.readers.onnx.model import MAX_REALS, NodeDef
from cnncalc.readers.shape_inference import Dims

#: Results of more elements are known by their shape alone.
MAX_ELEMENTS = 1024

#: Whole numbers are ONNX's of 64 bits; what is larger is no size.
MAX_INTEGER = 2**63

Values = tuple[Any, ...]

#: Operators whose further inputs are the scale and zero point of quantized numbers.
SCALED = ("DequantizeLinear", "QuantizeLinear")


class ConstantTensor(NamedTuple):
    """A tensor that does not depend on the input: its shape and values where known, and the tensors it is made of."""

    dims: Dims | None
    values: Values | None = None
    sources: frozenset[int] = frozenset()

    @property
    def single(self) -> bool:
        """Whether it is one number."""
        return self.dims is not None and math.prod(self.dims) == 1

    def integers(self) -> list[int] | None:
        """The values where all are whole numbers."""
        if self.values is None or not all(isinstance(value, int) for value in self.values):
            return None
        return list(self.values)

    def number(self) -> Any:
        """The value where it is one number that is known."""
        return self.values[0] if self.values and len(self.values) == 1 else None


UNKNOWN = ConstantTensor(None)

#: ConstantTensor inputs by their place; None is an optional one that is left out.
Inputs = Sequence[ConstantTensor | None]


def fold(node: NodeDef, inputs: Inputs) -> list[ConstantTensor]:
    """The outputs of a node whose inputs are all static: as much of them as can be known."""
    # A scale and a zero point are no weights of the layer that reads what they scale, and a shape has none in it.
    counted = inputs[:1] if node.operator in SCALED else () if node.operator in ("Shape", "Size") else inputs
    sources: frozenset[int] = frozenset().union(*(each.sources for each in counted if each))
    results: list[ConstantTensor] | None = None
    rule = RULES.get(node.operator) if not node.domain else None
    if rule is not None:
        try:
            results = rule(node, inputs)
        except (ArithmeticError, ValueError, TypeError, IndexError, AttributeError):
            results = None  # arguments that make no sense, or whose values are not known
    if results is None:
        results = [UNKNOWN] * max(len(node.outputs), 1)
    return [ConstantTensor(each.dims, _plain(each.values), sources) for each in results]


def _plain(values: Values | None) -> Values | None:
    """The values where they are few, and numbers of a sane size."""
    if values is None or len(values) > MAX_ELEMENTS:
        return None
    if any(not abs(value) < MAX_INTEGER for value in values):  # catches NaN as well
        return None
    return values


# -- element by element ------------------------------------------------------------------------------------


def _divide(a: Any, b: Any) -> Any:
    if isinstance(a, int) and isinstance(b, int):
        return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)  # rounded towards zero
    return a / b


def _power(a: Any, b: Any) -> Any:
    result = float(a) ** float(b)
    return int(result) if isinstance(a, int) else result


def _round_like(function: Callable[[float], float]) -> Callable[[Any], Any]:
    return lambda value: float(function(value))


BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "Add": operator.add, "Sub": operator.sub, "Mul": operator.mul, "Div": _divide, "Pow": _power,
    "Mod": operator.mod, "Equal": operator.eq, "Greater": operator.gt, "GreaterOrEqual": operator.ge,
    "Less": operator.lt, "LessOrEqual": operator.le, "And": lambda a, b: bool(a and b), "Or": lambda a, b: bool(a or b),
}  # fmt: skip
UNARY: dict[str, Callable[[Any], Any]] = {
    "Neg": operator.neg, "Abs": abs, "Not": operator.not_, "Sqrt": math.sqrt, "Exp": math.exp, "Log": math.log,
    "Ceil": _round_like(math.ceil), "Floor": _round_like(math.floor), "Round": _round_like(round),
    "Reciprocal": lambda value: 1 / value, "Sign": lambda value: (value > 0) - (value < 0),
}  # fmt: skip


def _elementwise(function: Callable[..., Any], inputs: Inputs) -> list[ConstantTensor]:
    """The function of the inputs' elements, each input stretched to the shape of all."""
    given = [each for each in inputs if each is not None]
    shapes = [each.dims for each in given if each.dims is not None]
    if len(shapes) < len(given):
        return [UNKNOWN]
    result = shape_inference.broadcast(*shapes)
    if any(each.values is None for each in given) or math.prod(result) > MAX_ELEMENTS:
        return [ConstantTensor(result)]
    columns = [_stretched(each, result) for each in given]
    return [ConstantTensor(result, tuple(function(*row) for row in zip(*columns, strict=True)))]


def _stretched(static: ConstantTensor, result: Dims) -> Values:
    dims, values = _known(static)
    if dims == result:
        return values
    if len(values) == 1:
        return values * math.prod(result)
    return tuple(values[place] for place in _places(dims, [range(size) for size in result]))


def _places(dims: Dims, taken: Sequence[Sequence[int]]) -> Iterator[int]:
    """The places in row-major order of the elements at all combinations of indices; an axis of 1 is stretched."""
    dims = (1,) * (len(taken) - len(dims)) + dims
    steps = [math.prod(dims[axis + 1 :]) if dims[axis] != 1 else 0 for axis in range(len(dims))]
    for index in product(*taken):
        yield sum(map(operator.mul, index, steps))


def _known(static: ConstantTensor | None) -> tuple[Dims, Values]:
    """Shape and values; raises `ValueError` where they are not known."""
    if static is None or static.dims is None or static.values is None:
        raise ValueError("values are not known")
    return static.dims, static.values


def _shape(static: ConstantTensor | None) -> Dims:
    if static is None or static.dims is None:
        raise ValueError("the shape is not known")
    return static.dims


def _list(static: ConstantTensor | None) -> list[int]:
    found = static.integers() if static else None
    if found is None:
        raise ValueError("whole numbers are asked for")
    return found


# -- operators that move elements ----------------------------------------------------------------------------


def _moved(static: ConstantTensor, result: Dims, taken: Sequence[Sequence[int]] | None = None) -> list[ConstantTensor]:
    """The input in another shape; with `taken`, of each axis only those elements."""
    if static.values is None:
        return [ConstantTensor(result)]
    if taken is None:
        return [ConstantTensor(result, static.values)]
    return [ConstantTensor(result, tuple(static.values[place] for place in _places(_shape(static), taken)))]


def _transpose(node: NodeDef, inputs: Inputs) -> list[ConstantTensor]:
    data = inputs[0]
    before, order = _shape(data), node.integers("perm")
    after = shape_inference.transpose(before, order)
    if data is None or data.values is None:
        return [ConstantTensor(after)]
    order = order if order is not None else tuple(reversed(range(len(before))))
    steps = [math.prod(before[axis + 1 :]) for axis in order]
    places = (sum(map(operator.mul, index, steps)) for index in product(*map(range, after)))
    return [ConstantTensor(after, tuple(data.values[place] for place in places))]


def _gather(node: NodeDef, inputs: Inputs) -> list[ConstantTensor]:
    data, at = inputs[0], inputs[1]
    before, axis = _shape(data), node.integer("axis", 0)
    after = shape_inference.gather(before, _shape(at), axis)
    if data is None or data.values is None or at is None or at.values is None:
        return [ConstantTensor(after)]
    axis = shape_inference.axis_of(axis, len(before))
    picked = [shape_inference.axis_of(index, before[axis]) for index in _list(at)]
    taken = [picked if each == axis else range(size) for each, size in enumerate(before)]
    return _moved(data, after, taken)


def _slice(node: NodeDef, inputs: Inputs) -> list[ConstantTensor]:
    data = inputs[0]
    taken = slice_ranges(node, inputs, _shape(data))
    return _moved(data, tuple(map(len, taken)), taken) if data else [UNKNOWN]


def slice_ranges(node: NodeDef, inputs: Inputs, before: Dims) -> list[range]:
    """What a Slice takes along each axis; raises `ValueError` where that cannot be known."""
    starts, ends = (argument(node, inputs, name, at) for name, at in (("starts", 1), ("ends", 2)))
    if starts is None or ends is None:
        raise ValueError("its bounds are not known")
    axes = argument(node, inputs, "axes", 3) or range(len(starts))
    steps = argument(node, inputs, "steps", 4) or [1] * len(starts)
    return shape_inference.slices(before, starts, ends, axes, steps)


def _concat(node: NodeDef, inputs: Inputs) -> list[ConstantTensor]:
    given = [each for each in inputs if each is not None]
    axis = node.integer("axis", 0)
    after = shape_inference.concat([_shape(each) for each in given], axis)
    if len(after) == 1 and all(each.values is not None for each in given):
        return [ConstantTensor(after, tuple(value for each in given for value in each.values or ()))]
    return [ConstantTensor(after)]


def _split(node: NodeDef, inputs: Inputs) -> list[ConstantTensor]:
    data = inputs[0]
    before = _shape(data)
    axis = shape_inference.axis_of(node.integer("axis", 0), len(before))
    parts = shape_inference.split(before[axis], argument(node, inputs, "split", 1), len(node.outputs))
    found, start = [], 0
    for part in parts:
        taken = [range(start, start + part) if each == axis else range(size) for each, size in enumerate(before)]
        found += _moved(data, tuple(map(len, taken)), taken) if data else [UNKNOWN]
        start += part
    return found


def argument(node: NodeDef, inputs: Inputs, name: str, at: int) -> list[int] | None:
    """Whole numbers that are an attribute in old files and an input in new ones.

    None where they are not given; raises `ValueError` where an input gives them and its values are not known.
    """
    given = node.integers(name)
    if given is not None:
        return list(given)
    if at < len(inputs) and inputs[at] is not None:
        return _list(inputs[at])
    return None


def _expand(node: NodeDef, inputs: Inputs) -> list[ConstantTensor]:
    data = inputs[0]
    after = shape_inference.broadcast(_shape(data), tuple(_list(inputs[1])))
    if data is None or data.values is None or math.prod(after) > MAX_ELEMENTS:
        return [ConstantTensor(after)]
    return [ConstantTensor(after, _stretched(data, after))]


def _tile(node: NodeDef, inputs: Inputs) -> list[ConstantTensor]:
    before, times = _shape(inputs[0]), _list(inputs[1])
    return [ConstantTensor(tuple(map(operator.mul, before, times)))]


def _range(node: NodeDef, inputs: Inputs) -> list[ConstantTensor]:
    start, limit, step = (_known(each)[1][0] for each in inputs[:3])
    if not all(isinstance(each, int) for each in (start, limit, step)):
        return [ConstantTensor((max(math.ceil((limit - start) / step), 0),))]
    found = range(start, limit, step)
    return [ConstantTensor((len(found),), tuple(found) if len(found) <= MAX_ELEMENTS else None)]


def _constant_of_shape(node: NodeDef, inputs: Inputs) -> list[ConstantTensor]:
    after = tuple(_list(inputs[0]))
    if any(size < 0 for size in after):
        return [UNKNOWN]
    value = node.tensor("value")
    fill = 0.0 if value is None else (value.values or (None,))[0]
    count = math.prod(after)
    # Reals by the hundred are weights, not sizes.
    limit = MAX_ELEMENTS if isinstance(fill, int) else MAX_REALS
    return [ConstantTensor(after, (fill,) * count if count <= limit and fill is not None else None)]


def _reduce(function: Callable[[Sequence[Any]], Any]) -> Callable[[NodeDef, Inputs], list[ConstantTensor]]:
    def rule(node: NodeDef, inputs: Inputs) -> list[ConstantTensor]:
        before = _shape(inputs[0])
        axes = shape_inference.axes_of(argument(node, inputs, "axes", 1) or None, len(before))
        after = shape_inference.reduce(before, axes, bool(node.integer("keepdims", 1)))
        data = inputs[0]
        if data is not None and data.values and len(axes) == len(before):
            return [ConstantTensor(after, (function(data.values),))]
        return [ConstantTensor(after)]

    return rule


def _cast(node: NodeDef, inputs: Inputs) -> list[ConstantTensor]:
    dims, data = _shape(inputs[0]), inputs[0]
    if data is None or data.values is None:
        return [ConstantTensor(dims)]
    to = node.integer("to", 1)
    kind: Callable[[Any], Any] = bool if to == 9 else int if to in (2, 3, 4, 5, 6, 7, 12, 13) else float
    return [ConstantTensor(dims, tuple(map(kind, data.values)))]


def _where(node: NodeDef, inputs: Inputs) -> list[ConstantTensor]:
    return _elementwise(lambda condition, a, b: a if condition else b, inputs)


def _same(node: NodeDef, inputs: Inputs) -> list[ConstantTensor]:
    data = inputs[0]
    return [ConstantTensor(data.dims, data.values)] if data else [UNKNOWN]


def _same_shape(node: NodeDef, inputs: Inputs) -> list[ConstantTensor]:
    return [ConstantTensor(_shape(inputs[0]))]


def _clip(node: NodeDef, inputs: Inputs) -> list[ConstantTensor]:
    low, high = bounds(node, inputs)
    limited: Callable[[Any], Any] = lambda value: min(max(value, low), high)  # noqa: E731 - it goes where rules go
    return _elementwise(limited, inputs[:1])


def bounds(node: NodeDef, inputs: Sequence[Any]) -> tuple[float, float]:
    """The bounds of a Clip: attributes in old files, inputs in new ones; a bound that is no known number is none."""
    found = [node.real("min", -math.inf), node.real("max", math.inf)]
    for at, each in enumerate(inputs[1:3]):
        value = each.number() if isinstance(each, ConstantTensor) else None
        found[at] = found[at] if value is None else value
    return found[0], found[1]


def _nonzero(node: NodeDef, inputs: Inputs) -> list[ConstantTensor]:
    dims, values = _known(inputs[0])
    if len(dims) > 1:
        return [UNKNOWN]
    found = tuple(place for place, value in enumerate(values) if value)
    return [ConstantTensor((len(dims), len(found)) if dims else (0, 1), found)]


def _unsqueeze(node: NodeDef, inputs: Inputs) -> list[ConstantTensor]:
    data = inputs[0]
    axes = argument(node, inputs, "axes", 1) or []
    return _moved(data, shape_inference.unsqueeze(_shape(data), axes)) if data else [UNKNOWN]


def _squeeze(node: NodeDef, inputs: Inputs) -> list[ConstantTensor]:
    data = inputs[0]
    return _moved(data, shape_inference.squeeze(_shape(data), argument(node, inputs, "axes", 1))) if data else [UNKNOWN]


def _reshape(node: NodeDef, inputs: Inputs) -> list[ConstantTensor]:
    data, target = inputs[0], argument(node, inputs, "shape", 1)
    if data is None or target is None:
        return [UNKNOWN]
    return _moved(data, shape_inference.reshape(_shape(data), target, bool(node.integer("allowzero", 0))))


def _flatten(node: NodeDef, inputs: Inputs) -> list[ConstantTensor]:
    data = inputs[0]
    return _moved(data, shape_inference.flatten(_shape(data), node.integer("axis", 1))) if data else [UNKNOWN]


def _matmul(node: NodeDef, inputs: Inputs) -> list[ConstantTensor]:
    return [ConstantTensor(shape_inference.matmul(_shape(inputs[0]), _shape(inputs[1])))]


def _shape_of(node: NodeDef, inputs: Inputs) -> list[ConstantTensor]:
    return [shape_of(node, _shape(inputs[0]))]


def shape_of(node: NodeDef, dims: Dims) -> ConstantTensor:
    """What Shape gives for a tensor of these dimensions."""
    end = node.attributes.get("end", {}).get("i")
    taken = dims[node.integer("start", 0) : end]
    return ConstantTensor((len(taken),), taken)


def _size(node: NodeDef, inputs: Inputs) -> list[ConstantTensor]:
    return [ConstantTensor((), (math.prod(_shape(inputs[0])),))]


def _pairwise(function: Callable[[Any, Any], Any]) -> Callable[[NodeDef, Inputs], list[ConstantTensor]]:
    return lambda node, inputs: _elementwise(function, inputs)


def _single(function: Callable[[Any], Any]) -> Callable[[NodeDef, Inputs], list[ConstantTensor]]:
    return lambda node, inputs: _elementwise(function, inputs[:1])


#: Operators that keep the shape of their first input, and whose values nobody asks for.
KEEPING = (
    "CastLike", "Cos", "CumSum", "DequantizeLinear", "Elu", "Erf", "Gelu", "HardSigmoid", "LayerNormalization",
    "LeakyRelu", "QuantizeLinear", "Relu", "Scatter", "ScatterElements", "ScatterND", "Sigmoid", "Sin", "Softmax",
    "Tanh", "Trilu",
)  # fmt: skip

#: Operator → what it gives for static inputs.
RULES: dict[str, Callable[[NodeDef, Inputs], list[ConstantTensor]]] = {
    **{name: _pairwise(function) for name, function in BINARY.items()},
    **{name: _single(function) for name, function in UNARY.items()},
    "Min": _pairwise(lambda *values: min(values)),
    "Max": _pairwise(lambda *values: max(values)),
    "ReduceProd": _reduce(math.prod), "ReduceSum": _reduce(sum), "ReduceMax": _reduce(max), "ReduceMin": _reduce(min),
    "ReduceMean": _reduce(lambda values: sum(values) / len(values)),
    "Cast": _cast, "Clip": _clip, "Concat": _concat, "ConstantOfShape": _constant_of_shape, "Expand": _expand,
    "Flatten": _flatten, "Gather": _gather, "Identity": _same, "MatMul": _matmul, "NonZero": _nonzero,
    "Range": _range, "Reshape": _reshape, "Shape": _shape_of, "Size": _size, "Slice": _slice, "Split": _split,
    "Squeeze": _squeeze, "Tile": _tile, "Transpose": _transpose, "Unsqueeze": _unsqueeze, "Where": _where,
    "Dropout": _same,
    **dict.fromkeys(KEEPING, _same_shape),
}  # fmt: skip
