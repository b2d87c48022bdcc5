"""Merges: layers that bring the arms of a branch together."""

from __future__ import annotations

from functools import reduce

from cnncalc.layers.base import Example, Layer
from cnncalc.shape import AXES, Shape, ShapeError, Size, at_least, known_unequal, statically_known


class Merge(Layer):
    """What the merges share: any number of inputs, whose sizes agree on every axis that is not merged."""

    takes = "(arm; arm)"
    field_rule = "the hull of its arms' fields"

    def resolve(self, x: Shape) -> Layer:
        # Nothing in a merge is per axis, and its inputs are checked against one another.
        return self

    def _check_ranks(self, inputs: tuple[Shape, ...]) -> None:
        if len({shape.rank for shape in inputs}) > 1:
            shapes = " and ".join(map(str, dict.fromkeys(inputs)))
            raise ShapeError("E206", DISAGREE, f"their numbers of axes differ: {shapes}")


#: The headline of E206.
DISAGREE = "the arms of `{layer}` do not agree"


def one_size(sizes: tuple[Size, ...], axis: str, stretch: bool) -> Size:
    """The size that all arms have along an axis; with `stretch`, a size of 1 fits any.

    Raises `ShapeError` E206 where they differ.
    """
    different = list(dict.fromkeys(size for size in sizes if not (stretch and size == 1)))
    if any(statically_known(known_unequal(size, different[0], stretch)) for size in different[1:]):
        raise ShapeError("E206", DISAGREE, f"their {axis.rstrip('s')}s differ: {' and '.join(map(str, different))}")
    # Formulas that differ are the same number then, or one of them is 1. Where one size is known, it is all of them.
    known = [size for size in different if isinstance(size, int)] or different or [1]
    return reduce(at_least, known) if stretch else known[0]


class Elementwise(Merge):
    """What add and mul share: element by element, an axis of size 1 stretched to the others'."""

    size_rule = "equal shapes; an axis of 1 stretches"

    def shape_of(self, inputs: tuple[Shape, ...]) -> Shape:
        self._check_ranks(inputs)
        names = (*AXES[inputs[0].rank], "channels")
        sizes = zip(*[shape.dims for shape in inputs], strict=True)
        return Shape.of([one_size(each, name, stretch=True) for each, name in zip(sizes, names, strict=True)])


class Add(Elementwise):
    """The sum of the arms, element by element."""

    words = {"add": ()}
    memory = "in place"
    examples = (Example("input 8x8x4 | add(conv 3x3 same x4 | relu ; )", "8x8x4", params=148, macs=9216),)


class Mul(Elementwise):
    """The product of the arms, element by element: a gate such as squeeze-and-excite."""

    words = {"mul": ()}
    examples = (Example("input 8x8x4 | mul( ; gap)", "8x8x4"),)


class Concat(Merge):
    """Channels of all arms one behind the other."""

    words = {"concat": ()}
    size_rule = "channels added up; other axes equal"
    examples = (Example("input 8x8x4 | concat(conv 1x1 x2 ; )", "8x8x6", params=10, macs=512),)

    def shape_of(self, inputs: tuple[Shape, ...]) -> Shape:
        self._check_ranks(inputs)
        sizes = zip(*[shape.spatial for shape in inputs], strict=True)
        names = AXES[inputs[0].rank]
        spatial = [one_size(each, name, stretch=False) for each, name in zip(sizes, names, strict=True)]
        return Shape(tuple(spatial), sum(shape.channels for shape in inputs))
