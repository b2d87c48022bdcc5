"""A scene as SVG: text stays text, colours follow the reader's choice of light or dark, and nothing is fetched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnncalc.draw.families import FAMILY
from cnncalc.draw.scene import BAND, Box, DrawnLine, Label, Point, Scene
from cnncalc.draw.text import FONTS, printable

#: Ground, text, notes, lines and frames: in light, then in dark. Text has a contrast of 4.5 to 1 or more on the ground.
LIGHT = ("#ffffff", "#1a1a1a", "#555555", "#5a5a5a", "#8a8a8a", "#f4f4f4")
DARK = ("#11151a", "#ececec", "#adb3ba", "#a0a6ad", "#737a82", "#1c2229")
#: The radius of a line's corners, and the length of an arrow's head.
RADIUS, HEAD = 6.0, 5.0


def to_svg(scene: Scene, standalone: bool = True, numbered: bool = False) -> str:
    """Return the text of an SVG file; one that stands inside a page has no declaration of its own namespace.

    With `numbered`, each box has the indices of its nodes, for a page that marks it.
    """
    return "".join(f"{line}\n" for line in _svg(scene, standalone, numbered))


def _svg(scene: Scene, standalone: bool, numbered: bool) -> Iterator[str]:
    size = f"{number(scene.width)} {number(scene.height)}"
    wide, tall = size.split()
    space = ' xmlns="http://www.w3.org/2000/svg"' if standalone else ""
    yield (
        f'<svg{space} class="network" role="img" aria-labelledby="drawing-title drawing-text" '
        f'width="{wide}" height="{tall}" viewBox="0 0 {size}">'
    )
    yield f'<title id="drawing-title">{escaped(scene.title)}</title>'
    yield f'<desc id="drawing-text">{escaped(scene.description)}</desc>'
    yield f"<style>{styles(_families(scene))}</style>"
    yield f'<rect class="ground" width="{wide}" height="{tall}"/>'
    for border in scene.borders:
        kind = "repeat" if border.repeats else "frame"
        yield f'<rect class="{kind}" {_rectangle(border.x, border.y, border.width, border.height)} rx="6"/>'
    lines = {_path(line): None for line in scene.lines}
    yield f'<path class="line" d="{"".join(lines)}"/>'
    heads = {_head(line): None for line in scene.lines if line.arrow}
    yield f'<path class="head" d="{"".join(heads)}"/>'
    for box in scene.boxes:
        yield _box(box, numbered)
    for size_of, role in dict.fromkeys((label.size, label.role) for label in scene.labels):
        chosen = [label for label in scene.labels if (label.size, label.role) == (size_of, role)]
        yield f'<g class="{role}" font-size="{number(size_of)}">{"".join(map(_label, chosen))}</g>'
    yield "</svg>"


def styles(families: Sequence[str]) -> str:
    """Return the style sheet of a drawing: light, and dark where the reader's system is."""

    def colours(ground: str, text: str, note: str, line: str, frame: str, fill: str) -> str:
        return (
            f".network .ground{{fill:{ground}}}.network .text{{fill:{text}}}.network .note{{fill:{note}}}"
            f".network :is(.text,.note){{stroke:{ground}}}"
            f".network .line{{stroke:{line}}}.network .head{{fill:{line}}}"
            f".network .frame{{stroke:{frame};fill:{fill}}}.network .repeat{{stroke:{frame}}}"
            f".network .card{{fill:{fill};stroke:{line}}}"
        )

    fills = "".join(f".network .{name}{{fill:{FAMILY[name].colour}}}" for name in families)
    return (
        # Where a line has to cross a text, the text stands out.
        f".network text{{font-family:{FONTS};stroke-width:3px;stroke-linejoin:round;paint-order:stroke}}"
        ".network .line{fill:none;stroke-width:1.2}"
        ".network .repeat{fill:none;stroke-dasharray:4 3}"
        ".network .edge{stroke:#333;stroke-width:.6;stroke-linejoin:round}"
        ".network .up{fill:#fff;fill-opacity:.35}.network .side{fill:#000;fill-opacity:.18}.network .sign{fill:#1a1a1a}"
        ".network .middle{text-anchor:middle}.network .end{text-anchor:end}"
        f"{fills}{colours(*LIGHT)}@media(prefers-color-scheme:dark){{{colours(*DARK)}}}"
    )


def _families(scene: Scene) -> list[str]:
    used = {name for box in scene.boxes for name in (box.family, *box.bands)}
    return [name for name in FAMILY if name in used]


def _box(box: Box, numbered: bool) -> str:
    title = f"<title>{escaped(box.title)}</title>" if box.name else ""
    x, y, wide, tall, deep = box.x, box.y, box.width, box.height, box.depth
    if box.form == "disc":
        radius = wide / 2
        middle = f'cx="{number(x + radius)}" cy="{number(y + radius)}"'
        body = f'<circle class="{box.family} edge" {middle} r="{number(radius)}"/>'
    elif box.form == "card" and box.name:
        strip = f"M{_point(x + 3, y)}h4v{number(tall)}h-4a3 3 0 0 1-3-3v{number(6 - tall)}a3 3 0 0 1 3-3z"
        body = (
            f'<rect class="card" {_rectangle(x, y, wide, tall)} rx="3" stroke-width=".8"/>'
            f'<path class="{box.family}" d="{strip}"/>'
        )
    elif box.form == "card":
        body = f'<rect class="{box.family} edge" {_rectangle(x, y, wide, tall)} rx="2"/>'
    else:
        body = _solid(box, x, y, wide, tall, deep)
    nodes = f' data-n="{" ".join(map(str, box.nodes))}"' if numbered and box.nodes else ""
    return f"<g{nodes}>{title}{body}</g>" if title else body


