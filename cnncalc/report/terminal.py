"""Documents and diagnostics as text for a terminal or a pipe; with colour, each role has a style."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cnncalc.diagnostics import Diagnostic, render
from cnncalc.report.document import Document, Piece
from cnncalc.report.layout import lines_of
from cnncalc.report.options import RenderOptions

# Colours that read on dark and on light: none of the bright ones, and no white.
STYLES = {
    "heading": "bold", "column": "bold", "code": "cyan", "rule": "dim", "label": "dim", "name": "cyan",
    "output": "green",
    "rail": "dim", "bar": "cyan", "mark": "bold", "emphasis": "bold", "implicit": "dim", "omitted": "dim",
    "failed": "bold red", "added": "green", "removed": "red", "changed": "magenta",
    "error": "bold red", "warning": "bold magenta", "message": "bold", "gutter": "cyan", "marked": "bold",
    "caret": "bold red", "note": "bold", "help": "bold green",
    # From none to most. Each says its own letters' colour too, so that it reads on any ground.
    "shade1": "black on color(195)", "shade2": "black on color(153)", "shade3": "black on color(111)",
    "shade4": "bright_white on color(32)", "shade5": "bright_white on color(25)",
}  # fmt: skip


#: The same for a ground that is red itself, as that of errors in notebooks.
STYLES_ON_RED = {
    **STYLES, "error": "bold", "caret": "bold", "failed": "bold", "help": "bold", "name": "none", "output": "none",
    "gutter": "dim",
}  # fmt: skip


def to_terminal(document: Document, options: RenderOptions, styles: Mapping[str, str] = STYLES) -> str:
    """Return the document as text of the width, colour and character set of the options."""
    return _painted(lines_of(document, options), options.colour, styles)


def diagnostics_text(
    diagnostics: Sequence[Diagnostic], width: int, colour: bool, styles: Mapping[str, str] = STYLES
) -> str:
    """Return the messages, separated by blank lines and with a newline at the end. Lines are never wrapped."""
    if not colour:
        return render(diagnostics, width) + "\n"
    return "\n".join(_painted(diagnostic.lines(width), colour, styles) for diagnostic in diagnostics)


def _painted(lines: Iterable[Sequence[Piece]], colour: bool, styles: Mapping[str, str]) -> str:
    """Return the lines as text, each with a newline and without trailing spaces."""
    if not colour:
        return "".join(_harmless("".join([text for _, text in line])).rstrip() + "\n" for line in lines)
    painter = _Painter(styles)
    return "".join(painter.line(line) + "\n" for line in lines)


def _harmless(text: str) -> str:
    """Return the text without control characters that a terminal would execute."""
    if text.isprintable():
        return text
    harmless = (each.isprintable() or each in "\t\N{NO-BREAK SPACE}" for each in text)
    return "".join(each if keep else "\N{REPLACEMENT CHARACTER}" for each, keep in zip(text, harmless, strict=True))


class _Painter:
    """Applies rich's styles to texts by their roles; rich is imported when the first one is made."""

    def __init__(self, styles: Mapping[str, str]) -> None:
        from rich.color import ColorSystem
        from rich.style import Style

        self._styles = {role: Style.parse(style) for role, style in styles.items()}
        self._system = ColorSystem.EIGHT_BIT

    def line(self, pieces: Sequence[Piece]) -> str:
        kept = list(pieces)
        while kept and not kept[-1][1].strip():
            kept.pop()
        if kept and not kept[-1][0].startswith("shade"):
            kept[-1] = kept[-1][0], kept[-1][1].rstrip()
        return "".join([self._text(role, text) for role, text in kept])

    def _text(self, role: str, text: str) -> str:
        text = _harmless(text)
        style = self._styles.get(role)
        if style is None or not text or (text.isspace() and not role.startswith("shade")):
            return text
        return style.render(text, color_system=self._system)
