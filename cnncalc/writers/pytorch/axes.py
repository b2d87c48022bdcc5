"""Layers that work on axes as such: those applied to each step, and axes laid out anew."""

from __future__ import annotations

from typing import Any

from cnncalc.graph import Node, one_step
from cnncalc.writers.axes import keeps_order, split_and_order
from cnncalc.writers.code import Call, CallArgument, Inline, RawCode, call, inline_text, positional
from cnncalc.writers.order import has_order
from cnncalc.writers.pytorch.elements import FLATTEN_BY_PLACE
from cnncalc.writers.pytorch.modules import channels_first, emitter


@emitter("timewise")
def timewise(node: Node, layer: Any) -> Call:
    step = one_step(node)
    by_place = step.layer.kind == "flatten" and has_order(step.input_shapes[0])
    code = FLATTEN_BY_PLACE if by_place else emitter.emit(step)
    if isinstance(code, Inline):
        return call("Timewise", positional("layer", RawCode(f"lambda x: {inline_text(code, ['x'])}")))
    return call("Timewise", positional("layer", code))


@emitter("rearrange")
def rearrange(node: Node, layer: Any) -> Inline:
    sizes, order = split_and_order(node, channels_first=True)
    pattern, arguments = "{0}", list[CallArgument]()
    if not keeps_order(order):
        arguments = [positional(f"part{number}", size) for number, size in enumerate(sizes)]
        parts = "".join(f", {{{each.name}}}" for each in arguments)
        pattern += f".reshape(-1{parts}).permute(0, {', '.join(str(place + 1) for place in order)})"
    shape = [positional(f"size{number}", size) for number, size in enumerate(channels_first(node.shape))]
    pattern += f".reshape(-1{''.join(f', {{{each.name}}}' for each in shape)})"
    return Inline(pattern, (*arguments, *shape))
