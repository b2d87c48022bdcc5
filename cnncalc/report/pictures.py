"""Pictures of a layer's windows: their positions on the padded input, and the number of windows over each element."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from cnncalc.explain.layers import Explanation
from cnncalc.explain.positions import WindowPositions
from cnncalc.explain.trace import signed
from cnncalc.layers.arguments import count
from cnncalc.layers.windowed import Windowed
from cnncalc.report.document import Block, Drawing, Paragraph, Piece
from cnncalc.report.layout import INDENT, PAGE_WIDTH
from cnncalc.report.options import RenderOptions

#: An axis with more elements, padding included, or more positions is described in words alone.
MOST_CELLS, MOST_POSITIONS = 24, 16
#: A grid with more rows is not drawn.
MOST_ROWS = 20
#: The most and fewest elements of an axis in a coverage map; of a longer axis, the ends and the middle are shown.
MOST_SHOWN, LEAST_SHOWN = 16, 5

#: The signs of the pictures, in Unicode and in ASCII.
SIGNS = {
    True: {"padding": "·", "input": "□", "tap": "■", "corner": "▣", "gap": "─", "dropped": "×", "more": "…"},
    False: {"padding": ".", "input": "o", "tap": "#", "corner": "@", "gap": "-", "dropped": "x", "more": "..."},
}
#: Without colour a shade stands at both sides of a number: the more windows, the darker.
TILES = " ░▒▓█"
GROUNDS = 5

Line = tuple[Piece, ...]


def pictures(explanation: Explanation, options: RenderOptions) -> Iterator[Block]:
    """Yield the grid with its padding and windows, each axis separately, and the coverage map."""
    positions = explanation.positions
    transposed = _transposed(explanation)
    cells = min(MOST_CELLS, _room(options) // 2)
    if (
        not transposed
        and len(positions) == 2
        and _size(positions[0].cells) <= MOST_ROWS
        and _size(positions[1].cells) <= cells
    ):
        yield Paragraph(_grid_text(positions, options))
        yield Drawing(tuple(_grid(positions[0], positions[1], options)))
    for axis, names in _alike(positions):
        yield Paragraph(_axis_text(axis, names, transposed))
        cells = min(MOST_CELLS, _room(options) // _cell(axis))
        if _size(axis.cells) <= cells and axis.number <= MOST_POSITIONS:
            yield Drawing(tuple(_ruler(axis, options)))
    yield Paragraph(_map_text(explanation))
    if len(positions) == 3:
        for axis, names in _alike(positions):
            yield Paragraph(f"{names}:")
            yield Drawing(tuple(_map([axis], options)))
    else:
        yield Drawing(tuple(_map(positions, options)))


def pictures_data(explanation: Explanation) -> dict[str, object]:
    """Return the windows of each axis for JSON: where they begin, and the number of windows over each element."""
    if not explanation.positions:
        return {}
    return {
        "windows": [
            {
                "axis": axis.axis,
                "over": axis.n,
                "places": axis.number,
                "extent": axis.window.extent,
                "stride": axis.window.stride,
                "first": axis.taps(0)[0],
                "last": axis.taps(axis.number - 1)[0],
                "coverage": axis.coverages() if axis.n <= MOST_CELLS * MOST_CELLS else None,
            }
            for axis in explanation.positions
        ]
    }


def _transposed(explanation: Explanation) -> bool:
    layer = explanation.layer_at_step
    return isinstance(layer, Windowed) and layer.pads == "crops"


def _alike(positions: Sequence[WindowPositions]) -> Iterator[tuple[WindowPositions, str]]:
    """Yield each distinct axis, with the names of all axes equal to it."""
    names: dict[WindowPositions, list[str]] = {}
    for axis in positions:
        names.setdefault(axis._replace(axis=""), []).append(axis.axis)
    for axis, alike in names.items():
        yield axis, listed(alike)


def listed(names: Sequence[str]) -> str:
    """Return the names as a list in words: `depth, height and width`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


# -- the grid ------------------------------------------------------------------------------------------------


def _room(options: RenderOptions) -> int:
    """Return the number of columns that a picture may use."""
    return (options.width or PAGE_WIDTH) - len(INDENT)


def _size(cells: range) -> int:
    """Return the number of cells, which may be too large for `len`."""
    return cells.stop - cells.start


def _grid_text(positions: Sequence[WindowPositions], options: RenderOptions) -> str:
    signs = SIGNS[options.unicode]
    kinds = {kind for row in _kinds(positions[0], positions[1]) for kind in row}
    meanings = {
        "input": "an element",
        "padding": "padding",
        "tap": "the first window",
        "corner": "where the other windows begin",
        "dropped": "in no window",
    }
    shown = ", ".join(f"{signs[kind]} {meaning}" for kind, meaning in meanings.items() if kind in kinds)
    return f"the input and its windows: {shown}"


def _grid(height: WindowPositions, width: WindowPositions, options: RenderOptions) -> Iterator[Line]:
    signs = SIGNS[options.unicode]
    roles = {"tap": "emphasis", "corner": "code", "padding": "rule", "dropped": "rule"}
    for row in _kinds(height, width):
        yield tuple((roles.get(kind, "text"), f"{signs[kind]} ") for kind in row)


