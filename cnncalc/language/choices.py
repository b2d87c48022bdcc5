"""The values that a sweep tries of a let: `in [0.25..2..0.05]`, `in [1, 2, 4..16..4]`, `in [(1, 1), (1.1, 1.2)]`.

choices = "[" choice { "," choice } "]"
choice  = expression [ ".." expression [ ".." expression ] ]      first..last..step, both ends in, as in a shell
        | "(" expression { "," expression } ")"                   a value for each of the lets that are tied
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cnncalc.diagnostics import Source, Span, fail
from cnncalc.language.expressions import ExpressionParser, evaluate
from cnncalc.language.nodes import Choices, Expression, Range

#: A let has at most so many values.
MAX_CHOICES = 1_000_000


def parse_choices(source: Source, start: int, end: int, tied: int = 0) -> Choices:
    """Return the choices between two brackets, in which a text begins and ends; `tied` lets have tuples of values.

    Raises `SpecError`: E150 if there are none, or a tuple is of another length, and E008 for what cannot be read.
    """
    span = Span(source, start, end)
    if not (source.text.startswith("[", start) and source.text.endswith("]", start, end)):
        fail("E150", "the values to try stand in brackets", span, "expected `[…]`", "write `[0.5..2..0.25]`")
    items = [choice(source, *each, tied) for each in _parts(source.text, start + 1, end - 1)]
    if not items:
        fail("E150", "a let has no values to try", span, "nothing in it", "write for example `in [0.5..2..0.25]`")
    return Choices(tuple(items), span)


def choice(source: Source, start: int, end: int, tied: int = 0) -> Range | tuple[Expression, ...]:
    """Return a value, a range, or for tied lets a tuple of values, of a part of a text."""
    text = source.text[start:end]
    if tied:
        if not (text.startswith("(") and text.endswith(")")):
            example = f"({', '.join(['1'] * tied)})"
            fail(
                "E150", f"{tied} lets are tied", Span(source, start, end), "not a value for each", f"write `{example}`"
            )
        parts = list(_parts(source.text, start + 1, end - 1))
        if len(parts) != tied:
            label = f"{len(parts)} value{'s' if len(parts) != 1 else ''}"
            fail("E150", f"{tied} lets are tied", Span(source, start, end), label, f"write {tied} values")
        return tuple([ExpressionParser(source, *each).parse() for each in parts])
    ends = []
    at = start
    for part in text.split("..", 2):
        ends.append(ExpressionParser(source, at, at + len(part)).parse())
        at += len(part) + 2
    return Range(*ends)


def parts_in_brackets(source: Source, start: int, end: int) -> list[tuple[str, tuple[int, int]]]:
    """Return the parts of `(a, b)` with their start and end; none if there are no brackets around."""
    text = source.text[start:end]
    if not (text.startswith("(") and text.endswith(")")):
        return []
    return [(source.text[each[0] : each[1]], each) for each in _parts(source.text, start + 1, end - 1)]


def _parts(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each part of a text between commas that are not in brackets, without spaces."""
    depth, at = 0, start
    for position in range(start, end + 1):
        if position == end or (text[position] == "," and not depth):
            part = text[at:position]
            if part.strip() or position < end:
                yield at + len(part) - len(part.lstrip()), position - len(part) + len(part.rstrip())
            at = position + 1
        elif text[position] in "(":
            depth += 1
        elif text[position] in ")":
            depth -= 1


def values_of(choices: Choices, names: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return all values, each once, as tuples: of one value where no lets are tied.

    Raises `SpecError` E150 for a step of 0, or too many values.
    """
    rows: dict[tuple[Any, ...], None] = {}
    for each in choices.items:
        if isinstance(each, Range):
            for value in _range_values(each, names, choices.span):
                rows[value,] = None
        else:
            rows[tuple([evaluate(value, names) for value in each])] = None
        if len(rows) > MAX_CHOICES:
            fail("E150", f"a let has more than {MAX_CHOICES:,} values to try", choices.span, "too many")
    return list(rows)


def _range_values(each: Range, names: Mapping[str, Any], span: Span) -> Iterator[Any]:
    first = evaluate(each.first, names)
    if each.last is None:
        yield first
        return
    last = evaluate(each.last, names)
    step = evaluate(each.step, names) if each.step is not None else 1
    if step == 0 and each.step is not None:
        fail("E150", "a range has a step of 0", each.step.span, "is 0", "write a step above 0")
    # As in the shell, a range may go down, and the sign of its step is of no matter.
    step = abs(step) if last >= first else -abs(step)
    count = int((last - first) // step) + 1
    if count > MAX_CHOICES:
        fail("E150", f"a let has more than {MAX_CHOICES:,} values to try", span, f"{count:,} values")
    for number in range(count):
        value = first + number * step
        yield value if isinstance(value, int) or value.denominator != 1 else value.numerator


def choices_texts(choices: Choices, expression: Any) -> Sequence[str]:
    """Return the canonical text of each choice, given a function for that of an expression."""
    texts = []
    for each in choices.items:
        if isinstance(each, Range):
            texts.append("..".join(expression(end) for end in each if end is not None))
        else:
            texts.append(f"({', '.join(map(expression, each))})")
    return texts
