"""Periods of a value in one symbol, and conversion of a periodic value to a single floor."""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm
from typing import Any

from cnncalc.symbols.polynomial import Atom, Polynomial, Value, terms_of

#: The most atoms that are evaluated to compare the values of a period, for a shorter form of a formula. That is
#: enough for strides of a few hundred in all; beyond, the longer form stays, which is right as well.
MOST_EVALUATED = 20_000


def period(value: Value) -> tuple[int, int] | None:
    """Return (p, q) with f(N + p) = f(N) + q for every N, of a value in one symbol; None if there is no such pair.

    Every size along an axis has a period: strides multiply p, and upsampling multiplies q.
    """
    steps, gains = 1, Fraction(0)
    for monomial, factor in terms_of(value).items():
        if not monomial:
            continue
        if len(monomial) > 1 or monomial[0][1] > 1:
            return None
        of_atom = _atom_period(monomial[0][0])
        if of_atom is None:
            return None
        steps = lcm(steps, of_atom[0])
        gains += Fraction(of_atom[1], of_atom[0]) * factor
    gain = gains * steps
    return (steps, int(gain)) if gain.denominator == 1 else None


def _atom_period(atom: Atom) -> tuple[int, int] | None:
    if atom.function is None:
        return 1, 1
    if atom.name == "floor":
        top, bottom = atom.arguments
        of_top = period(top)
        if of_top is None:
            return None
        assert isinstance(bottom, int)
        times = bottom // gcd(of_top[1], bottom)
        return of_top[0] * times, of_top[1] * times // bottom
    each = [period(argument) for argument in atom.arguments] if atom.name in ("max", "min") else [None]
    known = [both for both in each if both is not None]
    # Of two that grow alike, the larger stays the larger.
    if len(known) < len(each) or len({Fraction(q, p) for p, q in known}) > 1:
        return None
    steps = lcm(*(p for p, _ in known))
    return steps, known[0][1] * steps // known[0][0]


def single_floor(value: Polynomial) -> tuple[str, int, int] | int | None:
    """Return (N, a, b) if a value with a max or min is floor((N + a)/b), a number if it is constant, else None.

    Both have the same period and gain, so equality on one period proves equality everywhere.
    """
    if len(value.symbols) != 1 or not _has_extremes(value):
        return None
    repeats = period(value)
    if repeats is None or repeats[0] * value.weight > MOST_EVALUATED:
        return None
    steps, gain = repeats
    (name,) = value.symbols
    values: list[Any] = [value.substitute({name: n}) for n in range(1, steps + 2)]
    if gain == 0:
        return values[0] if len(set(values)) == 1 else None
    if gain < 0 or steps % gain:
        return None
    step = steps // gain
    rises = next((n for n in range(1, steps + 1) if values[n] > values[n - 1]), None)
    if rises is None:
        return None
    # At N = rises + 1 the floor has just risen: there N + a is a multiple of the step.
    offset = step * values[rises] - (rises + 1)
    alike = all((n + 1 + offset) // step == each for n, each in enumerate(values))
    return (name, offset, step) if alike else None


def _has_extremes(value: Value) -> bool:
    return isinstance(value, Polynomial) and any(
        atom.name in ("max", "min") or any(map(_has_extremes, atom.arguments))
        for monomial in value.terms
        for atom, _ in monomial
    )
