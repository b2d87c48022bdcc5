"""The rules of ATen's operators: the layer for each, or its effect on the tensors that it moves."""

from __future__ import annotations

from math import prod
from typing import Any

from cnncalc.frameworks.pytorch import PYTORCH
from cnncalc.layers import MERGE_WORDS
from cnncalc.readers.importer import make, per_axis, symmetric_padding
from cnncalc.readers.shape_inference import Dims, axes_of, axis_of
from cnncalc.readers.tensors import CannotInferError, Tensor, is_per_channel
from cnncalc.readers.torch.importer import (
    BoundArguments,
    FxNode,
    TorchImporter,
    known_output_dims,
    operator_name,
    output_dims,
    rules,
)
from cnncalc.readers.weights import ConstantTensor
from cnncalc.shape import Padding


def dims_of(value: Any) -> Dims:
    """Return the dimensions of an argument that is a tensor; raises `CannotInferError` if they are not known."""
    if not isinstance(value, (ConstantTensor, Tensor)) or value.dims is None:
        raise CannotInferError
    return value.dims


def functions(kind: str) -> tuple[str, ...]:
    """Return ATen's operators for a kind of layer, of all ranks."""
    return tuple(name for name, each in PYTORCH.function_kinds().items() if each == kind)


def _read(kind: str, arguments: BoundArguments) -> dict[str, Any]:
    """Return our arguments for a layer of a kind, by their names in PyTorch's table."""
    # A list that is left out is empty.
    return PYTORCH.equivalent(kind).read({name: value for name, value in arguments.items() if value != []})


def _per_axis(value: Any, rank: int) -> tuple[int, ...]:
    return per_axis(value if isinstance(value, (list, tuple)) else (value,), rank)


def _padding(value: Any, rank: int) -> Padding:
    return Padding(value) if isinstance(value, str) else symmetric_padding(_per_axis(value, rank))


@rules.table({name: kind for name, kind in PYTORCH.function_kinds().items() if kind not in MERGE_WORDS})
def plain_layer(importer: TorchImporter, node: FxNode, arguments: BoundArguments, kind: str) -> Tensor:
    """Add a layer for an operator named in the table that has no rule of its own below."""
    return importer.layer(node, kind, arguments.subject, **_read(kind, arguments))


# -- windows ---------------------------------------------------------------------------------------------------


@rules(*functions("conv"))
def conv(importer: TorchImporter, node: FxNode, arguments: BoundArguments) -> Tensor:
    weight, bias = dims_of(arguments["weight"]), arguments["bias"]
    rank, stored = len(weight) - 2, importer.count_weights(arguments["weight"], bias)
    return importer.convolution(
        node,
        arguments.subject,
        weight,
        arguments["groups"],
        stored,
        kernel=weight[2:],
        stride=_per_axis(arguments["stride"], rank),
        dilation=_per_axis(arguments["dilation"], rank),
        padding=_padding(arguments["padding"], rank),
        bias=bias is not None,
    )


@rules(*functions("deconv"))
def conv_transpose(importer: TorchImporter, node: FxNode, arguments: BoundArguments) -> Tensor:
    weight, bias = dims_of(arguments["weight"]), arguments["bias"]
    rank, groups = len(weight) - 2, arguments["groups"]
    return importer.layer(
        node,
        "deconv",
        arguments.subject,
        importer.count_weights(arguments["weight"], bias),
        kernel=weight[2:],
        stride=_per_axis(arguments["stride"], rank),
        dilation=_per_axis(arguments["dilation"], rank),
        padding=_padding(arguments["padding"], rank),
        output_padding=_per_axis(arguments["output_padding"], rank),
        groups=groups,
        filters=weight[1] * groups,
        bias=bias is not None,
    )


@rules.table({name: kind for kind in ("adaptiveavgpool", "adaptivemaxpool") for name in functions(kind)})
def adaptive_pool(importer: TorchImporter, node: FxNode, arguments: BoundArguments, kind: str) -> Tensor:
    """Add an adaptive pool; with output size 1 it is a global pool."""
    x = importer.with_channels(node, arguments.subject, 1)
    size = _per_axis(arguments["output_size"], len(x.known_dims) - 2)
    if set(size) == {1}:
        return importer.layer(node, "gap" if kind == "adaptiveavgpool" else "gmp", x)
    return importer.layer(node, kind, x, size=size)


