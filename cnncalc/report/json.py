"""Reports as JSON: two-space indent, exact integers, a final newline."""

from __future__ import annotations

import json


def to_json(data: object) -> str:
    """Return the object or list as JSON text; formulas become strings."""
    text = json.dumps(data, indent=2, ensure_ascii=False, default=str) + "\n"
    if text.replace("\n", "").isprintable():
        return text
    # Such a character can only stand in a string.
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)
