"""No label of a drawing overlaps another or is clipped, and no box covers another: on real networks."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from reference import BESIDE, MODELS

import cnncalc
from cnncalc import Graph, SpecError
from cnncalc.compare.diff import difference
from cnncalc.draw import draw
from cnncalc.draw.difference import draw_difference
from cnncalc.draw.scene import Scene
from cnncalc.draw.svg import straightened
from cnncalc.zoo import members

Extent = tuple[float, float, float, float]

#: What rounding of numbers may take away.
EPSILON = 0.01

#: Of each kind of network one: a chain, a branch at every layer, skips, a U, results in several places, and lines that
#: fit into no tree.
FEW = ("lenet5", "googlenet", "resnet50", "unet", "yolov3_tiny", "hrnet_w18_small", "densenet121", "crnn")


def overlaps(extents: list[tuple[Extent, str]]) -> Iterator[tuple[str, str]]:
    """Yield what covers what, sweeping from left to right."""
    active: list[tuple[Extent, str]] = []
    for extent, name in sorted(extents):
        active = [each for each in active if each[0][2] > extent[0] + EPSILON]
        for other, other_name in active:
            if other[1] < extent[3] - EPSILON and extent[1] < other[3] - EPSILON:
                yield other_name, name
        active.append((extent, name))


def faults(scene: Scene) -> list[object]:
    """Return every pair of labels that overlap, every pair of boxes that do, and what reaches over the canvas."""
    labels = [(label.extent, f"{label.text} at {label.x:.0f}, {label.y:.0f}") for label in scene.labels]
    boxes = [
        ((box.x, box.y - box.depth, box.x + box.width + box.depth, box.y + box.height), box.name) for box in scene.boxes
    ]
    places = [*labels, *boxes, *[((x, y, x, y), "a line") for line in scene.lines for x, y in line.points]]
    clipped = [
        name
        for (left, top, right, bottom), name in places
        if left < 0 or top < 0 or right > scene.width or bottom > scene.height
    ]
    return [*overlaps(labels), *overlaps(boxes), *clipped]


def check(graph: Graph) -> None:
    for style, captions in (("blocks", "changes"), ("blocks", "all"), ("flow", "changes")):
        assert faults(draw(graph, style, captions=captions)) == []


@pytest.mark.parametrize("name", FEW)
def test_network(name: str) -> None:
    """Nothing of the drawing overlaps."""
    check(cnncalc.parse(name))


@pytest.mark.parametrize(("a", "b"), [("resnet18", "resnet34"), ("unet", "fcn8s"), ("googlenet", "googlenet_2014")])
def test_difference(a: str, b: str) -> None:
    """Nothing of the drawing of two networks overlaps."""
    changes = difference(cnncalc.analyze(a), cnncalc.analyze(b))
    assert faults(draw_difference(changes, (a, b))) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in members() if name not in FEW])
def test_zoo(name: str) -> None:
    """Nothing of the drawing of any other network of the zoo overlaps."""
    check(cnncalc.parse(name))


@pytest.mark.reference
@pytest.mark.parametrize("path", sorted([*MODELS.rglob("*.*"), *(BESIDE / "cases").glob("*.*")]), ids=lambda p: p.name)
def test_file(path: Path) -> None:
    """Nothing of the drawing of a model file overlaps, whatever its names are."""
    try:
        graph = cnncalc.load(path)
    except (SpecError, ImportError):
        pytest.skip("no network by itself")
    if any(node.inputs for node in graph.nodes):
        check(graph)


@pytest.mark.parametrize("name", FEW)
def test_lines(name: str) -> None:
    """Lines run along the axes, and each arrow ends at a box."""
    scene = draw(cnncalc.parse(name))
    ends = [(box.x, box.y + box.height / 2) for box in scene.boxes]
    for line in scene.lines:
        points = straightened(line.points)
        assert all(a[0] == b[0] or a[1] == b[1] for a, b in pairwise(points))
        if line.arrow:
            x, y = line.points[-1]
            assert min(abs(x - end[0]) + abs(y - end[1]) for end in ends) < EPSILON


@pytest.mark.parametrize("scale", ["sqrt", "log", "linear"])
def test_scale(scale: str) -> None:
    """Heights are to scale: VGG's 224, 112, … 14 by the function that the legend names."""
    from cnncalc.draw.blocks import SCALES, SIDE

    scene = draw(cnncalc.parse("vgg11"), scale=scale)
    function = SCALES[scale][0]
    heights = {round(box.height, 6) for box in scene.boxes if box.family == "conv" and box.name}
    assert heights == {round(SIDE * function(size) / function(224), 6) for size in (224, 112, 56, 28, 14)}
    assert any(SCALES[scale][1] in label.text for label in scene.labels)
