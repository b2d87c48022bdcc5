"""What a Keras file says of a layer, read with care: it may say anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cnncalc.readers import refuse


class Config(NamedTuple):
    """What the file says of a layer: its name, the name of its class, and its values; and what it is called with."""

    name: str
    kind: str
    values: Mapping[str, Any]
    channels_first: bool
    arguments: tuple[Any, ...] = ()

    def get(self, key: str, default: Any = None) -> Any:
        value = self.values.get(key)
        return default if value is None else value

    def number(self, key: str, default: int | None = None, low: int = 1) -> int:
        """A whole number; raises `SpecError` E306 where it is none or missing."""
        value = self.values.get(key)
        value = default if value is None else value
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value < 10**9:
            what = "is missing" if value is None else f"is {str(value)[:40]}, not a whole number from {low}"
            refuse("E306", f"`{key}` of `{self.name}` is wrong", f"it {what}")
        return value

    def numbers(self, key: str, rank: int, default: Any = None, low: int = 1) -> tuple[int, ...]:
        """A whole number for each axis, where one may serve them all."""
        value = self.values.get(key)
        value = default if value is None else value
        if isinstance(value, int) and not isinstance(value, bool):
            value = [value] * rank
        right = isinstance(value, list | tuple) and 1 <= len(value) <= 4
        if not right or not all(whole(each, low) for each in value):
            refuse("E306", f"`{key}` of `{self.name}` is wrong", f"it is {str(value)[:40]}, not {rank} whole numbers")
        return tuple(value)

    def true(self, key: str, default: bool = True) -> bool:
        value = self.values.get(key)
        return default if value is None else bool(value)


def whole(value: object, low: int) -> bool:
    """Whether it is a whole number, from `low` to below 10^9."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value < 10**9
