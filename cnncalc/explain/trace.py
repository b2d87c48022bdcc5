"""A number that tells how it came about.

The layers' rules are pure arithmetic on whatever computes like a number. Given `TracedNumber` sizes they compute as
ever, and what comes out has both a value and the formula with its numbers in it:

>>> height, kernel = TracedNumber(5), TracedNumber(3)
>>> told = (height - kernel) // TracedNumber(1) + 1
>>> told.value, told.text
(3, 'floor((5 − 3) / 1) + 1')

So an explanation is the rule itself, never a second copy of it. Two kinds of numbers stand in a rule: those
that were given (`TracedNumber`), which are always shown, and plain ones (a literal 1, an argument at its default),
which vanish where they change nothing: 1·a is a, and so is (a − 1) + 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Union

Number = Union[int, Fraction]

#: How tightly a formula holds together: what binds less than its surroundings asks for takes brackets.
SUM, PRODUCT, POWER, ATOM = range(4)


class TracedNumber:
    """A value, and the operation on which parts it came of: `given` and `plain` have no parts."""

    __slots__ = ("op", "parts", "value")

    def __init__(self, value: Number, op: str = "given", *parts: TracedNumber) -> None:
        self.value, self.op, self.parts = value, op, parts

    @property
    def text(self) -> str:
        """The formula: `floor((5 + 2·0 − 3) / 1) + 1`."""
        return _formula(self)[0]

    def __repr__(self) -> str:
        return f"<{self.text} = {self.value}>"

    def __str__(self) -> str:
        return str(self.value)

    def _is(self, plain: int) -> bool:
        return self.op == "plain" and self.value == plain

    def _same(self, other: TracedNumber) -> bool:
        """Whether the other is this number, or both are plain and alike."""
        return self is other or (self.op == other.op == "plain" and self.value == other.value)

    # -- arithmetic --------------------------------------------------------------------------------------

    def __add__(self, other: Operand) -> TracedNumber:
        other = _traced(other)
        if self._is(0) or other._is(0):
            return other if self._is(0) else self
        return self._undone("-", other) or TracedNumber(self.value + other.value, "+", self, other)

    def __sub__(self, other: Operand) -> TracedNumber:
        other = _traced(other)
        if other._is(0):
            return self
        return self._undone("+", other) or TracedNumber(self.value - other.value, "-", self, other)

    def _undone(self, op: str, other: TracedNumber) -> TracedNumber | None:
        """What was there before the plain number that is now taken back: (a − 1) + 1 is a."""
        if self.op == op and self.parts[1].op == other.op == "plain" and self.parts[1].value == other.value:
            return self.parts[0]
        return None

    def __mul__(self, other: Operand) -> TracedNumber:
        other = _traced(other)
        for one, factor in ((self, other), (other, self)):
            if one._is(1) or factor._is(0):
                return factor
        return TracedNumber(self.value * other.value, "*", self, other)

    def __floordiv__(self, other: Operand) -> TracedNumber:
        other = _traced(other)
        if self.op == "given" and other._is(1):
            return self
        if self.op == "-" and self.parts[1]._is(1) and self.parts[0].op == "+" and self.parts[0].parts[1]._same(other):
            # (a + b − 1) // b, which is how `ceil_div` says ceil(a / b).
            return TracedNumber(self.value // other.value, "ceil", self.parts[0].parts[0], other)
        return TracedNumber(self.value // other.value, "floor", self, other)

    def __truediv__(self, other: Operand) -> TracedNumber:
        other = _traced(other)
        return TracedNumber(Fraction(self.value) / other.value, "/", self, other)

    def __pow__(self, other: Operand) -> TracedNumber:
        other = _traced(other)
        return TracedNumber(self.value ** int(other.value), "^", self, other)

    def __neg__(self) -> TracedNumber:
        return TracedNumber(-self.value, "neg", self)

    def clip(self, low: Operand | None, high: Operand | None) -> TracedNumber:
        """The value, or `low` where it is less, or `high` where it is more."""
        clipped = self
        if low is not None:
            clipped = TracedNumber(max(self.value, value_of(low)), "max", clipped, _traced(low))
        if high is not None:
            clipped = TracedNumber(min(clipped.value, value_of(high)), "min", clipped, _traced(high))
        return clipped

    def apply(self, function: Callable[..., Number], *others: Operand) -> TracedNumber:
        """What a procedure on plain integers gives: a number that tells no more."""
        return _traced(function(int(self), *map(int, others)))

    def __mod__(self, other: Operand) -> Number:
        return self.value % _traced(other).value

    def __radd__(self, other: Operand) -> TracedNumber:
        return _traced(other) + self

    def __rsub__(self, other: Operand) -> TracedNumber:
        return _traced(other) - self

    def __rmul__(self, other: Operand) -> TracedNumber:
        return _traced(other) * self

    def __rfloordiv__(self, other: Operand) -> TracedNumber:
        return _traced(other) // self

    def __rtruediv__(self, other: Operand) -> TracedNumber:
        return _traced(other) / self

    # -- as a number among numbers -----------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        return self.value == (other.value if isinstance(other, TracedNumber) else other)

    def __hash__(self) -> int:
        return hash(self.value)

    def __lt__(self, other: Operand) -> bool:
        return self.value < _traced(other).value

    def __gt__(self, other: Operand) -> bool:
        return self.value > _traced(other).value

    def __le__(self, other: Operand) -> bool:
        return not self > other

    def __ge__(self, other: Operand) -> bool:
        return not self < other

    def __bool__(self) -> bool:
        return bool(self.value)

    def __index__(self) -> int:
        return int(self.value)

    @property
    def numerator(self) -> TracedNumber | int:
        return self if self.denominator == 1 else self.value.numerator

    @property
    def denominator(self) -> int:
        return self.value.denominator


Operand = Union[TracedNumber, int, Fraction]


def text_of(value: Operand) -> str:
    """The formula of a value, which for a plain number is the number."""
    return _traced(value).text


def value_of(value: Operand) -> Number:
    return _traced(value).value


def signed(value: Number) -> str:
    """A number with the minus that formulas are written with."""
    return str(value).replace("-", "−")


def _traced(value: Operand) -> TracedNumber:
    return value if isinstance(value, TracedNumber) else TracedNumber(value, "plain")


def _formula(told: TracedNumber) -> tuple[str, int]:
    """The formula, and how tightly it holds together."""
    if not told.parts:
        binding = SUM if told.value < 0 else PRODUCT if told.denominator > 1 else ATOM
        return signed(told.value), binding
    return FORMS[told.op](told)


def _within(told: TracedNumber, binding: int) -> str:
    """The formula as a part of another, in brackets where it holds together less tightly."""
    text, its = _formula(told)
    return text if its >= binding else f"({text})"


def _terms(told: TracedNumber) -> Iterator[tuple[str, TracedNumber]]:
    """The terms of a sum with their signs, as they came one behind the other."""
    if told.op not in ("+", "-"):
        yield "+", told
        return
    left, right = told.parts
    yield from _terms(left)
    yield "+" if told.op == "+" else "−", right


def _sum(told: TracedNumber) -> tuple[str, int]:
    signs, texts, before = [], [], None
    for sign, term in _terms(told):
        if term is before and signs[-1] == sign:
            # The same padding at both ends: N + 2·P − F.
            texts[-1] = f"2·{_within(term, POWER)}"
            continue
        before = term
        signs.append(sign)
        texts.append(_within(term, PRODUCT))
    return texts[0] + "".join(f" {sign} {text}" for sign, text in zip(signs[1:], texts[1:], strict=True)), SUM


def _product(told: TracedNumber) -> tuple[str, int]:
    left, right = told.parts
    # Factors that came together stay together: `3·3 · 3·3·3·2`, places and weights.
    sign, binding = (" · ", PRODUCT) if right.op == "*" else ("·", POWER)
    return f"{_within(left, PRODUCT if left.op == '*' else POWER)}{sign}{_within(right, binding)}", PRODUCT


def _quotient(told: TracedNumber) -> tuple[str, int]:
    return "/".join(_within(part, POWER) for part in told.parts), PRODUCT


def _rounded(told: TracedNumber) -> tuple[str, int]:
    left, right = told.parts
    if told.op == "floor" and left.op == "given" and left.value % right.value == 0:
        return _quotient(told)
    return f"{told.op}({_within(left, POWER)} / {_within(right, POWER)})", ATOM


def _extreme(told: TracedNumber) -> tuple[str, int]:
    return f"{told.op}({', '.join(part.text for part in told.parts)})", ATOM


def _power(told: TracedNumber) -> tuple[str, int]:
    return "^".join(_within(part, ATOM) for part in told.parts), POWER


def _negated(told: TracedNumber) -> tuple[str, int]:
    return f"−{_within(told.parts[0], POWER)}", SUM


FORMS: dict[str, Callable[[TracedNumber], tuple[str, int]]] = {
    "+": _sum, "-": _sum, "*": _product, "/": _quotient, "floor": _rounded, "ceil": _rounded,
    "max": _extreme, "min": _extreme, "^": _power, "neg": _negated,
}  # fmt: skip
