"""Fully connected layers, and the embedding, which is one of them on a vector with a single 1."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Literal

from cnncalc.layers.arguments import Flag, Integer, Pair
from cnncalc.layers.base import BYTES_OF_INDEX, WHOLE, Example, WeightedLayer
from cnncalc.shape import Detail, Requirement, Shape, Size, require


class FullyConnected(WeightedLayer):
    """Every output is a weighted sum of all inputs; with `each`, of the channels of its own position."""

    words = {"fc": ("dense", "linear")}
    keeps = "factors"
    units = Integer("", "x", ":", help="number of outputs")
    bias = Flag("bias", "nobias", default=True, help="whether there is a bias")
    each = Flag("each", None, default=False, help="whether it works on the channels of each position, as Dense does")
    size_rule = "units; `each`: the input's positions"
    params_rule = "in·units + units"
    macs_rule = "in·units; `each`: that for every position"
    field_rule = "the whole input; `each`: unchanged"
    examples = (
        Example("input 784 | fc 10", "10", params=7850, macs=7840),
        Example("input 2x2x3 | fc 4 nobias", "4", params=48, macs=48),
        # 3·4 weights and 4 biases, whatever the positions; 3·4 multiply-adds at each of the 5·6.
        Example("input 5x6x3 | fc 4 each", "5x6x4", params=16, macs=360),
    )

    @property
    def flat(self) -> bool:  # type: ignore[override]  # not where it works on each position
        return not self.each

    def output(self, x: Shape) -> Shape:
        return Shape(x.spatial, self.units)

    def weights(self, x: Shape) -> Size:
        return x.channels * self.units

    def bias_weights(self, x: Shape) -> Size:
        return self.units if self.bias else 0

    def multiply_adds(self, x: Shape, y: Shape) -> Size:
        return prod(y.spatial) * x.channels * self.units

    def conv_activations(self, x: Shape, y: Shape) -> Size:
        return y.elements

    def explain_channels(self, x: Shape, y: Shape) -> str:
        if self.each:
            return f"at each position, every output weighs all {x.channels} channels there"
        return f"every output weighs all {x.channels} inputs, whatever position or channel they come from"

    def taps(self, x: Shape, y: Shape) -> Literal["whole"] | None:
        return None if self.each else WHOLE


class Embedding(WeightedLayer):
    """Replace each index of a vector by its row of a table, which is learnt: V rows of D numbers."""

    words = {"embedding": ()}
    keeps = "nothing"
    table = Pair("", sample="1000x64", help="rows of the table, and the length of a row")
    size_rule = "n x D"
    size_notes = ("the input is a flat vector of n indices, each from 0 to V − 1",)
    params_rule = "V·D"
    field_rule = "1: its own index"
    examples = (
        # A row of 64 for each of 20 indices; 1000·64 weights.
        Example("input 20 | embedding 1000x64", "20x64", params=64_000),
        # Then 3·8·16 weights and 16 biases, at 18 places: 18·384 multiply-adds.
        Example("input 20 | embedding 50x8 | conv 3 x16", "18x16", params=800, macs=6912),
    )

    def requirements(self, x: Shape) -> Iterator[Requirement]:
        def detail() -> Detail:
            return Detail(f"the input {x} has spatial axes", help="give a vector of indices, such as `input 20`")

        yield require(not x.spatial, "E204", "`{layer}` needs a flat vector of indices", detail)

    def output(self, x: Shape) -> Shape:
        return Shape((x.channels,), self.table[1])

    def weights(self, x: Shape) -> Size:
        return self.table[0] * self.table[1]

    def weights_depend_on(self, x: Shape) -> tuple[Size, ...]:
        return ()

    def kept_bytes(self, y: Shape) -> Size:
        return BYTES_OF_INDEX * prod(y.spatial)

    def explain_channels(self, x: Shape, y: Shape) -> str:
        rows, length = self.table
        return f"each of the {x.channels} indices picks one of {rows} rows, of {length} numbers"
