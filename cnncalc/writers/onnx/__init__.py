"""ONNX: a model file of the network's structure.

Weights have shapes but no stored values: each is a ConstantOfShape node, so that a file of a network with a
hundred million parameters is only some kilobytes (zeros, and ones where a norm multiplies or divides). The batch is
symbolic, `N`. ONNX's tensors are channels first, the spec's are channels last. A flatten before fully connected
layers uses ONNX's element order, which is the layout of their weights; any other flatten and a reshape use the
spec's. An average pool's padding is left out of the mean unless `countpad`. Dropout is included, in its inference
form; a droppath, which does nothing at inference, is an Identity.

Operators are those of opset 21, the first whose group norm has a weight for each channel.
"""

from __future__ import annotations

from cnncalc.diagnostics import Diagnostic, SpecError
from cnncalc.graph import Graph
from cnncalc.writers.onnx import axes, elements, norms, products, windows  # noqa: F401 - they register what is emitted
from cnncalc.writers.onnx.model import ModelBuilder, OperatorResult, op
from cnncalc.writers.onnx.operators import channels_last, emitter
from cnncalc.writers.order import flattens_by_place


def write(graph: Graph) -> bytes:
    """Return the graph as an ONNX file.

    Raises `SpecError` E320 for a layer that ONNX has no equivalent of, E301 if the `onnx` package is missing.
    """
    operators = emitter.emit_all(graph.nodes)
    for index in flattens_by_place(graph):
        operators[index] = [channels_last(graph.nodes[index].input_shapes[0].rank), op("Flatten", OperatorResult(0))]
    try:
        import onnx
    except ImportError:
        message, label = "writing ONNX needs `onnx`", "`onnx` is not installed"
        help = 'install it with `pip install "cnncalc[onnx]"`'
        raise SpecError([Diagnostic("E301", message, None, label, help=help)]) from None
    return bytes(ModelBuilder(graph, onnx.helper, onnx.TensorProto).model(operators).SerializeToString())
