"""A network as one row among several: its totals, its inputs and its receptive field."""

from __future__ import annotations

from typing import NamedTuple

from cnncalc.analysis import Analysis, Row
from cnncalc.figures.totals import Totals


class NetworkRow(NamedTuple):
    """A network among others, by the name that tells it from them."""

    name: str
    analysis: Analysis

    @property
    def totals(self) -> Totals:
        return self.analysis.totals

    @property
    def input_shapes(self) -> list[tuple[int, ...]]:
        return [row.output_shape for row in self.analysis.rows if not row.node.inputs]

    @property
    def field(self) -> Row | None:
        """The layer whose receptive field is the network's: the last whose outputs have places to tell apart.

        Those that bring all places together (gap, fc and what follows them) see everything by nature, and are
        passed over. Where a map of several places sees everything, as behind squeeze-and-excite, so it is said.
        """
        for row in self.analysis.rows[::-1]:
            field, sizes = row.receptive_field, row.node.shape.spatial
            if row.node.inputs and sizes and (not field.whole or any(size > 1 for size in sizes)):
                return row
        return None

    @property
    def uncounted(self) -> str:
        """What there is to say where a model file's operators are not counted."""
        count = len(self.analysis.unknown)
        operators = f"{count:,} operator{'s are' if count > 1 else ' is'}"
        return f"{operators} not counted in full: all totals are lower bounds" if count else ""

    def to_dict(self) -> dict[str, object]:
        last = self.field
        return {
            "name": self.name,
            "input_shapes": [list(shape) for shape in self.input_shapes],
            "totals": self.totals.to_dict(),
            "unknown": [row.name for row in self.analysis.unknown],
            "receptive_field": {"layer": last.name, **last.receptive_field.to_dict()} if last else None,
        }
