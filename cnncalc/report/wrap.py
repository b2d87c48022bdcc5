"""Folding of texts to a width: words and names, prose, formulas."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

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


def cut_names(names: Sequence[str], widths: Sequence[int], ellipsis: str = "…") -> list[str]:
    """Return names with their paths cut in the middle, each to its width: `stage1.….conv1`; words stay whole.

    What is kept is the first word, if there is room for it, and as much of the end as there is room for; where that
    would be the same for another name, other words are kept if they tell the two apart. A name whose last word alone
    is too long is not cut.
    """
    cuts = [
        list(_cuts(name, width, ellipsis)) if len(name) > width else [name]
        for name, width in zip(names, widths, strict=True)
    ]
    count = Counter(cut for each in cuts for cut in each)
    return [
        next((cut for cut in each if count[cut] == 1), each[0] if each else name)
        for name, each in zip(names, cuts, strict=True)
    ]


def _cuts(name: str, width: int, ellipsis: str) -> Iterator[str]:
    """Yield the ways to cut a name that fit: one word of its beginning is better than more, and those than none."""
    joints = [match.start() for match in re.finditer(r"(?<=[^./])[./](?=[^./])", name)]
    for heads in [*range(1, len(joints)), 0]:
        head = name[: joints[heads - 1] + 1] if heads else ""
        for joint in joints[heads:]:
            if len(head) + len(ellipsis) + len(name) - joint <= width:
                yield f"{head}{ellipsis}{name[joint:]}"


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
