"""The receptive field of each node's outputs, in elements of the input, from the input forward.

Source: A. Araujo, W. Norris and J. Sim, Computing receptive fields of convolutional neural networks, Distill
2019: a window of F' taps at a jump of j adds (F' − 1)·j to the size and P·j to the left, and strides multiply the
jump. The field over several paths is the smallest interval that covers those of all.
"""

from collections.abc import Iterator, Sequence
from functools import reduce
from typing import Any, Literal, NamedTuple

from cnncalc.graph import Node
from cnncalc.layers.base import FieldStep, Layer
from cnncalc.shape import Shape, at_least, statically_known

#: The step along an axis of a layer that changes nothing there: a 1x1 window at stride 1.
UNCHANGED = FieldStep(0, 0, 1)


class AxisField(NamedTuple):
    """The receptive field along one axis, in input elements.

    `size` is its extent, `jump` the distance between those of neighbouring outputs, and `left` how far the first
    output's begins before the first element of the input.
    """

    size: Any = 1
    jump: Any = 1
    left: Any = 0


class ReceptiveField(NamedTuple):
    """The receptive field on each axis. Where `whole`, every output sees the whole input by nature (gap, fc)."""

    axes: tuple[AxisField, ...]
    whole: bool = False

    def to_dict(self) -> dict[str, object]:
        """Return the object under `receptive_field` that JSON carries, fractions as text."""
        jump = [exact(axis.jump) for axis in self.axes]
        left = [exact(axis.left) for axis in self.axes]
        size: object = "all" if self.whole else [exact(axis.size) for axis in self.axes]
        return {"size": size, "jump": jump, "left": left}


def receptive_fields(nodes: Sequence[Node]) -> list[ReceptiveField]:
    """Return the receptive field of every node, in order. A layer that changes nothing shares that of its input."""
    fields: list[ReceptiveField] = []
    steps: dict[tuple[int, int], Steps] = {}
    for node in nodes:
        if not node.inputs:
            fields.append(ReceptiveField((AxisField(),) * node.shape.rank))
            continue
        field = fields[node.inputs[0]]
        if len(node.inputs) > 1:
            field = hull([fields[index] for index in node.inputs])
        # Repeated layers on repeated shapes are the same objects: comparing them by value would take longer.
        key = id(node.layer), id(node.input_shapes)
        if key not in steps:
            steps[key] = _steps(node.layer, node.input_shapes[0], node.shape)
        step = steps[key]
        fields.append(field if step is None else grown(field, step))
    return fields


#: The step of a layer along each axis; None where it changes nothing.
Steps = tuple[FieldStep, ...] | Literal["whole"] | None


def _steps(layer: Layer, x: Shape, y: Shape) -> Steps:
    steps = layer.field_step(x, y)
    return None if isinstance(steps, tuple) and steps.count(UNCHANGED) == len(steps) else steps


def grown(field: ReceptiveField, steps: tuple[FieldStep, ...] | Literal["whole"]) -> ReceptiveField:
    """Return the field of a layer's outputs, given that of its inputs and the layer's step along each axis."""
    if steps == "whole":
        return ReceptiveField(field.axes, whole=True)
    if field.whole:
        # A window over what has seen everything still sees everything.
        return field
    axes: list[AxisField] = []
    before = None
    for axis, (grow, begin, step) in zip(field.axes, steps, strict=True):
        # Equal axes, as most are, share one value.
        if (axis, grow, begin, step) != before:
            size, jump, left = axis
            wider = AxisField(size + grow * jump, _integer_if_whole(jump * step), left + begin * jump)
            before = axis, grow, begin, step
        axes.append(wider)
    return ReceptiveField(tuple(axes))


def hull(fields: list[ReceptiveField]) -> ReceptiveField:
    """Return the field over several paths: as far to either side as any of them reaches."""
    # Only a model file brings tensors of different ranks together, in operators that see all of them.
    if any(field.whole for field in fields) or len({len(field.axes) for field in fields}) > 1:
        most = max(fields, key=lambda field: (not field.whole, len(field.axes)))
        return ReceptiveField(most.axes, whole=True)
    return ReceptiveField(tuple(_axis_hulls(fields)))


def _axis_hulls(fields: list[ReceptiveField]) -> Iterator[AxisField]:
    before = None
    for axes in zip(*[field.axes for field in fields], strict=True):
        if axes != before:
            left = reduce(at_least, [axis.left for axis in axes])
            right = reduce(at_least, [axis.size - 1 - axis.left for axis in axes])
            # Where paths differ in their jump (a stretched axis), the largest counts.
            covering = AxisField(left + right + 1, reduce(at_least, [axis.jump for axis in axes]), left)
            before = axes
        yield covering


def exceeds(field: ReceptiveField, shape: Shape) -> bool:
    """Return whether a receptive field is larger than an input of that shape on any axis.

    One that covers the whole input by nature is not.
    """
    if not field.whole:
        for axis, n in zip(field.axes, shape.spatial, strict=False):
            if statically_known(axis.size > n):
                return True
    return False


def _integer_if_whole(value: Any) -> Any:
    """Return a fraction as an integer where it is one, and anything else as it is."""
    return value if isinstance(value, int) or getattr(value, "denominator", 0) != 1 else value.numerator


def exact(value: Any) -> Any:
    """Return an integer as it is, a fraction as "1/2"."""
    value = _integer_if_whole(value)
    return value if isinstance(value, int) else str(value)
