"""How wide text is: a table of font metrics, so that a canvas is sized before any font is seen."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from cnncalc.shape import Size

#: The fonts that a drawing asks for, whichever is there.
FONTS = "Helvetica, Arial, sans-serif"

#: Width in hundredths of the font's size → the characters that are at most as wide in DejaVu Sans, the widest of the
#: sans-serif fonts that systems put in place of one another. Text set in any of them fits the place measured for it.
WIDTHS = {
    28: "ijlìíîï", 32: " ,.·IJÌÍÎÏ", 34: "/:;\\|¦", 38: "-f", 40: "()[]t", 42: "!r¡²³¹", 48: '"ªº',
    54: "*_`–§¨¯°´¸?sz¿", 58: "LcçFk", 60: "vxyýÿ", 62: "PTYaeo«»ÝÞàáâãäåèéêëðòóôõöø",
    64: "$0123456789ESbdghnpqu{}√¢£¤¥µ¶ÈÉÊËßñùúûüþ", 70: "KABCRVXZÀÁÂÃÄÅÇ", 76: "∝UÙÚÛÜHNÑ",
    80: "&DGÐOQÒÓÔÕÖØ", 84: "w#+<=>^~×→−≤¬±÷", 98: "M%m¼½¾Æ",
}  # fmt: skip
WIDTH_OF = {sign: width for width, signs in WIDTHS.items() for sign in signs}
#: A sign that no table has is as wide as it is high; those of emoji and of the scripts of East Asia are wider.
OTHER, WIDE = 104, 140

#: What XML cannot hold, whatever it is written as, and signs that turn the direction of the text around them.
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufffe\uffff]")


@cache
def width(text: str, size: float) -> float:
    """Return the most that a text of one line is wide, in the unit of the font's `size`."""
    return sum(WIDTH_OF.get(sign) or (OTHER if sign < "\u1100" else WIDE) for sign in text) * size / 100


def printable(text: str) -> str:
    """Return the text on one line, with a replacement for each character that cannot be shown."""
    return UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", " ".join(text.split()))


def sizes(dims: Iterable[Size]) -> str:
    """Return sizes as in `56×56×64`; those that are unknown are `?`."""
    return "×".join([str(size) if isinstance(size, int) else "?" for size in dims])


def fitted(text: str, most: int = 30) -> str:
    """Return a printable text, its middle omitted if it has more than so many characters."""
    text = printable(text)
    if len(text) <= most:
        return text
    first = (most - 1) // 2
    return f"{text[:first]}…{text[first + 1 - most :]}"


def wrapped(text: str, size: float, room: float) -> list[str]:
    """Return the words of a text in lines that are at most as wide as the room."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and width(longer, size) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
