"""The list of the zoo's networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from cnncalc.figures.receptive_field import exceeds
from cnncalc.language.prelude import PreludeBlock
from cnncalc.notation import bytes_text, field_range_text, field_text, shape_text, short
from cnncalc.report.columns import count_column, size_column, text_column
from cnncalc.report.document import Column, DataTable, Document, Notes, Paragraph, TitleRow
from cnncalc.report.layout import PAGE_WIDTH
from cnncalc.zoo.survey import ZooEntry


def _size(entry: ZooEntry) -> int:
    """Return the largest size of the receptive field; a field over the whole input ranks above all others."""
    field = entry.last.receptive_field
    return 1 << 62 if field.whole else max(axis.size for axis in field.axes)


def _field(entry: ZooEntry, _: str) -> str:
    return field_text(entry.last.receptive_field)


def _marked_field(entry: ZooEntry, _: str) -> str:
    graph = entry.last.graph
    return field_range_text(entry.last.receptive_field) + (
        "*" if exceeds(entry.last.receptive_field, graph.nodes[0].shape) else ""
    )


COLUMNS = {
    column.key: column
    for column in (
        text_column("name", "name", lambda entry: entry.member.name, role="code"),
        text_column("family", "family", lambda entry: entry.member.family),
        text_column("year", "year", lambda entry: str(entry.member.year)),
        size_column("input", "input", lambda entry, layout: shape_text(entry.input, layout)),
        count_column("params", "parameters", lambda entry: entry.params),
        count_column("buffers", "buffers", lambda entry: entry.buffers),
        count_column("macs", "MACs", lambda entry: entry.macs),
        size_column("field", "field", _field)._replace(text=_marked_field),
        size_column("jump", "jump", lambda entry, _: field_text(entry.last.receptive_field, "jump")),
        count_column("peak_bytes", "memory", lambda entry: entry.peak_bytes)._replace(
            text=lambda entry, _: bytes_text(entry.peak_bytes)
        ),
        text_column("contribution", "contribution", lambda entry: entry.member.contribution, folding="prose"),
    )
}

#: The columns for people; what each network contributed stands beside or above it.
DEFAULT = ("name", "year", "input", "params", "macs", "field", "peak_bytes")

#: The keys that the list may be sorted by.
ORDERS: dict[str, Callable[[ZooEntry], Any]] = {
    "name": lambda entry: entry.member.name,
    "year": lambda entry: entry.member.year,
    "input": lambda entry: entry.input,
    "params": lambda entry: entry.params,
    "macs": lambda entry: entry.macs,
    "field": _size,
    "memory": lambda entry: entry.peak_bytes,
}

#: The width from which a network's contribution is shown beside it.
BESIDE = 150
#: The columns that are left out of a narrow list, the first of them first; CSV and JSON have them all.
DISPENSABLE = ("year", "peak_bytes")
#: The spaces between two columns.
GAP = 2

NOTES = (
    ("field", "receptive field of the last feature map; * is larger than the input, all is the whole input"),
    ("memory", "peak memory of the feature maps in float32, without weights"),
)
#: A note's heading → the key of its column, if that is another word.
NOTED = {"memory": "peak_bytes"}
COMMANDS = "`cnncalc NAME` calculates a network, `cnncalc zoo NAME` prints its spec."

BLOCKS = "Any spec calls them, as in `conv 3x3 same x64 | se()`; `cnncalc zoo se` prints one. Your own def comes first."


def sort(entries: Sequence[ZooEntry], key: str | None) -> list[ZooEntry]:
    """Return the entries sorted by a figure, by `-figure` with the largest first, or in the order of the zoo."""
    if key is None:
        return list(entries)
    return sorted(entries, key=ORDERS[key.removeprefix("-")], reverse=key.startswith("-"))


def zoo_table(entries: Sequence[ZooEntry], layout: str, every_column: bool = False) -> Document:
    """Build a table with a row for each network."""
    keys = COLUMNS if every_column else (*DEFAULT, "contribution")
    return Document((DataTable([COLUMNS[key] for key in keys], entries, layout),))


def zoo_document(entries: Sequence[ZooEntry], width: int | None, layout: str, grouped: bool) -> Document:
    """Build the list for a terminal; if `grouped`, each group's contribution is shown once."""
    width = width or PAGE_WIDTH
    beside = width >= BESIDE
    columns = _fitting(entries, width, layout)
    if beside:
        columns.append(COLUMNS["contribution"]._replace(text=_once(entries, grouped)))
    lines: list[ZooEntry | TitleRow] = []
    before = ""
    for entry in entries:
        if grouped and not beside and entry.member.contribution != before:
            before = entry.member.contribution
            lines.append(TitleRow(before))
        lines.append(entry)
    shown = {column.key for column in columns}
    notes = [note for note in NOTES if NOTED.get(note[0], note[0]) in shown]
    return Document((DataTable(columns, lines, layout), Notes(tuple(notes)), Paragraph(COMMANDS)))


def _fitting(entries: Sequence[ZooEntry], width: int, layout: str) -> list[Column]:
    """Return the columns that fit a width: numbers are rounded, then columns left out, before a name is broken."""
    columns = [COLUMNS[key] for key in DEFAULT]
    if _width(columns, entries, layout) > width:
        columns = [_rounded(column) if column.key in ("params", "macs") else column for column in columns]
    for key in DISPENSABLE:
        if _width(columns, entries, layout) > width:
            columns = [column for column in columns if column.key != key]
    return columns


def _width(columns: Sequence[Column], entries: Sequence[ZooEntry], layout: str) -> int:
    """Return the width of a table of these columns."""
    widths = [max(len(column.heading), *[len(column.text(entry, layout)) for entry in entries]) for column in columns]
    return sum(widths) + GAP * (len(widths) - 1)


def blocks_document(blocks: Sequence[PreludeBlock], table_only: bool = False) -> Document:
    """Build the list of the blocks that every spec may call."""
    columns = (
        text_column("signature", "block", lambda block: block.signature, role="code"),
        text_column("summary", "what it is", lambda block: block.summary, folding="prose"),
        text_column("source", "source", lambda block: block.source, folding="prose"),
    )
    table = DataTable(columns, blocks)
    return Document((table,) if table_only else (table, Paragraph(BLOCKS)))


def _rounded(column: Column) -> Column:
    heading = {"parameters": "params"}.get(column.heading, column.heading)
    return column._replace(heading=heading, text=lambda entry, layout: short(column.value(entry, layout)))


def _once(entries: Sequence[ZooEntry], grouped: bool) -> Callable[[ZooEntry, str], str]:
    """Return a column's text function for contributions; if `grouped`, only the first of a group has one."""
    repeated = set()
    for before, entry in pairwise(entries):
        if grouped and entry.member.contribution == before.member.contribution:
            repeated.add(entry.member.name)
    return lambda entry, _: "" if entry.member.name in repeated else entry.member.contribution
