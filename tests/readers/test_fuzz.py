"""Every reader and every writer on files that were damaged by chance: a result or a `SpecError`, and nothing else.

A run reads 100,000 files: half of them have bytes changed, half of them parts of their structure. Of those that are
read, some are exported to every format. The seeds are fixed, so that a file that fails is made again.
"""

from __future__ import annotations

import ast
import io
import json
import random
import zipfile
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hdf5_files import HDF5
from onnx_files import field, model, node, tensor

import cnncalc
from cnncalc.cli import main
from cnncalc.readers import ReadOptions, read, recognize
from cnncalc.readers.caffe.importer import rules as caffe_rules
from cnncalc.readers.darknet.importer import rules as darknet_rules
from cnncalc.readers.keras.importer import rules as keras_rules
from cnncalc.readers.onnx.importer import rules as onnx_rules
from cnncalc.writers import FORMATS, export

pytestmark = pytest.mark.slow

#: The blocks of a run, each with its own seed, and the files of each.
BLOCKS, FILES = 40, 2500

#: Numbers at the ends of what a file can hold, and those that layers often have.
NUMBERS = (0, 1, 2, 3, 5, 7, 8, -1, -2, 2**31 - 1, 2**31, 10**9, 10**30, 2**63 - 1, -(2**63), -(2**62))

#: Values of any type, in JSON's terms.
VALUES: tuple[Any, ...] = (
    *NUMBERS,
    None, True, 1.5, -0.5, 1e400, "", "x", "same", "\x1b[31m\u202e\n", [], {}, [[]], [None], [1, 2], {"a": [1]},
)  # fmt: skip


def mutated_bytes(data: bytes, choose: random.Random) -> bytes:
    """The data with a few bytes changed, taken out, put in or doubled, or its end cut off."""
    changed = bytearray(data)
    for _ in range(choose.choice((1, 1, 2, 4, 16))):
        at = choose.randrange(len(changed)) if changed else 0
        match choose.randrange(6):
            case 0:
                changed[at : at + 1] = bytes([choose.randrange(256)])
            case 1:
                changed[at : at + 1] = choose.choice((b"\0", b"\xff", b"\x7f", b"\x80", b"\x01"))
            case 2:
                del changed[at : at + choose.choice((1, 2, 8, 100))]
            case 3:
                changed[at:at] = choose.randbytes(choose.choice((1, 2, 8)))
            case 4:
                changed[at:at] = changed[at : at + choose.choice((4, 16, 200))]
            case 5:
                changed[at : at + 8] = choose.choice(NUMBERS[:10]).to_bytes(8, "little", signed=True)
    return bytes(changed if choose.random() < 0.9 else changed[: choose.randrange(len(changed) + 1)])


# -- ONNX ----------------------------------------------------------------------------------------------------


OPERATORS = [each for each in onnx_rules if not each.startswith("cnncalc.")]
#: Shapes of an input, open ones among them.
INPUTS: tuple[tuple[int | str | None, ...], ...] = (
    (1, 3, 8, 8), (1, 8, 8, 3), (1, 16), (2, 4, 6), (1, 3, 8, 8, 8), (8,), (1, 3, 0, 8),
    ("N", 3, "H", "W"), (None, 3, None, None), ("batch", "seq", 4), ("T", "batch", 4), ("H", "W", 3), ("N",),
    (1, "C", "H", "W"),
)  # fmt: skip
EQUATIONS = ("bchw,cd->bdhw", "...i,ij->...j", "ij,jk,kl->il", "ii->i", "->", ",")
ATTRIBUTES = (
    "axis", "axes", "perm", "pads", "strides", "dilations", "kernel_shape", "group", "keepdims", "ceil_mode", "starts",
    "ends", "split", "output_shape", "output_padding", "blocksize", "num_outputs", "allowzero", "hidden_size", "shape",
    "num_heads", "q_num_heads", "kv_num_heads", "layout", "onesided", "inverse", "sample_size", "qkv_hidden_sizes",
)  # fmt: skip
RULES = ("SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET", "?")


def onnx_attribute(choose: random.Random) -> bytes:
    """An attribute with a number, a list of them, or a word."""
    small = choose.random() < 0.7
    numbers = [choose.choice(NUMBERS[:9] if small else (*NUMBERS[:12], *NUMBERS[13:])) for _ in range(4)]
    numbers = [number % 2**64 for number in numbers[: choose.choice((1, 1, 2, 2, 4))]]
    if choose.random() < 0.15:
        return field(5, field(1, b"auto_pad") + field(4, choose.choice(RULES).encode()))
    if choose.random() < 0.1:
        return field(5, field(1, b"equation") + field(4, choose.choice(EQUATIONS).encode()))
    name = field(1, choose.choice(ATTRIBUTES).encode())
    if choose.random() < 0.4:
        return field(5, name + field(3, numbers[0]))
    return field(5, name + b"".join(field(8, number) for number in numbers))


