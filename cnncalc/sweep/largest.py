"""The largest value of a let for which conditions hold: `solve --var 'width=?' --where 'params <= 1M'`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from cnncalc.diagnostics import Source, SpecError, fail
from cnncalc.language.choices import parse_choices, values_of
from cnncalc.language.expressions import evaluate
from cnncalc.language.nodes import LetNode
from cnncalc.sweep.answers import Found
from cnncalc.sweep.library import Sweep, SweepResult, Variant
from cnncalc.sweep.one_by_one import MOST_VARIANTS, analysis_of

#: So many values are tried first, and then more, up to the largest that is tried at all.
FIRST, GROWTH, MOST_TRIED = 1024, 4, 1 << 20
#: Of a let that is a fraction, hundredths are tried.
PARTS = 100


class LargestValue(NamedTuple):
    """The answer: the largest value that holds, None if there is none, and its figures by name.

    `next` is the next value that was tried, and `next_figures` its figures, None where it does not fit, or none is
    left. `limited` is whether larger values may hold, which are not tried.
    """

    name: str
    value: Any
    figures: Mapping[str, Any]
    next: Any
    next_figures: Mapping[str, Any] | None
    tried: int
    limited: bool
    command: str
    where: tuple[str, ...]
    #: Why the next value does not fit, or where there is no value, most of them do not.
    problem: str


def largest(
    source: Source, name: str, choices: str, where: Sequence[str], options: Mapping[str, Any], called: str = ""
) -> LargestValue:
    """Return the largest value of a let for which all conditions hold.

    `choices` are the values to try, `[0.5..2..0.01]`; if it is empty, those of the let, or as many as it takes of whole
    numbers, or hundredths for a let that is a fraction. `options` are those of a sweep; `called` is the spec as it is
    named on the command line.
    """
    probe = Sweep(source, over={name: [1]}, **options)
    let = next(each for each in probe.spec.definitions if isinstance(each, LetNode) and each.name == name)
    if choices:
        values = [row[0] for row in values_of(parse_choices(Source("--var", choices), 0, len(choices)), {})]
    elif let.choices is not None and not let.tied:
        values = [row[0] for row in values_of(let.choices, {})]
    else:
        found = _growing(source, name, probe, where, options)
        return found._replace(command=_command(probe, found, called))
    found = _of_values(source, name, sorted(values), where, options, False)
    return found._replace(command=_command(probe, found, called))


def _growing(source: Source, name: str, probe: Sweep, where: Sequence[str], options: Mapping[str, Any]) -> LargestValue:
    """Return the answer among values that are tried until the largest of them does not hold."""
    numbers: dict[str, Any] = dict(probe.fixed.variables)
    for each in probe.spec.definitions:
        if isinstance(each, LetNode) and each.name not in numbers:
            numbers[each.name] = evaluate(each.value, numbers)
    parts = PARTS if isinstance(numbers[name], Fraction) else 1
    count = FIRST
    while True:
        answer = _of_values(source, name, _steps(count, parts), where, options, True)
        if (
            answer.value is None
            or answer.next is not None
            or count * GROWTH > (MOST_VARIANTS if probe.by_one else MOST_TRIED)
        ):
            return answer
        count *= GROWTH


def _steps(count: int, parts: int) -> list[Any]:
    values = [Fraction(number, parts) for number in range(1, count + 1)]
    return [value.numerator if value.denominator == 1 else value for value in values]


def _of_values(
    source: Source, name: str, values: list[Any], where: Sequence[str], options: Mapping[str, Any], limited: bool
) -> LargestValue:
    asked = Sweep(source, over={name: values}, where=where, **options)
    others = [each for each in asked.space.names if each != name]
    if others:
        help = f"give `{others[0]}` a value: `--var {others[0]}=…`"
        fail("E117", f"`{others[0]}` has values to try as well", label="one let is solved for", help=help)
    asked.query = asked.query._replace(most=None)
    result = asked.run()
    kept = result.found.ranking or []
    if not kept:
        problem = next(iter(result.failed), None)
        text = "" if problem is None else problem.message
        return LargestValue(name, None, {}, None, None, len(values), limited, "", asked.where, text)
    best = max(kept)
    after = best + 1 if best + 1 < len(values) else None
    rows = asked.figures([best] if after is None else [best, after])
    figures = [{result.short(path): value for path, value in row.items()} for row in rows]
    problem_text = ""
    next_figures = None
    if after is not None:
        next_figures = figures[1] if all(value is not None for value in figures[1].values()) else None
        problem_text = _problem(asked, after) if next_figures is None else ""
    following = values[after] if after is not None else None
    return LargestValue(
        name, values[best], figures[0], following, next_figures, len(values), limited, "", asked.where, problem_text
    )


def _command(probe: Sweep, found: LargestValue, called: str) -> str:
    """Return the command that calculates the variant of an answer."""
    if found.value is None:
        return ""
    probe.called = called or probe.called
    return SweepResult(probe, Found(1, 0, 0, 0, Counter(), None, [])).command(
        Variant(0, {found.name: found.value}, {}, False)
    )


def _problem(asked: Sweep, number: int) -> str:
    """Return why a variant cannot be built."""
    try:
        analysis_of(asked.spec, asked.space.values(number), asked.fixed)
    except SpecError as error:
        return error.diagnostics[0].message
    return ""
