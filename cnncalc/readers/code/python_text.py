"""Python as people paste it: with prompts, indented, or as the cells of a notebook. It is parsed and never run."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Iterator
from functools import lru_cache

from cnncalc.diagnostics import Source, Span
from cnncalc.readers.errors import fail

#: A text longer than this is not read.
MAX_CODE = 1 << 20

#: In front of an indented text, it makes a program of it.
INDENTED = "if 1:\n"

PROMPT = re.compile(r"(?m)^[ \t]*(?:>>>|\.\.\.)(?: |$)|^[ \t]*In ?\[\d*\]: ?")

#: Lines for the notebook itself rather than for Python.
MAGIC = re.compile(r"(?m)^[ \t]*[%!?].*$")


def parse_python(source: Source) -> list[ast.stmt]:
    """Return the statements of a text; raises `SyntaxError` if it is no Python, `RecursionError` if it is too deep."""
    text = without_prompts(source.text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of escapes in strings, which are none of ours
        try:
            return ast.parse(text).body
        except IndentationError:
            (block,) = ast.parse(INDENTED + text).body
            assert isinstance(block, ast.If)
            for node in ast.walk(block):
                if hasattr(node, "lineno"):
                    node.lineno -= 1
                    node.end_lineno -= 1  # type: ignore[attr-defined]
            return block.body


def without_prompts(text: str) -> str:
    """Return the input of a session at Python's prompt, each character in its place; any other text as it is."""
    text = MAGIC.sub(lambda line: " " * len(line.group()), text)
    if not re.search(r"(?m)^[ \t]*(?:>>>|In ?\[\d*\]:)", text):
        return text
    lines = text.split("\n")
    return "\n".join(
        " " * match.end() + line[match.end() :] if (match := PROMPT.match(line)) else " " * len(line) for line in lines
    )


def span_of(source: Source, node: ast.AST) -> Span:
    """Return the place of a part of the syntax tree; columns of the tree count bytes."""
    text, starts = source.text, _line_starts(source.text)

    def offset(line: int, column: int) -> int:
        start = starts[line - 1]
        if text.isascii():
            return start + column
        return start + len(text[start : start + column].encode()[:column].decode(errors="ignore"))

    first, last = offset(node.lineno, node.col_offset), offset(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]
    return Span(source, first, last)


@lru_cache(4)
def _line_starts(text: str) -> list[int]:
    """Return the offset of each line, as Python counts lines."""
    return [0, *(match.end() for match in re.finditer("\n", text))]


def notebook_code(source: Source) -> Source:
    """Return the code of a Jupyter notebook's cells as one text; raises `SpecError` E302 if it is no notebook."""
    return Source(source.name, "\n".join(_cells(source)))


def _cells(source: Source) -> Iterator[str]:
    try:
        notebook = json.loads(source.text)
    except (ValueError, RecursionError):
        notebook = None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        fail("E302", f"`{source.name}` is no notebook", "expected JSON with a list of `cells`")
    for cell in cells:
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        lines = cell.get("source", "")
        text = "".join(each for each in lines if isinstance(each, str)) if isinstance(lines, list) else str(lines)
        try:
            parse_python(Source(source.name, text))
        except (SyntaxError, ValueError):
            continue  # a cell of another language, or one left unfinished
        yield without_prompts(text)
