"""The alignment of two sequences: a few by hand, and what holds for any."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from cnncalc.compare import alignment
from cnncalc.compare.alignment import Pair, align

WORDS = st.text("abcA", max_size=12)


def score(x: str, y: str) -> int:
    """Equal letters are worth most, the same letter in the other case a little."""
    return 8 if x == y else 2 if x.lower() == y.lower() else 0


def aligned(a: Sequence[str], b: Sequence[str]) -> list[Pair]:
    return list(align(a, b, score))


def shown(a: str, b: str) -> tuple[str, str]:
    """The alignment as two lines, `-` where nothing stands."""
    pairs = aligned(a, b)
    return (
        "".join("-" if at is None else a[at] for at, _ in pairs),
        "".join("-" if at is None else b[at] for _, at in pairs),
    )


def worth(pairs: list[Pair], a: str, b: str) -> int:
    return sum(score(a[i], b[j]) + 2 for i, j in pairs if i is not None and j is not None)


def best(a: str, b: str) -> int:
    """The most that an alignment is worth, by trying all."""
    if not a or not b:
        return 0
    without = max(best(a[1:], b), best(a, b[1:]))
    return max(without, score(a[0], b[0]) + 2 + best(a[1:], b[1:])) if score(a[0], b[0]) else without


def test_insertion() -> None:
    """What is put in stands alone."""
    assert shown("abc", "abxc") == ("ab-c", "abxc")


def test_change() -> None:
    """What is alike is paired, though not equal."""
    assert shown("xay", "xAy") == ("xay", "xAy")


def test_unlike() -> None:
    """What is not alike is removed, then added."""
    assert shown("xay", "xby") == ("xa-y", "x-by")


def test_equal_pairs_win() -> None:
    """An equal item further on is better than one that is alike."""
    assert shown("aA", "A") == ("aA", "-A")


def test_of_repeats_the_last_are_added() -> None:
    """Of items all alike, the first are paired."""
    assert shown("aa", "aaa") == ("aa-", "aaa")


def test_empty() -> None:
    """Where one sequence is empty, every item of the other stands alone."""
    assert (shown("", "ab"), shown("ab", ""), shown("", "")) == (("--", "ab"), ("ab", "--"), ("", ""))


@given(WORDS, WORDS)
def test_every_item_in_order(a: str, b: str) -> None:
    """Each index of both sequences occurs once, in order."""
    pairs = aligned(a, b)
    assert [i for i, _ in pairs if i is not None] == list(range(len(a)))
    assert [j for _, j in pairs if j is not None] == list(range(len(b)))


@given(st.text("abA", max_size=6), st.text("abA", max_size=6))
def test_no_alignment_is_better(a: str, b: str) -> None:
    """Short sequences are aligned as well as can be, a pair being worth two items that stand alone."""
    assert worth(aligned(a, b), a, b) == best(a, b)


@given(WORDS)
def test_itself(a: str) -> None:
    """A sequence is aligned with itself item by item."""
    assert aligned(a, a) == [(index, index) for index in range(len(a))]


class TestLong:
    """Sequences too long for one best alignment, where few pairs are scored."""

    def test_every_item_in_order(self) -> None:
        """Each index occurs once and in order, whatever the sequences hold."""
        a, b = "abcA" * 900 + "c" * 500, "aAcb" * 1100
        pairs = aligned(a, b)
        assert [i for i, _ in pairs if i is not None] == list(range(len(a)))
        assert [j for _, j in pairs if j is not None] == list(range(len(b)))
        assert len(a) * len(b) > alignment.MOST_SCORED

    def test_repeats(self) -> None:
        """An item put into each repeat is added each time."""
        assert shown("ab" * 700, "axb" * 700) == ("a-b" * 700, "axb" * 700)

    def test_cuts(self) -> None:
        """A long part put in between is found, since what stands around it occurs once."""
        numbers = [str(number) for number in range(2000)]
        more = [f"new{number}" for number in range(500)]
        changed = ["first", *numbers[:1000], *more, *numbers[1000:], "last"]

        pairs = aligned(["one", *numbers, "end"], changed)

        assert [pair for pair in pairs if None in pair] == [
            (0, None),
            (None, 0),
            *((None, index) for index in range(1001, 1501)),
            (2001, None),
            (None, 2501),
        ]

    def test_work(self) -> None:
        """Of two sequences with nothing in common, a bounded number of pairs is scored."""
        asked = 0

        def counted(x: int, y: int) -> int:
            nonlocal asked
            asked += 1
            return 0

        a, b = range(0, 20_000, 2), range(1, 20_001, 2)
        pairs = list(align(a, b, counted))

        assert len(pairs) == 20_000
        # Twice: a window's first half is kept.
        assert asked <= 3 * max(alignment.MOST_SCORED, alignment.LEAST_WINDOW * 20_000)
