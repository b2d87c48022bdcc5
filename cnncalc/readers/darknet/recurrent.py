"""The rules of Darknet's recurrent sections. A sample is one step; the state before it is an input of its own.

Each is a row that applies several layers inside: convolutions or, of a vector, connected layers, each with its own
biases or its own batch norm.

    https://github.com/AlexeyAB/darknet, src/crnn_layer.c, conv_lstm_layer.c, rnn_layer.c, gru_layer.c, lstm_layer.c
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cnncalc.layers import Layer
from cnncalc.readers.darknet.cfg import CfgSection
from cnncalc.readers.darknet.importer import DarknetImporter, rules
from cnncalc.readers.importer import make, symmetric_padding
from cnncalc.shape import Shape

Parts = list[tuple[Layer, Shape]]


def _with_norm(layers: Parts, normalized: bool) -> Iterator[tuple[Layer, Shape]]:
    """Yield the layers, each with the batch norm behind it."""
    for layer, x in layers:
        yield layer.replace(bias=not normalized), x
        if normalized:
            yield make("bn"), layer.resolve(x).infer((x,))


def _add(importer: DarknetImporter, section: CfgSection, last: int, layers: Parts, output: Shape) -> int:
    normalized = section.flag("batch_normalize", default=False)
    return importer.add_composite(section, output, list(_with_norm(layers, normalized)), last)


# -- of feature maps -----------------------------------------------------------------------------------------


def _conv(section: CfgSection, filters: int) -> Layer:
    """Return a convolution of the section's window with that many filters; the window is 3x3 if none is stated."""
    size, dilation = section.integer("size", 3), section.integer("dilation", 1)
    amount = size // 2 if section.integer("pad", 0, low=0) else section.integer("padding", 0, low=0)
    given: dict[str, Any] = {name: section.integers(name, 2, 1) for name in ("stride",)}
    return make(
        "conv",
        kernel=(size, size),
        dilation=(dilation, dilation),
        padding=symmetric_padding((amount * dilation,) * 2),
        groups=section.integer("groups", 1),
        filters=filters,
        **given,
    )


@rules("crnn")
def conv_rnn(importer: DarknetImporter, section: CfgSection, last: int) -> int:
    """Add a recurrent layer of three convolutions: of the input, of the state, and of their sum.

    Redmon's Darknet calls its numbers `hidden_filters` and `output_filters`, and pads windows of 3x3.
    """
    x = importer.shape(last)
    if x is None:
        return importer.add_unknown(section, last)
    hidden, filters = (section.integer(f"{name}_filters", section.integer(name, 1)) for name in ("hidden", "output"))
    convs = [_conv(section, each) for each in (hidden, hidden, filters)]
    if section.states("output_filters") and not section.states("size"):
        convs = [each.replace(padding=symmetric_padding((1, 1))) for each in convs]
    state = importer.output(convs[0], x)
    output = importer.output(convs[2], state) if state else None
    if state is None or output is None:
        return importer.add_layer(section, convs[0], last)  # reports what is wrong
    return _add(importer, section, last, [(convs[0], x), (convs[1], state), (convs[2], state)], output)


@rules("conv_lstm")
def conv_lstm(importer: DarknetImporter, section: CfgSection, last: int) -> int:
    """Add an LSTM of convolutions: for each of 4 gates one of the input and one of the state.

    With `peephole` 3 more read the cell; with `bottleneck` a single one reads input and state together.
    """
    x = importer.shape(last)
    if x is None:
        return importer.add_unknown(section, last)
    conv = _conv(section, section.integer("output", 1))
    output = importer.output(conv, x)
    if output is None:
        return importer.add_layer(section, conv, last)  # reports what is wrong
    of_input = [(conv, x)] * 4
    of_state = [(conv, output)] * 4
    if section.flag("bottleneck", default=False):
        of_state = [(conv, Shape(output.spatial, 2 * output.channels))]
    of_cell = [(conv, output)] * 3 if section.flag("peephole", default=False) else []
    return _add(importer, section, last, [*of_input, *of_state, *of_cell], output)


# -- of vectors ----------------------------------------------------------------------------------------------


@rules.table({"lstm": 4, "gru": 3})
def gated(importer: DarknetImporter, section: CfgSection, last: int, gates: int) -> int:
    """Add an LSTM or GRU: for each gate a connected layer of the input and one of the state, both with biases."""
    x, units = importer.shape(last), section.integer("output", 1)
    if x is None:
        return importer.add_unknown(section, last)
    layer, state = make("fc", units=units), Shape((), units)
    return _add(importer, section, last, [*[(layer, Shape((), x.elements))] * gates, *[(layer, state)] * gates], state)


@rules("rnn")
def rnn(importer: DarknetImporter, section: CfgSection, last: int) -> int:
    """Add a recurrent layer of three connected ones: of the input, of the state, and of their sum."""
    x, output = importer.shape(last), section.integer("output", 1)
    if x is None:
        return importer.add_unknown(section, last)
    hidden = section.integer("hidden", output)
    first, last_one, state = make("fc", units=hidden), make("fc", units=output), Shape((), hidden)
    parts: Parts = [(first, Shape((), x.elements)), (first, state), (last_one, state)]
    return _add(importer, section, last, parts, Shape((), output))
