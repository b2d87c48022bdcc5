"""What every convention counts in a network, side by side, and why they differ: by kind of layer."""

from __future__ import annotations

import json
from typing import Any

from cnncalc.analysis import SCHEMA
from cnncalc.figures.conventions import (
    DECISIONS,
    NOTHING,
    PARTS,
    QUANTITIES,
    TABLES,
    Convention,
    ConventionCount,
    compare_conventions,
)
from cnncalc.figures.cost import CONVENTIONS, DEFAULT_CONVENTION
from cnncalc.graph import Graph
from cnncalc.notation import thousands
from cnncalc.report.columns import Column, count_column, text_column
from cnncalc.report.datatable import DataTable
from cnncalc.report.document import Grid, Paragraph, to_markdown, to_text
from cnncalc.report.options import RenderOptions

NBSP = "\N{NO-BREAK SPACE}"

#: The columns of the comparison. A no-break space holds a layer or a name and its figure together.
COLUMNS = (
    text_column("convention", "convention", "whose count it is", lambda its, _: its.name),
    count_column("macs", "MACs", "the total", lambda its: its.macs),
    Column(
        "difference",
        f"over {DEFAULT_CONVENTION}",
        "by how much that is more than the default",
        lambda its, _: its.difference,
        lambda its, _: signed(its.difference),
        True,
    ),
    Column(
        "differences",
        "where",
        "by kind of layer",
        lambda its, _: _listed(its.differences),
        lambda its, _: ", ".join(f"{kind}{NBSP}{signed(more)}" for kind, more in _largest_first(its.differences)),
    ),
)


def comparison_sheet(graph: Graph, batch: int) -> DataTable:
    """A row for each convention; the notes say what each counts."""
    notes = [(name, convention.text) for name, convention in TABLES.items()]
    if unknown := _unknown(graph):
        notes.append(("unknown", f"{len(unknown)} of the layers are not counted in full: all totals are lower bounds"))
    if batch > 1:
        notes.append(("batch", f"MACs are for {thousands(batch)} samples"))
    return DataTable(COLUMNS, compare_conventions(graph.nodes, batch), notes=tuple(notes))


def comparison_text(sheet: DataTable, look: RenderOptions) -> str:
    """The comparison for a person, what each convention counts below."""
    roles = tuple("number" if column.numeric else "text" for column in sheet.columns)
    table = Grid(
        tuple(map(tuple, sheet.texts())), tuple(column.heading for column in sheet.columns), ("code", *roles[1:])
    )
    return to_text([table, Grid(sheet.notes, roles=("code", "text"))], look)


def comparison_json(graph: Graph, batch: int) -> str:
    """One object, its integers exact, with each convention's definition and rules."""
    found: dict[str, Any] = {
        "schema": SCHEMA,
        "name": graph.name,
        "batch": batch,
        "conventions": [_to_dict(each, TABLES[each.name]) for each in compare_conventions(graph.nodes, batch)],
    }
    if unknown := _unknown(graph):
        found["unknown"] = unknown
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def _unknown(graph: Graph) -> list[str]:
    """The layers of a model file that no convention counts in full."""
    return [node.name for node in graph.nodes if not node.layer.known]


def _to_dict(counts: ConventionCount, convention: Convention) -> dict[str, Any]:
    return {
        "convention": counts.name,
        "definition": convention.definition,
        "checked": convention.checked,
        "macs": counts.macs,
        "flops": 2 * counts.macs,
        "difference": counts.difference,
        "by_type": counts.by_kind,
        "differences": counts.differences,
        "decisions": dict(convention.decisions),
    }


def _listed(counts: dict[str, int]) -> str:
    return " ".join(f"{name}={count}" for name, count in counts.items())


def _largest_first(differences: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(differences.items(), key=lambda item: -abs(item[1]))


def signed(value: int) -> str:
    """`+1,234`; nothing where there is no difference."""
    return f"{value:+,}" if value else ""


def conventions_markdown() -> str:
    """The decisions as the README shows them: a row for each of those by which something is counted."""
    rows = [
        (names.replace(" ", ", ").replace(":", " "), *(row if isinstance(row, tuple) else (row,) * len(CONVENTIONS)))
        for names, row in DECISIONS.items()
        if row not in (NOTHING, PARTS)
    ]
    grid = Grid(tuple(tuple("–" if cell == NOTHING else cell for cell in row) for row in rows), ("layer", *CONVENTIONS))
    signs = "; ".join(f"`{sign}`: {definition}" for sign, (definition, _) in QUANTITIES.items())
    return to_markdown([grid, Paragraph(f"{signs}.")])
