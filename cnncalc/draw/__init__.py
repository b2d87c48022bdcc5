"""Drawings of networks: a scene is laid out once, and written as SVG, TikZ or a page."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.diagnostics import Diagnostic, SpecError
from cnncalc.draw.scene import Scene
from cnncalc.draw.style import DrawingHeading
from cnncalc.draw.text import sizes
from cnncalc.draw.tree import Tree, numbers, tree_of
from cnncalc.draw.units import MOST_BOXES, NodeChange, Unit, depths, units_of
from cnncalc.graph import Graph

STYLES = ("blocks", "flow")
CAPTIONS = ("changes", "all", "none")
SCALES = ("sqrt", "log", "linear")
#: More boxes make no picture.
MOST_DRAWN = 2000


def draw(
    graph: Graph,
    style: str = "blocks",
    depth: int | None = None,
    captions: str = "changes",
    scale: str = "sqrt",
) -> Scene:
    """Return the scene of a network; without a `depth`, blocks fold where there would be more than 200 boxes.

    Raises `SpecError` E508 if there is nothing to draw, or too much.
    """
    if not any(node.inputs for node in graph.nodes):
        fact = "there is nothing to draw: no layer follows the input"
        raise SpecError([Diagnostic("E508", fact, help="add one: `| conv 3x3 x8`")])
    units, tree, chosen = folded(graph) if depth is None else (*_at(graph, depth), None)
    heading = DrawingHeading(graph.name or "network", _description(graph, units, tree))
    return composed(units, tree, heading, style, captions, scale)._replace(folded=chosen)


def composed(
    units: list[Unit], tree: Tree, heading: DrawingHeading, style: str, captions: str = "changes", scale: str = "sqrt"
) -> Scene:
    """Return the scene of units in a style; raises `SpecError` E508 if there are too many."""
    boxes = count(tree)
    if boxes > MOST_DRAWN:
        message = f"{boxes:,} boxes make no picture"
        help = f"draw at most {MOST_DRAWN:,}: write blocks as `def`, and draw each as one box by `--depth 1`"
        raise SpecError([Diagnostic("E508", message, help=help)])
    if style == "flow":
        from cnncalc.draw.flow import FlowStyle

        return FlowStyle(units, captions).scene(tree, heading)
    from cnncalc.draw.blocks import BlocksStyle

    return BlocksStyle(units, scale, captions).scene(tree, heading)


def _at(graph: Graph, depth: int | None, changes: Sequence[NodeChange] = ()) -> tuple[list[Unit], Tree]:
    units = units_of(graph, depth, changes)
    return units, tree_of(units)


def folded(graph: Graph, changes: Sequence[NodeChange] = ()) -> tuple[list[Unit], Tree, int | None]:
    """Return the drawing with the most detail that has few enough boxes, and its depth if that is not the whole."""
    for depth in depths(graph):
        units, tree = _at(graph, depth, changes)
        if count(tree) <= MOST_BOXES:
            break
    return units, tree, depth


def count(tree: Tree) -> int:
    """Return the number of boxes that are drawn."""
    return sum(1 for _ in numbers(tree.elements))


def _description(graph: Graph, units: list[Unit], tree: Tree) -> str:
    """Return in words what a drawing shows."""
    starts = ", ".join(sizes(unit.shape.dims) for unit in units if not unit.inputs)
    ends = ", ".join(sizes(graph.nodes[index].shape.dims) for index in graph.outputs)
    layers = sum(1 for node in graph.nodes if node.inputs)
    return f"{layers} layers in {count(tree)} boxes, from {starts} to {ends}."
