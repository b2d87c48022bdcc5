"""Protocol Buffers' wire format: the rules needed to read a message by a schema of its fields.

    message = { tag value }            tag = varint of (field number << 3 | wire type)
    value   = varint (0) | 8 bytes (1) | length bytes (2) | 4 bytes (5)

A file is read in pieces and never mapped into memory, since a mapped file that shrinks ends the process. Long
values (weights) are skipped unread. A field that is not in the schema, or has another wire type, is skipped, as
the format requires. A schema has no cycles, which bounds the depth of calls here; a `ReadingLimit` bounds the number of
fields that are read, and of bytes that are kept.

Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Mapping
from struct import unpack_from
from typing import Any, BinaryIO, NamedTuple, Union

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5

#: So many bytes of a file are read at once; a message of no more is decoded from memory.
PIECE = 1 << 16

#: Bytes and packed numbers that are longer than this are not kept: their numbers are more than anyone asks for.
MAX_KEPT = 1 << 14

#: Stands for packed numbers that are not kept: more than any limit, whatever their type.
MANY_NUMBERS = bytes(MAX_KEPT + 8)

#: The most bytes of a text, which may name a tensor.
MAX_TEXT = 1 << 16

#: The most bytes of a tag, or of a length.
MAX_VARINT = 10


class WireError(ValueError):
    """The bytes are not a message; the text has the reason and the position."""

    def __init__(self, fact: str, at: int) -> None:
        super().__init__(f"{fact} at byte {at:,}")


class TooMuchError(ValueError):
    """The message has more than is read; the text names what."""


class WireField(NamedTuple):
    """A field's name, and its kind: `int`, `float`, `text`, `bytes`, or the schema of a message.

    A repeated field (`many`) is a list of at most `most` values. Repeated numbers may be packed, as bytes.
    """

    name: str
    kind: Union[str, Schema]
    many: bool = False
    most: int = 1 << 62


Schema = Mapping[int, WireField]
Message = dict[str, Any]


class ReadingLimit:
    """The number of fields that may still be read, and of bytes that may still be kept."""

    def __init__(self, fields: int, kept: int = 64 << 20) -> None:
        self.fields, self.kept = fields, kept
        self.left = fields

    def count(self, tag: int, at: int) -> None:
        """Count a field by its tag; raises `WireError` for the field number 0, which is invalid."""
        self.left -= 1
        if self.left < 0:
            raise TooMuchError(f"over {self.fields:,} fields beside its weights")
        if tag < 8:
            raise WireError("a field has no number", at)

    def keep(self, field: WireField, data: memoryview, begin: int, end: int) -> bytes:
        """Return the bytes of a field if they are few, and otherwise a placeholder for data that is too long."""
        if end - begin > min(MAX_KEPT, self.kept):
            return MANY_NUMBERS if field.many else b""
        self.kept -= end - begin
        return bytes(data[begin:end])

    def text(self, data: memoryview, begin: int, end: int) -> str:
        """Return a text; raises `TooMuchError` if it is too long, or all texts together are."""
        self.kept -= end - begin
        if end - begin > MAX_TEXT or self.kept < 0:
            raise TooMuchError("names that are too long")
        return str(data[begin:end], "utf-8", "replace")


def read_file(file: BinaryIO, schema: Schema, budget: ReadingLimit) -> Message:
    """Return the message in a file, by the names of its schema; an absent field has no key.

    Raises `WireError` if the file is not a message, and `TooMuchError` if the budget is spent.
    """
    end = file.seek(0, 2)
    return _FileDecoder(file, budget).message(0, end, schema)


class _FileDecoder:
    """Decodes the messages of a file, of which one piece at a time is in memory."""

    def __init__(self, file: BinaryIO, budget: ReadingLimit) -> None:
        self.file, self.budget = file, budget
        #: The piece, and where it stands in the file.
        self.piece, self.base = memoryview(b""), 0

    def load(self, begin: int, end: int) -> None:
        """Load the bytes `begin` to `end` and what follows them; raises `WireError` if the file is shorter."""
        if begin < self.base or end > self.base + len(self.piece):
            self.file.seek(begin)
            self.piece, self.base = memoryview(self.file.read(max(PIECE, end - begin))), begin
            if len(self.piece) < end - begin:
                raise WireError("the file ends", begin + len(self.piece))

    def message(self, start: int, end: int, schema: Schema) -> Message:
        """Return the message in the bytes `start` to `end`."""
        if end - start <= PIECE:
            self.load(start, end)
            return decode(self.piece, start - self.base, end - self.base, schema, self.budget, self.base)
        message: Message = {}
        at = start
        while at < end:
            self.load(at, min(at + 2 * MAX_VARINT, end))
            base, head = self.base, self.piece
            # What stands here is a whole field of few bytes, or else the tag and the length of one.
            tag, behind = varint(head, at - base, end - base, base)
            if tag & 7 != LENGTH:
                stop = _skip(head, behind, end - base, tag, base)
                decode(head, at - base, stop, schema, self.budget, base, message)
                at = base + stop
                continue
            length, behind = varint(head, behind, end - base, base)
            begin = base + behind
            if begin + length > end:
                raise WireError(f"a field of {length:,} bytes is cut off after {end - begin:,}", begin)
            field = schema.get(tag >> 3)
            if length <= PIECE and field is not None:
                self.load(at, begin + length)
                base = self.base
                decode(self.piece, at - base, begin + length - base, schema, self.budget, base, message)
            else:
                self.budget.count(tag, begin)
                if field is not None and not isinstance(field.kind, str):
                    put(message, field, self.message(begin, begin + length, field.kind))
                elif field is not None and field.kind == "text":
                    raise TooMuchError("names that are too long")
                elif field is not None and (field.many or field.kind == "bytes"):
                    put(message, field, MANY_NUMBERS if field.many else b"")
            at = begin + length
        return message


def _skip(data: memoryview, at: int, end: int, tag: int, base: int) -> int:
    """Return the position after a numeric field whose value begins at `at`."""
    wire = tag & 7
    if wire == VARINT:
        return varint(data, at, end, base)[1]
    if wire not in (FIXED32, FIXED64):
        raise WireError(f"there is no wire type {wire}", base + at)
    at += 4 if wire == FIXED32 else 8
    if at > end:
        raise WireError("a number is cut off", base + at)
    return at


def put(message: Message, field: WireField, value: Any) -> None:
    """Set or append the value of a field in a message."""
    if field.many:
        values = message.setdefault(field.name, [])
        if len(values) >= field.most:
            raise TooMuchError(f"over {field.most:,} of `{field.name}`")
        values.append(value)
    else:
        message[field.name] = value


def decode(
    data: memoryview,
    start: int,
    end: int,
    schema: Schema,
    budget: ReadingLimit,
    base: int = 0,
    message: Message | None = None,
) -> Message:
    """Return the message in the bytes `start` to `end` of data that begins at `base` in its file.

    A given `message` is extended. Raises `WireError` if the bytes are not a message, and `TooMuchError` if the budget
    is spent.
    """
    message = {} if message is None else message
    at = start
    while at < end:
        tag, at = varint(data, at, end, base)
        budget.count(tag, base + at)
        wire, field = tag & 7, schema.get(tag >> 3)
        value: Any
        if wire == LENGTH:
            length, begin = varint(data, at, end, base)
            at = begin + length
            if at > end:
                raise WireError(f"a field of {length:,} bytes is cut off after {end - begin:,}", base + begin)
            if field is None:
                continue
            kind = field.kind
            if not isinstance(kind, str):
                value = decode(data, begin, at, kind, budget, base)
            elif kind == "text":
                value = budget.text(data, begin, at)
            elif kind == "bytes" or field.many:
                value = budget.keep(field, data, begin, at)
            else:
                continue
        elif wire == VARINT:
            value, at = varint(data, at, end, base)
            if field is None or field.kind != "int":
                continue
            value = signed(value)
        else:
            begin, at = at, _skip(data, at, end, tag, base)
            if field is None or field.kind != "float":
                continue
            value = unpack_from("<f" if wire == FIXED32 else "<d", data, begin)[0]
        put(message, field, value)
    return message


def varint(data: memoryview | bytes, at: int, end: int, base: int = 0) -> tuple[int, int]:
    """Return the number at a position, seven bits per byte with the lowest first, and the position after it."""
    result = shift = 0
    while at < end:
        byte = data[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, at
        shift += 7
        if shift > 63:
            raise WireError("a number has more than 64 bits", base + at)
    raise WireError("a number is cut off", base + at)


def signed(value: int) -> int:
    """Return the 64 bits as a two's complement number."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def integers(parts: list[Any], limit: int) -> list[int] | None:
    """Return the numbers of a repeated field, packed or not; None if there are more than `limit`."""
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
    """Return the numbers of a repeated field of floats (or of doubles, code `d`), as `integers`."""
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
