"""The marks of a table of layers: the place of each line among the branches, and what is to be said of it."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.analysis import Analysis
from cnncalc.figures.receptive_field import exceeds
from cnncalc.figures.rows import RowGroup, RowOrGroup
from cnncalc.report.document import Mark
from cnncalc.report.tree import rails


def marks_of(analysis: Analysis, lines: Sequence[RowOrGroup], in_order: bool = True) -> list[Mark]:
    """Return the mark of each line: its place among the branches, and what is to be said of it.

    Branches are drawn beside lines that are `in_order`.
    """
    input_shape = analysis.graph.nodes[0].shape
    marks = []
    beside = rails(lines) if in_order else [("", "")] * len(lines)
    for line, (rail, aside) in zip(lines, beside, strict=True):
        suffixes = {}
        if line.implicit or aside:
            suffixes["layer"] = " (implicit)" if line.implicit else f" + {aside}"
        if basis := _basis(line):
            suffixes["layer"] = suffixes.get("layer", "") + basis
        if exceeds(line.receptive_field, input_shape):
            suffixes["field"] = "*"
        marks.append(Mark(rail, "implicit" if line.implicit else "", suffixes))
    return marks


def _basis(line: RowOrGroup) -> str:
    """Return what the weights of a layer behind an unknown operator stand on, as a suffix; empty for other lines."""
    if isinstance(line, RowGroup) or not line.behind_unknown or not line.node.layer.known:
        return ""
    if not {"params", "macs"} & {*line.missing}:
        return ""
    return " (input unknown)" if "params" in line.missing else " (by channels alone)"
