"""Nets of Caffe as a whole: blobs that are shared or constant, states, sources of data, and what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from caffe_files import INPUTS, analyzed, layer

import cnncalc

# -- shared and constant blobs -----------------------------------------------------------------------------------

SHARED = 'param { name: "w" lr_mult: 1 } param { name: "b" } convolution_param { num_output: 4 kernel_size: 3 pad: 1 }'


def rows(result: cnncalc.Analysis) -> list[tuple[str, int, int, int]]:
    return [(row.name, row.params, row.frozen, row.buffers) for row in result.rows if row.inputs]


def test_shared_blobs(tmp_path: Path) -> None:
    """A named blob is counted with the first layer that has it: 3·3·4·4 + 4."""
    both = layer("Convolution", SHARED, top="a") + layer("Convolution", SHARED, "a", "b")
    result = analyzed(tmp_path, INPUTS + both)
    assert rows(result) == [("a", 148, 0, 0), ("b", 0, 0, 0)]
    assert result["b"].weights_of == "a"


def test_shared_weights_alone(tmp_path: Path) -> None:
    """Each blob is shared by itself, and statistics are, too."""
    norm = 'param { name: "mean" } param { name: "variance" } param { name: "factor" }'
    text = (
        layer("InnerProduct", 'param { name: "w" } inner_product_param { num_output: 4 }', "v", "a")
        + layer("InnerProduct", 'param { name: "w" } inner_product_param { num_output: 4 }', "a", "b")
        + layer("BatchNorm", norm, "b", "c")
        + layer("BatchNorm", norm, "c", "d")
    )
    counted = [("a", 20, 0, 0), ("b", 4, 0, 0), ("c", 0, 0, 8), ("d", 0, 0, 0)]
    assert rows(analyzed(tmp_path, INPUTS + text)) == counted


def test_shared_blobs_of_the_older_dialect(tmp_path: Path) -> None:
    """In the older dialect names stand alone, and rates are `blobs_lr`."""
    text = INPUTS
    for bottom, top, more in (("v", "a", ""), ("a", "b", "blobs_lr: 0 blobs_lr: 0")):
        text += (
            f'layers {{ name: "{top}" type: INNER_PRODUCT bottom: "{bottom}" top: "{top}" param: "w" param: "b{top}" '
        )
        text += f"{more} inner_product_param {{ num_output: 4 }} }}\n"
    assert rows(analyzed(tmp_path, text)) == [("a", 20, 0, 0), ("b", 0, 4, 0)]


def test_constant_blobs_of_an_operator(tmp_path: Path) -> None:
    """A learning rate of 0 freezes the weights of an operator of the file as well."""
    text = layer("Normalize", "param { lr_mult: 0 } norm_param { channel_shared: false }")
    assert rows(analyzed(tmp_path, INPUTS + text)) == [("x", 0, 4, 0)]


def test_shared_blobs_of_unequal_size(tmp_path: Path) -> None:
    """Caffe refuses to share blobs of other sizes."""
    text = layer("Convolution", SHARED, top="a") + layer("Convolution", SHARED.replace("3 pad: 1", "1"), "a", "b")
    with pytest.raises(cnncalc.SpecError, match="the weights `w` are shared by layers that need different ones"):
        analyzed(tmp_path, INPUTS + text)


# -- states ------------------------------------------------------------------------------------------------------

STATES = {
    "include { phase: TEST }": True,
    "include { phase: TRAIN }": False,
    "include: { phase: 1 }": True,
    "exclude { phase: TEST }": False,
    "include { phase: TRAIN } include { phase: TEST }": True,
    'include { phase: TEST stage: "deploy" }': False,
    'include { stage: "here" }': True,
    'include { not_stage: "deploy" }': True,
    'include { not_stage: "here" }': False,
    'exclude { stage: "here" }': False,
    "include { min_level: 1 }": True,
    "include { min_level: 2 }": False,
    "include { max_level: 0 }": False,
    "exclude { min_level: 2 }": True,
    "": True,
}


@pytest.mark.parametrize("rule", STATES)
def test_state(tmp_path: Path, rule: str) -> None:
    """A layer takes part by the rules of Caffe: in the phase TEST, at the stages and the level that the file states."""
    text = f'state {{ level: 1 stage: "here" }}{INPUTS}' + layer("ReLU", top="a") + layer("TanH", rule, top="b")
    assert [row.name for row in analyzed(tmp_path, text).rows if row.inputs] == (["a", "b"] if STATES[rule] else ["a"])


def test_data_of_training(tmp_path: Path) -> None:
    """A source that training alone has gives its data where testing has none; its labels are no part of the network."""
    text = layer("Data", "include { phase: TRAIN } transform_param { crop_size: 9 }", "", "data label")
    text += layer("Convolution", "convolution_param { num_output: 2 kernel_size: 3 }", top="c")
    text += layer("SoftmaxWithLoss", "", "c label", "loss")
    result = analyzed(tmp_path, text)
    assert [(row.name, row.output_shape) for row in result.rows] == [
        ("data", (9, 9, 3)),
        ("c", (7, 7, 2)),
        ("loss", (7, 7, 2)),
    ]


# -- sources -----------------------------------------------------------------------------------------------------

SOURCES = {
    'type: "Data" transform_param { crop_size: 6 }': (6, 6, 3),
    'type: "Data" transform_param { crop_size: 6 force_gray: true }': (6, 6, 1),
    'type: "ImageData" image_data_param { new_height: 6 new_width: 7 is_color: false }': (6, 7, 1),
    'type: "ImageData" image_data_param { new_height: 6 new_width: 7 } transform_param { crop_size: 5 }': (5, 5, 3),
    'type: "DenseImageData" dense_image_data_param { new_height: 6 new_width: 7 }': (6, 7, 3),
    'type: "AnnotatedData" transform_param { resize_param { height: 6 width: 7 } }': (6, 7, 3),
    'type: "WindowData" window_data_param { crop_size: 6 }': (6, 6, 3),
    'type: "MemoryData" memory_data_param { batch_size: 2 channels: 1 height: 6 width: 7 }': (6, 7, 1),
    'type: "DummyData" dummy_data_param { num: 2 channels: 1 height: 6 width: 7 }': (6, 7, 1),
    'type: "Data" input_param { shape { dim: 2 dim: 1 dim: 6 dim: 7 } }': (6, 7, 1),
    'type: "VideoData" image_data_param { new_length: 5 crop_size: 6 }': (5, 6, 6, 3),
    'type: "VideoData" video_data_param { new_length: 5 num_segments: 3 modality: FLOW } '
    "transform_param { crop_size: 6 }": (6, 6, 30),
    'type: "Novel" transform_param { crop_height: 6 crop_width: 7 }': (6, 7, 3),
}


@pytest.mark.parametrize("source", SOURCES)
def test_source(tmp_path: Path, source: str) -> None:
    """The row of a source is called as in the file, and has the size that its images get."""
    text = f'layer {{ name: "images" top: "d" top: "label" {source} }}' + layer("ReLU", "", "d")
    if "DummyData" in source:
        text = text.replace('top: "label"', "")
    result = analyzed(tmp_path, text)
    assert [(row.name, row.output_shape) for row in result.rows] == [
        ("images", SOURCES[source]),
        ("x", SOURCES[source]),
    ]


def test_open_source(tmp_path: Path) -> None:
    """Whatever gives the data, `--input` is its size; so it is where the file has nothing that does."""
    ending = layer("ReLU", "", "d")
    for text in ('layer { name: "images" type: "Novel" top: "d" top: "label" }' + ending, ending):
        with pytest.raises(cnncalc.SpecError):
            analyzed(tmp_path, text)
        assert analyzed(tmp_path, text, "6x7x3").rows[-1].output_shape == (6, 7, 3)


def test_several_inputs_of_a_layer(tmp_path: Path) -> None:
    """An `Input` of several blobs has a shape for each."""
    text = layer("Input", "input_param { shape { dim: 1 dim: 3 dim: 6 dim: 7 } shape { dim: 5 } }", "", "a b")
    assert [(row.name, row.output_shape) for row in analyzed(tmp_path, text).rows] == [("a", (6, 7, 3)), ("b", (1,))]


# -- what is wrong -----------------------------------------------------------------------------------------------

WRONG = {
    "along no axis": (layer("Softmax", "softmax_param { axis: 4 }"), "`x` works along axis 4"),
    "cut past the end": (
        layer("Slice", "slice_param { slice_point: 9 }", top="x y"), "`x` cannot cut 4 channels into 2"),
    "unequal rows": (layer("Slice", "slice_param { axis: 2 }", top="x y z"), "`x` cannot cut 8 elements into 3"),
    "too large a crop": (layer("Crop", "crop_param { offset: 3 }", "data data"), "`x` asks for more than there is"),
    "a crop of other axes": (layer("Crop", "", "data v"), "`x` crops 3 axes to 1"),
    "other elements": (
        layer("Reshape", "reshape_param { shape { dim: 0 dim: 7 dim: -1 } }"), "`x` cannot lay out the 320 elements"),
    "axes that are not there": (
        layer("Reshape", "reshape_param { axis: 2 num_axes: 9 shape { dim: 1 } }"), "`x` reshapes axes 2 to 11"),
    "nothing left": (layer("Reorg", "reorg_param { stride: 99 }"), "the output of `x` would be empty"),
    "no size": (layer("Resample"), "`x` has no size to resize to"),
    "too few inputs": (layer("Axpy", "", "data data"), "`x` has 2 inputs"),
    "a ratio that is none": (
        layer("PriorBox", "prior_box_param { min_size: 1 aspect_ratio: wide }"), "an aspect ratio is no number"),
    "no window fits": (layer("Im2col", "convolution_param { kernel_size: 99 }"), "output of `x` would be empty"),
    "a layer of a stage": (
        layer("ReLU", 'include { stage: "s" }', top="a") + layer("ReLU", "", "a"), "of the phase TRAIN, or of a stage"),
    "a layer that reads nothing": ('layer { name: "x" type: "ReLU" }', "`x` reads nothing"),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
def test_wrong(tmp_path: Path, kind: str) -> None:
    """What Caffe refuses is an error in words."""
    text, message = WRONG[kind]
    with pytest.raises(cnncalc.SpecError, match=message):
        analyzed(tmp_path, INPUTS + text)


def test_solver(tmp_path: Path) -> None:
    """A solver is no net: the message names its net."""
    with pytest.raises(cnncalc.SpecError, match="it is a solver: read its net, `models"):
        analyzed(tmp_path, 'net: "models/net.prototxt" base_lr: 0.01')


def test_channels_behind_an_unknown_layer(tmp_path: Path) -> None:
    """Behind a layer of unknown size, what needs the channels alone is counted: 2·2 of the norm, 2·2 of the scale."""
    text = layer("Hologram", top="h") + layer(
        "Convolution", "convolution_param { num_output: 2 kernel_size: 1 }", "h", "c"
    )
    text += layer("BatchNorm", "", "c", "b") + layer("Scale", "scale_param { bias_term: true }", "b", "s")
    totals = analyzed(tmp_path, INPUTS + text).totals
    assert (totals.params, totals.buffers) == (4, 4)


#: Types that need a known shape; behind an unknown one they are unknown as well.
NEEDING_SHAPES = (
    "AbsVal", "SPP", "Flatten", "Slice", "Crop", "Reshape", "Permute", "Tile", "Reduction", "ArgMax", "BatchReindex",
    "Im2col", "Scale", "Bias", "Normalize", "LSTM", "Embed", "Interp", "Resample", "Upsample", "Reorg", "ROIPooling",
    "PriorBox", "Correlation", "FlowWarp", "ChannelNorm", "DataAugmentation", "DeformableConvolution", "DenseCRF",
    "InnerProduct", "Pooling", "BatchNorm", "BN", "Softmax", "Concat",
)  # fmt: skip


@pytest.mark.parametrize("kind", NEEDING_SHAPES)
def test_behind_an_unknown_layer(tmp_path: Path, kind: str) -> None:
    """No layer behind one of unknown shape ends the reading."""
    more = (
        "spp_param { pyramid_height: 1 } convolution_param { num_output: 1 kernel_size: 1 } tile_param { tiles: 1 }"
        "recurrent_param { num_output: 1 } embed_param { input_dim: 1 num_output: 1 } pooling_param { kernel_size: 1 }"
        "roi_pooling_param { pooled_h: 1 pooled_w: 1 } inner_product_param { num_output: 1 }"
    )
    result = analyzed(tmp_path, INPUTS + layer("Hologram", top="h") + layer(kind, more, "h h"))
    assert result.unknown[0].description.startswith("Hologram")
