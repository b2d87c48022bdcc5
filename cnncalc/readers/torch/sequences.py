"""The rules of ATen's operators on sequences: recurrent layers and their cells, and attention."""

from __future__ import annotations

from math import prod
from typing import Any

from cnncalc.readers.tensors import Tensor
from cnncalc.readers.torch.importer import BoundArguments, FxNode, TorchImporter, operator_name, output_dims, rules
from cnncalc.readers.torch.operators import dims_of, functions


@rules.table({name: kind for kind in ("lstm", "gru", "rnn") for name in functions(kind)})
def recurrent(importer: TorchImporter, node: FxNode, arguments: BoundArguments, kind: str) -> list[Any]:
    """A stack of recurrent layers: its states at all steps, and the last of each layer and direction.

    Where the states at all steps are not read, it is the layer that gives the last state alone.
    """
    x, params, has_bias = arguments.subject, arguments["params"], arguments["has_biases"]
    units, layers, bidirectional = dims_of(params[1])[1], arguments["num_layers"], arguments["bidirectional"]
    directions = 2 if bidirectional else 1
    if len(params) != layers * directions * (4 if has_bias else 2):
        return _projected(importer, node, x, params)
    read = {user.args[1] for user in node.users if operator_name(user) == "getitem" and user.users}
    last = read == {1} and layers == 1
    batch = 0 if arguments["batch_first"] else 1
    states = importer.recurrent(
        node,
        kind,
        x,
        batch,
        importer.count_weights(*params),
        units=units,
        bidirectional=bidirectional,
        layers=layers,
        biases=2 if has_bias else 0,
        last=last,
    )
    final_dims = (layers * directions, 1, units)
    if last:
        final = importer.reshape(node, states, final_dims, 2) if states.dims else states
        return [states, final, final]
    final = importer.last_states(node, states, final_dims) if read - {0} else states
    if batch and states.dims:
        states = importer.reshape(node, states, (states.dims[1], 1, states.dims[2]), 2)
    return [states, final, final]


def _projected(importer: TorchImporter, node: FxNode, x: Tensor, params: list[Any]) -> list[Any]:
    """An LSTM whose states are projected (`proj_size`): each of its matrices is multiplied once at each step."""
    matrices = [dims for dims in map(dims_of, params) if len(dims) == 2]
    macs = prod(x.known_dims[:2]) * sum(map(prod, matrices))
    first, *more = (tuple(each.shape) for each in node.meta["val"])
    output = importer.opaque(node, first, [x], len(first) - 1, importer.count_weights(*params), macs=macs)
    return [output, *(output._replace(dims=dims, channel=len(dims) - 1) for dims in more)]


@rules("scaled_dot_product_attention")
def attention(importer: TorchImporter, node: FxNode, arguments: BoundArguments) -> Tensor:
    """Add attention, which is two products: of queries with keys, and of the resulting weights with values."""
    query, key, value = (dims_of(arguments[name]) for name in ("query", "key", "value"))
    tensors = [each for each in arguments.values() if isinstance(each, Tensor)]
    dims = output_dims(node)
    macs = prod(query[:-1]) * key[-2] * (query[-1] + value[-1])
    return importer.opaque(node, dims, tensors, len(query) - 1, importer.count_weights(*arguments.values()), macs=macs)
