"""Norms, and layers that compute element by element or move elements, as layers of Keras."""

from __future__ import annotations

from typing import Any

from cnncalc.frameworks.keras import EPSILON
from cnncalc.graph import Node
from cnncalc.writers.code import Call, Inline, RawCode, call, keyword, positional
from cnncalc.writers.keras.calls import emitter, layer_of


@emitter("bn", "ln", "gn", "instancenorm")
def norm(node: Node, layer: Any) -> Call:
    everything = layer.kind == "ln" and layer.all and node.shape.rank
    axes = {"axis": RawCode(f"{list(range(1, node.shape.rank + 2))}")} if everything else {}
    return layer_of(layer.kind, node, scale=layer.affine and layer.scale, epsilon=EPSILON, **axes)


@emitter("prelu")
def prelu(node: Node, layer: Any) -> Call:
    axes = list(range(1, node.shape.rank + 1 + layer.shared))
    return call("layers.PReLU", keyword("shared_axes", RawCode(f"{axes}") if axes else None))


@emitter("droppath")
def droppath(node: Node, layer: Any) -> Call:
    # One decision for a whole sample.
    shape = RawCode(repr((None,) + (1,) * (node.shape.rank + 1)))
    return call("layers.Dropout", positional("rate", layer.rate), keyword("noise_shape", shape))


@emitter("slice")
def slice_(node: Node, layer: Any) -> Inline:
    start, stop = layer.channels
    return Inline("{0}[..., {start}:{stop}]", (positional("start", start), positional("stop", stop)))


@emitter("reshape")
def reshape(node: Node, layer: Any) -> Call:
    return layer_of("reshape", node, target_shape=node.shape.dims)
