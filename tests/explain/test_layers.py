"""Explained figures equal the computed ones: every formula's text is evaluated, and compared with the row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from math import ceil, floor
from typing import Any

import pytest
from reference import CONFORMANCE

import cnncalc
from cnncalc.diagnostics import Problems
from cnncalc.explain.layers import Explanation, FigureFormula, explain
from cnncalc.graph import GraphBuilder, StoredWeights
from cnncalc.layers import kinds
from cnncalc.layers.opaque import OpaqueOp
from cnncalc.layers.rearrange import Input
from cnncalc.report.explain import _field_rows, explanation_data, explanations_document
from cnncalc.report.markdown import to_markdown
from cnncalc.report.options import RenderOptions
from cnncalc.shape import Shape

EXAMPLES = [example.spec for cls in dict.fromkeys(kinds().values()) for example in cls.examples]

#: What the examples leave out: every padding at strides and dilations, ceil, groups, fractions of a jump, all ranks.
MORE = [
    *(f"input 17x12x4 | conv 3x5 s{s} {p} d{d} g2 x6" for s in "123" for d in "12" for p in ("same", "full", "p1-3")),
    *(f"input 11x4 | pool {f} s{s} {p} ceil" for f in "34" for s in "123" for p in ("valid", "p1", "same")),
    *(f"input 5x6x4 | deconv 3 s{s} {p} x4 g2 nobias" for s in "123" for p in ("valid", "same", "full", "p1 op1 d2")),
    "input 6x7x8x2 | dwconv 3 s2 m3 | sepconv 3 same m2 x5 | pool 2 s1 | pad 1x0-2x1 | crop 1",
    "input 9x9x4 | conv 3x3 s2 x4 as a | upsample 2 bilinear | conv 3x3 x4 | pixelshuffle 2 | adaptiveavgpool 5x3",
    "input 8x8x4 | add(conv 3x3 same x4 | conv 5x5 same x4 ; conv 3x3 s2 same x4 | upsample 2 ; ) | bn | relu",
    "input 8x8x4 | concat(pool 3 s1 p1 ; conv 1x1 x2 ; ) | gn g5 | mul( ; gap | conv 1x1 x10 | sigmoid) | fc 3",
    "input 48 | reshape 4x4x3 | slice 1:3 | shuffle g2 | prelu | scale bias | lrn 3 | flatten | dropout | fc 2",
]

CASES = [case["spec"] for case in CONFORMANCE if "options" not in case]


def evaluated(text: str) -> Any:
    """The number that a formula's text comes to, by Python's own arithmetic on fractions."""
    for sign, operator in (("·", "*"), ("−", "-"), ("^", "**")):
        text = text.replace(sign, operator)
    assert re.fullmatch(r"(?:floor|ceil|max|min|[\d\s+\-*/(),])*", text)
    return eval(re.sub(r"\d+", r"Fraction(\g<0>)", text), {"Fraction": Fraction, "floor": floor, "ceil": ceil})


def formulas(told: Explanation) -> Iterator[tuple[FigureFormula, Any]]:
    """Every formula of an explanation, and the figure that the analysis has for it."""
    row = told.row
    yield from zip(told.sizes, row.output_shape, strict=True)
    yield told.buffers, row.buffers
    yield told.macs, row.macs
    yield told.memory.elements, row.activations
    for step, axis in zip(told.field, row.receptive_field.axes, strict=False):
        smallest = axis.size if axis.smallest is None else axis.smallest
        told_here = step.size, step.smallest, step.jump, step.left
        yield from zip(told_here, (axis.size, smallest, axis.jump, axis.left), strict=True)


@pytest.mark.parametrize("spec", [*EXAMPLES, *MORE])
@pytest.mark.parametrize("batch", [1, 3])
def test_formulas(spec: str, batch: int) -> None:
    """A formula's text comes to the figure of the row, and so does the value that stands behind it."""
    for told in explain(cnncalc.analyze(spec, batch=batch)):
        for formula, figure in formulas(told):
            assert (evaluated(formula.text), formula.value) == (figure, figure)
        assert evaluated(told.weights.text) + evaluated(told.biases.text) == told.row.params


