"""The axes of a space: from the lets of a spec that say which values a sweep tries, and from `--over`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cnncalc.diagnostics import Diagnostic, Source, Span, SpecError, fail, try_each
from cnncalc.language.choices import parse_choices, values_of
from cnncalc.language.expressions import evaluate, exact
from cnncalc.language.nodes import LetNode, Spec
from cnncalc.sources import parse_shape
from cnncalc.spelling import nearest
from cnncalc.sweep.space import BATCH, BYTES, DTYPE, INPUT, OPTIONS, Axis, Space

#: What `--over` gives: a text `NAME=VALUES`, or by name the values themselves.
Over = Mapping[str, Any]


def space_of(spec: Spec, over: Over, variables: Mapping[str, Any]) -> Space:
    """Return the space of a spec. `over` has the values of further names, and of lets in place of their own.

    Raises `SpecError`: E110 for a let that does not exist, E150 for values that cannot be tried, or none at all.
    """
    lets = [each for each in spec.definitions if isinstance(each, LetNode)]
    known = [each.name for each in lets]
    numbers = _defaults(lets, variables)
    given = try_each(lambda pair: _given(*pair, known, numbers), list(over.items()))
    taken = {name for axis in given for name in axis.names} | set(variables)
    twice = [name for name in variables if any(name in axis.names for axis in given)]
    if twice:
        fail("E150", f"`{twice[0]}` has one value, and others to try", help=f"give `{twice[0]}` once")
    axes: list[Axis] = []
    for each in lets:
        if each.choices is None or each.name in taken:
            continue
        names = each.tied or (each.name,)
        left = [number for number, name in enumerate(names) if name not in taken]
        rows = [tuple([row[number] for number in left]) for row in values_of(each.choices, numbers)]
        axes.append(Axis(tuple([names[number] for number in left]), tuple(dict.fromkeys(rows))))
        taken.update(names)
    space = Space((*axes, *given))
    if not space.axes:
        help = "write `let width = 1 in [0.5..2..0.25]` in it, or add `--over width=0.5..2..0.25`"
        fail("E150", "nothing varies: no let of the spec has values to try", help=help)
    return space


def _defaults(lets: Sequence[LetNode], variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the numbers of the lets, which the values to try may be computed from."""
    numbers = {name: exact(name, value) for name, value in variables.items()}
    for each in lets:
        if each.name not in numbers:
            numbers[each.name] = evaluate(each.value, numbers)
    return numbers


def _given(name: str, values: Any, known: Sequence[str], numbers: Mapping[str, Any]) -> Axis:
    """Return the axis of a name, or of several in brackets, and its values: a text, or the values themselves."""
    names = tuple([part.strip() for part in name.strip().removeprefix("(").removesuffix(")").split(",")])
    for each in names:
        if each not in known and (each not in OPTIONS or len(names) > 1):
            _unknown(each, known)
    if not isinstance(values, str):
        values = list(values)
        rows = [tuple(row) if len(names) > 1 else (row,) for row in values]
        if names[0] in OPTIONS:
            rows = [(_option(names[0], str(value) if names[0] == DTYPE else value, None),) for (value,) in rows]
        else:
            rows = [tuple([exact(each, value) for each, value in zip(names, row, strict=True)]) for row in rows]
    else:
        rows = _rows(names, values, numbers)
    if not rows:
        fail("E150", f"`{name}` has no values to try", help=f"write for example `--over {name}=1,2,4`")
    return Axis(names, tuple(dict.fromkeys(rows)))


def _rows(names: tuple[str, ...], text: str, numbers: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    source = Source("--over", f"{text}")
    if names[0] in (INPUT, DTYPE):
        rows, at = [], 0
        for part in text.split(","):
            bare = part.strip()
            start = at + (part.find(bare) if bare else 0)
            rows.append((_option(names[0], bare, Span(source, start, start + len(bare))),))
            at += len(part) + 1
        return rows
    bare = text.strip()
    if not (bare.startswith("[") and bare.endswith("]")):
        # Read as if in brackets, and shown as it was written.
        shown = Source("--over", f"[{text}]", base=source, offset=-1)
        choices = parse_choices(shown, 0, len(shown.text), len(names) if len(names) > 1 else 0)
    else:
        start = text.index("[")
        choices = parse_choices(source, start, start + len(bare), len(names) if len(names) > 1 else 0)
    rows = values_of(choices, numbers)
    return [(_option(BATCH, value, choices.span),) for (value,) in rows] if names[0] == BATCH else rows


def _option(name: str, value: Any, span: Span | None) -> Any:
    """Return a value of `--input`, `--batch` or `--dtype`."""
    if name == INPUT:
        shape = parse_shape(value, "--over") if isinstance(value, str) else tuple(value)
        if not all(isinstance(size, int) for size in shape):
            fail("E132", f"`{value}` leaves sizes open", span, "a letter for a number", "write numbers: `96x96x3`")
        return shape
    if name == DTYPE:
        if value not in BYTES:
            near = nearest(value, BYTES)
            help = f"write `{near}`" if near else f"one of {', '.join(BYTES)}"
            fail("E150", f"`{value}` is no type of a sweep", span, "not one type of whole bytes for all numbers", help)
        return value
    if not isinstance(value, int) or not 1 <= value < 10**9:
        fail("E150", f"a batch of {value}", span, "not a whole number from 1 to 10^9 - 1")
    return value


def _unknown(name: str, known: Sequence[str]) -> None:
    near = nearest(name, [*known, *OPTIONS])
    lets = f"its lets: {', '.join(known)}" if known else "it has no let"
    help = f"write `{near}`" if near else f"{lets}; besides, {', '.join(OPTIONS)} may vary"
    raise SpecError([Diagnostic("E110", f"the spec has no let `{name}` to vary", help=help)])
