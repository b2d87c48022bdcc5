"""ncnn's `.param` files: each type's sizes as ncnn 1.0.20261020 gives them, and figures by hand; and wrong files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import cnncalc

Row = tuple[str, str, tuple[int, ...], int, int]


def param(*lines: str) -> str:
    """The text of a file with these layers."""
    blobs = sum(int(line.split()[3]) for line in lines)
    return "\n".join(["7767517", f"{len(lines)} {blobs}", *lines]) + "\n"


def analyzed(tmp_path: Path, *lines: str, **options: Any) -> cnncalc.Analysis:
    path = tmp_path / "net.param"
    path.write_text(param(*lines), encoding="utf-8")
    return cnncalc.analyze(path, **options)


def rows(tmp_path: Path, *lines: str, **options: Any) -> list[Row]:
    """Name, text, shape, parameters and MACs of every row but the inputs."""
    return [
        (row.name, row.description, row.output_shape, row.params, row.macs)
        for row in analyzed(tmp_path, *lines, **options).rows
        if row.inputs
    ]


IMAGE = "Input in 0 1 in 0=8 1=6 2=4"  # width 8, height 6, 4 channels
MATRIX = "Input in 0 1 in 0=8 1=6"  # 6 rows of 8
VECTOR = "Input in 0 1 in 0=8"
VOLUME = "Input in 0 1 in 0=8 1=6 11=5 2=4"  # 5 deep


@pytest.mark.parametrize(
    ("first", "line", "wanted"),
    [
        # 3·3·4·16 weights and 16 biases; 6·8 places of 576 products.
        (IMAGE, "Convolution l 1 1 in l 0=16 1=3 4=1 5=1 6=576", ("conv 3x3 p1 x16", (6, 8, 16), 592, 27648)),
        # A height of its own for the window: 3 high, 5 wide, strides 2 and 1, and ends of their own.
        (
            IMAGE, "Convolution l 1 1 in l 0=2 1=5 11=3 3=1 13=2 4=2 14=1 15=1 16=0 6=120",
            ("conv 3x5 s2x1 p1-0x2-1 x2 nobias", (3, 7, 2), 120, 2520),
        ),
        # By rule: the larger half at the end (-233) or at the beginning (-234).
        (IMAGE, "Convolution l 1 1 in l 0=1 1=2 4=-233 6=16", ("conv 2x2 same x1 nobias", (6, 8, 1), 16, 768)),
        (IMAGE, "Convolution l 1 1 in l 0=1 1=2 4=-234 6=16", ("conv 2x2 p1-0 x1 nobias", (6, 8, 1), 16, 768)),
        (IMAGE, "ConvolutionDepthWise l 1 1 in l 0=8 1=3 6=72 7=4", ("dwconv 3x3 m2 nobias", (4, 6, 8), 72, 1728)),
        (IMAGE, "ConvolutionDepthWise l 1 1 in l 0=8 1=1 6=16 7=2", ("conv 1x1 g2 x8 nobias", (6, 8, 8), 16, 768)),
        (MATRIX, "Convolution1D l 1 1 in l 0=5 1=3 5=1 6=90", ("conv 3 x5", (6, 5), 95, 540)),
        (VOLUME, "Convolution3D l 1 1 in l 0=2 1=3 6=216", ("conv 3x3x3 x2 nobias", (3, 4, 6, 2), 216, 15552)),
        # (6 − 1)·2 + 3 − 2 = 11 high, 15 wide.
        (
            IMAGE, "Deconvolution l 1 1 in l 0=2 1=3 3=2 4=1 5=1 6=72",
            ("deconv 3x3 s2 p1 x2", (11, 15, 2), 74, 3456),
        ),
        (
            IMAGE, "Deconvolution l 1 1 in l 0=2 1=3 3=2 4=-233 20=16 21=12 6=72",
            ("deconv 3x3 s2 p0-1 x2 nobias", (12, 16, 2), 72, 3456),
        ),
        (IMAGE, "DeconvolutionDepthWise l 1 1 in l 0=4 1=2 3=2 6=16 7=4", (
            "deconv 2x2 s2 g4 x4 nobias", (12, 16, 4), 16, 768)),
        (IMAGE, "Pooling l 1 1 in l 0=0 1=2 2=2 5=1", ("pool 2x2", (3, 4, 4), 0, 0)),
        # Rounded up: ceil(6 − 3, 2) + 1 = 3 high, ceil(8 − 3, 2) + 1 = 4 wide.
        (IMAGE, "Pooling l 1 1 in l 0=1 1=3 2=2", ("avgpool 3x3 s2 ceil", (3, 4, 4), 0, 0)),
        # A last window in the padding alone, which ncnn keeps: (6 + 2 − 1, 2) leaves 1, so that 5 high.
        (IMAGE, "Pooling l 1 1 in l 0=0 1=1 2=2 3=1", ("Pooling", (5, 6, 4), 0, 0)),
        (IMAGE, "Pooling l 1 1 in l 0=1 1=2 2=2 5=2 6=1", ("avgpool 2x2 same countpad", (3, 4, 4), 0, 0)),
        (IMAGE, "Pooling l 1 1 in l 0=0 4=1", ("gmp", (1, 1, 4), 0, 0)),
        (IMAGE, "Pooling l 1 1 in l 0=1 7=1 8=3 18=2", ("adaptiveavgpool 2x3", (2, 3, 4), 0, 0)),
        # A fc on all 192 elements, with a flatten that is counted as a row of its own below.
        (VECTOR, "InnerProduct l 1 1 in l 0=5 1=1 2=40", ("fc 5", (5,), 45, 40)),
        # On each row of a matrix as wide as its weights.
        (MATRIX, "InnerProduct l 1 1 in l 0=5 1=1 2=40", ("conv 1 x5", (6, 5), 45, 240)),
        (IMAGE, "BatchNorm l 1 1 in l 0=4", ("bn", (6, 8, 4), 8, 0)),
        (IMAGE, "GroupNorm l 1 1 in l 0=2 1=4", ("gn g2", (6, 8, 4), 8, 0)),
        (IMAGE, "InstanceNorm l 1 1 in l 0=4 2=0", ("instancenorm", (6, 8, 4), 0, 0)),
        (MATRIX, "LayerNorm l 1 1 in l 0=8", ("ln", (6, 8), 16, 0)),
        (MATRIX, "RMSNorm l 1 1 in l 0=8", ("RMSNorm", (6, 8), 8, 0)),
        (IMAGE, "Scale l 1 1 in l 0=4 1=1", ("scale bias", (6, 8, 4), 8, 0)),
        (IMAGE, "PReLU l 1 1 in l 0=4", ("prelu", (6, 8, 4), 4, 0)),
        (IMAGE, "PReLU l 1 1 in l 0=1", ("prelu shared", (6, 8, 4), 1, 0)),
        (IMAGE, "ReLU l 1 1 in l 0=1.000000e-01", ("leakyrelu 0.1", (6, 8, 4), 0, 0)),
        (IMAGE, "Clip l 1 1 in l 0=0.000000e+00 1=6.000000e+00", ("relu6", (6, 8, 4), 0, 0)),
        (IMAGE, "Swish l 1 1 in l", ("silu", (6, 8, 4), 0, 0)),
        (IMAGE, "BinaryOp l 1 1 in l 0=2 1=1 2=5.0e-01", ("BinaryOp", (6, 8, 4), 0, 0)),
        (IMAGE, "UnaryOp l 1 1 in l 0=7", ("UnaryOp", (6, 8, 4), 0, 0)),
        (IMAGE, "LRN l 1 1 in l 1=5", ("lrn", (6, 8, 4), 0, 0)),
        # A channels-first blob flattens channel by channel, which is a flatten here.
        (IMAGE, "Flatten l 1 1 in l", ("flatten", (192,), 0, 0)),
        (IMAGE, "Reshape l 1 1 in l 0=48 1=-1", ("reshape 48x4", (48, 4), 0, 0)),
        (IMAGE, "Reshape l 1 1 in l 0=8 1=3 2=-1", ("reshape 3x8x8", (3, 8, 8), 0, 0)),
        (IMAGE, 'Reshape l 1 1 in l 6="0w,*(0h,2),-1"', ("reshape 12x8x2", (12, 8, 2), 0, 0)),
        # Out are 8, 6 and 4: width and channels change places.
        (IMAGE, "Permute l 1 1 in l 0=5", ("Permute", (8, 6, 4), 0, 0)),
        (IMAGE, "Crop l 1 1 in l -23309=1,1 -23310=1,3 -23311=1,0", ("slice 1:3", (6, 8, 2), 0, 0)),
        (IMAGE, "Crop l 1 1 in l 0=1 1=2 2=0 3=4 4=3 5=4", ("crop 2-1x1-3", (3, 4, 4), 0, 0)),
        (IMAGE, "Padding l 1 1 in l 0=1 1=2 2=3 3=4", ("pad 1-2x3-4", (9, 15, 4), 0, 0)),
        (IMAGE, "Interp l 1 1 in l 0=1 1=2.0 2=3.0", ("upsample 2x3", (12, 24, 4), 0, 0)),
        (IMAGE, "Interp l 1 1 in l 0=2 3=12 4=16", ("upsample 2 bilinear", (12, 16, 4), 0, 0)),
        (IMAGE, "Interp l 1 1 in l 0=2 3=9 4=16", ("resize 9x16 bilinear", (9, 16, 4), 0, 0)),
        (IMAGE, "PixelShuffle l 1 1 in l 0=2", ("pixelshuffle 2", (12, 16, 1), 0, 0)),
        (IMAGE, "Reorg l 1 1 in l 0=2", ("pixelunshuffle 2", (3, 4, 16), 0, 0)),
        (IMAGE, "ShuffleChannel l 1 1 in l 0=2", ("shuffle g2", (6, 8, 4), 0, 0)),
        (IMAGE, "Softmax l 1 1 in l 0=0 1=1", ("softmax", (6, 8, 4), 0, 0)),
        (IMAGE, "Reduction l 1 1 in l 0=3 1=0 -23303=2,1,2 4=1 5=1", ("gap", (1, 1, 4), 0, 0)),
        (IMAGE, "Tile l 1 1 in l 0=0 1=2", ("Tile", (6, 8, 8), 0, 0)),
        (IMAGE, "Unfold l 1 1 in l 0=4 1=3", ("Unfold", (24, 36), 0, 0)),
        (IMAGE, "SPP l 1 1 in l 0=0 1=3", ("SPP", (84,), 0, 0)),
        (IMAGE, "Quantize l 1 1 in l 0=1", ("Quantize", (6, 8, 4), 0, 0)),
        # Of gates 4·(8 + 5)·5, and 4·5 biases; 6 steps.
        (MATRIX, "LSTM l 1 1 in l 0=5 1=160 2=0", ("lstm 5 biases=1", (6, 5), 280, 1560)),
        # A GRU's file has four biases for each unit: 3·(8 + 5)·5 + 4·5.
        (MATRIX, "GRU l 1 1 in l 0=5 1=120 2=0", ("gru 5 biases=1", (6, 5), 215, 1170)),
        (MATRIX, "RNN l 1 1 in l 0=5 1=80 2=2", ("rnn 5 bi biases=1", (6, 10), 140, 780)),
        # Four projections of 8 by 8 and a bias each: 288. 4·6·64 products, and 2·6·6·8.
        (MATRIX, "MultiHeadAttention l 1 1 in l 0=8 1=2 2=64", ("MultiHeadAttention", (6, 8), 288, 2112)),
        (MATRIX, "Gemm l 1 1 in l 2=0 3=1 4=0 5=1 6=1 7=0 8=5 9=8 10=4", ("conv 1 x5", (6, 5), 45, 240)),
        (VECTOR, "Embed l 1 1 in l 0=5 1=10 3=50", ("Embed", (8, 5), 50, 0)),
    ],
)  # fmt: skip
def test_layer(first: str, line: str, wanted: tuple[str, tuple[int, ...], int, int], tmp_path: Path) -> None:
    """Every type alone: what it is here, its output, parameters and MACs."""
    (row,) = [row for row in rows(tmp_path, first, line) if row[0] != "flatten1"]
    assert row == ("l", *wanted)


def test_fused_activations(tmp_path: Path) -> None:
    """A built-in activation is a row of its own within its layer."""
    found = rows(
        tmp_path,
        IMAGE,
        "Convolution a 1 1 in a 0=4 1=1 6=16 9=1",
        "Convolution b 1 1 a b 0=4 1=1 6=16 9=2 -23310=1,2.000000e-01",
        "Convolution c 1 1 b c 0=4 1=1 6=16 9=3 -23310=2,0.000000e+00,6.000000e+00",
        "Convolution d 1 1 c d 0=4 1=1 6=16 9=6",
    )
    assert [(name, text) for name, text, *_ in found if "conv" not in text] == [
        ("a.relu1", "relu"), ("b.leakyrelu1", "leakyrelu 0.2"), ("c.relu61", "relu6"), ("d.hardswish1", "hardswish"),
    ]  # fmt: skip


def test_parts_and_merges(tmp_path: Path) -> None:
    """A split is no row, a slice a row for each part; merges read blobs by name."""
    found = rows(
        tmp_path,
        IMAGE,
        "Split s 1 3 in s0 s1 s2",
        "Slice half 1 2 s0 h0 h1 -23300=2,-233,-233 1=0",
        "Concat cat 3 1 h1 h0 s1 cat 0=0",
        "Eltwise sum 2 1 s2 s1 sum 0=1",
        "BinaryOp product 2 1 sum in product 0=2",
    )
    assert [row[:3] for row in found] == [
        ("half", "slice 0:2", (6, 8, 2)),
        ("half.slice1", "slice 2:4", (6, 8, 2)),
        ("cat", "concat", (6, 8, 8)),
        ("sum", "add", (6, 8, 4)),
        ("product", "mul", (6, 8, 4)),
    ]


def test_squeeze_and_excite(tmp_path: Path) -> None:
    """A vector of a global pool scales every channel of an image, without a row between."""
    found = rows(
        tmp_path,
        IMAGE,
        "Pooling pool 1 1 in pool 0=1 4=1",
        "InnerProduct fc 1 1 pool fc 0=4 1=1 2=16 9=4",
        "BinaryOp scale 2 1 in fc scale 0=2",
    )
    assert [(name, shape, params) for name, _, shape, params, _ in found] == [
        ("pool", (1, 1, 4), 0),
        ("flatten1", (4,), 0),
        ("fc", (4,), 20),
        ("fc.sigmoid1", (4,), 0),
        ("scale", (1, 1, 4), 0),
        ("scale.mul1", (6, 8, 4), 0),
    ]


def test_constants(tmp_path: Path) -> None:
    """What a file holds beside layers is counted with the layer that reads it, and once."""
    found = rows(
        tmp_path,
        MATRIX,
        "MemoryData table 0 1 table 0=8 1=6",
        "BinaryOp a 2 1 in table a 0=0",
        "BinaryOp b 2 1 a table b 0=0",
    )
    assert found == [("a", "BinaryOp", (6, 8), 48, 0), ("b", "BinaryOp", (6, 8), 0, 0)]


def test_attention(tmp_path: Path) -> None:
    """Heads that are projected already: scores and weighted values, 2·6·6·8 products for each of 4 heads."""
    found = rows(tmp_path, IMAGE, "Split s 1 3 in q k v", "SDPA l 3 1 q k v l 5=0")
    assert found == [("l", "SDPA", (4, 6, 8), 0, 4 * 2 * 6 * 6 * 8)]


def test_unknown(tmp_path: Path) -> None:
    """Behind an unknown layer the weights that the file states are counted; a stated shape is gone on from."""
    lines = (IMAGE, "Focus f 1 1 in f", "Convolution c 1 1 f c 0=8 1=1 5=1 6=128", "ReLU r 1 1 c r")
    result = analyzed(tmp_path, *lines)
    assert (result.totals.params, [row.name for row in result.unknown]) == (136, ["f", "c", "r"])

    stated = (lines[0], lines[1] + " -23330=4,3,4,3,16", *lines[2:])
    result = analyzed(tmp_path, *stated)
    assert [row.name for row in result.unknown] == ["f"]
    assert (result["c"].output_shape, result["c"].macs) == ((3, 4, 8), 3 * 4 * 128)


def test_another_shape(tmp_path: Path) -> None:
    """A shape that the file states otherwise is a warning; with `--input` it is for another size."""
    lines = (IMAGE, "ReLU r 1 1 in r -23330=4,3,9,6,4")
    (warning,) = analyzed(tmp_path, *lines).warnings
    assert (warning.code, warning.message) == (
        "W303", "the file states 6x9x4 for the output of `r`, by its arguments it is 6x8x4",
    )  # fmt: skip
    assert not analyzed(tmp_path, *lines, input=(7, 9, 4)).warnings


def test_input(tmp_path: Path) -> None:
    """Open sizes are an error that `--input` mends; the channels are the last of it."""
    lines = ("Input data 0 1 data", "Convolution c 1 1 data c 0=8 1=3 6=216")
    with pytest.raises(cnncalc.SpecError) as caught:
        analyzed(tmp_path, *lines)
    assert str(caught.value) == (
        "error[E308]: the file leaves the size of `data` open\n"
        f" --> {tmp_path / 'net.param'}:3:1\n"
        "  |\n"
        "3 | Input data 0 1 data\n"
        "  | ^^^^^^^^^^^^^^^^^^^ its parameters have no width\n"
        "  = help: add `--input 224x224x3`"
    )
    assert analyzed(tmp_path, *lines, input=(10, 12, 3)).rows[-1].output_shape == (8, 10, 8)


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("", "E302", "`{}` has no layer"),
        ("7767517\n", "E302", "`{}` has no layer"),
        ("hello\n1 1\n", "E302", "the file is not of ncnn"),
        ("7767517\none two\n", "E302", "the second line has no counts"),
        (param(IMAGE, "ReLU r 1 1 in r x"), "E302", "a line is no layer"),
        ("7767517\n1 1\nReLU r 1\n", "E302", "a line is no layer"),
        (param(IMAGE, "ReLU r 2 1 in r"), "E302", "a line is no layer"),
        (param(IMAGE, "ReLU r 1 1 out r"), "E307", "`r` reads what no layer before it writes"),
        (param("ReLU r 0 1 r"), "E307", "`r` reads nothing"),
        (param("pnnx.Input x 0 1 0"), "E302", "the file is pnnx's own, which is not read"),
        (param(IMAGE, "Convolution c 1 1 in c 1=3"), "E306", "`c` has no num_output"),
        (param(IMAGE, "Convolution c 1 1 in c 0=8 1=x"), "E306", "kernel of `c` is wrong"),
        (param(IMAGE, "Convolution c 1 1 in c 0=8 1=3 6=7"), "E306", "`c` (Convolution) does not fit its input"),
        (param(IMAGE, "Convolution c 1 1 in c 0=8 1=9 6=2592"), "E201", "output of `c` would be empty"),
        (param(IMAGE, "Slice s 1 2 in a b -23300=2,3,3"), "E306", "`s` (Slice) does not fit its input"),
        (param(IMAGE, "Slice s 1 2 in a b -23300=2,x,3"), "E306", "an array of `s` is wrong"),
        (param(IMAGE, "Reshape s 1 1 in a 0=7"), "E306", "`s` (Reshape) does not fit its input"),
        (param(IMAGE, "Interp s 1 1 in a 1=-1"), "E306", "a factor of `s` is wrong"),
    ],
)  # fmt: skip
def test_errors(text: str, code: str, message: str, tmp_path: Path) -> None:
    """What is wrong in a file is an error at its line."""
    path = tmp_path / "net.param"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(cnncalc.SpecError) as caught:
        cnncalc.analyze(path)
    (error,) = caught.value.diagnostics
    assert (error.code, error.message) == (code, message.format(path))
