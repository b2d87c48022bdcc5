"""The report of a network: its picture, its memory over time, a receptive field, and the table, as one page.

The table folds without a script. A script of the page's own sorts it, marks a layer's tensors and box while the mouse
is on its row, and draws the receptive field of the layer that is clicked; the page's policy allows that script alone,
by its hash, and fetches nothing.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html import escape
from json import dumps
from pathlib import Path
from typing import Any

from cnncalc.analysis import Analysis
from cnncalc.diagnostics import SpecError
from cnncalc.draw import draw
from cnncalc.draw.svg import number, to_svg
from cnncalc.draw.text import printable
from cnncalc.figures.memory_planner import Allocation, plan
from cnncalc.figures.rows import Row
from cnncalc.notation import bytes_text
from cnncalc.report.document import Document
from cnncalc.report.html import page, to_html

#: The size of the picture of memory, and the side of the input on which a receptive field is drawn.
WIDE, TALL, SIDE = 640.0, 200.0, 200.0
#: A value of an attribute that needs no quotes; text has none that are not escaped. It is a tenth of a large page.
QUOTED = re.compile(r"""="([^\s"'=<>`]+)\"""")


def network_page(analysis: Analysis, document: Document, title: str) -> str:
    """Return the report of a network with its document, a table that folds with what follows it.

    A network of letters, and one behind whose operators sizes are unknown, has the table alone.
    """
    title = printable(title)
    table = QUOTED.sub(r"=\1", to_html(document, numbered=True))
    if analysis.letters or analysis.incomplete or not any(node.inputs for node in analysis.graph.nodes):
        return page(title, f"<main>\n<h1>{escape(title)}</h1>\n{table}</main>\n", _head(""))
    allocations = sorted(plan(analysis.feature_maps, analysis.footprint.scale), key=lambda each: each.buffer)
    picture = "".join(_picture(analysis, title))
    figures = f'<div class="pair">\n{_lives(analysis, allocations)}{_field(analysis)}</div>\n'
    script = _read("page.js")
    data = dumps(_data(analysis, allocations), separators=(",", ":")).replace("<", "\\u003c")
    body = (
        f"<main>\n<h1>{escape(title)}</h1>\n{picture}{figures}{table}</main>\n"
        f'<script type="application/json" id="data">{data}</script>\n<script>{script}</script>\n'
    )
    return page(title, body, _head(script))


