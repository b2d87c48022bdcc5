"""Keras's layer classes in the language: one function for each, by its class's name.

Each is given what the file says of the layer and the shapes that go in, and gives the layers of the language that
it is, one behind the other. The last one's output is the Keras layer's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Any, NamedTuple

from cnncalc.graph import StoredWeights
from cnncalc.layers import REGISTRY, Layer
from cnncalc.layers.opaque import OpaqueOp
from cnncalc.readers import refuse
from cnncalc.readers.keras_config import Config, whole
from cnncalc.shape import Padding, Shape, Window

#: Activations by their name → words of the language; "linear" is none.
ACTIVATIONS = {
    "relu": "relu", "relu6": "relu6", "sigmoid": "sigmoid", "tanh": "tanh", "softmax": "softmax", "elu": "elu",
    "selu": "selu", "celu": "celu", "gelu": "gelu", "silu": "silu", "swish": "silu", "mish": "mish",
    "softplus": "softplus", "softsign": "softsign", "hard_sigmoid": "hardsigmoid", "hard_silu": "hardswish",
    "hard_swish": "hardswish", "leaky_relu": "leakyrelu", "log_softmax": "logsoftmax", "hard_tanh": "hardtanh",
}  # fmt: skip


class Made(NamedTuple):
    """A layer of the language, what it holds where its rule is not what counts, and the end of its name."""

    layer: Layer
    stored: StoredWeights | None = None
    suffix: str = ""


Maker = Callable[[Config, list[Shape]], Iterator[Made]]

#: The name of a class → how its layers are made.
LAYERS: dict[str, Maker] = {}


def _layer(*names: str) -> Callable[[Maker], Maker]:
    def register(maker: Maker) -> Maker:
        LAYERS.update(dict.fromkeys(names, maker))
        return maker

    return register


def _ranked(name: str) -> tuple[str, ...]:
    return tuple(f"{name}{rank}D" for rank in (1, 2, 3))


def _made(word: str, **values: Any) -> Made:
    return Made(REGISTRY[word](word, **values))


# -- convolutions and pools ----------------------------------------------------------------------------------


@_layer(*_ranked("Conv"))
def conv(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    yield _made(
        "conv", **_window(config, shapes[0]), groups=config.number("groups", 1), **_filters(config), bias=_bias(config)
    )
    yield from _activation(config)


@_layer(*_ranked("DepthwiseConv"))
def depthwise(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    multiplier = config.number("depth_multiplier", 1)
    yield _made("dwconv", **_window(config, shapes[0]), multiplier=multiplier, bias=_bias(config))
    yield from _activation(config)


@_layer(*_ranked("SeparableConv"))
def separable(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    multiplier = config.number("depth_multiplier", 1)
    window = _window(config, shapes[0])
    yield _made("sepconv", **window, multiplier=multiplier, **_filters(config), bias=_bias(config))
    yield from _activation(config)


@_layer(*(f"{name}Transpose" for name in _ranked("Conv")))
def transposed(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    """Its size is N·S, and with `valid` padding as much more as the window is wider than the stride.

    With `output_padding` given: (N − 1)·S + F − 2P + output_padding, where P is half of the window for `same`.
    """
    rank = shapes[0].rank
    window = _window(config, shapes[0])
    kernels, dilations, strides = (_all(window[key], rank) for key in ("kernel", "dilation", "stride"))
    extents = [Window(kernel, 1, dilation).extent for kernel, dilation in zip(kernels, dilations, strict=True)]
    if config.get("output_padding") is not None:
        window["output_padding"] = config.numbers("output_padding", rank, low=0)
        if window["padding"].mode == "same":
            window["padding"] = Padding("explicit", tuple((extent // 2, extent // 2) for extent in extents))
    elif window["padding"].mode == "valid":
        window["output_padding"] = tuple(max(s - extent, 0) for s, extent in zip(strides, extents, strict=True))
    yield _made("deconv", **window, **_filters(config), bias=_bias(config))
    yield from _activation(config)


@_layer(*_ranked("MaxPooling"), *_ranked("AveragePooling"), *_ranked("MaxPool"), *_ranked("AvgPool"))
def pool(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    rank = shapes[0].rank
    size = config.numbers("pool_size", rank, 2)
    stride = config.numbers("strides", rank, list(size))
    word = "pool" if config.kind.startswith("Max") else "avgpool"
    yield _made(word, kernel=size, stride=stride, padding=_padding(config))


def _window(config: Config, x: Shape) -> dict[str, Any]:
    kernel, dilation = config.numbers("kernel_size", x.rank), config.numbers("dilation_rate", x.rank, 1)
    padding = _padding(config)
    if config.get("padding") == "causal":
        padding = Padding("explicit", ((Window(kernel[0], 1, dilation[0]).extent - 1, 0),))
    return {"kernel": kernel, "stride": config.numbers("strides", x.rank, 1), "padding": padding, "dilation": dilation}


def _padding(config: Config) -> Padding:
    mode = config.get("padding", "valid")
    if mode not in ("valid", "same", "causal"):
        refuse("E306", f"`padding` of `{config.name}` is wrong", f"it is {str(mode)[:40]}, not `valid` or `same`")
    return Padding("same" if mode == "same" else "valid")


def _filters(config: Config) -> dict[str, int]:
    return {"filters": config.number("filters")}


def _bias(config: Config) -> bool:
    return config.true("use_bias")


def _all(values: tuple[int, ...], rank: int) -> tuple[int, ...]:
    return values * rank if len(values) == 1 else values


@_layer(*(f"Global{name}" for name in (*_ranked("AveragePooling"), *_ranked("MaxPooling"))))
def global_pool(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    """Without `keepdims` what comes out is flat: an alias of the pool's output, and it has the layer's name."""
    word = "gmp" if "Max" in config.kind else "gap"
    if config.true("keepdims", default=False):
        yield _made(word)
    else:
        yield _made(word)._replace(suffix="pool")
        yield _made("flatten")


@_layer(*(f"Adaptive{name}" for name in (*_ranked("AveragePooling"), *_ranked("MaxPooling"))))
def adaptive_pool(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    word = "adaptivemaxpool" if "Max" in config.kind else "adaptiveavgpool"
    yield _made(word, size=config.numbers("output_size", shapes[0].rank))


# -- dense, norms, activations -------------------------------------------------------------------------------


@_layer("Dense")
def dense(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    """On a tensor with spatial axes it works on each place's channels: a 1x1 convolution."""
    units = config.number("units")
    if shapes[0].spatial:
        yield _made("conv", kernel=(1,), filters=units, bias=_bias(config))
    else:
        yield _made("fc", units=units, bias=_bias(config))
    yield from _activation(config)


