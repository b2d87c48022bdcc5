"""The sizes that letters may stand for, as runs: each by hand, or by trying every size."""

from __future__ import annotations

import pytest

import cnncalc
from cnncalc.figures.domain import Domain
from cnncalc.symbols.constraints import IntegerSet

EVERY = [[1, None, 1]]


@pytest.mark.parametrize(
    ("spec", "letter", "runs", "conditions"),
    [
        ("input HxWx3 | conv 3x3 x2", "H", [[3, None, 1]], []),
        # A 5x5 takes 4 off, and halves that are doubled are whole only where H is even.
        ("input HxWx3 | conv 5x5 x8 as a | pool 2 | upsample 2 | concat(; @a)", "H", [[6, None, 2]], []),
        # 8 outputs of stride 2 behind a 3x3: from 17 or 18.
        ("input NxC | conv 3 s2 x4 | reshape 32", "N", [[17, 18, 1]], []),
        # Every channel count that 4 groups divide.
        ("input 8x8xC | conv 1x1 g4 x8", "C", [[4, None, 4]], []),
        ("input HxWx3 | reshape 48", "H", EVERY, ["3*H*W = 48"]),
    ],
)
def test_runs(spec: str, letter: str, runs: list[list[int | None]], conditions: list[str]) -> None:
    """A letter has its sizes as runs [first, last, step], and what must hold between it and others as text."""
    assert cnncalc.analyze(spec).to_dict()["letters"][letter] == {"runs": runs, "conditions": conditions}


@pytest.mark.parametrize(
    "sizes",
    [
        IntegerSet(()),
        IntegerSet((5,)),
        IntegerSet((1, 2, 3, 7, 9, 11, 40)),
        IntegerSet((), 7, 1, (0,)),
        IntegerSet((1, 4), 9, 6, (0, 1, 4)),
    ],
    ids=str,
)
def test_runs_are_the_set(sizes: IntegerSet) -> None:
    """The runs have every member of a set once, and nothing else."""
    members = [n for first, last, step in sizes.runs() for n in range(first, 200 if last is None else last + 1, step)]
    assert sorted(members) == [n for n in range(200) if n in sizes]


def test_not_worked_out() -> None:
    """Sizes that were not worked out are null."""
    assert Domain(None, ("H = W",)).to_dict() == {"runs": None, "conditions": ["H = W"]}
    assert str(Domain(None, ("H = W",))) == "as far as its layers fit; H = W"
