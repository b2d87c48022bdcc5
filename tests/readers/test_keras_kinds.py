"""Keras's layers of other versions and packages, and operations: figures by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from keras_kinds import KINDS, Kind, model

import cnncalc


def read(tmp_path: Path, content: object) -> cnncalc.Analysis:
    path = tmp_path / "net.json"
    path.write_text(json.dumps(content))
    return cnncalc.analyze(path)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.class_name)
def test_kind(kind: Kind, tmp_path: Path) -> None:
    """A layer has its output's shape, its weights and its MACs; nothing of it is unknown."""
    result = read(tmp_path, model(kind))
    totals = result.totals
    assert (
        result[result.outputs[-1]].output_shape,
        (totals.params, totals.buffers),
        totals.macs,
        [row.type for row in result.unknown],
    ) == (kind.output, kind.weights, kind.macs, [])


# -- operations ------------------------------------------------------------------------------------------------


def tensor(name: str, output: int = 0) -> dict[str, Any]:
    return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, output]}}


def operation(class_name: str, name: str, *arguments: Any, **config: Any) -> dict[str, Any]:
    """An operation as Keras 3 writes it."""
    return {
        "module": "keras.src.ops.numpy",
        "class_name": class_name,
        "name": name,
        "config": {"name": name, **config},
        "inbound_nodes": [{"args": list(arguments), "kwargs": {}}],
    }


def function(name: str, function: str, *node: Any, **keywords: Any) -> dict[str, Any]:
    """A function of TensorFlow on a tensor, as Keras 2 writes it."""
    return {
        "class_name": "TFOpLambda",
        "name": name,
        "config": {"name": name, "function": function},
        "inbound_nodes": [[*(node or ("x", 0, 0)), keywords]],
    }


def of(shape: tuple[int, ...], *layers: dict[str, Any], outputs: list[list[Any]] | None = None) -> dict[str, Any]:
    first = {"class_name": "InputLayer", "name": "x", "config": {"name": "x", "batch_shape": [None, *shape]}}
    config = {
        "name": "net",
        "layers": [{**first, "inbound_nodes": []}, *layers],
        "input_layers": ["x", 0, 0],
        "output_layers": outputs or [[layers[-1]["name"], 0, 0]],
    }
    return {"class_name": "Functional", "config": config}


X = tensor("x")
IMAGE = (8, 9, 6)


@pytest.mark.parametrize(
    ("layer", "row"),
    [
        (operation("Add", "o", X, X), ("add", IMAGE, 0)),
        (operation("Multiply", "o", X, 2.0), ("Multiply", IMAGE, 0)),
        (operation("Relu", "o", X), ("relu", IMAGE, 0)),
        (operation("LeakyRelu", "o", X, negative_slope=0.1), ("leakyrelu 0.1", IMAGE, 0)),
        (operation("Mean", "o", X, axis=[1, 2], keepdims=True), ("gap", (1, 1, 6), 0)),
        (operation("Max", "o", X, axis=[1, 2], keepdims=False), ("flatten", (6,), 0)),
        (operation("Sum", "o", X, axis=-1, keepdims=False), ("Sum", (8, 9), 0)),
        (operation("Reshape", "o", X, newshape=[-1, 72, 6]), ("reshape 72x6", (72, 6), 0)),
        (operation("Transpose", "o", X, axes=[0, 3, 1, 2]), ("Transpose", (6, 8, 9), 0)),
        (operation("Swapaxes", "o", X, axis1=1, axis2=-1), ("Swapaxes", (6, 9, 8), 0)),
        (operation("Moveaxis", "o", X, source=-1, destination=1), ("Moveaxis", (6, 8, 9), 0)),
        (operation("Concatenate", "o", [X, X], axis=1), ("concat axis=1", (16, 9, 6), 0)),
        (operation("Stack", "o", [X, X], axis=1), ("Stack", (2, 8, 9, 6), 0)),
        (operation("ExpandDims", "o", X, axis=-1), ("reshape 8x9x6x1", (8, 9, 6, 1), 0)),
        (operation("Pad", "o", X, pad_width=[[0, 0], [1, 0], [2, 2], [0, 0]]), ("pad 1-0x2", (9, 13, 6), 0)),
        (operation("Tile", "o", X, repeats=[1, 2, 1, 3]), ("Tile", (16, 9, 18), 0)),
        (operation("Repeat", "o", X, repeats=2, axis=2), ("Repeat", (8, 18, 6), 0)),
        (operation("MaxPool", "o", X, pool_size=2, strides=2, padding="same"), ("pool 2x2 same", (4, 5, 6), 0)),
        (operation("Resize", "o", X, size=[4, 5], interpolation="bilinear"), ("resize 4x5 bilinear", (4, 5, 6), 0)),
        (operation("OneHot", "o", X, num_classes=3, axis=-1), ("OneHot", (8, 9, 6, 3), 0)),
        # 8 maps: 9·9 products of 6 elements.
        (operation("Einsum", "o", X, X, subscripts="bhwc,bhvc->bhwv"), ("Einsum", (8, 9, 9), 8 * 81 * 6)),
        (operation("Where", "o", X, X, 0.0), ("Where", IMAGE, 0)),
        (function("o", "math.reduce_mean", axis=[1, 2], keepdims=True), ("gap", (1, 1, 6), 0)),
        (function("o", "nn.relu6"), ("relu6", IMAGE, 0)),
        (function("o", "__operators__.add", y=3.0), ("add", IMAGE, 0)),
        (function("o", "math.multiply", y=["x", 0, 0]), ("mul", IMAGE, 0)),
        (function("o", "math.subtract", "_CONSTANT_VALUE", -1, 2.0, y=["x", 0, 0]), ("subtract", IMAGE, 0)),
        (function("o", "reshape", shape=[-1, 432]), ("reshape 432", (432,), 0)),
        (function("o", "compat.v1.transpose", perm=[0, 2, 1, 3]), ("transpose", (9, 8, 6), 0)),
        # 8 maps of 9x6 with their own transposes.
        (
            function("o", "linalg.matmul", b=["x", 0, 0], transpose_b=True),
            ("matmul", (8, 9, 9), 8 * 81 * 6),
        ),
        (function("o", "image.resize", size=[4, 4], method="nearest"), ("resize 4x4", (4, 4, 6), 0)),
        (function("o", "nn.space_to_depth", block_size=1), ("space_to_depth", IMAGE, 0)),
    ],
)
def test_operation(layer: dict[str, Any], row: tuple[str, tuple[int, ...], int], tmp_path: Path) -> None:
    """An operation is a layer of ours, or a row by its name with the shape that it gives."""
    result = read(tmp_path, of(IMAGE, layer))
    last = result.rows[-1]
    description = "add" if last.description == "__operators__.add" else last.description
    assert (description, last.output_shape, last.macs, result.unknown) == (*row, ())


