"""The columns of a report: each figure's heading, how it is got from a row, and how it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from cnncalc.analysis import Row
from cnncalc.diagnostics import nearest
from cnncalc.figures.receptive_field import ReceptiveField
from cnncalc.report.tree import Line
from cnncalc.shape import Size, dims_text

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


def shape_text(dims: Iterable[Size], layout: str = "hwc") -> str:
    """`32x32x3`, or `3x32x32` in the layout chw."""
    sizes = list(dims)
    if not sizes:
        return "?"
    return dims_text(sizes if layout == "hwc" else [sizes[-1], *sizes[:-1]])


def shortened(text: str, most: int = 120) -> str:
    """The text, its end cut off where it is long: a whole spec that stands for a network's name."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def thousands(value: Size) -> str:
    """`1,234`, and `1,024·(H − 2)·W` where it is a formula."""
    return f"{value:,}" if isinstance(value, int) else formula(f"{value:,}")


def formula(text: str) -> str:
    """The text of a formula as it is printed in books: `9·C·(H−2)² + 4·C`, without spaces in a factor."""
    for plain, sign in (("**2", "²"), ("**3", "³"), ("**", "^"), ("*", "·"), ("- ", "− "), ("(-", "(−")):
        text = text.replace(plain, sign)
    if len(text) > 1 and text.startswith("-"):
        text = f"−{text[1:]}"
    if "(" not in text or " " not in text:
        return text
    # max(a + b, c) has terms of its own.
    inside: list[bool] = []
    shown = []
    for at, character in enumerate(text):
        if character == "(":
            inside.append(text[:at].endswith(("max", "min")))
        elif character == ")":
            inside.pop()
        elif character == " " and inside and not inside[-1]:
            continue
        shown.append(character)
    return "".join(shown)


def short(value: int) -> str:
    """Three significant digits and a decimal prefix, `4.09 G`; nothing that a plain number would not say better."""
    for power, prefix in ((15, "P"), (12, "T"), (9, "G"), (6, "M"), (3, "k")):
        # Rounding may carry into the next prefix: 999,999 is 1.00 M.
        if 2 * value >= 2 * 10**power - 10 ** (power - 3):
            return f"{_three_digits(value / 10**power)} {prefix}"
    return str(value)


def bytes_text(value: int) -> str:
    """`97.7 MiB`: 1024^n, as the unit says."""
    for power, unit in ((4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
        if value >= 1024**power:
            return f"{_three_digits(value / 1024**power)} {unit}"
    return f"{value} B"


def _three_digits(value: float) -> str:
    if value >= 10**6:  # beyond the prefixes there are
        return f"{value:.2e}"
    decimals = next(n for n in (2, 1, 0) if n == 0 or round(value, n) < 10 ** (3 - n))
    return f"{value:,.{decimals}f}"


def uncounted(rows: Sequence[Row]) -> str:
    """Which operators are not counted: each by its name, and how often."""
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.type] = counts.get(row.type, 0) + 1
    names = [name if count == 1 else f"{name} ({count} times)" for name, count in counts.items()]
    if len(names) > MOST_UNKNOWN:
        names[MOST_UNKNOWN:] = [f"{len(names) - MOST_UNKNOWN} other operators"]
    return f"{', '.join(names)}: not counted in full, so that all totals are lower bounds"


def per_axis(values: Iterable[Any]) -> str:
    """One number for axes that agree, else one for each: `3`, `3x5`."""
    sizes = list(values)
    return str(sizes[0]) if len(set(sizes)) == 1 else dims_text(sizes)


def field_text(field: ReceptiveField, part: str = "size") -> str:
    """A part of a receptive field: `3`, `3x5`, `all`; `-` where there are no axes."""
    found = field.to_dict()[part]
    if found == "all":
        return "all"
    assert isinstance(found, list)
    return per_axis(found) or "-"


def _field(row: Line, part: str) -> str:
    return field_text(row.receptive_field, part)


def _shape(dims: Callable[[Line], Iterable[Size]]) -> Callable[[Line, str], str]:
    return lambda row, layout: shape_text(dims(row), layout)


def _inputs(row: Line, layout: str) -> str:
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
