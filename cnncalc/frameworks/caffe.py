"""Caffe: the layer types of `caffe.proto`, in their newer spelling; the older one is in capitals (`INNER_PRODUCT`).

Types that BVLC's Caffe lacks are those of its widespread forks: SSD's, and those that converters write.

    https://github.com/BVLC/caffe, src/caffe/proto/caffe.proto
"""

from __future__ import annotations

from cnncalc.frameworks.notation import (
    AXIS_CHANNELS_FIRST,
    FIRST,
    FLAG,
    PER_AXIS,
    REAL,
    SECOND,
    SYMMETRIC,
    WHOLE,
)
from cnncalc.frameworks.table import Composed, Equivalent, Framework, Meaning, NoEquivalent, argument, ignored

KERNEL = argument("kernel_size", "kernel", PER_AXIS)
STRIDE = argument("stride", notation=PER_AXIS, default=1)
PAD = argument("pad", "padding", SYMMETRIC, 0)
DILATION = argument("dilation", notation=PER_AXIS, default=1)
NUM_OUTPUT = argument("num_output", "filters", WHOLE)
GROUP = argument("group", "groups", WHOLE, 1)
BIAS_TERM = argument("bias_term", "bias", FLAG, True)
POOL = (KERNEL, STRIDE, PAD)
ABSENT = NoEquivalent("Caffe has no layer type for it")

CAFFE = Framework(
    "Caffe",
    {
        "input": Equivalent("Input"),
        "conv": Equivalent(
            "Convolution", arguments=(NUM_OUTPUT, KERNEL, STRIDE, PAD, DILATION, GROUP, BIAS_TERM)
        ),
        # As many groups as channels, whatever `group` says.
        "dwconv": Equivalent(
            "ConvolutionDepthwise", "DepthwiseConvolution", "DepthwiseConv",
            arguments=(argument("num_output", Meaning.OUTPUT_CHANNELS), KERNEL, STRIDE, PAD, DILATION, BIAS_TERM),
        ),
        "sepconv": Composed(),
        "deconv": Equivalent(
            "Deconvolution", arguments=(NUM_OUTPUT, KERNEL, STRIDE, PAD, DILATION, GROUP, BIAS_TERM)
        ),
        # `pool: MAX` or `AVE` and `global_pooling` tell these four apart.
        "pool": Equivalent("Pooling", arguments=POOL),
        "avgpool": Equivalent("Pooling", arguments=POOL),
        "gap": Equivalent("Pooling"),
        "gmp": Equivalent("Pooling"),
        "adaptiveavgpool": ABSENT,
        "adaptivemaxpool": ABSENT,
        "fc": Equivalent("InnerProduct", arguments=(argument("num_output", "units", WHOLE), BIAS_TERM)),
        # BVLC's layers `LSTM` and `RNN` take the blob's first axis for steps: in a file they are operators.
        "lstm": ABSENT,
        "gru": ABSENT,
        "rnn": ABSENT,
        "convlstm": ABSENT,
        "rearrange": ABSENT,
        "timewise": ABSENT,
        "embedding": Equivalent(
            "Embed", arguments=(argument("input_dim", "table", FIRST), argument("num_output", "table", SECOND))
        ),
        "parameter": Composed(("Parameter",)),
        "attention": ABSENT,
        "grn": ABSENT,
        # A `BatchNorm` has no weights of its own: a `Scale` behind it does.
        "bn": Equivalent("BN", "BatchNorm"),
        "instancenorm": ABSENT,
        "ln": ABSENT,
        "gn": ABSENT,
        "lrn": Equivalent(
            "LRN", arguments=(argument("local_size", "size", WHOLE, 5), *ignored("alpha", "beta", "norm_region", "k"))
        ),
        "scale": Equivalent("Scale", arguments=(argument("bias_term", "bias", FLAG, False),)),
        "relu": Equivalent("ReLU"),
        "relu6": Equivalent("ReLU6"),
        "leakyrelu": Equivalent("ReLU", arguments=(argument("negative_slope", "slope", REAL, 0),)),
        "elu": Equivalent("ELU", arguments=ignored("alpha")),
        "prelu": Equivalent("PReLU", arguments=(argument("channel_shared", "shared", FLAG, False),)),
        "selu": Equivalent("SELU", "SeLu"),
        "celu": ABSENT,
        "gelu": ABSENT,
        "silu": Equivalent("Swish", "SiLU"),
        "mish": Equivalent("Mish"),
        "sigmoid": Equivalent("Sigmoid", "SigmoidCrossEntropyLoss"),
        "hardsigmoid": Equivalent("HSigmoid", "HardSigmoid"),
        "hardswish": Equivalent("HSwish", "HardSwish"),
        "tanh": Equivalent("TanH"),
        "hardtanh": ABSENT,
        "softplus": Equivalent("BNLL", "Softplus"),
        "softsign": ABSENT,
        "softmax": Equivalent("Softmax", "SoftmaxWithLoss", "SoftmaxLoss", "SoftmaxWithLossOHEM"),
        "logsoftmax": ABSENT,
        "identity": Equivalent("Split"),
        "dropout": Equivalent("Dropout", "SeLuDropout", "SpatialDropout", arguments=ignored("dropout_ratio")),
        "droppath": ABSENT,
        # Of SegNet's, with the places of a max pool, by a factor or to a size.
        "upsample": Equivalent("Upsample", arguments=(argument("scale", "factor", PER_AXIS, 2),)),
        "resize": ABSENT,
        "pixelshuffle": ABSENT,
        "pixelunshuffle": ABSENT,
        "shuffle": Equivalent("ShuffleChannel", arguments=(argument("group", "groups", WHOLE, 1),)),
        "pad": ABSENT,
        "crop": Composed(("Crop",)),
        "slice": Composed(("Slice",)),
        "flatten": Equivalent("Flatten", arguments=ignored("axis", "end_axis")),
        "reshape": Composed(("Reshape",)),
        "add": Composed(("Eltwise",)),
        "mul": Composed(("Eltwise", "Scale")),
        "concat": Equivalent(
            "Concat", arguments=(argument("axis", notation=AXIS_CHANNELS_FIRST, default=1), *ignored("concat_dim"))
        ),
    },
)  # fmt: skip

#: Kind → the message that holds its arguments, where it is not the layer's type in snake case.
PARAMETERS = {
    "dwconv": "convolution_param", "deconv": "convolution_param", "conv": "convolution_param",
    "fc": "inner_product_param", "shuffle": "shuffle_channel_param", "prelu": "prelu_param", "lrn": "lrn_param",
    "pool": "pooling_param", "avgpool": "pooling_param", "scale": "scale_param", "upsample": "upsample_param",
    "leakyrelu": "relu_param",
}  # fmt: skip

#: Types that work element by element and hold no weights, and that no layer of ours stands for.
ELEMENTWISE = ("AbsVal", "Power", "Exp", "Log", "Threshold", "Clip", "MVN")

#: Types that only measure, hide or store an output; so does every other whose name ends in `Loss` or `Accuracy`.
WITHOUT_OUTPUT = (
    "Accuracy", "Silence", "HDF5Output", "DetectionEvaluate", "SegmentationEvaluate", "EvalDetection", "MatWrite",
    "FLOWriter", "FloatWriter", "ImgWriter", "PFMWriter", "Yolov3", "YoloSeg", "CTCGreedyDecoder",
)  # fmt: skip
