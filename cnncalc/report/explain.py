"""Explanations of layers as a page: a section for each, its figures with the numbers in them, and pictures."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from inspect import cleandoc
from itertools import groupby

from cnncalc.explain.layers import Explanation, FieldChange, FigureFormula
from cnncalc.explain.trace import signed
from cnncalc.layers.windowed import Windowed
from cnncalc.notation import bytes_text, shape_text, thousands
from cnncalc.report.document import Block, Grid, Heading, Paragraph, to_markdown, to_text
from cnncalc.report.layers import legend
from cnncalc.report.options import RenderOptions
from cnncalc.report.pictures import listed, pictures, pictures_object

#: So many of the tensors that are live with a layer are named, the largest.
MOST_LIVE = 4

#: A formula of so many signs is not folded.
MOST_HELD = 48

FIELD = (
    "Of a receptive field, its size, the jump to the next output's, and how far left of the input the first begins are "
    "counted in input elements."
)

#: What the two ends of an axis are called.
ENDS = {"height": ("above", "below"), "width": ("left", "right"), "depth": ("in front", "behind")}
OTHER_ENDS = ("at the beginning", "at the end")


def explanations_text(explained: Sequence[Explanation], look: RenderOptions, drawn: bool, more: int = 0) -> str:
    return to_text(list(_page(explained, look, drawn, more)), look)


def explanations_markdown(explained: Sequence[Explanation], drawn: bool, more: int = 0) -> str:
    return to_markdown(list(_page(explained, RenderOptions(), drawn, more)))


def explanations_json(explained: Iterable[Explanation]) -> str:
    """A list of objects, one for each layer; every formula stands beside its value."""
    return json.dumps([_object(each) for each in explained], indent=2, ensure_ascii=False) + "\n"


def _page(explained: Sequence[Explanation], look: RenderOptions, drawn: bool, more: int) -> Iterator[Block]:
    rules = []
    for each in explained:
        rows = tuple(_rows(each))
        rules += [text for _, text in rows]
        yield Heading(f"{each.row.name}: {each.row.description}{' (implicit)' if each.row.implicit else ''}")
        yield Paragraph(" ".join(cleandoc(each.layer.__doc__ or "").split("\n\n")[0].split()))
        yield Grid(rows, roles=("rule",))
        if drawn and any(axis.window.kernel > 1 or axis.window.stride > 1 for axis in each.positions):
            yield from pictures(each, look)
    if more:
        yield Paragraph(f"and {thousands(more)} more layers: `--layer NAME` explains one")
    if signs := legend(" ".join(rules)):
        yield Heading("signs")
        yield Paragraph(f"{signs}. {FIELD if any(each.field for each in explained) else ''}")


def _rows(told: Explanation) -> Iterator[tuple[str, str]]:
    row = told.row
    if row.inputs:
        read = [f"{shape_text(shape)} from {name}" for shape, name in zip(row.input_shapes, row.inputs, strict=True)]
        yield "input", " and ".join(read)
    yield "output", shape_text(row.output_shape) + (", as the input" if told.keeps_shape else "")
    if row.inputs and not told.keeps_shape:
        yield from _size_rows(told)
    if told.padding:
        yield "padding", _padding_text(told)
    if told.channels:
        yield "channels", told.channels
    yield from _cost_rows(told)
    yield from _field_rows(told)
    yield from _memory_rows(told)


def _size_rows(told: Explanation) -> Iterator[tuple[str, str]]:
    rule = told.layer.size_rule.partition(";")[0]
    by_axis = list(_by_axis([(size.of, _held(str(size))) for size in told.sizes if size.calculated]))
    if by_axis:
        yield "size", rule
    yield from by_axis


def _padding_text(told: Explanation) -> str:
    """What is padded on each axis, and where a rule makes it, how."""
    layer = told.layer
    assert isinstance(layer, Windowed)
    mode = layer.padding.mode
    if mode == "valid":
        return "`valid`: none"
    cropped = " cropped" if layer.pads == "crops" else ""
    by_axis = []
    for axis in told.padding:
        ends = ENDS.get(axis.axis, OTHER_ENDS)
        split = f"{signed(axis.begin)} {ends[0]} and {signed(axis.end)} {ends[1]}"
        if mode == "full":
            split = f"{axis.total} at each end"
        elif axis.total is not None:
            split = f"{axis.total}{cropped} in all, so {split}"
        by_axis.append((axis.axis, split))
    texts = "; ".join(f"{names} {text}" for names, text in _by_axis(by_axis))
    return f"`{layer.arguments['padding'].write(layer.padding)}`: {texts}"


def _cost_rows(told: Explanation) -> Iterator[tuple[str, str]]:
    layer, row = told.layer, told.row
    if row.node.stored is not None:
        yield "parameters", f"{thousands(row.params)}, as the model file stores them"
    elif row.params:
        yield "parameters", layer.params_rule
        nouns = ((told.weights, "weight"), (told.biases, "bias"))
        parts = [f"{_held(each.text)} {_plural(each, noun)}" for each, noun in nouns if each.value]
        yield "", f"{' + '.join(parts)} = {thousands(row.params)}"
    if row.buffers and row.node.stored is None:
        yield "buffers", layer.buffers_rule
        yield "", _result(told.buffers)
    if told.macs.calculated:
        yield "MACs", layer.macs_rule
        yield "", _result(told.macs)
    elif row.macs:
        yield "MACs", thousands(row.macs)


def _field_rows(told: Explanation) -> Iterator[tuple[str, str]]:
    field = told.row.receptive_field
    if not told.row.inputs:
        return
    if field.whole:
        yield "receptive field", "the whole input"
        return
    yield "receptive field", told.layer.field_rule
    changed = any(part.calculated for step in told.field for part in (step.size, step.jump, step.left))
    if changed:
        yield from _by_axis([(step.axis, _field_text(step)) for step in told.field])
    else:
        yield from _by_axis([(step.axis, f"size {step.size}, as before") for step in told.field])


def _field_text(step: FieldChange) -> str:
    return ", ".join(f"{each.of} {_held(str(each))}" for each in (step.size, step.jump, step.left))


def _memory_rows(told: Explanation) -> Iterator[tuple[str, str]]:
    memory = told.memory
    how = "own"
    if memory.over is not None:
        how = told.layer.memory
    place = {
        "own": "",
        "alias": f", which are those of `{memory.over}` as they stand",
        "in place": f", written over those of `{memory.over}`, which nothing else reads",
    }[how]
    elements = "element" if memory.elements.value == 1 else "elements"
    yield "memory", f"{_result(memory.elements)} {elements}, {bytes_text(memory.bytes)}{place}"
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
    """A formula that a line's end does not divide, where a line has room for it."""
    return text.replace(" ", "\N{NO-BREAK SPACE}") if len(text) <= MOST_HELD else text


