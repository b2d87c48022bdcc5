"""Every figure of a layer with its formula: the layer's own rules, evaluated on traced numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

from cnncalc.analysis import Analysis
from cnncalc.explain.positions import WindowPositions, window_positions
from cnncalc.explain.trace import Number, TracedNumber, signed, text_of, value_of
from cnncalc.figures.memory import Buffer, map_sizes
from cnncalc.figures.receptive_field import AxisField, covering_all, sources, through_window
from cnncalc.figures.rows import Row
from cnncalc.graph import step_of
from cnncalc.layers.arguments import Argument, PaddingArgument
from cnncalc.layers.base import AnyLayer, Layer
from cnncalc.layers.merge import Merge
from cnncalc.layers.taps import Taps, WindowTaps
from cnncalc.layers.timewise import Timewise
from cnncalc.layers.windowed import Windowed
from cnncalc.shape import AXES, UNKNOWN_SIZE, Padding, Shape, Size


class FigureFormula(NamedTuple):
    """A figure: its name, its formula with numbers, and its value."""

    of: str
    text: str
    value: Number

    @property
    def calculated(self) -> bool:
        """Whether the formula is more than the value."""
        return self.text != signed(self.value)

    def __str__(self) -> str:
        return f"{self.text} = {signed(self.value)}" if self.calculated else self.text


class AxisPadding(NamedTuple):
    """The padding at both ends of an axis, added or cropped; `total` is their sum if a rule gives it."""

    axis: str
    begin: int
    end: int
    total: FigureFormula | None


class FieldChange(NamedTuple):
    """How a layer changes the receptive field along one axis.

    With `at_most`, size and left are upper bounds. If outputs see different extents, `extents` has each with the
    number of outputs that see it, among those that differ.
    """

    axis: str
    size: FigureFormula
    smallest: FigureFormula
    jump: FigureFormula
    left: FigureFormula
    at_most: bool
    extents: tuple[tuple[int, int], ...]


class LayerMemory(NamedTuple):
    """The bytes of a layer's output, the buffer it shares if any, and the tensors live while it runs."""

    elements: FigureFormula
    #: Unknown where the elements are.
    bytes: Size
    #: The layer whose output it is written over or is an alias of; None where the buffer is its own.
    over: str | None
    #: Each live tensor by its layer's name, and its bytes; the output's is last.
    live: tuple[tuple[str, int], ...]

    @property
    def total(self) -> int:
        """The bytes of all live tensors."""
        return sum(size for _, size in self.live)


class Explanation(NamedTuple):
    """The complete explanation of one layer."""

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
    positions: tuple[WindowPositions, ...]

    @property
    def layer(self) -> Layer:
        return self.row.node.layer

    @property
    def layer_at_step(self) -> Layer:
        """The layer, or the one that it applies to each step."""
        return step_of(self.row.node).layer

    @property
    def keeps_shape(self) -> bool:
        """Whether the output has the input's shape without any calculation."""
        return not any(size.calculated for size in self.sizes) and self.row.output_shape in self.row.input_shapes


def explain(analysis: Analysis, names: Sequence[str] | None = None) -> Iterator[Explanation]:
    """Yield the explanation of each layer, or of those named, in source order."""
    wanted = {row.name for row in analysis.rows} if names is None else set(names)
    to_come = sorted(analysis.feature_maps, key=lambda each: -each.first)
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
    traced = traced_layer(layer, node.input_shapes[0] if inputs else node.shape)
    # Padding and windows are those of a single step.
    shown = step_of(node)
    axes = AXES[node.shape.rank] if node.shape.has_rank else ("axes",)
    names = (*axes, "channels" if node.shape.rank else "elements")
    sizes = zip(names, traced.shape_of(inputs).dims, node.shape.dims, strict=True)
    counted = bool(inputs)
    weights, biases, running = (traced.weights(x), traced.bias_weights(x), traced.buffers(x)) if counted else (0, 0, 0)
    if node.stored is not None:
        # The weights that a model file holds are counted in place of the rules.
        weights, biases, running = row.params + row.frozen, 0, row.buffers
    if node.weights_from is not None:
        weights, biases, running = 0, 0, 0
    return Explanation(
        row,
        tuple(FigureFormula(name, text_of(size), value) for name, size, value in sizes),
        tuple(_padding(shown.layer, shown.input_shapes[0])) if isinstance(shown.layer, Windowed) else (),
        layer.explain_channels(node.input_shapes[0], node.shape) if counted else "",
        _formula("weights", weights),
        _formula("biases", biases),
        FigureFormula("buffers", text_of(running), _value(row, "buffers")),
        FigureFormula(
            "MACs", text_of(_batch(analysis) * (traced.multiply_adds(x, y) if counted else 0)), _value(row, "macs")
        ),
        tuple(_field_changes(analysis, row, traced, x, y)) if counted else (),
        _memory(analysis, row, live, y),
        window_positions(shown),
    )


def _value(row: Row, figure: str) -> Any:
    """Return a figure of a row, unknown where nothing of it is known."""
    known = getattr(row, figure)
    return UNKNOWN_SIZE if figure in row.missing and not known else known


def _formula(of: str, value: Any) -> FigureFormula:
    return FigureFormula(of, text_of(value), value_of(value))


# -- traced arguments and shapes ---------------------------------------------------------------------------------------


