"""The memory over time: the live bytes at each layer, the peak, and the definition of each memory figure.

The live bytes of a layer are those of its inputs (`reads`), of an output with its own memory (`writes`), and of
tensors kept for later layers: a skip connection is kept from the layer that makes it to the merge that reads it.
In training, a layer also has the tensors that it is the first to keep for the backward pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cnncalc.analysis import Analysis
from cnncalc.figures.cost import node_costs
from cnncalc.figures.memory import MemoryStep, steps
from cnncalc.figures.memory_planner import plan
from cnncalc.figures.rows import RowGroup, RowOrGroup, collapse, fitting_depth
from cnncalc.figures.training import OPTIMIZERS, training_costs
from cnncalc.notation import bytes_text, thousands
from cnncalc.report.columns import count_column, text_column, uncounted
from cnncalc.report.deployment import types_text
from cnncalc.report.document import Bar, Block, Column, DataTable, Document, Mark, Paragraph, text_table
from cnncalc.report.network import collapsed_note
from cnncalc.report.tree import rails

#: The most tensors kept for later, and the most live at the peak, that are named.
MOST_KEPT, MOST_AT_PEAK = 4, 8
#: Marks the peak, behind its bar.
PEAK = "◀"


class Moment(NamedTuple):
    """A line of the timeline: the step of a layer, or the first step with the most live bytes of a block.

    `saved` has the names of the tensors that its layers are the first to keep for the backward pass.
    """

    row: RowOrGroup
    step: MemoryStep
    analysis: Analysis
    saved: tuple[str, ...]

    @property
    def saved_bytes(self) -> int:
        """The bytes that its layers are the first to keep for the backward pass, for the whole batch."""
        saved: int = self.row.saved_bytes
        return saved * self.analysis.options.batch

    def bytes(self, elements: int) -> int:
        return elements * self.analysis.footprint.scale

    @property
    def layer_name(self) -> str:
        return self.analysis.graph.nodes[self.step.node].name


def _name(moment: Moment, _: str) -> str:
    """Return the name of the line; for a block, with the name of the layer that has the most live bytes."""
    if not isinstance(moment.row, RowGroup):
        return moment.row.name
    return f"{moment.row.name}: {moment.layer_name.removeprefix(f'{moment.row.name}.')}"


def _reads(moment: Moment) -> str:
    return bytes_text(moment.bytes(moment.step.reads)) if moment.step.reads else ""


def _writes(moment: Moment) -> str:
    if moment.step.writes:
        return bytes_text(moment.bytes(moment.step.writes))
    node = moment.analysis.graph.nodes[moment.step.node]
    memory = node.layer.memory
    if moment.analysis.options.in_place and node.inputs and node.layer.is_depthwise(node.input_shapes[0]):
        return "in place"
    # An operator of a model file may leave its output open.
    return "unknown" if memory == "own" else memory


def _kept(moment: Moment, _: str) -> str:
    """Return the size and names of the tensors kept for later: `98.5 MiB: enc1, enc2 and 3 more`."""
    step, nodes = moment.step, moment.analysis.graph.nodes
    if not step.later:
        return ""
    names = [_beside(nodes[buffer.output_at(step.node)].name, moment.layer_name) for buffer in step.kept]
    return f"{_size(moment.bytes(step.later))}: {_listed(names, step.more)}"


def _saved(moment: Moment, _: str) -> str:
    """Return the size and names of the tensors saved for backward; a layer's own (a mask, indices) have no name."""
    if not moment.saved_bytes:
        return ""
    names = [_beside(name, moment.layer_name) for name in moment.saved[:MOST_KEPT]]
    named = f": {_listed(names, len(moment.saved) - len(names))}" if names else ""
    return f"{_size(moment.saved_bytes)}{named}"


def _listed(names: Sequence[str], more: int) -> str:
    return f"{', '.join(names)} and {thousands(more)} more" if more else ", ".join(names)


#: The timeline in raw bytes: `live` is the sum of the three before it.
BYTES = (
    text_column("name", "name", lambda moment: moment.row.name),
    count_column("reads", "reads", lambda moment: moment.bytes(moment.step.reads)),
    count_column("writes", "writes", lambda moment: moment.bytes(moment.step.writes)),
    count_column("kept", "kept", lambda moment: moment.bytes(moment.step.later)),
    count_column("live", "live", lambda moment: moment.bytes(moment.step.live)),
)
_NAME, _READS, _WRITES, _KEPT, _LIVE = BYTES
#: In training, what the layer is the first to keep for the backward pass: no part of `live`.
SAVED = count_column("saved", "saved", lambda moment: moment.saved_bytes)

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
#: The same for what training keeps.
SAVED_TEXT = SAVED._replace(heading="saved for backward", text=_saved, numeric=False, folding="phrase")


def memory_document(
    analysis: Analysis, depth: int | None, train: bool = False, most_rows: int | None = None
) -> Document:
    """Build the timeline with a bar for each layer, and a description of every memory figure below it.

    With `train`, they include the tensors that each layer keeps for the backward pass, and the parts of
    `training_bytes`. A timeline of more than `most_rows` has its blocks collapsed, unless there is a depth.
    """
    fitting = fitting_depth(analysis.rows, most_rows) if depth is None and most_rows is not None else None
    moments = _moments(analysis, fitting or depth)
    blocks = [*([_timeline(moments, train)] if moments else []), *_figures(analysis, train)]
    return Document((*blocks, *([collapsed_note(len(analysis.rows), len(moments))] if fitting else [])))


