"""The rows as a Markdown table, with a last row of totals."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.analysis import Analysis
from cnncalc.figures.cost import DEFAULT_CONVENTION
from cnncalc.report.columns import Column, thousands
from cnncalc.report.tree import collapsed


def to_markdown(analysis: Analysis, columns: Sequence[Column], layout: str, depth: int | None = None) -> str:
    rows = [[_escaped(column.text(row, layout)) for column in columns] for row in collapsed(analysis.rows, depth)]
    totals = analysis.totals
    summed = [f"**{thousands(getattr(totals, column.key))}**" if column.numeric else "" for column in columns]
    if not columns[0].numeric:
        summed[0] = "**total, at least**" if analysis.unknown else "**total**"
    lines = [[column.heading for column in columns], ["---:" if column.numeric else "---" for column in columns]]
    return "".join(f"| {' | '.join(line)} |\n" for line in (*lines, *rows, summed)) + _convention(analysis)


def _convention(analysis: Analysis) -> str:
    """By which convention MACs are counted, where it is not the default."""
    name = analysis.options.convention
    if name == DEFAULT_CONVENTION:
        return ""
    from cnncalc.figures.conventions import TABLES

    return f"\nMACs as {name} counts: {TABLES[name].text}.\n"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
