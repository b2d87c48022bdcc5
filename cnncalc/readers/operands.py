"""The inputs of an operator by position: constants, and tensors that depend on the network's input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Union

from cnncalc.readers.shape_inference import Dims
from cnncalc.readers.tensors import CannotInferError, Tensor
from cnncalc.readers.weights import ConstantTensor

#: A `ConstantTensor` is known before the network runs; a `Tensor` is the output of a node of ours.
Value = Union[ConstantTensor, Tensor]

#: The value of an operator's output, or of each of its outputs.
Outputs = Union[Value, Sequence[Value]]


class Operands:
    """An operator's inputs by position, as its rule accesses them."""

    def __init__(self, values: Sequence[Value | None]) -> None:
        self.values = values

    def get(self, position: int | None) -> Value | None:
        """Return the input, or None if it is left out or the position does not exist."""
        return self.values[position] if position is not None and position < len(self.values) else None

    def value(self, position: int) -> Value:
        """Return the input; raises `CannotInferError` if it is left out."""
        value = self.get(position)
        if value is None:
            raise CannotInferError
        return value

    def tensor(self, position: int) -> Tensor:
        """Return the input that depends on the network's; raises `CannotInferError` if it is constant or left out."""
        value = self.get(position)
        if not isinstance(value, Tensor):
            raise CannotInferError
        return value

    def constant(self, position: int) -> ConstantTensor | None:
        """Return the constant input, or None if it is left out; raises `CannotInferError` if it is not constant."""
        value = self.get(position)
        if isinstance(value, Tensor):
            raise CannotInferError
        return value

    @property
    def shapes(self) -> list[Dims]:
        """The shapes of all inputs that are given; raises `CannotInferError` if one is unknown, or none is given."""
        dims = [each.dims for each in self.values if each is not None]
        known = [each for each in dims if each is not None]
        if len(known) < len(dims) or not known:
            raise CannotInferError
        return known

    @property
    def constants(self) -> list[ConstantTensor | None]:
        """All inputs, with None in place of those that are not constant."""
        return [each if isinstance(each, ConstantTensor) else None for each in self.values]

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The inputs that are not constant."""
        return tuple(each for each in self.values if isinstance(each, Tensor))
