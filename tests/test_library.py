"""The library's face, as the README and its docstrings promise it."""

from pathlib import Path

import pytest

import cnncalc

SPEC = "input 5x5x3 | conv 3x3 s1 valid x2"

#: By hand: 3·3·3·2 weights and 2 biases; 3·3 places · 27 products · 2 filters; 75 and 18 elements of 4 bytes.
#: Training: weights and gradients 2 · 224, and both tensors, 372.
OBJECT = {
    "schema": 2, "name": None, "layout": "channels_last", "batch": 1, "dtype": "float32", "convention": "torchvision",
    "layers": [
        {"index": 0, "name": "input1", "type": "input", "inputs": [], "input_shapes": [], "output_shape": [5, 5, 3],
         "params": 0, "frozen": 0, "buffers": 0, "macs": 0, "flops": 0, "backward_macs": 0, "activations": 75,
         "conv_activations": 0, "params_bytes": 0, "live_bytes": 300, "traffic_bytes": 0, "saved_bytes": 0,
         "receptive_field": {"size": [1, 1], "jump": [1, 1], "left": [0, 0]}, "implicit": False, "fields": {}},
        {"index": 1, "name": "conv1", "type": "conv", "inputs": ["input1"], "input_shapes": [[5, 5, 3]],
         "output_shape": [3, 3, 2], "params": 56, "frozen": 0, "buffers": 0, "macs": 486, "flops": 972,
         "backward_macs": 486, "activations": 18, "conv_activations": 18,
         # 300 bytes go in, 72 come out: with the weights' 224 they are moved.
         "params_bytes": 224, "live_bytes": 372, "traffic_bytes": 596, "saved_bytes": 300,
         "receptive_field": {"size": [3, 3], "jump": [1, 1], "left": [0, 0]}, "implicit": False,
         "fields": {"kernel": [3, 3], "stride": [1, 1], "padding": [[0, 0], [0, 0]], "padding_mode": "valid",
                    "dilation": [1, 1], "groups": 1, "filters": 2, "bias": True}},
    ],
    "outputs": ["conv1"],
    "totals": {"layers": 1, "params": 56, "frozen": 0, "buffers": 0, "macs": 486, "flops": 972, "backward_macs": 486,
               "activations": 18, "conv_activations": 18, "params_bytes": 224,
               "activation_bytes": {"sum": 372, "peak": 372, "peak_no_inplace": 372, "arena": 384},
               "peak_at": {"layer": "conv1", "tensors": {"input1": 300, "conv1": 72}},
               "traffic_bytes": 596,
               # Weights 224, gradients 224, and the input that conv1 keeps.
               "saved_bytes": 300, "training_bytes": 748},
    "warnings": [],
}  # fmt: skip


def test_object() -> None:
    """The object of a small network is this, its keys in this order."""
    got = cnncalc.analyze(SPEC).to_dict()
    assert got == OBJECT
    assert [list(got), list(got["layers"][1]), list(got["totals"])] == [
        list(OBJECT),
        list(OBJECT["layers"][1]),  # type: ignore[index]
        list(OBJECT["totals"]),  # type: ignore[call-overload]
    ]


def test_path(tmp_path: Path) -> None:
    """A path is a file."""
    (tmp_path / "net.cnn").write_text(SPEC, encoding="utf-8")
    assert cnncalc.analyze(tmp_path / "net.cnn").to_dict() == OBJECT


def test_graph() -> None:
    """What parse gives can be analyzed."""
    assert cnncalc.analyze(cnncalc.parse(SPEC)).to_dict() == OBJECT


@pytest.mark.parametrize("shape", ["32x32x3", (32, 32, 3), [32, 32, 3]])
def test_input(shape: object) -> None:
    """An input's shape is text or a sequence."""
    assert cnncalc.analyze("conv3x3s1p0:16,pool2", input=shape)["pool1"].output_shape == (15, 15, 16)


def test_batch() -> None:
    """A batch scales MACs, activations and their bytes, and leaves shapes and parameters."""
    one, eight = cnncalc.analyze(SPEC), cnncalc.analyze(SPEC, batch=8)
    assert (eight["conv1"].output_shape, eight.totals.params, eight.totals.params_bytes) == ((3, 3, 2), 56, 224)
    assert (eight.totals.macs, eight["conv1"].activations) == (8 * one.totals.macs, 8 * one["conv1"].activations)
    assert eight.totals.activation_bytes.peak == 8 * one.totals.activation_bytes.peak


def test_error() -> None:
    """What is wrong is a ValueError with its diagnostics; its text is the message."""
    with pytest.raises(ValueError, match=r"^error\[E101\]: unknown layer `cnov`\n") as caught:
        cnncalc.analyze("input 5x5x3 | cnov 3x3")
    assert isinstance(caught.value, cnncalc.SpecError)
    assert [(each.code, each.help) for each in caught.value.diagnostics] == [("E101", "write `conv`")]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"dtype": "float8"},
            "unknown dtype 'float8': one of float32, float16, bfloat16, int8, float64, uint8, int4, int16, int32, "
            "int64",
        ),
        (
            {"convention": "mine"},
            "unknown convention 'mine': one of torchvision, fvcore, ptflops, thop, onnx-tool, deepspeed, calflops",
        ),
        ({"optimizer": "lion"}, "unknown optimizer 'lion': one of sgd, momentum, adam"),
        ({"batch": 0}, "batch must be a whole number from 1 to 10^9 - 1, not 0"),
    ],
)
def test_option(options: dict[str, object], message: str) -> None:
    """An option that is not known is a ValueError that says what is."""
    with pytest.raises(ValueError, match=r"batch|unknown") as caught:
        cnncalc.analyze(SPEC, **options)  # type: ignore[arg-type]
    assert str(caught.value) == message


def test_unknown_row() -> None:
    """A row that is not there is a KeyError with the nearest name."""
    with pytest.raises(KeyError, match="did you mean 'conv1'"):
        cnncalc.analyze(SPEC)["conv"]


def test_frozen() -> None:
    """A layer cannot be changed."""
    with pytest.raises(AttributeError, match="frozen"):
        cnncalc.analyze(SPEC)["conv1"].node.layer.kernel = (5, 5)  # type: ignore[attr-defined]
