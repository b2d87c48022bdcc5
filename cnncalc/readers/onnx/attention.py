"""Attention: ONNX's, and the fused operators of ONNX Runtime. The products of a head are counted for all keys."""

from __future__ import annotations

from typing import NamedTuple

from cnncalc.readers.onnx.importer import OnnxImporter, rules
from cnncalc.readers.onnx.model import NodeDef
from cnncalc.readers.operands import Operands, Outputs
from cnncalc.readers.shape_inference import Dims, ShapeMismatchError
from cnncalc.readers.tensors import CannotInferError
from cnncalc.shape import Size


class Heads(NamedTuple):
    """A tensor of queries, keys or values: its heads, its positions, and the channels of a head."""

    heads: Size
    positions: Size
    channels: Size


def _heads(dims: Dims | None, heads: int) -> Heads:
    """Return the heads of a tensor: batch x heads x positions x channels, or batch x positions x all channels."""
    if dims is None or len(dims) not in (3, 4):
        raise CannotInferError
    if len(dims) == 4:
        return Heads(*dims[1:])
    if heads < 1 or dims[2] % heads:
        raise ShapeMismatchError(f"{dims[2]} channels do not divide into {heads} heads")
    return Heads(heads, dims[1], dims[2] // heads)


def _with_past(importer: OnnxImporter, operands: Operands, position: int, keys: Heads) -> Size:
    """Return the number of keys, those of the past included."""
    past = operands.get(position)
    if past is None:
        return keys.positions
    if not past.dims or len(past.dims) < 4:
        raise CannotInferError
    return past.dims[-2] + keys.positions


@rules("Attention")
def attention(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    """Add attention: a product of queries with keys, and one of the resulting weights with values."""
    dims = operands.value(0).dims
    queries = _heads(dims, node.integer("q_num_heads", 0))
    heads = node.integer("kv_num_heads", 0)
    keys, values = (_heads(operands.value(at).dims, heads) for at in (1, 2))
    total = _with_past(importer, operands, 4, keys)
    batch = (dims or (1,))[0]
    after: Dims = (batch, queries.heads, queries.positions, values.channels)
    if len(dims or ()) == 3:
        after = (batch, queries.positions, queries.heads * values.channels)
    macs = batch * queries.heads * queries.positions * total * (queries.channels + values.channels)
    output = importer.opaque(node, after, operands.tensors, len(after) - 1, macs=macs)
    present = [(batch, each.heads, total, each.channels) for each in (keys, values)]
    return [
        output,
        *(output._replace(dims=each, channel=3) for each in present),
        output._replace(dims=(batch, queries.heads, queries.positions, total), channel=3),
    ]


@rules("LinearAttention")
def linear_attention(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    """Add attention without a softmax: each position adds k·vᵀ to a state of keys x values, and reads q·state of it."""
    dims = operands.value(0).dims
    queries = _heads(dims, node.integer("q_num_heads", 0))
    keys, values = (_heads(operands.value(at).dims, node.integer("kv_num_heads", 0)) for at in (1, 2))
    batch = (dims or (1,))[0]
    if dims is None or len(dims) != 3:
        raise CannotInferError
    macs = batch * queries.positions * (queries.heads + keys.heads) * keys.channels * values.channels
    output = importer.opaque(
        node, (batch, queries.positions, queries.heads * values.channels), operands.tensors, 2, macs=macs
    )
    return [output, output._replace(dims=(batch, keys.heads, keys.channels, values.channels), channel=3)]


@rules.table({"com.microsoft.Attention": 2, "com.microsoft.QAttention": 2})
def projected_attention(importer: OnnxImporter, node: NodeDef, operands: Operands, bias: int) -> Outputs:
    """Add attention with the product that makes queries, keys and values: weights of channels x all of their channels.

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.Attention
    """
    data, weights = operands.tensor(0), operands.value(1)
    dims = data.known_dims
    if len(dims) != 3 or not weights.dims or len(weights.dims) != 2:
        raise CannotInferError
    batch, positions, channels = dims
    sizes = node.integers("qkv_hidden_sizes")
    queries, keys, values = sizes if sizes and len(sizes) == 3 else (weights.dims[1] // 3,) * 3
    past = operands.get(8 if node.operator == "QAttention" else 4)
    total = positions + (past.dims[-2] if past is not None and past.dims and len(past.dims) == 5 else 0)
    stored = importer.count_weights(weights, operands.get(bias), any_type=True)
    macs = batch * positions * (channels * weights.dims[1] + total * (queries + values))
    output = importer.opaque(node, (batch, positions, values), operands.tensors, 2, stored, macs=macs)
    heads = max(node.integer("num_heads", 1), 1)
    return [output, output._replace(dims=(2, batch, heads, total, keys // heads), channel=4)]


@rules.table({"com.microsoft.MultiHeadAttention": "num_heads", "com.microsoft.GroupQueryAttention": "kv_num_heads"})
def fused_attention(importer: OnnxImporter, node: NodeDef, operands: Operands, of_keys: str) -> Outputs:
    """Add attention of queries, keys and values that are projected already; all of them may be in the first input.

    Packed, they are batch x positions x heads x 3 x channels, or for groups of queries one behind the other.
    """
    first, key, value = operands.value(0).dims, operands.get(1), operands.get(2)
    heads, of_keys_and_values = node.integer("num_heads", 0), node.integer(of_keys, 0)
    if first is None or len(first) not in (3, 5) or heads < 1 or of_keys_and_values < 1:
        raise CannotInferError
    batch, positions = first[:2]
    if len(first) == 5:
        queries = keys = values = Heads(heads, positions, first[4])
    elif key is None:
        channels = first[2] // (heads + 2 * of_keys_and_values)
        queries = Heads(heads, positions, channels)
        keys = values = Heads(of_keys_and_values, positions, channels)
    else:
        queries = _heads(first, heads)
        if key.dims is not None and len(key.dims) == 5:  # keys and values packed
            keys = values = Heads(heads, key.dims[1], key.dims[4])
        else:
            keys = _heads(key.dims, of_keys_and_values)
            values = keys if value is None else _heads(value.dims, of_keys_and_values)
    past = {"num_heads": 6, "kv_num_heads": 3}[of_keys]
    total = _with_past(importer, operands, past, keys)
    stored = importer.count_weights(operands.get(3) if of_keys == "num_heads" else None)
    macs = batch * heads * positions * total * (queries.channels + values.channels)
    output = importer.opaque(node, (batch, positions, heads * values.channels), operands.tensors, 2, stored, macs=macs)
    present = [(batch, each.heads, total, each.channels) for each in (keys, values)]
    return [output, *(output._replace(dims=each, channel=3) for each in present)]
