"""How frameworks write the values of arguments: each notation converts our value to the framework's and back.

`read` raises `ValueError` or `TypeError` for a value that the notation does not cover. Values of a framework are
numbers, words, and tuples or lists of them; ours have an entry for each axis, or one entry for all axes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from cnncalc.shape import Padding


class Notation(NamedTuple):
    """A way of writing values, with a conversion in each direction."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


def one_or_each(values: Sequence[Any]) -> Any:
    """Return one number if all axes have the same, else a number for each."""
    return values[0] if len(set(values)) == 1 else tuple(values)


def whole(value: Any) -> int:
    """Return the value; raises `ValueError` if it is not an integer."""
    if type(value) is not int:
        raise ValueError(value)
    return value


def axes(value: Any) -> tuple[int, ...]:
    """Return one number for all axes or one for each as a tuple."""
    if isinstance(value, (tuple, list)) and value:
        return tuple([whole(each) for each in value])
    return (whole(value),)


def _some_axes(value: Any) -> tuple[int | None, ...]:
    """Return one number for all axes or one for each, or None in place of a number."""
    if isinstance(value, (tuple, list)) and value:
        return tuple([None if each is None else whole(each) for each in value])
    return (whole(value),)


def _real(value: Any) -> float:
    if type(value) not in (int, float):
        raise ValueError(value)
    number: float = value
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError(value)
    return value


def words(mapping: Mapping[Any, Any]) -> Notation:
    """Return the notation of an argument with few values, given as a mapping from ours to the framework's."""
    back = {theirs: ours for ours, theirs in mapping.items()}

    def read(value: Any) -> Any:
        if value not in back:
            raise ValueError(value)
        return back[value]

    return Notation(mapping.__getitem__, read)


def explicit(ends: Sequence[tuple[int, int]]) -> Padding:
    """Return padding by numbers; zeros at all ends become `valid`."""
    if min(min(pair) for pair in ends) < 0:
        raise ValueError(ends)
    return Padding("explicit", tuple(ends)) if any(map(any, ends)) else Padding("valid")


def _read_symmetric(value: Any) -> Padding:
    if value in ("same", "valid"):
        return Padding(value)
    return explicit([(end, end) for end in axes(value)])


def _write_symmetric(padding: Padding) -> Any:
    return one_or_each([begin for begin, _ in padding.ends]) if padding.mode == "explicit" else padding.mode


def without_idle_countpad(values: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of an average pool, without `countpad` if there is no padding."""
    if values.get("padding", Padding("valid")).mode == "valid":
        values["countpad"] = False
    return values


def pairs(values: Sequence[Any]) -> list[tuple[int, int]]:
    """Return the numbers in pairs."""
    numbers = axes(values)
    if len(numbers) % 2:
        raise ValueError(values)
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def last_axis_first(ends: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """Return begin and end of each axis, the last axis first, as `torch.nn.functional.pad` takes them."""
    return tuple(number for pair in reversed(ends) for number in pair)


def _read_last_axis_first(value: Any) -> Padding:
    if isinstance(value, int):
        return Padding("explicit", ((whole(value),) * 2,))
    return Padding("explicit", tuple(reversed(pairs(value))))


def axis_by_axis(ends: Sequence[tuple[int, int]]) -> Any:
    """Return begin and end of each axis as Keras pads and crops: one number if all of them are equal."""
    if all(begin == end for begin, end in ends):
        return one_or_each([begin for begin, _ in ends])
    return tuple(ends) if len(ends) > 1 else tuple(ends[0])


def _read_axis_by_axis(value: Any) -> Padding:
    if isinstance(value, int):
        value = (value,)
    ends = [axes(each) * 2 if isinstance(each, int) else axes(each) for each in value]
    if not ends or any(len(pair) != 2 for pair in ends):
        raise ValueError(value)
    return Padding("explicit", tuple((pair[0], pair[1]) for pair in ends))


def begins_then_ends(ends: Sequence[tuple[int, int]]) -> list[int]:
    """Return the begins of all axes, then their ends, as ONNX pads."""
    return [begin for begin, _ in ends] + [end for _, end in ends]


def _read_begins_then_ends(value: Any) -> Padding:
    numbers = axes(value)
    half = len(numbers) // 2
    return explicit(list(zip(numbers[:half], numbers[half:], strict=True)))


def _same(value: Any) -> Any:
    return value


#: The value as it is.
AS_IS = Notation(_same, _same)
WHOLE = Notation(_same, whole)
REAL = Notation(_same, _real)
#: A real number, written as one even where it is whole.
FLOAT = Notation(float, _real)
FLAG = Notation(_same, _flag)
#: Whether all of several products have a bias, or but the last: `"qkv"`.
BIASES = Notation(_same, words({True: True, False: False, "qkv": "qkv"}).read)
#: One number for all axes, or a number for each.
PER_AXIS = Notation(one_or_each, axes)
#: The same, with None for an axis that stays as it is.
SOME_AXES = Notation(one_or_each, _some_axes)
#: A number for each axis, or nothing.
IF_GIVEN = Notation(_same, lambda value: None if value is None else axes(value))
#: A number for each axis, or nothing where all are 0.
UNLESS_ZERO = Notation(
    lambda numbers: numbers if any(numbers) else None, lambda value: (0,) if value is None else axes(value)
)
#: A number for each axis, always.
EACH_AXIS = Notation(list, axes)
#: The first or second of two numbers that are one argument of ours.
FIRST = Notation(lambda pair: pair[0], axes)
SECOND = Notation(lambda pair: pair[1], axes)
#: The biases of a recurrent layer's gate where there are two or none.
TWO_BIASES = Notation(bool, lambda bias: 2 if bias else 0)
#: A shape, channels last, as a tuple with the channels first.
CHANNELS_FIRST = Notation(lambda dims: (dims[-1], *dims[:-1]), lambda value: (*axes(value)[1:], axes(value)[0]))
#: A shape as a tuple.
SIZES = Notation(tuple, axes)
#: Padding alike at both ends, a number for all axes or for each, or a rule: `1`, `(1, 0)`, `"same"`.
SYMMETRIC = Notation(_write_symmetric, _read_symmetric)
#: Padding by rule alone: `"same"`, `"valid"`.
BY_RULE = Notation(lambda padding: padding.mode, words({Padding("same"): "same", Padding("valid"): "valid"}).read)
#: The rules of a convolution, which on one axis may see what is behind it alone: `"causal"`.
RULE_OR_CAUSAL = Notation(BY_RULE.write, words({Padding(mode): mode for mode in ("same", "valid", "causal")}).read)
#: An axis that tensors are joined along, counted from the batch: with the channels last, or right behind the batch.
AXIS_CHANNELS_LAST = Notation(
    lambda axis: -1 if axis == "channels" else axis, lambda axis: "channels" if axis == -1 else whole(axis)
)
AXIS_CHANNELS_FIRST = Notation(
    lambda axis: 1 if axis == "channels" else axis + 1, lambda axis: "channels" if axis == 1 else whole(axis) - 1
)
#: `(left, right, top, bottom)`.
LAST_AXIS_FIRST = Notation(lambda padding: last_axis_first(padding.ends), _read_last_axis_first)
#: `((top, bottom), (left, right))`.
AXIS_BY_AXIS = Notation(lambda padding: axis_by_axis(padding.ends), _read_axis_by_axis)
#: `[top, left, bottom, right]`.
BEGINS_THEN_ENDS = Notation(lambda padding: begins_then_ends(padding.ends), _read_begins_then_ends)
#: Whether sizes are rounded up.
ROUNDS_UP = words({"floor": False, "ceil": True})
