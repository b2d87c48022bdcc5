"""The memory over time: what is live while each layer runs, where it peaks, and what each memory figure is.

A layer's live bytes are those of its inputs (`reads`), of an output in memory of its own (`writes`), and of
what is kept for later: a skip connection shows there, from the layer that makes it to the merge that reads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cnncalc.analysis import Analysis, RowGroup, RowOrGroup, collapse
from cnncalc.figures.memory import MemoryStep, steps
from cnncalc.figures.memory_planner import plan
from cnncalc.figures.training import OPTIMIZERS
from cnncalc.notation import bytes_text, thousands
from cnncalc.report.columns import count_column, text_column, uncounted
from cnncalc.report.document import Bar, Block, Column, DataTable, Document, Mark, Paragraph, text_table
from cnncalc.report.tree import rails

#: At most so many of the tensors that are kept for later, and of those that are live at the peak, are named.
MOST_KEPT, MOST_AT_PEAK = 4, 8
#: Marks the peak, behind its bar.
PEAK = "◀"


class Moment(NamedTuple):
    """A line of the timeline: a layer's step, or of a block's steps the first with the most live. Sizes in bytes."""

    row: RowOrGroup
    step: MemoryStep
    analysis: Analysis

    def bytes(self, elements: int) -> int:
        return elements * self.analysis.options.bytes_of_element

    @property
    def layer_name(self) -> str:
        return self.analysis.graph.nodes[self.step.node].name


def _name(moment: Moment, _: str) -> str:
    """The line's name; a block's goes with the layer in it that has the most live."""
    if not isinstance(moment.row, RowGroup):
        return moment.row.name
    return f"{moment.row.name}: {moment.layer_name.removeprefix(f'{moment.row.name}.')}"


def _reads(moment: Moment) -> str:
    return bytes_text(moment.bytes(moment.step.reads)) if moment.step.reads else ""


def _writes(moment: Moment) -> str:
    if moment.step.writes:
        return bytes_text(moment.bytes(moment.step.writes))
    memory = moment.analysis.graph.nodes[moment.step.node].layer.memory
    # An operator of a model file may leave its output open.
    return "unknown" if memory == "own" else memory


def _kept(moment: Moment, _: str) -> str:
    """`98.5 MiB: enc1, enc2 and 3 more`"""
    step, nodes = moment.step, moment.analysis.graph.nodes
    if not step.later:
        return ""
    names = [_beside(nodes[buffer.output_at(step.node)].name, moment.layer_name) for buffer in step.kept]
    more = f" and {thousands(step.more)} more" if step.more else ""
    return f"{_size(moment.bytes(step.later))}: {', '.join(names)}{more}"


#: The timeline in raw bytes: `live` is the sum of the three before it.
BYTES = (
    text_column("name", "name", lambda moment: moment.row.name),
    count_column("reads", "reads", lambda moment: moment.bytes(moment.step.reads)),
    count_column("writes", "writes", lambda moment: moment.bytes(moment.step.writes)),
    count_column("kept", "kept", lambda moment: moment.bytes(moment.step.later)),
    count_column("live", "live", lambda moment: moment.bytes(moment.step.live)),
)
_NAME, _READS, _WRITES, _KEPT, _LIVE = BYTES

#: The timeline for a person: bytes with their units, a bar for what is live, and the names of what is kept.
TIMELINE: tuple[Column, ...] = (
    _NAME._replace(text=_name, role="name", folding="name", rank=1),
    _READS._replace(text=lambda moment, _: _reads(moment)),
    _WRITES._replace(text=lambda moment, _: _writes(moment)),
    _LIVE._replace(
        text=lambda moment, _: bytes_text(moment.bytes(moment.step.live)), bar=Bar(natural=16, most=40, least=1)
    ),
    _KEPT._replace(heading="kept for later", text=_kept, numeric=False, folding="phrase"),
)


def memory_document(analysis: Analysis, depth: int | None) -> Document:
    """The timeline with a bar for each layer, and below it every memory figure in words."""
    moments = _moments(analysis, depth)
    return Document((*([_timeline(moments)] if moments else []), *_figures(analysis)))


def timeline_document(analysis: Analysis, depth: int | None) -> Document:
    """The timeline in bytes, for CSV, Markdown and LaTeX."""
    return Document((DataTable(BYTES, _moments(analysis, depth)),))


def memory_data(analysis: Analysis, depth: int | None = None) -> dict[str, object]:
    """The timeline as JSON carries it: live bytes at each layer; each tensor's bytes, life and place in the arena."""
    nodes, scale = analysis.graph.nodes, analysis.options.bytes_of_element
    offsets = {place.buffer.nodes[0]: place.offset for place in plan(analysis.feature_maps, scale)}
    return {
        "optimizer": analysis.options.optimizer,
        "layers": [
            {column.key: column.value(moment, "hwc") for column in BYTES} for moment in _moments(analysis, depth)
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
    for line in collapse(analysis.rows, depth):
        rows = line.rows if isinstance(line, RowGroup) else (line,)
        step = max((every[row.node.index] for row in rows), key=lambda step: step.live)
        moments.append(Moment(line, step, analysis))
    return moments


def _timeline(moments: Sequence[Moment]) -> DataTable:
    # Where nothing is kept for later there is no such column.
    columns = TIMELINE if any(moment.step.later for moment in moments) else TIMELINE[:-1]
    top = max(range(len(moments)), key=lambda at: moments[at].step.live)
    marks = [
        Mark(rail, suffixes={"live": PEAK} if at == top else {})
        for at, (rail, _) in enumerate(rails([moment.row for moment in moments]))
    ]
    return DataTable(columns, moments, marks=marks, unlimited=True)


def _beside(name: str, reader: str) -> str:
    """The name without the blocks that it shares with its reader."""
    shared = 0
    for at, (own, other) in enumerate(zip(name, reader, strict=False), 1):
        if own != other:
            break
        if own in "./":
            shared = at
    return name[shared:]


def _figures(analysis: Analysis) -> Iterator[Block]:
    """The definition of each figure, and what it leaves out."""
    totals, options = analysis.totals, analysis.options
    memory = totals.activation_bytes
    copies = OPTIMIZERS[options.optimizer]
    state = f"{copies} more cop{'ies' if copies > 1 else 'y'} of the parameters" if copies else "no state"
    largest = sorted(totals.peak_tensors.items(), key=lambda item: -item[1])
    more = len(largest) - MOST_AT_PEAK
    rows = [
        _figure(f"{PEAK} peak", memory.peak, f"the most that is live at once, while `{totals.peak_layer}` runs:"),
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
    yield text_table(rows, roles=("emphasis", "number", "number", "text"))
    samples = f"{thousands(options.batch)} samples" if options.batch > 1 else "one sample"
    yield Paragraph(
        f"All as {options.dtype}, for {samples}; layers run in order. In place: norms, activations and add write "
        "over an input that nothing reads afterwards. Alias: flatten, reshape, dropout and identity are their "
        "input under another name. Not counted: the workspace of a kernel, and what a runtime needs for itself."
    )


def _figure(label: str, size: int, words: str) -> tuple[str, str, str, str]:
    return label, f"{thousands(size)} B", _size(size) if size >= 1024 else "", words


def _size(value: int) -> str:
    """`3.06 MiB`, on one line."""
    return bytes_text(value).replace(" ", "\N{NO-BREAK SPACE}")
