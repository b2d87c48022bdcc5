"""The difference of two networks: the layers that differ, their old and new figures, and the change of every total."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

from cnncalc.compare.diff import Difference, LayerChange, TotalChange
from cnncalc.compare.networks import NetworkRow
from cnncalc.figures.cost import DEFAULT_CONVENTION
from cnncalc.figures.rows import Row
from cnncalc.notation import shape_text, shortened, thousands
from cnncalc.report.deployment import types_text
from cnncalc.report.document import Block, DataTable, Document, Mark, Notes, Paragraph, TextRow, text_table
from cnncalc.report.markdown import code
from cnncalc.report.networks import COLUMNS

MARKS = {"added": "+", "removed": "-", "changed": "~", "same": ""}
HEADINGS = ("name", "layer", "output", "parameters", "MACs")
ROLES = ("text", "code", "text", "text", "number", "number")

#: The names of totals by their keys; one that is not here goes by its key.
TOTALS = {
    "params": "parameters",
    "macs": "MACs",
    "flops": "FLOPs",
    "params_bytes": "weight bytes",
    "activation_bytes.sum": "feature map bytes",
    "activation_bytes.peak": "peak bytes",
    "activation_bytes.peak_no_inplace": "peak bytes, none in place",
    "activation_bytes.arena": "arena bytes",
    "backward_macs": "backward MACs",
    "conv_activations": "conv activations",
    "traffic_bytes": "traffic bytes",
    "flash_bytes": "flash bytes",
    "ram_bytes": "RAM bytes",
    "saved_bytes": "saved bytes, one sample",
    "training_bytes": "training bytes",
}

#: A device does not train; and what its flash and RAM hold goes by those names.
NOT_OF_DEVICES = ("backward_macs", "saved_bytes", "training_bytes", "params_bytes", "activation_bytes.arena")

FIELD = COLUMNS["field"]

#: A and B, each by its name.
Sides = tuple[NetworkRow, NetworkRow]

#: The number of rows above which Markdown folds the table of layers away.
MANY = 20


class Cell(NamedTuple):
    """The text of A, and the text of B if it differs."""

    before: str
    after: str = ""

    def __str__(self) -> str:
        return f"{self.before} → {self.after}".strip() if self.after else self.before


def difference_document(difference: Difference, networks: Sides, layout: str, context: int) -> Document:
    """Build the difference for a terminal; a changed layer takes two lines, the second with the new figures."""
    sides = [(side, shortened(network.name)) for side, network in zip("AB", networks, strict=True)]
    blocks: list[Block] = [Notes((*sides, *(("", fact) for fact in _facts(difference))))]
    if difference:
        blocks.append(_layers_table(difference, layout, context))
    blocks.append(_totals_table(difference))
    return Document(tuple(blocks))


def difference_comment(difference: Difference, networks: Sides, layout: str) -> Document:
    """Build the difference as a Markdown comment: totals first, then one row for each layer that differs."""
    a, b = (code(shortened(network.name)) for network in networks)
    blocks: list[Block] = [Paragraph(f"**A** {a}<br>\n**B** {b}"), *map(Paragraph, _facts(difference))]
    blocks.append(_totals_table(difference))
    steps = [step for step in difference.layers if step.status != "same"]
    if steps:
        rows = [(step.status, *map(str, _cells(step, layout))) for step in steps]
        summary = _layers(len(steps)) if len(steps) > MANY else ""
        blocks.append(text_table(rows, ("", *HEADINGS), ROLES, setting="plain", summary=summary))
    return Document(tuple(blocks))


def difference_data(difference: Difference, networks: Sides) -> dict[str, object]:
    """Return the difference as a JSON object; `a` and `b` describe the networks compared."""
    schema, *figures = difference.to_dict().items()
    sides: dict[str, dict[str, object]] = {}
    for side, network in zip("ab", networks, strict=True):
        figures_of_side = network.to_dict()
        kept = {key: figures_of_side[key] for key in ("input_shapes", "receptive_field", "unknown")}
        sides[side] = {"source": network.name, "name": network.analysis.graph.name, **kept}
    return dict([schema, *sides.items(), *figures])


def _layers_table(difference: Difference, layout: str, context: int) -> DataTable:
    rows: list[tuple[str, ...] | TextRow] = []
    marks: list[Mark] = []
    for step in _shown(difference, context):
        if isinstance(step, int):
            rows.append(TextRow({"name": "…", "layer": f"{_layers(step)} alike"}, "omitted"))
            marks.append(Mark())
            continue
        cells = _cells(step, layout)
        mark = Mark(role="" if step.status == "same" else step.status)
        rows.append((MARKS[step.status], *(cell.before for cell in cells)))
        marks.append(mark)
        if any(cell.after for cell in cells):
            rows.append(("", *(f"→ {cell.after}" if cell.after else "" for cell in cells)))
            marks.append(mark)
    return text_table(rows, ("", *HEADINGS), ROLES, marks, setting="plain", unlimited=True)


def _facts(difference: Difference) -> Iterator[str]:
    """Yield sentences on how many layers differ, and on operators that are not counted."""
    yield summary(difference)
    for side, analysis in (("A", difference.a), ("B", difference.b)):
        if uncounted := NetworkRow(side, analysis).uncounted:
            yield f"{side}: {uncounted}"


def summary(difference: Difference) -> str:
    """Return a phrase with the numbers of layers added, removed, changed and alike."""
    counts = difference.counts()
    if not difference:
        return f"no difference: {_layers(counts['same'])} alike"
    (first, status), *others = [(counts[each], each) for each in ("added", "removed", "changed") if counts[each]]
    parts = [f"{_layers(first)} {status}", *(f"{count:,} {status}" for count, status in others)]
    return ", ".join([*parts, f"{counts['same']:,} alike"])


def _layers(count: int) -> str:
    return f"{count:,} layer{'' if count == 1 else 's'}"


def _shown(difference: Difference, context: int) -> Iterator[LayerChange | int]:
    """Yield the steps that differ with `context` steps around them, and the number of steps left out between."""
    for same, group in groupby(difference.layers, key=lambda step: step.status == "same"):
        steps = list(group)
        first = 0 if steps[0] is difference.layers[0] else context
        last = 0 if steps[-1] is difference.layers[-1] else context
        left_out = len(steps) - first - last
        # The line "1 layer alike" would take as much room as that layer.
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
    """Return the layer in the notation; if it changed, B's text has the arguments that changed."""
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


