"""Looks at a space with NumPy: in this process, in several, or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from cnncalc.language.nodes import Spec
from cnncalc.sweep.answers import Fixed, Found, Query
from cnncalc.sweep.chunks import CHUNK, Block, Points, VariantChunk, blocks
from cnncalc.sweep.names import FigureName
from cnncalc.sweep.planning import figures_of, plans
from cnncalc.sweep.plans import Array
from cnncalc.sweep.search import Answer, at_positions, pieces, wanted_variants, work
from cnncalc.sweep.space import Space

#: What is told of the progress: how many variants were looked at, and how many of these meet the conditions.
Progress = Callable[[int, int], None]


class Matches(NamedTuple):
    """Variants that meet all conditions: their numbers, and their figures by path."""

    numbers: Array
    figures: dict[str, Array | None]


class Engine:
    """The plans of a space, for some figures; with the numbers that were `drawn`, of these variants alone."""

    def __init__(
        self,
        spec: Spec,
        space: Space,
        fixed: Fixed,
        names: Sequence[FigureName],
        drawn: Sequence[int] | None = None,
        most_parts: int | None = None,
    ) -> None:
        self.space = space
        self.drawn = None if drawn is None else np.array(drawn, dtype=np.int64)
        self.plans = plans(spec, space, fixed, names, most_parts)

    def search(self, query: Query, progress: Progress, workers: int = 1, scheduler: str | None = None) -> Found:
        """Return what is found; an interrupt ends the search, and what is known by then is returned."""
        if scheduler is not None:
            from cnncalc.sweep.cluster import search_on_cluster

            return self.found(*search_on_cluster(self.plans, query, scheduler, progress))
        if workers > 1:
            from cnncalc.sweep.workers import search_in_processes

            return self.found(*search_in_processes(self.plans, query, workers, progress))
        answer = Answer(query)
        try:
            if self.drawn is not None:
                for chunk in self._chunks():
                    answer.look_at(chunk)
                    progress(answer.done, answer.kept)
            else:
                for piece in pieces(self.plans):
                    work(self.plans, piece, answer)
                    progress(answer.done, answer.kept)
        except KeyboardInterrupt:
            return self.found(answer, False)
        return self.found(answer, True)

    def found(self, answer: Answer, complete: bool) -> Found:
        """Return an answer as what was found."""
        front = answer.front.numbers.tolist() if answer.front is not None else None
        ranking = answer.ranking.numbers.tolist() if answer.ranking is not None else None
        excluded = answer.done - answer.kept - sum(answer.failed.values())
        variants = self.space.variants if self.drawn is None else len(self.drawn)
        return Found(variants, answer.done, answer.kept, excluded, answer.failed, front, ranking, complete)

    def figures(self, numbers: Sequence[int], paths: Sequence[str]) -> list[dict[str, Any]]:
        """Return the figures of variants by their paths."""
        return figures_of(self.plans, np.array(numbers, dtype=np.int64), paths)

    def _chunks(self) -> Iterator[VariantChunk]:
        """Yield the chunks of the space, or those of the variants that were drawn."""
        if self.drawn is None:
            for plan in self.plans:
                for slices in blocks(plan):
                    yield Block(plan, slices)
            return
        for start in range(0, len(self.drawn), CHUNK):
            for plan in self.plans:
                points, chosen = Points.of(plan, self.drawn[start : start + CHUNK])
                if len(chosen):
                    yield points

    def batches(self, query: Query, paths: Sequence[str], answer: Answer) -> Iterator[Matches]:
        """Yield all variants that meet the conditions, some thousands at a time, and count them in the answer."""
        for chunk in self._chunks():
            batch = batch_of(chunk, query, paths, answer)
            if batch is not None:
                yield batch


def batch_of(chunk: VariantChunk, query: Query, paths: Sequence[str], answer: Answer) -> Matches | None:
    """Return the variants of a chunk that meet the conditions; None if there are none."""
    wanted = wanted_variants(chunk, query, answer)
    if wanted is False:
        return None
    chosen = np.arange(chunk.count) if wanted is True else np.flatnonzero(np.broadcast_to(wanted, chunk.shape))
    figures: dict[str, Array | None] = {}
    for path in paths:
        numbers = chunk.figure(chunk.plan.figures[path])
        figures[path] = None if numbers is None else at_positions(chunk, numbers, chosen)
    return Matches(chunk.numbers(chosen), figures)
