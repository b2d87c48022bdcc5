"""Keras's models: real ones against what Keras says of them, small ones by hand, and damaged ones."""

from __future__ import annotations

import contextlib
import json
import random
import zipfile
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hdf5_files import HDF5
from reference import MODELS, read_json

import cnncalc
from cnncalc.readers.keras.hdf5 import read_text_attribute

KERAS = MODELS / "keras"
EXPECTED = read_json(KERAS / "expected.json")


@pytest.mark.reference
@pytest.mark.parametrize("name", ["VGG16", "MobileNetV2", "ResNet50V2", "EfficientNetB0"])
def test_totals(name: str) -> None:
    """Keras's total is our parameters and buffers, its trainable ones are our parameters."""
    expected = EXPECTED[name]
    totals = cnncalc.analyze(KERAS / f"{name}.json").totals

    assert (totals.params + totals.buffers, totals.params) == (expected["total_params"], expected["trainable"])


@pytest.mark.reference
@pytest.mark.parametrize("name", ["VGG16", "MobileNetV2", "ResNet50V2", "EfficientNetB0"])
def test_layers(name: str) -> None:
    """Every layer has Keras's output shape and parameters."""
    expected = EXPECTED[name]["layers"]
    result = cnncalc.analyze(KERAS / f"{name}.json")
    ours = {row.name: [list(row.output_shape), row.params + row.buffers] for row in result.rows}

    assert {layer: ours.get(layer) for layer in expected} == expected
    assert not result.unknown


@pytest.mark.reference
def test_archive() -> None:
    """A .keras archive is read without its weights: 320 + 18,496 + 16,010 parameters, by hand."""
    result = cnncalc.analyze(KERAS / "mnist.keras")

    # 3·3·1·32 + 32, 3·3·32·64 + 64, and 5·5·64 inputs to ten classes.
    assert [row.params for row in result.rows if row.params] == [320, 18_496, 1600 * 10 + 10]
    assert result.totals.params == 34_826


def layer(kind: str, name: str, *inputs: str, **config: Any) -> dict[str, Any]:
    """A layer as Keras 2 writes it, called once on each of the inputs, or on none."""
    nodes = [[[source, 0, 0, {}] for source in inputs]] if inputs else []
    return {"class_name": kind, "name": name, "config": {"name": name, **config}, "inbound_nodes": nodes}


def functional(*layers: dict[str, Any], outputs: list[Any] | None = None, name: str = "model") -> dict[str, Any]:
    first, last = layers[0]["name"], layers[-1]["name"]
    config = {
        "name": name,
        "layers": list(layers),
        "input_layers": [[first, 0, 0]],
        "output_layers": outputs or [[last, 0, 0]],
    }
    return {"class_name": "Functional", "name": name, "config": config}


def read(tmp_path: Path, model: object, **options: Any) -> cnncalc.Analysis:
    path = tmp_path / "model.json"
    path.write_text(json.dumps(model))
    return cnncalc.analyze(path, **options)


def rows(result: cnncalc.Analysis) -> list[tuple[str, str, tuple[int, ...], int]]:
    return [(row.name, row.description, row.output_shape, row.params) for row in result.rows]


IMAGE = layer("InputLayer", "image", batch_input_shape=[None, 8, 8, 4])


def test_model_of_keras_2(tmp_path: Path) -> None:
    """A functional model of Keras 2 is of the class `Model`."""
    model = {**functional(IMAGE, layer("ReLU", "r", "image")), "class_name": "Model"}
    assert [row[0] for row in rows(read(tmp_path, model))] == ["image", "r"]


