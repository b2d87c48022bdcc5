"""Where windows lie, and how many an element takes part in: counted one by one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

import cnncalc
from cnncalc.explain.positions import WindowPositions, window_positions
from cnncalc.shape import Window


def map_of(spec: str) -> list[list[int]]:
    """The coverage map of a spec's last layer, on two axes."""
    rows, columns = window_positions(cnncalc.parse(spec).nodes[-1])
    return [[a * b for b in columns.coverages()] for a in rows.coverages()]


def test_valid() -> None:
    """Without padding, a 3x3 window on 5x5 meets the corner once and the middle nine times."""
    assert map_of("input 5x5x1 | conv 3x3 x1") == [
        [1, 2, 3, 2, 1],
        [2, 4, 6, 4, 2],
        [3, 6, 9, 6, 3],
        [2, 4, 6, 4, 2],
        [1, 2, 3, 2, 1],
    ]


def test_full() -> None:
    """With full padding every element takes part in as many windows as they have taps."""
    assert map_of("input 5x5x1 | conv 3x3 full x1") == [[9] * 5] * 5


def test_same() -> None:
    """`same` lies between: two of three windows at the edge."""
    assert map_of("input 5x5x1 | conv 3x3 same x1") == [
        [4, 6, 6, 6, 4],
        [6, 9, 9, 9, 6],
        [6, 9, 9, 9, 6],
        [6, 9, 9, 9, 6],
        [4, 6, 6, 6, 4],
    ]


def test_dropped() -> None:
    """An edge that no window reaches takes part in none."""
    assert map_of("input 3x3x1 | pool 2") == [[1, 1, 0], [1, 1, 0], [0, 0, 0]]


def test_transposed() -> None:
    """A deconvolution's map is of its output: a kernel of 3 at stride 2 overlaps itself at every other element."""
    (axis,) = window_positions(cnncalc.parse("input 4x1 | deconv 3 s2 x1").nodes[-1])
    assert axis.coverages() == [1, 1, 2, 1, 2, 1, 2, 1, 1]


@given(
    st.integers(1, 12), st.integers(1, 5), st.integers(1, 5), st.integers(1, 5), st.integers(-2, 8), st.integers(1, 9)
)
def test_counted(n: int, kernel: int, stride: int, dilation: int, begin: int, number: int) -> None:
    """The closed form counts what a loop over all windows and taps counts."""
    axis = WindowPositions("", n, Window(kernel, stride, dilation, begin, 0), number)
    counted = [0] * n
    for place in range(number):
        for tap in range(kernel):
            element = place * stride - begin + tap * dilation
            if 0 <= element < n:
                counted[element] += 1
    assert axis.coverages() == counted


def test_large() -> None:
    """A window of a billion taps is counted as quickly as one of three.

    Element 10^8 is the padded axis' 1,100,000,000th: places up to a seventh of it, and of those every third, from 2
    on, since 7·2 leaves the same rest by 3 as it does.
    """
    axis = WindowPositions("", 10**9, Window(10**9 - 1, 7, 3, 10**9, 0), 10**9)
    assert axis.coverage(10**8) == len(range(2, 1_100_000_000 // 7 + 1, 3))
