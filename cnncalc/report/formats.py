"""The formats of a document by their names, and the suffixes of files that they are written to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnncalc.report.document import Document
    from cnncalc.report.options import RenderOptions

#: Suffix of a file → the format to write, where nothing else says it.
FORMAT_OF_SUFFIX = {
    ".json": "json",
    ".csv": "csv",
    ".md": "markdown",
    ".tex": "latex",
    ".txt": "table",
    ".html": "html",
}


def render(document: Document, format: str, options: RenderOptions, title: str = "cnncalc") -> str:
    """Return the document in a format: `table`, `csv`, `markdown`, `latex`, or `html`, a page with the title."""
    if format == "table":
        from cnncalc.report.terminal import to_terminal

        return to_terminal(document, options)
    if format == "csv":
        from cnncalc.report.csv import to_csv

        return to_csv(document)
    if format == "latex":
        from cnncalc.report.latex import to_latex

        return to_latex(document)
    if format == "html":
        from cnncalc.report.html import to_page

        return to_page(document, title)
    from cnncalc.report.markdown import to_markdown

    return to_markdown(document)
