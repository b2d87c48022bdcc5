"""Models that are texts (Caffe, Darknet, ncnn, OpenVINO): sound ones, and such whose structure is another by chance."""

from __future__ import annotations

import random
import re

from damage import NUMBERS, changed_lines

from cnncalc.readers.caffe.importer import rules as caffe_rules
from cnncalc.readers.darknet.importer import rules as darknet_rules
from cnncalc.readers.ncnn.importer import rules as ncnn_rules
from cnncalc.readers.openvino.importer import rules as openvino_rules

# -- Caffe ---------------------------------------------------------------------------------------------------

PROTOTXT = """name: "n"
input: "data" input_shape { dim: 1 dim: 3 dim: 16 dim: 16 }
layer { name: "c" type: "Convolution" bottom: "data" top: "c"
  convolution_param { num_output: 8 kernel_size: 3 pad: 1 stride: 1 group: 1 } }
layer { name: "b" type: "BatchNorm" bottom: "c" top: "c" }
layer { name: "s" type: "Scale" bottom: "c" top: "c" scale_param { bias_term: true } }
layer { name: "p" type: "Pooling" bottom: "c" top: "p" pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: "d" type: "Deconvolution" bottom: "p" top: "d"
  convolution_param { num_output: 8 kernel_size: 2 stride: 2 } }
layer { name: "k" type: "Concat" bottom: "c" bottom: "d" top: "k" concat_param { axis: 1 } }
layer { name: "e" type: "Eltwise" bottom: "c" bottom: "d" top: "e" eltwise_param { operation: SUM } }
layer { name: "l" type: "Slice" bottom: "k" top: "l" top: "m" slice_param { slice_point: 4 } }
layer { name: "r" type: "Reshape" bottom: "m" top: "r" reshape_param { shape { dim: 0 dim: -1 dim: 8 dim: 8 } } }
layer { name: "f" type: "InnerProduct" bottom: "r" top: "f" inner_product_param { num_output: 5 } }
layer { name: "q" type: "Softmax" bottom: "f" top: "q" }
"""

#: The axes of blobs: each of these layers has one.
AXES_PROTOTXT = """name: "n" state { level: 1 stage: "s" }
input: "data" input_shape { dim: 2 dim: 4 dim: 8 dim: 10 }
input: "v" input_shape { dim: 2 dim: 4 }
layer { name: "l" type: "Data" top: "e" top: "label" include { phase: TRAIN } transform_param { crop_size: 8 } }
layer { name: "c" type: "Convolution" bottom: "e" top: "c" param { name: "w" lr_mult: 0 }
  convolution_param { num_output: 4 kernel_h: 3 kernel_w: 1 pad_h: 1 } }
layer { name: "f" type: "Flatten" bottom: "data" top: "f" flatten_param { axis: 2 end_axis: -1 } }
layer { name: "k" type: "Concat" bottom: "f" bottom: "f" top: "k" concat_param { axis: 2 } }
layer { name: "i" type: "InnerProduct" bottom: "k" top: "i" inner_product_param { num_output: 5 axis: 2 } }
layer { name: "s" type: "Slice" bottom: "data" top: "a" top: "b" slice_param { axis: 2 slice_point: 3 } }
layer { name: "o" type: "Crop" bottom: "data" bottom: "b" top: "o" crop_param { axis: 2 offset: 1 offset: 0 } }
layer { name: "m" type: "Scale" bottom: "data" bottom: "v" top: "m" scale_param { axis: 0 } }
layer { name: "y" type: "SPP" bottom: "m" top: "y" spp_param { pyramid_height: 2 } }
layer { name: "t" type: "Permute" bottom: "o" top: "t" permute_param { order: 0 order: 2 order: 3 order: 1 } }
layer { name: "n" type: "Interp" bottom: "t" top: "n" interp_param { shrink_factor: 2 zoom_factor: 3 pad_end: -1 } }
layer { name: "h" type: "PriorBox" bottom: "n" bottom: "data" top: "h" prior_box_param { min_size: 3 aspect_ratio: 2 } }
layer { name: "u" type: "LSTM" bottom: "k" bottom: "v" top: "u" recurrent_param { num_output: 3 } }
layer { name: "x" type: "Tile" bottom: "u" top: "x" tile_param { axis: 1 tiles: 2 } }
"""

