"""Blocks and repeats before they are built: the numbers that a call binds, and the number of layers of an item."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cnncalc.diagnostics import Diagnostic, Problems, Span, SpecError, exceed, fail, nearest
from cnncalc.graph import MAX_LAYERS
from cnncalc.language.expressions import evaluate
from cnncalc.language.inputs import is_input
from cnncalc.language.nodes import (
    CallNode,
    DefNode,
    Expression,
    GroupNode,
    Hole,
    ItemNode,
    LetNode,
    MergeNode,
    ReferenceNode,
)

#: Blocks may be called with so many different values. Calls that come to no layer are not counted otherwise.
MAX_CALLED = MAX_LAYERS // 5


class Numbers(dict[str, Any]):
    """The numbers that are visible in a block's body: its parameters, then the lets of the spec."""

    def __init__(self, lets: Mapping[str, Any]) -> None:
        super().__init__()
        self.lets = lets
        #: How many layers the body comes to with these numbers, once that has been counted.
        self.layers: int | None = None

    def __missing__(self, name: str) -> Any:
        return self.lets[name]

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self.lets

    def __iter__(self) -> Iterator[str]:
        yield from super().__iter__()
        yield from self.lets


class Scope(NamedTuple):
    """The names that are visible in a sequence, and the position of its layers.

    `path` is the prefix of their names, `calls` are the enclosing calls from the inside out, `arms` the enclosing
    arms from the outside in.
    """

    numbers: Mapping[str, Any]
    blocks: Mapping[str, DefNode]
    tensors: dict[str, tuple[int, ItemNode]]
    path: str = ""
    calls: tuple[Span, ...] = ()
    arms: tuple[tuple[int, int], ...] = ()


def checked_value(value: Any, hole: Hole) -> Any:
    """Return the value of a hole in a layer as an int or float; raises `SpecError` E114 for a negative one."""
    if value < 0:
        fail("E114", "a number here cannot be negative", hole.span, f"is {value}")
    return value if isinstance(value, int) else float(value)


def unknown_tensor(node: ReferenceNode, tensors: Iterable[str], calls: tuple[Span, ...] = ()) -> Diagnostic:
    """Return the error E110 for a reference to a name that no layer has."""
    near = nearest(node.name, tensors)
    help = f"write `@{near}`" if near else f"name a layer before it: `… as {node.name}`"
    message, label = f"unknown name `{node.name}`", "no layer before it has this name"
    return Diagnostic("E110", message, node.span, label, help=help, calls=calls)


def is_count(value: Any) -> bool:
    """Return whether a value is a number of repeats."""
    return isinstance(value, int) and value >= 0


def wrong_count(count: Hole, value: Any, calls: tuple[Span, ...] = ()) -> Diagnostic:
    """Return the error E114 for a number of repeats that is negative or not an integer."""
    message = f"the number of repeats is {'negative' if value < 0 else 'not whole'}"
    return Diagnostic("E114", message, count.span, f"is {value}", help="use a whole number, 0 or more", calls=calls)


