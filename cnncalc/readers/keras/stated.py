"""The shapes that a Keras file states: of inputs, of tensors in calls, and of what layers are built for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cnncalc.layers.arguments import MAX_INTEGER
from cnncalc.readers.keras.calls import LayerCall, TensorRef
from cnncalc.readers.keras.config import LayerConfig, config_of
from cnncalc.shape import UNKNOWN_SIZE, Shape

#: A shape has at most this many axes, the batch apart.
MAX_AXES = 8


def sample(given: object) -> tuple[int | None, ...] | None:
    """Return the sizes of one sample of a stated shape, None for one that is open; None if it is no shape."""
    if not isinstance(given, list) or not 1 < len(given) <= MAX_AXES + 1:
        return None
    sizes = given[1:]
    if not all(size is None or (type(size) is int and 0 < size < MAX_INTEGER) for size in sizes):
        return None
    return tuple(sizes)


def shape(given: object, config: LayerConfig) -> Shape | None:
    """Return the output shape that the file states for a layer; a `Lambda` may state its own, without the batch."""
    sizes = sample(given)
    if sizes is None and config.class_name == "Lambda":
        own = config.get("output_shape")
        sizes = sample([None, *own]) if isinstance(own, list) else None
    if sizes is None:
        return None
    return config.shape_of([UNKNOWN_SIZE if size is None else size for size in sizes])


def tensor_shapes(calls: Iterable[LayerCall]) -> dict[TensorRef, object]:
    """Return the shapes of tensors as the layers that read them state them, by Keras 3's way of writing calls."""
    shapes: dict[TensorRef, object] = {}
    for call in calls:
        built = build_shape(call.layer) if len(call.inputs) == 1 else None
        for ref, given in zip(call.inputs, call.stated, strict=True):
            given = given if sample(given) is not None else built
            if sample(given) is not None:
                shapes.setdefault(ref, given)
    return shapes


def build_shape(layer: Mapping[str, Any]) -> object:
    """Return the shape of the input that a layer was built for, by its `build_config`; None if there is none."""
    built = layer.get("build_config")
    return built.get("input_shape") if isinstance(built, dict) else None


def first_build_shape(layers: Sequence[Mapping[str, Any]]) -> object:
    """Return the shape that the next layer in a sequence states for its input."""
    return build_shape(layers[0])


def input_shape(model: Mapping[str, Any], layer: Mapping[str, Any]) -> object:
    """Return the shape of an input with its batch: of an `InputLayer`, or of a sequence without one.

    There, the first layer states it, as `input_dim` in Keras 1, or the sequence itself.
    """
    first, own = config_of(layer), config_of(model)
    for shape in (first.get("batch_shape"), first.get("batch_input_shape"), own.get("build_input_shape")):
        if isinstance(shape, list):
            return shape
    if isinstance(first.get("input_shape"), list):
        return [None, *first["input_shape"]]
    if first.get("input_dim") is not None and layer.get("class_name") != "Embedding":
        steps = [first.get("input_length")] if layer.get("class_name") in ("LSTM", "GRU", "SimpleRNN") else []
        return [None, *steps, first["input_dim"]]
    if layer.get("class_name") == "Embedding":
        return [None, first.get("input_length")]
    for built in (build_shape(layer), build_shape(model)):
        if isinstance(built, list):
            return built
    return None


def described(model: object) -> str:
    """Return what an object is that is no model, for an error."""
    if not isinstance(model, dict):
        return f"it is {json.dumps(model)[:40]}"
    if "class_name" in model:
        return f"it is of the class `{str(model['class_name'])[:60]}`, and its configuration has no list of layers"
    return "expected a `class_name` such as `Functional` or `Sequential`"
