"""Darknet's cfg and Caffe's prototxt: real files against published figures, small ones by hand, and wrong ones."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import pytest
from reference import MODELS

import cnncalc


def written(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def rows(path: Path) -> list[tuple[str, str, tuple[int, ...], int, int]]:
    """Name, text, shape, parameters and MACs of every row."""
    return [(row.name, row.description, row.output_shape, row.params, row.macs) for row in cnncalc.analyze(path).rows]


# -- Darknet ---------------------------------------------------------------------------------------------------


@pytest.mark.reference
@pytest.mark.parametrize(
    ("name", "input", "bflops"),
    [
        # What Darknet prints, twice the MACs: yolov3 at 416, yolov3-tiny and yolov4-tiny as their cfgs have them.
        ("yolov3.cfg", "416x416x3", "65.86"),
        ("yolov3-tiny.cfg", None, "5.56"),
        ("yolov4-tiny.cfg", None, "6.91"),
        # https://pjreddie.com/darknet/imagenet: "Ops" of the pretrained models.
        ("darknet19.cfg", None, "5.58"),
        ("darknet53.cfg", None, "18.57"),
    ],
)
def test_darknet_operations(name: str, input: str | None, bflops: str) -> None:
    """Twice the MACs is what Darknet says of its own models."""
    result = cnncalc.analyze(MODELS / f"darknet/{name}", input=input)

    assert not result.unknown
    # Darknet cuts 5.565 to 5.56 or rounds it, from one version to the next.
    assert abs(2 * result.totals.macs / 1e9 - float(bflops)) < 0.0055


@pytest.mark.reference
@pytest.mark.parametrize("name", ["alexnet.cfg", "resnet50.cfg"])
def test_darknet_opens(name: str) -> None:
    """Every section of a classifier is known, and a thousand classes come out."""
    result = cnncalc.analyze(MODELS / f"darknet/{name}")

    assert (result.unknown, result.rows[-1].output_shape[-1]) == ((), 1000)


NET = "[net]\nwidth=8\nheight=6\nchannels=4\n"


def test_darknet_sections(tmp_path: Path) -> None:
    """Sizes by Darknet's rules: pad=1 is half of the window, a maxpool's padding its size less one."""
    text = (
        NET + "[convolutional]\nbatch_normalize=1\nfilters=8\nsize=3\nstride=1\npad=1\nactivation=leaky\n"
        "[maxpool]\nsize=2\nstride=2\n"
        "[route]\nlayers=-1\ngroups=2\ngroup_id=1\n"
        "[convolutional]\nfilters=4\nsize=1\nactivation=linear\n"
        "[shortcut]\nfrom=-2\nactivation=linear\n"
        "[upsample]\nstride=2\n"
        "[route]\nlayers=-1,0\n"
        "[reorg]\nstride=2\n"
        "[avgpool]\n"
    )
    assert rows(written(tmp_path, "net.cfg", text)) == [
        ("input1", "input 6x8x4", (6, 8, 4), 0, 0),
        ("conv1", "conv 3x3 p1 x8 nobias", (6, 8, 8), 3 * 3 * 4 * 8, 6 * 8 * 3 * 3 * 4 * 8),
        ("bn1", "bn", (6, 8, 8), 16, 0),
        ("leakyrelu1", "leakyrelu 0.1", (6, 8, 8), 0, 0),
        ("pool1", "pool 2x2 p0-1", (3, 4, 8), 0, 0),
        ("slice1", "slice 4:8", (3, 4, 4), 0, 0),
        ("conv2", "conv 1x1 x4", (3, 4, 4), 4 * 4 + 4, 3 * 4 * 4 * 4),
        ("add1", "add", (3, 4, 4), 0, 0),
        ("upsample1", "upsample 2", (6, 8, 4), 0, 0),
        ("concat1", "concat", (6, 8, 12), 0, 0),
        ("reorg1", "reorg", (3, 4, 48), 0, 0),
        ("gap1", "gap", (1, 1, 48), 0, 0),
    ]


def test_darknet_locally_connected(tmp_path: Path) -> None:
    """A local layer's every place has weights of its own: 4x6 places of 3·3·4·2 and a bias for each output."""
    text = NET + "[local]\nsize=3\nstride=1\nfilters=2\nactivation=linear\n"

    assert rows(written(tmp_path, "net.cfg", text))[-1] == (
        "local1",
        "local",
        (4, 6, 2),
        4 * 6 * 3 * 3 * 4 * 2 + 4 * 6 * 2,
        4 * 6 * 3 * 3 * 4 * 2,
    )