def test_sequential(tmp_path: Path) -> None:
    """A Sequential of Keras 2 takes its input's shape from the first layer; Dense in space is a 1x1 convolution."""
    model = {
        "class_name": "Sequential",
        "config": [
            layer("Conv2D", "c", batch_input_shape=[None, 9, 9, 1], filters=4, kernel_size=[3, 3], strides=[2, 2]),
            layer("Dense", "d", units=3, activation="relu"),
            layer("GlobalMaxPooling2D", "g"),
        ],
    }
    assert rows(read(tmp_path, model)) == [
        ("input", "input 9x9x1", (9, 9, 1), 0),
        ("c", "conv 3x3 s2 x4", (4, 4, 4), 40),
        ("d", "conv 1x1 x3", (4, 4, 3), 15),
        ("d.relu", "relu", (4, 4, 3), 0),
        ("g.pool", "gmp", (1, 1, 3), 0),
        ("g", "flatten", (3,), 0),
    ]


def test_functional(tmp_path: Path) -> None:
    """Layers run once their inputs are there, whatever order the file has them in."""
    model = functional(
        IMAGE,
        layer("Add", "sum", "left", "right"),
        layer("Conv2D", "left", "image", filters=4, kernel_size=1, use_bias=False),
        layer("BatchNormalization", "right", "image", scale=False),
        outputs=[["sum", 0, 0], ["left", 0, 0]],
    )
    result = read(tmp_path, model)

    assert rows(result) == [
        ("image", "input 8x8x4", (8, 8, 4), 0),
        ("left", "conv 1x1 x4 nobias", (8, 8, 4), 16),
        ("right", "bn noscale", (8, 8, 4), 4),
        ("sum", "add", (8, 8, 4), 0),
    ]
    assert (result.totals.buffers, result.outputs) == (8, ("left", "sum"))


def test_shared_layer(tmp_path: Path) -> None:
    """A layer that is called twice is two rows, and holds its weights once."""
    shared = layer("Conv2D", "c", "image", filters=4, kernel_size=[1, 1])
    shared["inbound_nodes"].append([["c", 0, 0, {}]])
    result = read(tmp_path, functional(IMAGE, shared, outputs=[["c", 1, 0]]))

    assert [(row.name, row.params, row.macs) for row in result.rows] == [
        ("image", 0, 0),
        ("c", 20, 1024),
        ("c_2", 0, 1024),
    ]
    assert [row.weights_of for row in result.rows] == [None, None, "c"]


def test_nested_model(tmp_path: Path) -> None:
    """A model in a model: its layers' names are paths."""
    inner = functional(IMAGE, layer("Conv2D", "c", "image", filters=2, kernel_size=[3, 3]), name="inner")
    inner["inbound_nodes"] = [[["image", 0, 0, {}]]]

    assert rows(read(tmp_path, functional(IMAGE, inner)))[1:] == [("inner.c", "conv 3x3 x2", (6, 6, 2), 74)]


def test_frozen(tmp_path: Path) -> None:
    """`trainable: false` freezes a layer, a layer called twice, and all layers of a model, whatever they state.

    16 + 4 weights of c, once; 2·4 of the norm in the inner model, whose statistics stay buffers; PReLU's 8·8·4.
    """
    shared = layer("Conv2D", "c", "image", filters=4, kernel_size=[1, 1], trainable=False)
    shared["inbound_nodes"].append([["c", 0, 0, {}]])
    inner = functional(IMAGE, layer("BatchNormalization", "n", "image", trainable=True), name="inner")
    inner["config"]["trainable"] = False
    inner["inbound_nodes"] = [[["c", 1, 0, {}]]]
    last = layer("PReLU", "p", "inner", trainable=False)
    result = read(tmp_path, functional(IMAGE, shared, inner, last, layer("Conv2D", "d", "p", filters=2, kernel_size=1)))

    assert [(row.description, row.params, row.frozen, row.buffers) for row in result.rows[1:]] == [
        ("conv 1x1 x4 frozen", 0, 20, 0),
        ("conv 1x1 x4 frozen weights=@c", 0, 0, 0),
        ("bn frozen", 0, 8, 8),
        ("prelu frozen", 0, 256, 0),
        ("conv 1x1 x2", 10, 0, 0),
    ]


