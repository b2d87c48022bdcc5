"""Every figure of a layer with its rule's numbers in it: the layer's own rules, run on numbers that tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from cnncalc.analysis import Analysis, Row
from cnncalc.explain.positions import WindowPositions, window_positions
from cnncalc.explain.trace import Number, TracedNumber, signed, text_of, value_of
from cnncalc.figures.memory import DTYPES, Buffer, assign_buffers
from cnncalc.figures.receptive_field import AxisField, ReceptiveField, grown, hull
from cnncalc.layers.arguments import Argument, PaddingArgument
from cnncalc.layers.base import Its, Layer
from cnncalc.layers.windowed import Windowed
from cnncalc.shape import AXES, Padding, Shape


class FigureFormula(NamedTuple):
    """A figure: `of` what it is, its formula with the numbers in it, and its value."""

    of: str
    text: str
    value: Number

    @property
    def calculated(self) -> bool:
        """Whether there is more to it than the value."""
        return self.text != signed(self.value)

    def __str__(self) -> str:
        return f"{self.text} = {signed(self.value)}" if self.calculated else self.text


class AxisPadding(NamedTuple):
    """What is added at both ends of an axis, or cropped there; `total` is the sum where a rule makes it."""

    axis: str
    begin: int
    end: int
    total: FigureFormula | None


class FieldChange(NamedTuple):
    """How a layer changes the receptive field along one axis."""

    axis: str
    size: FigureFormula
    jump: FigureFormula
    left: FigureFormula


class LayerMemory(NamedTuple):
    """The bytes of a layer's output, where they lie, and what else is live while the layer runs."""

    elements: FigureFormula
    bytes: int
    #: The layer whose output it is written over, or whose it is under another name.
    over: str | None
    #: Each live tensor and its bytes, the output's last.
    live: tuple[tuple[str, int], ...]

    @property
    def total(self) -> int:
        return sum(size for _, size in self.live)


class Explanation(NamedTuple):
    """All that is to be told about one layer."""

    row: Row
    sizes: tuple[FigureFormula, ...]
    padding: tuple[AxisPadding, ...]
    channels: str
    weights: FigureFormula
    biases: FigureFormula
    buffers: FigureFormula
    macs: FigureFormula
    field: tuple[FieldChange, ...]
    memory: LayerMemory
    places: tuple[WindowPositions, ...]

    @property
    def layer(self) -> Layer:
        return self.row.node.layer

    @property
    def keeps_shape(self) -> bool:
        """Whether the output has the input's shape by nature: nothing is calculated."""
        return not any(size.calculated for size in self.sizes) and self.row.output_shape in self.row.input_shapes


def explain(analysis: Analysis, names: Sequence[str] | None = None) -> Iterator[Explanation]:
    """The explanation of each layer, or of those named, in source order."""
    wanted = {row.name for row in analysis.rows} if names is None else set(names)
    to_come = sorted(assign_buffers(analysis.graph.nodes, analysis.graph.outputs), key=lambda each: -each.first)
    live: list[Buffer] = []
    for row in analysis.rows:
        if row.name in wanted:
            step = row.node.index
            while to_come and to_come[-1].first <= step:
                live.append(to_come.pop())
            live = [each for each in live if each.last >= step]
            yield _explained(analysis, row, live)


def _explained(analysis: Analysis, row: Row, live: Sequence[Buffer]) -> Explanation:
    node = row.node
    layer, inputs = node.layer, tuple(map(_traced_shape, node.input_shapes))
    x = inputs[0] if inputs else _traced_shape(node.shape)
    y = _traced_shape(node.shape)
    told = traced_layer(layer, node.input_shapes[0] if inputs else node.shape)
    names = (*AXES[node.shape.rank], "channels" if node.shape.rank else "elements")
    sizes = zip(names, told.shape_of(inputs).dims, node.shape.dims, strict=True)
    counted = bool(inputs)
    weights, biases, running = (told.weights(x), told.biases(x), told.buffers(x)) if counted else (0, 0, 0)
    if node.stored is not None:
        # What a model file holds counts in place of the rules.
        weights, biases, running = row.params, 0, row.buffers
    return Explanation(
        row,
        tuple(FigureFormula(name, text_of(size), value) for name, size, value in sizes),
        tuple(_padding(layer, node.input_shapes[0])) if isinstance(layer, Windowed) else (),
        layer.explain_channels(node.input_shapes[0], node.shape) if counted else "",
        _formula("weights", weights),
        _formula("biases", biases),
        FigureFormula("buffers", text_of(running), row.buffers),
        FigureFormula("MACs", text_of(_batch(analysis) * (told.multiply_adds(x, y) if counted else 0)), row.macs),
        tuple(_field_steps(analysis, row, told, x, y)) if counted else (),
        _memory(analysis, row, live, y),
        window_positions(node),
    )


