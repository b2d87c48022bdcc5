"""Patterns that name the axes of a tensor and say how they are laid out anew: `h w (g c) -> g h w c` (einops).

    pattern     = side "->" side
    side        = { axis | "(" { axis } ")" | "1" | "..." }
    axis        = a letter or "_", then letters, digits and "_"

Each of a side's items is an axis of the tensor, channels last; brackets put several axes together in one, the first the
slowest. `1` is an axis of that size, `...` stands for as many axes as there are besides the others. A pattern is parsed
once, into a `Rearrangement`, from which everything is computed.

Source: A. Rogozhnikov, Einops: clear and reliable tensor manipulations with Einstein-like notation, ICLR 2022.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, NoReturn

from cnncalc.layers.arguments import Argument
from cnncalc.layers.pieces import TEXT, ArgumentError, Piece, Pieces

TOKEN = re.compile(r"\s*(?:(->|→)|(\.\.\.|…)|([A-Za-z_]\w*)|(\d+)|([()])|(\S))", re.ASCII)
ARROW, ELLIPSIS, AXIS, DIGITS, BRACKET, OTHER = range(1, 7)

#: The name of the axes that `...` stands for; those of an input with n of them are `…1` to `…n`.
REST = "…"

#: One axis of a tensor: the names of the axes that it is made of, the slowest first; none for `1`.
Composition = tuple[str, ...]


class Rearrangement(NamedTuple):
    """A pattern as a value: what each axis of the input and of the output is made of, channels last."""

    left: tuple[Composition, ...]
    right: tuple[Composition, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the input's axes, in the order of its elements."""
        return tuple([name for axis in self.left for name in axis])

    @property
    def keeps_order(self) -> bool:
        """Whether the elements stay in their order, so that only the sizes change."""
        return self.names == tuple([name for axis in self.right for name in axis])

    def written_at(self, axis: int, dims: int) -> int:
        """Return the place in the pattern of an axis of an input with `dims` of them."""
        if (REST,) not in self.left:
            return axis
        first, rest = self.left.index((REST,)), dims - len(self.left) + 1
        return axis if axis < first else first if axis < first + rest else axis - rest + 1

    def for_rank(self, dims: int) -> Rearrangement | None:
        """Return the pattern for an input of so many axes, with names for the `...`; None if they do not fit."""
        rest = dims - sum([axis != (REST,) for axis in self.left])
        if (REST,) not in self.left:
            return self if rest == 0 else None
        if rest < 0:
            return None
        names = tuple([f"{REST}{number}" for number in range(1, rest + 1)])
        return Rearrangement(tuple(_with_rest(self.left, names)), tuple(_with_rest(self.right, names)))

    def __str__(self) -> str:
        return f"{_text(self.left)} -> {_text(self.right)}"


def _with_rest(side: Sequence[Composition], names: Composition) -> Iterator[Composition]:
    for axis in side:
        if axis == (REST,):
            yield from ((name,) for name in names)
        else:
            yield tuple([each for name in axis for each in (names if name == BRACKETED_REST else (name,))])


#: The `...` in brackets, where its axes are parts of one.
BRACKETED_REST = "(…)"


def _text(side: Sequence[Composition]) -> str:
    return " ".join(
        "1" if not axis else _name(axis[0]) if len(axis) == 1 and axis[0] != BRACKETED_REST else f"({_inside(axis)})"
        for axis in side
    )


def _inside(axis: Composition) -> str:
    return " ".join(map(_name, axis))


def _name(name: str) -> str:
    return "..." if name in (REST, BRACKETED_REST) else name


#: The help for a name on one side.
BOTH = "each axis stands on both sides: nothing is summed up or repeated"


# -- parsing ---------------------------------------------------------------------------------------------------


