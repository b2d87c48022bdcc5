"""The columns of a table of layers: the key, heading, value and text of each figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from cnncalc.figures.rows import Row, RowOrGroup
from cnncalc.notation import PREFIXES, field_range_text, field_text, formula, scaled, shape_text, thousands
from cnncalc.query.vocabulary import key_of
from cnncalc.report.document import Bar, Column, Folding
from cnncalc.shape import Size
from cnncalc.spelling import nearest

if TYPE_CHECKING:
    from fractions import Fraction

#: Unknown operators beyond these are counted, not named.
MOST_UNKNOWN = 8


#: Columns of figures that are unknown where another is.
DEPENDS_ON = {
    "flops": "macs", "backward": "macs", "saved": "activations",
    "flash": "params", "live": "activations", "traffic": "activations",
}  # fmt: skip


def uncounted(rows: Sequence[Row]) -> str:
    """Return a note on the operators that are not counted, with the number of times each occurs.

    Of the layers behind them, whose input is not known in full, it has the number alone.
    """
    counts: dict[str, int] = {}
    behind = 0
    for row in rows:
        if not row.node.inputs:
            continue
        if row.node.layer.known:
            behind += 1
        else:
            counts[row.type] = counts.get(row.type, 0) + 1
    sizes = f"sizes are not known of {behind:,} layer{'s' if behind > 1 else ''}"
    if not counts:
        return f"{sizes}, so that all totals are lower bounds"
    names = [name if count == 1 else f"{name} ({count} times)" for name, count in counts.items()]
    if len(names) > MOST_UNKNOWN:
        names[MOST_UNKNOWN:] = [f"{len(names) - MOST_UNKNOWN} other operators"]
    after = f"; behind, {sizes}" if behind else ""
    return f"{', '.join(names)}: not counted in full, so that all totals are lower bounds{after}"


def _inputs(row: RowOrGroup, layout: str) -> str:
    return " ".join(shape_text(dims, layout) for dims in row.input_shapes)


def _output(row: RowOrGroup, layout: str) -> str:
    return shape_text(row.output_shape, layout)


def _field_range(row: RowOrGroup, _: str) -> str:
    return formula(field_range_text(row.receptive_field))


def text_column(
    key: str,
    heading: str,
    get: Callable[[Any], str],
    *,
    setting: Literal["plain", "sizes"] = "plain",
    role: str = "text",
    folding: Folding = "text",
    rank: int = 0,
) -> Column:
    """Return a column of texts, which are the same for programs and for people."""

    def text(line: Any, _: str) -> str:
        return get(line)

    return Column(key, heading, text, text, False, setting, role, folding, rank)


def size_column(
    key: str,
    heading: str,
    get: Callable[[Any, str], str],
    *,
    role: str = "text",
    folding: Folding = "none",
    rank: int = 0,
) -> Column:
    """Return a column of shapes, or of figures with one number for each axis."""

    def text(line: Any, layout: str) -> str:
        return formula(get(line, layout))

    return Column(key, heading, get, text, False, "sizes", role, folding, rank)


def count_column(
    key: str,
    heading: str,
    get: Callable[[Any], Size],
    *,
    rank: int = 0,
    bar: Bar | None = None,
    scale: Literal["none", "counts", "bytes"] = "counts",
) -> Column:
    """Return a column of whole numbers; as text, they have thousands separators.

    A figure that is not known in full has no value unless part of it is known, and its text is `?` or `≥448`.
    """
    figure = DEPENDS_ON.get(key, key)

    def is_missing(line: Any) -> bool:
        return figure in getattr(line, "missing", ())

    def value(line: Any, _: str) -> Size | None:
        known = get(line)
        return None if is_missing(line) and not known else known

    def text(line: Any, _: str) -> str:
        known = get(line)
        if known is None:  # too many formulas to compare
            return "?"
        if not is_missing(line):
            return thousands(known)
        return f"≥{thousands(known)}" if known else "?"

    return Column(key, heading, value, text, True, rank=rank, bar=bar, scale=scale)


def scaled_column(key: str, heading: str, column: Column, unit: str) -> Column:
    """Return a column of another one's figures in a unit, for papers: `4.09` of 4,089,184,256 in `G`."""
    divisor = 1000 ** (PREFIXES.index(unit) + 1)

    def value(line: Any, layout: str) -> float | None:
        count = column.value(line, layout)
        return count / divisor if isinstance(count, int) else None

    text = scaled_text(column, unit)
    return Column(key, heading, value, text, True, rank=column.rank, derived=True)


def scaled_text(column: Column, unit: str) -> Callable[[Any, str], str]:
    """Return the text function of a column with its numbers in a unit; formulas stay as they are."""

    def text(line: Any, layout: str) -> str:
        count, whole = column.value(line, layout), column.text(line, layout)
        if not isinstance(count, int) or whole == "?":
            return whole
        return ("≥" if whole.startswith("≥") else "") + scaled(count, unit, column.scale == "bytes")

    return text


def _optional(column: Column) -> Column:
    """Return a column whose figure may be None, for one that is not known or not a number."""

    def text(line: Any, layout: str) -> str:
        return "?" if column.value(line, layout) is None else column.text(line, layout)

    return column._replace(text=text)