def _solid(box: Box, x: float, y: float, wide: float, tall: float, deep: float) -> str:
    """Return a box: its whole outline in its colour, its stripes, then a lighter top and a darker side."""
    back, front = f"l{_point(deep, -deep)}", f"l{_point(-deep, deep)}"
    right, down = f"h{number(wide)}", f"v{number(tall)}"
    outline = f"M{_point(x, y)}{back}{right}{down}{front}h{number(-wide)}z"
    parts = [f'<path class="{box.family}" d="{outline}"/>']
    for position, name in enumerate(box.bands):
        start = x + wide - BAND * (len(box.bands) - position)
        stripe = f"M{_point(start, y)}{back}h{number(BAND)}{front}{down}h{number(-BAND)}z"
        parts.append(f'<path class="{name}" d="{stripe}"/>')
    top = f"M{_point(x, y)}{back}{right}{front}z"
    side = f"M{_point(x + wide, y)}{back}{down}{front}z"
    edges = f"{outline}M{_point(x, y)}{right}{down}m0 {number(-tall)}{back}"
    parts += [f'<path class="up" d="{top}"/>', f'<path class="side" d="{side}"/>']
    return "".join(parts) + f'<path class="edge" fill="none" d="{edges}"/>'


def _label(label: Label) -> str:
    anchor = "" if label.anchor == "start" else f' class="{label.anchor}"'
    return f'<text x="{number(label.x)}" y="{number(label.y)}"{anchor}>{escaped(label.text)}</text>'


# -- lines -------------------------------------------------------------------------------------------


def corners(points: Sequence[Point]) -> list[tuple[Point, Point, Point]]:
    """Return for each bend of a line where its rounding begins, the corner itself, and where it ends."""
    found = []
    for before, at, after in zip(points, points[1:], points[2:], strict=False):
        first, second = _distance(before, at), _distance(at, after)
        radius = min(RADIUS, first / 2, second / 2)
        if radius > 0:
            found.append((_towards(at, before, radius, first), at, _towards(at, after, radius, second)))
    return found


def straightened(points: Sequence[Point]) -> list[Point]:
    """Return the points without those that the line passes straight through, or stands on twice."""
    result: list[Point] = []
    for x, y in points:
        point = (round(x, 2), round(y, 2))
        if result and result[-1] == point:
            continue
        while len(result) > 1 and _straight(result[-2], result[-1], point):
            result.pop()
        result.append(point)
    return result


def _straight(a: Point, b: Point, c: Point) -> bool:
    return (a[0] == b[0] == c[0]) or (a[1] == b[1] == c[1])


def _distance(a: Point, b: Point) -> float:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def _towards(start: Point, end: Point, step: float, length: float) -> Point:
    share = step / length
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def _path(line: DrawnLine) -> str:
    points = straightened(line.points)
    text = f"M{_point(*points[0])}"
    for begin, at, end in corners(points):
        text += f"L{_point(*begin)}Q{_point(*at)} {_point(*end)}"
    return f"{text}L{_point(*points[-1])}"


def _head(line: DrawnLine) -> str:
    points = straightened(line.points)
    (ax, ay), (x, y) = points[-2] if len(points) > 1 else points[-1], points[-1]
    length = _distance((ax, ay), (x, y)) or 1
    dx, dy = (x - ax) / length * HEAD, (y - ay) / length * HEAD
    return f"M{_point(x, y)}L{_point(x - dx - dy / 2, y - dy + dx / 2)}L{_point(x - dx + dy / 2, y - dy - dx / 2)}z"


# -- text --------------------------------------------------------------------------------------------


def element(tag: str, content: str = "", **attributes: object) -> str:
    """Return an element; `font_size` stands for `font-size`, and content is markup already."""
    pairs = "".join([f' {name.replace("_", "-")}="{escaped(_value(value))}"' for name, value in attributes.items()])
    return f"<{tag}{pairs}>{content}</{tag}>" if content else f"<{tag}{pairs}/>"


def _value(value: object) -> str:
    return number(value) if isinstance(value, float) else printable(str(value))


def number(value: float) -> str:
    """Return a number with at most one decimal, and no sign of a zero."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _point(x: float, y: float) -> str:
    return f"{number(x)} {number(y)}"


def _rectangle(x: float, y: float, wide: float, tall: float) -> str:
    return f'x="{number(x)}" y="{number(y)}" width="{number(wide)}" height="{number(tall)}"'


def escaped(text: str) -> str:
    """Return text for XML and HTML in ASCII, whatever the encoding of where it goes."""
    for sign, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(sign, name)
    return text.encode("ascii", "xmlcharrefreplace").decode()
