"""The layout of a document: lines of (role, text) pieces, folded to a width."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, combinations
from types import MappingProxyType
from typing import NamedTuple

from cnncalc.report.bars import bars_of
from cnncalc.report.document import (
    Alert,
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
from cnncalc.report.widths import GAP, LEAST_PROSE, Widths, fitted
from cnncalc.report.wrap import cut_names, folded_formula, folded_prose, folded_text

Line = list[Piece]

#: Where no terminal says otherwise, and at most for prose: longer lines are hard to read.
PAGE_WIDTH = 100
INDENT = "  "

#: The forms of signs where there is ASCII alone. A product over the axes comes first: ∏O is prod(O).
ASCII = (
    (r"∏([A-Z]'?)", r"prod(\1)"),
    ("∏", "prod"),
    ("·", "*"),
    ("×", "*"),
    ("−", "-"),
    ("–", "-"),
    ("→", "->"),
    ("≤", "<="),
    ("≥", ">="),
    ("…", "..."),
    ("∞", "inf"),
    ("─", "-"),
    ("│", "|"),
    ("└", "`"),
    ("µ", "u"),
    ("╱", "/"),
    ("●", "*"),
    ("○", "o"),
    ("²", "^2"),
    ("³", "^3"),
    ("◀", "<"),
    ("✗", "x"),
)

#: The sign for what is cut from a path; three dots would be lost among its own.
CUT = {True: "…", False: "~"}

#: The signs of a rail as they are drawn, in Unicode and in ASCII.
RAILS = {
    True: {"├": "├─ ", "│": "│  ", "└": "└─ "},
    False: {"├": "|- ", "│": "|  ", "└": "`- "},
}


def lines_of(document: Document, options: RenderOptions) -> Iterator[Line]:
    """Yield the lines of the document, folded to the width of the options."""
    indent = ""
    before: Block | None = None
    for block in document.blocks:
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
    """Return the text in ASCII: `K·∏O` becomes `K*prod(O)`."""
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
        yield from TableLayout(block, width, options).lines()
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


class TableRow(NamedTuple):
    """The texts of a row, its rail, a role in place of those of the columns, and texts after its bars."""

    cells: list[str]
    rail: str = ""
    role: str = ""
    behind_bars: Mapping[int, str] = MappingProxyType({})

    def only(self, kept: Sequence[int]) -> TableRow:
        """Return the row with the cells at these positions alone."""
        behind = {new: self.behind_bars[old] for new, old in enumerate(kept) if old in self.behind_bars}
        return self._replace(cells=[self.cells[at] for at in kept], behind_bars=behind)


class TableLayout:
    """A table at a width: the texts of its rows, the widths of its columns and bars, and its lines."""

    def __init__(self, table: DataTable, width: int | None, options: RenderOptions, cut: bool = True) -> None:
        """Lay out a table; with `cut`, names that there is no room for are cut."""
        self.table, self.options, self.columns = table, options, table.columns
        self.width = width or PAGE_WIDTH
        self.rows = [self._row(at, line) for at, line in enumerate(table.lines)]
        self.headings = TableRow([_shown(column.heading, options) for column in self.columns], role="column")
        self.totals = TableRow([_shown(text, options) for text in table.totals], role="column")
        #: The headings of the columns that there is no room for.
        self.left_out: list[str] = []
        if width is None or not table.dispensable or not self._left_out(width):
            self.widths = self._fitted(width)
        if cut and width is not None:
            self._cut_names()

    def lines(self) -> Iterator[Line]:
        rule: Line = [("rule", _shown("─", self.options) * self.widths.total)]
        if self.table.headed:
            yield from self._lines(self.headings)
            yield rule
        bars = self._bars()
        for at, row in enumerate(self.rows):
            if isinstance(row, TitleRow):
                if at:
                    yield []
                yield from _prose(row.text.replace("`", ""), self.width, self.options, "heading")
            else:
                yield from self._lines(row, {index: drawn[at] for index, drawn in bars.items()})
        if self.table.totals:
            yield rule
            yield from self._lines(self.totals)
        if self.left_out:
            yield [("omitted", f"no room for: {', '.join(self.left_out)}")]

    def _left_out(self, width: int) -> bool:
        """Leave out as few of the columns that may be as it takes for the table to fit; return whether it does.

        Words of prose are broken only where it does not fit without the columns.
        """
        every = self.columns, self.headings, self.totals, self.rows
        keys = [key for key in self.table.dispensable if any(column.key == key for column in every[0])]
        prose = any(column.folding == "prose" for column in self.columns)
        for whole_words in (True, False) if prose else (False,):
            for out in chain.from_iterable(combinations(keys, count) for count in range(len(keys) + 1)):
                kept = [at for at, column in enumerate(every[0]) if column.key not in out]
                self.columns = [every[0][at] for at in kept]
                self.headings, self.totals = every[1].only(kept), every[2].only(kept if every[2].cells else [])
                self.rows = [row.only(kept) if isinstance(row, TableRow) else row for row in every[3]]
                self.widths = self._fitted(width, whole_words)
                self.left_out = [column.heading for column in every[0] if column.key in out]
                if self.widths.total <= width:
                    return True
        return False

    def _cut_names(self) -> None:
        """Cut the names that there is no room for."""
        for at, (column, width) in enumerate(zip(self.columns, self.widths.columns, strict=True)):
            if column.folding == "name":
                rows = [(index, row) for index, row in enumerate(self.rows) if isinstance(row, TableRow)]
                widths = [width - len(row.rail) for _, row in rows]
                names = cut_names([row.cells[at] for _, row in rows], widths, CUT[self.options.unicode])
                for (index, row), name in zip(rows, names, strict=True):
                    self.rows[index] = row._replace(cells=[*row.cells[:at], name, *row.cells[at + 1 :]])

    def _row(self, at: int, line: object) -> TableRow | TitleRow:
        """Return the texts of a line as a terminal shows them."""
        if isinstance(line, TitleRow):
            return line
        if isinstance(line, TextRow):
            cells = [_shown(line.texts.get(column.key, ""), self.options) for column in self.columns]
            return TableRow(cells, role=line.role)
        table, unicode = self.table, self.options.unicode
        mark = table.marks[at] if table.marks else Mark()
        cells, behind = [], {}
        for index, column in enumerate(self.columns):
            text = column.text(line, table.layout)
            if column.folding == "name":
                text = text.removeprefix(mark.prefix)
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
        return TableRow(cells, "".join(signs[sign] for sign in mark.rail), mark.role, behind)

    def _fitted(self, width: int | None, whole_words: bool = False) -> Widths:
        rows = [row for row in self.rows if isinstance(row, TableRow)]
        texts = [self.headings.cells, *(row.cells for row in rows), *([self.totals.cells] if self.table.totals else [])]
        cells: list[Sequence[str]] = list(zip(*texts, strict=True))
        rails = ["", *(row.rail for row in rows), ""]
        for index, column in enumerate(self.columns):
            if column.folding == "name":
                cells[index] = [rail + text for rail, text in zip(rails, cells[index], strict=False)]
        rail = max(map(len, rails))
        behind = max((len(text) for row in rows for text in row.behind_bars.values()), default=0)
        return fitted(self.columns, cells, rail, behind, width, whole_words)

    def _bars(self) -> dict[int, list[str]]:
        """Return the bars of each column that has bars, one for each line; no columns if there is no room."""
        bars: dict[int, list[str]] = {}
        for index, column in enumerate(self.columns):
            if column.bar is not None and self.widths.bar:
                values = [
                    0 if isinstance(line, (TextRow, TitleRow)) else column.value(line, self.table.layout) or 0
                    for line in self.table.lines
                ]
                bars[index] = bars_of(values, self.widths.bar, self.options.unicode)
        return bars

    def _lines(self, row: TableRow, bars: Mapping[int, str] = MappingProxyType({})) -> Iterator[Line]:
        """Yield the lines of a row: one, or as many as its folded cells need."""
        widths = [
            width - len(row.rail) if column.folding == "name" else width
            for column, width in zip(self.columns, self.widths.columns, strict=True)
        ]
        cells = [_folded(*cell) for cell in zip(self.columns, row.cells, widths, strict=True)]
        last = len(cells) - 1
        for number in range(max(map(len, cells))):
            line: Line = []
            for index, (column, parts, width) in enumerate(zip(self.columns, cells, widths, strict=True)):
                text = parts[number] if number < len(parts) else ""
                if row.rail and column.folding == "name":
                    line.append(("rail", self._below(row.rail) if number else row.rail))
                line.append((row.role or column.role, text.rjust(width) if column.numeric else text.ljust(width)))
                if column.bar is not None and self.widths.bar:
                    bar, behind = ("", "") if number else (bars.get(index, ""), row.behind_bars.get(index, ""))
                    line.append(("bar", " " + bar.ljust(self.widths.bar)))
                    line.append(("mark", behind.ljust(self.widths.behind)))
                if index < last:
                    line.append(("text", GAP))
            yield line

    def _below(self, rail: str) -> str:
        """Return the rail for the continuation lines of a row; `└`, which ends a branch, is not continued."""
        on = RAILS[self.options.unicode]["│"]
        return "".join("   " if rail[at] in "└`" else on for at in range(0, len(rail), 3))


_FOLDED: dict[str, Callable[[str, int], list[str]]] = {
    "none": lambda text, _: [text],
    "text": folded_text,
    "phrase": folded_text,
    "name": folded_text,
    "formula": folded_formula,
    "prose": folded_prose,
}


def _folded(column: Column, text: str, width: int) -> list[str]:
    return _FOLDED[column.folding](text, width) if len(text) > width else [text.replace("\N{NO-BREAK SPACE}", " ")]
