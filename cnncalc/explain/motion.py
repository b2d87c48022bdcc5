"""A layer's windows in motion: what lies under each, position by position, on an input small enough to watch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import prod
from typing import NamedTuple, NoReturn

from cnncalc.diagnostics import Diagnostic, Span, SpecError
from cnncalc.explain.matrix import Matrix, half_turned
from cnncalc.explain.operation import check_kernel, padding_counts
from cnncalc.explain.positions import WindowPositions, window_positions
from cnncalc.graph import Graph, Node
from cnncalc.layers.conv import Conv, Deconv, DepthwiseConv
from cnncalc.layers.pool import AvgPool, MaxPool
from cnncalc.layers.windowed import Windowed
from cnncalc.spelling import nearest

#: The kinds of layers whose windows are shown in motion.
ANIMATED = (Conv, DepthwiseConv, Deconv, MaxPool, AvgPool)
WHAT_CAN_BE_SHOWN = "what can be shown is `conv`, `dwconv`, `deconv`, `pool` and `avgpool`, on one or two axes"
#: A layer is shown as it is up to so many positions, and cells along an axis; a smaller one up to so many.
MOST_POSITIONS, MOST_CELLS, MOST_CELLS_OF_SMALLEST = 64, 14, 32
#: A smaller input gives at least so many positions along an axis, where the layer has as many.
LEAST_POSITIONS = 3


class AxisMotion(NamedTuple):
    """The windows along an axis, over cells that count from the first element.

    There are `n` elements, `spread` cells apart: more than 1 where a transposed convolution puts zeros in between. The
    window has `kernel` taps `dilation` cells apart; its first tap is at `first`, and moves on by `stride`. Padding
    reaches from `low` to before `high`.
    """

    n: int
    number: int
    kernel: int
    stride: int
    dilation: int
    first: int
    spread: int
    low: int
    high: int

    @property
    def extent(self) -> int:
        """The number of cells from the first element to the last."""
        return (self.n - 1) * self.spread + 1

    @property
    def cells(self) -> range:
        """All cells that are shown: elements, padding, and what a window covers beyond."""
        last = self.taps(self.number - 1)[-1]
        return range(min(self.low, self.first, 0), max(self.high, last + 1, self.extent))

    def taps(self, position: int) -> range:
        """Return the cells under the window's taps at a position."""
        start = self.first + position * self.stride
        return range(start, start + self.dilation * (self.kernel - 1) + 1, self.dilation)

    def element(self, cell: int) -> int | None:
        """Return the element in a cell; None for padding, and for a zero that is put in."""
        inside = 0 <= cell < self.extent and cell % self.spread == 0
        return cell // self.spread if inside else None

    def kind(self, cell: int) -> str:
        """Return `input`, `zero` for one that is put in, or `padding`."""
        if not 0 <= cell < self.extent:
            return "padding"
        return "zero" if cell % self.spread else "input"

    def with_elements(self, n: int) -> AxisMotion | None:
        """Return the windows over so many fewer elements, or None if they would not end as they do now."""
        cells = (self.n - n) * self.spread
        if cells % self.stride or self.number <= cells // self.stride:
            return None
        return self._replace(n=n, number=self.number - cells // self.stride, high=self.high - cells)

    def views(self) -> set[tuple[tuple[str, int], ...]]:
        """Return what there is to see: for each position, what each tap is on, and on which side if it is padding."""
        return {
            tuple([(self.kind(cell), -1 if cell < 0 else int(cell >= self.extent)) for cell in self.taps(position)])
            for position in range(self.number)
        }


class Motion(NamedTuple):
    """A layer in motion: its windows along the axes, one or two. `smaller` is whether the input is a smaller one."""

    node: Node
    axes: tuple[AxisMotion, ...]
    smaller: bool

    @property
    def sizes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The sizes of the input and the output that are shown."""
        return tuple(axis.n for axis in self.axes), tuple(axis.number for axis in self.axes)

    @property
    def reduction(self) -> str:
        """What becomes of the elements under a window: `sum of products`, `largest` or `mean`."""
        layer = self.node.layer
        assert isinstance(layer, Windowed)
        return layer.reduction or "sum of products"

    @property
    def grid(self) -> tuple[AxisMotion, AxisMotion]:
        """The axes as rows and columns; the only axis is the columns of one row."""
        row = AxisMotion(1, 1, 1, 1, 1, 0, 1, 0, 1)
        return (self.axes[0], self.axes[1]) if len(self.axes) == 2 else (row, self.axes[0])


class WindowStep(NamedTuple):
    """One position: the values and weights under the window, padding left out, and their result."""

    terms: tuple[tuple[Fraction, Fraction | None], ...]
    divisor: int
    result: Fraction | None


def animated_layer(graph: Graph, names: Sequence[str]) -> Node:
    """Return the layer to show in motion: the one of that name, or the only one that can be.

    Raises `SpecError` E506 for an unknown name, E509 if there is none, or one of several has to be chosen.
    """
    if names:
        chosen = [node for node in graph.nodes if node.name in names]
        if len(chosen) == 1:
            return chosen[0]
        if chosen:
            _refuse("one layer is shown in motion at a time", f"choose one: `--layer {chosen[0].name}`")
        near = nearest(names[0], [node.name for node in graph.nodes])
        help = f"write `{near}`" if near else "`cnncalc SPEC` lists the layers by name"
        raise SpecError([Diagnostic("E506", f"the spec has no layer `{names[0]}`", label="not a name", help=help)])
    found = [node for node in graph.nodes if isinstance(node.layer, ANIMATED)]
    if len(found) > 1:
        _refuse(f"{len(found)} layers could be shown in motion", f"choose one: `--layer {found[0].name}`")
    if not found:
        _refuse("no layer has windows that could be shown in motion")
    return found[0]


def check_values(node: Node, kernel: Matrix | None, place: Span | None, flip: bool) -> None:
    """Raise `SpecError` unless a layer can be shown on values, and the kernel is as large as its window.

    The codes are E503 and E505.
    """
    layer = node.layer
    assert isinstance(layer, Windowed)
    pools = layer.reduction in ("largest", "mean")
    if pools and (kernel is not None or flip):
        _refuse_values(f"`{layer.kind}` has no kernel on values", "leave `--kernel` and `--flip` out")
    if not pools and kernel is None:
        _refuse_values(f"`{layer.kind}` needs a kernel on values", "add `--kernel`")
    if node.shape.channels != 1:
        _refuse_values("values go through one channel and one filter", "write `x1`")
    if kernel is not None and place is not None:
        check_kernel(node, kernel, place)


def motion(node: Node, whole: bool = False) -> Motion:
    """Return the motion of a layer, on a smaller input that looks alike if it is large; with `whole`, on its own.

    Raises `SpecError` E509 for a layer that has no windows to show, or too large ones.
    """
    layer = node.layer
    if not isinstance(layer, ANIMATED):
        _refuse(f"`{node.name}` has no windows that could be shown in motion: it is `{layer.kind}`")
    if node.shape.rank > 2:
        _refuse(f"`{node.name}` has {node.shape.rank} axes, and a picture two")
    positions = window_positions(node)
    axes = tuple(_transposed(each) if isinstance(layer, Deconv) else _axis(each) for each in positions)
    if not axes:
        _refuse(f"the sizes of `{node.name}` are unknown")
    if _fits(axes, MOST_CELLS):
        return Motion(node, axes, False)
    smaller = axes if whole else tuple(map(smallest_alike, axes))
    if not _fits(smaller, MOST_CELLS_OF_SMALLEST):
        cells = "x".join(str(len(axis.cells)) for axis in smaller)
        _refuse(f"`{node.name}` is too large to be watched: {prod(a.number for a in smaller):,} windows over {cells}")
    return Motion(node, smaller, smaller != axes)


def _fits(axes: Sequence[AxisMotion], most: int) -> bool:
    return prod(axis.number for axis in axes) <= MOST_POSITIONS and all(len(axis.cells) <= most for axis in axes)


def _axis(positions: WindowPositions) -> AxisMotion:
    window = positions.window
    ends = -window.begin, positions.n + window.end
    return AxisMotion(
        positions.n, positions.number, window.kernel, window.stride, window.dilation, -window.begin, 1, *ends
    )


def _transposed(positions: WindowPositions) -> AxisMotion:
    """Return a transposed convolution as one over its input with zeros put in.

    Output o reads element i where o = i·S − P + t·d for a tap t. Element i is in cell i·S, so the taps are on the cells
    o + P − t·d: the first is at P − d(F − 1), and they move on by 1.
    """
    window, n, number = positions.window, positions.number, positions.n
    reach = window.dilation * (window.kernel - 1)
    first = window.begin - reach
    high = max(first + number + reach, (n - 1) * window.stride + 1)
    return AxisMotion(n, number, window.kernel, 1, window.dilation, first, window.stride, min(first, 0), high)


def smallest_alike(axis: AxisMotion) -> AxisMotion:
    """Return the axis with the fewest elements on which the same is to be seen, and with as many left over."""
    step = axis.stride if axis.spread == 1 else 1
    # Far from both ends every window looks the same: nothing is lost by starting from an axis that has a middle.
    middle = 4 * (axis.dilation * axis.kernel + axis.stride + axis.spread) + abs(axis.first)
    start = axis.with_elements(axis.n - max(axis.n - middle, 0) // step * step) or axis
    wanted = start.views()
    for n in range(1, start.n):
        smaller = start.with_elements(n)
        enough = smaller is not None and smaller.number >= min(axis.number, LEAST_POSITIONS)
        if smaller is not None and enough and smaller.views() == wanted:
            return smaller
    return start


def steps(shown: Motion, image: Matrix, kernel: Matrix | None) -> Iterator[WindowStep]:
    """Yield what happens at each position, row by row. A transposed convolution's kernel lies half turned."""
    rows, columns = shown.grid
    if kernel is not None and isinstance(shown.node.layer, Deconv):
        kernel = half_turned(kernel)
    counted = padding_counts(shown.node)
    for i in range(rows.number):
        for j in range(columns.number):
            terms: list[tuple[Fraction, Fraction | None]] = []
            divisor = 0
            for a, row in enumerate(rows.taps(i)):
                for b, column in enumerate(columns.taps(j)):
                    at = rows.element(row), columns.element(column)
                    divisor += counted and rows.low <= row < rows.high and columns.low <= column < columns.high
                    if at[0] is not None and at[1] is not None:
                        terms.append((image[at[0]][at[1]], kernel[a][b] if kernel else None))
            yield _reduced(shown.reduction, tuple(terms), divisor if counted else len(terms))


def _reduced(reduction: str, terms: tuple[tuple[Fraction, Fraction | None], ...], divisor: int) -> WindowStep:
    if reduction == "largest":
        return WindowStep(terms, 1, max((value for value, _ in terms), default=None))
    total = sum((value * (1 if weight is None else weight) for value, weight in terms), Fraction(0))
    if reduction == "mean":
        return WindowStep(terms, divisor, total / divisor if divisor else None)
    return WindowStep(terms, 1, total)


def _refuse(fact: str, help: str = WHAT_CAN_BE_SHOWN) -> NoReturn:
    raise SpecError([Diagnostic("E509", fact, help=help)])


def _refuse_values(fact: str, help: str) -> NoReturn:
    raise SpecError([Diagnostic("E505", fact, help=help)])
