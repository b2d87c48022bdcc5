"""The receptive field of each node's outputs, in elements of the input, by the forward recurrence.

Source: A. Araujo, W. Norris and J. Sim, Computing receptive fields of convolutional neural networks, Distill
2019: sizes and starts grow by (F' − 1)·j and P·j, jumps multiply; several paths give their hull.
"""

from collections.abc import Iterator, Sequence
from functools import reduce
from typing import Any, Literal, NamedTuple

from cnncalc.graph import Node
from cnncalc.layers.base import Reach
from cnncalc.shape import at_least


class AxisField(NamedTuple):
    """Along one axis, in input elements: the field's `size`, the `jump` between neighbouring outputs, and how
    far `left` of the input's first element the first output's field begins."""

    size: Any = 1
    jump: Any = 1
    left: Any = 0


class ReceptiveField(NamedTuple):
    """The field on each axis. Where `whole`, every output sees the whole input by nature (gap, fc)."""

    axes: tuple[AxisField, ...]
    whole: bool = False

    def to_dict(self) -> dict[str, object]:
        jump = [_exact(axis.jump) for axis in self.axes]
        left = [_exact(axis.left) for axis in self.axes]
        size: object = "all" if self.whole else [_exact(axis.size) for axis in self.axes]
        return {"size": size, "jump": jump, "left": left}


def receptive_fields(nodes: Sequence[Node]) -> list[ReceptiveField]:
    """The receptive field of every node, in order."""
    fields: list[ReceptiveField] = []
    reaches: dict[Any, Any] = {}
    for node in nodes:
        if not node.inputs:
            fields.append(ReceptiveField((AxisField(),) * node.shape.rank))
            continue
        field = fields[node.inputs[0]]
        if len(node.inputs) > 1:
            field = _hull([fields[index] for index in node.inputs])
        # Repeated layers on repeated shapes reach as far.
        key = (node.layer, node.input_shapes)
        if key not in reaches:
            reaches[key] = node.layer.reach(node.input_shapes[0], node.shape)
        reach = reaches[key]
        fields.append(field if reach is None else _grown(field, reach, node.shape.rank))
    return fields


def _grown(field: ReceptiveField, reach: tuple[Reach, ...] | Literal["whole"], rank: int) -> ReceptiveField:
    if reach == "whole":
        return ReceptiveField(field.axes, whole=True)
    if field.whole:
        # A window over what has seen everything still sees everything.
        return field
    return ReceptiveField(
        tuple(
            [
                AxisField(r + more * j, _whole(j * step), left + begin * j)
                for (r, j, left), (more, begin, step) in zip(field.axes, reach, strict=True)
            ]
        )
    )


def _hull(fields: list[ReceptiveField]) -> ReceptiveField:
    if any(field.whole for field in fields):
        most = max(fields, key=lambda field: (not field.whole, len(field.axes)))
        return ReceptiveField(most.axes, whole=True)
    return ReceptiveField(tuple(_axis_hulls(fields)))


def _axis_hulls(fields: list[ReceptiveField]) -> Iterator[AxisField]:
    for axes in zip(*[field.axes for field in fields], strict=True):
        left = reduce(at_least, [axis.left for axis in axes])
        right = reduce(at_least, [axis.size - 1 - axis.left for axis in axes])
        # Equal sizes come of equal jumps; where paths differ (a stretched axis), the widest is what is seen.
        yield AxisField(left + right + 1, reduce(at_least, [axis.jump for axis in axes]), left)


def _whole(value: Any) -> Any:
    """A fraction as an integer where it is one; anything else as it is."""
    return value if isinstance(value, int) or getattr(value, "denominator", 0) != 1 else value.numerator


def _exact(value: Any) -> Any:
    """An integer as it is, a fraction as "1/2"."""
    value = _whole(value)
    return value if isinstance(value, int) else str(value)
