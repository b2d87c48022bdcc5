"""What every convention counts in a network, side by side, and why they differ: by kind of layer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from cnncalc.analysis import SCHEMA
from cnncalc.figures.conventions import QUANTITIES, TABLES, Comparison, Convention, Rules, compare
from cnncalc.graph import Graph
from cnncalc.layers import kinds
from cnncalc.report.columns import thousands
from cnncalc.report.look import Look
from cnncalc.report.page import Block, Grid, Heading, Paragraph, to_markdown, to_text

HEADINGS = ("convention", "MACs", "difference", "where it differs from torchvision, and what it counts apart")


def comparison_text(graph: Graph, batch: int, look: Look) -> str:
    return to_text(_blocks(graph, batch), look)


def comparison_markdown(graph: Graph, batch: int) -> str:
    return to_markdown(_blocks(graph, batch))


def comparison_csv(graph: Graph, batch: int) -> str:
    """A row for each convention: raw integers."""
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["convention", "macs", "difference", "differences", "apart"])
    for each in compare(graph.nodes, batch):
        sums = [" ".join(f"{name}={count}" for name, count in part.items()) for part in (each.differences, each.apart)]
        writer.writerow([each.name, each.macs, each.difference, *sums])
    return text.getvalue()


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


def _to_dict(counts: Comparison, convention: Convention) -> dict[str, Any]:
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


def _blocks(graph: Graph, batch: int) -> list[Block]:
    rows = tuple(_row(each) for each in compare(graph.nodes, batch))
    notes: list[Block] = [Paragraph(f"For {thousands(batch)} samples.")] if batch > 1 else []
    if unknown := _unknown(graph):
        notes.append(Paragraph(f"All totals are lower bounds: {len(unknown)} of the layers cannot be counted in full."))
    return [
        Grid(rows, HEADINGS, ("code", "number", "number", "text")),
        *notes,
        Heading("What each counts"),
        Grid(tuple((name, convention.text) for name, convention in TABLES.items()), (), ("code", "text")),
    ]


def _row(counts: Comparison) -> tuple[str, ...]:
    # A no-break space holds a layer and its figure together.
    largest = sorted(counts.differences.items(), key=lambda item: -abs(item[1]))
    parts = [f"{kind}\N{NO-BREAK SPACE}{signed(more)}" for kind, more in largest]
    parts += [
        f"{thousands(count)}\N{NO-BREAK SPACE}{name}\N{NO-BREAK SPACE}apart" for name, count in counts.apart.items()
    ]
    return counts.name, thousands(counts.macs), signed(counts.difference), ", ".join(parts)


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
