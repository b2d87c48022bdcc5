"""Keras 3: a functional model, with a function for each block.

Keras's tensors are channels last, as the spec's are, so the element order is the same in every layer. Its `same` is
the language's; all other padding is a separate layer. A max pool is padded with a value that is never the maximum
(zeros, if nothing is negative); an average pool's padding is left out of the mean unless `countpad`. A norm's epsilon
is 1e-5.
"""

from __future__ import annotations

from cnncalc.graph import Graph
from cnncalc.writers.code import Call
from cnncalc.writers.keras import axes, elements, products, windows  # noqa: F401 - they register what is emitted
from cnncalc.writers.keras.calls import emitter, frozen
from cnncalc.writers.keras.file import KerasFile
from cnncalc.writers.keras.windows import NEVER_NEGATIVE, padded_with_zeros


def write(graph: Graph) -> str:
    """Return the graph as a Python file; raises `SpecError` E320 for a layer that Keras has no equivalent of."""
    code = emitter.emit_all(graph.nodes)
    for node in graph.nodes:
        if node.layer.kind == "pool" and graph.nodes[node.inputs[0]].layer.kind in NEVER_NEGATIVE:
            code[node.index] = padded_with_zeros(code[node.index], node.input_shapes[0])
    for node in graph.nodes:
        made = code.get(node.index)
        if node.layer.frozen and isinstance(made, Call):
            code[node.index] = frozen(made)
    return KerasFile(graph, code).text()
