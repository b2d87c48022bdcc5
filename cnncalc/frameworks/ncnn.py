"""ncnn: the layer types of its `.param` files, whose parameters go by number.

https://github.com/Tencent/ncnn, docs/developer-guide/operators.md
"""

from __future__ import annotations

from cnncalc.frameworks.notation import FIRST, FLAG, PER_AXIS, REAL, SECOND, WHOLE
from cnncalc.frameworks.table import Composed, Equivalent, Framework, Meaning, NoEquivalent, argument, ignored

Numbers = dict[str, tuple[int, ...]]

#: The numbers of parameters by their names; where there is one for each axis, the width comes first.
CONVOLUTION: Numbers = {
    "num_output": (0,), "kernel": (1, 11, 21), "dilation": (2, 12, 22), "stride": (3, 13, 23), "pad_begin": (4, 14, 24),
    "pad_end": (15, 16, 17), "bias_term": (5,), "weight_data_size": (6,), "group": (7,), "activation_type": (9,),
    "activation_params": (10,), "output_pad": (18, 19, 20), "output_size": (20, 21), "dynamic_weight": (19,),
}  # fmt: skip
DECONVOLUTION = {**CONVOLUTION, "dynamic_weight": (28,)}
DECONVOLUTION_3D = {**CONVOLUTION, "output_size": (25, 26, 27), "dynamic_weight": (28,)}
POOLING: Numbers = {
    "pooling_type": (0,), "kernel": (1, 11, 21), "stride": (2, 12, 22), "pad_begin": (3, 13, 23),
    "pad_end": (14, 15, 16), "global_pooling": (4,), "pad_mode": (5,), "count_pad": (6,), "adaptive_pooling": (7,),
    "output_size": (8, 18, 28),
}  # fmt: skip
SHAPE: Numbers = {"size": (0, 1, 11, 2)}
INNER_PRODUCT: Numbers = {
    "num_output": (0,), "bias_term": (1,), "weight_data_size": (2,), "activation_type": (9,),
    "activation_params": (10,),
}  # fmt: skip
RECURRENT: Numbers = {"num_output": (0,), "weight_data_size": (1,), "direction": (2,), "hidden_size": (3,)}
NORM: Numbers = {"affine_size": (0,), "affine": (2,)}

