"""Identifiers of generated code: unique names that are valid in Python, and variables that are reused."""

from __future__ import annotations

import re
from collections.abc import Iterable
from keyword import iskeyword

#: Variables for tensors without a name of their own.
VARIABLES = ("x", "y", "z", "u", "v", "w")

#: What no variable or parameter may hide.
RESERVED = ("self", "name", "torch", "nn", "F", "keras", "layers", "ops", "super", "float", "len")


class Identifiers:
    """Unique identifiers: a second `conv` becomes `conv_2`, or `conv2` with nothing `between`."""

    def __init__(self, taken: Iterable[str] = (), between: str = "_") -> None:
        self._taken, self._between = set(taken), between
        self._counts: dict[str, int] = {}

    def free(self, wanted: str) -> str:
        """Reserve and return the wanted name, or one like it if that is taken."""
        name = base = identifier(wanted)
        while name in self._taken:
            self._counts[base] = count = self._counts.get(base, 1) + 1
            name = f"{base}{self._between}{count}"
        self._taken.add(name)
        return name


class VariablePool:
    """Variables that are free. The one that was returned last is taken next."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._names = Identifiers((*RESERVED, *taken))
        self._free = [self._names.free(name) for name in reversed(VARIABLES)]

    def take(self, name: str | None) -> str:
        """Return a variable: of that name if it is given, else any free one."""
        if name is not None:
            return self._names.free(name)
        return self._free.pop() if self._free else self._names.free("t1")

    def give_back(self, name: str) -> None:
        # The name of a named tensor is not used for another.
        if name.rstrip("0123456789") in (*VARIABLES, "t"):
            self._free.append(name)


def identifier(name: str) -> str:
    """Return the name as a Python identifier in ASCII, with underscores in place of invalid characters."""
    plain = re.sub(r"[^0-9A-Za-z]+", "_", name).strip("_")[:80] or "layer"
    if plain[0].isdigit():
        plain = f"layer_{plain}"
    return f"{plain}_" if iskeyword(plain) else plain


def camel_case(name: str) -> str:
    """Return the name in the form of a class name: `inverted_residual` becomes `InvertedResidual`."""
    return "".join(part[:1].upper() + part[1:] for part in identifier(name).split("_") if part)
