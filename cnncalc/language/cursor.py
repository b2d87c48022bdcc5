"""A cursor over the tokens of a source: what stands next, what must, and how to go on after an error."""

from __future__ import annotations

from typing import NoReturn

from cnncalc.diagnostics import Diagnostic, Problems, Source, Span, SpecError
from cnncalc.language.tokens import END, NEWLINE, SEP, STRAY, Token, tokenize

#: So many brackets stand in one another at most.
MAX_DEPTH = 100


class Cursor:
    """The tokens, the place among them, and the brackets that are open there."""

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
        token = self.tokens[self.at]
        if token.kind != END:
            self.at += 1
        return token

    def expect(self, kind: str, what: str) -> Token:
        """The next token, which must be of the kind; else an error that says what was expected."""
        token = self.token
        if token.kind == kind:
            return self.take()
        got = "the end" if token.kind == END else "a new line" if token.kind == NEWLINE else f"`{token.text}`"
        self.fail("E004", f"unexpected {got}", self.span(token), f"expected {what}")

    def enter(self) -> Token:
        """Take the bracket that opens here."""
        token = self.take()
        self.open.append(token)
        if len(self.open) > MAX_DEPTH:
            span = self.span(token)
            message = f"brackets are nested deeper than {MAX_DEPTH} levels"
            raise SpecError([*self.problems.found, Diagnostic("E005", message, span, "too deep")])
        return token

    def leave(self, opening: Token) -> None:
        """Take the bracket that closes the opening one, which must be here."""
        self.open.pop()
        if self.kind == ")":
            self.take()
        elif self.kind == STRAY:
            raise SpecError([])
        else:
            help = "write a `)` after the last layer of it"
            self.fail("E003", "a `(` is never closed", self.span(opening), "opened here", help)

    def span(self, token: Token) -> Span:
        return Span(self.source, token.start, token.end)

    def since(self, first: Token) -> Span:
        """From the first token to the last that was taken."""
        return Span(self.source, first.start, max(self.tokens[max(self.at - 1, 0)].end, first.end))

    # -- errors --------------------------------------------------------------------------------------

    def report(self, code: str, message: str, span: Span, label: str, help: str | None = None) -> None:
        self.problems.add(Diagnostic(code, message, span, label, help=help))

    def fail(self, code: str, message: str, span: Span, label: str, help: str | None = None) -> NoReturn:
        raise SpecError([Diagnostic(code, message, span, label, help=help)])

    def skip(self, error: SpecError, start: int | None = None) -> Span:
        """Keep the error and go to the next separator, brackets on the way included; gives what was passed over."""
        for diagnostic in error.diagnostics:
            self.problems.add(diagnostic)
        if any(diagnostic.code == "E005" for diagnostic in error.diagnostics):
            raise error
        first = self.tokens[self.at if start is None else start]
        depth = 0
        while self.kind != END and (depth > 0 or self.kind not in (SEP, NEWLINE, ")", ";")):
            depth += {"(": 1, ")": -1}.get(self.take().kind, 0)
        return self.since(first)
