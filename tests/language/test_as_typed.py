"""Layers, shapes and networks as people write them first: the same network as in canonical words, figure by figure."""

import json
from typing import Any

import pytest
from command_line import run
from reference import BESIDE, read_json

import cnncalc

#: What is typed behind `input 32x32x3 | `, and the same in canonical words.
LAYERS = {
    # a second number behind a window, or in front of one
    "conv 3x3 64": "conv 3x3 x64",
    "conv 3x3 64 s2 p1": "conv 3x3 s2 p1 x64",
    "conv 64 3x3": "conv 3x3 x64",
    "conv 64@3x3": "conv 3x3 x64",
    "conv 64@3x3 s2": "conv 3x3 s2 x64",
    "conv 3x3/2 x64": "conv 3x3 s2 x64",
    "pool 3x3/2": "pool 3x3 s2",
    "pool 3x3 2": "pool 3x3 s2",
    # names of arguments: ours apart, one letter, frameworks'
    "conv 3x3 x8 stride 2 padding 1": "conv 3x3 s2 p1 x8",
    "conv 3x3 x8 padding same": "conv 3x3 same x8",
    "conv 3x3 filters 8 groups 1": "conv 3x3 x8",
    "conv 3x3 x8 pad1 stride2": "conv 3x3 s2 p1 x8",
    "conv k=3 s=2 p=1 d=1 f=64": "conv 3 s2 p1 x64",
    "conv kernel_size=3 strides=2 padding=same filters=64": "conv 3 s2 same x64",
    "conv kernel_size=(3, 5) stride=[2, 1] padding='SAME' out_channels=64": "conv 3x5 s2x1 same x64",
    "conv 3 num_output=8 pad=1": "conv 3 p1 x8",
    "conv 3x3 x8 dilation_rate=2 use_bias=False": "conv 3x3 d2 x8 nobias",
    "fc units=10": "fc 10",
    "fc out_features=10 use_bias=False": "fc 10 nobias",
    "dropout p=0.3": "dropout 0.3",
    # names of layers: frameworks', of several words, of papers
    "Conv2D 3x3 x8": "conv2d 3x3 x8",
    "MaxPooling2D 2": "pool2d 2",
    "GlobalAveragePooling2D": "gap",
    "global average pooling": "gap",
    "global max pool": "gmp",
    "AdaptiveAvgPool2d 7x7": "adaptiveavgpool 7x7",
    "max pool 2": "pool 2",
    "average pool 2": "avgpool 2",
    "maxpool": "pool 2",
    "avgpool s1": "avgpool 2 s1",
    "BatchNorm2d": "bn",
    "batch norm": "bn",
    "layer normalization": "ln",
    "leaky relu 0.1": "leakyrelu 0.1",
    "hard swish": "hardswish",
    "fully connected 10": "fc 10",
    "Linear 10": "fc 10",
    "depthwise conv 3x3": "dwconv 3x3",
    "DepthwiseConv2D 3x3": "dwconv 3x3",
    "transposed conv 4x4 s2 p1 x8": "deconv 4x4 s2 p1 x8",
    "ConvTranspose2d 2 s2 x8": "deconv2d 2 s2 x8",
    "convT 4x4 s2 p1 x8": "deconv 4x4 s2 p1 x8",
    "upconv2x2s2:8": "deconv 2x2 s2 x8",
    "pointwise x8": "conv 1 x8",
    "ZeroPadding2D 1": "pad 1",
}

