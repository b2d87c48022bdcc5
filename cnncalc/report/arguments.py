"""A declared argument as a row of a table: its short form, long form, default and meaning."""

from __future__ import annotations

from typing import Any, NamedTuple

from cnncalc.layers.arguments import Argument

HEADINGS = ("short", "long", "default", "meaning")


class ArgumentRow(NamedTuple):
    """The cells under `HEADINGS`, with backticks around code."""

    short: str
    long: str
    default: str
    meaning: str


def argument_row(argument: Argument[Any]) -> ArgumentRow:
    """Return the row of an argument."""
    short = ", ".join(f"`{form}`" for form in argument.forms())
    return ArgumentRow(short, f"`{argument.name}=`", _default(argument), argument.help)


def _default(argument: Argument[Any]) -> str:
    """Return the default as it would be written, or the name of the argument whose value is used."""
    if argument.required:
        return "required"
    if argument.like is not None:
        return f"the {argument.like}"
    if argument.default is None:
        return argument.unset
    return argument.write(argument.default).removeprefix(f"{argument.name}=").removeprefix(argument.prefix)
