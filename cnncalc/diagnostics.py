"""The location and cause of an error: spans in a source, diagnostics, and the exception that carries them.

A `Diagnostic` is a plain value. It is rendered as lines of `(role, text)` pieces: joined, they are the text of an
exception; on a coloured terminal, each role has a style.

A stage that continues after an error collects its diagnostics in `Problems` and raises them together at the end.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, NoReturn, TypeVar

#: The codes of names that nothing has: a let or layer, and a block.
NAMES_UNKNOWN = ("E110", "E112")

#: No report shows more than this many errors at once.
MAX_ERRORS = 20

#: Equal errors are shown once; after this many, from a wrong item that is repeated without end, reading stops.
MAX_EQUAL_ERRORS = 400

#: The most calls that an error in a block shows, from the inside out.
MAX_CALLS_SHOWN = 4

#: Columns for the excerpt of a source line where no terminal says otherwise.
EXCERPT_WIDTH = 100

Given = TypeVar("Given")
Made = TypeVar("Made")

Piece = tuple[str, str]
Line = list[Piece]


class Edit(NamedTuple):
    """What takes the place of the characters `start` to `end` of a text.

    `stated` are channels that the old text says to come in, for each of the new layers: (`in_channels`, 3), or None.
    """

    start: int
    end: int
    text: str
    stated: tuple[tuple[str, int] | None, ...] = ()


class Source(NamedTuple):
    """A text, and its name in messages (`<spec>`, `net.cnn`).

    A string inside a YAML file is a source of its own with the file as its `base`: if `exact`, its characters are in
    the file from `offset` on, one for one; otherwise (escapes, folded lines) any span in it is shown as the whole
    scalar, `offset` to `end`. `path` is the string's place in the file's mappings. `title` is the name of the network,
    if it is not part of the text. `packaged` text comes with the program: its reader cannot edit it.
    """

    name: str
    text: str
    base: "Source | None" = None
    offset: int = 0
    end: int = 0
    exact: bool = True
    path: str = ""
    title: str | None = None
    packaged: bool = False
    #: The edits of `base` that made this text of it, in order: a span in one is shown as all that it took the place of.
    edits: tuple[Edit, ...] = ()

    def rewritten(self, edits: "Sequence[Edit]") -> "Source":
        """Return the text with edits made, which are in order and do not overlap."""
        parts, at = [], 0
        for edit in edits:
            parts += [self.text[at : edit.start], edit.text]
            at = edit.end
        text = "".join([*parts, self.text[at:]])
        return Source(self.name, text, self, path=self.path, title=self.title, edits=tuple(edits))

    def in_base(self, position: int, end: bool = False) -> int:
        """Return where a position was in `base` before the edits; within one, where that began, or its `end`."""
        moved = 0
        for edit in self.edits:
            begins = edit.start + moved
            stops = begins + len(edit.text)
            if position < begins or (position == begins and end):
                break
            if position < stops or (position == stops and end):
                return edit.end if end else edit.start
            moved = stops - edit.end
        return position - moved

    def __repr__(self) -> str:
        return f"<Source {printable(self.name)}>"


class Span(NamedTuple):
    """The characters `start` to `end` of a source."""

    source: Source
    start: int
    end: int

    def __repr__(self) -> str:
        return f"<Span {printable(self.source.name)}:{self.line}:{self.column} {printable(self.text)!r}>"

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    def to(self, other: "Span") -> "Span":
        """Return the span from the start of this one to the end of the other."""
        return Span(self.source, self.start, max(self.end, other.end))

    def in_file(self) -> "Span":
        """Return the same span in the outermost source: the file that the reader of the message opens."""
        span = self
        while (base := span.source.base) is not None:
            inner = span.source
            if inner.edits:
                span = Span(base, inner.in_base(span.start), inner.in_base(span.end, end=True))
            elif inner.exact:
                span = Span(base, inner.offset + span.start, inner.offset + span.end)
            else:
                span = Span(base, inner.offset, inner.end)
        return span

    @property
    def line(self) -> int:
        """The line of the start in its own source, counted from 1."""
        return self.source.text.count("\n", 0, self.start) + 1

    @property
    def column(self) -> int:
        """The column of the start in its line, counted from 1, in characters."""
        return self.start - self.line_start + 1

    @property
    def line_start(self) -> int:
        return self.source.text.rfind("\n", 0, self.start) + 1

    @property
    def line_end(self) -> int:
        end = self.source.text.find("\n", self.start)
        return len(self.source.text) if end < 0 else end


class Enclosing(NamedTuple):
    """A block, a named group or a repeat that a layer stands in, by its name in reports.

    `written` is the call of a block, or what a repeat repeats `count` times; a named group has neither.
    """

    name: str
    written: Span | None = None
    count: int | None = None  # type: ignore[assignment]  # hides tuple.count, which no one needs


class Origin(NamedTuple):
    """The origin of a node: its span in the source, the calls that led to it, innermost first, and what encloses it.

    `within` has the blocks, named groups and repeats around it, outermost first.
    """

    span: Span
    calls: tuple[Span, ...] = ()
    within: tuple[Enclosing, ...] = ()


class Diagnostic(NamedTuple):
    """An error (E…) or a warning (W…): a headline, a span with a label, notes, and the edit to make."""

    code: str
    message: str
    span: Span | None = None
    label: str = ""
    notes: tuple[str, ...] = ()
    help: str | None = None
    layer: str | None = None
    calls: tuple[Span, ...] = ()

    @property
    def severity(self) -> str:
        return "warning" if self.code.startswith("W") else "error"

    def to_dict(self) -> dict[str, object]:
        """Return the JSON object of the error, an item of `errors`; lines and columns count from 1."""
        place = self.place.in_file() if self.place else None
        return {
            "code": self.code,
            "message": cut(f"{self.message}: {self.label}" if self.label else self.message),
            "source": cut(place.source.name) if place else None,
            "line": place.line if place else None,
            "column": place.column if place else None,
            "end_column": place.column + max(place.end - place.start, 1) if place else None,
            "layer": self.layer,
            "notes": [cut(note) for note in self._block_notes()],
            "help": cut(self.help) if self.help is not None and self.span == self.place else None,
        }

    @property
    def enclosing(self) -> tuple[Span, ...]:
        """The span and the calls that led to it, from the first that is not in a packaged block."""
        spans = (self.span, *self.calls) if self.span else ()
        return next((spans[at:] for at, span in enumerate(spans) if not span.source.packaged), spans)

    @property
    def place(self) -> Span | None:
        """The span to show: for an error in a packaged block, the call of the block."""
        return self.enclosing[0] if self.span else None

    def lines(self, width: int = EXCERPT_WIDTH) -> Iterator[Line]:
        """Yield the message as lines of `(role, text)` pieces; a source line is cut to `width` around its caret."""
        yield [(self.severity, f"{self.severity}[{self.code}]"), ("message", f": {printable(self.message)}")]
        gutter = ""
        if self.span is not None:
            place, *callers = [span.in_file() for span in self.enclosing]
            gutter = " " * len(str(max(each.line for each in (place, *callers))))
            yield from _frame(place, self.label, "-->", gutter, width)
            for caller in callers[:MAX_CALLS_SHOWN]:
                yield from _frame(caller, "called here", ":::", gutter, width)
            if len(callers) > MAX_CALLS_SHOWN:
                yield [
                    ("gutter", f"{gutter} ::: "),
                    ("place", f"and {len(callers) - MAX_CALLS_SHOWN} calls further out"),
                ]
        elif self.label:
            yield [("gutter", " = "), ("message", printable(self.label))]
        for note in self._all_notes():
            yield [("gutter", f"{gutter} = "), ("note", "note: "), ("message", printable(note))]
        if self.help and self.span == self.place:  # not an edit to a packaged block
            yield [("gutter", f"{gutter} = "), ("help", "help: "), ("message", printable(self.help))]

    def _all_notes(self) -> Iterator[str]:
        path = self.place.source.path if self.place else ""
        if path and path != self.label:
            yield f"at {path}"
        yield from self._block_notes()

    def _block_notes(self) -> Iterator[str]:
        """Yield the note that names the packaged block of the error, if it is in one, and the notes."""
        if self.span and self.span != self.place:
            block = self.calls[0].text.partition("(")[0].strip()
            yield f"in `{' '.join(self.span.text.split())}` of the block `{block}`: `cnncalc zoo {block}` shows it"
        yield from self.notes

    def __str__(self) -> str:
        return render([self])


class Rendering(NamedTuple):
    """How a notebook shows an error: the lines in place of a traceback, and HTML."""

    traceback: "Callable[[SpecError], list[str]]"
    html: "Callable[[SpecError], str]"


class SpecError(ValueError):
    """A spec, file or option is wrong. `diagnostics` has every error; the text is the rendered message."""

    #: The functions of the library set it: they know the formats of a report, which this module does not.
    rendering: Rendering | None = None

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__(self.diagnostics)

    def with_diagnostics(self, diagnostics: Iterable[Diagnostic]) -> "SpecError":
        """Return the same error with other diagnostics."""
        return SpecError(diagnostics)

    def __str__(self) -> str:
        return render(self.diagnostics)

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython shows in place of a traceback, in which the message would be a detail."""
        return self.rendering.traceback(self) if self.rendering else str(self).split("\n")

    def _repr_html_(self) -> str | None:
        return self.rendering.html(self) if self.rendering else None


