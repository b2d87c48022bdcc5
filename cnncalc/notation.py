"""Figures as text: shapes, counts with thousands separators, bytes with units, formulas as in print and in LaTeX."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from cnncalc.figures.receptive_field import ReceptiveField
from cnncalc.shape import Size, dims_text

#: Signs that LaTeX reads as commands or sets as others, and the code that sets each as it is.
LATEX_SIGNS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "`": r"\textasciigrave{}",
    # At the beginning of a row they would be an argument of the `\\\\` before it.
    "[": "{[}", "*": "{*}",
    "×": r"$\times$", "·": r"$\cdot$", "→": r"$\to$", "−": "$-$", "∏": r"$\prod$", "…": r"\dots{}",
    "≤": r"$\leq$", "≥": r"$\geq$", "–": "--", "√": r"$\surd$", "∝": r"$\propto$",
}  # fmt: skip
#: The decimal prefixes: the first is 1000, the next 1000^2, and so on.
PREFIXES = "kMGTP"


def shape_text(dims: Iterable[Size], layout: str = "hwc") -> str:
    """Return a shape as `32x32x3`, or as `3x32x32` in the layout `chw`; `?` if it is unknown."""
    sizes = list(dims)
    if not sizes:
        return "?"
    return dims_text(sizes if layout == "hwc" else [sizes[-1], *sizes[:-1]])


def shortened(text: str, most: int = 120) -> str:
    """Return the text, truncated if it is long: a whole spec may serve as the name of a network."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def thousands(value: Size) -> str:
    """Return a count as `1,234`, or as `1,024·(H−2)·W` if it is a formula."""
    return f"{value:,}" if isinstance(value, int) else formula(f"{value:,}")


def formula(text: str) -> str:
    """Return the text of a formula as it is printed in books: `9·C·(H−2)² + 4·C`, without spaces in a factor."""
    for plain, sign in (("**2", "²"), ("**3", "³"), ("**", "^"), ("*", "·"), ("- ", "− "), ("(-", "(−")):
        text = text.replace(plain, sign)
    if len(text) > 1 and text.startswith("-"):
        text = f"−{text[1:]}"
    if "(" not in text or " " not in text:
        return text
    # The arguments of max and min are sums of their own, and keep their spaces.
    in_arguments: list[bool] = []
    shown = []
    for at, character in enumerate(text):
        if character == "(":
            in_arguments.append(text[:at].endswith(("max", "min")))
        elif character == ")":
            in_arguments.pop()
        elif character == " " and in_arguments and not in_arguments[-1]:
            continue
        shown.append(character)
    return "".join(shown)


def short(value: int) -> str:
    """Return a count with three significant digits and a decimal prefix, `4.09 G`; one below 1000 unchanged."""
    for power, prefix in ((15, "P"), (12, "T"), (9, "G"), (6, "M"), (3, "k")):
        # Rounding may carry into the next prefix: 999,999 is 1.00 M.
        if 2 * value >= 2 * 10**power - 10 ** (power - 3):
            return f"{_three_digits(value / 10**power)} {prefix}"
    return str(value)


def scaled(value: int, unit: str, in_bytes: bool = False) -> str:
    """Return a count in units of 1000^n, of bytes 1024^n: in `G`, 4,089,184,256 is `4.09`; `auto` adds the unit.

    There are two decimals, and at least two significant digits.
    """
    if unit == "auto" and value:
        return bytes_text(value) if in_bytes else short(value)
    return decimals(value / (1024 if in_bytes else 1000) ** (PREFIXES.index(unit) + 1)) if value else "0"


def decimals(value: float) -> str:
    """Return a number with two decimals, or with as many as two significant digits take: `4.09`, `0.062`, `0`."""
    if not value:
        return "0"
    places = 2
    while places < 12 and abs(value) * 10**places < 9.5:
        places += 1
    return f"{value:,.{places}f}"


def bytes_text(value: int) -> str:
    """Return bytes with three significant digits and a unit of 1024^n, `97.7 MiB`."""
    for power, unit in ((4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
        if value >= 1024**power:
            return f"{_three_digits(value / 1024**power)} {unit}"
    return f"{value} B"


def decimal_prefix(value: Any) -> str:
    """Return a rate with three significant digits and a prefix, `10.0 T`, for a unit to follow."""
    for power, prefix in ((18, "E"), (15, "P"), (12, "T"), (9, "G"), (6, "M"), (3, "k")):
        if 2 * value >= 2 * 10**power - 10 ** (power - 3):
            return f"{_three_digits(float(value / 10**power))} {prefix}"
    return f"{float(value):.3g} "


def seconds_text(value: Any) -> str:
    """Return seconds with three significant digits, `12.3 µs`."""
    for power, unit in ((0, "s"), (3, "ms"), (6, "µs"), (9, "ns")):
        scaled = float(value * 10**power)
        if scaled >= 0.9995:
            return f"{_three_digits(scaled)} {unit}"
    return f"{float(value * 10**12):.3g} ps"


def _three_digits(value: float) -> str:
    if value >= 10**6:  # beyond the prefixes there are
        return f"{value:.2e}"
    decimals = next(n for n in (2, 1, 0) if n == 0 or round(value, n) < 10 ** (3 - n))
    return f"{value:,.{decimals}f}"


def per_axis(values: Iterable[Any]) -> str:
    """Return one number if the axes agree, else one for each: `3`, `3x5`."""
    sizes = list(values)
    return str(sizes[0]) if len(set(sizes)) == 1 else dims_text(sizes)


def field_text(field: ReceptiveField, figure: str = "size") -> str:
    """Return a figure of a receptive field, per axis: `3`, `3x5`, `all`; `-` if there are no axes.

    A size that is an upper bound is `≤3`.
    """
    sizes = field.figures()[figure]
    if sizes == "all":
        return "all"
    bounded = figure == "size" and field.at_most
    return per_axis(_bounds(sizes, field) if bounded else sizes) or "-"


def field_range_text(field: ReceptiveField) -> str:
    """Return the size of a receptive field for people: `188–204` if outputs see different extents."""
    if field.whole:
        return "all"
    figures = field.figures()
    ranges = [range_text(*ends) for ends in zip(figures["smallest"], figures["size"], strict=True)]
    return per_axis(_bounds(ranges, field)) or "-"


def _bounds(sizes: Iterable[Any], field: ReceptiveField) -> list[Any]:
    """Return the size on each axis, marked if it is an upper bound."""
    return [f"≤{size}" if axis.at_most else size for size, axis in zip(sizes, field.axes, strict=True)]


def range_text(smallest: Any, size: Any) -> str:
    """Return `188–204`, or `204` if both are the same."""
    return str(size) if smallest == size else f"{smallest}–{size}"


@cache
def _latex_sign() -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, LATEX_SIGNS)))


def latex_escaped(text: str) -> str:
    """Return the text with the characters that are special in LaTeX escaped."""
    # Two hyphens would be a dash.
    held = " ".join(text.split()).replace("--", "-\0-")
    return _latex_sign().sub(lambda sign: LATEX_SIGNS[sign.group()], held).replace("\0", "{}")
