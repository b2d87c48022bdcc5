"""Every operator of ONNX, on the cases of the onnx package: outputs have the shapes that a run gives them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cnncalc import SpecError
from cnncalc.readers import ReadOptions
from cnncalc.readers import onnx as reader
from cnncalc.readers.onnx.importer import OnnxImporter, rules
from cnncalc.readers.onnx.model import open_model

pytestmark = pytest.mark.frameworks

#: Operators with graphs, sequences or optional values in them, which are not read.
NOT_READ = {
    "If", "Loop", "Scan", "SequenceMap",
    "ConcatFromSequence", "SequenceAt", "SequenceConstruct", "SequenceEmpty", "SequenceErase", "SequenceInsert",
    "SequenceLength", "SplitToSequence",
    "Optional", "OptionalGetElement", "OptionalHasElement",
}  # fmt: skip

#: Their shapes depend on their input's values.
DATA_DEPENDENT = {"NonMaxSuppression", "Unique", "StringSplit", "StringNormalizer", "ImageDecoder"}


@cache
def cases() -> list[tuple[str, Any, list[Any], list[Any]]]:
    """Return the cases of the onnx package: a name, a model, its inputs and its outputs, all arrays."""
    import numpy
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = [(case.name, case.model, *case.data_sets[0]) for case in collect_testcases(None)]
    return [
        (name, model, inputs, outputs)
        for name, model, inputs, outputs in found
        if all(isinstance(each, numpy.ndarray) for each in (*inputs, *outputs))
        and not any(each.domain not in ("", "ai.onnx") for each in model.graph.node)
        # A size of 0 is none of a network.
        and all(each.size for each in (*inputs, *outputs))
    ]


def operators(model: Any) -> set[str]:
    return {each.op_type for each in model.graph.node}


def shapes(model: Any, path: Path) -> list[tuple[int, ...] | None]:
    """Return the shapes that our rules give the outputs of a model, whose own statements are taken out."""
    del model.graph.value_info[:]
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    path.write_bytes(model.SerializeToString())
    importer = OnnxImporter(reader.fuse_patterns(open_model(str(path))), str(path), ReadOptions())
    importer.run()
    values = [importer.values.get(each.name) for each in model.graph.output]
    return [None if each is None else each.dims for each in values]


def copied(model: Any, constants: dict[str, Any], inputs: dict[str, Any]) -> Any:
    """Return the model with these constants and these inputs."""
    from onnx import ModelProto, helper, numpy_helper

    copy = ModelProto.FromString(model.SerializeToString())
    del copy.graph.input[:]
    for name, value in constants.items():
        copy.graph.initializer.append(numpy_helper.from_array(value, name))
    for name, value in inputs.items():
        copy.graph.input.append(helper.make_tensor_value_info(name, 1, value.shape))
    return copy


def test_every_operator_is_decided() -> None:
    """Each operator of the standard domain has a rule, or is folded, or is listed as not read."""
    from onnx import defs

    names = {each.name for each in defs.get_all_schemas() if not each.domain and not each.deprecated}
    assert names - set(rules) - NOT_READ - {"Constant", "ConstantOfShape", "Range"} == set()


def test_constants(tmp_path: Path) -> None:
    """The output of an operator on constants has the shape that it has when it runs."""
    import numpy

    wrong = []
    for name, model, inputs, outputs in cases():
        if operators(model) & (NOT_READ | DATA_DEPENDENT):
            continue
        constants = {each.name: value for each, value in zip(model.graph.input, inputs, strict=False)}
        copy = copied(model, constants, {"unread": numpy.zeros((1, 3, 4, 4))})
        if shapes(copy, tmp_path / "made.onnx") != [each.shape for each in outputs]:
            wrong.append(name)
    # Numbers of 16 bits whose values are not read.
    assert [name for name in wrong if "bfloat16" not in name] == []


def samples() -> Iterator[tuple[str, Any, dict[str, Any], dict[str, Any], list[Any]]]:
    """Yield each case whose first floating input has a batch of 1, with its constants, that input, and its outputs."""
    for name, model, inputs, outputs in cases():
        places = [place for place, value in enumerate(inputs) if value.dtype.kind == "f"]
        names = [each.name for each in model.graph.input]
        # Recurrent layers have the batch behind the steps.
        if not places or operators(model) & (NOT_READ | DATA_DEPENDENT | {"LSTM", "GRU", "RNN"}):
            continue
        x = inputs[places[0]]
        if x.ndim < 2 or x.shape[0] == 1:
            constants = {names[at]: value for at, value in enumerate(inputs) if at != places[0]}
            yield name, model, constants, {names[places[0]]: x}, outputs


def test_tensors(tmp_path: Path) -> None:
    """The output of an operator on the network's input has the shape that it has when it runs."""
    wrong = []
    for name, model, constants, x, outputs in samples():
        try:
            found = shapes(copied(model, constants, x), tmp_path / "made.onnx")
        except SpecError as error:
            found = [str(error)]
        if found != [each.shape for each in outputs]:
            wrong.append((name, found))
    assert wrong == []
