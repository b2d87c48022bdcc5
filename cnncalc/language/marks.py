"""Marks and shapes as people write them: arrows, bullets, counts in front, and the shapes of inputs.

Each is an edit of the text: `2 x (conv 3x3 x8 | relu)` becomes `(conv 3x3 x8 | relu) * 2`. It is imported only for a
text with errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cnncalc.diagnostics import Edit
from cnncalc.language.lenient import word_of
from cnncalc.layers import MERGE_WORDS
from cnncalc.layers.base import KINDS

#: Arrows that are no separators of the language; marks between layers; what stands in front of the lines of a list.
ARROW = re.compile(r"[ \t]*(?:-{2,}>|={2,}>|~>|\|>|(?<![-=])>{1,3}|[⟶⟹➔➜➝➞↦»])[ \t]*")
BETWEEN = re.compile(r"[ \t]+[&\\][ \t]+(?=[A-Za-z(])")
BULLET = re.compile(r"(?m)^[ \t]*(?:[-*•‣–]|\d{1,3}[.)])[ \t]+(?=[A-Za-z(@]|\d+x\d)")
#: A count behind a bracket, or in front of one.
TIMES_BEHIND = re.compile(r"(?<=\))[ \t]*(?:[xX×][ \t]*|\*[ \t]*[xX×][ \t]*)(\d+)(?![\w.])")
TIMES_BEFORE = re.compile(r"(?m)(?:^|(?<=[|,;>(=]))[ \t]*(\d+)[ \t]*[xX×*][ \t]*(?=\([ \t]*([A-Za-z]+))")
#: A let behind a separator, and one without its word.
LET_WITHIN = re.compile(r"[ \t]*(?:\||;|,|->)[ \t]*(?=(?:let|def)\s+[A-Za-z_]\w*\s*[=(])")
BARE_LET = re.compile(r"(?m)^[ \t]*(?=([A-Za-z_]\w*)[ \t]*=[ \t]*[\d.]+[ \t]*(?:$|[|;]))", re.ASCII)
WORD_BEFORE_BRACKET = re.compile(r"(?<![\w.])([A-Za-z_]\w*)[ \t]*\(", re.ASCII)
LIST = re.compile(r"(?:^|(?<=[|;,(\n]))[ \t]*\[(?=[ \t]*[A-Za-z(])")

#: Words for a merge with what goes in, and one arm or several.
RESIDUAL = ("residual", "res", "skip", "shortcut", "resblock")

#: What people call an input, the orders of its sizes, and the channels of a picture.
INPUT_WORDS = {
    "input",
    "inputs",
    "image",
    "images",
    "img",
    "inputlayer",
    "inputshape",
    "shape",
    "size",
    "in",
    "picture",
}
FIRST = {"chw", "cdhw", "nchw", "channelsfirst"}
LAST = {"hwc", "dhwc", "nhwc", "channelslast", "hxwxc"}
COLOURS = {"rgb": 3, "bgr": 3, "color": 3, "colour": 3, "rgba": 4, "gray": 1, "grey": 1, "grayscale": 1, "greyscale": 1}
#: A shape without a word, whose sizes stand apart: elsewhere it is a window.
SPACED = re.compile(r"\s*\d+(?:\s+[xX×*]\s+\d+)+\s*")
BRACKET = re.compile(r"[()\[\]]")
COMMENT = re.compile(r"#[^\r\n]*")
SIZE_OR_WORD = re.compile(r"\d+|[A-Za-z_]+|\S")


def marks(text: str) -> list[Edit]:
    """Return the edits of marks that the language has others for, in order; none of them overlap."""
    # What a comment says is nothing to read: in its place stand as many spaces.
    text = COMMENT.sub(lambda comment: " " * len(comment.group()), text)
    found = [*_simple(text), *_brackets(text), *_arms_outside(text)]
    edits: list[Edit] = []
    for edit in sorted(found):
        if not edits or edit.start >= edits[-1].end:
            edits.append(edit)
    return edits


def _simple(text: str) -> Iterator[Edit]:
    for pattern, other in ((ARROW, " -> "), (BETWEEN, " | "), (BULLET, ""), (LET_WITHIN, "\n")):
        for each in pattern.finditer(text):
            yield Edit(*each.span(), other)
    for each in TIMES_BEHIND.finditer(text):
        yield Edit(*each.span(), f" * {each[1]}")
    for each in BARE_LET.finditer(text):
        if word_of(each[1]) is None and each[1].lower() not in ("let", "def"):
            yield Edit(*each.span(), "let ")


def _brackets(text: str) -> Iterator[Edit]:
    """Yield the edits of counts in front of brackets, of lists, and of merges by other words."""
    pairs = _pairs(text)
    for each in TIMES_BEFORE.finditer(text):
        end = pairs.get(each.end())
        if end is not None and word_of(each[2]):
            yield Edit(*each.span(), " ")
            yield Edit(end + 1, end + 1, f" * {each[1]}")
    for each in LIST.finditer(text):
        end = pairs.get(each.end() - 1)
        if end is not None:
            yield Edit(each.end() - 1, each.end(), "(")
            yield Edit(end, end + 1, ")")
    for each in WORD_BEFORE_BRACKET.finditer(text):
        word, end = each[1].lower(), pairs.get(each.end() - 1)
        if end is None or word in MERGE_WORDS:
            continue
        several = _has_arms(text[each.end() : end])
        inside = re.search(r"[A-Za-z]{2,}", text[each.end() : end])
        layers = several or bool(inside and word_of(inside.group()))
        ours = "add" if word in RESIDUAL and layers else word_of(each[1]) if several else None
        if ours is not None and ours in MERGE_WORDS:
            yield Edit(each.start(1), each.end(1), KINDS[ours])
            if word in RESIDUAL and not several:
                yield Edit(end, end, " ; ")


def _pairs(text: str) -> dict[int, int]:
    """Return the position of each opening bracket that is closed, and that of the bracket that closes it."""
    pairs: dict[int, int] = {}
    waiting: list[int] = []
    for each in BRACKET.finditer(text):
        if each.group() in "([":
            waiting.append(each.start())
        elif waiting:
            pairs[waiting.pop()] = each.start()
    return pairs


def _has_arms(text: str) -> bool:
    """Return whether a `;` stands outside of brackets."""
    depth = 0
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == ";" and not depth:
            return True
    return False


def _arms_outside(text: str) -> Iterator[Edit]:
    """Yield the edits of each `;` outside of all brackets, which separates layers there."""
    depth = 0
    for at, character in enumerate(text):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(character, 0)
        if character == ";" and not depth:
            behind = text[at + 1 :].strip(" \t")
            yield Edit(at, at + 1, "" if not behind or behind[0] in "\r\n" else " |")


def input_of(text: str) -> str | None:
    """Return the input that a text gives, in the words of the language: `input 3 x 224 x 224 chw`, `image: 28x28 grey`.

    Return None if it is none.
    """
    named, first, colour = False, False, 0
    sizes: list[str] = []
    words = SIZE_OR_WORD.findall(text.replace("channels first", "chw").replace("channels last", "hwc"))
    for word in words:
        lowered = word.lower().replace("_", "")
        if word.isdigit():
            sizes.append(word)
        elif lowered in INPUT_WORDS:
            named = True
        elif lowered in FIRST:
            first = True
        elif lowered in COLOURS and not colour:
            colour = COLOURS[lowered]
        elif lowered not in LAST and word not in "xX×*,()[]:=;":
            return None
    ordered = first or any(word.lower() in LAST for word in words)
    if not sizes or not (named or ordered or colour or SPACED.fullmatch(text)):
        return None
    sizes = [*sizes[1:], sizes[0]] if first else sizes
    return f"input {'x'.join([*sizes, str(colour)] if colour and len(sizes) < 3 else sizes)}"
