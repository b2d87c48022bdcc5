"""Keras's layers of several tensors: sums, products and joins; shapes of fewer axes are stretched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnncalc.layers.arguments import MAX_INTEGER
from cnncalc.readers.importer import make
from cnncalc.readers.keras.config import LayerConfig
from cnncalc.readers.keras.rules import LayerPart, class_names, elementwise, part, several, takes_several
from cnncalc.readers.tensors import CannotInferError
from cnncalc.shape import Shape

#: Classes → the merge of ours; one without a word of its own has the shape and cost of an `add`.
KINDS = {"Add": "add", "Multiply": "mul"}

#: The modes of Keras 1's `Merge`.
MODES = {"sum": "Add", "mul": "Multiply", "ave": "Average", "max": "Maximum", "concat": "Concatenate"}


@several("Add", "Multiply", "Subtract", "Average", "Maximum", "Minimum", "CustomScaleLayer")
def merge(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield an element by element merge. A tensor of fewer axes has axes of 1 put before its own."""
    yield from stretched(config, shapes, KINDS.get(config.class_name))


def stretched(config: LayerConfig, shapes: Sequence[Shape], kind: str | None) -> Iterator[LayerPart]:
    """Yield the reshapes that give all tensors the same number of axes, and a merge, or an operator of its shape."""
    if not all(shape.has_rank for shape in shapes):
        yield part(kind) if kind else elementwise(config, make("add").infer(_ranked(shapes)))
        return
    rank = max(shape.rank for shape in shapes)
    shapes = list(shapes)
    for at, shape in enumerate(shapes):
        if shape.rank < rank:
            shapes[at] = Shape((1,) * (rank - shape.rank) + shape.spatial, shape.channels)
            dims = whole(shapes[at])
            yield part("reshape", shape=dims)._replace(of_input=at, suffix="reshape")
    if len(shapes) == 1:
        yield part("identity")
    else:
        yield part(kind) if kind else elementwise(config, make("add").infer(tuple(shapes)))


def _ranked(shapes: Sequence[Shape]) -> tuple[Shape, ...]:
    rank = max([shape.rank for shape in shapes if shape.has_rank], default=1)
    return tuple(shape.with_rank(rank) for shape in shapes)


def whole(shape: Shape) -> tuple[int, ...]:
    """Return the sizes of a shape as numbers; raises `CannotInferError` if one of them is none."""
    if not all(isinstance(size, int) and 0 < size < MAX_INTEGER for size in shape.dims):
        raise CannotInferError
    return shape.dims


@several(*class_names("concat"))
def concatenate(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    yield from joined(config, shapes, config.get("axis", -1))


def joined(config: LayerConfig, shapes: list[Shape], axis: object) -> Iterator[LayerPart]:
    """Yield the join of tensors along an axis of the file."""
    if len(shapes) == 1:
        yield part("identity")
        return
    if not shapes[0].has_rank and axis == -1:
        yield part("concat")
        return
    if len({shape.rank for shape in shapes if shape.has_rank}) > 1:
        config.fail("axis", f"its inputs {' and '.join(map(str, shapes))} have different numbers of axes")
    shape = next((shape for shape in shapes if shape.has_rank), shapes[0])
    (place,) = config.axes(shape, axis)
    position = place - 1 if config.channels_first and shape.spatial else place
    yield part("concat") if position in (-1, shape.rank) else part("concat", axis=position + 1)


@several("Merge")
def merge_of_keras_1(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield the merge that a `Merge` of Keras 1 does by its mode."""
    mode = str(config.get("mode", "sum"))
    if mode == "concat":
        yield from joined(config, shapes, config.get("concat_axis", -1))
    elif mode in MODES:
        again = LayerConfig(config.name, MODES[mode], config.values, config.channels_first)
        yield from merge(again, shapes)
    else:
        raise CannotInferError


takes_several.add("HashedCrossing")
