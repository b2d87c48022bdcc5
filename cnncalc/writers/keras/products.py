"""Recurrent and attention layers as layers of Keras."""

from __future__ import annotations

from typing import Any

from cnncalc.frameworks.keras import KERAS
from cnncalc.graph import Node
from cnncalc.writers.code import Call, call, layer_call, positional
from cnncalc.writers.emitter import Unsupported
from cnncalc.writers.keras.calls import chain, dilation_of, edges, emitter, layer_of, padded
from cnncalc.writers.windows import ends_of


@emitter("lstm", "gru", "rnn")
def recurrent(node: Node, layer: Any) -> Call:
    values: dict[str, Any] = {}
    if layer.kind == "gru":
        # Where a gate resets the state before its product, there is one bias for both.
        values["reset_after"] = None if layer.biases != 1 else False
    elif layer.biases == 2:
        name = KERAS.equivalent(layer.kind).name(1).removeprefix("layers.")
        raise Unsupported(f"its {name} has one bias for each gate or none", "write `biases=1` or `nobias`")
    calls = []
    for number in range(1, layer.layers + 1):
        sequences = number < layer.layers or not layer.last
        one = layer_of(layer.kind, node, return_sequences=sequences, **values)
        calls.append(call("layers.Bidirectional", positional("layer", one)) if layer.bidirectional else one)
    return chain(*calls)


@emitter("attention")
def attention(node: Node, layer: Any) -> Call:
    x = node.input_shapes[0]
    # Sizes are of one head; and what is learnt for offsets has a size, that of the blocks.
    query, value = layer.query_size(x) // layer.heads, layer.value_size(x) // layer.heads
    window = layer.window if layer.position == "none" else layer.block(x)
    return layer_of("attention", node, key_dim=query, value_dim=value, window=window)


@emitter("convlstm")
def convlstm(node: Node, layer: Any) -> Call:
    frame = layer.frame(node.input_shapes[0])
    frames = layer.input_conv().resolve(frame)
    pads, padding = padded(frame, frames)
    if pads:
        ends = [(0, 0), *ends_of(frames.windows(frame))]
        pads = edges("pad", node.input_shapes[0], ends)
    values = {"padding": padding, "dilation_rate": dilation_of(frames)}
    return chain(*pads, layer_call(KERAS.equivalent("convlstm"), node, frame.rank, **values))
