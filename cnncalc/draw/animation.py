"""A layer's windows in motion as one SVG file: what moves does so by CSS, in steps, and stands still where asked to.

A window moves evenly, so its motion is two animations of a few numbers, one along a row and one from row to row,
whatever the number of positions. Results appear since a cover moves away from them; sums are on a strip that moves by.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cnncalc.draw.scene import ASCENT
from cnncalc.draw.svg import escaped, number
from cnncalc.draw.text import FONTS, printable, sizes, width, wrapped
from cnncalc.explain.matrix import Matrix, half_turned, number_text
from cnncalc.explain.motion import AxisMotion, Motion, WindowStep, steps
from cnncalc.layers.conv import Deconv

#: The side of a cell, the space around everything and between input and output, the size of text, a line's height.
CELL, MARGIN, BETWEEN, TEXT, LEADING = 30.0, 16.0, 46.0, 11.0, 15.0
#: The seconds that a position is shown.
SECONDS = 0.8
#: A sum with more characters leaves out the products with a zero; one that is still longer is counted.
MOST_IN_SUM = 64

#: Ground, text, notes, grid; an element, a zero that is put in; the window, its edge; the output, the one just made.
LIGHT = ("#ffffff", "#1a1a1a", "#555555", "#6b6b6b", "#cfe8f7", "#f1f1f1", "#e69f00", "#8a5a00", "#d3efe4", "#009e73")
DARK = ("#11151a", "#ececec", "#b4bac1", "#8b929a", "#1f4b66", "#262c33", "#e69f00", "#ffd37a", "#17493a", "#009e73")


class Values(NamedTuple):
    """The values to show: an image, the kernel as it lies on it, and what each position gives."""

    image: Matrix
    kernel: Matrix | None
    steps: tuple[WindowStep, ...]


def with_values(shown: Motion, image: Matrix, kernel: Matrix | None) -> Values:
    """Return what a motion shows of an image and a kernel."""
    lying = half_turned(kernel) if kernel is not None and isinstance(shown.node.layer, Deconv) else kernel
    return Values(image, lying, tuple(steps(shown, image, kernel)))


def to_svg(shown: Motion, values: Values | None = None, stills: int | None = None) -> str:
    """Return the SVG file of a motion, or of so many of its positions beside each other."""
    return "".join(f"{line}\n" for line in _Picture(shown, values, stills).lines())


class _Picture:
    def __init__(self, shown: Motion, values: Values | None, stills: int | None) -> None:
        self.shown, self.values = shown, values
        self.rows, self.columns = shown.grid
        self.count = self.rows.number * self.columns.number
        self.stills = None if stills is None else _chosen(self.count, stills)
        self.input_size = len(self.columns.cells) * CELL, len(self.rows.cells) * CELL
        self.output_size = self.columns.number * CELL, self.rows.number * CELL
        words = self._words()
        self.left = max(self.input_size[0], width(words[0], TEXT))
        self.right = max(self.output_size[0], width(words[1], TEXT))
        self.panel = self.left + BETWEEN + self.right
        self.tall = LEADING + 8 + max(self.input_size[1], self.output_size[1])

    def lines(self) -> Iterator[str]:
        panels = len(self.stills) if self.stills else 1
        across = min(panels, 3 if self.panel < 360 else 1)
        down = -(-panels // across)
        sums = bool(self.values)
        panel_height = self.tall + (LEADING + 6 if sums else 0) + (LEADING + 6 if self.stills else 0)
        body = across * self.panel + (across - 1) * 1.4 * BETWEEN
        longest = max((width(text, TEXT) for text in self._sums()), default=0.0) if sums else 0.0
        body = max(body, 380.0, longest)
        notes = [line for text in self._notes() for line in wrapped(text, TEXT, body)]
        wide = body + 2 * MARGIN
        tall = 2 * MARGIN + LEADING + 6 + down * panel_height + (down - 1) * MARGIN + 12 + len(notes) * LEADING
        title, words = printable(f"{self.shown.node.name}: {self.shown.node.layer}"), self._words()
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="motion" role="img" aria-labelledby="motion-title '
            f'motion-text" width="{number(wide)}" height="{number(tall)}" viewBox="0 0 {number(wide)} {number(tall)}">'
        )
        yield f'<title id="motion-title">{escaped(title)}</title>'
        yield f'<desc id="motion-text">{escaped(". ".join([*words, *self._notes()]))}</desc>'
        yield f"<style>{self._styles()}</style>"
        yield f"<defs>{self._defs()}</defs>"
        yield f'<rect class="ground" width="{number(wide)}" height="{number(tall)}"/>'
        yield _text(MARGIN, MARGIN + ASCENT * 13, title, "text", 13)
        top = MARGIN + LEADING + 6
        for at, position in enumerate(self.stills or [None]):
            x = MARGIN + at % across * (self.panel + 1.4 * BETWEEN)
            y = top + at // across * (panel_height + MARGIN)
            yield f'<g transform="translate({number(x)} {number(y)})">'
            yield from self._panel(position)
            yield "</g>"
        y = top + down * panel_height + (down - 1) * MARGIN + 12
        for at, line in enumerate(notes):
            yield _text(MARGIN, y + at * LEADING + ASCENT * TEXT, line, "note")
        yield "</svg>"

    # -- words -------------------------------------------------------------------------------------------

    def _words(self) -> tuple[str, str]:
        """Return what stands over the input and over the output."""
        before, after = self.shown.sizes
        return f"input {sizes(before)}", f"output {sizes(after)}"

    def _notes(self) -> list[str]:
        """Return the lines below: what the colours mean, and on what input the layer is shown."""
        node, axes = self.shown.node, self.shown.axes
        kinds = {axis.kind(cell) for axis in axes for cell in axis.cells}
        dilated = any(axis.dilation > 1 for axis in axes)
        parts = [f"blue: the input; orange: the window{', its taps apart' if dilated else ''}; green: the output"]
        if "zero" in kinds:
            parts.append("grey: zeros that are put in between")
        if "padding" in kinds:
            parts.append("dashed: padding")
        notes = ["; ".join(parts)]
        if isinstance(node.layer, Deconv):
            turned = ", with its kernel half turned" if self.values else ""
            notes.append(f"A transposed convolution is a convolution over its input with zeros put in{turned}.")
        if self.shown.smaller:
            own = sizes(node.input_shapes[0].spatial)
            notes.append(f"The layer's own input is {own}: this is the smallest on which the same is to be seen.")
        channels = node.input_shapes[0].channels
        if self.values is None and channels != 1:
            notes.append(f"One channel of {channels} is shown; the window is at the same place in all.")
        return notes

    def _sums(self) -> list[str]:
        return [_sum(step, self.shown.reduction) for step in self.values.steps] if self.values else []

    # -- style -------------------------------------------------------------------------------------------

    def _styles(self) -> str:
        def colours(scheme: Sequence[str]) -> str:
            ground, text, note, grid, element, zero, window, edge, output, made = scheme
            return (
                f".motion .ground,.motion .cover{{fill:{ground}}}"
                f".motion .text{{fill:{text}}}.motion .note{{fill:{note}}}"
                f".motion .input{{fill:{element};stroke:{grid}}}.motion .zero{{fill:{zero};stroke:{grid}}}"
                f".motion .padding{{stroke:{grid}}}.motion .window{{fill:{window};stroke:{edge}}}"
                f".motion .output{{fill:{output}}}.motion .grid{{stroke:{grid}}}.motion .made{{stroke:{made}}}"
            )

        moving = ""
        if not self.stills:
            turn, whole = self.columns.number * SECONDS, self.count * SECONDS
            step = self.columns.stride * CELL, self.rows.stride * CELL
            moving = (
                _moves("across", "X", step[0], self.columns.number, turn)
                + _moves("down", "Y", step[1], self.rows.number, whole)
                + _moves("right", "X", CELL, self.columns.number, turn)
                + _moves("below", "Y", CELL, self.rows.number, whole)
            )
            if self.values:
                moving += _moves("strip", "Y", -LEADING, self.count, whole)
            moving += (
                "@media(prefers-reduced-motion:reduce){.motion g{animation:none!important}.motion .cover{display:none}}"
            )
        return (
            f".motion text{{font-family:{FONTS}}}.motion .middle{{text-anchor:middle}}"
            ".motion .padding{fill:none;stroke-dasharray:3 3}.motion .window{fill-opacity:.45;stroke-width:2}"
            f".motion .grid{{fill:none}}.motion .made{{fill:none;stroke-width:3}}{moving}"
            f"{colours(LIGHT)}@media(prefers-color-scheme:dark){{{colours(DARK)}}}"
        )

    def _defs(self) -> str:
        wide, tall = self.output_size
        clips = f'<clipPath id="motion-output"><rect width="{number(wide)}" height="{number(tall)}"/></clipPath>'
        # Styles reach what a `use` shows by the class of a group in it: its surroundings do not count there.
        cells = f'<g id="motion-cells" class="motion">{"".join(self._cells())}</g>'
        if not self.values:
            return clips + cells
        clips += f'<clipPath id="motion-sum"><rect width="2000" height="{number(LEADING)}"/></clipPath>'
        made = "".join(
            _value(at % self.columns.number, at // self.columns.number, number_text(step.result))
            for at, step in enumerate(self.values.steps)
        )
        numbers = f'<g id="motion-values" class="motion">{"".join(self._numbers(self.values.image))}</g>'
        return f'{clips}{cells}{numbers}<g id="motion-results" class="motion">{made}</g>'

    # -- a panel -----------------------------------------------------------------------------------------

    def _panel(self, position: int | None) -> Iterator[str]:
        """Yield the drawing in motion, or at one position."""
        words, middle = self._words(), LEADING + 8
        tallest = max(self.input_size[1], self.output_size[1])
        left = (self.left - self.input_size[0]) / 2, middle + (tallest - self.input_size[1]) / 2
        right_start = self.left + BETWEEN + (self.right - self.output_size[0]) / 2
        right = right_start, middle + (tallest - self.output_size[1]) / 2
        yield _text(self.left / 2, ASCENT * TEXT, words[0], "text", anchor="middle")
        yield _text(self.left + BETWEEN + self.right / 2, ASCENT * TEXT, words[1], "text", anchor="middle")
        yield f'<g transform="translate({number(left[0])} {number(left[1])})">'
        yield '<use href="#motion-cells"/>'
        yield self._moving(self._window(), "down", "across", position, (self.rows.stride, self.columns.stride))
        # Over the window, whose colour they would be seen through otherwise.
        yield '<use href="#motion-values"/></g>' if self.values else "</g>"
        x = self.left + BETWEEN / 2
        yield f'<path class="grid" d="M{number(x - 9)} {number(middle + tallest / 2)}h18m-5-4l5 4l-5 4"/>'
        yield f'<g transform="translate({number(right[0])} {number(right[1])})">'
        yield from self._output(position)
        yield "</g>"
        if self.values:
            yield from self._strip(position)
        if position is not None:
            y = self.tall + 6 + (LEADING + 6 if self.values else 0) + ASCENT * TEXT
            yield _text(0, y, f"position {position + 1} of {self.count}", "note")

    def _cells(self) -> Iterator[str]:
        """Yield the cells of the input, kind by kind."""
        rows, columns = self.rows, self.columns
        for kind in ("padding", "zero", "input"):
            squares = [
                f"M{number(x * CELL)} {number(y * CELL)}h{number(CELL)}v{number(CELL)}h{number(-CELL)}z"
                for y, row in enumerate(rows.cells)
                for x, column in enumerate(columns.cells)
                if _kind(rows, row, columns, column) == kind
            ]
            if squares:
                yield f'<path class="{kind}" d="{"".join(squares)}"/>'

    def _numbers(self, image: Matrix) -> Iterator[str]:
        """Yield the values of the input in their cells."""
        for y, row in enumerate(self.rows.cells):
            for x, column in enumerate(self.columns.cells):
                at = self.rows.element(row), self.columns.element(column)
                if at[0] is not None and at[1] is not None:
                    yield _value(x, y, number_text(image[at[0]][at[1]]))

    def _window(self) -> str:
        """Return the window at the first position: a square for each tap, with its weight in the corner."""
        rows, columns = self.rows, self.columns
        squares = []
        for a, row in enumerate(rows.taps(0)):
            for b, column in enumerate(columns.taps(0)):
                x, y = (column - columns.cells[0]) * CELL, (row - rows.cells[0]) * CELL
                squares.append(f'<rect class="window" x="{number(x)}" y="{number(y)}" width="30" height="30"/>')
                if self.values and self.values.kernel:
                    weight = number_text(self.values.kernel[a][b])
                    size = min(8.0, 8.0 * 26 / max(width(weight, 8.0), 1))
                    squares.append(_text(x + CELL - 2 - width(weight, size), y + CELL - 3, weight, "text", size))
        return "".join(squares)

    def _output(self, position: int | None) -> Iterator[str]:
        rows, columns = self.rows.number, self.columns.number
        wide, tall = self.output_size
        yield f'<rect class="output" width="{number(wide)}" height="{number(tall)}"/>'
        if self.values:
            yield '<use href="#motion-results"/>'
        # The rest of the row, and the rows below it, are covered until they are made.
        rest = f'<rect class="cover" x="{number(CELL)}" width="{number(wide)}" height="{number(CELL)}"/>'
        later = f'<rect class="cover" y="{number(CELL)}" width="{number(wide)}" height="{number(tall)}"/>'
        moving = self._moving(rest, "below", "right", position, (1, 1))
        moving += self._moving(later, "below", "", position, (1, 0))
        yield f'<g clip-path="url(#motion-output)">{moving}</g>'
        lines = "".join(f"M0 {number(at * CELL)}h{number(wide)}" for at in range(rows + 1))
        lines += "".join(f"M{number(at * CELL)} 0v{number(tall)}" for at in range(columns + 1))
        yield f'<path class="grid" d="{lines}"/>'
        made = '<rect class="made" width="30" height="30"/>'
        yield self._moving(made, "below", "right", position, (1, 1))

    def _strip(self, position: int | None) -> Iterator[str]:
        y = self.tall + 6
        sums = self._sums()
        if position is not None:
            yield _text(0, y + ASCENT * TEXT, sums[position], "text")
            return
        strip = "".join(_text(0, at * LEADING + ASCENT * TEXT, text, "text") for at, text in enumerate(sums))
        yield f'<g transform="translate(0 {number(y)})" clip-path="url(#motion-sum)"><g class="strip">{strip}</g></g>'

    def _moving(self, what: str, down: str, across: str, position: int | None, steps: tuple[int, int]) -> str:
        """Return a drawing that moves over the rows and, inside, along each; or as it is at a position."""
        if position is not None:
            row, column = divmod(position, self.columns.number)
            x, y = column * steps[1] * CELL, row * steps[0] * CELL
            return f'<g transform="translate({number(x)} {number(y)})">{what}</g>'
        inner = f'<g class="{across}">{what}</g>' if across else what
        return f'<g class="{down}">{inner}</g>'


def _moves(name: str, axis: str, step: float, count: int, seconds: float) -> str:
    """Return an animation by even steps: `count` places, `step` apart, one after the other, again and again."""
    return (
        f".motion .{name}{{animation:{name} {number(seconds)}s steps({count}) infinite}}"
        f"@keyframes {name}{{to{{transform:translate{axis}({number(step * count)}px)}}}}"
    )


def _kind(rows: AxisMotion, row: int, columns: AxisMotion, column: int) -> str:
    kinds = {rows.kind(row), columns.kind(column)}
    return "padding" if "padding" in kinds else "zero" if "zero" in kinds else "input"


def _chosen(count: int, stills: int) -> list[int]:
    """Return positions spread evenly from the first to the last."""
    if stills >= count:
        return list(range(count))
    return [at * (count - 1) // max(stills - 1, 1) for at in range(stills)]


def _sum(step: WindowStep, reduction: str) -> str:
    """Return how a result comes about: `3·1 + 1·(−1) = 2`, `max(1, 3) = 3`, `(1 + 3) / 2 = 2`."""
    result = number_text(step.result)
    values = [number_text(value) for value, _ in step.terms]
    if reduction == "largest":
        return _short(f"max({', '.join(values)})", f"the largest of {len(values)}", result)
    if reduction == "mean":
        total = " + ".join(map(_factor, values)) or "0"
        return _short(f"({total}) / {step.divisor}", f"the mean of {step.divisor}", result)
    products = [(number_text(value), number_text(weight)) for value, weight in step.terms]
    kept = [f"{_factor(value)}\N{MIDDLE DOT}{_factor(weight)}" for value, weight in products]
    text = " + ".join(kept) or "0"
    if len(text) > MOST_IN_SUM:
        text = " + ".join(
            each for each, (value, weight) in zip(kept, products, strict=True) if value != "0" and weight != "0"
        )
    return _short(text or "0", f"the sum of {len(kept)} products", result)


def _short(text: str, instead: str, result: str) -> str:
    return f"{text if len(text) <= MOST_IN_SUM else instead} = {result}"


def _factor(text: str) -> str:
    return f"({text})" if text[0] == "−" or "/" in text else text


def _value(x: int, y: int, text: str) -> str:
    """Return a number in the middle of a cell, small enough to fit in."""
    size = min(TEXT, TEXT * (CELL - 4) / max(width(text, TEXT), 1))
    return _text(x * CELL + CELL / 2, y * CELL + CELL / 2 + size * 0.35, text, "text", size, "middle")


def _text(x: float, y: float, text: str, role: str, size: float = TEXT, anchor: str = "") -> str:
    kind = f"{role} {anchor}".strip()
    return f'<text class="{kind}" x="{number(x)}" y="{number(y)}" font-size="{number(size)}">{escaped(text)}</text>'
