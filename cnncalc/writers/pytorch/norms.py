"""Norms as modules of PyTorch."""

from __future__ import annotations

from math import prod
from typing import Any

from cnncalc.graph import Node
from cnncalc.writers.code import Call, LayerCode, call, positional
from cnncalc.writers.emitter import Unsupported
from cnncalc.writers.pytorch.modules import channels_first, emitter, module_of, sequential


@emitter("ln")
def layer_norm(node: Node, layer: Any) -> LayerCode:
    x = node.input_shapes[0]
    if not layer.all or not x.rank:
        return norm(node, layer)
    if layer.affine and not layer.scale:
        raise Unsupported("its layer norm has a weight wherever it has a bias", "drop `noscale`, or write `noaffine`")
    return module_of("ln", node, normalized_shape=channels_first(x))


@emitter("bn", "gn")
def norm(node: Node, layer: Any) -> Call:
    """Return a norm with the layer's weight and bias; PyTorch has both or none."""
    x = node.input_shapes[0]
    result = module_of(layer.kind, node)
    if layer.kind == "ln" and x.rank:
        result = result._replace(function="ChannelNorm")
    if not layer.affine or layer.scale:
        return result
    without = [each._replace(value=False) if "affine" in each.name else each for each in result.arguments]
    channels, axes = positional("channels", x.channels, channels=True), positional("axes", x.rank)
    return sequential(Call(result.function, tuple(without)), call("Shift", channels, axes))


@emitter("instancenorm")
def instancenorm(node: Node, layer: Any) -> LayerCode:
    if prod(node.input_shapes[0].spatial) == 1:
        raise Unsupported("its instance norm needs more than one position", "leave it out: nothing is left of one")
    return norm(node, layer)


@emitter("lrn")
def lrn(node: Node, layer: Any) -> Call:
    if not node.input_shapes[0].rank:
        raise Unsupported("its local response norm needs spatial axes", "put it before the `fc` or `flatten`")
    return module_of("lrn", node)
