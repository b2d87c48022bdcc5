"""The inputs of a spec: which of its layers are inputs, and which of their sizes may be letters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cnncalc.diagnostics import Diagnostic, Span
from cnncalc.language.arguments import UnknownLayerError, split_word
from cnncalc.language.nodes import DefNode, GroupNode, ItemNode, LayerNode, MergeNode, Spec
from cnncalc.layers.rearrange import Input

#: The letters of an input that the spec lacks, channels last, for two spatial axes, one and three.
LETTERS = (("H", "W", "C"), ("L", "C"), ("D", "H", "W", "C"))


class LetterMode(NamedTuple):
    """The numbers that a spec may leave open, and the values used for them.

    With `letters`, sizes of inputs may be letters, and a spec without an input gets one of letters; `at` has the
    numbers of some letters. `unknown` is the value of a `?`, and `assumed` has values for required arguments that
    layers lack. With `stretching`, arms that always differ agree at the sizes where one of them is 1.
    """

    letters: bool = False
    at: Mapping[str, int] = {}
    unknown: int | None = None
    assumed: Mapping[str, Any] = {}
    stretching: bool = False


#: Every number has to be given.
CLOSED = LetterMode()


def is_input(item: ItemNode) -> bool:
    """Return whether an item is an input layer."""
    if not isinstance(item.atom, LayerNode):
        return False
    first = item.atom.word.parts[0]
    if not isinstance(first, str) or first[:1] not in "iI" or first[:5].lower() != "input":
        return False
    try:
        return split_word(item.atom.word)[0] == "input"
    except UnknownLayerError:
        return False


def begins_with_input(items: tuple[ItemNode, ...]) -> bool:
    """Return whether the first item of a sequence is an input, with or without brackets around it."""
    while items and isinstance(items[0].atom, GroupNode):
        items = items[0].atom.items
    return bool(items) and is_input(items[0])


def has_input(spec: Spec) -> bool:
    """Return whether the spec has an input anywhere, including in blocks."""
    stack = [spec.items, *(each.items for each in spec.definitions if isinstance(each, DefNode))]
    while stack:
        for item in stack.pop():
            if is_input(item):
                return True
            if isinstance(item.atom, GroupNode):
                stack.append(item.atom.items)
            elif isinstance(item.atom, MergeNode):
                stack.extend(item.atom.arms)
    return False


class ChannelsFirst(tuple[Any, ...]):
    """A shape that was written channels first, in our order: of two sizes, the last was the first."""


def completed(given: tuple[Any, ...], own: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a shape that is given for an input, with what it leaves out as the input has it.

    One number stands for each spatial axis, and as many numbers as there are such axes leave the channels as they are.
    """
    rank = len(own) - 1
    if not rank or len(given) > rank:
        return given
    if len(given) == rank == 2 and isinstance(given, ChannelsFirst):
        given = given[::-1]  # no channels are among them: they are height and width as they were written
    return (*(given * rank if len(given) == 1 else given), own[-1]) if len(given) in (1, rank) else given


def open_sizes_error(input: Input, span: Span | None) -> Diagnostic:
    """Return the error E132 for an input with letters where numbers are required."""
    letters = " and ".join(f"`{letter}`" for letter in input.open)
    at = ",".join(f"{letter}=32" for letter in input.open)
    help = f"give its shape in numbers: `--input 32x32x3`, or `--at {at}` where it is the spec's"
    return Diagnostic("E132", f"`{input}` leaves sizes open", span, f"{letters} for a number", (), help)
