"""ONNX files that are broken or meant to harm: a clear error, soon, with nothing opened but the file itself."""

import builtins
import random
from pathlib import Path
from typing import Any

import pytest
from onnx_files import field, model, node, tensor

import cnncalc
from cnncalc import SpecError
from cnncalc.readers.onnx import wire

CONV = model([node("Conv", ("x", "w"), "y")], [tensor("w", (4, 3, 3, 3))])


def load(data: bytes, folder: Path) -> cnncalc.Analysis:
    path = folder / "m.onnx"
    path.write_bytes(data)
    return cnncalc.analyze(path)


def error(data: bytes, folder: Path) -> str:
    with pytest.raises(SpecError) as caught:
        load(data, folder)
    return str(caught.value).replace(str(folder), "")


def outcome(data: bytes, folder: Path) -> str:
    """The code of the first error, or else that there is a result."""
    try:
        load(data, folder).to_dict()
    except SpecError as caught:
        return caught.diagnostics[0].code
    return "a result"


def test_whole(tmp_path: Path) -> None:
    """The model that the other tests break is sound: 6·6 places of 3·3·3·4 products."""
    assert load(CONV, tmp_path).totals.macs == 36 * 108


@pytest.mark.parametrize("length", range(len(CONV)))
def test_truncated(length: int, tmp_path: Path) -> None:
    """A file that breaks off anywhere is an error, but where it lacks exactly its last field, the opset."""
    last = len(field(8, field(2, 17)))
    assert outcome(CONV[:length], tmp_path) == ("a result" if length == len(CONV) - last else "E302")


NONE = "error[E302]: `/m.onnx` is no ONNX model\n"
HELP = " = help: is the file whole? a download that broke off, or a Git LFS pointer in its place, looks like this"
EMPTY = " = help: is the file whole? a Git LFS pointer in its place looks like this"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", f"{NONE} = it is empty"),
        (CONV[:40], f"{NONE} = a field of 66 bytes is cut off after 36 at byte 4\n{HELP}"),
        (b"\xff" * 40, f"{NONE} = a number has more than 64 bits at byte 10\n{HELP}"),
        (b"version https://git-lfs", f"{NONE} = there is no wire type 6 at byte 1\n{HELP}"),
        (field(1, 8), f"{NONE} = it has no graph with nodes in it\n{EMPTY}"),
        (
            model([node("Relu", ("y",), "y")], []),
            "error[E307]: `Relu` reads `y`, which is not there yet\n"
            " = no input, weight or node before it has this name\n"
            " = note: nodes stand in the order they run in; a cycle has none",
        ),
        (
            model([node("Conv", ("x", "w"), "y")], [tensor("w", (4, 5, 3, 3))]),
            "error[E306]: `Conv` (Conv) does not fit its input\n"
            " = its weights are for 5 channels in 1 groups, its input has 3",
        ),
        (
            model([node("Conv", ("x", "w"), "y")], [tensor("w", (4, 3, 3, 2**64 - 5))]),
            "error[E302]: the tensor `w` has no valid shape\n = its dimensions are [4, 3, 3, -5]",
        ),
        (
            model([node("Relu", ("x",), "y")], [], dims=(1, 3, 0, 8)),
            "error[E302]: the input `x` has no valid shape\n = 1x3x0x8",
        ),
    ],
    ids=["empty", "broken off", "ones", "a pointer", "no graph", "a cycle", "channels", "negative", "nothing"],
)  # fmt: skip
def test_message(data: bytes, message: str, tmp_path: Path) -> None:
    """What is wrong with the file is said."""
    assert error(data, tmp_path) == message


