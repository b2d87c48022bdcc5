"""The columns of a report: each figure's heading, how it is got from a row, and how it reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from cnncalc.analysis import Row, RowOrGroup
from cnncalc.diagnostics import nearest
from cnncalc.notation import field_text, formula, shape_text, thousands
from cnncalc.report.document import Bar, Column, Folding
from cnncalc.shape import Size

#: Unknown operators beyond these are counted, not named.
MOST_UNKNOWN = 8


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


def _inputs(row: RowOrGroup, layout: str) -> str:
    return " ".join(shape_text(dims, layout) for dims in row.input_shapes)


def text_column(
    key: str,
    heading: str,
    help: str,
    get: Callable[[Any, str], str],
    *,
    setting: Literal["plain", "sizes", "code"] = "plain",
    role: str = "text",
    folding: Folding = "text",
    rank: int = 0,
) -> Column:
    """A column of texts, which read as they are."""
    return Column(key, heading, help, get, get, False, setting, role, folding, rank)


def size_column(
    key: str,
    heading: str,
    help: str,
    get: Callable[[Any, str], str],
    *,
    role: str = "text",
    folding: Folding = "none",
    rank: int = 0,
) -> Column:
    """A column of shapes, or of what is one number for each axis."""
    return Column(
        key, heading, help, get, lambda row, layout: formula(get(row, layout)), False, "sizes", role, folding, rank
    )


def count_column(
    key: str, heading: str, help: str, get: Callable[[Any], Size], *, rank: int = 0, bar: Bar | None = None
) -> Column:
    """A column of whole numbers, whose digits are in threes for people."""
    return Column(
        key, heading, help, lambda row, _: get(row), lambda row, _: thousands(get(row)), True, rank=rank, bar=bar
    )


BAR = Bar(natural=8, most=12)

COLUMNS = {
    column.key: column
    for column in (
        text_column("name", "name", "the layer's name", lambda row, _: row.name, role="name", folding="name", rank=8),
        text_column("type", "type", "the kind of layer", lambda row, _: row.type, folding="none"),
        text_column(
            "layer",
            "layer",
            "the layer in the language's words",
            lambda row, _: row.description,
            setting="sizes",
            rank=1,
        ),
        text_column("inputs", "inputs", "the layers it reads", lambda row, _: " ".join(row.inputs)),
        size_column("input", "input", "shapes of one sample that go in", _inputs, folding="text", rank=7),
        size_column(
            "output",
            "output",
            "shape of one sample that comes out",
            lambda row, layout: shape_text(row.output_shape, layout),
            role="output",
            rank=6,
        ),
        count_column("params", "parameters", "what training changes", lambda row: row.params, rank=5, bar=BAR),
        count_column("buffers", "buffers", "running statistics", lambda row: row.buffers),
        count_column("macs", "MACs", "multiply-accumulates of the batch", lambda row: row.macs, rank=4, bar=BAR),
        count_column("flops", "FLOPs", "two for each MAC", lambda row: row.flops, rank=3),
        count_column("activations", "activations", "output elements of the batch", lambda row: row.activations, rank=2),
        size_column(
            "field", "field", "receptive field: its size in input elements", lambda row, _: _field(row, "size")
        ),
        size_column("jump", "jump", "input elements between neighbouring outputs", lambda row, _: _field(row, "jump")),
        size_column(
            "left", "left", "how far the first field begins before the input", lambda row, _: _field(row, "left")
        ),
        text_column(
            "implicit",
            "implicit",
            "whether the layer was added",
            lambda row, _: str(row.implicit).lower(),
            folding="none",
        ),
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
