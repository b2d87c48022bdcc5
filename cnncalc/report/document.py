"""A report as a value: headings, prose, tables, notes and drawings, independent of the output format.

A builder makes a `Document` once; each output format (terminal, Markdown, LaTeX, CSV) renders it. A column has both the
value of a cell and its text, so that a format uses the one it needs.
A role names the meaning of a text, not its colour.
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
    """The length of the bars beside a column, in cells: without a limit on the width, at most, and at least."""

    natural: int
    most: int
    least: int = 0


class Column(NamedTuple):
    """One figure of a table's lines, each of which is a layer, a network or a row of texts.

    `value` returns the raw value, `text` its form for people; both take a line and the layout of shapes.
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
    #: What its whole numbers may be rounded to: prefixes of 1000^n for counts, of 1024^n for bytes, or nothing.
    scale: Literal["none", "counts", "bytes"] = "none"
    #: Whether it is a figure of another column in a fixed unit, which only its name asks for, not `all`.
    derived: bool = False


class Mark(NamedTuple):
    """The position of a line among branches, its role, and suffixes that follow its texts in a terminal.

    `rail` has a sign for each branch around the line: `├` begins an arm, `│` continues it, `└` ends the branch.
    `suffixes` are by the key of a column; they follow its text, or its bar if the column has bars. The name is shown
    without `prefix`, which a line above it has.
    """

    rail: str = ""
    role: str = ""
    suffixes: Mapping[str, str] = MappingProxyType({})
    prefix: str = ""


class TextRow(NamedTuple):
    """A line of a table without data: texts by the keys of the columns, in one role."""

    texts: dict[str, str]
    role: str


class TitleRow(NamedTuple):
    """A title across all columns, above the lines that follow."""

    text: str


class Fold(NamedTuple):
    """Lines of a table, from `start` to before `stop`, that may be folded into one: `line`, with its mark.

    The names of the lines begin with `prefix`.
    """

    start: int
    stop: int
    line: Any
    mark: Mark = Mark()
    prefix: str = ""


class DataTable(NamedTuple):
    """A table with a row for each of `lines`, a cell for each column, and optional totals."""

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
    #: Blocks that a page may fold, by their first lines, each before those within it.
    folds: Sequence[Fold] = ()
    #: How many levels of them are open at first.
    open_levels: int = 0
    #: The keys of the columns that a terminal leaves out where there is no room, those first that say least.
    dispensable: Sequence[str] = ()

    @property
    def headed(self) -> bool:
        return any(column.heading for column in self.columns)

    def values(self) -> Iterator[list[Any]]:
        """Yield the raw values of each row, for programs."""
        for line in self.lines:
            if not isinstance(line, (TextRow, TitleRow)):
                yield [column.value(line, self.layout) for column in self.columns]

    def texts(self) -> Iterator[list[str]]:
        """Yield the texts of each row, for people."""
        for line in self.lines:
            if not isinstance(line, (TextRow, TitleRow)):
                yield [column.text(line, self.layout) for column in self.columns]


class Heading(NamedTuple):
    """A title of a document (level 1) or of a section (level 2); the blocks of a section are indented."""

    text: str
    level: int = 2


class Paragraph(NamedTuple):
    """A paragraph of prose, with backticks around code."""

    text: str


class Bullets(NamedTuple):
    """A list of paragraphs."""

    items: tuple[str, ...]


class CodeSample(NamedTuple):
    """Lines of code, shown unchanged."""

    text: str
    language: str


class Drawing(NamedTuple):
    """Lines of pieces, each with its role, shown unchanged."""

    lines: tuple[tuple[Piece, ...], ...]


class Notes(NamedTuple):
    """Labelled lines below a table."""

    lines: tuple[tuple[str, str], ...]
    role: str = "label"


class Alert(NamedTuple):
    """A warning in brief: its code, message and help. With an empty code only the help is shown."""

    code: str
    message: str
    help: str


Block = Union[Heading, Paragraph, Bullets, CodeSample, Drawing, Notes, Alert, DataTable]


class Document(NamedTuple):
    """A report: its blocks, in order."""

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
