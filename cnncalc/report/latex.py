"""The tables of a document for LaTeX: tabulars that use the package booktabs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from cnncalc.report.document import Column, DataTable, Document, Notes

#: Signs that LaTeX reads as commands or sets as others, and the code that sets each as it is.
SIGNS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "`": r"\textasciigrave{}",
    # At the beginning of a row they would be an argument of the `\\\\` before it.
    "[": "{[}", "*": "{*}",
    "×": r"$\times$", "·": r"$\cdot$", "→": r"$\to$", "−": "$-$", "∏": r"$\prod$", "…": r"\dots{}",
    "≤": r"$\leq$", "≥": r"$\geq$", "–": "--",
}  # fmt: skip

SIGN = re.compile("|".join(map(re.escape, SIGNS)))


def to_latex(document: Document) -> str:
    """Return the tabulars, with notes as comments; numbers keep every digit, and sizes are joined by ×."""
    lines = [r"% \usepackage{booktabs}"]
    for block in document.blocks:
        if isinstance(block, DataTable):
            lines += _tabular(block)
        elif isinstance(block, Notes):
            lines += [f"% {label}: {text}" for label, text in block.lines]
    return "".join(f"{line}\n" for line in lines)


def _tabular(table: DataTable) -> Iterator[str]:
    columns = table.columns
    yield rf"\begin{{tabular}}{{{''.join('r' if column.numeric else 'l' for column in columns)}}}"
    yield r"\toprule"
    yield _row(escaped(column.heading) for column in columns)
    yield r"\midrule"
    for texts in table.texts():
        yield _row(_cell(column, text) for column, text in zip(columns, texts, strict=True))
    if table.totals:
        yield r"\midrule"
        yield _row(map(escaped, table.totals))
    yield r"\bottomrule"
    yield r"\end{tabular}"


def escaped(text: str) -> str:
    """Return the text with the characters that are special in LaTeX escaped."""
    # Two hyphens would be a dash.
    held = " ".join(text.split()).replace("--", "-\0-")
    return SIGN.sub(lambda sign: SIGNS[sign.group()], held).replace("\0", "{}")


def _cell(column: Column, text: str) -> str:
    return escaped(re.sub(r"(?<=[\dA-Z)])x(?=[\dA-Z(f≤])", "×", text) if column.setting == "sizes" else text)


def _row(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"
