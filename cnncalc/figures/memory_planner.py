"""Placement of all feature maps in one buffer: an offset for each, so that maps live at the same time do not overlap.

Source: the greedy planner of TensorFlow Lite Micro, which allocates by size as described by Y. Pisarchyk and J. Lee,
Efficient memory management for deep neural net inference, arXiv:2001.03288.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cnncalc.figures.memory import Buffer

ARENA_ALIGNMENT = 16

#: The most pairs of buffers that are compared, which bounds the time for a hostile network.
MOST_COMPARED = 2_000_000


class Allocation(NamedTuple):
    """The bytes of the arena that hold a buffer; `size` is that of the buffer, rounded up to the alignment."""

    buffer: Buffer
    offset: int
    size: int

    @property
    def end(self) -> int:
        return self.offset + self.size


def plan(buffers: Sequence[Buffer], bytes_of_element: int) -> list[Allocation]:
    """Allocate the buffers greedily by size, the largest first.

    Each is placed in the lowest gap that is large enough between earlier allocations live at the same
    time. After `MOST_COMPARED` pairs have been compared (a network of many thousand outputs), the rest is stacked on
    top, which is a valid plan but not a tight one.
    """
    return [Allocation(*each) for each in _placed(buffers, bytes_of_element)]


def _placed(buffers: Sequence[Buffer], bytes_of_element: int) -> Iterator[tuple[Buffer, int, int]]:
    """Yield each buffer with its offset and size in the plan."""
    lifetimes = Lifetimes(max((buffer.last for buffer in buffers), default=0) + 1)
    compared = height = 0
    # Of two that are as large, the earlier goes first: a sort keeps their order.
    for buffer in sorted(buffers, key=lambda each: -each.elements):
        size = aligned(buffer.elements * bytes_of_element)
        offset = 0
        if compared > MOST_COMPARED:
            offset = height
        else:
            # A buffer that shrinks has a lifetime for each of its sizes, all at one offset.
            parts = [(aligned(each * bytes_of_element), *steps) for each, *steps in buffer.lifetimes()]
            neighbours = [sorted(lifetimes.overlapping(first, last)) for _, first, last in parts]
            compared += sum(map(len, neighbours))
            before = -1
            while before != offset:
                before = offset
                for (needed, *_), ranges in zip(parts, neighbours, strict=True):
                    offset = _lowest(ranges, needed, offset)
            for needed, first, last in parts:
                lifetimes.add(first, last, (offset, offset + needed))
        height = max(height, offset + size)
        yield buffer, offset, size


def aligned(size: int) -> int:
    """Return the bytes rounded up to the alignment."""
    return -(-size // ARENA_ALIGNMENT) * ARENA_ALIGNMENT


def _lowest(ranges: "list[ByteRange]", size: int, offset: int) -> int:
    """Return the lowest offset from a given one at which so many bytes lie beside sorted ranges."""
    for start, end in ranges:
        if start - offset >= size:
            break
        offset = max(offset, end)
    return offset


def arena(buffers: Sequence[Buffer], bytes_of_element: int) -> int:
    """Return the size in bytes of the buffer that `plan` lays out."""
    return max((offset + size for _, offset, size in _placed(buffers, bytes_of_element)), default=0)


#: The first byte of an allocation, and the first one behind it.
ByteRange = tuple[int, int]


class Lifetimes:
    """Byte ranges that are each in use from a first to a last step, and a search for those in use during given steps.

    A range is in use during given steps if it is in use at the first of them, or begins at a later
    one. A range in use for a few steps is listed at each of them; a longer one at the few nodes of a segment
    tree over the steps that make up its lifetime.
    """

    SHORT = 16

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._in_use: list[tuple[ByteRange, ...]] = [()] * steps
        self._beginning: dict[int, list[ByteRange]] = {}
        self._tree: dict[int, list[ByteRange]] = {}

    def add(self, first: int, last: int, item: ByteRange) -> None:
        """Record that a range is in use from the step `first` to the step `last`."""
        self._beginning.setdefault(first, []).append(item)
        if last - first <= self.SHORT:
            for step in range(first, last + 1):
                self._in_use[step] += (item,)
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

    def overlapping(self, first: int, last: int) -> list[ByteRange]:
        """Return the ranges that are in use at any of the steps `first` to `last`."""
        items = list(self._in_use[first])
        node = first + self._steps if self._tree else 0
        while node:
            items += self._tree.get(node, ())
            node >>= 1
        if last - first < len(self._beginning):
            for step in range(first + 1, last + 1):
                items += self._beginning.get(step, ())
        else:
            for step, starting in self._beginning.items():
                if first < step <= last:
                    items += starting
        return items
