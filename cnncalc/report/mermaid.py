"""A network that changed as a drawing in Mermaid, which GitHub shows: added, removed and changed layers in colour."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from cnncalc.compare.diff import Difference, LayerChange
from cnncalc.figures.rows import Row
from cnncalc.notation import shape_text

#: More layers than these are not drawn: of more, those around what differs.
MOST_LAYERS = 60

STYLES = (
    "classDef added fill:#dafbe1,stroke:#1a7f37,color:#1f2328",
    "classDef removed fill:#ffebe9,stroke:#cf222e,color:#1f2328,stroke-dasharray:4 3",
    "classDef changed fill:#fff8c5,stroke:#9a6700,color:#1f2328",
    "classDef same fill:#f6f8fa,stroke:#8c959f,color:#1f2328",
)


def to_mermaid(difference: Difference) -> str | None:
    """Return the drawing; None if nothing differs, or too much does for one to help."""
    shown = [step for step in difference.layers if _is_shown(step, difference)]
    if not difference or len(shown) > MOST_LAYERS:
        return None
    return "\n".join(["flowchart TD", *_lines(shown), *STYLES])


def _is_shown(step: LayerChange, difference: Difference) -> bool:
    if step.status != "same" or len(difference.layers) <= MOST_LAYERS:
        return True
    # Of a long network what differs, and what that reads and is read by.
    differs = {each.b.name for each in difference.layers if each.status != "same" and each.b}
    row = step.b
    read = {name for each in difference.layers if each.status != "same" and each.b for name in each.b.inputs}
    return row is not None and (row.name in read or not differs.isdisjoint(row.inputs))


def _lines(shown: list[LayerChange]) -> Iterator[str]:
    after = {step.b.name: f"l{at}" for at, step in enumerate(shown) if step.b}
    before = {step.a.name: f"l{at}" for at, step in enumerate(shown) if step.a}
    for at, step in enumerate(shown):
        yield f'  l{at}["{_words(step)}"]:::{step.status}'
        row, places = (step.b, after) if step.b else (step.a, before)
        arrow = "-->" if step.b else "-.->"
        for name in row.inputs if row else ():
            if name in places:
                yield f"  {places[name]} {arrow} l{at}"


def _words(step: LayerChange) -> str:
    """Return the text of a box: its name, the layer, and the shape that it gives, what is new behind an arrow."""
    row = step.row
    lines = [
        row.name,
        _both(step, lambda each: each.description),
        _both(step, lambda each: shape_text(each.output_shape)),
    ]
    return "<br/>".join(map(_harmless, lines))


def _both(step: LayerChange, text: Callable[[Row], str]) -> str:
    new = text(step.row)
    old = text(step.a) if step.a else new
    return new if old == new else f"{old} → {new}"


def _harmless(text: str) -> str:
    """Return a text in which Mermaid finds no markup: signs beyond words and numbers as its character codes."""
    return re.sub(r"[^\w .,=×→+\-]", lambda sign: f"#{ord(sign.group())};", " ".join(text.split()))
