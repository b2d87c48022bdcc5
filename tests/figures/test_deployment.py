"""The network on a device: what folds and fuses, flash and RAM; published figures, and files of a converter."""

from __future__ import annotations

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from reference import examples

import cnncalc
from cnncalc.figures.dtypes import dtypes_of
from cnncalc.figures.memory import steps
from cnncalc.figures.memory_planner import plan

#: EfficientNet-Lite4: width 1.4 and depth 1.8 of Lite0, at 300 (arXiv:1905.11946; its code's `efficientnet-lite4`). Its
#: stem and head keep the widths and repeats of Lite0.
LITE4 = """input 300x300x3
convbn(3, 32, s=2) | relu6
inverted(24, e=1)
inverted(32, s=2) | inverted(32) * 3
inverted(56, k=5, s=2) | inverted(56, k=5) * 3
inverted(112, k=5, s=2) | inverted(112, k=5) * 5
inverted(160, k=5) * 6
inverted(272, k=5, s=2) | inverted(272, k=5) * 7
inverted(448)
convbn(1, 1280) | relu6 | gap | dropout 0.2 | fc 1000
"""


def rows(spec: str, **options: str) -> list[tuple[str, str, int, int]]:
    """Name, layer, bytes of weights and live bytes of each row but the input."""
    result = cnncalc.analyze(spec, deploy="int8", **options)  # type: ignore[arg-type]
    return [(row.name, row.description, row.params_bytes, row.live_bytes) for row in result.rows[1:]]


# -- published figures ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("network", "ram"),
    [
        # Peaks that github.com/petewarden's memory analyser of TensorFlow Lite files prints: by hand, at 112x112 =
        # 12,544 positions the pointwise convolution from 32 to 64 channels; the widening to 96, taken to 56x56 by the
        # depthwise one; the widening from 16 to 64; as MobileNetV2; and at 150x150 = 22,500 that of 24 to 144, with
        # 144 · 5,625 behind it.
        ("mobilenet_v1", 12_544 * (32 + 64)),
        ("mobilenet_v2", 12_544 * 96 + 3_136 * 96),
        ("mobilenet_v3_large", 12_544 * (16 + 64)),
        ("efficientnet_lite0", 12_544 * 96 + 3_136 * 96),
        (LITE4, 22_500 * 144 + 5_625 * 144),
    ],
)
def test_published_peaks(network: str, ram: int) -> None:
    """The arena of five networks in int8 is what an analyser of their converted files finds."""
    assert ram in (1_204_224, 1_505_280, 1_003_520, 4_050_000)
    assert cnncalc.analyze(network, deploy="int8").totals.ram_bytes == ram


def test_depthwise_in_place() -> None:
    """With TinyEngine's depthwise layers in place MobileNetV2 needs the 1372 KiB that MCUNet's authors give.

    What widens 16 channels to 96 at 112x112 is then the peak: the depthwise layer of stride 2 writes over its input.
    """
    totals = cnncalc.analyze("mobilenet_v2", deploy="int8", in_place="dw").totals
    assert totals.ram_bytes == 1372 * 1024 == 12_544 * (16 + 96)
    assert totals.activation_bytes.peak == totals.ram_bytes


@pytest.mark.parametrize(
    ("network", "params", "flash", "ram"),
    [
        # Read from the int8 files of MLPerf Tiny (github.com/mlcommons/tiny, benchmark/training): the elements and
        # bytes of all constants of their convolutions and products, and the arena of their tensors.
        ("resnet8", 77_706, 78_744, 49_152),  # pretrainedResnet_quant.tflite
        ("ds_cnn", 22_604, 24_368, 16_000),  # kws_ref_model.tflite
        ("mobilenet_tiny", 210_850, 219_064, 64_512),  # vww_96_int8.tflite
    ],
)
def test_converted_files(network: str, params: int, flash: int, ram: int) -> None:
    """What a converter makes of three networks has as many weights, in as many bytes, and as large an arena."""
    totals = cnncalc.analyze(network, deploy="int8").totals
    assert (totals.params, totals.flash_bytes, totals.ram_bytes) == (params, flash, ram)


