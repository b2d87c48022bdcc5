"""The conformance cases: networks whose figures were counted in PyTorch or calculated by hand."""

import json
from typing import Any

import pytest
from reference import CONFORMANCE, options

import cnncalc


@pytest.mark.parametrize("case", CONFORMANCE, ids=[case["id"] for case in CONFORMANCE])
def test_case(case: dict[str, Any]) -> None:
    """A case agrees in every figure that it gives."""
    got = json.loads(json.dumps(cnncalc.analyze(case["spec"], **options(case)).to_dict()))
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