def test_darknet_unknown(tmp_path: Path) -> None:
    """An unknown section is a row marked unknown, and the table goes on."""
    result = cnncalc.analyze(written(tmp_path, "net.cfg", NET + "[hologram]\noutput=9\n[softmax]\n"))

    assert [(row.description, row.output_shape, row.missing) for row in result.unknown] == [
        ("hologram (unknown)", (), ("params", "macs", "activations")),
        ("softmax", (), ("activations",)),
    ]


# -- Caffe -----------------------------------------------------------------------------------------------------


@pytest.mark.reference
@pytest.mark.parametrize(
    ("name", "params", "macs"),
    [
        # The parameters of bvlc AlexNet with its two groups, and of VGG-16, are published to the integer.
        ("alexnet", 60_965_224, None),
        ("vgg-16", 138_357_544, 15_470_264_320),
        # 25.6 M and 3.87 G, 7.0 M and 1.6 G at 227, as the nets' pages have them.
        ("resnet-50", 25_557_096, 3_857_973_248),
        ("googlenet", 6_998_552, 1_599_884_032),
        ("squeezenet_v11", 1_235_496, None),
        # By hand: 5·5·20 + 20, 5·5·20·50 + 50, 800·500 + 500, 500·10 + 10.
        ("lenet", 520 + 25_050 + 400_500 + 5_010, None),
    ],
)
def test_caffe_figures(name: str, params: int, macs: int | None) -> None:
    """Parameters and MACs are the published ones, and every layer is known."""
    result = cnncalc.analyze(MODELS / f"caffe/{name}.prototxt")

    assert (result.unknown, result.totals.params) == ((), params)
    assert macs is None or result.totals.macs == macs


V2 = """
name: "small"
input: "data"  input_shape { dim: 1 dim: 3 dim: 9 dim: 9 }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        convolution_param { num_output: 4 kernel_h: 3 kernel_w: 1 stride: 2 pad_h: 1 pad_w: 0 bias_term: false } }
layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" }
layer { name: "scale" type: "Scale" bottom: "conv" top: "conv" scale_param { bias_term: true } }
layer { name: "drop" type: "Dropout" bottom: "conv" top: "conv" include { phase: TRAIN } }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "cut" type: "Slice" bottom: "pool" top: "a" top: "b" slice_param { slice_point: 1 } }
layer { name: "join" type: "Concat" bottom: "b" bottom: "a" top: "join" }
layer { name: "fc" type: "InnerProduct" bottom: "join" top: "fc" inner_product_param { num_output: 2 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" top: "loss" }
"""


def test_caffe_layers(tmp_path: Path) -> None:
    """The newer dialect: per-axis windows, in-place layers, phases, pools rounded up, slices by point."""
    assert rows(written(tmp_path, "net.prototxt", V2)) == [
        ("data", "input 9x9x3", (9, 9, 3), 0, 0),
        ("conv", "conv 3x1 s2 p1x0 x4 nobias", (5, 5, 4), 3 * 3 * 4, 5 * 5 * 3 * 3 * 4),
        ("bn", "bn noaffine", (5, 5, 4), 0, 0),
        ("scale", "scale bias", (5, 5, 4), 8, 0),
        ("pool", "pool 2x2 ceil", (3, 3, 4), 0, 0),
        ("cut", "slice 0:1", (3, 3, 1), 0, 0),
        ("cut_2", "slice 1:4", (3, 3, 3), 0, 0),
        ("join", "concat", (3, 3, 4), 0, 0),
        ("flatten1", "flatten", (36,), 0, 0),
        ("fc", "fc 2", (2,), 74, 72),
        ("loss", "softmax", (2,), 0, 0),
    ]


