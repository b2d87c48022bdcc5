"""What the styles have in common: from units in their places to a scene with a title and a legend."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from cnncalc.draw.families import FAMILY
from cnncalc.draw.layout import Patch, PlacedFrame
from cnncalc.draw.scene import ASCENT, DESCENT, Border, Box, DrawnLine, Label, Point, Scene
from cnncalc.draw.text import fitted, printable, sizes, width, wrapped
from cnncalc.draw.units import Unit

#: The sizes of text: of captions and legend, and of the title.
TEXT, TITLE = 10.0, 15.0
#: The height of a line of text.
LEADING = TEXT * 1.25
MARGIN = 16.0
#: The signs of the merges that a disc shows.
SIGNS = {"add": "+", "mul": "×"}
DISC = 16.0


class Drawn(NamedTuple):
    """What one unit is in a scene."""

    boxes: tuple[Box, ...]
    labels: tuple[Label, ...]


class DrawingHeading(NamedTuple):
    """What stands around a drawing: its title, what it shows in words, and notes for the legend."""

    title: str
    description: str
    notes: tuple[str, ...] = ()


def compose(
    patch: Patch,
    units: Sequence[Unit],
    draw: Callable[[int, Point], Drawn],
    heading: DrawingHeading,
    copies: Mapping[int, tuple[int, ...]],
    vertical: bool,
) -> Scene:
    """Return the scene of a layout: `draw` returns a unit by its number and the beginning of its place.

    `copies` has for a unit those for which it stands.
    """

    def point(along: float, across: float) -> Point:
        return (across, along) if vertical else (along, across)

    drawn = [draw(number, point(along, across)) for number, along, across in patch.places]
    borders, labels = _frames(patch.frames, vertical)
    open_ends = [*patch.heads, *patch.tails, *patch.through]
    lines = [DrawnLine(tuple([point(*each) for each in path])) for path in patch.lines if len(path) > 1]
    lines += [DrawnLine(tuple([point(*each) for each in path]), False) for path in open_ends if len(path) > 1]
    boxes = [
        box._replace(nodes=_nodes(number, units, copies))
        for (number, _, _), each in zip(patch.places, drawn, strict=True)
        for box in each.boxes
    ]
    labels += [label for each in drawn for label in each.labels]
    left, top, right, bottom = _bounds(boxes, lines, borders, labels)
    families = [family for unit in units for family in (unit.family, *unit.bands)]
    legend_width = max(right - left, 460.0)
    swatches, words = _legend(families, heading.notes, left, bottom + 14, legend_width)
    boxes += swatches
    labels += words
    title = fitted(heading.title, int(legend_width / TITLE * 1.3))
    labels.append(Label(left, top - 14, title, TITLE))
    left, top, right, bottom = _bounds(boxes, lines, borders, labels)
    moved = _Moved(MARGIN - left, MARGIN - top)
    return Scene(
        right - left + 2 * MARGIN,
        bottom - top + 2 * MARGIN,
        printable(heading.title),
        heading.description,
        tuple(map(moved.border, borders)),
        tuple(map(moved.line, lines)),
        tuple(map(moved.box, boxes)),
        tuple(map(moved.label, labels)),
    )


def _nodes(number: int, units: Sequence[Unit], copies: Mapping[int, tuple[int, ...]]) -> tuple[int, ...]:
    return tuple([node for each in (number, *copies.get(number, ())) for node in units[each].nodes])


class _Moved(NamedTuple):
    """Moves everything to the right and down."""

    x: float
    y: float

    def border(self, border: Border) -> Border:
        return border._replace(x=border.x + self.x, y=border.y + self.y)

    def box(self, box: Box) -> Box:
        return box._replace(x=box.x + self.x, y=box.y + self.y)

    def label(self, label: Label) -> Label:
        return label._replace(x=label.x + self.x, y=label.y + self.y)

    def line(self, line: DrawnLine) -> DrawnLine:
        return line._replace(points=tuple([(x + self.x, y + self.y) for x, y in line.points]))


def _bounds(
    boxes: Sequence[Box], lines: Sequence[DrawnLine], borders: Sequence[Border], labels: Sequence[Label]
) -> tuple[float, float, float, float]:
    extents = [(box.x, box.y - box.depth, box.x + box.width + box.depth, box.y + box.height) for box in boxes]
    extents += [(x, y, x, y) for line in lines for x, y in line.points]
    extents += [(border.x, border.y, border.x + border.width, border.y + border.height) for border in borders]
    extents += [label.extent for label in labels]
    return (
        min(each[0] for each in extents),
        min(each[1] for each in extents),
        max(each[2] for each in extents),
        max(each[3] for each in extents),
    )


def _frames(frames: Sequence[PlacedFrame], vertical: bool) -> tuple[list[Border], list[Label]]:
    borders, labels = [], []
    for frame in frames:
        (start, end), (low, high) = frame.along, frame.across
        (x, wide), (y, tall) = ((low, high - low), (start, end - start))
        if not vertical:
            (x, wide), (y, tall) = (start, end - start), (low, high - low)
        borders.append(Border(x, y, wide, tall, frame.copies > 1))
        labels.append(Label(x + 5, y + 11, frame.label, TEXT))
    return borders, labels


def _legend(
    families: Sequence[str], notes: Sequence[str], left: float, top: float, room: float
) -> tuple[list[Box], list[Label]]:
    """Return a swatch and a word for each family that occurs, in lines, and the notes below them."""
    boxes, labels = [], []
    x, y = left, top
    for name in [name for name in FAMILY if name in families]:
        title = FAMILY[name].title
        needed = 16 + width(title, TEXT)
        if x > left and x + needed > left + room:
            x, y = left, y + LEADING + 3
        boxes.append(Box("card", "", title, name, (), x, y, 11, 11))
        labels.append(Label(x + 16, y + 9.5, title, TEXT))
        x += needed + 16
    y += LEADING + 3
    for note in notes:
        for line in wrapped(note, TEXT, room):
            labels.append(Label(left, y + ASCENT * TEXT, line, TEXT, role="note"))
            y += LEADING
    return boxes, labels


def disc(unit: Unit, x: float, y: float) -> Drawn:
    """Return a merge as a disc with its sign, its upper left corner at (x, y)."""
    box = Box("disc", unit.name, title_of(unit), unit.family, unit.bands, x, y, DISC, DISC)
    label = Label(x + DISC / 2, y + DISC / 2 + 4.2, SIGNS[unit.kind], 12, "middle", "sign")
    return Drawn((box,), (label,))


def title_of(unit: Unit) -> str:
    """Return what a box is in words: its name, its layers, and its output."""
    return f"{printable(unit.name)}: {printable(', '.join(unit.texts))} → {sizes(unit.shape.dims)}"


def text_height(lines: int) -> float:
    """Return the height of lines of text."""
    return (lines - 1) * LEADING + (ASCENT + DESCENT) * TEXT if lines else 0.0
