"""A document as HTML: a fragment for a notebook, or a page. Blocks of a network fold, and no script is needed.

The colours are mixed with that of the text around, so that they read on dark and on light. What a name holds is
escaped, and kept from what typesets formulas in notebooks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from cnncalc.diagnostics import Diagnostic
from cnncalc.figures.rows import Row
from cnncalc.report.document import (
    Alert,
    Block,
    Bullets,
    CodeSample,
    Column,
    DataTable,
    Document,
    Drawing,
    Fold,
    Heading,
    Mark,
    Notes,
    Paragraph,
    Piece,
    TextRow,
    TitleRow,
)
from cnncalc.report.layout import TableLayout, TableRow
from cnncalc.report.options import RenderOptions

#: A table is laid out for so many columns of text; a narrower window scrolls it.
WIDTH = 120
OPTIONS = RenderOptions(WIDTH)
#: The length of a bar, of the step by which a block is indented, and of a sign of a rail, in columns of text.
BAR, STEP, RAIL = 8, 2, 3

#: MathJax, in its second and its third version, passes over elements of these classes.
CLASSES = "cnncalc tex2jax_ignore mathjax_ignore"


def to_html(document: Document, diagnostics: Sequence[Diagnostic] = (), numbered: bool = False) -> str:
    """Return the document, and messages below it, as a fragment that brings its style along.

    With `numbered`, the row of a layer has the index of its node, for a page that does more with it.
    """
    body = "".join([_block(block, numbered) for block in document.blocks])
    if diagnostics:
        messages = "\n".join(map(_diagnostic, diagnostics))
        body += f'<pre class="diagnostics">{messages}</pre>\n'
    return f'<div class="{CLASSES}">\n<style>\n{_style()}</style>\n{body}</div>\n'


def to_page(document: Document, title: str) -> str:
    """Return the document as a page of its own, in the colours that the reader's system prefers."""
    return page(title, to_html(document))


