"""Every figure of every variant is what `analyze` calculates for it, and so is every error."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import pytest
from reference import CONFORMANCE
from sweeping import SPACE, differences, with_lets

import cnncalc
from cnncalc import zoo
from cnncalc.language.expressions import evaluate
from cnncalc.language.nodes import LetNode, NumberNode
from cnncalc.sweep.library import Sweep
from cnncalc.sweep.names import TOTALS

#: Ten networks of different kinds, with the lets that are varied.
ZOO = {
    "efficientnet_b0": {"width": "0.3..2..0.1", "depth": "0.5..3..0.25", "size": "16..320..16"},
    "mobilenet_v2": {"width": "0.1..2..0.1", "size": "16..320..16"},
    "resnet50": {"n3": "0..8", "n4": "0..3", "size": "1..257..16", "base": "8..80..8"},
    "densenet121": {"n2": "0..12..3", "growth": "8..40..8", "size": "32..224..32"},
    "unet": {"size": "150..600..10", "classes": "1..4"},
    "regnet_x_400mf": {"c2": "32..96..16", "n3": "1..8", "group": "1, 8, 16, 24"},
    "vgg16": {"n2": "0..3", "n4": "0..3", "size": "16..256..24"},
    "vit_small": {"size": "16..256..16", "c": "96..480..48", "h": "1..8"},
    "convnext_tiny": {"n3": "0..9..3", "size": "16..256..16"},
    "swin_tiny": {"c": "48..144..24", "classes": "10, 100"},
}


def lets_of(name: str) -> list[str]:
    """The lets of a network that are numbers."""
    spec = Sweep(name, over={"batch": [1, 2]}).spec
    return [each.name for each in spec.definitions if isinstance(each, LetNode) and isinstance(each.value, NumberNode)]


def of_zoo(name: str) -> dict[str, Any]:
    """The values to try of a network of the zoo."""
    return {let: values for let, values in ZOO[name].items() if let in lets_of(name)}


@pytest.mark.parametrize("name", ["efficientnet_b0", "mobilenet_v2", "unet"])
def test_networks(name: str) -> None:
    """Random variants of networks of the zoo have the figures that they have by themselves, those that fail too."""
    assert differences(name, of_zoo(name), random.Random(name), 12, layers=False) == []


def test_structures() -> None:
    """Where lets change structures, all figures are right."""
    assert differences(SPACE, None, random.Random("structures"), 40, layers=False) == []


def test_layers() -> None:
    """So are those of layers, whose names depend on how many there are."""
    over = {"w": [1, 3], "n": "0..3", "k": [1, 8], "g": [1, 3], "size": [12, 33]}
    assert differences(SPACE, over, random.Random("layers"), 24, layers=True) == []


def test_conformance() -> None:
    """Variants of conformance networks, whose numbers are varied, have the right figures and errors."""
    draw = random.Random("conformance")
    found = []
    for case in draw.sample([case for case in CONFORMANCE if "input" in case["spec"]], 12):
        made = with_lets(case["spec"], draw, 2)
        if made is not None:
            found += differences(*made, draw, 6, layers=False)
    assert found == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ZOO)
def test_many_of_networks(name: str) -> None:
    """1,280 variants of ten networks, some of them with figures of layers."""
    over = of_zoo(name)
    assert len(over) >= 2
    assert differences(name, over, random.Random(f"many {name}"), 120, layers=False) == []
    single = dict(list(over.items())[:2])
    assert differences(name, single, random.Random(f"layers {name}"), 8, layers=True) == []


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_many_of_conformance(part: int) -> None:
    """8,800 variants of the conformance networks."""
    cases = [case for case in CONFORMANCE if "input" in case["spec"]]
    found, tried = [], 0
    for number, case in enumerate(cases[part::4]):
        draw = random.Random(f"{part} {number}")
        made = with_lets(case["spec"], draw)
        if made is not None:
            tried += 112
            found += differences(*made, draw, 112, layers=number % 8 == 0)
    assert found == []
    assert tried >= 2200


@pytest.mark.parametrize(
    "options",
    [
        {"over": {"batch": [1, 3, 64], "dtype": ["float32", "int8"], "classes": "10, 1000"}},
        {"over": {"input": ["32x32x3", "64x48x1"], "classes": [2, 5]}, "batch": 2, "dtype": "float16"},
        {"over": {"input": ["32x32x3", "64x64x3"]}, "convention": "fvcore", "optimizer": "adam"},
    ],
)
def test_options(options: dict[str, Any]) -> None:
    """The input, the batch and the type vary as lets do, and conventions and optimizers count as they do elsewhere."""
    result = cnncalc.sweep("mobilenet_v2", **options, columns=[f"totals.{key}" for key in TOTALS])
    fixed = {name: options[name] for name in ("batch", "dtype", "convention", "optimizer") if name in options}
    for variant in result.rows:
        values = dict(variant.values)
        given = {name: values.pop(name) for name in ("input", "batch", "dtype") if name in values}
        totals = cnncalc.analyze("mobilenet_v2", variables=values, **(fixed | given)).totals.to_dict()
        memory: Any = totals["activation_bytes"]
        expected = {**totals, **{f"activation_bytes.{key}": value for key, value in memory.items()}}
        assert variant.figures == {f"totals.{key}": expected[key] for key in TOTALS}


def test_ranks() -> None:
    """Inputs of different numbers of axes are structures of their own, and what does not fit one fails for it alone."""
    result = cnncalc.sweep("conv2d 3x3 x4 | flatten", over={"input": ["8x8x3", "8x3", "9x9x1", "4x4x4x2"]})
    assert [variant.values["input"] for variant in result] == [(8, 8, 3), (9, 9, 1)]
    assert [(problem.code, count) for problem, count in result.failed.items()] == [("E204", 2)]


def test_integers_without_bounds() -> None:
    """Figures past 64 bits are exact as well: 10^8 filters of 10^8 channels, 9·10^16 weights each."""
    big = 10**8
    result = cnncalc.sweep(
        "let c = 1\ninput 1000x1000x{c} | conv 3x3 same x{c} nobias | conv 3x3 same x{2 * c} nobias",
        over={"c": [1, big, 2 * big]},
        sort="-macs",
    )
    macs = [variant.figures["totals.macs"] for variant in result]
    assert macs == [10**6 * 27 * c * c for c in (2 * big, big, 1)]
    assert macs[0] > 2**63


def test_expressions_are_exact() -> None:
    """A decimal is a fraction: 0.1 + 0.2 is 0.3, and 8 · 1.1 is no whole number."""
    spec = "let w = 1 in [0.1..1.2..0.1]\ninput 4x4x1 | conv 1 x{10 * (w + 0.2)}"
    result = cnncalc.sweep(spec, top=100)
    assert [variant.figures["totals.params"] for variant in result] == [2 * (k + 2) for k in range(1, 13)]
    assert result.rows[0].values == {"w": Fraction(1, 10)}
    wrong = cnncalc.sweep("let w = 1 in [1, 1.1]\ninput 4x4x1 | conv 1 x{8 * w}")
    assert [(problem.code, count) for problem, count in wrong.failed.items()] == [("E105", 1)]


def test_variants_of_the_zoo_are_its_members() -> None:
    """A space that goes through two members of a family has their published figures: 25,557,032 and 44,549,160."""
    result = cnncalc.sweep("resnet50", over={"n3": [6, 23]})
    assert [variant.figures["totals.params"] for variant in result] == [25_557_032, 44_549_160]
    assert zoo.members()["resnet101"].lets["n3"] == "23"


def test_evaluate_is_the_same() -> None:
    """The helper that reads lets knows what a number is."""
    assert "size" in lets_of("resnet50")
    assert evaluate(NumberNode("2.5", None), {}) == Fraction(5, 2)  # type: ignore[arg-type]
