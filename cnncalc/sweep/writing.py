"""Every variant that holds, written to a file as it is found: CSV, JSON lines or Parquet, with bounded memory."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, TextIO

import numpy as np

from cnncalc.diagnostics import fail
from cnncalc.sweep.engine import Matches
from cnncalc.sweep.plans import Array
from cnncalc.sweep.space import Space, value_text

#: A row group of Parquet has at least so many rows, except for the last.
ROW_GROUP = 1 << 18


class Table:
    """The columns of all variants: the number of each, its values, and its figures.

    With `decimals`, fractions among the values are texts, and floats otherwise.
    """

    def __init__(self, space: Space, paths: Sequence[str], names: Sequence[str], decimals: bool) -> None:
        self.space, self.paths, self.decimals = space, paths, decimals
        self.headings = ["variant", *space.names, *names]

    def columns(self, batch: Matches) -> list[Any]:
        """Return the columns of a batch: lists of texts, or arrays of numbers."""
        columns: list[Any] = [batch.numbers]
        positions = []
        rest = batch.numbers
        for axis in reversed(self.space.axes):
            rest, at = np.divmod(rest, len(axis.rows))
            positions.append(at)
        for axis, at in zip(self.space.axes, reversed(positions), strict=True):
            columns += [_values(values, at, self.decimals) for values in zip(*axis.rows, strict=True)]
        for path in self.paths:
            figures = batch.figures[path]
            columns.append([None] * len(batch.numbers) if figures is None else figures)
        return columns


def _values(values: Sequence[Any], at: Array, decimals: bool) -> Any:
    """Return the values at some positions: integers, else floats where they are numbers, else texts."""
    if all(isinstance(value, int) for value in values) and max(map(abs, values)) < 2**63:
        return np.array(values, dtype=np.int64)[at]
    if not decimals and all(isinstance(value, (int, Fraction)) for value in values):
        return np.array([float(value) for value in values])[at]
    texts = [value_text(value) for value in values]
    return [texts[position] for position in at.tolist()]


def write_csv(stream: TextIO, table: Table, batches: Iterator[Matches]) -> None:
    """Write a row of headings, then a row for each variant."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(table.headings)
    for batch in batches:
        writer.writerows(zip(*[_listed(column) for column in table.columns(batch)], strict=True))


def write_jsonl(stream: TextIO, table: Table, batches: Iterator[Matches]) -> None:
    """Write a JSON object for each variant, one a line."""
    for batch in batches:
        rows = zip(*[_listed(column) for column in table.columns(batch)], strict=True)
        stream.writelines(json.dumps(dict(zip(table.headings, row, strict=True)), default=str) + "\n" for row in rows)


def write_parquet(path: str, table: Table, batches: Iterator[Matches]) -> None:
    """Write a Parquet file, a row group at a time; raises `SpecError` E301 if pyarrow is not installed."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        help = 'install it with `pip install "cnncalc[sweep]"`, or write `.csv` or `.jsonl`'
        fail("E301", "writing Parquet needs `pyarrow`", label="`pyarrow` is not installed", help=help)
    writer: Any = None
    waiting: list[Any] = []
    rows = 0

    def flush() -> None:
        nonlocal writer, waiting, rows
        whole = pyarrow.concat_tables(waiting, promote_options="permissive")
        if writer is None:
            writer = pyarrow.parquet.ParquetWriter(path, whole.schema)
        writer.write_table(whole.cast(writer.schema), row_group_size=max(rows, 1))
        waiting, rows = [], 0

    try:
        for batch in batches:
            columns = [_for_arrow(pyarrow, column) for column in table.columns(batch)]
            waiting.append(pyarrow.table(dict(zip(table.headings, columns, strict=True))))
            rows += len(batch.numbers)
            if rows >= ROW_GROUP:
                flush()
        if waiting or writer is None:
            waiting = waiting or [pyarrow.table({name: pyarrow.array([], pyarrow.int64()) for name in table.headings})]
            flush()
    finally:
        if writer is not None:
            writer.close()


def _for_arrow(pyarrow: Any, column: Any) -> Any:
    """Return a column for Arrow; integers past 64 bits are texts."""
    if not isinstance(column, list) and column.dtype == object:
        column = [str(each) for each in column.tolist()]
    if isinstance(column, list) and all(each is None for each in column):
        return pyarrow.array(column, pyarrow.int64())
    return pyarrow.array(column)


def _listed(column: Any) -> list[Any]:
    return column if isinstance(column, list) else list(column.tolist())
