"""Matrices from text: what is read, and where it is wrong."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncalc.diagnostics import Source, SpecError
from cnncalc.explain.matrix import MOST_NUMBERS, half_turned, number_text, parse_matrix


@pytest.mark.parametrize(
    "text", ["1 2; 3 4", "1,2;3,4", "1, 2\n3, 4\n", "1 2\n\n3 4", "  1\t2 ;; 3 4 ", "1.0 +2; 3. 4/1", "1,2\r\n3,4"]
)
def test_forms(text: str) -> None:
    """Spaces and commas separate numbers, semicolons and line ends rows; empty rows are none."""
    assert parse_matrix(Source("m", text)) == ((1, 2), (3, 4))


def test_exact() -> None:
    """Decimals and fractions are exact, and a minus may be the one of formulas."""
    assert parse_matrix(Source("m", "0.1 -.5 −2 1/3")) == (
        (Fraction(1, 10), Fraction(-1, 2), Fraction(-2), Fraction(1, 3)),
    )


WRONG = {
    "1 2 3; 4 5": """\
error[E501]: row 2 has 2 numbers, row 1 has 3
 --> m:1:8
  |
1 | 1 2 3; 4 5
  |        ^^^ its rows must be alike
  = help: complete the row""",
    "1 2\n3 four": """\
error[E502]: `four` is not a number
 --> m:2:3
  |
2 | 3 four
  |   ^^^^ expected a number such as 3, -0.5 or 1/9""",
    "1,,2": """\
error[E502]: a number is missing
 --> m:1:3
  |
1 | 1,,2
  |   ^ nothing beside this comma
  = help: write 0""",
    "1,2,": """\
error[E502]: a number is missing
 --> m:1:4
  |
1 | 1,2,
  |    ^ nothing beside this comma
  = help: write 0""",
    "image.csv": """\
error[E502]: `image.csv` is not a number
 --> m:1:1
  |
1 | image.csv
  | ^^^^^^^^^ expected a number such as 3, -0.5 or 1/9
  = help: there is no file `image.csv` to read""",
    " ;": """\
error[E502]: the matrix has no numbers
 --> m:1:1
  |
1 |  ;
  | ^^ nothing here
  = help: write `1 2; 3 4`""",
    "123456789012345678901": """\
error[E504]: a number is too long
 --> m:1:1
  |
1 | 123456789012345678901
  | ^^^^^^^^^^^^^^^^^^^^^ over 20 digits""",
}


@pytest.mark.parametrize("text", list(WRONG))
def test_wrong(text: str) -> None:
    """What is wrong is told with its place."""
    with pytest.raises(SpecError) as caught:
        parse_matrix(Source("m", text))
    assert str(caught.value) == WRONG[text]


@pytest.mark.parametrize("text", ["nan", "inf", "1e3", "0x10", "1/0", "1/00", "--1", "1_0", "٣", "1;2;x"])
def test_no_number(text: str) -> None:
    """Only plain integers, decimals and fractions are numbers, and no divisor is 0."""
    with pytest.raises(SpecError, match="is not a number"):
        parse_matrix(Source("m", text))


def test_too_many() -> None:
    """One number more than a matrix has is too many, and so told where it stands."""
    assert len(parse_matrix(Source("m", "1 " * MOST_NUMBERS))[0]) == MOST_NUMBERS
    with pytest.raises(SpecError, match=f"m:1:{2 * MOST_NUMBERS + 1}"):
        parse_matrix(Source("m", "1 " * (MOST_NUMBERS + 1)))


def test_too_unlike() -> None:
    """Fractions whose common denominator would grow without bound are refused."""
    with pytest.raises(SpecError, match="no common denominator of 100 digits or less"):
        parse_matrix(Source("m", " ".join(f"1/{10**9 + n}" for n in range(50))))


def test_half_turn() -> None:
    """A kernel is flipped on both axes."""
    assert half_turned(((Fraction(1), Fraction(2)), (Fraction(3), Fraction(4)))) == ((4, 3), (2, 1))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(3), "3"), (Fraction(-7), "−7"), (Fraction(5, 2), "2.5"), (Fraction(-1, 8), "−0.125"),
        (Fraction(1, 3), "1/3"), (Fraction(-22, 3), "−22/3"), (Fraction(1, 50), "0.02"), (None, "−∞"),
    ],
)  # fmt: skip
def test_number_text(value: Fraction | None, text: str) -> None:
    """A number is a decimal where that is finite, else a fraction."""
    assert number_text(value) == text


@given(st.fractions(max_denominator=1000))
def test_number_text_is_exact(value: Fraction) -> None:
    """The text is the number itself, whatever its form."""
    assert Fraction(number_text(value).replace("−", "-")) == value
