"""Shapes in another order than channels last: which are warned of, with what to write, and which never are."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import run

import cnncalc
from cnncalc.layers.axis_order import misreading

#: Shape → what to write in its place, the likeliest first. Each is a shape as people give it to PyTorch, or with the
#: batch that a framework prints, at one, two and three spatial axes.
SUSPICIOUS = {
    # images, CxHxW: ImageNet, MNIST, a camera's frame, optical flow, Atari's four frames, a person, a licence plate
    "3x224x224": ["224x224x3"],
    "1x28x28": ["28x28x1"],
    "3x480x640": ["480x640x3"],
    "3x1080x1920": ["1080x1920x3"],
    "1x480x640": ["480x640x1"],
    "2x64x64": ["64x64x2"],
    "4x84x84": ["84x84x4"],
    "3x256x128": ["256x128x3"],
    "3x24x94": ["24x94x3"],
    # feature maps, CxHxW: ResNet-50's stages, VGG-16's end, a stage for CIFAR
    "64x56x56": ["56x56x64"],
    "2048x7x7": ["7x7x2048"],
    "512x7x7": ["7x7x512"],
    "64x32x32": ["32x32x64"],
    # volumes, CxDxHxW: a clip, BraTS's four scans, a clip of a camera, C3D's second stage
    "3x16x112x112": ["16x112x112x3"],
    "4x155x240x240": ["155x240x240x4"],
    "3x16x240x320": ["16x240x320x3"],
    "64x8x56x56": ["8x56x56x64"],
    # with a batch: NxHxWxC of one, NxCxHxW
    "1x224x224x3": ["224x224x3"],
    "1x28x28x1": ["28x28x1"],
    "1x7x7x512": ["7x7x512"],
    "64x3x32x32": ["32x32x3"],
    "1x3x224x224": ["224x224x3"],
    "128x1x28x28": ["28x28x1"],
    # two readings
    "1x16x112x112": ["16x112x112x1", "112x112x16"],
    "1x64x64x64": ["64x64x64x1", "64x64x64"],
    # one axis: an image without its channels; an ECG of twelve leads and a second of sound, CxL
    "28x28": ["28x28x1"],
    "224x224": ["224x224x1"],
    "12x5000": ["5000x12"],
    "1x16000": ["16000x1"],
    # letters
    "3xHxW": ["HxWx3"],
    "CxHxW": ["HxWxC"],
    "3xNxN": ["NxNx3"],
    "CxL": ["LxC"],
    "NxHxWxC": ["HxWxC"],
    "NxCxHxW": ["HxWxC"],
    "BxHxWx3": ["HxWx3"],
    "3xDxHxW": ["DxHxWx3"],
    "HxW": ["HxWx1"],
}

#: Shapes that are as they look, and must not be warned of.
USUAL = """
224x224x3 227x227x3 299x299x3 32x32x3 28x28x1 32x32x1 96x96x1 480x640x3 1080x1920x3 256x128x3 84x84x4 64x64x2 5x5x1
5x5x3 3x3x3 7x7x3 4x4x3 6x6x1 8x8x8 5x5x5 3x3x1 2x2x2 1x1x512 1x1x3 1x1x100 7x7x512 7x7x2048 56x56x64 14x14x256 4x4x512
4x4x1024 2x2x512 1x7x512 8x8x16 128x64x3 375x1242x3 32x100x1 32x128x3 49x40x1 64x431x1 128x44x1 1x128x9 1x128x3 1x100x64
1x128x64 1x128x32 22x1125x1 2x128x1 3x300x3 300x25x3 64x32x8 100x8x4
16x112x112x3 8x112x112x3 32x224x224x3 64x64x64x1 128x128x128x1 32x128x128x1 155x240x240x4 96x96x96x4 4x56x56x64
8x28x28x128 2x14x14x512 1x1x1x200 4x4x4x512 3x3x3x3 2x7x7x512 4x8x8x3 16x5x5x2
100x8 128x9 1000x1 5000x12 16000x1 784x1 49x512 196x768 512x768 1024x768 197x384 16x1024 64x512 98x40 10x64 1x512 1x1
2x2 50x300 1x2048 640x480 10 784 4096
HxWxC HxWx3 HxWx1 LxC LxK NxC Lx1 DxHxWxC DxHxWx1 224xWx3 NxNx3 N
"""


def sizes(text: str) -> list[int | str]:
    return [int(size) if size.isdigit() else size for size in text.split("x")]


def warnings(result: cnncalc.Analysis) -> list[str]:
    return [each.help or "" for each in result.warnings if each.code == "W204"]


@pytest.mark.parametrize("shape", SUSPICIOUS)
def test_suspicious(shape: str) -> None:
    """A shape in another order has what to write in its place, and that is no longer suspicious."""
    found = misreading(sizes(shape))
    assert found is not None
    assert ["x".join(map(str, dims)) for dims, _ in found.edits] == SUSPICIOUS[shape]
    assert [misreading(dims) for dims, _ in found.edits] == [None] * len(found.edits)


@pytest.mark.parametrize("shape", USUAL.split())
def test_usual(shape: str) -> None:
    """A shape that is common channels last is not warned of."""
    assert misreading(sizes(shape)) is None


MESSAGES = {
    "3x16x112x112": (
        "the input 3x16x112x112 looks channels first, as in PyTorch; shapes here are DxHxWxC",
        "write `16x112x112x3` if the channels are 3",
    ),
    "1x224x224x3": (
        "the input 1x224x224x3 looks like a batch; shapes here are one sample, HxWxC",
        "write `224x224x3` if the 1 is a batch",
    ),
    "64x3x32x32": (
        "the input 64x3x32x32 looks like a batch, channels first, as in PyTorch; shapes here are one sample, HxWxC",
        "write `32x32x3` if the 64 is a batch",
    ),
    "28x28": (
        "the input 28x28 looks like an image without its channels; shapes here are LxC: 28 places of 28 channels",
        "write `28x28x1` if it is an image of one channel",
    ),
    "1x64x64x64": (
        "the input 1x64x64x64 looks channels first, as in PyTorch; shapes here are DxHxWxC",
        "write `64x64x64x1` if the channels are 1, `64x64x64` if the 1 is a batch",
    ),
}


@pytest.mark.parametrize("shape", MESSAGES)
def test_wherever_a_shape_is_given(tmp_path: Path, shape: str) -> None:
    """A spec, --input, YAML and the library warn alike."""
    text, yaml = tmp_path / "net.cnn", tmp_path / "net.yaml"
    text.write_text(f"input {shape}\nrelu\n")
    yaml.write_text(f"input: {shape}\nlayers: [relu]\n")
    results = [
        cnncalc.analyze(f"input {shape} | relu"),
        cnncalc.analyze(text),
        cnncalc.analyze(yaml),
        cnncalc.analyze("relu", input=shape),
        # What is given with fewer sizes than the spec's own would be completed from that.
        cnncalc.analyze(f"input {'x'.join('8' for _ in sizes(shape))} | relu", input=tuple(map(int, shape.split("x")))),
    ]
    shown = [[(each.message, each.help) for each in result.warnings if each.code == "W204"] for result in results]
    assert shown == [[MESSAGES[shape]]] * len(results)
    message, help = MESSAGES[shape]
    assert f"warning[W204]: {message}\n  = help: {help}\n" in run("relu", "--input", shape, "--width", "200").stdout


@pytest.mark.parametrize(
    "layers", ["conv1d 3 x8", "maxpool1d 2 | conv 3 x8", "flatten | fc 10", "fc 10", "gru 8", "mhsa h4"]
)
def test_one_axis_that_is_meant(layers: str) -> None:
    """Two equal sizes are no image where a layer asks for one axis, or for none."""
    assert warnings(cnncalc.analyze(f"input 28x28 | {layers}")) == []
    assert warnings(cnncalc.analyze("input 28x28 | conv 3 x8")) != []


def test_every_input() -> None:
    """Each input of a network is looked at."""
    spec = "input 3x32x32 as a | relu | input 1x64x64x3 as b | relu | input 8x8x3 as c"
    named = [(each.layer, each.help) for each in cnncalc.analyze(spec).warnings if each.code == "W204"]
    assert named == [("a", "write `32x32x3` if the channels are 3"), ("b", "write `64x64x3` if the 1 is a batch")]


def test_a_shape_that_a_file_states(tmp_path: Path) -> None:
    """A model file says the order of its axes: its own shape is no suspicion, one given in its place is."""
    path = tmp_path / "net.cfg"
    # Darknet states channels, height and width by name: an image of 3 rows.
    path.write_text("[net]\nheight=3\nwidth=224\nchannels=224\n\n[maxpool]\nsize=2\nstride=2\n")
    assert warnings(cnncalc.analyze(path)) == []
    assert warnings(cnncalc.analyze(path, input="3x224x224")) == ["write `224x224x3` if the channels are 3"]


@pytest.mark.parametrize(
    ("shape", "edit"),
    [("1x3x16x112x112", "16x112x112x3"), ("1x16x112x112x3", "16x112x112x3"), ("8x3x3x3x3", "3x3x3x3")],
)
def test_five_sizes(shape: str, edit: str) -> None:
    """Five sizes are no shape: the error has the one without the batch, channels last."""
    done = run("relu", "--input", shape)
    assert done.exit_code == 2
    assert f"= help: drop the batch: write `{edit}`\n" in done.stderr
