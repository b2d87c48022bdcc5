"""ONNX Runtime's own operators, and recurrent layers: the shapes of a run by it, and MACs by hand."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import pytest

import cnncalc

pytestmark = pytest.mark.frameworks

#: An operator; the shape of the network's input; those of its constants by their names, of which `-` is left out; its
#: attributes; and its multiply-adds and weights by hand.
Row = tuple[str, tuple[int, ...], dict[str, tuple[int, ...]], dict[str, Any], int, int]

ROWS: list[Row] = [
    # 5 places of 8 x 24, then 2 heads of two products of 5x5 on 4 channels.
    ("Attention", (1, 5, 8), {"w": (8, 24), "b": (24,)}, {"num_heads": 2}, 5 * 8 * 24 + 2 * 2 * 25 * 4, 8 * 24 + 24),
    # 5 queries on 7 keys, 2 heads of 4 channels.
    (
        "MultiHeadAttention", (1, 5, 8), {"k": (1, 7, 8), "v": (1, 7, 8)}, {"num_heads": 2},
        2 * 2 * 5 * 7 * 4, 0,
    ),
    ("SkipLayerNormalization", (1, 5, 8), {"s": (1, 5, 8), "g": (8,), "b": (8,)}, {}, 0, 8 * 7),
    ("BiasGelu", (1, 5, 8), {"b": (8,)}, {}, 0, 8),
    ("FastGelu", (1, 5, 8), {}, {}, 0, 0),
    ("QuickGelu", (1, 5, 8), {}, {}, 0, 0),
    ("FusedGemm", (1, 8), {"w": (8, 6), "b": (6,)}, {"activation": "Relu"}, 48, 54),
    ("FusedMatMul", (1, 5, 8), {"w": (6, 8)}, {"transB": 1}, 5 * 48, 48),
    ("FusedConv", (1, 3, 8, 8), {"w": (4, 3, 3, 3), "b": (4,)}, {"activation": "Relu"}, 36 * 108, 112),
    ("Inverse", (1, 4, 4), {}, {}, 0, 0),
    ("Trilu", (1, 4, 5), {}, {}, 0, 0),
    ("ExpandDims", (1, 4, 5), {}, {}, 0, 0),
]  # fmt: skip


def model(operator: str, domain: str, x: tuple[int, ...], held: dict[str, Any], attributes: dict[str, Any]) -> Any:
    import numpy
    from onnx import TensorProto, helper, numpy_helper

    node = helper.make_node(operator, ["x", *held], ["y"], domain=domain, **attributes)
    tensors = []
    for name, value in held.items():
        array = numpy.ones(value, numpy.float32) if isinstance(value, tuple) else value
        tensors.append(numpy_helper.from_array(array, name))
    graph = helper.make_graph(
        [node],
        "made",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        tensors,
    )
    made = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    )
    made.ir_version = 9
    return made


def run(made: Any, x: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of the output of a run."""
    import numpy
    import onnxruntime

    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    shape: tuple[int, ...] = session.run(None, {"x": numpy.ones(x, numpy.float32)})[0].shape
    return shape


@pytest.mark.parametrize(("operator", "x", "held", "attributes", "macs", "weights"), ROWS, ids=[row[0] for row in ROWS])
def test_fused(
    operator: str,
    x: tuple[int, ...],
    held: dict[str, Any],
    attributes: dict[str, Any],
    macs: int,
    weights: int,
    tmp_path: Path,
) -> None:
    """An operator of ONNX Runtime has as many output elements as in a run, its multiply-adds and its weights."""
    import numpy

    if operator == "ExpandDims":
        held = {"axis": numpy.array(1, numpy.int32)}
    made = model(operator, "com.microsoft", x, held, attributes)
    path = tmp_path / "made.onnx"
    path.write_bytes(made.SerializeToString())
    result = cnncalc.analyze(path)
    assert (prod(result.rows[-1].output_shape), result.totals.macs, result.totals.params, result.unknown) == (
        prod(run(made, x)),
        macs,
        weights,
        (),
    )


@pytest.mark.parametrize(("operator", "gates"), [("LSTM", 4), ("GRU", 3), ("RNN", 1)])
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_recurrent(operator: str, gates: int, direction: str, tmp_path: Path) -> None:
    """A recurrent layer in any direction: 7 steps of the gates' 6 units on 4 channels and 6 units, and two biases."""
    both = 2 if direction == "bidirectional" else 1
    held = {"w": (both, gates * 6, 4), "r": (both, gates * 6, 6), "b": (both, 2 * gates * 6)}
    made = model(operator, "", (7, 1, 4), held, {"hidden_size": 6, "direction": direction})
    path = tmp_path / "made.onnx"
    path.write_bytes(made.SerializeToString())
    result = cnncalc.analyze(path)
    assert (prod(result.rows[-1].output_shape), result.totals.macs, result.totals.params, result.unknown) == (
        prod(run(made, (7, 1, 4))),
        7 * both * gates * 6 * (4 + 6),
        both * gates * 6 * (4 + 6 + 2),
        (),
    )


@pytest.mark.parametrize("rule", ["SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"])
@pytest.mark.parametrize(("kernel", "stride", "more"), [(5, 2, 0), (3, 2, 1), (2, 3, 0), (1, 3, 1), (4, 4, 0)])
def test_transposed_padding(rule: str, kernel: int, stride: int, more: int, tmp_path: Path) -> None:
    """A transposed convolution has the size of a run for each rule of padding, also where its stride is the wider."""
    held = {"w": (2, 3, kernel)}
    attributes = {"auto_pad": rule, "strides": [stride], "kernel_shape": [kernel], "output_padding": [more]}
    made = model("ConvTranspose", "", (1, 2, 7), held, attributes)
    path = tmp_path / "made.onnx"
    path.write_bytes(made.SerializeToString())
    (size, channels) = cnncalc.analyze(path).rows[-1].output_shape
    assert (1, channels, size) == run(made, (1, 2, 7))
