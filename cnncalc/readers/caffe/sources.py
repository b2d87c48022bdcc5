"""What gives a net its data: the sizes that it states, one for each blob that it writes.

A source is a layer that reads nothing. Of most only the first blob is data, and any other a label; those of `Input` and
`DummyData` are all inputs. Sizes are stated by a shape, or follow from what images are cropped or resized to.
"""

from __future__ import annotations

from collections.abc import Iterator

from cnncalc.readers.caffe.arguments import CaffeLayer, whole
from cnncalc.readers.caffe.prototxt import PrototxtMessage

#: Types each of whose blobs is an input.
ALL_INPUTS = ("input", "dummydata")

#: The dimensions of a blob, None where the file leaves them open.
Dims = list[int] | None


def source_dims(layer: CaffeLayer, kind: str) -> list[Dims | bool]:
    """Return for each blob that a source writes its dimensions N, C, H, W, None if they are open; False for a label."""
    tops = [top.text for top in layer.message.scalars("top")]
    shapes = list(_stated(layer.parameters("input_param", "dummy_data_param").message))
    if kind in ALL_INPUTS:
        return [shapes[min(number, len(shapes) - 1)] if shapes else None for number in range(len(tops))]
    data = next((number for number, top in enumerate(tops) if "label" not in top.lower()), 0)
    dims = shapes[0] if shapes else _image_dims(layer)
    return [dims if number == data else False for number in range(len(tops))]


def _stated(message: PrototxtMessage) -> Iterator[list[int]]:
    """Yield the shapes that a message states, as `shape` or by the older `num`, `channels`, `height` and `width`."""
    shapes = message.messages("shape")
    for shape in shapes:
        yield [whole(dim, "a dimension") for dim in shape.scalars("dim")]
    if not shapes:
        older = [message.scalars(name) for name in ("num", "channels", "height", "width")]
        for number in range(max(map(len, older))):
            given = [each[min(number, len(each) - 1)] for each in older if each]
            yield [whole(dim, "a dimension") for dim in given]


def _image_dims(layer: CaffeLayer) -> Dims:
    """Return the dimensions of images after what is done to them, None if their size is open."""
    memory = layer.parameters("memory_data_param")
    if memory.message.fields:
        return [memory.integer(name, 1, low=0) for name in ("batch_size", "channels", "height", "width")]
    sizes = _image_size(layer)
    if sizes is None:
        return None
    color = layer.parameters_with("is_color").flag("is_color")
    gray = layer.parameters_with("force_gray").flag("force_gray", default=False)
    channels = 1 if gray or not color else 3
    frames = layer.parameters_with("new_length")
    length = frames.integer("new_length", 0, low=0)
    if frames.states("num_segments") or frames.states("modality"):
        # Frames, or the two directions of their flow, stand one behind the other (temporal segment networks).
        channels = 2 if frames.text("modality") in ("FLOW", "1") else channels
        return [1, channels * length * frames.integer("num_segments", 1), *sizes]
    return [1, channels, *([length] if length else []), *sizes]


def _image_size(layer: CaffeLayer) -> tuple[int, int] | None:
    """Return the height and width of images: what they are cropped to, else what they are resized to."""
    crop = layer.parameters_with("crop_size").integer("crop_size", 0, low=0)
    if crop:
        return crop, crop
    resize = layer.parameters("transform_param").message.message("resize_param")
    for message in (resize, *(layer.parameters_with(name).message for name in ("crop_height", "crop_h", "new_height"))):
        for prefix, suffixes in (("", ("height", "width")), ("crop_", ("height", "width")), ("crop_", ("h", "w")),
                                 ("new_", ("height", "width"))):  # fmt: skip
            found = [message.scalar(prefix + suffix) for suffix in suffixes]
            given = [each for each in found if each is not None]
            if len(given) == 2:
                height, width = (whole(each, "a size") for each in given)
                if height and width:
                    return height, width
    return None
