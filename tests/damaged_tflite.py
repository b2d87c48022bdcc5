"""TensorFlow Lite files of known operators with whatever types, options and tensors."""

from __future__ import annotations

import random

from damage import NUMBERS
from tflite_files import TfliteOperator, TfliteTensor, held, integers, written

from cnncalc.readers.tflite.importer import rules as tflite_rules

TENSORS = {
    "x": TfliteTensor((1, 8, 8, 4)), "q": TfliteTensor((1, 8, 8, 4), "INT8"), "w": held(8, 3, 3, 4), "b": held(8),
    "c": TfliteTensor((1, 8, 8, 8)), "d": TfliteTensor((1, 4, 4, 8)), "k": held(1, 3, 3, 8), "i": integers(1, 2),
    "m": TfliteTensor((1, 8)), "f": held(5, 8), "y": TfliteTensor((1, 5), signature=(-1, 5)),
    "e": TfliteTensor((1, 8, 8, 8)),
}  # fmt: skip
STRIDES = {"StrideH": 1, "StrideW": 1}
OPERATORS = [
    TfliteOperator("QUANTIZE", "x", "q"),
    TfliteOperator("CONV_2D", "qwb", "c", "Conv2DOptions", {**STRIDES, "FusedActivationFunction": 1}),
    TfliteOperator("ADD", "cc", "e", "AddOptions", {"FusedActivationFunction": 3}),
    TfliteOperator("DEPTHWISE_CONV_2D", "ekb", "d", "DepthwiseConv2DOptions", {"StrideH": 2, "StrideW": 2}),
    TfliteOperator("MEAN", "di", "m", "ReducerOptions"),
    TfliteOperator("FULLY_CONNECTED", ("m", "f", ""), "y", "FullyConnectedOptions"),
]


def tflite_structure(choose: random.Random) -> bytes:
    """Return a file some of whose operators are others, read other tensors, or have other options."""
    tensors, operators = dict(TENSORS), list(OPERATORS)
    for _ in range(choose.choice((1, 1, 2, 4))):
        at = choose.randrange(len(operators))
        operator = operators[at]
        match choose.randrange(5):
            case 0:
                names = list(tflite_rules)
                operators[at] = operator._replace(name=choose.choice(names))
            case 1:
                names = choose.choices([*tensors, ""], k=choose.randrange(5))
                operators[at] = operator._replace(inputs=names)
            case 2:
                operators[at] = operator._replace(outputs=choose.choices(list(tensors), k=choose.choice((1, 1, 2))))
            case 3 if operator.values:
                key = choose.choice(list(operator.values))
                most = 127 if key in ("FusedActivationFunction", "Padding") else 2**31 - 1
                number = max(-most, min(choose.choice(NUMBERS), most))
                operators[at] = operator._replace(values={**operator.values, key: number})
            case _:
                name = choose.choice(list(tensors))
                shape = tuple(choose.choice((0, 1, 1, 2, 3, 4, 8, 2**31 - 1)) for _ in range(choose.randrange(6)))
                tensors[name] = tensors[name]._replace(shape=shape, type=choose.choice(("INT4", "INT8", "FLOAT32")))
    return written(tensors, operators)


SOUND = written(TENSORS, OPERATORS)
