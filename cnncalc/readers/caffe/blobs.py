"""The axes of Caffe's blobs, and the learnable blobs of a layer.

A blob is N, C, H, W in the file, or has fewer or more axes; here N is left out and the channels are last. Axes are
counted as in the file: 0 is N, 1 the channels, -1 the last one.

A layer's learnable blobs have a `param` each, in order: a learning rate of 0 keeps the blob from training, and a name
makes it that of every other layer with a blob of this name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import prod
from typing import Any, NamedTuple

from cnncalc.diagnostics import Span
from cnncalc.graph import StoredWeights, weights_of
from cnncalc.layers import Layer
from cnncalc.readers.caffe.prototxt import PrototxtMessage
from cnncalc.readers.errors import fail
from cnncalc.readers.importer import printable
from cnncalc.shape import Shape, ShapeError

#: A rate of 0 as files write it: `0`, `0.0`, `0e-5`.
ZERO = re.compile(r"-?(0+\.?0*|\.0+)([eE][+-]?\d+)?f?")


def dims_of(shape: Shape) -> list[int]:
    """Return the sizes of a sample in the file's order: C, H, W."""
    return [shape.channels, *shape.spatial]


def shape_of(dims: Sequence[int]) -> Shape:
    """Return the shape of a sample from its sizes in the file's order; no sizes are those of one number."""
    channels, *spatial = dims or (1,)
    return Shape(tuple(spatial), channels)


class BatchAxis(NamedTuple):
    """The axis of a blob that counts samples: its size, and its place, which a transposition may change.

    The place is None where a reshape made one axis of it and others: then there is one sample, which has all axes.
    """

    size: int = 1
    axis: int | None = 0

    def insert(self, dims: Sequence[int]) -> list[int]:
        """Return the sizes of all axes for those of a sample."""
        return list(dims) if self.axis is None else [*dims[: self.axis], self.size, *dims[self.axis :]]

    def remove(self, sizes: Sequence[int]) -> list[int]:
        """Return the sizes of a sample for those of all axes."""
        return [size for axis, size in enumerate(sizes) if axis != self.axis]

    def after(self, before: Sequence[int], sizes: Sequence[int]) -> BatchAxis:
        """Return the batch of a blob that was reshaped, from the sizes of all axes before to those after.

        A batch that came first is still the first axis, be it of other samples; another is that with as much before it.
        """
        if self.axis == 0:
            return BatchAxis(sizes[0], 0)
        leading = prod(before[: self.axis])
        for axis, size in enumerate(sizes):
            if size == self.size and (self.axis is None or prod(sizes[:axis]) == leading):
                return BatchAxis(size, axis)
        return BatchAxis(sizes[0], 0) if self.size > 1 else BatchAxis(1, None)


class LearnableBlob(NamedTuple):
    """One of a layer's blobs of weights: its size, and whether no gradient trains it, as a running mean."""

    size: int
    is_buffer: bool = False


class ParamSpec(NamedTuple):
    """What a file states for a blob of weights: the name it is shared by, and whether its learning rate is 0."""

    name: str
    constant: bool
    span: Span


def specs_of(layer: PrototxtMessage) -> list[ParamSpec]:
    """Return what a layer states for its blobs, in both dialects."""
    newer = layer.messages("param")
    if newer:
        return [ParamSpec(each.text("name"), _is_zero(each.text("lr_mult")), each.span) for each in newer]
    names, rates = layer.scalars("param"), layer.scalars("blobs_lr")
    return [
        ParamSpec(
            names[at].text if at < len(names) else "",
            at < len(rates) and _is_zero(rates[at].text),
            names[at].span if at < len(names) else rates[at].span,
        )
        for at in range(max(len(names), len(rates)))
    ]


def _is_zero(rate: str) -> bool:
    return bool(ZERO.fullmatch(rate))


def blobs_of(layer: Any, x: Shape) -> Iterator[LearnableBlob]:
    """Yield the blobs that a layer of ours has by its own rule on an input `x`: weights, biases, statistics."""
    try:
        resolved = layer.resolve(x)
    except ShapeError:
        return
    for count in (resolved.weights(x), resolved.bias_weights(x)):
        if count:
            yield LearnableBlob(count)
    if resolved.buffers(x):
        yield LearnableBlob(resolved.buffers(x), is_buffer=True)


class SharedBlobs:
    """The named blobs of a net, each of which is counted with the first layer that has it."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        #: The names of all blobs of a layer → the first node with these.
        self._nodes: dict[tuple[str, ...], int] = {}

    def first(self, specs: Sequence[ParamSpec], node: int) -> int:
        """Return the first node whose blobs have the names that are stated for those of a node, which may be itself."""
        names = tuple([spec.name for spec in specs])
        return self._nodes.setdefault(names, node) if names and all(names) else node

    def held(
        self, specs: Sequence[ParamSpec], kind: Layer, x: Shape | None, blobs: Sequence[LearnableBlob]
    ) -> tuple[Layer, StoredWeights | None]:
        """Return a layer with the weights that it holds, None where they are those of its own rule.

        A layer whose weights are all constant is frozen. Raises `SpecError` E306 for a shared blob of another size.
        """
        params = buffers = constant = 0
        shares = False
        for at, blob in enumerate(blobs):
            spec = specs[at] if at < len(specs) else None
            if spec is not None and spec.name and self._is_known(spec, blob.size):
                shares = True
            elif blob.is_buffer:
                buffers += blob.size
            elif kind.frozen or (spec is not None and spec.constant):
                constant += blob.size
            else:
                params += blob.size
        if constant and not params and not shares and "trainable" in kind.arguments:
            kind = kind.replace(trainable=False)
        stored = StoredWeights(params, buffers, constant)
        by_rule = StoredWeights()
        if x is not None:
            try:
                by_rule = weights_of(kind.resolve(x), x)
            except ShapeError:
                return kind, None
        return kind, None if stored == by_rule else stored

    def _is_known(self, spec: ParamSpec, count: int) -> bool:
        """Return whether another layer holds the blob already; else it is this one's."""
        known = self._counts.get(spec.name)
        if known is None:
            self._counts[spec.name] = count
        elif known != count:
            message = f"the weights `{printable(spec.name)}` are shared by layers that need different ones"
            fail("E306", message, f"{known:,} and {count:,}", span=spec.span)
        return known is not None
