"""Sizes that are symbols: formulas that compute like integers, so that one size rule serves both.

A formula is a polynomial with integer coefficients over *atoms*: symbols, and functions that are not polynomials
(`floor(H/2)`, `max(a, b)`). Every symbol stands for a positive integer. A formula whose symbols cancel is a plain
number: `H - H` is the integer 0.

Equal chains of windows are equal formulas, because a floor has a normal form:

    floor((b·q + r)/b)           = q + floor(r/b)                     every coefficient of r from 0 to b - 1
    floor((g·p + r)/(g·b))       = floor((p + floor(r/g))/b)
    floor((floor(p/b) + c)/e)    = floor((p + b·c)/(b·e))             a floor within a floor is one floor

An integer k is at most floor(x) if and only if it is at most x. So k ≤ floor((floor(p/b) + c)/e) if and only if
k·e - c ≤ floor(p/b), that is k·e - c ≤ p/b, that is k ≤ (p + b·c)/(b·e): this is the third rule, and the others
follow in the same way. So a chain of convolutions and pools along one axis is always floor((H + a)/b) + c.

The modules, each above those it imports: polynomial (terms, sums, products), then text, bounds, periods and guards,
then formula (division, comparisons), then constraints (the sizes that fit).
"""

from cnncalc.symbols.bounds import bounds
from cnncalc.symbols.formula import Formula, largest, simplify_periodic, symbol, total
from cnncalc.symbols.guards import Guard
from cnncalc.symbols.periods import period
from cnncalc.symbols.polynomial import Value, exact_quotient, substitute, symbols_of

__all__ = [
    "Formula", "Guard", "Value", "bounds", "exact_quotient", "largest", "period", "simplify_periodic", "substitute",
    "symbol", "symbols_of", "total",
]  # fmt: skip
