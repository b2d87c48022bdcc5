"""The list of the zoo's networks in every format."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from cnncalc.analysis import exceeds
from cnncalc.report.columns import bytes_text, per_axis, shape_text, short, thousands
from cnncalc.report.look import Look
from cnncalc.report.page import PAGE_WIDTH, Block, Grid, Paragraph, to_markdown, to_text
from cnncalc.zoo.survey import Entry


class Figure(NamedTuple):
    """A column of the list: the raw value, by which it is sorted as well, and how a person reads it."""

    key: str
    heading: str
    value: Callable[[Entry], Any]
    text: Callable[[Entry], str]
    brief: Callable[[Entry], str] | None = None
    numeric: bool = False


def _size(entry: Entry) -> int:
    """The field's largest size; what sees everything is larger than any."""
    field = entry.last.receptive_field
    return 1 << 62 if field.whole else max(axis.size for axis in field.axes)


def _field(entry: Entry, part: str = "size") -> str:
    found = entry.last.receptive_field.to_dict()[part]
    return per_axis(found) if isinstance(found, list) else str(found)


def _marked(entry: Entry) -> str:
    graph = entry.last.graph
    return _field(entry) + ("*" if exceeds(entry.last.receptive_field, graph.nodes[0].shape) else "")


FIGURES = {
    each.key: each
    for each in (
        Figure("name", "name", lambda entry: entry.member.name, lambda entry: entry.member.name),
        Figure("year", "year", lambda entry: entry.member.year, lambda entry: str(entry.member.year)),
        Figure("input", "input", lambda entry: entry.input, lambda entry: shape_text(entry.input)),
        Figure(
            "params",
            "parameters",
            lambda entry: entry.params,
            lambda entry: thousands(entry.params),
            lambda entry: short(entry.params),
            numeric=True,
        ),
        Figure(
            "macs",
            "MACs",
            lambda entry: entry.macs,
            lambda entry: thousands(entry.macs),
            lambda entry: short(entry.macs),
            numeric=True,
        ),
        Figure("field", "field", _size, _marked),
        Figure(
            "memory", "memory", lambda entry: entry.peak_bytes, lambda entry: bytes_text(entry.peak_bytes), numeric=True
        ),
    )
}

#: From so many columns on, numbers have all their digits, and what a network brought stands beside it.
EXACT, BESIDE = 88, 150

LEGEND = (
    "field: the receptive field of the last feature map; * is larger than the input, all sees all of it by nature. "
    "memory: of the feature maps live at once, at most, in float32. `cnncalc NAME` calculates a network, "
    "`cnncalc zoo NAME` prints its spec."
)


def sort(entries: Sequence[Entry], key: str | None) -> list[Entry]:
    """The entries by a figure, or as they stand in the zoo."""
    return list(entries) if key is None else sorted(entries, key=FIGURES[key].value)


def zoo_text(entries: Sequence[Entry], look: Look, grouped: bool) -> str:
    """The list for a person; `grouped` says what each group brought, where there is no room beside it."""
    width = look.width or PAGE_WIDTH
    figures = list(FIGURES.values())
    rows: list[tuple[str, ...]] = []
    before = None
    for entry in entries:
        news = entry.member.brought if not grouped or entry.member.brought != before else ""
        before = entry.member.brought
        cells = [each.brief(entry) if each.brief and width < EXACT else each.text(entry) for each in figures]
        if width >= BESIDE:
            cells.append(news)
        elif grouped and news:
            rows.append((news,))
        rows.append(tuple(cells))
    headings = [each.heading for each in figures] + ["what it brought"] * (width >= BESIDE)
    roles = ["number" if each.numeric else "code" if each.key == "name" else "text" for each in figures]
    blocks: list[Block] = [Grid(tuple(rows), tuple(headings), tuple(roles)), Paragraph(LEGEND)]
    return to_text(blocks, look)


def zoo_markdown(entries: Sequence[Entry]) -> str:
    figures = FIGURES.values()
    rows = tuple((*(each.text(entry) for each in figures), entry.member.brought) for entry in entries)
    headings = (*(each.heading for each in figures), "what it brought")
    return to_markdown([Grid(rows, headings, tuple("number" if each.numeric else "text" for each in figures))])


def zoo_csv(entries: Sequence[Entry]) -> str:
    """A heading of keys, then raw integers."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    keys = ("name", "family", "year", "input", "params", "buffers", "macs", "field", "jump", "peak_bytes", "brought")
    writer.writerow(keys)
    writer.writerows(_csv_row(entry) for entry in entries)
    return text.getvalue()


def _csv_row(entry: Entry) -> Iterator[object]:
    member = entry.member
    yield from (member.name, member.family, member.year, shape_text(entry.input))
    yield from (entry.params, entry.buffers, entry.macs, _field(entry), _field(entry, "jump"), entry.peak_bytes)
    yield member.brought


def zoo_json(entries: Sequence[Entry]) -> str:
    """A list of objects."""
    return json.dumps([entry.to_dict() for entry in entries], indent=2, ensure_ascii=False) + "\n"


def member_json(entry: Entry) -> str:
    """The object of one network, with its spec."""
    return json.dumps({**entry.to_dict(), "spec": entry.member.text()}, indent=2, ensure_ascii=False) + "\n"
