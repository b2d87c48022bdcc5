"""Layers that reorder, reshape or return their input."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import Literal

from cnncalc.layers.arguments import ChannelRange, Dims, Integer, Real
from cnncalc.layers.base import WHOLE, Example, Layer
from cnncalc.shape import Detail, Requirement, Shape, Size, equal, require, require_divisible


class Input(Layer):
    """The input of the network: one sample."""

    words = {"input": ()}
    keeps = "nothing"
    shape = Dims("", letters=True, help="shape of one sample, channels last; a letter is a size left open")
    size_rule = "the shape"
    field_rule = "1: its own element"
    examples = (Example("input 32x32x3", "32x32x3"),)

    def requirements_of(self, inputs: tuple[Shape, ...]) -> Iterator[Requirement]:
        return iter(())

    def shape_of(self, inputs: tuple[Shape, ...]) -> Shape:
        if self.open:
            return Shape.of([of_letter(size) if isinstance(size, str) else size for size in self.shape])
        return Shape.of(self.shape)

    @property
    def open(self) -> list[str]:
        """The letters in the shape, each once."""
        return list(dict.fromkeys(size for size in self.shape if isinstance(size, str)))

    def substitute(self, numbers: Mapping[str, int]) -> Input:
        """Return the input with numbers in place of letters; a letter without a number stays."""
        return Input("input", shape=tuple([numbers.get(size, size) for size in self.shape]))


def of_letter(name: str) -> Size:
    """Return the number that a letter stands for, as a formula."""
    from cnncalc.symbols import symbol  # few specs have any

    return symbol(name)


class Flatten(Layer):
    """Lay all elements out as one vector."""

    words = {"flatten": ()}
    memory = "alias"
    keeps = "nothing"
    size_rule = "H·W·C"
    field_rule = "the whole input"
    examples = (Example("input 4x4x3 | flatten", "48"),)

    def output(self, x: Shape) -> Shape:
        return Shape((), x.elements)

    def taps(self, x: Shape, y: Shape) -> Literal["whole"]:
        return WHOLE


class Reshape(Layer):
    """Read the elements in order as another shape."""

    words = {"reshape": ()}
    sets_rank = True
    memory = "alias"
    keeps = "nothing"
    shape = Dims("", help="the new shape, with as many elements")
    size_rule = "the shape"
    field_rule = "the whole input, unless the shape stays the same"
    examples = (Example("input 48 | reshape 4x4x3", "4x4x3"),)

    def requirements(self, x: Shape) -> Iterator[Requirement]:
        elements = prod(self.shape)

        def detail() -> Detail:
            fact = f"{Shape.of(self.shape)} has {elements} elements, its input {x} has {x.elements}"
            return Detail(fact, help=f"write a shape of {x.elements} elements")

        yield require(equal(x.elements, elements), "E207", "`{layer}` changes the number of elements", detail)

    def output(self, x: Shape) -> Shape:
        return Shape.of(self.shape)

    def taps(self, x: Shape, y: Shape) -> Literal["whole"] | None:
        return None if x == y else WHOLE


class Slice(Layer):
    """Take some of the channels."""

    words = {"slice": ()}
    keeps = "nothing"
    is_view = True
    channels = ChannelRange("", help="channels from:to")
    size_rule = "to − from channels"
    examples = (Example("input 8x8x116 | slice 0:58", "8x8x58"),)

    def requirements(self, x: Shape) -> Iterator[Requirement]:
        start, stop = self.channels

        def detail() -> Detail:
            help = f"write `{min(start, x.channels - 1)}:{x.channels}`"
            return Detail(f"channels {start}:{stop} of {x.channels}", help=help)

        yield require(x.channels >= stop, "E208", "`{layer}` asks for channels that are not there", detail)

    def output(self, x: Shape) -> Shape:
        start, stop = self.channels
        return Shape(x.spatial, stop - start)

    def explain_channels(self, x: Shape, y: Shape) -> str:
        start, stop = self.channels
        return f"the channels {start} to {stop - 1} of 0 to {x.channels - 1}"


class Shuffle(Layer):
    """Channel shuffle: interleave the channels of the groups (ShuffleNet, arXiv:1707.01083)."""

    words = {"shuffle": ()}
    keeps = "nothing"
    groups = Integer("g", help="channel groups")
    examples = (Example("input 8x8x6 | shuffle g2", "8x8x6"),)

    def requirements(self, x: Shape) -> Iterator[Requirement]:
        yield require_divisible(x.channels, self.groups, "channels", "groups")


class Dropout(Layer):
    """Return the input at inference; in training, drop elements or, as droppath, whole samples."""

    words = {"dropout": (), "droppath": ()}
    memory = "alias"
    keeps = "nothing"
    rate = Real("", default=0.5, high=1, help="share that is dropped, in [0, 1)")
    examples = (Example("input 10 | dropout 0.5", "10"),)

    @property
    def is_view(self) -> bool:
        return not self.rate

    def kept_bytes(self, y: Shape) -> Size:
        # A mask of one byte for each element, or for the sample.
        if not self.rate:
            return 0
        return 1 if self.kind == "droppath" else y.elements


class Identity(Layer):
    """Return the input unchanged."""

    words = {"identity": ()}
    memory = "alias"
    keeps = "nothing"
    examples = (Example("input 8x8x3 | identity", "8x8x3"),)
