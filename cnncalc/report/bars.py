"""Bars of text. With Unicode, a bar is drawn to an eighth of a cell."""

from __future__ import annotations

from collections.abc import Sequence

SHADES = " ▁▂▃▄▅▆▇█"
EIGHTHS = " ▏▎▍▌▋▊▉█"


def bars_of(values: Sequence[int], width: int, unicode: bool) -> list[str]:
    """Return a bar for each value, scaled to the largest; a bar of one cell is a shade."""
    most = max(values, default=0)
    return [_bar(value, most, width, unicode) for value in values]


def _bar(value: int, most: int, width: int, unicode: bool) -> str:
    if not value or not most:
        return " " * width
    if not unicode:
        return ("#" * max(-(-value * width // most), 1)).ljust(width)
    eighths = max(-(-value * width * 8 // most), 1)
    if width == 1:
        return SHADES[eighths]
    full, part = divmod(eighths, 8)
    return ("█" * full + (EIGHTHS[part] if part else "")).ljust(width)
