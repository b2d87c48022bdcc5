"""How branches and blocks show in a list of rows: rails for arms, and blocks collapsed to one row.

pool1
├─ conv2     the first layer of an arm
│  bn2       the arm goes on
├─ conv5     the next arm
└─ add1      where the arms come together
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from cnncalc.analysis import Row
from cnncalc.figures.receptive_field import ReceptiveField
from cnncalc.layers.merge import Merge
from cnncalc.shape import Size

Arms = tuple[tuple[int, int], ...]

#: How narrow the names of a table may get, and the part of a name beside its rail.
LEAST_NAME, LEAST_BESIDE_RAIL = 16, 8


class Block(NamedTuple):
    """The rows of a block or named group as one row: their sums, and the shapes at its ends."""

    name: str
    rows: tuple[Row, ...]

    @property
    def type(self) -> str:
        return "block"

    @property
    def implicit(self) -> bool:
        return False

    @property
    def description(self) -> str:
        """The call as it was written, or for a named group how many layers it holds."""
        origin = self.rows[0].node.origin
        level = self.name.count(".")
        calls = origin.calls[::-1] if origin else ()
        if len(calls) > level:
            return " ".join(calls[level].text.split())
        return f"{len(self.rows)} layer{'s' if len(self.rows) > 1 else ''}"

    @property
    def arms(self) -> Arms:
        """The arms that the block as a whole stands in."""
        shared = min((row.node.arms for row in self.rows), key=len)
        return shared if all(row.node.arms[: len(shared)] == shared for row in self.rows) else ()

    @property
    def inputs(self) -> tuple[str, ...]:
        inside = {row.name for row in self.rows}
        return tuple(dict.fromkeys(name for row in self.rows for name in row.inputs if name not in inside))

    @property
    def input_shapes(self) -> tuple[tuple[Size, ...], ...]:
        return self.rows[0].input_shapes

    @property
    def output_shape(self) -> tuple[Size, ...]:
        return self.rows[-1].output_shape

    @property
    def receptive_field(self) -> ReceptiveField:
        return self.rows[-1].receptive_field

    @property
    def params(self) -> Size:
        return sum(row.params for row in self.rows)

    @property
    def buffers(self) -> Size:
        return sum(row.buffers for row in self.rows)

    @property
    def macs(self) -> Size:
        return sum(row.macs for row in self.rows)

    @property
    def flops(self) -> Size:
        return sum(row.flops for row in self.rows)

    @property
    def activations(self) -> Size:
        return sum(row.activations for row in self.rows)


Line = Row | Block


def collapsed(rows: Sequence[Row], depth: int | None) -> list[Line]:
    """The rows with every block deeper than `depth` as one: 1 shows the outermost blocks, 0 shows nothing."""
    if depth is None:
        return list(rows)
    if depth == 0:
        return []
    lines: list[Line] = []
    for name, group in groupby(rows, key=lambda row: ".".join(row.name.split(".", depth)[:depth])):
        members = tuple(group)
        alone = len(members) == 1 and members[0].name == name
        lines += members if alone else (Block(name, members),)
    return lines


def arms_of(line: Line) -> Arms:
    return line.arms if isinstance(line, Block) else line.node.arms


def rails(lines: Sequence[Line], unicode: bool = True) -> Iterator[tuple[str, str]]:
    """For each line what stands before its name, and what else it reads: arms that have no line of their own."""
    begins, goes_on, ends = ("├─ ", "│  ", "└─ ") if unicode else ("|- ", "|  ", "`- ")
    before: Arms = ()
    homes: dict[str, Arms] = {}
    for line in lines:
        arms = arms_of(line)
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