@pytest.mark.parametrize("location", ["/etc/passwd", "../../../secret", "weights.bin"])
def test_outside(location: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data outside of the file is never opened, wherever it is said to be."""
    entry = field(1, b"location") + field(2, location.encode())
    data = model([node("Conv", ("x", "w"), "y")], [tensor("w", (4, 3, 3, 3), field(13, entry) + field(14, 1))])
    opened: list[str] = []
    real = builtins.open

    def watched(file: Any, *more: Any, **named: Any) -> Any:
        opened.append(str(file))
        return real(file, *more, **named)

    (tmp_path / "m.onnx").write_bytes(data)
    monkeypatch.setattr(builtins, "open", watched)
    assert cnncalc.analyze(tmp_path / "m.onnx").totals.params == 108
    assert set(opened) == {str(tmp_path / "m.onnx")}


def test_huge_tensor(tmp_path: Path) -> None:
    """A tensor that claims 2^63 elements on each axis is counted, not made."""
    most = 2**63 - 1
    data = model([node("Add", ("x", "w"), "y")], [tensor("w", (1, 1, 1, 1)), tensor("v", (most, most))])
    assert load(data, tmp_path).totals.activations == 192


def test_huge_shapes(tmp_path: Path) -> None:
    """An output beyond all bounds is an error."""
    ints = b"".join(field(8, size) for size in (1, *[10**9] * 15))
    shape = field(5, field(1, b"value_ints") + ints)
    data = model([node("Constant", (), "s", shape), node("Expand", ("x", "s"), "y")], [], dims=(1, 1))
    assert error(data, tmp_path) == (
        "error[E209]: the output of `Expand1` is too large\n = over 10^100 elements\n = note: shapes so far: 1"
    )


#: A graph of more empty nodes than a network has layers, and one of more empty inputs than fields are read.
MANY_NODES = field(1, 8) + field(7, b"\x0a\x00" * 100_001)
MANY_FIELDS = field(1, 8) + field(7, b"\x5a\x00" * 500_001)


def test_many_nodes(tmp_path: Path) -> None:
    """Nodes beyond the limit are refused before they are held."""
    assert error(MANY_NODES, tmp_path) == "error[E303]: `/m.onnx` is too large\n = it has over 100,000 of `node`"


def test_many_fields(tmp_path: Path) -> None:
    """Millions of empty fields are refused before they are held."""
    assert error(MANY_FIELDS, tmp_path) == (
        "error[E303]: `/m.onnx` is too large\n = it has over 500,000 fields beside its weights"
    )


def test_zeros(tmp_path: Path) -> None:
    """Zeros are no message: a download that was allotted but not filled is refused at its first byte."""
    assert error(bytes(1 << 20), tmp_path) == f"{NONE} = a field has no number at byte 1\n{HELP}"


@pytest.mark.parametrize("length", [100, 20_000, 70_000, 200_000])
def test_weights_are_passed_over(length: int, tmp_path: Path) -> None:
    """However long the weights are, the model is the same: short ones are kept, long ones are never read."""
    weights = tensor("w", (4, 3, 3, 3), field(9, bytes(length)))
    data = model([node("Conv", ("x", "w"), "y")], [weights, tensor("v", (1,), field(4, bytes(length)))])
    assert load(data, tmp_path).totals.macs == 36 * 108


def test_a_long_name(tmp_path: Path) -> None:
    """A name of 100 kB is no name."""
    data = model([node("Relu", ("x",), "y" * 100_000)], [])
    assert error(data, tmp_path) == "error[E303]: `/m.onnx` is too large\n = it has names that are too long"


def test_shrinking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that loses its end while it is read is an error like any other."""
    path = tmp_path / "m.onnx"
    path.write_bytes(model([node("Conv", ("x", "w"), "y")], [tensor("w", (4, 3, 3, 3), field(9, bytes(300_000)))]))
    load_piece = wire._FileDecoder.load

    def shrinking(decoder: wire._FileDecoder, begin: int, end: int) -> None:
        path.write_bytes(CONV)
        load_piece(decoder, begin, end)

    monkeypatch.setattr(wire._FileDecoder, "load", shrinking)
    with pytest.raises(SpecError, match=r"the file ends at byte"):
        cnncalc.analyze(path)


def test_nested(tmp_path: Path) -> None:
    """Graphs in graphs in graphs are never looked into."""
    inner = b""
    for _ in range(2000):
        inner = field(1, node("If", (), "o", field(5, field(1, b"then_branch") + field(6, inner))))
    data = model([node("If", ("x",), "y", field(5, field(1, b"then_branch") + field(6, inner)))], [])
    assert [row.type for row in load(data, tmp_path).unknown] == ["If"]


def test_folded(tmp_path: Path) -> None:
    """Constants that would grow without bound (a square of a square of …) are let go."""
    nodes = [node("Constant", (), "c0", field(5, field(1, b"value_int") + field(3, 10**9)))]
    nodes += [node("Mul", (f"c{n}", f"c{n}"), f"c{n + 1}") for n in range(200)]
    nodes += [node("Expand", ("x", "c200"), "y")]
    assert [row.type for row in load(model(nodes, []), tmp_path).unknown] == ["Expand"]


@pytest.mark.parametrize("seed", range(40))
def test_mutated(seed: int, tmp_path: Path) -> None:
    """Whatever bytes are changed, there is a result or a `SpecError`."""
    random_ = random.Random(seed)
    data = bytearray(DEEP)
    for _ in range(random_.choice((1, 2, 5))):
        data[random_.randrange(len(data))] = random_.randrange(256)
    assert outcome(bytes(data), tmp_path) in (
        "a result",
        "E302",
        "E308",
        "E307",
        "E306",
        "E201",
        "E202",
        "E206",
        "E208",
    )


#: A network with an operator of each family.
DEEP = model(
    [
        node("Conv", ("x", "w"), "a", field(5, field(1, b"pads") + b"".join(field(8, 1) for _ in range(4)))),
        node("BatchNormalization", ("a", "s", "s", "s", "s"), "b"),
        node("Relu", ("b",), "c"),
        node("MaxPool", ("c",), "d", field(5, field(1, b"kernel_shape") + field(8, 2) + field(8, 2))),
        node("Add", ("d", "d"), "e"),
        node("Shape", ("e",), "f"),
        node("Reshape", ("e", "f"), "g"),
        node("Concat", ("g", "e"), "h", field(5, field(1, b"axis") + field(3, 1))),
        node("GlobalAveragePool", ("h",), "i"),
        node("Flatten", ("i",), "j"),
        node("Gemm", ("j", "k"), "y"),
    ],
    [tensor("w", (4, 3, 3, 3)), tensor("s", (4,)), tensor("k", (8, 10))],
)
