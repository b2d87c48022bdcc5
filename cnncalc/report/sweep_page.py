"""The answer of a sweep as a page: a scatter whose points tell their variant under the pointer, and the table."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from cnncalc.notation import short
from cnncalc.report.sweep import HEADINGS, NumberedVariant, columns_of, lines_of
from cnncalc.sweep.library import SweepResult
from cnncalc.sweep.space import value_text

WIDTH, HEIGHT = 720, 440
LEFT, RIGHT, TOP, BOTTOM = 86, 20, 16, 56
TICKS = 5

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem }
body { color: #222; background: #fff }
svg { max-width: 100%; height: auto }
.grid { stroke: #eee }
text { font-size: 12px; fill: #555 }
circle { fill: #9ab; fill-opacity: .75 }
circle.front { fill: #c40 }
circle:hover { stroke: #000; stroke-width: 2 }
polyline { fill: none; stroke: #c40; stroke-opacity: .5 }
table { border-collapse: collapse; margin-top: 1rem; font-variant-numeric: tabular-nums }
th, td { padding: .15rem .7rem; text-align: right }
th { border-bottom: 1px solid #999 }
tr:hover, tr.shown { background: #f3f3f3 }
tr.front td:first-child { color: #c40; font-weight: bold }
@media (prefers-color-scheme: dark) {
  body { color: #ddd; background: #1b1b1b }
  .grid { stroke: #333 }
  text { fill: #aaa }
  tr:hover, tr.shown { background: #2a2a2a }
  circle:hover { stroke: #fff }
}
""".strip()

SCRIPT = """
for (const point of document.querySelectorAll('circle')) {
  const row = document.getElementById('row' + point.dataset.row);
  point.addEventListener('mouseenter', () => row.classList.add('shown'));
  point.addEventListener('mouseleave', () => row.classList.remove('shown'));
  point.addEventListener('click', () => row.scrollIntoView({block: 'center'}));
}
""".strip()


def sweep_page(result: SweepResult, title: str) -> str:
    """Return the page, which needs no other file."""
    lines = lines_of(result)
    x, y = _axes(result)
    heading = escape(title)
    parts = [
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">',
        f"<title>{heading}</title>\n<style>\n{STYLE}\n</style>\n<h1>{heading}</h1>",
        f"<p>{result.kept:,} of {result.done:,} variants hold; {len(lines):,} are shown.</p>",
        _scatter(result, lines, x, y),
        _table(result, lines),
        f"<script>\n{SCRIPT}\n</script>\n</html>\n",
    ]
    return "\n".join(part for part in parts if part)


def _axes(result: SweepResult) -> tuple[str, str]:
    """Return the figures of the two axes: those of the front, or the first two of the table."""
    goals = [goal.key for goal in result.sweep.query.front]
    others = [name.path for name in result.sweep.names if name.path not in goals]
    chosen = [*goals, *others, *others][:2]
    return chosen[-1], chosen[0]


def _scatter(result: SweepResult, lines: Sequence[NumberedVariant], x: str, y: str) -> str:
    points = [
        (line, line.variant.figures[x], line.variant.figures[y])
        for line in lines
        if line.variant.figures.get(x) is not None and line.variant.figures.get(y) is not None
    ]
    if not points:
        return ""
    across, up = (
        _Scale([a for _, a, _ in points], LEFT, WIDTH - RIGHT),
        _Scale([b for _, _, b in points], HEIGHT - BOTTOM, TOP),
    )
    names = [HEADINGS.get(path, result.short(path).replace("_", " ")) for path in (x, y)]
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(names[1])} over {escape(names[0])}">']
    for tick in across.ticks:
        at = across.at(tick)
        parts.append(f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
        parts.append(f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{escape(short(tick))}</text>')
    for tick in up.ticks:
        at = up.at(tick)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{escape(short(tick))}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 12}" text-anchor="middle">{escape(names[0])}</text>')
    parts.append(
        f'<text transform="translate(16 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">{escape(names[1])}</text>'
    )
    front = sorted((a, b) for line, a, b in points if line.variant.on_front)
    if len(result.sweep.query.front) == 2:
        path = " ".join(f"{across.at(a):.1f},{up.at(b):.1f}" for a, b in front)
        parts.append(f'<polyline points="{path}"/>')
    for line, a, b in points:
        mark = ' class="front"' if line.variant.on_front else ""
        parts.append(
            f'<circle{mark} data-row="{line.number}" cx="{across.at(a):.1f}" cy="{up.at(b):.1f}" r="4">'
            f"<title>{escape(_hover(line, result))}</title></circle>"
        )
    return "\n".join([*parts, "</svg>"])


def _hover(line: NumberedVariant, result: SweepResult) -> str:
    """Return what is said of a point: its row, its values and its figures, one a line."""
    values = [f"{name} {value_text(value)}" for name, value in line.variant.values.items()]
    figures = [
        f"{column.heading}: {column.text(line, 'hwc')}"
        for column in columns_of(result)
        if column.key not in (*line.variant.values, "row", "front")
    ]
    return "\n".join([f"row {line.number}", ", ".join(values), *figures])


def _table(result: SweepResult, lines: Sequence[NumberedVariant]) -> str:
    columns = columns_of(result)
    head = "".join(f"<th>{escape(column.heading)}</th>" for column in columns)
    rows = []
    for line in lines:
        cells = "".join(f"<td>{escape(column.text(line, 'hwc'))}</td>" for column in columns)
        mark = ' class="front"' if line.variant.on_front else ""
        command = escape(result.command(line.variant), quote=True)
        rows.append(f'<tr id="row{line.number}"{mark} title="{command}">{cells}</tr>')
    return "\n".join(["<table>", f"<thead><tr>{head}</tr></thead>", "<tbody>", *rows, "</tbody>", "</table>"])


class _Scale:
    """Places numbers between two coordinates."""

    def __init__(self, numbers: Sequence[int], start: float, end: float) -> None:
        self.low, self.high = min(numbers), max(numbers)
        self.start, self.end = start, end

    def at(self, number: float) -> float:
        if self.high == self.low:
            return (self.start + self.end) / 2
        return self.start + (number - self.low) / (self.high - self.low) * (self.end - self.start)

    @property
    def ticks(self) -> list[int]:
        """Round numbers between the lowest and the highest."""
        span = self.high - self.low
        if not span:
            return [int(self.low)]
        power = 10 ** max(len(str(int(span / TICKS))) - 1, 0)
        step = next((each * power for each in (1, 2, 5, 10) if span / (each * power) <= TICKS), 10 * power)
        first = -(-int(self.low) // step) * step
        return list(range(first, int(self.high) + 1, step))
