"""Layers that work on axes as such: those applied to each step, and axes laid out anew."""

from __future__ import annotations

from typing import Any

from cnncalc.graph import Node, one_step
from cnncalc.writers.axes import keeps_order, split_and_order
from cnncalc.writers.code import Call, Inline, LayerCode, call, positional
from cnncalc.writers.keras.calls import calls_of, chain, emitter


@emitter("timewise")
def timewise(node: Node, layer: Any) -> LayerCode:
    code = emitter.emit(one_step(node))
    # A part of the channels is the same of all steps.
    if isinstance(code, Inline):
        return code
    calls = calls_of(code)
    # Keras's wrapper asks the layer for the shape of its output, which those that go along do not state.
    wrappers = ["layers.TimeDistributed" if each.function.startswith("layers.") else "Timewise" for each in calls]
    return chain(*(call(name, positional("layer", each)) for name, each in zip(wrappers, calls, strict=True)))


@emitter("rearrange")
def rearrange(node: Node, layer: Any) -> Call:
    sizes, order = split_and_order(node)
    last = call("layers.Reshape", positional("target_shape", node.shape.dims))
    if keeps_order(order):
        return last
    split = call("layers.Reshape", positional("target_shape", sizes))
    return chain(split, call("layers.Permute", positional("dims", tuple([place + 1 for place in order]))), last)
