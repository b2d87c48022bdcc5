"""The memory over time: what is live while each layer runs, where it peaks, and what each memory figure is.

A layer's live bytes are those of its inputs (`reads`), of an output in memory of its own (`writes`), and of
what is kept for later: a skip connection shows there, from the layer that makes it to the merge that reads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple

from cnncalc.analysis import Analysis, RowGroup, RowOrGroup, collapse
from cnncalc.figures.memory import MemoryStep, steps
from cnncalc.figures.memory_planner import plan
from cnncalc.figures.training import OPTIMIZERS
from cnncalc.notation import bytes_text, thousands
from cnncalc.report.bars import bars_of
from cnncalc.report.columns import count_column, text_column, uncounted
from cnncalc.report.datatable import DataTable
from cnncalc.report.document import Grid, Paragraph, Piece, painted, to_text
from cnncalc.report.options import RenderOptions
from cnncalc.report.tree import below, least_name, rails
from cnncalc.report.wrap import folded_text, parts_of

#: Of what is kept for later, and of what is live at the peak, so many tensors are named.
MOST_KEPT, MOST_AT_PEAK = 4, 8
#: The heading over what is kept.
KEPT = "kept for later"
GAP = 2
#: The bar takes what room there is; the name and what is kept are folded where there is none.
LEAST_BAR, NATURAL_BAR, MOST_BAR = 4, 16, 40


class Moment(NamedTuple):
    """A line of the timeline: a layer's step, or of a block's steps the first with the most live."""

    line: RowOrGroup
    step: MemoryStep


class Cells(NamedTuple):
    """The texts of a row: its rail and name; what is read, written and live; and what is kept for later."""

    rail: str
    name: str
    numbers: tuple[str, str, str]
    kept: str


class Widths(NamedTuple):
    """The widths of the columns; what is kept has none where nothing ever is."""

    name: int
    numbers: tuple[int, ...]
    bar: int
    kept: int

    @property
    def total(self) -> int:
        # A space before the bar, and room for a mark behind it.
        return (
            self.name + sum(GAP + width for width in self.numbers) + 1 + self.bar + 1 + (self.kept and GAP + self.kept)
        )


class Bytes(NamedTuple):
    """A line of the timeline in bytes: `live` is the sum of the others."""

    name: str
    reads: int
    writes: int
    kept: int
    live: int


COLUMNS = (
    text_column("name", "name", "the layer's name", lambda row, _: row.name),
    count_column("reads", "reads", "bytes of its inputs", lambda row: row.reads),
    count_column("writes", "writes", "bytes of an output in memory of its own", lambda row: row.writes),
    count_column("kept", "kept", "bytes of what is kept for later", lambda row: row.kept),
    count_column("live", "live", "bytes of all of it", lambda row: row.live),
)


def memory_text(analysis: Analysis, look: RenderOptions) -> str:
    """The timeline with a bar for each layer, and below it every memory figure in words."""
    moments = _moments(analysis, look.depth)
    timeline = painted(_timeline(analysis, moments, look), look) + "\n" if moments else ""
    return timeline + to_text(_figures(analysis, look), look)


def memory_table(analysis: Analysis, depth: int | None) -> DataTable:
    """The timeline in bytes, for CSV, Markdown and LaTeX."""
    return DataTable(COLUMNS, list(_bytes(analysis, depth)))


def _bytes(analysis: Analysis, depth: int | None) -> Iterator[Bytes]:
    scale = analysis.options.bytes_of_element
    for line, step in _moments(analysis, depth):
        yield Bytes(line.name, *(size * scale for size in (step.reads, step.writes, step.later, step.live)))


def memory_dict(analysis: Analysis) -> dict[str, object]:
    """The timeline as JSON carries it: live bytes at each layer; each tensor's bytes, life and place in the arena."""
    nodes, scale = analysis.graph.nodes, analysis.options.bytes_of_element
    offsets = {place.buffer.nodes[0]: place.offset for place in plan(analysis.feature_maps, scale)}
    return {
        "optimizer": analysis.options.optimizer,
        "layers": [row._asdict() for row in _bytes(analysis, None)],
        "tensors": [
            {
                "layers": [nodes[index].name for index in buffer.nodes],
                "bytes": buffer.elements * scale,
                "first": nodes[buffer.first].name,
                "last": nodes[min(buffer.last, len(nodes) - 1)].name,
                "offset": offsets[buffer.nodes[0]],
            }
            for buffer in analysis.feature_maps
        ],
    }


