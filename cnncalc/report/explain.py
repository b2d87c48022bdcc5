"""Explanations of layers: a section for each, with the figures, their calculations, and pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from inspect import cleandoc
from itertools import groupby

from cnncalc.explain.layers import Explanation, FieldChange, FigureFormula
from cnncalc.explain.trace import signed
from cnncalc.layers.windowed import Windowed
from cnncalc.notation import bytes_text, range_text, shape_text, thousands
from cnncalc.report.document import Block, Document, Heading, Paragraph, text_table
from cnncalc.report.layers import legend
from cnncalc.report.options import RenderOptions
from cnncalc.report.pictures import listed, pictures, pictures_data
from cnncalc.shape import UnknownSize, formulas_as_text

#: Of the tensors that are live with a layer, the largest are named, at most this many.
MOST_LIVE = 4

#: The most different extents of neighbouring outputs that are listed.
MOST_EXTENTS = 4

#: The length up to which a formula is not folded.
MOST_HELD = 48

FIELD = (
    "Of a receptive field, its size, the jump to the next output's, and how far left of the input the first begins are "
    "counted in input elements."
)

#: The names of the two ends of an axis.
ENDS = {"height": ("above", "below"), "width": ("left", "right"), "depth": ("in front", "behind")}
OTHER_ENDS = ("at the beginning", "at the end")


def explanations_document(
    explanations: Sequence[Explanation], options: RenderOptions, drawn: bool, more: int = 0
) -> Document:
    """Build a section for each layer; if `drawn`, with pictures that fit the width and the character set."""
    return Document(tuple(_page(explanations, options, drawn, more)))


def _page(explanations: Sequence[Explanation], options: RenderOptions, drawn: bool, more: int) -> Iterator[Block]:
    rules = []
    for each in explanations:
        rows = tuple(_rows(each))
        rules += [text for _, text in rows]
        yield Heading(f"{each.row.name}: {each.row.description}{' (implicit)' if each.row.implicit else ''}")
        what = " ".join(cleandoc(each.layer_at_step.__doc__ or "").split("\n\n")[0].split())
        yield Paragraph(what if each.layer is each.layer_at_step else f"At each step: {what[:1].lower()}{what[1:]}")
        yield text_table(rows, roles=("label",))
        if drawn and any(axis.window.kernel > 1 or axis.window.stride > 1 for axis in each.positions):
            yield from pictures(each, options)
    if more:
        yield Paragraph(f"and {thousands(more)} more layers: `--layer NAME` explains one")
    if signs := legend(" ".join(rules)):
        yield Heading("signs")
        yield Paragraph(f"{signs}. {FIELD if any(each.field for each in explanations) else ''}")


def _rows(explanation: Explanation) -> Iterator[tuple[str, str]]:
    row = explanation.row
    if row.inputs:
        read = [f"{shape_text(shape)} from {name}" for shape, name in zip(row.input_shapes, row.inputs, strict=True)]
        yield "input", " and ".join(read)
    yield "output", shape_text(row.output_shape) + (", as the input" if explanation.keeps_shape else "")
    if row.inputs and not explanation.keeps_shape:
        yield from _size_rows(explanation)
    if explanation.padding:
        yield "padding", _padding_text(explanation)
    if explanation.channels:
        yield "channels", explanation.channels
    yield from _cost_rows(explanation)
    yield from _field_rows(explanation)
    yield from _memory_rows(explanation)


def _size_rows(explanation: Explanation) -> Iterator[tuple[str, str]]:
    rule = explanation.layer.size_rule.partition(";")[0]
    by_axis = list(_by_axis([(size.of, _held(str(size))) for size in explanation.sizes if size.calculated]))
    if by_axis:
        yield "size", rule
    yield from by_axis


def _padding_text(explanation: Explanation) -> str:
    """Return the padding of each axis, with its calculation if a rule determines it."""
    layer = explanation.layer_at_step
    assert isinstance(layer, Windowed)
    mode = layer.padding.mode
    if mode == "valid":
        return "`valid`: none"
    cropped = " cropped" if layer.pads == "crops" else ""
    by_axis = []
    for axis in explanation.padding:
        ends = ENDS.get(axis.axis, OTHER_ENDS)
        split = f"{signed(axis.begin)} {ends[0]} and {signed(axis.end)} {ends[1]}"
        if mode == "full":
            split = f"{axis.total} at each end"
        elif mode == "causal":
            split = f"{axis.total} {ends[0]}, none {ends[1]}"
        elif axis.total is not None:
            split = f"{axis.total}{cropped} in all, so {split}"
        by_axis.append((axis.axis, split))
    texts = "; ".join(f"{names} {text}" for names, text in _by_axis(by_axis))
    return f"`{layer.arguments['padding'].write(layer.padding)}`: {texts}"


def _cost_rows(explanation: Explanation) -> Iterator[tuple[str, str]]:
    layer, row = explanation.layer, explanation.row
    if row.node.stored is not None:
        frozen = f", and {thousands(row.frozen)} frozen" if row.frozen else ""
        yield "parameters", f"{thousands(row.params)}{frozen}, as the model file stores them"
    elif "params" in row.missing:
        yield "parameters", layer.params_rule if layer.known else "unknown"
        if layer.known:
            yield "", _result(explanation.weights)
    elif row.params or row.frozen:
        yield "frozen" if layer.frozen else "parameters", layer.params_rule
        nouns = ((explanation.weights, "weight"), (explanation.biases, "bias"))
        parts = [f"{_held(each.text)} {_plural(each, noun)}" for each, noun in nouns if each.value]
        yield "", f"{' + '.join(parts)} = {thousands(row.params + row.frozen)}"
    if row.buffers and row.node.stored is None:
        yield "buffers", layer.buffers_rule
        yield "", _result(explanation.buffers)
    if explanation.macs.calculated:
        yield "MACs", layer.macs_rule
        yield "", _result(explanation.macs)
    elif row.macs or "macs" in row.missing:
        yield "MACs", thousands(row.macs) if row.macs else "unknown"
    if row.missing:
        yield "stands on", row.stands_on


def _field_rows(explanation: Explanation) -> Iterator[tuple[str, str]]:
    field = explanation.row.receptive_field
    if not explanation.row.inputs:
        return
    if field.whole:
        yield "receptive field", "the whole input"
        return
    yield "receptive field", explanation.layer.field_rule
    changed = any(part.calculated for step in explanation.field for part in (step.size, step.jump, step.left))
    if changed or not all(axis.plain for axis in field.axes):
        yield from _by_axis([(step.axis, _field_text(step)) for step in explanation.field])
    else:
        yield from _by_axis([(step.axis, f"size {step.size}, as before") for step in explanation.field])


def _field_text(step: FieldChange) -> str:
    most = "at most " if step.at_most else ""
    texts = [
        f"size {most}{_held(str(step.size))}",
        f"jump {_held(str(step.jump))}",
        f"left {most}{_held(str(step.left))}",
    ]
    if step.smallest.value != step.size.value:
        texts[0] = f"size {range_text(step.smallest.value, step.size.value)}"
    return ", ".join(texts) + _extents_text(step)


def _extents_text(step: FieldChange) -> str:
    """Return how many neighbouring outputs see how much: `; of 8 neighbouring outputs 6 see 8 and 2 see 16`."""
    if not 1 < len(step.extents) <= MOST_EXTENTS:
        return ""
    outputs = sum(count for _, count in step.extents)
    texts = [f"{count} see{'s' if count == 1 else ''} {size}" for size, count in step.extents]
    return f"; of {outputs} neighbouring outputs {listed(texts)}"


def _memory_rows(explanation: Explanation) -> Iterator[tuple[str, str]]:
    memory = explanation.memory
    how = "own"
    if memory.over is not None:
        how = explanation.layer.memory
    place = {
        "own": "",
        "alias": f", which are those of `{memory.over}` as they stand",
        "in place": f", written over those of `{memory.over}`, which nothing else reads",
    }[how]
    elements = "element" if memory.elements.value == 1 else "elements"
    size = "size unknown" if "activations" in explanation.row.missing else bytes_text(memory.bytes)
    yield "memory", f"{_result(memory.elements)} {elements}, {size}{place}"
    if len(memory.live) > 1:
        named = sorted(memory.live, key=lambda each: -each[1])[:MOST_LIVE]
        texts = [_held(f"{name} {bytes_text(size)}") for name, size in named]
        rest = len(memory.live) - len(named)
        others = f" and {rest} more" if rest else ""
        yield "", f"live while it runs: {' + '.join(texts)}{others} = {_held(bytes_text(memory.total))}"


def _result(formula: FigureFormula) -> str:
    value = thousands(formula.value) if isinstance(formula.value, int) else str(formula.value)
    return _held(f"{formula.text} = {value}") if formula.calculated else value


def _held(text: str) -> str:
    """Return the formula with no-break spaces if it is short enough to stay on one line."""
    return text.replace(" ", "\N{NO-BREAK SPACE}") if len(text) <= MOST_HELD else text


def _plural(figure: FigureFormula, noun: str) -> str:
    one = figure.value == 1 and not figure.calculated
    return noun if one else f"{noun}es" if noun.endswith("s") else f"{noun}s"


def _by_axis(texts: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield each text with the names of the axes it applies to; equal neighbours share one: `height and width`."""
    for text, alike in groupby(texts, key=lambda each: each[1]):
        yield listed([axis for axis, _ in alike]), text


