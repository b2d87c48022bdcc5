"""Reads a layer from its text: its word, and the values of its arguments.

Text without spaces (`conv3x3s1p0:16`) is cut into numbers, words and marks, and each declared argument of the class
reads its own. Errors state the fact; `suggestions` adds what was probably meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, NoReturn

from cnncalc.diagnostics import Diagnostic, Span, SpecError, fail
from cnncalc.language.nodes import Chunk, Hole, LayerNode
from cnncalc.layers import KINDS, REGISTRY, SEQUENCE_WORDS, Layer
from cnncalc.layers.arguments import Argument
from cnncalc.layers.base import WeightedLayer, rank_of
from cnncalc.layers.pieces import MARK, NUMBER, TENSOR, TEXT, WORD, ArgumentError, Piece, Pieces
from cnncalc.spelling import nearest

PIECE = re.compile(r"(\d+(?:\.\d+)?)|([a-z_]+)|@([a-z_]\w*)|(\"[^\"]*\"|'[^']*->[^']*')|(.)", re.DOTALL | re.ASCII)
#: The kinds of pieces by the groups of that pattern, from 1.
KINDS_OF_PIECE = ("", NUMBER, WORD, TENSOR, TEXT, MARK)
LETTERS = re.compile(r"[a-z_]+(?:[123]d)?")

LONGEST_WORD = max(map(len, REGISTRY))

Values = dict[str, tuple[Any, Span]]


def read_layer(node: LayerNode, holes: dict[Span, Any], assumed: Mapping[str, Any] | None = None) -> Layer:
    """Return the layer of a node. `holes` has the values of its holes by span.

    `assumed` has values for required arguments that the node lacks.

    What does not read as it stands is read as a framework or prose would have it, if it is such.

    Raises `UnknownLayerError`, `UnknownArgumentError`, or `SpecError` for another error in its arguments.
    """
    try:
        return read_canonical(node, holes, assumed or {})
    except SpecError as error:
        from cnncalc.language.lenient import reworded  # few texts need it

        other = reworded(node)
        if other is None or other == node:
            raise
        try:
            return read_canonical(other, holes, assumed or {})
        except SpecError as second:
            # A value that is wrong in either reading is wrong as it stands.
            unread = any(each.code in ("E101", "E102", "E120") for each in error.diagnostics)
            raise error if isinstance(second, UnknownArgumentError) or not unread else second from None


def read_canonical(node: LayerNode, holes: dict[Span, Any], assumed: Mapping[str, Any]) -> Layer:
    """Return the layer of a node that is in the words of the language; raises as `read_layer` does."""
    word, cls, rest = split_word(node.word)
    if node.weights is not None and node.weights.name is not None and not issubclass(cls, WeightedLayer):
        raise UnknownArgumentError(word, cls, node.weights.name)
    chunks = [*([rest] if rest else []), *node.arguments]
    return LayerReader(word, cls, node, holes).read(chunks, assumed)


def split_word(chunk: Chunk) -> tuple[str, type[Layer], Chunk | None]:
    """Return the layer word at the beginning of a chunk, its class, and the rest of the chunk.

    Raises `UnknownLayerError` if the chunk does not begin with a layer word.
    """
    first = chunk.parts[0]
    text = first if isinstance(first, str) else ""
    lowered = text.lower().replace("×", "x")
    whole = len(chunk.parts) == 1
    if whole and lowered in REGISTRY and chunk.name is None:
        return lowered, REGISTRY[lowered], None
    for end in range(min(len(lowered), LONGEST_WORD), 0, -1):
        word = lowered[:end]
        # Words such as conv3d serve only whole: `conv3d2` is `conv 3 d2`.
        if word in REGISTRY and rank_of(word) is None and chunk.name is None:
            parts: tuple[str | Hole, ...] = (text[end:], *chunk.parts[1:]) if text[end:] else chunk.parts[1:]
            if lowered[end : end + 1].isalpha() and not _begins_argument(REGISTRY[word], lowered[end:]):
                break
            rest = Chunk(parts, chunk.span._replace(start=chunk.span.start + end))
            return word, REGISTRY[word], rest
    raise UnknownLayerError(chunk)


def _begins_argument(cls: type[Layer], text: str) -> bool:
    """Return whether the text after a word begins as an argument of the class does, not as part of a longer word."""
    letters = PIECE.match(text)
    run = letters.group(0) if letters else ""
    prefixes, keywords = keys_of(cls)
    bare = prefixes.get("")
    # Glued, a letter alone is rather a misspelt word: `inputs`.
    return any(key and run.startswith(key) for key in (*prefixes, *keywords)) or (
        bare is not None and len(run) > 1 and bare.begins(run)
    )


class Keys(NamedTuple):
    """The arguments of a class by prefix and by keyword, the longest keywords first."""

    prefixes: dict[str, Argument[Any]]
    keywords: dict[str, Argument[Any]]


#: Class → its keys, computed when the first layer of the class is read.
_KEYS: dict[type[Layer], Keys] = {}


def keys_of(cls: type[Layer]) -> Keys:
    """Return the keys of a class."""
    if cls in _KEYS:
        return _KEYS[cls]
    arguments = cls.arguments.values()
    prefixes = {prefix: argument for argument in arguments for prefix in argument.shorts}
    keywords = {word: argument for argument in arguments for word in argument.keywords}
    longest_first = sorted(keywords, key=len, reverse=True)
    keys = _KEYS[cls] = Keys(prefixes, {word: keywords[word] for word in longest_first})
    return keys


class UnknownLayerError(SpecError):
    """E101: a chunk begins with no layer word. Suggestions are added when the spec is built."""

    def __init__(self, chunk: Chunk) -> None:
        self.chunk = chunk
        text = chunk.parts[0] if isinstance(chunk.parts[0], str) else ""
        letters = LETTERS.match(text.lower())
        #: The letters at the beginning, or all of the chunk where there are none: `cnov` of `cnov3x3:8`.
        self.word = chunk.span._replace(end=chunk.span.start + letters.end()) if letters else chunk.span
        super().__init__([Diagnostic("E101", f"unknown layer `{self.word.text}`", self.word, "not a layer word")])


class UnknownArgumentError(SpecError):
    """E120: a layer has no argument of the name in `name=value`."""

    def __init__(self, word: str, cls: type[Layer], name: Chunk) -> None:
        self.cls, self.name = cls, name.span.text.lower()
        arguments = list(cls.arguments)
        near = nearest(self.name, arguments)
        notes = (f"its arguments: {', '.join(arguments)}" if arguments else "it takes no arguments",)
        label = name.span.source.path or "not an argument of it"
        message, help = f"`{word}` has no argument `{name.span.text}`", near and f"write `{near}`"
        super().__init__([Diagnostic("E120", message, name.span, label, notes, help)])


class LayerReader:
    """Reads the arguments of one layer, in any order and form."""

    def __init__(self, word: str, cls: type[Layer], node: LayerNode, holes: dict[Span, Any]) -> None:
        self.word, self.cls, self.node, self.holes = word, cls, node, holes
        self.values: Values = {}
        self.by_prefix, self.by_keyword = keys_of(cls)
        self.chunk = node.word

    def read(self, chunks: list[Chunk], assumed: Mapping[str, Any]) -> Layer:
        """Return the layer; raises `SpecError` for the first error in its arguments."""
        try:
            for chunk in chunks:
                self.chunk = chunk
                if chunk.name is not None:
                    self.read_long_form(chunk.name, chunk)
                else:
                    self.read_short_forms(Pieces(list(self.pieces(chunk))))
            self.chunk = self.node.word
            values = {name: value for name, (value, _) in self.values.items()}
            for known in (self.cls.implied, assumed):
                lacking = [name for name in known if name in self.cls.arguments and name not in values]
                values.update({name: known[name] for name in lacking if self.cls.arguments[name].required})
            return self.cls(self.word, **values)
        except ArgumentError as error:
            raise SpecError([self.diagnostic(error)]) from None

    def pieces(self, chunk: Chunk) -> Iterator[Piece]:
        """Yield the numbers, words and marks of a chunk; a hole is a number."""
        at = chunk.span.start
        for part in chunk.parts:
            if isinstance(part, Hole):
                at = part.span.end
                yield Piece(NUMBER, self.holes[part.span], part.span.start, at, part.span.text)
                continue
            for match in PIECE.finditer(part.lower().replace("×", "x")):
                text, kind = match[0], KINDS_OF_PIECE[match.lastindex or 0]
                start, end = at + match.start(), at + match.end()
                value = self.number(text, start, end) if kind == NUMBER else text
                if kind == TENSOR:  # names are case-sensitive
                    text = part[match.start() : match.end()]
                    value = text[1:]
                elif kind == TEXT:
                    value = text = part[match.start() + 1 : match.end() - 1]
                    start, end = start + 1, end - 1
                yield Piece(kind, value, start, end, text)
            at += len(part)

    def number(self, text: str, start: int, end: int) -> Any:
        if "." in text:
            return float(text)
        if len(text) > 9:
            piece = Piece(NUMBER, 0, start, end, text)
            raise ArgumentError("E105", "a number must be below 10^9", f"{len(text)} digits", piece)
        return int(text)

    def read_short_forms(self, pieces: Pieces) -> None:
        """Read numbers, keywords and prefixes in the order of the text."""
        while (piece := pieces.next) is not None:
            bare = self.by_prefix.get("")
            if piece.kind == NUMBER or (piece.kind == WORD and bare is not None and bare.begins(piece.value)):
                self.read_bare(piece, pieces)
            elif piece.kind == WORD:
                self.read_letters(piece, pieces)
            elif bare is not None and (
                (piece.kind == TENSOR and bare.takes_tensor) or (piece.kind == TEXT and bare.takes_text)
            ):
                self.set(bare, bare.read(pieces), piece, pieces)
            elif piece.value == "-" and "" in self.by_prefix:
                label = "a minus sign"
                raise ArgumentError(
                    "E105", "a number here cannot be negative", label, piece, "write it without the `-`"
                )
            elif piece.value == "/" and "kernel" in self.values and "stride" in self.cls.arguments:
                pieces.take()
                self.set(self.cls.arguments["stride"], self.cls.arguments["stride"].read(pieces), piece, pieces)
            elif piece.value in self.by_prefix:
                pieces.take()
                argument = self.by_prefix[piece.value]
                self.set(argument, argument.read(pieces), piece, pieces)
            else:
                self.fail_unknown(piece)

    def read_bare(self, piece: Piece, pieces: Pieces) -> None:
        """Read a value without a prefix, or behind a window's the one that papers write there."""
        argument = self.second_number(piece, pieces) or self.by_prefix.get("")
        if argument is None:
            takes = self.accepted_forms() if self.by_prefix or self.by_keyword else "it takes no arguments"
            prefixes = [f"`{prefix}{piece.text}`" for prefix in self.by_prefix if prefix]
            help = f"write {prefixes[0]}" if len(prefixes) == 1 else takes
            raise ArgumentError("E102", f"`{self.word}` takes no bare number", "not an argument of it", piece, help)
        value = argument.read(pieces)
        self.filters_before_window(argument, value)
        self.set(argument, value, piece, pieces)

    def filters_before_window(self, argument: Argument[Any], value: Any) -> None:
        """Take the number before a window such as `3x3` as the filters, as papers and frameworks order them."""
        first = self.values.get("kernel")
        takes_filters = "filters" in self.cls.arguments and "filters" not in self.values
        if takes_filters and argument.name == "kernel" and first is not None and len(first[0]) == 1 < len(value):
            self.values["filters"] = (first[0][0], self.values.pop("kernel")[1])

    def second_number(self, piece: Piece, pieces: Pieces) -> Argument[Any] | None:
        """Return the argument of a number behind a window such as `3x3`: a conv's filters, a pool's stride."""
        window = self.values.get("kernel")
        if window is None or len(window[0]) < 2 or not pieces.is_last:
            return None
        arguments = self.cls.arguments
        name = next((each for each in ("filters", "stride") if each in arguments), None)
        return arguments[name] if name and name not in self.values else None

    def read_letters(self, piece: Piece, pieces: Pieces) -> None:
        """Read a run of letters: keywords (`samenobias`), and possibly a prefix at the end, with its number."""
        pieces.take()
        run = piece.value
        if (argument := self.by_prefix.get(run)) is not None:
            if run == "x" and piece.start != self.chunk.span.start:
                number = pieces.next.text if pieces.next else ""
                message = "glued, `x` goes on with the numbers before it"
                raise ArgumentError("E107", message, "what this counts is unclear", piece, f"write `:{number}`")
            self.set(argument, argument.read(pieces), piece, pieces)
            return
        keyword = next((key for key in self.by_keyword if run.startswith(key)), None)
        if keyword is None:
            self.fail_unknown(piece)
        if keyword != run:
            at = piece.start + len(keyword)
            pieces.put_back(Piece(WORD, run[len(keyword) :], at, piece.end, piece.text[len(keyword) :]))
            piece = Piece(WORD, keyword, piece.start, at, keyword)
        argument = self.by_keyword[keyword]
        self.set(argument, argument.keywords[keyword], piece, pieces)

    def read_long_form(self, name: Chunk, value: Chunk) -> None:
        """Read `name=value`."""
        own = str(name.parts[0])
        argument = self.cls.arguments.get(own.lower())
        if argument is None or argument.takes_names:
            argument = next((each for each in self.cls.arguments.values() if each.takes_names), None)
        if argument is None:
            self.refuse_letters(name)
            raise UnknownArgumentError(self.word, self.cls, name)
        pieces = Pieces(list(self.pieces(value)))
        first = pieces.next
        if first is None:
            piece = Piece(WORD, argument.name, name.span.start, name.span.end, argument.name)
            raise ArgumentError("E105", f"`{argument.name}` has no value", "nothing behind the `=`", piece)
        if first.value == "null" and not argument.required:  # as JSON has what is left out
            return
        try:
            result = argument.read_long(pieces)
        except ArgumentError:
            self.refuse_misspelt(argument, first)
            raise
        if pieces.next is not None:
            self.fail_unknown(pieces.next)
        if argument.takes_names:
            self.add_named(argument, own, result, name.span.to(self.chunk.span))
        else:
            self.set(argument, result, first, pieces)

    def refuse_letters(self, name: Chunk) -> None:
        """Raise `SpecError` E103 for `k=96 f=11`: which of the two is the window depends on whose letters they are."""
        named = {str(chunk.name.parts[0]).lower(): chunk.span.text for chunk in self.node.arguments if chunk.name}
        if {"k", "f"} <= named.keys() and {"kernel", "filters"} <= self.cls.arguments.keys():
            ways = _both_ways(named["k"], named["f"]) if named["k"].isdigit() and named["f"].isdigit() else ()
            help = " or ".join(f"`kernel={window} filters={count}`" for window, count in ways)
            message = f"`k` and `f` of `{self.word}` may each be the window"
            fail("E103", message, name.span, "or the number of filters", f"write {help}" if help else None)

    def add_named(self, argument: Argument[Any], name: str, value: Any, span: Span) -> None:
        """Add a value to those that an argument collects by names that are no arguments."""
        known = dict(self.values[argument.name][0]) if argument.name in self.values else {}
        if name in known:
            fail("E103", f"`{name}` of `{self.word}` is given twice", span, "given again", "remove one")
        self.values[argument.name] = (*sorted((known | {name: value}).items()),), span

    def refuse_misspelt(self, argument: Argument[Any], piece: Piece) -> None:
        """Raise `ArgumentError` E105 for a word that is nearly one of the argument's."""
        near = nearest(piece.value, argument.keywords) if piece.kind == WORD else None
        if near is not None:
            message = f"`{argument.name}` has no value `{piece.text}`"
            raise ArgumentError("E105", message, "not a word that it takes", piece, f"write `{near}`")

    def set(self, argument: Argument[Any], value: Any, first: Piece, pieces: Pieces) -> None:
        """Record the value of an argument, whose text is from `first` to the last piece taken."""
        span = Span(self.chunk.span.source, first.start, max(pieces.last.end, first.end))
        if argument.name in self.values:
            self.fail_duplicate(argument, span)
        self.values[argument.name] = (value, span)

    # -- errors --------------------------------------------------------------------------------------

    def fail_duplicate(self, argument: Argument[Any], span: Span) -> NoReturn:
        _, before = self.values[argument.name]
        first = before.in_file()
        notes = (f"first given as `{before.text}` at {first.line}:{first.column}",)
        message, label, help = f"`{argument.name}` of `{self.word}` is given twice", "given again", "remove one"
        filters = self.cls.arguments.get("filters")
        two = argument.name == "kernel" and before.text.isdigit() and span.text.isdigit()
        if filters is not None and two:
            # Which of the two is the window, and which the filters?
            readings = [f"`{self.word} {window} x{count}`" for window, count in _both_ways(before.text, span.text)]
            help = f"a number of filters has an x: write {' or '.join(readings)}"
        elif "stride" in self.cls.arguments and two:
            step = f"`{self.word} {before.text} s{span.text}`"
            help = f"a stride has an s: write {step} or `{self.word} {before.text}x{span.text}`"
        elif filters is not None and argument.name == "kernel" and span.text.isdigit():
            help = f"a number of filters has an x: write `x{span.text}`"
        elif argument.name == "shape":
            sizes = "x".join(chunk.span.text for chunk in self.node.arguments)
            help = f"sizes take an x: write `{self.word} {sizes}`"
        fail("E103", message, span, label, help, notes=notes)

    def fail_unknown(self, piece: Piece) -> NoReturn:
        known = [*(key for key in (*self.by_keyword, *self.by_prefix) if len(key) > 1), *self.cls.arguments]
        near = nearest(piece.text, known) if piece.kind == WORD else None
        if near in self.cls.arguments and near not in self.by_keyword:
            near = self.cls.arguments[near].examples()[0]
        for prefix, argument in self.by_prefix.items():
            if piece.text.lower() == f"{prefix}n":  # as the table of layers has it
                near = next(form for form in argument.examples() if form.startswith(prefix))
        help = f"write `{near}`" if near else self.accepted_forms()
        if (
            piece.kind == WORD
            and not near
            and piece.text not in KINDS
            and self.node.arguments
            and self.chunk is self.node.arguments[0]
        ):
            from cnncalc.language.lenient import nearest_words  # only once something is wrong

            text = self.node.span.text
            several = nearest_words(text)
            first = self.node.word.span.text.lower()
            other = several is not None and (several[0] != KINDS[self.word] or first not in KINDS)
            if several is not None and other and several[1] > self.chunk.span.start - self.node.span.start:
                name = Piece(WORD, text, self.node.span.start, self.node.span.start + several[1], text[: several[1]])
                message = f"`{self.word}` has no argument `{piece.text}`"
                raise ArgumentError("E102", message, "not the name of a layer", name, f"write `{several[0]}`")
        if (piece.text in KINDS and piece.kind == WORD) or piece.kind == TENSOR:
            help = f"separate layers: write `| {piece.text}`"
            if self.word in SEQUENCE_WORDS:
                layers = self.node.span.text[len(self.word) :].strip()
                help = f"write its layers in brackets: `{self.word}({layers})`"
        message = f"`{self.word}` has no argument `{piece.text}`"
        raise ArgumentError("E102", message, "not an argument of it", piece, help)

    def accepted_forms(self) -> str:
        """Return a help text with the forms of all arguments."""
        forms = [form for argument in self.cls.arguments.values() for form in argument.examples()]
        return "it takes " + ", ".join(f"`{form}`" for form in forms) if forms else "it takes no arguments"

    def diagnostic(self, error: ArgumentError) -> Diagnostic:
        source = self.chunk.span.source
        span, help = self.node.span, error.help
        if error.piece is not None:
            span = Span(source, error.piece.start, error.piece.end)
        if error.code == "E104" and "filters" in self.cls.arguments:
            help = self.help_with_colon() or help
        return Diagnostic(error.code, error.message, span, error.label, help=help)

    def help_with_colon(self) -> str | None:
        """Return where to write a colon, for `conv3x3s1x16`: its `x16` was read as part of the stride."""
        for name, (_, span) in self.values.items():
            head, mark, number = span.text.lower().rpartition("x")
            if mark and number.isdigit() and head[-1:].isdigit() and (name != "kernel" or head.count("x") >= 1):
                glued = f"glued, `x` goes on with the {name} `{span.text}`"
                return f"{glued}: write `{span.text[: len(head)]}:{number}`"
        return None


def _both_ways(first: str, second: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """Return two numbers as window and filters, the likelier reading first: windows are small."""
    ways = (first, second), (second, first)
    return ways if int(first) <= int(second) else ways[::-1]
