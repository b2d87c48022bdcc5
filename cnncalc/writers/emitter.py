"""Maps each kind of layer to what a writer emits for it, and reports the layers without an equivalent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from cnncalc.diagnostics import Diagnostic, Problems
from cnncalc.figures.cost import cost
from cnncalc.frameworks.table import Equivalent, Framework, NoEquivalent
from cnncalc.graph import Node
from cnncalc.layers.opaque import OpaqueOp

T = TypeVar("T")


class Unsupported(Exception):  # noqa: N818  # no error of the program, but a fact about the format
    """A format has no equivalent of a layer: the reason, and an edit that avoids it; the emitter adds the layer."""

    def __init__(self, reason: str, help: str | None = None) -> None:
        super().__init__(reason)
        self.reason, self.help = reason, help


class Emitter(Generic[T]):
    """Maps each kind of layer to what a format emits: the result of a registered function, else the framework's row.

    `emit_row` makes the result from a row and a node.
    """

    def __init__(
        self,
        title: str,
        table: Framework | None = None,
        emit_row: Callable[[Equivalent, Node], T] | None = None,
    ) -> None:
        self.title, self.table, self.emit_row = title, table, emit_row
        self.functions: dict[str, Callable[[Node, Any], T]] = {}

    def __call__(self, *kinds: str) -> Callable[[Callable[[Node, Any], T]], Callable[[Node, Any], T]]:
        """Register a function for these kinds; it is called with a node and its layer, and may raise `Unsupported`."""

        def register(function: Callable[[Node, Any], T]) -> Callable[[Node, Any], T]:
            self.functions.update(dict.fromkeys(kinds, function))
            return function

        return register

    def knows(self, kind: str) -> bool:
        """Return whether the format has something to emit for a kind, or a reason why not."""
        row = self.table and self.table.rows.get(kind)
        return kind in self.functions or isinstance(row, (Equivalent, NoEquivalent))

    def emit(self, node: Node) -> T:
        """Return what the format emits for a node; raises `Unsupported` if it has no equivalent."""
        if isinstance(node.layer, OpaqueOp):
            raise Unsupported("an operator of a model file that is not known here")
        _check_stored(node)
        function = self.functions.get(node.layer.kind)
        if function is not None:
            return function(node, node.layer)
        row = self.table and self.table[node.layer.kind]
        if isinstance(row, NoEquivalent):
            raise Unsupported(row.reason, row.help)
        # A test holds that every kind which is composed of others has a function.
        assert isinstance(row, Equivalent), f"{self.title} has nothing to emit for `{node.layer.kind}`"
        assert self.emit_row is not None
        return self.emit_row(row, node)

    def emit_all(self, nodes: Iterable[Node]) -> dict[int, T]:
        """Return what is emitted for each node except inputs, by its index.

        Raises `SpecError` E320 with every layer that the format has no equivalent of, up to the limit of a report.
        """
        problems, emitted = Problems(), {}
        for node in nodes:
            is_opaque = isinstance(node.layer, OpaqueOp)
            # Sizes are unknown only behind an operator that is an error itself.
            if not is_opaque and not all(shape.is_known for shape in (*node.input_shapes, node.shape)):
                continue
            # An operator of a model file may take nothing in: an `If` whose condition is a constant is no input.
            if node.inputs or is_opaque:
                try:
                    emitted[node.index] = self.emit(node)
                except Unsupported as fact:
                    problems.add(self.problem(node, fact))
        problems.raise_if_any()
        return emitted

    def problem(self, node: Node, fact: Unsupported) -> Diagnostic:
        """Return the error E320 for a layer that the format has no equivalent of."""
        span, calls = (node.origin.span, node.origin.calls) if node.origin else (None, ())
        message = f"{self.title} has no equivalent of `{node.name}`"
        note = (f"`{node.name}` is `{node.layer}`",) if span is None else ()
        return Diagnostic("E320", message, span, fact.reason, note, fact.help, node.name, calls)


def _check_stored(node: Node) -> None:
    """Raise `Unsupported` if a model file holds other weights for a layer than the layer has by its rule."""
    if node.stored is not None:
        held = sum(node.stored)
        figures = cost(node._replace(stored=None))
        needed = figures.params + figures.frozen + figures.buffers
        if held != needed:
            raise Unsupported(f"the file stores {held:,} numbers for it, and `{node.layer}` has {needed:,}")
