"""The receptive field of each node's outputs, in elements of the input, computed from the input forward.

If all outputs of a layer see equal extents, as in any chain of windows, a size and a jump describe it. Source:
A. Araujo, W. Norris and J. Sim, Computing receptive fields of convolutional neural networks, Distill 2019: a window of
F' taps at a jump of j adds (F' − 1)·j to the size and P·j to the left, and strides multiply the jump. The field over
several paths is the smallest interval that covers the fields of all. After upsampling and deconvolution outputs differ,
and `figures.phases` computes them separately.
"""

from collections.abc import Iterator, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from cnncalc.graph import Node
from cnncalc.layers.base import Layer
from cnncalc.layers.merge import Merge
from cnncalc.layers.taps import UNCHANGED, AxisTaps, BinTaps, FromAxis, Taps, WindowTaps
from cnncalc.shape import Shape, UnknownSize, at_least, statically_known

if TYPE_CHECKING:
    from cnncalc.figures.phases import Effort, Hull, Phases

#: The figures of a receptive field, in order.
FIELD_FIGURES = ("size", "smallest", "jump", "left")


class AxisField(NamedTuple):
    """The receptive field along one axis, in input elements.

    `size` is the largest extent that any output sees, `jump` the distance between neighbouring outputs' fields, and
    `left` how far the first output's field begins before the first element of the input. If outputs see different
    extents, `smallest` is the least of them.
    """

    size: Any = 1
    jump: Any = 1
    left: Any = 0
    smallest: Any = None
    #: What each output sees, where that is not the same one jump further on.
    phases: "Phases | None" = None
    #: The bound of the field if it is not computed output by output.
    hull: "Hull | None" = None

    @property
    def plain(self) -> bool:
        """Whether each output sees the extent of the one before it, shifted by the jump."""
        return self.phases is None and self.hull is None

    @property
    def at_most(self) -> bool:
        """Whether size and left are upper bounds."""
        return self.hull is not None and not self.hull.exact


class ReceptiveField(NamedTuple):
    """The receptive field on each axis. If `whole`, every output sees the whole input by definition (gap, fc)."""

    axes: tuple[AxisField, ...]
    whole: bool = False

    @property
    def at_most(self) -> bool:
        """Whether a size is an upper bound on some axis."""
        return not self.whole and any(axis.at_most for axis in self.axes)

    def figures(self) -> dict[str, Any]:
        """Return size, smallest, jump and left, each with a number for each axis, fractions as text."""
        numbers: dict[str, Any] = {
            "size": [exact(axis.size) for axis in self.axes],
            "smallest": [exact(axis.size if axis.smallest is None else axis.smallest) for axis in self.axes],
            "jump": [exact(axis.jump) for axis in self.axes],
            "left": [exact(axis.left) for axis in self.axes],
        }
        return {**numbers, "size": "all", "smallest": "all"} if self.whole else numbers

    def to_dict(self) -> dict[str, object]:
        """Return the JSON object of the field.

        `smallest` is included if it differs from `size`, `at_most` if size and left are upper bounds.
        """
        figures = self.figures()
        if figures["smallest"] == figures["size"]:
            del figures["smallest"]
        return {**figures, "at_most": True} if self.at_most else figures


def receptive_fields(nodes: Sequence[Node]) -> list[ReceptiveField]:
    """Return the receptive field of every node, in order. A layer that changes nothing shares that of its input."""
    fields: list[ReceptiveField] = []
    taps_of: dict[tuple[int, int], LayerTaps] = {}
    limited = _Limited(len(nodes))
    for node in nodes:
        if not node.inputs:
            fields.append(ReceptiveField((AxisField(),) * node.shape.rank))
            continue
        # Repeated layers on repeated shapes are the same objects: comparing them by value would take longer.
        key = id(node.layer), id(node.input_shapes)
        if key not in taps_of:
            taps_of[key] = _taps(node.layer, node.input_shapes[0], node.shape)
        taps = taps_of[key]
        field = fields[node.inputs[0]]
        if len(node.inputs) > 1:
            field = _over_paths([fields[index] for index in node.inputs], node, limited)
        if taps == "whole":
            field = ReceptiveField(field.axes, whole=True)
        elif taps is not None and not field.whole:
            # A window over what has seen everything still sees everything.
            field = _grown(field, taps, node.shape, limited)
        elif len(field.axes) < node.shape.rank and not field.whole:
            # A vector whose elements become positions: each sees its own.
            field = ReceptiveField((AxisField(),) * node.shape.rank)
        fields.append(field)
    return fields


#: The taps of a layer along each axis; None where it changes nothing.
LayerTaps = tuple[AxisTaps, ...] | Literal["whole"] | None


