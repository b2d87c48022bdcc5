"""A table as a value: columns and what their rows stand for, before any format. CSV, Markdown and LaTeX write it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from cnncalc.analysis import Analysis, collapse
from cnncalc.figures.cost import DEFAULT_CONVENTION
from cnncalc.notation import thousands
from cnncalc.report.columns import Column


class DataTable(NamedTuple):
    """A row for each of `lines`, a cell for each column; where there are any, a row of totals, and labelled notes."""

    columns: Sequence[Column]
    lines: Sequence[Any]
    layout: str = "hwc"
    totals: tuple[str, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()

    def values(self) -> Iterator[list[Any]]:
        """The rows as programs read them: raw figures."""
        return ([column.value(line, self.layout) for column in self.columns] for line in self.lines)

    def texts(self) -> Iterator[list[str]]:
        """The rows as people read them."""
        return ([column.text(line, self.layout) for column in self.columns] for line in self.lines)


def layers_table(analysis: Analysis, columns: Sequence[Column], layout: str, depth: int | None = None) -> DataTable:
    """The rows of a network, with their totals."""
    totals = [thousands(getattr(analysis.totals, column.key)) if column.numeric else "" for column in columns]
    if not columns[0].numeric:
        totals[0] = "total, at least" if analysis.unknown else "total"
    return DataTable(columns, collapse(analysis.rows, depth), layout, tuple(totals), convention_notes(analysis))


def convention_notes(analysis: Analysis) -> tuple[tuple[str, str], ...]:
    """By whose count the MACs are and what that is, where it is not the default."""
    name = analysis.options.convention
    if name == DEFAULT_CONVENTION:
        return ()
    from cnncalc.figures.conventions import TABLES

    return (("MACs", f"as {name} counts: {TABLES[name].text}"),)
