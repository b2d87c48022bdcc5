"""The difference of two networks as one drawing: the second network, with what it has lost beside what took its place.

The layers of both stand in one graph, in the order in which they were matched. Edges are those of the second network;
a layer that it does not have keeps its own, so it stands in an arm beside the line that goes past it.
"""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.compare.diff import Difference, LayerChange
from cnncalc.draw import composed, folded
from cnncalc.draw.scene import Scene
from cnncalc.draw.style import DrawingHeading
from cnncalc.draw.text import printable, sizes
from cnncalc.draw.units import NodeChange
from cnncalc.graph import Graph, Node
from cnncalc.notation import thousands

#: The word that a card begins with, for those who do not see its colour.
WORDS = {"same": "", "added": "added: ", "removed": "removed: ", "changed": "changed: "}
#: Figures whose change is told; sizes follow from the rest.
FIGURES = {"params": "parameters", "macs": "MACs"}


def draw_difference(difference: Difference, names: Sequence[str]) -> Scene:
    """Return the scene of a difference, in cards, from the network of the first name to that of the second."""
    graph, changes = both(difference)
    units, tree, depth = folded(graph, changes)
    counts = difference.counts()
    said = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    title = f"{printable(names[0])} → {printable(names[1])}"
    heading = DrawingHeading(title, f"Layers: {said}.", _totals(difference))
    return composed(units, tree, heading, "flow")._replace(folded=depth)


def both(difference: Difference) -> tuple[Graph, list[NodeChange]]:
    """Return the layers of both networks as one graph, and what happened to each."""
    of_a = {change.a.node.index: at for at, change in enumerate(difference.layers) if change.a is not None}
    of_b = {change.b.node.index: at for at, change in enumerate(difference.layers) if change.b is not None}
    removed = {at for at, change in enumerate(difference.layers) if change.b is None}
    nodes: list[Node] = []
    for at, change in enumerate(difference.layers):
        inputs = [of_b[index] for index in change.b.node.inputs] if change.b is not None else []
        if change.a is not None:
            own = [of_a[index] for index in change.a.node.inputs]
            inputs += [source for source in own if change.b is None or source in removed]
        node = change.row.node
        nodes.append(node._replace(index=at, inputs=tuple(dict.fromkeys(inputs))))
    outputs = sorted({of_b[index] for index in difference.b.graph.outputs})
    read = {source for node in nodes for source in node.inputs}
    outputs += [at for at in sorted(removed) if at not in read]
    changes = [NodeChange(change.status, WORDS[change.status], _details(change)) for change in difference.layers]
    return Graph(tuple(nodes), tuple(outputs)), changes


def _details(change: LayerChange) -> tuple[str, ...]:
    """Return what else a card says: what the layer was, and the figures that follow."""
    if change.status != "changed" or change.a is None or change.b is None:
        return ()
    lines = []
    if change.a.description != change.b.description:
        lines.append(f"was {change.a.description}")
    elif change.a.output_shape != change.b.output_shape:
        lines.append(f"result was {sizes(change.a.output_shape)}")
    if "inputs" in change.changes:
        lines.append("reads another layer")
    for key, word in FIGURES.items():
        if key in change.changes:
            before, after = change.changes[key]
            lines.append(f"{word} {thousands(before)} → {thousands(after)}")
    return tuple(lines)


def _totals(difference: Difference) -> tuple[str, ...]:
    """Return the totals with their changes, for the legend."""
    told = [total for total in difference.totals if total.key in FIGURES]
    texts = []
    for total in told:
        percent = "" if total.percent is None or not total.change else f" ({total.percent:+.1f} %)"
        texts.append(f"{FIGURES[total.key]} {thousands(total.a)} → {thousands(total.b)}{percent}")
    return (f"Totals: {'; '.join(texts)}.",)
