"""How the feature maps fit into one buffer: a place for each, where no two that are live at once overlap."""

from collections.abc import Sequence
from typing import NamedTuple

from cnncalc.figures.memory import Buffer

ARENA_ALIGNMENT = 16

#: So many pairs of buffers are compared at most: seconds become a fraction of one on a hostile network.
MOST_COMPARED = 2_000_000


class Allocation(NamedTuple):
    """Where a buffer stands in the arena, in bytes; its size is rounded up to the alignment."""

    buffer: Buffer
    offset: int
    size: int

    @property
    def end(self) -> int:
        return self.offset + self.size


def plan(found: Sequence[Buffer], bytes_of_element: int, alignment: int = ARENA_ALIGNMENT) -> list[Allocation]:
    """A place for each buffer: greedily by size, the largest first.

    As TensorFlow Lite Micro's GreedyMemoryPlanner does: each goes to the lowest gap between those placed
    that are live at the same time. Once `MOST_COMPARED` pairs were compared (a network of many thousand
    outputs), what is left is stacked on top: still a placement, though not a tight one.
    """
    lives = Lives(max((buffer.last for buffer in found), default=0) + 1)
    places: list[Allocation] = []
    compared = top = 0
    # Of two as large the earlier goes first: a sort keeps their order.
    for buffer in sorted(found, key=lambda each: -each.elements):
        size = -(-buffer.elements * bytes_of_element // alignment) * alignment
        at = 0
        if compared > MOST_COMPARED:
            at = top
        else:
            neighbours = lives.overlapping(buffer.first, buffer.last)
            compared += len(neighbours)
            for start, end in sorted(neighbours):
                if start - at >= size:
                    break
                at = max(at, end)
            lives.add(buffer.first, buffer.last, (at, at + size))
        top = max(top, at + size)
        places.append(Allocation(buffer, at, size))
    return places


def arena(found: Sequence[Buffer], bytes_of_element: int, alignment: int = ARENA_ALIGNMENT) -> int:
    """The height in bytes of one buffer that holds all."""
    return max((place.end for place in plan(found, bytes_of_element, alignment)), default=0)


#: Where an item begins and ends.
Span = tuple[int, int]


class Lives:
    """Items that each live from a first to a last step; finds those that overlap a span of steps.

    An item overlaps a span where it is live at the span's first step or begins within the span. A short life
    is noted at each of its steps; a long one at the few nodes of a segment tree that make it up.
    """

    SHORT = 16

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._live: list[list[Span] | None] = [None] * steps
        self._beginning: dict[int, list[Span]] = {}
        self._tree: dict[int, list[Span]] = {}

    def add(self, first: int, last: int, item: Span) -> None:
        self._beginning.setdefault(first, []).append(item)
        if last - first <= self.SHORT:
            for step in range(first, last + 1):
                items = self._live[step]
                if items is None:
                    self._live[step] = [item]
                else:
                    items.append(item)
            return
        low, high = first + self._steps, last + 1 + self._steps
        while low < high:
            if low & 1:
                self._tree.setdefault(low, []).append(item)
                low += 1
            if high & 1:
                high -= 1
                self._tree.setdefault(high, []).append(item)
            low >>= 1
            high >>= 1

    def overlapping(self, first: int, last: int) -> list[Span]:
        found = list(self._live[first] or ())
        node = first + self._steps if self._tree else 0
        while node:
            found += self._tree.get(node, ())
            node >>= 1
        if last - first < len(self._beginning):
            for step in range(first + 1, last + 1):
                found += self._beginning.get(step, ())
        else:
            for step, items in self._beginning.items():
                if first < step <= last:
                    found += items
        return found
