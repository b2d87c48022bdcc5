"""Splits text into tokens. Only the marks of the language are known here, none of its words.

    CHUNK     a run of characters with no space or mark in it; a hole `{…}` in it may hold anything
    SEP       "|" or "," or "->", "=>", "→"        NEWLINE   a line's end
    TEXT      a text in double quotes, or a pattern with "->" in single ones, on one line, behind a CHUNK
    VALUES    a list in square brackets, on one line, behind the word `in`
    one each  ( ) ; * @ =

Sizes as Python and people write them are a chunk as ours: `(3, 3)` behind an `=`, `(224, 224, 3)` or `224,224,3` behind
`input` or where a spec begins. So is a word in single quotes behind an `=`.

A line's end without a meaning (beside a separator, inside an opening bracket, before a closing one) is
left out, so that every NEWLINE the parser sees is a separator.
"""

import re
from typing import NamedTuple

from cnncalc.diagnostics import Problems, Source, Span, exceed, fail

CHUNK, SEP, NEWLINE, END, STRAY = "a word", "a separator", "a new line", "the end", "a stray character"
TEXT, VALUES = "a text in quotes", "a list of values"

MAX_TEXT = 1 << 20
#: No network has more layers; a text with more is refused before its tokens fill the memory.
MAX_SEPARATORS, MAX_TOKENS = 100_000, 400_000

# What a chunk is made of: runs of plain characters, a minus that begins no arrow, holes with whatever is in them.
_PART = r"[A-Za-z0-9_.:+/%?×]+|-(?!>)|\{[^{}\n]*\}"

#: Sizes with commas, and in brackets or not: `(224, 224, 3)`, `[224, 224, 3]`, `224,224,3`.
_SIZES = r"[(\[][ ]*\d+(?:[ ]*[,xX×*][ ]*\d+)*[ ]*,?[ ]*[)\]]"
#: The same without brackets. One star with spaces is a repeat: `input 8 * 2`.
_OPEN = r"(?:\d+(?:[ ]*\*[ ]*\d+){2,}|\d+(?:(?:[ ]*,[ ]*|\*)\d+)+)"
_INPUT = r"(?i:(?<=input[ ])|(?<=input=)|(?<=shape=))"

TOKEN = re.compile(
    r"(?P<skip>[ \t]+|\#[^\r\n]*)"
    r"|(?P<newline>\r\n|\n|\r)"
    rf"|(?P<sizes>(?:(?<==)|{_INPUT}|\A){_SIZES}|(?:{_INPUT}|\A){_OPEN}(?![\w.]))"
    r"|(?P<quoted>(?<==)'[^'\r\n]*')"
    r"|(?P<sep>->|=>|[|,→⇒])"
    r"|(?P<mark>[();*@=])"
    # An "=" within a chunk belongs to it (`stride=2`), at its beginning it is a mark (`let w = 64`).
    rf"|(?P<chunk>(?:{_PART})(?:{_PART}|=(?!>))*)"
    # In single quotes, as Python has it, only an einops pattern.
    r"""|(?P<text>"[^"\r\n]*"|'(?=[^'\r\n]*->)[^'\r\n]*')"""
    r"|(?P<values>\[[^\[\]\r\n#]*\])"
)

#: A character that people or their editors write → what to write instead.
LOOKALIKES = {
    "–": "-", "—": "-", "−": "-", "“": "", "”": "", "‘": "", "’": "",
    "·": "*", "∗": "*", "•": "*", "\u00a0": "a space", "\u3000": "a space", "\u200b": "nothing", "\ufeff": "nothing",
    "[": "(", "]": ")", "'": "", '"': "", "&": "|", "\\": "|", "~": "-", ">": "->", "<": "", "!": "", "$": "",
}  # fmt: skip


class Token(NamedTuple):
    kind: str
    start: int
    end: int
    text: str


