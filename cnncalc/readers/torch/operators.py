"""The rules of aten's operators: which layer each is, or what it does to the tensors it moves."""

from __future__ import annotations

from math import prod
from typing import Any

from cnncalc.readers.importer import Tensor, UnknowableError
from cnncalc.readers.shape_inference import Dims, axes_of, axis_of
from cnncalc.readers.torch.importer import Bound, FxNode, TorchImporter, Weights, dims_of, name_of, rule
from cnncalc.shape import Padding


def _weights(value: Any) -> Dims:
    if not isinstance(value, (Weights, Tensor)) or value.dims is None:
        raise UnknowableError
    return value.dims


def _per_axis(value: Any, rank: int) -> tuple[int, ...]:
    values = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    return values * rank if len(values) == 1 else values


def _padding(value: Any, rank: int) -> Padding:
    if isinstance(value, str):
        return Padding(value)
    ends = tuple((each, each) for each in _per_axis(value, rank))
    return Padding("explicit", ends) if any(map(any, ends)) else Padding("valid")


# -- windows ---------------------------------------------------------------------------------------------------


@rule("conv1d", "conv2d", "conv3d")
def conv(traced: TorchImporter, node: FxNode, given: Bound) -> Tensor:
    x, weight, bias, groups = given.subject, _weights(given["weight"]), given["bias"], given["groups"]
    rank, filters = len(weight) - 2, weight[0]
    channels = weight[1] * groups
    values: dict[str, Any] = {
        "kernel": weight[2:],
        "stride": _per_axis(given["stride"], rank),
        "dilation": _per_axis(given["dilation"], rank),
        "padding": _padding(given["padding"], rank),
        "bias": bias is not None,
    }
    stored = traced.claim(given["weight"], bias)
    if groups == channels > 1 and filters % channels == 0:
        return traced.layer(node, "dwconv", x, stored, multiplier=filters // channels, **values)
    return traced.layer(node, "conv", x, stored, groups=groups, filters=filters, **values)


@rule("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def conv_transpose(traced: TorchImporter, node: FxNode, given: Bound) -> Tensor:
    weight, bias = _weights(given["weight"]), given["bias"]
    rank, groups = len(weight) - 2, given["groups"]
    return traced.layer(
        node,
        "deconv",
        given.subject,
        traced.claim(given["weight"], bias),
        kernel=weight[2:],
        stride=_per_axis(given["stride"], rank),
        dilation=_per_axis(given["dilation"], rank),
        padding=_padding(given["padding"], rank),
        output_padding=_per_axis(given["output_padding"], rank),
        groups=groups,
        filters=weight[1] * groups,
        bias=bias is not None,
    )


@rule("max_pool1d", "max_pool2d", "max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d", "max_pool2d_with_indices")
def pool(traced: TorchImporter, node: FxNode, given: Bound) -> Tensor:
    x = given.subject
    rank = len(x.known) - 2
    kernel = _per_axis(given["kernel_size"], rank)
    values: dict[str, Any] = {
        "kernel": kernel,
        "stride": _per_axis(given["stride"] or kernel, rank),
        "padding": _padding(given["padding"], rank),
        "rounding": "ceil" if given["ceil_mode"] else "floor",
    }
    if name_of(node).startswith("avg"):
        return traced.layer(node, "avgpool", x, **values)
    return traced.layer(node, "pool", x, dilation=_per_axis(given["dilation"], rank), **values)


@rule(*(f"adaptive_{kind}_pool{rank}d" for kind in ("avg", "max") for rank in (1, 2, 3)))
def adaptive_pool(traced: TorchImporter, node: FxNode, given: Bound) -> Tensor:
    x = traced.turned(node, given.subject, 1)
    kind = name_of(node).removeprefix("adaptive_")[:3]
    size = _per_axis(given["output_size"], len(x.known) - 2)
    if set(size) == {1}:
        return traced.layer(node, {"avg": "gap", "max": "gmp"}[kind], x)
    return traced.layer(node, f"adaptive{kind}pool", x, size=size)


# -- products and norms ----------------------------------------------------------------------------------------


@rule("linear")
def linear(traced: TorchImporter, node: FxNode, given: Bound) -> Tensor:
    """An fc on a vector; a conv 1x1 at every place of a sample."""
    x, weight, bias = given.subject, _weights(given["weight"]), given["bias"]
    dims, stored, rank = dims_of(node), traced.claim(given["weight"], bias), len(x.known) - 2
    if dims is None or len(weight) != 2:
        raise UnknowableError
    if not x.whole or rank > 3:
        return traced.foreign(node, dims, [x], len(dims) - 1, stored, macs=prod(dims) * weight[1])
    x = traced.turned(node, x, len(x.known) - 1)
    if rank == 0:
        layer = traced.same(node, "fc", x, stored, units=weight[0], bias=bias is not None)
    else:
        layer = traced.same(node, "conv", x, stored, kernel=(1,), filters=weight[0], bias=bias is not None)
    return Tensor(layer.node, dims, len(dims) - 1)


@rule("matmul", "mm", "bmm", "addmm", "baddbmm", "dot", "mv")
def product(traced: TorchImporter, node: FxNode, given: Bound) -> Tensor:
    """A product of matrices: as many multiply-adds for each output element as the matrices share."""
    left, right = given.get("mat1", given.get("batch1", given.get("self"))), None
    for name in ("mat2", "batch2", "other", "tensor", "vec"):
        right = given.get(name, right)
    tensors = [each for each in given.values() if isinstance(each, Tensor)]
    dims = dims_of(node)
    if dims is None:
        raise UnknowableError
    shared = _weights(left)[-1]
    _weights(right)
    stored = traced.claim(*given.values())
    return traced.foreign(node, dims, tensors, len(dims) - 1, stored, macs=prod(dims) * shared)


@rule("scaled_dot_product_attention")
def attention(traced: TorchImporter, node: FxNode, given: Bound) -> Tensor:
    """Two products: of queries with keys, and of what that weighs with values."""
    query, key, value = (_weights(given[name]) for name in ("query", "key", "value"))
    tensors = [each for each in given.values() if isinstance(each, Tensor)]
    dims = dims_of(node)
    macs = prod(query[:-1]) * key[-2] * (query[-1] + value[-1])
    return traced.foreign(node, dims, tensors, len(query) - 1, traced.claim(*given.values()), macs=macs)


@rule("batch_norm")
def batch_norm(traced: TorchImporter, node: FxNode, given: Bound) -> Tensor:
    stored = traced.claim(given["weight"], given["bias"], given["running_mean"], given["running_var"])
    x = traced.turned(node, given.subject, 1)
    return traced.same(node, "bn", x, stored, affine=given["weight"] is not None)


@rule("layer_norm")
def layer_norm(traced: TorchImporter, node: FxNode, given: Bound) -> Tensor:
    x, stored = given.subject, traced.claim(given["weight"], given["bias"])
    if len(given["normalized_shape"]) != 1:
        return traced.plain(node, [x], x.known, stored)
    x = traced.turned(node, x, len(x.known) - 1)
    return traced.same(node, "ln", x, stored, affine=given["weight"] is not None)


@rule("group_norm")
def group_norm(traced: TorchImporter, node: FxNode, given: Bound) -> Tensor:
    stored = traced.claim(given["weight"], given["bias"])
    x = traced.turned(node, given.subject, 1)
    return traced.same(node, "gn", x, stored, groups=given["num_groups"], affine=given["weight"] is not None)


@rule("instance_norm")
def instance_norm(traced: TorchImporter, node: FxNode, given: Bound) -> Tensor:
    stored = traced.claim(given["weight"], given["bias"], given["running_mean"], given["running_var"])
    x = traced.turned(node, given.subject, 1)
    return traced.same(node, "instancenorm", x, stored, affine=given["weight"] is not None)


# -- element by element ----------------------------------------------------------------------------------------

WORDS = {
    "relu": "relu", "relu6": "relu6", "selu": "selu", "celu": "celu", "gelu": "gelu", "silu": "silu", "mish": "mish",
    "sigmoid": "sigmoid", "hardsigmoid": "hardsigmoid", "hardswish": "hardswish", "tanh": "tanh",
    "softplus": "softplus", "softsign": "softsign", "softmax": "softmax", "log_softmax": "logsoftmax",
}  # fmt: skip


@rule(*WORDS)
def activation(traced: TorchImporter, node: FxNode, given: Bound) -> Tensor:
    return traced.same(node, WORDS[name_of(node)], given.subject)


@rule("hardtanh", "clamp", "clip")
def hardtanh(traced: TorchImporter, node: FxNode, given: Bound) -> Tensor:
    bounds = given.get("min_val", given.get("min")), given.get("max_val", given.get("max"))
    words: dict[Any, str] = {(0, 6): "relu6", (-1, 1): "hardtanh", (0, None): "relu"}
    word = words.get(bounds)
    if word is None:
        raise UnknowableError
    return traced.same(node, word, given.subject)


@rule("leaky_relu")
def leaky_relu(traced: TorchImporter, node: FxNode, given: Bound) -> Tensor:
    return traced.same(node, "leakyrelu", given.subject, slope=given["negative_slope"])


@rule("elu")
def elu(traced: TorchImporter, node: FxNode, given: Bound) -> Tensor:
    return traced.same(node, "elu", given.subject, alpha=given["alpha"])


@rule("prelu")
def prelu(traced: TorchImporter, node: FxNode, given: Bound) -> Tensor:
    stored = traced.claim(given["weight"])
    return traced.same(node, "prelu", given.subject, stored, shared=prod(_weights(given["weight"])) == 1)


@rule("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout")
def dropout(traced: TorchImporter, node: FxNode, given: Bound) -> Tensor:
    return traced.same(node, "dropout", given.subject, rate=min(given["p"], 0.999))


@rule("alias", "clone", "contiguous", "detach", "to", "_to_copy", "lift_fresh_copy", "type_as", "float", "identity")
def passed_on(traced: TorchImporter, node: FxNode, given: Bound) -> Tensor:
    """The same numbers, in another type or place at most: no row."""
    return given.subject


@rule("add", "mul")
def combined(traced: TorchImporter, node: FxNode, given: Bound) -> Tensor:
    """`add` or `mul` of tensors; with a parameter for each channel a `scale`, with any other a row of its own."""
    both = given["self"], given["other"]
    tensors = [each for each in both if isinstance(each, Tensor)]
    dims = dims_of(node)
    if dims is None:
        raise UnknowableError
    if len(tensors) == 2:
        return traced.merged(node, name_of(node), tensors, dims) or traced.plain(node, tensors, dims)
    x, stored = tensors[0], traced.claim(*both)
    wanted = tuple(size if axis == x.channel else 1 for axis, size in enumerate(dims))
    weights = next((each.dims for each in both if isinstance(each, Weights)), None)
    per_channel = weights is not None and (1,) * (len(dims) - len(weights)) + weights == wanted
    if name_of(node) == "mul" and per_channel and dims == x.dims and stored.params:
        return traced.same(node, "scale", x, stored)
    return traced.plain(node, tensors, dims, stored)


# -- moving elements -------------------------------------------------------------------------------------------


@rule("flatten", "reshape", "view", "unsqueeze", "squeeze", "unflatten", "_unsafe_view", "ravel")
def reshape(traced: TorchImporter, node: FxNode, given: Bound) -> Tensor:
    dims = dims_of(node)
    if dims is None:
        raise UnknowableError
    return traced.reshaped(node, given.subject, dims)


@rule("permute", "transpose", "t", "swapaxes", "movedim", "moveaxis")
def permute(traced: TorchImporter, node: FxNode, given: Bound) -> Tensor:
    x = given.subject
    order = list(range(len(x.known)))
    if name_of(node) == "permute":
        order = [axis_of(axis, len(order)) for axis in given["dims"]]
    elif name_of(node) in ("movedim", "moveaxis"):
        order = _moved(given["source"], given["destination"], len(order))
    else:
        first, second = given.get("dim0", given.get("axis0", 0)), given.get("dim1", given.get("axis1", 1))
        first, second = axis_of(first, len(order)), axis_of(second, len(order))
        order[first], order[second] = order[second], order[first]
    return traced.transposed(node, x, order)


def _moved(source: Any, destination: Any, rank: int) -> list[int]:
    """The order of the axes where some are moved to places of their own, and the rest stays in order around them."""
    ends = {axis_of(to, rank): axis_of(at, rank) for at, to in zip(_axes(source), _axes(destination), strict=True)}
    rest = iter(sorted(set(range(rank)) - set(ends.values())))
    return [ends[place] if place in ends else next(rest) for place in range(rank)]


def _axes(value: Any) -> list[int]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


@rule("cat", "concat", "concatenate")
def cat(traced: TorchImporter, node: FxNode, given: Bound) -> Tensor:
    tensors = [each for each in given["tensors"] if isinstance(each, Tensor)]
    dims = dims_of(node)
    if dims is None:
        raise UnknowableError
    axis = axis_of(given["dim"], len(dims))
    stored = traced.claim(*given["tensors"]) if len(tensors) < len(given["tensors"]) else None
    return traced.joined(node, tensors, dims, axis, stored)


@rule("chunk", "split", "split_with_sizes", "unsafe_chunk", "tensor_split")
def split(traced: TorchImporter, node: FxNode, given: Bound) -> list[Tensor]:
    x = given.subject
    axis = axis_of(given["dim"], len(x.known))
    return traced.split(node, x, axis, [each.shape[axis] for each in node.meta["val"]])


@rule("slice", "narrow")
def take(traced: TorchImporter, node: FxNode, given: Bound) -> Tensor:
    x = given.subject
    axis = axis_of(given["dim"], len(x.known))
    start = given["start"] or 0
    end = start + given["length"] if name_of(node) == "narrow" else given["end"]
    taken = [range(size) for size in x.known]
    taken[axis] = range(*slice(start, end, given.get("step") or 1).indices(x.known[axis]))
    return traced.taken(node, x, taken)


@rule("mean", "amax", "sum", "amin")
def reduce(traced: TorchImporter, node: FxNode, given: Bound) -> Tensor:
    x = given.subject
    axes = axes_of(given.get("dim") or None, len(x.known))
    word = {"mean": "gap", "amax": "gmp"}.get(name_of(node))
    return traced.reduced(node, x, axes, bool(given.get("keepdim", False)), word)


@rule("pad", "constant_pad_nd", *(f"{mode}_pad{rank}d" for mode in ("reflection", "replication") for rank in (1, 2, 3)))
def pad(traced: TorchImporter, node: FxNode, given: Bound) -> Tensor:
    x = given.subject
    amounts = given["pad"] if "pad" in given else given["padding"]
    last = len(x.known) - 1
    # The last axis comes first, its beginning and its end.
    ends = {last - at: (amounts[2 * at], amounts[2 * at + 1]) for at in range(len(amounts) // 2)}
    return traced.padded(node, x, ends)


@rule(
    *(f"upsample_{mode}" for mode in ("nearest1d", "nearest2d", "nearest3d", "linear1d", "bilinear2d", "trilinear3d"))
)
@rule("_upsample_nearest_exact2d", "upsample_bicubic2d", "_upsample_bilinear2d_aa")
def upsample(traced: TorchImporter, node: FxNode, given: Bound) -> Tensor:
    x, dims = given.subject, dims_of(node)
    if dims is None:
        raise UnknowableError
    name = name_of(node)
    mode = "nearest" if "nearest" in name else None if "bicubic" in name or "_aa" in name else "bilinear"
    return traced.resized(node, x, dims, mode)


@rule("pixel_shuffle")
def pixel_shuffle(traced: TorchImporter, node: FxNode, given: Bound) -> Tensor:
    return traced.layer(node, "pixelshuffle", given.subject, factor=given["upscale_factor"])


@rule("channel_shuffle", "native_channel_shuffle")
def channel_shuffle(traced: TorchImporter, node: FxNode, given: Bound) -> Tensor:
    return traced.layer(node, "shuffle", given.subject, groups=given["groups"])
