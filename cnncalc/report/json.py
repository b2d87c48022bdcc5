"""Reports as JSON: two-space indent, exact integers, a final newline."""

from __future__ import annotations

import json


def to_json(data: object) -> str:
    """Return the object or list as JSON text; formulas become strings."""
    return json.dumps(data, indent=2, ensure_ascii=False, default=str) + "\n"
