"""Guards: the conditions on symbols under which a formula holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cnncalc.shape import UndecidedError
from cnncalc.symbols.polynomial import Polynomial, Terms, substitute, symbols_of


class Guard(NamedTuple):
    """A comparison that depends on the symbols: `formula` is at least 0 or, with `zero`, equal to 0.

    It also holds if one of the `others` is 0, for axes of size 1, which broadcast. It has no truth value; code that
    requires it collects it as a condition on the symbols.
    """

    formula: Polynomial
    zero: bool = False
    others: tuple[Polynomial, ...] = ()
    #: Whether two sizes that always differ are equal only as one of them is 1, and stretched: hardly what is meant.
    stretched: bool = False

    @property
    def symbols(self) -> set[str]:
        """The names of the symbols in the condition."""
        return symbols_of((self.formula, *self.others))

    def holds(self, numbers: Mapping[str, int]) -> bool:
        """Return whether the condition holds for these numbers, which cover all of its symbols."""
        value = substitute(self.formula, numbers)
        assert not isinstance(value, Polynomial), f"a symbol of {self} has no number"
        return (value == 0 if self.zero else value >= 0) or any(
            substitute(other, numbers) == 0 for other in self.others
        )

    def __bool__(self) -> bool:
        raise UndecidedError(f"whether {self} depends on the values of its symbols")

    def __str__(self) -> str:
        """Return the condition as text: `H >= 7`, `H = 2*floor(H/2)`."""
        left: Terms = {}
        right: Terms = {}
        for monomial, factor in self.formula.terms.items():
            (left if factor > 0 else right)[monomial] = factor
        from_terms = self.formula.from_terms
        return f"{from_terms(left)} {'=' if self.zero else '>='} {-from_terms(right)}"
