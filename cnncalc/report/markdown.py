"""A sheet as a Markdown table (GitHub's), with a last row of totals in bold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from cnncalc.report.columns import Column
from cnncalc.report.datatable import DataTable

#: What Markdown or its HTML would read as markup. An underscore within a word is none.
MARKUP = re.compile(r"[\\`*<>\[\]|~&]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")


def to_markdown(sheet: DataTable) -> str:
    columns = sheet.columns
    rows = [[cell(column, text) for column, text in zip(columns, row, strict=True)] for row in sheet.texts()]
    totals = [f"**{text}**" if text else "" for text in sheet.totals]
    text = table([column.heading for column in columns], [column.numeric for column in columns], [*rows, totals])
    return text + "".join(f"\n{escaped(label)}: {escaped(note)}\n" for label, note in sheet.notes)


def table(headings: Sequence[str], numeric: Sequence[bool], rows: Iterable[Sequence[str]]) -> str:
    """The table of cells that are Markdown already; a row without cells is left out."""
    edges = ["---:" if each else "---" for each in numeric]
    return "".join(f"| {' | '.join(row)} |\n" for row in (headings, edges, *rows) if row)


def cell(column: Column, text: str) -> str:
    """The text as Markdown that shows it as it is."""
    return code(text) if column.setting == "code" else escaped(text)


def escaped(text: str) -> str:
    """Words as they are: nothing in them is markup, or ends their line."""
    return MARKUP.sub(r"\\\g<0>", " ".join(text.split()))


def code(text: str) -> str:
    """A code span that may stand in a table, where bars are escaped; its fence is longer than any run of backticks."""
    text = " ".join(text.split())
    if not text:
        return ""
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    inner = text.replace("|", r"\|")
    return f"{fence} {inner} {fence}" if "`" in text else f"{fence}{inner}{fence}"
