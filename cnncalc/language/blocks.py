"""Blocks and repeats before they are built: the numbers that a call binds, and the number of layers of an item."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from cnncalc.diagnostics import Diagnostic, Enclosing, Problems, Span, SpecError, exceed, fail
from cnncalc.graph import MAX_LAYERS
from cnncalc.language.channels import CHANNELS, ChannelsUnknownError, uses_channels
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
from cnncalc.spelling import nearest

#: Blocks may be called with so many different values. Calls that come to no layer are not counted otherwise.
MAX_CALLED = MAX_LAYERS // 5


class Numbers(dict[str, Any]):
    """The numbers that are visible in a block's body: its parameters, `C`, then the lets of the spec."""

    def __init__(self, lets: Mapping[str, Any]) -> None:
        super().__init__()
        self.lets = lets
        #: The names whose numbers depend on channels that are not known while layers are only counted.
        self.unknown: set[str] = set()
        #: How many layers the body comes to with these numbers, once that has been counted.
        self.layers: int | None = None

    def bind(self, name: str, value: Callable[[], Any]) -> None:
        """Give a name a value, which may depend on channels that are not known yet."""
        try:
            self[name] = value()
        except ChannelsUnknownError:
            self.unknown.add(name)

    def __missing__(self, name: str) -> Any:
        if name in self.unknown:
            raise ChannelsUnknownError
        return self.lets[name]

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self.unknown or name in self.lets

    def __iter__(self) -> Iterator[str]:
        yield from super().__iter__()
        yield from self.unknown
        yield from self.lets


