"""Repairs for layers that do not fit their inputs: notes on the likely cause, and the edit to make.

The graph builder reports the facts. Here each diagnostic of a `BuildError` is given further notes and an edit in
the spec language. For the arms of a merge the edit is searched for among common omissions: the other arm's stride,
its padding, its number of filters. Each is tried on the layers of one arm, the shapes of the arm are inferred again,
and an edit after which the arms agree is suggested.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from cnncalc.diagnostics import Diagnostic
from cnncalc.graph import BuildError, FailedLayer, Node
from cnncalc.layers.axis_order import misreading
from cnncalc.layers.base import Layer
from cnncalc.layers.conv import Conv
from cnncalc.layers.rearrange import Input
from cnncalc.shape import Padding, Shape, ShapeError, ceil_div

#: The most layers of an arm, from its end, for which edits are tried.
MOST_TRIED = 40

#: For a merge of more arms no edit is looked for, and notes are on the first arms alone.
MOST_ARMS = 8


def with_repairs(error: BuildError) -> BuildError:
    """Return the error with notes and edits added to the diagnostics of its failed layers."""
    repaired = {failure.diagnostic: _repaired(error, failure) for failure in error.failures}
    return error.with_diagnostics([repaired.get(each, each) for each in error.diagnostics])


def _repaired(error: BuildError, failure: FailedLayer) -> Diagnostic:
    diagnostic = failure.diagnostic
    if len(failure.inputs) > 1:
        arms = _arms_of(error.nodes, failure.inputs)
        notes, help = _merge_notes(arms), diagnostic.help or _merge_edit(failure.layer, arms)
        return diagnostic._replace(notes=(*diagnostic.notes, *notes), help=help)
    if not failure.inputs:
        return diagnostic
    notes = []
    first = error.nodes[0]
    misread = misreading(first.layer.shape) if isinstance(first.layer, Input) else None
    if misread is not None and first.shape.rank > 1:
        notes.append(f"the input {first.shape} looks {misread.looks}; {misread.here}: {misread.help}")
    x = error.nodes[failure.inputs[0]].shape
    if diagnostic.code in ("E106", "E204") and x.rank == 1:
        notes.append(f"{x} is 1 spatial axis and {x.channels} channels; a grey image is {x}x1")
    return diagnostic._replace(notes=(*diagnostic.notes, *notes))


def _arms_of(nodes: Sequence[Node], inputs: tuple[int, ...]) -> list[list[Node]]:
    """Return for each input of a merge its arm: the nodes, by first inputs, from the fork to its end."""
    chains = [list(_back(nodes, index)) for index in inputs[: MOST_ARMS + 1]]
    passed = Counter(node.index for chain in chains for node in chain)
    arms = []
    for chain in chains:
        arm = [node for node in chain if passed[node.index] == 1]
        fork = [node for node in chain if passed[node.index] > 1][:1]
        arms.append([*fork, *reversed(arm)])
    return arms


def _back(nodes: Sequence[Node], index: int) -> Iterator[Node]:
    while True:
        yield nodes[index]
        if not nodes[index].inputs:
            return
        index = nodes[index].inputs[0]


def _merge_notes(arms: list[list[Node]]) -> list[str]:
    """Return a note for each arm: its shapes from the fork on, without repetitions."""
    notes = []
    for number, arm in enumerate(arms[:MOST_ARMS], 1):
        shapes = list(dict.fromkeys(str(node.shape) for node in arm))
        if len(shapes) > 6:
            shapes = [*shapes[:2], "…", *shapes[-3:]]
        notes.append(f"arm {number} ends in `{arm[-1].name}`: {' -> '.join(shapes)}")
    return notes


def _merge_edit(merge: Layer, arms: list[list[Node]]) -> str | None:
    """Return the edit that makes a merge's inputs agree; None if no single edit does or there are many arms."""
    if len(arms) > MOST_ARMS:
        return None
    ends = [arm[-1].shape for arm in arms]
    if not all(isinstance(size, int) for end in ends for size in end.dims):
        return None  # what fits some numbers may not fit others
    edits = []
    for number in reversed(range(len(arms))):
        others = [shape for other, shape in enumerate(ends) if other != number]
        for text, end in _edits(arms[number], others):
            if end is not None and _agree(merge, [*ends[:number], end, *ends[number + 1 :]]):
                edits.append(text)
                break
    return f"write {', or '.join(edits)}" if edits else None


def _agree(merge: Layer, shapes: list[Shape]) -> bool:
    try:
        merge.infer(tuple(shapes))
    except ShapeError:
        return False
    return True


def _edits(arm: list[Node], others: list[Shape]) -> Iterator[tuple[str, Shape | None]]:
    """Yield edits of one arm in words, and the resulting shape of the arm."""
    if len(arm) == 1:
        yield from ((f"`{conv}` in the empty arm", end) for conv, end in _projections(arm[0].shape, others))
        return
    for node, argument, value in _candidates(arm, others):
        text = node.layer.arguments[argument].write(value)
        yield f"`{text}` in `{node.name}`", _end_with(arm, node, argument, value)


def _projections(shape: Shape, others: list[Shape]) -> Iterator[tuple[Layer, Shape | None]]:
    """Yield the 1x1 convolutions that project an empty arm to another's shape, as the shortcuts of a ResNet do."""
    for other in others:
        if other.rank == shape.rank and shape.spatial:
            strides = tuple(ceil_div(n, m) for n, m in zip(shape.spatial, other.spatial, strict=True))
            conv = Conv("conv", kernel=(1,), stride=strides, filters=other.channels).resolve(shape)
            yield conv, conv.infer((shape,))


def _candidates(arm: list[Node], others: list[Shape]) -> Iterator[tuple[Node, str, Any]]:
    """Yield a node of the arm, an argument of its layer, and a value to try for it."""
    tried = [node for node in reversed(arm) if len(node.inputs) == 1][:MOST_TRIED]
    channels = dict.fromkeys(shape.channels for shape in others)
    for node in tried:
        if "filters" in node.layer.arguments:
            yield from ((node, "filters", count) for count in channels)
    for node in tried:
        if "padding" in node.layer.arguments:
            yield node, "padding", Padding("same")
    for node in tried:
        if "stride" in node.layer.arguments:
            yield from ((node, "stride", (step,) * len(vars(node.layer)["stride"])) for step in (1, 2, 4))


def _end_with(arm: list[Node], changed: Node, argument: str, value: Any) -> Shape | None:
    """Return the shape at the end of an arm with one argument changed; None if that does not fit."""
    start = next(position for position, node in enumerate(arm) if node is changed)
    shape = changed.input_shapes[0]
    for node in arm[start:]:
        if len(node.inputs) != 1:
            return None
        layer = node.layer
        if node is changed:
            layer = layer.replace(**{argument: value})
        try:
            shape = layer.resolve(shape).infer((shape,))
        except ShapeError:
            return None
    return shape
