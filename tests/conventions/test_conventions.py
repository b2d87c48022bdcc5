"""We count by each convention what the tool itself printed, or the difference is listed with its cause.

golden.json is written by measure.py, which runs the tools; cases.yaml has the spec of ours that each figure in it
is compared with, and the differences. None of the tools is needed here.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import cnncalc
from cnncalc.figures.conventions import TABLES
from cnncalc.figures.cost import CONVENTION_SYNONYMS
from cnncalc.report.conventions import conventions_markdown

HERE = Path(__file__).parent
GOLDEN: dict[str, Any] = json.loads((HERE / "golden.json").read_text(encoding="utf-8"))
CASES: dict[str, Any] = yaml.safe_load((HERE / "cases.yaml").read_text(encoding="utf-8"))
FIGURES: dict[str, str] = CASES["figures"]
#: (convention, probe or network) → by how much the tool's figure is more than ours, or "fails".
DIFFERENCES: dict[tuple[str, str], int | str] = {
    (each["convention"], name): difference
    for each in CASES["differences"]
    for name, difference in each["theirs_minus_ours"].items()
}
PAGE = HERE.parents[1] / "cnncalc" / "docs" / "conventions.md"


def graph_of(name: str) -> cnncalc.Graph:
    """Our spec of a probe, the network of the zoo, or the one beside this file."""
    file = HERE / f"{name}.cnn"
    return cnncalc.load(file) if file.exists() else cnncalc.analyze(CASES["probes"].get(name, name)).graph


def difference(convention: str, name: str, theirs: int | None) -> int | str:
    if theirs is None:
        return "fails"
    return theirs - cnncalc.analyze(graph_of(name), convention=convention).totals.macs


@pytest.mark.parametrize("convention", FIGURES)
@pytest.mark.parametrize("name", CASES["probes"])
def test_probe(name: str, convention: str) -> None:
    """A single layer counts what the tool printed for it, but for the differences that are listed."""
    theirs = GOLDEN["probes"][name][FIGURES[convention]]
    assert difference(convention, name, theirs) == DIFFERENCES.get((convention, name), 0)


@pytest.mark.parametrize("convention", FIGURES)
@pytest.mark.parametrize("name", GOLDEN["networks"])
def test_network(name: str, convention: str) -> None:
    """A whole network counts what the tool printed for it, but for the differences that are listed."""
    theirs = GOLDEN["networks"][name][FIGURES[convention]]
    assert difference(convention, name, theirs) == DIFFERENCES.get((convention, name), 0)


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
    assert result.totals.macs - folded == GOLDEN["networks"][name]["onnx-tool"]


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
        found = [DIFFERENCES.get((convention, name), 0) for convention in FIGURES]
        lines.append([name, *[f"{each:+,}" if isinstance(each, int) and each else "exact" for each in found]])
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    causes = [each for each in CASES["differences"] if set(each["theirs_minus_ours"]) & set(GOLDEN["networks"])]
    return table + "\n" + "".join(f"- {each['convention']}: {each['cause'].strip()}\n" for each in causes)


@pytest.mark.parametrize(("name", "table"), [("conventions", conventions_markdown), ("compared", compared)])
def test_page(name: str, table: Callable[[], str], goldens: Any) -> None:
    """The tables of the conventions page are the rules as they are, and the comparison that is made here."""
    goldens.part(PAGE, name, table())
