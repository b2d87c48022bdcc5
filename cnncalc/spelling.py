"""Which word is meant by one that is not known."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, candidates: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the candidate of which `word` is most likely a misspelling, or None."""
    return next((each for each in near(word, candidates, 3, cutoff) if _is_typo(word, each)), None)


def near(word: str, candidates: Iterable[str], most: int, cutoff: float = 0.6) -> list[str]:
    """Return the candidates that are spelled like `word`, the nearest first."""
    from difflib import get_close_matches  # only needed once something is wrong

    lowered = word.lower()
    by_lower = {candidate.lower(): candidate for candidate in candidates}
    return [by_lower[close] for close in get_close_matches(lowered[:60], by_lower, n=most, cutoff=cutoff)]


def similarity(word: str, other: str) -> float:
    """Return how alike two words are spelled, from 0 to 1, as `near` orders them."""
    from difflib import SequenceMatcher

    return SequenceMatcher(a=other.lower(), b=word.lower()).ratio()


def _is_typo(word: str, meant: str) -> bool:
    """Return whether one is a truncation of the other, or differs by edits to at most a third of its letters.

    An edit adds, drops, replaces or swaps letters. Common letters alone are not enough: `basic` has three of `slice`'s
    in their order.
    """
    word, meant = word.lower()[:60], meant.lower()[:60]
    if min(len(word), len(meant)) >= 3 and (word.startswith(meant) or meant.startswith(word)):
        return True
    # Row by row the edits from each beginning of `word` to each of `meant` (optimal string alignment).
    before: list[int] = []
    row = list(range(len(meant) + 1))
    for i, letter in enumerate(word, 1):
        before, above, row = row, before, [i]
        for j, other in enumerate(meant, 1):
            edits = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == meant[j - 2] and word[i - 2] == other:
                edits = min(edits, above[j - 2] + 1)
            row.append(edits)
    return row[-1] <= max(1, max(len(word), len(meant)) // 3)
