"""The formula as a value: its terms, its arithmetic, and the comparisons that it leaves open."""

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

#: Beyond any network; numbers of unbounded length would be slow.
MOST_STRIDE = 10**18

#: A floor of more atoms than this, those within others included, is refused: what follows would grow on.
MOST_WEIGHT = 40


class Atom(NamedTuple):
    """A letter, or a function of formulas: what a polynomial has powers of."""

    name: str
    function: Callable[..., Any] | None = None
    arguments: tuple[Value, ...] = ()

    def __str__(self) -> str:
        if self.function is None:
            return self.name
        from cnncalc.symbols.text import function_text

        return function_text(self.name, self.arguments)

    @property
    def weight(self) -> int:
        return 1 + sum([each.weight for each in self.arguments if isinstance(each, Formula)])

    def value(self, numbers: Mapping[str, Value]) -> Value:
        """What it comes to with numbers in place of letters, where there are any for them."""
        if self.function is None:
            return numbers.get(self.name, Formula({((self, 1),): 1}))
        arguments = [value_at(each, numbers) for each in self.arguments]
        found: Value = self.function(*arguments)
        return found


#: Atoms with their powers, in the order of their names; () is the constant term.
Monomial = tuple[tuple[Atom, int], ...]


class Guard(NamedTuple):
    """What has to hold for a formula to be right: that `formula` is at least 0 or, where `zero`, is 0.

    Or that one of the `others` is 0: an axis of size 1 fits any.
    """

    formula: Formula
    zero: bool = False
    others: tuple[Formula, ...] = ()

    def holds(self, numbers: Mapping[str, Value]) -> bool:
        value = value_at(self.formula, numbers)
        assert not isinstance(value, Formula), f"a letter of {self} has no number"
        return (value == 0 if self.zero else value >= 0) or any(value_at(other, numbers) == 0 for other in self.others)

    def __str__(self) -> str:
        letters: dict[Monomial, Any] = {}
        rest: dict[Monomial, Any] = {}
        for monomial, factor in self.formula.terms.items():
            (letters if factor > 0 else rest)[monomial] = factor
        return f"{from_terms(letters)} {'=' if self.zero else '>='} {-from_terms(rest)}"


class UndecidedComparison:
    """A comparison that letters leave open. It has no truth: `shape.statically_known` takes note of it and goes on."""

    def __init__(self, otherwise: Guard) -> None:
        self.otherwise = otherwise

    def left_open(self) -> None:
        """Take for granted that the comparison does not hold."""
        if _NOTED:
            _NOTED[-1][self.otherwise] = None

    def __bool__(self) -> bool:
        raise TypeError(f"whether {self.otherwise} is not known of letters")


_NOTED: list[dict[Guard, None]] = []


@contextmanager
def noting() -> Iterator[dict[Guard, None]]:
    """Gather the conditions that the rules take for granted, each once, in order."""
    _NOTED.append({})
    try:
        yield _NOTED[-1]
    finally:
        _NOTED.pop()


