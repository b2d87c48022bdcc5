"""Detection of shapes that were probably written in another order than channels last, or with a batch.

A shape does not state its axis order. A shape is suspicious if it is common in the other order and very unlikely in
this one: no network has an input of 3 rows and 224 columns with 224 channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

#: The most channels of an image; more are those of a feature map.
MOST_CHANNELS = 4
#: Two sizes that differ are those of an image from this on, and up to this ratio.
IMAGE, RATIO = 24, 4
#: A feature map has a multiple of 8 channels, this many at least.
FEATURES = 16
#: The most features of a series, written with one row.
MOST_OF_SERIES = 256
#: A series has more steps than this, and so many times its channels.
STEPS, STEPS_OF_CHANNEL = 2048, 256

Dims = tuple[Any, ...]


class Misreading(NamedTuple):
    """The likely meaning of a shape, its reading here, and what to write: each shape with its condition."""

    looks: str
    here: str
    edits: tuple[tuple[Dims, str], ...]

    @property
    def help(self) -> str:
        """The suggested edits in words."""
        ways = [f"`{'x'.join(map(str, dims))}` if {condition}" for dims, condition in self.edits]
        return f"write {', '.join(ways)}"


def misreading(dims: Sequence[Any]) -> Misreading | None:
    """Return the likely meaning of a suspicious shape read channels last, or None for any other shape.

    A size is a number or a letter.
    """
    shape = tuple(dims)
    if len(shape) == 4:
        return _of_four(shape)
    if len(shape) == 3:
        return _channels_first(shape, "HxWxC") if _is_image_first(shape) else None
    if len(shape) == 2:
        return _of_two(shape)
    return None


def without_batch(dims: Sequence[Any]) -> Dims:
    """Return a shape without its first size, converted to channels last if the rest looks channels first."""
    rest = tuple(dims[1:])
    first = _is_volume_first(rest) if len(rest) == 4 else _is_image_first(rest)
    return _turned(rest) if first else rest


def _of_four(shape: Dims) -> Misreading | None:
    first, second = shape[:2]
    one_sample = "shapes here are one sample, HxWxC"
    batch = f"the {first} is a batch" if isinstance(first, int) else f"{first} is a batch"
    # The channels of a batch of images; of 2 and 4, the channels are rather in front and these are frames.
    if _is_image_first(shape[1:]) and second in ((1, 3) if _few(first) else (1, 2, 3, 4, "C")):
        looks = "like a batch, channels first, as in PyTorch"
        return Misreading(looks, one_sample, ((_turned(shape[1:]), batch),))
    if _is_volume_first(shape):
        volume = _channels_first(shape, "DxHxWxC")
        return volume._replace(edits=(*volume.edits, (without_batch(shape), batch))) if first == 1 else volume
    if first in (1, "N", "B") and shape[1:3] != (1, 1):
        return Misreading("like a batch", one_sample, ((shape[1:], batch),))
    return None


def _of_two(shape: Dims) -> Misreading | None:
    first, last = shape
    if shape == ("H", "W") or (first == last and isinstance(first, int) and first > 2):
        looks, here = "like an image without its channels", f"shapes here are LxC: {first} places of {last} channels"
        return Misreading(looks, here, (((*shape, 1), "it is an image of one channel"),))
    if shape == ("C", "L") or (_numbers(shape) and last > STEPS and last >= STEPS_OF_CHANNEL * first):
        return _channels_first(shape, "LxC")
    return None


def _channels_first(shape: Dims, here: str) -> Misreading:
    looks = "channels first, as in PyTorch"
    return Misreading(looks, f"shapes here are {here}", ((_turned(shape), f"the channels are {shape[0]}"),))


def _turned(shape: Dims) -> Dims:
    return (*shape[1:], shape[0])


def _is_image_first(shape: Dims) -> bool:
    """Return whether three sizes look like CxHxW."""
    channels, height, width = shape
    if not _numbers(shape):
        by_letters = (channels == "C" or _few(channels)) and width in ("H", "W")
        return by_letters or (_few(channels) and height == width)
    if height == width:
        return width > 4 and width != channels and (_few(channels) or _is_feature_count(channels))
    # One row of that many places is a series, with so many channels.
    series = channels == 1 and width <= MOST_OF_SERIES and width % 8 == 0
    return _few(channels) and _is_image(height, width) and not series


def _is_volume_first(shape: Dims) -> bool:
    """Return whether four sizes look like CxDxHxW."""
    channels, depth, height, width = shape
    if not _numbers(shape):
        return (channels == "C" or _few(channels)) and width in ("H", "W", "D")
    if height == width:
        return width > 4 and (_few(channels) or (_is_feature_count(channels) and depth != height))
    # HxW stand in the middle of DxHxWxC, and are alike more often than not.
    return _few(channels) and depth != height and _is_image(height, width)


def _is_image(height: int, width: int) -> bool:
    return min(height, width) >= IMAGE and max(height, width) <= RATIO * min(height, width)


def _is_feature_count(channels: int) -> bool:
    return channels >= FEATURES and channels % 8 == 0


def _few(size: Any) -> bool:
    return isinstance(size, int) and size <= MOST_CHANNELS


def _numbers(shape: Dims) -> bool:
    return all(isinstance(size, int) for size in shape)
