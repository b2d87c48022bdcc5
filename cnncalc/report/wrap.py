"""Folding of texts to a width: words and names, prose, formulas."""

from __future__ import annotations

import re

#: A text may be folded at its spaces, and a name behind the signs that join its parts.
PARTS = re.compile(r"[^ ./_]*[./_]|[^ ./_]*(?: |$)")


def parts_of(text: str) -> list[str]:
    """Return the parts of a text that must each stay on one line."""
    return [part.rstrip(" ") for part in PARTS.findall(text)]


def folded_text(text: str, width: int) -> list[str]:
    """Return the lines of the text, broken between its parts, or within a part that is too long.

    A line has at least one character. No-break spaces become spaces after folding.
    """
    if len(text) <= width:
        return [text.replace("\N{NO-BREAK SPACE}", " ")]
    width, lines = max(width, 1), [""]
    for part in PARTS.findall(text):
        if lines[-1] and len(lines[-1] + part.rstrip(" ")) > width:
            lines.append("")
        lines[-1] += part
        while len(lines[-1].rstrip(" ")) > width:
            lines[-1:] = [lines[-1][:width], lines[-1][width:]]
    return [line.rstrip(" ").replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def folded_prose(text: str, width: int) -> list[str]:
    """Return the lines of the text, broken between words, or within a word that is too long.

    There is at least one line. No-break spaces keep a formula on one line, and become spaces after folding.
    """
    if len(text) <= width:
        return [text.replace("\N{NO-BREAK SPACE}", " ")]
    from textwrap import wrap  # most texts fit

    lines = wrap(text, max(width, 1), break_on_hyphens=False)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines] or [""]


def formula_parts(text: str) -> list[str]:
    """Return a formula, or a shape of formulas, cut after every `x`, `·` and space outside brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        parts[-1] += character
        if not depth and character in "x·* " and not parts[-1].endswith("max"):
            parts.append("")
    return parts


def folded_formula(text: str, width: int) -> list[str]:
    """Return the lines of a formula, broken only between terms, factors and the sizes of a shape."""
    lines = [""]
    for part in formula_parts(text) if len(text) > width else [text]:
        if lines[-1] and len(lines[-1] + part.rstrip()) > width:
            lines.append("")
        lines[-1] += part
    return [line.rstrip() for line in lines]