def onnx_structure(choose: random.Random) -> bytes:
    """A graph of known operators with whatever attributes and inputs."""
    weights = [tensor("w", (4, 3, 3, 3)), tensor("v", (3,)), tensor("k", (16, 5))]
    shape = b"".join(field(7, choose.choice(NUMBERS[:9]) % 2**64) for _ in range(4))
    weights.append(field(1, 4) + field(2, 7) + field(8, b"s") + shape)
    more_inputs = {"z": choose.choice(INPUTS)} if choose.random() < 0.3 else {}
    names = ["x", "w", "v", "k", "s", "", *more_inputs]
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
            domain, _, operator = choose.choice(OPERATORS).rpartition(".")
            more += field(7, domain.encode()) if domain else b""
            nodes.append(node(operator, inputs, f"t{number}", more))
        names.append(f"t{number}")
    nodes.append(node("Relu", (names[-1],), "y"))
    return model(nodes, weights, choose.choice(INPUTS), more_inputs)


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


# -- text ----------------------------------------------------------------------------------------------------


PROTOTXT = """name: "n"
input: "data" input_shape { dim: 1 dim: 3 dim: 16 dim: 16 }
layer { name: "c" type: "Convolution" bottom: "data" top: "c"
  convolution_param { num_output: 8 kernel_size: 3 pad: 1 stride: 1 group: 1 } }
layer { name: "b" type: "BatchNorm" bottom: "c" top: "c" }
layer { name: "s" type: "Scale" bottom: "c" top: "c" scale_param { bias_term: true } }
layer { name: "p" type: "Pooling" bottom: "c" top: "p" pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: "d" type: "Deconvolution" bottom: "p" top: "d"
  convolution_param { num_output: 8 kernel_size: 2 stride: 2 } }
layer { name: "k" type: "Concat" bottom: "c" bottom: "d" top: "k" concat_param { axis: 1 } }
layer { name: "e" type: "Eltwise" bottom: "c" bottom: "d" top: "e" eltwise_param { operation: SUM } }
layer { name: "l" type: "Slice" bottom: "k" top: "l" top: "m" slice_param { slice_point: 4 } }
layer { name: "r" type: "Reshape" bottom: "m" top: "r" reshape_param { shape { dim: 0 dim: -1 dim: 8 dim: 8 } } }
layer { name: "f" type: "InnerProduct" bottom: "r" top: "f" inner_product_param { num_output: 5 } }
layer { name: "q" type: "Softmax" bottom: "f" top: "q" }
"""

CFG = """[net]
height=16
width=16
channels=3
[convolutional]
batch_normalize=1
filters=8
size=3
stride=1
pad=1
activation=leaky
[maxpool]
size=2
stride=2
[local]
size=3
filters=4
activation=relu
[route]
layers=-2
groups=2
group_id=1
[convolutional]
filters=4
size=1
[shortcut]
from=-2
activation=linear
[upsample]
stride=2
[reorg]
stride=2
[deconvolutional]
filters=4
size=2
stride=2
[scale_channels]
from=-1
[dropout]
probability=.5
[connected]
output=5
activation=linear
[softmax]
[yolo]
classes=3
num=3
"""


def text_structure(text: str, kinds: list[str]) -> Callable[[random.Random], bytes]:
    """A function that changes words of a text: numbers to others, lines to other kinds of layers, doubled or gone."""

    def change(choose: random.Random) -> bytes:
        lines = text.split("\n")
        for _ in range(choose.choice((1, 1, 2, 4))):
            at = choose.randrange(len(lines))
            words = lines[at].replace("=", " = ").split()
            match choose.randrange(5):
                case 0:
                    lines.insert(choose.randrange(len(lines)), lines[at])
                case 1 if len(lines) > 2:
                    lines.pop(at)
                case 2:
                    kind = choose.choice(kinds)
                    lines[at] = f"[{kind}]" if text is CFG else f'layer {{ type: "{kind}" bottom: "c" top: "c" }}'
                case _:
                    places = [number for number, word in enumerate(words) if word.lstrip("-").isdigit()]
                    if places:
                        words[choose.choice(places)] = str(choose.choice(VALUES[:24]))
                        lines[at] = " ".join(words).replace(" = ", "=")
        return "\n".join(lines).encode()

    return change


# -- what is tried -------------------------------------------------------------------------------------------


def sequential() -> bytes:
    layers = [each for each in keras_model()["config"]["layers"] if each["class_name"] not in ("Add", "Concatenate")]
    return json.dumps({"class_name": "Sequential", "config": {"layers": layers}}).encode()


