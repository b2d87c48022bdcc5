"""What is wrong with a file: errors, warnings, and budgets that are exceeded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cnncalc.checks.budgets import budgets_of, exceeded
from cnncalc.checks.configuration import Configuration
from cnncalc.diagnostics import Diagnostic, Source, Span, SpecError
from cnncalc.graph import Graph
from cnncalc.language.inputs import LetterMode
from cnncalc.sources import TextOrModel, load_source, read_file


class Finding(NamedTuple):
    """A diagnostic about a file, and whether it fails the check."""

    file: str
    diagnostic: Diagnostic
    fails: bool

    @property
    def is_budget(self) -> bool:
        return self.diagnostic.code == "E142"

    @property
    def place(self) -> Span | None:
        """The place in the file itself, if the diagnostic has one there."""
        span = self.diagnostic.place.in_file() if self.diagnostic.place else None
        return span if span is not None and span.source.name == self.file else None


class CheckOptions(NamedTuple):
    """How files are checked: `strict` makes warnings errors; `at` and `dims` have numbers for open sizes."""

    strict: bool = False
    at: Mapping[str, int] = {}
    dims: Mapping[str, int] = {}


def check_file(path: str, configuration: Configuration, options: CheckOptions) -> list[Finding]:
    """Return what is wrong with the file at a path: nothing, if it is fine and keeps to its budgets."""
    try:
        source = read_file(path)
    except SpecError as error:
        return [Finding(path, each, True) for each in error.diagnostics]
    return check_source(path, source, configuration, options)


def check_source(path: str, source: TextOrModel, configuration: Configuration, options: CheckOptions) -> list[Finding]:
    """Return what is wrong with a source that stands at a path."""
    found: list[Diagnostic] = []
    budgets = configuration.budgets_of(path)
    if isinstance(source, Source):
        try:
            budgets += budgets_of(source)
        except SpecError as error:
            found += error.diagnostics
    try:
        graph = _load(source, options, letters=not budgets)
    except SpecError as error:
        return [Finding(path, each, True) for each in (*error.diagnostics, *found)]
    for budget in budgets:
        try:
            analysis, outcomes = budget.outcomes(graph)
        except SpecError as error:
            found += error.diagnostics
            continue
        found += [exceeded(outcome, analysis) for outcome in outcomes if outcome.exceeded]
        if analysis.incomplete:
            layer = analysis.incomplete[0]
            fact = f"`{layer.name}` is not counted in full, so that figures are lower bounds"
            found.append(Diagnostic("W306", "a budget is held to lower bounds", None, fact))
    findings = [Finding(path, each, True) for each in dict.fromkeys(found) if each.severity == "error"]
    warnings = [*graph.warnings, *(each for each in dict.fromkeys(found) if each.severity == "warning")]
    return [*findings, *(Finding(path, each, options.strict) for each in warnings)]


def _load(source: TextOrModel, options: CheckOptions, letters: bool) -> Graph:
    open_sizes = LetterMode(letters, options.at)
    if isinstance(source, Source):
        return load_source(source, left_open=open_sizes)
    return load_source(source, dims=options.dims, strict=options.strict, left_open=open_sizes)
