"""The answers of `cnncalc solve`: a line for each axis, or a sentence for repeats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cnncalc.notation import per_axis, thousands
from cnncalc.report.document import Document, Notes, Paragraph
from cnncalc.solve.solutions import AxisSolution, RepeatSolution, Skip, Solution
from cnncalc.sweep.largest import LargestValue
from cnncalc.sweep.space import value_text
from cnncalc.symbols.constraints import IntegerSet

#: The most ways to write a padding that are shown; the others are counted.
MOST_FORMS = 8
#: The most layers that are named.
MOST_LAYERS = 2


def solution_document(solution: Solution) -> Document:
    """Build the question, followed by an answer for each axis."""
    wanted = "x".join(map(str, solution.wanted))
    asked = {
        "input": f"{wanted} at `{solution.layer}` from an input {solution.given}",
        "padding": f"{wanted} from {solution.given} by the padding of `{solution.layer}`",
    }.get(solution.unknown, f"{wanted} from {solution.given} by the `?` of `{solution.layer}`")
    together: dict[str, list[str]] = {}
    for each in solution.axes:
        together.setdefault("; ".join(_parts(each, solution)), []).append(each.axis)
    return Document((Paragraph(asked), Notes(tuple((" and ".join(axes), text) for text, axes in together.items()))))


def _parts(axis: AxisSolution, solution: Solution) -> Iterator[str]:
    if axis.values is None:
        yield "not worked out: there are too many numbers to try"
        return
    if not axis.solved:
        tried = f" up to {solution.limit}" if solution.limit else ""
        yield f"none{tried} gives {axis.wanted}" if axis.nearest else f"none{tried} does"
        yield from (f"{_shown(values, solution)} gives {output}" for output, values in axis.nearest)
        return
    if axis.written:
        forms = [f"`{form}`" for form in axis.written[:MOST_FORMS]]
        more = len(axis.written) - MOST_FORMS
        yield ", ".join(forms) + (f" and {more} more" if more > 0 else "")
        return
    yield _shown(axis.values, solution)
    if axis.nothing_dropped is None:
        yield "which of them drop nothing is not worked out"
    elif axis.nothing_dropped.first is None:
        yield "every one drops something"
    else:
        at = "" if axis.nothing_dropped == axis.values else f" at {_shown(axis.nothing_dropped, solution)}"
        yield f"nothing is dropped{at}{_skipped(axis.skipped, solution)}"


def _skipped(skipped: tuple[Skip, ...], solution: Solution) -> str:
    """` but what `conv1` skips: it reads 1 in 2`"""
    if not skipped:
        return ""
    layers = [f"`{each.layer}`" for each in skipped[:MOST_LAYERS]]
    more = len(skipped) - MOST_LAYERS
    who = " and ".join(layers) if more <= 0 else f"{', '.join(layers)} and {more} more"
    shares = {f"{each.reads} in {each.of}" for each in skipped}
    # With another number for the `?` it may be another share.
    if len(shares) > 1 or solution.unknown == "?":
        return f" but what {who} skip{'s' if len(skipped) == 1 else ''} between windows"
    return f" but what {who} skip{'s: it reads' if len(skipped) == 1 else ': they read'} {shares.pop()}"


def _shown(values: IntegerSet, solution: Solution) -> str:
    text = str(values)
    if solution.limit and values.listed and values.listed[-1] == solution.limit:
        return f"{text} and perhaps more"
    return text


def solution_data(solution: Solution) -> dict[str, object]:
    """Return a JSON object: the question, and the values for each axis as runs [first, last, step]."""
    return {
        "unknown": solution.unknown,
        "layer": solution.layer,
        "given": solution.given,
        "wanted": list(solution.wanted),
        "solved": solution.solved,
        "tried_up_to": solution.limit,
        "axes": [
            {
                "axis": each.axis,
                "wanted": each.wanted,
                "values": each.values and each.values.to_dict(),
                "nothing_dropped": each.nothing_dropped and each.nothing_dropped.to_dict(),
                "skipped": [skip._asdict() for skip in each.skipped],
                "written": list(each.written),
                "nearest": [{"output": output, "values": values.to_dict()} for output, values in each.nearest],
            }
            for each in solution.axes
        ],
    }


def repeats_document(repeats: RepeatSolution) -> Document:
    """Build the number of repeats whose receptive field is large enough, and the field with one fewer."""
    if repeats.count is None:
        text = f"no number of repeats of `{repeats.block}` sees {repeats.wanted}: {repeats.reason}"
        return Document((Paragraph(text),))
    text = f"{_times(repeats.count)} of `{repeats.block}` sees {per_axis(repeats.field)}"
    if repeats.before:
        text += f"; {_times(repeats.count - 1)} sees {per_axis(repeats.before)}"
    return Document((Paragraph(text),))


def _times(count: int) -> str:
    return f"* {count}"


def repeats_data(repeats: RepeatSolution) -> dict[str, object]:
    """Return a JSON object with the question and the number of repeats."""
    return {
        "unknown": "repeats",
        "block": repeats.block,
        "wanted": repeats.wanted,
        "solved": repeats.count is not None,
        "count": repeats.count,
        "field": list(repeats.field),
        "field_before": list(repeats.before),
        "reason": repeats.reason or None,
    }


def largest_document(answer: LargestValue) -> Document:
    """Build the largest value of a let for which conditions hold, with its figures and those of the next value."""
    conditions = " and ".join(f"`{' '.join(each.split())}`" for each in answer.where)
    asked = Paragraph(f"the largest `{answer.name}` for which {conditions}")
    if answer.value is None:
        why = f"; of most, {answer.problem}" if answer.problem else ""
        return Document((asked, Notes(((answer.name, f"none of {thousands(answer.tried)} tried{why}"),))))
    notes = [(answer.name, f"{value_text(answer.value)}: {_figures_text(answer.figures)}")]
    if answer.next is not None:
        then = answer.problem if answer.next_figures is None else _figures_text(answer.next_figures)
        notes.append(("next", f"{value_text(answer.next)}: {then}"))
    elif answer.limited:
        notes.append(("next", "not tried: larger ones may hold"))
    else:
        notes.append(("next", "no larger one is to be tried"))
    notes.append(("command", answer.command))
    return Document((asked, Notes(tuple(notes))))


def _figures_text(figures: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {thousands(value)}" for name, value in figures.items())


def largest_data(answer: LargestValue) -> dict[str, object]:
    """Return the answer as a JSON object."""

    def text(value: Any) -> Any:
        return value if isinstance(value, int) or value is None else value_text(value)

    return {
        "let": answer.name,
        "where": list(answer.where),
        "value": text(answer.value),
        "figures": dict(answer.figures),
        "next": text(answer.next),
        "next_figures": None if answer.next_figures is None else dict(answer.next_figures),
        "tried": answer.tried,
        "larger_may_hold": answer.limited and answer.next is None and answer.value is not None,
        "command": answer.command,
    }
