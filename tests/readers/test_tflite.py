"""TensorFlow Lite files, which the tests write: rows and figures by hand, the file's own types, and wrong files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from command_line import run
from tflite_files import TfliteOperator, TfliteTensor, held, integers, written

import cnncalc

Row = tuple[str, str, tuple[int, ...], int, int]
Tensors = dict[str, TfliteTensor]


def analyzed(tmp_path: Path, tensors: Tensors, operators: list[TfliteOperator], **options: Any) -> cnncalc.Analysis:
    files = {name: options.pop(name) for name in ("inputs", "outputs", "subgraphs") if name in options}
    path = tmp_path / "net.tflite"
    path.write_bytes(written(tensors, operators, **files))
    return cnncalc.analyze(path, **options)


def rows(tmp_path: Path, tensors: Tensors, operators: list[TfliteOperator], **options: Any) -> list[Row]:
    """Name, text, shape, parameters and MACs of every row but the inputs."""
    return [
        (row.name, row.description, row.output_shape, row.params, row.macs)
        for row in analyzed(tmp_path, tensors, operators, **options).rows
        if row.inputs
    ]


def tensor(*shape: int, type: str = "FLOAT32") -> TfliteTensor:
    return TfliteTensor(shape, type)


SAME, VALID = 0, 1
RELU, RELU6 = 1, 3


def test_convolution(tmp_path: Path) -> None:
    """Weights are filters x height x width x channels; a built-in activation is a row within the operator's."""
    tensors = {"x": tensor(1, 9, 8, 3), "w": held(4, 3, 2, 3), "b": held(4), "y": tensor(1, 5, 8, 4)}
    values = {"StrideH": 2, "StrideW": 1, "Padding": SAME, "FusedActivationFunction": RELU6}
    # 4·18 weights and 4 biases; 40 places of 72 products.
    assert rows(tmp_path, tensors, [TfliteOperator("CONV_2D", "xwb", "y", "Conv2DOptions", values)]) == [
        ("y", "conv 3x2 s2x1 same x4", (5, 8, 4), 76, 2880), ("y.relu61", "relu6", (5, 8, 4), 0, 0),
    ]  # fmt: skip


def test_dilated_and_grouped(tmp_path: Path) -> None:
    """Weights for fewer channels than come in are those of groups."""
    tensors = {"x": tensor(1, 9, 9, 4), "w": held(8, 3, 3, 2), "y": tensor(1, 5, 5, 8)}
    values = {"StrideH": 1, "StrideW": 1, "Padding": VALID, "DilationHFactor": 2, "DilationWFactor": 2}
    assert rows(tmp_path, tensors, [TfliteOperator("CONV_2D", ("x", "w", ""), "y", "Conv2DOptions", values)]) == [
        ("y", "conv 3x3 d2 g2 x8 nobias", (5, 5, 8), 144, 3600),
    ]  # fmt: skip


def test_depthwise(tmp_path: Path) -> None:
    """The filters of a depth-wise convolution follow from its weights, whatever multiplier it states."""
    tensors = {"x": tensor(1, 8, 8, 4), "w": held(1, 3, 3, 8), "b": held(8), "y": tensor(1, 4, 4, 8)}
    values = {"StrideH": 2, "StrideW": 2, "Padding": SAME, "DepthMultiplier": 2}
    operator = TfliteOperator("DEPTHWISE_CONV_2D", "xwb", "y", "DepthwiseConv2DOptions", values)
    assert rows(tmp_path, tensors, [operator]) == [("y", "dwconv 3x3 s2 same m2", (4, 4, 8), 80, 1152)]


