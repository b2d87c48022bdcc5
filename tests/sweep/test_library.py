"""`cnncalc.sweep`: what a result is, where a spec may come from, and what is done where the whole space cannot be."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import cnncalc
from cnncalc.sweep import library, runs

NET = "let w = 1 in [0.5, 1, 2], n = 1 in [1, 2]\ninput 8x8x3 | (conv 3x3 same x{8 * w} | relu) * {n} | fc 2"


def test_result() -> None:
    """A result is a sequence of variants, with counts, records and every figure of a variant."""
    result = cnncalc.sweep(NET, where=["params < 4.5k"], pareto="-macs,params", columns=["params", "arena"])
    assert (result.count, result.done, result.kept, result.excluded, result.complete) == (6, 6, 5, 1, True)
    assert len(result) == len(list(result)) == len(result.front)
    first = result.rows[0]
    analysis = result.analyze(first)
    assert analysis.totals.params == first.figures["totals.params"]
    assert first.figures["arena"] == analysis.totals.activation_bytes.arena
    assert result.records()[0] == {
        "w": first.values["w"], "n": first.values["n"], "macs": analysis.totals.macs, "params": analysis.totals.params,
        "arena": analysis.totals.activation_bytes.arena, "front": True,
    }  # fmt: skip
    assert repr(result) == f"<SweepResult: 5 of 6 variants, {len(result)} shown>"


def test_sorted_front_and_best() -> None:
    """With both a front and a number of the best, rows are the best, and the front is whole beside them."""
    result = cnncalc.sweep(NET, pareto="-macs,params", sort="params", top=2)
    assert [variant.figures["totals.params"] for variant in result.rows] == sorted(
        variant.figures["totals.params"] for variant in cnncalc.sweep(NET).rows
    )[:2]
    assert len(result.front) > 2
    assert all(variant.on_front for variant in result.front)


def test_dataframe() -> None:
    """A table of pandas has numbers, shapes as text."""
    pytest.importorskip("pandas")
    frame = cnncalc.sweep(NET, over={"input": ["8x8x3", "9x9x3"]}, top=2).to_dataframe()
    assert list(frame.columns) == ["w", "n", "input", "params", "macs", "peak"]
    assert frame.iloc[0].tolist()[:3] == [0.5, 1, "8x8x3"]
    assert frame.params.tolist() == [
        variant.figures["totals.params"] for variant in cnncalc.sweep(NET, top=2).rows[:1]
    ] + [9 * 3 * 4 + 4 + 81 * 4 * 2 + 2]


def test_sources(tmp_path: Path) -> None:
    """A spec is a text, a path, or the name of a network; a model has no lets."""
    path = tmp_path / "net.cnn"
    path.write_text(NET, encoding="utf-8")
    assert cnncalc.sweep(path).rows == cnncalc.sweep(NET).rows
    result = cnncalc.sweep(path, input="16x16x3", variables={"n": 1}, dtype="int8", top=1)
    assert result.command(result.rows[0]) == (f"cnncalc {path} --var w=0.5 --var n=1 --input 16x16x3 --dtype int8")
    with pytest.raises(cnncalc.SpecError, match="E309"):
        cnncalc.sweep(_model(tmp_path), over={"w": [1]})
    with pytest.raises(ValueError, match="unknown dtype"):
        cnncalc.sweep(NET, dtype="int9")


def _model(folder: Path) -> Path:
    path = folder / "net.cfg"
    path.write_text("[net]\nwidth=8\nheight=8\nchannels=3\n", encoding="utf-8")
    return path


def test_default_that_does_not_fit() -> None:
    """Where the spec's own values do not fit, figures are named by the first variant that does."""
    spec = "let k = 9 in [9, 7, 3]\ninput 5x5x3 | conv {k}x{k} x4"
    assert [variant.values["k"] for variant in cnncalc.sweep(spec, sort="params")] == [3]
    with pytest.raises(cnncalc.SpecError, match="E201"):
        cnncalc.sweep("let k = 9 in [9, 7]\ninput 5x5x3 | conv {k}x{k} x4", sort="params")
    # Without a figure to name, none need fit.
    assert cnncalc.sweep("let k = 9 in [9, 7]\ninput 5x5x3 | conv {k}x{k} x4").failed


