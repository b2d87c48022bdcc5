"""`timewise`: what its layers are at all steps, against the same layers on one step and by hand."""

from __future__ import annotations

from typing import Any

import pytest

import cnncalc
from cnncalc.figures.conventions import compare_conventions

#: Layers of every sort, on a step of 9x8x4.
INSIDE = [
    "conv 3x3 s2 p1 x6", "dwconv 3x3 same m2", "sepconv 3x3 x5", "deconv 2 s2 x3", "pool 2", "avgpool 3 s2 p1", "gap",
    "bn", "ln all", "gn g2", "prelu", "scale bias", "fc 5 nobias", "fc 3 each frozen", "relu", "dropout 0.3",
    "conv 1x1 x8 | pixelshuffle 2", "slice 1:3 | crop 1", "adaptivemaxpool 2x3", "add(conv 1x1 x4 ; )",
    "resize 4x3", "conv 3x3 x4 as a | upsample 2 | resize @a",
    "mul( ; gap)", "concat( ; conv 1x1 x2)", "concat axis=height ( ; pool 2x1)", "reshape 72x4 | gru 5",
]  # fmt: skip


def summed(analysis: cnncalc.Analysis, figure: str) -> int:
    return sum(getattr(row, figure) for row in analysis.rows if row.node.inputs)


@pytest.mark.parametrize("inside", INSIDE)
def test_as_one_step(inside: str) -> None:
    """Five steps have the weights of one, and five times what one computes, by every convention."""
    one, five = cnncalc.analyze(f"input 9x8x4 | {inside}"), cnncalc.analyze(f"input 5x9x8x4 | timewise({inside})")
    assert five.rows[-1].output_shape == (5, *one.rows[-1].output_shape)
    for figure in ("params", "frozen", "buffers"):
        assert getattr(five.totals, figure) == getattr(one.totals, figure)
    for figure in ("macs", "backward_macs", "activations", "conv_activations"):
        assert getattr(five.totals, figure) == 5 * getattr(one.totals, figure)
    counts = [[each.macs for each in compare_conventions(result.graph.nodes)] for result in (one, five)]
    assert counts[1] == [5 * macs for macs in counts[0]]
    # The input is kept whole, as each step's is.
    assert summed(five, "saved_bytes") == 5 * summed(one, "saved_bytes")
    memory = [result.totals.activation_bytes for result in (one, five)]
    assert (memory[1].sum, memory[1].peak, memory[1].peak_no_inplace) == tuple(
        5 * each for each in (memory[0].sum, memory[0].peak, memory[0].peak_no_inplace)
    )


@pytest.mark.parametrize("inside", INSIDE)
def test_receptive_field(inside: str) -> None:
    """A step sees its own step; on the axes of a step, what it sees without steps."""
    one, five = cnncalc.analyze(f"input 9x8x4 | {inside}"), cnncalc.analyze(f"input 5x9x8x4 | timewise({inside})")
    for alone, row in zip(one.rows[1:], five.rows[1:], strict=True):
        figures = row.receptive_field.figures()
        if row.receptive_field.whole:
            # A reshape from one number of axes to another.
            assert alone.receptive_field.whole
            continue
        assert {name: values[0] for name, values in figures.items()} == {
            "size": 1, "smallest": 1, "jump": 1, "left": 0
        }  # fmt: skip
        if not alone.receptive_field.whole:
            wanted = alone.receptive_field.figures()
            assert {name: values[1:] for name, values in figures.items()} == wanted
        elif len(alone.output_shape) == 3:
            # gap: each output of a step sees all 9x8 of it.
            assert (figures["size"][1:], figures["left"][1:]) == ([9, 8], [0, 0])


def test_window_over_steps() -> None:
    """A convolution over the steps sees 3 of them, and on the other axes what each did: 3x3, at a jump of 2."""
    rows = cnncalc.analyze("input 8x9x9x3 | timewise(conv 3x3 s2 x4) | conv 3x1x1 s2x1x1 x4").rows
    assert rows[-1].receptive_field.figures() == {
        "size": [3, 3, 3], "smallest": [3, 3, 3], "jump": [2, 2, 2], "left": [0, 0, 0]
    }  # fmt: skip