# -- products and norms ----------------------------------------------------------------------------------------


@rules("linear")
def linear(importer: TorchImporter, node: FxNode, arguments: BoundArguments) -> Tensor:
    x, weight, bias = arguments.subject, dims_of(arguments["weight"]), arguments["bias"]
    dims, stored = known_output_dims(node), importer.count_weights(arguments["weight"], bias)
    if len(weight) != 2:
        raise CannotInferError
    if not x.is_sample or len(x.known_dims) > 5:
        return importer.opaque(node, dims, [x], len(dims) - 1, stored, macs=prod(dims) * weight[1])
    return importer.dense(node, x, dims, stored, bias=bias is not None)


@rules("embedding")
def embedding(importer: TorchImporter, node: FxNode, arguments: BoundArguments) -> Tensor:
    table, indices = dims_of(arguments["weight"]), arguments["indices"]
    dims, stored = known_output_dims(node), importer.count_weights(arguments["weight"])
    tensors = [each for each in arguments.values() if isinstance(each, Tensor)]
    if not isinstance(indices, Tensor) or not indices.is_sample or len(indices.known_dims) != 2:
        return importer.opaque(node, dims, tensors, len(dims) - 1, stored)
    index = importer.add_layer(node, make("embedding", table=tuple(table)), (indices,), stored)
    return Tensor(index, dims, len(dims) - 1)


@rules("matmul", "mm", "bmm", "addmm", "baddbmm", "dot", "mv")
def product(importer: TorchImporter, node: FxNode, arguments: BoundArguments) -> Tensor:
    """Add a product of matrices: an output element has as many multiply-adds as the size that the matrices share."""
    left, right = arguments.get("mat1", arguments.get("batch1", arguments.get("self"))), None
    for name in ("mat2", "batch2", "other", "tensor", "vec"):
        right = arguments.get(name, right)
    tensors = [each for each in arguments.values() if isinstance(each, Tensor)]
    dims = known_output_dims(node)
    shared = dims_of(left)[-1]
    dims_of(right)
    stored = importer.count_weights(*arguments.values())
    return importer.opaque(node, dims, tensors, len(dims) - 1, stored, macs=prod(dims) * shared)


@rules("stack")
def stack(importer: TorchImporter, node: FxNode, arguments: BoundArguments) -> Tensor:
    """Tensors side by side along an axis of its own; their channels stay what they are."""
    given = arguments["tensors"]
    tensors, dims = [each for each in given if isinstance(each, Tensor)], known_output_dims(node)
    channel = tensors[0].channel
    channel += axis_of(arguments["dim"], len(dims)) <= channel
    return importer.opaque(node, dims, tensors, channel, importer.count_weights(*given))


@rules.table({"batch_norm": "bn", "instance_norm": "instancenorm"})
def batch_norm(importer: TorchImporter, node: FxNode, arguments: BoundArguments, kind: str) -> Tensor:
    weight = arguments["weight"]
    stored = importer.count_weights(weight, arguments["bias"], arguments["running_mean"], arguments["running_var"])
    x = importer.with_channels(node, arguments.subject, 1)
    return importer.same_shape(node, kind, x, stored, affine=weight is not None)


@rules("layer_norm")
def layer_norm(importer: TorchImporter, node: FxNode, arguments: BoundArguments) -> Tensor:
    x, stored = arguments.subject, importer.count_weights(arguments["weight"], arguments["bias"])
    if len(arguments["normalized_shape"]) != 1:
        return importer.elementwise(node, [x], x.known_dims, stored)
    x = importer.with_channels(node, x, len(x.known_dims) - 1)
    return importer.same_shape(node, "ln", x, stored, affine=arguments["weight"] is not None)


