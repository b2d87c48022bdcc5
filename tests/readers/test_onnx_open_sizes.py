"""Sizes that an ONNX file leaves open, the batch among them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx_files as files
import pytest
from onnx_files import attribute, integers, node, tensor
from reference import MODELS

import cnncalc
from cnncalc import SpecError

Dims = tuple[int | str | None, ...]


def written(
    path: Path, nodes: list[bytes], weights: list[bytes], dims: Dims, more: dict[str, Dims] | None = None
) -> Path:
    path.write_bytes(files.model(nodes, weights, dims, more))
    return path


def conv(path: Path, dims: Dims) -> Path:
    """A convolution of 4 filters of 3x3 on 3 channels, behind it a pool."""
    pool = attribute("kernel_shape", (2, 2)) + attribute("strides", (2, 2))
    nodes = [node("Conv", ("x", "w"), "c"), node("MaxPool", ("c",), "y", pool)]
    return written(path, nodes, [tensor("w", (4, 3, 3, 3))], dims)


def test_letters(tmp_path: Path) -> None:
    """An open size goes by its symbol; a place of a convolution of 4 filters on 27 elements takes 108 products."""
    result = cnncalc.analyze(conv(tmp_path / "net.onnx", ("N", 3, "height", "w 2")))
    assert [str(size) for size in result.rows[0].output_shape] == ["height", "w_2", "3"]
    assert str(result.totals.macs) == "108*(height - 2)*(w_2 - 2)"
    assert {name: str(each) for name, each in result.domains.items()} == {"height": "4 or more", "w_2": "4 or more"}


def test_without_symbols(tmp_path: Path) -> None:
    """A size without a symbol has the letter of its axis."""
    result = cnncalc.analyze(conv(tmp_path / "net.onnx", (None, 3, None, None)))
    assert [str(size) for size in result.rows[-1].output_shape] == ["floor(H/2) - 1", "floor(W/2) - 1", "4"]


@pytest.mark.parametrize("given", [{"at": {"height": 10, "W": 8}}, {"dims": {"height": 10, "w": 8}}])
def test_numbers_for_letters(given: dict[str, Any], tmp_path: Path) -> None:
    """`at` and `dims` give letters their numbers, a single letter in either case: 8·6 places of 108 products."""
    assert cnncalc.analyze(conv(tmp_path / "net.onnx", ("batch", 3, "height", "w")), **given).totals.macs == 5184


def test_a_letter_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="E309"):
        cnncalc.analyze(conv(tmp_path / "net.onnx", ("N", 3, "H", "W")), at={"Q": 3})


def two(path: Path, first: Dims, second: Dims) -> Path:
    """Two inputs that are added."""
    return written(path, [node("Add", ("x", "z"), "y")], [], first, {"z": second})


def test_one_symbol_is_one_size(tmp_path: Path) -> None:
    """The size that `input` gives a symbol of the first input is that of the second."""
    path = two(tmp_path / "net.onnx", ("N", 3, "H", "W"), ("N", 3, "H", "W"))
    result = cnncalc.analyze(path, input="6x5x3")
    assert [row.output_shape for row in result.rows] == [(6, 5, 3)] * 3
    # In letters they are the same letters, so that nothing has to hold for them.
    assert [str(each) for each in cnncalc.analyze(path).domains.values()] == ["1 or more", "1 or more"]


def test_one_symbol_of_two_numbers(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="`H` is both 6 and 5"):
        cnncalc.analyze(two(tmp_path / "net.onnx", ("N", 3, "H", "H"), ("N", 3, "H", "H")), input="6x5x3")


@pytest.mark.parametrize(
    ("first", "second", "shapes"),
    [
        # The batch by its name, wherever it stands.
        (("batch", 5, 6), ("batch", 5, 6), [(6, 5), (6, 5)]),
        ((4, "batch_size", 6), (4, "batch_size", 6), [(4, 1, 6), (4, 1, 6)]),
        # What is the first axis of one input is the batch of the other.
        (("s0", 5, 6), ("s0", 1, 1), [(6, 5), (1, 1)]),
        # A fixed first axis is the batch; another number than the first input's is none.
        ((8, 5, 6), (8, 5, 6), [(6, 5), (6, 5)]),
        ((1, 5, 6), (4, 5, 6), [(6, 5), (4, 6, 5)]),
    ],
)
def test_batch(first: Dims, second: Dims, shapes: list[tuple[int, ...]], tmp_path: Path) -> None:
    """Which axis of an input is the batch, and so no size of a sample."""
    result = cnncalc.analyze(two(tmp_path / "net.onnx", first, second))
    assert [row.output_shape for row in result.rows[:2]] == shapes


def test_an_image_without_a_batch(tmp_path: Path) -> None:
    """An image of height x width x channels that the file turns and gives a batch is read as one."""
    nodes = [
        node("Transpose", ("x",), "t", attribute("perm", (2, 0, 1))),
        node("Unsqueeze", ("t", "zero"), "u"),
        node("Conv", ("u", "w"), "y"),
    ]
    weights = [integers("zero", (0,)), tensor("w", (4, 3, 3, 3))]
    result = cnncalc.analyze(written(tmp_path / "net.onnx", nodes, weights, (10, 8, 3)))
    assert [row.output_shape for row in result.rows] == [(10, 8, 3), (8, 6, 4)]
    assert result.totals.macs == 48 * 108


def test_steps_before_the_batch(tmp_path: Path) -> None:
    """An LSTM reads steps, then the batch: 10 steps of 4 gates of 6 units on 5 channels and 6 units."""
    nodes = [node("LSTM", ("x", "w", "r"), "y", attribute("hidden_size", 6))]
    weights = [tensor("w", (1, 24, 5)), tensor("r", (1, 24, 6))]
    result = cnncalc.analyze(written(tmp_path / "net.onnx", nodes, weights, (10, "b", 5)))
    assert (result.totals.macs, result.totals.params) == (10 * 4 * 6 * 11, 24 * 11)


def test_a_first_axis_that_fits_as_no_batch_alone(tmp_path: Path) -> None:
    """A reshape to the whole of its input, first axis included, says that this is no batch."""
    nodes = [node("Reshape", ("x", "s"), "r"), node("Conv", ("r", "w"), "y")]
    weights = [integers("s", (1, 3, 4, 4)), tensor("w", (2, 3, 1, 1))]
    result = cnncalc.analyze(written(tmp_path / "net.onnx", nodes, weights, (6, 8)))
    assert result.rows[-1].output_shape == (4, 4, 2)


def test_shapes_that_a_file_computes_in_letters(tmp_path: Path) -> None:
    """Shape, Gather, Mul, Div and Concat work on letters: a flatten of the positions, and its way back."""
    nodes = [
        node("Conv", ("x", "w"), "c"),
        node("Shape", ("c",), "shape"),
        node("Gather", ("shape", "two"), "h"),
        node("Gather", ("shape", "three"), "v"),
        node("Mul", ("h", "v"), "all"),
        node("Concat", ("one", "four", "all"), "flat", attribute("axis", 0)),
        node("Reshape", ("c", "flat"), "f"),
        node("Transpose", ("f",), "t", attribute("perm", (0, 2, 1))),
        node("MatMul", ("t", "m"), "p"),
        node("Transpose", ("p",), "q", attribute("perm", (0, 2, 1))),
        node("Concat", ("one", "five", "h", "open"), "back", attribute("axis", 0)),
        node("Reshape", ("q", "back"), "y"),
    ]
    numbers = {"two": 2, "three": 3, "one": 1, "four": 4, "five": 5, "open": -1}
    weights = [integers(name, (number,)) for name, number in numbers.items()]
    weights += [tensor("w", (4, 3, 3, 3)), tensor("m", (4, 5))]
    result = cnncalc.analyze(written(tmp_path / "net.onnx", nodes, weights, ("N", 3, "H", "W")))
    assert ([str(size) for size in result.rows[-1].output_shape], result.unknown) == (["H - 2", "W - 2", "5"], ())
    # Each of the (H − 2)·(W − 2) places: 4·27 of the convolution, 4·5 of the product.
    assert str(result.totals.macs) == "128*(H - 2)*(W - 2)"


def test_letters_need_numbers_in_memory(tmp_path: Path) -> None:
    """Where a command needs numbers, the open sizes are an error."""
    with pytest.raises(SpecError, match="E308"):
        cnncalc.load(conv(tmp_path / "net.onnx", ("N", 3, "H", "W")))


@pytest.mark.reference
@pytest.mark.frameworks
@pytest.mark.parametrize("name", ["resnet26", "hrnet_w18_small", "tf_efficientnet_b0", "mobilenetv3_small_050"])
def test_timm(name: str, tmp_path: Path) -> None:
    """A network in letters has, at the numbers of its file, the figures of the file: layer by layer."""
    import onnx

    from cnncalc.symbols import substitute

    original = MODELS / "onnx" / f"{name}.onnx"
    model = onnx.load(original, load_external_data=False)
    dims = model.graph.input[0].type.tensor_type.shape.dim
    numbers = {"H": dims[2].dim_value, "W": dims[3].dim_value}
    for dim, symbol in zip(dims, ("N", None, "H", "W"), strict=True):
        if symbol:
            dim.dim_param = symbol
    del model.graph.value_info[:]
    path = tmp_path / "open.onnx"
    path.write_bytes(model.SerializeToString())

    expected, result = cnncalc.analyze(original), cnncalc.analyze(path)
    assert [tuple(substitute(size, numbers) for size in row.output_shape) for row in result.rows] == [
        row.output_shape for row in expected.rows
    ]
    assert (substitute(result.totals.macs, numbers), result.totals.params, result.unknown) == (
        expected.totals.macs,
        expected.totals.params,
        (),
    )