class AlreadyReported(SpecError):  # noqa: N818  # no error of its own
    """Ends the reading of an item whose error has been collected already; it has no diagnostics."""

    def __init__(self) -> None:
        super().__init__(())


class FatalError(SpecError):
    """An error that ends all reading: a limit is exceeded, or there are too many errors."""


def fail(
    code: str,
    message: str,
    span: Span | None = None,
    label: str = "",
    help: str | None = None,
    *,
    notes: tuple[str, ...] = (),
    calls: tuple[Span, ...] = (),
) -> NoReturn:
    """Raise `SpecError` with one diagnostic."""
    raise SpecError([Diagnostic(code, message, span, label, notes, help, calls=calls)])


def exceed(
    message: str,
    span: Span | None = None,
    label: str = "",
    help: str | None = None,
    *,
    calls: tuple[Span, ...] = (),
) -> NoReturn:
    """Raise `FatalError` E005: a limit of the language is exceeded."""
    raise FatalError([Diagnostic("E005", message, span, label, help=help, calls=calls)])


class Problems:
    """Collects the errors of a source, so that one run reports them all."""

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []
        self.equal = 0
        #: The names of lets and defs that could not be read: what uses one is no error of its own.
        self.broken: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self.diagnostics)

    def report(
        self,
        code: str,
        message: str,
        span: Span | None = None,
        label: str = "",
        help: str | None = None,
        *,
        notes: tuple[str, ...] = (),
    ) -> None:
        """Add an error."""
        self.add(Diagnostic(code, message, span, label, notes, help))

    def add(self, *diagnostics: Diagnostic) -> None:
        """Add errors, each once; raise `FatalError` with all of them once they, or equal ones, are too many."""
        for diagnostic in diagnostics:
            if self._is_known(diagnostic):
                self.equal += 1
            else:
                self.diagnostics.append(diagnostic)
        if len(self.diagnostics) >= MAX_ERRORS or self.equal >= MAX_EQUAL_ERRORS:
            raise FatalError(self._in_order()[:MAX_ERRORS])

    def _is_known(self, diagnostic: Diagnostic) -> bool:
        """Return whether the cause of an error has been reported: one root cause is one error.

        An unknown name or block is, wherever it is used; another mistake in a text is, by whatever calls it is reached.
        """
        code, message = diagnostic.code, diagnostic.message
        if code in NAMES_UNKNOWN:
            if any(message.endswith(f" `{name}`") for name in self.broken):
                return True
            return any(each.code == code and each.message == message for each in self.diagnostics)
        if code[:2] in ("E0", "E1"):
            cause = code, message, diagnostic.span
            return any((each.code, each.message, each.span) == cause for each in self.diagnostics)
        return diagnostic in self.diagnostics

    def catch(self, error: SpecError, calls: tuple[Span, ...] = ()) -> None:
        """Add the diagnostics of an error, with the calls that led to it; raise a fatal error with all errors."""
        self.add(*[each._replace(calls=calls) if calls else each for each in error.diagnostics])
        if isinstance(error, FatalError):
            raise FatalError(self._in_order())

    def raise_if_any(self) -> None:
        """Raise `SpecError` with all collected errors, in the order of the source, if there are any."""
        if self.diagnostics:
            raise SpecError(self._in_order())

    def _in_order(self) -> list[Diagnostic]:
        """Return the errors in the order of their sources, and of their spans in each; those without a span first."""
        sources: list[Source] = []

        def position(diagnostic: Diagnostic) -> tuple[int, int]:
            if diagnostic.place is None:
                return -1, 0
            span = diagnostic.place.in_file()
            if span.source not in sources:
                sources.append(span.source)
            return sources.index(span.source), span.start

        return sorted(self.diagnostics, key=position)


