"""What training takes of us is what PyTorch keeps and computes for torchvision's networks.

golden.json is written by measure.py, which trains them for a step; differences.yaml explains what is left. Neither
PyTorch nor torchvision is needed here.
"""

import json
from math import prod
from pathlib import Path
from typing import Any

import pytest
import yaml

import cnncalc

HERE = Path(__file__).parent
GOLDEN: dict[str, Any] = json.loads((HERE / "golden.json").read_text(encoding="utf-8"))["networks"]
DIFFERENCES: dict[str, Any] = yaml.safe_load((HERE / "differences.yaml").read_text(encoding="utf-8"))


def batch(name: str) -> int:
    size: int = GOLDEN[name]["input"][0]
    return size


def test_saved_bytes_within_2_per_cent() -> None:
    """Of 15 networks, at least 14 are within 2 % of what autograd's saved tensors hold."""
    near = [
        name
        for name, measured in GOLDEN.items()
        if abs(cnncalc.analyze(name).totals.saved_bytes * batch(name) / measured["saved_bytes"] - 1) <= 0.02
    ]
    assert (len(GOLDEN), len(near) >= 14) == (15, True), f"{sorted(set(GOLDEN) - set(near))} are further off"


@pytest.mark.parametrize("name", GOLDEN)
def test_difference_is_explained(name: str) -> None:
    """To the byte, the difference from what autograd keeps is the sum of the causes that are listed."""
    more = GOLDEN[name]["saved_bytes"] - cnncalc.analyze(name).totals.saved_bytes * batch(name)
    assert more == sum(DIFFERENCES["networks"][name].values())


@pytest.mark.parametrize("name", GOLDEN)
def test_cause_is_of_its_size(name: str) -> None:
    """Each cause is as large as its description says: computed from the layers of its kind."""
    rows, samples = cnncalc.analyze(name).rows, batch(name)
    sizes = {
        "batch_norm_statistics": sum(8 * row.output_shape[-1] for row in rows if row.type == "bn"),
        "layer_norm_statistics": sum(8 * samples * prod(row.output_shape[:-1]) for row in rows if row.type == "ln"),
        "dropout_mask": sum(3 * samples * row.activations for row in rows if row.type == "dropout"),
    }
    # In each residual block but ConvNeXt's first, whose rate is 0.
    if name in ("efficientnet_b0", "convnext_tiny"):
        blocks = sum(row.type == "add" for row in rows) - (name == "convnext_tiny")
        sizes["stochastic_depth"] = 4 * samples * blocks
    causes = DIFFERENCES["networks"][name]
    assert {cause: size for cause, size in sizes.items() if size} == causes
    assert set(causes) <= set(DIFFERENCES["causes"])


@pytest.mark.parametrize("name", GOLDEN)
def test_macs(name: str) -> None:
    """Twice the MACs of the forward pass, and of forward and backward, are what FlopCounterMode counts."""
    rows = cnncalc.analyze(name, batch=batch(name)).rows
    forward = sum(row.macs for row in rows)
    both = forward + sum(row.backward_macs for row in rows)
    measured = GOLDEN[name]
    assert (measured["forward_flops"], measured["training_flops"]) == (2 * forward, 2 * (both + overcounted(rows)))


def overcounted(rows: Any) -> int:
    """What FlopCounterMode counts too much: it takes the weight gradient of groups as if each read all channels.

    A convolution of g groups has 1/g of those products, as it has in the forward pass.
    """
    groups = {"conv": lambda row: row.node.layer.groups, "dwconv": lambda row: row.input_shapes[0][-1]}
    return sum((groups[row.type](row) - 1) * row.macs for row in rows if row.type in groups)


@pytest.mark.parametrize("name", GOLDEN)
def test_conv_activations(name: str) -> None:
    """The output elements of convolutions and fc are those that torchvision's modules of these kinds give."""
    assert cnncalc.analyze(name).totals.conv_activations == GOLDEN[name]["conv_activations"]