@_layer("BatchNormalization", "SyncBatchNormalization")
def batch_norm(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    yield _normed(config, shapes[0], "bn", buffers=2)


@_layer("LayerNormalization")
def layer_norm(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    yield _normed(config, shapes[0], "ln")


@_layer("GroupNormalization")
def group_norm(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    groups = config.number("groups", 32, low=-1)
    x = shapes[0]
    yield _normed(config, x, "gn", groups=x.channels if groups == -1 else groups)


def _normed(config: Config, x: Shape, word: str, buffers: int = 0, **values: Any) -> Made:
    """A norm; a weight without a bias, for which the language has no word, is told by what is stored."""
    center, scale = config.true("center"), config.true("scale")
    made = _made(word, affine=center or scale, scale=scale or not center, **values)
    if scale and not center:
        made = made._replace(stored=StoredWeights(x.channels, buffers * x.channels))
    return made


@_layer("Normalization")
def normalization(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    """A mean and a variance for each channel and a count, all of them measured and not learnt."""
    measured = StoredWeights(0, 2 * shapes[0].channels + 1) if config.get("mean") is None else None
    yield Made(OpaqueOp("Normalization", shapes[0], local=True, memory="in place"), measured)


@_layer("Activation")
def activation(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    found = list(_activation(config))
    yield found[0]._replace(suffix="") if found else _made("identity")


@_layer("ReLU")
def relu(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    slope, most = config.get("negative_slope", 0), config.get("max_value")
    if slope and isinstance(slope, int | float) and 0 < slope < 1:
        yield _made("leakyrelu", slope=slope)
    else:
        yield _made("relu6" if most == 6 else "relu")


@_layer("LeakyReLU")
def leaky_relu(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    slope = config.get("negative_slope", config.get("alpha", 0.3))
    yield _made("leakyrelu", slope=slope if isinstance(slope, int | float) and 0 <= slope < 10**9 else 0.3)


@_layer("ELU")
def elu(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    yield _made("elu")


@_layer("Softmax")
def softmax(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    yield _made("softmax")


@_layer("PReLU")
def prelu(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    """A slope for each element, but one along the axes that share it."""
    x = shapes[0]
    shared = config.get("shared_axes") or []
    axes = [axis for axis in shared if whole(axis, 1)] if isinstance(shared, list) else []
    slopes = prod(1 if axis + 1 in axes else size for axis, size in enumerate(_file_order(config, x)))
    yield _made("prelu")._replace(stored=StoredWeights(slopes))


def _activation(config: Config) -> Iterator[Made]:
    """The activation that a layer ends in, as a row behind it."""
    name = config.get("activation", "linear")
    if isinstance(name, dict):  # an object in Keras 3's way
        inner = name.get("config")
        name = inner if isinstance(inner, str) else name.get("class_name", "linear")
    name = str(name).lower()
    if name in ACTIVATIONS:
        yield _made(ACTIVATIONS[name])._replace(suffix=ACTIVATIONS[name])
    elif name != "linear":
        yield Made(OpaqueOp(name[:60], None, known=False), suffix="activation")


# -- sizes and order -----------------------------------------------------------------------------------------


@_layer(*_ranked("ZeroPadding"), *_ranked("Cropping"))
def pad(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    cropping = "cropping" in config.values
    ends = _ends(config, "cropping" if cropping else "padding", shapes[0].rank)
    yield _made("crop" if cropping else "pad", amount=Padding("explicit", ends))


def _ends(config: Config, key: str, rank: int) -> tuple[tuple[int, int], ...]:
    """1, (1, 2) or ((0, 1), (1, 1)); on one axis a pair is its two ends."""
    value = config.get(key, 1)
    value = [value] * rank if isinstance(value, int) else value
    value = [value] if rank == 1 and isinstance(value, list) and len(value) == 2 else value
    ends = [[each, each] if isinstance(each, int) else each for each in value] if isinstance(value, list) else []
    right = [isinstance(pair, list) and len(pair) == 2 and all(whole(end, 0) for end in pair) for pair in ends]
    if len(ends) != rank or not all(right):
        refuse("E306", f"`{key}` of `{config.name}` is wrong", f"it is {str(value)[:40]}")
    return tuple((pair[0], pair[1]) for pair in ends)


@_layer(*_ranked("UpSampling"))
def upsample(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    nearest = config.get("interpolation", "nearest") == "nearest"
    factor = config.numbers("size", shapes[0].rank, 2)
    yield _made("upsample", factor=factor, mode="nearest" if nearest else "bilinear")


@_layer("Flatten")
def flatten(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    yield _made("flatten")


@_layer("Reshape")
def reshape(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    sizes = list(config.numbers("target_shape", 1, low=-1))
    known = prod(size for size in sizes if size != -1)
    if sizes.count(-1) == 1 and known > 0:
        sizes = [shapes[0].elements // known if size == -1 else size for size in sizes]
    if min(sizes) < 1 or prod(sizes) != shapes[0].elements:
        refuse("E306", f"`{config.name}` changes the number of elements", f"{shapes[0]} does not fill {sizes}")
    turned = config.channels_first and len(sizes) > 1
    yield _made("reshape", shape=(*sizes[1:], sizes[0]) if turned else tuple(sizes))


@_layer("Permute")
def permute(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    order = config.numbers("dims", 1)
    dims = shapes[0].dims
    if sorted(order) != list(range(1, len(dims) + 1)):
        refuse("E306", f"`dims` of `{config.name}` is wrong", f"{list(order)} is no order of {len(dims)} axes")
    yield Made(OpaqueOp("Permute", Shape.of([dims[axis - 1] for axis in order])))


@_layer("GetItem")
def get_item(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    """`x[..., 2:5]`: channels in a row are a `slice`, any other part of a tensor is a row of its own."""
    x = shapes[0]
    key = config.arguments[1] if len(config.arguments) > 1 else None
    given = [*key] if isinstance(key, list) else [key]
    gaps = [at for at, each in enumerate(given) if isinstance(each, dict) and each.get("class_name") == "__ellipsis__"]
    at, all_of = gaps[0] if gaps else len(given), {"class_name": "__slice__", "config": {}}
    before, behind = given[:at], given[at + 1 :]
    parts = [*before, *[all_of] * (len(x.dims) + 1 - len(before) - len(behind)), *behind]
    taken = [_taken(part, size) for part, size in zip(parts[1:], _file_order(config, x), strict=False)]
    if len(parts) != len(x.dims) + 1 or len(gaps) > 1 or any(each is None or not len(each) for each in taken):
        yield Made(OpaqueOp("GetItem", None, known=False))
        return
    ranges = [each for each in taken if each is not None]
    channels, *spatial = [ranges[0], *ranges[1:]] if config.channels_first else [ranges[-1], *ranges[:-1]]
    whole = all(each == range(size) for each, size in zip(spatial, x.spatial, strict=True))
    if whole and channels.step == 1:
        yield _made("slice", channels=(channels.start, channels.stop))
    else:
        yield Made(OpaqueOp("GetItem", Shape(tuple(map(len, spatial)), len(channels))))


def _taken(part: object, size: int) -> range | None:
    """The indices of an axis that a slice takes; None for an index, a new axis, or what is no slice."""
    ends = part.get("config") if isinstance(part, dict) and part.get("class_name") == "__slice__" else None
    values = [ends.get(key) for key in ("start", "stop", "step")] if isinstance(ends, dict) else [""]
    if not all(value is None or type(value) is int for value in values) or values[-1] == 0:
        return None
    return range(*slice(*values).indices(size))


def _file_order(config: Config, x: Shape) -> tuple[int, ...]:
    """The sample's dimensions in the order that the file has them in."""
    return (x.channels, *x.spatial) if config.channels_first else x.dims


@_layer("RepeatVector")
def repeat_vector(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    yield Made(OpaqueOp("RepeatVector", Shape((config.number("n"),), shapes[0].channels)))


@_layer("Resizing", "CenterCrop", "RandomCrop")
def resizing(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    sizes = (config.number("height"), config.number("width"))
    yield Made(OpaqueOp("Resizing", Shape(sizes, shapes[0].channels)))


@_layer("Rescaling", "GaussianNoise", "UnitNormalization", "ThresholdedReLU")
def local(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    yield Made(OpaqueOp(config.kind, shapes[0], local=True, memory="in place"))


@_layer("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "AlphaDropout", "GaussianDropout")
def dropout(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    rate = config.get("rate", 0.5)
    yield _made("dropout", rate=rate if isinstance(rate, int | float) and 0 <= rate < 1 else 0.5)


@_layer("RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast", "RandomBrightness",
        "Identity", "ActivityRegularization", "Masking")  # fmt: skip
def identity(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    yield _made("identity")


@_layer("Embedding")
def embedding(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    width = config.number("output_dim")
    shape = Shape(shapes[0].dims, width) if shapes[0].rank < 3 else None
    yield Made(OpaqueOp("Embedding", shape), StoredWeights(config.number("input_dim") * width))


# -- merges --------------------------------------------------------------------------------------------------


@_layer("Add")
def add(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    yield _made("add")


@_layer("Multiply")
def multiply(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    yield _made("mul")


@_layer("Subtract", "Average", "Maximum", "Minimum")
def elementwise(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    """As `add` is, but for what it computes."""
    yield Made(OpaqueOp(config.kind, REGISTRY["add"]("add").shape_of(tuple(shapes)), local=True, memory="in place"))


@_layer("Concatenate")
def concatenate(config: Config, shapes: list[Shape]) -> Iterator[Made]:
    axis = config.number("axis", -1, low=-5)
    last = shapes[0].rank + 1
    if axis in ((1,) if config.channels_first else (-1, last)):
        yield _made("concat")
        return
    # Along a space axis: that axis adds up, the others are as they were.
    place = (axis - 2 if config.channels_first else axis - 1) if axis > 0 else axis + last
    if not 0 <= place < shapes[0].rank or len({shape.rank for shape in shapes}) > 1:
        refuse("E306", f"`axis` of `{config.name}` is wrong", f"there is no axis {axis} in {shapes[0]}")
    sizes = list(shapes[0].spatial)
    sizes[place] = sum(shape.spatial[place] for shape in shapes)
    yield Made(OpaqueOp("Concatenate", Shape(tuple(sizes), shapes[0].channels)))
