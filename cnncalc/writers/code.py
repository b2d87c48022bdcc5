"""Python code as values: the code of one layer, before its numbers are replaced by parameters.

A block that occurs several times is written once, as a class or function, and the numbers in which its copies differ
become parameters. So the code of a layer is not text but a `Call` or an `Inline` expression, whose numbers can be
compared between copies and replaced by names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Union

from cnncalc.frameworks.table import Equivalent
from cnncalc.graph import Node

#: Columns that a line of the code may take.
WIDTH = 100


class RawCode(NamedTuple):
    """A piece of code that is written unchanged: the name of a parameter, `float("-inf")`."""

    text: str


class CallArgument(NamedTuple):
    """One argument of a call: its name, its value, and whether it is positional.

    A named argument is left out if its value is the default. `channels` marks a number of channels: those that are
    equal in all copies of a block are one parameter.
    """

    name: str
    value: Any
    default: Any = None
    positional: bool = False
    channels: bool = False


class Call(NamedTuple):
    """`function(arguments)`, and what is called on its result: `.requires_grad_(False)`."""

    function: str
    arguments: tuple[CallArgument, ...]
    suffix: str = ""


class Inline(NamedTuple):
    """An expression of its inputs: `{0}` is the first, `{all}` are all, joined by `between`.

    An argument is inserted as `{name}`.
    """

    pattern: str
    arguments: tuple[CallArgument, ...] = ()
    between: str = ", "


LayerCode = Union[Call, Inline]


class CodeNumber(NamedTuple):
    """A number in the code of a layer, which may become a parameter of that name."""

    name: str
    value: Any
    channels: bool


def call(function: str, *arguments: CallArgument) -> Call:
    return Call(function, arguments)


def positional(name: str, value: Any, channels: bool = False) -> CallArgument:
    return CallArgument(name, value, positional=True, channels=channels)


def keyword(name: str, value: Any) -> CallArgument:
    """Return a named argument, which is left out if its value is None."""
    return CallArgument(name, value)


def nested(function: str, *calls: Call) -> Call:
    """Return `function` applied to several calls, or a single one unchanged."""
    return calls[0] if len(calls) == 1 else call(function, *(positional("call", each) for each in calls))


def layer_call(row: Equivalent, node: Node, rank: int, **values: Any) -> Call:
    """Return the call of a framework's layer by its row; `values` are those of arguments that differ from it."""
    arguments: list[CallArgument] = []
    written = list(row.write(node.layer, node.input_shapes[0], node.shape, values))
    by_name = {argument.name: value for argument, value in written}
    for argument, value in written:
        default = by_name[argument.like] if argument.like else argument.default
        arguments.append(CallArgument(argument.name, value, default, argument.positional, argument.is_channels))
    return Call(row.name(rank), tuple(arguments))


def is_number(value: object) -> bool:
    """Return whether a value is a number or numbers per axis, in which copies of a block may differ."""
    return type(value) in (int, float, tuple)


def structure(code: LayerCode) -> tuple[Any, ...]:
    """Return the code without its numbers: it is equal for two layers whose code differs only in numbers."""
    return (
        type(code),
        code[0],
        code[2:],
        tuple([(a.name, a.default, a.positional, _without_numbers(a.value)) for a in code.arguments]),
    )


def _without_numbers(value: Any) -> Any:
    if isinstance(value, Call):
        return structure(value)
    return "a number" if is_number(value) else (type(value), value)


def numbers(code: LayerCode) -> Iterator[CodeNumber]:
    """Yield the numbers of the code, in order."""
    for argument in code.arguments:
        if isinstance(argument.value, Call):
            yield from numbers(argument.value)
        elif is_number(argument.value):
            yield CodeNumber(argument.name, argument.value, argument.channels)


def with_names(code: Any, names: Iterator[str | None]) -> Any:
    """Return the code with the next of `names` in place of each number, if it is not None."""
    arguments = []
    for argument in code.arguments:
        if isinstance(argument.value, Call):
            argument = argument._replace(value=with_names(argument.value, names))
        elif is_number(argument.value) and (name := next(names)) is not None:
            argument = argument._replace(value=RawCode(name))
        arguments.append(argument)
    return code._replace(arguments=tuple(arguments))


def inline_text(inline: Inline, inputs: Sequence[str]) -> str:
    """Return the expression with the names of variables as its inputs."""
    values = {argument.name: literal(argument.value) for argument in inline.arguments}
    return inline.pattern.format(*inputs, all=inline.between.join(inputs), **values)


def literal(value: Any) -> str:
    """Return a value as code, on one line."""
    if isinstance(value, RawCode):
        return value.text
    if isinstance(value, Call):
        return f"{value.function}({', '.join(argument_texts(value))}){value.suffix}"
    if isinstance(value, str):
        return f'"{value}"'
    return repr(value)


def argument_texts(value: Call) -> list[str]:
    """Return the texts of the arguments of a call."""
    shown = [a for a in value.arguments if a.positional or a.value != a.default]
    return [literal(a.value) if a.positional else f"{a.name}={literal(a.value)}" for a in shown]


def statement(before: str, value: Call, after: str = "", comment: str = "", indent: str = "") -> list[str]:
    """Return `before` function(arguments) `after`, with its arguments on separate lines if it is too long."""
    inside, after = argument_texts(value), value.suffix + after
    line = f"{indent}{before}{value.function}({', '.join(inside)}){after}"
    if len(line) <= WIDTH or not inside:
        return [with_comment(line, comment)]
    together = f"{indent}    {', '.join(inside)}"
    parts = [together] if len(together) <= WIDTH else [f"{indent}    {part}," for part in inside]
    return [f"{indent}{before}{value.function}(", *parts, with_comment(f"{indent}){after}", comment)]


def with_comment(line: str, comment: str) -> str:
    return f"{line}  # {comment}" if comment else line
