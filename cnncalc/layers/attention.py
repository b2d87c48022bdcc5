"""Attention: every position reads others, weighted by how well their keys fit its query."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import prod
from typing import Any, Literal

from cnncalc.layers.arguments import Choice, Flag, Integer, NamedInteger, PerAxis
from cnncalc.layers.base import WHOLE, Example, WeightedLayer
from cnncalc.layers.taps import BlockTaps
from cnncalc.shape import AXES, Detail, Requirement, Shape, Size, equal, require, require_divisible, statically_known

#: The help of an argument that is the number of the input's channels unless it is given.
INPUT_CHANNELS = "the input's channels"


class Attention(WeightedLayer):
    """Multi-head self-attention (arXiv:1706.03762): each position takes a mean of all positions' values.

    Queries, keys, values and the output are fully connected layers on the channels of each position. In each head, the
    mean weighs a value by the softmax of its key's product with the query. With a window, the map is cut into blocks of
    that size, and a position reads those of its own block; without one the map is the only block.

    With a `shift` the blocks begin so much later, and what is cut off at the ends is smaller blocks; they are computed
    as whole ones with a mask, which counts.

    Queries have `dim` elements in all heads together. Where there are fewer heads of keys and values (`kv`), several
    heads of queries share one of them. `relative` adds to a product a learnt number for each head and each offset
    between two positions of a block, as in Swin and CoAtNet; `distance` one for each offset without its sign, as in
    LeViT.
    """

    words = {"attention": ("mhsa",)}
    spatial = True
    takes_sequences = True
    keeps = "factors"
    heads = Integer("h", help="number of heads")
    dim = NamedInteger(default=None, sample="64", unset=INPUT_CHANNELS, help="elements of a query, in all heads")
    kv = NamedInteger(like="heads", sample="1", help="heads of keys and values, each for several of the queries'")
    value_dim = NamedInteger(like="dim", sample="128", help="elements of the values that are read, in all heads")
    window = PerAxis(sample="7x7", default=None, in_full=True, unset="the map", help="size of the blocks")
    shift = PerAxis(sample="3", default=(0,), low=0, help="where the first whole block begins, as in Swin")
    bias = Flag(
        "bias", "nobias", default=True, more={"qkvbias": "qkv"}, help="biases of all four, of none, or but the output"
    )
    position = Choice("none", "relative", "distance", help="what is learnt for the offset between two positions")
    projection = Flag(None, "noproj", default=True, help="whether values are projected to the input's channels")
    size_rule = "same"
    size_notes = ("`noproj`: value_dim channels",)
    params_rule = "2·C·dim + 2·C·dim_kv + dim + 2·dim_kv + C, dim_kv = dim·kv/h; `relative`: h·∏(2w − 1) more"
    macs_rule = "T·(2·C·dim + 2·C·dim_kv) + 2·T·∏w·dim"
    field_rule = "the whole input; with a window, its block"
    examples = (
        # 4 matrices of 8x8 and 4 biases of 8; at 30 positions 256 products, and for 30·30 pairs 8 and 8.
        Example("input 5x6x8 | attention h2", "5x6x8", params=288, macs=22_080),
        # Queries of 12, keys and values of 1 head of 4 in 3: 2·8·12 + 2·8·4, and 10·256 + 2·10·10·12.
        Example("input 10x8 | attention h3 dim=12 kv=1 nobias", "10x8", params=256, macs=4960),
        # Windows of 9: 54·4·64 + 2·54·9·8; 2 heads of 5·5 offsets, and no bias at the end: 256 + 3·8 + 50.
        Example("input 6x9x8 | attention h2 window=3x3 qkvbias relative", "6x9x8", params=330, macs=21_600),
        # A shift changes no figure but the field.
        Example("input 8x8 | attention h2 window=4 shift=2", "8x8", params=288, macs=2560),
        # Values of 16 for queries of 8, no projection: 64 + 64 + 128 weights, 32 biases, 2·4·5 distances;
        # 20·256 + 20·20·8 + 20·20·16.
        Example("input 4x5x8 | attention h2 value_dim=16 distance noproj", "4x5x16", params=328, macs=14_720),
    )

    # -- sizes ---------------------------------------------------------------------------------------

    def requirements(self, x: Shape) -> Iterator[Requirement]:
        for name, size in (("dim", self.dim or x.channels), ("value_dim", self.value_dim)):
            what = "channels" if size is x.channels else "elements"
            if size is not None:
                yield require_divisible(size, self.heads, what, "heads", name if what == "elements" else "")
        yield require_divisible(self.heads, self.kv, "heads", "kv")
        for axis, (name, n) in enumerate(zip(AXES[x.rank], x.spatial, strict=True)):
            yield _require_shift(self.shift[axis], self.window[axis] if self.window else 0)
            if self.window is not None:
                detail = partial(_undivided, x, self.window, axis, name)
                yield require(equal(n % self.window[axis], 0), "E208", UNDIVIDED, detail)

    def output(self, x: Shape) -> Shape:
        return x if self.projection else Shape(x.spatial, self.value_size(x))

    def block(self, x: Shape) -> tuple[Size, ...]:
        """Return the size of a block: the window, or the map where there is none."""
        return x.spatial if self.window is None else self.window

    def query_size(self, x: Shape) -> Size:
        """Return the elements of a query in all heads."""
        return x.channels if self.dim is None else self.dim

    def value_size(self, x: Shape) -> Size:
        """Return the elements of a value in all heads of queries."""
        return self.query_size(x) if self.value_dim is None else self.value_dim

    def _shared(self, size: Size) -> Size:
        """Return the elements that the heads of keys and values have of a size for all heads of queries."""
        return size if statically_known(equal(self.kv, self.heads)) else size // self.heads * self.kv

    # -- figures -------------------------------------------------------------------------------------

    def weights(self, x: Shape) -> Size:
        weights = self._input_weights(x) + self._output_weights(x)
        return weights if self.position == "none" else weights + self._offset_weights(x)

    def _input_weights(self, x: Shape) -> Size:
        """Return the weights of queries, keys and values."""
        return x.channels * self._input_units(x)

    def _input_units(self, x: Shape) -> Size:
        """Return the elements of a query, a key and a value together."""
        query, value = self.query_size(x), self.value_size(x)
        if statically_known(equal(value, query)):
            return query + 2 * self._shared(query)
        return query + self._shared(query) + self._shared(value)

    def _output_weights(self, x: Shape) -> Size:
        return self.value_size(x) * x.channels if self.projection else 0

    def _offset_weights(self, x: Shape) -> Size:
        """Return the numbers for the offsets between positions of a block, in all heads."""
        block = self.block(x)
        return self.heads * prod(block if self.position == "distance" else [2 * size - 1 for size in block])

    def bias_weights(self, x: Shape) -> Size:
        if not self.bias:
            return 0
        biases = self._input_units(x)
        return biases + x.channels if self._has_output_bias else biases

    @property
    def _has_output_bias(self) -> bool:
        return self.bias is True and self.projection

    def projection_macs(self, x: Shape) -> Size:
        """Return the multiply-adds of the queries, keys, values and the output."""
        return prod(x.spatial) * (self._input_weights(x) + self._output_weights(x))

    def scores(self, x: Shape) -> Size:
        """Return the elements of the softmax: for each head and position, one for each position of its block."""
        return self.heads * self._pairs(x)

    def _pairs(self, x: Shape) -> Size:
        return prod(x.spatial) * prod(self.block(x))

    def product_macs(self, x: Shape) -> Size:
        """Return the multiply-adds of queries with keys, and of the softmax with values."""
        query, value = self.query_size(x), self.value_size(x)
        return self._pairs(x) * (2 * query if statically_known(equal(value, query)) else query + value)

    def multiply_adds(self, x: Shape, y: Shape) -> Size:
        return self.projection_macs(x) + self.product_macs(x)

    def backward_multiply_adds(self, x: Shape, y: Shape, trains: bool, learning: int) -> Size:
        # Both factors of the two products learn, and so does what is projected in the end.
        positions = prod(x.spatial)
        first = positions * self._input_weights(x) * (trains + learning)
        return first + 2 * self.product_macs(x) + positions * self._output_weights(x) * (trains + 1)

    def conv_activations(self, x: Shape, y: Shape) -> Size:
        # The outputs of all matrix products.
        positions = prod(x.spatial)
        projected = y.elements if self.projection else 0
        return positions * (self._input_units(x) + self.value_size(x)) + self.scores(x) + projected

    def biases_added(self, x: Shape) -> Size:
        """Return the biases that are added at all positions."""
        return prod(x.spatial) * self.bias_weights(x)

    def queries(self, x: Shape) -> Size:
        """Return the elements of all queries."""
        return prod(x.spatial) * self.query_size(x)

    def offsets_added(self, x: Shape) -> Size:
        """Return the learnt numbers for offsets that are added to all products."""
        return 0 if self.position == "none" else self.scores(x)

    # -- training and reports ------------------------------------------------------------------------

    def kept_elements(self, inputs: tuple[Shape, ...], y: Shape) -> Size:
        # Those of `scaled_dot_product_attention`: queries, keys, values and what is read. The softmax is computed anew
        # from one number for each head and position, unless offsets learn or values have another size than keys.
        x = inputs[0]
        query, value = self.query_size(x), self.value_size(x)
        positions = prod(x.spatial)
        if self.position == "none" and statically_known(equal(query, value)):
            return positions * (self._input_units(x) + value) + self.heads * positions
        read = value if self.projection else 0
        return positions * (2 * query + value + read) + self.scores(x)

    def fields(self, x: Shape | None) -> dict[str, object]:
        values = super().fields(x)
        return values if x is None else {**values, "dim": self.query_size(x), "value_dim": self.value_size(x)}

    def explain_channels(self, x: Shape, y: Shape) -> str:
        size, block = self.query_size(x) // self.heads, prod(self.block(x))
        where = "its block" if self.window else "the map"
        several = "" if self.kv == self.heads else f", {self.heads // self.kv} of which share keys and values"
        return (
            f"in each of {self.heads} heads{several}, a position weighs the {block} positions of {where} by products "
            f"of {size} elements"
        )

    def taps(self, x: Shape, y: Shape) -> tuple[BlockTaps, ...] | Literal["whole"]:
        return WHOLE if self.window is None else tuple(map(BlockTaps, self.window, self.shift))


def _require_shift(shift: int, window: int) -> Requirement:
    fact = f"`shift` (={shift}) must be below `window` (={window})" if window else "without a `window` nothing shifts"
    help = f"write `shift={window // 2}`" if window else f"write `window={2 * shift}`, or drop it"
    summary = "`shift` of `{layer}` is too large" if window else "`shift` of `{layer}` has no effect"
    return require(shift < max(window, 1), "E105", summary, lambda: Detail(fact, help=help))


#: The headline of a map that cannot be cut into blocks.
UNDIVIDED = "the sizes of `{layer}` do not divide into windows"


def _undivided(x: Shape, window: tuple[Any, ...], axis: int, name: str) -> Detail:
    ends = "x".join([f"0-{-n % size}" if n % size else "0" for n, size in zip(x.spatial, window, strict=True)])
    fact = f"`{name}` (={x.spatial[axis]}) must be divisible by `window` (={window[axis]})"
    return Detail(fact, help=f"write `pad {ends}` before it, or a window that divides {x}")