def part(*key: Any) -> dict[str, Any]:
    """A part of the tensor of `image`, as Keras 3 writes `x[...]`; a tuple is a slice, and ... all that is between."""
    history = {"class_name": "__keras_tensor__", "config": {"keras_history": ["image", 0, 0]}}
    said = [
        {"class_name": "__ellipsis__", "config": {}}
        if each is ...
        else {"class_name": "__slice__", "config": dict(zip(("start", "stop", "step"), each, strict=True))}
        if isinstance(each, tuple)
        else each
        for each in key
    ]
    return {
        "class_name": "GetItem",
        "name": "part",
        "config": {"name": "part"},
        "inbound_nodes": [{"args": [history, said], "kwargs": {}}],
    }


ALL = (None, None, None)


@pytest.mark.parametrize(
    ("key", "row"),
    [
        ((..., (1, 3, None)), ("slice 1:3", (8, 8, 2))),
        ((ALL, ALL, ALL, (-2, None, None)), ("slice 2:4", (8, 8, 2))),
        ((ALL, (2, None, None)), ("GetItem", (6, 8, 4))),
        ((..., (None, None, 2)), ("GetItem", (8, 8, 2))),
        # An index takes an axis away.
        ((ALL, 0), ("GetItem", (8, 4))),
        ((..., -1), ("GetItem", (8, 8))),
        ((ALL, 0, 0, 0), ("GetItem", (1,))),
        # What takes nothing, or too much, no rule follows.
        ((..., (0, 0, None)), ("GetItem (unknown)", ())),
        ((..., ...), ("GetItem (unknown)", ())),
        ((ALL, ALL, ALL, ALL, ALL), ("GetItem (unknown)", ())),
        ((..., ("a", 2, 0)), ("GetItem (unknown)", ())),
    ],
)
def test_part(tmp_path: Path, key: Any, row: tuple[str, tuple[int, ...]]) -> None:
    """Channels in a row are a slice; other slices are a row by the operation's name; all else is unknown."""
    last = read(tmp_path, functional(IMAGE, part(*key))).rows[-1]
    assert (last.description, last.output_shape) == row


def test_channels_first(tmp_path: Path) -> None:
    """A channels-first model is turned."""
    model = functional(
        layer("InputLayer", "image", batch_input_shape=[None, 3, 8, 6]),
        layer("Conv2D", "c", "image", filters=2, kernel_size=[3, 3], data_format="channels_first"),
    )
    assert rows(read(tmp_path, model))[-1] == ("c", "conv 3x3 x2", (6, 4, 2), 56)


@pytest.mark.parametrize(
    ("config", "size"),
    [
        # Keras's deconv_output_length: valid N·S + max(F − S, 0), same N·S, and with output_padding as PyTorch.
        ({"kernel_size": [3, 3], "strides": [2, 2], "padding": "valid"}, 17),
        ({"kernel_size": [2, 2], "strides": [3, 3], "padding": "valid"}, 24),
        ({"kernel_size": [3, 3], "strides": [2, 2], "padding": "same"}, 16),
        ({"kernel_size": [3, 3], "strides": [2, 2], "padding": "same", "output_padding": [0, 0]}, 15),
        ({"kernel_size": [3, 3], "strides": [2, 2], "padding": "valid", "output_padding": [1, 1]}, 18),
    ],
)
def test_transposed(tmp_path: Path, config: dict[str, Any], size: int) -> None:
    """A transposed convolution's size is Keras's."""
    model = functional(IMAGE, layer("Conv2DTranspose", "t", "image", filters=2, **config))

    assert read(tmp_path, model)["t"].output_shape == (size, size, 2)


def test_unknown(tmp_path: Path) -> None:
    """A layer of the user's own is a row marked unknown, and the table goes on."""
    result = read(tmp_path, functional(IMAGE, layer("Swirl", "s", "image"), layer("Flatten", "f", "s")))

    assert [(row.name, row.description) for row in result.unknown] == [
        ("s", "Swirl (unknown)"),
        ("f", "flatten"),
    ]


