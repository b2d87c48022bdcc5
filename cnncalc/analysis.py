"""analyze: every figure of a graph, a row for each node, with totals and warnings."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import groupby
from typing import Any, NamedTuple

from cnncalc.diagnostics import Diagnostic
from cnncalc.figures.cost import CONVENTIONS, DEFAULT_CONVENTION, costing
from cnncalc.figures.memory import DTYPES, OPTIMIZERS, Buffer, Peak, buffers, live, peak
from cnncalc.figures.memory_planner import arena
from cnncalc.figures.receptive_field import ReceptiveField, receptive_fields
from cnncalc.graph import Graph, Node
from cnncalc.shape import AXES, Shape, Size, statically_known

#: The number of the JSON object's form: it rises when a field changes its meaning.
SCHEMA = 1


class Options(NamedTuple):
    """What the figures depend on besides the network. `Options.checked` is the way to make them."""

    batch: int = 1
    dtype: str = "float32"
    convention: str = DEFAULT_CONVENTION
    optimizer: str = "sgd"

    @classmethod
    def checked(cls, batch: int, dtype: str, convention: str, optimizer: str) -> "Options":
        """The options; raises `ValueError` for one that is not known."""
        if not isinstance(batch, int) or isinstance(batch, bool) or not 1 <= batch < 10**9:
            raise ValueError(f"batch must be a whole number from 1 to 10^9 - 1, not {batch!r}")
        for name, value, known in (
            ("dtype", dtype, DTYPES),
            ("convention", convention, CONVENTIONS),
            ("optimizer", optimizer, OPTIMIZERS),
        ):
            if value not in known:
                raise ValueError(f"unknown {name} {value!r}: one of {', '.join(known)}")
        return cls(batch, dtype, convention, optimizer)

    @property
    def bytes_of_element(self) -> int:
        """Bytes of one element of a sample's feature map, for the whole batch."""
        return DTYPES[self.dtype] * self.batch


class Row(NamedTuple):
    """The figures of one node. Shapes are per sample; MACs and activations are for the whole batch.

    Where the input has letters, sizes are formulas in them (`cnncalc.symbols.Formula`): `substitute` takes numbers.
    """

    graph: Graph
    node: Node
    params: Size
    buffers: Size
    macs: Size
    activations: Size
    receptive_field: ReceptiveField

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the layers it reads."""
        return tuple([self.graph.nodes[index].name for index in self.node.inputs])

    @property
    def type(self) -> str:
        """The layer's kind: the first word for it."""
        return self.node.layer.kind

    @property
    def description(self) -> str:
        """The layer in the language's canonical words."""
        return str(self.node.layer)

    @property
    def input_shapes(self) -> tuple[tuple[Size, ...], ...]:
        return tuple(shape.dims for shape in self.node.input_shapes)

    @property
    def output_shape(self) -> tuple[Size, ...]:
        """Channels last, without a batch; empty where an unknown operator leaves it open."""
        return self.node.shape.dims if self.node.shape.channels else ()

    @property
    def flops(self) -> Size:
        """Two for each multiply-accumulate."""
        return 2 * self.macs

    @property
    def implicit(self) -> bool:
        return self.node.implicit

    def to_dict(self) -> dict[str, object]:
        node = self.node
        return {
            "index": node.index,
            "name": node.name,
            "type": self.type,
            "inputs": list(self.inputs),
            "input_shapes": [list(shape) for shape in self.input_shapes],
            "output_shape": list(self.output_shape) or None,
            "params": self.params,
            "buffers": self.buffers,
            "macs": self.macs,
            "flops": self.flops,
            "activations": self.activations,
            "receptive_field": self.receptive_field.to_dict(),
            "implicit": node.implicit,
            "fields": node.layer.fields(node.input_shapes[0]) if node.inputs else {},
        }


#: The arms that a row stands in, outermost first: (number of the merge, number of the arm).
Arms = tuple[tuple[int, int], ...]


class RowGroup(NamedTuple):
    """The rows of a block or named group as one row: their sums, and the shapes at its ends."""

    name: str
    rows: tuple[Row, ...]

    @property
    def type(self) -> str:
        return "block"

    @property
    def implicit(self) -> bool:
        return False

    @property
    def description(self) -> str:
        """The call as it was written, or for a named group how many layers it holds."""
        origin = self.rows[0].node.origin
        level = self.name.count(".")
        calls = origin.calls[::-1] if origin else ()
        if len(calls) > level:
            return " ".join(calls[level].text.split())
        return f"{len(self.rows)} layer{'s' if len(self.rows) > 1 else ''}"

    @property
    def arms(self) -> Arms:
        """The arms that the block as a whole stands in."""
        shared = min((row.node.arms for row in self.rows), key=len)
        return shared if all(row.node.arms[: len(shared)] == shared for row in self.rows) else ()

    @property
    def inputs(self) -> tuple[str, ...]:
        inside = {row.name for row in self.rows}
        return tuple(dict.fromkeys(name for row in self.rows for name in row.inputs if name not in inside))

    @property
    def input_shapes(self) -> tuple[tuple[Size, ...], ...]:
        return self.rows[0].input_shapes

    @property
    def output_shape(self) -> tuple[Size, ...]:
        return self.rows[-1].output_shape

    @property
    def receptive_field(self) -> ReceptiveField:
        return self.rows[-1].receptive_field

    @property
    def params(self) -> Size:
        return sum(row.params for row in self.rows)

    @property
    def buffers(self) -> Size:
        return sum(row.buffers for row in self.rows)

    @property
    def macs(self) -> Size:
        return sum(row.macs for row in self.rows)

    @property
    def flops(self) -> Size:
        return sum(row.flops for row in self.rows)

    @property
    def activations(self) -> Size:
        return sum(row.activations for row in self.rows)