@rules("group_norm")
def group_norm(importer: TorchImporter, node: FxNode, arguments: BoundArguments) -> Tensor:
    stored = importer.count_weights(arguments["weight"], arguments["bias"])
    x = importer.with_channels(node, arguments.subject, 1)
    return importer.same_shape(
        node, "gn", x, stored, groups=arguments["num_groups"], affine=arguments["weight"] is not None
    )


# -- element by element ----------------------------------------------------------------------------------------

#: Kinds that keep the shape and hold no weights, and that an operator is all by itself.
PLAIN = (
    "relu", "relu6", "selu", "celu", "gelu", "silu", "mish", "sigmoid", "hardsigmoid", "hardswish", "tanh", "softplus",
    "softsign", "softmax", "logsoftmax", "leakyrelu", "elu",
)  # fmt: skip


@rules.table({name: kind for kind in PLAIN for name in functions(kind)})
def plain(importer: TorchImporter, node: FxNode, arguments: BoundArguments, kind: str) -> Tensor:
    return importer.same_shape(node, kind, arguments.subject, **_read(kind, arguments))


@rules("hardtanh", "clamp", "clip")
def hardtanh(importer: TorchImporter, node: FxNode, arguments: BoundArguments) -> Tensor:
    bounds = arguments.get("min_val", arguments.get("min")), arguments.get("max_val", arguments.get("max"))
    kinds: dict[Any, str] = {(0, 6): "relu6", (-1, 1): "hardtanh", (0, None): "relu"}
    kind = kinds.get(bounds)
    if kind is None:
        raise CannotInferError
    return importer.same_shape(node, kind, arguments.subject)


@rules("prelu")
def prelu(importer: TorchImporter, node: FxNode, arguments: BoundArguments) -> Tensor:
    stored = importer.count_weights(arguments["weight"])
    return importer.same_shape(node, "prelu", arguments.subject, stored, shared=prod(dims_of(arguments["weight"])) == 1)


@rules(*functions("dropout"))
def dropout(importer: TorchImporter, node: FxNode, arguments: BoundArguments) -> Tensor:
    return importer.same_shape(node, "dropout", arguments.subject, rate=min(arguments["p"], 0.999))


@rules("alias", "clone", "contiguous", "detach", "to", "_to_copy", "lift_fresh_copy", "type_as", "float", "identity")
def passed_on(importer: TorchImporter, node: FxNode, arguments: BoundArguments) -> Tensor:
    """Return the input, with a different type or memory layout at most; there is no row."""
    return arguments.subject


@rules("add", "mul")
def combined(importer: TorchImporter, node: FxNode, arguments: BoundArguments) -> Tensor:
    """Add an `add` or `mul` of tensors; with a parameter for each channel a `scale`, otherwise an opaque operator."""
    both = arguments["self"], arguments["other"]
    tensors = [each for each in both if isinstance(each, Tensor)]
    dims = known_output_dims(node)
    operator = operator_name(node)
    if len(tensors) == 2:
        return importer.merge(node, operator, tensors, dims) or importer.elementwise(node, tensors, dims)
    x, stored = tensors[0], importer.count_weights(*both)
    weights = next((each.dims for each in both if isinstance(each, ConstantTensor)), None)
    per_channel = weights is not None and is_per_channel(weights, x, dims)
    if operator == "mul" and per_channel and dims == x.dims and stored.params:
        return importer.same_shape(node, "scale", x, stored)
    return importer.elementwise(node, tensors, dims, stored)


# -- moving elements -------------------------------------------------------------------------------------------


@rules(
    "flatten", "reshape", "view", "unsqueeze", "squeeze", "unflatten", "_unsafe_view", "ravel", "reshape_as", "view_as"
)
def reshape(importer: TorchImporter, node: FxNode, arguments: BoundArguments) -> Tensor:
    dims = known_output_dims(node)
    return importer.reshape(node, arguments.subject, dims)


