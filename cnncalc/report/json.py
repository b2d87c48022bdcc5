"""Reports as JSON: two-space indent, every integer exact, a final newline."""

from __future__ import annotations

import json


def to_json(data: object) -> str:
    """The object or list as JSON text; a formula is its text, and what a terminal would obey is escaped."""
    text = json.dumps(data, indent=2, ensure_ascii=False, default=str) + "\n"
    if text.replace("\n", "").isprintable():
        return text
    # Such a character can only stand in a string.
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)
