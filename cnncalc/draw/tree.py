"""The shape of a network as a tree: what follows what, what runs side by side, and what repeats.

Between two units that every path goes through, what lies between falls into arms that have nothing to do with each
other, and each of them is a network again. Edges that fit into no such tree, the longest first, are jumps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Union

from cnncalc.diagnostics import Diagnostic, SpecError
from cnncalc.draw.text import sizes
from cnncalc.draw.units import Unit
from cnncalc.shape import Shape

#: Arms within arms deeper than this are not drawn.
MOST_NESTED = 60
#: The units that a frame around a repeat saves at least, and the most elements in one copy.
LEAST_SAVED, MOST_IN_COPY = 4, 64
#: A block of fewer units has no frame of its own.
LEAST_FRAMED = 3


class Arm(NamedTuple):
    """A sequence beside others; whether it begins at the unit before them, and ends at the one behind them."""

    elements: tuple[Element, ...]
    enters: bool = True
    leaves: bool = True


class Parallel(NamedTuple):
    """Arms side by side; one without elements is the tensor itself."""

    arms: tuple[Arm, ...]


class Frame(NamedTuple):
    """A sequence with a frame around it: a repeat, of which the first copy is drawn, or a block by its name."""

    elements: tuple[Element, ...]
    label: str
    copies: int = 1


#: A unit by its number, or what is made of several.
Element = Union[int, Parallel, Frame]


class Tree(NamedTuple):
    """The sequence that a network is, and the edges that jump over parts of it, from unit to unit."""

    elements: tuple[Element, ...]
    jumps: tuple[tuple[int, int], ...]
    #: Unit that is drawn → those of the other copies of a repeat, for which it stands.
    copies: Mapping[int, tuple[int, ...]] = {}


def tree_of(units: Sequence[Unit]) -> Tree:
    """Return the tree of the units, with repeats and blocks in frames."""
    decomposition = _Decomposition(units)
    elements = decomposition.sequence(list(range(len(units))), None, None, 0)
    jumps = tuple(sorted(decomposition.jumps))
    folding = _Folding(units, jumps)
    folded = folding.fold(elements)
    return Tree(_framed(folded, units), jumps, folding.copies)


def numbers(elements: Sequence[Element]) -> Iterator[int]:
    """Yield the numbers of all units in a sequence."""
    for element in elements:
        if isinstance(element, int):
            yield element
        elif isinstance(element, Frame):
            yield from numbers(element.elements)
        else:
            for arm in element.arms:
                yield from numbers(arm.elements)


class _Decomposition:
    """Takes a network apart; an edge that becomes a jump is taken out of `before` and `after`."""

    def __init__(self, units: Sequence[Unit]) -> None:
        self.before = [set(unit.inputs) for unit in units]
        self.after: list[set[int]] = [set() for _ in units]
        for number, unit in enumerate(units):
            for source in unit.inputs:
                self.after[source].add(number)
        self.starts = {number for number, unit in enumerate(units) if not unit.inputs}
        self.ends = {number for number, unit in enumerate(units) if unit.is_output}
        self.jumps: list[tuple[int, int]] = []

    def sequence(self, region: list[int], entry: int | None, exit: int | None, depth: int) -> tuple[Element, ...]:
        """Return the units of a region as a sequence, between two units, or the network's inputs and outputs."""
        if depth > MOST_NESTED:
            message = f"branches nest deeper than {MOST_NESTED}, which makes no picture"
            raise SpecError([Diagnostic("E508", message, help="draw blocks as one box each: `--depth 1`")])
        while True:
            position = {number: at for at, number in enumerate(region)}
            cuts = self._cuts(region, position, entry, exit)
            if cuts or len(parts := self._parts(region, position)) > 1 or len(region) == 1:
                break
            self._strip(region, position, entry, exit)
        if not cuts:
            return self._between(parts, entry, exit, depth, direct=False)
        elements: list[Element] = []
        at = 0
        previous: int | None = entry
        for cut in [*cuts, len(region)]:
            here = region[cut] if cut < len(region) else exit
            if at < cut:
                inner = region[at:cut]
                direct = previous is not None and here is not None and here in self.after[previous]
                inside = {number: at for at, number in enumerate(inner)}
                elements += self._between(self._parts(inner, inside), previous, here, depth, direct)
            if cut < len(region):
                elements.append(region[cut])
                previous, at = region[cut], cut + 1
        return tuple(elements)

    def _cuts(self, region: list[int], position: dict[int, int], entry: int | None, exit: int | None) -> list[int]:
        """Return the positions that every path through the region goes through: no edge spans them."""
        reached = max((at for at, number in enumerate(region) if self._enters(number, entry)), default=-1)
        cuts = []
        for at, number in enumerate(region):
            if reached <= at:
                cuts.append(at)
            reached = max(reached, *(position[each] for each in self.after[number] if each in position), at)
            if self._leaves(number, exit):
                reached = len(region)
        return cuts

    def _enters(self, number: int, entry: int | None) -> bool:
        return number in self.starts if entry is None else entry in self.before[number]

    def _leaves(self, number: int, exit: int | None) -> bool:
        return number in self.ends if exit is None else exit in self.after[number]

    def _parts(self, region: list[int], position: dict[int, int]) -> list[list[int]]:
        """Return the units of a region in groups between which there is no edge."""
        group = list(range(len(region)))

        def root(at: int) -> int:
            while group[at] != at:
                group[at] = at = group[group[at]]
            return at

        for at, number in enumerate(region):
            for other in self.after[number]:
                if other in position:
                    a, b = sorted((root(at), root(position[other])))
                    group[b] = a
        parts: dict[int, list[int]] = {}
        for at, number in enumerate(region):
            parts.setdefault(root(at), []).append(number)
        return list(parts.values())

    def _between(
        self, parts: list[list[int]], entry: int | None, exit: int | None, depth: int, direct: bool
    ) -> tuple[Element, ...]:
        """Return the parts between two units as arms, or a single one as it is."""
        arms = []
        for part in parts:
            enters = entry is not None and any(self._enters(number, entry) for number in part)
            leaves = exit is not None and any(self._leaves(number, exit) for number in part)
            arms.append(Arm(self.sequence(part, entry, exit, depth + 1), enters, leaves))
        if direct:
            arms.append(Arm(()))
        alone = len(arms) == 1 and (entry is None or arms[0].enters) and (exit is None or arms[0].leaves)
        return arms[0].elements if alone else (Parallel(tuple(arms)),)

    def _strip(self, region: list[int], position: dict[int, int], entry: int | None, exit: int | None) -> None:
        """Make the longest edge of a region a jump; each unit keeps an input and, if any edge allows it, a reader."""
        size = len(region)
        # Whether the source keeps a reader, how far the edge reaches, the earlier of two; and the edge.
        edges: list[tuple[tuple[bool, int, int], tuple[int, int | None]]] = []
        for at, number in enumerate(region):
            targets = [(position[each], each) for each in self.after[number] if each in position]
            leaves = self._leaves(number, exit)
            spared = len(targets) + leaves > 1
            for to, other in targets:
                if len(self.before[other]) > 1:
                    edges.append(((spared, to - at, -at), (number, other)))
            if leaves and (exit is None or len(self.before[exit]) > 1):
                edges.append(((spared, size - at, -at), (number, exit)))
            if entry is not None and entry in self.before[number] and len(self.before[number]) > 1:
                edges.append(((True, at + 1, 0), (entry, number)))
        source, target = max(edges, key=lambda edge: edge[0])[1]
        if target is None:
            self.ends.discard(source)
            return
        self.before[target].discard(source)
        self.after[source].discard(target)
        self.jumps.append((source, target))


