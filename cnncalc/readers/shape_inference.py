"""Shape inference of operators that move elements, on dimensions in a framework's own order.

Each function takes the dimensions of the inputs and the operator's arguments, and returns those of the output. Inputs
and arguments that do not fit raise `ShapeMismatchError`. A size may be a formula of letters: then what depends on its
value is taken to fit, and what cannot be told in formulas raises `TypeError`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple, Union

from cnncalc.shape import Size, at_least, ceil_div, known_unequal

Dims = tuple[Size, ...]

#: The end of a slice in files that take all of an axis.
TO_THE_END = 2**31 - 1


class ShapeMismatchError(ValueError):
    """An operator's inputs and arguments contradict one another."""


def axis_of(axis: int, rank: int) -> int:
    """Return the axis counted from the front; a negative one counts from the end."""
    if not -rank <= axis < rank:
        raise ShapeMismatchError(f"axis {axis} is not one of {rank}")
    return axis % rank


def axes_of(axes: Sequence[int] | None, rank: int) -> tuple[int, ...]:
    """Return the axes counted from the front, in order; all of them if none are given."""
    if axes is None:
        return tuple(range(rank))
    return tuple(sorted({axis_of(axis, rank) for axis in axes}))


def broadcast(*shapes: Dims) -> Dims:
    """Return the broadcast shape: aligned at the last axis, an axis of 1 fits any other."""
    rank = max(map(len, shapes))
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    result = []
    for sizes in zip(*padded, strict=True):
        different = list(dict.fromkeys(size for size in sizes if size != 1))
        if any(known_unequal(different[0], size) for size in different[1:]):
            raise ShapeMismatchError(f"{' and '.join(map(text, shapes))} do not stretch to one shape")
        # Of sizes that may be equal, a number is the one that they have to be, or else the shortest formula is it.
        result.append(min(different, key=lambda size: getattr(size, "weight", 0), default=1))
    return tuple(result)


def transpose(dims: Dims, order: Sequence[int] | None) -> Dims:
    if order is None:
        return dims[::-1]
    if sorted(order) != list(range(len(dims))):
        raise ShapeMismatchError(f"{list(order)} is no order of the axes of {text(dims)}")
    return tuple(dims[axis] for axis in order)


def unsqueeze(dims: Dims, axes: Sequence[int]) -> Dims:
    rank = len(dims) + len(axes)
    new = {axis_of(axis, rank) for axis in axes}
    if len(new) != len(axes):
        raise ShapeMismatchError("an axis is given twice")
    rest = iter(dims)
    return tuple(1 if axis in new else next(rest) for axis in range(rank))


def squeeze(dims: Dims, axes: Sequence[int] | None) -> Dims:
    gone = {axis for axis, size in enumerate(dims) if size == 1} if axes is None else set(axes_of(axes, len(dims)))
    if any(dims[axis] != 1 for axis in gone):
        raise ShapeMismatchError(f"only axes of size 1 can go, not those of {text(dims)}")
    return tuple(size for axis, size in enumerate(dims) if axis not in gone)


def reshape(dims: Dims, target: Sequence[int], keep_zero: bool = False) -> Dims:
    """Return the target shape, in which 0 stands for the input's size on that axis, -1 for the remaining size."""
    sizes = list(target)
    for axis, size in enumerate(sizes):
        if size == 0 and not keep_zero:
            if axis >= len(dims):
                raise ShapeMismatchError(f"there is no axis {axis} in {text(dims)}")
            sizes[axis] = dims[axis]
    total = prod(dims)
    if sizes.count(-1) == 1:
        known = prod(size for size in sizes if size != -1)
        rest = quotient(total, known)
        if rest is None:
            raise ShapeMismatchError(f"{text(dims)} does not reshape to {text(tuple(target))}")
        sizes[sizes.index(-1)] = rest
    if known_unequal(prod(sizes), total) or any(isinstance(size, int) and size < 0 for size in sizes):
        raise ShapeMismatchError(f"{text(dims)} does not reshape to {text(tuple(target))}")
    return tuple(sizes)


def quotient(total: Size, divisor: Size) -> Size | None:
    """Return total / divisor, or None if it is no whole number; raises `TypeError` if formulas leave that open."""
    if isinstance(total, int) and isinstance(divisor, int):
        return total // divisor if divisor > 0 and total % divisor == 0 else None
    from cnncalc.symbols import exact_quotient  # few files have letters

    result = exact_quotient(total, divisor)
    if result is None:
        raise TypeError(f"{total} may not be a multiple of {divisor}")
    return result


