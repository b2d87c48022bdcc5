"""Several networks in one table, a row each: the table of a paper."""

from __future__ import annotations

import json
from collections.abc import Sequence

from cnncalc.analysis import SCHEMA
from cnncalc.compare.networks import NetworkRow
from cnncalc.notation import field_text, shape_text, shortened, thousands
from cnncalc.report.columns import Column, count_column, size_column, text_column
from cnncalc.report.datatable import DataTable, convention_notes
from cnncalc.report.document import UNFOLDED, Block, Grid, to_text
from cnncalc.report.options import RenderOptions


def _inputs(network: NetworkRow, layout: str) -> str:
    return " ".join(shape_text(shape, layout) for shape in network.input_shapes)


def _field(network: NetworkRow, _: str) -> str:
    last = network.field
    return field_text(last.receptive_field) if last else "-"


def _field_layer(network: NetworkRow, _: str) -> str:
    last = network.field
    return last.name if last else ""


def _name(network: NetworkRow, _: str) -> str:
    return network.name


def _short_name(network: NetworkRow, _: str) -> str:
    return shortened(network.name)


COLUMNS = {
    column.key: column
    for column in (
        Column("network", "network", "what the network is called", _name, _short_name, setting="code"),
        size_column("input", "input", "shapes of one sample that go in", _inputs),
        count_column("layers", "layers", "how many layers, inputs not counted", lambda of: of.totals.layers),
        count_column("params", "parameters", "what training changes", lambda of: of.totals.params),
        count_column("buffers", "buffers", "running statistics", lambda of: of.totals.buffers),
        count_column("macs", "MACs", "multiply-accumulates of the batch", lambda of: of.totals.macs),
        count_column("flops", "FLOPs", "two for each MAC", lambda of: of.totals.flops),
        count_column("activations", "activations", "output elements of the batch", lambda of: of.totals.activations),
        count_column(
            "params_bytes", "weight bytes", "bytes of parameters and buffers", lambda of: of.totals.params_bytes
        ),
        count_column(
            "peak_bytes",
            "peak bytes",
            "most bytes of feature maps live at once",
            lambda of: of.totals.activation_bytes.peak,
        ),
        size_column("field", "field", "receptive field of `field_layer`", _field),
        text_column("field_layer", "field of", "the last layer with places to tell apart", _field_layer),
    )
}

DEFAULT = ("network", "input", "params", "macs", "peak_bytes", "field")

#: What a heading alone does not say.
NOTES = {
    "peak_bytes": "feature maps live at once, as {dtype}; weights are not in it",
    "field": "receptive field of the last layer before all places are brought together",
}


def networks_table(networks: Sequence[NetworkRow], columns: Sequence[Column], layout: str) -> DataTable:
    """A row for each network, and notes on how its figures are meant."""
    options = networks[0].analysis.options
    notes = [
        (column.heading, NOTES[column.key].format(dtype=options.dtype)) for column in columns if column.key in NOTES
    ]
    notes += [(shortened(network.name), network.uncounted) for network in networks if network.uncounted]
    if options.batch > 1:
        notes.append(("batch", f"MACs and activations are for {thousands(options.batch)} samples, shapes for one"))
    notes += convention_notes(networks[0].analysis)
    return DataTable(columns, networks, layout, notes=tuple(notes))


def networks_text(sheet: DataTable, look: RenderOptions) -> str:
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


def networks_json(networks: Sequence[NetworkRow]) -> str:
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