def _taps(layer: Layer, x: Shape, y: Shape) -> LayerTaps:
    taps = layer.taps(x, y)
    # Fewer outputs, as behind a crop at the end, may be some that see less than others.
    alike = isinstance(taps, tuple) and taps.count(UNCHANGED) == len(taps) and x.spatial == y.spatial
    return None if alike else taps


class _Limited:
    """The effort for fields of many phases, created with the first of them, since few networks have any."""

    def __init__(self, layers: int) -> None:
        self._layers = layers
        self._effort: Effort | None = None

    @property
    def effort(self) -> "Effort":
        if self._effort is None:
            from cnncalc.figures.phases import Effort

            self._effort = Effort(self._layers)
        return self._effort


# -- through a layer ---------------------------------------------------------------------------------------------------


def _grown(field: ReceptiveField, layer_taps: tuple[AxisTaps, ...], shape: Shape, limited: _Limited) -> ReceptiveField:
    axes: list[AxisField] = []
    before = None
    for (axis, taps), n in zip(sources(field.axes, layer_taps), shape.spatial, strict=True):
        plain = axis.plain and isinstance(taps, WindowTaps)
        # Equal axes, as most are, share one value. The number of outputs is asked for by phases alone.
        now = axis, taps, None if plain else n
        if now != before:
            wider = through_window(axis, taps) if plain else _through(axis, taps, n, limited.effort)  # type: ignore[arg-type]  # plain
            before = now
        axes.append(wider)
    return ReceptiveField(tuple(axes))


def sources(axes: tuple[AxisField, ...], layer_taps: Sequence[AxisTaps]) -> list[tuple[AxisField, Taps]]:
    """Return for each axis of a layer's output the field along the axis that it comes from, and the taps along that."""
    # Axes that end at the layer are the first ones.
    kept = axes[len(axes) - len(layer_taps) :]
    return [
        (AxisField() if taps.axis is None else axes[taps.axis], taps.taps)
        if isinstance(taps, FromAxis)
        else (kept[number], taps)
        for number, taps in enumerate(layer_taps)
    ]


def through_window(axis: AxisField, window: WindowTaps) -> AxisField:
    """Return the field of a window over outputs with equal extents; sizes may be symbols or traced numbers."""
    size, jump, left, *_ = axis
    return AxisField(size + window.grow * jump, _integer_if_whole(jump * window.stride), left + window.begin * jump)


def _through(axis: AxisField, taps: Taps, outputs: Any, effort: "Effort") -> AxisField:
    jump = _integer_if_whole(axis.jump * taps.rate)
    phases = _phases(axis) if taps.known and not isinstance(outputs, UnknownSize) else None
    after = phases and phases.through(taps, outputs, effort)
    if after:
        return _of_phases(after, jump)
    hull = _hull(axis).through(taps, axis.jump)
    if isinstance(taps, BinTaps) and axis.plain:
        # The largest bin is known whatever the sizes are.
        size = axis.size + (taps.largest - 1) * axis.jump
        return AxisField(size, jump, axis.left, hull=hull._replace(exact=True))
    return AxisField(hull.size, jump, hull.left, hull=hull)


def _phases(axis: AxisField) -> "Phases | None":
    """Return the phases of a field; None if only a hull, or a size in symbols, is known."""
    if axis.phases is not None:
        return axis.phases
    if axis.hull is not None or not isinstance(axis.size, int) or not isinstance(axis.jump, int):
        return None
    from cnncalc.figures.phases import Phases

    return Phases(((0, axis.size - 1),), axis.jump, axis.left)


def _hull(axis: AxisField) -> "Hull":
    if axis.hull is not None:
        return axis.hull
    from cnncalc.figures.phases import Hull, hull_of

    if axis.phases is not None:
        return hull_of(axis.phases, axis.jump)
    return Hull(-axis.left, axis.size - 1 - axis.left)


def _of_phases(phases: "Phases", jump: Any) -> AxisField:
    sizes = phases.sizes
    size, smallest = max(sizes), min(sizes)
    if len(phases.intervals) == 1 and phases.borders is None and phases.intervals[0] is not None:
        return AxisField(size, jump, phases.left)
    return AxisField(size, jump, phases.left, smallest if smallest < size else None, phases)


# -- over several paths ------------------------------------------------------------------------------------------------


def _over_paths(fields: list[ReceptiveField], node: Node, limited: _Limited) -> ReceptiveField:
    """Return the field over several paths: as far to either side as any of them reaches."""
    # Only a model file brings tensors of different ranks together, in operators that see all of them.
    if any(field.whole for field in fields) or len({len(field.axes) for field in fields}) > 1:
        most = max(fields, key=lambda field: (not field.whole, len(field.axes)))
        return ReceptiveField(most.axes, whole=True)
    return ReceptiveField(tuple(_axes_over_paths(fields, node, limited)))


