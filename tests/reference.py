"""Cases and reference data that several test files read, and how many random examples a property is tried on.

The conformance cases are part of the tests. Published models and the counts of other frameworks' model zoos are too
large for that: they may stand beside the repository, and the tests that read them are marked `reference`, which the
default selection leaves out.
"""

import json
from pathlib import Path
from typing import Any

from hypothesis import settings

TESTS = Path(__file__).parent

#: Networks with the figures that PyTorch, or a calculation by hand, gives them.
CONFORMANCE: list[dict[str, Any]] = [
    case for path in sorted((TESTS / "conformance").glob("*.json")) for case in json.loads(path.read_text("utf-8"))
]

#: The folder beside the repository.
BESIDE = TESTS.parents[1] / "shared"
#: Published model files by format, each with an `expected.json`; and what frameworks count in their own model zoos.
MODELS, GOLDEN = BESIDE / "models", BESIDE / "golden"


def options(case: dict[str, Any]) -> dict[str, str]:
    """The options of a conformance case as `analyze` takes them."""
    given = case.get("options", [])
    return {given[at].lstrip("-"): given[at + 1] for at in range(0, len(given), 2)}


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file, or an empty one where the file is not there: its tests have no cases then."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def examples(number: int, deep: int | None = None) -> settings:
    """Try so many examples, or in the deep profile `deep`, by default ten times as many."""
    is_deep = settings.default.max_examples > 100
    return settings(max_examples=(deep or 10 * number) if is_deep else number)
