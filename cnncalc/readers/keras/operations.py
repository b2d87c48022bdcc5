"""Operations on tensors in a Keras model: `keras.ops` by their classes, TensorFlow's functions by their names.

Keras 3 writes an operation as a layer of the module `keras.src.ops`; in Keras 2 a `TFOpLambda` names a function of
TensorFlow. The axis of the batch is the first of all.

    https://keras.io/api/ops/
    https://www.tensorflow.org/api_docs/python/tf
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

from cnncalc.frameworks.keras import ACTIVATIONS
from cnncalc.readers.importer import per_axis
from cnncalc.readers.keras.config import LayerConfig, Operand, is_whole
from cnncalc.readers.keras.merges import joined, stretched
from cnncalc.readers.keras.rules import LayerPart, elementwise, operations, operator, part, rules
from cnncalc.readers.tensors import CannotInferError
from cnncalc.shape import Padding, Shape, Size, Window

#: Operations element by element on one tensor or several, of any shapes that broadcast: Keras's classes.
BROADCAST = (
    "Subtract", "Divide", "DivideNoNan", "TrueDivide", "FloorDivide", "Power", "Mod", "Fmod", "Remainder", "Maximum",
    "Minimum", "Fmax", "Fmin", "Equal", "NotEqual", "Greater", "GreaterEqual", "Less", "LessEqual", "LogicalAnd",
    "LogicalOr", "LogicalXor", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "LeftShift", "RightShift", "BitwiseLeftShift",
    "BitwiseRightShift", "Arctan2", "Hypot", "Logaddexp", "Logaddexp2", "Heaviside", "Nextafter", "Ldexp", "Gcd", "Lcm",
    "Copysign", "Isclose", "Where", "Clip", "Polar",
)  # fmt: skip

#: Operations element by element on one tensor.
UNARY = (
    "Abs", "Absolute", "Negative", "Exp", "Exp2", "Expm1", "Log", "Log10", "Log1p", "Log2", "Sqrt", "Rsqrt", "Square",
    "Cbrt", "Reciprocal", "Sign", "Signbit", "Sin", "Cos", "Tan", "Sinh", "Cosh", "Arcsin", "Arccos", "Arctan",
    "Arcsinh", "Arccosh", "Arctanh", "Erf", "Erfc", "Erfinv", "Floor", "Ceil", "Round", "Trunc", "Fabs", "Sinc", "I0",
    "Angle", "Conj", "Conjugate", "Real", "Imag", "Isfinite", "Isinf", "Isnan", "Isneginf", "Isposinf", "Isreal",
    "LogicalNot", "BitwiseInvert", "BitwiseNot", "NanToNum", "Deg2rad", "Rad2deg", "Cast", "SaturateCast", "Copy",
    "StopGradient", "ConvertToTensor", "Cumsum", "Cumprod", "Nancumsum", "Nancumprod", "Flip", "Fliplr", "Flipud",
    "Roll", "Sort", "Argsort", "Argpartition", "OnesLike", "ZerosLike", "FullLike", "EmptyLike", "Normalize",
    "Exponential", "HardShrink", "LogSigmoid", "SoftShrink", "SparsePlus", "SparseSigmoid", "Squareplus", "TanhShrink",
    "Threshold", "Sparsemax", "BatchNorm", "LayerNorm", "RMSNorm", "Tril", "Triu", "ViewAsComplex",
    "RGBToHSV", "HSVToRGB", "GaussianBlur", "Digitize", "Searchsorted", "Bincount", "Put", "ScatterUpdate",
    "SliceUpdate", "Identity",
)  # fmt: skip

#: TensorFlow's functions element by element; those of one tensor are no different.
FUNCTIONS = (
    "subtract", "sub", "divide", "div", "truediv", "realdiv", "floordiv", "floormod", "mod", "pow", "maximum",
    "minimum", "equal", "not_equal", "greater", "greater_equal", "less", "less_equal", "logical_and", "logical_or",
    "logical_xor", "logical_not", "squared_difference", "divide_no_nan", "multiply_no_nan", "atan2", "where",
    "rtruediv",    "rsub", "rdiv", "rpow", "eq", "ne", "gt", "ge", "lt", "le", "and", "or", "invert",
    "abs", "neg", "negative", "exp", "expm1", "log", "log1p", "sqrt", "rsqrt", "square", "reciprocal", "sign", "sin",
    "cos", "tan", "sinh", "cosh", "asin", "acos", "atan", "asinh", "acosh", "atanh", "erf", "erfc", "floor", "ceil",
    "round", "rint", "cast", "to_float", "identity", "stop_gradient", "convert_to_tensor", "clip_by_value",
    "clip_by_norm", "cumsum", "cumprod", "reverse", "roll", "sort", "argsort", "ones_like", "zeros_like",
    "l2_normalize", "bias_add", "is_nan", "is_inf", "is_finite", "log_sigmoid", "nan_to_num", "batch_normalization",
    "local_response_normalization", "check_numerics", "ensure_shape", "bitcast", "adjust_contrast",
    "adjust_brightness", "per_image_standardization", "random_flip_left_right", "random_flip_up_down",
    "flip_left_right",    "flip_up_down", "fake_quant_with_min_max_vars", "dropout", "no_op", "clip", "exponential",
)  # fmt: skip

#: Operations that are an activation of ours, by name.
NAMED = {
    **{name: kind for name, kind in ACTIVATIONS.items() if kind is not None},
    "Relu": "relu", "Relu6": "relu6", "Sigmoid": "sigmoid", "Tanh": "tanh", "Softmax": "softmax", "Selu": "selu",
    "Celu": "celu", "Gelu": "gelu", "Silu": "silu", "Softplus": "softplus", "Softsign": "softsign", "Mish": "mish",
    "HardSigmoid": "hardsigmoid", "HardSilu": "hardswish", "HardTanh": "hardtanh", "LogSoftmax": "logsoftmax",
}  # fmt: skip

#: Sums and products, which are merges of ours.
MERGES = {"Add": "add", "Multiply": "mul", "add": "add", "multiply": "mul", "mul": "mul", "radd": "add", "rmul": "mul"}


def tensors(value: object) -> list[Operand]:
    """Return the tensors in an argument, however they are nested."""
    if isinstance(value, Operand):
        return [value]
    if isinstance(value, list | tuple) and not isinstance(value, Operand):
        return [each for inner in value for each in tensors(inner)]
    return []


@operations(*BROADCAST, *UNARY, *FUNCTIONS)
@operations.table(MERGES)
def broadcast(config: LayerConfig, shapes: list[Shape], kind: str | None = None) -> Iterator[LayerPart]:
    """Yield an operation element by element; an array of numbers broadcasts as a tensor does."""
    ranks = {shape.rank for shape in shapes if shape.has_rank}
    if len(ranks) > 1 and len(shapes) > 1:
        # Axes are counted from the end, and the batch is among those of the smaller one.
        raise CannotInferError
    if len(shapes) > 1:
        yield from stretched(config, shapes, kind)
        return
    x = shapes[0]
    stretched_to = x
    for value in (*config.arguments_of_call, *config.keywords.values()):
        stretched_to = _with_array(config, stretched_to, _array_dims(value))
    yield elementwise(config, stretched_to) if stretched_to == x else operator(config, stretched_to)


def _array_dims(value: object) -> tuple[int, ...]:
    """Return the sizes of an array of numbers in the file; none for a single number and for anything else."""
    if isinstance(value, dict) and value.get("class_name") in ("__numpy__", "__tensor__"):
        config = value.get("config")
        value = config.get("value") if isinstance(config, dict) else None
    dims = []
    while isinstance(value, list):
        dims.append(len(value))
        value = value[0] if value else None
    return tuple(dims) if isinstance(value, int | float) else ()


def _with_array(config: LayerConfig, x: Shape, array: tuple[int, ...]) -> Shape:
    """Return the shape of a tensor that is combined with an array of numbers."""
    if not array or not x.has_rank:
        return x
    dims = list(config.file_order(x))
    own = list(array[1:] if len(array) == len(dims) + 1 else array)
    if len(own) > len(dims):
        raise CannotInferError
    own = [1] * (len(dims) - len(own)) + own
    return config.shape_of([b if a == 1 else a for a, b in zip(dims, own, strict=True)])


@operations.table(NAMED)
def activation(config: LayerConfig, shapes: list[Shape], kind: str) -> Iterator[LayerPart]:
    yield part(kind)


@operations("LeakyRelu", "Elu", "Glu")
def activation_with_argument(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    if config.class_name == "Glu":
        yield operator(config, Shape(shapes[0].spatial, shapes[0].channels // 2))
    elif config.class_name == "Elu":
        yield part("elu", alpha=config.real("alpha", 1))
    else:
        yield part("leakyrelu", slope=config.real("negative_slope", 0.2))


# -- reductions ------------------------------------------------------------------------------------------------

#: Reductions over whole axes → the pool of ours over all positions, where there is one.
REDUCTIONS = {
    "Mean": "gap", "reduce_mean": "gap", "mean": "gap", "Average": "gap", "Nanmean": "gap",
    "Max": "gmp", "reduce_max": "gmp", "Amax": "gmp", "max": "gmp", "Nanmax": "gmp",
    **dict.fromkeys((
        "Min", "Amin", "Nanmin", "Sum", "Nansum", "Prod", "Nanprod", "Std", "Nanstd", "Var", "Nanvar", "Any", "All",
        "Median", "Nanmedian", "Logsumexp", "CountNonzero", "Norm", "Argmax", "Argmin", "Nanargmax", "Nanargmin",
        "reduce_sum", "reduce_min", "reduce_prod", "reduce_std", "reduce_variance", "reduce_any", "reduce_all",
        "reduce_logsumexp", "reduce_euclidean_norm", "argmax", "argmin", "arg_max", "arg_min", "norm", "sum", "min",
        "count_nonzero", "Ptp",
    ), None),
}  # fmt: skip


@operations.table(REDUCTIONS)
def reduction(config: LayerConfig, shapes: list[Shape], kind: str | None) -> Iterator[LayerPart]:
    """Yield a reduction of whole axes: a global pool where it is one."""
    x = shapes[0]
    axis = config.of_call(1, "axis", "reduction_indices", "axes", "dimension")
    keeps = bool(config.of_call(2, "keepdims", "keep_dims", default=False))
    if axis is None:
        raise CannotInferError
    places = config.axes(x, axis)
    dims = list(config.file_order(x))
    spatial = tuple(range(1, len(dims))) if config.channels_first else tuple(range(len(dims) - 1))
    if kind is not None and x.spatial and sorted(places) == list(spatial):
        yield part(kind, suffix="" if keeps else "pool")
        if not keeps:
            yield part("flatten")
        return
    if keeps:
        yield operator(config, config.shape_of([1 if at in places else size for at, size in enumerate(dims)]))
    else:
        yield operator(config, config.shape_of([size for at, size in enumerate(dims) if at not in places]))


# -- products --------------------------------------------------------------------------------------------------


@operations("Matmul", "matmul", "batch_dot", "Dot")
def matmul(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield the product of the last two axes of two tensors, for each position of the others."""
    if len(shapes) != 2 or not all(shape.spatial and shape.has_rank for shape in shapes):
        raise CannotInferError
    left, right = (list(config.file_order(shape)) for shape in shapes)
    if config.of_call(9, "transpose_a", "adjoint_a", default=False):
        left[-2:] = left[:-3:-1]
    if config.of_call(9, "transpose_b", "adjoint_b", default=False):
        right[-2:] = right[:-3:-1]
    if len(left) != len(right) or config.class_name == "Dot":
        raise CannotInferError
    before = [b if a == 1 else a for a, b in zip(left[:-2], right[:-2], strict=True)]
    y = config.shape_of([*before, left[-2], right[-1]])
    yield operator(config, y, macs=y.elements * left[-1])


