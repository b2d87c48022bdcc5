"""Columns whose counts are in a unit, with the unit in their headings; and those that are multiples of one line's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.notation import decimals
from cnncalc.report.columns import scaled_text
from cnncalc.report.document import Column


def in_units(columns: Sequence[Column], unit: str | None) -> tuple[Column, ...]:
    """Return the columns with counts in a unit: `k`, `M`, `G`, or `auto` for the one that suits each number."""
    return tuple(columns) if unit is None else tuple(_in_unit(column, unit) for column in columns)


def _in_unit(column: Column, unit: str) -> Column:
    if column.scale == "none":
        return column
    prefix = "" if unit == "auto" else f"{unit.upper()}iB" if column.scale == "bytes" else unit
    heading = column.heading.removesuffix(" bytes") if column.scale == "bytes" else column.heading
    return column._replace(heading=f"{heading} ({prefix})" if prefix else heading, text=scaled_text(column, unit))


def relative_to(columns: Sequence[Column], first: Any, layout: str) -> tuple[Column, ...]:
    """Return the columns with figures as multiples of those of the line `first`, which keeps its own."""
    return tuple(_relative(column, first, layout) if column.numeric else column for column in columns)


def _relative(column: Column, first: Any, layout: str) -> Column:
    base = column.value(first, layout)

    def value(line: Any, layout: str) -> float | None:
        return ratio(column.value(line, layout), base)

    def text(line: Any, layout: str) -> str:
        if line is first:
            return column.text(line, layout)
        multiple = value(line, layout)
        return "–" if multiple is None else f"{decimals(multiple)}×"

    return column._replace(value=value, text=text)


def ratio(value: Any, base: Any) -> float | None:
    """Return how many times the base a value is; None where either is unknown, or the base is 0."""
    return value / base if value is not None and base else None
