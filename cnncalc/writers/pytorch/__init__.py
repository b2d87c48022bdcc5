"""PyTorch: a module for each block, and a network that connects them.

PyTorch's tensors are channels first, the spec's are channels last. A flatten before fully connected layers uses
PyTorch's element order, which is the layout of their weights; any other flatten and a reshape use the spec's. Padding
that PyTorch's layer does not support is a separate layer; an average pool's is left out of the mean unless `countpad`.
"""

from __future__ import annotations

from cnncalc.graph import Graph
from cnncalc.writers.code import Call
from cnncalc.writers.order import flattens_by_place
from cnncalc.writers.pytorch import axes, elements, norms, products, windows  # noqa: F401 - they register what is emitted
from cnncalc.writers.pytorch.elements import FLATTEN_BY_PLACE
from cnncalc.writers.pytorch.file import PyTorchFile
from cnncalc.writers.pytorch.modules import emitter


def write(graph: Graph) -> str:
    """Return the graph as a Python file; raises `SpecError` E320 for a layer that PyTorch has no equivalent of."""
    code = emitter.emit_all(graph.nodes)
    code.update(dict.fromkeys(flattens_by_place(graph), FLATTEN_BY_PLACE))
    for node in graph.nodes:
        made = code.get(node.index)
        if node.layer.frozen and isinstance(made, Call):
            code[node.index] = made._replace(suffix=".requires_grad_(False)")
    return PyTorchFile(graph, code).text()
