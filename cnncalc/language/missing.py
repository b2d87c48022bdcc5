"""Letters for the numbers of filters that layers lack, where the sizes of the input are letters as well."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Any

from cnncalc.language.nodes import LayerNode
from cnncalc.layers.rearrange import of_letter

#: The arguments that a letter may stand for: the channels that come out.
COUNTS = ("filters", "units")

#: A number for each, for layers whose sizes are not asked for.
ANY_COUNT = dict.fromkeys(COUNTS, 1)


class MissingCounts:
    """The letters `K1`, `K2`, … in the order in which layers are read, and the numbers that are given for some.

    A letter stands where the number is missing in the text, so the copies of a repeat have the same.
    """

    def __init__(self, taken: Container[str], numbers: Mapping[str, int]) -> None:
        """Make none yet; names that are `taken` are not given to letters."""
        self._taken, self._numbers = taken, numbers
        #: The identity of a layer's node → its letter.
        self.letters: dict[int, str] = {}
        self._last = 0

    def of(self, node: LayerNode) -> Mapping[str, Any]:
        """Return the arguments that a layer may lack; one that is asked for gets its letter."""
        return _Counts(self, node)

    def value(self, node: LayerNode) -> Any:
        """Return the symbol of a layer's letter, or its number."""
        if id(node) not in self.letters:
            self._last += 1
            while f"K{self._last}" in self._taken:
                self._last += 1
            self.letters[id(node)] = f"K{self._last}"
        letter = self.letters[id(node)]
        return self._numbers[letter] if letter in self._numbers else of_letter(letter)


class _Counts(Mapping[str, Any]):
    def __init__(self, missing: MissingCounts, node: LayerNode) -> None:
        self._missing, self._node = missing, node

    def __iter__(self) -> Iterator[str]:
        return iter(COUNTS)

    def __len__(self) -> int:
        return len(COUNTS)

    def __getitem__(self, name: str) -> Any:
        return self._missing.value(self._node)
