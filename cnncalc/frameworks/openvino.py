"""OpenVINO: the layer types of its intermediate representation, of operation sets 1 to 16, and of IR v7 before them.

Weights are inputs of a layer, so filters, units and biases are given by their shapes; in v7 the layer states them.

    https://docs.openvino.ai, Available Operation Sets
"""

from __future__ import annotations

from cnncalc.frameworks.notation import EACH_AXIS, FLOAT, WHOLE, words
from cnncalc.frameworks.table import Always, Composed, Equivalent, Framework, NoEquivalent, argument, ignored

STRIDES = argument("strides", "stride", EACH_AXIS, [1])
DILATIONS = argument("dilations", "dilation", EACH_AXIS, [1])
KERNEL = argument("kernel", notation=EACH_AXIS)
ROUNDING = argument("rounding_type", "rounding", words({"floor": "floor", "ceil": "ceil"}), "floor")
EXCLUDE_PAD = argument("exclude-pad", "countpad", words({False: True, True: False}))
ABSENT = NoEquivalent("OpenVINO has no operation for it")


def _recurrent(name: str) -> Equivalent:
    return Equivalent(
        f"{name}Sequence",
        f"{name}Cell",
        arguments=(
            argument("hidden_size", "units", WHOLE),
            argument("direction", "bidirectional", words({False: "forward", True: "bidirectional"}), "forward"),
            *ignored("activations", "activations_alpha", "activations_beta", "clip"),
        ),
    )


OPENVINO = Framework(
    "OpenVINO",
    {
        "input": Equivalent("Parameter", "Input"),
        "conv": Equivalent("Convolution", "GroupConvolution", "BinaryConvolution", arguments=(STRIDES, DILATIONS)),
        # As many groups as channels.
        "dwconv": Composed(("GroupConvolution",)),
        "sepconv": Composed(),
        "deconv": Equivalent(
            "ConvolutionBackpropData", "GroupConvolutionBackpropData", "Deconvolution",
            arguments=(STRIDES, DILATIONS, argument("output_padding", notation=EACH_AXIS, default=[0])),
        ),
        "pool": Equivalent("MaxPool", "Pooling", arguments=(KERNEL, STRIDES, DILATIONS, ROUNDING)),
        "avgpool": Equivalent(
            "AvgPool",
            arguments=(KERNEL, STRIDES, ROUNDING, EXCLUDE_PAD),
        ),
        "gap": Composed(("ReduceMean",)),
        "gmp": Composed(("ReduceMax",)),
        "adaptiveavgpool": Equivalent("AdaptiveAvgPool"),
        "adaptivemaxpool": Equivalent("AdaptiveMaxPool"),
        "fc": Equivalent("MatMul", "FullyConnected"),
        "lstm": _recurrent("LSTM"),
        "gru": _recurrent("GRU"),
        "rnn": _recurrent("RNN"),
        "convlstm": ABSENT,
        "rearrange": ABSENT,
        "timewise": ABSENT,
        "embedding": Composed(("Gather",)),
        "parameter": Composed(),
        "attention": Composed(),
        "grn": Composed(),
        "bn": Equivalent("BatchNormInference", "BatchNormalization", arguments=ignored("epsilon")),
        "instancenorm": Composed(),
        "ln": Composed(("MVN",)),
        "gn": Equivalent("GroupNormalization", arguments=(argument("num_groups", "groups", WHOLE),)),
        "lrn": Equivalent("LRN", "Norm", arguments=(argument("size", notation=WHOLE),)),
        "scale": Composed(("Multiply", "ScaleShift")),
        "relu": Equivalent("ReLU", "Relu"),
        "relu6": Composed(("Clamp",)),
        "leakyrelu": Composed(("PReLU",)),
        "elu": Equivalent("Elu", "ELU", arguments=(argument("alpha", notation=FLOAT, default=1),)),
        "prelu": Equivalent("PReLU", "PRelu"),
        "selu": Equivalent("Selu"),
        "celu": ABSENT,
        "gelu": Equivalent("Gelu", arguments=(argument("approximation_mode", Always("ERF", True), default=None),)),
        "silu": Equivalent("Swish"),
        "mish": Equivalent("Mish"),
        "sigmoid": Equivalent("Sigmoid"),
        "hardsigmoid": Equivalent("HardSigmoid", "HSigmoid"),
        "hardswish": Equivalent("HSwish"),
        "tanh": Equivalent("Tanh", "TanH"),
        "hardtanh": Composed(("Clamp",)),
        "softplus": Equivalent("SoftPlus"),
        "softsign": Equivalent("SoftSign"),
        "softmax": Equivalent("SoftMax", "Softmax", arguments=(argument("axis", Always(1, True), default=None),)),
        "logsoftmax": Equivalent("LogSoftmax", arguments=(argument("axis", Always(1, True), default=None),)),
        "identity": Equivalent("Result"),
        "dropout": ABSENT,
        "droppath": ABSENT,
        "upsample": Composed(("Interpolate", "Resample", "Interp")),
        "resize": Composed(("Interpolate", "Resample", "Interp")),
        "pixelshuffle": Equivalent(
            "DepthToSpace",
            arguments=(
                argument("block_size", "factor", WHOLE), argument("mode", Always("depth_first", True), default=None)
            ),
        ),
        "pixelunshuffle": Equivalent(
            "SpaceToDepth",
            arguments=(
                argument("block_size", "factor", WHOLE), argument("mode", Always("depth_first", True), default=None)
            ),
        ),
        "shuffle": Equivalent("ShuffleChannels", arguments=(argument("group", "groups", WHOLE, 1),)),
        "pad": Composed(("Pad",)),
        "crop": Composed(("StridedSlice", "Slice", "Crop")),
        "slice": Composed(("Split", "VariadicSplit", "Slice")),
        "flatten": Composed(("Reshape", "Flatten")),
        "reshape": Composed(("Reshape",)),
        "add": Equivalent("Add", "Eltwise"),
        "mul": Equivalent("Multiply", "Eltwise"),
        "concat": Equivalent("Concat", arguments=(argument("axis", Always(1, True), default=None),)),
    },
    shared=("MatMul", "Gather", "Result", "PReLU", "Clamp", "Slice", "Split", "Eltwise", "Multiply", "Reshape", "MVN"),
)  # fmt: skip

