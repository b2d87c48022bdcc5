"""Protocol buffers in their text format, which Caffe's nets are written in.

    message = { field }            field = NAME [ ":" ] value [ "," | ";" ]
    value   = STRING { STRING } | NUMBER | WORD | "{" message "}" | "<" message ">" | "[" value { "," value } "]"

Comments go from `#` to the line's end. No schema is known here: a message holds what stands in the text.

    https://protobuf.dev/reference/protobuf/textformat-spec/
"""

from __future__ import annotations

import re
from typing import NamedTuple, NoReturn

from cnncalc.diagnostics import Diagnostic, Source, Span, SpecError
from cnncalc.readers.text_file import limit_marks

#: White space up to a comment's end or to what is no comment.
SPACE = re.compile(r"\s*(#[^\n]*)?")

TOKEN = re.compile(
    r"(?:(?P<string>\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*')"
    r"|(?P<word>[A-Za-z0-9_.+\-/]+)"
    r"|(?P<mark>[{}<>:;,\[\]]))?"
)

MAX_DEPTH = 100

#: What stands in front of each value, or ends one, and each comment, quote and escape.
MARKS = ":{}<>[],;\"'#\\"

#: The most marks of a text: those of the largest nets many times over.
MAX_MARKS = 150_000

CLOSING = {"{": "}", "<": ">"}


class PrototxtScalar(NamedTuple):
    """A string without its quotes, a number or a word, as its source text."""

    text: str
    span: Span


class PrototxtMessage(NamedTuple):
    """The fields of a message by name, each with all its values in order, and the message's span."""

    fields: dict[str, list[PrototxtScalar | PrototxtMessage]]
    span: Span

    def messages(self, name: str) -> list[PrototxtMessage]:
        return [value for value in self.fields.get(name, ()) if isinstance(value, PrototxtMessage)]

    def message(self, name: str) -> PrototxtMessage:
        """Return the message of that name; an empty one if there is none."""
        messages = self.messages(name)
        return messages[0] if messages else PrototxtMessage({}, self.span)

    def scalars(self, name: str) -> list[PrototxtScalar]:
        return [value for value in self.fields.get(name, ()) if isinstance(value, PrototxtScalar)]

    def scalar(self, name: str) -> PrototxtScalar | None:
        """Return the value of that name: the last one, as in protocol buffers."""
        scalars = self.scalars(name)
        return scalars[-1] if scalars else None

    def text(self, name: str, default: str = "") -> str:
        scalar = self.scalar(name)
        return scalar.text if scalar else default


def parse(source: Source) -> PrototxtMessage:
    """Return the message in the text.

    Raises `SpecError` E302 at the first position where it is invalid, and E303 if it is too large.
    """
    limit_marks(source, MARKS, MAX_MARKS, "values, marks and comments")
    return PrototxtParser(source).message(None, 0)


class PrototxtParser:
    def __init__(self, source: Source) -> None:
        self.source, self.at = source, 0
        self._advance()

    def _advance(self) -> None:
        space = SPACE.match(self.source.text, self.at)
        while space is not None and space.group(1):
            space = SPACE.match(self.source.text, space.end())
        match = TOKEN.match(self.source.text, space.end() if space else self.at)
        assert match is not None  # it matches nothing, too
        self.kind, self.at = match.lastgroup, match.end()
        self.token = match.group(self.kind) if self.kind else ""
        self.start = self.at - len(self.token)

    def message(self, closing: str | None, depth: int) -> PrototxtMessage:
        fields: dict[str, list[PrototxtScalar | PrototxtMessage]] = {}
        begin = self.start
        if depth > MAX_DEPTH:
            self._fail("messages are nested too deeply", f"more than {MAX_DEPTH} levels")
        while self.token != closing and not (closing is None and self._at_end()):
            if self.kind != "word":
                self._fail(f"unexpected `{self.token}`" if self.token else "unexpected end", "expected a field's name")
            name = self.token
            self._advance()
            self._values(fields.setdefault(name, []), depth)
            if self.token in (",", ";") and self.kind == "mark":
                self._advance()
        end = self.at
        if closing is not None:
            self._advance()
        return PrototxtMessage(fields, Span(self.source, begin, end))

    def _values(self, values: list[PrototxtScalar | PrototxtMessage], depth: int) -> None:
        colon = self.kind == "mark" and self.token == ":"
        if colon:
            self._advance()
        if self.kind == "mark" and self.token == "[":
            self._advance()
            while not (self.kind == "mark" and self.token == "]"):
                values.append(self._value(depth))
                if self.kind == "mark" and self.token == ",":
                    self._advance()
                elif not (self.kind == "mark" and self.token == "]"):
                    self._fail("a list does not go on", "expected `,` or `]`")
            self._advance()
        elif colon or (self.kind == "mark" and self.token in CLOSING):
            values.append(self._value(depth))
        else:
            self._fail("a field has no value", "expected `:` or `{`")

    def _value(self, depth: int) -> PrototxtScalar | PrototxtMessage:
        if self.kind == "mark" and self.token in CLOSING:
            closing = CLOSING[self.token]
            self._advance()
            return self.message(closing, depth + 1)
        if self.kind == "mark" or self.kind is None:
            self._fail("a field has no value", "expected a value")
        span, text = Span(self.source, self.start, self.at), self.token
        string = self.kind == "string"
        self._advance()
        if not string:
            return PrototxtScalar(text, span)
        parts = [text[1:-1]]
        while self.kind == "string":  # strings side by side are one
            parts.append(self.token[1:-1])
            self._advance()
        return PrototxtScalar("".join(parts), span)

    def _at_end(self) -> bool:
        return self.kind is None and self.at >= len(self.source.text)

    def _fail(self, message: str, label: str) -> NoReturn:
        end = max(self.at, self.start + 1) if self.kind else self.start + 1
        raise SpecError([Diagnostic("E302", message, Span(self.source, self.start, end), label)])
