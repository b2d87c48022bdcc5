"""Blocks and repeats before they are built: what a call binds, how often an item stands, what that comes to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cnncalc.diagnostics import Diagnostic, Problems, Span, SpecError, exceed
from cnncalc.graph import MAX_LAYERS
from cnncalc.language.arguments import split_word
from cnncalc.language.expressions import evaluate
from cnncalc.language.nodes import CallNode, DefNode, Expression, GroupNode, ItemNode, LayerNode, LetNode, MergeNode


class Numbers(dict[str, Any]):
    """The numbers that a block's body sees: its parameters by name, and behind them the lets of the spec."""

    def __init__(self, lets: Mapping[str, Any]) -> None:
        super().__init__()
        self.lets = lets
        #: How many layers the body comes to with these numbers, once that is known.
        self.size: int | None = None

    def __missing__(self, name: str) -> Any:
        return self.lets[name]

    def __iter__(self) -> Iterator[str]:
        yield from super().__iter__()
        yield from self.lets


class Scope(NamedTuple):
    """What a sequence sees: the numbers and blocks by name, and where its layers belong."""

    numbers: Mapping[str, Any]
    blocks: Mapping[str, DefNode]
    tensors: dict[str, tuple[int, ItemNode]]
    path: str = ""
    calls: tuple[Span, ...] = ()
    arms: tuple[tuple[int, int], ...] = ()


class Blocks:
    """The blocks of a spec, by what calls them. Errors are added to `problems`."""

    def __init__(self, definitions: Sequence[LetNode | DefNode], problems: Problems) -> None:
        self.definitions, self.problems = definitions, problems
        self.lets: Mapping[str, Any] = {}
        self.sizes: dict[tuple[Any, ...], int] = {}
        self.bound: dict[tuple[int, int], tuple[Mapping[str, Any], Numbers]] = {}
        self.before: dict[str, dict[str, DefNode]] = {}

    def block(self, node: CallNode, scope: Scope) -> DefNode | None:
        """The block that is called; None where there is none, or the call is not one."""
        block = scope.blocks.get(node.name)
        if block is not None:
            self.problems.add(*node.problems)
            return None if node.problems else block
        from cnncalc.language.suggestions import unknown_block  # only once something is wrong

        self.problems.add(unknown_block(node, scope.blocks, self.definitions, scope.calls))
        return None

    def above(self, block: DefNode, scope: Scope) -> dict[str, DefNode]:
        """The blocks that a block may call: those defined before it, so that no call comes back to it."""
        if block.name not in self.before:
            names = list(scope.blocks)
            self.before[block.name] = {name: scope.blocks[name] for name in names[: names.index(block.name)]}
        return self.before[block.name]

    def inside(self, node: CallNode, block: DefNode, numbers: Numbers, scope: Scope, path: str = "") -> Scope:
        """What the body of a block sees when it is called with the numbers; its layers are named under the path."""
        return Scope(numbers, self.above(block, scope), {}, path, (node.span, *scope.calls), scope.arms)

    def bind(self, node: CallNode, block: DefNode, scope: Scope) -> Numbers | None:
        """The numbers that a block's body sees, None where the call does not fit the block.

        The same call among the same numbers gives the same: which they are, their identities say, since they
        are kept here.
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
        given: dict[str, Expression] = {}
        signature = f"{block.name}({', '.join(parameters)})"
        for place, (name, value) in enumerate(node.values):
            if name is None and place >= len(parameters):
                message = f"`{block.name}` takes {len(parameters)} values, not {len(node.values)}"
                self.report("E113", message, value.span, "one too many", f"its parameters: `{signature}`", scope)
                return None
            name = name or list(parameters)[place]
            if name not in parameters or name in given:
                message = f"`{block.name}` has no parameter `{name}`"
                if name in given:
                    message = f"`{name}` of `{block.name}` is given twice"
                self.report(
                    "E113", message, value.span, "not a parameter of it", f"its parameters: `{signature}`", scope
                )
                return None
            given[name] = value
        lets = scope.numbers
        numbers = Numbers(self.globals(scope))
        try:
            for name, default in parameters.items():
                if name in given:
                    numbers[name] = evaluate(given[name], lets)
                elif default is not None:
                    numbers[name] = evaluate(default, numbers)
                else:
                    message = f"`{block.name}` needs a value for `{name}`"
                    self.report(
                        "E113", message, node.span, "a value is missing", f"its parameters: `{signature}`", scope
                    )
                    return None
        except SpecError as error:
            self.problems.add(error.diagnostics[0]._replace(calls=scope.calls))
            return None
        return numbers

    def globals(self, scope: Scope) -> Mapping[str, Any]:
        """The lets alone: a block does not see its caller's parameters."""
        if not scope.calls:
            self.lets = scope.numbers
        return self.lets

    def count(self, item: ItemNode, scope: Scope) -> int | None:
        """How often an item stands; None where that is no number of repeats."""
        if item.count is None:
            return 1
        if isinstance(item.count, int):
            return item.count
        try:
            value = evaluate(item.count.expression, scope.numbers)
        except SpecError as error:
            self.problems.add(error.diagnostics[0]._replace(calls=scope.calls))
            return None
        if not isinstance(value, int) or value < 0:
            what = "is negative" if value < 0 else "is not whole"
            message, label = f"the number of repeats {what}", f"is {value}"
            self.report("E114", message, item.count.span, label, "use a whole number, 0 or more", scope)
            return None
        return value

    def size(self, items: tuple[ItemNode, ...], scope: Scope) -> int:
        """How many layers a sequence comes to, found without building it.

        Raises `SpecError` E005 where that is over the limit.
        """
        total = 0
        for item in items:
            count = self.count(item, scope)
            if not count:
                continue
            # Inputs are no layers, yet a repeated one must not go on for ever.
            total += count * self.atom_size(item, scope) - (count == 1 and is_input(item))
            if total > MAX_LAYERS:
                message = f"the spec comes to more than {MAX_LAYERS:,} layers"
                span = item.count_span or item.span
                exceed(message, span, "too many layers", calls=scope.calls)
        return total

    def atom_size(self, item: ItemNode, scope: Scope) -> int:
        """How many layers one copy of an item comes to."""
        atom = item.atom
        if isinstance(atom, GroupNode):
            return self.size(atom.items, scope)
        if isinstance(atom, MergeNode):
            return 1 + sum(self.size(arm, scope) for arm in atom.arms)
        if not isinstance(atom, CallNode):
            return 1
        block = scope.blocks.get(atom.name) if not atom.problems else None
        numbers = self.bind(atom, block, scope) if block else None
        if block is None or numbers is None:
            return 1
        if numbers.size is None:
            key = (block.name, *(numbers[name] for name, _ in block.parameters))
            if key not in self.sizes:
                self.sizes[key] = self.size(block.items, self.inside(atom, block, numbers, scope))
            numbers.size = self.sizes[key]
        return numbers.size

    def report(
        self, code: str, message: str, span: Span, label: str, help: str | None = None, scope: Scope | None = None
    ) -> None:
        calls = scope.calls if scope else ()
        self.problems.add(Diagnostic(code, message, span, label, help=help, calls=calls))


def is_input(item: ItemNode) -> bool:
    if not isinstance(item.atom, LayerNode):
        return False
    first = item.atom.word.parts[0]
    if not isinstance(first, str) or first[:1] not in "iI" or first[:5].lower() != "input":
        return False
    try:
        return split_word(item.atom.word)[0] == "input"
    except SpecError:
        return False
