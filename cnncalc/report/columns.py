"""The columns of a report: each figure's heading, how it is got from a row, and how it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from cnncalc.analysis import Row, RowOrGroup
from cnncalc.diagnostics import nearest
from cnncalc.notation import field_text, formula, shape_text, thousands
from cnncalc.shape import Size

#: Unknown operators beyond these are counted, not named.
MOST_UNKNOWN = 8


class Column(NamedTuple):
    """One figure of what a row stands for: a layer, in `COLUMNS`, or a network among others.

    `value` is the raw one, `text` how a person reads it (both are given the layout of shapes).
    """

    key: str
    heading: str
    help: str
    value: Callable[[Any, str], Any]
    text: Callable[[Any, str], str]
    numeric: bool = False
    #: How it is set in print: `sizes` with × between its numbers, `code` as it was typed.
    setting: Literal["plain", "sizes", "code"] = "plain"


def uncounted(rows: Sequence[Row]) -> str:
    """Which operators are not counted: each by its name, and how often."""
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.type] = counts.get(row.type, 0) + 1
    names = [name if count == 1 else f"{name} ({count} times)" for name, count in counts.items()]
    if len(names) > MOST_UNKNOWN:
        names[MOST_UNKNOWN:] = [f"{len(names) - MOST_UNKNOWN} other operators"]
    return f"{', '.join(names)}: not counted in full, so that all totals are lower bounds"


def _field(row: RowOrGroup, part: str) -> str:
    return field_text(row.receptive_field, part)


def _shape(dims: Callable[[RowOrGroup], Iterable[Size]]) -> Callable[[RowOrGroup, str], str]:
    return lambda row, layout: shape_text(dims(row), layout)


def _inputs(row: RowOrGroup, layout: str) -> str:
    return " ".join(shape_text(dims, layout) for dims in row.input_shapes)


def text_column(
    key: str, heading: str, help: str, get: Callable[[Any, str], str], setting: Literal["plain", "sizes"] = "plain"
) -> Column:
    """A column of texts, which read as they are."""
    return Column(key, heading, help, get, get, setting=setting)


def size_column(key: str, heading: str, help: str, get: Callable[[Any, str], str]) -> Column:
    """A column of shapes, or of what is one number for each axis."""
    return Column(key, heading, help, get, lambda row, layout: formula(get(row, layout)), setting="sizes")


def count_column(key: str, heading: str, help: str, get: Callable[[Any], Size]) -> Column:
    """A column of whole numbers, whose digits are in threes for people."""
    return Column(key, heading, help, lambda row, _: get(row), lambda row, _: thousands(get(row)), numeric=True)


COLUMNS = {
    column.key: column
    for column in (
        text_column("name", "name", "the layer's name", lambda row, _: row.name),
        text_column("type", "type", "the kind of layer", lambda row, _: row.type),
        text_column("layer", "layer", "the layer in the language's words", lambda row, _: row.description, "sizes"),
        text_column("inputs", "inputs", "the layers it reads", lambda row, _: " ".join(row.inputs)),
        size_column("input", "input", "shapes of one sample that go in", _inputs),
        size_column("output", "output", "shape of one sample that comes out", _shape(lambda row: row.output_shape)),
        count_column("params", "parameters", "what training changes", lambda row: row.params),
        count_column("buffers", "buffers", "running statistics", lambda row: row.buffers),
        count_column("macs", "MACs", "multiply-accumulates of the batch", lambda row: row.macs),
        count_column("flops", "FLOPs", "two for each MAC", lambda row: row.flops),
        count_column("activations", "activations", "output elements of the batch", lambda row: row.activations),
        size_column(
            "field", "field", "receptive field: its size in input elements", lambda row, _: _field(row, "size")
        ),
        size_column("jump", "jump", "input elements between neighbouring outputs", lambda row, _: _field(row, "jump")),
        size_column(
            "left", "left", "how far the first field begins before the input", lambda row, _: _field(row, "left")
        ),
        text_column("implicit", "implicit", "whether the layer was added", lambda row, _: str(row.implicit).lower()),
    )
}

DEFAULT = ("name", "layer", "output", "params", "macs", "field")


def choose(
    keys: str | None, known: Mapping[str, Column] = COLUMNS, default: Sequence[str] = DEFAULT
) -> tuple[Column, ...]:
    """The columns of a list such as `name,params`; `+jump` adds to the default ones, `all` is every one.

    Raises `ValueError` that names the nearest of the `known` columns where one is none of them.
    """
    if keys is None:
        return tuple(known[key] for key in default)
    if keys.strip() == "all":
        return tuple(known.values())
    chosen: list[str] = list(default) if keys.startswith("+") else []
    for key in keys.lstrip("+").split(","):
        key = key.strip().lower().lstrip("+")
        if key not in known:
            near = nearest(key, known)
            raise ValueError(
                (f"unknown column {key!r}" if key else "a column is missing")
                + (f": did you mean {near!r}?" if near else f": one of {', '.join(known)}")
            )
        if key not in chosen:
            chosen.append(key)
    return tuple(known[key] for key in chosen)
