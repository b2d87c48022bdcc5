"""Analyze a graph: a row of figures for each node, groups of rows, totals and warnings."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from cnncalc.figures.cost import CONVENTION_SYNONYMS, CONVENTIONS, DEFAULT_CONVENTION, Cost, node_costs
from cnncalc.figures.memory import DTYPES, Buffer, assign_buffers
from cnncalc.figures.receptive_field import ReceptiveField, receptive_fields
from cnncalc.figures.totals import Totals, totals
from cnncalc.figures.training import OPTIMIZERS, training_costs
from cnncalc.graph import Graph, Node
from cnncalc.shape import Size, formulas_as_text

if TYPE_CHECKING:
    from cnncalc.figures.domain import Domain

#: The number of the JSON object's form: it rises when a key changes its meaning.
SCHEMA = 2


class Options(NamedTuple):
    """Options of the figures; `Options.checked` validates values from a user.

    `convention` is one of `CONVENTIONS`, `dtype` one of `DTYPES`, `optimizer` one of `OPTIMIZERS`.
    """

    batch: int = 1
    dtype: str = "float32"
    convention: str = DEFAULT_CONVENTION
    optimizer: str = "sgd"

    @classmethod
    def checked(cls, batch: int, dtype: str, convention: str, optimizer: str) -> "Options":
        """Return the options, with the canonical name of the convention; raise `ValueError` for an unknown value."""
        if not isinstance(batch, int) or isinstance(batch, bool) or not 1 <= batch < 10**9:
            raise ValueError(f"batch must be a whole number from 1 to 10^9 - 1, not {batch!r}")
        for name, value, known in (
            ("dtype", dtype, DTYPES),
            ("convention", convention, (*CONVENTIONS, *CONVENTION_SYNONYMS)),
            ("optimizer", optimizer, OPTIMIZERS),
        ):
            if value not in known:
                raise ValueError(f"unknown {name} {value!r}: one of {', '.join(known)}")
        return cls(batch, dtype, CONVENTION_SYNONYMS.get(convention, convention), optimizer)

    @property
    def bytes_of_element(self) -> int:
        """The bytes that one element of a feature map takes for the whole batch."""
        return DTYPES[self.dtype] * self.batch


#: The arms of merges that something stands in, outermost first: (number of the merge, number of the arm).
Arms = tuple[tuple[int, int], ...]


class Row(NamedTuple):
    """The figures of one node. Shapes and saved bytes are per sample; MACs and activations are for the whole batch.

    `saved_bytes` are those of what it is the first to keep for the backward pass, as PyTorch's autograd does.

    If sizes of the input are letters, sizes and counts are formulas of them (`cnncalc.symbols.Formula`).
    """

    graph: Graph
    node: Node
    params: Size
    frozen: Size
    buffers: Size
    macs: Size
    activations: Size
    conv_activations: Size
    backward_macs: Size
    saved_bytes: Size
    receptive_field: ReceptiveField

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def arms(self) -> Arms:
        return self.node.arms

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the layers whose outputs the layer reads."""
        return tuple([self.graph.nodes[index].name for index in self.node.inputs])

    @property
    def type(self) -> str:
        """The kind of layer: the first word for it."""
        return self.node.layer.kind

    @property
    def description(self) -> str:
        """The layer in canonical notation."""
        return str(self.node.layer)

    @property
    def input_shapes(self) -> tuple[tuple[Size, ...], ...]:
        return tuple(shape.dims for shape in self.node.input_shapes)

    @property
    def output_shape(self) -> tuple[Size, ...]:
        """The shape, channels last and without a batch; empty if an operator of a model file leaves it unknown."""
        return self.node.shape.dims if self.node.shape.channels else ()

    @property
    def flops(self) -> Size:
        """The number of FLOPs: two for each multiply-accumulate."""
        return 2 * self.macs

    @property
    def implicit(self) -> bool:
        """Whether the layer was added without being written in the spec: the `flatten` in front of an `fc`."""
        return self.node.implicit

    def to_dict(self) -> dict[str, object]:
        """Return the JSON object of the row, an item of `layers`, with formulas as text."""
        node = self.node
        data: dict[str, object] = {
            "index": node.index,
            **_shared_keys(self),
            "implicit": node.implicit,
            "fields": node.layer.fields(node.input_shapes[0]) if node.inputs else {},
        }
        return formulas_as_text(data) if self.graph.letters else data


