"""Where everything of a drawing lies, whichever way it runs: `along` the network, and `across` it.

A sequence lies along one line, arms lie beside it, and each takes the room that was measured for it: nothing overlaps,
since everything is made of rooms side by side. Across, numbers grow from the side of the skips to that of the captions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
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

    A frame's label takes `label` across, or `lead` along; `label_size` is how long the frame is at least for its text,
    and how far it reaches before its line.
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
        self.is_u = self._descents(tree.elements) >= 2

    def place(self) -> Patch:
        """Return the whole drawing; one that is long is wrapped like text, between parts that no line jumps over."""
        chunks = self._chunks()
        length = sum(chunk.length for chunk in chunks) + self.spacing.gap * (len(chunks) - 1)
        if length <= self.spacing.wrap or self.is_u or len(chunks) < 2:
            return self._with_jumps(self._joined(chunks))
        # Rows of about the same length, as many as it takes.
        most = max(length / -(-length // self.spacing.wrap) * 1.05, *(chunk.length for chunk in chunks))
        rows: list[list[Patch]] = [[]]
        filled = 0.0
        for chunk in chunks:
            if rows[-1] and filled + chunk.length > most:
                rows.append([])
                filled = 0.0
            rows[-1].append(chunk)
            filled += chunk.length + self.spacing.gap
        return self._stacked([self._with_jumps(self._joined(row)) for row in rows])

    def _chunks(self) -> list[Patch]:
        """Return the parts of the outermost sequence, those under one jump as one."""
        home = {number: at for at, element in enumerate(self.tree.elements) for number in numbers([element])}
        spans = [sorted((home[source], home[target])) for source, target in self.tree.jumps]
        chunks: list[Patch] = []
        elements: list[Element] = []
        for at, element in enumerate(self.tree.elements):
            elements.append(element)
            if not any(first <= at < last for first, last in spans):
                chunks.append(self._sequence(elements))
                elements = []
        return chunks

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
        for above, row in pairwise(rows):
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
        before = max(before, across)
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
        order = sorted(
            (n for n in range(len(arms)) if n != main), key=lambda n: (bool(arms[n].elements), abs(n - main))
        )
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

    def _descents(self, elements: Sequence[Element]) -> int:
        """Return how many ways down and up again stand inside one another."""
        depths = [0]
        for element in elements:
            if isinstance(element, Frame):
                depths.append(self._descents(element.elements))
            elif isinstance(element, Parallel):
                inner = max(self._descents(arm.elements) for arm in element.arms)
                depths.append(inner + self._descends(element))
        return max(depths)

    def _descends(self, parallel: Parallel) -> bool:
        """Return whether one of two arms goes down to smaller maps and comes back to those that the other one has."""
        if len(parallel.arms) != 2:
            return False
        skip, way = sorted(parallel.arms, key=lambda arm: sum(1 for _ in numbers(arm.elements)))
        passed = [element for element in way.elements if isinstance(element, int)]
        if not passed or passed[-1] != way.elements[-1] or len(skip.elements) > 2:
            return False
        end = self.units[passed[-1]].shape
        # Maps that are rearranged have other axes, and are neither smaller nor larger.
        extents = [self._extent(number) for number in passed if self.units[number].shape.rank == end.rank]
        sized = [each for each in extents if each is not None]
        skipped = [self._extent(number) for number in numbers(skip.elements)]
        last = self._extent(passed[-1])
        if last is None or None in skipped:
            return False
        return min(sized) * 5 <= last * 4 and all(each >= last for each in skipped if each is not None)

    def _extent(self, number: int) -> int | None:
        """Return the size of a unit's maps along their first axis, if it is known."""
        spatial = self.units[number].shape.spatial
        return spatial[0] if spatial and isinstance(spatial[0], int) else None

    # -- jumps -------------------------------------------------------------------------------------------

    def _with_jumps(self, patch: Patch) -> Patch:
        """Return the drawing with the jumps as lines over whatever lies between their ends, short ones first."""
        rooms, spacing = self.rooms, self.spacing
        place = {number: (along, across) for number, along, across in patch.places}
        jumps = [jump for jump in self.tree.jumps if jump[0] in place]
        if not jumps:
            return patch
        tops = [
            (along, along + rooms[number].length, across - rooms[number].before)
            for number, along, across in patch.places
        ]
        tops += [(*frame.along, frame.across[0]) for frame in patch.frames]
        for line in (*patch.lines, *patch.heads, *patch.tails, *patch.through):
            tops += [(min(a, b), max(a, b), min(c, d)) for (a, c), (b, d) in pairwise(line)]
        lines, before = list(patch.lines), patch.before
        ends: dict[int, list[int]] = {}
        for source, target in jumps:
            ends.setdefault(source, []).append(target)
        into = {target: place[target][0] + rooms[target].enter for _, target in jumps}
        reach = {source: max(into[target] for target in ends[source]) - place[source][0] for source in ends}
        for source in sorted(ends, key=lambda each: (reach[each], each)):
            # What jumps from one unit to several has one line over them, which comes down at each.
            along, first = place[source]
            out = along + rooms[source].leave
            turn = out + spacing.gap / 4
            backs = {target: into[target] - spacing.gap / 2 for target in ends[source]}
            low, high = min(turn, *backs.values()), max(turn, *backs.values())
            over = min([top for start, end, top in tops if start < high and end > low], default=0) - spacing.skip
            for target, back in backs.items():
                last = place[target][1]
                path = (out, first), (turn, first), (turn, over), (back, over), (back, last), (into[target], last)
                lines.append(path)
            tops.append((low, high, over))
            before = max(before, -over)
        return patch._replace(lines=tuple(lines), before=before)