def page(title: str, body: str, head: str = "") -> str:
    """Return a page with a body, and what more its head has."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{_text(title)}</title>\n"
        "<style>:root { color-scheme: light dark } body { margin: 2em; background: Canvas }</style>\n"
        f"{head}</head>\n<body>\n{body}</body>\n</html>\n"
    )


def _style() -> str:
    # Notebooks style tables too: where the class counts three times, these rules have the last word.
    return Path(__file__).with_suffix(".css").read_text(encoding="utf-8").replace(".cnncalc ", ".cnncalc" * 3 + " ")


def _text(text: str) -> str:
    """Return a text escaped for an element or an attribute, without control characters and marks of direction."""
    if not text.isprintable():
        kept = " \n\N{NO-BREAK SPACE}"
        text = "".join([each if each.isprintable() or each in kept else "\N{REPLACEMENT CHARACTER}" for each in text])
    return escape(text)


def _prose(text: str) -> str:
    """Return prose whose backticks are around code; a backtick without another stays as it is."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        parts[-2:] = ["`".join(parts[-2:])]
    return "".join([f"<code>{_text(part)}</code>" if at % 2 else _text(part) for at, part in enumerate(parts)])


def _pieces(pieces: Sequence[Piece]) -> str:
    return "".join([f'<span class="{role}">{_text(text)}</span>' for role, text in pieces if text])


def _diagnostic(diagnostic: Diagnostic) -> str:
    return "".join([_pieces(line) + "\n" for line in diagnostic.lines()])


def _block(block: Block, numbered: bool = False) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level + 1}>{_prose(block.text)}</h{block.level + 1}>\n"
    if isinstance(block, Paragraph):
        return f"<p>{_prose(block.text)}</p>\n"
    if isinstance(block, Bullets):
        return f"<ul>{''.join([f'<li>{_prose(item)}</li>' for item in block.items])}</ul>\n"
    if isinstance(block, CodeSample):
        return f"<pre>{_text(block.text)}</pre>\n"
    if isinstance(block, Drawing):
        lines = "\n".join(map(_pieces, block.lines))
        return f'<pre class="drawing">{lines}</pre>\n'
    if isinstance(block, Notes):
        lines = "".join(
            [f"<div><b>{_text(label)}</b> <span>{_text(text)}</span></div>\n" for label, text in block.lines]
        )
        return f'<div class="notes">\n{lines}</div>\n'
    if isinstance(block, Alert):
        fact = f"<b>warning[{_text(block.code)}]</b>: {_prose(block.message)}<br>" if block.code else ""
        return f'<p class="alert">{fact}<b>help</b>: {_prose(block.help)}</p>\n'
    table = _HtmlTable(block, numbered).html()
    return f"<details><summary>{_prose(block.summary)}</summary>\n{table}</details>\n" if block.summary else table


class _Item(NamedTuple):
    """A line of a table with all its blocks unfolded: a line of the table, or that of a block, with its `fold`."""

    line: Any
    mark: Mark
    fold: Fold | None
    #: How many blocks it is in, and how far it is indented for that, in columns of text.
    level: int
    indent: int
    #: How many blocks end with it.
    ending: int


class _HtmlTable:
    """A table whose rows, and the lines of its folded blocks, share the widths of the one layout."""

    def __init__(self, table: DataTable, numbered: bool = False) -> None:
        self.table, self.columns, self.numbered = table, table.columns, numbered
        self.items = list(_unfolded(table))
        lines, marks = [item.line for item in self.items], [item.mark for item in self.items]
        self.layout = TableLayout(table._replace(lines=lines, marks=marks, dispensable=()), WIDTH, OPTIONS, cut=False)
        #: The largest figure of each column with bars among the lines that are seen when all is folded.
        self.largest = {
            index: max((self._value(index, item) for item in self.items if not item.level), default=0)
            for index, column in enumerate(self.columns)
            if column.bar is not None
        }

    def html(self) -> str:
        layout = self.layout
        deepest = max((item.indent for item in self.items), default=0)
        widths = [
            width + (BAR + 1 + layout.widths.behind if column.bar else 0) + (deepest if column.folding == "name" else 0)
            for column, width in zip(self.columns, layout.widths.columns, strict=True)
        ]
        columns = " ".join([f"{width}ch" for width in widths])
        head = f"<thead>{self._row(layout.headings)}</thead>\n" if self.table.headed else ""
        foot = f"<tfoot>{self._row(layout.totals)}</tfoot>\n" if self.table.totals else ""
        style = f"--columns: {columns}; --bar: {BAR}ch"
        return f'<table style="{style}">\n{head}<tbody>\n{"".join(self._rows())}</tbody>\n{foot}</table>\n'

    def _rows(self) -> Iterator[str]:
        """Yield the rows; a block is a row with an element that folds, in which its rows are a table again."""
        across = f'colspan="{len(self.columns)}"'
        for row, item in zip(self.layout.rows, self.items, strict=True):
            if isinstance(row, TitleRow):
                yield f'<tr><th class="title" {across}>{_prose(row.text)}</th></tr>\n'
            elif item.fold is None:
                yield self._row(row, item)
            else:
                opened = " open" if item.level < self.table.open_levels else ""
                yield f'<tr class="fold"><td {across}><details{opened}>'
                yield f"<summary>{' '.join(self._cells('span', row, item))}</summary>\n<table><tbody>\n"
            yield "</tbody></table></details></td></tr>\n" * item.ending

    def _row(self, row: TableRow, item: _Item | None = None) -> str:
        """Return a row of the table; without an item, that of the headings or totals."""
        if item is None:
            return f"<tr>{''.join(self._cells('th', row))}</tr>\n"
        kind = f' class="{row.role}"' if row.role else ""
        if self.numbered and isinstance(item.line, Row):
            kind += f" data-n={item.line.node.index}"
        return f"<tr{kind}>{''.join(self._cells('td', row, item))}</tr>\n"

    def _cells(self, element: str, row: TableRow, item: _Item | None = None) -> Iterator[str]:
        for index, (column, text) in enumerate(zip(self.columns, row.cells, strict=True)):
            shown, attributes = _text(text), ""
            if column.folding == "name" and item is not None:
                rail = f'<span class="rail">{row.rail}</span>' if row.rail else ""
                shown = f"{rail}<span>{shown}</span>"
                if item.indent:
                    attributes = f' style="padding-left:{item.indent}ch"'
                if item.mark.prefix and not self.numbered:
                    attributes += f' title="{_text(column.text(item.line, self.table.layout))}"'
            if column.bar is not None:
                shown += self._bar(index, row, item)
            # A heading says something.
            kind = "td" if element == "th" and not text else element
            yield f"<{kind}{_class(column)}{attributes}>{shown}</{kind}>"

    def _value(self, index: int, item: _Item | None) -> int:
        """Return the figure that a bar stands for; 0 for a line without data."""
        if item is None or isinstance(item.line, (TextRow, TitleRow)):
            return 0
        return self.columns[index].value(item.line, self.table.layout) or 0

    def _bar(self, index: int, row: TableRow, item: _Item | None) -> str:
        """Return the bar of a cell, and room for it in a cell without, followed by what stands behind the bar."""
        value, largest = self._value(index, item), self.largest[index]
        # At least a sliver where there is something.
        share = min(-(-100 * value // largest), 100) if value and largest else 0
        width = self.layout.widths.behind
        behind = f'<b style="width: {width}ch">{_text(row.behind_bars.get(index, ""))}</b>' if width else ""
        bar = f'<i style="width:{share}%"></i>' if share else ""
        return f"<i>{bar}</i>{behind}"


def _class(column: Column) -> str:
    """Return the attribute with the classes of a column's cells; empty if there are none."""
    kinds = [
        column.role if column.role != "text" else "",
        "number" if column.numeric else "",
        "bars" * bool(column.bar),
    ]
    classes = " ".join(filter(None, kinds))
    return f' class="{classes}"' if classes else ""


def _unfolded(table: DataTable) -> Iterator[_Item]:
    """Yield the lines of a table with that of each block before its own."""
    within: list[tuple[Fold, int]] = []
    ahead = list(reversed(table.folds))

    def item(line: Any, mark: Mark, fold: Fold | None = None, ending: int = 0) -> _Item:
        indent = within[-1][1] if within else 0
        if within and not isinstance(line, (TextRow, TitleRow)):
            outer = within[-1][0]
            mark = mark._replace(rail=mark.rail[len(outer.mark.rail) :], prefix=outer.prefix)
        # Where blocks fold, names stand behind the signs for that.
        more = STEP if table.folds and fold is None else 0
        return _Item(line, mark, fold, len(within), indent + more, ending)

    for at, line in enumerate(table.lines):
        while ahead and ahead[-1].start == at:
            fold = ahead.pop()
            block = item(fold.line, fold.mark, fold)
            yield block
            within.append((fold, block.indent + STEP + RAIL * len(block.mark.rail)))
        ending = sum(fold.stop == at + 1 for fold, _ in within)
        yield item(line, table.marks[at] if table.marks else Mark(), ending=ending)
        del within[len(within) - ending :]