def try_each(work: Callable[[Given], Made], items: Iterable[Given]) -> list[Made]:
    """Return the result of `work` for each item, in order; raise one `SpecError` with the errors of all items."""
    problems = Problems()

    def attempt(item: Given) -> list[Made]:
        try:
            return [work(item)]
        except SpecError as error:
            problems.catch(error)
            return []

    results = [result for item in items for result in attempt(item)]
    problems.raise_if_any()
    return results


def render(diagnostics: Sequence[Diagnostic], width: int = EXCERPT_WIDTH) -> str:
    """Return the diagnostics as plain text, with a blank line between them."""
    return "\n\n".join(
        "\n".join("".join(text for _, text in line) for line in diagnostic.lines(width)) for diagnostic in diagnostics
    )


def _frame(place: Span, label: str, arrow: str, gutter: str, width: int) -> Iterator[Line]:
    number = str(place.line).rjust(len(gutter))
    yield [("gutter", f"{gutter}{arrow} "), ("place", f"{printable(place.source.name)}:{place.line}:{place.column}")]
    start, first, last = place.line_start, place.start, min(place.end, place.line_end)
    # A long line shows the part around the caret: a wrapped caret line would point at nothing.
    room = max(width - len(gutter) - 4, 20)
    begin, end = start, place.line_end
    if end - begin > room:
        begin = max(start, min(first - room // 3, end - room))
        end = min(end, begin + room)
        last = min(last, end)
    text = place.source.text
    left, right = "…" if begin > start else "", "…" if end < place.line_end else ""
    before = left + printable(text[begin + len(left) : first])
    marked = printable(text[first:last])
    after = printable(text[max(last, first) : max(end - len(right), last)]) + right
    yield [("gutter", f"{gutter} |")]
    yield [("gutter", f"{number} | "), ("source", before), ("marked", marked), ("source", after)]
    caret = " " * _cells(before) + "^" * max(_cells(marked), 1)
    yield [("gutter", f"{gutter} | "), ("caret", f"{caret} {printable(label)}".rstrip())]


def counted(number: int, thing: str) -> str:
    """Return a number with the name of what it counts, as in `1 layer` and `1,024 layers`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def cut(text: str) -> str:
    """Return the two ends of a very long text: what a message is about may be a mebibyte of it."""
    return text if len(text) <= 400 else f"{text[:200]} … {text[-100:]}"


def printable(text: str) -> str:
    """Return the text with tabs as spaces, and other control characters replaced.

    Of a very long text only the two ends are kept.
    """
    text = cut(text)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c in "\t\r\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def _cells(text: str) -> int:
    """Return the number of terminal cells of a text: two for a full-width character, none for a combining one."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)
