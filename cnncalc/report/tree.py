"""Rails: the branches of a network, drawn beside the names of its rows.

pool1
├─ conv2     the first layer of an arm
│  bn2       the arm continues
├─ conv5     the next arm
└─ add1      the merge of the arms
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnncalc.figures.rows import Arms, Row, RowGroup, RowOrGroup
from cnncalc.layers.merge import Merge


def rails(lines: Sequence[RowOrGroup]) -> Iterator[tuple[str, str]]:
    """Yield for each line its rail, and the names of inputs from arms that have no line of their own.

    A rail has a sign for each branch around the line: `├` begins an arm, `│` continues it, `└` ends the branch.
    """
    before: Arms = ()
    homes: dict[str, Arms] = {}
    for line in lines:
        arms = line.arms
        depth = len(arms)
        rail = "".join("│" if before[: level + 1] == arms[: level + 1] else "├" for level in range(depth))
        aside = ""
        if isinstance(line, Row) and isinstance(line.node.layer, Merge):
            merge = before[depth][0] if before[:depth] == arms and len(before) > depth else None
            rail += "└" if merge is not None else ""
            outside = [name for name in line.inputs if not _in_arm(homes.get(name, ()), depth, merge)]
            aside = ", ".join(_local(name, line.name) for name in outside)
        # What is within a group has no line of its own, and stands where the group does.
        homes.update(dict.fromkeys((row.name for row in line.rows), arms) if isinstance(line, RowGroup) else {})
        homes[line.name] = before = arms
        yield rail, aside


def _in_arm(arms: Arms, depth: int, merge: int | None) -> bool:
    return merge is not None and len(arms) > depth and arms[depth][0] == merge


def _local(name: str, beside: str) -> str:
    """Return the name without the path that it shares with its reader."""
    path, _, last = name.rpartition(".")
    return last if path and path == beside.rpartition(".")[0] else name
