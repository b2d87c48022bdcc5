"""The table of a network: a row for each layer with bars for parameters and MACs, then totals and warnings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from cnncalc.analysis import Analysis, Options, analyze_graph
from cnncalc.figures.cost import DEFAULT_CONVENTION
from cnncalc.figures.receptive_field import exceeds
from cnncalc.figures.rows import RowOrGroup
from cnncalc.graph import BuildError
from cnncalc.notation import bytes_text, short, thousands
from cnncalc.report.columns import DEFAULT, uncounted
from cnncalc.report.document import Alert, Block, Column, DataTable, Document, Mark, Notes, Paragraph, TextRow
from cnncalc.report.marks import marks_of
from cnncalc.report.selection import Selection
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
#: On a terminal, a table that is longer even with its blocks collapsed shows its first and its last rows.
MOST_ROWS = 2_000
#: The default columns that a narrow terminal leaves out, the first of them first.
DISPENSABLE = ("field", "layer")
#: Warnings beyond these are counted, not shown.
MOST_WARNINGS = 5


EVERY_ROW = Selection()


class Hints(NamedTuple):
    """What the report says of options, in the words of the face that it has."""

    #: How to give letters these numbers.
    numbers: Callable[[Mapping[str, int]], str]
    #: How to give the input a shape.
    input: str
    #: Where all rows, and all warnings, are.
    rows: str
    warnings: str


COMMAND_LINE = Hints(
    lambda at: f"--at {','.join(f'{name}={number}' for name, number in at.items())}",
    "--input",
    "`--depth all` shows every layer",
    "--format json lists them all",
)
PYTHON = Hints(lambda at: f"at={dict(at)}", "input=", "`rows` has every layer", "`warnings` has them all")


def network_document(
    analysis: Analysis,
    columns: Sequence[Column],
    layout: str = "hwc",
    selection: Selection = EVERY_ROW,
    most_rows: int | None = None,
    folding: bool = False,
    hints: Hints = COMMAND_LINE,
) -> Document:
    """Build the table of the layers, followed by the totals and warnings.

    A table of more than `most_rows` has its blocks collapsed, unless the selection has a depth; None is for no limit.
    With `folding`, the table says which of its blocks a page may fold, and what is too long for a page is collapsed.
    """
    if folding:
        most_rows = MOST_ROWS
    shown = selection.within(analysis.rows, most_rows)
    lines = shown.lines(analysis.rows)
    limited = most_rows is not None and selection.depth is None
    omitted = max(len(lines) - MOST_ROWS, 0) if limited else 0
    table = _table(analysis, columns, lines, layout, shown.in_order, omitted)
    if folding and lines and shown.in_order and not omitted:
        from cnncalc.report.folds import with_folds  # few reports are pages

        table = with_folds(table, analysis, lines)
    blocks: list[Block] = [table] if lines else []
    blocks.append(Notes((*_selected(analysis, shown, lines), *_notes(analysis))))
    if analysis.letters:
        at = hints.numbers({name: SAMPLES.get(name, 32) for name in analysis.domains})
        of_input = {letter for each in analysis.graph.nodes if not each.inputs for letter in each.layer.open}
        # A shape says nothing of filters.
        otherwise = f", or give the shape with `{hints.input}`" if of_input.issuperset(analysis.domains) else ""
        help = f"for numbers add `{at}`{otherwise}"
        blocks.append(Alert("", "", help))
    blocks += [Alert(each.code, each.message, each.help or "") for each in analysis.warnings[:MOST_WARNINGS]]
    if len(analysis.warnings) > MOST_WARNINGS:
        more = len(analysis.warnings) - MOST_WARNINGS
        blocks.append(Paragraph(f"and {more} more warnings: {hints.warnings}"))
    if shown.depth != selection.depth:
        blocks.append(collapsed_note(len(analysis.rows), len(lines), hints))
    elif omitted:
        blocks.append(Paragraph(f"{thousands(omitted)} rows are left out: {hints.rows}"))
    return Document(tuple(blocks))


def failure_document(
    error: BuildError,
    columns: Sequence[Column],
    layout: str,
    options: Options,
    selection: Selection = EVERY_ROW,
    most_rows: int | None = None,
) -> Document:
    """Build the table of the layers up to the one that failed, which is marked."""
    first = next(each for each in error.diagnostics if each.layer is not None)
    whole = next((each.span for each in error.failures if each.diagnostic.layer == first.layer), first.span)
    text = " ".join(whole.text.split()) if whole else ""
    failed = {"name": first.layer or "", "layer": text if len(text) < 40 else "", "output": "✗"}
    analysis = analyze_graph(error.partial, options)
    shown = selection.within(analysis.rows, most_rows).lines(analysis.rows)
    table = _table(analysis, columns, shown, layout, True, max(len(shown) - MOST_ROWS, 0))
    lines, marks = [*table.lines, TextRow(failed, "failed")], [*table.marks, Mark()]
    return Document((table._replace(lines=lines, marks=marks, totals=()),))


def layers_document(
    analysis: Analysis, columns: Sequence[Column], layout: str = "hwc", selection: Selection = EVERY_ROW
) -> Document:
    """Build the table of all rows with totals and non-default options, for other programs and papers."""
    lines = selection.lines(analysis.rows)
    table = _with_totals(analysis, columns, lines, layout)
    notes = [*_selected(analysis, selection, lines), *convention_notes(analysis)]
    return Document((table, Notes(tuple(notes))) if notes else (table,))


def collapsed_note(rows: int, shown: int, hints: Hints = COMMAND_LINE) -> Paragraph:
    """Return the line that says how many rows became how many, and how to see them all."""
    return Paragraph(f"blocks are collapsed, {thousands(rows)} rows to {thousands(shown)}: {hints.rows}")


def convention_notes(analysis: Analysis) -> list[tuple[str, str]]:
    """Return a note with the convention that counts MACs and its definition; none for the default convention."""
    name = analysis.options.convention
    if name == DEFAULT_CONVENTION:
        return []
    from cnncalc.figures.conventions import TABLES

    return [("MACs", f"as {name} counts: {TABLES[name].text}")]


def _selected(analysis: Analysis, selection: Selection, lines: Sequence[RowOrGroup]) -> Iterator[tuple[str, str]]:
    """Yield a note on the rows that are the heaviest of the network: how many, and how much of the total they are."""
    if selection.heaviest is None:
        return
    column = selection.heaviest.column
    part, whole = (sum(column.value(line, "hwc") or 0 for line in each) for each in (lines, [analysis.totals]))
    share = f", {100 * part / whole:.1f} % of the total" if whole else ""
    every = selection._replace(heaviest=None, top=None).lines(analysis.rows)
    rows = f"{thousands(len(lines))} of {thousands(len(every))} rows by {column.heading}"
    yield "heaviest", f"{rows}: {thousands(part)}{share}"


def _table(
    analysis: Analysis,
    columns: Sequence[Column],
    lines: list[RowOrGroup],
    layout: str,
    in_order: bool,
    omitted: int,
) -> DataTable:
    """Return the table for a terminal: formulas fold and have no bars; the middle of a long table is omitted.

    Branches are drawn beside rows that are `in_order`.
    """
    if analysis.letters:
        columns = [
            column._replace(folding="formula" if column.key in FORMULAS else column.folding, bar=None)
            for column in columns
        ]
    marks = marks_of(analysis, lines, in_order)
    shown: list[RowOrGroup | TextRow] = list(lines)
    if omitted:
        middle = slice(MOST_ROWS // 2, len(lines) - MOST_ROWS // 2)
        shown[middle] = [TextRow({columns[0].key: "…", "layer": f"{thousands(omitted)} rows"}, "omitted")]
        marks[middle] = [Mark()]
    table = _with_totals(analysis, columns, shown, layout)
    dispensable = DISPENSABLE if tuple(column.key for column in columns) == DEFAULT else ()
    return table._replace(marks=marks, unlimited=not analysis.letters, zeros=False, dispensable=dispensable)


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
