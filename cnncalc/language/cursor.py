"""A cursor over the tokens of a source: it takes the next token, expects a given one, and recovers after an error."""

from __future__ import annotations

from cnncalc.diagnostics import AlreadyReported, Problems, Source, Span, exceed, fail
from cnncalc.language.tokens import END, NEWLINE, SEP, STRAY, Token, tokenize

#: Brackets may be nested this deep.
MAX_DEPTH = 100


class Cursor:
    """The tokens of a source, a position among them, and the open brackets at that position."""

    def __init__(self, source: Source, problems: Problems) -> None:
        self.source, self.problems = source, problems
        self.tokens = tokenize(source, problems)
        self.at = 0
        self.open: list[Token] = []

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    @property
    def kind(self) -> str:
        return self.tokens[self.at].kind

    def take(self) -> Token:
        """Return the next token and advance; END is never passed."""
        token = self.tokens[self.at]
        if token.kind != END:
            self.at += 1
        return token

    def expect(self, kind: str, what: str) -> Token:
        """Take and return the next token; raise `SpecError` E004, stating `what` was expected, for another kind."""
        token = self.token
        if token.kind == kind:
            return self.take()
        got = "the end" if token.kind == END else "a new line" if token.kind == NEWLINE else f"`{token.text}`"
        fail("E004", f"unexpected {got}", self.span(token), f"expected {what}")

    def enter(self) -> Token:
        """Take the opening bracket at the position."""
        token = self.take()
        self.open.append(token)
        if len(self.open) > MAX_DEPTH:
            exceed(f"brackets are nested deeper than {MAX_DEPTH} levels", self.span(token), "too deep")
        return token

    def leave(self, opening: Token) -> None:
        """Take the bracket that closes `opening`; raise `SpecError` E003 if the next token is another."""
        self.open.pop()
        if self.kind == ")":
            self.take()
        elif self.kind == STRAY:
            raise AlreadyReported
        else:
            help = "write a `)` after the last layer of it"
            fail("E003", "a `(` is never closed", self.span(opening), "opened here", help)

    def span(self, token: Token) -> Span:
        return Span(self.source, token.start, token.end)

    def since(self, first: Token) -> Span:
        """Return the span from the first token to the last one taken."""
        return Span(self.source, first.start, max(self.tokens[max(self.at - 1, 0)].end, first.end))

    def skip(self, start: int | None = None) -> Span:
        """Advance to the next separator, past any brackets on the way, and return the skipped part."""
        first = self.tokens[self.at if start is None else start]
        depth = 0
        while self.kind != END and (depth > 0 or self.kind not in (SEP, NEWLINE, ")", ";")):
            depth += {"(": 1, ")": -1}.get(self.take().kind, 0)
        return self.since(first)