def _axes_over_paths(fields: list[ReceptiveField], node: Node, limited: _Limited) -> Iterator[AxisField]:
    shapes, shape = node.input_shapes, node.shape
    joined = node.layer.joined(shape.rank) if isinstance(node.layer, Merge) else None
    if joined is not None and joined < shape.rank:
        lengths = [each.spatial[joined] for each in shapes]
        for number, axes in enumerate(zip(*[field.axes for field in fields], strict=True)):
            yield _end_to_end(axes, lengths, limited.effort) if number == joined else _beside(axes)
        return
    alike = all(each.spatial == shape.spatial for each in shapes)
    before = None
    for number, axes in enumerate(zip(*[field.axes for field in fields], strict=True)):
        jump = axes[0].jump
        plain = alike and all(axis.plain and axis.jump == jump for axis in axes)
        sizes = () if plain else tuple([each.spatial[number : number + 1] for each in (shape, *shapes)])
        # Equal axes, as most are, share one value. Sizes are asked for where outputs differ.
        if (axes, sizes) != before:
            covering = covering_all(axes) if plain else _together(axes, sizes, limited.effort)
            before = axes, sizes
        yield covering


def covering_all(axes: Sequence[AxisField]) -> AxisField:
    """Return the hull of fields with one jump, each of whose outputs see equal extents."""
    left = reduce(at_least, [axis.left for axis in axes])
    right = reduce(at_least, [axis.size - 1 - axis.left for axis in axes])
    return AxisField(left + right + 1, axes[0].jump, left)


def _together(axes: Sequence[AxisField], sizes: tuple[tuple[Any, ...], ...], effort: "Effort") -> AxisField:
    """Return the hull of any fields; `sizes` are those of the output and of each arm, empty if it has no axis."""
    from cnncalc.figures.phases import hull_over, one_by_one, together

    own, *of_arms = sizes
    outputs = own[0] if own else 1
    stretched = [size == (1,) and outputs != 1 for size in of_arms]
    jumps = [0 if one else axis.jump for axis, one in zip(axes, stretched, strict=True)]
    arms = [arm for axis in axes if (arm := _phases(axis))]
    hull, jump = hull_over([_hull(axis) for axis in axes], jumps, outputs)
    if len(arms) == len(axes):
        periodic = all(each == jump for each in jumps) and all(arm.borders is None for arm in arms)
        merged = together(arms, effort) if periodic else one_by_one(arms, stretched, outputs, effort)
        if merged:
            return _of_phases(merged, jump)
    return AxisField(hull.size, jump, hull.left, hull=hull)


def _end_to_end(axes: Sequence[AxisField], sizes: Sequence[Any], effort: "Effort") -> AxisField:
    """Return the field along the axis of these sizes that arms are joined along: each output's is that of its arm."""
    from cnncalc.figures.phases import hull_end_to_end, in_sequence

    jump = reduce(at_least, [axis.jump for axis in axes])
    arms = [arm for axis in axes if (arm := _phases(axis))]
    merged = in_sequence(arms, sizes, effort) if len(arms) == len(axes) else None
    if merged:
        endless = all(arm.borders is None for arm in arms)
        return _of_phases(merged.as_one(jump) if endless else merged, jump)
    hull = hull_end_to_end([_hull(axis) for axis in axes], [axis.jump for axis in axes], sizes, jump)
    return AxisField(hull.size, jump, hull.left, hull=hull)


def _beside(axes: Sequence[AxisField]) -> AxisField:
    """Return the field along another axis than that of the join, where an output may be of any of the arms."""
    first = axes[0]
    if all(axis == first for axis in axes):
        return first
    from cnncalc.figures.phases import hull_over

    # Where they differ, the lines around all of them are a bound.
    jump = reduce(at_least, [axis.jump for axis in axes])
    hull, jump = hull_over([_hull(axis) for axis in axes], [jump] * len(axes), 1)
    return AxisField(hull.size, jump, hull.left, hull=hull)


def exceeds(field: ReceptiveField, shape: Shape) -> bool:
    """Return whether a receptive field is larger than an input of that shape on any axis.

    A field that covers the whole input by definition is not larger.
    """
    if not field.whole:
        for axis, n in zip(field.axes, shape.spatial, strict=False):
            if statically_known(axis.size > n):
                return True
    return False


def _integer_if_whole(value: Any) -> Any:
    """Return a fraction as an integer if it is whole, and any other value unchanged."""
    return value if isinstance(value, int) or getattr(value, "denominator", 0) != 1 else value.numerator


def exact(value: Any) -> Any:
    """Return an integer unchanged, a fraction as "1/2"."""
    value = _integer_if_whole(value)
    return value if isinstance(value, int) else str(value)
