"""How a writer says layers: a table by kind, and the errors of what cannot be said."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from cnncalc.diagnostics import Diagnostic, Problems
from cnncalc.figures.cost import cost
from cnncalc.graph import Node
from cnncalc.layers.opaque import OpaqueOp

T = TypeVar("T")


class Unsupported(Exception):  # noqa: N818  # no error of the program, but a fact about the format
    """Why a format has no words for a layer: the bare fact, and the edit that would do; the table adds the place."""

    def __init__(self, reason: str, help: str | None = None) -> None:
        super().__init__(reason)
        self.reason, self.help = reason, help


class Emitter(Generic[T]):
    """Kind → a function that says a node of that kind, or raises `Unsupported` with the reason."""

    def __init__(self, format: str) -> None:
        self.format = format
        self.known: dict[str, Callable[[Node, Any], T]] = {}

    def __call__(self, *kinds: str) -> Callable[[Callable[[Node, Any], T]], Callable[[Node, Any], T]]:
        """A decorator: the function says nodes of these kinds; it is given a node and its layer."""

        def keep(function: Callable[[Node, Any], T]) -> Callable[[Node, Any], T]:
            self.known.update(dict.fromkeys(kinds, function))
            return function

        return keep

    def emit(self, node: Node) -> T:
        """What the format says for a node; raises `Unsupported`."""
        if isinstance(node.layer, OpaqueOp):
            raise Unsupported("an operator of a model file that has no word here")
        _check_stored(node)
        saying = self.known.get(node.layer.kind)
        if saying is None:
            raise Unsupported("it has no word for this kind of layer")
        return saying(node, node.layer)

    def emit_all(self, nodes: Iterable[Node]) -> dict[int, T]:
        """What is said for each node but inputs, by its index.

        Raises `SpecError` E320 that names every layer which cannot be said, up to the limit of a report.
        """
        problems, said = Problems(), {}
        for node in nodes:
            if node.inputs:
                try:
                    said[node.index] = self.emit(node)
                except Unsupported as fact:
                    problems.add(self._problem(node, fact))
        problems.raise_if_any()
        return said

    def _problem(self, node: Node, fact: Unsupported) -> Diagnostic:
        span, calls = node.origin or (None, ())
        message = f"{self.format} cannot say `{node.name}`"
        note = (f"`{node.name}` is `{node.layer}`",) if span is None else ()
        return Diagnostic("E320", message, span, fact.reason, note, fact.help, node.name, calls)


def _check_stored(node: Node) -> None:
    """Raise `Unsupported` where a model file holds other weights for a layer than the layer has by itself."""
    if node.stored is not None:
        stored = node.stored.params + node.stored.buffers
        own = cost(node._replace(stored=None))
        if stored != own.params + own.buffers:
            has = own.params + own.buffers
            raise Unsupported(f"the file stores {stored:,} numbers for it, and `{node.layer}` has {has:,}")