#: Messages with what decides on sizes; each `#` is a number.
CAFFE_PARAMETERS = (
    "pooling_param { kernel_size: # stride: # pad: # }", "convolution_param { num_output: # kernel_size: # stride: # }",
    "convolution_param { num_output: # kernel_h: # kernel_w: # pad_h: # group: # }", "concat_param { axis: # }",
    "slice_param { axis: # slice_point: # }", "crop_param { axis: # offset: # }",
    "flatten_param { axis: # end_axis: # }", "permute_param { order: # order: # order: # }",
    "reshape_param { axis: # num_axes: # shape { dim: # dim: # dim: # } }",
    "inner_product_param { num_output: # axis: # }", "interp_param { height: # width: # zoom_factor: # pad_beg: # }",
    "spp_param { pyramid_height: # }", "prior_box_param { min_size: # max_size: # aspect_ratio: # }",
    "tile_param { axis: # tiles: # }", "argmax_param { axis: # top_k: # }", "reduction_param { axis: # }",
    "scale_param { axis: # num_axes: # bias_term: true }", "bias_param { axis: # num_axes: # }", 'param { name: "w" }',
    "recurrent_param { num_output: # }", "embed_param { input_dim: # num_output: # }", "softmax_param { axis: # }",
    "upsample_param { scale: # upsample_h: # upsample_w: # }", "roi_pooling_param { pooled_h: # pooled_w: # }",
    "psroi_pooling_param { output_dim: # group_size: # }", "reorg_param { stride: # reverse: true }",
    "correlation_param { kernel_size: # max_displacement: # stride_1: # stride_2: # pad: # }",
    "resample_param { height: # width: # }", "augmentation_param { crop_height: # crop_width: # }",
    "include { min_level: # }", "parameter_param { shape { dim: # dim: # } }", "lrn_param { local_size: # }",
    "input_param { shape { dim: # dim: # dim: # } }", "transform_param { crop_size: # }",
    "shuffle_channel_param { group: # }",
)  # fmt: skip


def filled(pattern: str, choose: random.Random) -> str:
    """The pattern with a number for each `#`."""
    numbers = NUMBERS[:9] if choose.random() < 0.8 else NUMBERS
    return re.sub("#", lambda _: str(choose.choice(numbers)), pattern)


def caffe_line(line: str, choose: random.Random) -> str:
    """A layer of another type, with some parameters, that reads and writes some of the blobs."""
    more = " ".join(filled(choose.choice(CAFFE_PARAMETERS), choose) for _ in range(choose.choice((0, 1, 1, 2, 3))))
    blobs = " ".join(f'bottom: "{choose.choice(("c", "data", "v", "k"))}"' for _ in range(choose.choice((1, 1, 2, 3))))
    return f'layer {{ type: "{choose.choice(list(caffe_rules))}" {blobs} top: "c" {more} }}'


# -- Darknet -------------------------------------------------------------------------------------------------

CFG = """[net]
height=16
width=16
channels=3
[convolutional]
batch_normalize=1
filters=8
size=3
stride=1
pad=1
activation=leaky
[maxpool]
size=2
stride=2
[local]
size=3
filters=4
activation=relu
[route]
layers=-2
groups=2
group_id=1
[convolutional]
filters=4
size=1
[shortcut]
from=-2
activation=linear
[upsample]
stride=2
[reorg]
stride=2
[deconvolutional]
filters=4
size=2
stride=2
[scale_channels]
from=-1
[dropout]
probability=.5
[connected]
output=5
activation=linear
[softmax]
[yolo]
classes=3
num=3
"""

FORKS_CFG = """[net]
height=12
width=16
channels=3
[convolutional]
filters=4 # narrow
size=3
stride_x=1
stride_y=2
padding=2
dilation=2
antialiasing=1
[conv_lstm]
output=4
pad=1
peephole=1
[convolutional]
filters=4
[convolutional]
filters=4
share_index=-1
stopbackward=1
[shortcut]
from=-2,-3
weights_type=per_channel
[crnn]
hidden=3
output=4
size=3
pad=1
[local_avgpool]
size=2
stride=2
[maxpool]
maxpool_depth=1
out_channels=2
[implicit_add]
filters=2
[route]
layers=-2
[shift_channels]
from=-2
[alternate_channels]
from=-3
[upsample]
stride=-2
[reorg]
[lstm]
output=5
[reorg]
extra=1
"""

DARKNET_OPTIONS = (
    "size", "stride", "stride_x", "filters", "pad", "padding", "dilation", "groups", "group_id", "layers", "from",
    "output", "hidden", "share_index", "antialiasing", "maxpool_depth", "out_channels", "reverse", "extra", "atoms",
    "batch_normalize", "xnor", "history_size", "crop_height", "peephole", "bottleneck", "stopbackward", "inputs",
    "height",
)  # fmt: skip


def darknet_line(line: str, choose: random.Random) -> str:
    """Another section, or another option."""
    if choose.random() < 0.5:
        return f"[{choose.choice(list(darknet_rules))}]"
    return filled(f"{choose.choice(DARKNET_OPTIONS)}=#", choose)


# -- ncnn and OpenVINO ---------------------------------------------------------------------------------------

