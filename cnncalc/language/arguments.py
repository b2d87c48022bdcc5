"""From a layer's text to the layer: which word it is, and what its arguments say.

Here the language meets the registry of layers. Glued text (`conv3x3s1p0:16`) is cut into numbers, words and
marks; the declared arguments of the class then read them, each its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cnncalc.diagnostics import Diagnostic, Span, SpecError, nearest
from cnncalc.language.nodes import Chunk, Hole, LayerNode
from cnncalc.layers import KINDS, REGISTRY, Layer
from cnncalc.layers.arguments import Argument
from cnncalc.layers.base import rank_of
from cnncalc.layers.pieces import MARK, NUMBER, WORD, ArgumentError, Piece, Pieces

PIECE = re.compile(r"(\d+(?:\.\d+)?)|([a-z_]+)|(.)", re.DOTALL)
#: A number with commas as in print; any other with commas is sizes.
THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")

LONGEST_WORD = max(map(len, REGISTRY))

Values = dict[str, tuple[Any, Span]]


def read_layer(node: LayerNode, holes: dict[Span, Any], assumed: Mapping[str, Any] | None = None) -> Layer:
    """The layer that the node means, with the values of its holes by their place.

    `assumed` has values for arguments that have to be given and are not.

    Raises `SpecError` for all that is wrong with it.
    """
    word, cls, rest = split_word(node.word)
    chunks = [*([rest] if rest else []), *node.arguments]
    return LayerReader(word, cls, node, holes).read(chunks, assumed or {})


def split_word(chunk: Chunk) -> tuple[str, type[Layer], Chunk | None]:
    """The layer word at the beginning of a chunk, its class, and what is glued behind it."""
    first = chunk.parts[0]
    text = first if isinstance(first, str) else ""
    lowered = text.lower().replace("×", "x")
    whole = len(chunk.parts) == 1
    if whole and lowered in REGISTRY and chunk.field is None:
        return lowered, REGISTRY[lowered], None
    for end in range(min(len(lowered), LONGEST_WORD), 0, -1):
        word = lowered[:end]
        # Words such as conv3d serve only whole: `conv3d2` is `conv 3 d2`.
        if word in REGISTRY and rank_of(word) is None and chunk.field is None:
            parts: tuple[str | Hole, ...] = (text[end:], *chunk.parts[1:]) if text[end:] else chunk.parts[1:]
            if lowered[end : end + 1].isalpha() and not _begins_argument(REGISTRY[word], lowered[end:]):
                break
            rest = Chunk(parts, chunk.span._replace(start=chunk.span.start + end))
            return word, REGISTRY[word], rest
    raise SpecError([_unknown_layer(chunk, lowered)])


def _begins_argument(cls: type[Layer], text: str) -> bool:
    """Whether glued text begins as an argument of the class does, and not as the rest of a longer word."""
    letters = PIECE.match(text)
    run = letters.group(0) if letters else ""
    bare = keys_of(cls).prefixes.get("")
    # Glued, a letter alone is rather a misspelt word: `inputs`.
    return bool(_key_in(cls, run)) or (bare is not None and len(run) > 1 and bare.begins(run))


class Keys(NamedTuple):
    """How the arguments of a class are told apart in text: by prefix, by keyword, and both, the longest first."""

    prefixes: dict[str, Argument[Any]]
    keywords: dict[str, Argument[Any]]
    letters: tuple[str, ...]


#: Class → its keys, worked out when the first layer of the class is read.
_KEYS: dict[type[Layer], Keys] = {}


def keys_of(cls: type[Layer]) -> Keys:
    if cls in _KEYS:
        return _KEYS[cls]
    arguments = cls.arguments.values()
    prefixes = {prefix: argument for argument in arguments for prefix in argument.shorts}
    keywords = {word: argument for argument in arguments for word in argument.keywords}
    letters = sorted(filter(None, {*prefixes, *keywords}), key=len, reverse=True)
    keys = _KEYS[cls] = Keys(prefixes, keywords, tuple(letters))
    return keys


def _key_in(cls: type[Layer], run: str) -> list[str]:
    """The keywords and prefixes of a class that the letters begin with, the longest first."""
    return [key for key in keys_of(cls).letters if run.startswith(key)]


def _unknown_layer(chunk: Chunk, text: str) -> Diagnostic:
    from cnncalc.language.familiar import word_of  # only once something is wrong

    letters = re.match(r"[a-z_]+(?:[123]d)?", text)
    start = letters.group(0) if letters else ""
    words = list(REGISTRY)
    near = (word_of(start) or nearest(start, words) or nearest(text, words)) if start else None
    meant = f"write `{near}`" if near else "`cnncalc layers` lists the layer words"
    shown = chunk.span.text
    span = chunk.span
    if chunk.field is not None:
        span = chunk.field.span.to(span)
        return _no_layer(span, f"write the layer first: `conv {span.text}`")
    before = span.source.text[: span.start]
    if shown.isdigit() and before.endswith(",") and before[:-1][-1:].isdigit():
        number = re.search(r"[\d,]*$", before)
        digits = (number.group(0) if number else "") + shown
        help = f"write `{digits.replace(',', '')}`"
        sizes = not THOUSANDS.fullmatch(digits)
        if sizes or (number and before[: number.start()].rstrip().lower().endswith("input")):
            help = f"sizes take an x: write `{digits.replace(',', 'x')}`"
        return Diagnostic("E101", "a comma in a number", span, "a comma separates layers", help=help)
    if not start and shown[:1].isdigit():
        word = "conv" if before.strip() else "input"
        return _no_layer(span, f"write the layer first: `{word} {shown}`")
    if re.fullmatch(r"(?:[xspdg]|op|:)\d[\dx-]*|valid|same|full|nobias", text):
        return _no_layer(span, "remove the separator before it: a layer goes on until the next one")
    if start == text or not letters:
        return Diagnostic("E101", f"unknown layer `{shown}`", span, "not a layer word", help=meant)
    # `cnov3x3:8`: the word alone is what is unknown.
    head = span._replace(end=span.start + len(start))
    return Diagnostic("E101", f"unknown layer `{head.text}`", head, "not a layer word", help=meant)


def _no_layer(span: Span, help: str) -> Diagnostic:
    return Diagnostic("E101", f"no layer before `{span.text}`", span, "an argument without its layer", help=help)


class LayerReader:
    """Reads the arguments of one layer, whatever order and form they stand in."""

    def __init__(self, word: str, cls: type[Layer], node: LayerNode, holes: dict[Span, Any]) -> None:
        self.word, self.cls, self.node, self.holes = word, cls, node, holes
        self.values: Values = {}
        self.by_prefix, self.by_keyword, _ = keys_of(cls)
        self.chunk = node.word

    def read(self, chunks: list[Chunk], assumed: Mapping[str, Any]) -> Layer:
        try:
            for chunk in chunks:
                self.chunk = chunk
                if chunk.field is not None:
                    self.long_form(chunk.field, chunk)
                else:
                    self.short_forms(Pieces(list(self.pieces(chunk))))
            self.chunk = self.node.word
            values = {name: value for name, value in assumed.items() if name in self.cls.arguments}
            values.update({name: value for name, (value, _) in self.values.items()})
            return self.cls(self.word, **values)
        except ArgumentError as error:
            raise SpecError([self.diagnostic(error)]) from None

    def pieces(self, chunk: Chunk) -> Iterator[Piece]:
        """The chunk cut into numbers, words and marks; a hole is a number."""
        at = chunk.span.start
        for part in chunk.parts:
            if isinstance(part, Hole):
                text = part.span.text
                yield Piece(NUMBER, self.holes[part.span], part.span.start, part.span.end, text)
                at = part.span.end
                continue
            for found in PIECE.finditer(part.lower().replace("×", "x")):
                number, word, mark = found.groups()
                start, end = at + found.start(), at + found.end()
                if number:
                    yield Piece(NUMBER, self.number(number, start, end), start, end, number)
                else:
                    yield Piece(WORD if word else MARK, word or mark, start, end, word or mark)
            at += len(part)

    def number(self, text: str, start: int, end: int) -> Any:
        if "." in text:
            return float(text)
        if len(text) > 9:
            piece = Piece(NUMBER, 0, start, end, text)
            raise ArgumentError("E105", "a number must be below 10^9", f"{len(text)} digits", piece)
        return int(text)

    def short_forms(self, pieces: Pieces) -> None:
        while (piece := pieces.next) is not None:
            bare = self.by_prefix.get("")
            if piece.kind == NUMBER or (piece.kind == WORD and bare is not None and bare.begins(piece.value)):
                self.bare(piece, pieces)
            elif piece.kind == WORD:
                self.prefixed(piece, pieces)
            elif piece.value == "-" and "" in self.by_prefix:
                label = "a minus sign"
                raise ArgumentError(
                    "E105", "a number here cannot be negative", label, piece, "write it without the `-`"
                )
            elif piece.value in self.by_prefix:
                pieces.take()
                argument = self.by_prefix[piece.value]
                self.keep(argument, argument.read(pieces), piece, pieces)
            else:
                self.unexpected(piece)

    def bare(self, piece: Piece, pieces: Pieces) -> None:
        argument = self.by_prefix.get("")
        if argument is None:
            takes = self.takes() if self.by_prefix or self.by_keyword else "it takes no arguments"
            prefixes = [f"`{prefix}{piece.text}`" for prefix in self.by_prefix if prefix]
            help = f"write {prefixes[0]}" if len(prefixes) == 1 else takes
            raise ArgumentError("E102", f"`{self.word}` takes no bare number", "what it means is not said", piece, help)
        self.keep(argument, argument.read(pieces), piece, pieces)

    def prefixed(self, piece: Piece, pieces: Pieces) -> None:
        """A run of letters: keywords (`samenobias`) and at its end perhaps a prefix, whose number follows."""
        pieces.take()
        for key in _key_in(self.cls, piece.value):
            rest = piece._replace(
                value=piece.value[len(key) :], text=piece.text[len(key) :], start=piece.start + len(key)
            )
            mine = piece._replace(value=key, text=key, end=rest.start)
            if key in self.by_keyword and not (key in self.by_prefix and not rest.value):
                if rest.value:
                    pieces.put_back(rest)
                argument = self.by_keyword[key]
                self.keep(argument, argument.keywords[key], mine, pieces)
                return
            if key in self.by_prefix and not rest.value:
                if key == "x" and piece.start != self.chunk.span.start:
                    number = pieces.next.text if pieces.next else ""
                    message = "glued, `x` goes on with the numbers before it"
                    raise ArgumentError("E107", message, "what this counts is not said", piece, f"write `:{number}`")
                argument = self.by_prefix[key]
                self.keep(argument, argument.read(pieces), mine, pieces)
                return
        self.unexpected(piece)

    def long_form(self, field: Chunk, value: Chunk) -> None:
        name = "".join(part for part in field.parts if isinstance(part, str)).lower()
        argument = self.cls.arguments.get(name)
        if argument is None:
            raise SpecError([self.unknown_field(field)])
        pieces = Pieces(list(self.pieces(value)))
        first = pieces.next
        if first is None:
            piece = Piece(WORD, name, field.span.start, field.span.end, name)
            raise ArgumentError("E105", f"`{name}` has no value", "nothing behind the `=`", piece)
        result = argument.read_long(pieces)
        if pieces.next is not None:
            self.unexpected(pieces.next)
        self.keep(argument, result, first, pieces)

    def keep(self, argument: Argument[Any], value: Any, first: Piece, pieces: Pieces) -> None:
        span = Span(self.chunk.span.source, first.start, max(pieces.last.end, first.end))
        if argument.name in self.values:
            self.twice(argument, span)
        self.values[argument.name] = (value, span)

    # -- errors --------------------------------------------------------------------------------------

    def twice(self, argument: Argument[Any], span: Span) -> None:
        _, before = self.values[argument.name]
        first = before.in_file()
        notes = (f"first given as `{before.text}` at {first.line}:{first.column}",)
        message, label, help = f"`{argument.name}` of `{self.word}` is given twice", "given again", "remove one"
        filters = self.cls.arguments.get("filters")
        if filters is not None and argument.name == "kernel" and before.text.isdigit() and "x" in span.text.lower():
            # `conv 64 3x3`, as some papers and frameworks order it.
            help = f"a number of filters has an x: write `{self.word} {span.text} x{before.text}`"
        elif filters is not None and argument.name == "kernel" and span.text.isdigit():
            help = f"a number of filters has an x: write `x{span.text}`"
        elif argument.name == "shape":
            sizes = "x".join(chunk.span.text for chunk in self.node.arguments)
            help = f"sizes take an x: write `{self.word} {sizes}`"
        raise SpecError([Diagnostic("E103", message, span, label, notes, help)])

    def unexpected(self, piece: Piece) -> None:
        known = [*(key for key in (*self.by_keyword, *self.by_prefix) if len(key) > 1), *self.cls.arguments]
        near = nearest(piece.text, known) if piece.kind == WORD else None
        if near in self.cls.arguments and near not in self.by_keyword:
            near = f"{near}=…"
        help = f"write `{near}`" if near else self.takes()
        if piece.text in KINDS and piece.kind == WORD:
            help = f"separate layers: write `| {piece.text}`"
        message = f"`{self.word}` has no argument `{piece.text}`"
        raise ArgumentError("E102", message, "not an argument of it", piece, help)

    def unknown_field(self, field: Chunk) -> Diagnostic:
        from cnncalc.language.familiar import FIELDS  # only once something is wrong

        name = field.span.text
        fields = list(self.cls.arguments)
        short = self.by_prefix.get(name.lower())
        meant = short.name if short else FIELDS.get(name.lower())
        near = meant if meant in fields else nearest(name, fields)
        notes = (f"its arguments: {', '.join(fields)}" if fields else "it takes no arguments",)
        label = field.span.source.path or "not an argument of it"
        message = f"`{self.word}` has no argument `{name}`"
        return Diagnostic("E120", message, field.span, label, notes, near and f"write `{near}`")

    def takes(self) -> str:
        forms = [form for argument in self.cls.arguments.values() for form in argument.forms()]
        return "it takes " + ", ".join(f"`{form}`" for form in forms) if forms else "it takes no arguments"

    def diagnostic(self, error: ArgumentError) -> Diagnostic:
        source = self.chunk.span.source
        span, help = self.node.span, error.help
        if error.piece is not None:
            span = Span(source, error.piece.start, error.piece.end)
        if error.code == "E104" and "filters" in self.cls.arguments:
            help = self.swallowed_filters() or help
        return Diagnostic(error.code, error.message, span, error.label, help=help)

    def swallowed_filters(self) -> str | None:
        """For `conv3x3s1x16`, where the stride went on with the `x16`: where to write a colon."""
        for name, (_, span) in self.values.items():
            head, mark, number = span.text.lower().rpartition("x")
            if mark and number.isdigit() and head[-1:].isdigit() and (name != "kernel" or head.count("x") >= 1):
                glued = f"glued, `x` goes on with the {name} `{span.text}`"
                return f"{glued}: write `{span.text[: len(head)]}:{number}`"
        return None
