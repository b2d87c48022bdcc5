"""Sizes that a file writes as expressions of the shapes of blobs: `1w,*(1h,2),128`.

An expression is a number, an axis of a blob (`0w` is the width of the first), or a function of expressions in brackets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from math import ceil, floor, trunc

from cnncalc.layers.arguments import MAX_INTEGER
from cnncalc.readers.shape_inference import Dims, ShapeMismatchError
from cnncalc.readers.tensors import CannotInferError

TOKEN = re.compile(r"\s*(?:(\d+)([whdc])\b|([+-]?\d+\.?\d*)|(//|[a-z]\w*|[+*/-])|([(),]))")

#: The most characters of an expression, and the most brackets around one another.
MAX_LENGTH, MAX_DEPTH = 1000, 20

#: The axes of blobs by the number of their axes, the outermost first.
AXES = {1: "w", 2: "hw", 3: "chw", 4: "cdhw"}

FUNCTIONS: dict[str, Callable[..., float]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b,
    "//": lambda a, b: a // b, "max": max, "min": min, "ceil": ceil, "floor": floor, "round": round, "trunc": trunc,
    "abs": abs, "neg": lambda a: -a, "square": lambda a: a * a,
}  # fmt: skip


def evaluate(expressions: str, blobs: Sequence[Dims | None]) -> list[int]:
    """Return the values of expressions, for the given shapes of the blobs (the outermost axis first).

    Raises `CannotInferError` for an expression that is not understood, `ShapeMismatchError` for one without a value.
    """
    if len(expressions) > MAX_LENGTH:
        raise CannotInferError
    tokens, at = [], 0
    while at < len(expressions.rstrip()):
        found = TOKEN.match(expressions, at)
        if found is None:
            raise CannotInferError
        tokens.append(found)
        at = found.end()
    values: list[int] = []
    reader = _ExpressionReader(tokens, blobs)
    while reader.at < len(tokens):
        if values:
            reader.take(",")
        value = reader.value(0)
        if not -1 <= value < MAX_INTEGER:
            raise ShapeMismatchError(f"its size `{expressions[:60]}` is {value}")
        values.append(int(value))
    return values


class _ExpressionReader:
    """Reads the tokens of expressions from the first to the last."""

    def __init__(self, tokens: list[re.Match[str]], blobs: Sequence[Dims | None]) -> None:
        self.tokens, self.blobs, self.at = tokens, blobs, 0

    def take(self, mark: str) -> None:
        if self.at >= len(self.tokens) or self.tokens[self.at].group(5) != mark:
            raise CannotInferError
        self.at += 1

    def value(self, depth: int) -> float:
        """Return the value of the expression that begins here."""
        if self.at >= len(self.tokens) or depth > MAX_DEPTH:
            raise CannotInferError
        blob, axis, number, function, _ = self.tokens[self.at].groups()
        self.at += 1
        if blob is not None:
            return self._size(int(blob), axis)
        if number is not None:
            return float(number) if "." in number else int(number)
        if function not in FUNCTIONS:
            raise CannotInferError
        self.take("(")
        arguments = [self.value(depth + 1)]
        while self.at < len(self.tokens) and self.tokens[self.at].group(5) == ",":
            self.at += 1
            arguments.append(self.value(depth + 1))
        self.take(")")
        try:
            return FUNCTIONS[function](*arguments)
        except TypeError:
            raise CannotInferError from None

    def _size(self, blob: int, axis: str) -> int:
        dims = self.blobs[blob] if blob < len(self.blobs) else None
        if dims is None:
            raise CannotInferError
        names = AXES.get(len(dims), "")
        return dims[names.index(axis)] if axis in names else 1
