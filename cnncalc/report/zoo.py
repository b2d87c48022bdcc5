"""The list of the zoo's networks in every format."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from cnncalc.figures.receptive_field import exceeds
from cnncalc.notation import bytes_text, field_text, shape_text, short
from cnncalc.report.columns import Column, count_column, size_column, text_column
from cnncalc.report.datatable import DataTable
from cnncalc.report.document import PAGE_WIDTH, Block, Grid, Paragraph, to_text
from cnncalc.report.options import RenderOptions
from cnncalc.zoo.survey import ZooEntry


def _size(entry: ZooEntry) -> int:
    """The field's largest size; what sees everything is larger than any."""
    field = entry.last.receptive_field
    return 1 << 62 if field.whole else max(axis.size for axis in field.axes)


def _field(entry: ZooEntry, _: str) -> str:
    return field_text(entry.last.receptive_field)


def _marked_field(entry: ZooEntry, layout: str) -> str:
    graph = entry.last.graph
    return _field(entry, layout) + ("*" if exceeds(entry.last.receptive_field, graph.nodes[0].shape) else "")


def _jump(entry: ZooEntry, _: str) -> str:
    return field_text(entry.last.receptive_field, "jump")


def _peak(entry: ZooEntry, _: str) -> str:
    return bytes_text(entry.peak_bytes)


COLUMNS = {
    column.key: column
    for column in (
        text_column("name", "name", "what the network is called", lambda entry, _: entry.member.name),
        text_column("family", "family", "the family that it belongs to", lambda entry, _: entry.member.family),
        text_column("year", "year", "when it was published", lambda entry, _: str(entry.member.year)),
        size_column(
            "input", "input", "shape of one sample that goes in", lambda entry, layout: shape_text(entry.input, layout)
        ),
        count_column("params", "parameters", "what training changes", lambda entry: entry.params),
        count_column("buffers", "buffers", "running statistics", lambda entry: entry.buffers),
        count_column("macs", "MACs", "multiply-accumulates", lambda entry: entry.macs),
        Column("field", "field", "receptive field of the last feature map", _field, _marked_field, setting="sizes"),
        size_column("jump", "jump", "input elements between that map's neighbours", _jump),
        Column(
            "peak_bytes",
            "memory",
            "most bytes of feature maps live at once",
            lambda entry, _: entry.peak_bytes,
            _peak,
            numeric=True,
        ),
        text_column("contribution", "contribution", "its news, in a line", lambda entry, _: entry.member.contribution),
    )
}

#: The columns for people; what each network brought stands beside or above it.
DEFAULT = ("name", "year", "input", "params", "macs", "field", "peak_bytes")

#: What the list may be sorted by.
ORDERS: dict[str, Callable[[ZooEntry], Any]] = {
    "name": lambda entry: entry.member.name,
    "year": lambda entry: entry.member.year,
    "input": lambda entry: entry.input,
    "params": lambda entry: entry.params,
    "macs": lambda entry: entry.macs,
    "field": _size,
    "memory": lambda entry: entry.peak_bytes,
}

#: From so many columns on, numbers have all their digits, and what a network brought stands beside it.
EXACT, BESIDE = 88, 150

LEGEND = (
    "field: the receptive field of the last feature map; * is larger than the input, all sees all of it by nature. "
    "memory: of the feature maps live at once, at most, in float32. `cnncalc NAME` calculates a network, "
    "`cnncalc zoo NAME` prints its spec."
)


def sort(entries: Sequence[ZooEntry], key: str | None) -> list[ZooEntry]:
    """The entries by a figure, or as they stand in the zoo."""
    return list(entries) if key is None else sorted(entries, key=ORDERS[key])


def zoo_table(entries: Sequence[ZooEntry], layout: str, whole: bool = False) -> DataTable:
    """A row for each network; the `whole` sheet has what people are not shown as well."""
    return DataTable([COLUMNS[key] for key in (COLUMNS if whole else (*DEFAULT, "contribution"))], entries, layout)


def zoo_text(entries: Sequence[ZooEntry], look: RenderOptions, grouped: bool) -> str:
    """The list for a person; `grouped` says what each group brought, where there is no room beside it."""
    width = look.width or PAGE_WIDTH
    columns = [COLUMNS[key] for key in DEFAULT]
    rows: list[tuple[str, ...]] = []
    before = None
    for entry in entries:
        news = entry.member.contribution if not grouped or entry.member.contribution != before else ""
        before = entry.member.contribution
        cells = [_brief(column, entry, look.layout, width) for column in columns]
        if width >= BESIDE:
            cells.append(news)
        elif grouped and news:
            rows.append((news,))
        rows.append(tuple(cells))
    headings = [column.heading for column in columns] + [COLUMNS["contribution"].heading] * (width >= BESIDE)
    roles = ["number" if column.numeric else "code" if column.key == "name" else "text" for column in columns]
    blocks: list[Block] = [Grid(tuple(rows), tuple(headings), tuple(roles)), Paragraph(LEGEND)]
    return to_text(blocks, look)


def _brief(column: Column, entry: ZooEntry, layout: str, width: int) -> str:
    """A cell: where there is no room for their digits, large numbers are rounded."""
    rounded = width < EXACT and column.key in ("params", "macs")
    return short(column.value(entry, layout)) if rounded else column.text(entry, layout)


def zoo_json(entries: Sequence[ZooEntry]) -> str:
    """A list of objects."""
    return json.dumps([entry.to_dict() for entry in entries], indent=2, ensure_ascii=False) + "\n"


def member_json(entry: ZooEntry) -> str:
    """The object of one network, with its spec."""
    return json.dumps({**entry.to_dict(), "spec": entry.member.text()}, indent=2, ensure_ascii=False) + "\n"
