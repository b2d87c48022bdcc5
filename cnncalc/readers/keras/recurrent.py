"""Keras's recurrent layers: by their own names, of cells, and in both directions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from cnncalc.graph import StoredWeights, weights_of
from cnncalc.readers.importer import make
from cnncalc.readers.keras.config import LayerConfig
from cnncalc.readers.keras.rules import LayerPart, class_names, operator, part, rules, takes_several
from cnncalc.readers.tensors import CannotInferError
from cnncalc.shape import Padding, Shape

#: Class → our kind.
RECURRENT = {name: kind for kind in ("lstm", "gru", "rnn") for name in class_names(kind)}
CONVOLUTIONAL = dict.fromkeys(class_names("convlstm"), "convlstm")

#: The states that a layer returns: its output, and an LSTM's memory.
STATES = {"lstm": 2, "gru": 1, "rnn": 1, "convlstm": 2}

#: Their initial states may be tensors as well.
takes_several.update([*RECURRENT, *CONVOLUTIONAL, "RNN", "Bidirectional"])

#: The ways in which a bidirectional layer joins its two outputs, but for laying them side by side.
JOINED = ("sum", "mul", "ave")


class Stage(NamedTuple):
    """A recurrent layer of ours, its kind and the size of its state."""

    kind: str
    arguments: dict[str, Any]


def _stages(config: LayerConfig, x: Shape) -> list[Stage]:
    """Return the recurrent layers that a layer consists of: itself, or one for each of its cells."""
    kind = RECURRENT.get(config.class_name)
    if kind is not None:
        return [_stage(config, kind, x)]
    if config.class_name != "RNN":
        raise CannotInferError
    cell = config.get("cell")
    cells = cell if isinstance(cell, list) else [cell]
    stages = []
    while cells:
        inner = config.inner(cells.pop(0))
        nested = inner.get("cells")
        if isinstance(nested, list):
            cells = [*nested, *cells]
            continue
        kind = RECURRENT.get(inner.class_name.removesuffix("Cell"))
        if kind is None:
            raise CannotInferError
        stages.append(_stage(inner, kind, x))
    last = not config.flag("return_sequences", default=False)
    return [stage._replace(arguments={**stage.arguments, "last": False}) for stage in stages[:-1]] + [
        stage._replace(arguments={**stage.arguments, "last": last}) for stage in stages[-1:]
    ]


def _stage(config: LayerConfig, kind: str, x: Shape) -> Stage:
    arguments = config.arguments(kind, x)
    if arguments["biases"] and config.values.get("two_biases"):
        arguments["biases"] = 2
    elif kind == "gru" and arguments["biases"] and not config.flag("reset_after", "inner_init" not in config.values):
        arguments["biases"] = 1
    return Stage(kind, arguments)


@rules(*RECURRENT, "RNN")
def recurrent(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    stages = _stages(config, shapes[0])
    for number, stage in enumerate(stages, 1):
        yield part(stage.kind, f"cell{number}" if number < len(stages) else "", **stage.arguments)
    if config.flag("return_state", default=False):
        yield from _states(config, [(stage.kind, Shape((), stage.arguments["units"])) for stage in stages])


def _states(config: LayerConfig, stages: Sequence[tuple[str, Shape]]) -> Iterator[LayerPart]:
    """Yield the states behind the output, each of which is an output of the layer."""
    number = 0
    for kind, shape in stages:
        for _ in range(STATES[kind]):
            number += 1
            yield operator(config, shape, output=number)._replace(suffix="state")


@rules("Bidirectional")
def bidirectional(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield a recurrent layer in both directions; their outputs stand side by side, or are joined.

    The other direction is the same layer, or in `backward_layer` one of the same size.
    """
    inner = config.inner(config.get("layer"))
    mode = config.values.get("merge_mode", "concat")
    if inner.class_name in CONVOLUTIONAL:
        yield from _two_convolutional(config, inner, shapes[0], mode)
        return
    stages = _stages(inner, shapes[0])
    if len(stages) > 1:
        raise CannotInferError
    (stage,) = stages
    units, last = stage.arguments["units"], stage.arguments["last"]
    alone = mode == "concat" or mode is None
    yield part(stage.kind, "" if alone else "both", **stage.arguments, bidirectional=True)
    spatial = () if last else shapes[0].spatial
    if mode in JOINED:
        yield operator(config, Shape(spatial, units))
    elif not alone:
        config.fail("merge_mode", f"it is {str(mode)[:40]}")
    if mode is None:
        # The two directions are outputs of their own.
        for number in range(2):
            cut = part("slice", channels=(number * units, (number + 1) * units))
            yield cut._replace(output=number, suffix=("forward", "backward")[number])
    if inner.flag("return_state", default=False):
        states = _states(config, [(stage.kind, Shape((), units))] * 2)
        yield from (each._replace(output=each.output + (mode is None)) for each in states)  # type: ignore[operator]  # an output


