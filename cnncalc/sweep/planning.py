"""A spec with a space, read once: its plans, and the figures of its variants by their numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from cnncalc.language.nodes import Spec
from cnncalc.sweep.answers import Fixed
from cnncalc.sweep.chunks import Points
from cnncalc.sweep.figures import Settings, StructureFigures
from cnncalc.sweep.names import FigureName
from cnncalc.sweep.networks import build
from cnncalc.sweep.plans import FAILED, StructurePlan, plan
from cnncalc.sweep.runs import Run, TooLarge, explore
from cnncalc.sweep.space import BATCH, BYTES, DTYPE, INPUT, Space, shares
from cnncalc.sweep.values import from_numbers


def plans(
    spec: Spec, space: Space, fixed: Fixed, names: Sequence[FigureName], most_parts: int | None = None
) -> list[StructurePlan]:
    """Return the plans of all structures of a space, for some figures.

    Raises `TooManyRuns` if there are too many, `TooLarge` if the space has to be cut into more parts than `most_parts`.
    """
    # What the number of copies changes in ways that no factor has: everything about a single layer.
    repeats = not any(name.of_layer for name in names)
    found: list[StructurePlan] = []
    pending = [(space, (0,) * len(space.axes))]
    cuts = 0
    while pending:
        part, offsets = pending.pop()
        try:
            found += _plans_of_part(spec, part, fixed, names, repeats, offsets, space.lengths)
        except TooLarge:
            cuts += 1
            if most_parts is not None and cuts >= most_parts:
                raise
            for half, ranges in reversed(list(shares(part))):
                pending.append((half, tuple([at + r.start for at, r in zip(offsets, ranges, strict=True)])))
    return found


def _plans_of_part(
    spec: Spec,
    space: Space,
    fixed: Fixed,
    names: Sequence[FigureName],
    repeats: bool,
    offsets: Sequence[int],
    lengths: Sequence[int],
) -> Iterator[StructurePlan]:
    def one(run: Run) -> StructurePlan | None:
        bound = _bound(space, run)
        shape = bound.pop(INPUT, fixed.input)
        size = bound.pop(DTYPE, BYTES[fixed.dtype])
        settings = Settings(bound.pop(BATCH, fixed.batch), size, fixed.convention, fixed.optimizer)
        structure = build(spec, run, {**fixed.variables, **bound}, shape, repeats)
        figures = StructureFigures(structure, run, settings)
        made = {name.path: name.of(figures) if structure.nodes else None for name in names}
        return plan(structure, run, made, offsets, lengths)

    return iter([made for _, made in explore(space.lengths, one) if made is not None])


def _bound(space: Space, run: Run) -> dict[str, Any]:
    """Return the values of all names that vary, in a run."""
    bound: dict[str, Any] = {}
    for number, axis in enumerate(space.axes):
        for at, name in enumerate(axis.names):
            column = [row[at] for row in axis.rows]
            if name == DTYPE:
                column = [BYTES[each] for each in column]
            shape = (len(column),)
            if name == INPUT:
                bound[name] = run.merged(column, (number,), shape)
            else:
                bound[name] = from_numbers(run, (number,), column, shape)
    return bound


def figures_of(found: Sequence[StructurePlan], numbers: Any, paths: Sequence[str]) -> list[dict[str, Any]]:
    """Return the figures of variants by their paths; a figure is None where the variant has none, or fails."""
    numbers = np.asarray(numbers, dtype=np.int64)
    rows: list[dict[str, Any]] = [dict.fromkeys(paths) for _ in range(len(numbers))]
    for each in found:
        points, chosen = Points.of(each, numbers)
        if not len(chosen):
            continue
        states = points.states()
        fails = np.zeros(len(chosen), dtype=bool) if states is None else np.broadcast_to(states, points.shape) >= FAILED
        for path in paths:
            column = points.figure(each.figures[path])
            if column is None:
                continue
            for at, value, failed in zip(chosen.tolist(), points.spread(column).tolist(), fails.tolist(), strict=True):
                rows[at][path] = None if failed else value
    return rows
