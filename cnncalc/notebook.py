"""How notebooks show errors: the message with its carets, below the lines of the user's own code that led to it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

from cnncalc.analysis import Options
from cnncalc.diagnostics import EXCERPT_WIDTH, Rendering, SpecError, printable
from cnncalc.graph import BuildError
from cnncalc.report.columns import choose
from cnncalc.report.document import Document
from cnncalc.report.network import failure_document
from cnncalc.report.options import MOST_AT_ONCE, RenderOptions

PACKAGE = os.path.dirname(__file__) + os.sep


def traceback(error: SpecError) -> list[str]:
    """Return the lines that IPython shows in place of a traceback, with escape codes for colours."""
    from cnncalc.report.terminal import STYLES_ON_RED, diagnostics_text, to_terminal

    colour = not os.environ.get("NO_COLOR")
    calls = "".join(f"{line}\n" for line in _calls(error))
    document = _layers_before(error)
    layers = to_terminal(document, RenderOptions(EXCERPT_WIDTH, colour), STYLES_ON_RED) if document.blocks else ""
    message = diagnostics_text(error.diagnostics, EXCERPT_WIDTH, colour, STYLES_ON_RED)
    return "\n".join(filter(None, (calls, layers, message))).rstrip("\n").split("\n")


def html(error: SpecError) -> str:
    """Return the error as HTML, for a notebook that displays it as a value."""
    from cnncalc.report.html import to_html

    return to_html(_layers_before(error), error.diagnostics)


RENDERING = Rendering(traceback, html)


def _layers_before(error: SpecError) -> Document:
    """Return a document with the table of the layers before the one that failed, or without a block."""
    if isinstance(error, BuildError):
        return failure_document(error, choose(None), "hwc", Options(), most_rows=MOST_AT_ONCE)
    return Document(())


def _calls(error: SpecError) -> Iterator[str]:
    """Yield the user's lines from which the library was called: `Cell In[3], line 2: result = analyze(spec)`."""
    from traceback import extract_tb

    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    for frame in extract_tb(error.__traceback__):
        inside = frame.filename.startswith((PACKAGE, "<frozen")) or f"{os.sep}IPython{os.sep}" in frame.filename
        if not inside:
            named = shell.compile.format_code_name(frame.filename) if shell else None
            place = " ".join(named) if named else f"File {frame.filename}"
            within = "" if frame.name == "<module>" else f" in {frame.name}"
            yield printable(f"{place}, line {frame.lineno}{within}: {frame.line}")