def test_keras_counts() -> None:
    """MobileNet's 4,253,864 weights in Keras have 4 for each of 10,944 channels of a batch norm; a bias is left."""
    assert cnncalc.analyze("mobilenet_v1", deploy="int8").totals.params == 4_253_864 - 3 * 10_944


# -- what folds and fuses ------------------------------------------------------------------------------------


def test_batch_norm_and_activation() -> None:
    """27 · 4 weights of a byte and 4 biases of four, which the batch norm brings; 192 in and 144 out are live."""
    assert rows("input 8x8x3 | conv 3x3 x4 nobias | bn | relu") == [("conv1", "conv 3x3 x4 + bn + relu", 124, 336)]


@pytest.mark.parametrize("spec", ["conv 3x3 x4", "dwconv 3x3", "deconv 2 s2 x4", "fc 4"])
def test_products(spec: str) -> None:
    """A batch norm goes into every layer of products, and changes no count where that has a bias."""
    plain, folded = rows(f"input 8x8x4 | {spec}"), rows(f"input 8x8x4 | {spec} | bn")
    assert [(name, layer.removesuffix(" + bn"), *sizes) for name, layer, *sizes in folded] == plain


def test_scale_behind_batch_norm() -> None:
    """Caffe's pair folds together; a scale alone brings no bias."""
    assert rows("input 4x4x2 | conv 1x1 x2 nobias | bn noaffine | scale bias") == [
        ("conv1", "conv 1x1 x2 + bn noaffine + scale bias", 4 + 8, 64)
    ]
    assert rows("input 4x4x2 | conv 1x1 x2 nobias | scale") == [("conv1", "conv 1x1 x2 nobias + scale", 4, 64)]


def test_batch_norm_that_stays() -> None:
    """Where it follows no product, or something else reads that, it is a weight and a bias for each channel."""
    assert rows("input 4x4x2 | bn | relu") == [("bn1", "scale bias + relu", 2 + 8, 32)]
    read_twice = "input 4x4x2 | conv 1x1 x2 as a | bn | add( ; @a)"
    assert rows(read_twice) == [("a", "conv 1x1 x2", 12, 64), ("bn1", "scale bias", 10, 64), ("add1", "add", 0, 64)]


def test_shared_weights() -> None:
    """Weights that two layers have stay as they are: two batch norms would make two of them."""
    spec = "input 4x4x2 | conv 1x1 x2 as a | bn | conv 1x1 x2 weights=@a | bn"
    assert [row[1:3] for row in rows(spec)] == [
        ("conv 1x1 x2", 12),
        ("scale bias", 10),
        ("conv 1x1 x2 weights=@a", 0),
        ("scale bias", 10),
    ]


def test_activation_is_fused_once() -> None:
    """A second activation is a layer of its own, and so is one over channels, or one that a branch reads before."""
    assert [row[1] for row in rows("input 4x4x2 | conv 1x1 x2 | relu | tanh")] == ["conv 1x1 x2 + relu", "tanh"]
    assert [row[1] for row in rows("input 8 | fc 4 | softmax")] == ["fc 4", "softmax"]
    assert [row[1] for row in rows("input 4x4x2 | add( ; conv 1x1 x2) | hardswish | flatten | relu")] == [
        "conv 1x1 x2",
        "add + hardswish",
        "flatten",
        "relu",
    ]


def test_separable() -> None:
    """A separable convolution is two, and the tensor between them is live: 6·6·3 with 8·8·3, then with 6·6·4."""
    assert rows("input 8x8x3 | sepconv 3x3 x4 | bn | relu") == [
        ("sepconv1.depthwise", "dwconv 3x3 nobias", 27, 192 + 108),
        ("sepconv1", "conv 1x1 x4 + bn + relu", 12 + 16, 108 + 144),
    ]


