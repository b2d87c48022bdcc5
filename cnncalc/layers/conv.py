"""Convolutions: plain, depthwise, separable and transposed, on any number of spatial axes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import prod

from cnncalc.layers.arguments import Flag, Integer, PaddingArgument, PerAxis, count
from cnncalc.layers.base import Example, Layer, Lint, WeightedLayer
from cnncalc.layers.taps import TransposedTaps
from cnncalc.layers.windowed import Windowed
from cnncalc.shape import (
    AXES,
    Condition,
    Detail,
    Padding,
    Requirement,
    Shape,
    Size,
    Window,
    require,
    require_divisible,
    require_size,
    transposed_same_total,
    transposed_size,
)

#: The padding rules of the convolutions that read their input, and what there is to know of their sizes.
RULES = ("valid", "same", "full", "causal")
CAUSAL_NOTES = (*Windowed.size_notes, "`causal`, on one axis: P = F' − 1 before the first step, 0 behind the last")


class Convolution(Windowed, WeightedLayer):
    """The base of the convolutions: the arguments of their window, and how their channels are explained."""

    kernel = PerAxis("", in_full=True, help="window size")
    stride = PerAxis("s", default=(1,), help="step of the window")
    padding = PaddingArgument("p", rules=RULES, default=Padding("valid"), help="zeros at each end of an axis")
    dilation = PerAxis("d", default=(1,), help="distance between taps")
    # Also where the weights are frozen: PyTorch keeps the input all the same.
    keeps = "inputs"

    def conv_activations(self, x: Shape, y: Shape) -> Size:
        return y.elements

    def kernels(self, number: int) -> str:
        """Return a number of kernels with their size: `3 kernels of 5x5`."""
        return f"{count(number, 'kernel')} of {'x'.join(map(str, self.kernel))}"

    def explain_filters(self, x: Shape, groups: int, filters: int) -> str:
        """Return why a filter has a kernel for each channel that it reads, and outputs one channel."""
        each = x.channels // groups
        bias = ", with its bias," if self.bias_weights(x) else ""
        reads = "input channel" if groups == 1 else "channel of its group"
        share = "" if groups == 1 else f" ({x.channels} input channels and {filters} filters in {groups} groups)"
        return (
            f"a filter has {self.kernels(each)}, one for each {reads}{share}; what they give{bias} adds up to one "
            f"feature map: {count(filters, 'filter')}, {count(filters, 'output channel')}"
        )


class Conv(Convolution):
    """Slide `filters` kernels over the input; each spans the channels of its group."""

    words = {"conv": ("convolution",)}
    ranked = True
    reduction = "sum of products"
    groups = Integer("g", default=1, help="channel groups")
    filters = Integer("x", ":", help="number of filters = output channels")
    bias = Flag("bias", "nobias", default=True, help="whether there is a bias")
    size_rule = "floor((N + 2P − F')/S) + 1; filters"
    size_notes = CAUSAL_NOTES
    params_rule = "∏F·(C/g)·x + x"
    macs_rule = "∏O·∏F·(C/g)·x"
    examples = (
        # 3·3·3 weights and 1 bias for each of 2 filters; 3·3 positions · 3·3·3 products · 2 filters.
        Example("input 5x5x3 | conv 3x3 s1 valid x2", "3x3x2", params=56, macs=486),
        # same at stride 2: ceil(5/2) x ceil(6/2).
        Example("input 5x6x1 | conv 3x3 s2 same x1", "3x3x1", params=10, macs=81),
        Example("input 5x5x1 | conv 3x3 full x1", "7x7x1", params=10, macs=441),
        # Two groups of 2 channels: 3·2 weights for each of 6 filters.
        Example("input 10x4 | conv 3 g2 x6 nobias", "8x6", params=36, macs=288),
        Example("input 4x5x6x1 | conv3d 2 x1", "3x4x5x1", params=9, macs=480),
        # F' = 2·2 + 1 = 5, so 4 zeros before the first step: as many steps as before. 3·2·3 + 3; 10·18.
        Example("input 10x2 | conv 3 causal d2 x3", "10x3", params=21, macs=180),
    )

    def requirements(self, x: Shape) -> Iterator[Requirement]:
        yield require_divisible(self.filters, self.groups, "filters", "groups")
        yield require_divisible(x.channels, self.groups, "channels", "groups")
        yield from super().requirements(x)

    def output(self, x: Shape) -> Shape:
        return Shape(self.sizes(x), self.filters)

    def weights(self, x: Shape) -> Size:
        return prod(self.kernel) * (x.channels // self.groups) * self.filters

    def bias_weights(self, x: Shape) -> Size:
        return self.filters if self.bias else 0

    def multiply_adds(self, x: Shape, y: Shape) -> Size:
        return prod(y.spatial) * self.weights(x)

    def is_depthwise(self, x: Shape) -> bool:
        return bool(self.groups == x.channels == self.filters)

    def explain_channels(self, x: Shape, y: Shape) -> str:
        return self.explain_filters(x, self.groups, self.filters)


class DepthwiseConv(Convolution):
    """Slide `multiplier` kernels over every channel by itself: a convolution with as many groups as channels."""

    words = {"dwconv": ("depthwise",)}
    reduction = "sum of products"
    multiplier = Integer("m", default=1, help="filters per input channel")
    bias = Flag("bias", "nobias", default=True, help="whether there is a bias")
    size_rule = "floor((N + 2P − F')/S) + 1; C·m"
    size_notes = CAUSAL_NOTES
    params_rule = "∏F·C·m + C·m"
    macs_rule = "∏O·∏F·C·m"
    examples = (Example("input 8x8x4 | dwconv 3x3 same m2", "8x8x8", params=80, macs=4608),)

    def output(self, x: Shape) -> Shape:
        return Shape(self.sizes(x), x.channels * self.multiplier)

    def weights(self, x: Shape) -> Size:
        return prod(self.kernel) * x.channels * self.multiplier

    def bias_weights(self, x: Shape) -> Size:
        return x.channels * self.multiplier if self.bias else 0

    def multiply_adds(self, x: Shape, y: Shape) -> Size:
        return prod(y.spatial) * self.weights(x)

    def is_depthwise(self, x: Shape) -> bool:
        return self.multiplier == 1

    def explain_channels(self, x: Shape, y: Shape) -> str:
        return (
            f"each input channel has {self.kernels(self.multiplier)} of its own, and nothing is added up over "
            f"channels: {x.channels}·{self.multiplier} = {y.channels} output channels"
        )


class SeparableConv(Convolution):
    """A depthwise convolution, then a 1x1 convolution that mixes its channels; one bias, at the end."""

    words = {"sepconv": ("separable",)}
    multiplier = Integer("m", default=1, help="filters per input channel")
    filters = Integer("x", ":", help="number of filters = output channels")
    bias = Flag("bias", "nobias", default=True, help="whether there is a bias")
    size_rule = "floor((N + 2P − F')/S) + 1; filters"
    size_notes = CAUSAL_NOTES
    params_rule = "∏F·C·m + C·m·x + x"
    macs_rule = "∏O·(∏F·C·m + C·m·x)"
    # 9·3 + 3·4 + 4 parameters; 3·3 positions · (9·3 + 3·4) products.
    examples = (Example("input 5x5x3 | sepconv 3x3 x4", "3x3x4", params=43, macs=351),)

    def output(self, x: Shape) -> Shape:
        return Shape(self.sizes(x), self.filters)

    def weights(self, x: Shape) -> Size:
        return x.channels * self.multiplier * (prod(self.kernel) + self.filters)

    def bias_weights(self, x: Shape) -> Size:
        return self.filters if self.bias else 0

    def multiply_adds(self, x: Shape, y: Shape) -> Size:
        return prod(y.spatial) * self.weights(x)

    def conv_activations(self, x: Shape, y: Shape) -> Size:
        return self._between(x, y) + y.elements

    def kept_elements(self, inputs: tuple[Shape, ...], y: Shape) -> Size:
        return self._between(inputs[0], y)

    def _between(self, x: Shape, y: Shape) -> Size:
        """Return the output elements of the first of the two convolutions."""
        return prod(y.spatial) * x.channels * self.multiplier

    def decompose(self, x: Shape) -> tuple[Layer, ...]:
        window = {name: getattr(self, name) for name in ("kernel", "stride", "padding", "dilation", "multiplier")}
        depthwise = DepthwiseConv("dwconv", **window, bias=False)
        return depthwise.resolve(x), Conv("conv", kernel=(1,), filters=self.filters, bias=self.bias).resolve(x)

    def explain_channels(self, x: Shape, y: Shape) -> str:
        between = x.channels * self.multiplier
        return (
            f"each input channel has {self.kernels(self.multiplier)} of its own; then each of the "
            f"{count(self.filters, 'filter')} weighs what comes of them, {count(between, 'number')} at every position, "
            f"and gives one output channel: {self.filters}"
        )


class Deconv(Convolution):
    """A transposed convolution: every input element writes a kernel's worth of the output.

    Its MACs follow the input's size, since that is how often each kernel is applied.
    """

    words = {"deconv": ("convtranspose", "tconv", "conv_transpose")}
    ranked = True
    pads = "crops"
    padding = PaddingArgument("p", default=Padding("valid"), help="zeros at each end of an axis")
    output_padding = PerAxis("op", default=(0,), low=0, sample="1", help="rows added at the end")
    groups = Integer("g", default=1, help="channel groups")
    filters = Integer("x", ":", help="number of filters = output channels")
    bias = Flag("bias", "nobias", default=True, help="whether there is a bias")
    size_rule = "(N − 1)·S − 2P + F' + op; filters"
    size_notes = ("`valid`: P = 0", "`same`: N·S", "`full`: P = F' − 1")
    params_rule = "∏F·C·(x/g) + x"
    macs_rule = "∏N·∏F·C·(x/g)"
    field_rule = "output o sees what the inputs i do with o = i·S − P + t·d for a tap t; j becomes j/S"
    examples = (
        # (4 − 1)·2 + 2 = 8; 2·2·3·5 weights and 5 biases; 4·4 input positions · 60.
        Example("input 4x4x3 | deconv 2 s2 x5", "8x8x5", params=65, macs=960),
        Example("input 4x4x3 | deconv 3x3 s2 same x1", "8x8x1", params=28, macs=432),
        Example("input 4x4x3 | deconv 3x3 s2 p1 op1 x1", "8x8x1", params=28, macs=432),
    )

    def windows(self, x: Shape) -> tuple[Window, ...]:
        return tuple(
            self.padding.transposed_window(axis, *each)
            for axis, each in enumerate(zip(self.kernel, self.stride, self.dilation, self.output_padding, strict=True))
        )

    def same_totals(self, x: Shape) -> tuple[Size, ...]:
        pairs = zip(self.windows(x), self.output_padding, strict=True)
        return tuple(transposed_same_total(window, more) for window, more in pairs)

    def swept(self, x: Shape, y: Shape) -> tuple[tuple[Size, ...], tuple[Size, ...]]:
        return y.spatial, x.spatial

    def requirements(self, x: Shape) -> Iterator[Requirement]:
        yield require_divisible(x.channels, self.groups, "channels", "groups")
        for name, n, window, more in zip(AXES[x.rank], x.spatial, self.windows(x), self.output_padding, strict=True):
            yield _require_output_padding(more, window)
            rule = partial(_transposed_text, n, window, more)
            crops = "its padding crops all of it"
            yield require_size(transposed_size(n, window, more), name, rule, crops, "use less padding")
        yield require_divisible(self.filters, self.groups, "filters", "groups")

    def output(self, x: Shape) -> Shape:
        return Shape(self.sizes(x), self.filters)

    def sizes(self, x: Shape) -> tuple[Size, ...]:
        axes = zip(x.spatial, self.windows(x), self.output_padding, strict=True)
        return tuple([transposed_size(n, window, more) for n, window, more in axes])

    def weights(self, x: Shape) -> Size:
        return prod(self.kernel) * x.channels * (self.filters // self.groups)

    def bias_weights(self, x: Shape) -> Size:
        return self.filters if self.bias else 0

    def multiply_adds(self, x: Shape, y: Shape) -> Size:
        return prod(x.spatial) * self.weights(x)

    def explain_channels(self, x: Shape, y: Shape) -> str:
        return self.explain_filters(x, self.groups, self.filters)

    def taps(self, x: Shape, y: Shape) -> tuple[TransposedTaps, ...]:
        return tuple([TransposedTaps(window) for window in self.windows(x)])

    def dropped(self, x: Shape) -> list[Size]:
        # Every input element is written from.
        return [0] * x.rank

    def drops_nothing(self, x: Shape) -> list[Condition]:
        return [True] * x.rank

    def lints(self, x: Shape) -> Iterator[Lint]:
        return iter(())


def _require_output_padding(more: int, window: Window) -> Requirement:
    fact = f"`output_padding` (={more}) must be below `stride` (={window.stride})"
    below = not more or more < max(window.stride, window.dilation)
    summary = "`output_padding` of `{layer}` is too large"
    return require(below, "E105", summary, lambda: Detail(fact, help="drop it, or write a smaller one"))


def _transposed_text(n: Size, window: Window, more: int) -> str:
    """Return the rule of a transposed size with its numbers, for a note."""
    size = transposed_size(n, window, more)
    return f"({n} - 1) * {window.stride} - {window.begin} - {window.end} + {window.extent} + {more} = {size}"
