"""Darknet: the sections of its cfg files, by Joseph Redmon's Darknet, Alexey Bochkovskiy's fork, and YOLOR's.

https://github.com/pjreddie/darknet, https://github.com/AlexeyAB/darknet, https://github.com/WongKinYiu/yolor
"""

from __future__ import annotations

from cnncalc.frameworks.notation import PER_AXIS, WHOLE
from cnncalc.frameworks.table import Composed, Equivalent, Framework, NoEquivalent, argument

SIZE = argument("size", "kernel", PER_AXIS, 1)
STRIDE = argument("stride", notation=PER_AXIS, default=1)
FILTERS = argument("filters", notation=WHOLE, default=1)
POOL = (STRIDE, argument("size", "kernel", PER_AXIS, like="stride"))
ABSENT = NoEquivalent("Darknet has no section for it")
#: A value of the option `activation`.
ACTIVATION = Composed()

#: Values of the option `activation`, and our kinds; `leaky` has the slope 0.1. `linear` is no activation.
ACTIVATIONS: dict[str, str | None] = {
    "linear": None, "leaky": "leakyrelu", "relu": "relu", "relu6": "relu6", "logistic": "sigmoid", "elu": "elu",
    "selu": "selu", "gelu": "gelu", "tanh": "tanh", "mish": "mish", "swish": "silu", "silu": "silu",
    "hardtan": "hardtanh",
}  # fmt: skip

#: Values of the option `activation` that none of our kinds stands for; `emb` is that of ScaledYOLOv4.
OTHER_ACTIVATIONS = (
    "loggy", "relie", "plse", "lhtan", "ramp", "revleaky", "stair", "hard_mish", "normalize_channels",
    "normalize_channels_softmax", "normalize_channels_softmax_maxval", "emb",
)  # fmt: skip

#: The slope of `leaky`.
LEAKY_SLOPE = 0.1

DARKNET = Framework(
    "Darknet",
    {
        "input": Composed(),
        # Padding is half of the window (`pad=1`) or a number (`padding`); with `batch_normalize` there is no bias.
        "conv": Equivalent(
            "convolutional", "conv",
            arguments=(
                FILTERS, SIZE, STRIDE, argument("dilation", notation=PER_AXIS, default=1),
                argument("groups", notation=WHOLE, default=1),
            ),
        ),
        "dwconv": Composed(),
        "sepconv": Composed(),
        "deconv": Equivalent("deconvolutional", "deconv", arguments=(FILTERS, SIZE, STRIDE)),
        "pool": Equivalent("maxpool", "max", arguments=POOL),
        "avgpool": Equivalent("local_avgpool", "local_avg", arguments=POOL),
        "gap": Equivalent("avgpool", "avg"),
        "gmp": ABSENT,
        "adaptiveavgpool": ABSENT,
        "adaptivemaxpool": ABSENT,
        "fc": Equivalent("connected", "conn", arguments=(argument("output", "units", WHOLE, 1),)),
        # Its sections `lstm`, `gru`, `rnn` and `conv_lstm` take the batch for steps: in a file they are operators.
        "lstm": ABSENT,
        "gru": ABSENT,
        "rnn": ABSENT,
        "convlstm": ABSENT,
        "rearrange": ABSENT,
        "timewise": ABSENT,
        "embedding": ABSENT,
        "parameter": Composed(("implicit", "implicit_add", "implicit_mul", "implicit_cat")),
        "attention": ABSENT,
        "grn": ABSENT,
        "bn": Equivalent("batchnorm", "batchnorm2d"),
        "instancenorm": ABSENT,
        "ln": ABSENT,
        "gn": ABSENT,
        "lrn": Equivalent("normalization", "lrn", arguments=(argument("size", notation=WHOLE, default=5),)),
        "scale": ABSENT,
        "relu": ACTIVATION,
        "relu6": ACTIVATION,
        "leakyrelu": ACTIVATION,
        "elu": ACTIVATION,
        "prelu": ABSENT,
        "selu": ACTIVATION,
        "celu": ABSENT,
        "gelu": ACTIVATION,
        "silu": ACTIVATION,
        "mish": ACTIVATION,
        "sigmoid": ACTIVATION,
        "hardsigmoid": ABSENT,
        "hardswish": ABSENT,
        "tanh": ACTIVATION,
        "hardtanh": ACTIVATION,
        "softplus": ABSENT,
        "softsign": ABSENT,
        "softmax": Equivalent("softmax", "soft"),
        "logsoftmax": ABSENT,
        "identity": ABSENT,
        "dropout": Equivalent("dropout"),
        "droppath": ABSENT,
        "upsample": Equivalent("upsample", arguments=(argument("stride", "factor", PER_AXIS, 2),)),
        "resize": ABSENT,
        "pixelshuffle": ABSENT,
        "pixelunshuffle": ABSENT,
        "shuffle": ABSENT,
        "pad": ABSENT,
        "crop": Composed(("crop",)),
        "slice": Composed(("route", "route_lhalf")),
        "flatten": ABSENT,
        "reshape": ABSENT,
        "add": Composed(("shortcut", "shift_channels")),
        "mul": Composed(("scale_channels", "sam", "control_channels")),
        "concat": Composed(("route",)),
    },
    activations=ACTIVATIONS,
)  # fmt: skip

#: Sections that only training has: they pass on their input.
TRAINING = ("cost", "contrastive", "gaussian_noise")

#: Sections that read a tensor's channels as boxes, position by position, and hold no weights.
HEADS = ("yolo", "gaussian_yolo", "region", "detection", "iseg", "jde")

#: Sections that work on images: to them a vector is an image of one position.
ON_IMAGES = (
    *(
        name
        for kind in ("conv", "deconv", "pool", "avgpool", "gap", "upsample", "lrn")
        for name in DARKNET.equivalent(kind).names
    ),
    "deformableconvolutional", "local", "reorg", "reorg3d", "dwt", "crop", "crnn", "conv_lstm", "history",
)  # fmt: skip

#: Names of the first section, which states the input's size.
INPUT = ("net", "network")
