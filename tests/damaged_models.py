"""Models of ONNX and Keras that are sound, and such whose structure is another by chance."""

from __future__ import annotations

import io
import json
import random
import zipfile
from copy import deepcopy
from typing import Any

from damage import NUMBERS, VALUES
from onnx_files import field, model, node, tensor

from cnncalc.readers.keras.importer import rules as keras_rules
from cnncalc.readers.onnx.importer import rules as onnx_rules

# -- ONNX ----------------------------------------------------------------------------------------------------


OPERATORS = [each for each in onnx_rules if "." not in each]
ATTRIBUTES = (
    "axis", "axes", "perm", "pads", "strides", "dilations", "kernel_shape", "group", "keepdims", "ceil_mode", "starts",
    "ends", "split", "output_shape", "output_padding", "blocksize", "num_outputs", "allowzero", "hidden_size", "shape",
)  # fmt: skip
RULES = ("SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET", "?")


def onnx_attribute(choose: random.Random) -> bytes:
    """An attribute with a number, a list of them, or a word."""
    small = choose.random() < 0.7
    numbers = [choose.choice(NUMBERS[:9] if small else (*NUMBERS[:12], *NUMBERS[13:])) for _ in range(4)]
    numbers = [number % 2**64 for number in numbers[: choose.choice((1, 1, 2, 2, 4))]]
    if choose.random() < 0.15:
        return field(5, field(1, b"auto_pad") + field(4, choose.choice(RULES).encode()))
    name = field(1, choose.choice(ATTRIBUTES).encode())
    if choose.random() < 0.4:
        return field(5, name + field(3, numbers[0]))
    return field(5, name + b"".join(field(8, number) for number in numbers))


def onnx_structure(choose: random.Random) -> bytes:
    """A graph of known operators with whatever attributes and inputs."""
    dims = choose.choice(((1, 3, 8, 8), (1, 8, 8, 3), (1, 16), (2, 4, 6), (1, 3, 8, 8, 8), (8,), (1, 3, 0, 8)))
    weights = [tensor("w", (4, 3, 3, 3)), tensor("v", (3,)), tensor("k", (16, 5))]
    shape = b"".join(field(7, choose.choice(NUMBERS[:9]) % 2**64) for _ in range(4))
    weights.append(field(1, 4) + field(2, 7) + field(8, b"s") + shape)
    names = ["x", "w", "v", "k", "s", ""]
    nodes = []
    for number in range(choose.randrange(1, 8)):
        if choose.random() < 0.2:
            more = field(
                5, field(1, b"value_ints") + b"".join(field(8, choose.choice(NUMBERS[:9]) % 2**64) for _ in "12")
            )
            nodes.append(node("Constant", (), f"t{number}", more))
        else:
            newest = [names[-1]] if number and choose.random() < 0.7 else [choose.choice(names)]
            inputs = (*newest, *choose.choices(names, k=choose.choice((0, 0, 1, 2, 4))))
            more = b"".join(onnx_attribute(choose) for _ in range(choose.randrange(4)))
            nodes.append(node(choose.choice(OPERATORS), inputs, f"t{number}", more))
        names.append(f"t{number}")
    nodes.append(node("Relu", (names[-1],), "y"))
    return model(nodes, weights, dims)


# -- Keras ---------------------------------------------------------------------------------------------------


def keras_layer(kind: str, name: str, *inputs: str, **config: Any) -> dict[str, Any]:
    nodes = [[[source, 0, 0, {}] for source in inputs]] if inputs else []
    return {"class_name": kind, "name": name, "config": {"name": name, **config}, "inbound_nodes": nodes}


def keras_model() -> Any:
    """A functional model with layers of most families."""
    layers = [
        keras_layer("InputLayer", "i", batch_input_shape=[None, 8, 8, 3]),
        keras_layer(
            "Conv2D", "c", "i", filters=4, kernel_size=[3, 3], strides=[1, 1], padding="same", activation="relu"
        ),
        keras_layer("Conv2DTranspose", "t", "c", filters=4, kernel_size=[3, 3], output_padding=None, padding="same"),
        keras_layer("Add", "a", "c", "t"),
        keras_layer("ZeroPadding2D", "z", "a", padding=[[1, 0], [0, 1]]),
        keras_layer("MaxPooling2D", "m", "z", pool_size=[2, 2], strides=[2, 2], padding="valid"),
        keras_layer("BatchNormalization", "b", "m", axis=[3], center=True, scale=True),
        keras_layer("Concatenate", "k", "b", "m", axis=-1),
        keras_layer("Reshape", "r", "k", target_shape=[4, 4, 8]),
        keras_layer("PReLU", "p", "r", shared_axes=[1, 2]),
        keras_layer("GlobalAveragePooling2D", "g", "p", keepdims=False),
        keras_layer("Dense", "d", "g", units=5, use_bias=True, activation="softmax"),
    ]
    return {
        "class_name": "Functional",
        "config": {"name": "n", "layers": layers, "input_layers": [["i", 0, 0]], "output_layers": [["d", 0, 0]]},
    }


KERAS_CLASSES = [*keras_rules, "Functional", "Sequential", "InputLayer", "LSTM", "Bidirectional", "TimeDistributed"]


def keras_structure(choose: random.Random) -> bytes:
    """A model some of whose values are others, some of whose layers are of other classes, doubled or gone."""
    changed = keras_model()
    layers = changed["config"]["layers"]
    for _ in range(choose.choice((1, 1, 2, 3))):
        match choose.randrange(4):
            case 0:
                layer = choose.choice(layers) if layers else None
                if isinstance(layer, dict):
                    layer["class_name"] = choose.choice(KERAS_CLASSES)
            case 1 if layers:
                layers.insert(choose.randrange(len(layers)), json.loads(json.dumps(choose.choice(layers))))
            case 2 if layers:
                layers.pop(choose.randrange(len(layers)))
            case _:
                place: Any = changed
                while isinstance(place, dict | list) and place:
                    key = choose.choice(list(place) if isinstance(place, dict) else list(range(len(place))))
                    if choose.random() < 0.2 or not isinstance(place[key], dict | list):
                        place[key] = deepcopy(choose.choice(VALUES))
                        break
                    place = place[key]
        layers = changed["config"].get("layers") if isinstance(changed.get("config"), dict) else []
        layers = layers if isinstance(layers, list) else []
    return json.dumps(changed).encode()


def archive(config: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A `.keras` archive with this configuration."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as file:
        file.writestr("metadata.json", "{}")
        file.writestr("config.json", config)
    return packed.getvalue()


def sequential() -> bytes:
    """A sequential model of the layers with one input each."""
    layers = [each for each in keras_model()["config"]["layers"] if each["class_name"] not in ("Add", "Concatenate")]
    return json.dumps({"class_name": "Sequential", "config": {"layers": layers}}).encode()
