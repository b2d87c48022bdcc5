"""Where everything of a drawing lies, whichever way it runs: `along` the network, and `across` it.

A sequence lies along one line, arms lie beside it, and each takes the room that was measured for it: nothing overlaps,
since everything is made of rooms side by side. Across, numbers grow from the side of the skips to that of the captions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from cnncalc.draw.tree import Arm, Element, Frame, Parallel, Tree, numbers
from cnncalc.draw.units import Unit

Point = tuple[float, float]
Path = tuple[Point, ...]


class Room(NamedTuple):
    """What a unit takes: its length, its reach to both sides of the line, and where lines reach and leave it."""

    length: float
    before: float
    after: float
    enter: float
    leave: float


class Spacing(NamedTuple):
    """The distances of a style, and the length from which on a drawing is wrapped.

    A frame's label takes `label` across, or `lead` along; `label_size` is how long and how far across the frame is at
    least for its text.
    """

    gap: float
    fork: float
    between: float
    skip: float
    pad: float
    label: float
    lead: float
    label_size: Callable[[str], tuple[float, float]]
    wrap: float


class PlacedFrame(NamedTuple):
    """A frame: its ends along, its ends across, and its label."""

    along: tuple[float, float]
    across: tuple[float, float]
    label: str
    copies: int


class Patch(NamedTuple):
    """A part of a drawing around its line: units by number with their places, finished lines, and open ends.

    `heads` go from where the part is entered, `tails` to where it is left, `through` from the one to the other.
    """

    length: float = 0
    before: float = 0
    after: float = 0
    places: tuple[tuple[int, float, float], ...] = ()
    lines: tuple[Path, ...] = ()
    frames: tuple[PlacedFrame, ...] = ()
    heads: tuple[Path, ...] = ()
    tails: tuple[Path, ...] = ()
    through: tuple[Path, ...] = ()

    def moved(self, along: float, across: float) -> Patch:
        """Return the patch elsewhere; its reach is still around its own line."""

        def paths(each: tuple[Path, ...]) -> tuple[Path, ...]:
            return tuple([tuple([(a + along, c + across) for a, c in path]) for path in each])

        places = tuple([(number, a + along, c + across) for number, a, c in self.places])
        frames = tuple(
            [
                PlacedFrame(
                    (f.along[0] + along, f.along[1] + along), (f.across[0] + across, f.across[1] + across), *f[2:]
                )
                for f in self.frames
            ]
        )
        return self._replace(
            places=places, lines=paths(self.lines), frames=frames, heads=paths(self.heads), tails=paths(self.tails),
            through=paths(self.through),
        )  # fmt: skip


class Layout:
    """Lays out a tree whose units have their rooms."""

    def __init__(self, tree: Tree, units: Sequence[Unit], rooms: Sequence[Room], spacing: Spacing) -> None:
        self.tree, self.units, self.rooms, self.spacing = tree, units, rooms, spacing
        self.is_u = sum(map(self._descends, _parallels(tree.elements))) >= 2

    def place(self) -> Patch:
        """Return the whole drawing; one that is long is wrapped like text, unless lines reach far over it."""
        parts = [self._element(element) for element in self.tree.elements]
        length = sum(part.length for part in parts) + self.spacing.gap * (len(parts) - 1)
        if length <= self.spacing.wrap or self.tree.jumps or self.is_u or len(parts) < 2:
            return self._with_jumps(self._joined(parts))
        count = -(-length // self.spacing.wrap)
        rows: list[list[Patch]] = [[]]
        filled = 0.0
        for part in parts:
            if rows[-1] and filled + part.length / 2 > length / count * len(rows) and len(rows) < count:
                rows.append([])
            rows[-1].append(part)
            filled += part.length + self.spacing.gap
        return self._stacked([self._joined(row) for row in rows])

    # -- one after the other -----------------------------------------------------------------------------

    def _sequence(self, elements: Sequence[Element]) -> Patch:
        return self._joined([self._element(element) for element in elements])

    def _element(self, element: Element) -> Patch:
        if isinstance(element, Frame):
            return self._frame(element)
        if isinstance(element, Parallel):
            return self._parallel(element)
        room = self.rooms[element]
        ends = (((room.enter, 0.0),),), (((room.leave, 0.0),),)
        return Patch(room.length, room.before, room.after, ((element, 0.0, 0.0),), heads=ends[0], tails=ends[1])

    def _joined(self, parts: Sequence[Patch]) -> Patch:
        """Return parts one behind the other, the tails of each joined to the heads of the next."""
        at = 0.0
        moved = []
        for part in parts:
            moved.append(part.moved(at, 0))
            at += part.length + self.spacing.gap
        return self._connected(moved, max(at - self.spacing.gap, 0))

    def _connected(self, moved: Sequence[Patch], length: float, links: Sequence[Path] = ()) -> Patch:
        lines = [line for part in moved for line in part.lines]
        heads, tails, through = [*moved[0].heads], [*moved[0].tails], [*moved[0].through]
        for number, part in enumerate(moved[1:]):
            link = links[number] if links else ()
            lines += [tail + link + head for tail in tails for head in part.heads]
            heads += [path + link + head for path in through for head in part.heads]
            tails, through = (
                [*part.tails, *(tail + link + path for tail in tails for path in part.through)],
                [first + link + path for first in through for path in part.through],
            )
        return Patch(
            length,
            max(part.before for part in moved),
            max(part.after for part in moved),
            tuple([place for part in moved for place in part.places]),
            tuple(lines),
            tuple([frame for part in moved for frame in part.frames]),
            tuple(heads),
            tuple(tails),
            tuple(through),
        )

    def _stacked(self, rows: Sequence[Patch]) -> Patch:
        """Return rows one beside the other; a line goes back from the end of each to the beginning of the next."""
        spacing = self.spacing
        moved, links, across = [rows[0]], [], 0.0
        for above, row in zip(rows, rows[1:], strict=False):
            middle = across + above.after + spacing.between
            end = above.length + spacing.fork
            back = middle + spacing.between + row.before
            links.append(((end, across), (end, middle), (-spacing.fork, middle), (-spacing.fork, back)))
            across = back
            moved.append(row.moved(0, across))
        whole = self._connected(moved, max(row.length for row in rows), links)
        return whole._replace(before=rows[0].before, after=across + rows[-1].after)

    def _frame(self, frame: Frame) -> Patch:
        spacing = self.spacing
        inner = self._sequence(frame.elements)
        along, across = spacing.label_size(frame.label)
        spare = max(along - inner.length - 2 * spacing.pad, 0) / 2
        start = spacing.pad + spacing.lead + spare
        length = start + inner.length + spacing.pad + spare
        before, after = inner.before + spacing.pad + spacing.label, inner.after + spacing.pad
        after += max(across - before - after, 0)
        placed = PlacedFrame((0, length), (-before, after), frame.label, frame.copies)
        moved = inner.moved(start, 0)
        return moved._replace(length=length, before=before, after=after, frames=(placed, *moved.frames))

    # -- side by side ------------------------------------------------------------------------------------

    def _parallel(self, parallel: Parallel) -> Patch:
        spacing, arms = self.spacing, parallel.arms
        patches = [self._sequence(arm.elements) if arm.elements else None for arm in arms]
        main = self._main(arms)
        inside = max((patch.length for patch in patches if patch), default=0)
        length = inside + 2 * spacing.fork
        forks, merges = spacing.fork / 2, length - spacing.fork / 2
        before, after = self._reach(patches[main])
        descends = self.is_u and self._descends(parallel)
        places: dict[int, float] = {main: 0.0}
        # An empty arm is a line close by; the others follow on the same side, away from results on the other one.
        order = sorted((n for n in range(len(arms)) if n != main), key=lambda n: (bool(arms[n].elements), abs(n - main)))
        for number in order:
            reach = self._reach(patches[number])
            distance = spacing.between if arms[number].elements else spacing.skip
            other_side = not arms[number].leaves or (len(arms) > 2 and number > main and arms[number].elements)
            if descends or other_side:
                places[number] = after + distance + reach[0]
                after = places[number] + reach[1]
            else:
                places[number] = -(before + distance + reach[1])
                before = -places[number] + reach[0]
        moved: list[Patch] = []
        heads: list[Path] = []
        tails: list[Path] = []
        through: list[Path] = []
        for number, (arm, patch) in enumerate(zip(arms, patches, strict=True)):
            across = places[number]
            turn_in: Path = ((forks, 0.0), (forks, across)) if across else ()
            turn_out: Path = ((merges, across), (merges, 0.0)) if across else ()
            if patch is None:
                through.append((*turn_in, *turn_out))
                continue
            centred = (inside - patch.length) / 2 if arm.enters and arm.leaves else 0.0
            placed = patch.moved(spacing.fork + centred, across)
            moved.append(placed)
            if arm.enters:
                heads += [turn_in + head for head in placed.heads]
            if arm.leaves:
                tails += [tail + turn_out for tail in placed.tails]
            if arm.enters and arm.leaves:
                through += [turn_in + path + turn_out for path in placed.through]
        return Patch(
            length,
            before,
            after,
            tuple([place for patch in moved for place in patch.places]),
            tuple([line for patch in moved for line in patch.lines]),
            tuple([frame for patch in moved for frame in patch.frames]),
            tuple(heads),
            tuple(tails),
            tuple(through),
        )

    def _main(self, arms: Sequence[Arm]) -> int:
        """Return the arm that stays on the line: the longest, and of several the one in the middle.

        In a U, it is the one that skips.
        """
        counts = [sum(1 for _ in numbers(arm.elements)) for arm in arms]
        if self.is_u and self._descends(Parallel(tuple(arms))):
            return min(range(len(arms)), key=lambda number: counts[number])
        longest = [number for number, count in enumerate(counts) if count == max(counts)]
        return longest[len(longest) // 2]

    def _reach(self, patch: Patch | None) -> tuple[float, float]:
        return (patch.before, patch.after) if patch else (0, 0)

    def _descends(self, parallel: Parallel) -> bool:
        """Return whether one of two arms goes through maps half as large and comes back, as in a U."""
        if len(parallel.arms) != 2:
            return False
        inner = sorted(([*numbers(arm.elements)] for arm in parallel.arms), key=len)
        extents = [self._extent(number) for number in inner[1]]
        sized = [each for each in extents if each is not None]
        skipped = [self._extent(number) for number in inner[0]]
        end = extents[-1]
        if len(inner[0]) > 2 or not sized or end is None or None in skipped:
            return False
        return min(sized) * 2 <= end + 1 and all(each >= end for each in skipped if each is not None)

    def _extent(self, number: int) -> int | None:
        """Return the size of a unit's maps along their first axis, if it is known."""
        spatial = self.units[number].shape.spatial
        return spatial[0] if spatial and isinstance(spatial[0], int) else None

    # -- jumps -------------------------------------------------------------------------------------------

    def _with_jumps(self, patch: Patch) -> Patch:
        """Return the drawing with the jumps as lines over whatever lies between their ends, the short ones first."""
        if not self.tree.jumps:
            return patch
        rooms, spacing = self.rooms, self.spacing
        place = {number: (along, across) for number, along, across in patch.places}
        tops = [
            (along, along + rooms[number].length, across - rooms[number].before) for number, along, across in patch.places
        ]
        tops += [(*frame.along, frame.across[0]) for frame in patch.frames]
        for line in (*patch.lines, *patch.heads, *patch.tails, *patch.through):
            tops += [
                (min(a, b), max(a, b), min(c, d)) for (a, c), (b, d) in zip(line, line[1:], strict=False)
            ]
        lines, before = list(patch.lines), patch.before
        ends = [
            (place[source][0] + rooms[source].leave, place[target][0] + rooms[target].enter, source, target)
            for source, target in self.tree.jumps
        ]
        for out, into, source, target in sorted(ends, key=lambda each: (abs(each[1] - each[0]), each)):
            turn, back = out + spacing.gap / 4, into - spacing.gap / 2
            low, high = min(turn, back), max(turn, back)
            over = min([top for start, end, top in tops if start < high and end > low], default=0) - spacing.skip
            first, last = place[source][1], place[target][1]
            lines.append(((out, first), (turn, first), (turn, over), (back, over), (back, last), (into, last)))
            tops.append((low, high, over))
            before = max(before, -over)
        return patch._replace(lines=tuple(lines), before=before)


def _parallels(elements: Sequence[Element]) -> list[Parallel]:
    """Return all branches of a sequence, inner ones too."""
    found: list[Parallel] = []
    for element in elements:
        if isinstance(element, Frame):
            found += _parallels(element.elements)
        elif isinstance(element, Parallel):
            found.append(element)
            for arm in element.arms:
                found += _parallels(arm.elements)
    return found
