"""Weights that several layers have: what two layers must have in common for that.

A layer with `weights=@NAME` reads the weights of another one. They are the same numbers, so both need as many of them
in the same order: the layers are of one kind, with the same arguments but for those that shape no weight, such as a
stride.
"""

from __future__ import annotations

from cnncalc.layers.base import Layer, WeightedLayer
from cnncalc.layers.timewise import Timewise
from cnncalc.shape import Shape, ShapeError, Size

#: The arguments that change neither the shapes of weights nor what they are to the layer.
WITHOUT_EFFECT = ("stride", "padding", "dilation", "output_padding", "last", "each", "shift", "trainable")


def at_a_step(layer: Layer, x: Shape) -> tuple[Layer, Shape]:
    """Return a layer and its input; of one that is applied to each step, the layer and the input at a step."""
    while isinstance(layer, Timewise):
        x = layer.step(x)
        layer = layer.layer
    return layer, x


def check_sharing(layer: Layer, x: Shape, other: Layer, other_x: Shape, name: str) -> None:
    """Raise `ShapeError` E214 unless a layer on an input `x` can have the weights of another one, called `name`."""
    layer, x = at_a_step(layer, x)
    other, other_x = at_a_step(other, other_x)
    part = r"(?i)(weights\W+\w+)"
    summary = f"`{{layer}}` cannot have the weights of `{name}`"
    if not isinstance(other, WeightedLayer) or not any(_counts(other, other_x)):
        help = f"remove `weights=@{name}`, or name a layer with weights"
        raise ShapeError("E214", summary, f"`{name}` is `{other}`, without weights", (), help, part)
    if layer.kind != other.kind or not isinstance(layer, WeightedLayer):
        help = f"remove `weights=@{name}`, or name a layer that is a `{layer.kind}` too"
        raise ShapeError("E214", summary, f"`{name}` is `{other}`, and this is a `{layer.kind}`", (), help, part)
    counts = _counts_text(layer, x), _counts_text(other, other_x)
    note = [f"`{other}` on {other_x} has {counts[1]}, `{layer}` on {x} {counts[0]}"] if all(counts) else []
    for key, argument in layer.arguments.items():
        value, theirs = getattr(layer, key), getattr(other, key)
        if key not in WITHOUT_EFFECT and value != theirs:
            fact = f"this has `{argument.write(value)}`, and `{name}` has `{argument.write(theirs)}`"
            help = f"write `{argument.write(theirs)}`, or remove `weights=@{name}`"
            raise ShapeError("E214", summary, fact, note, help, part)
    if layer.weights_depend_on(x) != other.weights_depend_on(other_x):
        fact, help = _inputs_differ(layer, x, other_x, name)
        raise ShapeError("E214", summary, fact, note, f"{help}, or remove `weights=@{name}`", part)
    if layer.frozen and not other.frozen:
        fact, help = f"`{name}` is not frozen", f"write `frozen` at `{name}`, whose weights they are"
        raise ShapeError("E214", f"the weights of `{{layer}}` are those of `{name}`", fact, (), help, part)


def _inputs_differ(layer: WeightedLayer, x: Shape, other_x: Shape, name: str) -> tuple[str, str]:
    """Return in which sizes two inputs differ that their layers' weights depend on, and the edit to make."""
    if len(layer.weights_depend_on(x)) > 1:
        fact = f"its weights depend on all sizes of its input, {x}, those of `{name}` on {other_x}"
        return fact, "give both inputs of one shape"
    things, word = ("inputs", "fc ") if layer.kind == "fc" and not x.spatial else ("channels", "conv 1 x")
    help = f"write `{word}{other_x.channels} |` before it"
    if not isinstance(other_x.channels, int):
        help = f"give it {other_x.channels} {things}"
    return f"{x.channels} {things} come in, and {other_x.channels} into `{name}`", help


def frozen(layer: Layer) -> Layer:
    """Return a layer whose weights training leaves as they are."""
    if isinstance(layer, Timewise):
        return Timewise("timewise", frozen(layer.layer))
    return layer.with_values({name: getattr(layer, name) for name in layer.arguments} | {"trainable": False})


def _counts(layer: Layer, x: Shape) -> tuple[Size, ...]:
    return layer.weights(x), layer.bias_weights(x), layer.buffers(x)


def _counts_text(layer: Layer, x: Shape) -> str:
    """Return how many weights a layer has, its biases apart: `432 + 16 = 448 weights`; empty if it is no number."""
    counts = [count for count in _counts(layer, x)[:2] if not isinstance(count, int) or count]
    if not all(isinstance(count, int) for count in counts):
        return ""
    terms = " + ".join(f"{count:,}" for count in counts)
    return f"{terms} = {sum(counts):,} weights" if len(counts) > 1 else f"{terms or 0} weights"