@pytest.mark.parametrize(
    ("padding", "size", "text"),
    [(SAME, 10, "deconv 3x3 s2 p0-1 x2"), (VALID, 11, "deconv 3x3 s2 x2")],
)
def test_transposed(padding: int, size: int, text: str, tmp_path: Path) -> None:
    """Its output is as large as the input that says so: 5·2, or (5 − 1)·2 + 3."""
    tensors = {
        "s": integers(1, size, size, 2), "w": held(2, 3, 3, 4), "x": tensor(1, 5, 5, 4), "b": held(2),
        "y": tensor(1, size, size, 2),
    }  # fmt: skip
    values = {"StrideH": 2, "StrideW": 2, "Padding": padding}
    operator = TfliteOperator("TRANSPOSE_CONV", "swxb", "y", "TransposeConvOptions", values)
    assert rows(tmp_path, tensors, [operator]) == [("y", text, (size, size, 2), 74, 1800)]


POOL = {"StrideH": 2, "StrideW": 2, "FilterHeight": 2, "FilterWidth": 2, "Padding": VALID}


@pytest.mark.parametrize(
    ("name", "options", "values", "wanted"),
    [
        ("MAX_POOL_2D", "Pool2DOptions", POOL, ("pool 2x2", (4, 4, 4))),
        ("AVERAGE_POOL_2D", "Pool2DOptions", POOL, ("avgpool 2x2", (4, 4, 4))),
        ("AVERAGE_POOL_2D", "Pool2DOptions", {**POOL, "FilterHeight": 8, "FilterWidth": 8}, ("gap", (1, 1, 4))),
        ("L2_POOL_2D", "Pool2DOptions", POOL, ("L2_POOL_2D", (4, 4, 4))),
        ("RELU", "", {}, ("relu", (8, 8, 4))),
        ("RELU_N1_TO_1", "", {}, ("hardtanh", (8, 8, 4))),
        ("LOGISTIC", "", {}, ("sigmoid", (8, 8, 4))),
        ("HARD_SWISH", "", {}, ("hardswish", (8, 8, 4))),
        ("SOFTMAX", "SoftmaxOptions", {"Beta": 1.0}, ("softmax", (8, 8, 4))),
        ("LEAKY_RELU", "LeakyReluOptions", {"Alpha": 0.25}, ("leakyrelu 0.25", (8, 8, 4))),
        ("LOCAL_RESPONSE_NORMALIZATION", "LocalResponseNormalizationOptions", {"Radius": 2}, ("lrn", (8, 8, 4))),
        ("DEPTH_TO_SPACE", "DepthToSpaceOptions", {"BlockSize": 2}, ("pixelshuffle 2", (16, 16, 1))),
        ("SPACE_TO_DEPTH", "SpaceToDepthOptions", {"BlockSize": 2}, ("pixelunshuffle 2", (4, 4, 16))),
        ("EXP", "", {}, ("EXP", (8, 8, 4))),
        ("QUANTIZE", "", {}, ("QUANTIZE", (8, 8, 4))),
        ("RESHAPE", "", {}, ("flatten", (256,))),
        ("TFLite_Detection_PostProcess", "", {}, ("TFLite_Detection_PostProcess", (10, 4))),
    ],
)  # fmt: skip
def test_layer(
    name: str, options: str, values: dict[str, Any], wanted: tuple[str, tuple[int, ...]], tmp_path: Path
) -> None:
    """Operators on an image of 8x8x4."""
    tensors = {"x": tensor(1, 8, 8, 4), "y": tensor(1, *wanted[1])}
    assert rows(tmp_path, tensors, [TfliteOperator(name, "x", "y", options, values)]) == [("y", *wanted, 0, 0)]


