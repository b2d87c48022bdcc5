"""Learnt tensors that are no layer's weights: a class token, an embedding of positions."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from cnncalc.layers.arguments import Dims
from cnncalc.layers.base import Example, WeightedLayer
from cnncalc.shape import Requirement, Shape, Size


class Parameter(WeightedLayer):
    """Give a learnt tensor, the same for every sample; of what comes in nothing is read.

    It stands in an arm: `add( ; parameter 14x14x192)` adds an embedding of positions to what comes in,
    `concat axis=1 (parameter 1x192 ; )` puts a class token in front of it.
    """

    words = {"parameter": ()}
    memory = "alias"
    keeps = "nothing"
    shape = Dims("", help="the shape of the tensor, channels last")
    size_rule = "the shape"
    params_rule = "∏ of the shape"
    field_rule = "that of what comes in"
    examples = (
        # 14·14·192 numbers.
        Example("input 14x14x192 | add( ; parameter 14x14x192)", "14x14x192", params=37_632),
        Example("input 196x192 | concat axis=1 (parameter 1x192 ; )", "197x192", params=192),
        # A number for each row.
        Example("input 8x6x4 | mul( ; parameter 8x1x1)", "8x6x4", params=8),
    )

    def requirements_of(self, inputs: tuple[Shape, ...]) -> Iterator[Requirement]:
        return iter(())

    def output(self, x: Shape) -> Shape:
        return Shape.of(self.shape)

    def weights(self, x: Shape) -> Size:
        return prod(self.shape)

    def explain_channels(self, x: Shape, y: Shape) -> str:
        return "a number for each element, learnt; the input is not read"
