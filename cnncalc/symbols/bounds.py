"""Bounds of a value that hold for every value of its symbols."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from cnncalc.symbols.polynomial import Atom, Polynomial, Value, symbols_of, terms_of


def bounds(value: Value) -> tuple[Any, Any]:
    """Return a lower and an upper bound of the value; None in place of a bound that was not found.

    A floor lies between (p - b + 1)/b and p/b. With these, the value is bounded by a polynomial in symbols, each 1 + h
    with h at least 0: if no coefficient in the h is negative, the constant term is the least value.
    """
    if not isinstance(value, Polynomial):
        return value, value
    below, above = _relaxed(value, up=False), _relaxed(-value, up=False)
    low = None if below is None else _least(below)
    high = None if above is None else _least(above)
    return low, None if high is None else -high


def _relaxed(value: Value, up: bool) -> Any:
    """Return a polynomial in symbols alone that bounds the value from above (`up`) or below; None if none is found."""
    value = _without_floors(value, up)
    total: Value = 0
    if not any(atom.function for monomial in terms_of(value) for atom, _ in monomial):
        return value
    for monomial, factor in terms_of(value).items():
        term: Value = Fraction(factor)
        symbols = [(atom, power) for atom, power in monomial if atom.function is None]
        others = [atom for atom, power in monomial for _ in range(power) if atom.function is not None]
        term = term * Polynomial.from_terms({tuple(symbols): 1})
        rising = up == (factor > 0)
        if len(others) > 1 and not rising:
            # No atom is negative: the product is at least 0.
            if any(atom.name != "floor" for atom in others):
                return None
            continue
        for atom in others:
            bound = _atom_bound(atom, rising)
            if bound is None:
                return None
            term = term * bound
        total = total + term
    return total


def _without_floors(value: Value, up: bool) -> Value:
    """Return the value with each floor that is a term by itself replaced by its bound.

    The outermost floor is replaced first: its parts may cancel against other terms.
    """
    while floors := [
        (monomial[0][0], factor)
        for monomial, factor in terms_of(value).items()
        if len(monomial) == 1 and monomial[0][1] == 1 and monomial[0][0].name == "floor"
    ]:
        atom, factor = max(floors, key=lambda each: each[0].weight)
        top, bottom = atom.arguments
        assert isinstance(bottom, int)
        least = top if up == (factor > 0) else top - bottom + 1
        value = value - factor * Polynomial.single(atom) + least * Fraction(factor, bottom)
    return value


def _atom_bound(atom: Atom, up: bool) -> Any:
    if atom.name == "floor":
        top, bottom = atom.arguments
        bound = _relaxed(top, up)
        assert isinstance(bottom, int)
        return None if bound is None else (bound - (0 if up else bottom - 1)) * Fraction(1, bottom)
    if atom.name not in ("max", "min"):
        return None
    each = [_relaxed(argument, up) for argument in atom.arguments]
    if (atom.name == "max") != up:
        return each[0]
    if any(bound is None for bound in each):
        return None
    # Of bounds that are a number apart, one is the farthest whatever the symbols are.
    apart = [bound - each[0] for bound in each]
    return None if symbols_of(apart) else each[0] + (max if up else min)(apart)


def _least(polynomial: Value) -> Any:
    """Return a lower bound of a polynomial in symbols, each 1 or more; None if this method finds none."""
    if not isinstance(polynomial, Polynomial):
        return polynomial
    if all(factor > 0 for monomial, factor in polynomial.terms.items() if monomial):
        return sum(polynomial.terms.values())
    if all(sum(power for _, power in monomial) < 2 for monomial in polynomial.terms):
        return None
    shifted = polynomial.substitute({name: polynomial.single(Atom(name)) + 1 for name in polynomial.symbols})
    terms = terms_of(shifted)
    return terms.get((), 0) if all(factor >= 0 for monomial, factor in terms.items() if monomial) else None
