"""A review as a document: a section for each network, with its totals, layers, budgets and a drawing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnncalc.analysis import Analysis, Options
from cnncalc.checks.review import BudgetOutcome, FileReview, Review
from cnncalc.compare.networks import NetworkRow
from cnncalc.diagnostics import Diagnostic, render
from cnncalc.notation import bytes_text, thousands
from cnncalc.report.deployment import types_text
from cnncalc.report.difference import difference_comment
from cnncalc.report.document import Block, CodeSample, DataTable, Document, Heading, Paragraph, text_table
from cnncalc.report.markdown import code
from cnncalc.report.mermaid import to_mermaid

#: More networks than these are named, not shown.
MOST_FILES = 20


def review_document(review: Review, drawings: bool = True) -> Document:
    """Build the document; without `drawings`, what a terminal can show."""
    return Document(tuple(_blocks(review, drawings)))


def _blocks(review: Review, drawings: bool) -> Iterator[Block]:
    yield Heading("Networks in this change", level=1)
    if not review.files:
        yield Paragraph(f"No network differs between {code(review.base[:12])} and {code(review.head[:12])}.")
        return
    yield Paragraph(_summary(review))
    for file in review.files[:MOST_FILES]:
        yield from _section(file, drawings)
    if len(review.files) > MOST_FILES:
        names = ", ".join(code(file.file.path) for file in review.files[MOST_FILES:])
        yield Paragraph(f"And {len(review.files) - MOST_FILES} more: {names}")


def _summary(review: Review) -> str:
    count = len(review.files)
    sides = f"from A {code(review.base[:12])} to B {code(review.head[:12])}"
    parts = [f"{count} network{'s differ' if count > 1 else ' differs'} {sides}"]
    wrong = sum(file.is_wrong for file in review.files)
    exceeded = sum(each.after.exceeded for file in review.files for each in file.budgets)
    if wrong:
        parts.append(f"{wrong} with errors")
    if exceeded:
        parts.append(f"{exceeded} budget{'s' if exceeded > 1 else ''} exceeded")
    return ", ".join(parts)


def _section(review: FileReview, drawings: bool) -> Iterator[Block]:
    file = review.file
    yield Heading(code(file.path))
    if file.before and file.after and file.before != file.after:
        yield Paragraph(f"It was {code(file.before)}.")
    if review.after.errors and not review.after.is_open:
        yield Paragraph("It cannot be calculated:")
        yield _errors(review.after.errors)
        return
    if review.after.is_open:
        yield Paragraph("Its sizes are open, so there are no numbers to compare.")
        return
    if review.after.analysis is None:
        yield Paragraph("It is removed.")
        return
    difference = review.difference
    if difference is None:
        was_wrong = " It could not be calculated before." if review.before.errors else " It is new."
        yield Paragraph(was_wrong.strip())
        yield _totals(review.after.analysis)
    else:
        sides = (NetworkRow("before", difference.a), NetworkRow("after", difference.b))
        # Its first block says what A and B are.
        yield from difference_comment(difference, sides, "hwc").blocks[1:]
    if review.budget_errors:
        yield Paragraph("Its budgets cannot be read:")
        yield _errors(review.budget_errors)
    if review.budgets:
        yield _budgets(review.budgets)
    drawing = to_mermaid(difference) if difference is not None and drawings else None
    if drawing:
        yield CodeSample(drawing, "mermaid")


def _errors(errors: Sequence[Diagnostic]) -> CodeSample:
    # A fence within it would end the block.
    return CodeSample(render(errors).replace("```", "'''"), "text")


def _totals(analysis: Analysis) -> DataTable:
    totals = analysis.totals
    rows = [
        ("layers", thousands(totals.layers)),
        ("parameters", thousands(totals.params)),
        ("MACs", thousands(totals.macs)),
        ("weight bytes", thousands(totals.params_bytes)),
        ("peak bytes", thousands(totals.activation_bytes.peak)),
    ]
    heading = f"total as {types_text(analysis.options)}"
    return text_table(rows, (heading, ""), ("text", "number"), setting="plain", unlimited=True)


def _budgets(budgets: Sequence[BudgetOutcome]) -> DataTable:
    rows = [
        (
            each.after.condition.text + _options(each.options),
            _number(each.before.number, each.before.figure.in_bytes) if each.before else "",
            _number(each.after.number, each.after.figure.in_bytes),
            f"exceeded: {each.after.words}" if each.after.exceeded else "kept",
        )
        for each in budgets
    ]
    return text_table(
        rows, ("budget", "before", "after", "outcome"), ("text", "number", "number"), setting="plain", unlimited=True
    )


def _options(options: Options) -> str:
    """Return the options of a budget that are not the usual ones."""
    usual = Options()
    parts = [f"deploy {options.deploy}"] if options.deploy else []
    parts += [f"dtype {options.dtype}"] if options.dtype not in (usual.dtype, "stored") else []
    parts += [f"in place {', '.join(options.in_place)}"] if options.in_place else []
    parts += [f"batch {options.batch}"] if options.batch != usual.batch else []
    return f" ({', '.join(parts)})" if parts else ""


def _number(number: object, in_bytes: bool) -> str:
    if not isinstance(number, int):
        return str(number)
    return bytes_text(number) if in_bytes else thousands(number)
