"""Analyze a graph: a row of figures for each node, totals and warnings."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from cnncalc.diagnostics import counted, printable
from cnncalc.figures.cost import (
    CONVENTION_SYNONYMS,
    CONVENTIONS,
    DEFAULT_CONVENTION,
    Cost,
    known_cost,
    missing_figures,
    node_costs,
)
from cnncalc.figures.dtypes import DEPLOYED, DTYPES, STORED, Dtypes, deployed_dtypes, dtypes_of
from cnncalc.figures.footprint import Footprint
from cnncalc.figures.memory import DEPTHWISE, Buffer
from cnncalc.figures.receptive_field import receptive_fields
from cnncalc.figures.rows import Row, collapse
from cnncalc.figures.totals import Totals, totals
from cnncalc.figures.training import OPTIMIZERS, training_costs
from cnncalc.graph import Graph, Node
from cnncalc.shape import UnknownSize, formulas_as_text, known_part
from cnncalc.spelling import nearest

if TYPE_CHECKING:
    from cnncalc.figures.domain import Domain
    from cnncalc.figures.roofline import Device, Roof

#: The number of the JSON object's form: it rises when a key changes its meaning.
SCHEMA = 2


class Options(NamedTuple):
    """Options of the figures; `Options.checked` validates values from a user.

    `convention` is one of `CONVENTIONS`, `optimizer` one of `OPTIMIZERS`. `dtype` is the text of `Dtypes`, or `STORED`.
    With `deploy`, a key of `DEPLOYED`, figures are those of the network on a device, and `dtype` says only in which
    parts the types differ from its. `in_place` has `DEPTHWISE` where depthwise layers write over their input.
    """

    batch: int = 1
    dtype: str = "float32"
    convention: str = DEFAULT_CONVENTION
    optimizer: str = "sgd"
    deploy: str | None = None
    in_place: tuple[str, ...] = ()
    #: What is known of a device, for the bounds of the layers.
    device: "Device | None" = None

    @classmethod
    def checked(
        cls,
        batch: int,
        dtype: str | None,
        convention: str,
        optimizer: str,
        deploy: str | None = None,
        in_place: str | Sequence[str] = (),
        device: "Device | None" = None,
    ) -> "Options":
        """Return the options, with the canonical name of the convention; raise `ValueError` for an unknown value.

        Without a `dtype` the figures are for the types that a model file states, if it does.
        """
        if not isinstance(batch, int) or isinstance(batch, bool) or not 1 <= batch < 10**9:
            raise ValueError(f"batch must be a whole number from 1 to 10^9 - 1, not {batch!r}")
        for name, value, known in (
            ("convention", convention, (*CONVENTIONS, *CONVENTION_SYNONYMS)),
            ("optimizer", optimizer, OPTIMIZERS),
            ("deploy", deploy, (*DEPLOYED, None)),
            *(("in_place", each, (DEPTHWISE,)) for each in ([in_place] if isinstance(in_place, str) else in_place)),
        ):
            if value not in known:
                raise ValueError(f"unknown {name} {value!r}: one of {', '.join(filter(None, known))}")
        if deploy is not None:
            deployed_dtypes(deploy, dtype or STORED)
        elif dtype is not None:
            dtype = str(dtypes_of(dtype))
        places = (in_place,) if isinstance(in_place, str) else tuple(in_place)
        convention = CONVENTION_SYNONYMS.get(convention, convention)
        return cls(batch, dtype or STORED, convention, optimizer, deploy, places, device)

    @property
    def types(self) -> Dtypes | None:
        """The types of weights, biases and feature maps; None if they are those that a model file states."""
        return None if self.dtype == STORED else dtypes_of(self.dtype)

    @property
    def roof(self) -> "Roof | None":
        """The roof of the device for the type of the feature maps; raises `ValueError` if it has no peak for that."""
        if self.device is None:
            return None
        dtype = self.types.maps if self.types else "float32"
        roof = self.device.roof(dtype)
        if roof is None:
            known = ", ".join(name for name, _ in self.device.peaks)
            raise ValueError(f"no peak is given for {dtype}, but for {known}: add {dtype}=…")
        return roof

    @property
    def bytes_in_training(self) -> int:
        """The bytes of a number in training: in float32 where a file has types of its own, or they are mixed."""
        types = self.types
        each = DTYPES["float32"] if types is None or types.mixed else DTYPES[types.maps]
        return int(each) if each >= 1 else int(DTYPES["float32"])


class Analysis:
    """All figures of a network, as returned by `analyze`.

    `rows` are in source order; `totals`, `outputs` and `warnings` are of the whole network. `feature_maps` are
    the buffers that hold the layers' outputs, in the order in which they become live, and `footprint` has the bytes of
    each node. `result["conv1"]` is a row by its name, `result[0]` the first; `to_dict()` is the object that `--format
    json` prints.
    """

    def __init__(
        self,
        graph: Graph,
        options: Options,
        rows: tuple[Row, ...],
        footprint: Footprint,
        totals: Totals,
    ) -> None:
        self.graph, self.options = graph, options
        self.rows, self.footprint, self.totals = rows, footprint, totals
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
    def feature_maps(self) -> tuple[Buffer, ...]:
        return self.footprint.feature_maps

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the layers whose outputs are outputs of the network."""
        return tuple(self.graph.nodes[index].name for index in self.graph.outputs)

    @property
    def unknown(self) -> tuple[Row, ...]:
        """The rows of a model file's unknown operators, and those behind them, that are not fully counted."""
        return tuple(row for row in self.incomplete if row.behind_unknown)

    @cached_property
    def incomplete(self) -> tuple[Row, ...]:
        """The rows that are not fully counted, those of open sizes too; if there are any, totals are lower bounds."""
        return tuple(row for row in self.rows if row.missing)

    def __repr__(self) -> str:
        totals = self.totals
        name = f" {printable(self.graph.name)}" if self.graph.name else ""
        figures = (
            f"params={totals.params:,}, macs={totals.macs:,}, peak={_with_commas(totals.activation_bytes.peak)} bytes"
        )
        least = "at least " if self.incomplete else ""
        return f"<{type(self).__name__}{name}: {counted(totals.layers, 'layer')}, {least}{printable(figures)}>"

    @overload
    def __getitem__(self, key: str | int) -> Row: ...

    @overload
    def __getitem__(self, key: slice) -> tuple[Row, ...]: ...

    def __getitem__(self, key: str | int | slice) -> Row | tuple[Row, ...]:
        """Return the row of a name or at an index, or the rows of a slice.

        Raises `KeyError` with the nearest name if there is no row of that name, and `IndexError` if there are too few.
        """
        if not isinstance(key, str):
            return self.rows[key]
        for row in self.rows:
            if row.name == key:
                return row
        near = nearest(key, (row.name for row in self.rows))
        raise KeyError(f"no layer is named {key!r}" + (f"; did you mean {near!r}?" if near else ""))

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
            **({"deploy": self.options.deploy} if self.options.deploy else {}),
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
                {
                    "layer": row.name,
                    "operator": row.type,
                    "output_shape": formulas_as_text(list(row.output_shape)) or None,
                    "missing": list(row.missing),
                    "stands_on": row.stands_on,
                }
                for row in self.unknown
            ]
        return document


