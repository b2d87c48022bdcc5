"""Parses tokens to nodes, by recursive descent with one method for each rule of the grammar.

    spec      = { let | def | item SEP }     a let or def stands on a line of its own; the first item may be a shape
    sequence  = item { SEP item }
    item      = atom [ "*" count ] [ "as" NAME ]
    atom      = layer | [ WORD ] "(" sequence ")" | call | merge | "@" NAME
                                                  WORD is one of the registry that takes a sequence: timewise
    layer     = chunk { chunk | [ NAME "=" ] ( "@" NAME | text ) }
                                                  the layer word, arguments glued to it or not, then others
    merge     = layer "(" arm { ";" arm } ")"     its word is a merge of the registry: add, concat, mul
    arm       = [ sequence ]
    call      = NAME "(" [ value { "," value } ] ")"
    value     = [ NAME "=" ] expression
    let       = "let" NAME "=" expression { "," NAME "=" expression }
    def       = "def" NAME "(" [ parameter { "," parameter } ] ")" "=" sequence, up to the line's end
    parameter = NAME [ "=" expression ]
    count     = INTEGER | hole
    chunk     = [ NAME "=" ] ( TEXT | hole ) { TEXT | hole }, without a space
    hole      = "{" expression "}" | "?"
    text      = '"' { any character of the line but '"' } '"'

SEP is a `|`, `,` or `->`, or a line's end that `tokens` has kept; expressions are those of `expressions`. The parser
does not check whether the word of a chunk is a layer. After an error it continues after the next separator, so
that one run reports all errors; an `InvalidNode` replaces what could not be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NoReturn

from cnncalc.diagnostics import AlreadyReported, Diagnostic, Problems, Source, Span, SpecError, exceed, fail
from cnncalc.language.cursor import Cursor
from cnncalc.language.expressions import ExpressionParser
from cnncalc.language.nodes import (
    UNKNOWN_NUMBER,
    Atom,
    CallNode,
    Chunk,
    DefNode,
    Expression,
    GroupNode,
    Hole,
    InvalidNode,
    ItemNode,
    LayerNode,
    LetNode,
    MergeNode,
    NameNode,
    ReferenceNode,
    Spec,
)
from cnncalc.language.references import layer_node
from cnncalc.language.tokens import CHUNK, END, NEWLINE, SEP, STRAY, TEXT, Token
from cnncalc.layers import MERGE_WORDS, SEQUENCE_WORDS

#: Sizes as arithmetic writes them: `3*3`.
PRODUCT = re.compile(r"(?<![\w)*])\d+(?:\*\d+)+")
#: A number of repeats as prose writes it: `x2`.
TIMES = re.compile(r"[xX×]?(\d+)")
NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)

#: Each layer in a named block has the block's name in its own, so that a long name is written out very often.
MAX_NAME = 100
HOLE = re.compile(r"(\{[^{}\n]*\}|\?)")
LONG_FORM = re.compile(r"([A-Za-z_]\w*)=", re.ASCII)
BINDING = re.compile(r"\s*([A-Za-z_]\w*)\s*(=?)\s*", re.ASCII)


def parse(source: Source, problems: Problems) -> Spec:
    """Return the nodes of a spec. Errors are added to `problems`; an `InvalidNode` replaces what could not be read."""
    return Parser(source, problems).spec()


def parse_block(source: Source) -> DefNode:
    """Return the def of a text that has nothing else; raises `SpecError` with its errors."""
    problems = Problems()
    parser = Parser(source, problems)
    parser.expect(CHUNK, "`def`")
    block = parser.definition()
    parser.expect(END, "nothing behind the def")
    problems.raise_if_any()
    return block


def parse_items(source: Source, problems: Problems) -> tuple[ItemNode, ...]:
    """Return the items of a text that is one sequence, such as a string in a YAML list."""
    return Parser(source, problems).whole_sequence()


class Parser(Cursor):
    """Reads the tokens of one source; each method reads one rule of the grammar."""

    # -- the grammar ---------------------------------------------------------------------------------

    #: The lets and defs on lines of their own between the layers; None where there may be none.
    late: list[LetNode | DefNode] | None = None

    def spec(self) -> Spec:
        definitions = self.definitions()
        self.late = []
        items = self.whole_sequence()
        return Spec(None, (*definitions, *self.late), _with_input(items))

    def definitions(self) -> list[LetNode | DefNode]:
        definitions: list[LetNode | DefNode] = []
        while self.kind == CHUNK and self.token.text.lower() in ("let", "def"):
            first = self.at
            try:
                if self.take().text.lower() == "let":
                    definitions += self.lets()
                else:
                    definitions.append(self.definition())
            except SpecError as error:
                name = NAME.match(self.tokens[first + 1].text)
                if name:
                    self.problems.broken.add(name.group())
                self.recover(error)
            if self.kind in (SEP, NEWLINE):
                self.take()
        return definitions

    def whole_sequence(self) -> tuple[ItemNode, ...]:
        """Return the items of a sequence that must extend to the end of the text."""
        if self.kind == END:
            if not self.problems:
                message, help = "the spec has no layer", "write for example `input 32x32x3 | conv 3x3 x16 | pool 2`"
                span = self.span(self.token) if self.source.text else None
                self.problems.report("E007", message, span, "nothing here" if span else "", help)
            return ()
        items = self.sequence()
        while self.kind != END:
            token = self.take()
            if token.kind != STRAY:
                what = "closes no bracket" if token.kind == ")" else "stands outside brackets"
                help = "a `;` separates the arms of `add( ; )`" if token.kind == ";" else "remove it"
                self.problems.report("E003", f"unexpected `{token.text}`", self.span(token), what, help)
            items += self.sequence() if self.kind not in (END, ")", ";") else ()
        return items

    def sequence(self, one_line: bool = False) -> tuple[ItemNode, ...]:
        """Return the items of a sequence: item { SEP item }.

        It ends at a closing bracket, a `;`, the end, or with `one_line` at the line's end.
        """
        items: list[ItemNode] = []
        while True:
            if self.late is not None and not self.open and not one_line and self.begins_definition():
                self.late += self.definitions()
                if self.kind == END:
                    return tuple(items)
            start = self.at
            try:
                item = self.item()
                self.expect_item_end()
                items.append(item)
            except SpecError as error:
                items.append(self.recover(error, start))
            if self.kind == SEP or (self.kind == NEWLINE and not one_line):
                self.take()
            else:
                return tuple(items)

    def begins_definition(self) -> bool:
        """Return whether a let or def begins here, on a line of its own."""
        before = self.tokens[self.at - 1] if self.at else None
        line = self.source.text[before.end if before else 0 : self.token.start]
        starts_line = before is None or before.kind == NEWLINE or "\n" in line
        return starts_line and self.kind == CHUNK and self.token.text.lower() in ("let", "def")

    def item(self) -> ItemNode:
        first = self.token
        atom = self.atom()
        count: int | Hole | None = None
        count_span = name = name_span = None
        if self.kind == "*":
            self.take()
            count, count_span = self.count()
        if self.kind == CHUNK and self.token.text.lower() == "as":
            self.take()
            name, name_span = self.name("after `as`")
        return ItemNode(atom, self.since(first), count, count_span, name, name_span)

    def atom(self) -> Atom:
        first = self.token
        if first.kind == "(":
            return self.group()
        if first.kind == "@":
            self.take()
            name, _ = self.name("after `@`")
            return ReferenceNode(name, self.since(first))
        if first.kind in (SEP, NEWLINE, END, ")", ";"):
            self.fail_empty_layer()
        token = self.expect(CHUNK, "a layer")
        word = token.text.lower()
        if self.kind == "(":
            if word in SEQUENCE_WORDS:
                return self.group(token)
            return self.merge(self.layer(token)) if word in MERGE_WORDS else self.call(token)
        if word in ("let", "def"):
            help = f"move the `{word}` to the beginning, on a line of its own"
            fail("E004", f"`{word}` must stand before the layers", self.span(token), "too late", help)
        layer = self.layer(token)
        return self.merge(layer) if self.kind == "(" and word in MERGE_WORDS else layer

    def layer(self, first: Token) -> LayerNode:
        word = self.chunk(first)
        arguments = []
        while self.kind in ("@", TEXT) or (self.kind == CHUNK and self.token.text.lower() != "as"):
            arguments.append(self.argument())
        return layer_node(word, arguments, self.since(first))

    def argument(self, name: Chunk | None = None) -> Chunk:
        """Return an argument; `name` is its own if it is separate from the value (in YAML)."""
        first = self.token
        if first.kind == CHUNK:
            self.take()
            if self.kind == CHUNK and first.text.endswith("=") and self.token.start == first.end:
                name = Chunk((first.text[:-1],), Span(self.source, first.start, first.end - 1))
                return self.chunk(self.take(), name)
            if self.kind == "@" and (filters := self.filters_at(first)):
                return filters
            if self.kind not in ("@", TEXT) or not (long_form := LONG_FORM.fullmatch(first.text)):
                return self.chunk(first, name)
            name = Chunk((long_form.group(1),), Span(self.source, first.start, first.end - 1))
        if self.kind == TEXT:
            token = self.take()
            return Chunk((token.text,), self.span(token), name)
        at = self.expect("@", "a value")
        tensor, _ = self.name("after `@`")
        return Chunk((f"@{tensor}",), self.since(at), name)

    def filters_at(self, first: Token) -> Chunk | None:
        """Take and return `64@3x3`, filters in front of a window; None where the `@` is a name's."""
        window = self.tokens[self.at + 1]
        glued = first.end == self.token.start and self.token.end == window.start
        if not (first.text.isdigit() and glued and window.text[:1].isdigit()):
            return None
        self.take(), self.take()
        return Chunk((f"{first.text}@{window.text}",), self.since(first))

    def group(self, word: Token | None = None) -> GroupNode:
        opening = self.enter()
        items = self.sequence()
        while word is not None and self.kind == ";":
            message, help = f"`{word.text}` has one sequence, not arms", "separate layers with `|`"
            self.problems.report("E003", message, self.span(self.take()), "begins another", help)
            self.arm()
        self.leave(opening)
        return GroupNode(items, self.since(word or opening), word.text.lower() if word else "")

    def merge(self, layer: LayerNode) -> MergeNode:
        opening = self.enter()
        arms = [self.arm()]
        while self.kind == ";":
            self.take()
            arms.append(self.arm())
        self.leave(opening)
        return MergeNode(layer, tuple(arms), layer.span.to(self.since(opening)))

    def arm(self) -> tuple[ItemNode, ...]:
        return () if self.kind in (";", ")") else self.sequence()

    def call(self, word: Token) -> CallNode:
        # No block has a dot in its name, but `nn.Conv2d(…)` is read to its end, so that it can be translated.
        if not NAME.fullmatch(word.text.rpartition(".")[2]):
            help = "separate layers with `|`"
            fail("E004", "unexpected `(`", self.span(self.token), "expected a separator before it", help)
        values: list[tuple[str | None, Expression]] = []
        problems: list[Diagnostic] = []
        slices = self.slices()
        try:
            for start, end in slices:
                name, value, _ = self.binding(start, end)
                if value is None:
                    fail("E008", "a value is missing", Span(self.source, start, end), "expected a value")
                values.append((name, value))
        except SpecError as error:
            problems += error.diagnostics
        return CallNode(word.text, tuple(values), self.since(word), self.span(word), tuple(problems))

    def lets(self) -> Iterator[LetNode]:
        yield self.let()
        while self.token.text == "," and self.binds(self.at + 1):
            self.take()
            yield self.let()

    def binds(self, at: int) -> bool:
        """Return whether the token at a position begins `NAME =`, which begins no layer."""
        token = self.tokens[at]
        return bool(LONG_FORM.match(token.text) or (NAME.fullmatch(token.text) and self.tokens[at + 1].kind == "="))

    def let(self) -> LetNode:
        first = self.tokens[self.at - 1]
        start = end = self.token.start
        depth = 0
        # A comma or a bar ends the let, but within brackets a comma belongs to `min(a, b)`.
        while self.kind != END and (depth or self.kind not in (SEP, NEWLINE)):
            depth += {"(": 1, ")": -1}.get(self.kind, 0)
            end = self.take().end
        bound = BINDING.match(self.source.text, start, end)
        if bound is None or not bound.group(2):
            span = Span(self.source, first.start, max(end, first.end))
            fail(
                "E004", "a let gives a name to a number", span, "expected `let NAME = number`", "write `let width = 64`"
            )
        value = ExpressionParser(self.source, bound.end(), end).parse()
        return LetNode(bound.group(1), value, Span(self.source, bound.start(1), bound.end(1)))

    def definition(self) -> DefNode:
        name, parameters, span = self.header()
        self.expect("=", "`=` and the block's layers")
        return DefNode(name, parameters, self.sequence(one_line=True), span)

    def header(self) -> tuple[str, tuple[tuple[str, Expression | None], ...], Span]:
        """Return the name, the parameters and the name's span of a def.

        The rule is NAME "(" [ parameter { "," parameter } ] ")".
        """
        name, span = self.name("after `def`")
        parameters: list[tuple[str, Expression | None]] = []
        if self.kind != "(":
            help = f"write `def {name}() = …`"
            fail("E004", "a def has brackets for its parameters", self.span(self.token), "expected `(`", help)
        for start, end in self.slices():
            parameter, default, bare = self.binding(start, end)
            if parameter is None:
                if bare is None:
                    fail("E004", "a parameter is a name", Span(self.source, start, end), "expected a name")
                parameter, default = bare, None
            parameters.append((parameter, default))
        return name, tuple(parameters), span

    def count(self) -> tuple[int | Hole, Span]:
        token = self.expect(CHUNK, "a number of repeats")
        span = self.span(token)
        if HOLE.fullmatch(token.text):
            return self.hole(token.start, token.end), span
        if not token.text.isdigit():
            help = "write `* 3`, or `* {n}`"
            fail("E004", f"`{token.text}` is not a number of repeats", span, "expected a whole number", help)
        if len(token.text) > 9:
            fail("E105", "a number of repeats must be below 10^9", span, "too large")
        return int(token.text), span

    # -- parts of tokens -----------------------------------------------------------------------------

    def chunk(self, token: Token, name: Chunk | None = None) -> Chunk:
        """Return the parts of a token; `name` is the argument's, if it is separate from its value (in YAML)."""
        text, start = token.text, token.start
        if name is None and "=" in text and (long_form := LONG_FORM.match(text)):
            name = Chunk((long_form.group(1),), Span(self.source, start, start + long_form.end(1)))
            return self._chunk(text[long_form.end() :], start + long_form.end(), name)
        return self._chunk(text, start, name)

    def _chunk(self, text: str, start: int, name: Chunk | None) -> Chunk:
        span = Span(self.source, start, start + len(text))
        if "{" not in text and UNKNOWN_NUMBER not in text:
            return Chunk((text,), span, name)
        parts: list[str | Hole] = []
        for index, part in enumerate(HOLE.split(text)):
            if index % 2:
                parts.append(self.hole(start, start + len(part)))
            elif part:
                parts.append(part)
            start += len(part)
        return Chunk(tuple(parts), span, name)

    def hole(self, start: int, end: int) -> Hole:
        if end == start + 1:
            span = Span(self.source, start, end)
            return Hole(NameNode(UNKNOWN_NUMBER, span), span)
        bare = NAME.fullmatch(self.source.text, start + 1, end - 1)
        if bare:  # as most are
            return Hole(NameNode(bare.group(), Span(self.source, start + 1, end - 1)), Span(self.source, start, end))
        return Hole(ExpressionParser(self.source, start + 1, end - 1).parse(), Span(self.source, start, end))

    def slices(self) -> list[tuple[int, int]]:
        """Take a bracket; return the start and end of each text between its commas."""
        opening = self.enter()
        slices, start, depth = [], opening.end, 0
        while self.kind != END and (depth or self.kind != ")"):
            token = self.take()
            depth += {"(": 1, ")": -1}.get(token.kind, 0)
            if token.text == "," and not depth:
                slices.append((start, token.start))
                start = token.end
        end = self.token.start
        self.leave(opening)
        if slices or self.source.text[start:end].strip():
            slices.append((start, end))
        return [self._stripped(*each) for each in slices]

    def _stripped(self, start: int, end: int) -> tuple[int, int]:
        text = self.source.text[start:end]
        return start + len(text) - len(text.lstrip()), end - len(text) + len(text.rstrip())

    def binding(self, start: int, end: int) -> tuple[str | None, Expression | None, str | None]:
        """Return (name, value, None) for `NAME = expression`, else (None, value, the value's name or None)."""
        match = BINDING.match(self.source.text, start, end)
        if match and match.group(2):
            return match.group(1), ExpressionParser(self.source, match.end(), end).parse(), None
        bare = match.group(1) if match and match.end() == end else None
        return None, ExpressionParser(self.source, start, end).parse(), bare

    def name(self, where: str) -> tuple[str, Span]:
        """Take a name; `where` it is expected is part of the error."""
        token = self.expect(CHUNK, f"a name {where}")
        if not NAME.fullmatch(token.text):
            help = "a name has letters, digits and `_`, and does not begin with a digit"
            fail("E004", f"`{token.text}` is not a name", self.span(token), f"expected a name {where}", help)
        if len(token.text) > MAX_NAME:
            exceed(f"a name is longer than {MAX_NAME} characters", self.span(token), "too long", "choose a shorter one")
        return token.text, self.span(token)

    # -- errors and recovery --------------------------------------------------------------------------

    def expect_item_end(self) -> None:
        """Raise `SpecError` E004 unless an item may end here."""
        token = self.token
        if token.kind in (SEP, NEWLINE, END, ")", ";"):
            return
        if token.kind == STRAY:
            raise AlreadyReported
        if token.text == "=":
            fail("E004", "unexpected `=`", self.span(token), "expected `name=value`", "write it without spaces")
        help = "separate layers with `|`"
        if self.at and self.tokens[self.at - 1].kind == ")" and (times := TIMES.fullmatch(token.text)):
            help = f"to repeat, write `* {times.group(1)}`"
        start = self.span(token).line_start
        # The last one that begins before the token is the one that it goes on with.
        for product in PRODUCT.finditer(self.source.text[start : start + 1000].partition("\n")[0]):
            if start + product.start() > token.start:
                break
            sizes = product.group().replace("*", "x")
            help = f"`*` repeats a layer, and sizes take an x: write `{sizes}`"
        fail("E004", f"unexpected `{token.text}`", self.span(token), "expected a separator before it", help)

    def fail_empty_layer(self) -> NoReturn:
        """Raise `SpecError` E002: there is no layer here."""
        token = self.token
        before = self.tokens[self.at - 1] if self.at else None
        where = "expected here" if token.kind == END else "before this"
        if token.kind != SEP and before is not None and before.kind == SEP:
            token, where = before, "behind this"
        help = "remove the separator, or write a layer"
        fail("E002", "an empty layer", self.span(token), f"no layer {where}", help)

    def recover(self, error: SpecError, start: int | None = None) -> ItemNode:
        """Report the error and skip what could not be read."""
        self.problems.catch(error)
        span = self.skip(start)
        return ItemNode(InvalidNode(span), span)


#: A shape as a spec may begin with it.
SHAPE = re.compile(r"\d+(?:[xX×]\d+)*")


def _with_input(items: tuple[ItemNode, ...]) -> tuple[ItemNode, ...]:
    """Return the items; a shape that stands first is the input's."""
    first = items[0].atom if items else None
    if not isinstance(first, LayerNode) or first.word.name is not None or len(first.word.parts) != 1:
        return items
    if not isinstance(first.word.parts[0], str) or not SHAPE.fullmatch(first.word.parts[0]):
        return items
    word = Chunk(("input",), first.word.span._replace(end=first.word.span.start))
    return (items[0]._replace(atom=LayerNode(word, (first.word, *first.arguments), first.span)), *items[1:])
