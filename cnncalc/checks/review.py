"""The review of a change: each network that differs between two commits, before and after, with its budgets."""

from __future__ import annotations

import os
import re
import tempfile
from typing import NamedTuple

from cnncalc.analysis import Analysis, Options, analyze_graph
from cnncalc.checks.budgets import Budget, budgets_of
from cnncalc.checks.configuration import NAME, Configuration, configuration_of
from cnncalc.checks.repository import ChangedFile, Repository
from cnncalc.compare.diff import Difference, difference
from cnncalc.diagnostics import Diagnostic, Source, SpecError
from cnncalc.figures.dtypes import STORED
from cnncalc.graph import Graph
from cnncalc.language.meant import YAML
from cnncalc.query.conditions import Outcome
from cnncalc.sources import TextOrModel, load_source, read_file

#: A file of YAML is a spec if it has layers.
LAYERS = re.compile(r"^[\"']?layers[\"']?\s*:", re.MULTILINE)

#: Errors that only say that sizes are open: no mistake of a spec, but nothing to compare.
OPEN = ("E130", "E132", "E308")


class Version(NamedTuple):
    """A file at one commit: its figures, or what is wrong with it; with neither, it was not there."""

    analysis: Analysis | None = None
    errors: tuple[Diagnostic, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether its sizes are open, so that there are no figures to compare."""
        return bool(self.errors) and all(each.code in OPEN for each in self.errors)


class BudgetOutcome(NamedTuple):
    """A budget of the file as it is now: its outcome, and that of the file as it was, if it has one."""

    options: Options
    before: Outcome | None
    after: Outcome


class FileReview(NamedTuple):
    """A file that differs, as it was and as it is, and what became of its budgets."""

    file: ChangedFile
    before: Version
    after: Version
    budgets: tuple[BudgetOutcome, ...] = ()
    budget_errors: tuple[Diagnostic, ...] = ()

    @property
    def difference(self) -> Difference | None:
        """The difference of its figures, if there are any on both sides."""
        if self.before.analysis is None or self.after.analysis is None:
            return None
        return difference(self.before.analysis, self.after.analysis)

    @property
    def is_wrong(self) -> bool:
        return bool(self.budget_errors) or (bool(self.after.errors) and not self.after.is_open)

    @property
    def exceeds(self) -> bool:
        return any(each.after.exceeded for each in self.budgets)


class Review(NamedTuple):
    """A review of the networks that differ between two commits."""

    base: str
    head: str
    files: tuple[FileReview, ...]

    @property
    def is_wrong(self) -> bool:
        return any(file.is_wrong for file in self.files)

    @property
    def exceeds(self) -> bool:
        return any(file.exceeds for file in self.files)


def review(repository: Repository, base: str, head: str, options: Options) -> Review:
    """Return the review of what `head` changes since it and `base` went apart.

    Raises `SpecError`: E401 for what the repository does not have, E021 for the configuration at `head`.
    """
    to, since = repository.commit(head), repository.commit(base)
    since = repository.common(since, to)
    configuration = _configuration(repository, to)
    files = []
    for file in repository.changed(since, to):
        reviewed = _file(repository, file, since, to, configuration, options)
        if reviewed is not None:
            files.append(reviewed)
    return Review(since, to, tuple(files))


def _configuration(repository: Repository, commit: str) -> Configuration:
    data = repository.read(commit, NAME)
    found = None
    if data is not None:
        found = configuration_of(data.decode("utf-8", errors="replace"), NAME, repository.folder)
    return found or Configuration(repository.folder)


def _file(
    repository: Repository,
    file: ChangedFile,
    base: str,
    head: str,
    configuration: Configuration,
    options: Options,
) -> FileReview | None:
    """Return the review of a file; None if it holds no network, before or after."""
    with tempfile.TemporaryDirectory(prefix="cnncalc-") as folder:
        old = _attempt(repository, base, file.before, os.path.join(folder, "old"))
        new = _attempt(repository, head, file.after, os.path.join(folder, "new"))
        if old is None and new is None:
            return None
        before_graph, before = _loaded(old, options)
        after_graph, after = _loaded(new, options)
        budgets: list[BudgetOutcome] = []
        wrong: tuple[Diagnostic, ...] = ()
        if after_graph is not None and file.after is not None:
            try:
                path = os.path.join(repository.folder, file.after)
                for budget in [*configuration.budgets_of(path), *(budgets_of(new) if isinstance(new, Source) else ())]:
                    budgets += _outcomes(budget, before_graph, after_graph)
            except SpecError as error:
                wrong = error.diagnostics
        return FileReview(file, before, after, tuple(budgets), wrong)


def _attempt(repository: Repository, commit: str, path: str | None, folder: str) -> TextOrModel | Version | None:
    """Return the source of a file at a commit, or a version with the errors of reading it."""
    try:
        return _source(repository, commit, path, folder)
    except SpecError as error:
        return Version(errors=error.diagnostics)


def _source(repository: Repository, commit: str, path: str | None, folder: str) -> TextOrModel | None:
    """Return the source of a file at a commit; None if it is not there, or holds no network."""
    data = None if path is None else repository.read(commit, path)
    if data is None or path is None:
        return None
    name = path.lower()
    if name.endswith((".cnn", *YAML)):
        text = data.decode("utf-8", errors="replace").removeprefix("\ufeff").replace("\r\n", "\n")
        return None if name.endswith(YAML) and not LAYERS.search(text) else Source(path, text)
    os.mkdir(folder)
    copy = os.path.join(folder, os.path.basename(path))
    with open(copy, "wb") as file:
        file.write(data)
    return read_file(copy)


def _loaded(source: TextOrModel | Version | None, options: Options) -> tuple[Graph | None, Version]:
    """Return the graph of a source, and the version with its figures."""
    if source is None or isinstance(source, Version):
        return None, source or Version()
    try:
        graph = load_source(source)
        types = options if options.deploy or graph.types is None else options._replace(dtype=STORED)
        return graph, Version(analyze_graph(graph, types))
    except SpecError as error:
        return None, Version(errors=error.diagnostics)


def _outcomes(budget: Budget, before: Graph | None, after: Graph) -> list[BudgetOutcome]:
    """Return the outcome of each condition of a budget, before and after."""
    old: list[Outcome] = []
    if before is not None:
        try:
            old = budget.outcomes(before)[1]
        except SpecError:  # it names a layer that was not there
            old = []
    new = budget.outcomes(after)[1]
    return [
        BudgetOutcome(budget.options, old[at] if at < len(old) else None, outcome) for at, outcome in enumerate(new)
    ]
