"""Layers that compute element by element, or move elements, as modules and expressions of PyTorch."""

from __future__ import annotations

from math import prod
from typing import Any

from cnncalc.graph import Node
from cnncalc.writers.code import Call, Inline, positional
from cnncalc.writers.order import has_order
from cnncalc.writers.pytorch.modules import channels_first, emitter, module_of


@emitter("prelu")
def prelu(node: Node, layer: Any) -> Call:
    slopes = positional("num_parameters", node.input_shapes[0].channels, channels=True)
    return Call("nn.PReLU", () if layer.shared else (slopes,))


@emitter("pixelshuffle", "pixelunshuffle")
def pixelshuffle(node: Node, layer: Any) -> Call:
    result = module_of(layer.kind, node)
    # PyTorch's own supports two axes; the copied class has its name.
    return result if node.shape.rank == 2 else result._replace(function=result.function.removeprefix("nn."))


@emitter("crop")
def crop(node: Node, layer: Any) -> Inline:
    arguments, slices = [], []
    for axis, (n, (begin, end)) in enumerate(zip(node.input_shapes[0].spatial, layer.amount.ends, strict=True)):
        arguments += [positional(f"start{axis}", begin), positional(f"stop{axis}", n - end)]
        slices.append(f"{{start{axis}}}:{{stop{axis}}}")
    return Inline(f"{{0}}[:, :, {', '.join(slices)}]", tuple(arguments))


@emitter("slice")
def slice_(node: Node, layer: Any) -> Inline:
    start, stop = layer.channels
    return Inline("{0}[:, {start}:{stop}]", (positional("start", start), positional("stop", stop)))


@emitter("reshape")
def reshape(node: Node, layer: Any) -> Inline:
    x, y = node.input_shapes[0], node.shape
    # Elements keep the language's order, channels last, where that is another one than channels first.
    pattern = "{0}.movedim(1, -1)" if has_order(x) else "{0}"
    arguments = []
    if has_order(y):
        pattern += ".reshape(-1, {places}, {channels}).transpose(1, 2)"
        arguments = [positional("places", prod(y.spatial)), positional("channels", y.channels)]
    if not has_order(y) or y.rank > 1:
        names = [f"size{axis}" for axis in range(len(y.dims))]
        pattern += f".reshape(-1, {', '.join(f'{{{name}}}' for name in names)})"
        arguments += map(positional, names, channels_first(y))
    return Inline(pattern, tuple(arguments))


#: What is an expression in `forward` rather than a module.
EXPRESSIONS = {
    "flatten": Inline("torch.flatten({0}, 1)"),
    "add": Inline("{all}", between=" + "),
    "mul": Inline("{all}", between=" * "),
}


#: A flatten whose order is seen by more than fully connected layers: the language's, channels last.
FLATTEN_BY_PLACE = Inline("torch.flatten({0}.movedim(1, -1), 1)")


@emitter(*EXPRESSIONS)
def expression(node: Node, layer: Any) -> Inline:
    return EXPRESSIONS[layer.kind]


@emitter("concat")
def concat(node: Node, layer: Any) -> Inline:
    axis = layer.joined(node.shape.rank)
    return Inline(f"torch.cat([{{all}}], dim={1 if axis == node.shape.rank else axis + 2})")
