"""The memory over time: what is live while each layer runs, where it peaks, and what each memory figure is.

A layer's live bytes are those of its inputs (`reads`), of an output in memory of its own (`writes`), and of
what is kept for later: a skip connection shows there, from the layer that makes it to the merge that reads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cnncalc.analysis import Analysis
from cnncalc.figures.arena import placed
from cnncalc.figures.memory import OPTIMIZERS, Step, steps
from cnncalc.report.bars import bars_of
from cnncalc.report.columns import bytes_text, thousands
from cnncalc.report.look import Look
from cnncalc.report.page import Grid, Paragraph, Piece, folded, painted, to_text
from cnncalc.report.tree import Block, Line, below, collapsed, rails

#: Of what is kept for later, and of what is live at the peak, so many tensors are named.
MOST_KEPT, MOST_AT_PEAK = 4, 8
GAP = 2
#: The bar takes what room there is; the name and what is kept are folded where there is none.
LEAST_BAR, NATURAL_BAR, MOST_BAR = 4, 16, 40
LEAST_NAME = 16


class Moment(NamedTuple):
    """A line of the timeline: a layer's step, or of a block's steps the first with the most live."""

    line: Line
    step: Step


def memory_text(analysis: Analysis, look: Look) -> str:
    """The timeline with a bar for each layer, and below it every memory figure in words."""
    moments = _moments(analysis, look.depth)
    timeline = painted(_timeline(analysis, moments, look), look) + "\n" if moments else ""
    return timeline + to_text(_figures(analysis, look), look)


def memory_rows(analysis: Analysis, depth: int | None) -> Iterator[tuple[str, int, int, int, int]]:
    """The timeline in bytes: name, reads, writes, kept and live."""
    scale = analysis.options.bytes_of_element
    for line, step in _moments(analysis, depth):
        kept = step.live - step.reads - step.writes
        yield (line.name, step.reads * scale, step.writes * scale, kept * scale, step.live * scale)


def memory_csv(analysis: Analysis, depth: int | None) -> str:
    """The timeline as CSV, raw bytes."""
    rows = [("name", "reads", "writes", "kept", "live"), *memory_rows(analysis, depth)]
    return "".join(",".join(map(str, row)) + "\n" for row in rows)


def memory_markdown(analysis: Analysis, depth: int | None) -> str:
    """The timeline as a Markdown table, in bytes."""
    rows = [(name, *map(thousands, numbers)) for name, *numbers in memory_rows(analysis, depth)]
    lines = [("name", "reads", "writes", "kept", "live"), ("---", *["---:"] * 4), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def memory_dict(analysis: Analysis) -> dict[str, object]:
    """The timeline as JSON carries it: live bytes at each layer; each tensor's bytes, life and place in the arena."""
    nodes, scale = analysis.graph.nodes, analysis.options.bytes_of_element
    offsets = {place.buffer.nodes[0]: place.offset for place in placed(analysis.feature_maps, scale)}
    return {
        "optimizer": analysis.options.optimizer,
        "layers": [
            {"name": name, "reads": reads, "writes": writes, "kept": kept, "live": live}
            for name, reads, writes, kept, live in memory_rows(analysis, None)
        ],
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
    for line in collapsed(analysis.rows, depth):
        rows = line.rows if isinstance(line, Block) else (line,)
        moments.append(Moment(line, max((every[row.node.index] for row in rows), key=lambda step: step.live)))
    return moments


def _timeline(analysis: Analysis, moments: Sequence[Moment], look: Look) -> Iterator[list[Piece]]:
    """The lines of the timeline, each a list of (role, text)."""
    scale = analysis.options.bytes_of_element
    margins = [rail for rail, _ in rails([line for line, _ in moments], look.unicode)]
    names = [_name(analysis, moment) for moment in moments]
    numbers = [
        (bytes_text(step.reads * scale) if step.reads else "", _writes(analysis, step), bytes_text(step.live * scale))
        for _, step in moments
    ]
    kept = [_kept(analysis, step) for _, step in moments]
    # The column's own heading, where it has any text.
    kept_heading = "kept for later" if any(kept) else ""
    headings = ("reads", "writes", "live")
    number_widths = [max(map(len, column)) for column in zip(headings, *numbers, strict=True)]
    name_width, bar, kept_width = _widths(
        [rail + name for rail, name in zip(margins, names, strict=True)],
        sum(number_widths) + 3 * GAP,
        [kept_heading, *kept],
        look,
    )
    gap = " " * GAP
    head = ["name".ljust(name_width), *map(str.rjust, headings, number_widths)]
    heading = gap.join(head) + " " * (1 + bar + 1) + (gap + kept_heading.ljust(kept_width) if kept_width else "")
    yield [("column", heading)]
    yield [("rule", ("─" if look.unicode else "-") * len(heading))]
    top = max(range(len(moments)), key=lambda at: moments[at].step.live)
    mark = "◀" if look.unicode else "<"
    for at, drawn in enumerate(bars_of([step.live for _, step in moments], bar, look.unicode)):
        rail = margins[at]
        own = folded(names[at], name_width - len(rail))
        later = folded(kept[at], kept_width) if kept[at] else [""]
        for number in range(max(len(own), len(later))):
            first = number == 0
            name = own[number] if number < len(own) else ""
            shown = numbers[at] if first else ("",) * 3
            before = rail if first else below(rail, look.unicode)
            yield [
                ("rule", before),
                ("code", name.ljust(name_width - len(before))),
                *(("text", gap + each.rjust(width)) for each, width in zip(shown[:2], number_widths, strict=False)),
                ("heading" if at == top else "text", gap + shown[2].rjust(number_widths[2])),
                ("code", " " + (drawn if first else " " * bar)),
                ("heading", mark if first and at == top else " "),
                ("text", gap + later[number] if number < len(later) else ""),
            ]


def _name(analysis: Analysis, moment: Moment) -> str:
    """The line's name; a block's goes with the layer in it that has the most live."""
    line, step = moment
    if not isinstance(line, Block):
        return line.name
    return f"{line.name}: {analysis.graph.nodes[step.node].name.removeprefix(f'{line.name}.')}"


def _writes(analysis: Analysis, step: Step) -> str:
    if step.writes:
        return bytes_text(step.writes * analysis.options.bytes_of_element)
    memory: str = analysis.graph.nodes[step.node].layer.memory
    return memory


def _kept(analysis: Analysis, step: Step) -> str:
    """`98.5 MiB: enc1, enc2 and 3 more`"""
    size = step.live - step.reads - step.writes
    if not size:
        return ""
    nodes = analysis.graph.nodes
    names = [_beside(nodes[buffer.holds(step.node)].name, nodes[step.node].name) for buffer in step.kept]
    more = f" and {thousands(step.more)} more" if step.more else ""
    return f"{_size(size * analysis.options.bytes_of_element)}: {', '.join(names)}{more}"


def _beside(name: str, reader: str) -> str:
    """The name without the blocks that it shares with its reader."""
    own, its = name.split("."), reader.split(".")
    shared = 0
    while shared < min(len(own), len(its)) - 1 and own[shared] == its[shared]:
        shared += 1
    return ".".join(own[shared:])


def _widths(names: Sequence[str], numbers: int, kept: Sequence[str], look: Look) -> tuple[int, int, int]:
    """The widths of the names, of the bars and of what is kept; `numbers` is what stands between."""
    name, later = max(4, *map(len, names)), max(map(len, kept))
    if look.width is None:
        return name, NATURAL_BAR, later
    least_later = max(len(word) for text in kept for word in text.split(" "))
    room = look.width - numbers - 2 - (GAP if later else 0)
    name = max(min(name, room - LEAST_BAR - least_later), min(name, LEAST_NAME))
    room -= name
    # The bar gets a third of what is left, and more where less is kept.
    bar = min(max(room - later, min(room // 3, room - least_later)), MOST_BAR)
    bar = bar if bar >= LEAST_BAR else 1
    return name, bar, max(min(later, room - bar), least_later)


def _figures(analysis: Analysis, look: Look) -> list[Grid | Paragraph]:
    """What each figure is, and what it leaves out."""
    totals, options = analysis.totals, analysis.options
    memory = totals.activation_bytes
    copies = OPTIMIZERS[options.optimizer]
    state = f"{copies} more cop{'ies' if copies > 1 else 'y'} of the parameters" if copies else "no state"
    mark = "◀ " if look.unicode else "< "
    rows = [
        _figure(f"{mark}peak", memory.peak, f"live at most, while `{totals.peak_layer}` runs:"),
        *(_figure("", size, f"`{name}`") for name, size in _largest(totals.peak_tensors)),
    ]
    if more := len(totals.peak_tensors) - MOST_AT_PEAK:
        rows += [("", "", "", f"and {thousands(more)} smaller")] if more > 0 else []
    rows += [
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


def _largest(tensors: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(tensors.items(), key=lambda item: -item[1])[:MOST_AT_PEAK]