def _moments(analysis: Analysis, depth: int | None) -> list[Moment]:
    """The steps of the rows that are shown."""
    every = list(steps(analysis.graph.nodes, analysis.feature_maps, MOST_KEPT))
    moments = []
    for line in collapse(analysis.rows, depth):
        rows = line.rows if isinstance(line, RowGroup) else (line,)
        moments.append(Moment(line, max((every[row.node.index] for row in rows), key=lambda step: step.live)))
    return moments


def _timeline(analysis: Analysis, moments: Sequence[Moment], look: RenderOptions) -> Iterator[list[Piece]]:
    """The lines of the timeline, each a list of (role, text)."""
    rows = list(_cells(analysis, moments, look))
    # Where nothing is kept for later there is no such column.
    kept = KEPT if any(row.kept for row in rows) else ""
    head = Cells("", "name", ("reads", "writes", "live"), kept)
    widths = _widths([head, *rows], look)
    for line in _lines(head, widths, "", "", look):
        yield [("column", "".join(text for _, text in line))]
    yield [("rule", ("─" if look.unicode else "-") * widths.total)]
    top = max(range(len(moments)), key=lambda at: moments[at].step.live)
    drawn = bars_of([step.live for _, step in moments], widths.bar, look.unicode)
    for at, row in enumerate(rows):
        yield from _lines(row, widths, drawn[at], _mark(look) if at == top else "", look)


def _cells(analysis: Analysis, moments: Sequence[Moment], look: RenderOptions) -> Iterator[Cells]:
    scale = analysis.options.bytes_of_element
    for moment, (rail, _) in zip(moments, rails([line for line, _ in moments], look.unicode), strict=True):
        step = moment.step
        reads = bytes_text(step.reads * scale) if step.reads else ""
        numbers = reads, _writes(analysis, step), bytes_text(step.live * scale)
        yield Cells(rail, _name(analysis, moment), numbers, _kept(analysis, step))


def _lines(cells: Cells, widths: Widths, bar: str, mark: str, look: RenderOptions) -> Iterator[list[Piece]]:
    """The lines of a row: one, or as many as its name and what is kept take."""
    gap = " " * GAP
    rail = cells.rail
    names = folded_text(cells.name, widths.name - len(rail))
    kept = folded_text(cells.kept, widths.kept) if cells.kept else [""]
    numbers = cells.numbers
    for name, later in zip_longest(names, kept, fillvalue=""):
        reads, writes, live = [gap + text.rjust(width) for text, width in zip(numbers, widths.numbers, strict=True)]
        yield [
            ("rule", rail),
            ("code", name.ljust(widths.name - len(rail))),
            ("text", reads + writes),
            ("heading" if mark else "text", live),
            ("code", " " + bar.ljust(widths.bar)),
            ("heading", mark or " "),
            ("text", gap + later if widths.kept else ""),
        ]
        rail, numbers, bar, mark = below(cells.rail, look.unicode), ("", "", ""), "", ""


def _mark(look: RenderOptions) -> str:
    """What stands behind the bar of the peak."""
    return "◀" if look.unicode else "<"


def _name(analysis: Analysis, moment: Moment) -> str:
    """The line's name; a block's goes with the layer in it that has the most live."""
    line, step = moment
    if not isinstance(line, RowGroup):
        return line.name
    return f"{line.name}: {analysis.graph.nodes[step.node].name.removeprefix(f'{line.name}.')}"


def _writes(analysis: Analysis, step: MemoryStep) -> str:
    if step.writes:
        return bytes_text(step.writes * analysis.options.bytes_of_element)
    memory = analysis.graph.nodes[step.node].layer.memory
    # An operator of a model file may leave its output open.
    return "unknown" if memory == "own" else memory