def _totals_table(difference: Difference) -> DataTable:
    deployed = difference.b.options.deploy is not None
    rows: list[tuple[str, ...]] = [
        (TOTALS.get(total.key, total.key.replace("_", " ")), thousands(total.a), thousands(total.b), *_change(total))
        for total in difference.totals
        # Few networks have frozen weights.
        if (total.key != "frozen" or total.a or total.b) and not (deployed and total.key in NOT_OF_DEVICES)
    ]
    fields = [FIELD.text(NetworkRow("", analysis), "hwc") for analysis in (difference.a, difference.b)]
    rows.append(("receptive field", *fields, "", ""))
    options = difference.b.options
    batch = f", batch {options.batch:,}" if options.batch > 1 else ""
    convention = "" if options.convention == DEFAULT_CONVENTION else f", MACs by {options.convention}"
    headings = (f"total as {types_text(options)}{batch}{convention}", "A", "B", "change", "per cent")
    return text_table(rows, headings, ("text", *["number"] * 4), setting="plain", unlimited=True)


def _change(total: TotalChange) -> tuple[str, str]:
    """Return the change and its percentage, as in `+1,024` and `+3.1 %`; empty texts where nothing changed."""
    percent = total.percent
    if not total.change:
        return "", ""
    if percent is None:
        return f"{total.change:+,}", ""
    if abs(percent) < 0.05:
        return f"{total.change:+,}", f"{'+' if percent > 0 else '-'}<0.1 %"
    return f"{total.change:+,}", f"{percent:+,.1f} %"
