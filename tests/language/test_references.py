"""Names of tensors in arguments: `resize @NAME`, `crop @NAME`, which take the size of the tensor of that name."""

from pathlib import Path

import pytest
from click.testing import CliRunner

import cnncalc
from cnncalc.cli import main
from cnncalc.writers import export


def shape(spec: str) -> str:
    return str(cnncalc.parse(spec).nodes[-1].shape)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        # The pool makes 7x6 of 15x13, and 3x3 of that.
        ("input 15x13x4 as a | pool 2 as b | pool 2 | resize @b | resize size=@a bilinear", "15x13x4"),
        ("input 15x13x4 as a | pool 2 as b | @a | crop @b", "7x6x4"),
        ("input 15x4 as a | pool 2 as b | @a | crop amount=@b", "7x4"),
        ("input 9x8x7x2 as a | pool 2 as b | @a | crop@b", "4x4x3x2"),
        # The name of a group is that of its last layer.
        ("input 15x13x4 as a | (conv 3x3 x8 | pool 2) as b | @a | resize @b", "6x5x4"),
        # A name in a block is the block's own.
        ("def up(c) = conv 1x1 x{c} as own | pool 3 | resize @own\ninput 9x8x4 | up(5) | pool 2 | up(6)", "4x4x6"),
        # Of the copies of a repeat, the latest is meant.
        ("input 32x32x4 | (conv 3x3 x4 as down) * 3 | pool 2 | resize @down", "26x26x4"),
    ],
)
def test_sizes(spec: str, expected: str) -> None:
    """A layer has the spatial size of the tensor that it names, and the channels that come in."""
    assert shape(spec) == expected


@pytest.mark.parametrize(
    ("size", "ends"),
    [("7", [[1, 1]]), ("6", [[1, 2]]), ("9", [[0, 0]]), ("6 offset=3", [[3, 0]]), ("6 offset=0", [[0, 3]])],
)
def test_middle(size: str, ends: list[list[int]]) -> None:
    """What goes is halved, the smaller half at the beginning; with an offset, that much goes there."""
    left, _, offset = size.partition(" ")
    spec = f"input 9x1 as a | resize {left} as b | @a | crop @b {offset}"
    crop = cnncalc.analyze(spec).rows[-1]
    assert (crop.node.layer.fields(crop.node.input_shapes[0])["amount"], str(crop.node.layer)[:4]) == (ends, "crop")


def test_no_edge() -> None:
    """The named tensor is no input: it is not kept until the layer, and what no layer reads is an output."""
    graph = cnncalc.parse("input 16x16x4 | relu as a | pool 2 | conv 3x3 same x4 | resize @a | fc 3")
    resized = next(node for node in graph.nodes if node.layer.kind == "resize")
    assert resized.inputs == (resized.index - 1,)
    # The pool's 8·8·4, read by the convolution, whose output of as many bytes is read by the resize, whose 4,096 peak.
    assert cnncalc.analyze(graph).totals.activation_bytes.peak == 4 * (16 * 16 * 4 + 8 * 8 * 4)


def test_one_concept() -> None:
    """With numbers in the input, a crop to a tensor is the crop that it comes to, and so is a resize."""
    named = cnncalc.parse("input 9x8x1 as a | conv 3x3 x2 as b | @a | crop @b | resize @a")
    written = cnncalc.parse("input 9x8x1 as a | conv 3x3 x2 as b | @a | crop 1 | resize 9x8")
    assert [node.layer for node in named.nodes] == [node.layer for node in written.nodes]


@pytest.mark.parametrize(
    ("spec", "written", "compact"),
    [
        (
            "input 9x9x1 as Ab_1, CROP@Ab_1, interpolate size=@Ab_1 bilinear",
            "input 9x9x1 as Ab_1 | crop @Ab_1 | resize @Ab_1 bilinear",
            "input9x9x1 as Ab_1,crop @Ab_1,resizebilinear @Ab_1",
        ),
        (
            "input 9x9x1 | pool 3 as a | upsample 3 | crop offset=2x1 @a",
            "input 9x9x1 | pool 3 as a | upsample 3 | crop @a offset=2x1",
            "input9x9x1,pool3 as a,upsample3,crop @a offset=2x1",
        ),
    ],
)
def test_written(spec: str, written: str, compact: str) -> None:
    """A name stays a name, and what is written reads back as itself."""
    for text in (spec, written, compact):
        assert CliRunner().invoke(main, ["format", text]).output == written + "\n"
        assert CliRunner().invoke(main, ["format", "--compact", text]).output == compact + "\n"