def analyze_graph(graph: Graph, options: Options) -> Analysis:
    """Return every figure of the graph."""
    if options.deploy is not None:
        from cnncalc.figures.deployment import deployed  # few runs need it

        graph = deployed(graph)
        options = options._replace(dtype=str(deployed_dtypes(options.deploy, options.dtype)))
    elif options.dtype == STORED and graph.types is None:
        options = options._replace(dtype="float32")
    nodes, batch = graph.nodes, options.batch
    of_sample = node_costs(nodes)
    missing: Sequence[tuple[str, ...]] = [()] * len(nodes)
    behind: Sequence[bool] = [False] * len(nodes)
    sized = not any(isinstance(each.activations, UnknownSize) for each in of_sample)
    if not sized or not all(node.layer.known for node in nodes):
        missing, of_sample = _known_costs(nodes, of_sample, options)
        behind = _behind_unknown(nodes)
    training = training_costs(nodes, of_sample, options.bytes_in_training)
    costs = _of_batch(nodes, of_sample, options)
    fields = receptive_fields(nodes)
    footprint = Footprint(graph, costs, options.types, batch, options.in_place)
    figures = zip(nodes, costs, training.backward_macs, training.saved_bytes, fields, strict=True)
    on_device = options.deploy is not None or options.types is None
    sums = totals(graph, costs, training, footprint, batch, options.bytes_in_training, options.optimizer, on_device)
    rows = tuple(
        [
            Row(
                *(footprint, node, *cost, backward_macs * batch, saved_bytes, field),
                *(missing[node.index], behind[node.index]),
            )
            for node, cost, backward_macs, saved_bytes, field in figures
        ]
    )
    return Analysis(graph, options, rows, footprint, sums)


def _with_commas(value: Any) -> str:
    """Return a figure with separators, `?` if there are too many formulas to compare."""
    return "?" if value is None else f"{value:,}"


def _known_costs(
    nodes: Sequence[Node], costs: list[Cost], options: Options
) -> tuple[list[tuple[str, ...]], list[Cost]]:
    """Return the names of the unknown figures of each node, by the convention of the options, and its known cost."""
    counted = costs
    if options.convention != DEFAULT_CONVENTION:
        counted = _by_convention(nodes, costs, options.convention)
    missing = [missing_figures(node, cost) for node, cost in zip(nodes, counted, strict=True)]
    return missing, list(map(known_cost, costs))


def _behind_unknown(nodes: Sequence[Node]) -> list[bool]:
    """Return whether each node is an unknown operator, or one of unknown shape, or stands behind such a node."""
    behind: list[bool] = []
    for node in nodes:
        begins = bool(node.inputs) and not node.shape.is_known and all(shape.is_known for shape in node.input_shapes)
        behind.append(not node.layer.known or begins or any(behind[index] for index in node.inputs))
    return behind


def _by_convention(nodes: Sequence[Node], costs: list[Cost], convention: str) -> list[Cost]:
    """Return the costs with their MACs by a convention."""
    from cnncalc.figures.conventions import mac_counter  # few runs need another

    macs_of = mac_counter(convention)
    return [each._replace(macs=macs_of(node)) for node, each in zip(nodes, costs, strict=True)]


def _of_batch(nodes: Sequence[Node], costs: list[Cost], options: Options) -> list[Cost]:
    """Return the cost of each node for the whole batch, its MACs by the convention of the options."""
    if options.convention != DEFAULT_CONVENTION:
        costs = _by_convention(nodes, costs, options.convention)
        costs = [each._replace(macs=known_part(each.macs)) for each in costs]
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