def _kinds(height: WindowPositions, width: WindowPositions) -> Iterator[list[str]]:
    """Yield the kinds of the cells of the grid, a row at a time."""
    axes = (height, width)
    starts = [{axis.taps(position)[0] for position in range(axis.number)} for axis in axes]
    reached = [{element for element in range(axis.n) if axis.coverage(element)} for axis in axes]

    def kind(cell: tuple[int, int]) -> str:
        if all(element in axis.taps(0) for element, axis in zip(cell, axes, strict=True)):
            return "tap"
        if all(element in each for element, each in zip(cell, starts, strict=True)):
            return "corner"
        if not all(0 <= element < axis.n for element, axis in zip(cell, axes, strict=True)):
            return "padding"
        return "input" if all(element in each for element, each in zip(cell, reached, strict=True)) else "dropped"

    for row in height.cells:
        yield [kind((row, column)) for column in width.cells]


# -- an axis -------------------------------------------------------------------------------------------------


def _axis_text(axis: WindowPositions, names: str, transposed: bool) -> str:
    window = axis.window
    size = f"{window.kernel}"
    if window.dilation > 1:
        size = f"{window.extent} ({window.kernel} taps, {window.dilation} apart)"
    starts = [signed(axis.taps(position)[0] + 1) for position in _some_positions(axis.number)]
    if axis.number > len(starts):
        starts.insert(-1, "…")
    over = count(axis.n, "output element" if transposed else "element")
    steps = f" in steps of {window.stride}, from {', '.join(starts)}" if axis.number > 1 else f" from {starts[0]}"
    text = f"{names}: {count(axis.number, 'window')} of {size} over {over},{steps}"
    if missed := _last_missed(axis):
        first, last = missed[0] + 1, missed[-1] + 1
        text += f"; {first} is in none" if first == last else f"; {first} to {last} are in none"
    return text


def _some_positions(number: int) -> list[int]:
    """Return the first positions and the last."""
    return list(range(number)) if number <= 4 else [0, 1, 2, number - 1]


def _last_missed(axis: WindowPositions) -> range:
    """Return the elements at the end of the axis that no window reaches."""
    return range(min(max(axis.taps(axis.number - 1)[-1] + 1, 0), axis.n), axis.n)


def _cell(axis: WindowPositions) -> int:
    """Return the width of a cell: the digits of the largest element number, and a space."""
    return len(str(axis.n)) + 1


def _ruler(axis: WindowPositions, options: RenderOptions) -> Iterator[Line]:
    """Yield the line of element numbers, then a line for each window with its taps."""
    signs = SIGNS[options.unicode]
    cell = _cell(axis)
    cells = axis.cells
    yield tuple(
        ("text", str(element + 1).rjust(cell)) if 0 <= element < axis.n else ("rule", signs["padding"].rjust(cell))
        for element in cells
    )
    for position in range(axis.number):
        taps = axis.taps(position)
        pieces: list[Piece] = []
        for element in cells:
            inside = taps[0] < element <= taps[-1]
            filler = (signs["gap"] if inside else " ") * (cell - 1)
            sign = signs["tap"] if element in taps else signs["gap"] if inside else " "
            pieces.append(("code", filler + sign))
        yield tuple(pieces)
    if missed := _last_missed(axis):
        yield tuple(("rule", (signs["dropped"] if element in missed else " ").rjust(cell)) for element in cells)


# -- the coverage map -----------------------------------------------------------------------------------


def _map_text(explanation: Explanation) -> str:
    positions = explanation.positions
    if len(positions) == 3:
        lead = "how many windows an element takes part in: the product of these, one for each axis"
    elif _transposed(explanation):
        lead = "how many input elements write into each output element"
    else:
        lead = "how many windows each element takes part in"
    if len(positions) == 3:
        return lead
    counts = [_counts(axis) for axis in positions]
    least, most = prod(map(min, counts)), prod(map(max, counts))
    return f"{lead}: {most} everywhere" if least == most else f"{lead}, from {least} to {most}"


def _counts(axis: WindowPositions) -> list[int]:
    """Return the number of windows over each element that a map shows."""
    return [axis.coverage(element) for element in _shown(axis.n) if element is not None]


def _shown(n: int, most: int = MOST_SHOWN) -> list[int | None]:
    """Return the elements of an axis that a map shows, with None for those omitted between."""
    most = max(most, LEAST_SHOWN)
    if n <= most:
        return list(range(n))
    ends = (most - 3) // 2
    return [*range(ends), None, n // 2, None, *range(n - ends, n)]


def _map(positions: Sequence[WindowPositions], options: RenderOptions) -> Iterator[Line]:
    """Yield the counts of an axis; of two axes, their products, the number of windows over each element."""
    most = prod(max(_counts(axis)) for axis in positions)
    width = len(str(most))
    shown = [_shown(axis.n) for axis in positions[:-1]]
    shown.append(_shown(positions[-1].n, min(MOST_SHOWN, _room(options) // (width + 2))))
    *above, columns = (
        [None if element is None else axis.coverage(element) for element in elements]
        for elements, axis in zip(shown, positions, strict=True)
    )
    for row in above[0] if above else [1]:
        yield tuple(
            _tile(None if row is None or column is None else row * column, most, width, options) for column in columns
        )


def _tile(value: int | None, most: int, width: int, options: RenderOptions) -> Piece:
    """Return a cell of the map: a number on a coloured ground, or between shades, darker for larger numbers."""
    more = SIGNS[options.unicode]["more"]
    if value is None:
        return "rule", f" {more.rjust(width)} "[: width + 2]
    number = str(value).rjust(width)
    if options.colour or not options.unicode:
        return f"shade{_level(value, most, GROUNDS)}", f" {number} "
    tile = TILES[_level(value, most, len(TILES) - 1)]
    return "text", f"{tile}{number}{tile}"


def _level(value: int, most: int, levels: int) -> int:
    """Return the level of a value: 0 for 0, up to `levels` for `most`."""
    return -(-value * levels // most) if most else 0
