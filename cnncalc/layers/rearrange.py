"""Layers that reorder, reshape or return their input."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import prod
from typing import Any, Literal

from cnncalc.layers.arguments import ChannelRange, Dims, Integer, Real, count
from cnncalc.layers.base import WHOLE, Example, Layer
from cnncalc.layers.patterns import AxisSizes, PatternArgument, Rearrangement, place_of
from cnncalc.layers.taps import UNCHANGED, AxisTaps, FromAxis, NearestTaps, Taps, WindowTaps
from cnncalc.shape import (
    Detail,
    Requirement,
    Shape,
    ShapeError,
    Size,
    equal,
    require,
    require_divisible,
    some_divisors,
    statically_known,
)


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


class Rearrange(Layer):
    """Lay the axes out anew, as an einops pattern names them: permuted, split, or several put together in one."""

    words = {"rearrange": ()}
    keeps = "nothing"
    pattern = PatternArgument("", help="the axes before and after, channels last")
    sizes = AxisSizes(default=(), help="sizes of axes that the pattern splits others into")
    size_rule = "as the pattern says"
    field_rule = (
        "that of the axis which it comes from; the whole input where several axes become one, or one becomes several"
    )
    examples = (
        # 8 columns, and 4·3 channels.
        Example('input 4x8x3 | rearrange "h w c -> w (h c)"', "8x12"),
        Example('input 8x6x4 | rearrange "h w (g c) -> g h w c" g=2', "2x8x6x2"),
        # Windows of 4x4: 2·2 of them, of 16 positions each.
        Example('input 8x8x3 | rearrange "(h p) (w q) c -> (h w) (p q) c" p=4 q=4', "4x16x3"),
        # 16·8·1 channels; 4·5·(128 + 5) weights and 4·5·2 biases, and 10·2660 products.
        Example('input 10x16x8x1 | rearrange "t ... c -> t (... c)" | lstm 5 last', "5", params=2700, macs=26_600),
    )

    def _set(self, kind: str, axes: int | None, values: dict[str, Any]) -> None:
        super()._set(kind, axes, values)
        # Where the elements stay in their order, it is a view, as PyTorch's reshape of them; else they are copied.
        self.__dict__["memory"] = "alias" if self.pattern.keeps_order else "own"

    def resolve(self, x: Shape) -> Rearrange:
        """Return the layer; raises `ShapeError` if its pattern has not as many axes as the input, or lacks sizes."""
        pattern, known = self.pattern.for_rank(len(x.dims)), dict(self.sizes)
        if pattern is None:
            named = count(len(self.pattern.left), "axis", "axes")
            raise ShapeError(
                "E204",
                "the pattern of `{layer}` does not fit its input",
                f"{named} before the `->`, and {x} has {len(x.dims)}",
                help=self._help_for_rank(len(x.dims)),
                part=place_of(self.pattern),
            )
        for name in known:
            if name not in pattern.names:
                fact = f"its axes: {', '.join(self.pattern.names)}"
                part = rf"\b({re.escape(name)})\s*[=:]"
                raise ShapeError("E120", f"the pattern of `{{layer}}` has no axis `{name}`", fact, part=part)
        for place, axis in enumerate(pattern.left):
            unknown = [name for name in axis if name not in known]
            if len(unknown) > 1:
                fact = f"{' and '.join(f'`{name}`' for name in unknown)} are not known"
                raise ShapeError(
                    "E104",
                    "a size that `{layer}` splits an axis into is missing",
                    fact,
                    help=f"give all but one behind the pattern: `{unknown[-1]}=2`",
                    part=self._part(place, x),
                )
        return self

    def _help_for_rank(self, dims: int) -> str:
        """Return the edit to make where the pattern has another number of axes than the input."""
        left, right = self.pattern
        if len(left) == dims + 1 and left[0] == right[0] and len(left[0]) == 1 and len(right) > 1:
            return f'a spec has no batch: write `"{Rearrangement(left[1:], right[1:])}"`'
        return "name each of its axes, channels last, or write `...` for those between"

    def _part(self, axis: int, x: Shape) -> str:
        return place_of(self.pattern, self.pattern.written_at(axis, len(x.dims)))

    def layout(self, x: Shape) -> tuple[Rearrangement, dict[str, Size]]:
        """Return the pattern with an axis for each of the input's, and the size of each name."""
        pattern = self.pattern.for_rank(len(x.dims))
        assert pattern is not None, f"{self} is not resolved for {x}"
        sizes: dict[str, Size] = dict(self.sizes)
        for axis, n in zip(pattern.left, x.dims, strict=True):
            others = [sizes[name] for name in axis if name in sizes]
            for name in axis:
                if name not in sizes:
                    sizes[name] = n // prod(others) if others else n
        return pattern, sizes

    def requirements(self, x: Shape) -> Iterator[Requirement]:
        pattern, known = self.pattern.for_rank(len(x.dims)), dict(self.sizes)
        assert pattern is not None
        summary = "an axis of the input does not split as the pattern of `{layer}` says"
        for place, (axis, n) in enumerate(zip(pattern.left, x.dims, strict=True)):
            given = [known[name] for name in axis if name in known]
            parts, part = prod(given), self._part(place, x)
            product = "·".join(name for name in axis if name in known) or "1"

            def detail(n: Size = n, parts: int = parts, product: str = product, part: str = part) -> Detail:
                if product == "1":
                    return Detail(f"its size is {n}", part=part)
                divisors = f"{n} divides by {some_divisors(n)}" if isinstance(n, int) else None
                return Detail(f"its size is {n}, and {product} = {parts}", help=divisors, part=part)

            if len(given) == len(axis):
                yield require(equal(n, parts), "E208", summary, detail)
            elif given:
                yield require(equal(n % parts, 0), "E208", summary, detail)

    def output(self, x: Shape) -> Shape:
        pattern, sizes = self.layout(x)
        return Shape.of([prod([sizes[name] for name in axis]) for axis in pattern.right])

    def explain_channels(self, x: Shape, y: Shape) -> str:
        pattern, sizes = self.layout(x)
        named = ", ".join(f"{name} = {sizes[name]}" for name in pattern.names)
        channels = pattern.right[-1]
        each = f"; a channel is one of {'·'.join(channels)} = {y.channels}" if len(channels) > 1 else ""
        return f"{named}{each}"

    def taps(self, x: Shape, y: Shape) -> tuple[AxisTaps, ...] | Literal["whole"] | None:
        pattern, sizes = self.layout(x)
        if pattern.left == pattern.right:
            return None
        # Axes of size 1 are nowhere in particular.
        left = [[name for name in axis if not statically_known(sizes[name] == 1)] for axis in pattern.left]
        right = [[name for name in axis if not statically_known(sizes[name] == 1)] for axis in pattern.right[:-1]]
        place = {name: number for number, axis in enumerate(left[:-1]) for name in axis}
        sources = [{place[name] for name in axis if name in place} for axis in right]
        used = [number for numbers in sources for number in numbers]
        if not y.spatial:
            return WHOLE if place else ()
        if any(len(numbers) > 1 for numbers in sources) or len(used) > len(set(used)):
            return WHOLE
        taps: list[FromAxis] = []
        for axis, numbers in zip(right, sources, strict=True):
            if not numbers:
                # Made of channels, each of which sees its own.
                taps.append(FromAxis(None))
                continue
            (number,) = numbers
            along = _along(left[number], axis, sizes)
            if along is None:
                return WHOLE
            taps.append(FromAxis(number, along))
        return tuple(taps)


def _along(before: list[str], after: list[str], sizes: Mapping[str, Size]) -> Taps | None:
    """Return what the positions of an axis read along the one that it comes from; None if that is not evenly spaced.

    What of the old axis is not in the new one has gone to the channels, and what is new has come from them.
    """
    kept = [name for name in after if name in before]
    new = [name for name in after if name not in before]
    first = before.index(kept[0])
    if before[first : first + len(kept)] != kept:
        return None
    outer, inner = before[:first], before[first + len(kept) :]
    if new:
        # Each element is laid out as several: those must be the ones that follow one another.
        factor = prod([sizes[name] for name in new])
        follows = after[: len(kept)] == kept and not outer and not inner
        return NearestTaps(1, factor) if follows and isinstance(factor, int) else None
    blocks, step = prod([sizes[name] for name in outer]), prod([sizes[name] for name in inner])
    if not outer:
        return WindowTaps(step - 1, step, 0) if inner else UNCHANGED
    period = prod([sizes[name] for name in kept]) * step
    reach = (blocks - 1) * period
    return WindowTaps(reach + step - 1, step, 0) if inner else WindowTaps(reach, 1, 0, period)


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
