"""Arguments of layers: their declaration in a class, and conversion from and to text.

A layer's arguments are read from `Piece`s: numbers, words and marks, whether they are written together (`3x3s2`) or
separately. Each type of argument has a small grammar of its own:

    whole    = NUMBER                                 Integer
    axes     = NUMBER { "x" NUMBER }                  PerAxis
    pair     = NUMBER "x" NUMBER                      Pair
    dims     = size { "x" size }                      Dims; size = NUMBER or, of an input, a letter but x
    padding  = ends { "x" ends } | "valid" | "same" | "full" | "causal"
    ends     = NUMBER [ "-" NUMBER ]                  Padding
    range    = NUMBER ":" NUMBER                      ChannelRange
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Generic, TypeVar, overload

from cnncalc.layers.pieces import NUMBER, WORD, ArgumentError, Pieces
from cnncalc.shape import Padding, ShapeError

T = TypeVar("T")

#: Numbers for an argument in a help text.
NUMBERS = {"filters": "64", "units": "10", "groups": "4", "size": "5"}

#: Integers in a spec are below this.
MAX_INTEGER = 10**9

#: The default of an argument that has to be given.
REQUIRED: Any = object()


class Argument(Generic[T]):
    """An argument that a layer class declares; its value is an attribute of the layer, `layer.stride`.

    `shorts` are the prefixes of its short form; if one of them is empty, the value is written without a prefix.
    """

    #: An example of a value, for help texts: `3x3`.
    sample = "N"
    #: Whether a value may be the name of a tensor: `@NAME`.
    takes_tensor = False
    #: Whether a value is a text in quotes.
    takes_text = False
    #: Whether it collects the values of names that no argument has: `g=2`.
    takes_names = False

    def begins(self, letters: str) -> bool:
        """Return whether a value without a prefix may begin with these letters."""
        return False

    def __init__(
        self, *shorts: str, default: Any = REQUIRED, help: str = "", like: str | None = None, unset: str = ""
    ) -> None:
        self.shorts, self.default, self.help = shorts, default, help
        #: What its value is where the default is None, in words.
        self.unset = unset
        #: The argument whose value is this one's default (a pool's stride: its kernel).
        self.like = like
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, layer: None, owner: type) -> Argument[T]: ...
    @overload
    def __get__(self, layer: object, owner: type) -> T: ...
    def __get__(self, layer: object, owner: type) -> Argument[T] | T:
        # The values are in the __dict__ of each layer, which comes first: this is called on the class alone.
        return self

    @property
    def required(self) -> bool:
        """Whether the argument has no default."""
        return self.default is REQUIRED and self.like is None

    @property
    def keywords(self) -> dict[str, T]:
        """The words that are values without a prefix: `same`, `nobias`."""
        return {}

    def read(self, pieces: Pieces) -> T:
        """Return the value of the short form, whose prefix has been taken.

        Raises `ArgumentError` if the pieces are not a value.
        """
        raise NotImplementedError

    def read_long(self, pieces: Pieces) -> T:
        """Return the value after `name=`, which may be a keyword as well."""
        piece = pieces.next
        if piece is not None and piece.kind == WORD and piece.value in self.keywords:
            return self.keywords[pieces.take().value]
        return self.read(pieces)

    def fit(self, value: T, rank: int) -> T:
        """Return the value for an input with `rank` spatial axes; raises `ShapeError` E106 if their numbers differ."""
        return value

    def rank_of(self, value: T) -> int | None:
        """Return the number of spatial axes that the value is for; None if it fits any number."""
        return None

    def is_default(self, value: T) -> bool:
        """Return whether the value is the default."""
        return bool(value == self.default)

    def write(self, value: T) -> str:
        """Return the canonical short form of the value, with one number for equal axes."""
        return self.prefix + str(value)

    def spell(self, value: T) -> str:
        """Return the short form with a number for each axis in the value."""
        return self.write(value)

    def to_json(self, value: T) -> object:
        """Return the value for JSON."""
        return list(value) if isinstance(value, tuple) else value

    @property
    def prefix(self) -> str:
        """The prefix of the canonical short form."""
        return self.shorts[0] if self.shorts else ""

    def forms(self) -> list[str]:
        """Return examples of its short forms, for help texts: `s2`, `same`."""
        return [prefix + self.sample for prefix in self.shorts] + list(self.keywords)

    def examples(self) -> list[str]:
        """Return its short forms with a number in place of N, as they may be written: `x64`, `:64`."""
        return [re.sub(r"N$", NUMBERS.get(self.name, "2"), form) for form in self.forms()]

    def _number(self, pieces: Pieces, low: float, high: float = MAX_INTEGER, whole: bool = True) -> Any:
        piece = pieces.next
        if piece is None or piece.kind != NUMBER:
            where = f"before `{piece.text}`" if piece else "here"
            message, label = f"`{self.name}` needs a number", f"a number is missing {where}"
            raise ArgumentError("E105", message, label, piece or pieces.last, self._hint())
        pieces.take()
        value = piece.value
        if whole and not isinstance(value, int):
            raise ArgumentError("E105", f"`{self.name}` needs a whole number", f"{value} is not whole", piece)
        if value < low:
            message = f"`{self.name}` must be at least {low}"
            raise ArgumentError("E105", message, f"{self.name} {value}", piece, self._hint())
        if value >= high:
            limit = "10^9" if high == MAX_INTEGER else str(high)
            message = f"`{self.name}` must be below {limit}"
            raise ArgumentError("E105", message, "too large", piece)
        return value

    def _hint(self) -> str:
        return f"write `{self.examples()[0]}`"


class Integer(Argument[int]):
    """A whole number, at least 1."""

    def read(self, pieces: Pieces) -> int:
        value: int = self._number(pieces, low=1)
        return value


class NamedInteger(Argument[int]):
    """A whole number in [low, high) that is written with its name, `layers=2`, or by a word of its own: `nobias`."""

    def __init__(
        self, *, sample: str, low: int = 1, high: int = MAX_INTEGER, words: dict[str, int] | None = None, **more: Any
    ) -> None:
        super().__init__(**more)
        self.sample, self.low, self.high, self.words = sample, low, high, words or {}

    @property
    def keywords(self) -> dict[str, int]:
        return self.words

    def read(self, pieces: Pieces) -> int:
        value: int = self._number(pieces, self.low, self.high)
        return value

    def write(self, value: int) -> str:
        return next((word for word, number in self.words.items() if number == value), f"{self.name}={value}")

    def forms(self) -> list[str]:
        return [f"{self.name}={self.sample}", *self.words]


class PerAxis(Argument[tuple[int, ...]]):
    """A whole number for each spatial axis, or one for all of them."""

    def __init__(self, *shorts: str, low: int = 1, sample: str = "", in_full: bool = False, **more: Any) -> None:
        super().__init__(*shorts, **more)
        self.low, self.in_full = low, in_full
        self.sample = sample or ("3x3" if in_full else "2")

    def read(self, pieces: Pieces) -> tuple[int, ...]:
        values = [self._number(pieces, self.low)]
        while pieces.take_mark("x"):
            values.append(self._number(pieces, self.low))
        return tuple(values)

    def fit(self, value: tuple[int, ...], rank: int) -> tuple[int, ...]:
        # Where it may be left out, None stands for that.
        return value if value is None else fit_axes(self.name, value, rank)

    def rank_of(self, value: tuple[int, ...]) -> int | None:
        return len(value) if len(value) > 1 else None

    def is_default(self, value: tuple[int, ...]) -> bool:
        if not value or not self.default:
            return value is self.default
        return isinstance(self.default, tuple) and set(value) == set(self.default)

    def write(self, value: tuple[int, ...]) -> str:
        # The size of a window is written in full, `3x3`; of the other numbers, one is enough for axes that are alike.
        alike = len(set(value)) == 1 and not self.in_full
        return self.spell(value[:1] if alike else value)

    def spell(self, value: tuple[int, ...]) -> str:
        return self.prefix + "x".join(map(str, value))

    @property
    def prefix(self) -> str:
        return super().prefix if self.shorts else f"{self.name}="

    def forms(self) -> list[str]:
        return super().forms() or [self.prefix + self.sample]


class Pair(Argument[tuple[int, int]]):
    """Two whole numbers: `1000x64`."""

    def __init__(self, *shorts: str, sample: str, **more: Any) -> None:
        super().__init__(*shorts, **more)
        self.sample = sample

    def read(self, pieces: Pieces) -> tuple[int, int]:
        first = self._number(pieces, low=1)
        if not pieces.take_mark("x"):
            message, label = f"`{self.name}` needs two numbers", "the second is missing"
            raise ArgumentError("E105", message, label, pieces.last, self._hint())
        return first, self._number(pieces, low=1)

    def write(self, value: tuple[int, int]) -> str:
        return "x".join(map(str, value))


class Dims(Argument[tuple[Any, ...]]):
    """A shape, channels last: up to three spatial axes and the channels.

    With `letters`, a letter may replace any size: `HxWx3`. It is stored as a capital.
    """

    sample = "32x32x3"

    def __init__(self, *shorts: str, letters: bool = False, **more: Any) -> None:
        super().__init__(*shorts, **more)
        self.letters = letters

    def begins(self, letters: str) -> bool:
        return self.letters and letters[:1].isalpha() and letters[0] != "x" and letters[1:2] in ("", "x")

    def read(self, pieces: Pieces) -> tuple[Any, ...]:
        first = pieces.next
        values = [self._size(pieces)]
        while pieces.take_mark("x") or self._take_x(pieces):
            values.append(self._size(pieces))
        if len(values) > 4:
            message = f"a shape of {len(values)} numbers has too many axes"
            from cnncalc.layers.axis_order import without_batch

            help = "drop the batch"
            if self.letters and len(values) == 5:
                help = f"{help}: write `{self.write(without_batch(values))}`"
            raise ArgumentError("E105", message, "up to three spatial axes, then the channels", first, help)
        return tuple(values)

    def _size(self, pieces: Pieces) -> Any:
        """Return a number or a letter; the rest of the letter's word stays to be read: `hxwx`."""
        piece = pieces.next
        if piece is None or piece.kind != WORD or not self.begins(piece.value):
            return self._number(pieces, low=1)
        pieces.take_character()
        return piece.value[0].upper()

    def _take_x(self, pieces: Pieces) -> bool:
        """Take the `x` that begins a word and is followed by a letter, `xwx`; return whether there is one."""
        piece = pieces.next
        if piece is None or piece.kind != WORD or piece.value[0] != "x" or not self.begins(piece.value[1:]):
            return False
        pieces.take_character()
        return True

    def write(self, value: tuple[Any, ...]) -> str:
        return "x".join(map(str, value))


