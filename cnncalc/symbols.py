"""Sizes that are letters: formulas that compute like integers, so that one size rule serves both.

A formula is a polynomial with whole coefficients over *atoms*: letters, and what a rule makes of them that is
no polynomial (`floor(H/2)`, `max(a, b)`). Every letter stands for a whole number, 1 or more. What comes to a
plain number is a plain number: `H - H` is the integer 0.

Equal chains of windows are equal formulas, because a floor is brought to one form:

    floor((b·q + r)/b)           = q + floor(r/b)                     every coefficient of r from 0 to b - 1
    floor((g·p + r)/(g·b))       = floor((p + floor(r/g))/b)
    floor((floor(p/b) + c)/e)    = floor((p + b·c)/(b·e))             a floor within a floor is one floor

The second and third are R. Graham, D. Knuth, O. Patashnik, Concrete Mathematics, (3.10) and (3.11). So a chain
of convolutions and pools along one axis is always floor((H + a)/b) + c.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from functools import reduce
from math import gcd, lcm
from typing import Any, NamedTuple, Union

from cnncalc.shape import ShapeError

#: What computes like a size.
Value = Union[int, Fraction, "Formula"]

#: So many values of a periodic formula are compared, to find a shorter form of it.
LONGEST_PERIOD = 4096

#: A maximum of more than so many formulas is no answer.
MOST_CANDIDATES = 6

#: Beyond any network; numbers of unbounded length would be slow.
MOST_STRIDE = 10**18

#: A longer sum is written out as it is: no product is looked for.
LONGEST_PRODUCT = 64


class Atom(NamedTuple):
    """A letter, or a function of formulas: what a polynomial has powers of."""

    name: str
    function: Callable[..., Any] | None = None
    arguments: tuple[Value, ...] = ()

    def __str__(self) -> str:
        if self.function is None:
            return self.name
        if self.name == "floor":
            top, bottom = self.arguments
            return f"floor({_bracketed(top)}/{bottom})"
        return f"{self.name}({', '.join(map(str, self.arguments))})"

    def value(self, numbers: Mapping[str, Value]) -> Value:
        """What it comes to with numbers in place of letters, where there are any for them."""
        if self.function is None:
            return numbers.get(self.name, Formula({((self, 1),): 1}))
        arguments = [_at(each, numbers) for each in self.arguments]
        found: Value = self.function(*arguments)
        return found


#: Atoms with their powers, in the order of their names; () is the constant term.
Monomial = tuple[tuple[Atom, int], ...]


class Condition(NamedTuple):
    """What has to hold for a formula to be right: that `formula` is at least 0 or, where `zero`, is 0.

    Or that one of the `others` is 0: an axis of size 1 fits any.
    """

    formula: Formula
    zero: bool = False
    others: tuple[Formula, ...] = ()

    def holds(self, numbers: Mapping[str, Value]) -> bool:
        value = _at(self.formula, numbers)
        assert not isinstance(value, Formula), f"a letter of {self} has no number"
        return (value == 0 if self.zero else value >= 0) or any(_at(other, numbers) == 0 for other in self.others)

    def __str__(self) -> str:
        letters, rest = {}, {}
        for monomial, factor in self.formula.terms.items():
            (letters if factor > 0 else rest)[monomial] = factor
        return f"{_made(letters)} {'=' if self.zero else '>='} {-_made(rest)}"


class Comparison:
    """A comparison that letters leave open. It has no truth: `shape.certainly` takes note of it and goes on."""

    def __init__(self, otherwise: Condition) -> None:
        self.otherwise = otherwise

    def left_open(self) -> None:
        """Take for granted that the comparison does not hold."""
        if _NOTED:
            _NOTED[-1][self.otherwise] = None

    def __bool__(self) -> bool:
        raise TypeError(f"whether {self.otherwise} is not known of letters")


_NOTED: list[dict[Condition, None]] = []


@contextmanager
def noting() -> Iterator[dict[Condition, None]]:
    """Gather the conditions that the rules take for granted, each once, in order."""
    _NOTED.append({})
    try:
        yield _NOTED[-1]
    finally:
        _NOTED.pop()


class Formula:
    """A polynomial over atoms that is no plain number. A frozen value; equal formulas have equal terms."""

    __slots__ = ("_hash", "terms")

    def __init__(self, terms: dict[Monomial, Any]) -> None:
        self.terms = terms
        self._hash = hash(frozenset(terms.items()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Formula) and self.terms == other.terms

    def __hash__(self) -> int:
        return self._hash

    # -- arithmetic: what the size rules use ---------------------------------------------------------

    def __add__(self, other: Value) -> Any:
        terms = dict(self.terms)
        for monomial, factor in _terms(other).items():
            terms[monomial] = terms.get(monomial, 0) + factor
        return _made(terms)

    __radd__ = __add__

    def __neg__(self) -> Any:
        return Formula({monomial: -factor for monomial, factor in self.terms.items()})

    def __sub__(self, other: Value) -> Any:
        return self + -other

    def __rsub__(self, other: Value) -> Any:
        return -self + other

    def __mul__(self, other: Value) -> Any:
        terms: dict[Monomial, Any] = {}
        for left, a in self.terms.items():
            for right, b in _terms(other).items():
                product = _times(left, right)
                terms[product] = terms.get(product, 0) + a * b
        return _made(terms)

    __rmul__ = __mul__

    def __pow__(self, power: int) -> Any:
        return reduce(lambda product, _: product * self, range(power), 1)

    def __truediv__(self, divisor: int) -> Any:
        return self * Fraction(1, divisor)

    def __floordiv__(self, divisor: int) -> Any:
        if not isinstance(divisor, int):
            return NotImplemented
        scale = lcm(*(Fraction(factor).denominator for factor in self.terms.values()))
        if scale > 1:
            return (self * scale) // (divisor * scale)
        whole, rest = {}, {}
        for monomial, factor in self.terms.items():
            whole[monomial], rest[monomial] = divmod(factor, divisor)
        return _settled(_made(whole) + _floor(rest, divisor))

    def __mod__(self, divisor: int) -> Any:
        return self - self // divisor * divisor

    def __divmod__(self, divisor: int) -> Any:
        return self // divisor, self % divisor

    def clip(self, low: Value | None, high: Value | None) -> Any:
        """Not below `low` nor above `high`; without a bound that the letters cannot pass."""
        found: Value = self
        if low is not None:
            found = _farther(max, found, low)
        if high is not None:
            found = _farther(min, found, high)
        return found

    def apply(self, function: Callable[..., Any], *more: Value) -> Any:
        """The function of this formula as an atom, where the rule branches on its value.

        It is called again with numbers in place of letters.
        """
        return _single(Atom(function.__name__, function, (self, *more)))

    # -- comparisons: decided where all letters agree, else left open ------------------------------------

    def __lt__(self, other: Value) -> Any:
        return _is_negative(self - other)

    def __le__(self, other: Value) -> Any:
        return _is_negative(self - other - 1)

    def __gt__(self, other: Value) -> Any:
        return _is_negative(other - self)

    def __ge__(self, other: Value) -> Any:
        return _is_negative(other - self - 1)

    def differs(self, other: Value, unless_one: bool = False) -> Any:
        """Whether it is another number than `other`, and neither is 1. (`!=` asks whether it is another formula.)"""
        gap = self - other
        if not isinstance(gap, Formula):
            return gap != 0
        low, high = bounds(gap)
        if not unless_one and ((low is not None and low > 0) or (high is not None and high < 0)):
            return True
        ones = [size - 1 for size in (self, other) if isinstance(size, Formula)] if unless_one else []
        return Comparison(Condition(gap, True, tuple(ones)))

    # -- values and text -----------------------------------------------------------------------------

    def at(self, numbers: Mapping[str, Value]) -> Value:
        """The value with numbers in place of letters; a formula still where a letter has none."""
        total: Value = 0
        for monomial, factor in self.terms.items():
            term: Value = factor
            for atom, power in monomial:
                value = atom.value(numbers)
                for _ in range(power):
                    term = term * value
            total = total + term
        return total

    @property
    def letters(self) -> set[str]:
        found: set[str] = set()
        for monomial in self.terms:
            for atom, _ in monomial:
                found |= letters_of(atom.arguments) if atom.function else {atom.name}
        return found

    def __format__(self, form: str) -> str:
        """The text, with each number in it in that form (`,` marks thousands)."""
        text = str(self)
        return re.sub(r"\d+", lambda number: format(int(number.group()), form), text) if form else text

    def __str__(self) -> str:
        common, factors = factored(self)
        parts = [*([str(common)] if common not in (1, -1) or not factors else []), *map(_power, factors)]
        if len(factors) == 1 and factors[0][1] == 1:
            return _sum(self)
        return ("-" if common == -1 else "") + "*".join(parts)

    def __repr__(self) -> str:
        return f"<{self}>"


def letter(name: str) -> Formula:
    """The formula that is a letter."""
    return Formula({((Atom(name), 1),): 1})


def letters_of(values: Any) -> set[str]:
    """The letters in any of the values; those that are plain numbers have none."""
    return {name for value in values if isinstance(value, Formula) for name in value.letters}


def largest(values: Iterable[Value]) -> Value | None:
    """The largest of sizes: `max(…)` of those that may be it where letters leave that open, None where these are many."""
    left: list[Value] = []
    for value in dict.fromkeys(values):
        if not any(_never_above(value, other) for other in left):
            left = [*(other for other in left if not _never_above(other, value)), value]
        if len(left) > MOST_CANDIDATES:
            return None
    first, *others = sorted(left, key=lambda value: not isinstance(value, Formula))
    return _single(Atom("max", _max, (first, *others))) if others else first


def total(values: Iterable[Value]) -> Value:
    """The sum of many values, gathered at once."""
    terms: dict[Monomial, Any] = {}
    for value in values:
        for monomial, factor in _terms(value).items():
            terms[monomial] = terms.get(monomial, 0) + factor
    found: Value = _made(terms)
    return found


# -- the inside: terms and monomials -------------------------------------------------------------------


def _terms(value: Value) -> dict[Monomial, Any]:
    return value.terms if isinstance(value, Formula) else {(): value} if value else {}


def _made(terms: dict[Monomial, Any]) -> Any:
    """The value of terms: a plain number where no letter is left."""
    terms = {monomial: _plain(factor) for monomial, factor in terms.items() if factor}
    return Formula(terms) if terms.keys() - {()} else terms.get((), 0)


def _plain(number: Any) -> Any:
    return number.numerator if number.denominator == 1 else number


def _single(atom: Atom) -> Formula:
    return Formula({((atom, 1),): 1})


def _times(left: Monomial, right: Monomial) -> Monomial:
    if not left or not right:
        return left or right
    powers = dict(left)
    for atom, power in right:
        powers[atom] = powers.get(atom, 0) + power
    return tuple(sorted(powers.items(), key=lambda each: (each[0].function is not None, str(each[0]))))


def _at(value: Value, numbers: Mapping[str, Value]) -> Value:
    return value.at(numbers) if isinstance(value, Formula) else value


def _floor(rest: dict[Monomial, Any], divisor: int) -> Any:
    """floor(rest/divisor) in its one form, for coefficients from 0 to divisor - 1."""
    constant = rest.get((), 0)
    varying = {monomial: factor for monomial, factor in rest.items() if monomial and factor}
    if divisor > MOST_STRIDE:
        help = "give the shape of the input in numbers"
        raise ShapeError("E210", "the size of `{layer}` cannot be told in letters", "strides of over 10^18", help=help)
    common = gcd(divisor, *varying.values())
    divisor //= common
    if divisor == 1 or not varying:
        return _made({monomial: factor // common for monomial, factor in varying.items()}) + constant // common // divisor
    top = _made({**{monomial: factor // common for monomial, factor in varying.items()}, (): constant // common})
    if len(varying) == 1:
        (monomial, factor), = varying.items()
        atom, power = monomial[0]
        if len(monomial) == 1 and power == 1 and factor == common and atom.name == "floor":
            inner, step = atom.arguments
            return (inner + step * (constant // common)) // (step * divisor)  # type: ignore[operator]
    return _single(Atom("floor", _floor_of, (top, divisor)))


def _floor_of(top: Value, bottom: int) -> Any:
    return top // bottom


def _farther(function: Callable[..., Any], value: Value, bound: Value) -> Any:
    """max or min of two sizes; one of them where the letters cannot make it the other."""
    low, high = bounds(value - bound)
    if function is min:
        value, bound = bound, value
    if low is not None and low >= 0:
        return value
    if high is not None and high <= 0:
        return bound
    first, second = sorted((value, bound), key=lambda each: (not isinstance(each, Formula), str(each)))
    return _settled(_single(Atom(function.__name__, _later(function), (first, second))))


def _later(function: Callable[..., Any]) -> Callable[..., Any]:
    return _LATER[function]


def _max(*values: Value) -> Any:
    return reduce(lambda left, right: _farther(max, left, right), values)


def _min(*values: Value) -> Any:
    return reduce(lambda left, right: _farther(min, left, right), values)


_LATER: dict[Callable[..., Any], Callable[..., Any]] = {max: _max, min: _min}


# -- bounds ----------------------------------------------------------------------------------------------


def bounds(value: Value) -> tuple[Any, Any]:
    """Numbers that the value is never below and never above; None where none was found.

    A floor lies within (p - b + 1)/b and p/b. What that leaves is a polynomial in letters, each 1 + h with h at
    least 0: where no coefficient in the h is negative, its constant is the least value.
    """
    if not isinstance(value, Formula):
        return value, value
    below, above = _relaxed(value, up=False), _relaxed(-value, up=False)
    low = None if below is None else _least(below)
    high = None if above is None else _least(above)
    return low, None if high is None else -high


def _relaxed(value: Value, up: bool) -> Any:
    """A polynomial in letters alone that is never below (`up`) or never above the value; None if there is none."""
    total: Value = 0
    for monomial, factor in _terms(value).items():
        term: Value = Fraction(factor)
        letters = [(atom, power) for atom, power in monomial if atom.function is None]
        others = [atom for atom, power in monomial for _ in range(power) if atom.function is not None]
        term = term * _made({tuple(letters): 1})
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


def _atom_bound(atom: Atom, up: bool) -> Any:
    if atom.name == "floor":
        top, bottom = atom.arguments
        bound = _relaxed(top, up)
        assert isinstance(bottom, int)
        return None if bound is None else (bound - (0 if up else bottom - 1)) * Fraction(1, bottom)
    if (atom.name == "max" and not up) or (atom.name == "min" and up):
        return _relaxed(atom.arguments[0], up)
    return None


def _least(polynomial: Value) -> Any:
    if not isinstance(polynomial, Formula):
        return polynomial
    shifted = polynomial.at({name: letter(name) + 1 for name in polynomial.letters})
    terms = _terms(shifted)
    return terms.get((), 0) if all(factor >= 0 for monomial, factor in terms.items() if monomial) else None


def _is_negative(value: Value) -> Any:
    """Whether the value is below 0: true, false, or left open."""
    if not isinstance(value, Formula):
        return value < 0
    low, high = bounds(value)
    if high is not None and high < 0:
        return True
    if low is not None and low >= 0:
        return False
    return Comparison(Condition(value))


def _never_above(value: Value, other: Value) -> bool:
    low, _ = bounds(other - value)
    return low is not None and low >= 0


# -- periods: what a formula of one letter repeats -------------------------------------------------------


def period(value: Value) -> tuple[int, int] | None:
    """(p, q) with f(N + p) = f(N) + q for every N, of a formula in one letter; None where there are no such.

    Every size along an axis has them: strides multiply p, and upsampling multiplies q.
    """
    steps, gains = 1, Fraction(0)
    for monomial, factor in _terms(value).items():
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


def _settled(value: Any) -> Any:
    """The value as one floor((H + a)/b) where a max or min in it comes to that: found on one period, which proves it."""
    if not isinstance(value, Formula) or len(value.letters) != 1 or not _has_extremes(value):
        return value
    repeats = period(value)
    if repeats is None or repeats[0] > LONGEST_PERIOD:
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
        return (letter(name) + offset) // step
    return value


def _has_extremes(value: Value) -> bool:
    return isinstance(value, Formula) and any(
        atom.name in ("max", "min") or any(map(_has_extremes, atom.arguments))
        for monomial in value.terms
        for atom, _ in monomial
    )


# -- text ------------------------------------------------------------------------------------------------


def factored(value: Formula) -> tuple[Any, list[tuple[Value, int]]]:
    """The value as a number times powers of formulas: 432·(H − 2)·(W − 2), from its product written out."""
    numbers = [Fraction(factor) for factor in value.terms.values()]
    common = Fraction(gcd(*(n.numerator for n in numbers)), lcm(*(n.denominator for n in numbers)))
    rest = value * (1 / common)
    found: dict[Value, int] = {}
    short = len(value.terms) <= LONGEST_PRODUCT
    for atom in sorted({atom for monomial in value.terms for atom, _ in monomial} if short else (), key=str):
        while isinstance(rest, Formula) and (divided := _without_root(rest, atom)) is not None:
            factor, rest = divided
            found[factor] = found.get(factor, 0) + 1
    if isinstance(rest, Formula):
        if found and _leading(rest) < 0:
            common, rest = -common, -rest
        found[rest] = found.get(rest, 0) + 1
    else:
        common *= rest
    return _plain(common), sorted(found.items(), key=lambda each: (len(_terms(each[0])) > 1 and len(found) > 9, ""))


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
    coefficients = [_made(powers.get(power, {})) for power in range(degree + 1)]
    for root in _roots(powers, degree):
        # Horner's rule: the quotient's coefficients, and the remainder behind them.
        quotient: list[Value] = [coefficients[-1]]
        for each in reversed(coefficients[:-1]):
            quotient.append(each + quotient[-1] * root)
        if quotient.pop() == 0:
            rest: Value = 0
            for each in quotient:
                rest = rest * _single(atom) + each
            return _single(atom) - root, rest
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
    for monomial in sorted(_terms(value), key=_order):
        factor = _terms(value)[monomial]
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
    terms = _terms(value)
    text = _sum(value)
    return f"({text})" if len(terms) > 1 or text.startswith("-") else text
