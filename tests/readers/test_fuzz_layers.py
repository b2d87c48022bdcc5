"""The readers of ncnn, OpenVINO and TensorFlow Lite on 20,000 damaged files each: a network or a `SpecError`.

Half of them have bytes changed; in half, layers are of other types, doubled or gone, and numbers are others. The seeds
are fixed, so that a file that fails is made again.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tflite_files import TfliteOperator, TfliteTensor, held, integers, written

import cnncalc
from cnncalc.readers import ModelFile, ReadOptions, read
from cnncalc.readers.ncnn.importer import rules as ncnn_rules
from cnncalc.readers.openvino.importer import rules as openvino_rules
from cnncalc.readers.tflite.importer import rules as tflite_rules

pytestmark = pytest.mark.slow

#: The blocks of a format, each with its own seed, and the files of each.
BLOCKS, FILES = 8, 2500

NUMBERS = (0, 1, 2, 3, 5, 8, -1, -2, -233, -234, 2**31 - 1, 2**31, 10**9, 10**30, -(2**63))

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


def mutated_bytes(data: bytes, choose: random.Random) -> bytes:
    """The data with a few bytes changed, taken out, put in or doubled, or its end cut off."""
    changed = bytearray(data)
    for _ in range(choose.choice((1, 1, 2, 4, 16))):
        at = choose.randrange(len(changed)) if changed else 0
        match choose.randrange(4):
            case 0:
                changed[at : at + 1] = bytes([choose.randrange(256)])
            case 1:
                del changed[at : at + choose.choice((1, 2, 8, 100))]
            case 2:
                changed[at:at] = choose.choice((b"-", b" ", b"\n", b"<", b'"', b"=", b"0", b"9", b",", b"\xff"))
            case _:
                changed[at:at] = changed[at : at + choose.choice((4, 16, 200))]
    return bytes(changed if choose.random() < 0.9 else changed[: choose.randrange(len(changed) + 1)])


def structure(text: str, types: list[str]) -> Callable[[random.Random], bytes]:
    """A function that changes a text: numbers to others, lines to other types of layers, doubled or gone."""

    def change(choose: random.Random) -> bytes:
        lines = text.split("\n")
        for _ in range(choose.choice((1, 1, 2, 4))):
            at = choose.randrange(2, len(lines))
            match choose.randrange(5):
                case 0:
                    lines.insert(choose.randrange(len(lines)), lines[at])
                case 1 if len(lines) > 3:
                    lines.pop(at)
                case 2:
                    lines[at] = TYPES.sub(choose.choice(types), lines[at], count=1)
                case _:
                    numbers = list(re.finditer(r"-?\d+", lines[at]))
                    if numbers:
                        found = choose.choice(numbers)
                        number = choose.choice(NUMBERS[:8] if choose.random() < 0.6 else NUMBERS)
                        lines[at] = f"{lines[at][: found.start()]}{number}{lines[at][found.end() :]}"
        return "\n".join(lines).encode()

    return change


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
    """A file some of whose operators are others, read other tensors, or have other options."""
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


#: The reader, a file's name, a whole file, and a function that makes one with another structure.
FORMATS = {
    "ncnn": ("m.param", PARAM.encode(), structure(PARAM, list(ncnn_rules))),
    "openvino": ("m.xml", IR.encode(), structure(IR, list(openvino_rules))),
    "tflite": ("m.tflite", written(TENSORS, OPERATORS), tflite_structure),
}


@pytest.mark.parametrize("format", FORMATS)
def test_whole(format: str, tmp_path: Path) -> None:
    """What is damaged is sound before: every layer is known."""
    name, whole, _ = FORMATS[format]
    (tmp_path / name).write_bytes(whole)
    assert not cnncalc.analyze(tmp_path / name).unknown


@pytest.mark.parametrize("seed", range(BLOCKS))
@pytest.mark.parametrize("format", FORMATS)
def test_damaged(format: str, seed: int, tmp_path: Path) -> None:
    """A damaged file gives a network, or an error that can be shown; some of them give one."""
    choose = random.Random(f"{format}-{seed}")
    name, whole, structured = FORMATS[format]
    path = tmp_path / name
    networks = 0
    for number in range(FILES):
        path.write_bytes(mutated_bytes(whole, choose) if choose.random() < 0.5 else structured(choose))
        try:
            graph = read(ModelFile(format, str(path)), ReadOptions())
            if number % 8 == 0:
                cnncalc.analyze(graph).to_dict()
        except cnncalc.SpecError as error:
            if number % 8 == 0:
                text = str(error)
                assert len(text) < 50_000
                assert all(each.isprintable() or each == "\n" for each in text)
            continue
        except BaseException:
            path.rename(path.with_name(f"seed-{seed}-file-{number}{path.suffix}"))  # stays where pytest keeps it
            raise
        networks += 1
        assert all(each.name.isprintable() and each.layer.kind.isprintable() for each in graph.nodes)
    assert networks > FILES // 20