#: Activations that a layer of v7 of type `Activation` may be.
ACTIVATIONS = {
    "sigmoid": "sigmoid", "tanh": "tanh", "elu": "elu", "relu": "relu", "softplus": "softplus", "mish": "mish",
    "hswish": "hardswish", "swish": "silu",
}  # fmt: skip

#: Types that pass on their first input: in another type, quantized, or out of the network.
PASSED_ON = (
    "Result", "Convert", "ConvertLike", "FakeQuantize", "FakeConvert", "Copy", "Identity", "ReadValue", "Assign",
    "Memory",
)  # fmt: skip

#: Types that work element by element on one tensor and hold no weights.
UNARY = (
    "Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Ceiling", "Cos", "Cosh", "CumSum", "Erf", "Exp", "Floor",
    "IsFinite", "IsInf", "IsNaN", "Inverse", "Log", "LogicalNot", "Negative", "NormalizeL2", "MVN", "Round",
    "Sign", "Sin", "Sinh", "Sqrt", "Tan", "ThresholdedRelu", "GRN", "Normalize", "Not", "ReverseSequence", "Reverse",
    "ScatterUpdate", "ScatterNDUpdate", "ScatterElementsUpdate", "BitwiseNot",
)  # fmt: skip

#: Types that work element by element on two tensors or more, whose shapes stretch.
BINARY = (
    "Subtract", "Divide", "Maximum", "Minimum", "Power", "Mod", "FloorMod", "SquaredDifference", "Equal", "NotEqual",
    "Less", "LessEqual", "Greater", "GreaterEqual", "LogicalAnd", "LogicalOr", "LogicalXor", "Select", "BitwiseAnd",
    "BitwiseOr", "BitwiseXor", "BitwiseLeftShift", "BitwiseRightShift", "Clip",
)  # fmt: skip

#: Types with the shape that the file states, which neither multiply nor hold weights.
STATED = (
    "ArgMax", "BatchToSpace", "Broadcast", "Bucketize", "CTCGreedyDecoder", "CTCGreedyDecoderSeqLen", "CTCLoss",
    "Col2Im", "Crop", "DetectionOutput", "ExperimentalDetectronDetectionOutput",
    "ExperimentalDetectronGenerateProposalsSingleImage",
    "ExperimentalDetectronPriorGridGenerator", "ExperimentalDetectronROIFeatureExtractor",
    "ExperimentalDetectronTopKROIs", "ExtractImagePatches", "GatherElements", "GatherND", "GatherTree", "GridSample",
    "MatrixNms", "MulticlassNms", "Multinomial", "NonMaxSuppression", "NonZero", "OneHot", "PSROIPooling", "Pad",
    "PriorBox", "PriorBoxClustered", "Proposal", "ROIAlign", "ROIAlignRotated", "ROIPooling", "RandomUniform", "Range",
    "RegionYolo", "ReorgYolo", "Roll", "SimplerNMS", "Slice", "SpaceToBatch", "StridedSlice", "Tile", "TopK", "Unique",
    "Eye", "SliceScatter", "SegmentMax", "DeformablePSROIPooling", "EmbeddingBagOffsetsSum", "EmbeddingBagPackedSum",
    "EmbeddingSegmentsSum", "STFT", "ISTFT", "DFT", "IDFT", "RDFT", "IRDFT",
)  # fmt: skip

#: The bytes of an element by the names of types, in v10 and later and in v7; fractions of a byte for packed types.
TYPES: dict[str, float] = {
    "f64": 8, "f32": 4, "f16": 2, "bf16": 2, "f8e4m3": 1, "f8e5m2": 1, "f4e2m1": 0.5, "nf4": 0.5, "i64": 8, "i32": 4,
    "i16": 2, "i8": 1, "i4": 0.5, "u64": 8, "u32": 4, "u16": 2, "u8": 1, "u4": 0.5, "u2": 0.25, "u1": 0.125,
    "boolean": 1, "bool": 1,
}  # fmt: skip
