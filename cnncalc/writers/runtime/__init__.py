"""Classes that a framework lacks, which are copied into generated code. They are real code, linted and tested.

The program imports no module of this package, since the frameworks need not be installed to write code for them.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path


@cache
def classes(framework: str) -> dict[str, str]:
    """Return the classes for a framework by name, each as its text with decorators."""
    text = Path(__file__).with_name(f"{framework}.py").read_text(encoding="utf-8")
    lines = text.splitlines()
    texts: dict[str, str] = {}
    for statement in ast.parse(text).body:
        if isinstance(statement, ast.ClassDef):
            first = min([statement.lineno, *(each.lineno for each in statement.decorator_list)])
            texts[statement.name] = "\n".join(lines[first - 1 : statement.end_lineno]) + "\n"
    return texts


def used_classes(framework: str, code: str) -> list[str]:
    """Return the texts of the classes that the code calls, in their file's order."""
    return [text for name, text in classes(framework).items() if re.search(rf"\b(?<!\.){name}\(", code)]
