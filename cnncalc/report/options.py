"""Width, colour and character set of the output. This module does not import rich."""

from __future__ import annotations

from typing import NamedTuple

#: Where people look at a table of more rows than these, its blocks are collapsed, unless a depth is given.
MOST_AT_ONCE = 60


class RenderOptions(NamedTuple):
    """Width, colour and character set; with a `width` of None, a table is as wide as its texts need.

    A table of layers has at most `most_rows`, where collapsing its blocks can do that; None is for every row.
    """

    width: int | None = None
    colour: bool = False
    unicode: bool = True
    most_rows: int | None = None