@pytest.mark.parametrize("spec", CASES)
def test_formulas_of_cases(spec: str) -> None:
    """What holds for the layers' examples holds for every network of the conformance cases."""
    test_formulas(spec, 1)


@pytest.mark.parametrize("spec", [*EXAMPLES, *MORE])
def test_padding(spec: str) -> None:
    """Padding's total comes to the padding of both ends, and they are those that JSON tells."""
    for told in explain(cnncalc.analyze(spec)):
        ends = [[axis.begin, axis.end] for axis in told.padding]
        assert ends == (told.row.to_dict()["fields"]["padding"] if told.padding else [])  # type: ignore[index]
        for axis in told.padding:
            if axis.total is not None:
                whole = axis.begin + axis.end if axis.total.of == "total" else axis.begin
                assert evaluated(axis.total.text) == axis.total.value == whole


@pytest.mark.parametrize("spec", [*EXAMPLES, *MORE])
def test_page(spec: str) -> None:
    """On the page, what stands before an `=` comes to what stands behind it, words left out."""
    told = list(explain(cnncalc.analyze(spec)))
    cells = re.findall(
        r"^\| .* \| (.*) \|$", to_markdown(explanations_document(told, RenderOptions(), drawn=False)), re.MULTILINE
    )
    pattern = re.compile(r"((?!size )[^=;:]*\d[^=;:]*) = ([\d,]*\d)(?: elements?,.*)?$")
    found = [match for cell in cells if (match := pattern.match(cell))]
    for match in found:
        formula, figure = match.groups()
        assert evaluated(re.sub(r" (weights?|bias(es)?)", "", formula)) == int(figure.replace(",", ""))
    assert len(found) >= sum(bool(each.row.params) + bool(each.row.macs) for each in told)


@pytest.mark.parametrize("spec", MORE)
def test_memory(spec: str) -> None:
    """The most that is live with any layer is the peak of the totals, at its layer and with its tensors."""
    analysis = cnncalc.analyze(spec, dtype="float16")
    told = {each.row.name: each.memory for each in explain(analysis)}
    totals = analysis.totals
    assert max(memory.total for memory in told.values()) == totals.activation_bytes.peak
    assert dict(told[totals.peak_layer or ""].live) == totals.peak_tensors


def one(spec: str) -> Explanation:
    """The explanation of a spec's last layer."""
    return list(explain(cnncalc.analyze(spec)))[-1]


def test_card() -> None:
    """The figures of a 3x3 convolution on 5x5x3, written by hand."""
    told = one("input 5x5x3 | conv 3x3 s1 valid x2")
    assert [str(size) for size in told.sizes] == ["floor((5 + 2·0 − 3) / 1) + 1 = 3"] * 2 + ["2"]
    assert [str(figure) for figure in (told.weights, told.biases)] == ["3·3·3·2 = 54", "2"]
    assert str(told.macs) == "3·3 · 3·3·3·2 = 486"
    step = told.field[0]
    assert [str(part) for part in (step.size, step.jump, step.left)] == ["1 + (3 − 1)·1 = 3", "1", "0 + 0·1 = 0"]
    assert (told.memory.bytes, told.memory.live, told.memory.total) == (72, (("input1", 300), ("conv1", 72)), 372)


def test_same_at_a_stride() -> None:
    """`same` at stride 2 on 6 needs one zero, (3 − 1)·2 + 3 − 6, and it goes to the end."""
    axis = one("input 6x6x1 | conv 3x3 s2 same x1").padding[0]
    assert (axis.begin, axis.end, str(axis.total)) == (0, 1, "max((ceil(6 / 2) − 1)·2 + 3 − 6, 0) = 1")


def test_groups() -> None:
    """Groups share the channels, and the formula shows the share."""
    told = one("input 8x8x4 | conv 3x3 g2 x6")
    assert str(told.weights) == "3·3·(4/2)·6 = 108"
    assert told.channels == (
        "a filter has 2 kernels of 3x3, one for each channel of its group (4 input channels and 6 filters in 2 "
        "groups); what they give, with its bias, adds up to one feature map: 6 filters, 6 output channels"
    )


def test_in_place() -> None:
    """LayerMemory tells whose place a layer takes: that of what it is written over, or of what it names anew."""
    told = {each.row.name: each.memory.over for each in explain(cnncalc.analyze("input 4x4x2 | bn | pool 2 | fc 3"))}
    assert told == {"input1": None, "bn1": "input1", "pool1": None, "flatten1": "pool1", "fc1": None}