class _Folding:
    """Finds copies that follow one another, short ones first, so that repeats nest."""

    def __init__(self, units: Sequence[Unit], jumps: Sequence[tuple[int, int]]) -> None:
        self.units = units
        self.copies: dict[int, tuple[int, ...]] = {}
        # What an edge jumps to, or a result on the way comes from, is nothing that can be left out.
        self.kept = {number for jump in jumps for number in jump}
        self.kept |= {number for number, unit in enumerate(units[:-1]) if unit.is_output}

    def fold(self, elements: Sequence[Element]) -> tuple[Element, ...]:
        result = [self._inside(element) for element in elements]
        keys = [self._key(element) for element in result]
        length = 1
        while length <= min(len(result) // 2, MOST_IN_COPY):
            before = len(result)
            result, keys = self._fold_length(result, keys, length)
            length = 1 if len(result) < before else length + 1
        return tuple(result)

    def _inside(self, element: Element) -> Element:
        if isinstance(element, Parallel):
            return Parallel(tuple([arm._replace(elements=self.fold(arm.elements)) for arm in element.arms]))
        return element

    def _key(self, element: Element) -> object:
        if isinstance(element, int):
            return (element,) if element in self.kept else self.units[element].key
        if isinstance(element, Frame):
            return element.copies, *map(self._key, element.elements)
        return tuple([(*arm[1:], *map(self._key, arm.elements)) for arm in element.arms])

    def _fold_length(
        self, elements: list[Element], keys: list[object], length: int
    ) -> tuple[list[Element], list[object]]:
        result: list[Element] = []
        new_keys: list[object] = []
        at, end = 0, len(elements)
        while at < end:
            run = at
            while run + length < end and keys[run] == keys[run + length]:
                run += 1
            copies, spare = (run - at) // length + 1, (run - at) % length
            shifts = range(spare + 1) if copies > 1 else range(0)
            # Where copies could begin at several places, one that begins with a branch ends with its merge.
            shift = next((n for n in shifts if isinstance(elements[at + n], Parallel)), 0)
            one = tuple(elements[at + shift : at + shift + length])
            last = elements[at + shift + (copies - 1) * length : at + shift + copies * length]
            if copies < 2 or not self._pays(one, last, copies):
                result.append(elements[at])
                new_keys.append(keys[at])
                at += 1
                continue
            frame = Frame(one, self._label(one, last, copies), copies)
            drawn = list(numbers(one))
            for copy in range(1, copies):
                start = at + shift + copy * length
                for first, other in zip(drawn, numbers(elements[start : start + length]), strict=True):
                    more = self.copies.get(other, ())
                    self.copies[first] = (*self.copies.get(first, ()), other, *more)
            result += [*elements[at : at + shift], frame]
            new_keys += [*keys[at : at + shift], self._key(frame)]
            at += shift + length * copies
        return result, new_keys

    def _pays(self, one: Sequence[Element], last: Sequence[Element], copies: int) -> bool:
        """Return whether a frame saves enough; copies of which each halves its maps are a picture of their own."""
        first_shape, last_shape = self._shape(one), self._shape(last)
        saved = (copies - 1) * sum(1 for _ in numbers(one))
        return saved >= LEAST_SAVED * (1 if first_shape.spatial == last_shape.spatial else 3)

    def _shape(self, elements: Sequence[Element]) -> Shape:
        return self.units[list(numbers(elements))[-1]].shape

    def _label(self, first: Sequence[Element], last: Sequence[Element], copies: int) -> str:
        shape = self._shape(last)
        return f"× {copies}" if self._shape(first) == shape else f"× {copies} → {sizes(shape.dims)}"


def _framed(elements: Sequence[Element], units: Sequence[Unit]) -> tuple[Element, ...]:
    """Return the outermost sequence with a frame around each block that is not a single unit."""
    runs: list[tuple[str | None, list[Element]]] = []
    for element in elements:
        names = {units[number].name.partition(".") for number in numbers([element])}
        blocks = {name for name, dot, _ in names if dot}
        block = blocks.pop() if len(blocks) == 1 and len({name for name, _, _ in names}) == 1 else None
        if runs and block is not None and runs[-1][0] == block:
            runs[-1][1].append(element)
        else:
            runs.append((block, [element]))
    result: list[Element] = []
    whole = sum(1 for _ in numbers(elements))
    for block, run in runs:
        alone = len(run) == 1 and isinstance(run[0], Frame)
        size = sum(1 for _ in numbers(run))
        # A frame around most of a network sets nothing apart, and would keep it from being wrapped.
        if block is None or alone or not LEAST_FRAMED <= size <= whole / 2:
            result += run
        else:
            result.append(Frame(tuple(run), block))
    return tuple(result)
