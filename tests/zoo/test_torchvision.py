"""The CNNs of torchvision: its published table, and every figure to the integer where reference figures are at hand."""

from pathlib import Path
from typing import NamedTuple

import pytest
from reference import GOLDEN, read_json

import cnncalc

PUBLISHED = Path(__file__).parent / "torchvision.txt"
REFERENCE = read_json(GOLDEN / "torchvision.json")

#: The auxiliary head of inception_v3: a 1x1 convolution 768 → 128 and a 5x5 128 → 768, each with a batch norm,
#: and an fc 768 → 1000.
INCEPTION_HEAD = 768 * 128 + 2 * 128 + 25 * 128 * 768 + 2 * 768 + 768 * 1000 + 1000


class Line(NamedTuple):
    name: str
    size: int
    params: int
    gmacs: float


def published() -> list[Line]:
    lines = [line.split() for line in PUBLISHED.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return [Line(name, int(size), int(params), float(gmacs)) for name, size, params, gmacs in lines]


@pytest.mark.parametrize("line", published(), ids=lambda line: f"{line.name}-{line.size}")
def test_published(line: Line) -> None:
    """Parameters are the published ones to the integer, multiply-adds to the three decimals that are published."""
    totals = cnncalc.analyze(line.name, input=(line.size, line.size, 3)).totals

    assert totals.params + (INCEPTION_HEAD if line.name == "inception_v3" else 0) == line.params
    assert round(totals.macs / 10**9, 3) == line.gmacs


def test_all_are_there() -> None:
    """The published table has 68 networks, each of them at the input that its file says."""
    names = {line.name for line in published()}
    assert len(names) == 68
    for name in names:
        size = cnncalc.parse(name).nodes[0].shape.spatial[0]
        assert size in {line.size for line in published() if line.name == name}


@pytest.mark.reference
@pytest.mark.parametrize("name", REFERENCE)
def test_reference(name: str) -> None:
    """Input, parameters, buffers and MACs are those of the model itself, counted in torchvision, to the integer."""
    expected = REFERENCE[name]
    result = cnncalc.analyze(name)
    totals = result.totals

    assert list(result.rows[0].output_shape) == expected["input"]
    assert (totals.params, totals.buffers, totals.macs) == (expected["params"], expected["buffers"], expected["macs"])
