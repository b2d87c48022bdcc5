"""The attribute of an HDF5 file's root group that holds a model's configuration.

The few structures needed are read here directly, without the HDF5 library, which does not check a file enough to
be safe: a damaged file can make it run forever. It also takes longer to import than the rest of a run.

    superblock ─▶ object header of the root group ─▶ attribute messages ─▶ fixed text, or an entry of a global heap

Every address and length in the file is checked before it is used, and the number of structures is bounded.

    https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

SIGNATURE = b"\x89HDF\r\n\x1a\n"

#: Types of messages in an object header.
ATTRIBUTE, CONTINUATION, ATTRIBUTE_INFO = 0x0C, 0x10, 0x15

#: Classes of datatypes.
FIXED_STRING, VARIABLE_LENGTH = 3, 9

#: The most blocks of an object header and bytes of one, and the most entries of a heap that are passed over.
MAX_BLOCKS, MAX_BLOCK, MAX_ENTRIES = 100, 1 << 20, 10_000


class Hdf5Error(ValueError):
    """The file is not an HDF5 file, is damaged, or has a form that is not supported."""


class TooLongError(ValueError):
    """The text is longer than the caller allows."""


class Message(NamedTuple):
    """A message of an object header: its type, its flags and its bytes."""

    type: int
    flags: int
    data: bytes


def read_text_attribute(file: BinaryIO, name: str, limit: int) -> bytes | None:
    """Return the text of an attribute of the root group; None if it has no such attribute.

    Raises `Hdf5Error` if the file is damaged or has another form, and `TooLongError` for over `limit` bytes.
    """
    return _Hdf5File(file, limit).attribute(name.encode())


class _Hdf5File:
    def __init__(self, file: BinaryIO, limit: int) -> None:
        self.file, self.limit = file, limit
        self.end = file.seek(0, 2)
        self.base = 0
        head = self.read(0, min(self.end, 128))
        if not head.startswith(SIGNATURE) or len(head) < 64:
            raise Hdf5Error("it has no superblock")
        version = head[8]
        if version > 3:
            raise Hdf5Error(f"its superblock is of version {version}")
        at = 13 if version < 2 else 9
        #: The bytes of an address and of a length.
        self.offset, self.length = head[at], head[at + 1]
        if self.offset not in (4, 8) or self.length not in (4, 8):
            raise Hdf5Error(f"its addresses have {self.offset} bytes, its lengths {self.length}")
        at = (24, 28, 12, 12)[version]
        addresses = [_number(head, at + number * self.offset, self.offset) for number in range(6)]
        # Behind the base stand the addresses of free space or of an extension, and of the file's end.
        self.base, stated = addresses[0], addresses[2]
        if self.base + stated > self.end:
            raise Hdf5Error(f"it has {self.end:,} bytes, and states {self.base + stated:,}")
        #: The address of the root group's object header.
        self.root = addresses[5] if version < 2 else addresses[3]

    def read(self, address: int, count: int) -> bytes:
        """Return the bytes at an address."""
        start = self.base + address
        if start + count > self.end:
            raise Hdf5Error(f"byte {start:,} and {count:,} more lie outside of its {self.end:,}")
        self.file.seek(start)
        data = self.file.read(count)
        if len(data) < count:
            raise Hdf5Error(f"it ends at byte {start + len(data):,}")
        return data

    # -- object headers ------------------------------------------------------------------------------------

    def messages(self, address: int) -> Iterator[Message]:
        """Yield the messages of an object header, including those of its continuations."""
        prefix = self.read(address, min(64, max(self.end - self.base - address, 0)))
        if prefix.startswith(b"OHDR"):
            blocks, head = [self._newer_block(address, prefix)], _newer_head(prefix)
        elif prefix[:1] == b"\x01" and len(prefix) >= 16:
            blocks, head = [(address + 16, _number(prefix, 8, 4))], 8
        else:
            raise Hdf5Error(f"there is no object header at byte {self.base + address:,}")
        newer, seen = head != 8, 0
        while blocks:
            seen += 1
            at, length = blocks.pop(0)
            if seen > MAX_BLOCKS or length > MAX_BLOCK:
                raise Hdf5Error("its root group has an object header without end")
            for message in _messages_in(self.read(at, length), head, newer):
                if message.type == CONTINUATION and len(message.data) >= self.offset + self.length:
                    at = _number(message.data, 0, self.offset)
                    length = _number(message.data, self.offset, self.length)
                    # Around the messages of a newer block stand a signature and a checksum.
                    blocks.append((at + 4, length - 8) if newer else (at, length))
                else:
                    yield message

    def _newer_block(self, address: int, prefix: bytes) -> tuple[int, int]:
        flags = prefix[5]
        at = 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        return address + at + width, _number(prefix, at, width)

    # -- attributes ----------------------------------------------------------------------------------------

    def attribute(self, name: bytes) -> bytes | None:
        """Return the text of the attribute of this name."""
        apart = False
        for message in self.messages(self.root):
            if message.type == ATTRIBUTE:
                text = self._text_of(message, name)
                if text is not None:
                    return text
            elif message.type == ATTRIBUTE_INFO and len(message.data) >= 2 + self.offset:
                at = 4 if message.data[1] & 1 else 2
                apart = _number(message.data, at, self.offset) != (1 << 8 * self.offset) - 1
        if apart:
            raise Hdf5Error("its attributes are stored apart from its root group")
        return None

    def _text_of(self, message: Message, wanted: bytes) -> bytes | None:
        """Return the text in an attribute message; None if it has another name."""
        data = message.data
        if message.flags & 2 or len(data) < 8 or data[0] not in (1, 2, 3):
            return None
        version, sizes = data[0], [_number(data, at, 2) for at in (2, 4, 6)]
        at, parts = 9 if version == 3 else 8, []
        for size in sizes:
            parts.append(data[at : at + size])
            at += -(-size // 8) * 8 if version == 1 else size
        name, datatype, _ = parts
        if name.rstrip(b"\0") != wanted:
            return None
        if len(datatype) < 8 or (version > 1 and data[1] & 1):
            raise Hdf5Error(f"its attribute {wanted.decode()} has no datatype")
        value = data[at:]
        kind, size = datatype[0] & 15, _number(datatype, 4, 4)
        if kind == FIXED_STRING:
            if size > len(value):
                raise Hdf5Error(f"its attribute {wanted.decode()} is cut off")
            return value[:size].rstrip(b"\0")
        if kind == VARIABLE_LENGTH and datatype[1] & 15 == 1 and len(value) >= 8 + self.offset:
            length = _number(value, 0, 4)
            return self._in_heap(_number(value, 4, self.offset), _number(value, 4 + self.offset, 4), length)
        raise Hdf5Error(f"its attribute {wanted.decode()} is no text")

    def _in_heap(self, address: int, index: int, length: int) -> bytes:
        """Return the first bytes of the object of this index in a global heap's collection."""
        if length > self.limit:
            raise TooLongError
        head = 8 + self.length
        collection = self.read(address, head)
        size = _number(collection, 8, self.length)
        if not collection.startswith(b"GCOL\x01"):
            raise Hdf5Error(f"there is no heap at byte {self.base + address:,}")
        at, end = address + head, address + size
        text = b""
        for _ in range(MAX_ENTRIES):
            if at + head > end:
                break
            entry = self.read(at, head)
            number, held = _number(entry, 0, 2), _number(entry, 8, self.length)
            if number == 0:  # free space, header included, up to the end
                if at + held != end:
                    raise Hdf5Error(f"its heap has {held:,} bytes of free space, and room for {end - at:,}")
                break
            if number == index and length <= held:
                text = self.read(at + head, length).rstrip(b"\0")
            at += head + -(-held // 8) * 8
        if at > end or not text:
            raise Hdf5Error("its heap lacks the text of an attribute")
        return text


def _newer_head(prefix: bytes) -> int:
    """Return the bytes before each message of a newer object header."""
    if len(prefix) < 32 or prefix[4] != 2:
        raise Hdf5Error("its root group has no object header that can be read")
    return 6 if prefix[5] & 4 else 4


def _messages_in(block: bytes, head: int, newer: bool) -> Iterator[Message]:
    """Yield the messages of a block; those of a newer one have no padding, and types of one byte."""
    at = 0
    while at + head <= len(block):
        kind, size, flags = (
            (block[at], _number(block, at + 1, 2), block[at + 3])
            if newer
            else (_number(block, at, 2), _number(block, at + 2, 2), block[at + 4])
        )
        at += head
        if at + size > len(block):
            raise Hdf5Error("its root group has a message that is cut off")
        yield Message(kind, flags, block[at : at + size])
        at += size


def _number(data: bytes, at: int, width: int) -> int:
    """Return the little-endian number of `width` bytes at a position; bytes after the end of the data are zero."""
    return int.from_bytes(data[at : at + width], "little")