@rules("permute", "transpose", "t", "swapaxes", "movedim", "moveaxis")
def permute(importer: TorchImporter, node: FxNode, arguments: BoundArguments) -> Tensor:
    x = arguments.subject
    order = list(range(len(x.known_dims)))
    if operator_name(node) == "permute":
        order = [axis_of(axis, len(order)) for axis in arguments["dims"]]
    elif operator_name(node) in ("movedim", "moveaxis"):
        order = _moved(arguments["source"], arguments["destination"], len(order))
    else:
        first, second = (
            arguments.get("dim0", arguments.get("axis0", 0)),
            arguments.get("dim1", arguments.get("axis1", 1)),
        )
        first, second = axis_of(first, len(order)), axis_of(second, len(order))
        order[first], order[second] = order[second], order[first]
    return importer.transpose(node, x, order)


def _moved(source: Any, destination: Any, rank: int) -> list[int]:
    """Return the order of the axes after some are moved to given positions, with the rest in order around them."""
    ends = {axis_of(to, rank): axis_of(at, rank) for at, to in zip(_axes(source), _axes(destination), strict=True)}
    rest = iter(sorted(set(range(rank)) - set(ends.values())))
    return [ends[axis] if axis in ends else next(rest) for axis in range(rank)]


def _axes(value: Any) -> list[int]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


@rules("cat", "concat", "concatenate")
def cat(importer: TorchImporter, node: FxNode, arguments: BoundArguments) -> Tensor:
    tensors = [each for each in arguments["tensors"] if isinstance(each, Tensor)]
    dims = known_output_dims(node)
    axis = axis_of(arguments["dim"], len(dims))
    stored = importer.count_weights(*arguments["tensors"]) if len(tensors) < len(arguments["tensors"]) else None
    return importer.concat(node, tensors, dims, axis, stored)


@rules("chunk", "split", "split_with_sizes", "unsafe_chunk", "tensor_split")
def split(importer: TorchImporter, node: FxNode, arguments: BoundArguments) -> list[Tensor]:
    x = arguments.subject
    axis = axis_of(arguments["dim"], len(x.known_dims))
    return importer.split(node, x, axis, [each.shape[axis] for each in node.meta["val"]])


@rules("slice", "narrow")
def take(importer: TorchImporter, node: FxNode, arguments: BoundArguments) -> Tensor:
    x = arguments.subject
    axis = axis_of(arguments["dim"], len(x.known_dims))
    start = arguments["start"] or 0
    end = start + arguments["length"] if operator_name(node) == "narrow" else arguments["end"]
    taken = [range(size) for size in x.known_dims]
    taken[axis] = range(*slice(start, end, arguments.get("step") or 1).indices(x.known_dims[axis]))
    return importer.slice(node, x, taken)


@rules("mean", "amax", "sum", "amin")
def reduce(importer: TorchImporter, node: FxNode, arguments: BoundArguments) -> Tensor:
    x = arguments.subject
    axes = axes_of(arguments.get("dim") or None, len(x.known_dims))
    kind = {"mean": "gap", "amax": "gmp"}.get(operator_name(node))
    return importer.reduce(node, x, axes, bool(arguments.get("keepdim", False)), kind)


@rules(
    "pad", "constant_pad_nd", *(f"{mode}_pad{rank}d" for mode in ("reflection", "replication") for rank in (1, 2, 3))
)
def pad(importer: TorchImporter, node: FxNode, arguments: BoundArguments) -> Tensor:
    x = arguments.subject
    amounts = arguments["pad"] if "pad" in arguments else arguments["padding"]
    last = len(x.known_dims) - 1
    # The last axis comes first, its beginning and its end.
    ends = {last - at: (amounts[2 * at], amounts[2 * at + 1]) for at in range(len(amounts) // 2)}
    return importer.pad(node, x, ends)


@rules(
    *(f"upsample_{mode}" for mode in ("nearest1d", "nearest2d", "nearest3d", "linear1d", "bilinear2d", "trilinear3d"))
)
@rules("_upsample_nearest_exact2d", "upsample_bicubic2d", "_upsample_bilinear2d_aa")
def upsample(importer: TorchImporter, node: FxNode, arguments: BoundArguments) -> Tensor:
    x, dims = arguments.subject, output_dims(node)
    if dims is None:
        raise CannotInferError
    name = operator_name(node)
    mode = "nearest" if "nearest" in name else None if "bicubic" in name or "_aa" in name else "bilinear"
    return importer.resize(node, x, dims, mode)
