"""What Caffe and its forks read in a prototxt: each kind of layer and field, small, with its figures by hand.

Sizes and weights follow the sources of each layer, `LayerSetUp` and `Reshape`: of BVLC's Caffe, and of the forks that
are named in `cnncalc/readers/caffe/forks.py`. Shapes are in the file N, C, H, W, and here one sample, channels last.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import cnncalc

#: 8 rows of 10 columns of 4 channels, twice; and two vectors of 4.
INPUTS = """
input: "data" input_shape { dim: 2 dim: 4 dim: 8 dim: 10 }
input: "v" input_shape { dim: 2 dim: 4 }
"""


def layer(kind: str, more: str = "", bottom: str = "data", top: str = "x") -> str:
    """A layer of the newer dialect that reads and writes the blobs of these names, parted by spaces."""
    blobs = [f'bottom: "{each}"' for each in bottom.split()] + [f'top: "{each}"' for each in top.split()]
    return f'layer {{ name: "{top.split()[0] if top else kind}" type: "{kind}" {" ".join(blobs)} {more} }}\n'


def analyzed(tmp_path: Path, text: str, input: str | None = None) -> cnncalc.Analysis:
    path = tmp_path / "net.prototxt"
    path.write_text(text, encoding="utf-8")
    return cnncalc.analyze(path, input=input)


GAP = layer("Pooling", "pooling_param { pool: AVE global_pooling: true }", top="g")
ROIS = layer("Input", "input_param { shape { dim: 300 dim: 5 } }", "", "rois")


def conv(more: str) -> str:
    return layer("Convolution", f"convolution_param {{ num_output: 2 {more} }}")


#: Layers: the output of the last, the weights (trained, frozen, buffers) and the MACs of all.
LAYERS = {
    # -- windows
    "pad_h alone": (conv("kernel_h: 3 kernel_w: 1 pad_h: 1"), (8, 10, 2), (26, 0, 0), 1920),
    "stride_w alone": (conv("kernel_size: 1 stride_w: 2"), (8, 5, 2), (10, 0, 0), 320),
    # A window of 3 whose taps are 2 apart: 8 − 4 and 10 − 4 positions.
    "hole, DeepLab's dilation": (conv("kernel_size: 3 hole: 2"), (4, 6, 2), (74, 0, 0), 1728),
    "no stride over the pool's window": (
        layer("Pooling", "pooling_param { kernel_size: 2 stride: 2 pad: 1 }"), (5, 6, 4), (0, 0, 0), 0),
    # ceil((8 − 1)/3) + 1 = 4 and ceil((10 − 1)/3) + 1 = 4: without padding the last may begin past the input.
    "a stride over the pool's window": (
        layer("Pooling", "pooling_param { kernel_size: 1 stride: 3 }"), (4, 4, 4), (0, 0, 0), 0),
    # ceil((8 + 4 − 3)/2) + 1 = 6, whose window begins at 10 = 8 + 2: 5; ceil((10 + 4 − 3)/2) + 1 = 7, at 12: 6.
    "a pool padded over half": (
        layer("Pooling", "pooling_param { kernel_size: 3 stride: 2 pad: 2 }"), (5, 6, 4), (0, 0, 0), 0),
    "round_mode": (
        layer("Pooling", "pooling_param { kernel_size: 3 stride: 2 round_mode: FLOOR }"), (3, 4, 4), (0, 0, 0), 0),
    # Two images through the same weights: 1·1·4·2 + 2, and twice 80·8.
    "a convolution of two inputs": (
        layer("Convolution", "convolution_param { num_output: 2 kernel_size: 1 }", "data data", "a b"),
        (8, 10, 2), (10, 0, 0), 1280),
    "depthwise": (
        layer("DepthwiseConvolution", "convolution_param { num_output: 4 kernel_size: 3 group: 1 }"),
        (6, 8, 4), (40, 0, 0), 1728),
    # 1 + 4 + 16 bins of 4 channels.
    "SPP": (layer("SPP", "spp_param { pyramid_height: 3 }"), (84,), (0, 0, 0), 0),
    "SPP of one level": (layer("SPP", "spp_param { pyramid_height: 1 pool: AVE }"), (1, 1, 4), (0, 0, 0), 0),
    # 3·3·4 elements in each window.
    "Im2col": (layer("Im2col", "convolution_param { kernel_size: 3 stride: 2 pad: 1 }"), (4, 5, 36), (0, 0, 0), 0),
    # C3D's: 2 frames of 6x7 and 3 channels; 3·3·3·3·2 + 2 weights at 2·4·5 places, then 2x2 over both frames.
    "volumes": (
        layer("Input", "input_param { shape { dim: 1 dim: 3 dim: 2 dim: 6 dim: 7 } }", "", "film")
        + layer("Convolution3D", "convolution_param { num_output: 2 kernel_size: 3 kernel_depth: 3 temporal_pad: 1 }",
                "film", "c")
        + layer("Pooling3D", "pooling_param { pool: MAX kernel_size: 2 kernel_depth: 2 stride: 2 temporal_stride: 2 }",
                "c", "p"),
        (1, 2, 3, 2), (164, 0, 0), 2 * 4 * 5 * 162),
    "DeformableConvolution": (
        layer("DeformableConvolution", "deformable_convolution_param { num_output: 2 kernel_size: 3 pad: 1 }",
              "data data"),
        (8, 10, 2), (74, 0, 0), 80 * 72),
    # -- axes
    "InnerProduct over all": (layer("InnerProduct", "inner_product_param { num_output: 5 }"), (5,), (1605, 0, 0), 1600),
    # 8·10 weights for each of 5 outputs, at each of 4 channels.
    "InnerProduct from an axis on": (
        layer("InnerProduct", "inner_product_param { num_output: 5 axis: 2 }"), (5, 4), (405, 0, 0), 1600),
    "InnerProduct over the last axis": (
        layer("InnerProduct", "inner_product_param { num_output: 5 axis: -1 bias_term: false }"),
        (8, 5, 4), (50, 0, 0), 1600),
    "Flatten": (layer("Flatten"), (320,), (0, 0, 0), 0),
    "Flatten of some axes": (layer("Flatten", "flatten_param { axis: 2 }"), (80, 4), (0, 0, 0), 0),
    "Flatten up to an axis": (layer("Flatten", "flatten_param { end_axis: 2 }"), (10, 32), (0, 0, 0), 0),
    "Softmax": (layer("Softmax"), (8, 10, 4), (0, 0, 0), 0),
    "Softmax along rows": (layer("Softmax", "softmax_param { axis: 2 }"), (8, 10, 4), (0, 0, 0), 0),
    "Concat of rows": (layer("Concat", "concat_param { axis: 2 }", "data data"), (16, 10, 4), (0, 0, 0), 0),
    "Concat of columns": (layer("Concat", "concat_param { axis: -1 }", "data data"), (8, 20, 4), (0, 0, 0), 0),
    "Concat of samples": (layer("Concat", "concat_param { axis: 0 }", "data data"), (8, 10, 4), (0, 0, 0), 0),
    "Concat by the older field": (layer("Concat", "concat_param { concat_dim: 1 }", "v v"), (8,), (0, 0, 0), 0),
    "Concat of flattened inputs": (
        layer("Concat", "concat_param { per_fla_fuse: true }", "data v"), (324,), (0, 0, 0), 0),
    "Slice of rows": (
        layer("Slice", "slice_param { axis: 2 slice_point: 3 }", top="a b"), (5, 10, 4), (0, 0, 0), 0),
    "Slice into equal parts": (layer("Slice", "slice_param { axis: 3 }", top="a b"), (8, 5, 4), (0, 0, 0), 0),
    "Slice of samples": (layer("Slice", "slice_param { axis: 0 }", top="a b"), (8, 10, 4), (0, 0, 0), 0),
    "Slice into one": (layer("Slice", "slice_param { axis: 2 }"), (8, 10, 4), (0, 0, 0), 0),
    "Crop": (
        layer("Pooling", "pooling_param { kernel_size: 3 }", top="p")
        + layer("Crop", "crop_param { axis: 2 offset: 1 offset: 2 }", "data p"), (6, 8, 4), (0, 0, 0), 0),
    "Crop of channels": (
        conv("kernel_size: 3") + layer("Crop", "crop_param { axis: 1 }", "data x", "y"), (6, 8, 2), (74, 0, 0), 3456),
    "Reshape": (
        layer("Reshape", "reshape_param { shape { dim: 0 dim: 2 dim: -1 dim: 10 } }"), (16, 10, 2), (0, 0, 0), 0),
    "Reshape of some axes": (
        layer("Reshape", "reshape_param { axis: 1 num_axes: 1 shape { dim: 2 dim: 2 } }"), (2, 8, 10, 2), (0, 0, 0), 0),
    "Reshape from the end": (
        layer("Reshape", "reshape_param { axis: -2 shape { dim: -1 } }"), (8, 10, 4), (0, 0, 0), 0),
    # The batch of the file is another than that of the net.
    "Reshape of another batch": (
        layer("Reshape", "reshape_param { shape { dim: 7 dim: -1 } }"), (320,), (0, 0, 0), 0),
    "Reshape into samples": (
        layer("Reshape", "reshape_param { shape { dim: -1 dim: 8 dim: 10 } }"), (10, 8), (0, 0, 0), 0),
    "Permute": (layer("Permute", "permute_param { order: 0 order: 2 order: 3 order: 1 }"), (10, 4, 8), (0, 0, 0), 0),
    "Permute with the rest behind": (layer("Permute", "permute_param { order: 0 order: 3 }"), (4, 8, 10), (0, 0, 0), 0),
    "Tile": (layer("Tile", "tile_param { axis: 2 tiles: 3 }"), (24, 10, 4), (0, 0, 0), 0),
    "Reduction": (layer("Reduction", "reduction_param { axis: 2 }"), (4,), (0, 0, 0), 0),
    "Reduction of all": (layer("Reduction"), (1,), (0, 0, 0), 0),
    "ArgMax": (layer("ArgMax", "argmax_param { axis: 1 }"), (8, 10, 1), (0, 0, 0), 0),
    "ArgMax of a sample": (layer("ArgMax", "argmax_param { top_k: 3 out_max_val: true }"), (3, 1, 2), (0, 0, 0), 0),
    "BatchReindex": (layer("BatchReindex", "", "data v"), (8, 10, 4), (0, 0, 0), 0),
    "Filter": (layer("Filter", "", "data v v", "a b"), (4,), (0, 0, 0), 0),
    # -- element by element
    "Scale": (layer("Scale", "scale_param { bias_term: true }"), (8, 10, 4), (8, 0, 0), 0),
    "Scale of two axes": (layer("Scale", "scale_param { num_axes: 2 }"), (8, 10, 4), (32, 0, 0), 0),
    "Scale of all axes": (layer("Scale", "scale_param { num_axes: -1 bias_term: true }"), (8, 10, 4), (640, 0, 0), 0),
    "Scale by one number": (layer("Scale", "scale_param { num_axes: 0 }"), (8, 10, 4), (1, 0, 0), 0),
    "Scale by a vector": (layer("Scale", "scale_param { axis: 0 }", "data v"), (8, 10, 4), (0, 0, 0), 0),
    "Scale by a pool": (GAP + layer("Scale", "scale_param { axis: 0 }", "g g"), (1, 1, 4), (0, 0, 0), 0),
    "Scale by weights": (
        layer("Parameter", "parameter_param { shape { dim: 4 } }", "", "w") + layer("Scale", "", "data w"),
        (8, 10, 4), (4, 0, 0), 0),
    "Bias": (layer("Bias"), (8, 10, 4), (4, 0, 0), 0),
    "Bias by a vector": (layer("Bias", "bias_param { axis: 0 }", "data v"), (8, 10, 4), (0, 0, 0), 0),
    "Axpy": (GAP + layer("Axpy", "", "g data data"), (8, 10, 4), (0, 0, 0), 0),
    "Axpy by a vector": (layer("Axpy", "", "v data data"), (8, 10, 4), (0, 0, 0), 0),
    "Eltwise MAX": (layer("Eltwise", "eltwise_param { operation: MAX }", "data data"), (8, 10, 4), (0, 0, 0), 0),
    "PReLU": (layer("PReLU", "prelu_param { channel_shared: true }"), (8, 10, 4), (1, 0, 0), 0),
    "HSwish": (layer("HSwish"), (8, 10, 4), (0, 0, 0), 0),
    "BNLL": (layer("BNLL"), (8, 10, 4), (0, 0, 0), 0),
    "MVN": (layer("MVN"), (8, 10, 4), (0, 0, 0), 0),
    # -- norms
    "BatchNorm": (layer("BatchNorm"), (8, 10, 4), (0, 0, 8), 0),
    "BatchNorm of NVIDIA": (layer("BatchNorm", "batch_norm_param { scale_bias: true }"), (8, 10, 4), (8, 0, 8), 0),
    "BN of PSPNet": (layer("BN", "bn_param { slope_filler { value: 1 } }"), (8, 10, 4), (8, 0, 8), 0),
    "BN of PSPNet, frozen": (layer("BN", "bn_param { frozen: true }"), (8, 10, 4), (0, 8, 8), 0),
    "BN of SegNet": (layer("BN", "bn_param { bn_mode: INFERENCE }"), (8, 10, 4), (8, 0, 0), 0),
    "Normalize": (layer("Normalize", "norm_param { channel_shared: false }"), (8, 10, 4), (4, 0, 0), 0),
    # -- steps: 2 of one stream of 4 numbers; 4 gates of 3 units: 48 + 12 + 36.
    "LSTM": (
        layer("Reshape", "reshape_param { shape { dim: 2 dim: 1 dim: 4 } }", "v", "s")
        + layer("LSTM", "recurrent_param { num_output: 3 }", "s v"), (3, 1), (96, 0, 0), 84),
    # 12 + 3 + 9 for the state, 9 + 3 for the output; 12 more for a third input.
    "RNN with a constant input": (
        layer("Reshape", "reshape_param { shape { dim: 2 dim: 1 dim: 4 } }", "v", "s")
        + layer("RNN", "recurrent_param { num_output: 3 }", "s v v"), (3, 1), (48, 0, 0), 42),
    "Embed": (layer("Embed", "embed_param { input_dim: 9 num_output: 3 }", "v"), (3, 4), (30, 0, 0), 0),
    # -- forks: sizes
    "Interp to a size": (layer("Interp", "interp_param { height: 15 width: 19 }"), (15, 19, 4), (0, 0, 0), 0),
    # (8 − 1)·2 + 1 and (10 − 1)·2 + 1.
    "Interp by zooming": (layer("Interp", "interp_param { zoom_factor: 2 }"), (15, 19, 4), (0, 0, 0), 0),
    # (8 − 1 − 1)/2 + 1 = 4 and (10 − 1 − 1)/2 + 1 = 5, then (4 − 1)·3 + 1 and (5 − 1)·3 + 1.
    "Interp by both": (
        layer("Interp", "interp_param { shrink_factor: 2 zoom_factor: 3 pad_end: -1 }"), (10, 13, 4), (0, 0, 0), 0),
    "Interp to a blob's size": (conv("kernel_size: 3") + layer("Interp", "", "x data", "y"), (8, 10, 2),
                                (74, 0, 0), 3456),
    "Resample": (layer("Resample", "resample_param { height: 4 width: 5 type: LINEAR }"), (4, 5, 4), (0, 0, 0), 0),
    "Downsample to a blob's size": (GAP + layer("Downsample", "", "data g", "y"), (1, 1, 4), (0, 0, 0), 0),
    "Upsample to a size": (
        layer("Upsample", "upsample_param { scale: 2 upsample_h: 15 upsample_w: 20 }", "data data"),
        (15, 20, 4), (0, 0, 0), 0),
    "Upsample by factors, one row less": (
        layer("Upsample", "upsample_param { scale: 2 pad_out_h: true }", "data data"), (15, 20, 4), (0, 0, 0), 0),
    "Upsample of YOLO": (layer("Upsample", "upsample_param { scale: 3 }"), (24, 30, 4), (0, 0, 0), 0),
    "Reorg": (layer("Reorg", "reorg_param { stride: 2 }"), (4, 5, 16), (0, 0, 0), 0),
    "Reorg backwards": (layer("Reorg", "reorg_param { stride: 2 reverse: true }"), (16, 20, 1), (0, 0, 0), 0),
    # -- forks: regions, each a sample
    "ROIPooling": (
        ROIS + layer("ROIPooling", "roi_pooling_param { pooled_h: 6 pooled_w: 7 }", "data rois"),
        (6, 7, 4), (0, 0, 0), 0),
    "ROIAlign": (
        ROIS + layer("RoIAlign", "roi_align_param { pooled_h: 6 pooled_w: 7 }", "data rois"), (6, 7, 4), (0, 0, 0), 0),
    "PSROIPooling": (
        ROIS + layer("PSROIPooling", "psroi_pooling_param { output_dim: 1 group_size: 2 }", "data rois"),
        (2, 2, 1), (0, 0, 0), 0),
    "proposals in Python": (
        layer("Python", 'python_param { layer: "ProposalLayer" }', "data v", "rois scores"), (1,), (0, 0, 0), 0),
    "targets in Python": (
        layer("Python", 'python_param { layer: "ProposalTargetLayer" }', "v data", "rois labels"), (5,), (0, 0, 0), 0),
    # 8·10 places of 1 + 1 boxes, then of (1, 2, 1/2, 3, 1/3); 4 numbers and 4 variances of each.
    "PriorBox": (
        layer("PriorBox", "prior_box_param { min_size: 30 max_size: 60 }", "data data", "p")
        + layer("PriorBox", "prior_box_param { min_size: 30 aspect_ratio: 2 aspect_ratio: 3 }", "data data", "q")
        + layer("Concat", "concat_param { axis: 2 }", "p q"), (80 * 7 * 4, 2), (0, 0, 0), 0),
    "PriorBox, ratios as they are": (
        layer("PriorBox", "prior_box_param { min_size: 30 min_size: 40 aspect_ratio: 2 aspect_ratio: 1 flip: false }",
              "data data"),
        (80 * 4 * 4, 2), (0, 0, 0), 0),
    "DetectionOutput": (layer("DetectionOutput", "", "data data"), (1, 7, 1), (0, 0, 0), 0),
    # -- forks: flow. Displacements of −2, 0 and 2 on each axis; 8 + 4 − 4 rows; 9 products of 4 channels.
    "Correlation": (
        layer("Correlation", "correlation_param { pad: 2 kernel_size: 1 max_displacement: 2 stride_2: 2 }",
              "data data"),
        (8, 10, 9), (0, 0, 0), 8 * 10 * 9 * 4),
    "Correlation1D": (
        layer("Correlation1D", "correlation_param { pad: 2 kernel_size: 1 max_displacement: 2 }", "data data"),
        (8, 10, 5), (0, 0, 0), 8 * 10 * 5 * 4),
    "ChannelNorm": (layer("ChannelNorm"), (8, 10, 1), (0, 0, 0), 0),
    "FlowWarp": (layer("FlowWarp", "", "data data"), (8, 10, 4), (0, 0, 0), 0),
    "DataAugmentation": (
        layer("DataAugmentation", "augmentation_param { crop_width: 6 crop_height: 5 }", "data data", "a b"),
        (5, 6, 4), (0, 0, 0), 0),
    "DenseCRF": (layer("DenseCRF", "", "data data"), (8, 10, 4), (0, 0, 0), 0),
    # -- what is no part of the network
    "a loss of a fork": (conv("kernel_size: 1") + layer("CenterLoss", "", "x v", "l"), (8, 10, 2), (10, 0, 0), 640),
    "what is made of labels": (
        layer("Data", "transform_param { crop_size: 8 }", "", "d label") + layer("Slice", "", "label", "l1 l2")
        + layer("ReLU", "", "d"), (8, 8, 3), (0, 0, 0), 0),
}  # fmt: skip


@pytest.mark.parametrize("kind", LAYERS)
def test_layer(tmp_path: Path, kind: str) -> None:
    """Each layer has Caffe's size and weights, and none is unknown."""
    text, shape, weights, macs = LAYERS[kind]
    result = analyzed(tmp_path, INPUTS + text)
    totals = result.totals
    assert (result.unknown, result.rows[-1].output_shape) == ((), shape)
    assert (totals.params, totals.frozen, totals.buffers, totals.macs) == (*weights, macs)


# -- shared and constant blobs -----------------------------------------------------------------------------------

SHARED = 'param { name: "w" lr_mult: 1 } param { name: "b" } convolution_param { num_output: 4 kernel_size: 3 pad: 1 }'


def rows(result: cnncalc.Analysis) -> list[tuple[str, int, int, int]]:
    return [(row.name, row.params, row.frozen, row.buffers) for row in result.rows if row.inputs]


def test_shared_blobs(tmp_path: Path) -> None:
    """A named blob is counted with the first layer that has it: 3·3·4·4 + 4."""
    both = layer("Convolution", SHARED, top="a") + layer("Convolution", SHARED, "a", "b")
    assert rows(analyzed(tmp_path, INPUTS + both)) == [("a", 148, 0, 0), ("b", 0, 0, 0)]


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