class PatternParser:
    """Reads one pattern; `piece` is its text in the source, so that an error stands at its place in it."""

    def __init__(self, piece: Piece) -> None:
        self.piece = piece
        self.tokens = [(match.lastindex or 0, match) for match in TOKEN.finditer(piece.value)]
        self.at = 0

    def parse(self) -> Rearrangement:
        """Return the pattern; raises `ArgumentError` E105 at the first thing that is wrong."""
        left, left_places = self.side()
        if self.at == len(self.tokens):
            self.fail("the pattern has no `->`", "what the axes become is missing", None, "write `h w c -> w h c`")
        arrow = self.at
        self.at += 1
        right, right_places = self.side()
        if self.at < len(self.tokens):
            self.fail("the pattern has a second `->`", "one is enough", self.at)
        for side, places, where in ((left, left_places, "before"), (right, right_places, "behind")):
            if not side:
                self.fail(f"the pattern has no axis {where} the `->`", "nothing here", arrow)
            for name, twice in places.items():
                if len(twice) > 1:
                    self.fail(f"`{name}` stands twice {where} the `->`", "named again", twice[1])
        for name, at in left_places.items():
            if name not in right_places:
                self.fail(f"`{name}` is not behind the `->`", "what becomes of it?", at[0], BOTH)
        for name, at in right_places.items():
            if name not in left_places:
                self.fail(f"`{name}` is not before the `->`", "where does it come from?", at[0], BOTH)
        if any(BRACKETED_REST in axis for axis in left):
            self.fail("`...` cannot be in brackets before the `->`", "how many axes is this?", left_places["..."][0])
        return Rearrangement(tuple(left), tuple(right))

    def side(self) -> tuple[list[Composition], dict[str, list[int]]]:
        """Return the axes up to an arrow or the end, and the tokens of each name."""
        axes: list[Composition] = []
        places: dict[str, list[int]] = {}
        opened: int | None = None
        inside: list[str] = []
        while self.at < len(self.tokens) and self.tokens[self.at][0] != ARROW:
            kind, match = self.tokens[self.at]
            text = match.group(kind)
            if kind == OTHER:
                self.fail(f"unexpected `{text}` in the pattern", "means nothing here", self.at)
            if kind == DIGITS and text != "1":
                help = f"name the axis, and give its size: `{self.free_name()}={text}`"
                self.fail(f"a size stands outside the pattern: `{text}`", "only `1` is an axis", self.at, help)
            if text == "(":
                if opened is not None:
                    self.fail("brackets in brackets", "one level is all", self.at)
                opened, inside = self.at, []
            elif text == ")":
                if opened is None:
                    self.fail("a `)` closes nothing", "no `(` before it", self.at)
                axes.append(tuple(inside))
                opened = None
            elif kind != DIGITS:
                name = "..." if kind == ELLIPSIS else text
                places.setdefault(name, []).append(self.at)
                if opened is not None:
                    inside.append(BRACKETED_REST if kind == ELLIPSIS else text)
                else:
                    axes.append((REST if kind == ELLIPSIS else text,))
            elif opened is None:
                axes.append(())
            self.at += 1
        if opened is not None:
            self.fail("a `(` is never closed", "opened here", opened, "write a `)` behind its last axis")
        return axes, places

    def free_name(self) -> str:
        """Return a letter that names no axis yet."""
        taken = {match.group(kind) for kind, match in self.tokens}
        return next(letter for letter in "pqrstuvabdefijklmnoxyz" if letter not in taken)

    def fail(self, message: str, label: str, token: int | None, help: str | None = None) -> NoReturn:
        """Raise `ArgumentError` E105 at a token, or at the whole pattern."""
        piece = self.piece
        if token is not None:
            kind, match = self.tokens[token]
            start, end = match.span(kind)
            piece = Piece(TEXT, match.group(kind), self.piece.start + start, self.piece.start + end, match.group(kind))
        raise ArgumentError("E105", message, label, piece, help)


class PatternArgument(Argument[Rearrangement]):
    """A pattern in quotes."""

    sample = '"h w c -> w (h c)"'
    takes_text = True

    def read(self, pieces: Pieces) -> Rearrangement:
        piece = pieces.next
        if piece is None or piece.kind != TEXT:
            message, label = f"`{self.name}` is a text in quotes", "no quotes here"
            raise ArgumentError("E105", message, label, piece or pieces.last, self._hint())
        return PatternParser(pieces.take()).parse()

    def write(self, value: Rearrangement) -> str:
        return f'"{value}"'

    def to_json(self, value: Rearrangement) -> object:
        return str(value)


class AxisSizes(Argument[tuple[tuple[str, int], ...]]):
    """Sizes by the names of axes, each written as an argument of that name: `g=2 p=3`."""

    takes_names = True

    def read(self, pieces: Pieces) -> Any:
        """Return the size of one axis."""
        return self._number(pieces, low=1)

    def write(self, value: tuple[tuple[str, int], ...]) -> str:
        return " ".join(f"{name}={size}" for name, size in value)

    def to_json(self, value: tuple[tuple[str, int], ...]) -> object:
        return dict(value)

    def forms(self) -> list[str]:
        return ["g=2"]


def place_of(pattern: Rearrangement, axis: int | None = None) -> str:
    """Return a regular expression whose group is an axis before the `->`, or all of them, in the text of a layer."""
    items = [_loosely(_text((each,))) for each in pattern.left]
    if axis is None:
        return rf'[":]\s*({SPACES.join(items)})'
    return rf'[":]\s*{SPACES.join([*items[:axis], f"({items[axis]})"])}'


SPACES = r"\s*"


def _loosely(text: str) -> str:
    """Return the expression for a piece of a pattern with any spaces between its parts."""
    parts = re.findall(r"\.\.\.|\w+|[()]", text)
    return SPACES.join(r"(?:\.\.\.|…)" if part == "..." else re.escape(part) for part in parts)
