"""Merges: layers that combine the arms of a branch."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce

from cnncalc.layers.arguments import Argument, count
from cnncalc.layers.base import AnyLayer, Example, Layer
from cnncalc.layers.pieces import WORD, ArgumentError, Pieces
from cnncalc.shape import AXES, Detail, Requirement, Shape, ShapeError, Size, at_least, equal, require


class Merge(Layer):
    """The base of the merges: any number of inputs, whose sizes agree on every axis that is not merged."""

    takes = "(arm; arm)"
    field_rule = "the hull of its arms' fields"
    #: Whether an axis of size 1 is stretched to the others'.
    elementwise = False

    def joined(self, rank: int) -> int | None:
        """Return the position of the axis along which the arms may differ, of `rank` spatial axes and the channels."""
        return None

    def at_all_steps(self) -> Merge:
        return self

    def resolve(self: AnyLayer, x: Shape) -> AnyLayer:
        # Nothing in a merge is per axis, and its inputs are checked against one another.
        return self

    def requirements_of(self, inputs: tuple[Shape, ...]) -> Iterator[Requirement]:
        rank = inputs[0].rank

        def detail() -> Detail:
            return Detail(f"their numbers of axes differ: {' and '.join(map(str, dict.fromkeys(inputs)))}")

        yield require(all(shape.rank == rank for shape in inputs), "E206", DISAGREE, detail)
        joined = self.joined(rank)
        axes = zip((*AXES[rank], "channels"), zip(*[shape.dims for shape in inputs], strict=True), strict=True)
        for position, (name, sizes) in enumerate(axes):
            if position != joined:
                yield from _require_one_size(sizes, name, self.elementwise)


#: The headline of E206.
DISAGREE = "the arms of `{layer}` do not agree"


def _require_one_size(sizes: tuple[Size, ...], axis: str, stretch: bool) -> Iterator[Requirement]:
    """Require that all arms have the same size along an axis; with `stretch`, a size of 1 fits any other."""

    def detail() -> Detail:
        different = dict.fromkeys(size for size in sizes if not (stretch and size == 1))
        return Detail(f"their {axis.rstrip('s')}s differ: {' and '.join(map(str, different))}")

    first, *others = _not_one(sizes) if stretch else sizes
    for size in others:
        yield require(equal(size, first, or_one=stretch), "E206", DISAGREE, detail)


def _one_size(sizes: tuple[Size, ...], stretch: bool) -> Size:
    """Return the common size of arms along an axis; with `stretch`, a size of 1 fits any other."""
    # Formulas that differ are the same number, or one of them is 1. Where one size is known, it is all of them.
    known = [size for size in sizes if isinstance(size, int)]
    if not stretch:
        return known[0] if known else sizes[0]
    return reduce(_larger, [size for size in known if size > 1] or _not_one(sizes))


def _larger(left: Size, right: Size) -> Size:
    return left if equal(left, right) is True else at_least(left, right)


def _not_one(sizes: tuple[Size, ...]) -> tuple[Size, ...]:
    """Return the sizes that are not statically 1, or one of the sizes if all of them are."""
    return tuple([size for size in sizes if equal(size, 1) is not True]) or sizes[:1]


class Elementwise(Merge):
    """The base of add and mul: element by element, an axis of size 1 stretched to the others'."""

    elementwise = True
    size_rule = "equal shapes; an axis of 1 stretches"

    def shape_of(self, inputs: tuple[Shape, ...]) -> Shape:
        return Shape.of([_one_size(sizes, stretch=True) for sizes in zip(*[s.dims for s in inputs], strict=True)])


class Add(Elementwise):
    """The sum of the arms, element by element."""

    words = {"add": ()}
    memory = "in place"
    keeps = "nothing"
    examples = (Example("input 8x8x4 | add(conv 3x3 same x4 | relu ; )", "8x8x4", params=148, macs=9216),)


class Mul(Elementwise):
    """The product of the arms, element by element: a gate such as squeeze-and-excite."""

    words = {"mul": ()}
    keeps = "factors"
    examples = (Example("input 8x8x4 | mul( ; gap)", "8x8x4"),)

    def kept_elements(self, inputs: tuple[Shape, ...], y: Shape) -> Size:
        # Of more than two arms, the product of those before it is a factor of each product but the first.
        return max(len(inputs) - 2, 0) * y.elements


class AxisArgument(Argument[int | str]):
    """An axis: its name, or the number of a spatial axis, counted from 1."""

    NAMES = ("channels", *dict.fromkeys(name for rank in (1, 2, 3) for name in AXES[rank]))

    def read(self, pieces: Pieces) -> int | str:
        piece = pieces.next
        if piece is None or piece.kind != WORD:
            number: int = self._number(pieces, low=1)
            return number
        if piece.value not in self.NAMES:
            label = f"one of {', '.join(self.NAMES)}, or a number"
            raise ArgumentError("E105", f"`{self.name}` is a name or a number", label, piece, self._hint())
        name: str = pieces.take().value
        return name

    def write(self, value: int | str) -> str:
        return f"{self.name}={value}"

    def forms(self) -> list[str]:
        return [f"{self.name}=1", f"{self.name}=height"]


class Concat(Merge):
    """The arms one behind the other, along the channels or, with `axis`, along a spatial axis."""

    words = {"concat": ()}
    keeps = "nothing"
    axis = AxisArgument(default="channels", help="the axis that they are joined along: `1` the first spatial one")
    size_rule = "channels added up; other axes equal"
    size_notes = ("`axis=1`, `axis=height`: that axis added up; the channels and other axes equal",)
    field_rule = "the hull of its arms' fields; along a joined axis each output sees what its arm's does"
    examples = (
        Example("input 8x8x4 | concat(conv 1x1 x2 ; )", "8x8x6", params=10, macs=512),
        # 8 and 8/2 rows; 4·4·(1·1·4·4 + 4).
        Example("input 8x4x4 | concat axis=height ( ; pool 2x1 | conv 1x1 x4)", "12x4x4", params=20, macs=256),
        Example("input 8x4 | concat axis=1 (conv 1 x4 nobias ; ; )", "24x4", params=16, macs=128),
    )

    def resolve(self, x: Shape) -> Concat:
        """Return the layer with a spatial axis by its number; raises `ShapeError` if the input has no such axis."""
        names, axis = AXES[x.rank], self.axis
        if axis in names:
            return self.with_values({"axis": names.index(str(axis)) + 1})
        if axis == "channels" or (isinstance(axis, int) and axis <= x.rank):
            return self
        which = f"an axis {axis}" if isinstance(axis, int) else f"a {axis}"
        numbered = ", ".join(f"{number} {name}" for number, name in enumerate(names, 1))
        raise ShapeError(
            "E204",
            f"`{{layer}}` joins along {which}, which its arms do not have",
            f"{x} has {count(x.rank, 'spatial axis', 'spatial axes')}{f': {numbered}' if names else ''}",
            help=f"write `axis={x.rank}`" if names else "drop `axis`: a vector is joined along its elements",
        )

    def at_all_steps(self) -> Concat:
        return self if isinstance(self.axis, str) else self.with_values({"axis": self.axis + 1})

    def joined(self, rank: int) -> int:
        return rank if isinstance(self.axis, str) else self.axis - 1

    def shape_of(self, inputs: tuple[Shape, ...]) -> Shape:
        joined = self.joined(inputs[0].rank)
        axes = enumerate(zip(*[shape.dims for shape in inputs], strict=True))
        return Shape.of(
            [sum(sizes) if position == joined else _one_size(sizes, stretch=False) for position, sizes in axes]
        )
