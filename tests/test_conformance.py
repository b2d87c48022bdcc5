"""The conformance cases that stand beside the repository: networks whose figures PyTorch or a hand gave."""

import json
from pathlib import Path
from typing import Any

import pytest

import cnncalc

FOLDER = Path(__file__).parents[2] / "shared" / "conformance"
CASES = [case for path in sorted(FOLDER.glob("*.json")) for case in json.loads(path.read_text(encoding="utf-8"))]

pytestmark = pytest.mark.skipif(not CASES, reason="the conformance cases are not beside the repository")


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_case(case: dict[str, Any]) -> None:
    """A case agrees in every figure that it gives."""
    options = case.get("options", [])
    given = {options[at].lstrip("-"): options[at + 1] for at in range(0, len(options), 2)}
    got = json.loads(json.dumps(cnncalc.analyze(case["spec"], **given).to_dict()))
    figures = ("type", "output_shape", "params", "buffers", "macs", "implicit")
    assert [{key: row[key] for key in figures} for row in got["layers"]] == case["layers"]
    assert {key: got["totals"][key] for key in case["totals"]} == case["totals"]
    memory = got["totals"]["activation_bytes"]
    for figure, key in (("peak", "peak_elements"), ("peak_no_inplace", "peak_elements_no_inplace")):
        if key in case:
            assert memory[figure] == 4 * case[key]
    if "receptive_field" in case:
        expected = dict(case["receptive_field"])
        assert got["layers"][expected.pop("layer")]["receptive_field"] == expected