def _plural(figure: FigureFormula, noun: str) -> str:
    one = figure.value == 1 and not figure.calculated
    return noun if one else f"{noun}es" if noun.endswith("s") else f"{noun}s"


def _by_axis(told: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """What is told of each axis, neighbours that are alike at once: `height and width`."""
    for text, alike in groupby(told, key=lambda each: each[1]):
        yield listed([axis for axis, _ in alike]), text


def _object(told: Explanation) -> dict[str, object]:
    row, memory = told.row, told.memory
    return {
        "name": row.name,
        "type": row.type,
        "layer": row.description,
        "inputs": list(row.inputs),
        "input_shapes": [list(shape) for shape in row.input_shapes],
        "output_shape": list(row.output_shape),
        "implicit": row.implicit,
        "sizes": [{"axis": size.of, **_formula(size)} for size in told.sizes],
        "padding": [
            {"axis": each.axis, "begin": each.begin, "end": each.end, "rule": each.total and _formula(each.total)}
            for each in told.padding
        ],
        "channels": told.channels,
        "params": {"weights": _formula(told.weights), "biases": _formula(told.biases), "value": row.params},
        "buffers": _formula(told.buffers),
        "macs": _formula(told.macs),
        "receptive_field": "all"
        if row.receptive_field.whole
        else [
            {"axis": step.axis, "size": _formula(step.size), "jump": _formula(step.jump), "left": _formula(step.left)}
            for step in told.field
        ],
        "memory": {
            "elements": _formula(memory.elements),
            "bytes": memory.bytes,
            "over": memory.over,
            "live": dict(memory.live),
            "live_bytes": memory.total,
        },
        **pictures_object(told),
    }


def _formula(formula: FigureFormula) -> dict[str, object]:
    value = formula.value
    return {"formula": formula.text, "value": int(value) if value.denominator == 1 else str(value)}
