"""The ONNX writer: its files are checked, inferred and, where small, run by the ONNX project's own tools."""

from math import prod
from pathlib import Path
from typing import Any

import numpy
import onnx
import onnxruntime
import pytest
from click.testing import CliRunner

import cnncalc
from cnncalc.cli import main

pytestmark = pytest.mark.frameworks


def dims(value: Any) -> list[Any]:
    return [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]


def weights(model: Any) -> dict[str, int]:
    """The elements of each weight: a ConstantOfShape whose shape is an initializer."""
    shapes = {each.name: onnx.numpy_helper.to_array(each) for each in model.graph.initializer}
    made = [node for node in model.graph.node if node.op_type == "ConstantOfShape"]
    return {node.output[0]: prod(shapes[node.input[0]].tolist()) for node in made}


def test_network(network: Any, exported: Any) -> None:
    """The checker takes the file, inference agrees with every shape in it, and weights add up to the parameters."""
    graph = network.graph
    totals = cnncalc.analyze(graph)
    model = onnx.load_from_string(exported(network, "onnx"))
    onnx.checker.check_model(model, full_check=True)
    # Strict inference refuses a shape that the file states and the operators do not give.
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    outputs = [graph.nodes[index].shape for index in graph.outputs]
    assert [dims(value) for value in inferred.graph.output] == [
        ["N", shape.channels, *shape.spatial] for shape in outputs
    ]
    others = sum(row.frozen + row.buffers for row in totals.rows)
    assert sum(weights(model).values()) == totals.totals.params + others


def test_there_and_back(network: Any, exported: Any, same_figures: Any, tmp_path: Path) -> None:
    """The file is read again with the same shapes, weights and MACs."""
    path = tmp_path / "net.onnx"
    path.write_bytes(exported(network, "onnx"))
    same_figures(network.graph, cnncalc.load(path), "onnx")


def test_runs(network: Any, exported: Any) -> None:
    """A small network runs in onnxruntime, and gives arrays of the same shapes."""
    graph = network.graph
    if cnncalc.analyze(graph).totals.macs > 50_000_000:
        pytest.skip("too large to be run in a test")
    session = onnxruntime.InferenceSession(exported(network, "onnx"), providers=["CPUExecutionProvider"])
    inputs = [node.shape for node in graph.nodes if not node.inputs]
    given = [numpy.zeros((2, shape.channels, *shape.spatial), numpy.float32) for shape in inputs]
    names = [each.name for each in session.get_inputs()]
    got = session.run(None, dict(zip(names, given, strict=True)))
    outputs = [graph.nodes[index].shape for index in graph.outputs]
    assert [array.shape for array in got] == [(2, shape.channels, *shape.spatial) for shape in outputs]


def test_command(tmp_path: Path) -> None:
    """On the command line: a spec is written as a file, and `diff` finds no difference between the two."""
    spec, target = "input 8x8x3 | conv 3x3 x4 | bn | relu | gap | fc 3", str(tmp_path / "net.onnx")
    assert CliRunner().invoke(main, ["export", spec, "--to", "onnx", "-o", target]).exit_code == 0
    result = CliRunner().invoke(main, ["diff", target, spec, "--exit-code"])
    assert (result.exit_code, result.stderr) == (0, "")
    assert "no difference: 7 layers alike" in result.stdout