class PaddingArgument(Argument[Padding]):
    """Zeros at both ends of the axes, given as numbers or by one of the `rules`; `causal` is a rule for one axis."""

    sample = "1"

    def __init__(self, *shorts: str, rules: tuple[str, ...] = ("valid", "same", "full"), **more: Any) -> None:
        super().__init__(*shorts, **more)
        self.rules = rules

    @property
    def keywords(self) -> dict[str, Padding]:
        return {mode: Padding(mode) for mode in self.rules}

    def read(self, pieces: Pieces) -> Padding:
        ends = [self._ends(pieces)]
        while pieces.take_mark("x"):
            ends.append(self._ends(pieces))
        # Zeros written out are `valid` by another name: one meaning, one value.
        if self.rules and not any(map(any, ends)) and len(ends) == 1:
            return Padding("valid")
        return Padding("explicit", tuple(ends))

    def _ends(self, pieces: Pieces) -> tuple[int, int]:
        begin = self._number(pieces, low=0)
        return begin, (self._number(pieces, low=0) if pieces.take_mark("-") else begin)

    def fit(self, value: Padding, rank: int) -> Padding:
        if value.mode == "causal" and rank != 1:
            raise ShapeError(
                "E204",
                "`causal` of `{layer}` is for one axis, that of the steps",
                f"the input has {count(rank, 'spatial axis', 'spatial axes')}",
                help="write `same`, or pad each axis, as `p2-0x0`",
            )
        if value.mode != "explicit":
            return value
        ends = fit_axes(self.name, value.ends, rank)
        if self.rules and not any(map(any, ends)):
            return Padding("valid")
        return Padding("explicit", ends)

    def rank_of(self, value: Padding) -> int | None:
        return len(value.ends) if len(value.ends) > 1 else None

    def write(self, value: Padding) -> str:
        alike = len(set(value.ends)) == 1
        return self.spell(value._replace(ends=value.ends[:1]) if alike else value)

    def spell(self, value: Padding) -> str:
        if value.mode != "explicit":
            return value.mode
        return self.prefix + "x".join(str(a) if a == b else f"{a}-{b}" for a, b in value.ends)

    def to_json(self, value: Padding) -> object:
        return [list(ends) for ends in value.ends] if value.mode == "explicit" else value.mode


