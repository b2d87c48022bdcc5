"""Recurrent layers: one step after another along an axis, with a state that each step hands on to the next."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, Literal

from cnncalc.layers.arguments import Flag, Integer, NamedInteger, PaddingArgument, PerAxis, fit_axes
from cnncalc.layers.base import REGISTRY, WHOLE, Example, WeightedLayer
from cnncalc.layers.taps import Taps, WindowTaps
from cnncalc.shape import Padding, Requirement, Shape, ShapeError, Size, statically_known

#: Kind → the products that a step takes for each unit of its state: one for each gate, and one for the candidate.
GATES = {"lstm": 4, "gru": 3, "rnn": 1}

#: What PyTorch keeps of a unit at a step of an LSTM, or of a GRU: its gates, and its states before and after.
KEPT_OF_STEP = 7


class Recurrent(WeightedLayer):
    """Read the steps of a sequence one after another, with a state of `units` that each step hands on.

    A step weighs its input and the state before it once for each gate: 4 times in an LSTM, 3 in a GRU, once in a plain
    RNN. With `bi` a second set of weights reads the sequence backwards, and both states are the output's channels.
    """

    words = {"lstm": (), "gru": (), "rnn": ()}
    spatial = True
    takes_sequences = True
    keeps = "factors"
    units = Integer("", "x", ":", help="size of the state = output channels of each direction")
    bidirectional = Flag("bi", default=False, help="whether a second set of weights reads the sequence backwards")
    last = Flag("last", default=False, help="whether only the last state is the output, a flat vector")
    layers = NamedInteger(default=1, sample="2", help="number of layers, each on the sequence of the one before it")
    biases = NamedInteger(
        default=2,
        sample="1",
        low=0,
        high=3,
        words={"nobias": 0},
        help="biases of each gate: 2 as in PyTorch and Keras's GRU, 1 as in Keras's LSTM and SimpleRNN",
    )
    size_rule = "steps; u, with `bi` 2·u"
    size_notes = ("`last`: a flat vector of u, with `bi` 2·u",)
    params_rule = "G·u·(C + u) + G·u·b per direction and layer"
    macs_rule = "N·G·u·(C + u) per direction and layer"
    field_rule = "the whole input"
    examples = (
        # 4 gates of 6 units weigh 8 channels and 6 units: 4·6·14; 2 biases for each of 24. 10 steps of 336 products.
        Example("input 10x8 | lstm 6", "10x6", params=384, macs=3360),
        Example("input 10x8 | lstm 6 biases=1", "10x6", params=360, macs=3360),
        # Two directions, and a second layer that reads the 12 channels of both: 2·4·6·14 + 2·4·6·18, and 4·48 biases.
        Example("input 10x8 | lstm 6 bi layers=2", "10x12", params=1728, macs=15360),
        Example("input 10x8 | lstm 6 bi last", "12", params=768, macs=6720),
        # 3·6·14 + 2·18.
        Example("input 10x8 | gru 6", "10x6", params=288, macs=2520),
        Example("input 10x8 | gru 6 bi layers=2 nobias last", "12", params=1152, macs=11520),
        # 1·6·14.
        Example("input 10x8 | rnn 6 nobias", "10x6", params=84, macs=840),
        Example("input 10x8 | rnn 6 bi biases=1", "10x12", params=180, macs=1680),
    )

    @property
    def directions(self) -> int:
        """The number of times that each layer reads the sequence."""
        return 2 if self.bidirectional else 1

    def resolve(self, x: Shape) -> Recurrent:
        """Return the layer; raises `ShapeError` where its input has no axis for the steps, or further ones."""
        if x.rank > 1:
            raise ShapeError(
                "E204",
                "`{layer}` reads one axis, the steps",
                f"the input {x} has {x.rank} spatial axes",
                help=_as_steps(x),
            )
        return super().resolve(x)

    def output(self, x: Shape) -> Shape:
        channels = self.units * self.directions if self.bidirectional else self.units
        return Shape(() if self.last else x.spatial, channels)

    def weights(self, x: Shape) -> Size:
        return self._per_layer(self._input_weights(x.channels), self._state_weights(), self._inner_weights())

    def bias_weights(self, x: Shape) -> Size:
        if statically_known(self.biases == 0):
            return 0
        return self._everywhere(self.gates * self.units * self.biases)

    @property
    def gates(self) -> int:
        """The products of a step for each unit."""
        return GATES[self.kind]

    def _input_weights(self, channels: Size) -> Size:
        return self.gates * self.units * channels

    def _state_weights(self) -> Size:
        return self.gates * self.units * self.units

    def _inner_weights(self) -> Size:
        """Return the weights by which a layer but the first reads one direction's share of the layer before it."""
        return self._input_weights(self.units * self.directions if self.bidirectional else self.units)

    def _per_layer(self, first: Size, state: Size, inner: Size) -> Size:
        """Return the sum over directions and layers of what the input comes to, and of what the state comes to."""
        total = first + state
        if self.bidirectional:
            total = self.directions * total
        if self.stacked:
            total = total + (self.layers - 1) * self.directions * (inner + state)
        return total

    def _everywhere(self, number: Size) -> Size:
        """Return what there is once in each direction of each layer."""
        number = self.directions * number if self.bidirectional else number
        return self.layers * number if self.stacked else number

    @property
    def stacked(self) -> bool:
        """Whether there is more than one layer."""
        return statically_known(self.layers > 1)

    def multiply_adds(self, x: Shape, y: Shape) -> Size:
        return x.spatial[0] * self.weights(x)

    def backward_multiply_adds(self, x: Shape, y: Shape, trains: bool, learning: int) -> Size:
        # The state before the first step is given: no gradient goes there.
        steps = x.spatial[0]
        first = self._input_weights(x.channels) * steps * (trains + learning)
        state = self._state_weights() * (steps * trains + steps - 1)
        inner = self._inner_weights() * steps * (trains + 1)
        return self._per_layer(first, state, inner)

    def kept_elements(self, inputs: tuple[Shape, ...], y: Shape) -> Size:
        steps = inputs[0].spatial[0]
        # A plain RNN keeps its states, the first included.
        kept = (steps + 1) * self.units if self.kind == "rnn" else KEPT_OF_STEP * steps * self.units
        between = (self.layers - 1) * steps * self.units * self.directions
        return self._everywhere(kept) + between

    def states(self, x: Shape) -> Size:
        """Return the elements of the state at all steps, in all directions and layers."""
        return x.spatial[0] * self._everywhere(self.units)

    def biases_added(self, x: Shape) -> Size:
        """Return the biases that are added at all steps."""
        return x.spatial[0] * self.bias_weights(x)

    def explain_channels(self, x: Shape, y: Shape) -> str:
        times = {4: "4 times", 3: "3 times", 1: "once"}[self.gates]
        both = f"; two directions, side by side: 2·{self.units} = {y.channels}" if self.bidirectional else ""
        return f"each unit weighs {x.channels} channels and {self.units} units of the state {times} a step{both}"

    def taps(self, x: Shape, y: Shape) -> tuple[Taps, ...] | Literal["whole"]:
        return WHOLE


