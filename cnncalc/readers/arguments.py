"""The arguments of a layer as a file states them, read by a framework's table; a file may state anything."""

from __future__ import annotations

from typing import Any

from cnncalc.frameworks.notation import BY_RULE, FLAG, PER_AXIS, REAL, SYMMETRIC, WHOLE
from cnncalc.frameworks.table import REQUIRED, Framework
from cnncalc.readers.importer import symmetric_padding
from cnncalc.shape import Padding


class FileArguments:
    """The arguments of one layer in a file. A method raises `SpecError` E306 where its value is missing or wrong."""

    def integer(self, name: str, default: int | None = None, low: int = 1) -> int:
        """A whole number from `low`; without a default it has to be there."""
        raise NotImplementedError

    def integers(self, name: str, rank: int, default: Any = None, low: int = 1) -> tuple[int, ...]:
        """A whole number for each axis, or one for all of them."""
        raise NotImplementedError

    def real(self, name: str, default: float) -> float:
        """A number from 0; the default where it is none."""
        raise NotImplementedError

    def flag(self, name: str, default: bool = True) -> bool:
        """Whether the argument is on."""
        raise NotImplementedError

    def rule(self, name: str) -> Padding:
        """Padding by a word."""
        raise NotImplementedError

    def read(self, framework: Framework, kind: str, rank: int = 0) -> dict[str, Any]:
        """Our arguments for a layer of a kind, on so many spatial axes, by the names that the framework has for them."""
        values: dict[str, Any] = {}
        given: dict[str, Any] = {}
        for each in framework.equivalent(kind).arguments:
            if isinstance(each.meaning, str):
                default: Any = given.get(each.like) if each.like else None if each.default is REQUIRED else each.default
                if each.notation is WHOLE:
                    value: Any = self.integer(each.name, default)
                elif each.notation is PER_AXIS:
                    value = self.integers(each.name, rank, default)
                elif each.notation is SYMMETRIC:
                    value = symmetric_padding(self.integers(each.name, rank, default, low=0))
                elif each.notation is FLAG:
                    value = self.flag(each.name, default)
                elif each.notation is REAL:
                    value = self.real(each.name, default)
                else:
                    assert each.notation is BY_RULE, f"no reader has {each.name} of {kind}"
                    value = self.rule(each.name)
                given[each.name] = values[each.meaning] = value
        return values