class Scope(NamedTuple):
    """The names that are visible in a sequence, and the position of its layers.

    `path` is the prefix of their names, `calls` are the enclosing calls from the inside out, `arms` the enclosing
    arms from the outside in, `steps` the number of leading axes that they are applied along, step by step, and
    `within` the enclosing blocks, named groups and repeats from the outside in.
    """

    numbers: Mapping[str, Any]
    blocks: Mapping[str, DefNode]
    tensors: dict[str, tuple[int, ItemNode]]
    path: str = ""
    calls: tuple[Span, ...] = ()
    arms: tuple[tuple[int, int], ...] = ()
    steps: int = 0
    within: tuple[Enclosing, ...] = ()


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

    evaluate: Callable[[Expression, Mapping[str, Any]], Any] = staticmethod(evaluate)

    def __init__(self, definitions: Sequence[LetNode | DefNode], lets: Mapping[str, Any], problems: Problems) -> None:
        self.definitions, self.lets, self.problems = definitions, lets, problems
        self.names = {each.name for each in definitions if isinstance(each, DefNode)}
        #: How many layers a block's body comes to, by the identity of the block and the values of its parameters.
        self.layer_counts: dict[tuple[Any, ...], int] = {}
        #: What a call binds, by the identities of the call and of the numbers around it, which are kept alive here,
        #: and by the channels that come in if the block uses them.
        self.bound: dict[tuple[int, int, int | None], tuple[Mapping[str, Any], Numbers]] = {}
        #: By the identity of a block: the blocks that it may call, and whether it uses the channels that come in.
        self.callable_from: dict[int, Mapping[str, DefNode]] = {}
        self.using_channels: dict[int, bool] = {}

    def named(self, name: str, scope: Scope) -> DefNode | None:
        """Return the block that a name means in a scope: one of the spec's, or else of the prelude; None for neither.

        A block of the spec that may not be called here hides that of the prelude, too.
        """
        block = scope.blocks.get(name)
        if block is None and name not in self.names:
            from cnncalc.language.prelude import find  # only for a name that the spec does not define

            return find(name)
        return block

    def uses_channels(self, block: DefNode) -> bool:
        """Return whether a block computes with `C`, the channels that come in."""
        known = self.using_channels.get(id(block))
        if known is None:
            hidden = CHANNELS in self.lets and not block.span.source.packaged
            known = self.using_channels[id(block)] = not hidden and uses_channels(block)
        return known

    def find(self, node: CallNode, scope: Scope) -> DefNode | None:
        """Return the block that is called; report an error and return None if there is none or the call is invalid."""
        block, problems = self.look_up(node, scope)
        self.problems.add(*problems)
        return block

    def look_up(self, node: CallNode, scope: Scope) -> tuple[DefNode | None, tuple[Diagnostic, ...]]:
        """Return the block that is called, or None and the error if there is none or the call is invalid."""
        block = self.named(node.name, scope)
        if block is not None:
            return (None, node.problems) if node.problems else (block, ())
        from cnncalc.language.suggestions import unknown_block  # only once something is wrong

        return None, (unknown_block(node, scope.blocks, self.definitions, scope.calls),)

    def body_scope(self, node: CallNode, block: DefNode, numbers: Numbers, scope: Scope, path: str = "") -> Scope:
        """Return the scope of a block's body for a call; its layers are named under `path`."""
        if id(block) not in self.callable_from:
            # Only the blocks above it, so that no call comes back to it.
            names = [] if block.span.source.packaged else list(scope.blocks)
            above = names[: names.index(block.name)] if names else []
            self.callable_from[id(block)] = {name: scope.blocks[name] for name in above}
        calls = (node.span, *scope.calls)
        within = (*scope.within, Enclosing(path.removesuffix("."), node.span))
        return Scope(numbers, self.callable_from[id(block)], {}, path, calls, scope.arms, scope.steps, within)

    def bind(self, node: CallNode, block: DefNode, scope: Scope, channels: int | None = None) -> Numbers | None:
        """Return the numbers of a block's body for a call; report an error and return None if the call does not fit.

        `channels` are those that come in, None while they are not known. A call with the same numbers around it and
        the same channels, if the block uses them, binds the same, and is evaluated once.
        """
        if not self.uses_channels(block):
            channels = None
        key = id(node), id(scope.numbers), channels
        if key in self.bound:
            return self.bound[key][1]
        numbers = self._bind(node, block, scope, channels)
        if numbers is not None:
            self.bound[key] = scope.numbers, numbers
        return numbers

    def _bind(self, node: CallNode, block: DefNode, scope: Scope, channels: int | None) -> Numbers | None:
        # A block does not see its caller's parameters, only the lets; one of the prelude sees none of the spec's.
        numbers = Numbers({} if block.span.source.packaged else self.lets)
        if channels is not None:
            numbers[CHANNELS] = channels
        elif self.uses_channels(block):
            numbers.unknown.add(CHANNELS)
        try:
            for name, value, own in self.assign(node, block, scope.calls):
                numbers.bind(name, partial(self.evaluate, value, scope.numbers if own else numbers))
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
        """Return the number of copies of an item; report an error and return None if it is invalid.

        A number that depends on channels which are not known yet counts as 1.
        """
        if item.count is None:
            return 1
        if isinstance(item.count, int):
            return item.count
        try:
            value = self.evaluate(item.count.expression, scope.numbers)
        except ChannelsUnknownError:
            return 1
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
            total += count * self._layers_of_copy(item, scope) - (is_input(item) and count == 1)
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
        block = self.named(atom.name, scope) if not atom.problems else None
        numbers = self.bind(atom, block, scope) if block else None
        if block is None or numbers is None:
            return 1
        if numbers.layers is None:
            values = (None if name in numbers.unknown else numbers[name] for name, _ in block.parameters)
            key = (id(block), *values)
            if key not in self.layer_counts:
                if len(self.layer_counts) >= MAX_CALLED:
                    message = f"blocks are called with more than {MAX_CALLED:,} different values"
                    exceed(message, atom.span, "too many calls", calls=scope.calls)
                self.layer_counts[key] = self.layer_count(block.items, self.body_scope(atom, block, numbers, scope))
            numbers.layers = self.layer_counts[key]
        return numbers.layers
