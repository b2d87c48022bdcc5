"""TensorFlow Lite: the operators of its schema.

Weights are inputs of an operator, so filters, units and biases are given by their shapes; an operator may have an
activation built in.

    https://github.com/tensorflow/tensorflow, tensorflow/compiler/mlir/lite/schema/schema.fbs
"""

from __future__ import annotations

from cnncalc.frameworks.notation import REAL, WHOLE
from cnncalc.frameworks.table import Composed, Equivalent, Framework, NoEquivalent, argument, ignored

ABSENT = NoEquivalent("TensorFlow Lite has no operator for it")
WINDOW = ignored("Padding", "StrideH", "StrideW", "FusedActivationFunction")

TFLITE = Framework(
    "TensorFlow Lite",
    {
        "input": Composed(),
        "parameter": Composed(),
        "rearrange": Composed(),
        "timewise": Composed(),
        "conv": Equivalent("CONV_2D", "CONV_3D", arguments=WINDOW),
        "dwconv": Equivalent("DEPTHWISE_CONV_2D", arguments=(*WINDOW, *ignored("DepthMultiplier"))),
        "sepconv": Composed(),
        "deconv": Equivalent("TRANSPOSE_CONV", "CONV_3D_TRANSPOSE", arguments=WINDOW),
        "pool": Equivalent("MAX_POOL_2D", arguments=WINDOW),
        "avgpool": Equivalent("AVERAGE_POOL_2D", arguments=WINDOW),
        "gap": Composed(("MEAN",)),
        "gmp": Composed(("REDUCE_MAX",)),
        "adaptiveavgpool": ABSENT,
        "adaptivemaxpool": ABSENT,
        "fc": Equivalent("FULLY_CONNECTED", arguments=ignored("KeepNumDims", "FusedActivationFunction")),
        "lstm": Equivalent("UNIDIRECTIONAL_SEQUENCE_LSTM"),
        "gru": Composed(),
        "rnn": Equivalent("UNIDIRECTIONAL_SEQUENCE_RNN"),
        "convlstm": Composed(),
        "attention": Composed(),
        "embedding": Composed(("GATHER", "EMBEDDING_LOOKUP")),
        "grn": Composed(),
        # Folded into the convolution before it, or a product and a sum.
        "bn": Composed(),
        "instancenorm": Composed(),
        "ln": Composed(),
        "gn": Composed(),
        "lrn": Equivalent("LOCAL_RESPONSE_NORMALIZATION"),
        "scale": Composed(("MUL",)),
        "relu": Equivalent("RELU"),
        "relu6": Equivalent("RELU6"),
        "leakyrelu": Equivalent("LEAKY_RELU", arguments=(argument("Alpha", "slope", REAL, 0.01),)),
        "elu": Equivalent("ELU"),
        "prelu": Equivalent("PRELU"),
        "selu": ABSENT,
        "celu": ABSENT,
        "gelu": Equivalent("GELU", arguments=ignored("Approximate")),
        "silu": Composed(),
        "mish": Composed(),
        "sigmoid": Equivalent("LOGISTIC"),
        "hardsigmoid": ABSENT,
        "hardswish": Equivalent("HARD_SWISH"),
        "tanh": Equivalent("TANH"),
        "hardtanh": Equivalent("RELU_N1_TO_1"),
        "softplus": ABSENT,
        "softsign": ABSENT,
        "softmax": Equivalent("SOFTMAX"),
        "logsoftmax": Equivalent("LOG_SOFTMAX"),
        "identity": ABSENT,
        "dropout": ABSENT,
        "droppath": ABSENT,
        "upsample": Composed(("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")),
        "resize": Composed(("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")),
        "pixelshuffle": Equivalent("DEPTH_TO_SPACE", arguments=(argument("BlockSize", "factor", WHOLE),)),
        "pixelunshuffle": Equivalent("SPACE_TO_DEPTH", arguments=(argument("BlockSize", "factor", WHOLE),)),
        "shuffle": Composed(),
        "pad": Composed(("PAD", "PADV2", "MIRROR_PAD")),
        "crop": Composed(("SLICE", "STRIDED_SLICE")),
        "slice": Composed(("SPLIT", "SPLIT_V", "SLICE", "STRIDED_SLICE")),
        "flatten": Composed(("RESHAPE",)),
        "reshape": Composed(("RESHAPE",)),
        "add": Equivalent("ADD", "ADD_N"),
        "mul": Equivalent("MUL"),
        "concat": Equivalent("CONCATENATION"),
    },
    shared=("MUL", "GATHER", "RESHAPE", "SLICE", "STRIDED_SLICE", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"),
)  # fmt: skip

#: Kinds that a built-in activation is, by its number in the schema; 5 is the sign, 0 none.
ACTIVATIONS = {1: "relu", 2: "hardtanh", 3: "relu6", 4: "tanh"}

#: Operators that copy a tensor element by element to another type.
COPIES = ("QUANTIZE", "DEQUANTIZE", "CAST", "FAKE_QUANT", "BITCAST")

#: Operators that work element by element on one tensor.
UNARY = (
    "ABS", "CEIL", "COS", "EXP", "FLOOR", "LOG", "LOGICAL_NOT", "NEG", "ROUND", "RSQRT", "SIGN", "SIN", "SQRT",
    "SQUARE", "RELU_0_TO_1", "L2_NORMALIZATION", "CUMSUM", "ZEROS_LIKE", "REVERSE_V2", "REVERSE_SEQUENCE",
    "MATRIX_SET_DIAG", "DYNAMIC_UPDATE_SLICE", "SCATTER_ND",
)  # fmt: skip

#: Operators that work element by element on two tensors or more, whose shapes stretch.
BINARY = (
    "SUB", "DIV", "MAXIMUM", "MINIMUM", "POW", "SQUARED_DIFFERENCE", "FLOOR_DIV", "FLOOR_MOD", "EQUAL", "NOT_EQUAL",
    "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL", "LOGICAL_AND", "LOGICAL_OR", "SELECT", "SELECT_V2", "ATAN2",
    "BITWISE_XOR", "RIGHT_SHIFT",
)  # fmt: skip
