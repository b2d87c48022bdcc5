"""The receptive field of each node's outputs, in elements of the input, by the forward recurrence.

Source: A. Araujo, W. Norris and J. Sim, Computing receptive fields of convolutional neural networks, Distill
2019: sizes and starts grow by (F' − 1)·j and P·j, jumps multiply; several paths give their hull.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache, reduce
from typing import Any, Literal, NamedTuple

from cnncalc.graph import Node
from cnncalc.layers.base import FieldStep, Layer
from cnncalc.shape import Shape, at_least

#: The reach along an axis of what changes nothing there.
SAME = FieldStep(0, 0, 1)


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
        jump = [exact(axis.jump) for axis in self.axes]
        left = [exact(axis.left) for axis in self.axes]
        size: object = "all" if self.whole else [exact(axis.size) for axis in self.axes]
        return {"size": size, "jump": jump, "left": left}


def receptive_fields(nodes: Sequence[Node]) -> list[ReceptiveField]:
    """The receptive field of every node, in order."""
    fields: list[ReceptiveField] = []
    for node in nodes:
        if not node.inputs:
            fields.append(ReceptiveField((AxisField(),) * node.shape.rank))
            continue
        field = fields[node.inputs[0]]
        if len(node.inputs) > 1:
            field = hull([fields[index] for index in node.inputs])
        reach = _reach(node.layer, node.input_shapes, node.shape)
        fields.append(field if reach is None else grown(field, reach, node.shape.rank))
    return fields


@lru_cache(20_000)
def _reach(layer: Layer, inputs: tuple[Shape, ...], output: Shape) -> tuple[FieldStep, ...] | Literal["whole"] | None:
    """The layer's reach, None where it changes nothing: a 1x1 window in steps of 1 sees what its input sees."""
    reach = layer.field_step(inputs[0], output)
    return None if isinstance(reach, tuple) and set(reach) == {SAME} else reach


def grown(field: ReceptiveField, reach: tuple[FieldStep, ...] | Literal["whole"], rank: int) -> ReceptiveField:
    """The field of a layer's outputs, given its inputs' and what it adds."""
    if reach == "whole":
        return ReceptiveField(field.axes, whole=True)
    if field.whole:
        # A window over what has seen everything still sees everything.
        return field
    axes: list[AxisField] = []
    before = None
    for axis, (more, begin, step) in zip(field.axes, reach, strict=True):
        # Axes that are alike, as most are, share one value.
        if (axis, more, begin, step) != before:
            r, j, left = axis
            wider = AxisField(r + more * j, _whole(j * step), left + begin * j)
            before = axis, more, begin, step
        axes.append(wider)
    return ReceptiveField(tuple(axes))


def hull(fields: list[ReceptiveField]) -> ReceptiveField:
    """The field over several paths: as far to either side as any of them reaches."""
    # Only a model file brings tensors of different ranks together, in operators that see all of them.
    if any(field.whole for field in fields) or len({len(field.axes) for field in fields}) > 1:
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


def exact(value: Any) -> Any:
    """An integer as it is, a fraction as "1/2"."""
    value = _whole(value)
    return value if isinstance(value, int) else str(value)