def test_chosen_layers() -> None:
    """Layers chosen by name are explained in source order."""
    analysis = cnncalc.analyze("input 8x8x3 | conv 3x3 x4 | relu | pool 2")
    assert [each.row.name for each in explain(analysis, ["pool1", "conv1"])] == ["conv1", "pool1"]


def test_json() -> None:
    """JSON has every formula beside its value, and where the windows lie."""
    last = explanation_data(list(explain(cnncalc.analyze("input 10x4 | conv 3 s2 x6")))[-1])
    assert last["sizes"][0] == {"axis": "length", "formula": "floor((10 + 2·0 − 3) / 2) + 1", "value": 4}
    assert last["params"] == {
        "weights": {"formula": "3·4·6", "value": 72},
        "biases": {"formula": "6", "value": 6},
        "value": 78,
    }
    assert last["windows"] == [
        {
            "axis": "length",
            "over": 10,
            "places": 4,
            "extent": 3,
            "stride": 2,
            "first": 0,
            "last": 6,
            # WindowPositions 0, 2, 4 and 6: the even elements between two of them are under both.
            "coverage": [1, 1, 2, 1, 2, 1, 2, 1, 1, 0],
        }
    ]


def test_model_file() -> None:
    """An operator that only a model file knows, and weights that it stores, are told as the file has them."""
    problems = Problems()
    builder = GraphBuilder(problems)
    first = builder.add(Input("input", shape=(8, 8, 3)), ())
    last = builder.add(
        OpaqueOp("Hologram", Shape((4, 4), 3), known=False, macs=7), (first,), stored=StoredWeights(5, 2)
    )
    analysis = cnncalc.analyze(builder.build(last))
    (told,) = explain(analysis, [analysis.rows[-1].name])
    assert ([size.value for size in told.sizes], told.macs.value) == ([4, 4, 3], 7)
    assert [str(figure) for figure in (told.weights, told.biases, told.buffers)] == ["5", "0", "2"]
    page = to_markdown(explanations_document([told], RenderOptions(), drawn=True))
    assert "| parameters | 5, as the model file stores them |" in page
    assert "| MACs | 7 |" in page


def test_axes_that_come_to_the_same() -> None:
    """Two axes whose fields are alike by other numbers each have their own formula: 1·(3 − 1) and 2·(2 − 1)."""
    told = one("input 9x9x1 | conv 3x2 d1x2 x1")
    assert [str(step.size) for step in told.field] == ["1 + 1·(3 − 1)·1 = 3", "1 + 2·(2 − 1)·1 = 3"]


def test_extents() -> None:
    """Behind upsampling the outputs of a period are told apart: of 8, the two at a square's edge see two squares."""
    told = one("input 64x64x1 | pool 8 | upsample 8 | conv 3x3 same x1")
    step = told.field[0]
    assert (str(step.size), str(step.smallest), str(step.jump), step.extents) == ("16", "8", "1", ((8, 6), (16, 2)))
    (_, text), *_ = [row for row in _field_rows(told) if row[0] == "height and width"]
    assert text == "size 8–16, jump 1, left 8; of 8 neighbouring outputs 6 see 8 and 2 see 16"
    assert explanation_data(told)["receptive_field"][0] == {  # type: ignore[index]
        "axis": "height",
        "size": {"formula": "16", "value": 16},
        "smallest": {"formula": "8", "value": 8},
        "jump": {"formula": "1", "value": 1},
        "left": {"formula": "8", "value": 8},
    }


def test_jump_behind_upsampling() -> None:
    """The jump has its formula wherever there is one, though size and left come of each output by itself."""
    told = one("input 64x1 | pool 8 | upsample 4 | conv 3 s2 same x1")
    assert [str(told.field[0].jump), str(told.field[0].size)] == ["2·2 = 4", "16"]


def test_bound() -> None:
    """An upper bound is told as such."""
    told = one("input 9x1 | upsample 5000 | conv 3 x1")
    (_, text), *_ = [row for row in _field_rows(told) if row[0] == "length"]
    assert text == "size at most 2, jump 1/5000, left at most 0"
