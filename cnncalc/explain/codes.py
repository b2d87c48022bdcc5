"""The pages of the error and warning codes, read from `codes.md`."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

ENTRY = re.compile(r"^## ([EW]\d{3}): (.*)$", re.MULTILINE)
FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WAY = re.compile(r"^- (.*(?:\n  .*)*)", re.MULTILINE)


class Sample(NamedTuple):
    """A block of an example: a spec (`cnn`, `yaml`), a command (`console`), or with a name a file that it reads."""

    language: str
    name: str | None
    text: str


class Page(NamedTuple):
    """The page of a code: its title, its meaning, an example that produces it, and how to fix it."""

    code: str
    title: str
    meaning: tuple[str, ...]
    example: tuple[Sample, ...]
    ways_out: tuple[str, ...]

    @property
    def command(self) -> str | None:
        """The command that produces the code, if a spec alone does not."""
        console = next((each.text for each in self.example if each.language == "console"), None)
        return console.strip().removeprefix("$ ") if console else None

    @property
    def spec(self) -> Sample | None:
        """The spec that produces the code; None if a command does."""
        return None if self.command else self.example[0]


@cache
def pages() -> dict[str, Page]:
    """Return every code's page, in the order of the codes."""
    text = Path(__file__).with_name("codes.md").read_text(encoding="utf-8")
    _, *parts = ENTRY.split(text)
    entries = [_page(code, title, body) for code, title, body in zip(parts[::3], parts[1::3], parts[2::3], strict=True)]
    return {page.code: page for page in sorted(entries)}


def _page(code: str, title: str, body: str) -> Page:
    samples = tuple(Sample(language, name or None, text) for language, name, text in FENCE.findall(body))
    rest = FENCE.sub("", body)
    ways = tuple(" ".join(way.split()) for way in WAY.findall(rest))
    prose = WAY.sub("", rest).strip().split("\n\n")
    return Page(code, title, tuple(" ".join(paragraph.split()) for paragraph in prose), samples, ways)
