"""The one place that decides where everything stands: a document as lines of (role, text), folded to a width.

Where a table has no room its columns are folded, by rank and then the widest first, between words and at last within
them; numbers never are. Bars take the room that is left.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from cnncalc.report.bars import bars_of
from cnncalc.report.document import (
    Alert,
    Bar,
    Block,
    Bullets,
    CodeSample,
    Column,
    DataTable,
    Document,
    Drawing,
    Heading,
    Mark,
    Notes,
    Paragraph,
    Piece,
    TextRow,
    TitleRow,
)
from cnncalc.report.options import RenderOptions
from cnncalc.report.wrap import folded_formula, folded_prose, folded_text, formula_parts, parts_of

Line = list[Piece]

#: Where no terminal says otherwise, and at most for prose: longer lines are hard to read.
PAGE_WIDTH = 100
INDENT, GAP = "  ", "  "
#: A cell of prose with more text than this is folded even where there is room.
MOST_PROSE = 72
#: How narrow a column may get: with its words whole, with words broken, of names, and of names beside their rail.
LEAST_WHOLE, LEAST_BROKEN, LEAST_NAME, LEAST_BESIDE_RAIL = 12, 10, 16, 8
LEAST_PROSE = 8
#: A bar of fewer cells says less than a shade in one.
LEAST_BAR = 4
#: Columns give one another at most so much room at a time.
LEVELLING = 12

#: What has another form where there is ASCII alone. A product over the axes comes first: ∏O is prod(O).
ASCII = (
    (r"∏([A-Z]'?)", r"prod(\1)"),
    ("∏", "prod"),
    ("·", "*"),
    ("×", "*"),
    ("−", "-"),
    ("–", "-"),
    ("→", "->"),
    ("…", "..."),
    ("∞", "inf"),
    ("─", "-"),
    ("²", "^2"),
    ("³", "^3"),
    ("◀", "<"),
    ("✗", "x"),
)

#: The signs of a rail as they are drawn, in Unicode and in ASCII.
RAILS = {
    True: {"├": "├─ ", "│": "│  ", "└": "└─ "},
    False: {"├": "|- ", "│": "|  ", "└": "`- "},
}


def lines_of(report: Document, options: RenderOptions) -> Iterator[Line]:
    """The document's lines, folded to the width of the options."""
    indent = ""
    before: Block | None = None
    for block in report.blocks:
        leads = isinstance(before, Heading) or (
            isinstance(before, Paragraph) and not isinstance(block, (Paragraph, Notes, Alert))
        )
        if before is not None and (isinstance(block, Heading) or not leads):
            yield []
        before = block
        if isinstance(block, Heading):
            indent = INDENT if block.level > 1 else ""
            yield from _prose(block.text.replace("`", ""), options.width or PAGE_WIDTH, options, "heading")
        elif not indent:
            yield from _block(block, options)
        else:
            inner = options._replace(width=(options.width or PAGE_WIDTH) - len(indent))
            yield from ([("text", indent), *line] for line in _block(block, inner))


def to_ascii(text: str) -> str:
    """The text in ASCII: `K·∏O` as `K*prod(O)`."""
    if text.isascii():
        return text
    for sign, plain in ASCII:
        text = re.sub(sign, plain, text)
    return text


def _shown(text: str, options: RenderOptions) -> str:
    return text if options.unicode else to_ascii(text)


def _block(block: Block, options: RenderOptions) -> Iterator[Line]:
    prose_width = min(options.width or PAGE_WIDTH, PAGE_WIDTH)
    if isinstance(block, DataTable):
        width = options.width or (None if block.unlimited else PAGE_WIDTH)
        yield from _TableLayout(block, width, options).lines()
    elif isinstance(block, Notes):
        yield from _notes(block, options)
    elif isinstance(block, Paragraph):
        yield from _prose(block.text, prose_width, options, "text")
    elif isinstance(block, Bullets):
        for item in block.items:
            for number, line in enumerate(_prose(item, prose_width - len(INDENT), options, "text")):
                yield [("text", INDENT if number else "- "), *line]
    elif isinstance(block, CodeSample):
        yield from ([("code", _shown(line, options))] for line in block.text.splitlines())
    elif isinstance(block, Drawing):
        yield from map(list, block.lines)
    elif isinstance(block, Alert):
        if block.code:
            yield [("warning", f"warning[{block.code}]"), ("text", f": {_shown(block.message, options)}")]
        yield [("text", "  = "), ("help", "help"), ("text", f": {_shown(block.help, options)}")]


