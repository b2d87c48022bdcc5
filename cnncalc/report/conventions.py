"""The MACs of a network by every convention, side by side, and the kinds of layers that make them differ."""

from __future__ import annotations

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
from cnncalc.report.columns import count_column, text_column
from cnncalc.report.document import Column, DataTable, Document, Notes, Paragraph, text_table

NBSP = "\N{NO-BREAK SPACE}"

#: The columns of the comparison. A no-break space holds a layer or a name and its figure together.
COLUMNS = (
    text_column("convention", "convention", lambda row: row.name, role="code", folding="prose"),
    count_column("macs", "MACs", lambda row: row.macs),
    Column(
        "difference",
        f"over {DEFAULT_CONVENTION}",
        lambda row, _: row.difference,
        lambda row, _: signed(row.difference),
        numeric=True,
    ),
    Column(
        "differences",
        "where",
        lambda row, _: _listed(row.differences),
        lambda row, _: ", ".join(f"{kind}{NBSP}{signed(more)}" for kind, more in _largest_first(row.differences)),
        folding="prose",
    ),
)


def comparison_document(graph: Graph, batch: int) -> Document:
    """Build the table of a network's MACs, a row for each convention, with the definitions below."""
    notes = [(name, convention.text) for name, convention in TABLES.items()]
    if unknown := _unknown(graph):
        notes.append(("unknown", f"{len(unknown)} of the layers are not counted in full: all totals are lower bounds"))
    if batch > 1:
        notes.append(("batch", f"MACs are for {thousands(batch)} samples"))
    return Document((DataTable(COLUMNS, compare_conventions(graph.nodes, batch)), Notes(tuple(notes), role="code")))


def comparison_data(graph: Graph, batch: int) -> dict[str, Any]:
    """Return the comparison as a JSON object: the total, definition and rules of each convention."""
    data: dict[str, Any] = {
        "schema": SCHEMA,
        "name": graph.name,
        "batch": batch,
        "conventions": [_to_dict(each, TABLES[each.name]) for each in compare_conventions(graph.nodes, batch)],
    }
    if unknown := _unknown(graph):
        data["unknown"] = unknown
    return data


def _unknown(graph: Graph) -> list[str]:
    """Return the names of the layers of a model file that no convention counts in full."""
    return [node.name for node in graph.nodes if not node.layer.known or not node.shape.is_known]


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
    """Return the value with its sign, as in `+1,234`; an empty text for 0."""
    return f"{value:+,}" if value else ""


def rules_document() -> Document:
    """Build the table of every convention's decisions, a row for each kind of layer that some convention counts."""
    rows = [
        (names.replace(" ", ", ").replace(":", " "), *(row if isinstance(row, tuple) else (row,) * len(CONVENTIONS)))
        for names, row in DECISIONS.items()
        if row not in (NOTHING, PARTS)
    ]
    cells = [tuple("–" if cell == NOTHING else cell for cell in row) for row in rows]
    signs = "; ".join(f"`{sign}`: {definition}" for sign, (definition, _) in QUANTITIES.items())
    return Document((text_table(cells, ("layer", *CONVENTIONS)), Paragraph(f"{signs}.")))