def _as_steps(x: Shape) -> str:
    """Return the edit that makes steps of all positions."""
    positions = prod(x.spatial)
    if not all(isinstance(n, int) for n in x.dims):
        return "write a `reshape` to steps x channels before it"
    return f"write `reshape {positions}x{x.channels}` before it, to read all positions as steps"


class ConvLSTM(WeightedLayer):
    """An LSTM whose states are feature maps: its products are convolutions (arXiv:1506.04214, without peepholes).

    The first axis is that of the steps. At each, a convolution reads the input, with its stride and padding, and one of
    the same kernel the state, at stride 1 and `same`; both give 4 maps for each filter.
    """

    words = {"convlstm": ()}
    spatial = True
    keeps = "factors"
    kernel = PerAxis("", in_full=True, help="window size, on the axes behind the steps")
    stride = PerAxis("s", default=(1,), help="step of the window over the input")
    padding = PaddingArgument("p", default=Padding("valid"), help="zeros at each end of an axis of the input")
    dilation = PerAxis("d", default=(1,), help="distance between taps on the input")
    filters = Integer("x", ":", help="number of filters = output channels")
    bias = Flag("bias", "nobias", default=True, help="whether there is a bias for each gate of a filter")
    last = Flag("last", default=False, help="whether only the last step's state is the output")
    size_rule = "steps, then as conv; filters"
    size_notes = ("`last`: without the steps",)
    params_rule = "4·x·(∏F·C + ∏F·x) + 4·x"
    macs_rule = "∏O·4·x·(∏F·C + ∏F·x) at each step"
    field_rule = "all steps up to its own; on the other axes as conv, and (F − 1)·j·S more for each step before it"
    examples = (
        # 4·3 maps of 9·2 weights on the input and 9·3 on the state: 540, and 12 biases; 4 steps of 5·5·540 products.
        Example("input 4x5x5x2 | convlstm 3x3 same x3", "4x5x5x3", params=552, macs=54000),
        # At stride 2, 3·3 positions.
        Example("input 4x5x5x2 | convlstm 3x3 s2 p1 x3 nobias last", "3x3x3", params=540, macs=19440),
        # 4·2·(3·1 + 3·2) + 8; 6 steps of 6·72.
        Example("input 6x8x1 | convlstm 3 x2", "6x6x2", params=80, macs=2592),
    )

    def resolve(self, x: Shape) -> ConvLSTM:
        """Return the layer with a value for each axis behind the steps; raises `ShapeError` where there is none."""
        if x.rank < 2:
            raise ShapeError(
                "E204",
                "`{layer}` needs steps, and one or two spatial axes behind them",
                f"the input {x} has {x.rank} spatial axes" if x.rank != 1 else f"the input {x} has 1 spatial axis",
                help="write `lstm`, which reads vectors, or give an input of steps x height x width x channels",
            )
        values: dict[str, Any] = {}
        for name, argument in self.arguments.items():
            value = getattr(self, name)
            if isinstance(value, tuple) and not isinstance(value, Padding):
                value = fit_axes(name, value, x.rank - 1)
            values[name] = argument.fit(value, x.rank - 1)
        return self.with_values(values)

    def input_conv(self) -> Any:
        """Return the convolution that reads the input of a step, for all gates."""
        window = {name: getattr(self, name) for name in ("kernel", "stride", "padding", "dilation", "bias")}
        return REGISTRY["conv"]("conv", **window, filters=4 * self.filters)

    def state_conv(self) -> Any:
        """Return the convolution that reads the state, for all gates."""
        ones = (1,) * len(self.kernel)
        return REGISTRY["conv"](
            "conv",
            kernel=self.kernel,
            stride=ones,
            padding=Padding("same"),
            dilation=ones,
            filters=4 * self.filters,
            bias=False,
        )

    def frame(self, x: Shape) -> Shape:
        """Return the shape of the input at one step."""
        return Shape(x.spatial[1:], x.channels)

    def requirements(self, x: Shape) -> Iterator[Requirement]:
        yield from self.input_conv().requirements(self.frame(x))

    def output(self, x: Shape) -> Shape:
        sizes = self.input_conv().sizes(self.frame(x))
        return Shape(sizes if self.last else (x.spatial[0], *sizes), self.filters)

    def weights(self, x: Shape) -> Size:
        return self._input_weights(x) + self._state_weights()

    def _input_weights(self, x: Shape) -> Size:
        return 4 * self.filters * prod(self.kernel) * x.channels

    def _state_weights(self) -> Size:
        return 4 * self.filters * prod(self.kernel) * self.filters

    def bias_weights(self, x: Shape) -> Size:
        return 4 * self.filters if self.bias else 0

    def positions(self, y: Shape) -> Size:
        """Return the positions of a map."""
        return prod(y.spatial if self.last else y.spatial[1:])

    def multiply_adds(self, x: Shape, y: Shape) -> Size:
        return x.spatial[0] * self.positions(y) * self.weights(x)

    def backward_multiply_adds(self, x: Shape, y: Shape, trains: bool, learning: int) -> Size:
        # The state before the first step is given: no gradient goes there.
        steps = x.spatial[0]
        of_input = self._input_weights(x) * steps * (trains + learning)
        return self.positions(y) * (of_input + self._state_weights() * (steps * trains + steps - 1))

    def states(self, x: Shape) -> Size:
        """Return the elements of the state at all steps."""
        return x.spatial[0] * prod(self.input_conv().sizes(self.frame(x))) * self.filters

    def biases_added(self, x: Shape) -> Size:
        """Return the biases that are added at all steps and positions."""
        return 4 * self.states(x) if self.bias else 0

    def conv_activations(self, x: Shape, y: Shape) -> Size:
        return 2 * 4 * self.states(x)

    def kept_elements(self, inputs: tuple[Shape, ...], y: Shape) -> Size:
        return KEPT_OF_STEP * self.states(inputs[0])

    def padding_ends(self, x: Shape) -> list[list[Size]]:
        ends: list[list[Size]] = self.input_conv().padding_ends(self.frame(x))
        return ends

    def explain_channels(self, x: Shape, y: Shape) -> str:
        return (
            f"each of {self.filters} filters has 4 kernels for each of the {x.channels} input channels, and 4 for each "
            f"of the {self.filters} channels of the state"
        )

    def taps(self, x: Shape, y: Shape) -> tuple[Taps, ...]:
        before = x.spatial[0] - 1
        axes = []
        for window, kernel in zip(self.input_conv().windows(self.frame(x)), self.kernel, strict=True):
            # Each step before adds the reach of the state's window, whose elements are S apart in the input.
            reach = before * window.stride
            grow = window.extent - 1 + reach * (kernel - 1)
            axes.append(WindowTaps(grow, window.stride, window.begin + reach * ((kernel - 1) // 2)))
        return tuple(axes) if self.last else (WindowTaps(before, 1, before), *axes)