def test_shared_separable() -> None:
    """Both halves of one that has another's weights have those of the other's halves."""
    spec = "input 8x8x3 | sepconv 3x3 same x3 as a | sepconv 3x3 same x3 weights=@a"
    assert [size for *_, size, _ in rows(spec)] == [27, 9 + 12, 0, 0]


def test_dropout_is_gone() -> None:
    assert [row[0] for row in rows("input 8 | fc 4 | dropout 0.5 | identity | fc 2 | dropout 0.5")] == ["fc1", "fc2"]


def test_steps() -> None:
    """What is applied to each step folds and fuses as anywhere else."""
    assert rows("input 2x8x8x3 | timewise(conv 3x3 x4 nobias | bn | relu)") == [
        ("timewise1.conv1", "timewise(conv 3x3 x4) + bn + relu", 124, 2 * 336)
    ]


def test_outputs() -> None:
    """The output of what is folded away is that of the layer that does its work."""
    assert cnncalc.analyze("input 4x4x2 | conv 1x1 x2 | bn | relu | dropout 0.1", deploy="int8").outputs == ("conv1",)


# -- types ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "flash", "ram"),
    [
        # 108 weights, 4 biases; 192 elements in, 144 out, of 16 bytes each: aligned as they are.
        ({"deploy": "int8"}, 108 + 16, 336),
        ({"deploy": "uint8"}, 108 + 16, 336),
        ({"deploy": "int4"}, 54 + 16, 336),
        ({"deploy": "int16"}, 108 + 32, 672),
        ({"deploy": "float16"}, 224, 672),
        ({"deploy": "float32"}, 448, 1344),
        ({"deploy": "int8", "dtype": "maps=int16"}, 108 + 16, 672),
        ({"deploy": "int8", "dtype": "maps=int4,bias=fp16"}, 108 + 8, 168 + 8),  # 96 and 72, the last one aligned
    ],
)
def test_types(options: dict[str, str], flash: int, ram: int) -> None:
    totals = cnncalc.analyze("input 8x8x3 | conv 3x3 x4 nobias | bn | relu", **options).totals  # type: ignore[arg-type]
    assert (totals.flash_bytes, totals.ram_bytes) == (flash, ram)


