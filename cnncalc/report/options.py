"""What an output can show: known here without a library for terminals, which only some formats need."""

from __future__ import annotations

from typing import NamedTuple


class RenderOptions(NamedTuple):
    """What the output can show. A `width` of None is as wide as the table would like to be."""

    width: int | None = None
    colour: bool = False
    unicode: bool = True
    layout: str = "hwc"
    depth: int | None = None
