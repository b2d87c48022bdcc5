"""Width, colour and character set of the output. This module does not import rich."""

from __future__ import annotations

from typing import NamedTuple


class RenderOptions(NamedTuple):
    """Width, colour and character set; with a `width` of None, a table is as wide as its texts need.

    A table of layers has at most `most_rows`, where collapsing its blocks can do that; None is for every row.
    """

    width: int | None = None
    colour: bool = False
    unicode: bool = True
    most_rows: int | None = None