@pytest.mark.parametrize(
    ("dtype", "params_bytes", "peak"),
    [
        # 108 weights, 4 biases, and of the batch norm 4, 4 and 8 buffers; 192 and 144 elements.
        ("weights=int8,bias=int32,maps=int16", 108 + 16 + (4 + 8) + 16, 672),
        ("bf16", 2 * 128, 672),
        ("uint8", 128, 336),
        ("int4", 56 + 8, 96 + 72),
        ("maps=fp16", 4 * 128, 672),
    ],
)
def test_mixed_types_of_any_network(dtype: str, params_bytes: int, peak: int) -> None:
    """Types of the parts are for every figure in bytes; those that are not named are float32."""
    totals = cnncalc.analyze("input 8x8x3 | conv 3x3 x4 | bn", dtype=dtype).totals
    assert (totals.params_bytes, totals.activation_bytes.peak) == (params_bytes, peak)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fp16", "float16"),
        ("weights=int8,bias=int32,maps=int8", "int8, biases int32"),
        ("weights=int8,bias=int32,maps=int16", "int8, biases int32, feature maps int16"),
        ("weights=int8", "int8, biases and feature maps float32"),
    ],
)
def test_types_in_words(text: str, words: str) -> None:
    assert dtypes_of(text).words == words


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"deploy": "int3"}, "unknown deploy 'int3': one of float32, float16, bfloat16, int8, uint8, int4, int16"),
        ({"in_place": "conv"}, "unknown in_place 'conv': one of dw"),
        (
            {"deploy": "int8", "dtype": "int16"},
            "the types of a network deployed as int8 are its own: name a part, as in maps=int16",
        ),
        ({"dtype": "maps=int8,maps=int16"}, "'maps' is given twice: int8 and int16"),
        ({"dtype": "wights=int8"}, "'wights=int8' is no part and its type: write weights=int8,bias=int32,maps=int8"),
    ],
)
def test_wrong_options(options: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        cnncalc.analyze("lenet5", **options)  # type: ignore[arg-type]
    assert str(caught.value) == message


def test_formulas() -> None:
    """Sizes may be letters: 27·K weights and 4 bytes for each bias; the arena depends on numbers."""
    totals = cnncalc.analyze("input HxWx3 | conv 3x3 same x4 nobias | bn | relu", deploy="int8").totals
    assert (totals.flash_bytes, totals.ram_bytes, str(totals.live_bytes)) == (124, None, "7*H*W")


# -- depthwise in place --------------------------------------------------------------------------------------


def test_shrinking() -> None:
    """Behind a depthwise layer of stride 2 its buffer holds 4·4·2 = 32 bytes in place of 128, at the same offset.

    So the convolution behind it has 32 + 16 live, not 128 + 16.
    """
    spec = "input 8x8x2 | dwconv 3x3 s2 same | conv 1x1 x1 | fc 1"
    assert [live for *_, live in rows(spec, in_place="dw")] == [128, 32 + 16, 16, 17]
    assert [live for *_, live in rows(spec)] == [128 + 32, 32 + 16, 16, 17]


@pytest.mark.parametrize(
    "spec",
    [
        "input 8x8x2 | dwconv 3x3 same m2",  # several outputs for each channel
        "input 8x8x2 | dwconv 3x3 full",  # more outputs than inputs
        "input 8x8x2 | conv 3x3 same g2 x4",  # as many groups as channels, but two filters of each
        "input 8x8x2 | add(dwconv 3x3 same ; )",  # its input is read later
    ],
)
def test_not_in_place(spec: str) -> None:
    assert [row[3] for row in rows(spec, in_place="dw")] == [row[3] for row in rows(spec)]


def test_grouped_convolution_is_depthwise() -> None:
    assert rows("input 8x8x2 | conv 3x3 same g2 x2", in_place="dw")[0][3] == 128


PIECES = (
    "dwconv 3x3 same", "dwconv 3x3 s2 same", "dwconv 3x3 same m2", "conv 1x1 x5", "conv 3x3 s2 same x7", "bn", "relu",
    "add( ; dwconv 3x3 same)", "concat( ; dwconv 3x3 same | relu)", "pool 2 ceil", "sepconv 3x3 same x3",
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=9))
@examples(40)
def test_in_place_plans(pieces: list[str]) -> None:
    """No two maps that are live at once share a byte where buffers shrink; what is live adds up, and is never more."""
    spec = " | ".join(["input 9x9x4", *pieces])
    try:
        result = cnncalc.analyze(spec, deploy="int8", in_place="dw")
    except cnncalc.SpecError:
        reject()  # too many strides for so small a map
    occupied = [
        (place.offset, place.offset + size, first, last)
        for place in plan(result.feature_maps, 1)
        for size, first, last in place.buffer.lifetimes()
    ]
    for at, (start, end, first, last) in enumerate(occupied):
        for low, high, begin, until in occupied[:at]:
            assert end <= low or high <= start or last < begin or until < first
    live = [step.live for step in steps(result.graph.nodes, result.feature_maps, 0)]
    assert live == [row.live_bytes for row in result.rows]
    assert all(step.writes >= 0 for step in steps(result.graph.nodes, result.feature_maps, 0))
    assert max(live) <= cnncalc.analyze(spec, deploy="int8").totals.activation_bytes.peak
    assert max(live) <= result.totals.ram_bytes
