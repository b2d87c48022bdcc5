"""Formulas as text: a sum of products, or a product where its factors can be found again."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import gcd, lcm
from typing import Any

from cnncalc.symbols.formula import Atom, Formula, Monomial, Value, from_terms, plain_number, single, terms_of

#: A longer sum is written out as it is: no product is looked for.
LONGEST_PRODUCT = 64


def formula_text(value: Formula) -> str:
    """`432*(H - 2)*(W - 2)`, `144*C + 16`"""
    common, factors = factored(value)
    if len(factors) == 1 and factors[0][1] == 1:
        return _sum(value)
    parts = [*([str(common)] if common not in (1, -1) else []), *map(_power, factors)]
    return ("-" if common == -1 else "") + "*".join(parts)


def function_text(name: str, arguments: tuple[Value, ...]) -> str:
    """`floor((H + 1)/2)`, `max(H, W)`"""
    if name == "floor":
        top, bottom = arguments
        return f"floor({_bracketed(top)}/{bottom})"
    return f"{name}({', '.join(map(str, arguments))})"


def factored(value: Formula) -> tuple[Any, list[tuple[Value, int]]]:
    """The value as a number times powers of formulas: 432·(H − 2)·(W − 2), from its product written out."""
    numbers = [Fraction(factor) for factor in value.terms.values()]
    common = Fraction(gcd(*(n.numerator for n in numbers)), lcm(*(n.denominator for n in numbers)))
    rest = value * (1 / common)
    found: dict[Value, int] = {}
    short = len(value.terms) <= LONGEST_PRODUCT
    atoms = {atom for monomial in value.terms for atom, _ in monomial} if short else ()
    for atom in sorted(atoms, key=str):
        while isinstance(rest, Formula) and (divided := _without_root(rest, atom)) is not None:
            factor, rest = divided
            found[factor] = found.get(factor, 0) + 1
    if isinstance(rest, Formula):
        if found and _leading(rest) < 0:
            common, rest = -common, -rest
        found[rest] = found.get(rest, 0) + 1
    else:
        common *= rest
    return plain_number(common), list(found.items())


def _without_root(value: Formula, atom: Atom) -> tuple[Formula, Any] | None:
    """A factor (atom + c) of the value, and what is left; None where it has none."""
    powers: dict[int, dict[Monomial, Any]] = {}
    for monomial, factor in value.terms.items():
        its = dict(monomial)
        power = its.pop(atom, 0)
        powers.setdefault(power, {})[tuple(its.items())] = factor
    degree = max(powers)
    if degree == 0:
        return None
    coefficients = [from_terms(powers.get(power, {})) for power in range(degree + 1)]
    for root in _roots(powers, degree):
        # Horner's rule: the quotient's coefficients, and the remainder behind them.
        quotient: list[Value] = [coefficients[-1]]
        for each in reversed(coefficients[:-1]):
            quotient.append(each + quotient[-1] * root)
        if quotient.pop() == 0:
            rest: Value = 0
            for each in quotient:
                rest = rest * single(atom) + each
            return single(atom) - root, rest
    return None


def _roots(powers: dict[int, dict[Monomial, Any]], degree: int) -> Iterator[int]:
    """Whole numbers that may be roots: 0, and by the rational root theorem those of one slice of the polynomial."""
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


def _leading(value: Formula) -> Any:
    return value.terms[min(value.terms, key=_order)]


def _order(monomial: Monomial) -> tuple[Any, ...]:
    """Higher degrees first, letters before other atoms, the constant last."""
    return (
        -sum(power for _, power in monomial),
        [(atom.function is not None, str(atom), -power) for atom, power in monomial],
    )


def _sum(value: Value) -> str:
    text = ""
    for monomial in sorted(terms_of(value), key=_order):
        factor = terms_of(value)[monomial]
        size = abs(factor)
        parts = [*([str(size)] if size != 1 or not monomial else []), *(str(a) + _raised(p) for a, p in monomial)]
        sign = (" - " if factor < 0 else " + ") if text else ("-" if factor < 0 else "")
        text += sign + "*".join(parts)
    return text


def _power(factor: tuple[Value, int]) -> str:
    value, power = factor
    return _bracketed(value) + _raised(power)


def _raised(power: int) -> str:
    return f"**{power}" if power > 1 else ""


def _bracketed(value: Value) -> str:
    """The text, in brackets where it is a sum or a product with a number."""
    terms = terms_of(value)
    text = _sum(value)
    return f"({text})" if len(terms) > 1 or text.startswith("-") else text
