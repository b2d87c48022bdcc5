"""How the values of options are read: click's callbacks, which raise `click.BadParameter`."""

from __future__ import annotations

import re
from typing import Any

import click

from cnncalc.cli.output import ALL


def checked_columns(_: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Check the column of a table of layers that `--sort` or `--top` names."""
    if value is not None:
        from cnncalc.report.columns import COLUMNS
        from cnncalc.report.selection import Order, heaviest

        try:
            if parameter.name == "top":
                heaviest(value[1], COLUMNS)
            else:
                Order.parse(value, COLUMNS)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
    return value


def numbers(_: click.Context, __: click.Parameter, value: str) -> dict[str, int]:
    numbers: dict[str, int] = {}
    for part in value.replace(" ", "").split(",") if value else ():
        letter, _equals, number = part.partition("=")
        # A spec's letters are capitals; a model file has names of any length, which are its own.
        if not letter.isidentifier() or letter == "_" or not number.isdecimal() or not number.isascii():
            raise click.BadParameter(f"{part!r} is not a letter and its number: H=224")
        if len(number) > 9 or int(number) < 1:
            raise click.BadParameter(f"{part!r}: the number is from 1 to 10^9 - 1")
        letter = letter.upper() if len(letter) == 1 else letter
        if letter in numbers:
            raise click.BadParameter(f"`{letter}` is given twice: `{letter}={numbers[letter]}` and `{part}`")
        numbers[letter] = int(number)
    return numbers


def depth(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    """Return a depth, `ALL` for `all`."""
    if value is None:
        return None
    if value.strip().lower() == "all":
        return ALL
    if not (value.isascii() and value.isdecimal() and len(value) <= 3 and int(value) <= 100):
        raise click.BadParameter(f"{value!r} is neither a whole number from 0 to 100 nor `all`")
    return int(value)


def inputs(context: click.Context, _: click.Parameter, values: tuple[str, ...]) -> str | None:
    """Return the shape of the first input; those of further ones are an option of their own."""
    context.params["more_inputs"] = values[1:]
    return values[0] if values else None


def variables(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, Any]:
    _refuse_twice(values)
    return {name: _number(text, value) for value in values for name, text in [_name_and_text(value)]}


def variable_values(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Return the values of each variable, by their texts: those that commas outside brackets separate."""
    _refuse_twice(values)
    several: dict[str, dict[str, Any]] = {}
    for value in values:
        name, text = _name_and_text(value)
        parts = [part.strip() for part in re.split(r",(?![^()]*\))", text)]
        several[name] = {part: _number(part, value) for part in parts}
    return several


def _name_and_text(value: str) -> tuple[str, str]:
    name, equals, text = value.partition("=")
    if not equals or not name.strip().isidentifier():
        raise click.BadParameter(f"{value!r} is not NAME=VALUE")
    return name.strip(), text


def _number(text: str, value: str) -> Any:
    """Return the number of an expression in the language, in the `value` of an option."""
    from cnncalc.diagnostics import Source, SpecError
    from cnncalc.language.expressions import ExpressionParser, evaluate

    try:
        return evaluate(ExpressionParser(Source("--var", text), 0, len(text)).parse(), {})
    except SpecError as error:
        raise click.BadParameter(f"{value!r}: {error.diagnostics[0].message}") from None


def _refuse_twice(values: tuple[str, ...]) -> None:
    """Raise `click.BadParameter` if two of the `NAME=VALUE` have the same name."""
    first: dict[str, str] = {}
    for value in values:
        name = value.rpartition("=")[0].strip()
        if name in first:
            raise click.BadParameter(f"`{name}` is given twice: `{first[name]}` and `{value}`")
        first[name] = value


def dimensions(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, int]:
    dimensions: dict[str, int] = {}
    for value in values:
        name, equals, size = value.rpartition("=")
        # Only ASCII digits: isdigit() alone takes ² too.
        if not (equals and name and size.isascii() and size.isdigit() and 0 < len(size) <= 9 and int(size) > 0):
            raise click.BadParameter(f"{value!r} is not NAME=N, with N a whole number from 1 to 10^9 - 1")
        dimensions[name] = int(size)
    _refuse_twice(values)
    return dimensions
