"""The JSON Schema of what commands write as JSON: `schema.json` beside this file has all of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

#: What has a schema: the JSON of a command, that of `--convention all`, and the errors of every command.
SUBJECTS = ("calc", "conventions", "compare", "diff", "errors")


def schema_of(subject: str) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of one of `SUBJECTS`, with the definitions that it needs."""
    whole = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    definitions = whole["$defs"]
    needed, left = {subject}, [subject]
    while left:
        new = set(re.findall(r'"#/\$defs/(\w+)', json.dumps(definitions[left.pop()]))) - needed
        needed |= new
        left += new
    return {
        "$schema": whole["$schema"],
        "$id": f"urn:cnncalc:schema:{definitions['schema']['const']}:{subject}",
        **definitions[subject],
        "$defs": {name: definition for name, definition in definitions.items() if name in needed - {subject}},
    }
