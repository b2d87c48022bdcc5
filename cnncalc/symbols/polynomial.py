"""Polynomials over symbols and functions of them: terms, sums and products. This is the base of `Formula`.

A polynomial is a sum of *terms*: a monomial (a product of powers of atoms) times a number. An *atom* is a symbol, or a
function of other polynomials that is not a polynomial itself: `floor(H/2)`, `max(a, b)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from functools import reduce
from typing import Any, NamedTuple, Union

from cnncalc.shape import UnknownSize, ratio

#: A number, or a polynomial where symbols are left in it.
Value = Union[int, Fraction, "Polynomial"]


#: A quotient of more terms than this is not computed.
MOST_QUOTIENT_TERMS = 100


class Atom(NamedTuple):
    """A symbol, or a function of values that is called again when numbers are substituted for symbols."""

    name: str
    function: Callable[..., Any] | None = None
    arguments: tuple[Value, ...] = ()

    @property
    def weight(self) -> int:
        """The number of atoms in this one, itself included."""
        return 1 + sum([each.weight for each in self.arguments if isinstance(each, Polynomial)])

    def __str__(self) -> str:
        """Return the atom as text: `H`, `floor((H + 1)/2)`, `max(H, W)`."""
        if self.function is None:
            return self.name
        if self.name == "floor":
            top, bottom = self.arguments
            return f"floor({bracketed(top)}/{bottom})"
        if self.name == "ratio":
            top, bottom = self.arguments
            return f"({bracketed(top)}/{_denominator(bottom)})"
        return f"{self.name}({', '.join(map(str, self.arguments))})"


#: Atoms with their powers, in the order of their text; () is the constant term.
Monomial = tuple[tuple[Atom, int], ...]

#: What each monomial is multiplied by.
Terms = dict[Monomial, Any]


class Polynomial:
    """A polynomial that is not a plain number. It is immutable; equal polynomials have equal terms.

    A constant result is a plain number: the difference of a polynomial and itself is the integer 0. A subclass adds
    operations, and the sums and products of its instances are of the same class.
    """

    __slots__ = ("_hash", "_text", "_weight", "terms")

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        # Few polynomials are ever asked for these.
        self._hash: int | None = None
        self._text: str | None = None
        self._weight: int | None = None

    @classmethod
    def from_terms(cls, terms: Terms) -> Any:
        """Return the polynomial with these terms, or a plain number if no symbol is left."""
        terms = {monomial: plain_number(factor) for monomial, factor in terms.items() if factor}
        return cls(terms) if terms.keys() - {()} else terms.get((), 0)

    @classmethod
    def single(cls, atom: Atom) -> Any:
        """Return the polynomial that consists of one atom."""
        return cls({((atom, 1),): 1})

    @property
    def weight(self) -> int:
        """The number of atoms in the polynomial, including those within atoms."""
        if self._weight is None:
            self._weight = sum([atom.weight for monomial in self.terms for atom, _ in monomial])
        return self._weight

    @property
    def symbols(self) -> set[str]:
        """The names of the symbols in the polynomial."""
        names: set[str] = set()
        for monomial in self.terms:
            for atom, _ in monomial:
                names |= symbols_of(atom.arguments) if atom.function else {atom.name}
        return names

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Polynomial) and self.terms == other.terms

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(frozenset(self.terms.items()))
        return self._hash

    # -- sums and products -------------------------------------------------------------------------------

    def __add__(self, other: Value) -> Any:
        if isinstance(other, int) and other == 0:
            return self
        if isinstance(other, UnknownSize):
            return NotImplemented
        terms = dict(self.terms)
        for monomial, factor in terms_of(other).items():
            terms[monomial] = terms.get(monomial, 0) + factor
        return self.from_terms(terms)

    __radd__ = __add__

    def __neg__(self) -> Any:
        return type(self)({monomial: -factor for monomial, factor in self.terms.items()})

    def __sub__(self, other: Value) -> Any:
        return self + -other

    def __rsub__(self, other: Value) -> Any:
        return -self + other

    def __mul__(self, other: Value) -> Any:
        if isinstance(other, int) and other == 1:
            return self
        if isinstance(other, UnknownSize):
            return NotImplemented
        terms: Terms = {}
        for left, a in self.terms.items():
            for right, b in terms_of(other).items():
                product = _times(left, right)
                terms[product] = terms.get(product, 0) + a * b
        return self.from_terms(terms)

    __rmul__ = __mul__

    def __pow__(self, power: int) -> Any:
        return reduce(lambda product, _: product * self, range(power), 1)

    def __truediv__(self, divisor: Value) -> Any:
        if isinstance(divisor, Polynomial):
            return self._ratio(self, divisor)
        return self * Fraction(1, divisor)

    def __rtruediv__(self, top: int) -> Any:
        return self._ratio(top, self)

    def _ratio(self, top: Value, bottom: Polynomial) -> Any:
        """Return the quotient of two values, a number if one is a multiple of the other."""
        monomial, factor = next(iter(bottom.terms.items()))
        share = Fraction(terms_of(top).get(monomial, 0)) / factor
        return (
            plain_number(share) if share and top == bottom * share else self.single(Atom("ratio", ratio, (top, bottom)))
        )

    # -- substitution and text ---------------------------------------------------------------------------

    def substitute(self, values: Mapping[str, Value]) -> Any:
        """Return the polynomial with values in place of symbols; a symbol without a value stays."""
        total: Value = 0
        for monomial, factor in self.terms.items():
            term: Value = factor
            for atom, power in monomial:
                value = self._atom_value(atom, values)
                for _ in range(power):
                    term = term * value
            total = total + term
        return total

    def _atom_value(self, atom: Atom, values: Mapping[str, Value]) -> Any:
        if atom.function is None:
            return values[atom.name] if atom.name in values else self.single(atom)
        return atom.function(*[substitute(each, values) for each in atom.arguments])

    def __str__(self) -> str:
        return sum_text(self)

    def __repr__(self) -> str:
        return f"<{self}>"


def substitute(value: Value, values: Mapping[str, Value]) -> Any:
    """Return the value with values in place of its symbols; a number is unchanged."""
    return value.substitute(values) if isinstance(value, Polynomial) else value


def exact_quotient(value: Value, divisor: Value) -> Any:
    """Return value / divisor if it has whole coefficients and leaves nothing over, else None.

    Long division in several variables: the leading terms are those with the highest powers, atom by atom.
    """
    rest, total, terms = value, 0, terms_of(divisor)
    kind = next((type(each) for each in (value, divisor) if isinstance(each, Polynomial)), Polynomial)
    atoms = sorted({atom for each in (*terms_of(value), *terms) for atom, _ in each}, key=_atom_order)
    if not terms:
        return None

    def powers(monomial: Monomial) -> tuple[int, ...]:
        given = dict(monomial)
        return tuple(given.get(atom, 0) for atom in atoms)

    leading = max(terms, key=powers)
    for _ in range(MOST_QUOTIENT_TERMS):
        left = terms_of(rest)
        if not left:
            return total
        first = max(left, key=powers)
        exponents = [have - want for have, want in zip(powers(first), powers(leading), strict=True)]
        if min(exponents, default=0) < 0:
            return None
        factor = Fraction(left[first]) / terms[leading]
        if factor.denominator != 1:
            return None
        monomial = tuple((atom, power) for atom, power in zip(atoms, exponents, strict=True) if power)
        part = kind.from_terms({monomial: factor})
        total = total + part
        rest = rest - part * divisor
    return None


def symbols_of(values: Iterable[Any]) -> set[str]:
    """Return the names of the symbols in any of the values; numbers have none."""
    return {name for value in values if isinstance(value, Polynomial) for name in value.symbols}


def terms_of(value: Value) -> Terms:
    """Return the terms of a value: a number is a constant term, and 0 has no terms."""
    return value.terms if isinstance(value, Polynomial) else {(): value} if value else {}


def plain_number(number: Any) -> Any:
    """Return the number, as an int if it is whole."""
    return number.numerator if number.denominator == 1 else number


def _times(left: Monomial, right: Monomial) -> Monomial:
    if not left or not right:
        return left or right
    powers = dict(left)
    for atom, power in right:
        powers[atom] = powers.get(atom, 0) + power
    return tuple(sorted(powers.items(), key=lambda each: _atom_order(each[0])))


def _atom_order(atom: Atom) -> tuple[bool, str]:
    return atom.function is not None, str(atom)


def sum_text(value: Value) -> str:
    """Return the value as a sum of products: `3*C*H**2 + 2*H - 1`."""
    text = ""
    terms = terms_of(value)
    for monomial in sorted(terms, key=term_order):
        factor = terms[monomial]
        size = abs(factor)
        parts = [*([str(size)] if size != 1 or not monomial else []), *(str(a) + raised(p) for a, p in monomial)]
        sign = (" - " if factor < 0 else " + ") if text else ("-" if factor < 0 else "")
        text += sign + "*".join(parts)
    return text


def _denominator(value: Value) -> str:
    """Return the text of a value under a bar, in brackets unless it is one symbol or function."""
    text = bracketed(value)
    return f"({text})" if "*" in text and not text.startswith("(") else text


def bracketed(value: Value) -> str:
    """Return the text of a sum, in brackets if it has several terms or begins with a minus."""
    text = sum_text(value)
    return f"({text})" if len(terms_of(value)) > 1 or text.startswith("-") else text


def raised(power: int) -> str:
    """Return the text of an exponent: `**2`, or an empty text for the first power."""
    return f"**{power}" if power > 1 else ""


def term_order(monomial: Monomial) -> tuple[Any, ...]:
    """Return a sort key: higher degrees first, symbols before other atoms, the constant last."""
    return (
        -sum(power for _, power in monomial),
        [(atom.function is not None, str(atom), -power) for atom, power in monomial],
    )
