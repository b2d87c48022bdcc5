"""Protocol Buffers' wire format: the few rules that it takes to read a message by a schema of its fields.

    message = { tag value }            tag = varint of (field number << 3 | wire type)
    value   = varint (0) | 8 bytes (1) | length bytes (2) | 4 bytes (5)

Nothing is copied: bytes stay views of the file, which may be mapped into memory, so that weights are never read.
A field that the schema does not know, or of another wire type, is skipped, as the format asks for. A schema holds no
cycle, so nesting in the data cannot nest the calls here; a `Budget` bounds how many fields are read.

Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Mapping
from struct import unpack_from
from typing import Any, NamedTuple, Union

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5


class WireError(ValueError):
    """The bytes are no message: what is wrong, and where."""

    def __init__(self, fact: str, at: int) -> None:
        super().__init__(f"{fact} at byte {at:,}")


class TooMuchError(ValueError):
    """There is more in the message than the budget allows."""


class Field(NamedTuple):
    """A field's name, and its kind: `int`, `float`, `text`, `bytes`, or the schema of a message.

    Of a repeated field (`many`) there is a list. Repeated numbers may come packed: those parts are views.
    """

    name: str
    kind: Union[str, Schema]
    many: bool = False


Schema = Mapping[int, Field]
Message = dict[str, Any]


class Budget:
    """The number of fields that may still be read."""

    def __init__(self, fields: int) -> None:
        self.left = fields


def decode(data: memoryview, start: int, end: int, schema: Schema, budget: Budget) -> Message:
    """The message in the bytes `start` to `end`, by the names of its schema; a field that is absent has no key.

    Raises `WireError` where the bytes are none, and `TooMuchError` where the budget is spent.
    """
    message: Message = {}
    at = start
    while at < end:
        budget.left -= 1
        if budget.left < 0:
            raise TooMuchError
        tag, at = varint(data, at, end)
        wire, field = tag & 7, schema.get(tag >> 3)
        value: Any
        if wire == LENGTH:
            length, begin = varint(data, at, end)
            at = begin + length
            if at > end:
                raise WireError(f"a field of {length:,} bytes is cut off after {end - begin:,}", begin)
            if field is None:
                continue
            kind = field.kind
            if not isinstance(kind, str):
                value = decode(data, begin, at, kind, budget)
            elif kind == "text":
                value = str(data[begin:at], "utf-8", "replace")
            elif kind == "bytes" or field.many:
                value = data[begin:at]
            else:
                continue
        elif wire == VARINT:
            value, at = varint(data, at, end)
            if field is None or field.kind != "int":
                continue
            value = signed(value)
        elif wire in (FIXED32, FIXED64):
            begin, at = at, at + (4 if wire == FIXED32 else 8)
            if at > end:
                raise WireError("a number is cut off", begin)
            if field is None or field.kind != "float":
                continue
            value = unpack_from("<f" if wire == FIXED32 else "<d", data, begin)[0]
        else:
            raise WireError(f"there is no wire type {wire}", at)
        if field.many:
            message.setdefault(field.name, []).append(value)
        else:
            message[field.name] = value
    return message


def varint(data: memoryview, at: int, end: int) -> tuple[int, int]:
    """The number at a position, seven bits a byte with the lowest first, and the position behind it."""
    result = shift = 0
    while at < end:
        byte = data[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, at
        shift += 7
        if shift > 63:
            raise WireError("a number has more than 64 bits", at)
    raise WireError("a number is cut off", at)


def signed(value: int) -> int:
    """The 64 bits as a number in two's complement."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def integers(parts: list[Any], limit: int) -> list[int] | None:
    """The numbers of a repeated field, packed or not; None where there are more than `limit`."""
    numbers: list[int] = []
    for part in parts:
        if isinstance(part, int):
            numbers.append(part)
        else:
            at, end = 0, len(part)
            while at < end and len(numbers) <= limit:
                value, at = varint(part, at, end)
                numbers.append(signed(value))
    return numbers if len(numbers) <= limit else None


def floats(parts: list[Any], limit: int, code: str = "f") -> list[float] | None:
    """The numbers of a repeated field of floats (or of doubles, code `d`), as `integers`."""
    numbers: list[float] = []
    size = 4 if code == "f" else 8
    for part in parts:
        if isinstance(part, float):
            numbers.append(part)
        elif len(numbers) + len(part) // size > limit:
            return None
        else:
            numbers += unpack_from(f"<{len(part) // size}{code}", part)
    return numbers if len(numbers) <= limit else None
