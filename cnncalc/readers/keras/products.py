"""Keras's layers that multiply matrices: dense ones, einsum, dot, and locally connected ones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

from cnncalc.graph import StoredWeights
from cnncalc.layers.taps import WindowTaps
from cnncalc.readers.keras.activations import activation_of
from cnncalc.readers.keras.config import LayerConfig, is_whole
from cnncalc.readers.keras.rules import LayerPart, operator, part, rules, several
from cnncalc.readers.tensors import CannotInferError
from cnncalc.shape import Shape, Size


@rules("Dense", "DenseBatchnorm")
def dense(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield an fc, or on a tensor with spatial axes a 1x1 convolution.

    Keras's dense layer works on the channels at each position.
    """
    units, bias = config.integer("units"), config.flag("use_bias")
    x = shapes[0]
    if not x.has_rank:
        yield part("fc", units=units, bias=bias, each=True)
    elif x.spatial:
        yield part("conv", kernel=(1,), filters=units, bias=bias)
    else:
        yield part("fc", units=units, bias=bias)
    yield from activation_of(config)


@rules("Highway")
def highway(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield the two dense layers of a highway, whose sizes are those of its input (arXiv:1505.00387)."""
    x = shapes[0]
    products = 2 * x.channels * x.channels
    biases = 2 * x.channels if config.flag("use_bias") else 0
    yield operator(config, x, StoredWeights(products + biases), macs=products)


@rules("MaxoutDense")
def maxout(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield as many dense layers as there are features, of which the largest is taken (arXiv:1302.4389)."""
    x, units, features = shapes[0], config.integer("units"), config.integer("nb_feature", 4)
    products = features * x.channels * units
    biases = features * units if config.flag("use_bias") else 0
    yield operator(config, Shape((), units), StoredWeights(products + biases), macs=products)


@rules("LocallyConnected1D", "LocallyConnected2D")
def locally_connected(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield a convolution whose every position has weights of its own."""
    x = shapes[0]
    kernel, stride = (config.integers(name, x.rank, 1) for name in ("kernel_size", "strides"))
    padding = config.rule("padding")
    windows = [
        padding.window(axis, n, k, s, 1) for axis, (n, k, s) in enumerate(zip(x.spatial, kernel, stride, strict=True))
    ]
    sizes = tuple(window.size(n) for window, n in zip(windows, x.spatial, strict=True))
    if any(isinstance(size, int) and size < 1 for size in sizes):
        config.fail("kernel_size", f"the window does not fit in {x}")
    filters = config.integer("filters")
    products = prod(sizes) * prod(kernel) * x.channels * filters
    biases = prod(sizes) * filters if config.flag("use_bias") else 0
    y = Shape(sizes, filters)
    yield operator(
        config, y, StoredWeights(products + biases), macs=products, window=tuple(map(WindowTaps.of, windows))
    )
    yield from activation_of(config)


# -- einsum ----------------------------------------------------------------------------------------------------

EINSUM = re.compile(r"(\.\.\.|)([a-zA-Z]+)(\.\.\.|),([a-zA-Z]+)->(\.\.\.|)([a-zA-Z]+)(\.\.\.|)")


@rules("EinsumDense")
def einsum_dense(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield a product with weights by an equation; one over the last axis alone is an `fc`."""
    x = shapes[0]
    equation = str(config.get("equation", "")).replace(" ", "")
    found = EINSUM.fullmatch(equation)
    if not found:
        config.fail("equation", f"it is {equation[:40]}")
    before, read, behind, weight, _, made, _ = found.groups()
    dims = list(config.file_order(x))
    if not x.has_rank:
        raise CannotInferError
    elided = len(dims) + 1 - len(read)
    if elided < 0 or (elided and not before and not behind):
        config.fail("equation", f"{equation[:40]} does not fit {x}")
    rest = dims[len(dims) - elided :] if behind and elided else dims[: max(elided - 1, 0)] if before else []
    # The batch has the first letter, or is among the axes that the dots stand for.
    places = dims[elided - 1 :] if before and elided else [None, *dims]
    labels: dict[str, Size] = {label: size for label, size in zip(read, places, strict=False) if size is not None}
    stated = config.get("output_shape")
    own = list(stated) if isinstance(stated, list | tuple) else [stated]
    labels |= _stated_sizes(config, made, own, labels, 0 if before else 1)
    missing = {*weight, *made} - labels.keys() - set(read[:1] if not before else "")
    if missing:
        config.fail("output_shape", f"the size of `{min(missing)}` is not stated")
    bias = str(config.get("bias_axes") or "")
    kernel = prod(labels[label] for label in weight)
    biases = prod(labels.get(label, 1) for label in bias) if bias else 0
    new = [label for label in weight if label not in read]
    plain = read[-1:] not in made and weight == read[-1] + "".join(new) and len(new) == 1
    if plain and made == read[:-1] + new[0] and not behind and bias in ("", new[0]):
        kind: dict[str, Any] = {"units": labels[new[0]], "bias": bool(bias)}
        yield part("fc", **kind, each=bool(x.spatial))
    else:
        batch = "" if before else read[:1]
        out = [labels[label] for label in made if label not in batch]
        y = config.shape_of([*(rest if before else []), *out, *(rest if behind else [])])
        macs = prod(labels.values()) * prod(rest)
        yield operator(config, y, StoredWeights(kernel + biases), macs=macs)
    yield from activation_of(config)


def _stated_sizes(
    config: LayerConfig, made: str, own: list[Any], known: Mapping[str, Size], skipped: int
) -> dict[str, Size]:
    """Return the sizes of the output's axes that the file states; those of the batch and the dots it leaves out."""
    labels = made[skipped:]
    # From the end: in front there may be axes that the dots stand for.
    pairs = zip(reversed(labels), reversed(own[: len(labels)] if skipped else own), strict=False)
    return {label: size for label, size in pairs if label not in known and is_whole(size, 1)}


@several("Dot")
def dot(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield the product of two tensors along an axis of each, for each sample."""
    axes = config.get("axes", -1)
    pair = [axes, axes] if isinstance(axes, int) else axes
    if len(shapes) != 2 or not isinstance(pair, list) or len(pair) != 2:
        config.fail("axes", f"it is {str(axes)[:40]}")
    left, right = (list(config.file_order(shape)) for shape in shapes)
    (first,), (second,) = config.axes(shapes[0], pair[0]), config.axes(shapes[1], pair[1])
    shared = left.pop(first)
    right.pop(second)
    y = config.shape_of([*left, *right] or [1])
    yield operator(config, y, macs=y.elements * shared)
