"""The layers that Keras has for a layer of ours: the emitter, and what several kinds are written with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.frameworks.keras import KERAS
from cnncalc.frameworks.notation import axis_by_axis, one_or_each
from cnncalc.frameworks.table import Equivalent
from cnncalc.graph import Node
from cnncalc.shape import Shape
from cnncalc.writers.code import Call, CallArgument, LayerCode, call, layer_call, nested, positional
from cnncalc.writers.emitter import Emitter, Unsupported
from cnncalc.writers.windows import ends_of

#: The function of a call that stands for several layers, one behind the other.
CHAIN = ""


def chain(*calls: Call) -> Call:
    return nested(CHAIN, *calls)


def frozen(code: Call) -> Call:
    """Return the layer, or each of a chain, with its weights kept from training."""
    if code.function != CHAIN:
        return code._replace(arguments=(*code.arguments, CallArgument("trainable", False, True)))
    return code._replace(arguments=tuple([each._replace(value=frozen(each.value)) for each in code.arguments]))


def layer_of_row(row: Equivalent, node: Node, **values: Any) -> Call:
    return layer_call(row, node, node.input_shapes[0].rank, **values)


def layer_of(kind: str, node: Node, **values: Any) -> Call:
    return layer_of_row(KERAS.equivalent(kind), node, **values)


emitter: Emitter[LayerCode] = Emitter(KERAS.title, KERAS, layer_of_row)


def edges(kind: str, x: Shape, ends: Sequence[tuple[int, int]]) -> list[Call]:
    """Return the layers that pad with zeros (`pad`) or crop (`crop`), if there is anything to pad or crop."""
    name = KERAS.equivalent(kind).name(x.rank)
    return [call(name, positional("padding", axis_by_axis(ends)))] if any(map(any, ends)) else []


def is_same(x: Shape, layer: Any) -> bool:
    """Return whether the padding is `same`, or equal to it for every size at stride 1."""
    if layer.padding.mode == "same" or max(layer.stride) > 1:
        return bool(layer.padding.mode == "same")
    extents = [window.extent - 1 for window in layer.windows(x)]
    same = [(extent // 2, extent - extent // 2) for extent in extents]
    return ends_of(layer.windows(x)) == same and any(extents)


def padded(x: Shape, layer: Any) -> tuple[list[Call], str]:
    """Return the layers that pad before a layer, and the padding rule of the layer itself."""
    if is_same(x, layer):
        return [], "same"
    return edges("pad", x, ends_of(layer.windows(x))), "valid"


def dilation_of(layer: Any) -> int | tuple[int, ...]:
    """Return the dilation; raises `Unsupported` together with a stride, which no layer of Keras supports."""
    # Of one tap, the distance to the next means nothing.
    dilation = [d if k > 1 else 1 for d, k in zip(layer.dilation, layer.kernel, strict=True)]
    if max(layer.stride) > 1 and max(dilation) > 1:
        raise Unsupported("its convolutions have a stride or a dilation, not both", "drop one of them")
    same: int | tuple[int, ...] = one_or_each(dilation)
    return same


def calls_of(code: Call) -> list[Call]:
    """Return the layers that a call represents."""
    return [argument.value for argument in code.arguments] if code.function == CHAIN else [code]
