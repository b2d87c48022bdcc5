"""Merges: layers that combine the arms of a branch."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce

from cnncalc.layers.base import AnyLayer, Example, Layer
from cnncalc.shape import AXES, Detail, Requirement, Shape, Size, at_least, equal, require


class Merge(Layer):
    """The base of the merges: any number of inputs, whose sizes agree on every axis that is not merged."""

    takes = "(arm; arm)"
    field_rule = "the hull of its arms' fields"
    #: Whether the channels have to agree as well, and an axis of size 1 is stretched to the others'.
    elementwise = False

    def resolve(self: AnyLayer, x: Shape) -> AnyLayer:
        # Nothing in a merge is per axis, and its inputs are checked against one another.
        return self

    def requirements_of(self, inputs: tuple[Shape, ...]) -> Iterator[Requirement]:
        rank = inputs[0].rank

        def detail() -> Detail:
            return Detail(f"their numbers of axes differ: {' and '.join(map(str, dict.fromkeys(inputs)))}")

        yield require(all(shape.rank == rank for shape in inputs), "E206", DISAGREE, detail)
        merged = [shape.dims if self.elementwise else shape.spatial for shape in inputs]
        for name, sizes in zip((*AXES[rank], "channels"), zip(*merged, strict=True), strict=False):
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


class Concat(Merge):
    """Channels of all arms one behind the other."""

    words = {"concat": ()}
    keeps = "nothing"
    size_rule = "channels added up; other axes equal"
    examples = (Example("input 8x8x4 | concat(conv 1x1 x2 ; )", "8x8x6", params=10, macs=512),)

    def shape_of(self, inputs: tuple[Shape, ...]) -> Shape:
        spatial = [_one_size(sizes, stretch=False) for sizes in zip(*[s.spatial for s in inputs], strict=True)]
        return Shape(tuple(spatial), sum(shape.channels for shape in inputs))
