"""A document as GitHub Markdown: tables end with a row of totals in bold, and blank lines separate blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator

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
    Notes,
    Paragraph,
    TextRow,
    TitleRow,
)

#: Signs that Markdown or its HTML would read as markup. An underscore within a word is not markup.
MARKUP = re.compile(r"[\\`*<>\[\]|~&]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")


def to_markdown(document: Document) -> str:
    """Return the document as Markdown; backticks in its prose are code spans already."""
    texts = ("".join(f"{line}\n" for line in _lines(block)) for block in document.blocks)
    return "\n".join(filter(None, texts)).replace("\N{NO-BREAK SPACE}", " ")


def _lines(block: Block) -> Iterator[str]:
    if isinstance(block, Heading):
        yield f"{'#' * block.level} {block.text}"
    elif isinstance(block, Paragraph):
        yield block.text
    elif isinstance(block, Bullets):
        yield from (f"- {item}" for item in block.items)
    elif isinstance(block, CodeSample):
        yield from (f"```{block.language}", *block.text.split("\n"), "```")
    elif isinstance(block, Drawing):
        yield from ("```text", *("".join(text for _, text in line).rstrip() for line in block.lines), "```")
    elif isinstance(block, Notes):
        for number, (label, text) in enumerate(block.lines):
            yield ("\n" if number else "") + (f"{escaped(label)}: " if label else "") + escaped(text)
    elif isinstance(block, Alert):
        yield escaped(f"{block.code}: {block.message}; {block.help}")
    elif block.summary:
        yield from (f"<details><summary>{block.summary}</summary>\n", *_table(block), "\n</details>")
    else:
        yield from _table(block)


def _table(table: DataTable) -> Iterator[str]:
    columns = table.columns
    yield _row([column.heading for column in columns])
    yield _row(["---:" if column.numeric else "---" for column in columns])
    for line in table.lines:
        if isinstance(line, TitleRow):
            yield _row([f"**{line.text}**", *[""] * (len(columns) - 1)])
        elif not isinstance(line, TextRow):
            yield _row([_cell(column, column.text(line, table.layout)) for column in columns])
    if table.totals:
        yield _row([f"**{text}**" if text else "" for text in table.totals])


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(column: Column, text: str) -> str:
    if column.setting == "markup":
        return text.replace("|", "\\|")
    return code(text) if column.setting == "code" else escaped(text)


def escaped(text: str) -> str:
    """Return the text escaped, so that none of it is markup and it stays on its line."""
    return MARKUP.sub(r"\\\g<0>", " ".join(text.split()))


def code(text: str) -> str:
    """Return a code span with escaped bars, for a table; its fence is longer than any run of backticks in it."""
    text = " ".join(text.split())
    if not text:
        return ""
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    inner = text.replace("|", r"\|")
    return f"{fence} {inner} {fence}" if "`" in text else f"{fence}{inner}{fence}"
