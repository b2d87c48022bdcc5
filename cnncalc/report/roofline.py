"""The roofline of a network: columns and notes for its table, the picture in a terminal, and the picture as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import ceil, floor, log10
from typing import Any, NamedTuple

from cnncalc.analysis import Analysis
from cnncalc.draw.svg import element, escaped
from cnncalc.draw.text import printable
from cnncalc.figures.roofline import COMPUTE, MEMORY, Bound, Roof, bound_of
from cnncalc.figures.rows import RowGroup, RowOrGroup, collapse
from cnncalc.notation import decimal_prefix, seconds_text
from cnncalc.report.document import Block, Column, Drawing, Notes, Piece

#: The size of the picture in a terminal, in cells, and of the one in SVG, in pixels.
MOST_COLUMNS, LINES = 64, 14
#: What stands beside the picture in a terminal: the label of its axis, and its frame.
BESIDE = 16
WIDTH, HEIGHT = 720, 480
LEFT, RIGHT, TOP, BOTTOM = 84, 24, 28, 56

SIGNS = {COMPUTE: "●", MEMORY: "○"}
ASSUMED = "each layer by itself, its weights, inputs and outputs moved once; a bound, not a time"


class Point(NamedTuple):
    """A layer in the picture: FLOPs a byte, and the FLOP/s that are attainable at most."""

    name: str
    intensity: float
    attainable: float
    bound: Bound


def bound(line: RowOrGroup, roof: Roof) -> Bound:
    """Return the bound of a row, or of a block."""
    rows = line.rows if isinstance(line, RowGroup) else (line,)
    return bound_of(roof, [(row.flops, row.traffic_bytes) for row in rows])


def bound_columns(analysis: Analysis) -> tuple[Column, Column]:
    """Return the columns of the bound, in seconds for programs, and of what it is bound by."""
    roof = analysis.options.roof
    assert roof is not None
    bounds = {row.name: bound(row, roof) for row in analysis.rows}

    def of(line: Any) -> Bound:
        if line is analysis.totals:
            return total_bound(analysis)
        return bounds[line.name] if line.name in bounds else bound(line, roof)

    def text(line: Any, _: str) -> str:
        return seconds_text(of(line).seconds) if of(line).seconds else ""

    return (
        Column("bound", "bound", lambda line, _: float(of(line).seconds), text, True, rank=3),
        Column("bound_by", "bound by", lambda line, _: of(line).by, lambda line, _: of(line).by, rank=2),
    )


def total_bound(analysis: Analysis) -> Bound:
    """Return the sum of the bounds of all layers."""
    roof = analysis.options.roof
    assert roof is not None
    return bound_of(roof, [(row.flops, row.traffic_bytes) for row in analysis.rows])


def roofline_data(analysis: Analysis, depth: int | None) -> dict[str, Any]:
    """Return the JSON object of the roofline, with the bound of each layer in seconds."""
    roof, total = analysis.options.roof, total_bound(analysis)
    assert roof is not None
    lines = [(line.name, bound(line, roof)) for line in collapse(analysis.rows, depth)]
    return {
        "peak": float(roof.peak),
        "bandwidth": float(roof.bandwidth),
        "ridge": float(roof.ridge),
        "layers": [{"name": name, **_data(each)} for name, each in lines],
        "total": _data(total),
    }


def _data(each: Bound) -> dict[str, Any]:
    intensity = None if each.intensity is None else float(each.intensity)
    return {"intensity": intensity, "bound_seconds": float(each.seconds), "bound_by": each.by or None}


def roofline_blocks(analysis: Analysis, width: int | None = None) -> Iterator[Block]:
    """Yield the notes on the bounds, and the picture in so many columns."""
    roof, total = analysis.options.roof, total_bound(analysis)
    assert roof is not None
    by: dict[str, list[Bound]] = {COMPUTE: [], MEMORY: []}
    for row in analysis.rows:
        each = bound(row, roof)
        if each.by:
            by[each.by].append(each)
    shares = [
        f"{seconds_text(sum((each.seconds for each in bounds), Fraction()))} in {len(bounds)} {what} bound "
        f"layer{'' if len(bounds) == 1 else 's'}"
        for what, bounds in by.items()
        if bounds
    ]
    rates = f"{decimal_prefix(roof.peak)}FLOP/s and {decimal_prefix(roof.bandwidth)}B/s"
    yield Notes(
        (
            ("bound", f"{seconds_text(total.seconds)} at least: {', '.join(shares)}" if shares else "nothing to do"),
            ("device", f"{rates}: compute bound from {_plain(float(roof.ridge))} FLOPs a byte on"),
            ("assumed", ASSUMED),
        )
    )
    points = points_of(analysis)
    if points:
        yield Drawing(tuple(_drawn(points, roof, max(min(MOST_COLUMNS, (width or 80) - BESIDE), 16))))


def points_of(analysis: Analysis) -> list[Point]:
    """Return a point for each layer that multiplies."""
    roof = analysis.options.roof
    assert roof is not None
    found = []
    for row in analysis.rows:
        each = bound(row, roof)
        if each.flops and each.intensity is not None:
            attainable = min(roof.peak, each.intensity * roof.bandwidth)
            found.append(Point(row.name, float(each.intensity), float(attainable), each))
    return found


class PlotRange(NamedTuple):
    """The powers of ten at the ends of both axes."""

    low_x: int
    high_x: int
    low_y: int
    high_y: int

    def x(self, intensity: float) -> float:
        """Return a place on the axis, from 0 to 1."""
        return (log10(intensity) - self.low_x) / (self.high_x - self.low_x)

    def y(self, rate: float) -> float:
        return (log10(rate) - self.low_y) / (self.high_y - self.low_y)


def frame_of(points: Sequence[Point], roof: Roof) -> PlotRange:
    """Return the axes that hold all points, the ridge, and the roof on both sides of it."""
    ridge = float(roof.ridge)
    low_x = floor(log10(min([ridge / 10, *(each.intensity for each in points)])))
    high_x = ceil(log10(max([ridge * 10, *(each.intensity for each in points)])))
    low_y = floor(log10(min([float(roof.bandwidth) * 10.0**low_x, *(each.attainable for each in points)])))
    high_y = max(ceil(log10(float(roof.peak)) - 1e-9), low_y + 1)
    return PlotRange(low_x, max(high_x, low_x + 1), low_y, high_y)


def _drawn(points: Sequence[Point], roof: Roof, columns: int) -> Iterator[tuple[Piece, ...]]:
    """Yield the lines of the picture in a terminal."""
    frame = frame_of(points, roof)
    cells: dict[tuple[int, int], Piece] = {}
    for column in range(columns):
        intensity = 10 ** (frame.low_x + (column + 0.5) / columns * (frame.high_x - frame.low_x))
        rate = min(float(roof.peak), intensity * float(roof.bandwidth))
        line = round(frame.y(rate) * (LINES - 1))
        if 0 <= line < LINES:
            cells[line, column] = ("rule", "─" if intensity >= roof.ridge else "╱")
    for point in points:
        column = min(int(frame.x(point.intensity) * columns), columns - 1)
        cells[round(frame.y(point.attainable) * (LINES - 1)), column] = ("bar", SIGNS[point.bound.by])
    labels = {
        LINES - 1: f"{decimal_prefix(Fraction(10) ** frame.high_y)}FLOP/s",
        0: f"{decimal_prefix(Fraction(10) ** frame.low_y)}FLOP/s",
    }
    room = max(map(len, labels.values()))
    for line in reversed(range(LINES)):
        yield (
            ("label", labels.get(line, "").rjust(room)),
            ("rule", " │"),
            *(cells.get((line, column), ("text", " ")) for column in range(columns)),
        )
    yield ("label", " " * room), ("rule", " └" + "─" * columns)
    low, high = f"{_plain(10.0**frame.low_x)}", f"{_plain(10.0**frame.high_x)} FLOP/B"
    yield (("label", " " * (room + 2) + low + high.rjust(columns - len(low))),)
    yield (("label", " " * (room + 2) + f"{SIGNS[COMPUTE]} compute bound  {SIGNS[MEMORY]} memory bound"),)


def _plain(value: float) -> str:
    """Return a number with three significant digits, without an exponent where it is readable so."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def roofline_svg(analysis: Analysis) -> str:
    """Return the picture as SVG: the roof on logarithmic axes, and a named point for each layer that multiplies."""
    roof = analysis.options.roof
    assert roof is not None
    points = points_of(analysis)
    frame = frame_of(points, roof)

    def x(intensity: float) -> float:
        return LEFT + frame.x(intensity) * (WIDTH - LEFT - RIGHT)

    def y(rate: float) -> float:
        return HEIGHT - BOTTOM - frame.y(rate) * (HEIGHT - TOP - BOTTOM)

    parts = [element("rect", width=WIDTH, height=HEIGHT, fill="#ffffff")]
    for power in range(frame.low_x, frame.high_x + 1):
        at = x(10.0**power)
        parts.append(element("line", x1=at, y1=TOP, x2=at, y2=HEIGHT - BOTTOM, stroke="#dddddd"))
        parts.append(_text(at, HEIGHT - BOTTOM + 18, _plain(10.0**power), "middle"))
    for power in range(frame.low_y, frame.high_y + 1):
        at = y(10.0**power)
        parts.append(element("line", x1=LEFT, y1=at, x2=WIDTH - RIGHT, y2=at, stroke="#dddddd"))
        parts.append(_text(LEFT - 8, at + 4, decimal_prefix(Fraction(10) ** power).strip() or "1", "end"))
    ridge, peak = float(roof.ridge), float(roof.peak)
    start = 10.0**frame.low_x
    corners = [(start, start * float(roof.bandwidth)), (ridge, peak), (10.0**frame.high_x, peak)]
    path = " ".join(f"{x(each):.2f},{y(rate):.2f}" for each, rate in corners)
    parts.append(element("polyline", points=path, fill="none", stroke="#333333", stroke_width=2))
    name = escaped(printable(analysis.graph.name or "network"))
    for point in points:
        label = f"{point.name}: {_plain(point.intensity)} FLOP/B, {point.bound.by} bound, "
        label += f"{seconds_text(point.bound.seconds)} at least"
        colour = "#0072b2" if point.bound.by == COMPUTE else "#d55e00"
        title = element("title", escaped(printable(label)))
        parts.append(
            element("circle", title, cx=x(point.intensity), cy=y(point.attainable), r=4, fill=colour, fill_opacity=0.75)
        )
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, "intensity in FLOPs a byte", "middle"))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    side = _text(18, middle, "attainable FLOP/s, an upper bound", "middle")
    parts.append(element("g", side, transform=f"rotate(-90 18 {middle:.2f})"))
    total = total_bound(analysis)
    heading = f"{analysis.graph.name or 'network'}: {seconds_text(total.seconds)} at least, a bound"
    parts.append(_text(LEFT, TOP - 10, heading, "start"))
    parts.append(_text(WIDTH - RIGHT, TOP - 10, "blue: compute bound, orange: memory bound", "end"))
    return (
        element(
            "svg",
            "\n" + "\n".join([element("title", f"Roofline of {name}"), *parts]) + "\n",
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"0 0 {WIDTH} {HEIGHT}",
            width=WIDTH,
            height=HEIGHT,
            font_family="sans-serif",
            font_size=12,
            role="img",
        )
        + "\n"
    )


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return element("text", escaped(printable(text)), x=float(x), y=float(y), text_anchor=anchor, fill="#333333")
