"""What a formula of one letter repeats, and the one floor that a periodic one may come to."""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm
from typing import Any

from cnncalc.symbols.formula import Atom, Formula, Value, symbol, terms_of

#: So many atoms are evaluated to compare a period's values, for a shorter form of a formula. It is enough for strides
#: of a few hundred in all; beyond, the longer form stays, which is as right.
MOST_EVALUATED = 20_000


def period(value: Value) -> tuple[int, int] | None:
    """(p, q) with f(N + p) = f(N) + q for every N, of a formula in one letter; None where there are no such.

    Every size along an axis has them: strides multiply p, and upsampling multiplies q.
    """
    steps, gains = 1, Fraction(0)
    for monomial, factor in terms_of(value).items():
        if not monomial:
            continue
        if len(monomial) > 1 or monomial[0][1] > 1:
            return None
        found = _atom_period(monomial[0][0])
        if found is None:
            return None
        steps = lcm(steps, found[0])
        gains += Fraction(found[1], found[0]) * factor
    gain = gains * steps
    return (steps, int(gain)) if gain.denominator == 1 else None


def _atom_period(atom: Atom) -> tuple[int, int] | None:
    if atom.function is None:
        return 1, 1
    if atom.name == "floor":
        top, bottom = atom.arguments
        found = period(top)
        if found is None:
            return None
        assert isinstance(bottom, int)
        times = bottom // gcd(found[1], bottom)
        return found[0] * times, found[1] * times // bottom
    both = [period(each) for each in atom.arguments] if atom.name in ("max", "min") else [None]
    known = [each for each in both if each is not None]
    # Of two that grow alike, the larger stays the larger.
    if len(known) < len(both) or len({Fraction(q, p) for p, q in known}) > 1:
        return None
    steps = lcm(*(p for p, _ in known))
    return steps, known[0][1] * steps // known[0][0]


def simplify_periodic(value: Any) -> Any:
    """The value as one floor((H + a)/b) where a max or min in it comes to that.

    Both repeat with the same period and gain, so that being equal on one period proves it.
    """
    if not isinstance(value, Formula) or len(value.letters) != 1 or not _has_extremes(value):
        return value
    repeats = period(value)
    if repeats is None or repeats[0] * value.weight > MOST_EVALUATED:
        return value
    steps, gain = repeats
    (name,) = value.letters
    values: list[Any] = [value.at({name: n}) for n in range(1, steps + 2)]
    if gain == 0:
        return values[0] if len(set(values)) == 1 else value
    if gain < 0 or steps % gain:
        return value
    step = steps // gain
    rises = next((n for n in range(1, steps + 1) if values[n] > values[n - 1]), None)
    if rises is None:
        return value
    # At N = rises + 1 the floor has just risen: there N + a is a multiple of the step.
    offset = step * values[rises] - (rises + 1)
    if all((n + 1 + offset) // step == each for n, each in enumerate(values)):
        return (symbol(name) + offset) // step
    return value


def _has_extremes(value: Value) -> bool:
    return isinstance(value, Formula) and any(
        atom.name in ("max", "min") or any(map(_has_extremes, atom.arguments))
        for monomial in value.terms
        for atom, _ in monomial
    )
