"""Two networks as one drawing: what was added, removed and changed is marked, by words as well as colours."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from command_line import run

import cnncalc
from cnncalc.compare.diff import difference
from cnncalc.draw.difference import both, draw_difference
from cnncalc.draw.scene import Scene

BEFORE = "input 8x8x3 | conv 3x3 x4 | relu | pool 2 | fc 5"
AFTER = "input 8x8x3 | conv 3x3 x6 | relu | dropout 0.5 | fc 5"


def scene(a: str, b: str) -> Scene:
    return draw_difference(difference(cnncalc.analyze(a), cnncalc.analyze(b)), ("A", "B"))


def cards(drawn: Scene) -> list[tuple[str, list[str]]]:
    """Return for each card its family, and the lines on it."""
    return [
        (
            box.family,
            [
                label.text
                for label in drawn.labels
                if box.x < label.x < box.x + box.width and box.y < label.y < box.y + box.height
            ],
        )
        for box in drawn.boxes
        if box.name
    ]


def test_cards() -> None:
    """A card says what its layer was, and the figures that follow; a layer that is gone stands in an arm.

    Of conv1: 3·3·3·4 + 4 = 112 parameters become 3·3·3·6 + 6 = 168; 6·6 positions of 108 and of 162 products. Of
    fc1: 3·3·4·5 + 5 = 185 become 6·6·6·5 + 5 = 1085, and the MACs 180 and 1080.
    """
    assert cards(scene(BEFORE, AFTER)) == [
        ("same", ["input 8x8x3"]),
        (
            "changed",
            [
                "changed: conv 3x3 x6", "was conv 3x3 x4", "parameters 112 → 168", "MACs 3,888 → 5,832", "→ 6×6×6",
            ],
        ),
        ("changed", ["changed: relu", "result was 6×6×4"]),
        ("removed", ["removed: pool 2x2", "→ 3×3×4"]),
        ("added", ["added: dropout"]),
        ("changed", ["changed: flatten", "result was 36", "→ 216"]),
        ("changed", ["changed: fc 5", "parameters 185 → 1,085", "MACs 180 → 1,080", "→ 5"]),
    ]  # fmt: skip


def test_totals() -> None:
    """The legend has the totals: 112 + 185 = 297 and 168 + 1085 = 1253, 4.2 times as many."""
    texts = [label.text for label in scene(BEFORE, AFTER).labels]
    assert any("parameters 297 → 1,253 (+321.9 %)" in text for text in texts)


def test_graph_of_both() -> None:
    """Every layer of either network stands in it once, after all that it reads."""
    graph, marks = both(difference(cnncalc.analyze("resnet18"), cnncalc.analyze("resnet34")))
    assert len(graph.nodes) == len(marks)
    assert all(source < node.index for node in graph.nodes for source in node.inputs)
    counts = [sum(mark.family == family for mark in marks) for family in ("same", "added", "changed", "removed")]
    assert counts[0] + counts[2] + counts[3] == len(cnncalc.parse("resnet18").nodes)
    assert counts[0] + counts[1] + counts[2] == len(cnncalc.parse("resnet34").nodes)


def test_no_difference() -> None:
    """Of equal networks nothing is marked."""
    assert {box.family for box in scene("lenet5", "lenet5").boxes} == {"same"}


@pytest.mark.parametrize("suffix", ["svg", "tex"])
def test_command(suffix: str, tmp_path: object) -> None:
    """`diff --draw` writes a figure by the suffix; the exit code is that of the comparison."""
    path = f"{tmp_path}/d.{suffix}"
    done = run("diff", BEFORE, AFTER, "--draw", "-o", path, "--exit-code")
    assert (done.exit_code, done.output) == (1, "")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert ("<svg" in text) == (suffix == "svg")
    assert ("tikzpicture" in text) == (suffix == "tex")


def test_standard_output() -> None:
    """Without a file it is SVG, under the names of both."""
    root = ElementTree.fromstring(run("diff", "lenet5", "alexnet", "--draw").stdout)
    assert root[0].text == "lenet5 → alexnet"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-f", "svg"], "`svg` is the format of a figure: add --draw"),
        (["--draw", "-f", "json"], "`--draw` writes a figure, not json: leave `--format` out"),
        (["--draw", "--context", "3"], "`--context` has no effect with `--draw`"),
        (["--draw", "-o", "d.png"], "no format of `diff` has the suffix `.png`"),
    ],
)
def test_refusal(arguments: list[str], message: str) -> None:
    """What makes no figure is refused, with what does."""
    done = run("diff", BEFORE, AFTER, *arguments)
    assert done.exit_code == 2
    assert message in done.stderr
