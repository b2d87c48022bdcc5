"""Einsum: the shape of the result, and the multiply-adds of the products in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import prod

from cnncalc.readers.shape_inference import Dims, ShapeMismatchError, text
from cnncalc.shape import Size


def einsum(equation: str, shapes: Sequence[Dims]) -> tuple[Dims, Size]:
    """Return the dimensions of an einsum's result, and its multiply-adds.

    Operands are multiplied from the left to the right, two at a time, as PyTorch does. A letter of one of the two that
    nothing else reads is summed before. What is multiplied and not summed has no multiply-adds: it is a `mul`.
    Raises `ShapeMismatchError` if the equation does not fit the shapes.
    """
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(shapes):
        raise ShapeMismatchError(f"`{equation[:80]}` is for {len(terms)} operands, not for {len(shapes)}")
    labels = [_labels(term, dims) for term, dims in zip(terms, shapes, strict=True)]
    sizes: dict[str, Size] = {}
    for each, dims in zip(labels, shapes, strict=True):
        for label, size in zip(each, dims, strict=True):
            known = sizes.get(label, 1)
            if known != 1 and size not in (1, known):
                raise ShapeMismatchError(f"`{label}` is both {known} and {size}")
            sizes[label] = size if known == 1 else known
    # Axes under an ellipsis are counted from the last.
    more = sorted((label for label in sizes if label.startswith(".")), key=lambda label: -int(label[1:]))
    if arrow:
        result = [*right.partition("...")[0], *(more if "..." in right else ()), *right.partition("...")[2]]
    else:
        count = Counter(label for each in labels for label in each)
        result = [*more, *sorted(label for label in sizes if count[label] == 1 and label not in more)]
    if not set(result) <= set(sizes):
        raise ShapeMismatchError(f"`{equation[:80]}` has letters in its result that no operand has")
    return tuple(sizes[label] for label in result), _multiply_adds(labels, result, sizes)


def _labels(term: str, dims: Dims) -> list[str]:
    """Return the label of each axis of an operand: a letter, or for an axis under an ellipsis its place."""
    front, dots, back = term.partition("...")
    hidden = len(dims) - len(front) - len(back)
    if hidden < 0 or (hidden and not dots):
        raise ShapeMismatchError(f"`{term[:80]}` does not name the axes of {text(dims)}")
    return [*front, *(f".{place}" for place in reversed(range(hidden))), *back]


def _multiply_adds(labels: Sequence[Sequence[str]], result: Sequence[str], sizes: dict[str, Size]) -> Size:
    product, macs = set(labels[0]), 0
    for number, operand in enumerate(labels[1:], 2):
        later = {*result, *(label for each in labels[number:] for label in each)}
        shared = product & set(operand)
        if shared - later:
            macs += prod(
                sizes[label] for label in sizes if label in shared or label in (product | set(operand)) & later
            )
        product = (product | set(operand)) & later
    return macs
