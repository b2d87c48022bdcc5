"""The analysis as a JSON object, and errors as one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from cnncalc.analysis import Analysis
from cnncalc.diagnostics import Diagnostic


def to_json(analysis: Analysis, more: Mapping[str, object] | None = None) -> str:
    """The object of `Analysis.to_dict` and what else was asked for, two-space indent, with a final newline.

    Formulas are strings.
    """
    return json.dumps({**analysis.to_dict(), **(more or {})}, indent=2, ensure_ascii=False, default=str) + "\n"


def errors_to_json(diagnostics: Sequence[Diagnostic]) -> str:
    """What standard error gets in JSON mode."""
    return json.dumps({"errors": [each.to_dict() for each in diagnostics]}, indent=2) + "\n"