def test_names_and_json() -> None:
    """Rows are numbered within the brackets as in a block; JSON has the layer of a step and its arguments."""
    result = cnncalc.analyze("input 4x6x6x3 | timewise(conv 3x3 x2 | timewise(relu)) | timewise(fc 2) as ends")
    assert [row.name for row in result.rows] == [
        "input1", "timewise1.conv1", "timewise1.timewise1.relu1", "ends.flatten1", "ends.fc1"
    ]  # fmt: skip
    data: Any = result.to_dict()["layers"]
    assert {each["type"] for each in data[1:]} == {"timewise"}
    assert data[1]["fields"] == {
        "layer": "conv", "step_axes": 1, "kernel": [3, 3], "stride": [1, 1], "padding": [[0, 0], [0, 0]],
        "padding_mode": "valid", "dilation": [1, 1], "groups": 1, "filters": 2, "bias": True,
    }  # fmt: skip
    assert (data[2]["fields"], data[3]["implicit"]) == ({"layer": "relu", "step_axes": 2}, True)


def test_blocks_and_names_inside() -> None:
    """A block may be called inside and outside; a name given inside is a tensor of all steps."""
    result = cnncalc.analyze(
        "def twice(c) = conv 3x3 same x{c} | relu\n"
        "input 3x8x8x4 | timewise(twice(4) as a | twice(6) | concat( ; @a)) | conv 1x1x1 x2 | add( ; slice 0:2)"
    )
    assert result["timewise1.concat1"].output_shape == (3, 8, 8, 10)
    assert result["timewise1.a.conv1"].params == 9 * 4 * 4 + 4


def test_letters() -> None:
    """Sizes and counts in letters: 27·C·4 + 4 weights whatever the steps, T times the products."""
    result = cnncalc.analyze("input TxHxWxC | timewise(conv 3x3 x4)")
    row = result.rows[-1]
    assert [str(size) for size in row.output_shape] == ["T", "H - 2", "W - 2", "4"]
    assert str(row.params) == "36*C + 4"
    assert row.macs.substitute({"T": 5, "H": 8, "W": 7, "C": 3}) == 5 * 6 * 5 * 108
    assert {name: str(domain) for name, domain in result.domains.items()} == {
        "T": "1 or more", "C": "1 or more", "H": "3 or more", "W": "3 or more"
    }  # fmt: skip
    assert len(cnncalc.analyze("timewise(conv 3x3 x8)").rows[0].output_shape) == 4


def test_explained() -> None:
    """The formulas are those of a step, times the steps."""
    from cnncalc.explain.layers import explain

    result = cnncalc.analyze("input 10x8x8x3 | timewise(conv 3x3 s2 p1 x4)")
    (told,) = explain(result, ["timewise1.conv1"])
    assert str(told.macs) == "10 · 4·4 · 3·3·3·4 = 17280"
    assert str(told.weights) == "3·3·3·4 = 108"
    assert [str(size) for size in told.sizes] == [
        "10", "floor((8 + 2·1 − 3) / 2) + 1 = 4", "floor((8 + 2·1 − 3) / 2) + 1 = 4", "4"
    ]  # fmt: skip
    assert [str(step.size) for step in told.field] == ["1", "1 + (3 − 1)·1 = 3", "1 + (3 − 1)·1 = 3"]


def test_warning() -> None:
    """What the windows of a step never reach is warned of, as without steps."""
    (warning,) = cnncalc.analyze("input 3x6x6x1 | timewise(conv 3x3 s2 x2)").warnings
    assert (warning.code, warning.message) == (
        "W201", "`timewise1.conv1` never reaches the last row (of 6) and the last column (of 6)"
    )  # fmt: skip
