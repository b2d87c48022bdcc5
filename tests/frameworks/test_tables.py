"""The frameworks' tables: every kind has a row in each, and what is written by a row is read as the same by it."""

import re
from pathlib import Path
from typing import Any

import pytest

import cnncalc.frameworks
from cnncalc import parse
from cnncalc.frameworks import NAMES, Framework, framework, frameworks_with, kind_of
from cnncalc.frameworks.table import Equivalent
from cnncalc.layers import REGISTRY, kinds
from cnncalc.shape import Padding

PACKAGE = Path(cnncalc.frameworks.__file__).parent

TABLES = [pytest.param(framework(name), id=name) for name in NAMES]


@pytest.mark.parametrize("name", NAMES)
def test_every_kind_has_a_row(name: str) -> None:
    """A kind of layer without a row, or a row without a kind, names the file to edit."""
    rows, known = set(framework(name).rows), set(kinds()) | {"input"}
    file = f"cnncalc/frameworks/{name}.py"
    assert known - rows == set(), f"add a row for each of these to {file}"
    assert rows - known == set(), f"there are no such layers: remove these rows from {file}"


def test_every_table_is_listed() -> None:
    """Each module of the package is a table, or what tables are made of."""
    assert {path.stem for path in PACKAGE.glob("*.py")} == {*NAMES, "__init__", "table", "notation"}


@pytest.mark.parametrize("table", TABLES)
def test_arguments(table: Framework) -> None:
    """Every argument of a row that means one of ours means one that the layer has."""
    for kind, row in table.rows.items():
        if isinstance(row, Equivalent):
            ours = {each.meaning for each in row.arguments if isinstance(each.meaning, str)}
            assert ours <= set(REGISTRY[kind].arguments), kind
            names = [each.name for each in row.arguments]
            assert len(names) == len(set(names)), kind
            assert {each.like for each in row.arguments} <= {"", *names}, kind


@pytest.mark.parametrize("table", TABLES)
def test_activations(table: Framework) -> None:
    """Every word for an activation is one of a kind of layer."""
    assert {kind for kind in table.activations.values() if kind is not None} <= set(kinds())


#: Arguments that depend on more than the layer's own argument: writers give them.
DEPENDENT = {"padding", "shared", "scale", "biases", "dim", "value_dim"}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("kind", sorted(set(kinds()) - {"input"}))
def test_there_and_back(table: Framework, kind: str) -> None:
    """The arguments that a row writes for a layer's worked examples are read as that layer's own."""
    row = table[kind]
    if not isinstance(row, Equivalent):
        return
    for example in REGISTRY[kind].examples:
        node = parse(example.spec.replace(next(iter(REGISTRY[kind].words)), kind)).nodes[-1]
        if node.layer.kind == kind:
            arguments = row.write(node.layer, node.input_shapes[0], node.shape)
            written = {each.name: value for each, value in arguments if each.meaning not in DEPENDENT}
            values = {name: value for name, value in vars(node.layer).items() if name in node.layer.arguments}
            if not values.get("affine", True):
                written["scale"] = False  # what has no bias has no weight
            read = row.read(written)
            assert (
                REGISTRY[kind](kind, **(values | {name: read[name] for name in read.keys() - DEPENDENT})).resolve(
                    node.input_shapes[0]
                )
                == node.layer
            )


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        (("nn.Conv2d", (3, 16), {"kernel_size": (3, 3), "padding": "same"}), ("conv", {
            "filters": 16, "kernel": (3, 3), "stride": (1,), "padding": Padding("same"), "dilation": (1,), "groups": 1,
            "bias": True,
        }, 2, ())),
        (("layers.Conv2D", (16, 3), {"strides": 2, "activation": "relu", "name": "c"}), ("conv", {
            "filters": 16, "kernel": (3,), "stride": (2,), "padding": Padding("valid"), "dilation": (1,), "groups": 1,
            "bias": True,
        }, 2, ("relu",))),
        (("nn.MaxPool2d", (3, 2, 1), {}), ("pool", {
            "kernel": (3,), "stride": (2,), "padding": Padding("explicit", ((1, 1),)), "dilation": (1,),
            "rounding": "floor",
        }, 2, ())),
        (("MaxPooling2D", (), {}), ("pool", {"kernel": (2,), "padding": Padding("valid")}, 2, ())),
        (("nn.AdaptiveAvgPool2d", ((1, 1),), {}), ("gap", {}, 2, ())),
        (("nn.AdaptiveAvgPool2d", (7,), {}), ("adaptiveavgpool", {"size": (7,)}, 2, ())),
        (("layers.GlobalAveragePooling2D", (), {}), ("gap", {}, 2, ("flatten",))),
        (("layers.Activation", ("relu",), {}), ("relu", {}, None, ())),
        (("layers.Activation", ("hard_swish",), {}), ("hardswish", {}, None, ())),
        (("layers.Softmax", (), {}), ("softmax", {}, None, ())),
        (("nn.ReLU", (), {"inplace": True}), ("relu", {}, None, ())),
        (("nn.ZeroPad2d", ((1, 2, 3, 4),), {}), ("pad", {"amount": Padding("explicit", ((3, 4), (1, 2)))}, 2, ())),
        (("layers.ZeroPadding2D", (((3, 4), (1, 2)),), {}), (
            "pad", {"amount": Padding("explicit", ((3, 4), (1, 2)))}, 2, ())),
        (("layers.BatchNormalization", (), {"center": False, "scale": False}), (
            "bn", {"affine": False, "scale": True}, None, ())),
        (("nn.PReLU", (64,), {}), ("prelu", {"shared": False}, None, ())),
    ],
    ids=lambda case: case[0] if isinstance(case[0], str) else "",
)  # fmt: skip
def test_read_call(call: tuple[str, tuple[Any, ...], dict[str, Any]], wanted: tuple[Any, ...]) -> None:
    """A call of a framework's layer in our kinds and arguments; the layer that they make can be made."""
    table = next(frameworks_with(call[0]))
    read = table.read_call(*call)
    assert (read.kind, read.values, read.rank, read.behind) == wanted
    assert REGISTRY[read.kind](read.kind, **read.values)


