"""TensorFlow Lite files that tests write with the schema's own builders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import flatbuffers
import numpy as np
import tflite

#: The names of types, with numpy's.
TYPES = {"FLOAT32": "<f4", "FLOAT16": "<f2", "INT8": "i1", "UINT8": "u1", "INT32": "<i4", "INT64": "<i8", "BOOL": "?"}


class TfliteTensor(NamedTuple):
    """A tensor: its shape, type and values; a weight's values are zeros. `signature` has -1 for an open size."""

    shape: tuple[int, ...]
    type: str = "FLOAT32"
    data: bytes = b""
    signature: tuple[int, ...] = ()
    variable: bool = False
    name: str = ""


class TfliteOperator(NamedTuple):
    """An operator: its name in the schema (else it is custom), the names of its tensors, and its options."""

    name: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    options: str = ""
    values: dict[str, Any] = {}


def held(*shape: int, type: str = "FLOAT32") -> TfliteTensor:
    """A tensor whose zeros the file holds."""
    bits = 4 if type == "INT4" else 8 * np.dtype(TYPES.get(type, "<f4")).itemsize
    return TfliteTensor(shape, type, bytes(-(-int(np.prod(shape)) * bits // 8)))


def integers(*values: int, shape: tuple[int, ...] | None = None) -> TfliteTensor:
    """A constant of integers."""
    return TfliteTensor((len(values),) if shape is None else shape, "INT32", np.array(values, "<i4").tobytes())


def written(
    tensors: dict[str, TfliteTensor],
    operators: Sequence[TfliteOperator],
    inputs: Sequence[str] = ("x",),
    outputs: Sequence[str] = ("y",),
    subgraphs: int = 1,
) -> bytes:
    """The bytes of a file with these tensors and operators, its subgraph repeated so often."""
    b = flatbuffers.Builder(1024)
    index = {name: at for at, name in enumerate(tensors)}

    def vector(start: Any, items: Sequence[int], put: Any) -> int:
        start(b, len(items))
        for item in reversed(items):
            put(item)
        made: int = b.EndVector()
        return made

    # Buffers: the first is empty, and every constant has its own.
    empty = _buffer(b, b"")
    buffers, of_tensor = [empty], {}
    for name, tensor in tensors.items():
        if tensor.data:
            of_tensor[name] = len(buffers)
            buffers.append(_buffer(b, tensor.data))
    made = []
    for name, tensor in tensors.items():
        text = b.CreateString(tensor.name or name)
        shape = vector(tflite.TensorStartShapeVector, tensor.shape, b.PrependInt32)
        signature = (
            vector(tflite.TensorStartShapeSignatureVector, tensor.signature, b.PrependInt32) if tensor.signature else 0
        )
        tflite.TensorStart(b)
        tflite.TensorAddShape(b, shape)
        if signature:
            tflite.TensorAddShapeSignature(b, signature)
        tflite.TensorAddType(b, getattr(tflite.TensorType, tensor.type))
        tflite.TensorAddBuffer(b, of_tensor.get(name, 0))
        tflite.TensorAddName(b, text)
        tflite.TensorAddIsVariable(b, tensor.variable)
        made.append(tflite.TensorEnd(b))
    names = list(dict.fromkeys(operator.name for operator in operators))
    codes = [_code(b, name) for name in names]
    run = [_operator(b, operator, names.index(operator.name), index, vector) for operator in operators]
    offset = b.PrependUOffsetTRelative
    parts = [
        vector(tflite.SubGraphStartTensorsVector, made, offset),
        vector(tflite.SubGraphStartInputsVector, [index[name] for name in inputs], b.PrependInt32),
        vector(tflite.SubGraphStartOutputsVector, [index[name] for name in outputs], b.PrependInt32),
        vector(tflite.SubGraphStartOperatorsVector, run, offset),
    ]
    tflite.SubGraphStart(b)
    add = (
        tflite.SubGraphAddTensors, tflite.SubGraphAddInputs, tflite.SubGraphAddOutputs, tflite.SubGraphAddOperators,
    )  # fmt: skip
    for function, part in zip(add, parts, strict=True):
        function(b, part)
    graph = tflite.SubGraphEnd(b)
    graphs = vector(tflite.ModelStartSubgraphsVector, [graph] * subgraphs, offset)
    all_codes = vector(tflite.ModelStartOperatorCodesVector, codes, offset)
    all_buffers = vector(tflite.ModelStartBuffersVector, buffers, offset)
    tflite.ModelStart(b)
    tflite.ModelAddVersion(b, 3)
    tflite.ModelAddSubgraphs(b, graphs)
    tflite.ModelAddOperatorCodes(b, all_codes)
    tflite.ModelAddBuffers(b, all_buffers)
    b.Finish(tflite.ModelEnd(b), file_identifier=b"TFL3")
    return bytes(b.Output())


def _buffer(b: Any, data: bytes) -> int:
    stored = b.CreateByteVector(data) if data else 0
    tflite.BufferStart(b)
    if stored:
        tflite.BufferAddData(b, stored)
    made: int = tflite.BufferEnd(b)
    return made


def _code(b: Any, name: str) -> int:
    number = getattr(tflite.BuiltinOperator, name, None)
    custom = b.CreateString(name) if number is None else 0
    tflite.OperatorCodeStart(b)
    number = tflite.BuiltinOperator.CUSTOM if number is None else number
    # The older field has one byte.
    tflite.OperatorCodeAddDeprecatedBuiltinCode(b, min(number, 127))
    tflite.OperatorCodeAddBuiltinCode(b, number)
    if custom:
        tflite.OperatorCodeAddCustomCode(b, custom)
    made: int = tflite.OperatorCodeEnd(b)
    return made


def _operator(b: Any, operator: TfliteOperator, code: int, index: dict[str, int], vector: Any) -> int:
    inputs = vector(tflite.OperatorStartInputsVector, [index.get(name, -1) for name in operator.inputs], b.PrependInt32)
    outputs = vector(tflite.OperatorStartOutputsVector, [index[name] for name in operator.outputs], b.PrependInt32)
    options = 0
    if operator.options:
        getattr(tflite, f"{operator.options}Start")(b)
        for name, value in operator.values.items():
            getattr(tflite, f"{operator.options}Add{name}")(b, value)
        options = getattr(tflite, f"{operator.options}End")(b)
    tflite.OperatorStart(b)
    tflite.OperatorAddOpcodeIndex(b, code)
    tflite.OperatorAddInputs(b, inputs)
    tflite.OperatorAddOutputs(b, outputs)
    if options:
        tflite.OperatorAddBuiltinOptionsType(b, getattr(tflite.BuiltinOptions, operator.options))
        tflite.OperatorAddBuiltinOptions(b, options)
    made: int = tflite.OperatorEnd(b)
    return made
