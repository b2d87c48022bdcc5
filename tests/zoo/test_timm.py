"""The networks of timm: every figure to the integer, by a table, and by reference figures where these are at hand."""

from pathlib import Path
from typing import NamedTuple

import pytest
from reference import GOLDEN, read_json

import cnncalc
from cnncalc import zoo

TABLE = Path(__file__).parent / "timm.txt"
REFERENCE = read_json(GOLDEN / "timm.json")

#: What timm calls a network that the zoo has by another name.
ALIASES = {"regnety_004": "regnet_y_400mf"}

#: Networks of the reference that the zoo does not have, and what they are made of.
LEFT_OUT = {
    **dict.fromkeys(
        (
            "mobilevit_xxs", "mobilevit_xs", "mobilevit_s", "mobilevitv2_050", "coatnet_0_224", "vit_tiny_patch16_224",
            "vit_small_patch16_224", "swin_tiny_patch4_window7_224", "botnet26t_256", "efficientformer_l1",
            "edgenext_xx_small", "maxvit_tiny_tf_224",
        ),
        "attention",
    ),
}  # fmt: skip


class Line(NamedTuple):
    name: str
    params: int
    buffers: int
    macs: int
    source: str


def lines() -> list[Line]:
    rows = [line.split(None, 4) for line in TABLE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return [Line(name, int(params), int(buffers), int(macs), source) for name, params, buffers, macs, source in rows]


@pytest.mark.parametrize("line", lines(), ids=lambda line: line.name)
def test_figures(line: Line) -> None:
    """Parameters, buffers and MACs are those of the table."""
    totals = cnncalc.analyze(line.name).totals
    assert (totals.params, totals.buffers, totals.macs) == (line.params, line.buffers, line.macs)


@pytest.mark.parametrize("line", lines(), ids=lambda line: line.name)
def test_classes(line: Line) -> None:
    """`classes` sets the number of outputs."""
    assert cnncalc.analyze(line.name, variables={"classes": 7}).rows[-1].output_shape == (7,)


@pytest.mark.reference
def test_every_network() -> None:
    """The zoo has every network of the reference, or it is said what those that it lacks are made of."""
    assert {name for name in REFERENCE if zoo.find(ALIASES.get(name, name)) is None} == set(LEFT_OUT)


@pytest.mark.reference
@pytest.mark.parametrize("name", [name for name in REFERENCE if name not in LEFT_OUT])
def test_reference(name: str) -> None:
    """Input, parameters, buffers and MACs are those of timm's own model, to the integer."""
    expected = REFERENCE[name]
    result = cnncalc.analyze(ALIASES.get(name, name))
    totals = result.totals

    assert list(result.rows[0].output_shape) == expected["input"]
    assert (totals.params, totals.buffers, totals.macs) == (expected["params"], expected["buffers"], expected["macs"])