def test_input_shape() -> None:
    """The first layer of a Keras model may state the input."""
    read = framework("keras").read_call("Conv2D", (16, 3), {"input_shape": (32, 32, 3)})
    assert read.input_shape == (32, 32, 3)


@pytest.mark.parametrize(
    ("name", "call", "reason"),
    [
        ("pytorch", ("nn.Conv2d", (3, 16), {}), "`kernel_size` is missing"),
        ("pytorch", ("nn.Conv2d", (3, 16, "big"), {}), "`kernel_size` is 'big'"),
        ("pytorch", ("nn.Conv2d", (3, 16, 3), {"kernel": 3}), "`nn.Conv2d` has no argument `kernel`"),
        ("pytorch", ("nn.Conv2d", (3, 16, 3), {"kernel_size": 3}), "`kernel_size` is given twice"),
        ("pytorch", ("nn.Flatten", (2,), {}), "`start_dim` is 2"),
        ("pytorch", ("nn.Transformer", (), {}), "PyTorch has no layer `nn.Transformer` that is known here"),
        ("keras", ("layers.Dense", (3, "wavy"), {}), "Keras has no activation 'wavy' that is known here"),
    ],
)  # fmt: skip
def test_no_layer_of_ours(name: str, call: tuple[str, tuple[Any, ...], dict[str, Any]], reason: str) -> None:
    """What a call lacks, or has too much, is stated."""
    with pytest.raises(ValueError, match=re.escape(reason)) as caught:
        framework(name).read_call(*call)
    assert str(caught.value) == reason


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("nn.BatchNorm2d", "bn"), ("batch_normalization", "bn"), ("AveragePooling2D", "avgpool"), ("Conv2d", "conv"),
        ("conv2dtranspose", "deconv"), ("Dense", "fc"), ("adaptive_avg_pool2d", "adaptiveavgpool"), ("Gemm", "fc"),
        ("activation", None), ("transformer", None), ("local_response_norm", "lrn"), ("ZeroPad2d", "pad"),
    ],
)  # fmt: skip
def test_kind_of(name: str, kind: str | None) -> None:
    """The kind for a framework's name in any spelling."""
    assert kind_of(name) == kind


def test_frameworks_with() -> None:
    """The framework of a name goes by its prefix."""
    assert [table.title for table in frameworks_with("layers.Dropout")] == ["Keras", "PyTorch", "ONNX"]
    assert [table.title for table in frameworks_with("nn.Dropout")] == ["PyTorch", "Keras", "ONNX"]
    assert [table.title for table in frameworks_with("Conv2D")] == ["Keras"]
