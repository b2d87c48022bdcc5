"""The table for a person: a row for each layer, bars where parameters and MACs are, totals and warnings below."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cnncalc.analysis import Analysis, exceeds_input
from cnncalc.diagnostics import Diagnostic
from cnncalc.report.columns import Column, bytes_text, short, thousands

GAP = 2
#: Bars are at most this wide; below two cells a shade takes their place.
MOST_BAR = 12
#: A cell of text may be folded down to this width, but no number ever is.
LEAST_TEXT = 12
#: Warnings beyond these are counted, not shown.
MOST_WARNINGS = 5

SHADES = " ▁▂▃▄▅▆▇█"
EIGHTHS = " ▏▎▍▌▋▊▉█"


class Look(NamedTuple):
    """What the output can show. A `width` of None is as wide as the table would like to be."""

    width: int | None = None
    colour: bool = False
    unicode: bool = True
    layout: str = "hwc"


class Failure(NamedTuple):
    """The row at which a network breaks off: the layer's name and its text."""

    name: str
    layer: str


def to_table(analysis: Analysis, columns: Sequence[Column], look: Look, failure: Failure | None = None) -> str:
    """The table as text, with colour codes where the look has colour."""
    cells = [[column.text(row, look.layout) for column in columns] for row in analysis.rows]
    for line, row in zip(cells, analysis.rows, strict=True):
        _annotate(line, columns, row.implicit, exceeds_input(row, analysis.rows), look)
    totals = [thousands(getattr(analysis.totals, column.key)) if column.numeric else "" for column in columns]
    if not columns[0].numeric:
        totals[0] = "total"
    widths, bar = _widths(columns, [*cells, [column.heading for column in columns], totals], look)
    bars = {
        index: _bars([column.value(row, look.layout) for row in analysis.rows], bar, look)
        for index, column in enumerate(columns)
        if bar and column.key in ("params", "macs")
    }
    # Between two columns stand one space of padding and the (blank) divider of the box: GAP.
    table = Table(
        box=_rules(look), show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0), show_footer=failure is None
    )
    for index, column in enumerate(columns):
        room = f" {' ' * bar}" if index in bars else ""
        width = widths[index] + len(room)
        table.add_column(
            Text(_aligned(column.heading, column, widths[index]) + room, "bold"),
            Text(_aligned(totals[index], column, widths[index]) + room, "bold"),
            width=width,
            no_wrap=column.numeric,
            overflow="fold",
        )
    for number, line in enumerate(cells):
        styled = []
        for index, (column, cell) in enumerate(zip(columns, line, strict=True)):
            # Where nothing is learnt or multiplied, nothing stands: the eye finds what is there.
            shown = "" if column.numeric and cell == "0" else cell
            style = "dim" if analysis.rows[number].implicit else _style(column)
            content = Text(_aligned(shown, column, widths[index]), style)
            if index in bars:
                content.append(" " + bars[index][number], "cyan")
            styled.append(content)
        table.add_row(*styled)
    if failure is not None:
        table.add_row(*_failed(failure, columns, look))
    width = max(look.width or 0, sum(widths) + (1 + bar) * len(bars) + GAP * (len(columns) - 1))
    if failure is not None:
        return _rendered([table], look, width)
    return _rendered([table, *_footer(analysis, look)], look, width)


def _annotate(line: list[str], columns: Sequence[Column], implicit: bool, wide: bool, look: Look) -> None:
    for index, column in enumerate(columns):
        if column.key == "layer" and implicit:
            line[index] += " (implicit)"
        if column.key == "field" and wide:
            line[index] += "*"


def _style(column: Column) -> str:
    return {"name": "cyan", "output": "green"}.get(column.key, "none")


def _aligned(text: str, column: Column, width: int) -> str:
    return text.rjust(width) if column.numeric else text


def _rules(look: Look) -> box.Box:
    """A rule under the headings and one over the totals, nothing else."""
    rule = ("─" if look.unicode else "-") * 4
    lines = ["    ", "    ", rule, "    ", "    ", rule, "    ", "    "]
    return box.Box("\n".join(lines), ascii=not look.unicode)


def _widths(columns: Sequence[Column], lines: list[list[str]], look: Look) -> tuple[list[int], int]:
    """The width of each column, and of the bars: text folds where there is no room, numbers never do."""
    natural = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    barred = sum(column.key in ("params", "macs") for column in columns)
    if look.width is None:
        return natural, MOST_BAR - 4 if barred else 0
    room = look.width - sum(natural) - GAP * (len(columns) - 1)
    if room < 0:
        for index in sorted(range(len(columns)), key=lambda index: -natural[index]):
            if columns[index].key in ("layer", "inputs", "name", "input") and room < 0:
                longest_word = max(len(word) for line in lines for word in line[index].split() or [""])
                least = min(natural[index], max(LEAST_TEXT, longest_word if columns[index].key != "name" else 0))
                given = max(least, natural[index] + room)
                room += natural[index] - given
                natural[index] = given
    bar = min(MOST_BAR, room // barred - 1) if barred and room > 0 else 0
    return natural, bar if bar >= 4 else min(max(bar, 0), 1)


def _bars(values: list[int], width: int, look: Look) -> list[str]:
    """A bar for each value, the longest for the largest; in one cell, a shade."""
    most = max(values, default=0)
    return [_bar(value, most, width, look.unicode) for value in values]


def _bar(value: int, most: int, width: int, unicode: bool) -> str:
    if not value or not most:
        return " " * width
    if not unicode:
        return ("#" * max(-(-value * width // most), 1)).ljust(width)
    eighths = max(-(-value * width * 8 // most), 1)
    if width == 1:
        return SHADES[eighths]
    full, part = divmod(eighths, 8)
    return ("█" * full + (EIGHTHS[part] if part else "")).ljust(width)


def _failed(failure: Failure, columns: Sequence[Column], look: Look) -> Iterator[Text]:
    mark = "✗" if look.unicode else "x"
    for column in columns:
        text = {"name": failure.name, "layer": failure.layer, "output": mark}.get(column.key, "")
        yield Text(text, "bold red")


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
            f"{thousands(totals.activations)}{dot}{bytes_text(memory.peak)} live at most, at {totals.peak_layer}",
        ),
    ]
    if options.batch > 1:
        lines.append(("batch", f"MACs and activations are for {thousands(options.batch)} samples, shapes for one"))
    if any(exceeds_input(row, analysis.rows) for row in analysis.rows):
        lines.append(("*", "the receptive field is larger than the input"))
    width = max(len(label) for label, _ in lines)
    yield Text()
    for label, text in lines:
        yield Text.assemble((label.ljust(width + GAP), "dim"), text)
    yield from _warnings(analysis.warnings, look)


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
