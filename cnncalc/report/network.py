"""The table of a network: a row for each layer with bars for parameters and MACs, then totals and warnings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cnncalc.analysis import Analysis
from cnncalc.figures.cost import DEFAULT_CONVENTION
from cnncalc.figures.receptive_field import exceeds
from cnncalc.figures.rows import RowGroup, RowOrGroup, collapse
from cnncalc.notation import bytes_text, short, thousands
from cnncalc.report.columns import uncounted
from cnncalc.report.document import Alert, Block, Column, DataTable, Document, Mark, Notes, Paragraph, TextRow
from cnncalc.report.tree import rails
from cnncalc.shape import Size

#: The columns whose cells are formulas where sizes are letters.
FORMULAS = (
    "params",
    "frozen",
    "buffers",
    "macs",
    "flops",
    "backward",
    "activations",
    "conv_activations",
    "saved",
    "output",
)
#: The numbers for letters that the help suggests; another letter is 32.
SAMPLES = {"C": 3, "L": 100, "D": 16}
#: A longer table shows its first and its last rows.
MOST_ROWS = 2_000
#: Warnings beyond these are counted, not shown.
MOST_WARNINGS = 5


class FailedLayer(NamedTuple):
    """The layer at which building a network failed: its name and its text."""

    name: str
    layer: str


def network_document(
    analysis: Analysis, columns: Sequence[Column], layout: str = "hwc", depth: int | None = None
) -> Document:
    """Build the table of the layers, followed by the totals and warnings."""
    lines = collapse(analysis.rows, depth)
    omitted = max(len(lines) - MOST_ROWS, 0)
    blocks: list[Block] = [_table(analysis, columns, lines, layout, omitted)] if lines else []
    if omitted:
        instead = "--format csv has them all, --depth collapses blocks"
        blocks.append(Paragraph(f"{thousands(omitted)} rows are left out: {instead}"))
    blocks.append(Notes(tuple(_notes(analysis))))
    if analysis.letters:
        at = ",".join(f"{name}={SAMPLES.get(name, 32)}" for name in analysis.domains)
        of_input = {letter for each in analysis.graph.nodes if not each.inputs for letter in each.layer.open}
        # A shape says nothing of filters.
        otherwise = ", or give the shape with `--input`" if of_input.issuperset(analysis.domains) else ""
        help = f"for numbers add `--at {at}`{otherwise}"
        blocks.append(Alert("", "", help))
    blocks += [Alert(each.code, each.message, each.help or "") for each in analysis.warnings[:MOST_WARNINGS]]
    if len(analysis.warnings) > MOST_WARNINGS:
        more = len(analysis.warnings) - MOST_WARNINGS
        blocks.append(Paragraph(f"and {more} more warnings: --format json lists them all"))
    return Document(tuple(blocks))


def partial_document(analysis: Analysis, columns: Sequence[Column], layout: str, failed: FailedLayer) -> Document:
    """Build the table of the layers up to the one that failed, which is marked."""
    last = TextRow({"name": failed.name, "layer": failed.layer, "output": "✗"}, "failed")
    table = _table(analysis, columns, list(analysis.rows), layout, max(len(analysis.rows) - MOST_ROWS, 0))
    return Document((table._replace(lines=[*table.lines, last], totals=()),))


def layers_document(
    analysis: Analysis, columns: Sequence[Column], layout: str = "hwc", depth: int | None = None
) -> Document:
    """Build the table of all rows with totals and non-default options, for other programs and papers."""
    table = _with_totals(analysis, columns, collapse(analysis.rows, depth), layout)
    notes = convention_notes(analysis)
    return Document((table, Notes(tuple(notes))) if notes else (table,))


def convention_notes(analysis: Analysis) -> list[tuple[str, str]]:
    """Return a note with the convention that counts MACs and its definition; none for the default convention."""
    name = analysis.options.convention
    if name == DEFAULT_CONVENTION:
        return []
    from cnncalc.figures.conventions import TABLES

    return [("MACs", f"as {name} counts: {TABLES[name].text}")]


def _table(
    analysis: Analysis, columns: Sequence[Column], lines: list[RowOrGroup], layout: str, omitted: int
) -> DataTable:
    """Return the table for a terminal: formulas fold and have no bars; the middle of a long table is omitted."""
    if analysis.letters:
        columns = [
            column._replace(folding="formula" if column.key in FORMULAS else column.folding, bar=None)
            for column in columns
        ]
    input_shape = analysis.graph.nodes[0].shape
    marks = []
    for line, (rail, aside) in zip(lines, rails(lines), strict=True):
        suffixes = {}
        if line.implicit or aside:
            suffixes["layer"] = " (implicit)" if line.implicit else f" + {aside}"
        if basis := _basis(line):
            suffixes["layer"] = suffixes.get("layer", "") + basis
        if exceeds(line.receptive_field, input_shape):
            suffixes["field"] = "*"
        marks.append(Mark(rail, "implicit" if line.implicit else "", suffixes))
    shown: list[RowOrGroup | TextRow] = list(lines)
    if omitted:
        middle = slice(MOST_ROWS // 2, len(lines) - MOST_ROWS // 2)
        shown[middle] = [TextRow({columns[0].key: "…", "layer": f"{thousands(omitted)} rows"}, "omitted")]
        marks[middle] = [Mark()]
    table = _with_totals(analysis, columns, shown, layout)
    return table._replace(marks=marks, unlimited=not analysis.letters, zeros=False)


def _basis(line: RowOrGroup) -> str:
    """Return what the weights of a layer behind an unknown operator stand on, as a suffix; empty for other lines."""
    if isinstance(line, RowGroup) or not line.behind_unknown or not line.node.layer.known:
        return ""
    if not {"params", "macs"} & {*line.missing}:
        return ""
    return " (input unknown)" if "params" in line.missing else " (by channels alone)"


def _with_totals(
    analysis: Analysis, columns: Sequence[Column], lines: Sequence[RowOrGroup | TextRow], layout: str
) -> DataTable:
    # A total has the name of the figure that it sums up.
    totals = [column.text(analysis.totals, layout) if column.numeric else "" for column in columns]
    if not columns[0].numeric:
        totals[0] = "total, at least" if analysis.incomplete else "total"
    return DataTable(columns, lines, layout, tuple(totals))


def _notes(analysis: Analysis) -> Iterator[tuple[str, str]]:
    totals, options = analysis.totals, analysis.options
    if options.deploy:
        from cnncalc.report.deployment import deployment_notes

        yield from deployment_notes(analysis)
        yield from _provisos(analysis)
        return
    weights = f"{_size(totals.params_bytes)} as {options.types.words if options.types else options.dtype}"
    if totals.buffers and not analysis.letters:
        weights += f", {thousands(totals.buffers)} buffers included"
        if options.dtype == "int8":
            # The definition of the figure; no runtime keeps a running mean in one byte.
            weights += " at 1 byte each (a device folds them away)"
    peak = totals.activation_bytes.peak
    place = f" at {totals.peak_layer}" if totals.peak_layer else ""
    yield "parameters", _count(totals.params)
    if str(totals.frozen) != "0":
        yield "frozen", f"{_count(totals.frozen)} weights that training leaves as they are, not in the parameters"
    yield "weights", weights
    yield "MACs", _count(totals.macs)
    if not analysis.letters:
        yield "FLOPs", _count(totals.flops)
    yield "activations", thousands(totals.activations)
    most = "too many formulas to compare" if peak is None else _size(peak)
    yield "peak memory", f"{most}{place} (activations only)"
    yield from _provisos(analysis)


def _provisos(analysis: Analysis) -> Iterator[tuple[str, str]]:
    """Yield what else there is to know of the figures."""
    options = analysis.options
    if options.convention != DEFAULT_CONVENTION:
        from cnncalc.figures.conventions import TABLES

        yield "convention", f"{options.convention}: {TABLES[options.convention].text}"
    if analysis.incomplete:
        yield "unknown", uncounted(analysis.incomplete)
    if options.batch > 1:
        yield "batch", f"MACs and activations are for {thousands(options.batch)} samples, shapes for one"
    if any(exceeds(row.receptive_field, analysis.graph.nodes[0].shape) for row in analysis.rows):
        yield "*", "the receptive field is larger than the input"
    if any(row.receptive_field.at_most for row in analysis.rows):
        yield "≤", "an upper bound: the outputs see too many different extents to tell them apart"
    together: dict[str, list[str]] = {}
    for name, domain in analysis.domains.items():
        together.setdefault(str(domain), []).append(name)
    yield from ((" ".join(names), domain) for domain, names in together.items())


def _count(value: Size) -> str:
    """Return the count as in `25,557,032 (25.6 M)`; a formula stays as it is."""
    return f"{thousands(value)} ({short(value)})" if isinstance(value, int) and value >= 10_000 else thousands(value)


def _size(value: Size) -> str:
    """Return the bytes as in `97.5 MiB`; a formula stays as it is, in bytes."""
    return bytes_text(value) if isinstance(value, int) else f"{thousands(value)} bytes"
