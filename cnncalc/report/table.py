"""The table for a person: a row for each layer, bars where parameters and MACs are, totals and warnings below."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cnncalc.analysis import Analysis, exceeds
from cnncalc.diagnostics import Diagnostic
from cnncalc.figures.cost import DEFAULT_CONVENTION
from cnncalc.report.bars import bars_of
from cnncalc.report.columns import Column, bytes_text, short, thousands, uncounted
from cnncalc.report.folding import folded_prose, folded_text, parts_of
from cnncalc.report.look import Look
from cnncalc.report.tree import Line, below, collapsed, least_name, rails

GAP = 2
#: Bars take what room there is, up to so many cells; where there is less than the least, a shade stands for them.
MOST_BAR, NATURAL_BAR, LEAST_BAR = 12, 8, 4
#: The columns that are folded where there is no room, in this order, and how narrow they may get.
FOLDING = ("inputs", "layer", "input", "name")
LEAST_TEXT = 10
#: The words below the table are folded to this where no terminal says otherwise.
PROSE_WIDTH = 100
#: A longer table shows its first and its last rows.
MOST_ROWS = 2_000
#: Warnings beyond these are counted, not shown.
MOST_WARNINGS = 5


class Failure(NamedTuple):
    """The row at which a network breaks off: the layer's name and its text."""

    name: str
    layer: str


def to_table(analysis: Analysis, columns: Sequence[Column], look: Look, failure: Failure | None = None) -> str:
    """The table as text, with colour codes where the look has colour."""
    lines = collapsed(analysis.rows, look.depth)
    margins = [(rail, aside) for rail, aside in rails(lines, look.unicode)]
    left_out = len(lines) - MOST_ROWS
    if left_out > 0:
        middle = slice(MOST_ROWS // 2, len(lines) - MOST_ROWS // 2)
        del lines[middle], margins[middle]
    cells = [
        [_cell(column, line, aside, analysis, look) for column in columns]
        for line, (_, aside) in zip(lines, margins, strict=True)
    ]
    totals = [thousands(getattr(analysis.totals, column.key)) if column.numeric else "" for column in columns]
    if not columns[0].numeric:
        totals[0] = "total, at least" if analysis.unknown else "total"
    named = [
        [(rail if column.key == "name" else "") + cell for column, cell in zip(columns, row, strict=True)]
        for row, (rail, _) in zip(cells, margins, strict=True)
    ]
    broken = [_failed(failure, columns, look)] if failure is not None else []
    headings = [column.heading for column in columns]
    least = least_name(rail for rail, _ in margins)
    widths, bar = _widths(columns, [*named, headings, totals, *broken], look, least)
    bars = {
        index: bars_of([column.value(line, look.layout) for line in lines], bar, look.unicode)
        for index, column in enumerate(columns)
        if bar and column.key in ("params", "macs")
    }
    # Between two columns stand one space of padding and the (blank) divider of the box: GAP.
    table = Table(
        box=_rules(look), show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0), show_footer=failure is None
    )
    for index, column in enumerate(columns):
        room = f" {' ' * bar}" if index in bars else ""
        table.add_column(
            Text(_aligned(column.heading, column, widths[index]) + room, "bold"),
            Text(_aligned(totals[index], column, widths[index]) + room, "bold"),
            width=widths[index] + len(room),
            no_wrap=True,
            overflow="ignore",
        )
    for number, (line, row, (rail, _)) in enumerate(zip(lines, cells, margins, strict=True)):
        if left_out > 0 and number == MOST_ROWS // 2:
            table.add_row(*(Text(text, "dim") for text in _omission(columns, left_out, look)))
        folded = [
            folded_text(cell, widths[index] - (len(rail) if columns[index].key == "name" else 0))
            for index, cell in enumerate(row)
        ]
        height = max(map(len, folded))
        styled = []
        for index, column in enumerate(columns):
            # Where nothing is learnt or multiplied, nothing stands: the eye finds what is there.
            parts = [""] if column.numeric and row[index] == "0" else folded[index]
            style = "dim" if line.implicit else _style(column)
            if column.key == "name" and rail:
                content = _railed(rail, [*parts, *[""] * (height - len(parts))], style, look)
            else:
                content = Text("\n".join(_aligned(part, column, widths[index]) for part in parts), style)
            if index in bars:
                content.append(" " + bars[index][number], "cyan")
            styled.append(content)
        table.add_row(*styled)
    if failure is not None:
        table.add_row(*(Text(text, "bold red") for text in broken[0]))
    width = max(look.width or 0, sum(widths) + (1 + bar) * len(bars) + GAP * (len(columns) - 1))
    if failure is not None:
        return _rendered([table], look, width)
    if left_out > 0:
        instead = "--format csv has them all, --depth collapses blocks"
        footnote = Text(f"\n{thousands(left_out)} rows are left out: {instead}")
        return _rendered([table, footnote, *_footer(analysis, look)], look, width)
    return _rendered([*([table] if lines else []), *_footer(analysis, look)], look, width)


def _omission(columns: Sequence[Column], left_out: int, look: Look) -> list[str]:
    """The row that stands for those in the middle of a table that nobody would read."""
    texts = {columns[0].key: "…" if look.unicode else "...", "layer": f"{thousands(left_out)} rows"}
    return [texts.get(column.key, "") for column in columns]


def _cell(column: Column, line: Line, aside: str, analysis: Analysis, look: Look) -> str:
    text = column.text(line, look.layout)
    if column.key == "layer" and line.implicit:
        return f"{text} (implicit)"
    if column.key == "layer" and aside:
        return f"{text} + {aside}"
    if column.key == "field" and exceeds(line.receptive_field, analysis.graph.nodes[0].shape):
        return f"{text}*"
    return text