@pytest.mark.parametrize(
    ("name", "constants", "options", "values", "wanted"),
    [
        ("MEAN", [integers(1, 2)], "ReducerOptions", {"KeepDims": True}, ("gap", (1, 1, 4))),
        ("REDUCE_MAX", [integers(-2, -3)], "ReducerOptions", {"KeepDims": True}, ("gmp", (1, 1, 4))),
        ("SUM", [integers(3)], "ReducerOptions", {"KeepDims": True}, ("SUM", (8, 8, 1))),
        ("PAD", [integers(0, 0, 1, 2, 3, 4, 0, 0, shape=(4, 2))], "PadOptions", {}, ("pad 1-2x3-4", (11, 15, 4))),
        ("RESIZE_NEAREST_NEIGHBOR", [integers(16, 16)], "", {}, ("upsample 2", (16, 16, 4))),
        ("RESIZE_BILINEAR", [integers(5, 7)], "", {}, ("resize 5x7 bilinear", (5, 7, 4))),
        ("SLICE", [integers(0, 0, 0, 1), integers(1, 8, 8, 2)], "", {}, ("slice 1:3", (8, 8, 2))),
        (
            "STRIDED_SLICE", [integers(0, 1, 2, 0), integers(0, 7, 8, 0), integers(1, 1, 1, 1)], "StridedSliceOptions",
            {"BeginMask": 9, "EndMask": 9}, ("crop 1x2-0", (6, 6, 4)),
        ),
        ("TRANSPOSE", [integers(0, 2, 1, 3)], "", {}, ("TRANSPOSE", (8, 8, 4))),
        ("TILE", [integers(1, 2, 1, 1)], "", {}, ("TILE", (16, 8, 4))),
        ("PRELU", [held(1, 1, 4)], "", {}, ("prelu", (8, 8, 4), 4)),
        ("MUL", [held(4)], "MulOptions", {}, ("scale", (8, 8, 4), 4)),
        ("ADD", [held(4)], "AddOptions", {}, ("ADD", (8, 8, 4), 4)),
        ("SUB", [held()], "SubOptions", {}, ("SUB", (8, 8, 4), 0)),
    ],
)  # fmt: skip
def test_layer_with_constants(
    name: str,
    constants: list[TfliteTensor],
    options: str,
    values: dict[str, Any],
    wanted: tuple[Any, ...],
    tmp_path: Path,
) -> None:
    """Operators on an image of 8x8x4 and constants."""
    text, shape, params = (*wanted, 0)[:3]
    given = {f"c{at}": constant for at, constant in enumerate(constants)}
    tensors = {"x": tensor(1, 8, 8, 4), **given, "y": tensor(1, *shape)}
    operator = TfliteOperator(name, ("x", *given), "y", options, values)
    assert rows(tmp_path, tensors, [operator]) == [("y", text, shape, params, 0)]


def test_fully_connected(tmp_path: Path) -> None:
    """On a vector, on an image of as many elements, and on every row where its axes are kept."""
    weights = {"w": held(5, 16), "b": held(5)}
    options = ("FullyConnectedOptions", {"KeepNumDims": False, "FusedActivationFunction": RELU})
    operator = TfliteOperator("FULLY_CONNECTED", "xwb", "y", *options)
    wanted = [("y", "fc 5", (5,), 85, 80), ("y.relu1", "relu", (5,), 0, 0)]
    assert rows(tmp_path, {"x": tensor(1, 16), **weights, "y": tensor(1, 5)}, [operator]) == wanted
    image = rows(tmp_path, {"x": tensor(1, 2, 2, 4), **weights, "y": tensor(1, 5)}, [operator])
    assert [row for row in image if row[1] != "flatten"] == wanted

    kept = operator._replace(values={"KeepNumDims": True})
    assert rows(tmp_path, {"x": tensor(1, 7, 16), **weights, "y": tensor(1, 7, 5)}, [kept]) == [
        ("y", "conv 1 x5", (7, 5), 85, 560),
    ]  # fmt: skip


