"""Fully connected, recurrent and attention layers as modules of PyTorch."""

from __future__ import annotations

from typing import Any

from cnncalc.graph import Node
from cnncalc.shape import Shape
from cnncalc.writers.code import Call, CallArgument, call, positional
from cnncalc.writers.emitter import Unsupported
from cnncalc.writers.pytorch.modules import emitter, module_of, padded, sequential


@emitter("lstm", "gru", "rnn")
def recurrent(node: Node, layer: Any) -> Call:
    if layer.biases == 1:
        raise Unsupported("its recurrent layers have two biases or none", "write `biases=2` or `nobias`")
    return call("Recurrent", positional("layer", module_of(layer.kind, node)), CallArgument("last", layer.last, False))


@emitter("convlstm")
def convlstm(node: Node, layer: Any) -> Call:
    frame = layer.frame(node.input_shapes[0])
    frames, state = layer.input_conv(), layer.state_conv()
    pads, padding = padded(frame, frames.windows(frame))
    # Sizes are those of a step: the convolutions have an axis less than the node.
    step = node._replace(input_shapes=(frame,), shape=frames.output(frame))
    hidden = Shape(step.shape.spatial, layer.filters)
    back = node._replace(input_shapes=(hidden,), shape=state.output(hidden))
    return call(
        "ConvLSTM",
        positional("frames", sequential(*pads, module_of("conv", step._replace(layer=frames), padding=padding))),
        positional("state", module_of("conv", back._replace(layer=state))),
        CallArgument("last", layer.last, False),
    )


@emitter("attention")
def attention(node: Node, layer: Any) -> Call:
    # What is learnt for offsets has a size: that of the blocks.
    window = layer.window if layer.position == "none" else layer.block(node.input_shapes[0])
    return module_of("attention", node, window=window)


@emitter("fc")
def fc(node: Node, layer: Any) -> Call:
    result = module_of("fc", node)
    return result._replace(function="ChannelLinear") if node.input_shapes[0].rank else result
