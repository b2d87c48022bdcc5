"""Merges: layers that bring the arms of a branch together."""

from __future__ import annotations

from cnncalc.layers.base import Example, Layer
from cnncalc.shape import Shape, ShapeError, Size


class Merge(Layer):
    """What the merges share: any number of inputs whose sizes agree on every axis that is not merged."""

    def fitted(self, x: Shape) -> Layer:
        return self

    def _agree(self, inputs: tuple[Shape, ...]) -> None:
        if len({shape.rank for shape in inputs}) > 1:
            shapes = " and ".join(map(str, dict.fromkeys(inputs)))
            raise ShapeError("E206", "the arms of `{layer}` have different numbers of axes", shapes)


class Elementwise(Merge):
    """What add and mul share: element by element, an axis of size 1 stretched to the others'."""

    size_rule = "equal shapes; an axis of 1 stretches"

    def shape_of(self, inputs: tuple[Shape, ...]) -> Shape:
        self._agree(inputs)
        return Shape.of(self._stretched(sizes) for sizes in zip(*[shape.dims for shape in inputs], strict=True))

    def _stretched(self, sizes: tuple[Size, ...]) -> Size:
        different = dict.fromkeys(size for size in sizes if size != 1)
        if len(different) > 1:
            raise ShapeError("E206", "the arms of `{layer}` do not agree", " and ".join(map(str, different)))
        return next(iter(different), 1)


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
        self._agree(inputs)
        if len({shape.spatial for shape in inputs}) > 1:
            shapes = " and ".join(map(str, dict.fromkeys(inputs)))
            raise ShapeError("E206", "the arms of `{layer}` do not agree", shapes)
        return Shape(inputs[0].spatial, sum(shape.channels for shape in inputs))
