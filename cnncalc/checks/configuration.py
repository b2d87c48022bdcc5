"""The project's configuration: the table `[tool.cnncalc]` of its pyproject.toml.

    [tool.cnncalc]
    strict = true
    files = ["nets/*.cnn"]
    budgets = [
      "params < 5M",
      { files = "nets/tiny/*.cnn", deploy = "int8", hold = "ram < 256KiB, flash < 1MiB" },
    ]

Patterns are relative to the file's folder; `*` stays within a folder, `**` does not.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from cnncalc.checks.budgets import DEFAULTS, Budget, make_options
from cnncalc.diagnostics import Diagnostic, Source, Span, SpecError, try_each
from cnncalc.query.conditions import parse_requirements
from cnncalc.spelling import nearest

NAME = "pyproject.toml"

#: The keys of the table, and of a budget in it besides its options.
KEYS = ("strict", "files", "budgets")
BUDGET_KEYS = ("files", "hold")


class FileBudget(NamedTuple):
    """A budget of the files of these patterns; of every file, if there is none."""

    patterns: tuple[str, ...]
    budget: Budget


class Configuration(NamedTuple):
    """What a project sets: whether warnings are errors, the files that are checked, and budgets of files."""

    folder: str = "."
    strict: bool = False
    files: tuple[str, ...] = ()
    budgets: tuple[FileBudget, ...] = ()

    def budgets_of(self, path: str) -> list[Budget]:
        """Return the budgets of the file at a path."""
        return [each.budget for each in self.budgets if not each.patterns or self.matches(path, each.patterns)]

    def matches(self, path: str, patterns: Sequence[str]) -> bool:
        """Return whether a path is one of some patterns."""
        try:
            within = os.path.relpath(os.path.abspath(path), self.folder).replace(os.sep, "/")
        except ValueError:  # on another drive
            return False
        return any(pattern_of(each).fullmatch(within) for each in patterns)

    def chosen(self) -> list[str]:
        """Return the files that the project checks, sorted, relative to the working folder."""
        found = {path for pattern in self.files for path in Path(self.folder).glob(pattern) if path.is_file()}
        return sorted(os.path.relpath(path) for path in found)


@lru_cache(maxsize=64)
def pattern_of(glob: str) -> re.Pattern[str]:
    """Return the expression of a pattern of paths."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    signs = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(signs.get(part, re.escape(part)) for part in parts))


def find_configuration(start: str = ".") -> Configuration:
    """Return the configuration of the nearest pyproject.toml with the table, from a folder upwards."""
    folder = os.path.abspath(start)
    while True:
        path = os.path.join(folder, NAME)
        if os.path.isfile(path):
            found = read_configuration(path)
            if found is not None:
                return found
        above = os.path.dirname(folder)
        if above == folder:
            return Configuration(os.path.abspath(start))
        folder = above


def read_configuration(path: str) -> Configuration | None:
    """Return the configuration in a file, or None if it has no such table; raises `SpecError` E010 or E021."""
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is no UTF-8 text"
        raise SpecError([Diagnostic("E010", f"cannot read `{path}`", label=reason.lower())]) from None
    return configuration_of(text, os.path.relpath(path), os.path.dirname(os.path.abspath(path)))


def configuration_of(text: str, name: str, folder: str) -> Configuration | None:
    """Return the configuration in the text of a pyproject.toml, or None if it has no such table."""
    source = Source(name, text)
    try:
        document = _toml(text)
    except ValueError as error:
        place = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        start = _offset(text, int(place[1]), int(place[2])) if place else len(text)
        message = re.sub(r" *\(at .*\)$", "", str(error))
        fact = message[:1].lower() + message[1:]
        raise SpecError([Diagnostic("E021", f"`{name}` is no TOML", Span(source, start, start + 1), fact)]) from None
    tools = document.get("tool")
    table = tools.get("cnncalc") if isinstance(tools, dict) else None
    return None if table is None else _TomlTable(source, folder).read(table)


def _toml(text: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    return tomllib.loads(text)


def _offset(text: str, line: int, column: int) -> int:
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
    return min(start + column - 1, len(text))


class _TomlTable:
    """Reads the table of one file."""

    def __init__(self, source: Source, folder: str) -> None:
        self.source, self.folder = source, folder

    def read(self, table: object) -> Configuration:
        if not isinstance(table, dict):
            self.fail("`tool.cnncalc` is no table", "cnncalc", "write `[tool.cnncalc]`")
        self._known(table, KEYS, "`[tool.cnncalc]`")
        strict = table.get("strict", False)
        if not isinstance(strict, bool):
            self.fail("`strict` is neither true nor false", "strict", "write `strict = true`")
        budgets = try_each(self._budget, self._list(table.get("budgets", []), "budgets"))
        return Configuration(self.folder, strict, self._patterns(table.get("files", []), "files"), tuple(budgets))

    def _budget(self, item: object) -> FileBudget:
        given: dict[str, Any] = {"hold": item} if isinstance(item, str) else item if isinstance(item, dict) else {}
        self._known(given, (*BUDGET_KEYS, *DEFAULTS), "a budget")
        conditions = given.get("hold")
        if not isinstance(conditions, str):
            self.fail("a budget says nothing that must hold", "budgets", 'write `{ hold = "params < 5M" }`')
        options = {name: value for name, value in given.items() if name in DEFAULTS}
        patterns = self._patterns(given.get("files", []), "files")
        words = next((value for value in options.values() if isinstance(value, str)), "budgets")
        return FileBudget(
            patterns, Budget(make_options(options, self.find(words)), tuple(parse_requirements(self._part(conditions))))
        )

    def _part(self, text: str) -> Source:
        """Return a string of the file as a source in it; with an escape in it, it is shown as the word before it."""
        at = self.source.text.find(text)
        if at >= 0:
            return Source(self.source.name, text, base=self.source, offset=at)
        place = self.find("hold") or Span(self.source, 0, 0)
        return Source(self.source.name, text, base=self.source, offset=place.start, end=place.end, exact=False)

    def _patterns(self, value: object, key: str) -> tuple[str, ...]:
        return tuple(self._list([value] if isinstance(value, str) else value, key, str))

    def _list(self, value: object, key: str, type: type = object) -> Iterator[Any]:
        if not isinstance(value, list) or not all(isinstance(each, type) for each in value):
            self.fail(f"`{key}` is no list", key, f"write `{key} = [ … ]`")
        return iter(value)

    def _known(self, table: dict[str, Any], keys: Sequence[str], what: str) -> None:
        for key in table:
            if key not in keys:
                near = nearest(key, keys)
                help = f"write `{near}`" if near else f"one of {', '.join(f'`{each}`' for each in keys)}"
                self.fail(f"{what} has no `{key}`", key, help)

    def find(self, word: str) -> Span | None:
        """Return where a word stands in the table."""
        begin = max(self.source.text.find("cnncalc"), 0)
        at = self.source.text.find(word, begin)
        return Span(self.source, at, at + len(word)) if at >= 0 else None

    def fail(self, message: str, word: str, help: str) -> NoReturn:
        raise SpecError([Diagnostic("E021", message, self.find(word), "here", help=help)])
