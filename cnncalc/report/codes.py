"""The pages of the codes: what each means, an example that gives it, and the ways out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from cnncalc.explain.codes import Page
from cnncalc.report.document import Block, Bullets, Code, Grid, Heading, Paragraph, to_markdown, to_text
from cnncalc.report.options import RenderOptions

#: What the codes of a hundred are about.
GROUPS = {
    "E0": "the form of the text",
    "E1": "names and arguments",
    "E2": "shapes",
    "E3": "model files",
    "E5": "explanations",
    "W2": "warnings",
}


def code_text(page: Page, message: str, look: RenderOptions) -> str:
    """The page; `message` is what its example gives."""
    return to_text(list(_page(page, message)), look)


def code_markdown(page: Page, message: str) -> str:
    return to_markdown(list(_page(page, message)))


def code_json(page: Page, message: str) -> str:
    return json.dumps(_object(page) | {"message": message}, indent=2, ensure_ascii=False) + "\n"


def codes_text(pages: Iterable[Page], look: RenderOptions) -> str:
    return to_text(_list(pages), look)


def codes_markdown(pages: Iterable[Page]) -> str:
    return to_markdown(_list(pages))


def codes_json(pages: Iterable[Page]) -> str:
    return json.dumps([_object(page) for page in pages], indent=2, ensure_ascii=False) + "\n"


def _list(pages: Iterable[Page]) -> list[Block]:
    rows: list[tuple[str, ...]] = []
    group = ""
    for page in pages:
        if page.code[:2] != group:
            group = page.code[:2]
            rows.append((GROUPS.get(group, group),))
        rows.append((page.code, page.title))
    return [Grid(tuple(rows), ("code", "what it says")), Paragraph("`cnncalc explain CODE` tells all about one.")]


def _page(page: Page, message: str) -> Iterator[Block]:
    yield Heading(f"{page.code}: {page.title}", level=1)
    yield from map(Paragraph, page.meaning)
    yield Heading("an example")
    for sample in page.example:
        if sample.name:
            yield Paragraph(f"in `{sample.name}`:")
        yield Code(sample.text.rstrip("\n"), sample.language)
    if message:
        yield Code(message.rstrip("\n"), "text")
    yield Heading("ways out")
    yield Bullets(page.ways_out)


def _object(page: Page) -> dict[str, object]:
    return {
        "code": page.code,
        "title": page.title,
        "meaning": list(page.meaning),
        "example": [sample._asdict() for sample in page.example],
        "ways_out": list(page.ways_out),
    }
