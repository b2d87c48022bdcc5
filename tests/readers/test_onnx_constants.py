"""Constants that an ONNX file computes: their shapes are known, whatever operators they pass."""

from pathlib import Path
from typing import Any

import onnx_files as files
import pytest

import cnncalc

#: An operator on constants; its further inputs; its attributes; and the shape that makes it 6x4x3x3, where its own
#: input is another: by ONNX's rules for each.
PRODUCERS: list[tuple[str, list[bytes], tuple[bytes, ...], tuple[int, ...]]] = [
    ("Softplus", [], (), (6, 4, 3, 3)),
    ("Hardmax", [], (), (6, 4, 3, 3)),
    ("LpNormalization", [], (), (6, 4, 3, 3)),
    ("BatchNormalization", [files.tensor(name, (4,)) for name in "abcd"], (), (6, 4, 3, 3)),
    ("LayerNormalization", [files.tensor("a", (3,))], (), (6, 4, 3, 3)),
    ("Div", [files.tensor("a", (6, 1, 1, 1))], (), (6, 4, 3, 3)),
    # A window of 3 on 5 gives 3; 8 channels become 4.
    ("Conv", [files.tensor("a", (4, 8, 3, 3))], (), (6, 8, 5, 5)),
    # (2 − 1)·1 + 2 = 3.
    ("ConvTranspose", [files.tensor("a", (8, 4, 2, 2))], (), (6, 8, 2, 2)),
    ("AveragePool", [], (files.attribute("kernel_shape", (2, 2)), files.attribute("strides", (2, 2))), (6, 4, 6, 6)),
    ("MaxPool", [], (files.attribute("kernel_shape", (2, 2)),), (6, 4, 4, 4)),
    ("Einsum", [files.tensor("a", (8, 4))], (files.attribute("equation", "oihw,ij->ojhw"),), (6, 8, 3, 3)),
    ("MatMul", [files.tensor("a", (5, 3))], (), (6, 4, 3, 5)),
    ("GatherElements", [files.tensor("a", (6, 4, 3, 3))], (), (9, 9, 9, 9)),
    ("Resize", [files.tensor("", (0,)), files.tensor("b", (0,)), files.integers("s", (6, 4, 3, 3))], (), (6, 4, 9, 9)),
    ("ReduceL2", [], (files.attribute("axes", (4,)), files.attribute("keepdims", 0)), (6, 4, 3, 3, 7)),
    ("ReduceLogSumExp", [], (files.attribute("axes", (0,)), files.attribute("keepdims", 0)), (2, 6, 4, 3, 3)),
    ("ArgMax", [], (files.attribute("axis", 1), files.attribute("keepdims", 0)), (6, 2, 4, 3, 3)),
    ("DepthToSpace", [], (files.attribute("blocksize", 3),), (6, 36, 1, 1)),
    ("GlobalAveragePool", [], (), (6, 4, 1, 1)),
    ("Pad", [files.integers("a", (0, 0, 1, 1, 0, 0, 1, 1))], (), (6, 4, 1, 1)),
    ("CenterCropPad", [files.integers("a", (3, 3))], (files.attribute("axes", (2, 3)),), (6, 4, 9, 2)),
    ("OneHot", [files.integers("a", (4,)), files.tensor("b", (2,))], (files.attribute("axis", 1),), (6, 3, 3)),
    ("Unsqueeze", [files.integers("a", (2, 3))], (), (6, 4)),
]


@pytest.mark.parametrize(("operator", "more", "attributes", "before"), PRODUCERS, ids=[row[0] for row in PRODUCERS])
def test_weights_that_are_computed(
    operator: str, more: list[bytes], attributes: tuple[bytes, ...], before: tuple[int, ...], tmp_path: Path
) -> None:
    """A convolution whose weights an operator computes of constants has its size and MACs.

    36 places of 6 filters of 4·3·3 weights, or 64 places of 6·4 for weights of 1x1.
    """
    names = [f"m{at}" for at in range(len(more))]
    inputs = ("w", *names)
    weights = [files.tensor("w", before)]
    weights += [each + files.field(8, name.encode()) for each, name in zip(more, names, strict=True)]
    path = tmp_path / "made.onnx"
    nodes = [
        files.node(operator, inputs, "v", b"".join(attributes)),
        files.node("Conv", ("x", "v"), "y"),
    ]
    path.write_bytes(files.model(nodes, weights, (1, 4, 8, 8)))

    result = cnncalc.analyze(path)
    window = 1 if operator in ("GlobalAveragePool", "Unsqueeze") else 3
    size = 9 - window
    assert (result.rows[-1].output_shape, result.totals.macs, result.unknown) == (
        (size, size, 6),
        size**2 * 6 * 4 * window**2,
        (),
    )


