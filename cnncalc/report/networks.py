"""Several networks in one table, a row each, as in a paper."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.analysis import SCHEMA
from cnncalc.compare.networks import NetworkRow
from cnncalc.notation import field_range_text, field_text, shape_text, shortened, thousands
from cnncalc.report.columns import SCALED, choose, count_column, scaled_column, size_column, text_column
from cnncalc.report.deployment import types_text
from cnncalc.report.document import Column, DataTable, Document, Notes
from cnncalc.report.network import convention_notes
from cnncalc.report.units import in_units, ratio, relative_to


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
        count_column("layers", "layers", lambda network: network.totals.layers, scale="none"),
        count_column("params", "parameters", lambda network: network.totals.params),
        count_column("buffers", "buffers", lambda network: network.totals.buffers),
        count_column("macs", "MACs", lambda network: network.totals.macs),
        count_column("flops", "FLOPs", lambda network: network.totals.flops),
        count_column("backward", "backward MACs", lambda network: network.totals.backward_macs),
        count_column("activations", "activations", lambda network: network.totals.activations),
        count_column("conv_activations", "conv activations", lambda network: network.totals.conv_activations),
        count_column("params_bytes", "weight bytes", lambda network: network.totals.params_bytes, scale="bytes"),
        count_column("saved", "saved bytes", lambda network: network.totals.saved_bytes, scale="bytes"),
        count_column("peak_bytes", "peak bytes", lambda network: network.totals.activation_bytes.peak, scale="bytes"),
        size_column("field", "field", _field)._replace(text=_field_range),
        text_column("field_layer", "field of", _field_layer),
    )
}

COLUMNS |= {key: scaled_column(key, heading, COLUMNS[of], unit) for key, heading, of, unit in SCALED}

DEFAULT = ("network", "input", "params", "macs", "peak_bytes", "field")

#: The default columns that a narrow terminal leaves out, the first of them first.
DISPENSABLE = ("field", "peak_bytes", "input")

#: The meaning of headings that are not plain by themselves.
NOTES = {
    "peak_bytes": "peak memory of the feature maps as {dtype}, without weights",
    "conv_activations": "output elements of convolutions, deconvolutions and fc",
    "saved": "what the backward pass reads of one sample as {dtype}",
    "field": "receptive field of the last layer before those that see the whole input (gap, fc)",
}


def variable_columns(names: Sequence[str]) -> list[Column]:
    """Return a column for each variable that is given several values."""
    return [_variable_column(name) for name in names]


def _variable_column(name: str) -> Column:
    # The name of a variable may be that of a figure.
    key = f"let {name}" if name in COLUMNS else name
    return text_column(key, key, lambda network: network.variables.get(name, ""))


def chosen(keys: str | None, varied: Sequence[Column], inputs_vary: bool) -> tuple[Column, ...]:
    """Return the columns of a list, and beside the name of a network those of what varies."""
    columns = list(choose(keys, COLUMNS, DEFAULT))
    after = next((at for at, column in enumerate(columns, 1) if column.key == "network"), 0)
    inputs = [COLUMNS["input"]] if inputs_vary and COLUMNS["input"] not in columns else []
    return (*columns[:after], *varied, *inputs, *columns[after:])


def as_shown(columns: Sequence[Column], units: str | None, first: NetworkRow | None, layout: str) -> tuple[Column, ...]:
    """Return the columns in their units, and as multiples of the network `first` if there is one."""
    scaled = in_units(columns, units)
    return relative_to(scaled, first, layout) if first is not None else scaled


def networks_document(
    networks: Sequence[NetworkRow], columns: Sequence[Column], layout: str, first: NetworkRow | None = None
) -> Document:
    """Build a table with a row for each network, and notes that define its figures.

    With `first`, the figures of the columns are multiples of that network's.
    """
    options = networks[0].analysis.options
    notes = [
        (column.heading, NOTES[column.key].format(dtype=types_text(options)))
        for column in columns
        if column.key in NOTES
    ]
    if first is not None:
        notes.append(("×", f"times the figure of {shortened(first.title)}, the first network"))
    notes += [(shortened(network.title), network.uncounted) for network in networks if network.uncounted]
    if options.batch > 1:
        notes.append(("batch", f"MACs and activations are for {thousands(options.batch)} samples, shapes for one"))
    notes += convention_notes(networks[0].analysis)
    default = {*DEFAULT} <= {column.key for column in columns}
    table = DataTable(columns, networks, layout, unlimited=True, dispensable=DISPENSABLE if default else ())
    return Document((table, *([Notes(tuple(notes))] if notes else [])))


def networks_data(networks: Sequence[NetworkRow], first: NetworkRow | None = None) -> dict[str, object]:
    """Return the networks as a JSON object with all totals of each; with `first`, also as multiples of that one's."""
    options = networks[0].analysis.options
    return {
        "schema": SCHEMA,
        "batch": options.batch,
        "dtype": options.dtype,
        **({"deploy": options.deploy} if options.deploy else {}),
        "convention": options.convention,
        "networks": [
            {**network.to_dict(), **({"relative": _ratios(network, first)} if first is not None else {})}
            for network in networks
        ],
    }


def _ratios(network: NetworkRow, first: NetworkRow) -> dict[str, float | None]:
    """Return the figures of a network as multiples of those of the first, by their columns."""
    return {
        column.key: ratio(column.value(network, "hwc"), column.value(first, "hwc"))
        for column in COLUMNS.values()
        if column.numeric and not column.derived
    }