def timeline_document(analysis: Analysis, depth: int | None, train: bool = False) -> Document:
    """Build the timeline in bytes, for CSV, Markdown and LaTeX."""
    return Document((DataTable(_bytes(train), _moments(analysis, depth)),))


def _bytes(train: bool) -> tuple[Column, ...]:
    return (*BYTES, SAVED) if train else BYTES


def memory_data(analysis: Analysis, depth: int | None = None, train: bool = False) -> dict[str, object]:
    """Return the timeline for JSON: live bytes at each layer; bytes, lifetime and arena offset of each tensor."""
    nodes, scale = analysis.graph.nodes, analysis.footprint.scale
    offsets = {place.buffer.nodes[0]: place.offset for place in plan(analysis.feature_maps, scale)}
    return {
        "optimizer": analysis.options.optimizer,
        "layers": [
            {column.key: column.value(moment, "hwc") for column in _bytes(train)}
            for moment in _moments(analysis, depth)
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
    """Return the step of each row that is shown."""
    nodes = analysis.graph.nodes
    every = list(steps(nodes, analysis.feature_maps, MOST_KEPT))
    training = training_costs(nodes, node_costs(nodes), analysis.options.bytes_in_training)
    moments = []
    for line in collapse(analysis.rows, depth):
        rows = line.rows if isinstance(line, RowGroup) else (line,)
        step = max((every[row.node.index] for row in rows), key=lambda step: step.live)
        saved = tuple([nodes[index].name for row in rows for index in training.kept[row.node.index]])
        moments.append(Moment(line, step, analysis, saved))
    return moments


def _timeline(moments: Sequence[Moment], train: bool) -> DataTable:
    # Where nothing is kept for later there is no such column.
    columns = TIMELINE if any(moment.step.later for moment in moments) else TIMELINE[:-1]
    if train:
        columns = (*columns, SAVED_TEXT)
    top = max(range(len(moments)), key=lambda at: moments[at].step.live)
    marks = [
        Mark(rail, suffixes={"live": PEAK} if at == top else {})
        for at, (rail, _) in enumerate(rails([moment.row for moment in moments]))
    ]
    return DataTable(columns, moments, marks=marks, unlimited=True)


def _beside(name: str, reader: str) -> str:
    """Return the name without the blocks that it shares with its reader."""
    shared = 0
    for at, (own, other) in enumerate(zip(name, reader, strict=False), 1):
        if own != other:
            break
        if own in "./":
            shared = at
    return name[shared:]


def _figures(analysis: Analysis, train: bool) -> Iterator[Block]:
    """Yield a table that defines each memory figure, and a paragraph on its assumptions."""
    totals, options = analysis.totals, analysis.options
    memory = totals.activation_bytes
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
        *(() if options.deploy else _training(analysis, train)),
    ]
    if analysis.incomplete:
        rows.append(("unknown", "", "", uncounted(analysis.incomplete)))
    yield text_table(rows, roles=("emphasis", "number", "number", "text"))
    samples = f"{thousands(options.batch)} samples" if options.batch > 1 else "one sample"
    yield Paragraph(
        f"All as {types_text(options)}, for {samples}; layers run in order. In place: "
        f"{'norms, activations, depthwise layers' if options.in_place else 'norms, activations'} and add write "
        "over an input that nothing reads afterwards. Alias: flatten, reshape, dropout and identity are their "
        "input under another name. Not counted: the workspace of a kernel, and what a runtime needs for itself."
    )
    if train:
        yield Paragraph(
            "Saved for backward: what PyTorch's autograd keeps, at the first layer that needs it. It is no part of the "
            "peak. What has no name there is the layer's own: indices, a mask, what it computes in between."
        )


def _training(analysis: Analysis, train: bool) -> Iterator[tuple[str, str, str, str]]:
    """Yield the bytes of training, and with `train` the parts that add up to them."""
    totals, options = analysis.totals, analysis.options
    copies = OPTIMIZERS[options.optimizer]
    state = f"{copies} more cop{'ies' if copies > 1 else 'y'} of the parameters" if copies else "no state"
    words = f"weights, gradients, what the backward pass reads, and for {options.optimizer} {state}"
    yield _figure("training", totals.training_bytes, words + (":" if train else ""))
    if train:
        gradients = totals.params * options.bytes_in_training
        yield _figure("", totals.params_bytes, "weights")
        yield _figure("", gradients, "gradients, one for each parameter")
        if copies:
            yield _figure("", copies * gradients, f"the state of {options.optimizer}")
        yield _figure("", totals.saved_bytes * options.batch, "saved for backward, each tensor once")


def _figure(label: str, size: int, words: str) -> tuple[str, str, str, str]:
    return label, f"{thousands(size)} B", _size(size) if size >= 1024 else "", words


def _size(value: int) -> str:
    """Return the size with its unit and a no-break space, as in `3.06 MiB`."""
    return bytes_text(value).replace(" ", "\N{NO-BREAK SPACE}")