class Flag(Argument[Any]):
    """A boolean, each value of which has a word: `bias` / `nobias`; `more` has words for values between."""

    def __init__(
        self,
        yes: str | None = None,
        no: str | None = None,
        *,
        default: bool,
        help: str,
        more: dict[str, str] | None = None,
    ) -> None:
        super().__init__(default=default, help=help)
        self.yes, self.no, self.more = yes, no, more or {}

    @property
    def keywords(self) -> dict[str, Any]:
        words = [(self.yes, True), (self.no, False), *self.more.items()]
        return {word: value for word, value in words if word is not None}

    def read_long(self, pieces: Pieces) -> Any:
        piece = pieces.next
        truth = {"true": True, "false": False, "yes": True, "no": False, **{word: word for word in self.more.values()}}
        if piece is None or piece.value not in truth:
            words = ["true", "false", *self.more.values()]
            message = f"`{self.name}` is {', '.join(words[:-1])} or {words[-1]}"
            label = "none of these" if self.more else "neither true nor false"
            raise ArgumentError("E105", message, label, piece, f"write `{self.name}=false`")
        return truth[pieces.take().value]

    def write(self, value: Any) -> str:
        word = next((word for word, each in self.keywords.items() if each == value), None)
        return word if word is not None else f"{self.name}={str(value).lower()}"


