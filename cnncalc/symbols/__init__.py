"""Sizes that are letters: formulas that compute like integers, so that one size rule serves both.

A formula is a polynomial with whole coefficients over *atoms*: letters, and what a rule makes of them that is
no polynomial (`floor(H/2)`, `max(a, b)`). Every letter stands for a whole number, 1 or more. What comes to a
plain number is a plain number: `H - H` is the integer 0.

Equal chains of windows are equal formulas, because a floor is brought to one form:

    floor((b·q + r)/b)           = q + floor(r/b)                     every coefficient of r from 0 to b - 1
    floor((g·p + r)/(g·b))       = floor((p + floor(r/g))/b)
    floor((floor(p/b) + c)/e)    = floor((p + b·c)/(b·e))             a floor within a floor is one floor

A whole number k is at most floor(x) exactly where it is at most x. So k ≤ floor((floor(p/b) + c)/e) where
k·e - c ≤ floor(p/b), which is where k·e - c ≤ p/b, and that is k ≤ (p + b·c)/(b·e): the third rule, and
the others follow in the same way. So a chain of convolutions and pools along one axis is always floor((H + a)/b) + c.
"""

from cnncalc.symbols.bounds import bounds, largest
from cnncalc.symbols.formula import Formula, Guard, Value, noting, symbol, symbols_of, total
from cnncalc.symbols.periods import period

__all__ = ["Formula", "Guard", "Value", "bounds", "largest", "noting", "period", "symbol", "symbols_of", "total"]