#: Type → the numbers of its parameters by their names.
PARAMETERS: dict[str, Numbers] = {
    "Input": SHAPE,
    "MemoryData": SHAPE,
    "Reshape": {**SHAPE, "shape_expr": (6,)},
    "Convolution": CONVOLUTION,
    "Convolution1D": CONVOLUTION,
    "Convolution3D": CONVOLUTION,
    "ConvolutionDepthWise": CONVOLUTION,
    "ConvolutionDepthWise1D": CONVOLUTION,
    "ConvolutionDepthWise3D": CONVOLUTION,
    "DeformableConv2D": CONVOLUTION,
    "Unfold": CONVOLUTION,
    "Fold": CONVOLUTION,
    "Deconvolution": DECONVOLUTION,
    "Deconvolution1D": DECONVOLUTION,
    "Deconvolution3D": DECONVOLUTION_3D,
    "DeconvolutionDepthWise": DECONVOLUTION,
    "DeconvolutionDepthWise1D": DECONVOLUTION,
    "DeconvolutionDepthWise3D": DECONVOLUTION_3D,
    "Pooling": POOLING,
    "Pooling1D": POOLING,
    "Pooling3D": POOLING,
    "InnerProduct": INNER_PRODUCT,
    "LSTM": RECURRENT,
    "GRU": RECURRENT,
    "RNN": RECURRENT,
    "Gemm": {
        "transpose_a": (2,), "transpose_b": (3,), "constant_a": (4,), "constant_b": (5,), "constant_c": (6,),
        "rows": (7,), "columns": (8,), "inner": (9,), "broadcast_c": (10,), "output_transpose": (14,),
        "output_n1m": (11,),
    },
    "MatMul": {"transpose_b": (0,)},
    "MultiHeadAttention": {
        "embed_dim": (0,), "num_heads": (1,), "weight_data_size": (2,), "kdim": (3,), "vdim": (4,), "attn_mask": (5,),
        "kv_cache": (7,),
    },
    "SDPA": {"attn_mask": (5,), "kv_cache": (7,)},
    "Einsum": {"equation": (0,)},
    "Embed": {"num_output": (0,), "input_dim": (1,), "bias_term": (2,), "weight_data_size": (3,)},
    "BatchNorm": {"channels": (0,)},
    "LayerNorm": NORM,
    "RMSNorm": NORM,
    "GroupNorm": {"group": (0,), "channels": (1,), "affine": (3,)},
    "InstanceNorm": {"channels": (0,), "affine": (2,)},
    "LRN": {"local_size": (1,)},
    "Normalize": {"scale_data_size": (3,)},
    "Scale": {"scale_data_size": (0,), "bias_term": (1,)},
    "Bias": {"bias_data_size": (0,)},
    "PReLU": {"num_slope": (0,)},
    "ReLU": {"slope": (0,)},
    "ELU": {"alpha": (0,)},
    "Clip": {"min": (0,), "max": (1,)},
    "BinaryOp": {"op_type": (0,), "with_scalar": (1,)},
    "Eltwise": {"op_type": (0,), "coeffs": (1,)},
    "Concat": {"axis": (0,)},
    "Slice": {"slices": (0,), "axis": (1,), "indices": (2,)},
    "Crop": {
        "offset": (0, 1, 13, 2), "size": (3, 4, 14, 5), "offset_end": (6, 7, 15, 8), "starts": (9,), "ends": (10,),
        "axes": (11,), "starts_expr": (19,),
    },
    "Padding": {"ends": (0, 1, 2, 3, 7, 8)},
    "Permute": {"order_type": (0,)},
    "Squeeze": {"squeeze": (0, 1, 11, 2), "axes": (3,)},
    "ExpandDims": {"expand": (0, 1, 11, 2), "axes": (3,)},
    "Reduction": {"operation": (0,), "reduce_all": (1,), "axes": (3,), "keepdims": (4,)},
    "Tile": {"axis": (0,), "tiles": (1,), "repeats": (2,)},
    "Interp": {
        "resize_type": (0,), "scale": (2, 1), "output_size": (4, 3), "dynamic_target_size": (5,), "size_expr": (9,),
    },
    "PixelShuffle": {"upscale_factor": (0,)},
    "Reorg": {"stride": (0,)},
    "ShuffleChannel": {"group": (0,), "reverse": (1,)},
    "GLU": {"axis": (0,)},
    "ArgMax": {"out_max_val": (0,), "topk": (1,)},
    "StatisticsPooling": {"include_stddev": (0,)},
    "SPP": {"pooling_type": (0,), "pyramid_height": (1,)},
    "ROIPooling": {"pooled_width": (0,), "pooled_height": (1,)},
    "ROIAlign": {"pooled_width": (0,), "pooled_height": (1,)},
    "PSROIPooling": {"pooled_width": (0,), "pooled_height": (1,), "output_dim": (3,)},
    "PriorBox": {"min_sizes": (0,), "max_sizes": (1,), "aspect_ratios": (2,), "flip": (7,)},
    "DetectionOutput": {"keep_top_k": (3,)},
    "Quantize": {"scale_data_size": (0,)},
}  # fmt: skip

KERNEL = argument("kernel", notation=PER_AXIS)
STRIDE = argument("stride", notation=PER_AXIS, default=1)
DILATION = argument("dilation", notation=PER_AXIS, default=1)
NUM_OUTPUT = argument("num_output", "filters", WHOLE)
BIAS_TERM = argument("bias_term", "bias", FLAG, False)
POOL = (KERNEL, STRIDE)
ABSENT = NoEquivalent("ncnn has no layer type for it")


def _recurrent(name: str) -> Equivalent:
    return Equivalent(name, arguments=(argument("num_output", "units", WHOLE), *ignored("weight_data_size")))


