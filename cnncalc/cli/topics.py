"""The pages of `cnncalc help TOPIC`: Markdown files that are shipped with the package."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

#: A link of Markdown, and one to another page or to a heading, which leads nowhere in a terminal.
LINK = re.compile(r"\[([^]]*)\]\([^)]*\)")
PAGE_LINK = re.compile(r"\[([^]]*)\]\((?:[\w-]+\.md)?(?:#[^)]*)?\)")

FOLDER = Path(__file__).parents[1] / "docs"


class Topic(NamedTuple):
    """A page by its name, its title (the first heading) and its summary (the first sentence)."""

    name: str
    title: str
    summary: str
    text: str


def names() -> list[str]:
    """Return the names of all pages, in order."""
    return sorted(path.stem for path in FOLDER.glob("*.md"))


def read(name: str) -> Topic:
    """Return the page of that name."""
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    heading = re.search(r"^# +(.+?)\s*$", text, re.MULTILINE)
    body = text[heading.end() :] if heading else text
    paragraphs = (" ".join(part.split()) for part in re.split(r"\n\s*\n", body))
    first = next((part for part in paragraphs if part and part[0] not in "#`|<-"), "")
    sentence = re.match(r".*?\.(?= |$)", first)
    summary = sentence.group() if sentence else first
    return Topic(name, heading.group(1) if heading else name, LINK.sub(r"\1", summary), text)
