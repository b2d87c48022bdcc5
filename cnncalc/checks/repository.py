"""A git repository, read by the program `git`: which files differ between two commits, and what they held."""

from __future__ import annotations

import os
import subprocess
from typing import NamedTuple, NoReturn

from cnncalc.diagnostics import Diagnostic, SpecError

#: Files of the networks that a review looks at.
SUFFIXES = (".cnn", ".yaml", ".yml", ".onnx", ".tflite", ".keras")

#: How a file begins that Git LFS keeps elsewhere.
LFS = b"version https://git-lfs.github.com/spec/"

#: The most bytes of a file that are read.
MOST_BYTES = 2**30


class ChangedFile(NamedTuple):
    """A file that differs: its path before and after, None where it was not there."""

    before: str | None
    after: str | None

    @property
    def path(self) -> str:
        return self.after or self.before or ""


class Repository(NamedTuple):
    """The repository whose files stand in a folder."""

    folder: str

    def commit(self, revision: str) -> str:
        """Return the commit that a revision names; raises `SpecError` E401 if there is none."""
        # A word that begins with a dash would be an option of git.
        done = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        if done.returncode or not revision:
            help = (
                "name a branch, a tag or a commit that was fetched; in GitHub Actions check out with `fetch-depth: 0`"
            )
            _fail(f"no commit is named `{revision}`", f"in the repository `{self.folder}`", help)
        return done.stdout.decode().strip()

    def common(self, base: str, head: str) -> str:
        """Return the last commit that two have in common; raises `SpecError` E401 if there is none."""
        done = self._git("merge-base", base, head)
        if done.returncode:
            help = "fetch the history of both; in GitHub Actions check out with `fetch-depth: 0`"
            _fail(f"`{base[:12]}` and `{head[:12]}` have no commit in common", "nothing to compare with", help)
        return done.stdout.decode().strip()

    def changed(self, before: str, after: str) -> list[ChangedFile]:
        """Return the files of networks that differ between two commits, by their paths."""
        done = self._run("diff", "--name-status", "--no-ext-diff", "-z", "--find-renames", before, after)
        fields = iter(done.decode("utf-8", errors="surrogateescape").split("\0"))
        files = []
        for status in fields:
            if not status:
                continue
            path = next(fields)
            renamed = next(fields) if status[0] in "RC" else None
            old = None if status[0] in "AC" else path
            new = None if status[0] == "D" else renamed or path
            if any((each or "").lower().endswith(SUFFIXES) for each in (old, new)):
                files.append(ChangedFile(old, new))
        return sorted(files, key=lambda each: each.path)

    def read(self, commit: str, path: str) -> bytes | None:
        """Return what a file held at a commit; None if it was not there. Raises `SpecError` E401 for one in Git LFS."""
        done = self._git("cat-file", "blob", f"{commit}:{path}")
        if done.returncode:
            return None
        if done.stdout.startswith(LFS):
            help = "check out with Git LFS, and add `lfs: true` to actions/checkout"
            _fail(f"`{path}` is kept by Git LFS", "the commit has only where it is", help)
        return done.stdout

    def _run(self, *arguments: str) -> bytes:
        done = self._git(*arguments)
        if done.returncode:
            _fail("git failed", done.stderr.decode(errors="replace").strip()[:300], None)
        return done.stdout

    def _git(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return _git(self.folder, *arguments)


def find_repository(start: str = ".") -> Repository:
    """Return the repository around a folder; raises `SpecError` E401 if there is none, or no git."""
    done = _git(start, "rev-parse", "--show-toplevel")
    if done.returncode:
        _fail(f"`{os.path.abspath(start)}` is in no git repository", "`git rev-parse` finds none", "go to one first")
    return Repository(done.stdout.decode(errors="surrogateescape").rstrip("\n"))


def _git(folder: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    # No pager, no prompt, and no word in another language.
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", "GIT_PAGER": "cat"}
    try:
        return subprocess.run(
            ["git", "-C", folder, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        _fail("git is not installed", "the program `git` is not found", "install git")


def _fail(message: str, label: str, help: str | None) -> NoReturn:
    raise SpecError([Diagnostic("E401", message, label=label, help=help)])
