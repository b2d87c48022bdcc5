"""Alignment of two sequences: items of one are paired with similar items of the other, in order.

If both are short, the alignment is the one with the largest sum of its pairs' scores (S. Needleman and
C. Wunsch, A general method applicable to the search for similarities in the amino acid sequence of two
proteins, 1970). Longer sequences are first cut at runs of items that occur once in each, as in patience diff; the
parts between two cuts are aligned in a window that moves over them. So time grows linearly with the lengths.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item", bound=Hashable)

#: The index of an item in each sequence; None in the one that has nothing to pair it with.
Pair = tuple[int | None, int | None]

#: The most pairs of items that are scored for one alignment, which takes a fraction of a second.
MOST_SCORED = 400_000

#: The least number of items of either sequence in a window, however long the sequences are.
LEAST_WINDOW = 24

#: The number of items in a run by which long sequences are cut.
RUN_LENGTH = 6


def align(a: Sequence[Item], b: Sequence[Item], score: Callable[[Item, Item], int]) -> Iterator[Pair]:
    """Yield the pairs in order, so that every index of both sequences is in one of them.

    `score` returns how similar two items are; those that score 0 are never paired. Equal items at both ends are
    paired with one another.
    """
    begin, end = _common_ends(a, b, 0, len(a), 0, len(b))
    yield from ((index, index) for index in range(begin))
    scores: dict[tuple[Item, Item], int] = {}

    def remembered(x: Item, y: Item) -> int:
        value = scores.get((x, y))
        if value is None:
            value = scores[x, y] = score(x, y)
        return value

    i, j = begin, begin
    rest_a, rest_b = len(a) - end, len(b) - end
    long = (rest_a - i) * (rest_b - j) > MOST_SCORED
    window = max(MOST_SCORED // (rest_a - i + rest_b - j), LEAST_WINDOW) if long else max(rest_a - i, rest_b - j)
    for to_i, to_j in [*(_cuts(a, b, i, rest_a, j, rest_b) if long else ()), (rest_a, rest_b)]:
        yield from _windows(a, b, (i, to_i), (j, to_j), remembered, window)
        i, j = to_i, to_j
    yield from zip(range(rest_a, len(a)), range(rest_b, len(b)), strict=True)


def _common_ends(a: Sequence[Item], b: Sequence[Item], i: int, to_i: int, j: int, to_j: int) -> tuple[int, int]:
    """Return how many items are equal at the beginning, and how many of the rest at the end."""
    most = min(to_i - i, to_j - j)
    begin = 0
    while begin < most and a[i + begin] == b[j + begin]:
        begin += 1
    end = 0
    while end < most - begin and a[to_i - 1 - end] == b[to_j - 1 - end]:
        end += 1
    return begin, end


def _cuts(a: Sequence[Item], b: Sequence[Item], i: int, to_i: int, j: int, to_j: int) -> list[tuple[int, int]]:
    """Return where the runs begin that occur once in each sequence, as many as have the same order in both."""
    in_a, in_b = _single_runs(a, i, to_i), _single_runs(b, j, to_j)
    common = [(position, in_b[run]) for run, position in in_a.items() if run in in_b]
    # The longest increasing subsequence of the positions in b, by patience sorting: the top card of each pile, the
    # number of its pair, and for each pair the one on top of the pile before when it was laid.
    tops: list[int] = []
    top_pairs: list[int] = []
    previous: list[int] = []
    for number, (_, position) in enumerate(common):
        pile = bisect_left(tops, position)
        previous.append(top_pairs[pile - 1] if pile else -1)
        tops[pile : pile + 1] = [position]
        top_pairs[pile : pile + 1] = [number]
    chain: list[tuple[int, int]] = []
    number = top_pairs[-1] if top_pairs else -1
    while number >= 0:
        chain.append(common[number])
        number = previous[number]
    return chain[::-1]


def _single_runs(items: Sequence[Item], start: int, stop: int) -> dict[tuple[Item, ...], int]:
    """Return every run of `RUN_LENGTH` items that occurs once, with its position, in order."""
    positions: dict[tuple[Item, ...], int | None] = {}
    for position in range(start, stop - RUN_LENGTH + 1):
        run = tuple(items[position : position + RUN_LENGTH])
        positions[run] = None if run in positions else position
    return {run: position for run, position in positions.items() if position is not None}


def _windows(
    a: Sequence[Item],
    b: Sequence[Item],
    span_a: tuple[int, int],
    span_b: tuple[int, int],
    score: Callable[[Item, Item], int],
    window: int,
) -> Iterator[Pair]:
    """Align two spans window by window: keep the first half of a window's alignment, and continue from its end."""
    (i, to_i), (j, to_j) = span_a, span_b
    while i < to_i and j < to_j:
        begin, _ = _common_ends(a, b, i, to_i, j, to_j)
        yield from ((i + each, j + each) for each in range(begin))
        i, j = i + begin, j + begin
        end_i, end_j = min(i + window, to_i), min(j + window, to_j)
        whole = (end_i, end_j) == (to_i, to_j)
        pairs = _best(a[i:end_i], b[j:end_j], score, open_end=not whole)
        kept = pairs if whole else pairs[: len(pairs) // 2]
        yield from ((None if x is None else i + x, None if y is None else j + y) for x, y in kept)
        i += sum(x is not None for x, _ in kept)
        j += sum(y is not None for _, y in kept)
    yield from ((index, None) for index in range(i, to_i))
    yield from ((None, index) for index in range(j, to_j))


def _best(a: Sequence[Item], b: Sequence[Item], score: Callable[[Item, Item], int], open_end: bool) -> list[Pair]:
    """Return the alignment with the largest sum of its pairs' scores, less one for each item without a pair.

    With an `open_end`, items after the last pair cost nothing: their partners may be outside the window.
    """
    cost = 0 if open_end else 1
    # tails[i][j]: the largest sum for a[i:] and b[j:].
    tails = [[-cost * left for left in range(len(b), -1, -1)]]
    for x in reversed(a):
        below = tails[-1]
        right = below[-1] - cost
        row = [right] * (len(b) + 1)
        for j in range(len(b) - 1, -1, -1):
            best = (below[j] if below[j] > right else right) - 1
            paired = score(x, b[j])
            if paired and paired + below[j + 1] > best:
                best = paired + below[j + 1]
            row[j] = right = best
        tails.append(row)
    tails.reverse()
    pairs: list[Pair] = []
    i = j = 0
    while i < len(a) and j < len(b):
        paired = score(a[i], b[j])
        if paired and tails[i][j] == paired + tails[i + 1][j + 1]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif tails[i][j] == tails[i + 1][j] - 1:
            pairs.append((i, None))
            i += 1
        else:
            pairs.append((None, j))
            j += 1
    pairs += [(index, None) for index in range(i, len(a))]
    pairs += [(None, index) for index in range(j, len(b))]
    return pairs