def _formula(of: str, value: Any) -> FigureFormula:
    return FigureFormula(of, text_of(value), value_of(value))


# -- numbers that tell ---------------------------------------------------------------------------------------


def traced_layer(layer: Its, x: Shape, resolved: bool = True) -> Its:
    """The layer with arguments that tell: all that were given; those at their default stay plain numbers.

    A layer that declares none, as an operator of a model file, is told by what the file says of it alone.

    Padding by a rule is `resolved` to what it comes to, so that a size's formula has its numbers, or stays a rule.
    """
    if not layer.arguments:
        return layer
    values = {name: _traced_value(layer, argument, x, resolved) for name, argument in layer.arguments.items()}
    return layer.with_values(values)


def _traced_value(layer: Layer, argument: Argument[Any], x: Shape, resolved: bool) -> Any:
    value = getattr(layer, argument.name)
    if isinstance(argument, PaddingArgument):
        if argument.rules and not resolved:
            return value
        ends = layer.padding_ends(x) if argument.rules else value.ends
        return Padding("explicit", tuple(map(_traced_ends, ends)))
    return value if argument.is_default(value) else _traced(value)


def _traced(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_traced, value))
    return TracedNumber(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _traced_ends(ends: Sequence[int]) -> tuple[Any, Any]:
    """The padding of an axis; where both ends are alike they are one number, which a formula then says once."""
    begin, end = map(TracedNumber, ends)
    return (begin, begin) if begin == end else (begin, end)


def _traced_shape(shape: Shape) -> Shape:
    return Shape.of(map(TracedNumber, shape.dims))


def _batch(analysis: Analysis) -> Any:
    """The number of samples as a factor, which one sample needs none of."""
    return TracedNumber(analysis.options.batch) if analysis.options.batch > 1 else 1


# -- padding, field and memory -------------------------------------------------------------------------------


def _padding(layer: Windowed, x: Shape) -> Iterator[AxisPadding]:
    told = traced_layer(layer, x, resolved=False)
    mode = layer.padding.mode
    for axis, (name, window, ends) in enumerate(
        zip(AXES[x.rank], told.windows(_traced_shape(x)), layer.padding_ends(x), strict=True)
    ):
        total = None
        if mode == "same":
            total = _formula("total", told.same_totals(_traced_shape(x))[axis])
        elif mode == "full":
            total = _formula("each end", window.begin)
        yield AxisPadding(name, ends[0], ends[1], total)


def _field_steps(analysis: Analysis, row: Row, told: Layer, x: Shape, y: Shape) -> Iterator[FieldChange]:
    if row.receptive_field.whole:
        return
    before = [_traced_field(analysis.rows[index].receptive_field) for index in row.node.inputs]
    field = hull(before) if len(before) > 1 else before[0]
    reach = told.field_step(x, y)
    for number, (name, its) in enumerate(zip(AXES[row.node.shape.rank], row.receptive_field.axes, strict=False)):
        # An axis by itself: where two come to the same, their formulas may still differ.
        after = field.axes[number]
        if isinstance(reach, tuple):
            after = grown(ReceptiveField((after,)), (reach[number],)).axes[0]
        yield FieldChange(
            name, *(FigureFormula(of, text_of(getattr(after, of)), getattr(its, of)) for of in AxisField._fields)
        )


def _traced_field(field: ReceptiveField) -> ReceptiveField:
    return ReceptiveField(tuple(AxisField(*map(TracedNumber, axis)) for axis in field.axes), field.whole)


def _memory(analysis: Analysis, row: Row, live: Sequence[Buffer], y: Shape) -> LayerMemory:
    node, nodes, options = row.node, analysis.graph.nodes, analysis.options
    scale = DTYPES[options.dtype] * options.batch
    home = next(each for each in live if node.index in each.nodes)
    earlier = [index for index in home.nodes if index < node.index]
    held = sorted((each.output_at(node.index), each.elements * scale) for each in live)
    return LayerMemory(
        FigureFormula("elements", text_of(_batch(analysis) * y.elements), row.activations),
        row.activations * DTYPES[options.dtype],
        nodes[earlier[-1]].name if earlier else None,
        tuple((nodes[index].name, size) for index, size in held),
    )
