"""The analysis as a JSON object, and errors as one."""

from __future__ import annotations

import json
from collections.abc import Sequence

from cnncalc.analysis import Analysis
from cnncalc.diagnostics import Diagnostic


def to_json(analysis: Analysis) -> str:
    """The object of `Analysis.to_dict`, two-space indent, with a final newline; formulas as strings."""
    return json.dumps(analysis.to_dict(), indent=2, ensure_ascii=False, default=str) + "\n"


def errors_to_json(diagnostics: Sequence[Diagnostic]) -> str:
    """What standard error gets in JSON mode."""
    return json.dumps({"errors": [each.to_dict() for each in diagnostics]}, indent=2) + "\n"