class RowGroup(NamedTuple):
    """The rows of a block or a named group as one row: the sums of their figures, and the shapes at its ends."""

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
        """The call of the block as written in the spec, or for a named group its number of layers."""
        origin = self.rows[0].node.origin
        level = self.name.count(".")
        calls = origin.calls[::-1] if origin else ()
        if len(calls) > level:
            return " ".join(calls[level].text.split())
        return f"{len(self.rows)} layer{'s' if len(self.rows) > 1 else ''}"

    @property
    def arms(self) -> Arms:
        """The arms that contain all of its rows."""
        shared = min((row.arms for row in self.rows), key=len)
        return shared if all(row.arms[: len(shared)] == shared for row in self.rows) else ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the layers outside the group whose outputs it reads."""
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
    def frozen(self) -> Size:
        return sum(row.frozen for row in self.rows)

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

    @property
    def conv_activations(self) -> Size:
        return sum(row.conv_activations for row in self.rows)

    @property
    def backward_macs(self) -> Size:
        return sum(row.backward_macs for row in self.rows)

    @property
    def saved_bytes(self) -> Size:
        return sum(row.saved_bytes for row in self.rows)

    def to_dict(self) -> dict[str, object]:
        """Return the JSON object of the group, which replaces those of its rows in `layers` and names them."""
        data: dict[str, object] = {
            "index": self.rows[0].node.index,
            **_shared_keys(self),
            "implicit": self.implicit,
            "layers": [row.name for row in self.rows],
        }
        return formulas_as_text(data) if self.rows[0].graph.letters else data


RowOrGroup = Row | RowGroup


def _shared_keys(line: RowOrGroup) -> dict[str, object]:
    """Return the keys of the JSON object that a row and a group have in common."""
    return {
        "name": line.name,
        "type": line.type,
        "inputs": list(line.inputs),
        "input_shapes": [list(shape) for shape in line.input_shapes],
        "output_shape": list(line.output_shape) or None,
        "params": line.params,
        "frozen": line.frozen,
        "buffers": line.buffers,
        "macs": line.macs,
        "flops": line.flops,
        "backward_macs": line.backward_macs,
        "activations": line.activations,
        "conv_activations": line.conv_activations,
        "saved_bytes": line.saved_bytes,
        "receptive_field": line.receptive_field.to_dict(),
    }


def collapse(rows: Sequence[Row], depth: int | None) -> list[RowOrGroup]:
    """Return the rows with every block deeper than `depth` as one group.

    1 collapses the outermost blocks, 2 those within them, and so on; 0 returns no rows, None all rows unchanged.
    """
    if depth is None:
        return list(rows)
    if depth == 0:
        return []
    collapsed: list[RowOrGroup] = []
    for name, group in groupby(rows, key=lambda row: ".".join(row.name.split(".", depth)[:depth])):
        members = tuple(group)
        single = len(members) == 1 and members[0].name == name
        collapsed += members if single else (RowGroup(name, members),)
    return collapsed


class Analysis:
    """All figures of a network, as returned by `analyze`.

    `rows` are in source order; `totals`, `outputs` and `warnings` are of the whole network. `feature_maps` are
    the buffers that hold the layers' outputs, in the order in which they become live. `result["conv1"]` is a row by its
    name; `to_dict()` is the object that `--format json` prints.
    """

    def __init__(
        self,
        graph: Graph,
        options: Options,
        rows: tuple[Row, ...],
        feature_maps: tuple[Buffer, ...],
        totals: Totals,
    ) -> None:
        self.graph, self.options = graph, options
        self.rows, self.feature_maps, self.totals = rows, feature_maps, totals
        self.letters = graph.letters
        self.warnings = graph.warnings

    @cached_property
    def domains(self) -> dict[str, "Domain"]:
        """The numbers that each letter may stand for; their text is in words such as `7 or more`."""
        if not self.letters:
            return {}
        from cnncalc.figures.domain import domains

        return domains(self.graph)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the layers whose outputs are outputs of the network."""
        return tuple(self.graph.nodes[index].name for index in self.graph.outputs)

    @property
    def unknown(self) -> tuple[Row, ...]:
        """The rows of a model file that are not fully counted; if there are any, the totals are lower bounds."""
        return tuple(row for row in self.rows if not row.node.layer.known)

    def __getitem__(self, name: str) -> Row:
        """Return the row of that name; raise `KeyError` with the nearest name if there is none."""
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

    def to_dict(self, depth: int | None = None) -> dict[str, Any]:
        """Return the JSON object, with exact integers, and formulas as text.

        If there are unknown operators, the last key is `unknown`. With a `depth`, each block below it is one object in
        `layers`, as `collapse` makes it.
        """
        document: dict[str, Any] = {
            "schema": SCHEMA,
            "name": self.graph.name,
            "layout": "channels_last",
            "batch": self.options.batch,
            "dtype": self.options.dtype,
            "convention": self.options.convention,
            **({"letters": {name: each.to_dict() for name, each in self.domains.items()}} if self.letters else {}),
            "layers": [line.to_dict() for line in collapse(self.rows, depth)],
            "outputs": list(self.outputs),
            "totals": self.totals.to_dict(),
            "warnings": [
                {"code": each.code, "layer": each.layer, "message": f"{each.message}; {each.help}"}
                for each in self.warnings
            ],
        }
        if self.unknown:
            document["unknown"] = [
                {"layer": row.name, "operator": row.type, "output_shape": list(row.output_shape) or None}
                for row in self.unknown
            ]
        return document


def analyze_graph(graph: Graph, options: Options) -> Analysis:
    """Return every figure of the graph."""
    nodes, batch = graph.nodes, options.batch
    of_sample = node_costs(nodes)
    training = training_costs(nodes, of_sample, DTYPES[options.dtype])
    costs = _of_batch(nodes, of_sample, options)
    fields = receptive_fields(nodes)
    figures = zip(nodes, costs, training.backward_macs, training.saved_bytes, fields, strict=True)
    rows = tuple(
        [
            Row(graph, node, *cost, backward_macs * batch, saved_bytes, field)
            for node, cost, backward_macs, saved_bytes, field in figures
        ]
    )
    feature_maps = tuple(assign_buffers(nodes, graph.outputs))
    sums = totals(graph, costs, training, feature_maps, options.dtype, batch, options.optimizer)
    return Analysis(graph, options, rows, feature_maps, sums)


def _of_batch(nodes: Sequence[Node], costs: list[Cost], options: Options) -> list[Cost]:
    """Return the cost of each node for the whole batch, its MACs by the convention of the options."""
    if options.convention != DEFAULT_CONVENTION:
        from cnncalc.figures.conventions import mac_counter  # few runs need another

        macs_of = mac_counter(options.convention)
        costs = [each._replace(macs=macs_of(node)) for node, each in zip(nodes, costs, strict=True)]
    if options.batch > 1:
        costs = [
            each._replace(
                macs=each.macs * options.batch,
                activations=each.activations * options.batch,
                conv_activations=each.conv_activations * options.batch,
            )
            for each in costs
        ]
    return costs
