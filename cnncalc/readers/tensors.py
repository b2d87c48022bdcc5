"""Tensors in the layout of a framework: dimensions in its order, and the index of the channel axis."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from cnncalc.readers.shape_inference import Dims
from cnncalc.shape import Shape


class CannotInferError(ValueError):
    """The output of an operator cannot be inferred: the operator becomes a row marked unknown."""


class Tensor(NamedTuple):
    """The output of a node: its dimensions in the framework's order, and the index of the channel axis.

    `dims` is None if the shape is not known, after an unknown operator.
    """

    node: int
    dims: Dims | None
    channel: int = 1

    @property
    def known_dims(self) -> Dims:
        """The dimensions; raises `CannotInferError` if they are not known."""
        if self.dims is None:
            raise CannotInferError
        return self.dims

    @property
    def spatial_axes(self) -> tuple[int, ...]:
        """The axes that are neither the batch nor the channels, in order."""
        return tuple(axis for axis in range(1, len(self.known_dims)) if axis != self.channel)

    @property
    def is_sample(self) -> bool:
        """Whether the tensor is one sample: its first axis is the batch, of size 1."""
        return len(self.known_dims) > 1 and self.known_dims[0] == 1


def sample_shape(dims: Dims, channel: int) -> Shape:
    """Return the shape of one sample, channels last: the axes in order without the batch (an axis of 1 in front)."""
    if len(dims) < 2:
        return Shape((), dims[0] if dims else 1)
    axes = range(1 if dims[0] == 1 else 0, len(dims))
    channel = channel if channel in axes else len(dims) - 1
    return Shape(tuple(dims[axis] for axis in axes if axis != channel), dims[channel])


def channel_after(before: Dims, after: Dims, channel: int) -> int:
    """Return the channel axis after a reshape: an axis of its size, with as many elements before and after it.

    Channels that are split or joined while the space after them stays are the axis in front of it. A vector that
    becomes a feature map has them in front, as in frameworks whose files have no layout; otherwise they are the last
    axis.
    """
    if len(before) == 2 and len(after) >= 4:
        return 1
    if channel < len(before):
        outer, inner = prod(before[:channel]), prod(before[channel + 1 :])
        for axis, size in enumerate(after):
            if size == before[channel] and prod(after[:axis]) == outer and prod(after[axis + 1 :]) == inner and axis:
                return axis
    kept = 0
    while kept < min(len(after) - 2, len(before) - channel - 1) and before[-1 - kept] == after[-1 - kept]:
        kept += 1
    return max(len(after) - 1 - kept, 0)


def is_per_channel(constant: Dims, x: Tensor, dims: Dims) -> bool:
    """Return whether a constant broadcast to `dims` has a number for each channel of `x`, equal at every position."""
    wanted = tuple(size if axis == x.channel else 1 for axis, size in enumerate(dims))
    return (1,) * (len(dims) - len(constant)) + constant == wanted