@pytest.mark.parametrize(("condition", "channels"), [(1, 4), (0, 6)])
def test_if(condition: int, channels: int, tmp_path: Path) -> None:
    """Of an `If` on a constant, the branch that is taken is read; it reads the tensors around it."""

    def branch(weight: str) -> bytes:
        return files.field(1, files.node("Conv", ("x", weight), "inner")) + files.field(12, files.field(1, b"inner"))

    graphs = b"".join(
        files.field(5, files.field(1, name) + files.field(6, branch(weight)))
        for name, weight in ((b"then_branch", "a"), (b"else_branch", "b"))
    )
    path = tmp_path / "made.onnx"
    weights = [files.integers("c", (condition,)), files.tensor("a", (4, 3, 1, 1)), files.tensor("b", (6, 3, 1, 1))]
    path.write_bytes(files.model([files.node("If", ("c",), "y", graphs)], weights))
    result = cnncalc.analyze(path)
    assert [(row.description, row.output_shape, row.params) for row in result.rows[1:]] == [
        (f"conv 1x1 x{channels} nobias", (8, 8, channels), 3 * channels)
    ]


def test_if_of_the_input(tmp_path: Path) -> None:
    """Where the input picks the branch, the first is read, and a warning says so."""
    then = files.field(1, files.node("Relu", ("x",), "inner")) + files.field(12, files.field(1, b"inner"))
    graphs = files.field(5, files.field(1, b"then_branch") + files.field(6, then))
    path = tmp_path / "made.onnx"
    path.write_bytes(files.model([files.node("If", ("c",), "y", graphs)], [], more={"c": (1,)}))
    result = cnncalc.analyze(path)
    assert [row.type for row in result.rows] == ["input", "input", "relu"]
    assert [(each.code, each.message) for each in result.warnings] == [
        ("W302", "the other branch of `If` is passed over: which one runs depends on the input")
    ]


def test_indices_are_no_weights(tmp_path: Path) -> None:
    """Of weights that are gathered, the indices are none: 6 filters of 3·3·3."""
    nodes = [files.node("Gather", ("w", "i"), "v"), files.node("Conv", ("x", "v"), "y")]
    path = tmp_path / "made.onnx"
    weights = [files.tensor("w", (6, 3, 3, 3)), files.integers("i", (5, 4, 3, 2, 1, 0))]
    path.write_bytes(files.model(nodes, weights))
    assert cnncalc.analyze(path).totals.params == 162


def test_a_constant_that_is_updated(tmp_path: Path) -> None:
    """A constant that an operator goes on from is a row with its weights: 1·3·8·8 of them."""
    path = tmp_path / "made.onnx"
    weights = [files.tensor("w", (1, 3, 8, 8)), files.integers("i", (0,))]
    path.write_bytes(files.model([files.node("ScatterND", ("w", "i", "x"), "y")], weights))
    result = cnncalc.analyze(path)
    assert [(row.type, row.output_shape, row.params) for row in result.rows[1:]] == [
        ("Constant", (8, 8, 3), 192),
        ("ScatterND", (8, 8, 3), 0),
    ]


def test_weights_are_not_read(tmp_path: Path) -> None:
    """Of a file of 500 MB that is weights, a few thousand bytes are read: the rest is a hole that stays unread."""
    from cnncalc.readers.onnx.model import MAX_FIELDS, MODEL
    from cnncalc.readers.onnx.wire import ReadingLimit, read_file

    size = 500_000_000
    head = files.tensor("w", (size // 108, 3, 3, 3)) + files.varint(9 << 3 | 2) + files.varint(size)
    nodes = files.field(1, files.node("Conv", ("x", "w"), "y"))
    tail = files.field(11, files.value("x", (1, 3, 8, 8))) + files.field(12, files.field(1, b"y"))
    weights = files.varint(5 << 3 | 2) + files.varint(len(head) + size) + head
    path = tmp_path / "made.onnx"
    with path.open("wb") as file:
        file.write(files.field(1, 8) + files.varint(7 << 3 | 2))
        file.write(files.varint(len(nodes) + len(weights) + size + len(tail)) + nodes + weights)
        file.seek(size, 1)
        file.write(tail)

    class Counted:
        """A file that counts the bytes that are read."""

        def __init__(self, inner: Any) -> None:
            self.inner, self.read_bytes = inner, 0
            self.seek = inner.seek

        def read(self, count: int) -> bytes:
            data: bytes = self.inner.read(count)
            self.read_bytes += len(data)
            return data

    with path.open("rb") as file:
        counted = Counted(file)
        message = read_file(counted, MODEL, ReadingLimit(MAX_FIELDS))  # type: ignore[arg-type]
    assert [each["dims"] for each in message["graph"]["initializer"]] == [[size // 108, 3, 3, 3]]
    assert counted.read_bytes < 300_000
    assert cnncalc.analyze(path).totals.params == size // 108 * 27