def stated_reshape(dims: Dims, stated: Sequence[Size]) -> Dims:
    """Return the shape behind a reshape to the one that a file states for its output, in which -1 is an open size.

    Where the input has another size than the file takes it to have, the last axis that can takes up the difference.
    """
    total, target = prod(dims), tuple(stated)
    if -1 not in target and prod(target) == total:
        return target
    if target.count(-1) == 1:
        return reshape(dims, target, keep_zero=True)
    for axis in reversed(range(1, len(target))):
        rest = prod(size for at, size in enumerate(target) if at != axis)
        if -1 not in target and rest > 0 and total % rest == 0 and total // rest != dims[-1]:
            return (*target[:axis], total // rest, *target[axis + 1 :])
    raise ShapeMismatchError(f"{text(dims)} does not reshape to {text(target)}")


def flatten(dims: Dims, axis: int) -> Dims:
    axis = axis if axis >= 0 else axis + len(dims)
    return prod(dims[:axis]), prod(dims[axis:])


def concat(shapes: Sequence[Dims], axis: int) -> Dims:
    first = shapes[0]
    axis = axis_of(axis, len(first))
    if any(len(each) != len(first) for each in shapes) or any(
        known_unequal(size, other)
        for each in shapes[1:]
        for at, (size, other) in enumerate(zip(each, first, strict=True))
        if at != axis
    ):
        raise ShapeMismatchError(f"{' and '.join(map(text, shapes))} differ beside axis {axis}")
    return (*first[:axis], sum(each[axis] for each in shapes), *first[axis + 1 :])


def gather(dims: Dims, indices: Dims, axis: int) -> Dims:
    axis = axis_of(axis, len(dims))
    return (*dims[:axis], *indices, *dims[axis + 1 :])


class SymbolicRange(NamedTuple):
    """The indices that a slice takes along an axis of symbolic size: `start` to `stop`, which is not one of them."""

    start: Size
    stop: Size
    step: int = 1

    @property
    def size(self) -> Size:
        """The number of indices."""
        length = self.stop - self.start if self.step > 0 else self.start - self.stop
        return at_least(ceil_div(length, abs(self.step)), 0)


#: The indices that are taken along an axis.
Taken = Union[range, SymbolicRange]


def taken_size(taken: Taken) -> Size:
    """Return the number of indices that are taken."""
    return len(taken) if isinstance(taken, range) else taken.size


def all_of(size: Size) -> Taken:
    """Return all indices of an axis."""
    return range(size) if isinstance(size, int) else SymbolicRange(0, size)


def slice_of(size: Size, start: Size, end: Size, step: int) -> Taken:
    """Return the indices that a slice takes of an axis, negative ones counted from its end."""
    if all(isinstance(each, int) for each in (size, start, end)):
        return range(*slice(start, end, step).indices(size))

    def bound(index: Size, last: Size) -> Size:
        if isinstance(index, int) and index >= TO_THE_END:
            return last
        if isinstance(index, int) and index < -TO_THE_END:
            return last - size
        return size + index if isinstance(index, int) and index < 0 else index

    last = size if step > 0 else size - 1
    return SymbolicRange(bound(start, last), bound(end, last), step)


def slices(
    dims: Dims, starts: Sequence[Size], ends: Sequence[Size], axes: Sequence[int], steps: Sequence[int]
) -> list[Taken]:
    """Return the indices that a slice takes along each axis."""
    taken = [all_of(size) for size in dims]
    if not len(starts) == len(ends) == len(axes) == len(steps):
        raise ShapeMismatchError("starts, ends, axes and steps differ in number")
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        if step == 0:
            raise ShapeMismatchError("a step is 0")
        axis = axis_of(axis, len(dims))
        taken[axis] = slice_of(dims[axis], start, end, step)
    return taken


def split(size: Size, parts: Sequence[Size] | None, count: int) -> list[Size]:
    """Return the sizes of the parts of an axis: as given, or equal with a smaller last part if necessary."""
    if parts is None:
        each = ceil_div(size, count)
        if isinstance(size, int):
            parts = [min(each, size - each * number) for number in range(count)]
        else:
            parts = [*[each] * (count - 1), size - each * (count - 1)]
    negative = any(isinstance(part, int) and part < 0 for part in parts)
    if known_unequal(sum(parts), size) or negative or len(parts) != count:
        raise ShapeMismatchError(f"{size} does not split into {list(parts)[:8]}")
    return list(parts)


def reduce(dims: Dims, axes: Sequence[int], keep: bool) -> Dims:
    if keep:
        return tuple(1 if axis in axes else size for axis, size in enumerate(dims))
    return tuple(size for axis, size in enumerate(dims) if axis not in axes)


def matmul(a: Dims, b: Dims) -> Dims:
    """Return the shape of a matrix product.

    The matrices are the last two axes; the leading axes broadcast. A vector is a row on the left, or a column on the
    right.
    """
    if not a or not b:
        raise ShapeMismatchError("a matrix product needs axes")
    left, right = (1, *a) if len(a) == 1 else a, (*b, 1) if len(b) == 1 else b
    if known_unequal(left[-1], right[-2]):
        raise ShapeMismatchError(f"the matrices {text(a)} and {text(b)} do not fit: {left[-1]} and {right[-2]}")
    result = (*broadcast(left[:-2] or (1,), right[:-2] or (1,)), left[-2], right[-1])
    result = result if len(left) > 2 or len(right) > 2 else result[-2:]
    if len(a) == 1:
        result = (*result[:-2], result[-1])
    return result[:-1] if len(b) == 1 else result


def text(dims: Dims) -> str:
    return "x".join(map(str, dims[:12])) or "a scalar"
