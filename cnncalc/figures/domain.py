"""The sizes that the symbols of a graph's inputs may stand for: those for which all of its layers fit."""

from __future__ import annotations

import re

from cnncalc.graph import Graph
from cnncalc.layers.windowed import Windowed
from cnncalc.shape import Condition
from cnncalc.symbols.constraints import solve_constraints
from cnncalc.symbols.guards import Guard


def guards(graph: Graph) -> list[Guard]:
    """The conditions on symbols under which all layers fit, each once, in order."""
    layers = dict.fromkeys((node.layer, node.input_shapes) for node in graph.nodes)
    conditions = [each.condition for layer, shapes in layers for each in layer.requirements_of(shapes)]
    return list(dict.fromkeys(each for each in conditions if isinstance(each, Guard)))


def coverage_conditions(graph: Graph, axis: int) -> list[Condition]:
    """For every layer with a window, the condition under which its windows reach the end of its input on an axis.

    A condition that is False holds for no sizes: the layer always drops something, and its warning W201 says so.
    """
    layers = dict.fromkeys((node.layer, node.input_shapes[:1]) for node in graph.nodes)
    conditions = [
        layer.drops_nothing(shapes[0])[axis]
        for layer, shapes in layers
        if isinstance(layer, Windowed) and axis < shapes[0].rank
    ]
    return list(dict.fromkeys(each for each in conditions if each is not True))


def domains(graph: Graph) -> dict[str, str]:
    """For each symbol of the graph's inputs, in words, the numbers for which all of its layers fit."""
    conditions = guards(graph)
    texts = {}
    for name in graph.letters:
        sizes = solve_constraints([each for each in conditions if each.symbols == {name}], name)
        texts[name] = "as far as its layers fit" if sizes is None else str(sizes)
    joint = [str(each) for each in conditions if len(each.symbols) > 1]
    for name in graph.letters:
        texts[name] += "".join(f"; {text}" for text in joint if re.search(rf"\b{name}\b", text))
    return texts
