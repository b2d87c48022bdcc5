"""What `cnncalc solve` found, for a person and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator

from cnncalc.notation import per_axis
from cnncalc.solve.solutions import AxisSolution, RepeatSolution, Solution
from cnncalc.symbols.constraints import IntegerSet

#: So many ways to write a padding are shown, the others counted.
MOST_FORMS = 8


def solution_text(solution: Solution) -> str:
    """A line that says what is asked, then one for each axis."""
    wanted = "x".join(map(str, solution.wanted))
    asked = {
        "input": f"{wanted} at `{solution.layer}` from an input {solution.given}",
        "padding": f"{wanted} from {solution.given} by the padding of `{solution.layer}`",
    }.get(solution.unknown, f"{wanted} from {solution.given} by the `?` of `{solution.layer}`")
    together: dict[str, list[str]] = {}
    for each in solution.axes:
        together.setdefault("; ".join(_parts(each, solution)), []).append(each.axis)
    labels = [" and ".join(names) for names in together.values()]
    width = max(map(len, labels))
    lines = [f"{label.ljust(width)}  {text}" for label, text in zip(labels, together, strict=True)]
    return "\n".join([asked, "", *lines]) + "\n"


def _parts(found: AxisSolution, solution: Solution) -> Iterator[str]:
    if found.values is None:
        yield "not worked out: there are too many numbers to try"
        return
    if not found.solved:
        tried = f" up to {solution.limit}" if solution.limit else ""
        yield f"none{tried} gives {found.wanted}" if found.nearest else f"none{tried} does"
        yield from (f"{_shown(values, solution)} gives {output}" for output, values in found.nearest)
        return
    if found.written:
        forms = [f"`{form}`" for form in found.written[:MOST_FORMS]]
        more = len(found.written) - MOST_FORMS
        yield ", ".join(forms) + (f" and {more} more" if more > 0 else "")
        return
    yield _shown(found.values, solution)
    if found.nothing_dropped is None:
        yield "which of them drop nothing is not worked out"
    elif found.nothing_dropped.first is None:
        yield "every one drops something"
    elif found.nothing_dropped != found.values:
        yield f"nothing is dropped at {_shown(found.nothing_dropped, solution)}"
    else:
        yield "nothing is dropped"


def _shown(values: IntegerSet, solution: Solution) -> str:
    text = str(values)
    if solution.limit and values.listed and values.listed[-1] == solution.limit:
        return f"{text} and perhaps more"
    return text


def solution_json(solution: Solution) -> str:
    """One object: the question, and for each axis all values as runs [first, last, step]."""
    return _json(
        {
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
                    "written": list(each.written),
                    "nearest": [{"output": output, "values": values.to_dict()} for output, values in each.nearest],
                }
                for each in solution.axes
            ],
        }
    )


def repeats_text(repeats: RepeatSolution) -> str:
    if repeats.count is None:
        return f"no number of repeats of `{repeats.block}` sees {repeats.wanted}: {repeats.reason}\n"
    text = f"{_times(repeats.count)} of `{repeats.block}` sees {per_axis(repeats.field)}"
    if repeats.before:
        text += f"; {_times(repeats.count - 1)} sees {per_axis(repeats.before)}"
    return text + "\n"


def _times(count: int) -> str:
    return f"* {count}"


def repeats_json(repeats: RepeatSolution) -> str:
    return _json(
        {
            "unknown": "repeats",
            "block": repeats.block,
            "wanted": repeats.wanted,
            "solved": repeats.count is not None,
            "count": repeats.count,
            "field": list(repeats.field),
            "field_before": list(repeats.before),
            "reason": repeats.reason or None,
        }
    )


def _json(found: dict[str, object]) -> str:
    return json.dumps(found, indent=2, ensure_ascii=False, default=str) + "\n"
