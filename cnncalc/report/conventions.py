"""The MACs of a network by every convention, side by side, and the kinds of layers that make them differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cnncalc.analysis import SCHEMA
from cnncalc.figures.conventions import QUANTITIES, TABLES, Convention, ConventionCount, Rules, compare
from cnncalc.figures.cost import DEFAULT_CONVENTION
from cnncalc.graph import Graph
from cnncalc.layers import kinds
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
    Column(
        "apart",
        "and apart",
        lambda row, _: _listed(row.apart),
        lambda row, _: ", ".join(f"{thousands(count)}{NBSP}{name}" for name, count in row.apart.items()),
        folding="prose",
    ),
)


def comparison_document(graph: Graph, batch: int) -> Document:
    """A row for each convention, and below what each counts."""
    notes = [(name, convention.text) for name, convention in TABLES.items()]
    if unknown := _unknown(graph):
        notes.append(("unknown", f"{len(unknown)} of the layers are not counted in full: all totals are lower bounds"))
    if batch > 1:
        notes.append(("batch", f"MACs are for {thousands(batch)} samples"))
    return Document((DataTable(COLUMNS, compare(graph.nodes, batch)), Notes(tuple(notes), role="code")))


def comparison_data(graph: Graph, batch: int) -> dict[str, Any]:
    """The JSON object: each convention's total, definition and rules."""
    found: dict[str, Any] = {
        "schema": SCHEMA,
        "name": graph.name,
        "batch": batch,
        "conventions": [_to_dict(each, TABLES[each.name]) for each in compare(graph.nodes, batch)],
    }
    if unknown := _unknown(graph):
        found["unknown"] = unknown
    return found


def _unknown(graph: Graph) -> list[str]:
    """The layers of a model file that no convention counts in full."""
    return [node.name for node in graph.nodes if not node.layer.known]


def _to_dict(counts: ConventionCount, convention: Convention) -> dict[str, Any]:
    return {
        "convention": counts.name,
        "definition": convention.definition,
        "checked": convention.checked or None,
        "macs": counts.macs,
        "flops": 2 * counts.macs,
        "difference": counts.difference,
        "by_type": counts.by_kind,
        "differences": counts.differences,
        "apart": counts.apart,
        "rules": {kind: rule for kinds, rule in convention.rules.items() for kind in kinds.split()},
    }


def _listed(counts: dict[str, int]) -> str:
    return " ".join(f"{name}={count}" for name, count in counts.items())


def _largest_first(differences: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(differences.items(), key=lambda item: -abs(item[1]))


def signed(value: int) -> str:
    """`+1,234`; nothing where there is no difference."""
    return f"{value:+,}" if value else ""


def rules_document() -> Document:
    """The rules of every convention: a row for kinds that count alike, a column for conventions that do."""
    columns: dict[tuple[Any, Any], list[str]] = {}
    for name, convention in TABLES.items():
        columns.setdefault((tuple(convention.rules.items()), tuple(convention.apart)), []).append(name)
    rows: dict[tuple[str, ...], list[str]] = {}
    for kind in _counted_kinds():
        cells = tuple(_cell(TABLES[names[0]], kind) for names in columns.values())
        rows.setdefault(cells, []).append(kind.replace(":", " "))
    grid = tuple((", ".join(kinds), *cells) for cells, kinds in rows.items())
    rules = text_table(grid, ("layer", *(", ".join(names) for names in columns.values())))
    signs = "; ".join(f"`{sign}`: {what}" for sign, (what, _) in QUANTITIES.items())
    return Document((rules, Paragraph(f"{signs}.")))


def _counted_kinds() -> Iterator[str]:
    """The kinds that some convention counts, in the catalogue's order, with their mode where that matters."""
    tables = [rules for convention in TABLES.values() for rules in (convention.rules, *convention.apart.values())]
    named = {name for rules in tables for names in rules for name in names.split()}
    for kind in kinds():
        found = [name.split(":") for name in named if name.split(":")[0] == kind]
        modes = {parts[1] for parts in found if len(parts) > 1 and not _is_rank(parts[1])}
        if modes:
            yield from sorted((f"{kind}:{mode}" for mode in modes), reverse=True)
        elif found:
            yield kind


def _cell(convention: Convention, kind: str) -> str:
    """`in (2d); n add`: the rule for MACs, for how many axes where that matters, then those apart."""
    parts = list(_rules_of(convention.rules, kind))
    for name, rules in convention.apart.items():
        parts += [f"{rule} {name}" for rule in _rules_of(rules, kind)]
    return "; ".join(parts) or "–"


def _rules_of(rules: Rules, kind: str) -> Iterator[str]:
    for names, rule in rules.items():
        for name in names.split():
            *word, last = name.split(":")
            if name in (kind, kind.partition(":")[0]):
                yield rule
            elif ":".join(word) == kind and _is_rank(last):
                yield f"{rule} ({last})"


def _is_rank(part: str) -> bool:
    return part in ("1d", "2d", "3d")
