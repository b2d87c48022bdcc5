"""Repeats in a sequence of items: equal items become `(…) * n`, those that differ in numbers calls of a def.

An item is a text of the language, and two are alike if their texts are equal. Names are unique, so an item with a
name is never repeated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

#: The most items that one copy of a repeat may have.
MAX_ITEMS = 64

#: The most characters of brackets on one line.
MAX_LINE = 90

#: The characters that a fold has to save, those that a def has to have in its body, and its most parameters.
MIN_SAVED, MIN_BODY, MAX_PARAMETERS = 8, 60, 6

#: The numbers of an argument, with what it begins with: `3x3`, `s2`, `x64`, `0:58`. No word of a layer matches.
ARGUMENT = re.compile(r"(?<= )(op|[spdgxm]?)(\d[\d.x:\-]*)(?![\w.])")
NUMBER = re.compile(r"\d+(?:\.\d+)?")

#: The prefix of an argument → the name of a parameter for it.
PARAMETERS = {"": "k", "s": "s", "p": "p", "d": "d", "g": "g", "x": "c", "m": "m", "op": "o"}


class RepeatItem(NamedTuple):
    """A layer or merge as text: whether a line begins with it, whether it merges, and whether it has no name in it."""

    text: str
    head: bool = True
    merges: bool = False
    plain: bool = True


def join(items: Sequence[RepeatItem]) -> str:
    return " | ".join(item.text for item in items)


def lines(items: Sequence[RepeatItem]) -> Iterator[str]:
    """Yield a line for each item that begins one, followed by the items that process its result."""
    line: list[RepeatItem] = []
    for item in items:
        if item.head and line:
            yield join(line)
            line = []
        line.append(item)
    if line:
        yield join(line)


def bracketed(word: str, arms: Sequence[Sequence[RepeatItem]]) -> str:
    """Return arms in brackets after a word: on one line if they fit, else each in lines of its own."""
    flat = f"{word}({' ; '.join(map(join, arms))})"
    if len(flat) <= MAX_LINE and "\n" not in flat:
        return flat
    body = "\n; ".join("\n".join(lines(arm)) for arm in arms)
    return f"{word}(\n{body}\n)"


# -- repeats -----------------------------------------------------------------------------------------


def fold(items: Sequence[RepeatItem]) -> list[RepeatItem]:
    """Return the items with every run of copies as one `(…) * n`, short copies first, so that repeats nest."""
    result = list(items)
    length = 1
    while length <= min(len(result) // 2, MAX_ITEMS):
        folded = _fold_length(result, length)
        # What became one item may stand in a shorter repeat now.
        length = 1 if len(folded) < len(result) else length + 1
        result = folded
    return result


def _fold_length(items: list[RepeatItem], length: int) -> list[RepeatItem]:
    """Return the items with the repeats folded whose copies have `length` items."""
    result: list[RepeatItem] = []
    at, end = 0, len(items)
    while at < end:
        run = at
        while run + length < end and items[run].plain and items[run].text == items[run + length].text:
            run += 1
        alike = run - at
        if alike < length:
            result.append(items[at])
            at += 1
            continue
        # So many copies, and how many items further on they could begin as well: best where a line does.
        copies, spare = alike // length + 1, alike % length
        shift = next((n for n in range(spare + 1) if items[at + n].head), 0)
        one = items[at + shift : at + shift + length]
        text = one[0].text if length == 1 and " * " not in one[0].text else bracketed("", [one])
        if len(text) * (copies - 1) < MIN_SAVED:
            result.append(items[at])
            at += 1
            continue
        result += items[at : at + shift]
        result.append(RepeatItem(f"{text} * {copies}", one[0].head))
        at += shift + length * copies
    return result


# -- defs --------------------------------------------------------------------------------------------


def define(items: Sequence[RepeatItem]) -> tuple[list[str], list[RepeatItem]]:
    """Return defs for blocks that occur several times with different numbers, and the items with calls of them.

    A block is a merge with its arms, and the activations and norms after it.
    """
    units = _units(items)
    alike: dict[str, list[int]] = {}
    for position, unit in enumerate(units):
        text = join(unit)
        # A block does not know the names of layers outside it, such as one whose weights a layer in it has.
        if unit[0].merges and len(text) >= MIN_BODY and all(item.plain for item in unit) and "@" not in text:
            alike.setdefault(ARGUMENT.sub(_blank, text), []).append(position)
    definitions: list[str] = []
    for positions in alike.values():
        texts = [join(units[position]) for position in positions]
        definition = _definition(f"block{len(definitions) + 1}", texts) if len(set(texts)) > 1 else None
        if definition is not None:
            definitions.append(definition[0])
            for position, call in zip(positions, definition[1], strict=True):
                units[position] = [RepeatItem(call)]
    return definitions, [item for unit in units for item in unit]


def _units(items: Sequence[RepeatItem]) -> list[list[RepeatItem]]:
    """Return the items in groups: a merge with the items that process its result, any other item alone."""
    units: list[list[RepeatItem]] = []
    for item in items:
        if units and units[-1][0].merges and not item.head:
            units[-1].append(item)
        else:
            units.append([item])
    return units


def _blank(argument: re.Match[str]) -> str:
    return argument[1] + NUMBER.sub("#", argument[2])


def _definition(name: str, texts: list[str]) -> tuple[str, list[str]] | None:
    """Return a def, and the call for each of the texts; None if they differ too much."""
    rows = [
        [(each[1], number) for each in ARGUMENT.finditer(text) for number in NUMBER.findall(each[2])] for text in texts
    ]
    columns: dict[tuple[str, tuple[str, ...]], str] = {}
    holes: list[str | None] = []
    counts: dict[str, int] = {}
    for column in zip(*rows, strict=True):
        prefix, values = column[0][0], tuple(number for _, number in column)
        if len(set(values)) == 1:
            holes.append(None)
            continue
        if (prefix, values) not in columns:
            base = PARAMETERS[prefix]
            counts[base] = counts.get(base, 0) + 1
            columns[prefix, values] = base if counts[base] == 1 else f"{base}{counts[base]}"
        holes.append(columns[prefix, values])
    if len(columns) > MAX_PARAMETERS:
        return None
    numbers = iter(holes)

    def hole(number: re.Match[str]) -> str:
        parameter = next(numbers)
        return number[0] if parameter is None else f"{{{parameter}}}"

    body = ARGUMENT.sub(lambda each: each[1] + NUMBER.sub(hole, each[2]), texts[0])
    calls = [", ".join(values[number] for _, values in columns) for number in range(len(texts))]
    return f"def {name}({', '.join(columns.values())}) = {body}", [f"{name}({values})" for values in calls]