class Formula:
    """A polynomial over atoms that is no plain number. A frozen value; equal formulas have equal terms."""

    __slots__ = ("_hash", "_text", "_weight", "terms")

    def __init__(self, terms: dict[Monomial, Any]) -> None:
        self.terms = terms
        # Few formulas are ever asked for these.
        self._hash: int | None = None
        self._text: str | None = None
        self._weight: int | None = None

    @property
    def weight(self) -> int:
        """How many atoms stand in it, those within atoms included."""
        if self._weight is None:
            self._weight = sum([atom.weight for monomial in self.terms for atom, _ in monomial])
        return self._weight

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Formula) and self.terms == other.terms

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(frozenset(self.terms.items()))
        return self._hash

    # -- arithmetic: what the size rules use ---------------------------------------------------------

    def __add__(self, other: Value) -> Any:
        if isinstance(other, int) and other == 0:
            return self
        terms = dict(self.terms)
        for monomial, factor in terms_of(other).items():
            terms[monomial] = terms.get(monomial, 0) + factor
        return from_terms(terms)

    __radd__ = __add__

    def __neg__(self) -> Any:
        return Formula({monomial: -factor for monomial, factor in self.terms.items()})

    def __sub__(self, other: Value) -> Any:
        return self + -other

    def __rsub__(self, other: Value) -> Any:
        return -self + other

    def __mul__(self, other: Value) -> Any:
        if isinstance(other, int) and other == 1:
            return self
        terms: dict[Monomial, Any] = {}
        for left, a in self.terms.items():
            for right, b in terms_of(other).items():
                product = _times(left, right)
                terms[product] = terms.get(product, 0) + a * b
        return from_terms(terms)

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
        from cnncalc.symbols.periods import simplify_periodic

        return simplify_periodic(from_terms(whole) + _floor(rest, divisor))

    def __mod__(self, divisor: int) -> Any:
        return self - self // divisor * divisor

    def __divmod__(self, divisor: int) -> Any:
        return self // divisor, self % divisor

    def clip(self, low: Value | None, high: Value | None) -> Any:
        """Not below `low` nor above `high`; without a bound that the letters cannot pass."""
        from cnncalc.symbols.bounds import farther

        found: Value = self
        if low is not None:
            found = farther(max, found, low)
        if high is not None:
            found = farther(min, found, high)
        return found

    def apply(self, function: Callable[..., Any], *more: Value) -> Any:
        """The function of this formula as an atom, where the rule branches on its value.

        It is called again with numbers in place of letters.
        """
        return single(Atom(function.__name__, function, (self, *more)))

    # -- comparisons: decided where all letters agree, else left open ------------------------------------

    def __lt__(self, other: Value) -> Any:
        return self._is_negative(self - other)

    def __le__(self, other: Value) -> Any:
        return self._is_negative(self - other - 1)

    def __gt__(self, other: Value) -> Any:
        return self._is_negative(other - self)

    def __ge__(self, other: Value) -> Any:
        return self._is_negative(other - self - 1)

    @staticmethod
    def _is_negative(value: Value) -> Any:
        """Whether the value is below 0: true, false, or left open."""
        if not isinstance(value, Formula):
            return value < 0
        from cnncalc.symbols.bounds import bounds

        low, high = bounds(value)
        if high is not None and high < 0:
            return True
        if low is not None and low >= 0:
            return False
        return UndecidedComparison(Guard(value))

    def known_unequal(self, other: Value, unless_one: bool = False) -> Any:
        """Whether it is another number than `other` and, with `unless_one`, neither is 1.

        (`!=` asks whether it is another formula.) Formulas that are always as far apart count as different, though
        there may be a number that makes one of them 1: that is no network to have meant.
        """
        gap = self - other
        if not isinstance(gap, Formula):
            return gap != 0
        from cnncalc.symbols.bounds import bounds

        low, high = bounds(gap)
        if not unless_one and ((low is not None and low > 0) or (high is not None and high < 0)):
            return True
        ones = [size - 1 for size in (self, other) if isinstance(size, Formula)] if unless_one else []
        return UndecidedComparison(Guard(gap, True, tuple(ones)))

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
                found |= symbols_of(atom.arguments) if atom.function else {atom.name}
        return found

    def __format__(self, form: str) -> str:
        """The text, with each number in it in that form (`,` marks thousands)."""
        text = str(self)
        return re.sub(r"\d+", lambda number: format(int(number.group()), form), text) if form else text

    def __str__(self) -> str:
        if self._text is None:
            from cnncalc.symbols.text import formula_text

            self._text = formula_text(self)
        return self._text

    def __repr__(self) -> str:
        return f"<{self}>"


def symbol(name: str) -> Formula:
    """The formula that is a letter."""
    return Formula({((Atom(name), 1),): 1})


def symbols_of(values: Any) -> set[str]:
    """The letters in any of the values; those that are plain numbers have none."""
    return {name for value in values if isinstance(value, Formula) for name in value.letters}


def total(values: Iterable[Value]) -> Value:
    """The sum of many values, gathered at once."""
    terms: dict[Monomial, Any] = {}
    for value in values:
        for monomial, factor in terms_of(value).items():
            terms[monomial] = terms.get(monomial, 0) + factor
    found: Value = from_terms(terms)
    return found


# -- the inside: terms and monomials -------------------------------------------------------------------


def terms_of(value: Value) -> dict[Monomial, Any]:
    return value.terms if isinstance(value, Formula) else {(): value} if value else {}


def from_terms(terms: dict[Monomial, Any]) -> Any:
    """The value of terms: a plain number where no letter is left."""
    terms = {monomial: plain_number(factor) for monomial, factor in terms.items() if factor}
    return Formula(terms) if terms.keys() - {()} else terms.get((), 0)


def plain_number(number: Any) -> Any:
    return number.numerator if number.denominator == 1 else number


def single(atom: Atom) -> Formula:
    return Formula({((atom, 1),): 1})


def _times(left: Monomial, right: Monomial) -> Monomial:
    if not left or not right:
        return left or right
    powers = dict(left)
    for atom, power in right:
        powers[atom] = powers.get(atom, 0) + power
    return tuple(sorted(powers.items(), key=lambda each: (each[0].function is not None, str(each[0]))))


def value_at(value: Value, numbers: Mapping[str, Value]) -> Value:
    return value.at(numbers) if isinstance(value, Formula) else value


def _floor(rest: dict[Monomial, Any], divisor: int) -> Any:
    """floor(rest/divisor) in its one form, for coefficients from 0 to divisor - 1."""
    constant = rest.get((), 0)
    varying = {monomial: factor for monomial, factor in rest.items() if monomial and factor}
    if divisor > MOST_STRIDE or sum([atom.weight for monomial in varying for atom, _ in monomial]) > MOST_WEIGHT:
        fact = "strides of over 10^18" if divisor > MOST_STRIDE else "too long a formula"
        help = "give the shape of the input in numbers"
        raise ShapeError("E210", "the size of `{layer}` cannot be told in letters", fact, help=help)
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
    return single(Atom("floor", floor_of, (top, divisor)))


def floor_of(top: Value, bottom: int) -> Any:
    return top // bottom
