"""Which rows of a table are shown, and in which order: blocks collapsed, the heaviest alone, sorted by a figure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cnncalc.figures.rows import Row, RowOrGroup, collapse, fitting_depth
from cnncalc.report.columns import find_column
from cnncalc.report.document import Column


class Order(NamedTuple):
    """The column that rows are sorted by, and whether the largest comes first; a value that is unknown comes last."""

    column: Column
    descending: bool = False

    @classmethod
    def parse(cls, text: str, known: Mapping[str, Column]) -> Order:
        """Return the order of a column's key, or of `-key`, which is descending; raise `ValueError` for another."""
        key = text.strip()
        return cls(find_column(key.removeprefix("-"), known), key.startswith("-"))

    def sort(self, lines: Sequence[Any]) -> list[Any]:
        """Return the lines in this order; equal ones stay as they are."""
        valued = [(self.column.value(line, "hwc"), line) for line in lines]
        known = [(_natural(value), line) for value, line in valued if value is not None]
        known.sort(key=lambda each: each[0], reverse=self.descending)
        return [*(line for _, line in known), *(line for value, line in valued if value is None)]


class Selection(NamedTuple):
    """The rows to show of a network: collapsed to a depth, the `top` of an order alone, and sorted.

    Without a depth, blocks are collapsed only where a limit on the number of rows requires it.
    """

    depth: int | None = None
    order: Order | None = None
    top: int | None = None
    heaviest: Order | None = None

    @property
    def in_order(self) -> bool:
        """Whether the rows are shown as they run, so that branches can be drawn beside them."""
        return self.order is None and self.top is None

    def within(self, rows: Sequence[Row], most: int | None) -> Selection:
        """Return the selection with the depth at which the rows come to at most so many, if it has no depth."""
        if self.depth is not None or most is None or self.top is not None:
            return self
        return self._replace(depth=fitting_depth(rows, most))

    def lines(self, rows: Sequence[Row]) -> list[RowOrGroup]:
        """Return the rows to show, and the groups in place of those that are collapsed."""
        lines = collapse(rows, self.depth)
        if self.heaviest is not None:
            lines = self.heaviest.sort(lines)[: self.top]
        return lines if self.order is None else self.order.sort(lines)


def selection(
    depth: int | None, sort: str | None, top: tuple[int, str] | None, known: Mapping[str, Column]
) -> Selection:
    """Return the selection of the options of a command; raise `ValueError` for a figure that is not known."""
    order = Order.parse(sort, known) if sort else None
    return Selection(depth, order, *((top[0], heaviest(top[1], known)) if top else ()))


def heaviest(key: str, known: Mapping[str, Column]) -> Order:
    """Return the order of the heaviest rows first, by a figure; raise `ValueError` if the key is not of a figure."""
    column = find_column(key, known)
    if not column.numeric:
        figures = ", ".join(key for key, column in known.items() if column.numeric)
        raise ValueError(f"{column.key!r} is no figure that a row is heavy by: one of {figures}")
    return Order(column, descending=True)


def _natural(value: Any) -> tuple[tuple[bool, Any], ...]:
    """Return a key that sorts numbers by value, also those within a text: `conv2` before `conv10`, `all` last."""
    if not isinstance(value, str):
        return ((False, value),)
    parts = re.findall(r"\d+(?:\.\d+)?|[^\d]+", value)
    return tuple((False, float(part)) if part[0].isdecimal() else (True, part) for part in parts)