RowOrGroup = Row | RowGroup


def collapse(rows: Sequence[Row], depth: int | None) -> list[RowOrGroup]:
    """The rows with every block deeper than `depth` as one: 1 shows the outermost blocks, 0 shows nothing."""
    if depth is None:
        return list(rows)
    if depth == 0:
        return []
    lines: list[RowOrGroup] = []
    for name, group in groupby(rows, key=lambda row: ".".join(row.name.split(".", depth)[:depth])):
        members = tuple(group)
        alone = len(members) == 1 and members[0].name == name
        lines += members if alone else (RowGroup(name, members),)
    return lines


def arms_of(line: RowOrGroup) -> Arms:
    return line.arms if isinstance(line, RowGroup) else line.node.arms


class ActivationBytes(NamedTuple):
    """Bytes of feature maps, for the whole batch: of all, at the peak, and in one arena."""

    sum: Size
    peak: Size
    peak_no_inplace: Size
    arena: Size


class Totals(NamedTuple):
    """The figures of the whole network. Bytes of activations and MACs are for the whole batch.

    Where sizes are letters, the peak is the largest of formulas, or None where too many may be it; which
    tensors are live there and how they are placed depends on numbers, and is not told.

    `training_bytes` is an estimate: weights, gradients, the optimizer's state and every feature map that
    the backward pass needs, without a framework's own or its workspace.
    """

    layers: int
    params: Size
    buffers: Size
    macs: Size
    activations: Size
    params_bytes: Size
    activation_bytes: ActivationBytes
    peak_layer: str | None
    peak_tensors: dict[str, int]
    training_bytes: Size

    @property
    def flops(self) -> Size:
        """Two for each multiply-accumulate."""
        return 2 * self.macs

    def to_dict(self) -> dict[str, object]:
        return {
            "layers": self.layers,
            "params": self.params,
            "buffers": self.buffers,
            "macs": self.macs,
            "flops": self.flops,
            "activations": self.activations,
            "params_bytes": self.params_bytes,
            "activation_bytes": self.activation_bytes._asdict(),
            "peak_at": {"layer": self.peak_layer, "tensors": self.peak_tensors},
            "training_bytes": self.training_bytes,
        }


class Analysis:
    """All figures of a network: `rows` in source order, `totals`, `outputs` and `warnings`.

    `feature_maps` are the buffers that hold every layer's output, in the order they come to life.

    `result["conv1"]` is a row by its name; `to_dict()` is the object that `--format json` prints.
    """

    def __init__(self, graph: Graph, options: Options) -> None:
        self.graph, self.options = graph, options
        self.rows = tuple(_rows(graph, options))
        self.letters = graph.letters
        self.feature_maps = tuple(buffers(graph.nodes, graph.outputs))
        self.totals = _totals(graph, self.rows, self.feature_maps, options)
        self.warnings = (*graph.warnings, *_field_warning(self.rows))

    @cached_property
    def domains(self) -> dict[str, str]:
        """For each letter the numbers that it may stand for, in words such as `7 or more`."""
        if not self.letters:
            return {}
        from cnncalc.figures.domain import domains

        return domains(self.graph)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the layers whose output leaves the network."""
        return tuple(self.graph.nodes[index].name for index in self.graph.outputs)

    @property
    def unknown(self) -> tuple[Row, ...]:
        """The rows of a model file that are not counted, or not in full: the totals are then lower bounds."""
        return tuple(row for row in self.rows if not row.node.layer.known)

    def __getitem__(self, name: str) -> Row:
        for row in self.rows:
            if row.name == name:
                return row
        from cnncalc.diagnostics import nearest

        near = nearest(name, (row.name for row in self.rows))
        raise KeyError(f"no layer is named {name!r}" + (f"; did you mean {near!r}?" if near else ""))

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object, all integers exact. Its last key, `unknown`, is there where an operator is."""
        found: dict[str, Any] = {
            "schema": SCHEMA,
            "name": self.graph.name,
            "layout": "channels_last",
            "batch": self.options.batch,
            "dtype": self.options.dtype,
            "convention": self.options.convention,
            **({"letters": self.domains} if self.letters else {}),
            "layers": [row.to_dict() for row in self.rows],
            "outputs": list(self.outputs),
            "totals": self.totals.to_dict(),
            "warnings": [
                {"code": each.code, "layer": each.layer, "message": f"{each.message}; {each.help}"}
                for each in self.warnings
            ],
        }
        if self.unknown:
            found["unknown"] = [
                {"layer": row.name, "operator": row.type, "output_shape": list(row.output_shape) or None}
                for row in self.unknown
            ]
        return found


