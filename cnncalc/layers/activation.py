"""Activations: element by element, in place, and without parameters, except prelu."""

from __future__ import annotations

from typing import Literal

from cnncalc.layers.arguments import Flag, Real
from cnncalc.layers.base import Example, Layer, WeightedLayer
from cnncalc.shape import Shape, Size

#: The functions whose derivative PyTorch computes from their output; that of the others it computes from their input.
DERIVED_FROM_OUTPUT = ("relu", "sigmoid", "tanh", "softmax", "logsoftmax")


class Activation(Layer):
    """A function of each element (softmax and logsoftmax: over the channels of each position)."""

    words = {
        "relu": (),
        "relu6": (),
        "selu": (),
        "celu": (),
        "gelu": (),
        "silu": ("swish",),
        "mish": (),
        "sigmoid": (),
        "hardsigmoid": (),
        "hardswish": (),
        "tanh": (),
        "hardtanh": (),
        "softplus": (),
        "softsign": (),
        "softmax": (),
        "logsoftmax": (),
    }
    memory = "in place"
    examples = (Example("input 8x8x16 | relu", "8x8x16"), Example("input 10 | softmax", "10"))

    @property
    def keeps(self) -> Literal["inputs", "output"]:  # type: ignore[override]  # differs by kind
        return "output" if self.kind in DERIVED_FROM_OUTPUT else "inputs"

    def kept_elements(self, inputs: tuple[Shape, ...], y: Shape) -> Size:
        # softsign is x / (1 + |x|): a quotient keeps its divisor, too.
        return y.elements if self.kind == "softsign" else 0


class LeakyRelu(Layer):
    """max(x, slope·x)."""

    words = {"leakyrelu": ()}
    memory = "in place"
    # By its output, as PyTorch's in-place form does: the slope keeps the sign.
    keeps = "output"
    slope = Real("", default=0.01, help="slope below zero")
    examples = (Example("input 8x8x16 | leakyrelu 0.1", "8x8x16"),)


class Elu(Layer):
    """x above zero, alpha·(exp(x) − 1) below."""

    words = {"elu": ()}
    memory = "in place"
    keeps = "inputs"
    alpha = Real("", default=1, help="the limit below zero")
    examples = (Example("input 8x8x16 | elu", "8x8x16"),)


class PRelu(WeightedLayer):
    """A leaky relu whose slope is learnt: one for each channel, or one that all share."""

    words = {"prelu": ()}
    memory = "in place"
    keeps = "inputs"
    shared = Flag("shared", None, default=False, help="whether all channels share one slope")
    params_rule = "C; 1 if shared"
    examples = (
        Example("input 8x8x16 | prelu", "8x8x16", params=16),
        Example("input 8x8x16 | prelu shared", "8x8x16", params=1),
    )

    def weights(self, x: Shape) -> Size:
        return 1 if self.shared else x.channels

    def explain_channels(self, x: Shape, y: Shape) -> str:
        return (
            "one slope for all channels"
            if self.shared
            else f"a slope for each channel, of which there are {x.channels}"
        )
