"""Models in text: reading the file, and parsing its numbers."""

from __future__ import annotations

import re

from cnncalc.diagnostics import Source, Span
from cnncalc.layers.arguments import MAX_INTEGER
from cnncalc.readers.errors import fail

#: The most bytes of a model in text (prototxt, cfg, JSON).
MAX_TEXT = 16 << 20


def read_text(path: str) -> Source:
    """Return the text of a file; raises `SpecError` E303 if it is too long, and E302 if it is not text."""
    with open(path, "rb") as file:
        data = file.read(MAX_TEXT + 1)
    if len(data) > MAX_TEXT:
        fail("E303", f"`{path}` is too large", f"a model in text has at most {MAX_TEXT >> 20} MiB")
    text = data.decode("utf-8", errors="replace").removeprefix("\ufeff").replace("\r\n", "\n")
    for wrong, what in (("\0", "a NUL byte"), ("\ufffd", "bytes that are not UTF-8")):
        if wrong in text:
            at = text.index(wrong)
            fail("E302", f"the model has {what} in it", "not text", span=Span(Source(path, text), at, at + 1))
    return Source(path, text)


def limit_marks(source: Source, marks: str, limit: int, what: str) -> None:
    """Raise `SpecError` E303 where a text has more than `limit` of the characters `marks`.

    Each of them begins, parts or ends something that is held, so that their number bounds what reading takes; counting
    them takes next to nothing.
    """
    if sum(map(source.text.count, marks)) > limit:
        fail("E303", f"`{source.name}` is too large", f"it has over {limit:,} {what}")


def parse_integer(text: str, span: Span, subject: str, low: int = 0) -> int:
    """Return the integer in a text; raises `SpecError` E306 if it is not one, or is below `low` or too large."""
    if not re.fullmatch(r"[+-]?\d{1,10}", text) or not low <= int(text) < MAX_INTEGER:
        fail("E306", f"{subject} is wrong", f"not a whole number from {low}", span=span)
    return int(text)
