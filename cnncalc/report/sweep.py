"""The answer of a sweep: a row for each variant, its values first, and how many variants there were."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from cnncalc.analysis import SCHEMA
from cnncalc.notation import bytes_text, short, thousands
from cnncalc.report.columns import text_column
from cnncalc.report.document import Block, Column, DataTable, Document, Notes, Paragraph
from cnncalc.shape import dims_text
from cnncalc.sweep.library import SweepResult, Variant
from cnncalc.sweep.space import axes_text, value_text

#: The lines that calculate the rows are shown for so many of them.
MOST_COMMANDS = 20
#: Headings that say more than the last key of a figure's path.
HEADINGS = {
    "totals.params": "parameters",
    "totals.macs": "MACs",
    "totals.flops": "FLOPs",
    "totals.activation_bytes.peak": "peak bytes",
    "totals.params_bytes": "weight bytes",
    "totals.saved_bytes": "saved bytes",
    "totals.training_bytes": "training bytes",
}


class NumberedVariant(NamedTuple):
    """A row of the table: its number, counted from 1, and its variant."""

    number: int
    variant: Variant


def lines_of(result: SweepResult) -> list[NumberedVariant]:
    """Return the rows of an answer."""
    return [NumberedVariant(number, variant) for number, variant in enumerate(result.rows, 1)]


def columns_of(result: SweepResult, commands: bool = False) -> list[Column]:
    """Return the columns: the row's number, values, whether on the front, figures and, if asked, its command."""
    columns = [_count("row", "row", lambda line: line.number)]
    columns += [_value_column(name) for name in result.sweep.space.names]
    if result.found.front is not None and not all(line.on_front for line in result.rows):
        columns.append(text_column("front", "front", lambda line: "●" if line.variant.on_front else "", folding="none"))
    for path in [name.path for name in result.sweep.names] + list(result.sweep.analyzed):
        columns.append(_figure_column(path, result))
    if commands:
        columns.append(text_column("command", "command", lambda line: result.command(line.variant), role="code"))
    return columns


def _value_column(name: str) -> Column:
    return text_column(name, name, lambda line: value_text(line.variant.values[name]), setting="sizes", folding="none")


def _figure_column(path: str, result: SweepResult) -> Column:
    def value(line: NumberedVariant) -> Any:
        return line.variant.figures.get(path)

    return _count(result.short(path), _heading(path, result), value)


def _heading(path: str, result: SweepResult) -> str:
    return HEADINGS.get(path, result.short(path).replace("_", " "))


def _count(key: str, heading: str, get: Any) -> Column:
    def value(line: Any, _: str) -> Any:
        figure = get(line)
        return dims_text(figure) if isinstance(figure, (list, tuple)) else figure

    def text(line: Any, layout: str) -> str:
        figure = value(line, layout)
        return "–" if figure is None else thousands(figure) if isinstance(figure, int) else str(figure)

    return Column(key, heading, value, text, True)


def sweep_document(result: SweepResult, title: str) -> Document:
    """Build the table of an answer, with notes on the space."""
    return Document(tuple(_blocks(result, title)))


def _blocks(result: SweepResult, title: str) -> Iterator[Block]:
    lines = lines_of(result)
    if lines:
        yield DataTable(columns_of(result), lines, unlimited=True)
    yield Notes(tuple(_notes(result)))
    if lines:
        shown = lines[:MOST_COMMANDS]
        yield Notes(tuple([(f"row {line.number}", result.command(line.variant)) for line in shown]))
    if len(lines) > MOST_COMMANDS:
        yield Paragraph(f"`--pick {lines[-1].number}` prints the spec of row {lines[-1].number}.")


