"""What every convention counts in a network, side by side, and why they differ: by kind of layer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from cnncalc.analysis import SCHEMA
from cnncalc.figures.conventions import TABLES, Comparison, Convention, compare
from cnncalc.graph import Graph
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
    found = {
        "schema": SCHEMA,
        "name": graph.name,
        "batch": batch,
        "conventions": [_to_dict(each, TABLES[each.name]) for each in compare(graph.nodes, batch)],
    }
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


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
    counts = compare(graph.nodes, batch)
    yield Grid(tuple(_row(each) for each in counts), HEADINGS, ("code", "number", "number", "text"))
    if batch > 1:
        yield Paragraph(f"For {thousands(batch)} samples.")
    yield Heading("What each counts")
    yield Grid(tuple((name, convention.text) for name, convention in TABLES.items()), (), ("code", "text"))


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
    """The rules as the README shows them: a row for each convention."""
    rows = tuple(
        (f"`{name}`", _rules_text(convention), convention.checked or "no run") for name, convention in TABLES.items()
    )
    return to_markdown([Grid(rows, ("convention", "what a layer counts; all else counts 0", "checked with"))])


def _rules_text(convention: Convention) -> str:
    parts = [f"{names.replace(' ', ', ')}: `{rule}`" for names, rule in convention.rules.items()]
    for name, rules in convention.apart.items():
        parts.append(f"*{name}* " + ", ".join(f"{names.replace(' ', ', ')}: `{rule}`" for names, rule in rules.items()))
    return "; ".join(parts)
