"""Keras's dense layers, norms and activations, and other layers that keep the shape."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from cnncalc.frameworks.keras import ACTIVATIONS
from cnncalc.graph import StoredWeights
from cnncalc.layers.opaque import OpaqueOp
from cnncalc.readers.importer import elementwise_op, make, printable, unknown_op
from cnncalc.readers.keras.config import LayerConfig, is_whole
from cnncalc.readers.keras.importer import LayerPart, class_names, part, rules
from cnncalc.shape import Shape

#: Kinds whose classes mean our layer and nothing else.
PLAIN = ("elu", "add", "mul", "flatten")

#: Classes that change nothing at inference.
IDENTITIES = (
    "RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast", "RandomBrightness",
    "Identity", "ActivityRegularization", "Masking",
)  # fmt: skip


@rules.table({name: kind for kind in PLAIN for name in class_names(kind)})
@rules.table({"Softmax": "softmax", **dict.fromkeys(IDENTITIES, "identity")})
def plain(config: LayerConfig, shapes: list[Shape], kind: str) -> Iterator[LayerPart]:
    yield part(kind, **config.arguments(kind, shapes[0]))


@rules("Dense")
def dense(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield an fc, or on a tensor with spatial axes a 1x1 convolution.

    Keras's dense layer works on the channels at each position.
    """
    units, bias = config.integer("units"), config.flag("use_bias")
    if shapes[0].spatial:
        yield part("conv", kernel=(1,), filters=units, bias=bias)
    else:
        yield part("fc", units=units, bias=bias)
    yield from activation_of(config)


# -- norms -----------------------------------------------------------------------------------------------------


@rules(*class_names("bn"))
def batch_norm(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    yield _norm(config, shapes[0], "bn", buffers=2)


@rules(*class_names("ln"))
def layer_norm(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    # Its axes, counted with the batch; a single one is that of the channels, wherever they stand.
    axes = config.get("axis", -1)
    everything = isinstance(axes, list) and len(axes) > 1 and len(axes) == len(shapes[0].dims)
    yield _norm(config, shapes[0], "ln", all=everything)


@rules(*class_names("gn"))
def group_norm(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    groups = config.integer("groups", 32, low=-1)
    yield _norm(config, shapes[0], "gn", groups=shapes[0].channels if groups == -1 else groups)


def _norm(config: LayerConfig, x: Shape, kind: str, buffers: int = 0, **arguments: Any) -> LayerPart:
    """Return a norm; a weight without a bias, which no layer of ours has, is counted by the stored weights."""
    center, scale = config.flag("center"), config.flag("scale")
    norm = part(kind, affine=center or scale, scale=scale or not center, **arguments)
    if scale and not center:
        norm = norm._replace(stored=StoredWeights(x.channels, buffers * x.channels))
    return norm


@rules("Normalization")
def normalization(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield a norm whose mean and variance for each channel, and a count, are measured and not trained."""
    measured = StoredWeights(0, 2 * shapes[0].channels + 1) if config.get("mean") is None else None
    yield LayerPart(elementwise_op("Normalization", shapes[0]), measured)


# -- activations -----------------------------------------------------------------------------------------------


@rules("Activation")
def activation(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    parts = list(activation_of(config))
    yield parts[0]._replace(suffix="") if parts else part("identity")


def activation_of(config: LayerConfig) -> Iterator[LayerPart]:
    """Yield the activation at the end of a layer, as a row after it."""
    name = config.get("activation", "linear")
    if isinstance(name, dict):  # an object in Keras 3's way
        inner = name.get("config")
        name = inner if isinstance(inner, str) else name.get("class_name", "linear")
    name = str(name).lower()
    if name not in ACTIVATIONS:
        yield LayerPart(unknown_op(printable(name[:60]) or "unnamed"), suffix="activation")
    elif (kind := ACTIVATIONS[name]) is not None:
        yield part(kind, suffix=kind)


@rules("ReLU")
def relu(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    slope = config.real("negative_slope", 0)
    if 0 < slope < 1:
        yield part("leakyrelu", slope=slope)
    else:
        yield part("relu6" if config.get("max_value") == 6 else "relu")


@rules("LeakyReLU")
def leaky_relu(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield a leaky relu; Keras 2 calls the slope `alpha`."""
    yield part("leakyrelu", slope=config.real("negative_slope", config.real("alpha", 0.3)))


@rules("PReLU")
def prelu(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield a prelu with a slope for each element, shared along some axes."""
    shared = config.get("shared_axes") or []
    axes = [axis for axis in shared if is_whole(axis, 1)] if isinstance(shared, list) else []
    sizes = config.file_order(shapes[0])
    slopes = prod(1 if axis + 1 in axes else size for axis, size in enumerate(sizes))
    yield LayerPart(make("prelu"), StoredWeights(slopes))


# -- the same shape --------------------------------------------------------------------------------------------


@rules("Rescaling", "GaussianNoise", "UnitNormalization", "ThresholdedReLU")
def elementwise(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    yield LayerPart(elementwise_op(config.class_name, shapes[0]))


@rules("Subtract", "Average", "Maximum", "Minimum")
def merged(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield an operator with the shape and cost of an `add`, but another function."""
    yield LayerPart(elementwise_op(config.class_name, make("add").infer(tuple(shapes))))


@rules(*class_names("dropout"))
def dropout(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    rate = config.real("rate", 0.5)
    yield part("dropout", rate=rate if rate < 1 else 0.5)


@rules("Embedding")
def embedding(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    width = config.integer("output_dim")
    shape = Shape(shapes[0].dims, width) if shapes[0].rank < 3 else None
    yield LayerPart(OpaqueOp("Embedding", shape), StoredWeights(config.integer("input_dim") * width))