def test_recurrent(tmp_path: Path) -> None:
    """A sequence of 10 vectors of 4: 4·6·(4 + 6) weights and 24 biases; an RNN has 6·10 and 6."""
    gates = {f"i{at}": held(6, 4) for at in range(4)} | {f"r{at}": held(6, 6) for at in range(4)}
    biases = {f"b{at}": held(6) for at in range(4)}
    states = {"h": TfliteTensor((1, 6), variable=True), "c": TfliteTensor((1, 6), variable=True)}
    tensors = {"x": tensor(1, 10, 4), **gates, **biases, **states, "y": tensor(1, 10, 6)}
    inputs = ("x", *gates, "", "", "", *biases, "", "", "h", "c")
    operator = TfliteOperator("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, "y", "UnidirectionalSequenceLSTMOptions")
    assert rows(tmp_path, tensors, [operator]) == [("y", "lstm 6 biases=1", (10, 6), 264, 2400)]

    small = {
        "x": tensor(1, 10, 4),
        "w": held(6, 4),
        "r": held(6, 6),
        "b": held(6),
        "h": states["h"],
        "y": tensor(1, 10, 6),
    }
    operator = TfliteOperator("UNIDIRECTIONAL_SEQUENCE_RNN", "xwrbh", "y", "SequenceRNNOptions")
    assert rows(tmp_path, small, [operator]) == [("y", "rnn 6 biases=1", (10, 6), 66, 600)]

    # Without input gates it is none of ours: three gates of 6·10 weights each, at 10 steps.
    without = ("x", "", *inputs[2:5], "", *inputs[6:])
    coupled = TfliteOperator("UNIDIRECTIONAL_SEQUENCE_LSTM", without, "y", "UnidirectionalSequenceLSTMOptions")
    assert rows(tmp_path, tensors, [coupled])[0][3:] == (3 * 60 + 24, 1800)


def test_svdf(tmp_path: Path) -> None:
    """8 filters of 16 elements, and of 5 steps: 8·(16 + 5) weights, each one product; 4 biases for 2 filters each."""
    tensors = {
        "x": tensor(1, 16), "f": held(8, 16), "t": held(8, 5), "b": held(4), "s": TfliteTensor((1, 40), variable=True),
        "y": tensor(1, 4),
    }  # fmt: skip
    operator = TfliteOperator("SVDF", "xftbs", "y", "SVDFOptions", {"Rank": 2, "FusedActivationFunction": RELU})
    assert rows(tmp_path, tensors, [operator]) == [("y", "SVDF", (4,), 172, 168), ("y.relu1", "relu", (4,), 0, 0)]


def test_merges(tmp_path: Path) -> None:
    """Sums, products and joins of tensors, parts of one, and a product of two."""
    tensors = {
        "x": tensor(1, 8, 4), "a": tensor(1, 8, 4), "axis": integers(2, shape=()), "p": tensor(1, 8, 2),
        "q": tensor(1, 8, 2), "k": tensor(1, 8, 4), "m": tensor(1, 8, 8),
    }  # fmt: skip
    operators = [
        TfliteOperator("ADD", "xx", "a", "AddOptions", {"FusedActivationFunction": RELU}),
        TfliteOperator("SPLIT", ("axis", "a"), "pq", "SplitOptions", {"NumSplits": 2}),
        TfliteOperator("CONCATENATION", "qp", "k", "ConcatenationOptions", {"Axis": -1}),
        TfliteOperator("BATCH_MATMUL", "ka", "m", "BatchMatMulOptions", {"AdjY": True}),
    ]
    assert rows(tmp_path, tensors, operators, outputs="m") == [
        ("a", "add", (8, 4), 0, 0), ("a.relu1", "relu", (8, 4), 0, 0), ("p", "slice 0:2", (8, 2), 0, 0),
        ("p.slice1", "slice 2:4", (8, 2), 0, 0), ("k", "concat", (8, 4), 0, 0), ("m", "BATCH_MATMUL", (8, 8), 0, 256),
    ]  # fmt: skip


def test_weights_of_few_bits(tmp_path: Path) -> None:
    """What is computed of constants alone is one: weights in half precision, or sparse, are counted as they stand."""
    tensors = {
        "x": tensor(1, 4, 4, 3), "h": held(8, 1, 1, 3, type="FLOAT16"), "s": held(8, 1, 1, 3, type="FLOAT16"),
        "w": tensor(8, 1, 1, 3), "y": tensor(1, 4, 4, 8),
    }  # fmt: skip
    values = {"StrideH": 1, "StrideW": 1, "Padding": VALID}
    operators = [
        TfliteOperator("DENSIFY", "h", "s"),
        TfliteOperator("DEQUANTIZE", "s", "w"),
        TfliteOperator("CONV_2D", ("x", "w", ""), "y", "Conv2DOptions", values),
    ]
    result = analyzed(tmp_path, tensors | {"s": tensor(8, 1, 1, 3, type="FLOAT16")}, operators)
    assert (result.totals.params, result.totals.params_bytes) == (24, 48)


def quantized(tmp_path: Path, **options: Any) -> cnncalc.Analysis:
    """A float image, quantized, through a convolution in 8 bits, and back."""
    tensors = {
        "x": tensor(1, 8, 8, 3), "q": tensor(1, 8, 8, 3, type="INT8"), "w": held(4, 3, 3, 3, type="INT8"),
        "b": held(4, type="INT32"), "c": tensor(1, 8, 8, 4, type="INT8"), "y": tensor(1, 8, 8, 4),
    }  # fmt: skip
    values = {"StrideH": 1, "StrideW": 1, "Padding": SAME, "FusedActivationFunction": RELU}
    operators = [
        TfliteOperator("QUANTIZE", "x", "q"),
        TfliteOperator("CONV_2D", "qwb", "c", "Conv2DOptions", values),
        TfliteOperator("DEQUANTIZE", "c", "y"),
    ]
    return analyzed(tmp_path, tensors, operators, **options)


def test_types_of_the_file(tmp_path: Path) -> None:
    """Bytes are those of the file's types: 108 weights of one byte and 4 biases of four; maps of four bytes and one."""
    result = quantized(tmp_path)
    totals = result.totals
    assert (result.options.dtype, totals.params, totals.params_bytes) == ("stored", 112, 108 + 16)
    # 192 elements of 4 bytes, 192, 256 and 256 of 4: most while it is made real again, 256 + 1024.
    assert totals.activation_bytes.sum == 768 + 192 + 256 + 1024
    assert (totals.activation_bytes.peak, totals.peak_layer) == (1280, "y")
    # The image at 256, where the map in 8 bits was: 768 and 192 bytes, then 1024.
    assert totals.activation_bytes.arena == 1280
    assert result.to_dict()["dtype"] == "stored"


def test_bytes_of_a_layer(tmp_path: Path) -> None:
    """The bytes of the file's weights are those of the layer that reads them, in its traffic too; it needs no deploy.

    The convolution reads 192 bytes, and writes 256; what makes its input real again moves 192 and 768.
    """
    result = quantized(tmp_path)
    row = result["c"]
    assert (row.params_bytes, row.traffic_bytes, sum(row.params_bytes for row in result.rows)) == (124, 124 + 448, 124)
    assert (result.totals.flash_bytes, result.totals.ram_bytes) == (124, 1280)
    path = next(tmp_path.glob("*.tflite"))
    done = run(str(path), "--fit", "flash=123B,ram=1280B", "--get", "flash")
    assert (done.exit_code, done.stdout) == (3, "124\n")


def test_folded_file_is_the_network_deployed(tmp_path: Path) -> None:
    """A file as a converter writes it, batch norm folded and relu built in, needs what the spec does when deployed."""
    tensors = {
        "x": tensor(1, 8, 8, 3, type="INT8"),
        "w": held(4, 3, 3, 3, type="INT8"),
        "b": held(4, type="INT32"),
        "y": tensor(1, 6, 6, 4, type="INT8"),
    }
    values = {"StrideW": 1, "StrideH": 1, "Padding": VALID, "FusedActivationFunction": RELU}
    file = analyzed(tmp_path, tensors, [TfliteOperator("CONV_2D", "xwb", "y", "Conv2DOptions", values)])
    spec = cnncalc.analyze("input 8x8x3 | conv 3x3 x4 nobias | bn | relu", deploy="int8")
    for totals in (file.totals, spec.totals):
        assert (totals.params, totals.flash_bytes, totals.ram_bytes, totals.traffic_bytes > 0) == (112, 124, 336, True)


def test_another_type(tmp_path: Path) -> None:
    """With `--dtype` all are of one type, as anywhere else."""
    totals = quantized(tmp_path, dtype="int8").totals
    assert (totals.params_bytes, totals.activation_bytes.sum) == (112, 192 + 192 + 256 + 256)


def test_half_bytes(tmp_path: Path) -> None:
    """Two elements of 4 bits share a byte; the last one is filled up."""
    tensors = {"x": tensor(1, 5, type="INT4"), "y": tensor(1, 5, type="INT4")}
    assert analyzed(tmp_path, tensors, [TfliteOperator("TANH", "x", "y")]).totals.activation_bytes.sum == 3


def test_state(tmp_path: Path) -> None:
    """What a file keeps from one run to the next is no weight."""
    tensors = {
        "v": tensor(type="RESOURCE"), "x": tensor(1, 4), "s": tensor(1, 4), "k": tensor(1, 8),
    }  # fmt: skip
    operators = [
        TfliteOperator("VAR_HANDLE", "", "v"),
        TfliteOperator("READ_VARIABLE", "v", "s"),
        TfliteOperator("CONCATENATION", "sx", "k", "ConcatenationOptions", {"Axis": 1}),
    ]
    assert rows(tmp_path, tensors, operators, outputs="k") == [("k", "CONCATENATION", (8,), 0, 0)]


def test_custom_operator(tmp_path: Path) -> None:
    """An operator of its own has the shape that the file states and the weights that it reads; the rest goes on."""
    tensors = {"x": tensor(1, 8, 8, 3), "w": held(7), "u": tensor(1, 4, 4, 6), "y": tensor(1, 4, 4, 6)}
    result = analyzed(tmp_path, tensors, [TfliteOperator("Hologram", "xw", "u"), TfliteOperator("TANH", "u", "y")])
    assert [(row.name, row.output_shape, row.params) for row in result.rows if row.inputs] == [
        ("u", (4, 4, 6), 7), ("y", (4, 4, 6), 0),
    ]  # fmt: skip
    assert [row.name for row in result.unknown] == ["u"]


def test_other_subgraphs(tmp_path: Path) -> None:
    """The first subgraph is the network; others are noted."""
    tensors = {"x": tensor(1, 4), "y": tensor(1, 4)}
    (warning,) = analyzed(tmp_path, tensors, [TfliteOperator("TANH", "x", "y")], subgraphs=3).warnings
    assert (warning.code, warning.message) == (
        "W302", f"2 subgraphs of `{tmp_path / 'net.tflite'}` besides the first are passed over",
    )  # fmt: skip


def test_batch_of_the_file(tmp_path: Path) -> None:
    """A batch that the file fixes is one here, and an open one as well; reshapes follow."""
    for first in ({"shape": (8, 2, 2, 4)}, {"shape": (1, 2, 2, 4), "signature": (-1, 2, 2, 4)}):
        tensors = {"x": TfliteTensor(**first), "s": integers(8, 16), "y": tensor(first["shape"][0], 16)}
        assert rows(tmp_path, tensors, [TfliteOperator("RESHAPE", "xs", "y")]) == [("y", "flatten", (16,), 0, 0)]


def test_open_size(tmp_path: Path) -> None:
    """A size that the file leaves open needs `--input`; what follows from it is worked out."""
    tensors = {
        "x": TfliteTensor((1, 1, 1, 3), signature=(-1, -1, -1, 3)), "w": held(4, 3, 3, 3),
        "c": TfliteTensor((1, 1, 1, 4), signature=(-1, -1, -1, 4)), "y": TfliteTensor((1, 4), signature=(-1, -1)),
    }  # fmt: skip
    conv = TfliteOperator(
        "CONV_2D", ("x", "w", ""), "c", "Conv2DOptions", {"StrideH": 1, "StrideW": 1, "Padding": VALID}
    )
    operators = [conv, TfliteOperator("RESHAPE", "c", "y")]
    with pytest.raises(cnncalc.SpecError) as caught:
        analyzed(tmp_path, tensors, operators)
    (error,) = caught.value.diagnostics
    assert (error.code, error.message, error.label) == (
        "E308", "the file leaves the size of `x` open", "its shape is ?x?x?x3",
    )  # fmt: skip
    assert [row[2] for row in rows(tmp_path, tensors, operators, input=(6, 7, 3))] == [(4, 5, 4), (80,)]


def test_missing_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package that has the schema, the error says what to install."""
    monkeypatch.setitem(sys.modules, "tflite", None)
    with pytest.raises(cnncalc.SpecError) as caught:
        analyzed(tmp_path, {"x": tensor(1, 4), "y": tensor(1, 4)}, [TfliteOperator("TANH", "x", "y")])
    assert str(caught.value) == (
        "error[E301]: reading TensorFlow Lite files needs `tflite`\n"
        " = `tflite` is not installed\n"
        ' = help: install it with `pip install "cnncalc[tflite]"`'
    )


@pytest.mark.parametrize(
    ("tensors", "operator", "code", "message"),
    [
        (
            {"x": tensor(1, 8, 8, 3), "w": held(4, 3, 3, 2), "y": tensor(1, 6, 6, 4)},
            TfliteOperator("CONV_2D", ("x", "w", ""), "y", "Conv2DOptions", {"StrideH": 1, "StrideW": 1}),
            "E306", "`y` (CONV_2D) does not fit its input",
        ),
        (
            {"x": tensor(1, 8, 8, 3), "w": held(4, 3, 3, 3), "y": tensor(1, 6, 6, 4)},
            TfliteOperator("CONV_2D", ("x", "w", ""), "y", "Conv2DOptions", {"StrideH": 0, "StrideW": 1}),
            "E306", "`y` (CONV_2D) does not fit its input",
        ),
        (
            {"x": tensor(1, 8), "z": tensor(1, 8), "y": tensor(1, 8)}, TfliteOperator("ADD", "xz", "y"),
            "E307", "`y` reads `z`, which is not there yet",
        ),
        (
            {"x": tensor(1, 8), "s": integers(1, 9), "y": tensor(1, 9)}, TfliteOperator("RESHAPE", "xs", "y"),
            "E306", "`y` (RESHAPE) does not fit its input",
        ),
    ],
)  # fmt: skip
def test_contradictions(tensors: Tensors, operator: TfliteOperator, code: str, message: str, tmp_path: Path) -> None:
    """Operators that do not fit, or read what is not there."""
    with pytest.raises(cnncalc.SpecError) as caught:
        analyzed(tmp_path, tensors, [operator])
    (error,) = caught.value.diagnostics
    assert (error.code, error.message) == (code, message)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "`{}` is no TensorFlow Lite file"),
        (b"\x08\0\0\0TFL2", "`{}` is no TensorFlow Lite file"),
        (b"\x08\0\0\0TFL3", "`{}` is no valid TensorFlow Lite file"),
        (b"\xff\xff\xff\xffTFL3" + bytes(100), "`{}` is no valid TensorFlow Lite file"),
        (b"\x10\0\0\0TFL3" + bytes(100), "`{}` has no subgraph"),
    ],
)
def test_broken(data: bytes, message: str, tmp_path: Path) -> None:
    """What is no such file, or cut off, is an error."""
    path = tmp_path / "net.tflite"
    path.write_bytes(data)
    with pytest.raises(cnncalc.SpecError) as caught:
        cnncalc.analyze(path)
    (error,) = caught.value.diagnostics
    assert (error.code, error.message) == ("E302", message.format(path))