def tokenize(source: Source, problems: Problems) -> list[Token]:
    """Return the tokens of a source, END last. A character that begins no token is reported and skipped.

    Raises `SpecError` E005 for a text over 1 MiB, E006 for one that is not text.
    """
    text = source.text
    check_text(source)
    tokens: list[Token] = []
    at, size, separators = 0, len(text), 0
    match = TOKEN.match
    while at < size:
        token = match(text, at)
        # Quotes stand for an argument alone, behind the word or the `name=` of it; elsewhere they mean nothing.
        if token is None or not _may_stand(token.lastgroup, tokens):
            end = _report_stray(source, at, problems)
            tokens.append(Token(STRAY, at, end, text[at:end]))
            at = end
            continue
        if separators > MAX_SEPARATORS or len(tokens) > MAX_TOKENS:
            message = f"the spec has more than {MAX_SEPARATORS:,} separators or {MAX_TOKENS:,} words"
            exceed(message, Span(source, at - 1, at), "too many layers")
        start, at = at, token.end()
        kind = token.lastgroup
        if kind == "chunk":
            tokens.append(Token(CHUNK, start, at, text[start:at]))
        elif kind == "sizes":
            tokens.append(Token(CHUNK, start, at, "x".join(re.findall(r"\d+", text[start:at]))))
        elif kind == "quoted":
            tokens.append(Token(CHUNK, start, at, text[start + 1 : at - 1]))
        elif kind == "sep":
            _drop_newline(tokens)
            tokens.append(Token(SEP, start, at, text[start:at]))
            separators += 1
        elif kind in ("text", "values"):
            tokens.append(Token(TEXT if kind == "text" else VALUES, start, at, text[start:at]))
        elif kind == "mark":
            mark = text[start]
            if mark in ");*":
                _drop_newline(tokens)
            tokens.append(Token(mark, start, at, mark))
        elif kind == "newline" and tokens and tokens[-1].kind not in (SEP, NEWLINE, "(", ";", "="):
            tokens.append(Token(NEWLINE, start, at, ""))
            separators += 1
    _drop_newline(tokens)
    tokens.append(Token(END, size, size, ""))
    return tokens


def _may_stand(kind: str | None, tokens: list[Token]) -> bool:
    """Return whether a text in quotes, or a list of values, has a meaning behind these tokens; others always have."""
    last = tokens[-1] if tokens else None
    if kind == "text":
        return last is not None and last.kind in (CHUNK, TEXT)
    return kind != "values" or (last is not None and last.text.lower() == "in")


def _drop_newline(tokens: list[Token]) -> None:
    if tokens and tokens[-1].kind == NEWLINE:
        tokens.pop()


def check_text(source: Source) -> None:
    """Raise `SpecError` E006 for a source that is not text, and E005 for one that is too long."""
    text = source.text
    if len(text) > MAX_TEXT:
        exceed(f"the spec is longer than {MAX_TEXT:,} characters", help="write repeated layers once, with `* count`")
    for bad, what in (("\0", "a NUL byte"), ("\ufffd", "bytes that are not UTF-8")):
        if bad in text:
            at = text.index(bad)
            fail("E006", f"the spec has {what} in it", Span(source, at, at + 1), "not text")
    if not text.isascii():
        surrogate = re.search("[\ud800-\udfff]", text)
        if surrogate:
            fail("E006", "the spec has bytes that are not UTF-8", Span(source, *surrogate.span()), "not text")


def _report_stray(source: Source, at: int, problems: Problems) -> int:
    """Report a character that begins no token, including repeats of it; return the position after them."""
    text = source.text
    character = text[at]
    end = at + 1
    while end < len(text) and text[end] == character:
        end += 1
    span = Span(source, at, end)
    if character in "{}":
        message = "a `{` is never closed" if character == "{" else "a `}` closes nothing"
        line = Span(source, at, text.find("\n", at) if "\n" in text[at:] else len(text))
        problems.report("E003", message, span, "a hole is `{…}` on one line", "write `{width}`")
        return line.end if character == "{" else end
    name = f"`{character}`" if character.isprintable() else f"U+{ord(character):04X}"
    problems.report("E001", f"unexpected character {name}", span, "means nothing here", _replacement(character))
    return end


def _replacement(character: str) -> str | None:
    """Return the help that names the character to write instead, or None if none is known."""
    if character in LOOKALIKES:
        plain = LOOKALIKES[character]
    else:
        from unicodedata import normalize  # only once something is wrong

        plain = normalize("NFKC", character)
    if plain == character or not plain.isascii():
        return None
    return f"write `{plain}`" if plain and " " not in plain and plain != "nothing" else f"write {plain or 'nothing'}"