def test_input_of_unknown_size(tmp_path: Path) -> None:
    """An input without any shape is asked for, and `--input` gives it."""
    model = functional(layer("InputLayer", "image"), layer("Conv2D", "c", "image", filters=2, kernel_size=[3, 3]))
    with pytest.raises(cnncalc.SpecError) as caught:
        read(tmp_path, model)

    assert str(caught.value) == (
        "error[E308]: the size of the input `image` is not known\n"
        " = its shape is null\n"
        " = help: give it with `--input 224x224x3`"
    )
    assert read(tmp_path, model, input="8x8x3")["c"].output_shape == (6, 6, 2)


def test_open_sizes(tmp_path: Path) -> None:
    """Sizes that the model leaves open stay so; weights are counted, what needs the sizes is not, and it is said."""
    model = functional(
        layer("InputLayer", "image", batch_input_shape=[None, None, 9, 3]),
        layer("Conv2D", "c", "image", filters=2, kernel_size=[3, 3]),
        layer("GlobalAveragePooling2D", "g", "c"),
        layer("Dense", "d", "g", units=5),
    )
    result = read(tmp_path, model)

    assert [(row.description, str(row.node.shape), row.params, row.macs, row.missing) for row in result.rows] == [
        ("input ?x9x3", "?x9x3", 0, 0, ("activations",)),
        ("conv 3x3 x2", "?x7x2", 56, 0, ("macs", "activations", "conv_activations")),
        ("gap", "1x1x2", 0, 0, ()),
        ("flatten", "2", 0, 0, ()),
        ("fc 5", "5", 15, 10, ()),
    ]
    assert (result.unknown, [(each.code, each.help) for each in result.warnings]) == (
        (),
        [("W305", "give them, channels last, with `--input 224x9x3`")],
    )
    assert read(tmp_path, model, input="8x9x3").totals.macs == 6 * 7 * 2 * 27 + 10


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ([], "E302.*is no Keras model"),
        ({"class_name": "Sequential", "config": {"layers": 3}}, "E302.*has no list of layers"),
        (functional(IMAGE, layer("ReLU", "r", "nowhere")), "E307.*`r` reads `nowhere`"),
        (functional(IMAGE, layer("ReLU", "a", "b"), layer("ReLU", "b", "a")), "E307.*in a circle"),
        (functional(IMAGE, layer("Conv2D", "c", "image", filters="many", kernel_size=3)), "E306.*`filters` of `c`"),
        (functional(IMAGE, layer("Conv2D", "c", "image", filters=2, kernel_size=[9, 9])), "E201.*`c` would be empty"),
    ],
)
def test_wrong_models(tmp_path: Path, model: object, message: str) -> None:
    """What is wrong with a model is named with its layer."""
    with pytest.raises(cnncalc.SpecError, match=message):
        read(tmp_path, model)


