"""A scene as a TikZ picture in a LaTeX file of its own, which any engine of a plain TeX Live sets as it stands.

Every box has named coordinates: `(conv1)` is the middle of its front, `(conv1-west)`, `-east`, `-north` and `-south`
are those of its sides, so that a paper can go on from them. A name has hyphens where the layer's has other signs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from cnncalc.draw.families import FAMILY
from cnncalc.draw.scene import BAND, Box, Label, Scene
from cnncalc.draw.svg import LIGHT, RADIUS, number, straightened
from cnncalc.notation import latex_escaped

#: The longest side of a page, in points: TeX knows no length above 16383.
MOST = 12000.0
EDGE = "black!80,line width=.4pt"
ANCHORS = {"start": "base west", "middle": "base", "end": "base east"}


def to_tikz(scene: Scene) -> str:
    """Return the text of a LaTeX file in ASCII."""
    return "".join(f"{line}\n" for line in _lines(scene))


def _lines(scene: Scene) -> Iterator[str]:
    scale = min(1.0, MOST / max(scene.width, scene.height))
    wide, tall = number(scene.width * scale), number(scene.height * scale)
    said = f"{scene.title}: {scene.description}".replace("×", "x")
    yield f"% {said.encode('ascii', 'replace').decode()}"
    yield r"\documentclass{article}"
    yield rf"\usepackage[paperwidth={wide}pt,paperheight={tall}pt,margin=0pt]{{geometry}}"
    yield r"\usepackage{tikz}"
    yield r"\pagestyle{empty}"
    yield r"\setlength{\parindent}{0pt}"
    used = {name for box in scene.boxes for name in (box.family, *box.bands)}
    for name in FAMILY:
        if name in used:
            yield rf"\definecolor{{cnn-{name}}}{{HTML}}{{{FAMILY[name].colour[1:].upper()}}}"
    for name, colour in zip(("ground", "text", "note", "line", "frame", "fill"), LIGHT, strict=True):
        yield rf"\definecolor{{cnn-{name}}}{{HTML}}{{{colour[1:].upper()}}}"
    yield r"\begin{document}"
    yield rf"\begin{{tikzpicture}}[x={scale:.4g}pt,y=-{scale:.4g}pt,font=\sffamily,>=stealth,line join=round]"
    yield rf"\useasboundingbox (0,0) rectangle {_at(scene.width, scene.height)};"
    for border in scene.borders:
        drawn = "dashed" if border.repeats else "fill=cnn-fill"
        corner = _at(border.x + border.width, border.y + border.height)
        yield rf"\draw[cnn-frame,rounded corners=4pt,{drawn}] {_at(border.x, border.y)} rectangle {corner};"
    for line in dict.fromkeys(scene.lines):
        points = " -- ".join(_at(*point) for point in straightened(line.points))
        arrow = "->," if line.arrow else ""
        yield rf"\draw[{arrow}cnn-line,rounded corners={number(RADIUS * scale)}pt] {points};"
    taken: set[str] = set()
    for box in scene.boxes:
        yield from _box(box, taken)
    for label in scene.labels:
        yield _label(label, scale)
    yield r"\end{tikzpicture}"
    yield r"\end{document}"


def _box(box: Box, taken: set[str]) -> Iterator[str]:
    x, y, wide, tall, deep = box.x, box.y, box.width, box.height, box.depth
    fill = f"fill=cnn-{box.family}"
    if box.form == "disc":
        middle, radius = _at(x + wide / 2, y + tall / 2), number(wide / 2)
        yield rf"\draw[{EDGE},{fill}] {middle} ellipse [x radius={radius},y radius={radius}];"
    elif box.form == "card":
        corner = _at(x + wide, y + tall)
        if box.name:
            yield rf"\draw[cnn-line,line width=.5pt,rounded corners=2pt,fill=cnn-fill] {_at(x, y)} rectangle {corner};"
            yield rf"\fill[cnn-{box.family}] {_at(x, y + 1)} rectangle {_at(x + 6, y + tall - 1)};"
        else:
            yield rf"\draw[{EDGE},rounded corners=1pt,{fill}] {_at(x, y)} rectangle {corner};"
    else:
        yield from _solid(box)
    if box.name:
        name = _name(box.name, taken)
        for end, point in (
            ("", (x + wide / 2, y + tall / 2)),
            ("-west", (x, y + tall / 2)),
            ("-east", (x + wide + deep, y + tall / 2)),
            ("-north", (x + wide / 2 + deep / 2, y - deep)),
            ("-south", (x + wide / 2, y + tall)),
        ):
            yield rf"\coordinate ({name}{end}) at {_at(*point)};"


def _solid(box: Box) -> Iterator[str]:
    x, y, wide, tall, deep = box.x, box.y, box.width, box.height, box.depth
    up, right, low = y - deep, x + wide, y + tall
    back = right + deep
    outline = _polygon((x, y), (x + deep, up), (back, up), (back, low - deep), (right, low), (x, low))
    yield rf"\fill[cnn-{box.family}] {outline};"
    for position, name in enumerate(box.bands):
        a = right - BAND * (len(box.bands) - position)
        b = a + BAND
        stripe = _polygon((a, y), (a + deep, up), (b + deep, up), (b, y), (b, low), (a, low))
        yield rf"\fill[cnn-{name}] {stripe};"
    yield rf"\fill[white,fill opacity=.35] {_polygon((x, y), (x + deep, up), (back, up), (right, y))};"
    yield rf"\fill[black,fill opacity=.18] {_polygon((right, y), (back, up), (back, low - deep), (right, low))};"
    edges = f"{_at(x, y)} -- {_at(right, y)} -- {_at(right, low)} {_at(right, y)} -- {_at(back, up)}"
    yield rf"\draw[{EDGE}] {outline} {edges};"


def _polygon(*points: tuple[float, float]) -> str:
    return f"{' -- '.join(_at(*point) for point in points)} -- cycle"


def _label(label: Label, scale: float) -> str:
    size, leading = number(label.size * scale), number(label.size * scale * 1.2)
    colour = "black!90" if label.role == "sign" else f"cnn-{label.role}"
    text = rf"\fontsize{{{size}}}{{{leading}}}\selectfont {latex_escaped(_plain(label.text))}"
    return rf"\node[{colour},anchor={ANCHORS[label.anchor]},inner sep=0pt] at {_at(label.x, label.y)} {{{text}}};"


def _plain(text: str) -> str:
    """Return the text in letters that every font of LaTeX has: accents are left out, and other signs are `?`."""
    known = "×→−–…·≤√∝"
    apart = (sign if sign in known else unicodedata.normalize("NFKD", sign) for sign in text)
    kept = "".join(sign for part in apart for sign in part if not unicodedata.combining(sign))
    return "".join(sign if sign.isascii() or sign in known else "?" for sign in kept)


def _name(name: str, taken: set[str]) -> str:
    """Return the name of a coordinate: letters, digits and hyphens, and a number where it is taken."""
    free = base = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-") or "box"
    count = 1
    while free in taken:
        count += 1
        free = f"{base}-{count}"
    taken.add(free)
    return free


def _at(x: float, y: float) -> str:
    return f"({number(x)},{number(y)})"
