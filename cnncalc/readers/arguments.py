"""The arguments of a layer in a file, converted by a framework's table and checked, since files are untrusted."""

from __future__ import annotations

from typing import Any

from cnncalc.frameworks.notation import BY_RULE, PER_AXIS, REAL, RULE_OR_CAUSAL, SOME_AXES, SYMMETRIC, WHOLE
from cnncalc.frameworks.table import REQUIRED, Framework, FrameworkArgument
from cnncalc.readers.importer import symmetric_padding
from cnncalc.shape import Padding


class FileArguments:
    """The arguments of one layer in a file. Methods raise `SpecError` E306 if a value is missing or invalid."""

    def states(self, name: str) -> bool:
        """Return whether the file has the argument."""
        raise NotImplementedError

    def integer(self, name: str, default: int | None = None, low: int = 1) -> int:
        """Return an integer of at least `low`; without a default the argument is required."""
        raise NotImplementedError

    def integers(self, name: str, rank: int, default: Any = None, low: int = 1) -> tuple[int, ...]:
        """Return an integer for each axis, or one for all of them."""
        raise NotImplementedError

    def integers_or_none(self, name: str, rank: int) -> tuple[int | None, ...]:
        """Return what `integers` does, with None for an axis that stays as it is where the format can say so."""
        return self.integers(name, rank)

    def real(self, name: str, default: float) -> float:
        """Return a number of at least 0, or the default if the file has none."""
        raise NotImplementedError

    def flag(self, name: str, default: bool = True) -> bool:
        """Return whether the argument is true."""
        raise NotImplementedError

    def rule(self, name: str, causal: bool = False) -> Padding:
        """Return the padding by a rule, which may be `causal` only where that is said."""
        raise NotImplementedError

    def read(self, framework: Framework, kind: str, rank: int = 0) -> dict[str, Any]:
        """Return our arguments for a layer of a kind on `rank` spatial axes, using the framework's table."""
        values: dict[str, Any] = {}
        given: dict[str, Any] = {}
        for each in framework.equivalent(kind).arguments:
            # An argument without a default is ours by default where the file does not have it.
            if isinstance(each.meaning, str) and (each.default is not None or self.states(each.name)):
                default: Any = given[each.like] if each.like else each.default
                value = self._value(each, None if default is REQUIRED else default, rank)
                given[each.name] = values[each.meaning] = value
        return values

    def _value(self, argument: FrameworkArgument, default: Any, rank: int) -> Any:
        name, notation = argument.name, argument.notation
        if notation is WHOLE:
            return self.integer(name, default)
        if notation is PER_AXIS:
            return self.integers(name, rank, default, low=0 if argument.meaning == "output_padding" else 1)
        if notation is SOME_AXES:
            return self.integers_or_none(name, rank)
        if notation is SYMMETRIC:
            return symmetric_padding(self.integers(name, rank, default, low=0))
        if isinstance(argument.default, bool):
            return notation.read(self.flag(name, default))
        if notation is REAL:
            return self.real(name, default)
        assert notation in (BY_RULE, RULE_OR_CAUSAL), f"no reader has the notation of {name}"
        return self.rule(name, causal=notation is RULE_OR_CAUSAL)
