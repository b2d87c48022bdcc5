"""Pieces of text that arguments are read from (numbers, words, marks and names), and a cursor over them."""

from __future__ import annotations

from typing import Any, NamedTuple

NUMBER, WORD, MARK, TENSOR, TEXT = "number", "word", "mark", "tensor", "text"


class Piece(NamedTuple):
    """A number, a lower-case word, a mark of one character, the name in `@NAME` or a text in quotes, and its position.

    The position is in the source; that of a text is without its quotes.
    """

    kind: str
    value: Any
    start: int
    end: int
    text: str


class ArgumentError(ValueError):
    """The text of an argument is wrong at a piece; `language` adds the source."""

    def __init__(self, code: str, message: str, label: str, piece: Piece | None, help: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.label, self.piece, self.help = code, message, label, piece, help


class Pieces:
    """A cursor over the pieces of one token."""

    def __init__(self, pieces: list[Piece]) -> None:
        self._pieces, self._at = pieces, 0

    def __bool__(self) -> bool:
        return self._at < len(self._pieces)

    @property
    def next(self) -> Piece | None:
        """The piece at the cursor; None at the end."""
        return self._pieces[self._at] if self else None

    @property
    def last(self) -> Piece:
        """The piece before the cursor; the first piece if none was taken yet."""
        return self._pieces[max(self._at - 1, 0)]

    @property
    def is_last(self) -> bool:
        """Whether the piece at the cursor is the last one."""
        return self._at + 1 == len(self._pieces)

    def take(self) -> Piece:
        """Return the piece at the cursor, and advance."""
        piece = self._pieces[self._at]
        self._at += 1
        return piece

    def put_back(self, piece: Piece) -> None:
        """Insert a piece at the cursor: the rest of the one just taken."""
        self._at -= 1
        self._pieces[self._at] = piece

    def take_character(self) -> None:
        """Take the first character of a word; the rest of it, if any, becomes the next piece."""
        piece = self.take()
        if len(piece.value) > 1:
            self.put_back(piece._replace(value=piece.value[1:], text=piece.text[1:], start=piece.start + 1))

    def take_mark(self, mark: str) -> bool:
        """Take the mark (or `x`, which is a word) if it is next and a number follows; return whether it was taken."""
        if self._at + 1 < len(self._pieces):
            piece, after = self._pieces[self._at], self._pieces[self._at + 1]
            if piece.value == mark and after.kind == NUMBER:
                self._at += 1
                return True
        return False
