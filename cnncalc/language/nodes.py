"""The nodes of a spec: a tree of immutable values made by the parser, which does not know any layer.

Two specs have the same meaning if their nodes are equal except for spans, which are for messages.
"""

# No `from __future__ import annotations` here: NamedTuple compiles every annotation that is a string, which
# would be a tenth of the start-up.
from typing import NamedTuple, Union

from cnncalc.diagnostics import Diagnostic, Span

# -- expressions, in holes, lets and calls ---------------------------------------------------------------


class NumberNode(NamedTuple):
    text: str
    span: Span


class NameNode(NamedTuple):
    name: str
    span: Span


class OperationNode(NamedTuple):
    """`left op right`; a sign is an operation on a left side of None."""

    operator: str
    left: "Expression | None"
    right: "Expression"
    span: Span


class FunctionNode(NamedTuple):
    name: str
    values: tuple["Expression", ...]
    span: Span


Expression = Union[NumberNode, NameNode, OperationNode, FunctionNode]

#: The name of a number to be solved for, written without a hole around it: `conv ?x? s2`.
UNKNOWN_NUMBER = "?"

# -- layers and what is made of them ---------------------------------------------------------------------


class Hole(NamedTuple):
    """`{expression}` in a chunk, or `?`."""

    expression: Expression
    span: Span


class Chunk(NamedTuple):
    """A run of text and holes without a space in it, such as `conv3x3:{c}`.

    `name` is the argument's, if the chunk is the value of a long form `name=value`.
    """

    parts: tuple[str | Hole, ...]
    span: Span
    name: "Chunk | None" = None


class LayerNode(NamedTuple):
    """A layer word with the arguments written together with it, and those that follow after spaces.

    `weights` is `weights=@NAME`, which is no argument of the layer: it names the node whose weights it has.
    """

    word: Chunk
    arguments: tuple[Chunk, ...]
    span: Span
    weights: Chunk | None = None


class GroupNode(NamedTuple):
    """`(items)`, or with a word in front `timewise(items)`."""

    items: tuple["ItemNode", ...]
    span: Span
    word: str = ""


class MergeNode(NamedTuple):
    """`layer(arms)`: the layer is that of the word and the arguments in front of the bracket."""

    layer: LayerNode
    arms: tuple[tuple["ItemNode", ...], ...]
    span: Span


class CallNode(NamedTuple):
    """`name(values)`: each value with the name of its parameter, or None for a positional value.

    `problems` are the errors in its values, reported only if there is a block of this name.
    """

    name: str
    values: tuple[tuple[str | None, Expression], ...]
    span: Span
    name_span: Span
    problems: tuple[Diagnostic, ...] = ()


class ReferenceNode(NamedTuple):
    name: str
    span: Span


class InvalidNode(NamedTuple):
    """Stands for an item that could not be read, whose error has been reported; the sizes after it are unknown."""

    span: Span


Atom = Union[LayerNode, GroupNode, MergeNode, CallNode, ReferenceNode, InvalidNode]


class ItemNode(NamedTuple):
    atom: Atom
    span: Span
    count: int | Hole | None = None  # type: ignore[assignment]  # hides tuple.count, which no one needs
    count_span: Span | None = None
    name: str | None = None
    name_span: Span | None = None


class Range(NamedTuple):
    """The values from `first` to `last`, both included, `step` apart; without a `last`, the first alone."""

    first: Expression
    last: Union[Expression, None] = None
    step: Union[Expression, None] = None


class Choices(NamedTuple):
    """The values that a sweep tries of a let, or tuples of values for lets that are tied."""

    items: tuple[Union[Range, tuple[Expression, ...]], ...]
    span: Span


class LetNode(NamedTuple):
    """A named number; the span is the name's.

    Lets that are `tied` are written in one bracket, `let (w, d) = (1, 1)`, whose names these are, and share their
    choices; `whole` is the span of all of it.
    """

    name: str
    value: Expression
    span: Span
    choices: Choices | None = None
    tied: tuple[str, ...] = ()
    whole: Span | None = None


class DefNode(NamedTuple):
    """A named block of layers, its parameters with their defaults; the span is the name's."""

    name: str
    parameters: tuple[tuple[str, Union[Expression, None]], ...]
    items: tuple[ItemNode, ...]
    span: Span


class Spec(NamedTuple):
    name: str | None
    definitions: tuple[LetNode | DefNode, ...]
    items: tuple[ItemNode, ...]
