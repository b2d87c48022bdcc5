"""The limits of `--fail-if`: read before any calculation, judged after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnncalc.analysis import Analysis
    from cnncalc.query.conditions import Condition, Outcome


def parsed(conditions: tuple[str, ...]) -> list[Condition]:
    """Return the conditions; raise `SpecError` with an error for each that cannot be read."""
    if not conditions:
        return []
    from cnncalc.query.conditions import parse_conditions

    return parse_conditions(conditions)


def judged(limits: list[Condition], analysis: Analysis) -> list[Outcome]:
    """Return the outcome of each condition on a network."""
    if not limits:
        return []
    from cnncalc.query.conditions import judge

    return judge(limits, analysis)
