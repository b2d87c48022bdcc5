"""The style `flow`: every layer as a card with its words on it, from the top down, arms as lanes beside each other."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.draw.layout import Layout, Room, Spacing
from cnncalc.draw.scene import ASCENT, Box, Label, Point, Scene
from cnncalc.draw.style import DISC, LEADING, SIGNS, TEXT, DrawingHeading, Drawn, compose, disc, text_height, title_of
from cnncalc.draw.text import fitted, sizes, width
from cnncalc.draw.tree import Tree
from cnncalc.draw.units import Unit

#: The space around the words of a card, and the strip of its family's colour at its left.
PAD, STRIP = 7.0, 6.0


class FlowStyle:
    """Draws the units of one network; `captions` is `changes`, `all` or `none`, for the shapes on the cards."""

    def __init__(self, units: Sequence[Unit], captions: str) -> None:
        self.units, self.captions = units, captions
        self.rooms = [self._room(number) for number in range(len(units))]

    def scene(self, tree: Tree, heading: DrawingHeading) -> Scene:
        """Return the scene of the units as they stand in a tree."""
        spacing = Spacing(16, 26, 18, 14, 8, 0, 10, lambda text: (0, width(text, TEXT) + 10), 1300)
        patch = Layout(tree, self.units, self.rooms, spacing).place()
        return compose(patch, self.units, self._draw, heading, tree.copies, True)

    def _lines(self, number: int) -> list[str]:
        """Return the lines on a card: the layer, what follows it, and the shape where it changes."""
        unit = self.units[number]
        first = f"{fitted(unit.name, 20)}: {unit.texts[0]}" if unit.family == "block" else fitted(unit.texts[0], 34)
        lines = [first]
        if len(unit.texts) > 1:
            lines.append(fitted(" · ".join(unit.texts[1:]), 36))
        lines += [fitted(detail, 60) for detail in unit.details]
        before = self.units[unit.inputs[0]].shape if unit.inputs else None
        if self.captions == "all" or (self.captions == "changes" and unit.shape != before and unit.kind != "input"):
            lines.append(f"→ {sizes(unit.shape.dims)}")
        return lines

    def _room(self, number: int) -> Room:
        if self._is_disc(number):
            return Room(DISC, DISC / 2, DISC / 2, 0, DISC)
        lines = self._lines(number)
        half = (max(width(line, TEXT) for line in lines) + 2 * PAD + STRIP) / 2
        height = text_height(len(lines)) + 2 * PAD - 2
        return Room(height, half, half, 0, height)

    def _is_disc(self, number: int) -> bool:
        return self.units[number].kind in SIGNS and len(self.units[number].texts) == 1

    def _draw(self, number: int, at: Point) -> Drawn:
        unit, room = self.units[number], self.rooms[number]
        x, y = at
        if self._is_disc(number):
            return disc(unit, x - DISC / 2, y)
        left = x - room.before
        box = Box("card", unit.name, title_of(unit), unit.family, unit.bands, left, y, 2 * room.before, room.length)
        labels = [
            Label(left + STRIP + PAD, y + PAD - 1 + ASCENT * TEXT + position * LEADING, line, TEXT, "start",
                  "text" if position == 0 else "note")
            for position, line in enumerate(self._lines(number))
        ]  # fmt: skip
        return Drawn((box,), tuple(labels))
