"""The sizes that the symbols of a graph's inputs may stand for: those for which all of its layers fit."""

from __future__ import annotations

import re

from cnncalc.graph import Graph
from cnncalc.layers.windowed import Windowed
from cnncalc.symbols.constraints import solve_constraints
from cnncalc.symbols.guards import Guard


def guards(graph: Graph) -> list[Guard]:
    """Return the conditions on symbols under which all layers fit, each once, in order."""
    layers = dict.fromkeys((node.layer, node.input_shapes) for node in graph.nodes)
    conditions = [each.condition for layer, shapes in layers for each in layer.requirements_of(shapes)]
    return list(dict.fromkeys(each for each in conditions if isinstance(each, Guard)))


def coverage_guards(graph: Graph) -> list[Guard]:
    """Return the conditions on symbols under which the windows of every layer reach the end of its input."""
    layers = dict.fromkeys((node.layer, node.input_shapes[:1]) for node in graph.nodes)
    conditions = [
        each for layer, shapes in layers if isinstance(layer, Windowed) for each in layer.drops_nothing(shapes[0])
    ]
    return list(dict.fromkeys(each for each in conditions if isinstance(each, Guard)))


def domains(graph: Graph) -> dict[str, str]:
    """Return for each symbol of the graph's inputs, in words, the numbers for which all of its layers fit."""
    conditions = guards(graph)
    texts = {}
    for name in graph.letters:
        sizes = solve_constraints([each for each in conditions if each.symbols == {name}], name)
        texts[name] = "as far as its layers fit" if sizes is None else str(sizes)
    joint = [str(each) for each in conditions if len(each.symbols) > 1]
    for name in graph.letters:
        texts[name] += "".join(f"; {text}" for text in joint if re.search(rf"\b{name}\b", text))
    return texts
