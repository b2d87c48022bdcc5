"""How branches and blocks show in a list of rows: rails for arms, and blocks collapse to one row.

pool1
├─ conv2     the first layer of an arm
│  bn2       the arm goes on
├─ conv5     the next arm
└─ add1      where the arms come together
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from cnncalc.analysis import Arms, Row, RowOrGroup
from cnncalc.layers.merge import Merge

#: How narrow the names of a table may get, and the part of a name beside its rail.
LEAST_NAME, LEAST_BESIDE_RAIL = 16, 8


def rails(lines: Sequence[RowOrGroup], unicode: bool = True) -> Iterator[tuple[str, str]]:
    """For each line what stands before its name, and what else it reads: arms that have no line of their own."""
    begins, goes_on, ends = ("├─ ", "│  ", "└─ ") if unicode else ("|- ", "|  ", "`- ")
    before: Arms = ()
    homes: dict[str, Arms] = {}
    for line in lines:
        arms = line.arms
        depth = len(arms)
        rail = "".join(goes_on if before[: level + 1] == arms[: level + 1] else begins for level in range(depth))
        aside = ""
        if isinstance(line, Row) and isinstance(line.node.layer, Merge):
            merge = before[depth][0] if before[:depth] == arms and len(before) > depth else None
            rail += ends if merge is not None else ""
            outside = [name for name in line.inputs if not _in_arm(homes.get(name, ()), depth, merge)]
            aside = ", ".join(_local(name, line.name) for name in outside)
        homes[line.name] = before = arms
        yield rail, aside


def least_name(rails: Iterable[str]) -> int:
    """How narrow the column of the names may get: there is always room beside the longest rail."""
    return max(LEAST_NAME, max(map(len, rails), default=0) + LEAST_BESIDE_RAIL)


def below(rail: str, unicode: bool = True) -> str:
    """What stands under a rail, beside the further lines of its row."""
    on = "│  " if unicode else "|  "
    levels = [rail[at : at + 3] for at in range(0, len(rail), 3)]
    # Behind the corner of a merge nothing goes on.
    return "".join("   " if level[0] in "└`" else on for level in levels)


def _in_arm(arms: Arms, depth: int, merge: int | None) -> bool:
    return merge is not None and len(arms) > depth and arms[depth][0] == merge


def _local(name: str, beside: str) -> str:
    """The name without the path that it shares with its reader."""
    path, _, last = name.rpartition(".")
    return last if path and path == beside.rpartition(".")[0] else name
