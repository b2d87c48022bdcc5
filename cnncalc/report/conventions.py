"""What every convention counts in a network, side by side, and why they differ: by kind of layer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from cnncalc.analysis import SCHEMA
from cnncalc.figures.conventions import QUANTITIES, TABLES, Convention, ConventionCount, Rules, compare
from cnncalc.figures.cost import DEFAULT_CONVENTION
from cnncalc.graph import Graph
from cnncalc.layers import kinds
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
    Column(
        "apart",
        "and apart",
        "what it counts beside MACs",
        lambda its, _: _listed(its.apart),
        lambda its, _: ", ".join(f"{thousands(count)}{NBSP}{name}" for name, count in its.apart.items()),
    ),
)


def comparison_sheet(graph: Graph, batch: int) -> DataTable:
    """A row for each convention; the notes say what each counts."""
    notes = [(name, convention.text) for name, convention in TABLES.items()]
    if unknown := _unknown(graph):
        notes.append(("unknown", f"{len(unknown)} of the layers are not counted in full: all totals are lower bounds"))
    if batch > 1:
        notes.append(("batch", f"MACs are for {thousands(batch)} samples"))
    return DataTable(COLUMNS, compare(graph.nodes, batch), notes=tuple(notes))


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
        "conventions": [_to_dict(each, TABLES[each.name]) for each in compare(graph.nodes, batch)],
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


def conventions_markdown() -> str:
    """The rules as the README shows them: a row for kinds that count alike, a column for conventions that do."""
    columns: dict[tuple[Any, Any], list[str]] = {}
    for name, convention in TABLES.items():
        columns.setdefault((tuple(convention.rules.items()), tuple(convention.apart)), []).append(name)
    rows: dict[tuple[str, ...], list[str]] = {}
    for kind in _counted_kinds():
        cells = tuple(_cell(TABLES[names[0]], kind) for names in columns.values())
        rows.setdefault(cells, []).append(kind.replace(":", " "))
    grid = tuple((", ".join(kinds), *cells) for cells, kinds in rows.items())
    rules = Grid(grid, ("layer", *(", ".join(names) for names in columns.values())))
    signs = "; ".join(f"`{sign}`: {what}" for sign, (what, _) in QUANTITIES.items())
    return to_markdown([rules, Paragraph(f"{signs}.")])


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
