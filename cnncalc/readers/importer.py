"""The shared parts of readers: rules for a framework's operators, and an importer that builds the graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

from cnncalc.diagnostics import Origin, Problems, SpecError
from cnncalc.graph import UNKNOWN, Graph, GraphBuilder, StoredWeights, fit_layer, weights_of
from cnncalc.layers import REGISTRY, Layer
from cnncalc.layers.opaque import OpaqueOp
from cnncalc.readers.errors import PassedOver
from cnncalc.shape import UNKNOWN_SHAPE, Padding, Shape, ShapeError, UndecidedError

#: The most characters of a layer's name.
MAX_NAME = 100

Given = TypeVar("Given")
Result = TypeVar("Result")

TableRow = TypeVar("TableRow")

#: The rule of an operator: a function, whose parameters are the reader's own.
Rule = TypeVar("Rule", bound=Callable[..., Any])


class OperatorRules(Generic[Rule]):
    """The rules of a framework's operators by name, from a table or from decorated functions.

    @rules("Conv")                          the function is the rule of these operators
    @rules.table({"Relu": "relu"})          it is the rule of every operator of the table; `"relu"` is its argument
    """

    def __init__(self) -> None:
        self._rules: dict[str, Rule] = {}

    def __call__(self, *operators: str) -> Callable[[Rule], Rule]:
        """Register the decorated function as the rule of these operators."""

        def register(rule: Rule) -> Rule:
            self._rules.update(dict.fromkeys(operators, rule))
            return rule

        return register

    def table(self, rows: Mapping[str, TableRow]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register the decorated function as the rule of every operator of a table; the row is its last argument."""

        def register(rule: Callable[..., Any]) -> Callable[..., Any]:
            for operator, row in rows.items():
                self._rules[operator] = _with_row(rule, row)
            return rule

        return register

    def get(self, operator: str) -> Rule | None:
        """Return the rule of an operator, or None if it has none."""
        return self._rules.get(operator)

    def __iter__(self) -> Iterator[str]:
        return iter(self._rules)


def _with_row(rule: Callable[..., Any], row: object) -> Any:
    return lambda *arguments: rule(*arguments, row)


def printable(name: str) -> str:
    """Return a name for display: one line of printable characters without spaces, of bounded length."""
    return "".join(c if c.isprintable() and not c.isspace() else "_" for c in name[:MAX_NAME])


def printable_title(name: str) -> str:
    """Return the name of a network for display: as `printable`, but with spaces."""
    return "".join(c if c.isprintable() else "_" for c in name[:MAX_NAME])


class UniqueNames:
    """Unique display names for the nodes of a file: printable, and numbered if a name is already taken."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def __call__(self, name: str) -> str:
        """Take and return the name, with a number appended if it is taken."""
        name = printable(name)
        while name in self._taken:
            self._taken[name] += 1
            name = f"{name}_{self._taken[name]}"
        self._taken[name] = 1
        return name


# -- layers ----------------------------------------------------------------------------------------------------


def make(kind: str, **arguments: Any) -> Layer:
    """Return a layer of the language."""
    return REGISTRY[kind](kind, **arguments)


def unknown_op(operator: str) -> OpaqueOp:
    """Return an operator of unknown output shape, after which totals are lower bounds."""
    return OpaqueOp(operator, None, known=False)


def elementwise_op(operator: str, shape: Shape | None) -> OpaqueOp:
    """Return an operator that works element by element in place; it is unknown if its shape is."""
    return OpaqueOp(operator, shape, local=True, memory="in place")


def explicit_padding(ends: Sequence[tuple[int, int]]) -> Padding:
    """Return the padding with the given amounts at the beginning and end of each axis."""
    return Padding("explicit", tuple(ends)) if any(map(any, ends)) else Padding("valid")


def symmetric_padding(amounts: Sequence[int]) -> Padding:
    """Return the padding with the given amount at both ends of each axis."""
    return explicit_padding([(amount, amount) for amount in amounts])


def per_axis(values: Sequence[int], rank: int) -> tuple[int, ...]:
    """Return a number for each axis, repeating a single number."""
    return tuple(values) * rank if len(values) == 1 else tuple(values)


# -- the graph -------------------------------------------------------------------------------------------------


class Importer:
    """Builds the graph of one model, layer by layer; shapes are channels last, and the builder computes them."""

    def __init__(self, reserved: Sequence[str] = ()) -> None:
        """Start an empty graph; `reserved` are names that no numbered layer may take."""
        self.problems = Problems()
        self.builder = GraphBuilder(self.problems, reserved, shapes_are_written=False)
        self.names = UniqueNames()
        self.passed_over = PassedOver()

    def build(self, last: int, name: str | None = None) -> Graph:
        """Return the graph, with what is passed over in the file among its warnings.

        Raises `SpecError` with all problems if there are any.
        """
        graph = self.builder.build(last, name)
        return graph._replace(warnings=(*self.passed_over.diagnostics, *graph.warnings))

    def add(
        self,
        layer: Layer,
        inputs: Sequence[int],
        origin: Origin | None = None,
        name: str | None = None,
        stored: StoredWeights | None = None,
    ) -> int:
        """Add a layer and return its node's index.

        Behind an operator of unknown shape its rule holds for what is known of its input. Where that is too little to
        tell whether it fits, it is an unknown operator itself.
        """
        shapes = tuple([self.builder.nodes[index].shape for index in inputs if index != UNKNOWN])
        if not isinstance(layer, OpaqueOp) and not all(shape.is_known for shape in shapes) and not layer.flat:
            try:
                fit_layer(layer, shapes)
            except (ShapeError, UndecidedError):
                layer = unknown_op(layer.kind)
        return self.builder.add(layer, tuple(inputs), origin, name, stored=stored)

    def share(self, node: int, first: int) -> None:
        """Let a node have the weights of an earlier one.

        One that is no layer with as many weights as that by its rule has none of its own all the same.
        """
        if node == UNKNOWN or self.builder.share(node, first):
            return
        added = self.builder.nodes[node]
        if added.inputs and (added.stored or weights_of(added.layer, added.input_shapes[0])) != StoredWeights():
            self.builder.nodes[node] = added._replace(stored=StoredWeights())

    def partial_shape(self, node: int) -> Shape:
        """Return the output shape of a node, in which sizes may be unknown; behind an error, all of them are."""
        return self.builder.nodes[node].shape if node != UNKNOWN else UNKNOWN_SHAPE

    def shape(self, node: int) -> Shape | None:
        """Return the output shape of a node, or None if a size in it is unknown."""
        shape = self.partial_shape(node)
        return shape if shape.is_known else None

    def attempt(self, work: Callable[[Given], Result], item: Given) -> Result | None:
        """Return the result of `work` on an item, or None if it raises, so that one run reports all errors."""
        try:
            return work(item)
        except SpecError as error:
            for diagnostic in error.diagnostics:
                self.problems.add(diagnostic)
            return None
