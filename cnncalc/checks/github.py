"""The comment of a review on a pull request: one, which later reviews update.

Source: GitHub's REST API, "Issue comments" (a pull request is an issue), version 2022-11-28.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

from cnncalc.diagnostics import Diagnostic, SpecError

#: The first line of the comment, which GitHub does not show: by it the comment is found again.
MARK = "<!-- cnncalc review -->"

#: The most characters of a comment, and the most pages of comments that are looked through.
MOST_CHARACTERS = 65_000
MOST_PAGES = 50
PER_PAGE = 100


class PullRequest(NamedTuple):
    """A pull request, and where and as whom its comments are written."""

    api: str
    repository: str
    number: int
    token: str

    def comment(self, text: str, only_update: bool = False) -> str | None:
        """Write the comment, in place of that of an earlier review; return its address.

        With `only_update` none is begun, and the result is None if there was none. Raises `SpecError` E402.
        """
        body = {"body": f"{MARK}\n{fitting(text)}"}
        earlier = self._find()
        if earlier is not None:
            done = self._call("PATCH", f"/repos/{self.repository}/issues/comments/{earlier}", body)
        elif only_update:
            return None
        else:
            done = self._call("POST", f"/repos/{self.repository}/issues/{self.number}/comments", body)
        return str(done.get("html_url", ""))

    def _find(self) -> int | None:
        """Return the number of the comment of an earlier review."""
        for page in range(1, MOST_PAGES + 1):
            path = f"/repos/{self.repository}/issues/{self.number}/comments?per_page={PER_PAGE}&page={page}"
            comments = self._call("GET", path)
            for comment in comments:
                if str(comment.get("body", "")).startswith(MARK):
                    return int(comment["id"])
            if len(comments) < PER_PAGE:
                return None
        return None

    def _call(self, method: str, path: str, body: object = None) -> Any:
        request = urllib.request.Request(
            self.api.rstrip("/") + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "User-Agent": "cnncalc",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            help = {
                401: "GITHUB_TOKEN is no valid token",
                403: "give the job `permissions: pull-requests: write`; a fork's token cannot comment",
                404: f"there is no pull request {self.number} in {self.repository}, or the token may not see it",
            }.get(error.code)
            _fail(
                f"GitHub refused the comment: {error.code}", f"{method} {path.partition('?')[0]}: {error.reason}", help
            )
        except (OSError, ValueError) as error:
            _fail("GitHub cannot be reached", str(getattr(error, "reason", error)), f"it is asked at {self.api}")


def pull_request(environment: Mapping[str, str], number: int | None) -> PullRequest:
    """Return the pull request that a job of GitHub Actions runs for; raises `SpecError` E402 if it cannot be told."""
    for name in ("GITHUB_TOKEN", "GITHUB_REPOSITORY"):
        if not environment.get(name):
            _fail(
                "no pull request to comment on", f"{name} is not set", "run it in GitHub Actions, or set the variable"
            )
    api = environment.get("GITHUB_API_URL") or "https://api.github.com"
    if urllib.parse.urlsplit(api).scheme not in ("https", "http"):
        _fail("no pull request to comment on", f"GITHUB_API_URL is `{api}`", "it is https://api.github.com")
    number = number or _number_of_event(environment.get("GITHUB_EVENT_PATH", ""))
    return PullRequest(api, environment["GITHUB_REPOSITORY"], number, environment["GITHUB_TOKEN"])


def _number_of_event(path: str) -> int:
    try:
        with open(path, encoding="utf-8") as file:
            event = json.load(file)
        return int(event.get("number") or event["pull_request"]["number"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        where = f"`{os.path.basename(path)}` names none" if path else "GITHUB_EVENT_PATH is not set"
        _fail("no pull request to comment on", where, "run it on `pull_request`, or add `--pull-request N`")


def fitting(text: str) -> str:
    """Return a text that a comment has room for, cut between two lines."""
    if len(text) <= MOST_CHARACTERS:
        return text
    kept = text[:MOST_CHARACTERS].rpartition("\n")[0]
    if kept.count("\n```") % 2:
        kept += "\n```"
    return f"{kept}\n\nThe rest is too long for a comment: `cnncalc review` prints it."


def _fail(message: str, label: str, help: str | None) -> NoReturn:
    raise SpecError([Diagnostic("E402", message, label=label, help=help)])