FROZEN = """
input: "data" input_dim: 1 input_dim: 4 input_dim: 8 input_dim: 8
layer { name: "a" type: "Convolution" bottom: "data" top: "a" param { lr_mult: 0 } param { lr_mult: 0.0 decay_mult: 0 }
  convolution_param { num_output: 4 kernel_size: 1 } }
layer { name: "b" type: "Convolution" bottom: "a" top: "b" param { lr_mult: 0 } param { lr_mult: 2 }
  convolution_param { num_output: 4 kernel_size: 1 } }
layer { name: "n" type: "BatchNorm" bottom: "b" top: "b" param { lr_mult: 0 } param { lr_mult: 0 } }
layer { name: "s" type: "Scale" bottom: "b" top: "b" param { lr_mult: 0 } }
layer { name: "c" type: "Convolution" bottom: "b" top: "c" param { lr_mult: 1 } param { lr_mult: 0.5 }
  convolution_param { num_output: 2 kernel_size: 1 } }
"""


def test_caffe_frozen(tmp_path: Path) -> None:
    """A learning rate of 0 freezes the weights, the bias, or both; a BatchNorm has statistics alone, at a rate of 0."""
    result = cnncalc.analyze(written(tmp_path, "net.prototxt", FROZEN))
    assert [(row.description, row.params, row.frozen, row.buffers) for row in result.rows[1:]] == [
        ("conv 1x1 x4 frozen", 0, 20, 0),
        ("conv 1x1 x4", 4, 16, 0),
        ("bn noaffine", 0, 0, 8),
        ("scale frozen", 0, 4, 0),
        ("conv 1x1 x2", 10, 0, 0),
    ]


V1 = """
input: "data" input_dim: 1 input_dim: 1 input_dim: 6 input_dim: 6
layers { name: 'conv' type: CONVOLUTION bottom: 'data' top: 'conv' convolution_param < num_output: 2 kernel_size: 3 > }
layers { name: 'relu' type: RELU bottom: 'conv' top: 'conv' relu_param { negative_slope: 0.1 } }
layers { name: 'sum' type: ELTWISE bottom: ['conv', 'conv'] top: 'sum' }
"""


def test_caffe_older_dialect(tmp_path: Path) -> None:
    """The older dialect: `layers`, types in capitals, angle brackets and lists."""
    assert rows(written(tmp_path, "net.prototxt", V1)) == [
        ("data", "input 6x6x1", (6, 6, 1), 0, 0),
        ("conv", "conv 3x3 x2", (4, 4, 2), 20, 4 * 4 * 9 * 2),
        ("relu", "leakyrelu 0.1", (4, 4, 2), 0, 0),
        ("sum", "add", (4, 4, 2), 0, 0),
    ]