def traced_layer(layer: AnyLayer, x: Shape, resolved: bool = True) -> AnyLayer:
    """Return the layer with traced arguments; those at their default stay plain numbers.

    A layer without declared arguments, such as an operator of a model file, is returned unchanged. Padding by a rule is
    `resolved` to numbers, so that a size's formula has them, or stays a rule.
    """
    if isinstance(layer, Timewise):
        inner = traced_layer(layer.layer, layer.step(x), resolved)
        return cast("AnyLayer", Timewise("timewise", inner))
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
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return tuple(map(_traced, value))
    return TracedNumber(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _traced_ends(ends: Sequence[int]) -> tuple[Any, Any]:
    """Return the padding of an axis; equal ends are one number, which then occurs once in a formula."""
    begin, end = map(TracedNumber, ends)
    return (begin, begin) if begin == end else (begin, end)


def _traced_shape(shape: Shape) -> Shape:
    return Shape.of(map(TracedNumber, shape.dims))


def _batch(analysis: Analysis) -> Any:
    """Return the number of samples as a factor, which is left out for one sample."""
    return TracedNumber(analysis.options.batch) if analysis.options.batch > 1 else 1


# -- padding, field and memory -------------------------------------------------------------------------------


def _padding(layer: Windowed, x: Shape) -> Iterator[AxisPadding]:
    traced = traced_layer(layer, x, resolved=False)
    mode = layer.padding.mode
    for axis, (name, window, ends) in enumerate(
        zip(AXES[x.rank], traced.windows(_traced_shape(x)), layer.padding_ends(x), strict=True)
    ):
        total = None
        if mode == "same":
            total = _formula("total", traced.same_totals(_traced_shape(x))[axis])
        elif mode in ("full", "causal"):
            total = _formula("each end" if mode == "full" else "begin", window.begin)
        yield AxisPadding(name, ends[0], ends[1], total)


def _field_changes(analysis: Analysis, row: Row, traced: Layer, x: Shape, y: Shape) -> Iterator[FieldChange]:
    if row.receptive_field.whole:
        return
    taps = traced.taps(x, y)
    # Of a vector whose elements become positions, each saw its own element.
    own = (AxisField(),) * row.node.shape.rank
    joined = traced.joined(row.node.shape.rank) if isinstance(traced, Merge) else None
    arms: list[AxisField]
    read: Taps | None
    before = [analysis.rows[index].receptive_field.axes or own for index in row.node.inputs]
    for number, (name, axis) in enumerate(zip(AXES[row.node.shape.rank], row.receptive_field.axes, strict=False)):
        # Each axis by itself: where two have the same figures, their formulas may still differ.
        # Axes that end at the layer are the first ones.
        if isinstance(taps, tuple):
            source, read = sources(before[0], taps)[number]
            arms = [source]
        else:
            arms, read = [axes[len(axes) - len(row.receptive_field.axes) + number] for axes in before], None
        plain = axis.plain and all(arm.plain for arm in arms) and (read is None or isinstance(read, WindowTaps))
        plain = plain and number != joined
        after = _plainly(arms, read) if plain else _by_phases(arms, axis, read)  # type: ignore[arg-type]  # plain
        smallest = axis.size if axis.smallest is None else axis.smallest
        yield FieldChange(
            name,
            FigureFormula("size", text_of(after.size), axis.size),
            FigureFormula("smallest", signed(smallest), smallest),
            FigureFormula("jump", text_of(after.jump), axis.jump),
            FigureFormula("left", text_of(after.left), axis.left),
            axis.at_most,
            tuple(sorted(Counter(axis.phases.sizes).items())) if axis.smallest is not None and axis.phases else (),
        )


def _plainly(arms: Sequence[AxisField], window: WindowTaps | None) -> AxisField:
    """Return the traced field on an axis on which every output sees as much as the one before it."""
    traced = [AxisField(TracedNumber(arm.size), TracedNumber(arm.jump), TracedNumber(arm.left)) for arm in arms]
    field = covering_all(traced) if len(traced) > 1 else traced[0]
    return through_window(field, window) if window else field


def _by_phases(arms: Sequence[AxisField], axis: AxisField, taps: Taps | None) -> AxisField:
    """Return the field on an axis whose outputs differ; only the jump is traced, the rest differs by output."""
    jump = TracedNumber(axis.jump)
    if taps and len(arms) == 1:
        jump = TracedNumber(arms[0].jump) * taps.rate
    return AxisField(TracedNumber(axis.size), jump, TracedNumber(axis.left))


def _memory(analysis: Analysis, row: Row, live: Sequence[Buffer], y: Shape) -> LayerMemory:
    node, nodes = row.node, analysis.graph.nodes
    scale, own = analysis.footprint.scale, analysis.footprint.element_bytes
    home = next(each for each in live if node.index in each.nodes)
    earlier = [index for index in home.nodes if index < node.index]
    held = sorted((each.output_at(node.index), each.elements_at(node.index) * scale) for each in live)
    return LayerMemory(
        FigureFormula("elements", text_of(_batch(analysis) * y.elements), _value(row, "activations")),
        map_sizes((node,), own and (own[node.index],))[0] * scale,
        nodes[earlier[-1]].name if earlier else None,
        tuple((nodes[index].name, size) for index, size in held),
    )
