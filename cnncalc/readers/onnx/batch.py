"""The batch in the inputs of an ONNX file: which axis it is, and by what symbol it goes.

A file does not say which axis is the batch. It is the one with a symbol that is named after it; else the first one, if
the nodes that read the input take it as that; a first axis that they add a batch to, or read as steps, is none.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from cnncalc.readers.onnx.model import Dimension, ModelDef, NodeDef, ValueDef
from cnncalc.readers.shape_inference import ShapeMismatchError, axis_of

#: Symbols that are named after the batch.
NAMED = re.compile(r"n|b|bs|.*batch.*", re.IGNORECASE)

#: Operators that an input may pass on its way to the first layer.
PREPARING = ("Cast", "Identity", "Sub", "Div", "Mul", "Add", "QuantizeLinear", "DequantizeLinear")

#: Recurrent layers, whose input is steps x batch x channels and whose states are directions x batch x units.
RECURRENT = ("LSTM", "GRU", "RNN", "DynamicQuantizeLSTM")


class InputAxes(NamedTuple):
    """The axes of an input: its batch, or None if it has none, and its channels."""

    batch: int | None
    channel: int


def is_named_batch(size: Dimension) -> bool:
    """Return whether a dimension has a symbol that is named after the batch."""
    return isinstance(size, str) and NAMED.fullmatch(size) is not None


def input_axes(model: ModelDef) -> dict[str, InputAxes]:
    """Return the axes of every input whose rank is known."""
    read = {value.name: _as_read(model, value) for value in model.inputs if value.dims is not None}
    # What the batch is in one input, it is in all of them.
    symbols = {
        size
        for value in model.inputs
        for axis, size in enumerate(value.dims or ())
        if isinstance(size, str) and (is_named_batch(size) or axis == _first_guess(value, read[value.name]))
    }
    fixed = [value.dims[0] for value in model.inputs if value.dims and len(value.dims) > 1]
    axes = {}
    for value in model.inputs:
        if value.dims is None:
            continue
        named = [axis for axis, size in enumerate(value.dims) if size in symbols]
        batch = named[0] if named else _first_guess(value, read[value.name])
        if batch == 0 and not named and isinstance(value.dims[0], int) and value.dims[0] not in (1, fixed[0]):
            batch = None  # another number than that of the first input
        channel = read[value.name].channel
        # Channels are behind the batch, but they are not it.
        axes[value.name] = InputAxes(batch, channel if channel != batch or not batch else len(value.dims) - 1)
    return axes


def _first_guess(value: ValueDef, read: InputAxes) -> int | None:
    """Return the batch of an input without regard to the others."""
    dims = value.dims or ()
    named = [axis for axis, size in enumerate(dims) if is_named_batch(size)]
    if named:
        return named[0]
    return read.batch if len(dims) > 1 else None


def _as_read(model: ModelDef, value: ValueDef) -> InputAxes:
    """Return the axes of an input as the first layer that reads it takes them: the batch first, then the channels."""
    name, dims = value.name, value.dims or ()
    # The axes of the tensor, by the number that they have in the input; None is an axis of size 1 that was added.
    axes: list[int | None] = list(range(len(dims)))
    for node in model.nodes:
        if name not in node.inputs or node.operator in ("Shape", "Size"):
            continue
        position = node.inputs.index(name)
        if node.operator in RECURRENT and len(axes) == 3 and not node.integer("layout", 0):
            return InputAxes(axes[1], axes[2] if position == 0 and axes[2] is not None else len(dims) - 1)
        if node.operator == "Transpose":
            order = node.integers("perm") or tuple(reversed(range(len(axes))))
            if sorted(order) != list(range(len(axes))):
                break
            axes = [axes[axis] for axis in order]
        elif node.operator == "Unsqueeze":
            new = _unsqueezed(model, node, len(axes))
            if new is None:
                break
            rest = iter(axes)
            axes = [None if axis in new else next(rest) for axis in range(len(axes) + len(new))]
        elif node.operator not in PREPARING:
            break
        if not node.outputs:
            break
        name = node.outputs[0]
    moved = axes != list(range(len(dims)))
    if moved and axes[0] is not None and None not in axes and axes[0] != 0:
        # Turned so that another axis comes first: as to steps, for a layer that is not here.
        return InputAxes(0, 1)
    channel = axes[1] if len(axes) > 2 and axes[1] is not None else min(1, max(len(dims) - 1, 0))
    return InputAxes(axes[0] if axes else None, channel)


def _unsqueezed(model: ModelDef, node: NodeDef, rank: int) -> set[int] | None:
    """Return the axes that an Unsqueeze adds, or None if they are not known."""
    given = node.integers("axes")
    if given is None and len(node.inputs) > 1:
        tensor = model.initializers.get(node.inputs[1])
        producer = next((each for each in model.nodes if node.inputs[1] in each.outputs), None)
        if tensor is None and producer is not None and producer.operator == "Constant":
            tensor = producer.tensor("value")
        given = tensor.values if tensor is not None else None
    if given is None:
        return None
    try:
        new = {axis_of(axis, rank + len(given)) for axis in given}
    except ShapeMismatchError:
        return None  # an error that its own rule reports
    return new if len(new) == len(given) else None