def test_yaml(tmp_path: Path) -> None:
    """YAML has names in the long form and in text, quoted: an `@` begins nothing in YAML."""
    path = tmp_path / "net.yaml"
    layers = "- relu: {name: a}\n- pool 2\n- resize: {size: '@a', mode: bilinear}\n- conv 3x3 x2 as b\n- crop: '@b'\n"
    path.write_text(f"input: 9x8x3\nlayers:\n{layers}", encoding="utf-8")
    assert str(cnncalc.load(path).nodes[-1].shape) == "7x6x2"
    done = CliRunner().invoke(main, ["format", "--to", "cnn", str(path)])
    assert done.output.split("\n")[1:6] == ["relu as a", "pool 2", "resize @a bilinear", "conv 3x3 x2 as b", "crop @b"]


LETTERS = "input HxWx4 | relu as a | pool 2 | conv 3x3 same x4 | resize @a bilinear | conv 3x3 x2 as b | @a | crop @b"


def test_letters() -> None:
    """Where the sizes are letters, so is the size that is taken, and the layer names the tensor."""
    result = cnncalc.analyze(LETTERS)
    assert [str(row.node.shape) for row in result.rows[-3:]] == ["HxWx4", "(H - 2)x(W - 2)x2", "(H - 2)x(W - 2)x4"]
    assert [row.description for row in result.rows[-3:]] == ["resize @a bilinear", "conv 3x3 x2", "crop @b"]
    assert str(result.totals.macs.substitute({"W": 10})) == str(cnncalc.analyze(LETTERS, at={"W": 10}).totals.macs)


@pytest.mark.parametrize(("height", "width"), [(12, 9), (7, 16)])
def test_letters_to_numbers(height: int, width: int) -> None:
    """Formulas with numbers in them give sizes and MACs of the network in numbers, and bound its receptive field."""
    letters, numbers = cnncalc.analyze(LETTERS), cnncalc.analyze(LETTERS, at={"H": height, "W": width})
    at = {"H": height, "W": width}

    def value(each: object) -> object:
        return each.substitute(at) if hasattr(each, "substitute") else each

    for left, right in zip(letters.rows, numbers.rows, strict=True):
        assert tuple(map(value, left.output_shape)) == right.output_shape
        assert value(left.macs) == right.macs
        for axis, exact in zip(left.receptive_field.axes, right.receptive_field.axes, strict=True):
            assert value(axis.jump) == exact.jump
            assert value(axis.size) >= exact.size
            assert value(axis.left) >= exact.left


def test_same_ratio_in_letters() -> None:
    """Where one size is a multiple of the other whatever the letters are, the field is exact."""
    result = cnncalc.analyze("input Hx3 as a | upsample 2 | resize @a | pool 3 | upsample 3 | conv 3 same x1")
    assert [str(row.receptive_field.axes[0].size) for row in result.rows] == ["1", "1", "1", "3", "3", "6"]
    assert not any(row.receptive_field.at_most for row in result.rows)


def test_sizes_in_pytorch_code() -> None:
    """A size in pasted code, and an axis that stays as it is there, are those of the language; and written again."""
    code = "import torch.nn as nn\nnn.Sequential(nn.AdaptiveAvgPool2d((5, None)), nn.Upsample(size=(7, 9)))"
    graph = cnncalc.parse(code, input="16x14x3")
    assert [str(node.layer) for node in graph.nodes[1:]] == ["adaptiveavgpool 5x_", "resize 7x9"]
    written = export(graph, "pytorch")
    assert "nn.AdaptiveAvgPool2d((5, None))" in written
    assert "nn.Upsample(size=(7, 9))" in written
