"""The conditions of `--where`, which are those of `--fail-if`: which figures they are on, and their limits."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.analysis import Analysis
from cnncalc.diagnostics import try_each
from cnncalc.query.conditions import Condition, judge, parse_conditions
from cnncalc.sweep.answers import Limit
from cnncalc.sweep.names import FigureName, find_names


def limits_of(texts: Sequence[str], sample: Analysis) -> list[tuple[FigureName, Limit]]:
    """Return the figures that conditions are on, with their limits; `sample` is any of the variants.

    A figure with a number for each axis meets a condition if all of them do. Raises `SpecError`: E020 for what cannot
    be read, E140 and E151 for a figure that is none, E141 for a limit that does not fit it.
    """
    conditions = parse_conditions(texts, "--where")
    found = try_each(lambda condition: _limits(condition, sample), conditions)
    return [pair for pairs in found for pair in pairs]


def _limits(condition: Condition, sample: Analysis) -> list[tuple[FigureName, Limit]]:
    names = find_names(condition.path, sample)
    judge([condition], sample)
    return [(name, Limit(name.path, condition.operator, condition.limit)) for name in names]