class Blocks:
    """The blocks of a spec and their calls. Errors are added to `problems`."""

    def __init__(self, definitions: Sequence[LetNode | DefNode], lets: Mapping[str, Any], problems: Problems) -> None:
        self.definitions, self.lets, self.problems = definitions, lets, problems
        #: How many layers a block's body comes to, by its name and the values of its parameters.
        self.layer_counts: dict[tuple[Any, ...], int] = {}
        #: What a call binds, by the identities of the call and of the numbers around it, which are kept alive here.
        self.bound: dict[tuple[int, int], tuple[Mapping[str, Any], Numbers]] = {}
        self.callable_from: dict[str, dict[str, DefNode]] = {}

    def find(self, node: CallNode, scope: Scope) -> DefNode | None:
        """Return the block that is called; report an error and return None if there is none or the call is invalid."""
        block, problems = self.look_up(node, scope)
        self.problems.add(*problems)
        return block

    def look_up(self, node: CallNode, scope: Scope) -> tuple[DefNode | None, tuple[Diagnostic, ...]]:
        """Return the block that is called, or None and the error if there is none or the call is invalid."""
        block = scope.blocks.get(node.name)
        if block is not None:
            return (None, node.problems) if node.problems else (block, ())
        from cnncalc.language.suggestions import unknown_block  # only once something is wrong

        return None, (unknown_block(node, scope.blocks, self.definitions, scope.calls),)

    def body_scope(self, node: CallNode, block: DefNode, numbers: Numbers, scope: Scope, path: str = "") -> Scope:
        """Return the scope of a block's body for a call; its layers are named under `path`."""
        if block.name not in self.callable_from:
            # Only the blocks above it, so that no call comes back to it.
            names = list(scope.blocks)
            above = names[: names.index(block.name)]
            self.callable_from[block.name] = {name: scope.blocks[name] for name in above}
        calls = (node.span, *scope.calls)
        return Scope(numbers, self.callable_from[block.name], {}, path, calls, scope.arms)

    def bind(self, node: CallNode, block: DefNode, scope: Scope) -> Numbers | None:
        """Return the numbers of a block's body for a call; report an error and return None if the call does not fit.

        A call with the same numbers around it binds the same, and is evaluated once.
        """
        key = id(node), id(scope.numbers)
        if key in self.bound:
            return self.bound[key][1]
        numbers = self._bind(node, block, scope)
        if numbers is not None:
            self.bound[key] = scope.numbers, numbers
        return numbers

    def _bind(self, node: CallNode, block: DefNode, scope: Scope) -> Numbers | None:
        # A block does not see its caller's parameters, only the lets.
        numbers = Numbers(self.lets)
        try:
            for name, value, own in self.assign(node, block, scope.calls):
                numbers[name] = evaluate(value, scope.numbers if own else numbers)
        except SpecError as error:
            self.problems.catch(error, scope.calls)
            return None
        return numbers

    def assign(self, node: CallNode, block: DefNode, calls: tuple[Span, ...]) -> list[tuple[str, Expression, bool]]:
        """Return each parameter of a block with its value for a call, and whether the call itself gives the value.

        Raises `SpecError` E113 if the call does not fit.
        """
        parameters = dict(block.parameters)
        values: dict[str, Expression] = {}
        help = f"its parameters: `{block.name}({', '.join(parameters)})`"
        for position, (name, value) in enumerate(node.values):
            if name is None and position >= len(parameters):
                message = f"`{block.name}` takes {len(parameters)} values, not {len(node.values)}"
                fail("E113", message, value.span, "one too many", help, calls=calls)
            name = name or list(parameters)[position]
            if name not in parameters or name in values:
                message, label = f"`{block.name}` has no parameter `{name}`", "not a parameter of it"
                if name in values:
                    message, label = f"`{name}` of `{block.name}` is given twice", "given again"
                fail("E113", message, value.span, label, help, calls=calls)
            values[name] = value
        for name, default in parameters.items():
            if name not in values and default is None:
                message = f"`{block.name}` needs a value for `{name}`"
                fail("E113", message, node.span, "a value is missing", help, calls=calls)
        return [
            (name, values.get(name, default), name in values)  # type: ignore[misc]  # one of them is there
            for name, default in parameters.items()
        ]

    def repeat_count(self, item: ItemNode, scope: Scope) -> int | None:
        """Return the number of copies of an item; report an error and return None if it is invalid."""
        if item.count is None:
            return 1
        if isinstance(item.count, int):
            return item.count
        try:
            value = evaluate(item.count.expression, scope.numbers)
        except SpecError as error:
            self.problems.catch(error, scope.calls)
            return None
        if not is_count(value):
            self.problems.add(wrong_count(item.count, value, scope.calls))
            return None
        count: int = value
        return count

    def layer_count(self, items: tuple[ItemNode, ...], scope: Scope) -> int:
        """Return the number of layers of a sequence, without building it.

        Raises `FatalError` E005 if it is over the limit.
        """
        total = 0
        for item in items:
            count = self.repeat_count(item, scope)
            if not count:
                continue
            # Inputs are no layers, yet a repeated one must not go on for ever.
            total += count * self._layers_of_copy(item, scope) - (count == 1 and is_input(item))
            if total > MAX_LAYERS:
                message = f"the spec comes to more than {MAX_LAYERS:,} layers"
                exceed(message, item.count_span or item.span, "too many layers", calls=scope.calls)
        return total

    def _layers_of_copy(self, item: ItemNode, scope: Scope) -> int:
        atom = item.atom
        if isinstance(atom, GroupNode):
            return self.layer_count(atom.items, scope)
        if isinstance(atom, MergeNode):
            return 1 + sum(self.layer_count(arm, scope) for arm in atom.arms)
        if not isinstance(atom, CallNode):
            return 1
        block = scope.blocks.get(atom.name) if not atom.problems else None
        numbers = self.bind(atom, block, scope) if block else None
        if block is None or numbers is None:
            return 1
        if numbers.layers is None:
            key = (block.name, *(numbers[name] for name, _ in block.parameters))
            if key not in self.layer_counts:
                if len(self.layer_counts) >= MAX_CALLED:
                    message = f"blocks are called with more than {MAX_CALLED:,} different values"
                    exceed(message, atom.span, "too many calls", calls=scope.calls)
                self.layer_counts[key] = self.layer_count(block.items, self.body_scope(atom, block, numbers, scope))
            numbers.layers = self.layer_counts[key]
        return numbers.layers
