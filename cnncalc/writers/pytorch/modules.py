"""The modules that PyTorch has for a layer: the emitter, and what several kinds of layer are written with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.frameworks.notation import last_axis_first, one_or_each
from cnncalc.frameworks.pytorch import PYTORCH
from cnncalc.frameworks.table import Equivalent
from cnncalc.graph import Node
from cnncalc.shape import Shape, Window
from cnncalc.writers.code import Call, LayerCode, call, layer_call, nested, positional
from cnncalc.writers.emitter import Emitter
from cnncalc.writers.windows import ends_of


def module(row: Equivalent, node: Node, **values: Any) -> Call:
    """Return the module of a row; a flat vector uses the modules of one axis."""
    return layer_call(row, node, max(node.input_shapes[0].rank, 1), **values)


def module_of(kind: str, node: Node, **values: Any) -> Call:
    return module(PYTORCH.equivalent(kind), node, **values)


def sequential(*calls: Call) -> Call:
    return nested("nn.Sequential", *calls)


emitter: Emitter[LayerCode] = Emitter(PYTORCH.title, PYTORCH, module)


def padded(x: Shape, windows: Sequence[Window]) -> tuple[list[Call], Any]:
    """Return the module that pads with zeros before a layer if the ends differ, and the padding of the layer itself."""
    if all(window.begin == window.end for window in windows):
        return [], one_or_each([window.begin for window in windows])
    return [call(f"nn.ZeroPad{x.rank}d", positional("padding", last_axis_first(ends_of(windows))))], 0


def channels_first(shape: Shape) -> tuple[int, ...]:
    return (shape.channels, *shape.spatial)
