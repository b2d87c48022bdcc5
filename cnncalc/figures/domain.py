"""The sizes that the symbols of a graph's inputs may stand for: those for which all of its layers fit."""

from __future__ import annotations

import re
from typing import NamedTuple

from cnncalc.graph import Graph
from cnncalc.layers.windowed import Windowed
from cnncalc.shape import Condition
from cnncalc.symbols.constraints import IntegerSet, solve_constraints
from cnncalc.symbols.guards import Guard


class Domain(NamedTuple):
    """The numbers that a symbol may stand for: those in `sizes` that meet the `conditions` on it and others.

    `sizes` is None if they were not computed. The text of a domain is in words, such as `7 or more`.
    """

    sizes: IntegerSet | None
    conditions: tuple[str, ...] = ()

    def __str__(self) -> str:
        sizes = "as far as its layers fit" if self.sizes is None else str(self.sizes)
        return "; ".join((sizes, *self.conditions))

    def to_dict(self) -> dict[str, object]:
        """Return the JSON object of the domain: the sizes as runs [first, last, step], and the conditions."""
        runs = None if self.sizes is None else [list(run) for run in self.sizes.runs()]
        return {"runs": runs, "conditions": list(self.conditions)}


def guards(graph: Graph) -> list[Guard]:
    """Return the conditions on symbols under which all layers fit, each once, in order."""
    layers = dict.fromkeys((node.layer, node.input_shapes) for node in graph.nodes)
    conditions = [each.condition for layer, shapes in layers for each in layer.requirements_of(shapes)]
    return list(dict.fromkeys(each for each in conditions if isinstance(each, Guard)))


def coverage_conditions(graph: Graph, axis: int) -> list[Condition]:
    """Return for every layer with a window the condition under which its windows reach the end of an axis.

    A condition that is False holds for no sizes: the layer always drops something, which its warning W201 reports.
    """
    layers = dict.fromkeys((node.layer, node.input_shapes[:1]) for node in graph.nodes)
    conditions = [
        layer.drops_nothing(shapes[0])[axis]
        for layer, shapes in layers
        if isinstance(layer, Windowed) and axis < shapes[0].rank
    ]
    return list(dict.fromkeys(each for each in conditions if each is not True))


def domains(graph: Graph) -> dict[str, Domain]:
    """Return for each symbol of the graph's inputs the numbers for which all of its layers fit."""
    conditions = guards(graph)
    joint = [str(each) for each in conditions if len(each.symbols) > 1]
    result = {}
    for name in graph.letters:
        sizes = solve_constraints([each for each in conditions if each.symbols == {name}], name)
        result[name] = Domain(sizes, tuple(text for text in joint if re.search(rf"\b{name}\b", text)))
    return result