NCNN = Framework(
    "ncnn",
    {
        "input": Equivalent("Input"),
        "conv": Equivalent(
            "Convolution", "Convolution1D", "Convolution3D", arguments=(NUM_OUTPUT, KERNEL, STRIDE, DILATION, BIAS_TERM)
        ),
        # With as many groups as channels; with other groups it is a `conv` with groups.
        "dwconv": Equivalent(
            "ConvolutionDepthWise", "ConvolutionDepthWise1D", "ConvolutionDepthWise3D",
            arguments=(argument("num_output", Meaning.OUTPUT_CHANNELS), KERNEL, STRIDE, DILATION, BIAS_TERM),
        ),
        "sepconv": Composed(),
        "deconv": Equivalent(
            "Deconvolution", "Deconvolution1D", "Deconvolution3D", "DeconvolutionDepthWise",
            "DeconvolutionDepthWise1D", "DeconvolutionDepthWise3D",
            arguments=(NUM_OUTPUT, KERNEL, STRIDE, DILATION, BIAS_TERM),
        ),
        # `pooling_type` and `global_pooling` tell these apart.
        "pool": Equivalent("Pooling", "Pooling1D", "Pooling3D", arguments=POOL),
        "avgpool": Equivalent("Pooling", "Pooling1D", "Pooling3D", arguments=POOL),
        "gap": Equivalent("Pooling", "Pooling1D", "Pooling3D"),
        "gmp": Equivalent("Pooling", "Pooling1D", "Pooling3D"),
        "adaptiveavgpool": Equivalent("Pooling", "Pooling1D", "Pooling3D"),
        "adaptivemaxpool": Equivalent("Pooling", "Pooling1D", "Pooling3D"),
        "fc": Equivalent("InnerProduct", "Gemm", arguments=(argument("num_output", "units", WHOLE), BIAS_TERM)),
        "lstm": _recurrent("LSTM"),
        "gru": _recurrent("GRU"),
        "rnn": _recurrent("RNN"),
        "convlstm": ABSENT,
        "rearrange": ABSENT,
        "timewise": ABSENT,
        "embedding": Equivalent(
            "Embed", arguments=(argument("input_dim", "table", FIRST), argument("num_output", "table", SECOND))
        ),
        "parameter": Composed(),
        "attention": Composed(),
        "grn": ABSENT,
        "bn": Equivalent("BatchNorm"),
        "instancenorm": Equivalent("InstanceNorm"),
        "ln": Equivalent("LayerNorm"),
        "gn": Equivalent("GroupNorm", arguments=(argument("group", "groups", WHOLE, 1),)),
        "lrn": Equivalent("LRN", arguments=(argument("local_size", "size", WHOLE, 5),)),
        "scale": Equivalent("Scale", arguments=(argument("bias_term", "bias", FLAG, False),)),
        "relu": Equivalent("ReLU"),
        "relu6": Composed(("Clip",)),
        "leakyrelu": Equivalent("ReLU", arguments=(argument("slope", notation=REAL, default=0),)),
        "elu": Equivalent("ELU", arguments=(argument("alpha", notation=REAL, default=0.1),)),
        "prelu": Equivalent("PReLU"),
        "selu": Equivalent("SELU"),
        "celu": Equivalent("CELU"),
        "gelu": Equivalent("GELU"),
        "silu": Equivalent("Swish"),
        "mish": Equivalent("Mish"),
        "sigmoid": Equivalent("Sigmoid"),
        "hardsigmoid": Equivalent("HardSigmoid"),
        "hardswish": Equivalent("HardSwish"),
        "tanh": Equivalent("TanH"),
        "hardtanh": Composed(("Clip",)),
        "softplus": Equivalent("Softplus"),
        "softsign": ABSENT,
        "softmax": Equivalent("Softmax"),
        "logsoftmax": Composed(),
        "identity": Equivalent("Noop"),
        "dropout": Equivalent("Dropout"),
        "droppath": Composed(),
        "upsample": Composed(("Interp",)),
        "resize": Composed(("Interp",)),
        "pixelshuffle": Equivalent("PixelShuffle", arguments=(argument("upscale_factor", "factor", WHOLE, 1),)),
        "pixelunshuffle": Equivalent("Reorg", arguments=(argument("stride", "factor", WHOLE, 1),)),
        "shuffle": Equivalent("ShuffleChannel", arguments=(argument("group", "groups", WHOLE, 1),)),
        "pad": Composed(("Padding",)),
        "crop": Composed(("Crop",)),
        "slice": Composed(("Slice",)),
        "flatten": Equivalent("Flatten"),
        "reshape": Composed(("Reshape",)),
        "add": Composed(("BinaryOp", "Eltwise")),
        "mul": Composed(("BinaryOp", "Eltwise")),
        "concat": Equivalent("Concat"),
    },
    shared=("Pooling", "Pooling1D", "Pooling3D", "Clip", "BinaryOp", "Eltwise"),
)  # fmt: skip

#: Kinds that a fused activation is, by its number; 0 is none.
ACTIVATIONS = {1: "relu", 2: "leakyrelu", 3: "clip", 4: "sigmoid", 5: "mish", 6: "hardswish"}

#: Types that work element by element, hold no weights and have no layer of ours.
ELEMENTWISE = (
    "AbsVal", "BNLL", "Erf", "Exp", "Log", "Power", "Shrink", "Threshold", "UnaryOp", "MVN", "CumulativeSum",
    "Quantize", "Dequantize", "Requantize", "Flip", "RotaryEmbed",
)  # fmt: skip

#: Types that pass on their input unchanged, to several readers or in another format.
PASSED_ON = ("Split", "Noop", "Cast", "Packing", "DeepCopy")

#: Types whose first axis of a matrix is its channels, as an image's is.
CHANNELS_FIRST = (
    "Convolution1D", "ConvolutionDepthWise1D", "Deconvolution1D", "DeconvolutionDepthWise1D", "Pooling1D", "BatchNorm",
    "PReLU", "Scale",
)  # fmt: skip