def _share(row: RowOrGroup) -> float | None:
    return None if row.share is None else round(row.share, 4)


def _share_text(row: RowOrGroup) -> str:
    return "" if not row.share else f"{row.share:.1f} %"


BAR = Bar(natural=8, most=12)

#: Ranks: the layer's words are folded first, its name last, and formulas between them.
COLUMNS = {
    column.key: column
    for column in (
        text_column("name", "name", lambda row: row.name, role="name", folding="name", rank=8),
        text_column("type", "type", lambda row: row.type, folding="none"),
        text_column("layer", "layer", lambda row: row.description, setting="sizes", rank=1),
        text_column("inputs", "inputs", lambda row: " ".join(row.inputs)),
        size_column("input", "input", _inputs, folding="text", rank=7),
        size_column("output", "output", _output, role="output", rank=6),
        count_column("params", "parameters", lambda row: row.params, rank=5, bar=BAR),
        count_column("frozen", "frozen", lambda row: row.frozen),
        count_column("buffers", "buffers", lambda row: row.buffers),
        count_column("macs", "MACs", lambda row: row.macs, rank=4, bar=BAR),
        count_column("flops", "FLOPs", lambda row: row.flops, rank=3),
        count_column("backward", "backward MACs", lambda row: row.backward_macs, rank=3),
        count_column("activations", "activations", lambda row: row.activations, rank=2),
        count_column("conv_activations", "conv activations", lambda row: row.conv_activations, rank=2),
        count_column("saved", "saved bytes", lambda row: row.saved_bytes, rank=2, scale="bytes"),
        count_column("traffic", "traffic bytes", lambda row: row.traffic_bytes, rank=2, scale="bytes"),
        Column(
            "intensity", "FLOP/B", lambda row, _: _rounded(row.intensity), lambda row, _: _intensity(row), True, rank=2
        ),
        size_column("field", "field", lambda row, _: field_text(row.receptive_field))._replace(text=_field_range),
        size_column("smallest", "smallest", lambda row, _: field_text(row.receptive_field, "smallest")),
        size_column("jump", "jump", lambda row, _: field_text(row.receptive_field, "jump")),
        size_column("left", "left", lambda row, _: field_text(row.receptive_field, "left")),
        text_column("implicit", "implicit", lambda row: str(row.implicit).lower(), folding="none"),
        _optional(count_column("bytes", "weight bytes", lambda row: row.params_bytes, rank=2, scale="bytes")),
        _optional(count_column("live", "live bytes", lambda row: row.live_bytes, rank=2, scale="bytes")),
        Column("share", "share", lambda row, _: _share(row), lambda row, _: _share_text(row), True),
    )
}


def _rounded(value: Fraction | None) -> float | None:
    return None if value is None else round(float(value), 3)


def _intensity(row: Any) -> str:
    """Return FLOPs a byte, with one decimal below 100; nothing where none is counted."""
    value = row.intensity
    if not value:
        return ""
    return f"{float(value):,.0f}" if value >= 100 else f"{float(value):.1f}"


#: Figures in the units of papers: key, heading, the column that they are of, and the unit.
SCALED = (("mparams", "Mparams", "params", "M"), ("gmacs", "GMACs", "macs", "G"), ("gflops", "GFLOPs", "flops", "G"))

COLUMNS |= {key: scaled_column(key, heading, COLUMNS[of], unit) for key, heading, of, unit in SCALED}

DEFAULT = ("name", "layer", "output", "params", "macs", "field")
#: Of a network on a device.
DEPLOYED = ("name", "layer", "output", "bytes", "live")
#: What their figures are called there.
OF_DEVICE = {"bytes": "flash bytes", "live": "RAM live"}
#: Beside the bound of each layer.
BOUNDED = ("name", "layer", "macs", "traffic", "intensity")


def choose(
    keys: str | None, known: Mapping[str, Column] = COLUMNS, default: Sequence[str] = DEFAULT
) -> tuple[Column, ...]:
    """Return the columns of a list such as `name,params`; `+jump` adds to the default columns, `all` selects every one.

    Raises `ValueError`, with the nearest of the `known` columns, when a column is unknown.
    """
    if keys is None:
        return tuple(known[key] for key in default)
    if keys.strip() == "all":
        return tuple(column for column in known.values() if not column.derived)
    chosen: list[str] = list(default) if keys.startswith("+") else []
    for each in keys.lstrip("+").split(","):
        key = find_column(each.strip().lstrip("+"), known).key
        if key not in chosen:
            chosen.append(key)
    return tuple(known[key] for key in chosen)


def find_column(key: str, known: Mapping[str, Column]) -> Column:
    """Return the column of a key, a heading or another word for its figure.

    Raises `ValueError`, with the nearest of the `known` ones, if there is none.
    """
    key = key.strip().lower()
    if key in known:
        return known[key]
    meant = key_of(key)
    for column in known.values():
        if meant in (column.key, key_of(column.key), key_of(column.heading)):
            return column
    if meant == "peak" and "live" in known:
        return known["live"]  # the peak is the most of it
    near = nearest(key, known)
    raise ValueError(
        (f"unknown column {key!r}" if key else "a column is missing")
        + (f": did you mean {near!r}?" if near else f": one of {', '.join(known)}")
    )
