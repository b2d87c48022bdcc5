"""What a page may fold: the blocks of a network, each with the one line that stands for its layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from cnncalc.analysis import Analysis
from cnncalc.figures.rows import RowGroup, RowOrGroup, collapse
from cnncalc.report.document import DataTable, Fold
from cnncalc.report.marks import marks_of
from cnncalc.report.options import MOST_AT_ONCE

#: Blocks within more blocks than these are not folded apart; browsers limit how deep elements may be nested.
MOST_LEVELS = 12


def with_folds(table: DataTable, analysis: Analysis, lines: Sequence[RowOrGroup]) -> DataTable:
    """Return the table of these lines with the folds of its blocks."""
    # A block comes before those within it, which may begin with the same line.
    folds = sorted(_folds(analysis, lines), key=lambda fold: (fold.start, -fold.stop))
    return table._replace(folds=folds, open_levels=_open_levels(folds, len(lines)))


def _folds(analysis: Analysis, lines: Sequence[RowOrGroup]) -> Iterator[Fold]:
    """Yield the fold of every block that has more than one line."""
    # The line of each row; a line may be a group of rows itself.
    line_of_row = [at for at, line in enumerate(lines) for _ in (line.rows if isinstance(line, RowGroup) else (line,))]
    line_of_row.append(len(lines))
    known: set[tuple[int, int]] = set()
    for depth in range(1, MOST_LEVELS + 1):
        collapsed = collapse(analysis.rows, depth)
        at = 0
        for line, mark in zip(collapsed, marks_of(analysis, collapsed), strict=True):
            count = len(line.rows) if isinstance(line, RowGroup) else 1
            start, stop = line_of_row[at], line_of_row[at + count]
            at += count
            if stop - start > 1 and (start, stop) not in known:
                known.add((start, stop))
                yield Fold(start, stop, line, mark, f"{line.name}.")
        if len(collapsed) >= len(lines):
            return


def _open_levels(folds: Sequence[Fold], lines: int) -> int:
    """Return how many levels of the folds, as sorted, can be open with at most `MOST_AT_ONCE` lines to see."""
    seen = [0] * (MOST_LEVELS + 1)  # only where so many levels are open
    starts = Counter(fold.start for fold in folds)
    within: list[Fold] = []
    ahead = iter(folds)
    for at in range(lines):
        while within and within[-1].stop <= at:
            within.pop()
        for fold in islice(ahead, starts[at]):
            seen[len(within)] += 1
            within.append(fold)
        seen[len(within)] += 1
    return max((level for level in range(1, MOST_LEVELS + 1) if sum(seen[: level + 1]) <= MOST_AT_ONCE), default=0)
