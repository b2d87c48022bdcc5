"""Recurrent layers, ONNX's and ONNX Runtime's quantized one."""

from __future__ import annotations

from typing import NamedTuple

from cnncalc.layers.recurrent import GATES
from cnncalc.readers.onnx.importer import OnnxImporter, rules
from cnncalc.readers.onnx.model import NodeDef
from cnncalc.readers.operands import Operands, Outputs
from cnncalc.readers.tensors import CannotInferError


class Recurrence(NamedTuple):
    """The kind of an operator; whether its weights of the state are transposed; its weights' positions."""

    kind: str
    transposed: bool = False
    #: Those of the input and the state, the biases, and the peepholes.
    weights: tuple[int, ...] = (1, 2, 3)


RECURRENT = {
    "LSTM": Recurrence("lstm", weights=(1, 2, 3, 7)),
    "GRU": Recurrence("gru"),
    "RNN": Recurrence("rnn"),
    # Weights are units x gates here; between the peepholes and the attributes are scales and zero points.
    "com.microsoft.DynamicQuantizeLSTM": Recurrence("lstm", transposed=True, weights=(1, 2, 3, 7)),
}


@rules.table(RECURRENT)
def recurrent(importer: OnnxImporter, node: NodeDef, operands: Operands, row: Recurrence) -> Outputs:
    """Add a recurrent layer; its outputs are the states at all steps, by directions, and the last of each direction.

    One that reads backwards alone, or several sequences at once, is an operator of the same size and cost.
    """
    data, state = operands.tensor(0), operands.value(2)
    dims = data.known_dims
    if len(dims) != 3 or not state.dims or len(state.dims) != 3:
        raise CannotInferError
    batch_first = bool(node.integer("layout", 0))
    steps, batch, channels = (dims[1], dims[0], dims[2]) if batch_first else dims
    directions, hidden = state.dims[0], state.dims[1 if row.transposed else 2]
    stored = importer.count_weights(*map(operands.get, row.weights), any_type=True)
    states_dims = (batch, steps, directions, hidden) if batch_first else (steps, directions, batch, hidden)
    final_dims = (batch, directions, hidden) if batch_first else (directions, batch, hidden)
    if node.text("direction", "forward") == "reverse" or batch != 1:
        macs = steps * batch * directions * GATES[row.kind] * hidden * (channels + hidden)
        output = importer.opaque(node, states_dims, [data], 3, stored, macs=macs)
        final = output._replace(dims=final_dims, channel=2)
        return [output, final, final]
    last = importer.read.isdisjoint(node.outputs[:1])
    states = importer.recurrent(
        node,
        row.kind,
        data,
        0 if batch_first else 1,
        stored,
        units=hidden,
        bidirectional=directions == 2,
        biases=2 if operands.get(3) is not None else 0,
        last=last,
    )
    if states.dims is None:
        return [states, states, states]
    if last:
        final = importer.reshape(node, states, final_dims, 2)
        return [states, final, final]
    final = states
    if not importer.read.isdisjoint(node.outputs[1:]):
        final = importer.last_states(node, states, final_dims)
    return [importer.reshape(node, states, states_dims, 3), final, final]
