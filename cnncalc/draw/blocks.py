"""The style `blocks`: every feature map as a box in perspective, to scale, with its channels as the thickness."""

from __future__ import annotations

from collections.abc import Sequence
from math import log2, sqrt

from cnncalc.draw.layout import Layout, Room, Spacing
from cnncalc.draw.scene import ASCENT, BAND, Box, Label, Point, Scene
from cnncalc.draw.style import DISC, LEADING, SIGNS, TEXT, DrawingHeading, Drawn, compose, disc, text_height, title_of
from cnncalc.draw.text import fitted, sizes, width
from cnncalc.draw.tree import Tree
from cnncalc.draw.units import Unit

#: How a size becomes a length, and its name in the legend.
SCALES = {"sqrt": (sqrt, "the square root of "), "log": (lambda size: log2(1 + size), "the logarithm of "),
          "linear": (float, "")}  # fmt: skip
#: The longest side of a map, the thickest one, the longest vector; what is least of each; the depth of a side.
SIDE, THICKNESS, VECTOR = 110.0, 36.0, 90.0
LEAST_SIDE, LEAST_THICKNESS = 3.0, 2.5
SLANT = 0.24


class BlocksStyle:
    """Draws the units of one network; `captions` is `changes`, `all` or `none`."""

    def __init__(self, units: Sequence[Unit], scale: str, captions: str) -> None:
        self.units, self.captions = units, captions
        self.function, self.scale_text = SCALES[scale]
        shapes = [unit.shape for unit in units]
        maps, vectors = [each for each in shapes if each.spatial], [each for each in shapes if not each.spatial]
        self.most = {
            "size": _largest([size for shape in maps for size in shape.spatial]),
            "channels": _largest([shape.channels for shape in maps]),
            "vector": _largest([shape.channels for shape in vectors]),
        }
        self.rooms = [self._room(number) for number in range(len(units))]

    def scene(self, tree: Tree, heading: DrawingHeading) -> Scene:
        """Return the scene of the units as they stand in a tree."""
        spacing = Spacing(12, 22, 14, 9, 7, 13, 0, lambda text: (width(text, TEXT) + 10, 0), 1500)
        patch = Layout(tree, self.units, self.rooms, spacing).place()
        heading = heading._replace(notes=(*heading.notes, self._scale_note()))
        return compose(patch, self.units, self._draw, heading, tree.copies, False)

    def _scale_note(self) -> str:
        of, most, parts = self.scale_text, self.most, []
        if any(unit.shape.spatial for unit in self.units):
            parts.append(f"height and depth are to scale with {of}the size, at most {most['size']}")
            parts.append(f"thickness with {of}the channels, at most {most['channels']}")
        if not all(unit.shape.spatial for unit in self.units):
            parts.append(f"the height of vectors with {of}their elements, at most {most['vector']}")
        text = "; ".join(parts)
        striped = any(unit.bands for unit in self.units)
        stripe = " A stripe at a box's right end is the norm or activation that follows." if striped else ""
        return f"{text[0].upper()}{text[1:]}.{stripe}"

    # -- measures ----------------------------------------------------------------------------------------

    def _length(self, size: object, what: str, longest: float, least: float) -> float:
        """Return the length of a size, `least` for one that is unknown."""
        if not isinstance(size, int) or size < 1:
            return least
        return max(longest * self.function(size) / self.function(self.most[what]), least)

    def _solid(self, unit: Unit) -> tuple[float, float, float]:
        """Return the thickness, height and depth of a unit's box."""
        spatial, bands = unit.shape.spatial, BAND * len(unit.bands)
        if not spatial:
            return 6.0 + bands, self._length(unit.shape.channels, "vector", VECTOR, 6), 4.0
        thickness = self._length(unit.shape.channels, "channels", THICKNESS, LEAST_THICKNESS)
        height = self._length(spatial[-2] if len(spatial) > 1 else spatial[0], "size", SIDE, LEAST_SIDE)
        deep = self._length(spatial[-1], "size", SIDE, LEAST_SIDE) if len(spatial) > 1 else LEAST_SIDE
        return thickness + bands, height, deep * SLANT

    def _caption(self, number: int) -> list[str]:
        """Return the lines below a unit's box."""
        unit = self.units[number]
        if self.captions == "none":
            return []
        if unit.kind in SIGNS:
            return [sizes(unit.shape.dims)] if self.captions == "all" else []
        if unit.family == "block":
            return [fitted(unit.name, 16), *unit.texts, sizes(unit.shape.dims)]
        if self.captions == "all":
            return [fitted(unit.name, 16), *[fitted(text, 24) for text in unit.texts[:1]], sizes(unit.shape.dims)]
        before = self.units[unit.inputs[0]].shape if unit.inputs else None
        lines = [fitted(unit.word, 16)]
        spatial, channels = unit.shape.spatial, unit.shape.channels
        changed = before is None or before.spatial != spatial
        if changed or before is None or before.channels != channels:
            lines.append(sizes([channels]))
            if changed and spatial:
                lines.append(sizes(spatial))
        return lines

    def _room(self, number: int) -> Room:
        unit, lines = self.units[number], self._caption(number)
        text = max((width(line, TEXT) for line in lines), default=0.0)
        below = text_height(len(lines)) + 4 if lines else 0
        if unit.kind in SIGNS:
            length = max(DISC, text)
            start = (length - DISC) / 2
            return Room(length, DISC / 2, DISC / 2 + below, start, start + DISC)
        thickness, height, depth = self._solid(unit)
        length = max(thickness + depth, text)
        start = (length - thickness - depth) / 2
        leave = start + thickness + depth * min(1.0, height / 2 / depth)
        return Room(length, height / 2 + depth, height / 2 + below, start, leave)

    # -- drawing -----------------------------------------------------------------------------------------

    def _draw(self, number: int, at: Point) -> Drawn:
        unit, room, lines = self.units[number], self.rooms[number], self._caption(number)
        x, y = at
        if unit.kind in SIGNS:
            drawn, half = disc(unit, x + room.enter, y - DISC / 2), DISC / 2
        else:
            thickness, height, depth = self._solid(unit)
            half = height / 2
            left, top = x + room.enter, y - half
            words = unit.name, title_of(unit), unit.family, unit.bands
            box = Box("solid", *words, left, top, thickness, height, depth)
            drawn = Drawn((box,), ())
        captions = [
            Label(x + room.length / 2, y + half + 4 + ASCENT * TEXT + position * LEADING, line, TEXT, "middle",
                  "text" if position == 0 else "note")
            for position, line in enumerate(lines)
        ]  # fmt: skip
        return Drawn(drawn.boxes, (*drawn.labels, *captions))


def _largest(sizes: Sequence[object]) -> int:
    """Return the largest of the sizes that are known, or 1."""
    return max((size for size in sizes if isinstance(size, int)), default=1)
