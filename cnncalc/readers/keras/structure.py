"""What a Keras file holds: models and the lists of their layers, whatever their class is called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cnncalc.readers.errors import fail
from cnncalc.readers.keras.config import config_of
from cnncalc.readers.keras.config_file import parsed
from cnncalc.readers.keras.names import current

#: The keys under which a file has its model: TensorFlow.js's, and those of a configuration in it or by itself.
WRAPPINGS = ("modelTopology", "model_config", "model")

#: A model is wrapped no more often than this.
MAX_WRAPPINGS = 4

#: The classes of models. A class of the user's own is a model as well if its configuration lists layers.
MODELS = ("Functional", "Model", "Sequential")


def unwrapped(content: Any, path: str) -> Any:
    """Return the model in what a file holds: the object itself, its text, or that of TensorFlow.js beside weights.

    Raises `SpecError` E302 for a graph of TensorFlow.js, which has operators of TensorFlow in place of layers.
    """
    for _ in range(MAX_WRAPPINGS):
        if isinstance(content, str):
            content = parsed(content, path)
        if not isinstance(content, dict) or "class_name" in content:
            break
        if content.get("format") == "graph-model" or isinstance(content.get("node"), list):
            fail(
                "E302",
                f"`{path}` is a graph model of TensorFlow.js",
                "it holds operators of TensorFlow, not layers",
                help="convert the model that it was made of: to ONNX with `tf2onnx`, or to a layers model",
            )
        inner = next((content[key] for key in WRAPPINGS if content.get(key) is not None), None)
        if inner is None:
            break
        content = inner
    return content


def layers_of(model: Mapping[str, Any]) -> list[Any] | None:
    """Return the layers of a model; None if it has no list of them."""
    config = model.get("config")
    layers = config if isinstance(config, list) else config.get("layers") if isinstance(config, dict) else None
    if not isinstance(layers, list) or not all(isinstance(layer, dict) for layer in layers):
        return None
    return layers


def is_model(layer: object, outermost: bool = False) -> bool:
    """Return whether an object of the file is a model: by its class, or because it lists layers.

    The outermost of a known class is one even if it lacks its layers, which is an error then.
    """
    if not isinstance(layer, dict) or layer.get("class_name") == "Merge":
        return False
    if layer.get("class_name") in MODELS:
        return not outermost or isinstance(layer.get("config"), dict | list)
    layers = layers_of(layer)
    return bool(layers) and all(isinstance(each.get("class_name"), str) for each in layers or [])


def is_sequence(model: Mapping[str, Any]) -> bool:
    """Return whether each layer of a model reads the one before it: none of them says what it reads."""
    if model.get("class_name") in MODELS:
        return bool(model["class_name"] == "Sequential")
    config = config_of(model)
    calls = any(layer.get("inbound_nodes") for layer in layers_of(model) or [])
    return not calls and "output_layers" not in config


def channels_are_first(model: object) -> bool:
    """Return whether the layers of a model, nested ones included, have channels first."""
    return any(layer.get("data_format") == "channels_first" for layer in _configs(model))


def _configs(model: object) -> Iterator[Mapping[str, Any]]:
    stack = [model]
    while stack:
        layer = stack.pop()
        if isinstance(layer, dict):
            config = config_of(layer)
            yield current(str(layer.get("class_name")), config)[1]
            stack += layers_of(layer) or []
            stack.append(config.get("layer"))
