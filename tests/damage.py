"""How files are damaged by chance: bytes that change, and texts whose lines and numbers do."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from typing import Any

#: Numbers at the ends of what a file can hold, and those that layers often have.
NUMBERS = (0, 1, 2, 3, 5, 7, 8, -1, -2, 2**31 - 1, 2**31, 10**9, 10**30, 2**63 - 1, -(2**63), -(2**62))

#: Values of any type, in JSON's terms.
VALUES: tuple[Any, ...] = (
    *NUMBERS,
    None, True, 1.5, -0.5, 1e400, "", "x", "same", "\x1b[31m\u202e\n", [], {}, [[]], [None], [1, 2], {"a": [1]},
)  # fmt: skip


def mutated_bytes(data: bytes, choose: random.Random) -> bytes:
    """The data with a few bytes changed, taken out, put in or doubled, or its end cut off."""
    changed = bytearray(data)
    for _ in range(choose.choice((1, 1, 2, 4, 16))):
        at = choose.randrange(len(changed)) if changed else 0
        match choose.randrange(6):
            case 0:
                changed[at : at + 1] = bytes([choose.randrange(256)])
            case 1:
                changed[at : at + 1] = choose.choice((b"\0", b"\xff", b"\x7f", b"\x80", b"\x01"))
            case 2:
                del changed[at : at + choose.choice((1, 2, 8, 100))]
            case 3:
                changed[at:at] = choose.randbytes(choose.choice((1, 2, 8)))
            case 4:
                changed[at:at] = changed[at : at + choose.choice((4, 16, 200))]
            case 5:
                changed[at : at + 8] = choose.choice(NUMBERS[:10]).to_bytes(8, "little", signed=True)
    return bytes(changed if choose.random() < 0.9 else changed[: choose.randrange(len(changed) + 1)])


#: From a source of chance to a whole file, or to one with another structure.
Maker = Callable[[random.Random], bytes]

NUMBER = re.compile(r"-?\d+")


def changed_lines(text: str, other_line: Callable[[str, random.Random], str], first: int = 0) -> Maker:
    """Return what makes a text whose numbers are others, and whose lines are doubled, gone or others."""

    def change(choose: random.Random) -> bytes:
        lines = text.split("\n")
        for _ in range(choose.choice((1, 1, 2, 4))):
            at = choose.randrange(first, len(lines))
            match choose.randrange(5):
                case 0:
                    lines.insert(choose.randrange(first, len(lines)), lines[at])
                case 1 if len(lines) > first + 2:
                    lines.pop(at)
                case 2:
                    lines[at] = other_line(lines[at], choose)
                case _:
                    lines[at] = other_number(lines[at], choose)
        return "\n".join(lines).encode()

    return change


def other_number(line: str, choose: random.Random) -> str:
    """Return the line with another number in place of one of its own."""
    numbers = list(NUMBER.finditer(line))
    if not numbers:
        return line
    found = choose.choice(numbers)
    value = choose.choice(NUMBERS[:8]) if choose.random() < 0.6 else choose.choice(VALUES[:24])
    return f"{line[: found.start()]}{value}{line[found.end() :]}"


def any_of(whole: Sequence[bytes]) -> Maker:
    """Return what makes one of these files with a few bytes changed."""
    return lambda choose: mutated_bytes(choose.choice(whole), choose)
