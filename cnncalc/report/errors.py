"""Diagnostics for a terminal: the same words as everywhere, with a style for each role."""

from __future__ import annotations

import io
from collections.abc import Sequence

from cnncalc.diagnostics import Diagnostic, render

# Colours that read on dark and on light: none of the bright ones, and no white.
STYLES = {
    "error": "bold red", "warning": "bold magenta", "message": "bold", "gutter": "cyan", "place": "none",
    "source": "none", "marked": "bold", "caret": "bold red", "note": "bold", "help": "bold green",
}  # fmt: skip


def errors_text(diagnostics: Sequence[Diagnostic], width: int, colour: bool) -> str:
    """The messages, a blank line between them and a newline at the end. No line is ever wrapped."""
    if not colour:
        return render(diagnostics, width) + "\n"
    from rich.console import Console
    from rich.text import Text

    console = Console(file=io.StringIO(), force_terminal=True, color_system="standard", width=width, highlight=False)
    for number, diagnostic in enumerate(diagnostics):
        if number:
            console.print()
        for line in diagnostic.lines(width):
            console.print(Text.assemble(*((text, STYLES[role]) for role, text in line)), soft_wrap=True)
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()
