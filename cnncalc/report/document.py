"""Pages of help: headings, prose, tables and code as values, written as text for a terminal or as Markdown.

In all of them backticks mark what is typed. Markdown and prose keep them; in a table's cells a terminal needs
none, where a column is all code or all words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, Union

from cnncalc.report.markdown import table
from cnncalc.report.options import RenderOptions
from cnncalc.report.wrap import folded_prose

#: Where no terminal says otherwise, and at most for prose: longer lines are hard to read.
PAGE_WIDTH = 100
#: The width for tables that are as wide as they would like to be.
UNFOLDED = 10_000
INDENT, GAP = "  ", "  "
#: A cell with more text than this is folded even where there is room.
MOST_CELL = 72
#: A word is broken where there is no other way, but into no less than this.
LEAST_CELL = 8
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
)

# Colours that read on dark and on light, as for errors.
STYLES = {
    "heading": "bold", "column": "bold", "code": "cyan", "rule": "dim", "text": "none",
    "added": "green", "removed": "red", "changed": "magenta",
    # From none to most. Each says its own letters' colour too, so that it reads on any ground.
    "shade0": "none", "shade1": "black on color(195)", "shade2": "black on color(153)", "shade3": "black on color(111)",
    "shade4": "bright_white on color(32)", "shade5": "bright_white on color(25)",
}  # fmt: skip


#: A role, which has a style, and a text.
Piece = tuple[str, str]


class Heading(NamedTuple):
    """A title of level 1, over the page, or 2, over a section; what stands below the latter is indented."""

    text: str
    level: int = 2


class Paragraph(NamedTuple):
    text: str


class Bullets(NamedTuple):
    items: tuple[str, ...]


class Code(NamedTuple):
    """Lines that stand as they are."""

    text: str
    language: str


class Picture(NamedTuple):
    """Lines of pieces, each with its role: what is drawn, in the signs that its look allowed."""

    lines: tuple[tuple[Piece, ...], ...]


class Grid(NamedTuple):
    """Rows of cells in columns. A row of a single cell is a title within the table.

    Without `headings` the first column says what the others are of. Of `roles`, a style for each column,
    `number` is for columns at the right edge, which are never folded. `row_roles` are styles for whole rows,
    by their number, in place of their columns'.
    """

    rows: tuple[tuple[str, ...], ...]
    headings: tuple[str, ...] = ()
    roles: tuple[str, ...] = ("code",)
    row_roles: Mapping[int, str] = MappingProxyType({})

    def role(self, column: int) -> str:
        return self.roles[column] if column < len(self.roles) else "text"


Block = Union[Heading, Paragraph, Bullets, Code, Picture, Grid]


def to_text(blocks: Sequence[Block], look: RenderOptions) -> str:
    """The page as text, folded to the look's width, with colour codes where it has colour."""
    return painted(_page_lines(blocks, look), look)


def painted(lines: Iterable[Sequence[Piece]], look: RenderOptions) -> str:
    """The lines as text, with colour codes for their roles where the look has colour. No line is ever wrapped."""
    if not look.colour:
        return "".join("".join(text for _, text in line).rstrip() + "\n" for line in lines)
    import io

    from rich.console import Console
    from rich.text import Text

    console = Console(file=io.StringIO(), force_terminal=True, color_system="256", highlight=False)
    for line in lines:
        console.print(Text.assemble(*((text, STYLES.get(role, "none")) for role, text in line)), soft_wrap=True)
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def to_markdown(blocks: Sequence[Block]) -> str:
    """The page as Markdown, a blank line between its blocks."""
    return "\n".join(_markdown(block) for block in blocks).replace("\N{NO-BREAK SPACE}", " ")


def to_ascii(text: str) -> str:
    """The text in ASCII: `K·∏O` as `K*prod(O)`."""
    if text.isascii():
        return text
    for sign, plain in ASCII:
        text = re.sub(sign, plain, text)
    return text


def _page_lines(blocks: Sequence[Block], look: RenderOptions) -> Iterator[list[Piece]]:
    width, indent = look.width or PAGE_WIDTH, ""
    before: Block | None = None
    for block in blocks:
        leads = isinstance(before, Heading) or (isinstance(before, Paragraph) and not isinstance(block, Paragraph))
        if before is not None and (isinstance(block, Heading) or not leads):
            yield []
        if isinstance(block, Heading):
            indent = INDENT if block.level > 1 else ""
            lines = _prose(block.text.replace("`", ""), width, look, "heading")
        elif isinstance(block, Paragraph):
            lines = _prose(block.text, min(width, PAGE_WIDTH) - len(indent), look, "text")
        elif isinstance(block, Bullets):
            lines = _bullets(block, min(width, PAGE_WIDTH) - len(indent), look)
        elif isinstance(block, Code):
            lines = iter([[("code", _shown(line, look))] for line in block.text.splitlines()])
        elif isinstance(block, Picture):
            lines = map(list, block.lines)
        else:
            lines = _grid(block, width - len(indent), look)
        before = block
        for line in lines:
            yield line if isinstance(block, Heading) else [("text", indent), *line]