PARAM = """7767517
14 16
Input in 0 1 in 0=16 1=16 2=4
Convolution c 1 1 in c 0=8 1=3 3=1 4=1 5=1 6=288 9=2 -23310=1,1.0e-01
ConvolutionDepthWise d 1 1 c d 0=8 1=3 4=-233 6=72 7=8
BatchNorm b 1 1 d b 0=8
Split s 1 2 b s0 s1
Pooling p 1 1 s0 p 0=0 1=2 2=2
Deconvolution u 1 1 p u 0=8 1=2 3=2 6=256
Concat k 2 1 u s1 k 0=0
Slice v 1 2 k v0 v1 -23300=2,8,-233 1=0
BinaryOp a 2 1 v0 v1 a 0=0
Reshape r 1 1 a r 0=-1 1=8 6="*(0w,0h),0c"
Permute t 1 1 r t 0=1
Gemm g 1 1 t g 5=1 6=1 8=5 9=8 10=4
Interp i 1 1 a i 0=1 1=2.0 2=2.0
"""


def layer(id: int, type: str, inputs: str, dims: str, data: str = "") -> str:
    sizes = "".join(f"<dim>{size}</dim>" for size in dims.split(","))
    given = "".join(f'<port id="{number}"><dim>1</dim></port>' for number in range(len(inputs.split())))
    return (
        f'<layer id="{id}" name="l{id}" type="{type}"><data {data}/><input>{given}</input>'
        f'<output><port id="9" precision="FP32">{sizes}</port></output></layer>'
    )


#: Each layer's type, the layers that it reads, its output's sizes, and its attributes.
IR_LAYERS = (
    ("Parameter", "", "1,4,8,8", ""), ("Const", "", "8,4,3,3", 'element_type="f32" size="1152"'),
    ("Convolution", "0 1", "1,8,8,8", 'strides="1,1" pads_begin="1,1" pads_end="1,1" auto_pad="explicit"'),
    ("Const", "", "1,8,1,1", 'element_type="f32"'), ("Add", "2 3", "1,8,8,8", ""), ("ReLU", "4", "1,8,8,8", ""),
    ("MaxPool", "5", "1,8,4,4", 'kernel="2,2" strides="2,2" rounding_type="ceil"'),
    ("Const", "", "2", 'element_type="i64"'), ("Reshape", "6 7", "1,8,16", ""),
    ("Transpose", "8 7", "1,16,8", ""), ("Const", "", "5,8", 'element_type="f32"'),
    ("MatMul", "9 10", "1,16,5", 'transpose_b="true"'), ("ReduceMean", "5 7", "1,8,1,1", 'keep_dims="true"'),
    ("Multiply", "5 12", "1,8,8,8", ""), ("Concat", "13 5", "1,16,8,8", 'axis="1"'),
    ("Split", "14 7", "1,16,8,8", 'num_splits="1"'), ("Interpolate", "14 7", "1,16,16,16", 'mode="nearest"'),
)  # fmt: skip
EDGES = "".join(
    f'<edge from-layer="{source}" from-port="9" to-layer="{id}" to-port="{number}"/>\n'
    for id, (_, inputs, *_) in enumerate(IR_LAYERS)
    for number, source in enumerate(inputs.split())
)
IR = (
    '<net name="n" version="11"><layers>\n'
    + "\n".join(layer(id, *each) for id, each in enumerate(IR_LAYERS))
    + f"\n</layers><edges>\n{EDGES}</edges></net>\n"
)

TYPES = re.compile(r'(?m)(?<=type=")\w+|^\w+(?= \w+ \d)')


def other_type(line: str, choose: random.Random, types: list[str]) -> str:
    """The line with another type of layer."""
    return TYPES.sub(choose.choice(types), line, count=1)


# -- what makes them -----------------------------------------------------------------------------------------

NETS, CFGS = (PROTOTXT, AXES_PROTOTXT), (CFG, FORKS_CFG)

_NETS = [changed_lines(text, caffe_line, first=1) for text in NETS]
_CFGS = [changed_lines(text, darknet_line) for text in CFGS]
_PARAMS = changed_lines(PARAM, lambda line, choose: other_type(line, choose, list(ncnn_rules)), first=2)
_IRS = changed_lines(IR, lambda line, choose: other_type(line, choose, list(openvino_rules)), first=2)


def net(choose: random.Random) -> bytes:
    """A net of Caffe with another structure."""
    return choose.choice(_NETS)(choose)


def cfg(choose: random.Random) -> bytes:
    """A file of Darknet with another structure."""
    return choose.choice(_CFGS)(choose)


def param(choose: random.Random) -> bytes:
    """A file of ncnn with another structure."""
    return _PARAMS(choose)


def ir(choose: random.Random) -> bytes:
    """A file of OpenVINO with another structure."""
    return _IRS(choose)
