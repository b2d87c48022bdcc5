"""Keras's recurrent layers, and the wrapper that runs one in both directions."""

from __future__ import annotations

from collections.abc import Iterator

from cnncalc.readers.importer import unknown_op
from cnncalc.readers.keras.config import LayerConfig, config_of
from cnncalc.readers.keras.importer import LayerPart, class_names, part, rules
from cnncalc.shape import Shape

#: Class → our kind.
RECURRENT = {name: kind for kind in ("lstm", "gru", "rnn") for name in class_names(kind)}


@rules.table(RECURRENT)
def recurrent(
    config: LayerConfig, shapes: list[Shape], kind: str, *, bidirectional: bool = False
) -> Iterator[LayerPart]:
    """A layer that reads the steps once, or with `bidirectional` in both directions."""
    arguments = config.arguments(kind, shapes[0])
    if kind == "gru" and arguments["biases"] and not config.flag("reset_after", default=True):
        arguments["biases"] = 1
    yield part(kind, **arguments, bidirectional=bidirectional)


@rules("Bidirectional")
def bidirectional(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """A recurrent layer in both directions; their states are joined unless the file says otherwise."""
    inner = config.get("layer")
    name = str(inner.get("class_name")) if isinstance(inner, dict) else ""
    if name not in RECURRENT or config.get("merge_mode", "concat") != "concat":
        yield LayerPart(unknown_op(config.class_name))
        return
    layer = LayerConfig(config.name, name, config_of(inner), config.channels_first, config.call_arguments)
    yield from recurrent(layer, shapes, RECURRENT[name], bidirectional=True)


@rules.table(dict.fromkeys(class_names("convlstm"), "convlstm"))
def convlstm(config: LayerConfig, shapes: list[Shape], kind: str) -> Iterator[LayerPart]:
    # Its windows are on the axes behind the steps.
    yield part(kind, **config.arguments(kind, Shape(shapes[0].spatial[1:], shapes[0].channels)))