def _bullets(block: Bullets, width: int, look: RenderOptions) -> Iterator[list[Piece]]:
    for item in block.items:
        for number, line in enumerate(_prose(item, width - len(INDENT), look, "text")):
            yield [("text", INDENT if number else "- "), *line]


def _shown(text: str, look: RenderOptions) -> str:
    return text if look.unicode else to_ascii(text)


def _prose(text: str, width: int, look: RenderOptions, role: str) -> Iterator[list[Piece]]:
    inside = False
    for line in folded_prose(_shown(text, look), width):
        parts = line.split("`")
        pieces: list[Piece] = []
        for number, part in enumerate(parts):
            if number:
                pieces.append((role, "`"))
                inside = not inside
            pieces.append(("code" if inside else role, part))
        yield pieces


def _grid(grid: Grid, width: int, look: RenderOptions) -> Iterator[list[Piece]]:
    rows = [tuple(_shown(cell.replace("`", ""), look) for cell in row) for row in grid.rows]
    headed = [grid.headings, *rows] if grid.headings else rows
    widths = _widths(grid, [row for row in headed if len(row) > 1], width)
    if grid.headings:
        yield from _row(grid, grid.headings, widths, "column")
        yield [("rule", _shown("─", look) * (sum(widths) + len(GAP) * (len(widths) - 1)))]
    for number, row in enumerate(rows):
        if len(row) == 1:
            if number:
                yield []
            yield from _prose(row[0], width, look, "heading")
        else:
            yield from _row(grid, row, widths, grid.row_roles.get(number))


def _row(grid: Grid, row: Sequence[str], widths: list[int], role: str | None = None) -> Iterator[list[Piece]]:
    columns = [folded_prose(cell, width) for cell, width in zip(row, widths, strict=True)]
    for at in range(max(map(len, columns))):
        line: list[Piece] = []
        for number, (cells, width) in enumerate(zip(columns, widths, strict=True)):
            cell = cells[at] if at < len(cells) else ""
            its = grid.role(number)
            last = number == len(widths) - 1
            line.append((role or its, cell.rjust(width) if its == "number" else cell if last else cell.ljust(width)))
            line.append(("text", "" if last else GAP))
        yield line


def _widths(grid: Grid, rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """The width of each column: where there is no room the widest is folded, first between words, then within.

    What cannot be folded far enough is wider than the width."""
    columns = list(zip(*rows, strict=True))
    words = [
        max(len(word) for cell in cells for word in ([cell] if grid.role(number) == "number" else cell.split(" ")))
        for number, cells in enumerate(columns)
    ]
    widths = [min(max(map(len, cells)), max(MOST_CELL, least)) for cells, least in zip(columns, words, strict=True)]
    over = sum(widths) + len(GAP) * (len(widths) - 1) - width
    if over <= 0:
        return widths
    for floors in (words, [min(each, LEAST_CELL) for each in words]):
        while over > 0:
            folding = [n for n, each in enumerate(widths) if grid.role(n) != "number" and each > floors[n]]
            if not folding:
                break
            widths[max(folding, key=lambda n: widths[n])] -= 1
            over -= 1
    return _levelled(columns, widths, words)


def _levelled(columns: Sequence[Sequence[str]], widths: list[int], words: Sequence[int]) -> list[int]:
    """The widths after giving room from one column to another as long as that saves lines."""
    lengths = [[[len(word) for word in cell.split(" ")] for cell in cells] for cells in columns]
    known: dict[tuple[int, int], list[int]] = {}

    def height(widths: Sequence[int]) -> int:
        for each in enumerate(widths):
            if each not in known:
                known[each] = [_line_count(cell, each[1]) for cell in lengths[each[0]]]
        return sum(map(max, zip(*[known[each] for each in enumerate(widths)], strict=True)))

    best = height(widths)
    while True:
        moved = []
        for source, least in enumerate(words):
            for target in range(len(widths)):
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


def _markdown(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {block.text}\n"
    if isinstance(block, Paragraph):
        return f"{block.text}\n"
    if isinstance(block, Bullets):
        return "".join(f"- {item}\n" for item in block.items)
    if isinstance(block, Code):
        return f"```{block.language}\n{block.text}\n```\n"
    if isinstance(block, Picture):
        lines = ["".join(text for _, text in line).rstrip() for line in block.lines]
        return "".join(f"{line}\n" for line in ("```text", *lines, "```"))
    count = max(map(len, block.rows))
    rows = [[f"**{row[0]}**", *[""] * (count - 1)] if len(row) == 1 else row for row in block.rows]
    numeric = [block.role(column) == "number" for column in range(count)]
    headings = block.headings or ("",) * count
    return table(headings, numeric, ([cell.replace("|", "\\|") for cell in row] for row in rows))
