"""A sheet as a LaTeX table: a tabular in the manner of booktabs, which it needs."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cnncalc.report.columns import Column
from cnncalc.report.datatable import DataTable

#: What LaTeX reads as a command or sets as another sign, and how it is said instead.
SIGNS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "`": r"\textasciigrave{}",
    # At the beginning of a row they would be an argument of the `\\\\` before it.
    "[": "{[}", "*": "{*}",
    "×": r"$\times$", "·": r"$\cdot$", "→": r"$\to$", "−": "$-$", "∏": r"$\prod$", "…": r"\dots{}",
}  # fmt: skip

SIGN = re.compile("|".join(map(re.escape, SIGNS)))


def to_latex(sheet: DataTable) -> str:
    """The tabular; numbers keep every digit, and sizes have × between them."""
    columns = sheet.columns
    body = ([_cell(column, text) for column, text in zip(columns, row, strict=True)] for row in sheet.texts())
    lines = [
        r"% \usepackage{booktabs}",
        rf"\begin{{tabular}}{{{''.join('r' if column.numeric else 'l' for column in columns)}}}",
        r"\toprule",
        _row(escaped(column.heading) for column in columns),
        r"\midrule",
        *map(_row, body),
        *([r"\midrule", _row(map(escaped, sheet.totals))] if sheet.totals else []),
        r"\bottomrule",
        r"\end{tabular}",
        *(f"% {label}: {note}" for label, note in sheet.notes),
    ]
    return "".join(f"{line}\n" for line in lines)


def escaped(text: str) -> str:
    """The text as LaTeX that sets it as it is."""
    # Two hyphens would be a dash.
    return SIGN.sub(lambda sign: SIGNS[sign.group()], " ".join(text.split())).replace("--", "-{}-")


def _cell(column: Column, text: str) -> str:
    return escaped(re.sub(r"(?<=[\dA-Z)])x(?=[\dA-Z(f])", "×", text) if column.setting == "sizes" else text)


def _row(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"
