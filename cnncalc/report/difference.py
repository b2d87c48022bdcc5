"""Two networks side by side: the layers that differ, old figures over new ones, and every total with its change."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from cnncalc.analysis import Row
from cnncalc.compare.diff import Difference, LayerChange, TotalChange
from cnncalc.compare.networks import NetworkRow
from cnncalc.figures.cost import DEFAULT_CONVENTION
from cnncalc.notation import shape_text, shortened, thousands
from cnncalc.report.document import UNFOLDED, Block, Grid, to_text
from cnncalc.report.markdown import code, escaped, table
from cnncalc.report.networks import COLUMNS
from cnncalc.report.options import RenderOptions

MARKS = {"added": "+", "removed": "-", "changed": "~", "same": ""}
HEADINGS = ("name", "layer", "output", "parameters", "MACs")
NUMERIC = (False, False, False, True, True)

#: What a total is called, by its key; one that is not here goes by its key.
TOTALS = {
    "params": "parameters",
    "macs": "MACs",
    "flops": "FLOPs",
    "params_bytes": "weight bytes",
    "activation_bytes.sum": "feature map bytes",
    "activation_bytes.peak": "peak bytes",
    "activation_bytes.peak_no_inplace": "peak bytes, none in place",
    "activation_bytes.arena": "arena bytes",
    "training_bytes": "training bytes (estimate)",
}

FIELD = COLUMNS["field"]

#: A and B, each by its name.
Sides = tuple[NetworkRow, NetworkRow]

#: From so many rows on, Markdown folds the table of layers away.
MANY = 20


class Cell(NamedTuple):
    """What stands there in A, and in B where that is something else."""

    before: str
    after: str = ""

    def __str__(self) -> str:
        return f"{self.before} → {self.after}".strip() if self.after else self.before


def difference_text(found: Difference, networks: Sides, look: RenderOptions, context: int) -> str:
    """The difference for a person; a changed layer takes two lines, the second with what is new."""
    sides = zip("AB", networks, strict=True)
    head = [*((side, shortened(network.name)) for side, network in sides), *(("", line) for line in _facts(found))]
    rows: list[tuple[str, ...]] = []
    roles: dict[int, str] = {}
    for step in _shown(found, context):
        if isinstance(step, int):
            rows.append(("", "…", f"{_layers(step)} alike", "", "", ""))
            roles[len(rows) - 1] = "rule"
            continue
        cells = _cells(step, look.layout)
        if step.status != "same":
            roles[len(rows)] = step.status
        rows.append((MARKS[step.status], *(cell.before for cell in cells)))
        if any(cell.after for cell in cells):
            roles[len(rows)] = step.status
            rows.append(("", *(f"→ {cell.after}" if cell.after else "" for cell in cells)))
    aligned = tuple("number" if numeric else "text" for numeric in NUMERIC)
    blocks: list[Block] = [Grid(tuple(head), roles=("rule",))]
    if found:
        blocks.append(Grid(tuple(rows), ("", *HEADINGS), ("text", "code", *aligned[1:]), roles))
    headings, totals = _totals(found)
    blocks.append(Grid(tuple(totals), headings, ("text", "number", "number", "number", "number")))
    return to_text(blocks, look if look.width else look._replace(width=UNFOLDED))


def difference_markdown(found: Difference, networks: Sides, layout: str) -> str:
    """The difference as Markdown for a comment: totals first, then the layers that differ."""
    headings, totals = _totals(found)
    a, b = (code(shortened(network.name)) for network in networks)
    parts = [
        f"**A** {a}<br>\n**B** {b}\n",
        *(f"{line}\n" for line in _facts(found)),
        table(headings, (False, True, True, True, True), (list(map(escaped, row)) for row in totals)),
    ]
    steps = [step for step in found.layers if step.status != "same"]
    if steps:
        rows = ([step.status, *(escaped(str(cell)) for cell in _cells(step, layout))] for step in steps)
        layers = table(("", *HEADINGS), (False, *NUMERIC), rows)
        many = len(steps) > MANY
        parts += [f"<details><summary>{_layers(len(steps))}</summary>\n", layers, "</details>\n"] if many else [layers]
    return "\n".join(parts)


def difference_json(found: Difference, networks: Sides) -> str:
    """The difference as a JSON object, `a` and `b` telling what was compared."""
    told = found.to_dict()
    sides: dict[str, dict[str, object]] = {}
    for side, network in zip("ab", networks, strict=True):
        its = network.to_dict()
        kept = {key: its[key] for key in ("input_shapes", "receptive_field", "unknown")}
        sides[side] = {"source": network.name, "name": network.analysis.graph.name, **kept}
    return json.dumps({"schema": told.pop("schema"), **sides, **told}, indent=2, ensure_ascii=False) + "\n"


def _facts(found: Difference) -> Iterator[str]:
    """What there is to say in words: how many layers differ, and what is not counted."""
    yield summary(found)
    for side, analysis in (("A", found.a), ("B", found.b)):
        if uncounted := NetworkRow(side, analysis).uncounted:
            yield f"{side}: {uncounted}"


def summary(found: Difference) -> str:
    """How many layers differ, in a sentence."""
    counts = found.counts()
    if not found:
        return f"no difference: {_layers(counts['same'])} alike"
    told = [(counts[status], status) for status in ("added", "removed", "changed") if counts[status]]
    (first, status), *others = told
    parts = [f"{_layers(first)} {status}", *(f"{count:,} {status}" for count, status in others)]
    return ", ".join([*parts, f"{counts['same']:,} alike"])


def _layers(count: int) -> str:
    return f"{count:,} layer{'' if count == 1 else 's'}"


def _shown(found: Difference, context: int) -> Iterator[LayerChange | int]:
    """The steps that differ with so many others around them; for those left out, their number."""
    for same, group in groupby(found.layers, key=lambda step: step.status == "same"):
        steps = list(group)
        first = 0 if steps[0] is found.layers[0] else context
        last = 0 if steps[-1] is found.layers[-1] else context
        left_out = len(steps) - first - last
        # A line that says "1 layer alike" would take as much room as that layer.
        if not same or left_out <= 1:
            yield from steps
            continue
        yield from steps[:first]
        yield left_out
        yield from steps[len(steps) - last :]


def _cells(step: LayerChange, layout: str) -> tuple[Cell, ...]:
    a, b, row = step.a, step.b, step.row

    def figure(key: str) -> Cell:
        if key in step.changes:
            was, now = step.changes[key]
            return Cell(thousands(was), thousands(now))
        # Where nothing is learnt or multiplied, nothing stands: the eye finds what is there.
        return Cell(thousands(value) if (value := getattr(row, key)) else "")

    output = Cell(shape_text(row.output_shape, layout))
    if a and b and "output_shape" in step.changes:
        output = Cell(shape_text(a.output_shape, layout), shape_text(b.output_shape, layout))
    return Cell(row.name), _layer(step), output, figure("params"), figure("macs")


def _layer(step: LayerChange) -> Cell:
    """The layer in the language's words; of a changed one, B's side has the words that changed."""
    a, b, changes = step.a, step.b, step.changes
    if a is None or b is None or not changes:
        return Cell(step.row.description)
    before, after = _words(a, b, changes)
    if "inputs" in changes:
        before.append(f"from {', '.join(a.inputs) or 'nothing'}")
        after.append(f"from {', '.join(b.inputs) or 'nothing'}")
    if "output" in changes:
        after.append("an output" if changes["output"][1] else "no output")
    return Cell(" ".join(before), " ".join(after))


def _words(a: Row, b: Row, changes: Any) -> tuple[list[str], list[str]]:
    if "layer" in changes:
        return [a.description], [b.description]
    before, after = [a.type], []
    old, new = a.node.layer, b.node.layer
    for name, argument in old.arguments.items():
        was, now = getattr(old, name), getattr(new, name)
        if name in changes:
            after.append(argument.write(now))
        # What changed stands there even where it was the default.
        follows = argument.like and was == getattr(old, argument.like)
        if name in changes or not (follows or argument.is_default(was)):
            before.append(argument.write(was))
    return before, after


def _totals(found: Difference) -> tuple[tuple[str, ...], Sequence[tuple[str, ...]]]:
    rows: list[tuple[str, ...]] = [
        (TOTALS.get(total.key, total.key.replace("_", " ")), thousands(total.a), thousands(total.b), *_change(total))
        for total in found.totals
    ]
    fields = [FIELD.text(NetworkRow("", analysis), "hwc") for analysis in (found.a, found.b)]
    rows.append(("receptive field", *fields, "", ""))
    options = found.b.options
    batch = f", batch {options.batch:,}" if options.batch > 1 else ""
    convention = "" if options.convention == DEFAULT_CONVENTION else f", MACs by {options.convention}"
    return (f"total as {options.dtype}{batch}{convention}", "A", "B", "change", "per cent"), rows


def _change(total: TotalChange) -> tuple[str, str]:
    """`+1,024` and `+3.1 %`; nothing where nothing changed."""
    percent = total.percent
    if not total.change:
        return "", ""
    if percent is None:
        return f"{total.change:+,}", ""
    if abs(percent) < 0.05:
        return f"{total.change:+,}", f"{'+' if percent > 0 else '-'}<0.1 %"
    return f"{total.change:+,}", f"{percent:+,.1f} %"