def _two_convolutional(config: LayerConfig, inner: LayerConfig, x: Shape, mode: object) -> Iterator[LayerPart]:
    """Yield a convolutional layer in both directions: as our `convlstm` has one, an operator of twice its figures."""
    (first,) = convlstm(inner, [x])
    layer = first.layer.resolve(x)  # type: ignore[union-attr]  # a layer
    y = layer.infer((x,))
    once = weights_of(layer, x)
    stored = StoredWeights(2 * once.params, 0, 2 * once.frozen)
    shape = Shape(y.spatial, 2 * y.channels) if mode == "concat" else y
    if mode is None:
        raise CannotInferError
    yield operator(config, shape, stored, macs=2 * layer.multiply_adds(x, y))


@rules(*CONVOLUTIONAL)
def convlstm(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    x = shapes[0]
    # Its windows are on the axes behind the steps.
    frame = Shape(x.spatial[1:], x.channels)
    arguments = config.arguments("convlstm", frame)
    if frame.rank > MOST_AXES:
        yield from _of_volumes(config, arguments, x)
        return
    layer = make("convlstm", **arguments)
    yield LayerPart(layer)
    if config.flag("return_state", default=False):
        y = layer.resolve(x).infer((x,))
        spatial = y.spatial if arguments["last"] else y.spatial[1:]
        yield from _states(config, [("convlstm", Shape(spatial, y.channels))])


#: The axes behind the steps that our `convlstm` has at most.
MOST_AXES = 2


def _of_volumes(config: LayerConfig, arguments: dict[str, Any], x: Shape) -> Iterator[LayerPart]:
    """Yield a convolutional LSTM on more axes than ours has, by the sizes of its two convolutions.

    That of the input has four kernels for each filter; that of the state has as many, moves by 1 and keeps the size.
    """
    filters = arguments["filters"]
    given = {name: arguments[name] for name in ("kernel", "stride", "padding", "dilation") if name in arguments}
    frame = Shape(x.spatial[1:], x.channels)
    of_input = make("conv", **given, filters=4 * filters, bias=bool(arguments["bias"])).resolve(frame)
    y = of_input.infer((frame,))
    state = Shape(y.spatial, filters)
    of_state = make("conv", kernel=given["kernel"], padding=Padding("same"), filters=4 * filters, bias=False)
    of_state = of_state.resolve(state)
    once = of_input.multiply_adds(frame, y) + of_state.multiply_adds(state, Shape(y.spatial, 4 * filters))
    stored = StoredWeights(weights_of(of_input, frame).params + weights_of(of_state, state).params)
    shape = state if arguments["last"] else Shape((x.spatial[0], *y.spatial), filters)
    yield operator(config, shape, stored, macs=x.spatial[0] * once)
    if config.flag("return_state", default=False):
        yield from _states(config, [("convlstm", state)])
