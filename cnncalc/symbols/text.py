"""The text of a formula: a product if its factors can be recovered, and otherwise a sum of products."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import gcd, lcm
from typing import Any

from cnncalc.symbols.polynomial import (
    Atom,
    Monomial,
    Polynomial,
    Value,
    bracketed,
    plain_number,
    raised,
    sum_text,
    term_order,
)

#: A longer sum is written as it is: its factors are not looked for.
LONGEST_PRODUCT = 64


def formula_text(value: Polynomial) -> str:
    """Return the formula as text: `432*(H - 2)*(W - 2)`, `144*C + 16`."""
    common, factors = factored(value)
    if len(factors) == 1 and factors[0][1] == 1:
        return sum_text(value)
    parts = [*([str(common)] if common not in (1, -1) else []), *(bracketed(v) + raised(p) for v, p in factors)]
    return ("-" if common == -1 else "") + "*".join(parts)


def factored(value: Polynomial) -> tuple[Any, list[tuple[Value, int]]]:
    """Return the polynomial as a number times powers of factors, as in 432·(H − 2)·(W − 2), if it factors so."""
    numbers = [Fraction(factor) for factor in value.terms.values()]
    common = Fraction(gcd(*(n.numerator for n in numbers)), lcm(*(n.denominator for n in numbers)))
    rest = value * (1 / common)
    factors: dict[Value, int] = {}
    short = len(value.terms) <= LONGEST_PRODUCT
    atoms = {atom for monomial in value.terms for atom, _ in monomial} if short else ()
    for atom in sorted(atoms, key=str):
        while isinstance(rest, Polynomial) and (divided := _without_root(rest, atom)) is not None:
            factor, rest = divided
            factors[factor] = factors.get(factor, 0) + 1
    if isinstance(rest, Polynomial):
        if factors and _leading(rest) < 0:
            common, rest = -common, -rest
        factors[rest] = factors.get(rest, 0) + 1
    else:
        common *= rest
    return plain_number(common), list(factors.items())


def _without_root(value: Polynomial, atom: Atom) -> tuple[Polynomial, Any] | None:
    """Return a factor (atom + c) of the polynomial, and the quotient by it; None if it has none."""
    powers: dict[int, dict[Monomial, Any]] = {}
    for monomial, factor in value.terms.items():
        cofactor = dict(monomial)
        power = cofactor.pop(atom, 0)
        powers.setdefault(power, {})[tuple(cofactor.items())] = factor
    degree = max(powers)
    if degree == 0:
        return None
    coefficients = [value.from_terms(powers.get(power, {})) for power in range(degree + 1)]
    for root in _roots(powers, degree):
        # Horner's rule: the quotient's coefficients, and the remainder behind them.
        quotient: list[Value] = [coefficients[-1]]
        for each in reversed(coefficients[:-1]):
            quotient.append(each + quotient[-1] * root)
        if quotient.pop() == 0:
            rest: Value = 0
            for each in quotient:
                rest = rest * value.single(atom) + each
            return value.single(atom) - root, rest
    return None


def _roots(powers: dict[int, dict[Monomial, Any]], degree: int) -> Iterator[int]:
    """Yield integers that may be roots: 0, and those that the rational root theorem gives for one slice."""
    if 0 not in powers:
        yield 0
        return
    cofactor = next(iter(powers[degree]))
    first, last = powers[degree][cofactor], powers[0].get(cofactor)
    if last is None or first.denominator != 1 or last.denominator != 1:
        return
    if degree == 1:
        if last % first == 0:
            yield -last // first
        return
    for size in range(1, min(abs(last), 1000) + 1):
        if last % size == 0:
            yield from (size, -size)


def _leading(value: Polynomial) -> Any:
    """Return the coefficient of the term that is written first."""
    return value.terms[min(value.terms, key=term_order)]
