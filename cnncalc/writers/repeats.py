"""Repeated structure in a sequence of items, folded: what is alike into `* n`, what differs in numbers into defs.

Items are texts of the language here; two that are alike are equal texts. One with a name in it is like no
other, since names are unique.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

#: No repeat is looked for whose one copy has more items than this.
LONGEST = 64

#: What a line may take that begins somewhere within brackets.
LINE = 90

#: A fold has to save so many characters, a def have so many in its body and no more parameters than that.
SAVES, LONG, MOST = 8, 60, 6

#: The numbers of an argument, with what it begins with: `3x3`, `s2`, `x64`, `0:58`. No word of a layer matches.
ARGUMENT = re.compile(r"(?<= )(op|[spdgxm]?)(\d[\d.x:\-]*)(?![\w.])")
NUMBER = re.compile(r"\d+(?:\.\d+)?")

#: What an argument begins with → what a parameter for it is called.
PARAMETERS = {"": "k", "s": "s", "p": "p", "d": "d", "g": "g", "x": "c", "m": "m", "op": "o"}


class RepeatItem(NamedTuple):
    """The text of an item, whether a line begins with it, whether it merges, and whether it has no names in it."""

    text: str
    head: bool = True
    merges: bool = False
    plain: bool = True


def join(items: Sequence[RepeatItem]) -> str:
    return " | ".join(item.text for item in items)


def lines(items: Sequence[RepeatItem]) -> Iterator[str]:
    """A line for each item that begins one, with those that go over its result behind it."""
    line: list[RepeatItem] = []
    for item in items:
        if item.head and line:
            yield join(line)
            line = []
        line.append(item)
    if line:
        yield join(line)


def bracketed(word: str, arms: Sequence[Sequence[RepeatItem]]) -> str:
    """Arms in brackets behind a word: on one line where it holds them, else each in lines of its own."""
    flat = f"{word}({' ; '.join(map(join, arms))})"
    if len(flat) <= LINE and "\n" not in flat:
        return flat
    body = "\n; ".join("\n".join(lines(arm)) for arm in arms)
    return f"{word}(\n{body}\n)"


# -- repeats -----------------------------------------------------------------------------------------


def fold(items: Sequence[RepeatItem]) -> list[RepeatItem]:
    """The items with every run of copies as one `(…) * n`, short copies first, so that repeats nest."""
    found = list(items)
    length = 1
    while length <= min(len(found) // 2, LONGEST):
        folded = _fold_length(found, length)
        # What became one item may stand in a shorter repeat now.
        length = 1 if len(folded) < len(found) else length + 1
        found = folded
    return found


def _fold_length(items: list[RepeatItem], length: int) -> list[RepeatItem]:
    found: list[RepeatItem] = []
    at, end = 0, len(items)
    while at < end:
        run = at
        while run + length < end and items[run].plain and items[run].text == items[run + length].text:
            run += 1
        alike = run - at
        if alike < length:
            found.append(items[at])
            at += 1
            continue
        # So many copies, and how many items further on they could begin as well: best where a line does.
        copies, spare = alike // length + 1, alike % length
        shift = next((n for n in range(spare + 1) if items[at + n].head), 0)
        one = items[at + shift : at + shift + length]
        text = one[0].text if length == 1 and " * " not in one[0].text else bracketed("", [one])
        if len(text) * (copies - 1) < SAVES:
            found.append(items[at])
            at += 1
            continue
        found += items[at : at + shift]
        found.append(RepeatItem(f"{text} * {copies}", one[0].head))
        at += shift + length * copies
    return found


# -- defs --------------------------------------------------------------------------------------------


def define(items: Sequence[RepeatItem], taken: Sequence[str] = ()) -> tuple[list[str], list[RepeatItem]]:
    """Defs for blocks that stand several times with other numbers, and the items with calls of them.

    A block is a merge with its arms, and the activations and norms behind it.
    """
    units = _units(items)
    alike: dict[str, list[int]] = {}
    for place, unit in enumerate(units):
        text = join(unit)
        if unit[0].merges and len(text) >= LONG and all(item.plain for item in unit):
            alike.setdefault(ARGUMENT.sub(_blank, text), []).append(place)
    definitions: list[str] = []
    for places in alike.values():
        texts = [join(units[place]) for place in places]
        made = _definition(f"block{len(definitions) + 1}", texts) if len(set(texts)) > 1 else None
        if made is not None:
            definitions.append(made[0])
            for place, call in zip(places, made[1], strict=True):
                units[place] = [RepeatItem(call)]
    return definitions, [item for unit in units for item in unit]


def _units(items: Sequence[RepeatItem]) -> list[list[RepeatItem]]:
    """The items, what goes over a merge's result once more together with it."""
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
    """A def, and the call for each of the texts; None where they differ in too much."""
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
    if len(columns) > MOST:
        return None
    numbers = iter(holes)

    def hole(number: re.Match[str]) -> str:
        parameter = next(numbers)
        return number[0] if parameter is None else f"{{{parameter}}}"

    body = ARGUMENT.sub(lambda each: each[1] + NUMBER.sub(hole, each[2]), texts[0])
    calls = [", ".join(values[place] for _, values in columns) for place in range(len(texts))]
    return f"def {name}({', '.join(columns.values())}) = {body}", [f"{name}({values})" for values in calls]