class Choice(Argument[str]):
    """One of several words."""

    def __init__(self, *options: str, help: str) -> None:
        super().__init__(default=options[0], help=help)
        self.options = options

    @property
    def keywords(self) -> dict[str, str]:
        return {option: option for option in self.options}

    def read(self, pieces: Pieces) -> str:
        options = " or ".join(f"`{option}`" for option in self.options)
        raise ArgumentError("E105", f"`{self.name}` is {options}", f"not {options}", pieces.next or pieces.last)


class Real(Argument[float]):
    """A decimal number in [low, high)."""

    sample = "0.5"

    def __init__(self, *shorts: str, low: float = 0.0, high: float = MAX_INTEGER, **more: Any) -> None:
        super().__init__(*shorts, **more)
        self.low, self.high = low, high

    def read(self, pieces: Pieces) -> float:
        value: float = self._number(pieces, self.low, self.high, whole=False)
        return int(value) if isinstance(value, float) and value.is_integer() else value

    def write(self, value: float) -> str:
        if not isinstance(value, float) or "e" not in str(value):
            return str(value)
        from decimal import Decimal  # for the likes of 1e-05 alone: the language has no exponents

        return f"{Decimal(str(value)):f}"


class ChannelRange(Argument[tuple[int, int]]):
    """A range of channels from:to, excluding the end."""

    sample = "0:58"

    def read(self, pieces: Pieces) -> tuple[int, int]:
        first = pieces.next
        start = self._number(pieces, low=0)
        if not pieces.take_mark(":"):
            message = f"`{self.name}` needs a beginning and an end"
            raise ArgumentError("E105", message, "the end is missing", first, "write `0:58`")
        stop = self._number(pieces, low=1)
        if stop <= start:
            message = f"`{self.name}` {start}:{stop} is empty"
            raise ArgumentError("E105", message, "the end is not past the beginning", first)
        return start, stop

    def write(self, value: tuple[int, int]) -> str:
        return f"{value[0]}:{value[1]}"


def fit_axes(name: str, value: tuple[T, ...], rank: int) -> tuple[T, ...]:
    """Return one value for each axis, repeated if there is only one. Raises `ShapeError` E106 for any other number."""
    if len(value) == rank:
        return value
    if len(value) == 1:
        return value * rank
    raise ShapeError(
        "E106",
        f"`{name}` of `{{layer}}` does not fit its input",
        f"`{name}` has {count(len(value), 'number')}, the input has {count(rank, 'spatial axis', 'spatial axes')}",
        help=f"write one number, or {rank}" if rank > 1 else "write one number",
    )


def count(n: int, noun: str, plural: str | None = None) -> str:
    """Return `1 kernel`, `2 kernels`."""
    return f"{n} {noun if n == 1 else plural or noun + 's'}"


def declared(cls: type) -> Iterator[tuple[str, Argument[Any]]]:
    """Yield the arguments that a class declares, those of its bases first."""
    for base in reversed(cls.__mro__):
        for name, value in vars(base).items():
            if isinstance(value, Argument):
                yield name, value
