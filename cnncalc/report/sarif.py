"""Findings of a check in SARIF 2.1.0, the form in which code scanning takes results (OASIS, 2020)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from cnncalc.checks.findings import Finding
from cnncalc.explain.codes import pages
from cnncalc.report.findings import explanation

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def to_sarif(findings: Sequence[Finding], version: str) -> dict[str, Any]:
    """Return the log of a run of that version: a rule for each code that occurs, with its page, and a result each."""
    codes = list(dict.fromkeys(each.diagnostic.code for each in findings))
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "cnncalc",
                        "semanticVersion": version,
                        "rules": [_rule(code) for code in codes],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(each, codes) for each in findings],
            }
        ],
    }


def _rule(code: str) -> dict[str, Any]:
    page = pages()[code]
    return {
        "id": code,
        "shortDescription": {"text": page.title},
        "fullDescription": {"text": " ".join(page.meaning)},
        "help": {"text": "\n".join(f"- {each}" for each in page.ways_out)},
        "defaultConfiguration": {"level": "warning" if code.startswith("W") else "error"},
    }


def _result(finding: Finding, codes: Sequence[str]) -> dict[str, Any]:
    diagnostic, place = finding.diagnostic, finding.place
    location: dict[str, Any] = {"artifactLocation": {"uri": quote(finding.file.replace(os.sep, "/"))}}
    if place is not None:
        last = place.source.text.rfind("\n", 0, place.end) + 1
        location["region"] = {
            "startLine": place.line,
            "startColumn": place.column,
            "endLine": place.source.text.count("\n", 0, place.end) + 1,
            # Behind the last character; a place at the end of the text is one column wide.
            "endColumn": max(place.end, place.start + 1) - last + 1,
        }
    detail = explanation(finding)
    text = diagnostic.message if detail == diagnostic.message else f"{diagnostic.message}\n{detail}"
    return {
        "ruleId": diagnostic.code,
        "ruleIndex": codes.index(diagnostic.code),
        "level": "error" if finding.fails else "warning",
        "message": {"text": text},
        "locations": [{"physicalLocation": location}],
    }
