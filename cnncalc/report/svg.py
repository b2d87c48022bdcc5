"""Elements of SVG as text, with whatever a name holds escaped."""

from __future__ import annotations

import re


def element(tag: str, content: str = "", **attributes: object) -> str:
    """Return an element; `font_size` stands for `font-size`, and content is markup already."""
    pairs = "".join(f' {name.replace("_", "-")}="{escaped(_value(value))}"' for name, value in attributes.items())
    return f"<{tag}{pairs}>{content}</{tag}>" if content else f"<{tag}{pairs}/>"


def _value(value: object) -> str:
    """Return a coordinate with at most two decimals; other values as they are."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def escaped(text: str) -> str:
    """Return a text that is no markup; what XML does not allow at all is replaced."""
    for sign, name in (("&", "amp"), ("<", "lt"), (">", "gt"), ('"', "quot")):
        text = text.replace(sign, f"&{name};")
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\N{REPLACEMENT CHARACTER}", text)