def _notes(result: SweepResult) -> Iterator[tuple[str, str]]:
    looked = f"{_variants(result.count)} of {axes_text(result.sweep.whole)}"
    if result.sweep.sampled:
        looked = f"{_variants(result.count)} drawn from {thousands(result.sweep.whole.variants)}"
    if not result.complete:
        looked = f"{thousands(result.done)} of {looked}: the sweep was interrupted"
    yield "space", looked
    conditions = " and ".join(f"`{' '.join(each.split())}`" for each in result.sweep.where)
    if conditions:
        yield "hold", f"{_share(result.kept, result.done)}: {conditions}"
    elif result.failed:
        yield "fit", _share(result.kept, result.done)
    for problem, count in result.failed.items():
        place = f" at {problem.line}:{problem.column}" if problem.line else ""
        yield problem.code, f"{_variants(count)} {_do(count, 'fail')}{place}: {problem.message}"
    if result.found.front is not None:
        goals = ", ".join(
            f"{'more' if goal.sign < 0 else 'fewer'} {_heading(goal.key, result)}" for goal in result.sweep.query.front
        )
        yield "front", f"{_variants(len(result.found.front))} that no other is as good as: {goals}"
    units = [_unit_note(result)]
    yield from [each for each in units if each]


def _unit_note(result: SweepResult) -> tuple[str, str] | None:
    """Return what the bytes of the table are of."""
    if not any(name.in_bytes for name in result.sweep.names):
        return None
    dtype = "as each row's type" if "dtype" in result.sweep.space.names else f"as {result.sweep.fixed.dtype}"
    batch = "" if result.sweep.fixed.batch == 1 else f", for {thousands(result.sweep.fixed.batch)} samples"
    return "bytes", f"{dtype}{batch}; the peak is of the feature maps, without weights"


def _share(count: int, of: int) -> str:
    return f"{thousands(count)} of {thousands(of)}"


def _variants(count: int) -> str:
    return f"{thousands(count)} variant{'' if count == 1 else 's'}"


def _do(count: int, verb: str) -> str:
    return f"{verb}s" if count == 1 else verb


def sweep_data(result: SweepResult) -> dict[str, object]:
    """Return the answer as a JSON object."""
    fixed = result.sweep.fixed
    return {
        "schema": SCHEMA,
        "batch": fixed.batch,
        "dtype": fixed.dtype,
        "convention": fixed.convention,
        "space": {
            "variants": result.count,
            "axes": [
                {"names": list(axis.names), "values": [[plain(value) for value in row] for row in axis.rows]}
                for axis in result.sweep.whole.axes
            ],
        },
        "looked_at": result.done,
        "complete": result.complete,
        "kept": result.kept,
        "excluded": result.excluded,
        "failed": [
            {"code": each.code, "message": each.message, "line": each.line, "column": each.column, "variants": count}
            for each, count in result.failed.items()
        ],
        "front": None if result.found.front is None else len(result.found.front),
        "rows": [row_data(line, result) for line in lines_of(result)],
    }


def row_data(line: NumberedVariant, result: SweepResult) -> dict[str, object]:
    """Return a row as a JSON object."""
    return {
        "row": line.number,
        "values": {name: plain(value) for name, value in line.variant.values.items()},
        "figures": {result.short(path): plain(value) for path, value in line.variant.figures.items()},
        **({} if result.found.front is None else {"front": line.variant.on_front}),
        "command": result.command(line.variant),
    }


def plain(value: Any) -> Any:
    """Return a value as JSON has it: whole numbers as they are, fractions and shapes as text."""
    return value if isinstance(value, (int, float, str, list)) or value is None else value_text(value)


def count_document(facts: Sequence[tuple[str, str]]) -> Document:
    """Build the answer of `--count`."""
    return Document((Notes(tuple(facts)),))


def count_facts(data: dict[str, Any], axes: str) -> list[tuple[str, str]]:
    """Return what a space comes to in words, from the data of it."""
    facts = [("space", f"{_variants(data['variants'])} of {axes}")]
    structures, layers = data["structures"], data["layers"]
    facts.append(("structures", f"{thousands(structures)}, each built once: {thousands(layers)} layers in all"))
    seconds = data["seconds"]
    facts.append(("takes", f"about {_duration(seconds)} here, at {short(int(data['per_second']))} variants a second"))
    facts.append(
        ("memory", f"{bytes_text(data['bytes'])} for the structures, and some {bytes_text(data['chunk_bytes'])}")
    )
    return facts


def _duration(seconds: float) -> str:
    if seconds < 1:
        return "a second"
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}s"
    return f"{seconds:.0f} seconds"
