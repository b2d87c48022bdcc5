"""A number that records the expression it was computed from.

The layers' rules are pure arithmetic on whatever computes like a number. On `TracedNumber` sizes they compute as on
integers, and the result has both a value and the formula with its numbers in it:

>>> height, kernel = TracedNumber(5), TracedNumber(3)
>>> size = (height - kernel) // TracedNumber(1) + 1
>>> size.value, size.text
(3, 'floor((5 − 3) / 1) + 1')

So an explanation is the rule itself, never a second copy of it. There are two kinds of numbers in a rule: given
ones (`TracedNumber`), which are always shown, and plain ones (a literal 1, an argument at its default), which vanish
where they change nothing: 1·a is a, and so is (a − 1) + 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, Union

from cnncalc.shape import UnknownSize, at_least, at_most

#: An integer or a fraction; a size of a model file may be unknown (`UnknownSize`), and so what is computed from it.
Number = Any

#: How tightly the last operation of a formula binds: a part that binds less than its surroundings takes brackets.
SUM, PRODUCT, POWER, ATOM = range(4)


class TracedNumber:
    """A value, and the operation and operands that it was computed from: `given` and `plain` have none."""

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
        """Return whether the other is this number, or both are plain and equal."""
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
        """Return the number before a plain one was added that is now subtracted again: (a − 1) + 1 is a."""
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
            # (a + b − 1) // b, which is how `ceil_div` computes ceil(a / b).
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
        """Return the number limited to `low` and `high`."""
        clipped = self
        if low is not None:
            clipped = TracedNumber(at_least(self.value, value_of(low)), "max", clipped, _traced(low))
        if high is not None:
            clipped = TracedNumber(at_most(clipped.value, value_of(high)), "min", clipped, _traced(high))
        return clipped

    def apply(self, function: Callable[..., Number], *others: Operand) -> TracedNumber:
        """Return the result of a function on plain integers: a plain number, whose expression is not recorded."""
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
        return bool(self.value == (other.value if isinstance(other, TracedNumber) else other))

    def __hash__(self) -> int:
        return hash(self.value)

    def __lt__(self, other: Operand) -> Any:
        return self.value < _traced(other).value

    def __gt__(self, other: Operand) -> Any:
        return self.value > _traced(other).value

    def __le__(self, other: Operand) -> Any:
        return self.value <= _traced(other).value

    def __ge__(self, other: Operand) -> Any:
        return self.value >= _traced(other).value

    def __bool__(self) -> bool:
        return bool(self.value)

    def __index__(self) -> int:
        return int(self.value)

    @property
    def numerator(self) -> TracedNumber | int:
        return self if self.denominator == 1 else self.value.numerator

    @property
    def denominator(self) -> int:
        return int(self.value.denominator)


Operand = Union[TracedNumber, int, Fraction]


def text_of(value: Operand) -> str:
    """Return the formula of a value; of a plain number, the number."""
    return _traced(value).text


def value_of(value: Operand) -> Number:
    """Return the numeric value of a number."""
    return _traced(value).value


def signed(value: Number) -> str:
    """Return a number with the minus sign of formulas."""
    return str(value).replace("-", "−")


def _traced(value: Operand) -> TracedNumber:
    return value if isinstance(value, TracedNumber) else TracedNumber(value, "plain")


def _formula(traced: TracedNumber) -> tuple[str, int]:
    """Return the formula, and the precedence of its last operation."""
    if isinstance(traced.value, UnknownSize) and not traced.parts:
        return str(traced.value), ATOM
    if not traced.parts:
        binding = SUM if traced.value < 0 else PRODUCT if traced.denominator > 1 else ATOM
        return signed(traced.value), binding
    return FORMS[traced.op](traced)


def _within(traced: TracedNumber, binding: int) -> str:
    """Return the formula as an operand, in brackets if its precedence is lower than `binding`."""
    text, own = _formula(traced)
    return text if own >= binding else f"({text})"


def _terms(traced: TracedNumber) -> Iterator[tuple[str, TracedNumber]]:
    """Yield the terms of a sum with their signs, in order."""
    if traced.op not in ("+", "-"):
        yield "+", traced
        return
    left, right = traced.parts
    yield from _terms(left)
    yield "+" if traced.op == "+" else "−", right


def _sum(traced: TracedNumber) -> tuple[str, int]:
    signs, texts, before = [], [], None
    for sign, term in _terms(traced):
        if term is before and signs[-1] == sign:
            # The same padding at both ends: N + 2·P − F.
            texts[-1] = f"2·{_within(term, POWER)}"
            continue
        before = term
        signs.append(sign)
        texts.append(_within(term, PRODUCT))
    return texts[0] + "".join(f" {sign} {text}" for sign, text in zip(signs[1:], texts[1:], strict=True)), SUM


def _product(traced: TracedNumber) -> tuple[str, int]:
    left, right = traced.parts
    # Factors that were computed together stay together: `3·3 · 3·3·3·2`, positions and weights.
    sign, binding = (" · ", PRODUCT) if right.op == "*" else ("·", POWER)
    return f"{_within(left, PRODUCT if left.op == '*' else POWER)}{sign}{_within(right, binding)}", PRODUCT


def _quotient(traced: TracedNumber) -> tuple[str, int]:
    return "/".join(_within(part, POWER) for part in traced.parts), PRODUCT


def _rounded(traced: TracedNumber) -> tuple[str, int]:
    left, right = traced.parts
    if traced.op == "floor" and left.op == "given" and left.value % right.value == 0:
        return _quotient(traced)
    return f"{traced.op}({_within(left, POWER)} / {_within(right, POWER)})", ATOM


def _extreme(traced: TracedNumber) -> tuple[str, int]:
    return f"{traced.op}({', '.join(part.text for part in traced.parts)})", ATOM


def _power(traced: TracedNumber) -> tuple[str, int]:
    return "^".join(_within(part, ATOM) for part in traced.parts), POWER


def _negated(traced: TracedNumber) -> tuple[str, int]:
    return f"−{_within(traced.parts[0], POWER)}", SUM


FORMS: dict[str, Callable[[TracedNumber], tuple[str, int]]] = {
    "+": _sum, "-": _sum, "*": _product, "/": _quotient, "floor": _rounded, "ceil": _rounded,
    "max": _extreme, "min": _extreme, "^": _power, "neg": _negated,
}  # fmt: skip