def _railed(rail: str, parts: list[str], style: str, look: Look) -> Text:
    """A name behind its rail, which goes on beside the further lines of the row."""
    further = below(rail, look.unicode)
    content = Text()
    for number, part in enumerate(parts):
        content.append(("\n" if number else "") + (further if number else rail), "dim")
        content.append(part, style)
    return content


def _style(column: Column) -> str:
    return {"name": "cyan", "output": "green"}.get(column.key, "none")


def _aligned(text: str, column: Column, width: int) -> str:
    return text.rjust(width) if column.numeric else text


def _rules(look: Look) -> box.Box:
    """A rule under the headings and one over the totals, nothing else."""
    rule = ("─" if look.unicode else "-") * 4
    lines = ["    ", "    ", rule, "    ", "    ", rule, "    ", "    "]
    return box.Box("\n".join(lines), ascii=not look.unicode)


def _widths(
    columns: Sequence[Column], lines: list[list[str]], look: Look, least_of_names: int
) -> tuple[list[int], int]:
    """The width of each column, and of the bars: text folds where there is no room, numbers never do."""
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    barred = sum(column.key in ("params", "macs") for column in columns)
    if look.width is None:
        return widths, NATURAL_BAR if barred else 0
    room = look.width - sum(widths) - GAP * (len(columns) - 1)
    # Between words first; within them only where the table would be too wide.
    for whole, key in product((True, False), FOLDING):
        for index, column in enumerate(columns):
            if room < 0 and column.key == key:
                parts = [len(part) for line in lines for part in parts_of(line[index])] if whole else []
                least = least_of_names if key == "name" else max([LEAST_TEXT, *parts])
                given = max(min(widths[index], least), widths[index] + room)
                room += widths[index] - given
                widths[index] = given
    bar = min(MOST_BAR, room // barred - 1) if barred and room > 0 else 0
    return widths, bar if bar >= LEAST_BAR else min(max(bar, 0), 1)


def _failed(failure: Failure, columns: Sequence[Column], look: Look) -> list[str]:
    texts = {"name": failure.name, "layer": failure.layer, "output": "✗" if look.unicode else "x"}
    return [texts.get(column.key, "") for column in columns]


def _footer(analysis: Analysis, look: Look) -> Iterator[Text]:
    totals, options = analysis.totals, analysis.options
    dot = " · " if look.unicode else ", "
    weights = f"{bytes_text(totals.params_bytes)} as {options.dtype}"
    if totals.buffers:
        weights += f", {thousands(totals.buffers)} buffers included"
    memory = totals.activation_bytes
    lines = [
        ("parameters", _both(totals.params) + dot + weights),
        ("MACs", _both(totals.macs) + dot + f"{_both(totals.flops)} FLOPs"),
        (
            "activations",
            f"{thousands(totals.activations)}{dot}{bytes_text(memory.peak)} live at most, at {totals.peak_layer}"
            ", weights apart",
        ),
    ]
    if options.convention != DEFAULT_CONVENTION:
        lines += _convention(analysis)
    if analysis.unknown:
        lines.append(("unknown", uncounted(analysis.unknown)))
    if options.batch > 1:
        lines.append(("batch", f"MACs and activations are for {thousands(options.batch)} samples, shapes for one"))
    if any(exceeds(row.receptive_field, analysis.graph.nodes[0].shape) for row in analysis.rows):
        lines.append(("*", "the receptive field is larger than the input"))
    indent = max(len(label) for label, _ in lines) + GAP
    yield Text()
    for label, text in lines:
        for number, part in enumerate(folded_prose(text, (look.width or PROSE_WIDTH) - indent)):
            yield Text.assemble((("" if number else label).ljust(indent), "dim"), part)
    yield from _warnings(analysis.warnings, look)


def _convention(analysis: Analysis) -> Iterator[tuple[str, str]]:
    """The convention by which MACs are counted and its definition, and what it counts apart from them."""
    from cnncalc.figures.conventions import TABLES, apart

    name, batch = analysis.options.convention, analysis.options.batch
    yield "convention", f"{name}: {TABLES[name].text}"
    for what, count in apart(analysis.graph.nodes, name, batch).items():
        yield what, _both(count)


def _both(value: int) -> str:
    """`25,557,032 (25.6 M)`"""
    return f"{thousands(value)} ({short(value)})" if value >= 10_000 else thousands(value)


def _warnings(warnings: Sequence[Diagnostic], look: Look) -> Iterator[Text]:
    for warning in warnings[:MOST_WARNINGS]:
        yield Text()
        yield Text.assemble((f"warning[{warning.code}]", "bold magenta"), f": {warning.message}")
        yield Text.assemble("  = ", ("help", "bold green"), f": {warning.help}")
    if len(warnings) > MOST_WARNINGS:
        yield Text(f"\nand {len(warnings) - MOST_WARNINGS} more warnings: --format json lists them all")


def _rendered(parts: Sequence[Table | Text], look: Look, width: int) -> str:
    file = io.StringIO()
    console = Console(
        file=file,
        width=width,
        force_terminal=look.colour,
        color_system="standard" if look.colour else None,
        highlight=False,
        legacy_windows=False,
    )
    for part in parts:
        console.print(part, soft_wrap=isinstance(part, Text))
    lines = [line.rstrip() for line in file.getvalue().splitlines()]
    while lines and not lines[0]:
        del lines[0]
    return "\n".join(lines) + "\n"
