"""Keras's activations: layers of their own, and those at the end of another layer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from math import prod

from cnncalc.frameworks.keras import ACTIVATIONS
from cnncalc.graph import StoredWeights
from cnncalc.layers.opaque import OpaqueOp
from cnncalc.readers.importer import elementwise_op, make, printable, unknown_op
from cnncalc.readers.keras.config import LayerConfig, is_whole
from cnncalc.readers.keras.rules import LayerPart, class_names, elementwise, part, rules
from cnncalc.shape import Shape

#: Activations of Keras, its packages and QKeras without a word here: element by element, they have no weights.
ELEMENTWISE = frozenset((
    "exponential", "hard_shrink", "log_sigmoid", "soft_shrink", "sparse_plus", "sparse_sigmoid", "squareplus",
    "tanh_shrink", "threshold", "sparsemax", "crelu", "lisht", "rrelu", "snake", "quick_gelu", "quickgelu", "hswish",
    "hsigmoid", "hard_sigmoid_torch", "hard_swish_torch",
    "softmax_v2", "softmax_axis_1", "sine", "sin", "cos", "square", "abs", "sqrt", "cube", "sign", "identity", "exp",
    "binary", "ternary", "stochastic_binary", "stochastic_ternary", "bernoulli",
    "quantized_ulaw", "quantized_po2", "quantized_relu_po2", "quantized_hswish",
))  # fmt: skip

#: What QKeras quantizes; `quantized_bits` is nothing else.
QUANTIZED = {
    "quantized_relu": "relu", "quantized_tanh": "tanh", "quantized_sigmoid": "sigmoid", "quantized_bits": "linear",
    "quantized_linear": "linear", "smooth_sigmoid": "sigmoid", "smooth_tanh": "tanh", "hard_tanh": "hard_tanh",
    "binary_tanh": "hard_tanh", "binary_sigmoid": "hard_sigmoid",
}  # fmt: skip

#: `quantized_relu(4, 0)` as a text, or a function by the way in which it is called.
NAME = re.compile(r"\s*([A-Za-z_][\w>]*)")


@rules("Activation", "AdaptiveActivation")
def activation(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    parts = list(activation_of(config))
    yield parts[0]._replace(suffix="") if parts else part("identity")


def activation_of(config: LayerConfig) -> Iterator[LayerPart]:
    """Yield the activation at the end of a layer, as a row after it."""
    name = activation_name(config)
    kind = ACTIVATIONS.get(name, name)
    if kind in ACTIVATIONS.values():
        if kind is not None:
            yield part(kind, suffix=kind)
    elif name in ELEMENTWISE:
        yield LayerPart(partial(elementwise_op, name), suffix="activation")
    elif name == "glu":
        # Half of the channels gate the others.
        yield LayerPart(lambda x: OpaqueOp("glu", Shape(x.spatial, x.channels // 2)), suffix="activation")
    else:
        yield LayerPart(unknown_op(printable(name[:60]) or "unnamed"), suffix="activation")


def activation_name(config: LayerConfig) -> str:
    """Return the name of a layer's activation, whatever way it is written: `linear` if it has none."""
    name = config.get("activation", "linear")
    if isinstance(name, dict):  # an object in Keras 3's way
        inner = name.get("config")
        name = inner if isinstance(inner, str) else name.get("class_name", "linear")
    found = NAME.match(str(name))
    plain = found[1].rpartition(">")[2].lower() if found else str(name).lower()
    return QUANTIZED.get(plain, plain)


@rules.table({name: word for name in ("swish", "hard_swish", "mish", "gelu", "relu6") for word in [ACTIVATIONS[name]]})
def word(config: LayerConfig, shapes: list[Shape], kind: str) -> Iterator[LayerPart]:
    yield part(kind)


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


#: Activations with several learnt numbers for each element.
LEARNT = {"ParametricSoftplus": 2, "SReLU": 4}


@rules.table({"PReLU": 1, **LEARNT})
def prelu(config: LayerConfig, shapes: list[Shape], count: int) -> Iterator[LayerPart]:
    """Yield an activation with learnt numbers for each element, shared along some axes."""
    shared = config.get("shared_axes") or []
    axes = [axis for axis in shared if is_whole(axis, 1)] if isinstance(shared, list) else []
    sizes = config.file_order(shapes[0])
    stored = StoredWeights(count * prod(1 if axis + 1 in axes else size for axis, size in enumerate(sizes)))
    yield LayerPart(make("prelu"), stored) if count == 1 else elementwise(config, shapes[0], stored)


@rules("ELU", *(name for name in class_names("elu") if name != "ELU"))
def elu(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    yield part("elu", **config.arguments("elu", shapes[0]))


@rules("Softmax")
def softmax(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    yield part("softmax")


@rules("ThresholdedReLU", "UnitNormalization", "Rescaling", "GaussianNoise")
def without_word(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    yield elementwise(config, shapes[0])
