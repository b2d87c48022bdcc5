"""The widths of a table's columns and bars: texts are folded if there is no room, numbers never are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cnncalc.report.document import Bar, Column
from cnncalc.report.wrap import formula_parts, parts_of

GAP = "  "
#: A cell of prose with more text than this is folded even where there is room.
MOST_PROSE = 72
#: How narrow a column may get: with its words whole, with words broken, of prose, of names, of names beside their rail.
LEAST_WHOLE, LEAST_BROKEN, LEAST_PROSE, LEAST_NAME, LEAST_BESIDE_RAIL = 12, 10, 8, 16, 8
#: A bar of fewer cells says less than a shade in one.
LEAST_BAR = 4
#: Columns give one another at most so much room at a time.
LEVELLING = 12


class Widths(NamedTuple):
    """The width of each column, of each bar (0 if there are none), and of the texts after the bars."""

    columns: tuple[int, ...]
    bar: int
    behind: int
    bars: int

    @property
    def total(self) -> int:
        """The width of the table, with a space before each bar and a gap between columns."""
        bars = self.bars * (1 + self.bar + self.behind) if self.bar else 0
        return sum(self.columns) + bars + len(GAP) * (len(self.columns) - 1)


def fitted(
    columns: Sequence[Column],
    cells: Sequence[Sequence[str]],
    rail: int,
    behind: int,
    width: int | None,
    whole_words: bool = False,
) -> Widths:
    """Return the widths of columns with these cells, in a table of this width, or without a limit if it is None.

    `cells` are by column, names with their rails; `rail` is the length of the longest rail, `behind` that of the
    longest text after a bar. The total may exceed the width if a text cannot be folded far enough, with
    `whole_words` without breaking a word.
    """
    bars = [column.bar for column in columns if column.bar is not None]
    natural = tuple(_natural(column, texts) for column, texts in zip(columns, cells, strict=True))
    if width is None:
        return Widths(natural, bars[0].natural if bars else 0, behind, len(bars))
    # Bars that may be left out are, before a text is folded.
    least_bar = LEAST_BAR if any(bar.least for bar in bars) else 0
    widths = Widths(natural, least_bar, behind, len(bars))
    if widths.total > width:
        widths = widths._replace(columns=_narrowed(columns, cells, rail, widths, width, whole_words))
    return _with_bars(columns, cells, widths, bars[0], width) if bars else widths


def _natural(column: Column, cells: Sequence[str]) -> int:
    longest = max(map(len, cells))
    if column.folding != "prose" or longest <= MOST_PROSE:
        return longest
    return max(MOST_PROSE, *(len(word) for cell in cells for word in cell.split(" ")))


def _narrowed(
    columns: Sequence[Column],
    cells: Sequence[Sequence[str]],
    rail: int,
    widths: Widths,
    width: int,
    whole_words: bool,
) -> tuple[int, ...]:
    """Return the widths with columns folded by rank, the widest of a rank first; words are broken only if necessary."""
    narrowed, over = list(widths.columns), widths.total - width
    floors = [_floors(column, texts, rail) for column, texts in zip(columns, cells, strict=True)]
    for level in (0,) if whole_words else (0, 1):
        for rank in sorted({column.rank for column in columns}):
            ranked = [index for index, column in enumerate(columns) if column.rank == rank]
            while over > 0:
                foldable = [index for index in ranked if narrowed[index] > floors[index][level]]
                if not foldable:
                    break
                widest = max(foldable, key=lambda index: narrowed[index])
                cut = min(over, narrowed[widest] - floors[widest][level]) if len(foldable) == 1 else 1
                narrowed[widest] -= cut
                over -= cut
    prose = {index: floors[index][0] for index, column in enumerate(columns) if column.folding == "prose"}
    return tuple(_levelled(cells, narrowed, prose))


def _floors(column: Column, cells: Sequence[str], rail: int) -> tuple[int, int]:
    """Return the least width of a column with its words whole, and with words broken."""
    folding = column.folding
    if folding == "none":
        longest = max(map(len, cells))
        return longest, longest
    if folding == "name":
        # There is always room beside the longest rail.
        least = max(LEAST_NAME, rail + LEAST_BESIDE_RAIL)
        return least, least
    if folding == "prose":
        word = max(len(word) for cell in cells for word in cell.split(" "))
        return word, min(word, LEAST_PROSE)
    parts = formula_parts if folding == "formula" else parts_of
    longest = max((len(part) for cell in cells for part in parts(cell)), default=0)
    if folding == "phrase":
        return longest, longest
    # A factor of a formula is never broken.
    return max(LEAST_WHOLE, longest), max(LEAST_BROKEN, longest if folding == "formula" else 0)


def _with_bars(
    columns: Sequence[Column], cells: Sequence[Sequence[str]], widths: Widths, bar: Bar, width: int
) -> Widths:
    """Return the widths with bars in the remaining room; required bars also take up to a third of a phrase's room."""
    narrowed = list(widths.columns)
    length = min(bar.most, (width - widths._replace(bar=1).total) // widths.bars + 1)
    if bar.least:
        for index, column in enumerate(columns):
            if column.folding == "phrase":
                longest, _ = _floors(column, cells[index], 0)
                share = min((length + narrowed[index]) // 3, bar.most) - length
                given = max(min(share, narrowed[index] - longest), 0)
                narrowed[index] -= given
                length += given
    return widths._replace(
        columns=tuple(narrowed), bar=length if length >= LEAST_BAR else max(min(length, 1), bar.least)
    )


def _levelled(cells: Sequence[Sequence[str]], widths: list[int], words: Mapping[int, int]) -> list[int]:
    """Return the widths after moving room between columns of prose for as long as that saves lines.

    `words` are the lengths of the longest words of those columns, by column index.
    """
    if len(words) < 2:
        return widths
    lengths = {index: [[len(word) for word in cell.split(" ")] for cell in cells[index]] for index in words}
    known: dict[tuple[int, int], list[int]] = {}

    def height(widths: Sequence[int]) -> int:
        shapes = [(index, widths[index]) for index in words]
        for shape in shapes:
            if shape not in known:
                known[shape] = [_line_count(cell, shape[1]) for cell in lengths[shape[0]]]
        return sum(map(max, zip(*[known[shape] for shape in shapes], strict=True)))

    best = height(widths)
    while True:
        moved = []
        for source, least in words.items():
            for target in words:
                for room in range(1, min(widths[source] - least, LEVELLING) + 1 if target != source else 1):
                    trial = list(widths)
                    trial[source] -= room
                    trial[target] += room
                    moved.append((height(trial), room, trial))
        if not moved or min(moved)[0] >= best:
            return widths
        best, _, widths = min(moved)


def _line_count(words: Sequence[int], width: int) -> int:
    """Return the number of lines that words of these lengths need."""
    lines, at = 1, -1
    for word in words:
        if at + 1 + word > width and at >= 0:
            lines, at = lines + 1, -1
        at += 1 + word
    return lines
