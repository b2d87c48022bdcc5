"""Normalization layers, and the scale layer often used with them."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from cnncalc.layers.arguments import Flag, Integer
from cnncalc.layers.base import Example, Layer, WeightedLayer
from cnncalc.shape import Requirement, Shape, Size, require_divisible


class Norm(WeightedLayer):
    """The base of the norms: a weight and a bias for each channel, unless `noaffine`; `noscale` leaves the bias."""

    memory = "in place"
    keeps = "inputs"
    affine = Flag(None, "noaffine", default=True, help="whether it has a weight and a bias for each channel")
    scale = Flag(None, "noscale", default=True, help="whether the weight is one of them, or the bias alone")
    params_rule = "2C"

    def weights(self, x: Shape) -> Size:
        return x.channels if self.affine and self.scale else 0

    def bias_weights(self, x: Shape) -> Size:
        return x.channels if self.affine else 0

    def explain_channels(self, x: Shape, y: Shape) -> str:
        if not self.affine:
            return ""
        return f"{'a weight and a bias' if self.scale else 'a bias'} for each channel, of which there are {x.channels}"


class BatchNorm(Norm):
    """Normalize each channel over the batch; at inference by its running mean and variance."""

    words = {"bn": ("batchnorm",)}
    params_rule = "2C, and 2C buffers"
    buffers_rule = "2C: the running mean and variance"
    examples = (
        Example("input 8x8x16 | bn", "8x8x16", params=32, buffers=32),
        Example("input 8x8x16 | bn noaffine", "8x8x16", params=0, buffers=32),
        Example("input 8x8x16 | bn noscale", "8x8x16", params=16, buffers=32),
    )

    def buffers(self, x: Shape) -> Size:
        return 2 * x.channels


class LayerNorm(Norm):
    """Normalize each position over its channels; with `all`, everything at once."""

    words = {"ln": ("layernorm",)}
    all = Flag("all", None, default=False, help="over all axes, with a weight and a bias for each element")
    params_rule = "2C; `all`: 2·H·W·C"
    examples = (
        Example("input 8x8x16 | ln", "8x8x16", params=32),
        # 8·8·16 weights and as many biases.
        Example("input 8x8x16 | ln all", "8x8x16", params=2048),
    )

    def weights(self, x: Shape) -> Size:
        return super().weights(self._normalized(x))

    def bias_weights(self, x: Shape) -> Size:
        return super().bias_weights(self._normalized(x))

    def weights_depend_on(self, x: Shape) -> tuple[Size, ...]:
        return x.dims if self.all else super().weights_depend_on(x)

    def _normalized(self, x: Shape) -> Shape:
        """Return the shape of what is normalized together: its elements as channels, with `all`."""
        return Shape((), x.elements) if self.all else x

    def explain_channels(self, x: Shape, y: Shape) -> str:
        if not (self.all and self.affine):
            return super().explain_channels(x, y)
        return f"{'a weight and a bias' if self.scale else 'a bias'} for each element, of which there are {x.elements}"


class InstanceNorm(Norm):
    """Normalize each channel over its positions."""

    words = {"instancenorm": ()}
    spatial = True
    examples = (Example("input 8x8x16 | instancenorm noaffine", "8x8x16"),)


class GroupNorm(Norm):
    """Normalize each group of channels over its positions."""

    words = {"gn": ("groupnorm",)}
    groups = Integer("g", help="channel groups")
    examples = (Example("input 8x8x16 | gn g4", "8x8x16", params=32),)

    def requirements(self, x: Shape) -> Iterator[Requirement]:
        yield require_divisible(x.channels, self.groups, "channels", "groups")


class GlobalResponseNorm(WeightedLayer):
    """Scale each channel by its share of the mean length of the channels (ConvNeXt V2, arXiv:2301.00808).

    The length of a channel is the root of its sum of squares over all positions. A weight and a bias for each channel
    are applied to what is scaled, and the input is added.
    """

    words = {"grn": ()}
    memory = "in place"
    keeps = "inputs"
    spatial = True
    params_rule = "2C"
    examples = (
        # A weight and a bias for each of the 16 channels.
        Example("input 8x8x16 | grn", "8x8x16", params=32),
    )

    def weights(self, x: Shape) -> Size:
        return x.channels

    def bias_weights(self, x: Shape) -> Size:
        return x.channels

    def kept_elements(self, inputs: tuple[Shape, ...], y: Shape) -> Size:
        # Put together of simpler steps: the lengths, their mean, the quotients of both, and the input scaled by those.
        return y.elements + 2 * y.channels + 1

    def explain_channels(self, x: Shape, y: Shape) -> str:
        return f"a weight and a bias for each channel, of which there are {x.channels}"


class LocalResponseNorm(Layer):
    """Divide each element by its neighbours across `size` channels (AlexNet)."""

    words = {"lrn": ()}
    memory = "in place"
    keeps = "inputs"
    size = Integer("", default=5, help="channels across")
    examples = (Example("input 27x27x96 | lrn 5", "27x27x96"),)

    def kept_elements(self, inputs: tuple[Shape, ...], y: Shape) -> Size:
        # PyTorch's is put together of simpler steps, which keep the squares with padding along the channels, their
        # scaled mean, and its power, by which the input is divided.
        squares = y.elements + prod(y.spatial) * (self.size - 1)
        return squares + 2 * y.elements


class Scale(WeightedLayer):
    """Multiply each channel by a weight of its own."""

    words = {"scale": ()}
    memory = "in place"
    keeps = "factors"
    bias = Flag("bias", "nobias", default=False, help="whether a bias is added")
    params_rule = "C, with bias 2C"
    examples = (
        Example("input 8x8x16 | scale", "8x8x16", params=16),
        Example("input 8x8x16 | scale bias", "8x8x16", params=32),
    )

    def weights(self, x: Shape) -> Size:
        return x.channels

    def bias_weights(self, x: Shape) -> Size:
        return x.channels if self.bias else 0

    def explain_channels(self, x: Shape, y: Shape) -> str:
        return f"a weight{' and a bias' if self.bias else ''} for each channel, of which there are {x.channels}"
