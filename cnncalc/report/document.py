"""A report as a value: headings, prose, tables, notes and drawings, independent of the output format.

A builder makes a `Document` once; each output format (terminal, Markdown, LaTeX, CSV) renders it. A column has both
the value of a cell and its text, so that a format uses the one it needs. A role names a text's meaning, not its colour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, Union

#: A role, which a face gives a style, and a text.
Piece = tuple[str, str]

#: How a text may be folded: not at all; at its words and the joints of names, and where there is no other way within
#: them (`text`) or not even then (`phrase`); at the joints of a layer's name; between the terms of a formula; between
#: words.
Folding = Literal["none", "text", "phrase", "name", "formula", "prose"]


class Bar(NamedTuple):
    """The cells of the bars beside a column: where nothing limits the width, at most, and at least."""

    natural: int
    most: int
    least: int = 0


class Column(NamedTuple):
    """One figure of what a line of a table stands for: a layer, a network, or a row of texts.

    `value` is the raw one, `text` how a person reads it (both are given the layout of shapes).
    """

    key: str
    heading: str
    value: Callable[[Any, str], Any]
    text: Callable[[Any, str], str]
    #: Whole numbers stand at the right edge, and have totals.
    numeric: bool = False
    #: How it is set in print: `sizes` with × between its numbers, `code` as it was typed, `markup` with backticks.
    setting: Literal["plain", "sizes", "code", "markup"] = "plain"
    role: str = "text"
    folding: Folding = "none"
    #: Where there is no room, columns of a lower rank are folded first.
    rank: int = 0
    bar: Bar | None = None


class Mark(NamedTuple):
    """The place of a line among branches, its role, and what follows its texts in a terminal.

    `rail` has a sign for each branch that the line stands in: `├` begins an arm, `│` goes on, `└` ends the branch.
    `suffixes` follow the text of a column, by its key; in a column with bars, the bar.
    """

    rail: str = ""
    role: str = ""
    suffixes: Mapping[str, str] = MappingProxyType({})


class TextRow(NamedTuple):
    """A line of a table that stands for no data: texts by the columns' keys, in one role."""

    texts: dict[str, str]
    role: str


class TitleRow(NamedTuple):
    """A title over the lines that follow, across all columns."""

    text: str


class DataTable(NamedTuple):
    """A line for each of `lines`, a cell for each column; where there are any, a row of totals."""

    columns: Sequence[Column]
    lines: Sequence[Any]
    layout: str = "hwc"
    totals: tuple[str, ...] = ()
    #: None, or one for each line.
    marks: Sequence[Mark] = ()
    #: Whether it is as wide as it would like to be where nothing limits the width.
    unlimited: bool = False
    #: Whether a terminal shows a count of 0; without, the eye finds what is there.
    zeros: bool = True
    #: Where this is not empty, Markdown folds the table away behind it.
    summary: str = ""

    @property
    def headed(self) -> bool:
        return any(column.heading for column in self.columns)

    def values(self) -> Iterator[list[Any]]:
        """The rows as programs read them: raw figures."""
        for line in self.lines:
            if not isinstance(line, (TextRow, TitleRow)):
                yield [column.value(line, self.layout) for column in self.columns]

    def texts(self) -> Iterator[list[str]]:
        """The rows as people read them."""
        for line in self.lines:
            if not isinstance(line, (TextRow, TitleRow)):
                yield [column.text(line, self.layout) for column in self.columns]


class Heading(NamedTuple):
    """A title of level 1, over the document, or 2, over a section; what stands below the latter is indented."""

    text: str
    level: int = 2


class Paragraph(NamedTuple):
    """Prose, with backticks around what is typed."""

    text: str


class Bullets(NamedTuple):
    """A list of prose."""

    items: tuple[str, ...]


class CodeSample(NamedTuple):
    """Lines of code that stand as they are."""

    text: str
    language: str


class Drawing(NamedTuple):
    """Lines of pieces, each with its role, that stand as they are."""

    lines: tuple[tuple[Piece, ...], ...]


class Notes(NamedTuple):
    """Lines behind labels, below a table."""

    lines: tuple[tuple[str, str], ...]
    role: str = "label"


class Alert(NamedTuple):
    """A warning in brief, its headline and its help; without a code the help alone."""

    code: str
    message: str
    help: str


Block = Union[Heading, Paragraph, Bullets, CodeSample, Drawing, Notes, Alert, DataTable]


class Document(NamedTuple):
    """A report: its blocks in order."""

    blocks: tuple[Block, ...]

    def tables(self) -> Iterator[DataTable]:
        for block in self.blocks:
            if isinstance(block, DataTable):
                yield block


def text_table(
    rows: Sequence[tuple[str, ...] | TextRow],
    headings: Sequence[str] = (),
    roles: Sequence[str] = ("code",),
    marks: Sequence[Mark] = (),
    *,
    setting: Literal["plain", "markup"] = "markup",
    unlimited: bool = False,
    summary: str = "",
) -> DataTable:
    """Return a table of texts. A row of a single text is a title within the table.

    Without `headings`, the first column labels the others. Of `roles`, one for each column, `number` marks whole
    numbers; a column without a role is plain text.
    """
    count = max((len(row) for row in rows if not isinstance(row, TextRow)), default=len(headings))
    columns = []
    for index in range(count):
        role = roles[index] if index < len(roles) else "text"
        heading = headings[index] if headings else ""
        columns.append(_text_column(index, heading, role, setting))
    lines = [TitleRow(*row) if len(row) == 1 else row for row in rows]
    return DataTable(tuple(columns), lines, marks=marks, unlimited=unlimited, summary=summary)


def _text_column(index: int, heading: str, role: str, setting: Literal["plain", "markup"]) -> Column:
    numeric = role == "number"

    def text(row: tuple[str, ...], _: str) -> str:
        return row[index]

    folding: Folding = "none" if numeric else "prose"
    role = "text" if numeric else role
    return Column(heading or str(index), heading, text, text, numeric, setting, role, folding)
