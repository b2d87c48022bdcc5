"""Shapes and values of constants, as used by the rules of constant folding."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

from cnncalc.readers.onnx.model import NodeDef
from cnncalc.readers.shape_inference import Dims, broadcast
from cnncalc.readers.weights import ConstantTensor

#: Results of more elements are known by their shape alone.
MAX_ELEMENTS = 1024

#: Constant inputs by their position; None is an optional one that is left out.
Constants = Sequence[ConstantTensor | None]

#: A constant of which nothing is known.
UNKNOWN_CONSTANT = ConstantTensor(None)


class NotKnownError(ValueError):
    """A shape or a value that folding needs is not known."""


def dims_of(constant: ConstantTensor | None) -> Dims:
    """Return the shape; raises `NotKnownError` if it is not known."""
    if constant is None or constant.dims is None:
        raise NotKnownError
    return constant.dims


def values_of(constant: ConstantTensor | None) -> tuple[Any, ...]:
    """Return the values; raises `NotKnownError` if they are not known."""
    if constant is None or constant.values is None:
        raise NotKnownError
    return constant.values


def integers_of(constant: ConstantTensor | None) -> list[int]:
    """Return the values; raises `NotKnownError` if they are not known or not integers."""
    integers = constant.integers() if constant else None
    if integers is None:
        raise NotKnownError
    return integers


def argument(node: NodeDef, inputs: Constants, name: str, position: int) -> list[int] | None:
    """Return integers that are an attribute in old files and an input in new ones.

    Return None if they are not given; raises `NotKnownError` if an input gives them and its values are not known.
    """
    given = node.integers(name)
    if given is not None:
        return list(given)
    if position < len(inputs) and inputs[position] is not None:
        return integers_of(inputs[position])
    return None


def few(dims: Dims, most: int = MAX_ELEMENTS) -> bool:
    """Return whether a constant of these dimensions has so few elements that their values are followed."""
    count = math.prod(dims)
    return isinstance(count, int) and count <= most


def positions(dims: Dims, taken: Sequence[Sequence[int]]) -> Iterator[int]:
    """Yield the row-major positions of the elements at all combinations of indices; an axis of size 1 broadcasts."""
    dims = (1,) * (len(taken) - len(dims)) + dims
    steps = [math.prod(dims[axis + 1 :]) if dims[axis] != 1 else 0 for axis in range(len(dims))]
    for index in product(*taken):
        yield sum(map(operator.mul, index, steps))


def moved(constant: ConstantTensor | None, dims: Dims, taken: Sequence[Sequence[int]] | None = None) -> ConstantTensor:
    """Return the elements in order in another shape; with `taken`, only those at the taken indices of each axis."""
    if constant is None or constant.values is None:
        return ConstantTensor(dims)
    if taken is None:
        return ConstantTensor(dims, constant.values)
    return ConstantTensor(dims, tuple(constant.values[at] for at in positions(dims_of(constant), taken)))


def stretched(constant: ConstantTensor, dims: Dims) -> tuple[Any, ...]:
    """Return the values of a constant that is broadcast to another shape."""
    before, values = dims_of(constant), values_of(constant)
    if before == dims:
        return values
    if len(values) == 1:
        return values * math.prod(dims)
    return tuple(values[at] for at in positions(before, [range(size) for size in dims]))


def elementwise(function: Callable[..., Any], inputs: Constants) -> ConstantTensor:
    """Return the function of the inputs' elements, with each input broadcast to the common shape."""
    given = [each for each in inputs if each is not None]
    dims = broadcast(*map(dims_of, given))
    if any(each.values is None for each in given) or not few(dims):
        return ConstantTensor(dims)
    columns = [stretched(each, dims) for each in given]
    return ConstantTensor(dims, tuple(function(*row) for row in zip(*columns, strict=True)))