def analyze_graph(graph: Graph, options: Options) -> Analysis:
    """Every figure of the graph."""
    return Analysis(graph, options)


def _rows(graph: Graph, options: Options) -> Iterator[Row]:
    nodes, batch = graph.nodes, options.batch
    fields = receptive_fields(nodes)
    cost = costing(options.convention)
    for node, field in zip(nodes, fields, strict=True):
        its = cost(node)
        macs, activations = its.macs, its.activations
        if batch > 1:
            macs, activations = macs * batch, activations * batch
        yield Row(graph, node, its.params, its.buffers, macs, activations, field)


def _totals(graph: Graph, rows: tuple[Row, ...], shared: tuple[Buffer, ...], options: Options) -> Totals:
    if graph.letters:
        return _totals_in_letters(graph, rows, shared, options)
    size, scale = DTYPES[options.dtype], options.bytes_of_element
    nodes = graph.nodes
    separate = buffers(nodes, graph.outputs, in_place=False)
    top: Peak = peak(shared, len(nodes))
    params = sum(row.params for row in rows)
    running = sum(row.buffers for row in rows)
    every_map = sum(buffer.elements for buffer in shared) * scale
    weights = (params + running) * size
    # Of what training changes there are the gradients too, and the optimizer's copies.
    copies = 1 + OPTIMIZERS[options.optimizer]
    return Totals(
        layers=sum(1 for row in rows if row.node.inputs),
        params=params,
        buffers=running,
        macs=sum(row.macs for row in rows),
        activations=sum(row.activations for row in rows if row.node.inputs),
        params_bytes=weights,
        activation_bytes=ActivationBytes(
            sum=every_map,
            peak=top.elements * scale,
            peak_no_inplace=peak(separate, len(nodes)).elements * scale,
            arena=arena(shared, scale),
        ),
        peak_layer=nodes[top.node].name if nodes else None,
        peak_tensors={nodes[buffer.holds(top.node)].name: buffer.elements * scale for buffer in top.live},
        training_bytes=weights + copies * params * size + every_map,
    )


def _totals_in_letters(graph: Graph, rows: tuple[Row, ...], shared: tuple[Buffer, ...], options: Options) -> Totals:
    from cnncalc.symbols import largest, total

    size, scale = DTYPES[options.dtype], options.bytes_of_element
    nodes, layers = graph.nodes, [row for row in rows if row.node.inputs]
    live_elements = list(live(shared, len(nodes)))
    peak, separate = largest(live_elements), buffers(nodes, graph.outputs, in_place=False)
    apart = largest(live(separate, len(nodes)))
    params, running = total(row.params for row in rows), total(row.buffers for row in rows)
    feature_maps = total(buffer.elements for buffer in shared) * scale
    weights = (params + running) * size
    return Totals(
        layers=len(layers),
        params=params,
        buffers=running,
        macs=total(row.macs for row in rows),
        activations=total(row.activations for row in layers),
        params_bytes=weights,
        activation_bytes=ActivationBytes(
            sum=feature_maps,
            peak=None if peak is None else peak * scale,
            peak_no_inplace=None if apart is None else apart * scale,
            arena=None,
        ),
        peak_layer=nodes[live_elements.index(peak)].name if peak in live_elements else None,
        peak_tensors={},
        training_bytes=weights + (1 + OPTIMIZERS[options.optimizer]) * params * size + feature_maps,
    )


def _field_warning(rows: tuple[Row, ...]) -> Iterator[Diagnostic]:
    """One warning, at the first layer whose receptive field is larger than the input."""
    first = next((row for row in rows if not row.node.inputs), None)
    if first is None:
        return
    spatial = first.node.shape.spatial
    seen: ReceptiveField | None = None
    for row in rows:
        # Layers that change nothing share their input's field.
        if row.receptive_field is seen:
            continue
        seen = row.receptive_field
        if not exceeds(seen, first.node.shape):
            continue
        for name, axis, n in zip(AXES[len(spatial)], seen.axes, spatial, strict=False):
            if statically_known(axis.size > n):
                message = (
                    f"the receptive field of `{row.name}` ({axis.size}) is larger than the {name} of the input ({n})"
                )
                help = "from here on, every output sees padding; a larger input, or fewer strides, would not"
                span = row.node.origin.span if row.node.origin else None
                yield Diagnostic("W203", message, span, help=help, layer=row.name)
                return


def exceeds(field: ReceptiveField, shape: Shape) -> bool:
    """Whether a receptive field is larger than an input of that shape on any axis."""
    if not field.whole:
        for axis, n in zip(field.axes, shape.spatial, strict=False):
            if statically_known(axis.size > n):
                return True
    return False
