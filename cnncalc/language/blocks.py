"""Blocks and repeats before they are built: the numbers that a call binds, and how many layers an item comes to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cnncalc.diagnostics import Problems, Span, SpecError, exceed
from cnncalc.graph import MAX_LAYERS
from cnncalc.language.expressions import evaluate
from cnncalc.language.inputs import is_input
from cnncalc.language.nodes import CallNode, DefNode, Expression, GroupNode, ItemNode, LetNode, MergeNode

#: Blocks may be called with so many different values. Calls that come to no layer are not counted otherwise.
MAX_CALLED = MAX_LAYERS // 5


class Numbers(dict[str, Any]):
    """The numbers that are visible in a block's body: its parameters, and behind them the lets of the spec."""

    def __init__(self, lets: Mapping[str, Any]) -> None:
        super().__init__()
        self.lets = lets
        #: How many layers the body comes to with these numbers, once that has been counted.
        self.layers: int | None = None

    def __missing__(self, name: str) -> Any:
        return self.lets[name]

    def __iter__(self) -> Iterator[str]:
        yield from super().__iter__()
        yield from self.lets


class Scope(NamedTuple):
    """The names that are visible in a sequence, and where its layers belong.

    `path` is the prefix of their names, `calls` are the calls around them from the inside out, `arms` the arms
    that they stand in from the outside in.
    """

    numbers: Mapping[str, Any]
    blocks: Mapping[str, DefNode]
    tensors: dict[str, tuple[int, ItemNode]]
    path: str = ""
    calls: tuple[Span, ...] = ()
    arms: tuple[tuple[int, int], ...] = ()


class Blocks:
    """The blocks of a spec as they are called. Errors are added to `problems`."""

    def __init__(self, definitions: Sequence[LetNode | DefNode], lets: Mapping[str, Any], problems: Problems) -> None:
        self.definitions, self.lets, self.problems = definitions, lets, problems
        #: How many layers a block's body comes to, by its name and the values of its parameters.
        self.layer_counts: dict[tuple[Any, ...], int] = {}
        #: What a call binds, by the identities of the call and of the numbers around it, which are kept alive here.
        self.bound: dict[tuple[int, int], tuple[Mapping[str, Any], Numbers]] = {}
        self.callable_from: dict[str, dict[str, DefNode]] = {}

    def find(self, node: CallNode, scope: Scope) -> DefNode | None:
        """Return the block that is called; None where there is none or the call cannot be read, which is reported."""
        block = scope.blocks.get(node.name)
        if block is not None:
            self.problems.add(*node.problems)
            return None if node.problems else block
        from cnncalc.language.suggestions import unknown_block  # only once something is wrong

        self.problems.add(unknown_block(node, scope.blocks, self.definitions, scope.calls))
        return None

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
        """Return the numbers of a block's body for a call; None where the call does not fit, which is reported.

        One call among the same numbers binds the same, and is evaluated once.
        """
        key = id(node), id(scope.numbers)
        if key in self.bound:
            return self.bound[key][1]
        numbers = self._bind(node, block, scope)
        if numbers is not None:
            self.bound[key] = scope.numbers, numbers
        return numbers

    def _bind(self, node: CallNode, block: DefNode, scope: Scope) -> Numbers | None:
        parameters = dict(block.parameters)
        values: dict[str, Expression] = {}
        help = f"its parameters: `{block.name}({', '.join(parameters)})`"
        for position, (name, value) in enumerate(node.values):
            if name is None and position >= len(parameters):
                message = f"`{block.name}` takes {len(parameters)} values, not {len(node.values)}"
                self.problems.report("E113", message, value.span, "one too many", help, calls=scope.calls)
                return None
            name = name or list(parameters)[position]
            if name not in parameters or name in values:
                message, label = f"`{block.name}` has no parameter `{name}`", "not a parameter of it"
                if name in values:
                    message, label = f"`{name}` of `{block.name}` is given twice", "given again"
                self.problems.report("E113", message, value.span, label, help, calls=scope.calls)
                return None
            values[name] = value
        # A block does not see its caller's parameters, only the lets.
        numbers = Numbers(self.lets)
        try:
            for name, default in parameters.items():
                if name in values:
                    numbers[name] = evaluate(values[name], scope.numbers)
                elif default is not None:
                    numbers[name] = evaluate(default, numbers)
                else:
                    message = f"`{block.name}` needs a value for `{name}`"
                    self.problems.report("E113", message, node.span, "a value is missing", help, calls=scope.calls)
                    return None
        except SpecError as error:
            self.problems.catch(error, scope.calls)
            return None
        return numbers

    def repeat_count(self, item: ItemNode, scope: Scope) -> int | None:
        """Return how many copies of an item there are; None where that is no number of repeats, which is reported."""
        if item.count is None:
            return 1
        if isinstance(item.count, int):
            return item.count
        try:
            value = evaluate(item.count.expression, scope.numbers)
        except SpecError as error:
            self.problems.catch(error, scope.calls)
            return None
        if not isinstance(value, int) or value < 0:
            message = f"the number of repeats is {'negative' if value < 0 else 'not whole'}"
            help = "use a whole number, 0 or more"
            self.problems.report("E114", message, item.count.span, f"is {value}", help, calls=scope.calls)
            return None
        return value

    def layer_count(self, items: tuple[ItemNode, ...], scope: Scope) -> int:
        """Return how many layers a sequence comes to, without building it.

        Raises `FatalError` E005 where that is over the limit.
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
