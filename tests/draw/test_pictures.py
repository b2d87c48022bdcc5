"""The pictures that README and docs show are those that the commands beside them draw.

`pytest --update-goldens tests/draw/test_pictures.py` draws them anew; look at them in a browser.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from command_line import run

import cnncalc

DOCS = Path(cnncalc.__file__).parent / "docs"
README = Path(__file__).parents[2] / "README.md"

#: Each picture, and the arguments that draw it.
PICTURES = {
    "resnet50.svg": ("draw", "resnet50"),
    "unet.svg": ("draw", "unet"),
    "conv.svg": ("explain", "input 5x5x1 | conv 3x3 s2 p1 x1", "--animate"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_picture(name: str, goldens: Any) -> None:
    """A picture is current."""
    done = run(*PICTURES[name])
    assert done.exit_code == 0
    goldens.file(DOCS / name, done.stdout)


def test_every_picture_is_shown() -> None:
    """Every picture stands on a page, and every picture of a page is drawn here."""
    pages = "\n".join(page.read_text(encoding="utf-8") for page in [*DOCS.glob("*.md"), README])
    shown = set(re.findall(r"!\[[^]]*\]\((?:cnncalc/docs/)?([^)]*)\)", pages))
    assert shown == set(PICTURES) == {path.name for path in DOCS.glob("*.svg")}
