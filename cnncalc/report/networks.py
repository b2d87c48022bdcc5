"""Several networks in one table, a row each, as in a paper."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.analysis import SCHEMA
from cnncalc.compare.networks import NetworkRow
from cnncalc.notation import field_range_text, field_text, shape_text, shortened, thousands
from cnncalc.report.columns import count_column, size_column, text_column
from cnncalc.report.deployment import types_text
from cnncalc.report.document import Column, DataTable, Document, Notes
from cnncalc.report.network import convention_notes


def _inputs(network: NetworkRow, layout: str) -> str:
    return " ".join(shape_text(shape, layout) for shape in network.input_shapes)


def _field(network: NetworkRow, _: str) -> str:
    last = network.field
    return field_text(last.receptive_field) if last else "-"


def _field_range(network: NetworkRow, _: str) -> str:
    last = network.field
    return field_range_text(last.receptive_field) if last else "-"


def _field_layer(network: NetworkRow) -> str:
    last = network.field
    return last.name if last else ""


COLUMNS = {
    column.key: column
    for column in (
        Column(
            "network",
            "network",
            lambda network, _: network.name,
            lambda network, _: shortened(network.name),
            setting="code",
            role="code",
            folding="prose",
        ),
        size_column("input", "input", _inputs),
        count_column("layers", "layers", lambda network: network.totals.layers),
        count_column("params", "parameters", lambda network: network.totals.params),
        count_column("buffers", "buffers", lambda network: network.totals.buffers),
        count_column("macs", "MACs", lambda network: network.totals.macs),
        count_column("flops", "FLOPs", lambda network: network.totals.flops),
        count_column("backward", "backward MACs", lambda network: network.totals.backward_macs),
        count_column("activations", "activations", lambda network: network.totals.activations),
        count_column("conv_activations", "conv activations", lambda network: network.totals.conv_activations),
        count_column("params_bytes", "weight bytes", lambda network: network.totals.params_bytes),
        count_column("saved", "saved bytes", lambda network: network.totals.saved_bytes),
        count_column("peak_bytes", "peak bytes", lambda network: network.totals.activation_bytes.peak),
        size_column("field", "field", _field)._replace(text=_field_range),
        text_column("field_layer", "field of", _field_layer),
    )
}

DEFAULT = ("network", "input", "params", "macs", "peak_bytes", "field")

#: The meaning of headings that are not plain by themselves.
NOTES = {
    "peak_bytes": "peak memory of the feature maps as {dtype}, without weights",
    "conv_activations": "output elements of convolutions, deconvolutions and fc",
    "saved": "what the backward pass reads of one sample as {dtype}",
    "field": "receptive field of the last layer before those that see the whole input (gap, fc)",
}


def networks_document(networks: Sequence[NetworkRow], columns: Sequence[Column], layout: str) -> Document:
    """Build a table with a row for each network, and notes that define its figures."""
    options = networks[0].analysis.options
    notes = [
        (column.heading, NOTES[column.key].format(dtype=types_text(options)))
        for column in columns
        if column.key in NOTES
    ]
    notes += [(shortened(network.name), network.uncounted) for network in networks if network.uncounted]
    if options.batch > 1:
        notes.append(("batch", f"MACs and activations are for {thousands(options.batch)} samples, shapes for one"))
    notes += convention_notes(networks[0].analysis)
    table = DataTable(columns, networks, layout, unlimited=True)
    return Document((table, *([Notes(tuple(notes))] if notes else [])))


def networks_data(networks: Sequence[NetworkRow]) -> dict[str, object]:
    """Return the networks as a JSON object with all totals of each."""
    options = networks[0].analysis.options
    return {
        "schema": SCHEMA,
        "batch": options.batch,
        "dtype": options.dtype,
        **({"deploy": options.deploy} if options.deploy else {}),
        "convention": options.convention,
        "networks": [network.to_dict() for network in networks],
    }
