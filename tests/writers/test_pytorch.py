"""The PyTorch writer: its code run in PyTorch itself, on the meta device, where nothing is computed."""

from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import cnncalc
from cnncalc.writers import export
from cnncalc.writers.pytorch import ATTRIBUTES

pytestmark = pytest.mark.frameworks


@lru_cache(maxsize=1)
def module(code: str) -> Any:
    """The network of exported code, on the meta device, and without randomness."""
    found: dict[str, Any] = {"__name__": "exported"}
    exec(compile(code, "exported.py", "exec"), found)
    with torch.device("meta"):
        return list(found.values())[-1]().eval()


def samples(graph: cnncalc.Graph, number: int) -> list[Any]:
    """A batch for each input, on the meta device."""
    shapes = [node.shape for node in graph.nodes if not node.inputs]
    return [torch.empty(number, shape.channels, *shape.spatial, device="meta") for shape in shapes]


def run(graph: cnncalc.Graph, network: Any) -> Any:
    """What PyTorch gives for two samples: output shapes, and the numbers of parameters and buffers."""
    outputs = network(*samples(graph, 2))
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    return SimpleNamespace(
        shapes=[tuple(each.shape) for each in outputs],
        params=sum(each.numel() for each in network.parameters()),
        # A batch norm also counts the batches that it has seen: no running statistic.
        buffers=sum(each.numel() for name, each in network.named_buffers() if "num_batches" not in name),
    )


def test_network(network: Any, exported: Any) -> None:
    """PyTorch gives the same output shapes, parameters and buffers."""
    graph = network.graph
    totals = cnncalc.analyze(graph)
    got = run(graph, module(exported(network, "pytorch")))
    shapes = [(2, graph.nodes[i].shape.channels, *graph.nodes[i].shape.spatial) for i in graph.outputs]
    buffers = sum(row.buffers for row in totals.rows)
    assert (got.shapes, got.params, got.buffers) == (shapes, totals.totals.params, buffers)


@pytest.mark.filterwarnings("ignore")  # PyTorch's own, while it traces
def test_there_and_back(network: Any, exported: Any, same_figures: Any) -> None:
    """The module is traced and read back with the same shapes, parameters, buffers and MACs."""
    graph = network.graph
    got = cnncalc.from_torch(module(exported(network, "pytorch")), samples(graph, 1))
    same_figures(graph, got, "pytorch")


def test_attributes() -> None:
    """The names that no layer may have are those of every module."""
    own = {name for name in dir(torch.nn.Module()) if not name.startswith("_")}
    assert own == set(ATTRIBUTES)


OWN = [
    # Groups a b c | d e f come out as a d b e c f.
    ("input 1x6 | shuffle g2", lambda x: x[:, [0, 3, 1, 4, 2, 5]]),
    # As PyTorch's own on two axes, where channel c of the output takes the channels c·r to c·r + r − 1.
    ("input 2x4 | pixelshuffle 2", lambda x: torch.stack([x[:, 0::2], x[:, 1::2]], 3).flatten(2)),
    # As PyTorch's own on two axes: channel c becomes c·r to c·r + r − 1.
    ("input 4x2 | pixelunshuffle 2", lambda x: x.unflatten(2, (-1, 2)).permute(0, 1, 3, 2).flatten(1, 2)),
    ("input 4x6x2 | pixelunshuffle 2", lambda x: torch.nn.functional.pixel_unshuffle(x, 2)),
    ("input 3x3x4 | ln", lambda x: (x - x.mean(1, True)) / (x.var(1, correction=0, keepdim=True) + 1e-5).sqrt()),
]


@pytest.mark.parametrize(("spec", "function"), OWN)
def test_own_modules(spec: str, function: Any) -> None:
    """Modules that PyTorch lacks compute what their docstrings state, against the same in single operations."""
    code = export(cnncalc.parse(spec), "pytorch")
    found: dict[str, Any] = {"__name__": "exported"}
    exec(compile(code, "exported.py", "exec"), found)
    shape = cnncalc.parse(spec).nodes[0].shape
    x = torch.arange(float(2 * shape.elements)).reshape(2, shape.channels, *shape.spatial)
    assert torch.allclose(found["Network"]()(x), function(x), atol=1e-5)
