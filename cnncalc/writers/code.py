"""Python code as values: what one layer comes to, before it is known which of its numbers stay numbers.

A block that stands several times is written once, as a class or function, and the numbers in which its
copies differ become parameters. So a layer is not said as text: it is a `Call` or an `Inline` whose
numbers, its leaves, can be compared from copy to copy and exchanged for names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Union

#: Columns that a line of the code may take.
WIDTH = 100


class Code(NamedTuple):
    """A piece of code that stands as it is: the name of a parameter, `float("-inf")`."""

    text: str


class Argument(NamedTuple):
    """One argument: its name, its value, and whether it goes by place.

    It is left out where its value is the default. `channels` marks a number of channels: those that are
    equal in all copies of a block are one parameter.
    """

    name: str
    value: Any
    default: Any = None
    by_place: bool = False
    channels: bool = False


class Call(NamedTuple):
    """`function(arguments)`."""

    function: str
    arguments: tuple[Argument, ...]


class Inline(NamedTuple):
    """An expression on its inputs: `{0}` is the first, `{all}` are all with `between` between them.

    An argument stands as `{name}`.
    """

    pattern: str
    arguments: tuple[Argument, ...] = ()
    between: str = ", "


Said = Union[Call, Inline]


class Leaf(NamedTuple):
    """A number of a call, which might become a parameter of that name."""

    name: str
    value: Any
    channels: bool


def call(function: str, *arguments: Argument) -> Call:
    return Call(function, arguments)


def at(name: str, value: Any) -> Argument:
    """An argument by place."""
    return Argument(name, value, by_place=True)


def channels(name: str, value: Any) -> Argument:
    """A number of channels by place."""
    return Argument(name, value, by_place=True, channels=True)


def named(name: str, value: Any, default: Any = None) -> Argument:
    """An argument by name, left out where it says what the default says."""
    return Argument(name, value, default)


def in_a_row(function: str, *calls: Call) -> Call:
    """`function` of several calls, or a single one as it is."""
    return calls[0] if len(calls) == 1 else call(function, *(at("call", each) for each in calls))


def one(values: Sequence[int]) -> int | tuple[int, ...]:
    """One number where all axes are alike, else a number for each."""
    return values[0] if len(set(values)) == 1 else tuple(values)


def is_number(value: object) -> bool:
    """Whether a value is a leaf: a number or numbers per axis, which copies of a block may differ in."""
    return type(value) in (int, float, tuple)


def skeleton(said: Said) -> tuple[Any, ...]:
    """What is left without the numbers: equal for two layers that are said by the same code but for those."""
    head: tuple[Any, ...] = said if isinstance(said, Inline) else ()
    return (
        type(said),
        said[0],
        head[2:],
        tuple([(a.name, a.default, a.by_place, _without_numbers(a.value)) for a in said.arguments]),
    )


def _without_numbers(value: Any) -> Any:
    if isinstance(value, Call):
        return skeleton(value)
    return "a number" if is_number(value) else (type(value), value)


def leaves(said: Said) -> Iterator[Leaf]:
    """The numbers, in order."""
    for argument in said.arguments:
        if isinstance(argument.value, Call):
            yield from leaves(argument.value)
        elif is_number(argument.value):
            yield Leaf(argument.name, argument.value, argument.channels)


def exchange(said: Any, names: Iterator[str | None]) -> Any:
    """The same with the next of `names` in place of each number, where there is one."""
    arguments = []
    for argument in said.arguments:
        if isinstance(argument.value, Call):
            argument = argument._replace(value=exchange(argument.value, names))
        elif is_number(argument.value) and (name := next(names)) is not None:
            argument = argument._replace(value=Code(name))
        arguments.append(argument)
    return said._replace(arguments=tuple(arguments))


def inline_text(inline: Inline, inputs: Sequence[str]) -> str:
    """The expression on variables."""
    values = {argument.name: literal(argument.value) for argument in inline.arguments}
    return inline.pattern.format(*inputs, all=inline.between.join(inputs), **values)


def literal(value: Any) -> str:
    """A value as code, on one line."""
    if isinstance(value, Code):
        return value.text
    if isinstance(value, Call):
        return f"{value.function}({', '.join(arguments(value))})"
    if isinstance(value, str):
        return f'"{value}"'
    return repr(value)


def arguments(value: Call) -> list[str]:
    """The arguments of a call that it does not leave out."""
    shown = [a for a in value.arguments if a.by_place or a.value != a.default]
    return [literal(a.value) if a.by_place else f"{a.name}={literal(a.value)}" for a in shown]


def statement(before: str, value: Call, after: str = "", comment: str = "", indent: str = "") -> list[str]:
    """`before` function(arguments) `after`; where that is too long, its arguments on a line or lines of their own."""
    inside = arguments(value)
    line = f"{indent}{before}{value.function}({', '.join(inside)}){after}"
    if len(line) <= WIDTH or not inside:
        return [with_comment(line, comment)]
    together = f"{indent}    {', '.join(inside)}"
    parts = [together] if len(together) <= WIDTH else [f"{indent}    {part}," for part in inside]
    return [f"{indent}{before}{value.function}(", *parts, with_comment(f"{indent}){after}", comment)]


def with_comment(line: str, comment: str) -> str:
    return f"{line}  # {comment}" if comment else line
