"""The Keras writer: its code run in Keras itself, on PyTorch's meta device, where nothing is computed."""

import os
from typing import Any

import pytest

import cnncalc
from cnncalc.diagnostics import SpecError
from cnncalc.writers import export

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
reason = "Keras or its backend PyTorch is not installed: pip install '.[frameworks]'"
pytest.importorskip("torch", reason=reason)
keras = pytest.importorskip("keras", reason=reason)


def model(graph: cnncalc.Graph) -> Any:
    """The model of the exported code, its weights on the meta device."""
    code = export(graph, "keras")
    found: dict[str, Any] = {"__name__": "exported"}
    exec(compile(code, "exported.py", "exec"), found)
    with keras.device("meta"):
        return list(found.values())[-1]()


def numbers(weights: list[Any]) -> int:
    return sum(int(weight.value.numel()) for weight in weights)


def test_network(network: Any) -> None:
    """Keras gives the same output shapes, trainable parameters and others."""
    graph = network.graph
    totals = cnncalc.analyze(graph)
    try:
        got = model(graph)
    except SpecError as error:
        pytest.skip(str(error))
    outputs = [(None, *graph.nodes[index].shape.dims) for index in graph.outputs]
    buffers = sum(row.buffers for row in totals.rows)
    assert [tuple(each.shape) for each in got.outputs] == outputs
    assert (numbers(got.trainable_weights), numbers(got.non_trainable_weights)) == (totals.totals.params, buffers)
