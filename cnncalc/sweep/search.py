"""What is looked for in a space: the variants that meet conditions, the front, the best by a figure, or a few.

Each part of a space gives an `Answer`, and two answers give that of both parts. So it makes no difference which process
looks at which part, or in which order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import ceil, floor
from typing import Any, NamedTuple

import numpy as np

from cnncalc.sweep.answers import FailureCause, Limit, Query
from cnncalc.sweep.chunks import Block, VariantChunk, blocks
from cnncalc.sweep.fronts import Front, Ranking
from cnncalc.sweep.plans import ELSEWHERE, FAILED, FINE, Array, StructurePlan
from cnncalc.sweep.values import HIGHEST, LOWEST

_COMPARE: dict[str, Any] = {
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal, "==": np.equal, "!=": np.not_equal,
}  # fmt: skip


def holds(limit: Limit, numbers: Array) -> Array:
    """Return for each number whether a condition holds."""
    if numbers.dtype == object:
        return np.asarray(_COMPARE[limit.operator](numbers, limit.limit), dtype=bool)
    operator = limit.operator
    if limit.limit.denominator != 1:
        # Between two integers.
        if operator in ("==", "!="):
            return np.full(numbers.shape, operator == "!=")
        return numbers <= floor(limit.limit) if operator in ("<", "<=") else numbers >= ceil(limit.limit)
    whole = limit.limit.numerator
    if not LOWEST <= whole <= HIGHEST:
        below = whole > 0
        sides = {"<": below, "<=": below, ">": not below, ">=": not below, "==": False, "!=": True}
        return np.full(numbers.shape, sides[operator])
    compared: Array = _COMPARE[operator](numbers, whole)
    return compared


class Answer:
    """What was found in a part of a space.

    `failed` counts the variants that fail by their problem, `excluded` those that do not meet the conditions.
    """

    def __init__(self, query: Query) -> None:
        self.query = query
        self.done = self.kept = self.excluded = 0
        self.failed: Counter[FailureCause] = Counter()
        self.front = Front(len(query.front)) if query.front else None
        self.ranking = Ranking(query.most) if query.ranks else None

    def afresh(self) -> Answer:
        """Return an answer that has counted nothing, and knows what was found."""
        answer = Answer(self.query)
        answer.front, answer.ranking = self.front, self.ranking
        return answer

    def merge(self, other: Answer) -> Answer:
        """Add what was found in another part."""
        self.done += other.done
        self.kept += other.kept
        self.excluded += other.excluded
        self.failed.update(other.failed)
        if self.front is not None and other.front is not None:
            self.front.add(other.front.figures, other.front.numbers)
        if self.ranking is not None and other.ranking is not None:
            self.ranking.add(other.ranking.figures, other.ranking.numbers)
        return self

    def look_at(self, chunk: VariantChunk) -> None:
        """Look at the variants of a chunk."""
        wanted = wanted_variants(chunk, self.query, self)
        if wanted is False:
            return
        query, plan = self.query, chunk.plan
        if self.front is not None:
            columns = [_signed(chunk.figure(plan.figures[goal.key]), goal.sign) for goal in query.front]
            chosen = self.front.candidates(chunk, columns, wanted)
            if len(chosen):
                figures = [at_positions(chunk, each, chosen) for each in columns]
                self.front.add(figures, chunk.numbers(chosen))
        if self.ranking is not None:
            key = np.zeros((), dtype=np.int64)
            if query.sort is not None:
                key = _signed(chunk.figure(plan.figures[query.sort.key]), query.sort.sign)
            chosen = self.ranking.candidates(chunk, key, wanted)
            if len(chosen):
                self.ranking.add(at_positions(chunk, key, chosen), chunk.numbers(chosen))


def _signed(numbers: Array, sign: int) -> Array:
    return numbers if sign > 0 else -numbers


def at_positions(chunk: VariantChunk, numbers: Array, chosen: Array) -> Array:
    """Return the numbers of the variants at these positions of a chunk."""
    if numbers.size == 1:
        return np.broadcast_to(numbers.reshape(-1), (len(chosen),))
    if numbers.shape == chunk.shape:
        return numbers.reshape(-1)[chosen]
    return np.broadcast_to(numbers, chunk.shape)[np.unravel_index(chosen, chunk.shape)]


def wanted_variants(chunk: VariantChunk, query: Query, answer: Answer) -> Any:
    """Count the variants of a chunk, and return those that are fine, meet the conditions and have the figures.

    The result is an array of truth values that spreads over the chunk; True or False where it is the same for all.
    """
    wanted: Any = True
    states = chunk.states()
    here = fine = chunk.count
    if states is not None:
        times = chunk.count // states.size
        found, counts = np.unique(states, return_counts=True)
        for state, number in zip(found.tolist(), counts.tolist(), strict=True):
            if state == ELSEWHERE:
                here -= number * times
                fine -= number * times
            elif state >= FAILED:
                answer.failed[chunk.plan.problems[state - FAILED]] += number * times
                fine -= number * times
        wanted = states == FINE if fine else False
    answer.done += here
    if any(chunk.plan.figures[key] is None for key in query.keys):
        wanted = False
    for limit in query.limits if wanted is not False else ():
        meets = holds(limit, chunk.figure(chunk.plan.figures[limit.key]))
        wanted = wanted & meets if wanted is not True else meets
        if not np.any(wanted):
            wanted = False
            break
    kept = 0
    if wanted is not False:
        if isinstance(wanted, np.ndarray):
            kept = int(np.count_nonzero(wanted)) * (chunk.count // wanted.size)
            wanted = True if kept == chunk.count else wanted
        else:
            kept = chunk.count if wanted else 0
    answer.kept += kept
    answer.excluded += fine - kept
    return wanted


class BlockRange(NamedTuple):
    """A piece of work: some neighbouring blocks of a structure, by its number among the plans."""

    plan: int
    first: int
    last: int
    variants: int


#: The variants of a piece of work, about.
PIECE = 1 << 22


def pieces(plans: Sequence[StructurePlan], size: int = PIECE) -> list[BlockRange]:
    """Return the pieces of work that a space comes to, in order."""
    result = []
    for number, plan in enumerate(plans):
        first = count = 0
        at = -1
        for at, slices in enumerate(blocks(plan)):
            here = 1
            for each in slices:
                here *= each.stop - each.start
            count += here
            if count >= size:
                result.append(BlockRange(number, first, at + 1, count))
                first, count = at + 1, 0
        if count:
            result.append(BlockRange(number, first, at + 1, count))
    return result


def work(plans: Sequence[StructurePlan], piece: BlockRange, answer: Answer) -> Answer:
    """Add what is found in a piece to an answer, and return that."""
    plan = plans[piece.plan]
    for number, slices in enumerate(blocks(plan)):
        if number >= piece.last:
            break
        if number >= piece.first:
            answer.look_at(Block(plan, slices))
    return answer