JSON = json.dumps(keras_model()).encode()

#: A file's name, whole files of its kind, and a function that makes one with another structure.
KINDS: list[tuple[str, list[bytes], Callable[[random.Random], bytes]]] = [
    ("m.onnx", [onnx_structure(random.Random(seed)) for seed in range(20)], onnx_structure),
    ("m.json", [JSON, sequential()], keras_structure),
    ("m.keras", [archive(JSON), archive(JSON, 0)], lambda choose: archive(keras_structure(choose))),
    ("m.h5", list(HDF5.values()), lambda choose: mutated_bytes(choose.choice(list(HDF5.values()))[:1200], choose)),
    ("m.prototxt", [PROTOTXT.encode()], text_structure(PROTOTXT, list(caffe_rules))),
    ("m.cfg", [CFG.encode()], text_structure(CFG, list(darknet_rules))),
]


def made(choose: random.Random) -> tuple[str, bytes]:
    """The name of a damaged file and its bytes."""
    name, whole, structure = choose.choices(KINDS, weights=(30, 15, 10, 10, 18, 17))[0]
    if choose.random() < 0.5:
        return name, mutated_bytes(choose.choice(whole), choose)
    return name, structure(choose)


def check(path: Path, figures: bool) -> Any:
    """Read a file; return its graph, or None where it is refused in words that can be shown."""
    try:
        file = recognize(str(path))
        assert file is not None
        graph = read(file, ReadOptions())
        if figures:
            json.dumps(cnncalc.analyze(path).to_dict())
    except cnncalc.SpecError as error:
        text = str(error)
        assert len(text) < 50_000
        assert all(each.isprintable() or each == "\n" for each in text)
        return None
    assert all(each.name.isprintable() and each.layer.kind.isprintable() for each in graph.nodes)
    assert (graph.name or "").isprintable()
    return graph


@pytest.mark.parametrize("seed", range(BLOCKS))
def test_files(seed: int, tmp_path: Path) -> None:
    """A damaged file gives a network, whose figures can be had, or an error; some are exported to every format."""
    choose = random.Random(seed)
    exported = 0
    for number in range(FILES):
        name, data = made(choose)
        path = tmp_path / name
        path.write_bytes(data)
        try:
            graph = check(path, number % 4 == 0)
            if graph is not None and number % 4 == 0:
                exported += 1
                for to in FORMATS:
                    check_export(graph, to)
        except BaseException:
            path.rename(path.with_name(f"seed-{seed}-file-{number}{path.suffix}"))  # stays where pytest keeps it
            raise
    assert exported > FILES // 100


def check_export(graph: Any, to: str) -> None:
    """Export a graph: code that compiles, or an error in words."""
    try:
        written = export(graph, to)
    except cnncalc.SpecError as refused:
        written = str(refused)
        to = "cnn"  # a text, but no code
    if FORMATS[to].suffix == ".py":
        ast.parse(written)
    if isinstance(written, str):
        assert all(each.isprintable() or each == "\n" for each in written)


def test_faces(tmp_path: Path) -> None:
    """Names with control characters reach no format: of each file that has them, in each format."""
    from click.testing import CliRunner

    wild = "a\x1b[31m\x9b\u202e\x07\\n\x7fb"
    layers = [
        keras_layer("InputLayer", wild, batch_shape=[None, 8, 8, 3]),
        keras_layer(f"Foo{wild}", f"l{wild}"),
    ]
    config = {"class_name": "Sequential", "config": {"name": wild, "layers": layers}}
    (tmp_path / "m.json").write_text(json.dumps(config), encoding="utf-8")
    text = f'name: "{wild}" input: "d" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8\n'
    text += f'layer {{ name: "x{wild}" type: "Foo{wild}" bottom: "d" top: "e{wild}" }}'
    (tmp_path / "m.prototxt").write_text(text, encoding="utf-8")
    (tmp_path / "m.cfg").write_text(f"[net]\nheight=8\nwidth=8\nchannels=3\n[foo{wild}]\n", encoding="utf-8")
    (tmp_path / "m.onnx").write_bytes(model([node(f"Foo{wild}", ("x",), "y", field(3, wild.encode()))], []))
    for file in tmp_path.iterdir():
        commands = [["calc", str(file), "-f", form] for form in ("table", "json", "csv", "markdown", "latex")]
        commands += [["calc", str(file), "--strict", "-f", form] for form in ("table", "json")]
        for command in [*commands, *(["export", str(file), "--to", to] for to in ("pytorch", "keras", "cnn"))]:
            done = CliRunner().invoke(main, command)
            shown = "".join(each for each in done.output if not each.isprintable() and each != "\n")
            assert (shown, done.exit_code in (0, 1)) == ("", True), command
