"""Pages on the error and warning codes: the meaning of each, an example, and how to fix it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cnncalc.explain.codes import Page
from cnncalc.report.document import Block, Bullets, CodeSample, Document, Heading, Paragraph, text_table

#: The subject of the codes of each hundred.
GROUPS = {
    "E0": "the form of the text",
    "E1": "names, arguments and limits",
    "E2": "shapes",
    "E3": "model files",
    "E4": "repositories and pull requests",
    "E5": "explanations",
    "W2": "warnings",
    "W3": "warnings about model files",
}


def code_document(page: Page, message: str) -> Document:
    """Build the page of a code; `message` is the output of its example."""
    return Document(tuple(_page(page, message)))


def codes_document(pages: Iterable[Page]) -> Document:
    """Build the list of all codes with their titles, grouped by subject."""
    rows: list[tuple[str, ...]] = []
    group = ""
    for page in pages:
        if page.code[:2] != group:
            group = page.code[:2]
            rows.append((GROUPS.get(group, group),))
        rows.append((page.code, page.title))
    return Document((text_table(rows, ("code", "meaning")), Paragraph("`cnncalc explain CODE` shows all about one.")))


def _page(page: Page, message: str) -> Iterator[Block]:
    yield Heading(f"{page.code}: {page.title}", level=1)
    yield from map(Paragraph, page.meaning)
    yield Heading("an example")
    for sample in page.example:
        if sample.name:
            yield Paragraph(f"in `{sample.name}`:")
        yield CodeSample(sample.text.rstrip("\n"), sample.language)
    if message:
        yield CodeSample(message.rstrip("\n"), "text")
    yield Heading("ways out")
    yield Bullets(page.ways_out)


def code_data(page: Page) -> dict[str, object]:
    """Return a code as a JSON object."""
    return {
        "code": page.code,
        "title": page.title,
        "meaning": list(page.meaning),
        "example": [sample._asdict() for sample in page.example],
        "ways_out": list(page.ways_out),
    }
