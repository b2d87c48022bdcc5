"""Reports as JSON: two-space indent, every integer exact, a final newline."""

from __future__ import annotations

import json


def to_json(data: object) -> str:
    """The object or list as JSON text; a formula is its text."""
    return json.dumps(data, indent=2, ensure_ascii=False, default=str) + "\n"
