"""The words of a phrase: numbers, sizes, names of arguments with their values, and what is glued into one word.

3x3 conv, 64, /2        3x3, conv, 64, stride, 2
conv3-64                conv, kernel=3, filters=64
kernel_size=(3, 3)      kernel_size=3x3
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cnncalc.language.lenient import word_of

#: A window or any sizes, as one word.
SIZES = r"\d+(?:[xX×]\d+)*"
HOLE = r"\{[^{}\n]*\}|\?"
BRACKETS = r"[(\[](?:[^()\[\]]|[(\[][^()\[\]]*[)\]])*[)\]]"
PART = re.compile(
    rf"(?P<name>[A-Za-z_][\w-]*)\s*(?:=|:(?!\d))\s*(?P<value>{BRACKETS}|(?P<same>\d+)(?:\s*,\s*(?P=same))+(?!\w)|'[^']*'|\"[^\"]*\"|(?:{HOLE}|[^\s,|=()\[\]])+)"
    rf"|(?P<brackets>{BRACKETS})|(?P<quoted>'[^']*'|\"[^\"]*\")|(?P<word>(?:{HOLE}|[^\s,()\[\]=|])+)|(?P<rest>[^\s,])"
)

#: Sizes with spaces or stars between them: `3 x 3`, `3*3`, and filters at a window: `64 @ 3x3`.
APART = re.compile(r"(?<![\w.])(\d+)(?:[ ]*[*×][ ]*|[ ]+[xX][ ]+)(\d+)(?![\w.])")
AT = re.compile(r"\s*@\s*(?=\d)")
#: Filters behind a window or a word, as in the tables of papers: `conv3-64`, `FC-1000`.
DASHED = re.compile(rf"([A-Za-z]+)[-_]?({SIZES})[-_](\d+)|([A-Za-z_]+)-({SIZES})(?:-d)?")
#: Numbers with what they count, and the number of axes as a word: `64ch`, `1000-d`, `2D conv`.
COUNTED = re.compile(r"(\d+)-?(ch|c|channels?|filters?|maps?|units?|way|d|dim)", re.IGNORECASE)
RANK_BEHIND = re.compile(r"\b([A-Za-z]+)[ -]([123])[dD]\b")
RANK_BEFORE = re.compile(r"(?<![\w.])([123])[dD][ -]([A-Za-z]+)")
#: A pool with its stride: `maxpool/2`.
NAME_OVER = re.compile(rf"([A-Za-z_]+)/({SIZES})")
FILTERS_AT = re.compile(rf"({SIZES}|{HOLE})@({SIZES}|{HOLE})(?:/s?({SIZES}))?")
OVER = re.compile(rf"({SIZES})?/s?({SIZES})")
PER_CENT = re.compile(r"(\d+(?:\.\d+)?)%")


def words_of(text: str) -> list[str | tuple[str, str]]:
    """Return the words of a phrase, `(name, value)` for what is written so; raises `ValueError` for stray marks."""
    text = AT.sub("@", APART.sub(r"\1x\2", APART.sub(r"\1x\2", text.replace("×", "x"))))
    text = RANK_BEFORE.sub(r"\2\1d", RANK_BEHIND.sub(r"\1\2d", text))
    words: list[str | tuple[str, str]] = []
    for part in PART.finditer(text):
        if part["rest"]:
            raise ValueError(part["rest"])
        if part["name"] and not words and text[: part.start("value")].rstrip().endswith(":") and word_of(part["name"]):
            words += [part["name"], *parts_of(_value(part["value"]))]
        elif part["name"]:
            words.append((part["name"].replace("-", "_"), _value(part["value"])))
        elif part["brackets"]:
            # The arguments of a call are words as any.
            inner = part["brackets"][1:-1].strip()
            sizes = re.fullmatch(r"[\d\s,()\[\]]*", inner) and bool(words) and not _is_call(text, part.start())
            words += [_value(part["brackets"])] if sizes else words_of(inner)
        else:
            words += parts_of(part["word"] or part["quoted"][1:-1])
    return words


def _is_call(text: str, start: int) -> bool:
    """Return whether a bracket is that of a call: it stands right behind a word."""
    return text[start - 1 : start].isalnum()


def _value(text: str) -> str:
    """Return a value as the language writes it: `3x3` for `(3, 3)`, `1-0x0-1` for `((1, 0), (0, 1))`."""
    if text[:1] in "'\"":
        return text[1:-1]
    if text[:1] not in "([":
        return "x".join(re.split(r"\s*,\s*", text))
    inner = text[1:-1].strip().rstrip(",")
    pairs = re.findall(r"[(\[]\s*(\d+)\s*,\s*(\d+)\s*[)\]]", inner)
    if pairs:
        if re.sub(r"[(\[]\s*\d+\s*,\s*\d+\s*[)\]]|[\s,]", "", inner):
            raise ValueError(text)
        return "x".join(begin if begin == end else f"{begin}-{end}" for begin, end in pairs)
    if not re.fullmatch(r"\d+(?:\s*[,xX*]\s*\d+)*", inner):
        raise ValueError(text)
    return "x".join(re.findall(r"\d+", inner))


def parts_of(word: str) -> Iterator[str | tuple[str, str]]:
    """Yield the words that one run of characters is: `conv3-64` is `conv 3 x64`."""
    dashed = DASHED.fullmatch(word)
    if dashed and dashed[3] and (name := word_of(dashed[1])):
        yield from (name, ("kernel", dashed[2]), ("filters", dashed[3]))
    elif dashed and dashed[5] and (name := word_of(dashed[4])):
        yield from (name, dashed[5])
    elif at := FILTERS_AT.fullmatch(word):
        window, filters = (at[1], at[2]) if "x" in at[1] and "x" not in at[2] else (at[2], at[1])
        yield from (("kernel", window), ("filters", filters))
        yield from [("stride", at[3])] if at[3] else []
    elif over := OVER.fullmatch(word):
        yield from [over[1]] if over[1] else []
        yield "stride", over[2]
    elif per_cent := PER_CENT.fullmatch(word):
        yield f"{float(per_cent[1]) / 100:g}"
    elif word.lower() in ("no-bias", "no_bias"):
        yield "nobias"
    elif (over := NAME_OVER.fullmatch(word)) and word_of(over[1]):
        yield from (over[1], "stride", over[2])
    elif (counted := COUNTED.fullmatch(word)) and counted[2].lower() not in ("d", "dim", "way"):
        yield "filters", counted[1]
    elif counted:
        yield counted[1]
    elif word == "+":
        yield "|"
    elif (named := re.fullmatch(r"([A-Za-z_]{2,}):(.+)", word)) and word_of(named[1]) is None:
        yield named[1], named[2]
    else:
        yield word
