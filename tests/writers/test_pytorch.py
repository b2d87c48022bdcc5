"""The PyTorch writer: its code run in PyTorch itself, on the meta device, where nothing is computed."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from math import prod
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import cnncalc
from cnncalc.figures.rows import Row
from cnncalc.layers.windowed import Windowed
from cnncalc.writers import export
from cnncalc.writers.pytorch.file import ATTRIBUTES

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
    indices = {index for node in graph.nodes if node.layer.kind == "embedding" for index in node.inputs}
    return [
        torch.empty(
            *(number, node.shape.channels, *node.shape.spatial),
            device="meta",
            dtype=torch.long if node.index in indices else torch.float,
        )
        for node in graph.nodes
        if not node.inputs
    ]


def run(graph: cnncalc.Graph, network: Any) -> Any:
    """What PyTorch gives for two samples: output shapes, and the numbers of parameters, frozen ones and buffers."""
    outputs = network(*samples(graph, 2))
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    return SimpleNamespace(
        shapes=[tuple(each.shape) for each in outputs],
        params=sum(each.numel() for each in network.parameters() if each.requires_grad),
        frozen=sum(each.numel() for each in network.parameters() if not each.requires_grad),
        # A batch norm also counts the batches that it has seen: no running statistic.
        buffers=sum(each.numel() for name, each in network.named_buffers() if "num_batches" not in name),
    )


def test_network(network: Any, exported: Any) -> None:
    """PyTorch gives the same output shapes, parameters, frozen ones and buffers."""
    graph = network.graph
    totals = cnncalc.analyze(graph)
    got = run(graph, module(exported(network, "pytorch")))
    shapes = [(2, graph.nodes[i].shape.channels, *graph.nodes[i].shape.spatial) for i in graph.outputs]
    buffers = sum(row.buffers for row in totals.rows)
    sums = totals.totals
    assert (got.shapes, got.params, got.frozen, got.buffers) == (shapes, sums.params, sums.frozen, buffers)


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


# -- training ----------------------------------------------------------------------------------------------------

#: Larger networks take long on the meta device, too: tests/training has some of them.
MOST_TRAINED = 100
#: What PyTorch keeps of a layer beside what we count, in bytes, for so many samples of 4-byte elements. A norm's
#: statistics (and an instance norm's weights, repeated for each sample), and on the CPU a mask of numbers in place of
#: bytes.
BESIDE: dict[str, Callable[[Row, int], int]] = {
    "bn": lambda row, _: 8 * row.output_shape[-1],
    "ln": lambda row, samples: 8 * samples * (1 if row.node.layer.all else prod(row.output_shape[:-1])),
    "gn": lambda row, samples: 8 * samples * row.node.layer.groups,
    "instancenorm": lambda row, samples: (12 if row.params else 8) * samples * row.output_shape[-1],
    "dropout": lambda row, samples: 3 * samples * row.node.shape.elements if row.node.layer.rate else 0,
}


def trained(graph: cnncalc.Graph, network: Any, count: int) -> tuple[int, int]:
    """What autograd keeps of a forward pass, each storage once, in bytes, and FlopCounterMode's count of a step."""
    own = {each.untyped_storage()._cdata for each in (*network.parameters(), *network.buffers())}
    kept: dict[int, Any] = {}

    def pack(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            kept.setdefault(storage._cdata, storage)
        return tensor

    with FlopCounterMode(display=False) as counter:
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            outputs = network(*samples(graph, count))
        losses = [each.sum() for each in (outputs if isinstance(outputs, tuple) else (outputs,)) if each.requires_grad]
        if losses:
            sum(losses).backward()
    return sum(storage.nbytes() for storage in kept.values()), counter.get_total_flops()


def overcounted(rows: Iterable[Row], count: int) -> int:
    """The MACs that FlopCounterMode counts too much for the weights of groups: as if each read all channels."""
    total = 0
    for row in rows:
        x = row.node.input_shapes
        # Only the first part of a separable convolution has groups.
        part = row.node.layer.decompose(x[0])[0] if x else row.node.layer
        if part.kind in ("conv", "dwconv", "deconv") and not row.node.layer.frozen:
            groups = x[0].channels if part.kind == "dwconv" else part.groups
            total += (groups - 1) * part.multiply_adds(x[0], row.node.shape) * count
    return total


def learning(graph: cnncalc.Graph) -> set[int]:
    """The nodes whose output has a gradient: they have weights, or what they read has one."""
    found: set[int] = set()
    for node in graph.nodes:
        weights = node.inputs and not node.layer.frozen and node.layer.weights(node.input_shapes[0])
        if node.inputs and (weights or not found.isdisjoint(node.inputs)):
            found.add(node.index)
    return found


def pads_apart(row: Row) -> bool:
    """Whether the exported code pads in a layer of its own, whose output PyTorch keeps in place of the input."""
    layer, x = row.node.layer, row.node.input_shapes
    if not isinstance(layer, Windowed) or row.type == "deconv":
        return False
    return any(window.begin != window.end for window in layer.windows(x[0]))


@pytest.mark.filterwarnings("ignore")
def test_training(network: Any, exported: Any) -> None:
    """Autograd keeps what we say, to the byte, and forward and backward have the MACs that PyTorch counts."""
    graph, count = network.graph, 2
    if len(graph.nodes) > MOST_TRAINED:
        pytest.skip("a large network")
    result = cnncalc.analyze(graph, batch=count)
    made = module(exported(network, "pytorch")).train()
    for part in made.modules():
        # What we count is the form that writes over its input, and keeps its output.
        if isinstance(part, torch.nn.LeakyReLU):
            part.inplace = True
    saved, flops = trained(graph, made, count)
    made.eval()
    assert flops == 2 * (result.totals.macs + result.totals.backward_macs + overcounted(result.rows, count))
    # On the meta device attention is its two products, and keeps the softmax between them: see below.
    if any(map(pads_apart, result.rows)) or any(row.type == "attention" for row in result.rows):
        return
    learnt = learning(graph)
    beside = sum(BESIDE[row.type](row, count) for row in result.rows if row.type in BESIDE and row.node.index in learnt)
    # Exported, a norm with a bias alone is one without either and an addition: first of all layers, it keeps nothing.
    first = result.rows[min(1, len(result.rows) - 1)]
    if first.type == "bn" and not first.node.layer.scale:
        beside -= first.saved_bytes * count
    # So keeps a global response norm there what its weight is multiplied by, and nothing for its input's gradient.
    if first.type == "grn":
        beside -= 4 * count * first.node.layer.kept_elements(first.node.input_shapes, first.node.shape)
    assert saved == result.totals.saved_bytes * count + beside


@pytest.mark.parametrize(
    "spec",
    [
        "input 10x12 | attention h4",
        "input 4x6x8 | attention h2 dim=24 nobias",
        "input 10x12 | attention h4 kv=2 dim=24 window=5",
        "input 10x12 | attention h4 relative",
        "input 4x6x8 | attention h4 window=2x3 value_dim=16 distance noproj",
        "input 10x12 | attention h4 kv=2 value_dim=24",
    ],
)
def test_attention_keeps(spec: str) -> None:
    """Of attention, autograd keeps on a processor what `scaled_dot_product_attention` keeps there: we say so."""
    graph = cnncalc.parse(spec)
    found: dict[str, Any] = {"__name__": "exported"}
    exec(compile(str(export(graph, "pytorch")), "exported.py", "exec"), found)
    network, x = found["Network"](), torch.rand(2, *samples(graph, 1)[0].shape[1:])
    kept: dict[int, Any] = {}
    own = {each.untyped_storage().data_ptr() for each in network.parameters()}

    def pack(tensor: Any) -> Any:
        # Offsets are looked up by indices, which are numbers of the layer rather than of a sample.
        if tensor.is_floating_point() and tensor.untyped_storage().data_ptr() not in own:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        network(x)
    assert (
        sum(each.untyped_storage().nbytes() for each in kept.values()) == 2 * cnncalc.analyze(graph).totals.saved_bytes
    )
