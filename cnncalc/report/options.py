"""Width, colour and character set of the output, known without importing rich."""

from __future__ import annotations

from typing import NamedTuple


class RenderOptions(NamedTuple):
    """Width, colour and character set. A `width` of None is as wide as a table would like to be."""

    width: int | None = None
    colour: bool = False
    unicode: bool = True
