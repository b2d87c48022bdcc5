"""Keras's attention layers, by what they hold: projections, and products of queries with keys and values."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, NamedTuple

from cnncalc.graph import StoredWeights
from cnncalc.readers.keras.config import LayerConfig, Operand
from cnncalc.readers.keras.rules import LayerPart, operator, part, several
from cnncalc.shape import Shape, Size


class Roles(NamedTuple):
    """The shapes of the queries, values and keys."""

    query: Shape
    value: Shape
    key: Shape


def _roles(config: LayerConfig, shapes: list[Shape]) -> Roles:
    """Return the shapes by role, of arguments of the call or of one list of tensors; keys may be the values."""
    given = config.of_call(0, "query", "inputs")
    if isinstance(given, list):
        found: list[Any] = given
    else:
        found = [given, config.of_call(1, "value"), config.of_call(2, "key")]
    places = [each.place if isinstance(each, Operand) else None for each in [*found, None, None][:3]]
    query = shapes[places[0] if places[0] is not None else 0]
    value = shapes[places[1]] if places[1] is not None else query
    return Roles(query, value, shapes[places[2]] if places[2] is not None else value)


@several("MultiHeadAttention")
def multi_head(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield attention with `num_heads` heads of `key_dim` and `value_dim` elements."""
    query, value, key = _roles(config, shapes)
    heads, key_dim = config.integer("num_heads"), config.integer("key_dim")
    value_dim = config.integer("value_dim", key_dim)
    stated = config.get("output_shape")
    made = list(stated) if isinstance(stated, list) else [stated] if isinstance(stated, int) else [query.channels]
    if not made or not all(not isinstance(size, int) or size > 0 for size in made):
        config.fail("output_shape", f"it is {str(stated)[:40]}")
    inner = heads * key_dim, heads * value_dim
    if stated is None and _is_of_itself(config):
        yield part("attention", heads=heads, dim=inner[0], value_dim=inner[1], bias=config.flag("use_bias"))
        yield from _scores(config, heads, query, key)
        return
    gate = inner[1] if config.flag("use_gate", default=False) else 0
    projections = [(query, inner[0] + gate), (key, inner[0]), (value, inner[1])]
    # Axes that are not attended stand for samples of their own.
    axes = config.get("attention_axes")
    attended = config.axes(query, axes) if axes is not None else tuple(range(query.rank))
    pairs = prod(query.spatial) * prod(key.spatial[axis] for axis in attended if axis < key.rank)
    yield from _attention(config, projections, inner, pairs, Shape(query.spatial, prod(made)), heads)
    if len(made) > 1:
        yield operator(config, Shape.of((*query.spatial, *made)), memory="alias")._replace(suffix="shape")
    yield from _scores(config, heads, query, key)


def _is_of_itself(config: LayerConfig) -> bool:
    """Return whether queries, keys and values are of one tensor, all of whose positions attend to one another."""
    plain = not config.flag("use_gate", default=False) and config.get("attention_axes") is None
    return plain and config.get("sliding_window") is None and len(set(config.sources)) == 1


def _scores(config: LayerConfig, heads: int, query: Shape, key: Shape) -> Iterator[LayerPart]:
    if config.keywords.get("return_attention_scores") is True:
        yield operator(config, Shape.of((heads, *query.spatial, *key.spatial)), output=1)


@several("GroupQueryAttention", "GroupedQueryAttention")
def group_query(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield attention whose heads of queries share those of keys and values (arXiv:2305.13245)."""
    query, value, key = _roles(config, shapes)
    size, heads = config.integer("head_dim"), config.integer("num_query_heads")
    shared = config.integer("num_key_value_heads")
    if _is_of_itself(config):
        yield part("attention", heads=heads, dim=heads * size, kv=shared, bias=config.flag("use_bias"))
        yield from _scores(config, heads, query, key)
        return
    gate = heads * size if config.flag("use_gate", default=False) else 0
    projections = [(query, heads * size + gate), (key, shared * size), (value, shared * size)]
    pairs = prod(query.spatial) * prod(key.spatial)
    yield from _attention(config, projections, (heads * size, heads * size), pairs, query, heads)
    yield from _scores(config, heads, query, key)


def _attention(
    config: LayerConfig,
    projections: list[tuple[Shape, Size]],
    inner: tuple[Size, Size],
    pairs: Size,
    output: Shape,
    heads: int,
) -> Iterator[LayerPart]:
    """Yield attention: a dense layer for each projection and the output, and two products for each pair of positions.

    `inner` are the elements of the queries and of the values that are read, in all heads.
    """
    weights = sum(x.channels * size for x, size in projections) + inner[1] * output.channels
    biases = sum(size for _, size in projections) + output.channels if config.flag("use_bias") else 0
    macs = sum(prod(x.spatial) * x.channels * size for x, size in projections)
    macs += prod(output.spatial) * inner[1] * output.channels + pairs * (inner[0] + inner[1])
    yield operator(config, output, StoredWeights(weights + biases), macs=macs)


@several("Attention")
def dot_attention(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield attention without projections, by products; or by sums, of whose tanh there are no products."""
    sums = config.get("score_mode", "dot") == "concat"
    yield from _unprojected(config, shapes, config.flag("use_scale", default=False) + sums, by_products=not sums)


@several("AdditiveAttention")
def additive(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield attention whose scores are sums of the tanh of queries and keys (arXiv:1409.0473)."""
    query = _roles(config, shapes).query
    yield from _unprojected(config, shapes, query.channels if config.flag("use_scale") else 0, by_products=False)


def _unprojected(config: LayerConfig, shapes: list[Shape], weights: Size, by_products: bool) -> Iterator[LayerPart]:
    query, value, key = _roles(config, shapes)
    pairs = prod(query.spatial) * prod(key.spatial)
    macs = pairs * ((query.channels if by_products else 0) + value.channels)
    yield operator(config, Shape(query.spatial, value.channels), StoredWeights(weights), macs=macs)
    if config.keywords.get("return_attention_scores") is True:
        yield operator(config, Shape.of((*query.spatial, *key.spatial)), output=1)