def explanation_data(explanation: Explanation) -> dict[str, object]:
    """Return the explanation of a layer as a JSON object, with every formula beside its value."""
    row, memory = explanation.row, explanation.memory
    return {
        "name": row.name,
        "type": row.type,
        "layer": row.description,
        "inputs": list(row.inputs),
        "input_shapes": formulas_as_text(row.input_shapes),
        "output_shape": formulas_as_text(row.output_shape),
        "implicit": row.implicit,
        "sizes": [{"axis": size.of, **_formula(size)} for size in explanation.sizes],
        "padding": [
            {
                "axis": each.axis,
                "begin": formulas_as_text(each.begin),
                "end": formulas_as_text(each.end),
                "rule": each.total and _formula(each.total),
            }
            for each in explanation.padding
        ],
        "channels": explanation.channels,
        "params": {
            "weights": _formula(explanation.weights),
            "biases": _formula(explanation.biases),
            "value": row.params,
        },
        "buffers": _formula(explanation.buffers),
        "macs": _formula(explanation.macs),
        "receptive_field": "all"
        if row.receptive_field.whole
        else [
            {
                "axis": step.axis,
                "size": _formula(step.size),
                **({"smallest": _formula(step.smallest)} if step.extents else {}),
                "jump": _formula(step.jump),
                "left": _formula(step.left),
                **({"at_most": True} if step.at_most else {}),
            }
            for step in explanation.field
        ],
        "memory": {
            "elements": _formula(memory.elements),
            "bytes": formulas_as_text(memory.bytes),
            "over": memory.over,
            "live": dict(memory.live),
            "live_bytes": memory.total,
        },
        **pictures_data(explanation),
    }


def _formula(formula: FigureFormula) -> dict[str, object]:
    value = formula.value
    if isinstance(value, UnknownSize):
        return {"formula": formula.text, "value": None}
    return {"formula": formula.text, "value": int(value) if value.denominator == 1 else str(value)}
