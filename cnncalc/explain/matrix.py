"""Matrices of exact numbers, read from text: `3 0 1; 1 5 7`, or CSV.

matrix = row { (";" | line's end) row }
row    = number { (space | ",") number }
number = [sign] digits [ "." digits ] | [sign] digits "/" digits
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from math import lcm
from typing import NoReturn

from cnncalc.diagnostics import Diagnostic, Source, Span, SpecError
from cnncalc.layers.arguments import count

Matrix = tuple[tuple[Fraction, ...], ...]

#: The most numbers of a matrix, their most digits, and the most digits of a common denominator.
MOST_NUMBERS, MOST_DIGITS, MOST_DENOMINATOR = 4096, 20, 100

NUMBER = re.compile(r"[+\-−]?(?:\d+\.?\d*|\.\d+|\d+/0*[1-9]\d*)", re.ASCII)
LINE = re.compile(r"[^;\n]+")
CELL = re.compile(r"[^,]*")
ENTRY = re.compile(r"\S+")


def parse_matrix(source: Source) -> Matrix:
    """Return the matrix of a text.

    Raises `SpecError` E501 if rows differ in length, E502 for an entry that is not a number, E504 for too many numbers.
    """
    rows: list[tuple[Fraction, ...]] = []
    numbers = 0
    for line in LINE.finditer(source.text):
        if not line.group().strip():
            continue
        row: list[Fraction] = []
        for entry in _entries(source, line):
            row.append(_number(entry))
            numbers += 1
            if numbers > MOST_NUMBERS:
                _fail("E504", f"the matrix has more than {MOST_NUMBERS:,} numbers", entry, "one too many")
        rows.append(tuple(row))
        if len(row) != len(rows[0]):
            _ragged(Span(source, *_stripped(line)), tuple(rows))
    if not rows:
        _fail(
            "E502", "the matrix has no numbers", Span(source, 0, len(source.text)), "nothing here", "write `1 2; 3 4`"
        )
    if len(str(lcm(*(number.denominator for row in rows for number in row)))) > MOST_DENOMINATOR:
        message = f"the fractions have no common denominator of {MOST_DENOMINATOR} digits or less"
        _fail("E504", message, Span(source, 0, len(source.text)), "too many unlike ones")
    return tuple(rows)


def _entries(source: Source, line: re.Match[str]) -> Iterator[Span]:
    """Yield the spans of the numbers of a row; a missing number between two commas is an error."""
    at = line.start()
    while True:
        cell = CELL.match(source.text, at, line.end())
        assert cell is not None
        numbers = [Span(source, *entry.span()) for entry in ENTRY.finditer(source.text, *cell.span())]
        if not numbers:
            comma = min(cell.end(), line.end() - 1)
            _fail("E502", "a number is missing", Span(source, comma, comma + 1), "nothing beside this comma", "write 0")
        yield from numbers
        if cell.end() == line.end():
            return
        at = cell.end() + 1


def _number(entry: Span) -> Fraction:
    text = entry.text
    if not NUMBER.fullmatch(text):
        help = f"there is no file `{text}` to read" if text == entry.source.text.strip() and "." in text else None
        _fail("E502", f"`{text}` is not a number", entry, "expected a number such as 3, -0.5 or 1/9", help)
    if sum(character.isdigit() for character in text) > MOST_DIGITS:
        _fail("E504", "a number is too long", entry, f"over {MOST_DIGITS} digits")
    return Fraction(text.replace("−", "-"))


def _ragged(line: Span, rows: Matrix) -> NoReturn:
    has, first = count(len(rows[-1]), "number"), len(rows[0])
    _fail("E501", f"row {len(rows)} has {has}, row 1 has {first}", line, "its rows must be alike", "complete the row")


def _stripped(line: re.Match[str]) -> tuple[int, int]:
    text = line.group()
    return line.start() + len(text) - len(text.lstrip()), line.end() - len(text) + len(text.rstrip())


def _fail(code: str, message: str, span: Span, label: str, help: str | None = None) -> NoReturn:
    raise SpecError([Diagnostic(code, message, span, label, help=help)])


def half_turned(rows: Matrix) -> Matrix:
    """Return the matrix rotated by 180 degrees: the kernel of the true convolution."""
    return tuple(row[::-1] for row in rows[::-1])


def number_text(value: Fraction | None) -> str:
    """Return the exact value: a decimal if that is finite, else a fraction; None, of no elements, is −∞."""
    if value is None:
        return "−∞"
    sign, value = "−" if value < 0 else "", abs(value)
    twos, rest = _powers(value.denominator, 2)
    fives, rest = _powers(rest, 5)
    if rest > 1:
        return f"{sign}{value}"
    decimals = max(twos, fives)
    digits = str(value.numerator * 10**decimals // value.denominator).rjust(decimals + 1, "0")
    return sign + (f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits)


def _powers(number: int, factor: int) -> tuple[int, int]:
    """Return the exponent of the factor in the number, and the remaining cofactor."""
    times = 0
    while number % factor == 0:
        number, times = number // factor, times + 1
    return times, number