def test_archive_bomb(tmp_path: Path) -> None:
    """A configuration that unpacks to far more than it is packed to is read no further than the limit."""
    with zipfile.ZipFile(tmp_path / "bomb.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b" " * (64 << 20))
    with pytest.raises(cnncalc.SpecError, match=r"E303.*too large"):
        cnncalc.analyze(tmp_path / "bomb.keras")


def test_deep_json(tmp_path: Path) -> None:
    """JSON nested without end is refused."""
    (tmp_path / "deep.json").write_text('{"class_name": ' + "[" * 1_000_000)
    with pytest.raises(cnncalc.SpecError, match=r"E30[23]"):
        cnncalc.analyze(tmp_path / "deep.json")


def test_mutations(tmp_path: Path) -> None:
    """Any file near a right one gives a result or a SpecError, and nothing else."""
    text = json.dumps(functional(IMAGE, layer("Conv2D", "c", "image", filters=2, kernel_size=[3, 3], strides=[1, 1])))
    path = tmp_path / "model.json"
    choose = random.Random(7)
    for _ in range(400):
        at = choose.randrange(len(text))
        new = choose.choice(["", "null", "-1", "[]", "{}", '"x"', "9" * 5000, "1.5", "true", text[at] * 2])
        path.write_text(text[:at] + new + text[at + choose.randrange(1, 6) :])
        with contextlib.suppress(cnncalc.SpecError):
            assert cnncalc.analyze(path).to_dict()["schema"] == 2


def test_values_of_other_types(tmp_path: Path) -> None:
    """A value of any type in any place gives a result or a SpecError, and nothing else."""
    choose = random.Random(8)
    for _ in range(1000):
        model: Any = functional(
            deepcopy(IMAGE),  # what is drawn below is changed in place
            layer("Conv2D", "c", "image", filters=2, kernel_size=[3, 3], activation="relu"),
            layer("Conv2DTranspose", "t", "c", filters=2, kernel_size=[3, 3], output_padding=None),
            layer("ZeroPadding2D", "z", "t", padding=[[1, 0], [0, 1]]),
            layer("Reshape", "r", "z", target_shape=[-1, 2]),
            layer("Concatenate", "k", "r", "r", axis=1),
            layer("PReLU", "p", "k", shared_axes=[1]),
        )
        place = model
        while isinstance(place, dict | list) and place:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = choose.choice(keys)
            if choose.random() < 0.3 or not isinstance(place[key], dict | list):
                place[key] = choose.choice([None, -1, 0, 10**12, 1.5, "x", [], {}, [[]], [None], True, {"a": [1]}])
                break
            place = place[key]
        with contextlib.suppress(cnncalc.SpecError):
            assert read(tmp_path, model).to_dict()["schema"] == 2


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packed_otherwise(tmp_path: Path, method: int) -> None:
    """A member that is neither stored nor deflated is not unpacked: bzip2 makes gigabytes of a kilobyte at one step."""
    with zipfile.ZipFile(tmp_path / "bomb.keras", "w", method) as file:
        file.writestr("config.json", b" " * (1 << 20))
    with pytest.raises(cnncalc.SpecError, match=r"E302.*no archive that can be read\n = its config.json is not stored"):
        cnncalc.analyze(tmp_path / "bomb.keras")


def test_one_name(tmp_path: Path) -> None:
    """Two layers of one name are an error that names it: a third could mean either."""
    conv = layer("Conv2D", "a", "image", filters=2, kernel_size=[3, 3])
    with pytest.raises(cnncalc.SpecError) as caught:
        read(tmp_path, functional(IMAGE, conv, conv, layer("ReLU", "b", "a")))
    assert str(caught.value) == "error[E302]: two layers have the name `a`\n = layer 3 is the second of them"


def test_no_name(tmp_path: Path) -> None:
    """A layer that others are to call by its name has one."""
    nameless = {"class_name": "ReLU", "config": {}, "inbound_nodes": [[["image", 0, 0, {}]]]}
    with pytest.raises(cnncalc.SpecError) as caught:
        read(tmp_path, {"class_name": "Functional", "config": {"layers": [IMAGE, nameless]}})
    assert str(caught.value) == "error[E302]: layer 2 has no name\n = it is of the class `ReLU`"


def test_sequence_without_names(tmp_path: Path) -> None:
    """In a sequence nothing is called by name: each of two nameless convolutions has its 3·3·3·3 + 3 parameters."""
    image = {"class_name": "InputLayer", "config": {"batch_shape": [None, 8, 8, 3]}}
    conv = {"class_name": "Conv2D", "config": {"filters": 3, "kernel_size": [3, 3]}}
    result = read(tmp_path, {"class_name": "Sequential", "config": {"layers": [image, conv, conv]}})
    assert [row.params for row in result.rows] == [0, 84, 84]


@pytest.mark.parametrize(
    ("kind", "config", "message"),
    [
        (
            "Conv1D",
            {"filters": 2, "kernel_size": [3]},
            "`x` (Conv1D) takes a tensor with 1 spatial axis\n = its input 8x8x3 has 2",
        ),
        (
            "Conv3DTranspose",
            {"filters": 2, "kernel_size": [3, 3, 3]},
            "`x` (Conv3DTranspose) takes a tensor with 3 spatial axes\n = its input 8x8x3 has 2",
        ),
        (
            "Conv2D",
            {"filters": 2, "kernel_size": [3, 3, 3]},
            "`kernel_size` of `x` is wrong\n = it is [3, 3, 3], not 2 whole numbers",
        ),
    ],
)
def test_ranks(tmp_path: Path, kind: str, config: dict[str, Any], message: str) -> None:
    """A class for other axes than the input has, or an argument for others, is an error that names the layer."""
    image = layer("InputLayer", "image", batch_input_shape=[None, 8, 8, 3])
    with pytest.raises(cnncalc.SpecError) as caught:
        read(tmp_path, functional(image, layer(kind, "x", "image", **config)))
    assert str(caught.value) == f"error[E306]: {message}"


def test_two_inputs(tmp_path: Path) -> None:
    """A layer that takes one tensor is called on one."""
    with pytest.raises(cnncalc.SpecError) as caught:
        read(tmp_path, functional(IMAGE, layer("ReLU", "r", "image"), layer("ReLU", "x", "image", "r")))
    assert str(caught.value) == "error[E306]: `x` is called on 2 tensors\n = a `ReLU` takes one tensor"


@pytest.mark.parametrize("form", HDF5)
def test_hdf5(tmp_path: Path, form: str) -> None:
    """The configuration is found in files of h5py's, of both forms: 3·3·3·2 weights and 2 biases."""
    (tmp_path / "model.h5").write_bytes(HDF5[form])
    assert rows(cnncalc.analyze(tmp_path / "model.h5"))[-1] == ("c", "conv 3x3 x2", (6, 6, 2), 56)


@pytest.mark.frameworks
@pytest.mark.parametrize("version", ["earliest", "latest"])
@pytest.mark.parametrize("length", [10, 5000, 3_000_000])
def test_hdf5_as_written(tmp_path: Path, version: str, length: int) -> None:
    """What h5py writes among other attributes is what is read, however long."""
    import h5py

    text = "é" * length
    with h5py.File(tmp_path / "model.h5", "w", libver=version) as file:
        file.attrs["backend"] = "torch"
        file.create_group("model_weights")
        file.attrs["model_config"] = text
        file.attrs["training_config"] = "x" * 9000
    with open(tmp_path / "model.h5", "rb") as opened:
        assert read_text_attribute(opened, "model_config", 16 << 20) == text.encode()


@pytest.mark.parametrize("form", HDF5)
def test_hdf5_without_its_end(tmp_path: Path, form: str) -> None:
    """A file that is cut off is refused, wherever that is."""
    for length in range(8, len(HDF5[form]), 97):
        (tmp_path / "model.h5").write_bytes(HDF5[form][:length])
        with pytest.raises(cnncalc.SpecError, match=r"E302.*is no HDF5 file"):
            cnncalc.analyze(tmp_path / "model.h5")


def test_damaged_heap(tmp_path: Path) -> None:
    """Free space that does not reach the heap's end, which keeps the HDF5 library busy for ever, is refused."""
    data = bytearray(HDF5["older"])
    heap = data.index(b"GCOL")
    at = heap + 16
    while data[at]:  # past the objects
        at += 16 + -(-int.from_bytes(data[at + 8 : at + 16], "little") // 8) * 8
    data[at + 8] ^= 0x80
    (tmp_path / "model.h5").write_bytes(data)
    with pytest.raises(cnncalc.SpecError, match=r"its heap has [\d,]+ bytes of free space, and room for [\d,]+"):
        cnncalc.analyze(tmp_path / "model.h5")
