"""The network of a problem, built with given numbers for its unknowns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnncalc.diagnostics import Problems, Source, SpecError
from cnncalc.figures.domain import coverage_conditions
from cnncalc.graph import BuildError, Graph
from cnncalc.language.build import build_graph
from cnncalc.language.inputs import LETTERS, LetterMode
from cnncalc.language.missing import ANY_COUNT
from cnncalc.language.nodes import Spec
from cnncalc.solve.target import target
from cnncalc.solve.unknowns import unknowns, with_numbers
from cnncalc.sources import read_nodes


class Network:
    """A spec that is read once and built with many numbers. `unknowns` are its `?`."""

    def __init__(self, source: Source, variables: Mapping[str, Any] | None = None) -> None:
        self.source, self.variables = source, variables or {}
        problems = Problems()
        self.spec = read_nodes(source, problems)
        problems.raise_if_any()
        self.unknowns = list(unknowns(self.spec))
        #: A number for the `?` that fits a network of some size.
        self.sample = 1

    def graph(
        self, input: tuple[Any, ...] | None = None, unknown: int | None = None, spec: Spec | None = None
    ) -> Graph:
        """Return the graph with that input and that number for `?`; raises `SpecError` if it does not fit."""
        left_open = LetterMode(letters=True, unknown=unknown, assumed=ANY_COUNT, stretching=True)
        return build_graph(spec or self.spec, Problems(), input, self.variables, left_open)

    def input(self) -> tuple[Any, ...] | None:
        """Return the shape of the spec's own input, even if layers do not fit it; None if it has none."""
        try:
            first = self.graph(unknown=1).nodes[0]
        except BuildError as error:
            if any(not each.code.startswith("E2") for each in error.diagnostics):
                raise
            first = error.partial.nodes[0]
        shape: tuple[Any, ...] = vars(first.layer)["shape"]
        return shape if first.origin is not None else None

    def built(self, shape: tuple[Any, ...], value: int, axis: int) -> Graph:
        """Return the graph with the value for the `?` of an axis, with letters for the other axes.

        An axis with its own `?` gets another number, for which it fits.
        """
        others = {id(each.hole): self.sample for each in self.unknowns if each.axis not in (None, axis)}
        spec = with_numbers(self.spec, others) if others else self.spec
        try:
            return self.graph(self.alone(shape, axis), value, spec)
        except SpecError as error:
            if any(each.code == "E210" for each in error.diagnostics):
                return self.graph(shape, value, spec)
            raise

    def output(self, shape: tuple[Any, ...], value: int, layer: str | None, axis: int) -> tuple[int, bool] | None:
        """Return the output's size along an axis, and whether nothing is dropped; None if the value does not fit."""
        try:
            graph = self.built(shape, value, axis)
            spatial = target(graph, layer).shape.spatial
        except SpecError:
            return None
        size = spatial[axis] if axis < len(spatial) else None
        return (size, _drops_nothing(graph, axis)) if isinstance(size, int) else None

    @staticmethod
    def alone(shape: tuple[Any, ...], axis: int) -> tuple[Any, ...]:
        """Return the shape with letters on all axes but one."""
        names = axis_letters(shape)
        return (*names[:axis], shape[axis], *names[axis + 1 :], shape[-1])


def axis_letters(shape: tuple[Any, ...]) -> tuple[str, ...]:
    """Return letters for the spatial axes of a shape."""
    return next((letters[:-1] for letters in LETTERS if len(letters) == len(shape)), ())


def _drops_nothing(graph: Graph, axis: int) -> bool:
    return all(each is not False for each in coverage_conditions(graph, axis))