def _read(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _head(script: str) -> str:
    """Return the policy, which allows the one script by its hash, and the style."""
    allowed = f" script-src 'sha256-{b64encode(sha256(script.encode()).digest()).decode()}';" if script else ""
    policy = f"default-src 'none';{allowed} style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    return f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n<style>\n{_read("page.css")}</style>\n'


def _picture(analysis: Analysis, title: str) -> Iterator[str]:
    """Yield the drawing, unless there is too much for one."""
    try:
        scene = draw(analysis.graph._replace(name=title))
    except SpecError:
        return
    # A row that is marked says more than a box's title.
    boxes = tuple([box._replace(title="") for box in scene.boxes])
    yield f'<figure tabindex="0" aria-label="drawing">\n{to_svg(scene._replace(boxes=boxes), False, True)}</figure>\n'


# -- memory ------------------------------------------------------------------------------------------


def _lives(analysis: Analysis, allocations: list[Allocation]) -> str:
    """Return the lives of the tensors in their places in memory: a bar from its layer to its last reader."""
    steps, height = len(analysis.rows), max((each.end for each in allocations), default=0)
    if not height:
        return ""
    x, y = WIDE / steps, TALL / height
    bars = "".join(
        f'<rect x="{number(each.buffer.first * x)}" y="{number(TALL - each.end * y)}" '
        f'width="{number((min(each.buffer.last, steps - 1) - each.buffer.first + 1) * x)}" '
        f'height="{number(each.size * y)}"/>'
        for each in allocations
    )
    at = next((row.node.index for row in analysis.rows if row.name == analysis.totals.peak_layer), None)
    peak = "" if at is None else f'<path class="peak" d="M{number((at + 0.5) * x)} 0v{number(TALL)}"/>'
    where = f", the most at {escape(printable(str(analysis.totals.peak_layer)))}" if at is not None else ""
    return (
        f'<figure><svg class="lives" role="img" aria-label="memory over time" width="{number(WIDE)}" '
        f'height="{number(TALL + 4)}" viewBox="0 -2 {number(WIDE)} {number(TALL + 4)}">{bars}{peak}'
        f'<path class="axis" d="M0 {number(TALL)}h{number(WIDE)}M0 0v{number(TALL)}"/></svg>\n'
        f"<figcaption>Memory, layer by layer: {bytes_text(height)} in all{where}. A bar is a tensor, from the layer "
        "that makes it to its last reader.</figcaption></figure>\n"
    )


# -- receptive field ---------------------------------------------------------------------------------


def _field(analysis: Analysis) -> str:
    """Return the input with what the output in the middle of a layer sees: of the last that does not see everything."""
    sizes = analysis.graph.nodes[0].shape.spatial
    chosen = [row for row in analysis.rows if _seen(row, len(sizes))]
    if not chosen or len(sizes) not in (1, 2) or not all(isinstance(size, int) for size in sizes):
        return ""
    row = chosen[-1]
    seen = _seen(row, len(sizes)) or []
    tall = SIDE if len(sizes) > 1 else 24.0
    boxes = [
        (20 + SIDE / size * begin, SIDE / size * extent) for size, (extent, begin) in zip(sizes, seen, strict=True)
    ]
    (left, wide), (top, high) = boxes[-1], boxes[0] if len(sizes) > 1 else (20.0, tall)
    words = "×".join(str(extent) for extent, _ in seen)
    name = escape(printable(row.name))
    return (
        f'<figure class="field"><svg role="img" aria-label="receptive field" width="{number(SIDE + 40)}" '
        f'height="{number(tall + 40)}" viewBox="0 0 {number(SIDE + 40)} {number(tall + 40)}">'
        f'<rect class="axis" x="20" y="20" width="{number(SIDE)}" height="{number(tall)}"/><rect class="seen" '
        f'x="{number(left)}" y="{number(top)}" width="{number(wide)}" height="{number(high)}"/></svg>\n'
        f"<figcaption>{name}: the output in the middle sees {words}</figcaption></figure>\n"
    )


def _seen(row: Row, rank: int) -> list[tuple[float, float]] | None:
    """Return for each axis how much the output in the middle sees, and where it begins; None if that is everything."""
    axes, sizes = row.receptive_field.axes, row.node.shape.spatial
    if row.receptive_field.whole or len(axes) != rank or len(sizes) != rank:
        return None
    begins = [axis.jump * (size // 2) - axis.left for axis, size in zip(axes, sizes, strict=True)]
    return [(_plain(axis.size), _plain(begin)) for axis, begin in zip(axes, begins, strict=True)]


def _plain(value: Any) -> float:
    """Return an exact number as JSON has it, short."""
    return int(value) if value == int(value) else round(float(value), 1)


# -- for the script ----------------------------------------------------------------------------------


def _data(analysis: Analysis, allocations: list[Allocation]) -> dict[str, Any]:
    """Return what the script knows of each layer: its name, the tensors that it touches, and what it sees.

    Of a name there is how much it begins as the one before does, and its rest. Tensors are numbers of bars, fields
    numbers of different ones.
    """
    holder: dict[int, list[int]] = {}
    for at, each in enumerate(allocations):
        for index in each.buffer.nodes:
            holder.setdefault(index, []).append(at)
    tensors = [
        sorted({at for index in (*row.node.inputs, row.node.index) for at in holder.get(index, ())})
        for row in analysis.rows
    ]
    sizes = analysis.graph.nodes[0].shape.spatial
    fields: list[list[tuple[float, float]] | None] = []
    numbers: dict[str, int] = {}
    places = []
    for row in analysis.rows:
        seen = _seen(row, len(sizes))
        if seen and all(each == seen[0] for each in seen):
            seen = seen[:1]
        place = numbers.setdefault(str(seen), len(fields))
        if place == len(fields):
            fields.append(seen)
        places.append(place)
    names = list(_front_coded([printable(row.name) for row in analysis.rows]))
    return {"names": names, "tensors": tensors, "input": sizes, "field": places, "fields": fields}


def _front_coded(names: list[str]) -> Iterator[tuple[int, str]]:
    before = ""
    for name in names:
        shared = 0
        while name[shared : shared + 1] == before[shared : shared + 1] != "":
            shared += 1
        yield shared, name[shared:]
        before = name
