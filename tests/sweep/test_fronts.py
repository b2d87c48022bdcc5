"""Fronts and rankings are what a comparison of each with each finds, whatever the chunks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import examples

from cnncalc.sweep import fronts
from cnncalc.sweep.fronts import Front, Ranking


class Numbers:
    """A chunk with these numbers of variants."""

    def __init__(self, numbers: Any) -> None:
        self.own, self.shape, self.count = numbers, (len(numbers),), len(numbers)

    def numbers(self, chosen: Any) -> Any:
        return self.own[chosen]


def expected_front(points: list[tuple[int, ...]]) -> list[int]:
    """The positions on the front, the first of equal ones."""

    def better(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
        return a != b and all(x <= y for x, y in zip(a, b, strict=True))

    kept = [
        at
        for at, point in enumerate(points)
        if not any(better(other, point) for other in points) and point not in points[:at]
    ]
    return sorted(kept, key=lambda at: points[at])


def in_chunks(points: list[tuple[int, ...]], cuts: int, wide: bool = False) -> Front:
    front = Front(len(points[0]))
    kind = object if wide else np.int64
    for part in np.array_split(np.arange(len(points)), cuts):
        columns = [np.array([points[at][figure] for at in part], dtype=kind) for figure in range(len(points[0]))]
        chunk: Any = Numbers(part)
        chosen = front.candidates(chunk, columns, True)
        front.add([column[chosen] for column in columns], part[chosen])
    return front


@pytest.mark.parametrize("own", [False, True])
@examples(20)
@given(st.integers(1, 4).flatmap(lambda n: st.lists(st.tuples(*[st.integers(0, 6)] * n), min_size=1, max_size=40)))
def test_fronts(own: bool, points: list[tuple[int, ...]]) -> None:
    """Any number of figures, in one chunk or several, with a library or without."""
    expected = expected_front(points)
    with pytest.MonkeyPatch.context() as patch:
        if own:
            patch.setattr(fronts, "_undominated", fronts._undominated_by_comparison)
        for cuts in (1, 3):
            assert in_chunks(points, cuts).numbers.tolist() == expected
        scaled = [tuple(each * 2**70 for each in point) for point in points]
        assert in_chunks(scaled, 2, wide=True).numbers.tolist() == expected


def test_figures_that_floats_confuse() -> None:
    """Numbers past 2^53 are compared exactly."""
    base = 2**60
    points = [(base + 1, base, base), (base, base + 1, base), (base, base, base + 1), (base, base, base)]
    assert in_chunks(points, 1).numbers.tolist() == [3]


@examples(20)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.integers(1, 12), st.integers(1, 4))
def test_rankings(figures: list[int], most: int, cuts: int) -> None:
    """The smallest come first, of equal ones those of the lowest numbers, in whatever order parts are looked at."""
    expected = sorted(range(len(figures)), key=lambda at: (figures[at], at))[:most]
    for step in (1, -1):
        ranking = Ranking(most)
        for part in np.array_split(np.arange(len(figures)), cuts)[::step]:
            column = np.array([figures[at] for at in part], dtype=np.int64)
            chunk: Any = Numbers(part)
            chosen = ranking.candidates(chunk, column, True) if len(part) else []
            if len(chosen):
                ranking.add(column[chosen], part[chosen])
        assert ranking.numbers.tolist() == expected


def test_twice() -> None:
    """What is found twice, by processes that know of each other's answers, stands once."""
    ranking = Ranking(5)
    for _ in range(2):
        ranking.add(np.array([3, 1]), np.array([7, 8]))
    assert ranking.numbers.tolist() == [8, 7]