# -- what is wrong ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "net.cfg",
            NET + "[convolutional]\nsize=3\nfilters=many\n",
            "error[E306]: `filters` of `[convolutional]` is wrong\n"
            " --> net.cfg:7:9\n"
            "  |\n"
            "7 | filters=many\n"
            "  |         ^^^^ not a whole number from 1",
        ),
        (
            "net.cfg",
            NET + "[route]\nlayers=-9\n",
            "error[E307]: there is no layer -9 before this one\n"
            " --> net.cfg:6:8\n"
            "  |\n"
            "6 | layers=-9\n"
            "  |        ^^ 0 come before it\n"
            "  = help: count from 0, or back from -1",
        ),
        (
            "net.cfg",
            NET + "[maxpool]\nsize=99\nstride=2\npadding=0\n",
            "error[E201]: output of `pool1` would be empty\n"
            " --> net.cfg:5:1\n"
            "  |\n"
            "5 | [maxpool]\n"
            "  | ^^^^^^^^^ window 99 does not fit in 6\n"
            "  = note: height: floor((6 + 0 + 0 - 99) / 2) + 1 = -46\n"
            "  = note: shapes so far: 6x8x4\n"
            "  = help: add `same` or `p47`, or remove this layer",
        ),
        (
            "net.prototxt",
            'input: "data" input_dim: 1 input_dim: 4 input_dim: 8 input_dim: 8\n'
            'layer { name: "u" type: "Deconvolution" bottom: "data" top: "u" '
            "convolution_param { num_output: 3 group: 2 kernel_size: 2 } }\n",
            "error[E202]: filters of `u` do not divide into groups\n"
            " --> net.prototxt:2:15\n"
            "  |\n"
            '2 | layer { name: "u" type: "Deconvolution" bottom: "data" top: "u" convolution_param { num_output…\n'
            "  |               ^^^ `filters` (=3) must be divisible by `groups` (=2)\n"
            "  = note: shapes so far: 8x8x4\n"
            "  = help: 3 divides by 1, 3",
        ),
        (
            "net.prototxt",
            'input: "data" input_dim: 1\nlayer { name: "a" type: "ReLU" bottom: "b" top: "a" }\n',
            "error[E308]: the net leaves the size of its input `data` open\n"
            " --> net.prototxt:1:8\n"
            "  |\n"
            '1 | input: "data" input_dim: 1\n'
            "  |        ^^^^^^ a batch, channels and sizes are missing\n"
            "  = help: add `--input 224x224x3`, or an `input_param { shape { … } }`",
        ),
        (
            "net.prototxt",
            'layer { name: "a" type: "ReLU" bottom: "b" top: "a" }\n',
            "error[E307]: no layer before this one writes `b`\n"
            " --> net.prototxt:1:40\n"
            "  |\n"
            '1 | layer { name: "a" type: "ReLU" bottom: "b" top: "a" }\n'
            "  |                                        ^^^ not known",
        ),
        (
            "net.prototxt",
            "layer { name: { \n",
            "error[E302]: unexpected end\n --> net.prototxt:2:1\n  |\n2 | \n  | ^ expected a field's name",
        ),
    ],
)
def test_a_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, message: str) -> None:
    """What is wrong in a model's text is shown at its place."""
    written(tmp_path, name, text)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(cnncalc.SpecError) as caught:
        cnncalc.analyze(Path(name))

    assert "\n".join(line.rstrip() for line in str(caught.value).split("\n")) == "\n".join(
        line.rstrip() for line in message.split("\n")
    )


def test_deep_nesting(tmp_path: Path) -> None:
    """Messages in messages without end are refused at the limit."""
    with pytest.raises(cnncalc.SpecError, match=r"E302.*nested too deeply"):
        cnncalc.analyze(written(tmp_path, "net.prototxt", "a {" * 100_000))


@pytest.mark.parametrize(("name", "text"), [("net.prototxt", V2), ("net.prototxt", V1), ("net.cfg", NET + "[softmax]")])
def test_mutations(tmp_path: Path, name: str, text: str) -> None:
    """Any text near a right one gives a result or a SpecError, and nothing else."""
    choose = random.Random(text)
    for _ in range(300):
        at = choose.randrange(len(text))
        new = choose.choice(["", text[at] * 2, choose.choice('{}<>[]:",\n\0é-9'), text[at:][:20]])
        mutated = text[:at] + new + text[at + choose.randrange(1, 4) :]
        with contextlib.suppress(cnncalc.SpecError):
            assert cnncalc.analyze(written(tmp_path, name, mutated)).to_dict()["schema"] == 2
