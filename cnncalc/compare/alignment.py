"""Two sequences side by side: which items of one stand for which of the other, in order.

Where both are short, the alignment is the best there is by the sum of its pairs' scores (S. Needleman and
C. Wunsch, 1970). Longer ones are first cut where a run of items occurs in both and once in each, as in
patience diff; what is left between two cuts is aligned by a window that moves over it. So time grows
linearly, whatever the sequences hold.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item", bound=Hashable)

#: The index of an item in each sequence; None on the side where nothing stands for it.
Pair = tuple[int | None, int | None]

#: So many pairs of items are scored for one best alignment: a fraction of a second.
MOST_SCORED = 400_000

#: A window spans at least so many items of either sequence, however long they are.
LEAST_WINDOW = 24

#: A run by which long sequences are cut.
RUN = 6


def align(a: Sequence[Item], b: Sequence[Item], score: Callable[[Item, Item], int]) -> Iterator[Pair]:
    """The pairs in order, every index of both in one of them.

    `score` says how alike two items are; those with 0 are never paired. Equal items at both ends are paired
    with one another.
    """
    begin, end = _common_ends(a, b, 0, len(a), 0, len(b))
    yield from ((index, index) for index in range(begin))
    scores: dict[tuple[Item, Item], int] = {}

    def known(x: Item, y: Item) -> int:
        found = scores.get((x, y))
        if found is None:
            found = scores[x, y] = score(x, y)
        return found

    i, j = begin, begin
    rest_a, rest_b = len(a) - end, len(b) - end
    long = (rest_a - i) * (rest_b - j) > MOST_SCORED
    window = max(MOST_SCORED // (rest_a - i + rest_b - j), LEAST_WINDOW) if long else max(rest_a - i, rest_b - j)
    for to_i, to_j in [*(_cuts(a, b, i, rest_a, j, rest_b) if long else ()), (rest_a, rest_b)]:
        yield from _windows(a, b, (i, to_i), (j, to_j), known, window)
        i, j = to_i, to_j
    yield from zip(range(rest_a, len(a)), range(rest_b, len(b)), strict=True)


def _common_ends(a: Sequence[Item], b: Sequence[Item], i: int, to_i: int, j: int, to_j: int) -> tuple[int, int]:
    """How many items at the beginning, and then at the end, are equal."""
    most = min(to_i - i, to_j - j)
    begin = 0
    while begin < most and a[i + begin] == b[j + begin]:
        begin += 1
    end = 0
    while end < most - begin and a[to_i - 1 - end] == b[to_j - 1 - end]:
        end += 1
    return begin, end


def _cuts(a: Sequence[Item], b: Sequence[Item], i: int, to_i: int, j: int, to_j: int) -> list[tuple[int, int]]:
    """Where runs that occur once in either sequence begin: as many as stand in the same order in both."""
    in_a, in_b = _single_runs(a, i, to_i), _single_runs(b, j, to_j)
    found = [(at, in_b[run]) for run, at in in_a.items() if run in in_b]
    # The longest increasing subsequence of the places in b, by patience sorting.
    tops: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for number, (_, at) in enumerate(found):
        pile = bisect_left(tops, at)
        before.append(last[pile - 1] if pile else -1)
        tops[pile : pile + 1] = [at]
        last[pile : pile + 1] = [number]
    chain: list[tuple[int, int]] = []
    number = last[-1] if last else -1
    while number >= 0:
        chain.append(found[number])
        number = before[number]
    return chain[::-1]


def _single_runs(items: Sequence[Item], start: int, stop: int) -> dict[tuple[Item, ...], int]:
    """Every run of `RUN` items that occurs once, with its place, in order."""
    places: dict[tuple[Item, ...], int | None] = {}
    for at in range(start, stop - RUN + 1):
        run = tuple(items[at : at + RUN])
        places[run] = None if run in places else at
    return {run: at for run, at in places.items() if at is not None}


def _windows(
    a: Sequence[Item],
    b: Sequence[Item],
    span_a: tuple[int, int],
    span_b: tuple[int, int],
    score: Callable[[Item, Item], int],
    window: int,
) -> Iterator[Pair]:
    """Align two spans: the best alignment of a window of both, of which the first half is kept, then on from there."""
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
    """The alignment whose pairs' scores, less one for each item without a pair, add up to the most.

    With an `open_end`, items behind the last pair cost nothing: what they pair with may be yet to come.
    """
    cost = 0 if open_end else 1
    # tails[i][j]: the most that a[i:] and b[j:] can add up to.
    tails = [[-cost * left for left in range(len(b), -1, -1)]]
    for x in reversed(a):
        below = tails[-1]
        right = below[-1] - cost
        row = [right] * (len(b) + 1)
        for j in range(len(b) - 1, -1, -1):
            best = (below[j] if below[j] > right else right) - 1
            its = score(x, b[j])
            if its and its + below[j + 1] > best:
                best = its + below[j + 1]
            row[j] = right = best
        tails.append(row)
    tails.reverse()
    pairs: list[Pair] = []
    i = j = 0
    while i < len(a) and j < len(b):
        its = score(a[i], b[j])
        if its and tails[i][j] == its + tails[i + 1][j + 1]:
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
