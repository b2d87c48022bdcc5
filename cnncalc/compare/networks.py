"""A network as one row of a table: its totals, its inputs and its receptive field."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from cnncalc.analysis import Analysis
from cnncalc.figures.rows import Row
from cnncalc.figures.totals import Totals


class NetworkRow(NamedTuple):
    """A network among others, with the name that distinguishes it from them.

    Where one network is compared with several values of its variables, they have `variables`, by name; `variant` says
    what else differs, in words. `budgets` are the JSON objects of the limits that it was judged by.
    """

    name: str
    analysis: Analysis
    variables: Mapping[str, str] = MappingProxyType({})
    variant: str = ""
    budgets: tuple[dict[str, object], ...] = ()

    @property
    def title(self) -> str:
        """Its name, with what distinguishes it from other rows of that name."""
        return f"{self.name} ({self.variant})" if self.variant else self.name

    @property
    def totals(self) -> Totals:
        return self.analysis.totals

    @property
    def input_shapes(self) -> list[tuple[int, ...]]:
        return [row.output_shape for row in self.analysis.rows if not row.node.inputs]

    @property
    def field(self) -> Row | None:
        """The layer whose receptive field is that of the network: the last whose output has spatial positions.

        Layers that reduce all positions to one (gap, fc and what follows them) see the whole input by nature and
        are passed over. A map of several positions that sees the whole input, as behind squeeze-and-excite, is not.
        """
        for row in self.analysis.rows[::-1]:
            whole, sizes = row.receptive_field.whole, row.node.shape.spatial
            if row.node.inputs and sizes and row.node.shape.is_known and (not whole or any(size > 1 for size in sizes)):
                return row
        return None

    @property
    def uncounted(self) -> str:
        """A sentence on what of a model file is not counted in full; empty if everything is."""
        unknown = self.analysis.incomplete
        operators = sum(not row.node.layer.known for row in unknown)
        count, what = (operators, "operator") if operators else (len(unknown), "layer")
        are = f"{count:,} {what}{'s are' if count > 1 else ' is'}"
        return f"{are} not counted in full: all totals are lower bounds" if count else ""

    def to_dict(self) -> dict[str, object]:
        """Return the JSON object of the network, an item of `networks`."""
        last = self.field
        return {
            "name": self.name,
            **({"variables": dict(self.variables)} if self.variables else {}),
            "input_shapes": [list(shape) for shape in self.input_shapes],
            "totals": self.totals.to_dict(),
            "unknown": [row.name for row in self.analysis.incomplete],
            "receptive_field": {"layer": last.name, **last.receptive_field.to_dict()} if last else None,
            **({"budgets": list(self.budgets)} if self.budgets else {}),
        }
