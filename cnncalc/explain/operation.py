"""A layer applied to values: every number of its first window, and the whole feature map, exactly."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import lcm, prod
from typing import NamedTuple, NoReturn

from cnncalc.diagnostics import Diagnostic, Span, SpecError
from cnncalc.explain.matrix import MOST_NUMBERS, Matrix, half_turned
from cnncalc.explain.positions import WindowPositions, window_positions
from cnncalc.graph import Graph, Node
from cnncalc.layers.pool import AvgPool
from cnncalc.layers.windowed import Windowed
from cnncalc.shape import Window

#: The most products that are computed.
MOST_PRODUCTS = 1_000_000


class Term(NamedTuple):
    """A value under the window, and the weight that it is multiplied by (a pool has none)."""

    value: Fraction
    weight: Fraction | None


class Operation(NamedTuple):
    """A layer applied to values. In `output`, None stands for the largest of no elements.

    `terms` are those under the first window, without padding; `divisor` is the divisor of their mean. `kernel` is the
    one applied, so rotated if `flip`.
    """

    node: Node
    image: Matrix
    kernel: Matrix | None
    flip: bool
    terms: tuple[Term, ...]
    divisor: int
    output: tuple[tuple[Fraction | None, ...], ...]

    @property
    def reduction(self) -> str:
        """How a window's terms are reduced to one number: `sum of products`, `largest`, `mean`."""
        layer = self.node.layer
        assert isinstance(layer, Windowed)
        return layer.reduction or ""

    @property
    def padding_counts(self) -> bool:
        """Whether padding counts in a mean."""
        return padding_counts(self.node)

    @property
    def first(self) -> Fraction | None:
        """The output of the first window."""
        return self.output[0][0]


def shown_layer(graph: Graph, span: Span) -> Node:
    """Return the layer of a spec that is to be applied to values.

    Raises `SpecError` E505 if the spec has more than one such layer, E504 if the computation would take too long.
    """
    message = "values go through one convolution or pool with one channel and one filter"
    nodes = [node for node in graph.nodes if node.inputs]
    if len(nodes) != 1:
        _refuse("E505", message, span, f"it has {len(nodes)} layers", "write that one layer alone: `conv 3x3 x1`")
    node = nodes[0]
    layer = node.layer
    if not isinstance(layer, Windowed) or layer.reduction is None:
        _refuse("E505", message, span, f"`{layer.kind}` is not shown on values", "write `conv`, `pool` or `avgpool`")
    if node.shape.channels != 1:
        _refuse("E505", message, span, f"{node.shape.channels} channels would come out", "write `x1`")
    if node.shape.rank > 2:
        _refuse("E505", message, span, f"it has {node.shape.rank} axes, a matrix two", "write `conv` or `pool`")
    products = node.shape.elements * prod(layer.kernel)
    if node.shape.elements > MOST_NUMBERS or products > MOST_PRODUCTS:
        label = f"the feature map would be {node.shape}, of {products:,} products"
        _refuse("E504", "this is too much to show on values", span, label, "use a smaller image, or less padding")
    return node


def padding_counts(node: Node) -> bool:
    """Return whether the layer is an average pool that counts padding in the mean."""
    return isinstance(node.layer, AvgPool) and node.layer.countpad


def weighed(node: Node) -> bool:
    """Return whether the layer has a kernel of weights."""
    return isinstance(node.layer, Windowed) and node.layer.reduction == "sum of products"


def check_kernel(node: Node, kernel: Matrix, span: Span) -> None:
    """Raise `SpecError` E503 if the kernel does not have the layer's kernel size."""
    layer = node.layer
    assert isinstance(layer, Windowed)
    wanted = layer.kernel if node.shape.rank == 2 else (1, *layer.kernel)
    given = (len(kernel), len(kernel[0]))
    if given != wanted:
        message = f"the kernel is {_size(given)}, the layer's is {_size(wanted)}"
        numbers = f"give {wanted[0]} row{'s' * (wanted[0] > 1)} of {wanted[1]}, or write `{_size(given)}` in the layer"
        _refuse("E503", message, span, f"is {_size(given)}", numbers)


def operate(node: Node, image: Matrix, kernel: Matrix | None, flip: bool = False) -> Operation:
    """Return the layer's output for an image, by the definition: window by window, tap by tap.

    A convolution applies `kernel`, rotated by 180 degrees if `flip`; its bias is left out. Its padding is zeros; a
    pool reads only elements of the image, except for a mean that counts padding. What the last window covers beyond
    the padding, if sizes are rounded up, never counts.
    """
    if kernel is not None and flip:
        kernel = half_turned(kernel)
    layer = node.layer
    assert isinstance(layer, Windowed)
    rows, columns = _axes(node)
    # Whole numbers over one denominator: a sum of fractions would look for it at every step.
    unit, numbers = _whole(image)
    weight_unit, weights = _whole(kernel or ((Fraction(1),),))
    if kernel is None:
        weights = ((1,) * columns.window.kernel,) * rows.window.kernel

    countpad = padding_counts(node)

    def under(i: int, j: int) -> Iterator[tuple[int, int]]:
        for row, weight_row in zip(rows.taps(i), weights, strict=True):
            for column, weight in zip(columns.taps(j), weight_row, strict=True):
                if 0 <= row < rows.n and 0 <= column < columns.n:
                    yield numbers[row][column], weight

    def counted(i: int, j: int) -> int:
        return rows.counted(i, countpad) * columns.counted(j, countpad)

    def gathered(i: int, j: int) -> Fraction | None:
        if layer.reduction == "largest":
            largest = max((value for value, _ in under(i, j)), default=None)
            return None if largest is None else Fraction(largest, unit)
        total = Fraction(sum(value * weight for value, weight in under(i, j)), unit * weight_unit)
        return total / counted(i, j) if layer.reduction == "mean" else total

    first = [Term(Fraction(a, unit), Fraction(b, weight_unit) if kernel else None) for a, b in under(0, 0)]
    output = tuple(tuple(gathered(i, j) for j in range(columns.number)) for i in range(rows.number))
    return Operation(node, image, kernel, flip, tuple(first), counted(0, 0), output)


def _axes(node: Node) -> tuple[WindowPositions, WindowPositions]:
    """Return the windows' positions on a matrix; one spatial axis is the only row of its matrix."""
    positions = window_positions(node)
    return (positions[0], positions[1]) if len(positions) == 2 else (WindowPositions("", 1, Window(1), 1), positions[0])


def _whole(matrix: Matrix) -> tuple[int, tuple[tuple[int, ...], ...]]:
    """Return a common denominator of all numbers, and their numerators over it."""
    unit = lcm(*(number.denominator for row in matrix for number in row))
    return unit, tuple(tuple(int(number * unit) for number in row) for row in matrix)


def _size(size: tuple[int, ...]) -> str:
    return "x".join(map(str, size))


def _refuse(code: str, message: str, span: Span, label: str, help: str | None = None) -> NoReturn:
    raise SpecError([Diagnostic(code, message, span, label, help=help)])
