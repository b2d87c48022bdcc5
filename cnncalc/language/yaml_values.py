"""The values of a YAML file: scalars, lists and mappings, each with its position in the file."""

from __future__ import annotations

import re
from typing import NamedTuple, Union


class YamlScalar(NamedTuple):
    """A text, and its position in the file: `start` to `end`, character for character if `exact`.

    `depth` is the nesting depth of a value's brackets, `weight` the number of values that it counts as.
    """

    text: str
    start: int
    end: int
    exact: bool = True
    depth: int = 0
    weight: int = 1


class YamlList(NamedTuple):
    items: tuple[Value, ...]
    start: int
    end: int
    depth: int
    weight: int


class YamlPair(NamedTuple):
    """A key, its value, and the end of the value in the file; for an alias, that is the end of the alias."""

    key: YamlScalar
    value: Value
    end: int


class YamlMapping(NamedTuple):
    pairs: tuple[YamlPair, ...]
    start: int
    end: int
    depth: int
    weight: int


Value = Union[YamlScalar, YamlList, YamlMapping]


def is_empty(value: Value) -> bool:
    """Return whether a value has no text, item or pair."""
    if isinstance(value, YamlScalar):
        return not value.text.strip()
    return not (value.items if isinstance(value, YamlList) else value.pairs)


def nesting(text: str) -> int:
    """Return the nesting depth of the round brackets of a text."""
    depth = deepest = 0
    for mark in re.findall(r"[()]", text) if "(" in text else ():
        depth += 1 if mark == "(" else -1
        deepest = max(deepest, depth)
    return deepest


def shortened(text: YamlScalar) -> str:
    """Return a text as messages and paths show it, which must not be longer than the file."""
    return text.text if len(text.text) <= 40 else text.text[:40] + "…"


def joined_path(path: str, key: YamlScalar) -> str:
    """Return the path of a key's value in the mapping at `path`."""
    return f"{path}.{shortened(key)}" if path else shortened(key)


def as_text(value: Value) -> Value:
    """Return `[3, 3]` as the text `3x3`, `[[0, 1], [1, 1]]` as `0-1x1-1`, and any other value unchanged."""
    if not isinstance(value, YamlList) or is_empty(value):
        return value
    axes = []
    for axis in value.items:
        ends = axis.items if isinstance(axis, YamlList) else (axis,)
        texts = [end.text for end in ends if isinstance(end, YamlScalar)]
        if len(texts) < len(ends) or not texts:
            return value
        axes.append("-".join(texts))
    return YamlScalar("x".join(axes), value.start, value.end, exact=False)
