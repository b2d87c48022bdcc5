"""The PyTorch writer: its code run in PyTorch itself, on the meta device, where nothing is computed."""

from types import SimpleNamespace
from typing import Any

import pytest

import cnncalc
from cnncalc.writers import export

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[frameworks]'")


def module(graph: cnncalc.Graph) -> Any:
    """The network of the exported code, on the meta device, and without randomness."""
    code = export(graph, "pytorch")
    found: dict[str, Any] = {"__name__": "exported"}
    exec(compile(code, "exported.py", "exec"), found)
    with torch.device("meta"):
        return list(found.values())[-1]().eval()


def run(graph: cnncalc.Graph) -> Any:
    """What PyTorch gives for two samples: output shapes, and the numbers of parameters and buffers."""
    network = module(graph)
    inputs = [
        torch.empty(2, node.shape.channels, *node.shape.spatial, device="meta")
        for node in graph.nodes
        if not node.inputs
    ]
    outputs = network(*inputs)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    return SimpleNamespace(
        shapes=[tuple(each.shape) for each in outputs],
        params=sum(each.numel() for each in network.parameters()),
        # A batch norm also counts the batches that it has seen: no running statistic.
        buffers=sum(each.numel() for name, each in network.named_buffers() if "num_batches" not in name),
    )


def test_network(network: Any) -> None:
    """PyTorch gives the same output shapes, parameters and buffers."""
    graph = network.graph
    totals = cnncalc.analyze(graph)
    got = run(graph)
    shapes = [(2, graph.nodes[i].shape.channels, *graph.nodes[i].shape.spatial) for i in graph.outputs]
    buffers = sum(row.buffers for row in totals.rows)
    assert (got.shapes, got.params, got.buffers) == (shapes, totals.totals.params, buffers)
