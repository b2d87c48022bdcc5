"""Published networks as specs, each exact against the figures that its paper or framework gives."""

from __future__ import annotations

from pathlib import Path

import pytest
import reference
from reference import read_json

import cnncalc

HERE = Path(__file__).parent
SPECS = sorted(HERE.glob("*.cnn"))

#: Parameters, buffers and MACs at the input that the file names. Those of torchvision's models were counted in
#: torchvision; its documentation publishes the parameters and the GFLOPs (which are MACs) too.
FIGURES = {
    "resnet50": (25_557_032, 53_120, 4_089_184_256),
    "inception_v1": (6_624_904, 14_560, 1_498_376_192),
    "densenet121": (7_978_856, 83_648, 2_834_161_664),
    "shufflenet_v2": (2_278_604, 16_180, 144_907_992),
}

#: Our spec → the name in the golden file.
GOLDEN = {
    "resnet50": "resnet50",
    "inception_v1": "googlenet",
    "densenet121": "densenet121",
    "shufflenet_v2": "shufflenet_v2_x1_0",
}

#: (channels of the depthwise convolution) of MobileNetV2's 17 blocks: table 2's input channels times its expansion.
MOBILENET_V2_EXPANDED = (32, 96, 144, 144, *(192,) * 3, *(384,) * 4, *(576,) * 3, *(960,) * 3)


def figures(name: str) -> tuple[int, int, int]:
    totals = cnncalc.analyze(HERE / f"{name}.cnn").totals
    return totals.params, totals.buffers, totals.macs


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_spec_is_short(path: Path) -> None:
    """A published network fits in fewer than 60 lines."""
    assert len(path.read_text().splitlines()) < 60


@pytest.mark.parametrize("name", FIGURES)
def test_figures(name: str) -> None:
    """Parameters, buffers and MACs are torchvision's, to the integer."""
    assert figures(name) == FIGURES[name]


@pytest.mark.reference
@pytest.mark.parametrize("name", GOLDEN)
def test_golden_figures(name: str) -> None:
    """The figures above are those that were counted in the framework."""
    theirs = read_json(reference.GOLDEN / "torchvision.json")[GOLDEN[name]]

    assert FIGURES[name] == (theirs["params"], theirs["buffers"], theirs["macs"])


def test_squeeze_and_excite() -> None:
    """A gate behind each depthwise convolution adds two 1x1 convolutions over one place to MobileNetV2.

    With e channels reduced to r = e // 4 that is 2·e·r weights, r + e biases and 2·e·r MACs for each of the 17
    blocks, on top of torchvision's MobileNetV2: 3,504,872 parameters, 34,112 buffers and 300,774,272 MACs.
    """
    weights = sum(2 * e * (e // 4) for e in MOBILENET_V2_EXPANDED)
    biases = sum(e // 4 + e for e in MOBILENET_V2_EXPANDED)

    assert len(MOBILENET_V2_EXPANDED) == 17
    assert figures("mobilenet_v2_se") == (3_504_872 + weights + biases, 34_112, 300_774_272 + weights)


def test_unet() -> None:
    """U-Net takes 572x572 to 388x388, as its figure 1 shows, and its parameters add up by hand.

    Each level has two 3x3 convolutions; going up, a 2x2 deconvolution halves the channels first.
    """
    levels = (64, 128, 256, 512, 1024)
    down = sum(9 * a * b + b + 9 * b * b + b for a, b in zip((1, *levels), levels, strict=False))
    up = sum(4 * 2 * c * c + c + 9 * 2 * c * c + c + 9 * c * c + c for c in levels[:-1])
    result = cnncalc.analyze(HERE / "unet.cnn")

    assert result.rows[-1].output_shape == (388, 388, 2)
    assert result.totals.params == down + up + 64 * 2 + 2 == 31_030_658
