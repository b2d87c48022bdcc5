"""The rows as CSV: a heading of column keys, raw integers, no totals (they would be summed again)."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from cnncalc.analysis import Analysis
from cnncalc.report.columns import Column
from cnncalc.report.tree import collapsed


def to_csv(analysis: Analysis, columns: Sequence[Column], layout: str, depth: int | None = None) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.key for column in columns])
    writer.writerows([[column.value(row, layout) for column in columns] for row in collapsed(analysis.rows, depth)])
    return text.getvalue()
