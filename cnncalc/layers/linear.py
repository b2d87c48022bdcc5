"""Fully connected layers."""

from __future__ import annotations

from typing import Literal

from cnncalc.layers.arguments import Flag, Integer
from cnncalc.layers.base import WHOLE, Example, Layer
from cnncalc.shape import Shape, Size


class FullyConnected(Layer):
    """Every output is a weighted sum of all inputs."""

    words = {"fc": ("dense", "linear")}
    flat = True
    keeps = "factors"
    units = Integer("", "x", ":", help="number of outputs")
    bias = Flag("bias", "nobias", default=True, help="whether there is a bias")
    size_rule = "units"
    params_rule = "in·units + units"
    macs_rule = "in·units"
    field_rule = "the whole input"
    examples = (
        Example("input 784 | fc 10", "10", params=7850, macs=7840),
        Example("input 2x2x3 | fc 4 nobias", "4", params=48, macs=48),
    )

    def output(self, x: Shape) -> Shape:
        return Shape((), self.units)

    def weights(self, x: Shape) -> Size:
        return x.channels * self.units

    def biases(self, x: Shape) -> Size:
        return self.units if self.bias else 0

    def multiply_adds(self, x: Shape, y: Shape) -> Size:
        return x.channels * self.units

    def conv_activations(self, x: Shape, y: Shape) -> Size:
        return y.elements

    def explain_channels(self, x: Shape, y: Shape) -> str:
        return f"every output weighs all {x.channels} inputs, whatever position or channel they come from"

    def taps(self, x: Shape, y: Shape) -> Literal["whole"]:
        return WHOLE