def test_errors_of_the_spec() -> None:
    """What stands wrong in a spec, for all variants, is raised; sizes that do not fit are counted."""
    with pytest.raises(cnncalc.SpecError, match="E002"):
        cnncalc.sweep("let w = 1 in [1, 2]\ninput 8x8x3 | | relu")
    with pytest.raises(cnncalc.SpecError, match=r"E101.*unknown layer `cnov`"):
        cnncalc.sweep("let w = 1 in [1, 2]\ninput 8x8x3 | cnov 3 x{w}")
    failed = cnncalc.sweep("let w = 1 in [1, 2]\ninput 8x8x3 | conv 9x9 x{w}").failed
    assert [(problem.code, count) for problem, count in failed.items()] == [("E201", 2)]


def test_repeats() -> None:
    """A number of repeats that is negative or not whole fails where it stands; 0 copies are a structure."""
    result = cnncalc.sweep("let n = 1 in [-1, 0, 0.5, 1..3]\ninput 8x8x3 | (conv 1 x3 nobias) * {n} | relu")
    assert [variant.figures["totals.params"] for variant in result] == [0, 9, 18, 27]
    assert [(problem.code, problem.line, count) for problem, count in result.failed.items()] == [("E114", 2, 2)]


def test_shared_weights_and_blocks() -> None:
    """Weights that are shared, blocks that compute with channels, and names from within a repeat."""
    spec = (
        "let c = 4 in [2, 4, 6], n = 1 in [1..3]\n"
        "def half(k=1) = conv 1 x{C // 2 * k} | conv 1 x{C}\n"
        "input 8x8x{c} | conv 3x3 same x{c} as first | half(2) | conv 3x3 same x4 weights=@first\n"
        "(conv 1 x{c} as inner | relu) * {n} | add( ; @inner) | timewise(fc {c})"
    )
    result = cnncalc.sweep(spec, top=20)
    for variant in result:
        assert variant.figures["totals.params"] == cnncalc.analyze(spec, variables=variant.values).totals.params
    assert {problem.code for problem in result.failed} == {"E214"}
    assert result.kept == 3


def test_too_many_structures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A space of too many structures is refused; what is drawn from it is a space of its own."""
    monkeypatch.setattr(runs.explore, "__defaults__", (3,))
    spec = "let a = 1 in [0..4], b = 1 in [0..4]\ninput 8x8x3 | conv 1 x{3 + a} * {a} | conv 1 x{3 + b} * {b}"
    with pytest.raises(cnncalc.SpecError, match=r"(?s)E152.*more structures than can be built.*--sample"):
        cnncalc.sweep(spec)
    with pytest.raises(cnncalc.SpecError, match="E152"):
        cnncalc.sweep(spec, sample=12)


@pytest.mark.parametrize(("name", "value"), [("MOST_PARTS", 1), ("MOST_NUMBERED", 0)])
def test_drawn_alone(name: str, value: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is drawn from a space that is too large to plan is a space of its own, with the same answer."""
    spec = "let a = 1 in [1..30], b = 1 in [1..30]\ninput 8x8x{a} | conv 1 x{b}"
    options: Any = {"sample": 20, "seed": 5, "sort": "params", "top": 20}
    expected = [(variant.values, variant.figures) for variant in cnncalc.sweep(spec, **options)]
    monkeypatch.setattr(library, name, value)
    monkeypatch.setattr(runs, "MOST_NUMBERS", 100)
    found = [(variant.values, variant.figures) for variant in cnncalc.sweep(spec, **options)]
    assert found == expected
    assert len(found) == 20


def test_package() -> None:
    """The package of sweeps is the function."""
    import cnncalc.sweep as package

    assert cnncalc.sweep is package
    assert package(NET, top=1).rows[0].values == {"w": Fraction(1, 2), "n": 1}