def _kept(analysis: Analysis, step: MemoryStep) -> str:
    """`98.5 MiB: enc1, enc2 and 3 more`"""
    if not step.later:
        return ""
    nodes = analysis.graph.nodes
    names = [_beside(nodes[buffer.output_at(step.node)].name, nodes[step.node].name) for buffer in step.kept]
    more = f" and {thousands(step.more)} more" if step.more else ""
    return f"{_size(step.later * analysis.options.bytes_of_element)}: {', '.join(names)}{more}"


def _beside(name: str, reader: str) -> str:
    """The name without the blocks that it shares with its reader."""
    shared = 0
    for at, (own, its) in enumerate(zip(name, reader, strict=False), 1):
        if own != its:
            break
        if own in "./":
            shared = at
    return name[shared:]


def _widths(rows: Sequence[Cells], look: RenderOptions) -> Widths:
    """What each column takes: all that it likes in a pipe, else what there is."""
    names = max(len(row.rail + row.name) for row in rows)
    kept = max(len(row.kept) for row in rows)
    numbers = tuple(max(map(len, column)) for column in zip(*[row.numbers for row in rows], strict=True))
    widths = Widths(names, numbers, NATURAL_BAR, kept)
    if look.width is None:
        return widths
    longest = max(len(word) for row in rows for word in parts_of(row.kept))
    room = look.width - (widths.total - names - NATURAL_BAR - kept)
    names = max(min(names, room - LEAST_BAR - longest), min(names, least_name(row.rail for row in rows)))
    room -= names
    # The bar gets a third of what is left, and more where less is kept.
    bar = min(max(room - kept, min(room // 3, room - longest)), MOST_BAR)
    bar = bar if bar >= LEAST_BAR else 1
    return Widths(names, numbers, bar, max(min(kept, room - bar), longest))


def _figures(analysis: Analysis, look: RenderOptions) -> list[Grid | Paragraph]:
    """What each figure is, and what it leaves out."""
    totals, options = analysis.totals, analysis.options
    memory = totals.activation_bytes
    copies = OPTIMIZERS[options.optimizer]
    state = f"{copies} more cop{'ies' if copies > 1 else 'y'} of the parameters" if copies else "no state"
    largest = sorted(totals.peak_tensors.items(), key=lambda item: -item[1])
    more = len(largest) - MOST_AT_PEAK
    rows = [
        _figure(f"{_mark(look)} peak", memory.peak, f"live at most, while `{totals.peak_layer}` runs:"),
        *(_figure("", size, f"`{name}`") for name, size in largest[:MOST_AT_PEAK]),
        *([("", "", "", f"and {thousands(more)} smaller")] if more > 0 else []),
        _figure(
            "not in place".replace(" ", "\N{NO-BREAK SPACE}"),
            memory.peak_no_inplace,
            "the peak where every layer but an alias has its own output",
        ),
        _figure(
            "arena", memory.arena, "one buffer with a place for each tensor, the largest placed first, 16-byte aligned"
        ),
        _figure("sum", memory.sum, "all feature maps, none ever freed; those that share memory counted once"),
        _figure("weights", totals.params_bytes, "parameters and buffers: in none of the above"),
        _figure(
            "training",
            totals.training_bytes,
            f"an estimate: weights, gradients, all feature maps, and for {options.optimizer} {state}",
        ),
    ]
    if analysis.unknown:
        rows.append(("unknown", "", "", uncounted(analysis.unknown)))
    samples = f"{thousands(options.batch)} samples" if options.batch > 1 else "one sample"
    return [
        Grid(tuple(rows), roles=("heading", "number", "number", "text")),
        Paragraph(
            f"All as {options.dtype}, for {samples}; layers run in order. In place: norms, activations and add write "
            "over an input that nothing reads afterwards. Alias: flatten, reshape, dropout and identity are their "
            "input under another name. Not counted: the workspace of a kernel, and what a runtime needs for itself."
        ),
    ]


def _figure(label: str, size: int, words: str) -> tuple[str, str, str, str]:
    return label, f"{thousands(size)} B", _size(size) if size >= 1024 else "", words


def _size(value: int) -> str:
    """`3.06 MiB`, on one line."""
    return bytes_text(value).replace(" ", "\N{NO-BREAK SPACE}")