@operations("Einsum", "einsum")
def einsum(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield a sum of products by its equation: of one tensor it only moves and adds up elements."""
    equation = str(config.values.get("subscripts") or config.of_call(0, "equation", "subscripts") or "").replace(
        " ", ""
    )
    reads, arrow, made = equation.partition("->")
    inputs = reads.split(",")
    if not arrow or "." in equation or len(inputs) != len(shapes):
        raise CannotInferError
    sizes: dict[str, Size] = {}
    for labels, shape in zip(inputs, shapes, strict=True):
        dims = config.file_order(shape)
        if len(labels) != len(dims) + 1 or labels[:1] != made[:1]:
            raise CannotInferError
        sizes.update(zip(labels[1:], dims, strict=True))
    if not set(made[1:]) <= sizes.keys():
        raise CannotInferError
    y = config.shape_of([sizes[label] for label in made[1:]])
    yield operator(config, y, macs=prod(sizes.values()) if len(shapes) > 1 else 0)


@operations("DotProductAttention", "dot_product_attention")
def attention(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield attention on positions x heads x elements: products of queries with keys, and with values."""
    query, key, value = shapes[:3]
    if any(shape.rank != 2 for shape in (query, key, value)):
        raise CannotInferError
    pairs = query.spatial[0] * key.spatial[0] * query.spatial[1]
    yield operator(config, Shape(query.spatial, value.channels), macs=pairs * (query.channels + value.channels))


# -- windows ---------------------------------------------------------------------------------------------------

#: Pools by Keras's classes and TensorFlow's functions.
POOLS = {
    "MaxPool": "pool", "AveragePool": "avgpool", "max_pool": "pool", "max_pool1d": "pool", "max_pool2d": "pool",
    "max_pool3d": "pool", "avg_pool": "avgpool", "avg_pool1d": "avgpool", "avg_pool2d": "avgpool",
    "avg_pool3d": "avgpool", "max_pool_v2": "pool",
}  # fmt: skip


@operations.table(POOLS)
def pool(config: LayerConfig, shapes: list[Shape], kind: str) -> Iterator[LayerPart]:
    x = shapes[0]
    kernel = _per_axis(config.of_call(1, "pool_size", "ksize"), x.rank)
    stride = config.of_call(2, "strides")
    mode = str(config.of_call(3, "padding", default="valid")).lower()
    if mode not in ("valid", "same"):
        raise CannotInferError
    yield part(
        kind, kernel=kernel, stride=kernel if stride is None else _per_axis(stride, x.rank), padding=Padding(mode)
    )


def _per_axis(value: object, rank: int) -> tuple[int, ...]:
    """Return a number for each spatial axis; TensorFlow may give those of the batch and the channels, which are 1."""
    values: list[Any] = list(value) if isinstance(value, list | tuple) else [value]
    if len(values) == rank + 2:
        values = values[1:-1]
    if len(values) not in (1, rank) or not all(is_whole(each, 1) for each in values):
        raise CannotInferError
    return per_axis(values, rank)


@operations("DepthToSpace", "depth_to_space", "SpaceToDepth", "space_to_depth")
def depth_and_space(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield blocks of channels laid out as space, or the other way round."""
    x, block = shapes[0], config.of_call(1, "block_size")
    if not is_whole(block, 1):
        raise CannotInferError
    if config.class_name.lower().startswith("depth"):
        yield operator(config, Shape(tuple(n * block for n in x.spatial), x.channels // block**x.rank))
    else:
        yield operator(config, Shape(tuple(n // block for n in x.spatial), x.channels * block**x.rank))


@operations("Resize", "resize", "resize_bilinear", "resize_nearest_neighbor", "resize_images", "resize_with_pad")
def resize(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    size = config.of_call(1, "size")
    mode = str(config.of_call(2, "interpolation", "method", default="bilinear"))
    mode = "nearest" if "nearest" in (mode, *config.class_name.split("_")) else mode
    if not isinstance(size, list | tuple) or len(size) != 2 or not all(is_whole(each, 1) for each in size):
        raise CannotInferError
    if mode in ("nearest", "bilinear") and not config.of_call(9, "antialias", default=False) and shapes[0].rank == 2:
        yield part("resize", size=tuple(size), mode=mode)
    else:
        yield operator(config, Shape(tuple(size), shapes[0].channels))


@operations("ExtractPatches", "extract_patches", "extract_image_patches")
def patches(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield the elements of a window at each of its positions as channels."""
    x = shapes[0]
    kernel = _per_axis(config.of_call(1, "size", "sizes", "ksizes"), x.rank)
    stride = _per_axis(config.of_call(2, "strides", default=list(kernel)) or list(kernel), x.rank)
    dilation = _per_axis(config.of_call(3, "dilation_rate", "rates", default=1), x.rank)
    mode = str(config.of_call(4, "padding", default="valid")).lower()
    if mode not in ("valid", "same"):
        raise CannotInferError
    each = enumerate(zip(x.spatial, kernel, stride, dilation, strict=True))
    windows: Sequence[Window] = [Padding(mode).window(axis, *values) for axis, values in each]
    sizes = tuple(window.size(n) for window, n in zip(windows, x.spatial, strict=True))
    yield operator(config, Shape(sizes, prod(kernel) * x.channels))


@operations("Concatenate", "concat", "concatenate", "concat_v2")
def concatenate(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    yield from joined(config, shapes, config.of_call(1, "axis", default=-1))


# -- TensorFlow's functions ------------------------------------------------------------------------------------


@rules("TFOpLambda", "SlicingOpLambda")
def function(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield the operation that a function of TensorFlow is, by the last part of its name."""
    name = str(config.get("function", "")).rpartition(".")[2]
    rule = operations.get(name)
    if rule is None:
        raise CannotInferError
    again = LayerConfig(config.name, name, {}, config.channels_first, config.arguments_of_call, config.keywords)
    yield from rule(again, shapes)