#: Whole specs, and the same in canonical words.
SPECS = {
    "227x227x3 | conv 11 s4 x96": "input 227x227x3 | conv 11 s4 x96",
    "16000x1 -> conv 80 s4 x32": "input 16000x1 | conv 80 s4 x32",
    "(28, 28, 1) | flatten | fc 10": "input 28x28x1 | flatten | fc 10",
    "input (224, 224, 3) | conv 3x3 x8": "input 224x224x3 | conv 3x3 x8",
    "input 224,224,3 | conv 3x3 x8": "input 224x224x3 | conv 3x3 x8",
    "input [224, 224, 3] | conv 3x3 x8": "input 224x224x3 | conv 3x3 x8",
    "input 224×224×3 | conv 3×3 x8": "input 224x224x3 | conv 3x3 x8",
    "input 3x16x112x112 chw | conv3d 3x3x3 p1 x64": "input 16x112x112x3 | conv3d 3x3x3 p1 x64",
    "input 32x32x3 → conv 3x3 x8 => relu": "input 32x32x3 | conv 3x3 x8 | relu",
    "input 8x8x3\nlet c = 4\ndef unit(n) = conv 3x3 same x{n} | relu\nunit({c}) * 2": (
        "let c = 4\ndef unit(n) = conv 3x3 same x{n} | relu\ninput 8x8x3\nunit(c) * 2"
    ),
    "ResNet-18": "resnet18",
    "mobilenetv2": "mobilenet_v2",
    "EfficientNet-B0": "efficientnet_b0",
}

#: Shapes of `input=`, all of them 32x32x3 for the network `input 64x64x3 | conv 3x3 x8`.
SHAPES = ["32x32x3", "32X32X3", "32×32×3", "32*32*3", "32,32,3", "(32, 32, 3)", "[32,32,3]", "32", "32x32"]


def figures(spec: str, **options: Any) -> list[object]:
    analysis = cnncalc.analyze(spec, **options)
    rows = [(row.type, row.output_shape, row.params, row.buffers, row.macs) for row in analysis.rows]
    return [rows, analysis.totals.activation_bytes]


@pytest.mark.parametrize(("typed", "canonical"), LAYERS.items(), ids=LAYERS)
def test_layer(typed: str, canonical: str) -> None:
    assert figures(f"input 32x32x3 | {typed}") == figures(f"input 32x32x3 | {canonical}")


@pytest.mark.parametrize(("typed", "canonical"), SPECS.items(), ids=SPECS)
def test_spec(typed: str, canonical: str) -> None:
    assert figures(typed) == figures(canonical)


@pytest.mark.parametrize("shape", SHAPES)
def test_shape(shape: str) -> None:
    assert figures("input 64x64x3 | conv 3x3 x8", input=shape) == figures("input 32x32x3 | conv 3x3 x8")


def test_two_readings_are_both_shown() -> None:
    """`conv 64 3` may be 64 filters of 3x3, or 3 of 64x64: which, nobody guesses."""
    with pytest.raises(cnncalc.SpecError) as error:
        cnncalc.analyze("input 32x32x3 | conv 64 3")
    assert error.value.diagnostics[0].help == ("a number of filters has an x: write `conv 3 x64` or `conv 64 x3`")


@pytest.mark.parametrize(("typed", "canonical"), LAYERS.items(), ids=LAYERS)
def test_format_writes_the_canonical_form(typed: str, canonical: str) -> None:
    done = run("format", f"input 32x32x3 | {typed}")
    assert done.output == run("format", f"input 32x32x3 | {canonical}").output


ENTRIES: list[dict[str, Any]] = list(read_json(BESIDE / "cases" / "as-typed.json"))  # type: ignore[arg-type]


@pytest.mark.reference
@pytest.mark.parametrize("entry", ENTRIES, ids=[each["typed"] for each in ENTRIES])
def test_as_typed(entry: dict[str, Any]) -> None:
    """What was collected of people's first attempts."""
    done = run(entry["typed"], *entry.get("args", []), "-f", "json")
    if "help_has" in entry:
        text = done.stderr
        assert done.exit_code in (1, 2)
        assert [word for word in entry["help_has"] if word not in text] == []
        return
    same = run(entry["same_as"], *entry.get("same_args", []), "-f", "json")
    totals = [json.loads(each.output)["totals"] for each in (done, same)]
    got, expected = [{key: each[key] for key in ("params", "buffers", "macs", "activations")} for each in totals]
    assert got == expected
