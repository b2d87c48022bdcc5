"""A scene: everything that a drawing shows, in points from its upper left corner, whatever file it becomes."""

from __future__ import annotations

from typing import Literal, NamedTuple

from cnncalc.draw.text import width

Point = tuple[float, float]

#: The height of a line of text over its baseline and below it, in parts of the font's size.
ASCENT, DESCENT = 0.8, 0.25
#: The width of a stripe for a norm or an activation.
BAND = 3.0


class Box(NamedTuple):
    """A box: a `solid` in perspective, its front's upper left corner at (x, y); a flat `card`; or a round `disc`.

    `depth` is how far the back of a solid is moved to the right, and up. `bands` are the families of the layers that
    it takes along, stripes at its right end.
    """

    form: Literal["solid", "card", "disc"]
    name: str
    title: str
    family: str
    bands: tuple[str, ...]
    x: float
    y: float
    width: float
    height: float
    depth: float = 0
    #: The layers that it stands for, by the indices of their nodes.
    nodes: tuple[int, ...] = ()


class DrawnLine(NamedTuple):
    """A line along points, its corners rounded; an arrow at its end if it leads to a box."""

    points: tuple[Point, ...]
    arrow: bool = True


class Border(NamedTuple):
    """The frame around a repeat or a block."""

    x: float
    y: float
    width: float
    height: float
    repeats: bool


class Label(NamedTuple):
    """A line of text by the left end of its baseline, its middle or its right end."""

    x: float
    y: float
    text: str
    size: float
    anchor: Literal["start", "middle", "end"] = "start"
    #: Plain words are text, what is beside them is a note; a sign stands on a disc, which is light on any ground.
    role: Literal["text", "note", "sign"] = "text"

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """The least x and y and the most of what the text covers."""
        whole = width(self.text, self.size)
        left = self.x - {"start": 0, "middle": whole / 2, "end": whole}[self.anchor]
        return left, self.y - ASCENT * self.size, left + whole, self.y + DESCENT * self.size


class Scene(NamedTuple):
    """A drawing of that size; `title` and `description` say in words what it shows."""

    width: float
    height: float
    title: str
    description: str
    borders: tuple[Border, ...]
    lines: tuple[DrawnLine, ...]
    boxes: tuple[Box, ...]
    labels: tuple[Label, ...]
    #: How many boxes are drawn as one by the depth that was chosen, if it was not asked for.
    folded: int | None = None
