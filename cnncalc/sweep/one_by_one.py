"""A small space without NumPy: each variant is built and analyzed by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any, NoReturn

from cnncalc.analysis import Analysis, Options, analyze_graph
from cnncalc.diagnostics import Diagnostic, Problems, Source, Span, SpecError, fail
from cnncalc.language.build import build_graph
from cnncalc.language.nodes import Spec
from cnncalc.query.paths import Figures
from cnncalc.sweep.answers import FailureCause, Fixed, Found, Query
from cnncalc.sweep.names import FigureName
from cnncalc.sweep.space import BATCH, DTYPE, INPUT, Space

#: The most variants that are looked at one by one.
MOST_VARIANTS = 10_000


def analysis_of(spec: Spec, values: dict[str, Any], fixed: Fixed) -> Analysis:
    """Return the analysis of a variant; raises `SpecError` if it does not fit."""
    lets = {name: value for name, value in values.items() if name not in (INPUT, BATCH, DTYPE)}
    graph = build_graph(spec, Problems(), values.get(INPUT, fixed.input), {**fixed.variables, **lets})
    options = Options(values.get(BATCH, fixed.batch), values.get(DTYPE, fixed.dtype), fixed.convention, fixed.optimizer)
    return analyze_graph(graph, options)


def figures_of_analysis(analysis: Analysis, names: Sequence[FigureName]) -> dict[str, Any]:
    """Return figures of a variant by their paths; None for one that it does not have."""
    figures = Figures(analysis)
    return {name.path: _figure(figures, analysis, name) for name in names}


def _figure(figures: Figures, analysis: Analysis, name: FigureName) -> Any:
    path, place = name.path, name.place
    if name.of_layer:
        path = f"{name.layer or analysis.rows[-1].name}.{name.key}"
        if name.key == "output_shape":
            path = f"{path}.{place or 0}"
            place = None
    try:
        numbers = figures.find(Span(Source("", path), 0, len(path))).numbers
    except SpecError:
        return None
    return numbers[place or 0] if len(numbers) > (place or 0) else None


def problem_of(diagnostic: Diagnostic) -> FailureCause:
    """Return why a variant fails, as it is counted."""
    place = diagnostic.place.in_file() if diagnostic.place is not None else None
    return FailureCause(diagnostic.code, diagnostic.message, place.line if place else 0, place.column if place else 0)


def search(
    spec: Spec,
    space: Space,
    fixed: Fixed,
    names: Sequence[FigureName],
    query: Query,
    progress: Callable[[int, int], None],
) -> Found:
    """Return what is found in a space by looking at one variant after the other."""
    failed: Counter[FailureCause] = Counter()
    rows: dict[int, dict[str, Any]] = {}
    done, complete = 0, True
    try:
        for done, (number, row) in enumerate(_rows(spec, space, fixed, names, failed), 1):
            has_all = row is not None and all(row[key] is not None for key in query.keys)
            if row is not None and has_all and all(_meets(row, limit) for limit in query.limits):
                rows[number] = row
            progress(done, len(rows))
    except KeyboardInterrupt:
        complete = False
    front, ranking = None, None
    if query.front:
        front = _front({number: _goals(row, query) for number, row in rows.items()})
    if query.ranks:
        order = sorted(rows, key=lambda number: (_sort_key(rows[number], query), number))
        ranking = order[: query.most]
    excluded = done - len(rows) - sum(failed.values())
    return Found(space.variants, done, len(rows), excluded, failed, front, ranking, complete)


def _rows(
    spec: Spec, space: Space, fixed: Fixed, names: Sequence[FigureName], failed: Counter[FailureCause]
) -> Iterator[tuple[int, dict[str, Any] | None]]:
    for number in range(space.variants):
        try:
            analysis = analysis_of(spec, space.values(number), fixed)
        except SpecError as error:
            failed[problem_of(error.diagnostics[0])] += 1
            yield number, None
            continue
        yield number, figures_of_analysis(analysis, names)


_COMPARE: dict[str, Callable[[Any, Fraction], bool]] = {
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b, "==": lambda a, b: a == b, "!=": lambda a, b: a != b,
}  # fmt: skip


def _meets(row: dict[str, Any], limit: Any) -> bool:
    return _COMPARE[limit.operator](row[limit.key], limit.limit)


def _goals(row: dict[str, Any], query: Query) -> tuple[Any, ...]:
    return tuple([goal.sign * row[goal.key] for goal in query.front])


def _sort_key(row: dict[str, Any], query: Query) -> Any:
    return query.sort.sign * row[query.sort.key] if query.sort is not None else 0


def _front(goals: dict[int, tuple[Any, ...]]) -> list[int]:
    """Return the variants that no other is as good as; the first of those with equal figures."""
    front: list[int] = []
    for number in sorted(goals, key=lambda each: (goals[each], each)):
        # Who comes before is no worse by the first figure.
        if not any(all(a <= b for a, b in zip(goals[other], goals[number], strict=True)) for other in front):
            front.append(number)
    return front


def has_numpy() -> bool:
    """Return whether NumPy is installed."""
    try:
        import numpy  # noqa: F401  # the extra `sweep`
    except ImportError:
        return False
    return True


def need_numpy(count: int) -> NoReturn:
    """Raise `SpecError` E301 for a space of so many variants, for which NumPy has to be installed."""
    help = 'install it with `pip install "cnncalc[sweep]"`, or try fewer values'
    label = f"`numpy` is not installed, and without it a space has at most {MOST_VARIANTS:,} variants"
    fail("E301", f"a sweep of {count:,} variants needs `numpy`", label=label, help=help)
