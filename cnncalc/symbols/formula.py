"""Formulas: polynomials that compute and compare like integers, so that one size rule serves numbers and symbols."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import reduce
from math import gcd, lcm
from typing import Any

from cnncalc.shape import ShapeError
from cnncalc.symbols.bounds import bounds
from cnncalc.symbols.guards import Guard
from cnncalc.symbols.periods import single_floor
from cnncalc.symbols.polynomial import Atom, Polynomial, Terms, Value, substitute, symbols_of, terms_of
from cnncalc.symbols.text import formula_text

#: Beyond any network; numbers of unbounded length would be slow.
MOST_STRIDE = 10**18

#: A floor of more atoms than this, those within others included, is refused: what follows would grow on.
MOST_WEIGHT = 40

#: No maximum of more formulas than this is given. As many again are compared, since some may be equal.
MOST_CANDIDATES = 6
MOST_COMPARED = 12


#: The value of every symbol at which formulas are compared first.
SAMPLE = 997


class Formula(Polynomial):
    """A polynomial with integer division, remainder, maximum and minimum, each in a normal form.

    A comparison is True or False if it is the same for all values of the symbols, and otherwise a `Guard`.
    """

    __slots__ = ()

    def __floordiv__(self, divisor: int) -> Any:
        if not isinstance(divisor, int):
            return NotImplemented
        scale = lcm(*(Fraction(factor).denominator for factor in self.terms.values()))
        if scale > 1:
            return (self * scale) // (divisor * scale)
        whole, rest = {}, {}
        for monomial, factor in self.terms.items():
            whole[monomial], rest[monomial] = divmod(factor, divisor)
        return simplify_periodic(from_terms(whole) + _floor(rest, divisor))

    def __mod__(self, divisor: int) -> Any:
        return self - self // divisor * divisor

    def __divmod__(self, divisor: int) -> Any:
        return self // divisor, self % divisor

    def clip(self, low: Value | None, high: Value | None) -> Any:
        """Return the formula limited to `low` and `high`; a bound that the formula always satisfies is left out."""
        clipped: Value = self
        if low is not None:
            clipped = _extreme(max, clipped, low)
        if high is not None:
            clipped = _extreme(min, clipped, high)
        return clipped

    def apply(self, function: Callable[..., Any], *more: Value) -> Any:
        """Return the function of this formula as an atom, for a rule that branches on its value.

        The function is called again when numbers are substituted for symbols.
        """
        return self.single(Atom(function.__name__, function, (self, *more)))

    # -- comparisons -----------------------------------------------------------------------------------------

    def __ge__(self, other: Value) -> Any:
        return _at_least_zero(self - other)

    def __gt__(self, other: Value) -> Any:
        return _at_least_zero(self - other - 1)

    def __le__(self, other: Value) -> Any:
        return _at_least_zero(other - self)

    def __lt__(self, other: Value) -> Any:
        return _at_least_zero(other - self - 1)

    def equals(self, other: Value, or_one: bool = False) -> Any:
        """Return whether the formula and `other` are the same number or, with `or_one`, either of them is 1.

        (`==` compares formulas.) If formulas with a constant nonzero difference may be 1, the guard is marked as
        `stretched`.
        """
        gap = self - other
        if not isinstance(gap, Formula):
            if not or_one or not gap:
                return bool(gap == 0)
            return Guard(self - 1, True, (from_terms(terms_of(other - 1)),), stretched=True)
        low, high = bounds(gap)
        if not or_one and ((low is not None and low > 0) or (high is not None and high < 0)):
            return False
        ones = [size - 1 for size in (self, other) if isinstance(size, Formula)] if or_one else []
        return Guard(gap, True, tuple(ones))

    # -- text --------------------------------------------------------------------------------------------

    def __format__(self, form: str) -> str:
        """Return the text, with each number formatted by `form` (`,` groups thousands)."""
        text = str(self)
        return re.sub(r"\d+", lambda number: format(int(number.group()), form), text) if form else text

    def __str__(self) -> str:
        if self._text is None:
            self._text = formula_text(self)
        return self._text


from_terms = Formula.from_terms


def symbol(name: str) -> Formula:
    """Return the formula of a symbol, which stands for a positive integer."""
    return Formula({((Atom(name), 1),): 1})


def total(values: Iterable[Value]) -> Value:
    """Return the sum of the values; it is faster than adding them one by one."""
    terms: Terms = {}
    for value in values:
        for monomial, factor in terms_of(value).items():
            terms[monomial] = terms.get(monomial, 0) + factor
    result: Value = from_terms(terms)
    return result


def largest(values: Iterable[Value]) -> Value | None:
    """Return the largest value, or `max(…)` of the candidates if it depends on the symbols.

    Return None if there are too many candidates.
    """
    given = {value: position for position, value in enumerate(dict.fromkeys(values))}
    # What is the larger at one place is not the smaller everywhere: so most are compared with the first alone.
    sizes = {value: substitute(value, dict.fromkeys(symbols_of([value]), SAMPLE)) for value in given}
    left: list[Value] = []
    for value in sorted(given, key=lambda value: (-sizes[value], given[value])):
        if not any(_never_above(value, other) for other in left):
            equal = {other for other in left if sizes[other] == sizes[value] and _never_above(other, value)}
            left = [*(other for other in left if other not in equal), value]
        if len(left) > MOST_COMPARED:
            return None
    if len(left) > MOST_CANDIDATES:
        return None
    first, *others = sorted(left, key=lambda value: (not isinstance(value, Formula), given[value]))
    return Formula.single(Atom("max", _max, (first, *others))) if others else first


def _never_above(value: Value, other: Value) -> bool:
    low, _ = bounds(other - value)
    return low is not None and bool(low >= 0)


def _at_least_zero(value: Any) -> Any:
    """Return whether a value is 0 or more: True, False, or a guard if that depends on its symbols."""
    if not isinstance(value, Formula):
        return value >= 0
    low, high = bounds(value)
    if low is not None and low >= 0:
        return True
    if high is not None and high < 0:
        return False
    return Guard(value)


# -- the one form of a floor, a maximum and a minimum --------------------------------------------------------


def _floor(rest: Terms, divisor: int) -> Any:
    """Return the normal form of floor(rest/divisor), for coefficients from 0 to divisor - 1."""
    constant = rest.get((), 0)
    varying = {monomial: factor for monomial, factor in rest.items() if monomial and factor}
    if divisor > MOST_STRIDE or sum([atom.weight for monomial in varying for atom, _ in monomial]) > MOST_WEIGHT:
        fact = "strides of over 10^18" if divisor > MOST_STRIDE else "too long a formula"
        help = "give the shape of the input in numbers"
        raise ShapeError("E210", "the size of `{layer}` cannot be written in letters", fact, help=help)
    common = gcd(divisor, *varying.values())
    divisor //= common
    whole = from_terms({monomial: factor // common for monomial, factor in varying.items()})
    if divisor == 1 or not varying:
        return whole + constant // common
    top = whole + constant // common
    if len(varying) == 1:
        ((monomial, factor),) = varying.items()
        atom, power = monomial[0]
        if len(monomial) == 1 and power == 1 and factor == common and atom.name == "floor":
            inner, step = atom.arguments
            return (inner + step * (constant // common)) // (step * divisor)
    return Formula.single(Atom("floor", _floor_of, (top, divisor)))


def _floor_of(top: Any, bottom: int) -> Any:
    return top // bottom


def simplify_periodic(value: Any) -> Any:
    """Return the value as one floor((H + a)/b) if it has a max or min and is equal to such a floor."""
    short = single_floor(value) if isinstance(value, Formula) else None
    if isinstance(short, tuple):
        name, offset, step = short
        return (symbol(name) + offset) // step
    return value if short is None else short


def _extreme(function: Callable[..., Any], value: Value, bound: Value) -> Any:
    """Return the max or min of two values, or one of them if it is the result for all values of the symbols."""
    low, high = bounds(value - bound)
    if function is min:
        value, bound = bound, value
    if low is not None and low >= 0:
        return value
    if high is not None and high <= 0:
        return bound
    first, second = sorted((value, bound), key=lambda each: (not isinstance(each, Formula), str(each)))
    again = _max if function is max else _min
    return simplify_periodic(Formula.single(Atom(function.__name__, again, (first, second))))


def _max(*values: Value) -> Any:
    return reduce(lambda left, right: _extreme(max, left, right), values)


def _min(*values: Value) -> Any:
    return reduce(lambda left, right: _extreme(min, left, right), values)
