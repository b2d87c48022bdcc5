"""Lines of canonical text, broken where the author broke them, and where they would be too long.

A text is a sequence of strings and gaps. A gap is a position where a line may end; the author's line breaks, blank
lines and comments there are read from the source with `as_written`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

WIDTH = 100
INDENT = 4

NEWLINE = re.compile(r"\r\n|\n|\r")
COMMENT = re.compile(r"#[^\r\n]*")


class Gap(NamedTuple):
    """A position where a line may end. Its text is `end` if the line ends there, and otherwise `flat`.

    A line that is too long is broken at all its gaps of the lowest rank; a gap without a rank is broken only where
    the author broke it. The next line is indented by `level`, or by one less if the gap `closes` a bracket.
    """

    flat: str
    level: int = 0
    rank: int | None = 0
    end: str = ""
    closes: bool = False
    #: The extra levels of the lines that follow, up to the next gap that has a number here.
    hang: int | None = None
    broken: bool = False
    #: The comment at the end of this line, and the comments and blank lines before the next line.
    beside: str = ""
    above: tuple[str, ...] = ()


def as_written(gap: Gap, text: str, strays: str = "") -> Gap:
    """Return the gap with the line breaks and comments of `text`, the source from one item to the next.

    `strays` is text before it whose comments have no other place.
    """
    first, *rest = NEWLINE.split(text)
    beside = "  ".join(comment.rstrip() for comment in COMMENT.findall(strays) + COMMENT.findall(first))
    above: list[str] = []
    for number, line in enumerate(rest, 1):
        comment = COMMENT.search(line)
        if comment:
            above.append(comment.group().rstrip())
        elif not line.strip() and number < len(rest) and above[-1:] != [""]:
            above.append("")
    return gap._replace(broken=gap.broken or bool(rest or beside), beside=beside, above=tuple(above))


def without_blanks(gap: Gap) -> Gap:
    """Return the gap without blank lines at either end, for use beside a bracket."""
    above = list(gap.above)
    while above and not above[-1]:
        above.pop()
    while above and not above[0]:
        del above[0]
    return gap._replace(above=tuple(above))


def lay_out(pieces: Iterable[str | Gap], width: int | None = WIDTH) -> str:
    """Return the pieces as text, in lines of at most `width` characters (not counting comments) if possible."""
    lines = Lines(width)
    lines.split(pieces)
    return "\n".join(lines.done).strip("\n") + "\n"


class Lines:
    """Collects the lines of a text; with a `width` of None, no line is broken for its length."""

    def __init__(self, width: int | None) -> None:
        self.width = width
        self.done: list[str] = []
        self.hang = self.depth = 0

    def split(self, pieces: Iterable[str | Gap]) -> None:
        line: list[str | Gap] = []
        for piece in pieces:
            line.append(piece)
            if isinstance(piece, Gap) and piece.broken:
                self.add(line)
                line = []
        if line:
            self.add(line)

    def add(self, line: list[str | Gap]) -> None:
        """Write a line, whose gaps are not broken, except possibly the last."""
        text = "".join(_shown(piece) for piece in line)
        if self.width is not None and INDENT * self.depth + len(text) > self.width:
            gaps = [piece for piece in line if isinstance(piece, Gap) and not piece.broken]
            ranks = [gap.rank for gap in gaps if gap.rank is not None]
            if ranks:
                lowest = min(ranks)
                self.split(
                    piece._replace(broken=True) if isinstance(piece, Gap) and piece.rank == lowest else piece
                    for piece in line
                )
                return
        last = line[-1] if isinstance(line[-1], Gap) else Gap("")
        self.put(f"{text}  {last.beside}" if last.beside else text, self.depth)
        if last.hang is not None:
            self.hang = last.hang
        self.depth = last.level + self.hang
        for comment in last.above:
            self.put(comment, self.depth, blank=True)
        self.depth -= last.closes

    def put(self, text: str, depth: int, blank: bool = False) -> None:
        if text or blank:
            self.done.append((" " * (INDENT * depth) + text).rstrip())


def _shown(piece: str | Gap) -> str:
    if isinstance(piece, str):
        return piece
    return piece.end if piece.broken else piece.flat
