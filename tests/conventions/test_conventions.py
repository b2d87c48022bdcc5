"""We count by each convention what the tool itself printed, or the difference is listed with its cause.

golden.json is written by measure.py, which runs the tools; cases.yaml has the spec of ours that each figure in it
is compared with, and the differences. None of the tools is needed here.
"""

import json
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

import cnncalc
from cnncalc.figures.conventions import TABLES
from cnncalc.figures.cost import CONVENTION_SYNONYMS
from cnncalc.report.conventions import rules_document
from cnncalc.report.markdown import to_markdown

HERE = Path(__file__).parent
GOLDEN: dict[str, Any] = json.loads((HERE / "golden.json").read_text(encoding="utf-8"))
CASES: dict[str, Any] = yaml.safe_load((HERE / "cases.yaml").read_text(encoding="utf-8"))
FIGURES: dict[str, str] = CASES["figures"]
#: (convention, probe or network) → by how much the tool's figure is more than ours, as cases.yaml has it.
DIFFERENCES: dict[tuple[str, str], int | str | dict[str, Any]] = {
    (each["convention"], name): difference
    for each in CASES["differences"]
    for name, difference in each["theirs_minus_ours"].items()
}
PAGE = HERE.parents[1] / "cnncalc" / "docs" / "conventions.md"


@cache
def graph_of(name: str) -> cnncalc.Graph:
    """Our spec of a probe, the network beside this file, or that of the zoo for the input that the tools were given."""
    if name in CASES["probes"]:
        return cnncalc.parse(CASES["probes"][name])
    file = HERE / f"{name}.cnn"
    if file.exists():
        return cnncalc.load(file)
    _, channels, *sizes = GOLDEN["networks"][name]["input"]
    return cnncalc.analyze(CASES["same_network"].get(name, name), input=(*sizes, channels)).graph


def macs_by_kind(convention: str, name: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in cnncalc.analyze(graph_of(name), convention=convention):
        counts[row.type] = counts.get(row.type, 0) + row.macs
    return counts


def listed(convention: str, name: str) -> int | str:
    """By how much the tool's figure is more than ours, or "fails", by what cases.yaml has."""
    found = DIFFERENCES.get((convention, name), 0)
    if not isinstance(found, dict):
        return found
    ours = macs_by_kind(convention, name)
    total = sum(ours[kind] * Fraction(times) for kind, times in found.items())
    assert total.denominator == 1
    return int(total)


def difference(convention: str, name: str, theirs: int | None) -> int | str:
    if theirs is None:
        return "fails"
    return theirs - sum(macs_by_kind(convention, name).values())


@pytest.mark.parametrize("convention", FIGURES)
@pytest.mark.parametrize("name", CASES["probes"])
def test_probe(name: str, convention: str) -> None:
    """A single layer counts what the tool printed for it, but for the differences that are listed."""
    theirs = GOLDEN["probes"][name][FIGURES[convention]]
    assert difference(convention, name, theirs) == listed(convention, name)


@pytest.mark.parametrize("convention", FIGURES)
@pytest.mark.parametrize("name", GOLDEN["networks"])
def test_network(name: str, convention: str) -> None:
    """A whole network counts what the tool printed for it, but for the differences that are listed."""
    theirs = GOLDEN["networks"][name][FIGURES[convention]]
    assert difference(convention, name, theirs) == listed(convention, name)


@pytest.mark.parametrize("name", [*CASES["probes"], *GOLDEN["networks"]])
def test_same_shape(name: str) -> None:
    """Our spec gives as many elements as the tool was given and the module gave."""
    measured = {**GOLDEN["probes"], **GOLDEN["networks"]}[name]
    nodes = graph_of(name).nodes
    ours = [sorted(dim for dim in node.shape.dims if dim != 1) for node in (nodes[0], nodes[-1])]
    assert ours == [sorted(dim for dim in measured[end] if dim != 1) for end in ("input", "output")]


def test_all_probes() -> None:
    """Every probe has a spec of ours, or a reason why it has none."""
    assert {*CASES["probes"], *CASES["without_spec"]} == set(GOLDEN["probes"])


def test_differences_are_of_something() -> None:
    """A difference is listed once, for a convention and a probe or network that exist, with its cause."""
    listed = [(each["convention"], name) for each in CASES["differences"] for name in each["theirs_minus_ours"]]
    assert len(listed) == len(set(listed))
    assert {convention for convention, _ in listed} <= set(FIGURES)
    assert {name for _, name in listed} <= {*CASES["probes"], *GOLDEN["networks"]}
    assert {each["whose"] for each in CASES["differences"]} <= {"theirs", "ours"}
    assert all(each["cause"] for each in CASES["differences"])


@pytest.mark.parametrize("name", GOLDEN["networks"])
def test_folded(name: str) -> None:
    """An export that folds batch norm into the convolution before it counts n for the bias that this makes there,
    in place of 31 n: nothing else is different in the figure that onnx-tool prints."""
    graph = graph_of(name)
    result = cnncalc.analyze(graph, convention="onnx-tool")
    readers = [index for node in graph.nodes for index in node.inputs]
    folded = 0
    for node, row in zip(graph.nodes, result.rows, strict=True):
        before = graph.nodes[node.inputs[0]].layer if node.inputs else node.layer
        if node.layer.kind == "bn" and before.kind in ("conv", "dwconv") and readers.count(node.inputs[0]) == 1:
            folded += row.macs - (0 if before.fields(None)["bias"] else row.activations)
    more = listed("onnx-tool", name)
    assert isinstance(more, int)
    assert result.totals.macs + more - folded == GOLDEN["networks"][name]["onnx-tool"]


def test_releases() -> None:
    """The releases that a definition names are those that were run."""
    for name in FIGURES:
        convention = TABLES[CONVENTION_SYNONYMS.get(name, name)]
        assert f"{name} {GOLDEN['versions'][name]}" in convention.checked


def compared() -> str:
    """Return the table of the conventions page: for each network what each tool prints less what we count, and why."""
    titles = [f"{name} {GOLDEN['versions'][name]}" for name in FIGURES]
    lines = [["network", *titles], ["---", *["---:"] * len(titles)]]
    for name in GOLDEN["networks"]:
        found = [listed(convention, name) for convention in FIGURES]
        lines.append([name, *[each if isinstance(each, str) else f"{each:+,}" if each else "exact" for each in found]])
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    causes = [each for each in CASES["differences"] if set(each["theirs_minus_ours"]) & set(GOLDEN["networks"])]
    return table + "\n" + "".join(f"- {each['convention']}: {each['cause'].strip()}\n" for each in causes)


def rules() -> str:
    """The table of the rules."""
    return to_markdown(rules_document())


@pytest.mark.parametrize(("name", "table"), [("conventions", rules), ("compared", compared)])
def test_page(name: str, table: Callable[[], str], goldens: Any) -> None:
    """The tables of the conventions page are the rules as they are, and the comparison that is made here."""
    goldens.part(PAGE, name, table())
