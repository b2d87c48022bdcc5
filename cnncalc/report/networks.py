"""Several networks in one table, a row each: the table of a paper."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

from cnncalc.analysis import SCHEMA, Analysis, Row
from cnncalc.report.columns import Column, field_text, shape_text, shortened, thousands
from cnncalc.report.look import Look
from cnncalc.report.page import UNFOLDED, Block, Grid, to_text
from cnncalc.report.sheet import Sheet, convention_notes


class Network(NamedTuple):
    """A network among others, by the name that tells it from them."""

    name: str
    analysis: Analysis

    @property
    def input_shapes(self) -> list[tuple[int, ...]]:
        return [row.output_shape for row in self.analysis.rows if not row.node.inputs]

    @property
    def field(self) -> Row | None:
        """The layer whose receptive field is the network's: the last whose outputs have places to tell apart.

        Those that bring all places together (gap, fc and what follows them) see everything by nature, and are
        passed over. Where a map of several places sees everything, as behind squeeze-and-excite, so it is said.
        """
        for row in self.analysis.rows[::-1]:
            field, sizes = row.receptive_field, row.node.shape.spatial
            if row.node.inputs and sizes and (not field.whole or any(size > 1 for size in sizes)):
                return row
        return None

    @property
    def uncounted(self) -> str:
        """What there is to say where a model file's operators are not counted."""
        count = len(self.analysis.unknown)
        operators = f"{count:,} operator{'s are' if count > 1 else ' is'}"
        return f"{operators} not counted in full: all totals are lower bounds" if count else ""

    def to_dict(self) -> dict[str, object]:
        last = self.field
        return {
            "name": self.name,
            "input_shapes": [list(shape) for shape in self.input_shapes],
            "totals": self.analysis.totals.to_dict(),
            "unknown": [row.name for row in self.analysis.unknown],
            "receptive_field": {"layer": last.name, **last.receptive_field.to_dict()} if last else None,
        }


def _count(key: str, heading: str, help: str, get: Callable[[Analysis], int]) -> Column:
    return Column(
        key, heading, help, lambda of, _: get(of.analysis), lambda of, _: thousands(get(of.analysis)), numeric=True
    )


def _inputs(network: Network, layout: str) -> str:
    return " ".join(shape_text(shape, layout) for shape in network.input_shapes)


def _field(network: Network, _: str) -> str:
    last = network.field
    return field_text(last.receptive_field) if last else "-"


def _field_layer(network: Network, _: str) -> str:
    last = network.field
    return last.name if last else ""


def _name(network: Network, _: str) -> str:
    return network.name


def _short_name(network: Network, _: str) -> str:
    return shortened(network.name)


COLUMNS = {
    column.key: column
    for column in (
        Column("network", "network", "what the network is called", _name, _short_name, setting="code"),
        Column("input", "input", "shapes of one sample that go in", _inputs, _inputs, setting="sizes"),
        _count("layers", "layers", "how many layers, inputs not counted", lambda of: of.totals.layers),
        _count("params", "parameters", "what training changes", lambda of: of.totals.params),
        _count("buffers", "buffers", "running statistics", lambda of: of.totals.buffers),
        _count("macs", "MACs", "multiply-accumulates of the batch", lambda of: of.totals.macs),
        _count("flops", "FLOPs", "two for each MAC", lambda of: of.totals.flops),
        _count("activations", "activations", "output elements of the batch", lambda of: of.totals.activations),
        _count("params_bytes", "weight bytes", "bytes of parameters and buffers", lambda of: of.totals.params_bytes),
        _count(
            "peak_bytes",
            "peak bytes",
            "most bytes of feature maps live at once",
            lambda of: of.totals.activation_bytes.peak,
        ),
        Column("field", "field", "receptive field of `field_layer`", _field, _field, setting="sizes"),
        Column("field_layer", "field of", "the last layer with places to tell apart", _field_layer, _field_layer),
    )
}

DEFAULT = ("network", "input", "params", "macs", "peak_bytes", "field")

#: What a heading alone does not say.
NOTES = {
    "peak_bytes": "feature maps live at once, as {dtype}; weights are not in it",
    "field": "receptive field of the last layer before all places are brought together",
}


def networks_sheet(networks: Sequence[Network], columns: Sequence[Column], layout: str) -> Sheet:
    """A row for each network, and notes on how its figures are meant."""
    options = networks[0].analysis.options
    notes = [
        (column.heading, NOTES[column.key].format(dtype=options.dtype)) for column in columns if column.key in NOTES
    ]
    notes += [(shortened(network.name), network.uncounted) for network in networks if network.uncounted]
    if options.batch > 1:
        notes.append(("batch", f"MACs and activations are for {thousands(options.batch)} samples, shapes for one"))
    notes += convention_notes(networks[0].analysis)
    return Sheet(columns, networks, layout, notes=tuple(notes))


def networks_text(sheet: Sheet, look: Look) -> str:
    """The table for a person, its notes below."""
    roles = {"code": "code", "sizes": "number"}
    table = Grid(
        tuple(map(tuple, sheet.texts())),
        tuple(column.heading for column in sheet.columns),
        tuple("number" if column.numeric else roles.get(column.setting, "text") for column in sheet.columns),
    )
    blocks: list[Block] = [table]
    if sheet.notes:
        blocks.append(Grid(sheet.notes, roles=("rule",)))
    return to_text(blocks, look if look.width else look._replace(width=UNFOLDED))


def networks_json(networks: Sequence[Network]) -> str:
    """The networks as a JSON object: all totals of each."""
    options = networks[0].analysis.options
    found = {
        "schema": SCHEMA,
        "batch": options.batch,
        "dtype": options.dtype,
        "convention": options.convention,
        "networks": [network.to_dict() for network in networks],
    }
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"
