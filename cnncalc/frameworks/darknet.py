"""Darknet: the sections of its cfg files, by Joseph Redmon's Darknet and Alexey Bochkovskiy's fork.

https://github.com/pjreddie/darknet, https://github.com/AlexeyAB/darknet
"""

from __future__ import annotations

from cnncalc.frameworks.notation import PER_AXIS, WHOLE
from cnncalc.frameworks.table import Composed, Equivalent, Framework, NoEquivalent, argument

SIZE = argument("size", "kernel", PER_AXIS, 1)
STRIDE = argument("stride", notation=PER_AXIS, default=1)
FILTERS = argument("filters", notation=WHOLE)
ABSENT = NoEquivalent("Darknet has no section for it")
#: A value of the option `activation`.
ACTIVATION = Composed()

#: Values of the option `activation`, and our kinds; `leaky` has the slope 0.1. `linear` is no activation.
ACTIVATIONS: dict[str, str | None] = {
    "linear": None, "leaky": "leakyrelu", "relu": "relu", "relu6": "relu6", "logistic": "sigmoid", "elu": "elu",
    "selu": "selu", "gelu": "gelu", "tanh": "tanh", "mish": "mish", "swish": "silu", "hardtan": "hardtanh",
}  # fmt: skip

#: The slope of `leaky`.
LEAKY_SLOPE = 0.1

DARKNET = Framework(
    "Darknet",
    {
        "input": Composed(),
        # Padding is half of the window (`pad=1`) or a number (`padding`); with `batch_normalize` there is no bias.
        "conv": Equivalent(
            "convolutional",
            arguments=(
                FILTERS, SIZE, STRIDE, argument("dilation", notation=PER_AXIS, default=1),
                argument("groups", notation=WHOLE, default=1),
            ),
        ),
        "dwconv": Composed(),
        "sepconv": Composed(),
        "deconv": Equivalent("deconvolutional", arguments=(FILTERS, SIZE, STRIDE)),
        "pool": Equivalent("maxpool", arguments=(STRIDE, argument("size", "kernel", PER_AXIS, like="stride"))),
        "avgpool": ABSENT,
        "gap": Equivalent("avgpool"),
        "gmp": ABSENT,
        "adaptiveavgpool": ABSENT,
        "adaptivemaxpool": ABSENT,
        "fc": Equivalent("connected", arguments=(argument("output", "units", WHOLE),)),
        # Its sections `lstm`, `gru` and `rnn` take the batch for steps.
        "lstm": ABSENT,
        "gru": ABSENT,
        "rnn": ABSENT,
        "convlstm": ABSENT,
        "embedding": ABSENT,
        "attention": ABSENT,
        "grn": ABSENT,
        "bn": Equivalent("batchnorm"),
        "instancenorm": ABSENT,
        "ln": ABSENT,
        "gn": ABSENT,
        "lrn": Composed(("normalization",)),
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
        "softmax": Equivalent("softmax"),
        "logsoftmax": ABSENT,
        "identity": ABSENT,
        "dropout": Equivalent("dropout"),
        "droppath": ABSENT,
        "upsample": Equivalent("upsample", arguments=(argument("stride", "factor", PER_AXIS, 2),)),
        "pixelshuffle": ABSENT,
        "pixelunshuffle": ABSENT,
        "shuffle": ABSENT,
        "pad": ABSENT,
        "crop": Composed(("crop",)),
        "slice": Composed(("route",)),
        "flatten": ABSENT,
        "reshape": ABSENT,
        "add": Composed(("shortcut",)),
        "mul": Composed(("scale_channels", "sam")),
        "concat": Composed(("route",)),
    },
    activations=ACTIVATIONS,
)  # fmt: skip

#: Sections that only training has: they pass on their input.
TRAINING = ("cost", "contrastive", "gaussian_noise")

#: Sections that read a tensor's channels as boxes, position by position, and hold no weights.
HEADS = ("yolo", "gaussian_yolo", "region", "detection", "iseg")

#: Names of the first section, which states the input's size.
INPUT = ("net", "network")
