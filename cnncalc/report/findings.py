"""Findings of a check as lines: a summary for people, and the commands that GitHub makes annotations of."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.checks.findings import Finding
from cnncalc.diagnostics import printable


def summary(findings: Sequence[Finding], files: int) -> str:
    """Return a line that counts: `3 files: 1 error, 2 warnings, 1 budget exceeded`."""
    budgets = sum(each.is_budget for each in findings)
    errors = sum(each.fails for each in findings) - budgets
    warnings = len(findings) - errors - budgets
    counts = [
        *([_count(errors, "error")] if errors else []),
        *([_count(warnings, "warning")] if warnings else []),
        *([f"{_count(budgets, 'budget')} exceeded"] if budgets else []),
    ]
    return f"{_count(files, 'file')}: {', '.join(counts) or 'nothing is wrong'}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def to_annotations(findings: Sequence[Finding]) -> str:
    """Return a line for each finding that GitHub Actions shows beside the line of the file.

    Source: GitHub's page on workflow commands, with the escapes of its own toolkit (@actions/core, command.ts).
    """
    return "".join(_annotation(each) + "\n" for each in findings)


def _annotation(finding: Finding) -> str:
    diagnostic = finding.diagnostic
    properties: dict[str, object] = {"file": finding.file}
    if (place := finding.place) is not None:
        properties |= {"line": place.line, "col": place.column}
        if "\n" not in place.text:
            properties["endColumn"] = place.column + max(len(place.text), 1)
    properties["title"] = f"{diagnostic.code}: {printable(diagnostic.message)}"
    pairs = ",".join(f"{name}={_escaped(str(value), ':,')}" for name, value in properties.items())
    return f"::{'error' if finding.fails else 'warning'} {pairs}::{_escaped(explanation(finding))}"


def explanation(finding: Finding) -> str:
    """Return what a finding says besides its headline, a line each; the headline where that is all."""
    data = finding.diagnostic.to_dict()
    diagnostic = finding.diagnostic
    elsewhere = diagnostic.place.in_file() if diagnostic.place and finding.place is None else None
    where = [f"set in {elsewhere.source.name}:{elsewhere.line}"] if elsewhere else []
    help = [f"help: {data['help']}"] if data["help"] else []
    parts = [*([diagnostic.label] if diagnostic.label else []), *diagnostic.notes, *where, *help]
    return "\n".join(map(printable, parts or [diagnostic.message]))


def _escaped(text: str, more: str = "") -> str:
    """Return a text with the signs escaped that end a command, or one of its properties."""
    for sign in ("%", "\r", "\n", *more):
        text = text.replace(sign, f"%{ord(sign):02X}")
    return text