def _prose(text: str, width: int, options: RenderOptions, role: str) -> Iterator[Line]:
    inside = False
    for line in folded_prose(_shown(text, options), width):
        pieces: Line = []
        for number, part in enumerate(line.split("`")):
            if number:
                pieces.append((role, "`"))
                inside = not inside
            pieces.append(("code" if inside else role, part))
        yield pieces


def _notes(notes: Notes, options: RenderOptions) -> Iterator[Line]:
    indent = max((len(label) for label, _ in notes.lines), default=0) + len(GAP)
    for label, text in notes.lines:
        lines = folded_prose(_shown(text, options), max((options.width or PAGE_WIDTH) - indent, LEAST_PROSE))
        for number, part in enumerate(lines):
            yield [(notes.role, ("" if number else _shown(label, options)).ljust(indent)), ("text", part)]


# -- tables --------------------------------------------------------------------------------------------------


class _Row(NamedTuple):
    """A row as it is drawn: its texts, its rail, its role where it has one of its own, and what follows its bars."""

    cells: list[str]
    rail: str = ""
    role: str = ""
    behind_bars: Mapping[int, str] = MappingProxyType({})


class _TableLayout:
    """A table at a width: its rows as texts, the widths of its columns and bars, then its lines."""

    def __init__(self, table: DataTable, width: int | None, options: RenderOptions) -> None:
        self.table, self.width, self.options = table, width, options
        self.columns = table.columns
        self.rows = [self._row(at, line) for at, line in enumerate(table.lines)]
        self.headings = [_shown(column.heading, options) for column in self.columns]
        self.totals = [_shown(text, options) for text in table.totals]
        self.barred = {index: column.bar for index, column in enumerate(self.columns) if column.bar is not None}
        self.behind = max((len(text) for row in self._drawn() for text in row.behind_bars.values()), default=0)
        self.widths, self.bar = self._fitted()

    def lines(self) -> Iterator[Line]:
        rule: Line = [("rule", _shown("─", self.options) * self._total(self.widths, self.bar))]
        if self.table.headed:
            yield from self._lines(_Row(self.headings, role="column"))
            yield rule
        bars = self._bars()
        for at, row in enumerate(self.rows):
            if isinstance(row, TitleRow):
                if at:
                    yield []
                yield from _prose(row.text.replace("`", ""), self.width or PAGE_WIDTH, self.options, "heading")
            else:
                yield from self._lines(row, {index: drawn[at] for index, drawn in bars.items()})
        if self.totals:
            yield rule
            yield from self._lines(_Row(self.totals, role="column"))

    # -- texts

    def _row(self, at: int, line: object) -> _Row | TitleRow:
        """The texts of a line as a terminal shows them."""
        if isinstance(line, TitleRow):
            return line
        if isinstance(line, TextRow):
            cells = [_shown(line.texts.get(column.key, ""), self.options) for column in self.columns]
            return _Row(cells, role=line.role)
        table, unicode = self.table, self.options.unicode
        mark = table.marks[at] if table.marks else Mark()
        cells, behind = [], {}
        for index, column in enumerate(self.columns):
            text = column.text(line, table.layout)
            if column.numeric and text == "0" and not table.zeros:
                text = ""
            if column.setting == "markup":
                text = text.replace("`", "")
            suffix = mark.suffixes.get(column.key, "")
            if suffix and column.bar is not None:
                behind[index] = _shown(suffix, self.options)
            else:
                text += suffix
            cells.append(text if unicode else to_ascii(text))
        signs = RAILS[unicode]
        return _Row(cells, "".join(signs[sign] for sign in mark.rail), mark.role, behind)

    def _drawn(self) -> Iterator[_Row]:
        return (row for row in self.rows if isinstance(row, _Row))

    def _bars(self) -> dict[int, list[str]]:
        """For each column with bars that of each line; none where there is no room."""
        if not self.bar:
            return {}
        table, found = self.table, {}
        for index in self.barred:
            value = self.columns[index].value
            values = [0 if isinstance(line, (TextRow, TitleRow)) else value(line, table.layout) for line in table.lines]
            found[index] = bars_of(values, self.bar, self.options.unicode)
        return found

    def _lines(self, row: _Row, bars: dict[int, str] | None = None) -> Iterator[Line]:
        """A row as one line, or as many as its folded cells take."""
        cells = [
            self._folded(column, text, width - len(row.rail) if row.rail and column.folding == "name" else width)
            for column, text, width in zip(self.columns, row.cells, self.widths, strict=True)
        ]
        last = len(cells) - 1
        for number in range(max(map(len, cells))):
            line: Line = []
            for index, (column, parts, width) in enumerate(zip(self.columns, cells, self.widths, strict=True)):
                text = parts[number] if number < len(parts) else ""
                role = row.role or column.role
                if row.rail and column.folding == "name":
                    line.append(("rail", self._below(row.rail) if number else row.rail))
                    width -= len(row.rail)
                line.append((role, text.rjust(width) if column.numeric else text.ljust(width)))
                if index in self.barred and self.bar:
                    bar = bars[index] if bars and not number else " " * self.bar
                    line.append(("bar", f" {bar}"))
                    if self.behind:
                        line.append(("mark", (row.behind_bars.get(index, "") if not number else "").ljust(self.behind)))
                if index < last:
                    line.append(("text", GAP))
            yield line

    def _folded(self, column: Column, text: str, width: int) -> list[str]:
        if len(text) <= width:
            return [text.replace("\N{NO-BREAK SPACE}", " ")]
        return _FOLDED[column.folding](text, width)

    def _below(self, rail: str) -> str:
        """The rail beside the further lines of a row: behind the corner of a merge nothing goes on."""
        on = RAILS[self.options.unicode]["│"]
        return "".join("   " if rail[at] in "└`" else on for at in range(0, len(rail), 3))

    # -- widths

    def _total(self, widths: Sequence[int], bar: int) -> int:
        bars = len(self.barred) * (1 + bar + self.behind) if bar else 0
        return sum(widths) + bars + len(GAP) * (len(widths) - 1)

    def _fitted(self) -> tuple[list[int], int]:
        """The widths of the columns, and of the bars."""
        rows = list(self._drawn())
        texts = [self.headings, *(row.cells for row in rows), *([self.totals] if self.totals else [])]
        columns = list(zip(*texts, strict=True))
        widths = [max(map(len, cells)) for cells in columns]
        rail = max((len(row.rail) for row in rows), default=0)
        bars = list(self.barred.values())
        for index, column in enumerate(self.columns):
            if column.folding == "name" and rail:
                widths[index] = max(widths[index], *(len(row.rail) + len(row.cells[index]) for row in rows))
            if column.folding == "prose" and widths[index] > MOST_PROSE:
                widths[index] = max(MOST_PROSE, *(len(word) for cell in columns[index] for word in cell.split(" ")))
        if self.width is None:
            return widths, bars[0].natural if bars else 0
        least_bar = LEAST_BAR if any(bar.least for bar in bars) else 0
        if self._total(widths, least_bar) > self.width:
            widths = self._narrowed(widths, columns, rail, self.width, least_bar)
        if not bars:
            return widths, 0
        return self._with_bars(widths, columns, bars[0])

    def _narrowed(
        self, widths: list[int], columns: Sequence[Sequence[str]], rail: int, width: int, least_bar: int
    ) -> list[int]:
        """The widths after folding what may be: what cannot be folded far enough is wider than the width."""
        floors = [_floors(column.folding, cells, rail) for column, cells in zip(self.columns, columns, strict=True)]
        over = self._total(widths, least_bar) - width
        for level in (0, 1):
            for rank in sorted({column.rank for column in self.columns}):
                while over > 0:
                    foldable = [
                        index
                        for index, column in enumerate(self.columns)
                        if column.folding != "none" and column.rank == rank and widths[index] > floors[index][level]
                    ]
                    if not foldable:
                        break
                    widest = max(foldable, key=lambda index: widths[index])
                    cut = min(over, widths[widest] - floors[widest][level]) if len(foldable) == 1 else 1
                    widths[widest] -= cut
                    over -= cut
        prose = [index for index, column in enumerate(self.columns) if column.folding == "prose"]
        return _levelled(columns, widths, {index: floors[index][0] for index in prose})

    def _with_bars(self, widths: list[int], columns: Sequence[Sequence[str]], bar: Bar) -> tuple[list[int], int]:
        """The bars in the room that is left; those that cannot be left out take a third of what phrases have, too."""
        assert self.width is not None
        spare = (self.width - self._total(widths, 1)) // len(self.barred) + 1
        cells = min(bar.most, spare)
        if bar.least:
            for index, column in enumerate(self.columns):
                if column.folding == "phrase" and widths[index]:
                    longest = max(len(part) for cell in columns[index] for part in parts_of(cell))
                    share = min((cells + widths[index]) // 3, bar.most) - cells
                    given = max(min(share, widths[index] - longest), 0)
                    widths[index] -= given
                    cells += given
        return widths, cells if cells >= LEAST_BAR else max(min(cells, 1), bar.least)


_FOLDED: dict[str, Callable[[str, int], list[str]]] = {
    "none": lambda text, _: [text],
    "text": folded_text,
    "phrase": folded_text,
    "name": folded_text,
    "formula": folded_formula,
    "prose": folded_prose,
}


def _floors(folding: str, cells: Sequence[str], rail: int) -> tuple[int, int]:
    """How narrow a column may get: with its words whole, and where words are broken as well."""
    if folding == "name":
        # There is always room beside the longest rail.
        least = max(LEAST_NAME, rail + LEAST_BESIDE_RAIL)
        return least, least
    if folding == "prose":
        word = max((len(word) for cell in cells for word in cell.split(" ")), default=0)
        return word, min(word, LEAST_PROSE)
    parts = formula_parts if folding == "formula" else parts_of
    longest = max((len(part) for cell in cells for part in parts(cell)), default=0)
    if folding == "phrase":
        return longest, longest
    # A factor of a formula is never broken.
    return max(LEAST_WHOLE, longest), max(LEAST_BROKEN, longest if folding == "formula" else 0)


def _levelled(columns: Sequence[Sequence[str]], widths: list[int], words: dict[int, int]) -> list[int]:
    """The widths after giving room from one column of prose to another as long as that saves lines.

    `words` are the longest words of those columns, by their index.
    """
    lengths = {index: [[len(word) for word in cell.split(" ")] for cell in columns[index]] for index in words}
    known: dict[tuple[int, int], list[int]] = {}

    def height(widths: Sequence[int]) -> int:
        shapes = [(index, widths[index]) for index in words]
        for shape in shapes:
            if shape not in known:
                known[shape] = [_line_count(cell, shape[1]) for cell in lengths[shape[0]]]
        return sum(map(max, zip(*[known[shape] for shape in shapes], strict=True)))

    if len(words) < 2:
        return widths
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
    """How many lines words of these lengths take."""
    lines, at = 1, -1
    for word in words:
        if at + 1 + word > width and at >= 0:
            lines, at = lines + 1, -1
        at += 1 + word
    return lines