def test_split(tmp_path: Path) -> None:
    """Each part of a split is an output; one that nothing reads has no row."""
    split = operation("Split", "s", X, indices_or_sections=3, axis=-1)
    joined = operation("Concatenate", "j", [tensor("s", 2), tensor("s", 0)], axis=-1)
    result = read(tmp_path, of(IMAGE, split, joined))
    assert [(row.name, row.description, row.output_shape) for row in result.rows[1:]] == [
        ("s", "slice 0:2", (8, 9, 2)),
        ("s_2", "slice 4:6", (8, 9, 2)),
        ("j", "concat", (8, 9, 4)),
    ]


def test_states(tmp_path: Path) -> None:
    """An LSTM's states are outputs of their own."""
    lstm = {
        "class_name": "LSTM",
        "name": "l",
        "config": {"name": "l", "units": 5, "return_state": True, "return_sequences": True},
        "inbound_nodes": [[["x", 0, 0, {}]]],
    }
    dense = {"class_name": "Dense", "name": "d", "config": {"name": "d", "units": 2}}
    dense["inbound_nodes"] = [[["l", 0, 2, {}]]]
    result = read(tmp_path, of((7, 6), lstm, dense, outputs=[["l", 0, 0], ["d", 0, 0]]))
    assert [(row.name, row.output_shape, row.params) for row in result.rows[1:]] == [
        ("l", (7, 5), 240),
        ("l.state", (5,), 0),
        ("d", (2,), 12),
    ]


# -- files -----------------------------------------------------------------------------------------------------

SEQUENCE = model(KINDS[4])


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(SEQUENCE),
        {"format": "layers-model", "modelTopology": {"model_config": SEQUENCE}, "weightsManifest": []},
        {"modelTopology": SEQUENCE},
        {"modelTopology": json.dumps({"model_config": SEQUENCE})},
        {**SEQUENCE, "class_name": "MyNet", "module": "mine", "registered_name": "MyNet"},
    ],
    ids=["a text", "TensorFlow.js", "without configuration", "a text in it", "subclassed"],
)
def test_wrapped(content: object, tmp_path: Path) -> None:
    """A model is found in what wraps it: a text of JSON, TensorFlow.js's file, a class of the user's own."""
    assert read(tmp_path, content).totals.params == 28


def test_graph_model(tmp_path: Path) -> None:
    """A graph model of TensorFlow.js is no list of layers, and the error says what to do."""
    with pytest.raises(cnncalc.SpecError) as raised:
        read(tmp_path, {"format": "graph-model", "modelTopology": {"node": []}})
    assert [(each.code, each.label) for each in raised.value.diagnostics] == [
        ("E302", "it holds operators of TensorFlow, not layers")
    ]


def test_names_with_slashes(tmp_path: Path) -> None:
    """A slash in a name is a path of ours, which collapses as a block."""
    layer = operation("Relu", "conv1/relu", X)
    assert read(tmp_path, of(IMAGE, layer)).rows[-1].name == "conv1.relu"


def test_lambda(tmp_path: Path) -> None:
    """A Lambda has the shape that the file states, and a warning says that its code is not read."""
    layer = {"class_name": "Lambda", "config": {"name": "l", "output_shape": [4, 4]}, "name": "l"}
    layer["inbound_nodes"] = [[["x", 0, 0, {}]]]
    result = read(tmp_path, of(IMAGE, layer))
    assert (result.rows[-1].output_shape, result.unknown, [each.code for each in result.warnings]) == (
        (4, 4),
        (),
        ["W304"],
    )
