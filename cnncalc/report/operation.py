"""A layer applied to values: the image, the kernel, the calculation of the first window, and the feature map."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from fractions import Fraction

from cnncalc.explain.matrix import number_text
from cnncalc.explain.operation import Operation
from cnncalc.explain.positions import window_positions
from cnncalc.report.document import Block, Document, Drawing, Heading, Paragraph, text_table

#: A remark on each reduction of a window.
REMARKS = {
    "sum of products": "A CNN's convolution does not flip its kernel (mathematics calls that a cross-correlation): the "
    "kernel is learnt, and would be learnt flipped. `--flip` shows the true convolution.",
    "mean": "Padding is left out of the mean; with `countpad` it counts, as zeros.",
    "largest": "Padding is never the largest.",
}
COUNTED = "Padding counts in the mean, as zeros; what a window reaches beyond it does not."
FLIPPED = "The true convolution flips the kernel first, on every axis. A CNN's does not:"


def operation_document(shown: Operation, unflipped: Operation | None) -> Document:
    """Build the image, first window and feature map; with `unflipped`, also the result of a CNN's convolution."""
    return Document(tuple(_page(shown, unflipped)))


def operation_data(shown: Operation, unflipped: Operation | None) -> dict[str, object]:
    """Return the operation as a JSON object; numbers that are not whole are exact fractions as text."""
    data: dict[str, object] = {
        "layer": str(shown.node.layer),
        "reduction": shown.reduction,
        "flip": shown.flip,
        "image": _json_matrix(shown.image),
        "kernel": None if shown.kernel is None else _json_matrix(shown.kernel),
        "first_window": {"formula": _first_window(shown), "value": _json_number(shown.first)},
        "output": _json_matrix(shown.output),
    }
    if unflipped is not None:
        data["unflipped"] = _json_matrix(unflipped.output)
    return data


def _page(shown: Operation, unflipped: Operation | None) -> Iterator[Block]:
    positions = window_positions(shown.node)
    first = [axis.taps(0) for axis in positions] if len(positions) == 2 else [range(1), positions[0].taps(0)]
    yield Heading(f"{shown.node.name}: {shown.node.layer}")
    yield Paragraph(f"the image, {_size(shown.image)}, its first window marked")
    yield _matrix(shown.image, *first)
    if shown.kernel is not None:
        yield Paragraph(f"the kernel, {_size(shown.kernel)}{', flipped' if shown.flip else ''}")
        yield _matrix(shown.kernel)
    steps = [("the first window", f"{_first_window(shown)} = {number_text(shown.first)}")]
    if shown.reduction == "sum of products":
        steps.append(("", "products with a zero are left out"))
    yield text_table(steps, roles=("label",))
    yield Paragraph(f"the feature map, {_size(shown.output)}")
    yield _matrix(shown.output)
    if unflipped is None:
        yield Paragraph(COUNTED if shown.padding_counts else REMARKS[shown.reduction])
    else:
        yield Paragraph(FLIPPED)
        yield _matrix(unflipped.output)


def _first_window(shown: Operation) -> str:
    """Return the calculation of the first window: `3×1 + 1×(−1)`, `max(1, 3)`, `(1 + 3) / 2`."""
    values = [term.value for term in shown.terms]
    if shown.reduction == "largest":
        return f"max({', '.join(map(number_text, values))})"
    if shown.reduction == "mean":
        return f"({' + '.join(map(_factor, values))}) / {shown.divisor}"
    products = [(term.value, term.weight) for term in shown.terms if term.value and term.weight]
    return " + ".join(f"{_factor(value)}×{_factor(weight)}" for value, weight in products) or "0"


def _factor(value: Fraction) -> str:
    text = number_text(value)
    return f"({text})" if text[0] == "−" or "/" in text else text


def _size(matrix: Sequence[Sequence[object]]) -> str:
    return f"{len(matrix)}x{len(matrix[0])}"


def _matrix(matrix: Sequence[Sequence[Fraction | None]], *marked: Collection[int]) -> Drawing:
    """Return the numbers in columns, with brackets around those in the marked rows and columns."""
    texts = [[number_text(number) for number in row] for row in matrix]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    rows = marked[0] if marked else ()
    columns = marked[1] if marked else ()

    def piece(i: int, j: int, text: str) -> tuple[str, str]:
        inside = i in rows and j in columns
        text = text.rjust(widths[j])
        return ("emphasis", f"[{text}]") if inside else ("text", f" {text} ")

    return Drawing(tuple(tuple(piece(i, j, text) for j, text in enumerate(row)) for i, row in enumerate(texts)))


def _json_matrix(matrix: Sequence[Sequence[Fraction | None]]) -> list[list[int | str | None]]:
    return [[_json_number(number) for number in row] for row in matrix]


def _json_number(number: Fraction | None) -> int | str | None:
    if number is None or number.denominator == 1:
        return None if number is None else int(number)
    return str(number)
