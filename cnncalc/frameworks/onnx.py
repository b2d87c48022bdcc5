"""ONNX: operators of its default domain, and of the domain of ONNX Runtime if models use them.

Weights are inputs of an operator, so filters, units and biases are given by their shapes, not by attributes.

    https://onnx.ai/onnx/operators/
"""

from __future__ import annotations

from cnncalc.frameworks.notation import AXIS_CHANNELS_FIRST, BEGINS_THEN_ENDS, EACH_AXIS, FLOAT, WHOLE, words
from cnncalc.frameworks.table import Always, Composed, Equivalent, Framework, NoEquivalent, argument, ignored

WINDOW = (argument("kernel_shape", "kernel", EACH_AXIS), argument("strides", "stride", EACH_AXIS, [1]))
DILATIONS = argument("dilations", "dilation", EACH_AXIS, [1])
GROUP = argument("group", "groups", WHOLE, 1)
PADS = argument("pads", "padding", BEGINS_THEN_ENDS, [0, 0])
CEIL_MODE = argument("ceil_mode", "rounding", words({"floor": 0, "ceil": 1}), 0)
#: Channels come behind the batch.
CHANNEL_AXIS = argument("axis", Always(1, any_is_read=True), default=None)
EPSILON = ignored("epsilon")


def _recurrent(name: str, *own: str) -> Equivalent:
    return Equivalent(
        name,
        arguments=(
            argument("hidden_size", "units", WHOLE),
            argument("direction", "bidirectional", words({False: "forward", True: "bidirectional"}), "forward"),
            *ignored("activations", "activation_alpha", "activation_beta", "clip", "layout", *own),
        ),
    )


ONNX = Framework(
    "ONNX",
    {
        "input": Composed(),
        "conv": Equivalent(
            "Conv", "FusedConv", "ConvInteger", "QLinearConv", arguments=(*WINDOW, DILATIONS, GROUP, PADS)
        ),
        "dwconv": Composed(),
        "sepconv": Composed(),
        "deconv": Equivalent(
            "ConvTranspose",
            arguments=(
                *WINDOW, DILATIONS, GROUP, argument("output_padding", notation=EACH_AXIS, default=[0]), PADS,
            ),
        ),
        "pool": Equivalent("MaxPool", arguments=(*WINDOW, PADS, CEIL_MODE, DILATIONS)),
        "avgpool": Equivalent(
            "AveragePool",
            "QLinearAveragePool",
            arguments=(
                *WINDOW, PADS, CEIL_MODE, argument("count_include_pad", "countpad", words({False: 0, True: 1}), 0),
            ),
        ),
        "gap": Equivalent("GlobalAveragePool", "QLinearGlobalAveragePool"),
        "gmp": Equivalent("GlobalMaxPool"),
        # Pools whose windows are the quotients of the sizes.
        "adaptiveavgpool": Composed(),
        "adaptivemaxpool": Composed(),
        "fc": Equivalent("Gemm", arguments=(argument("transB", Always(1, any_is_read=True), default=0),)),
        "lstm": _recurrent("LSTM", "input_forget"),
        "gru": _recurrent("GRU", "linear_before_reset"),
        "rnn": _recurrent("RNN"),
        "convlstm": NoEquivalent("it has no convolutional LSTM", "write it as a `lstm`, or export to PyTorch or Keras"),
        "rearrange": Composed(),
        "timewise": Composed(),
        "embedding": Composed(),
        "parameter": Composed(),
        # Its operator of that name is younger than the operators that are written.
        "attention": Composed(),
        "grn": Composed(),
        "bn": Equivalent("BatchNormalization", arguments=(*EPSILON, *ignored("momentum", "training_mode"))),
        "instancenorm": Equivalent("InstanceNormalization", arguments=EPSILON),
        "ln": Equivalent(
            "LayerNormalization", arguments=(argument("axis", Always(-1, any_is_read=True), default=None), *EPSILON)
        ),
        "gn": Equivalent("GroupNormalization", arguments=(argument("num_groups", "groups", WHOLE), *EPSILON)),
        "lrn": Equivalent("LRN", arguments=(argument("size", notation=WHOLE), *ignored("alpha", "beta", "bias"))),
        "scale": Composed(),
        "relu": Equivalent("Relu"),
        "relu6": Composed(),
        "selu": Equivalent("Selu", arguments=ignored("alpha", "gamma")),
        "celu": Equivalent("Celu", arguments=ignored("alpha")),
        "gelu": Equivalent("Gelu", "QuickGelu", "FastGelu", arguments=ignored("approximate")),
        "silu": Composed(("Swish",)),
        "mish": Equivalent("Mish"),
        "sigmoid": Equivalent("Sigmoid", "QLinearSigmoid"),
        "hardsigmoid": Equivalent(
            "HardSigmoid",
            arguments=(
                argument("alpha", Always(1 / 6, any_is_read=True), default=0.2),
                argument("beta", Always(0.5, any_is_read=True), default=None),
            ),
        ),
        "hardswish": Equivalent("HardSwish"),
        "tanh": Equivalent("Tanh"),
        "hardtanh": Composed(),
        "softplus": Equivalent("Softplus"),
        "softsign": Equivalent("Softsign"),
        "identity": Equivalent("Identity"),
        "softmax": Equivalent("Softmax", "QLinearSoftmax", arguments=(CHANNEL_AXIS,)),
        "logsoftmax": Equivalent("LogSoftmax", arguments=(CHANNEL_AXIS,)),
        "leakyrelu": Equivalent(
            "LeakyRelu", "QLinearLeakyRelu", arguments=(argument("alpha", "slope", FLOAT, 0.01),)
        ),
        "elu": Equivalent("Elu", arguments=(argument("alpha", notation=FLOAT, default=1),)),
        "prelu": Equivalent("PRelu"),
        "dropout": Equivalent("Dropout"),
        # At inference it is nothing.
        "droppath": Equivalent("Identity"),
        "upsample": Equivalent(
            "Resize", "Upsample",
            arguments=(argument("mode", notation=words({"nearest": "nearest", "bilinear": "linear"}), default=None),),
        ),
        "resize": Equivalent(
            "Resize",
            arguments=(argument("mode", notation=words({"nearest": "nearest", "bilinear": "linear"}), default=None),),
        ),
        "pixelshuffle": Equivalent(
            "DepthToSpace",
            arguments=(argument("blocksize", "factor", WHOLE), argument("mode", Always("CRD", True), default="DCR")),
        ),
        # Its blocks come before the channels in the channels' order, which ours do not.
        "pixelunshuffle": Composed(("SpaceToDepth",)),
        "shuffle": Composed(),
        "pad": Equivalent("Pad"),
        "crop": Composed(("Slice",)),
        "slice": Composed(("Slice",)),
        "flatten": Equivalent("Flatten", arguments=(argument("axis", Always(1), default=None),)),
        "reshape": Equivalent("Reshape"),
        "add": Equivalent("Add", "Sum"),
        "mul": Equivalent("Mul"),
        "concat": Equivalent("Concat", arguments=(argument("axis", notation=AXIS_CHANNELS_FIRST, default=None),)),
    },
    prefixes=("onnx",),
)  # fmt: skip
