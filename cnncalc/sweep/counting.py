"""What a space comes to before it is looked at: its structures, and the time and memory that it will take."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from cnncalc.sweep.answers import Query
from cnncalc.sweep.chunks import CHUNK
from cnncalc.sweep.engine import Engine
from cnncalc.sweep.plans import FigurePlan, GridTerm, LargestPlan, StructurePlan, SumPlan
from cnncalc.sweep.search import Answer, pieces, work

#: So many variants are looked at to measure how fast that is.
MEASURED = 1 << 20


def estimate(engine: Engine, query: Query) -> dict[str, Any]:
    """Return the number of variants and structures, and a measured estimate of seconds and bytes."""
    work_of = pieces(engine.plans, MEASURED)
    answer = Answer(query)
    start = perf_counter()
    for piece in work_of:
        work(engine.plans, piece, answer)
        if answer.done >= MEASURED:
            break
    seconds = max(perf_counter() - start, 1e-6)
    rate = answer.done / seconds
    variants = engine.space.variants if engine.drawn is None else len(engine.drawn)
    return {
        "variants": variants,
        "structures": len(engine.plans),
        "layers": sum(plan.layers for plan in engine.plans),
        "per_second": round(rate),
        "seconds": variants / rate,
        "bytes": sum(map(_bytes_of_plan, engine.plans)),
        "chunk_bytes": 8 * CHUNK * (len(query.keys) + 2),
    }


def _bytes_of_plan(plan: StructurePlan) -> int:
    states = plan.states.array.nbytes if plan.states is not None else 0
    return states + sum(_bytes_of_figure(figure) for figure in plan.figures.values())


def _bytes_of_figure(figure: FigurePlan) -> int:
    if isinstance(figure, LargestPlan):
        return sum(map(_bytes_of_figure, figure.sums))
    if not isinstance(figure, SumPlan):
        return 0
    terms = [each for factor, terms in figure.products for each in (factor, *terms)]
    return sum(each.array.nbytes for each in terms if isinstance(each, GridTerm))
