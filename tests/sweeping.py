"""Spaces of variants for the tests of sweeps, and each variant by itself, as `analyze` calculates it."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from cnncalc.diagnostics import Source, Span, SpecError
from cnncalc.sweep.chunks import Points
from cnncalc.sweep.engine import Engine
from cnncalc.sweep.library import Sweep
from cnncalc.sweep.names import TOTALS, FigureName, find_names, total_name
from cnncalc.sweep.one_by_one import analysis_of, figures_of_analysis
from cnncalc.sweep.plans import FAILED

#: Figures of a layer, and of the last one.
OF_A_LAYER = (
    "params", "macs", "backward_macs", "saved_bytes", "activations", "conv_activations", "output_shape.0",
    "receptive_field", "receptive_field.left", "receptive_field.smallest", "receptive_field.jump",
)  # fmt: skip
OF_THE_LAST = ("output_shape.0", "receptive_field")

#: A small network with all that changes structures: repeats that keep their shape and that do not, an arm that
#: is stretched, a count that depends on channels, a window that may not fit, groups that may not divide.
SPACE = """
let w = 2 in [1..6], n = 2 in [0..4], size = 24 in [5, 12, 24, 33], k = 3 in [1, 3, 8], g = 2 in [1..4]
def block(c) = add(conv 3x3 same x{c} nobias | bn | relu | conv 3x3 same x{c} nobias | bn ; ) | relu
def mixed(c) = conv {k}x{k} g{g} x{c} | mul( ; gap | conv 1 x{C // 2 + 1 - C // 2} | sigmoid) | relu
input {size}x{size}x{2 * w}
conv 3x3 s2 x{8 * w} | block(8 * w) * {n}
mixed(8 * w) * {ceil(n / 2)} as mixed
pool 2 ceil | conv 3x3 same x16 as kept | (conv 3x3 same x16 | relu | mul(@kept ; )) * {n}
(conv 3x3 same x16 | relu) * {n + 1}
add( ; conv 1 x16 ; @mixed | pool 2 ceil | conv 1 x16)
gap | fc {10 * w}
"""


def names_of(asked: Sweep, paths: Sequence[str]) -> list[FigureName]:
    """The figures of these paths, but for those that are none in the sample."""
    found: dict[str, FigureName] = {}
    for path in paths:
        try:
            found.update({name.path: name for name in find_names(Span(Source("", path), 0, len(path)), asked.sample)})
        except SpecError:  # noqa: PERF203  # few are missing
            continue
    return list(found.values())


def differences(spec: str, over: dict[str, Any] | None, draw: random.Random, number: int, layers: bool) -> list[str]:
    """What differs between the figures of random variants of a space and those that `analyze` gives them.

    Errors are compared by code and place. With `layers`, figures of layers are compared as well.
    """
    asked = Sweep(spec, over=over)
    names = [total_name(key) for key in TOTALS]
    if layers:
        rows = draw.sample(list(asked.sample.rows), min(3, len(asked.sample.rows)))
        names += names_of(asked, [f"{row.name}.{figure}" for row in rows for figure in OF_A_LAYER])
        names += names_of(asked, OF_THE_LAST)
    engine = Engine(asked.spec, asked.space, asked.fixed, names)
    chosen = [draw.randrange(asked.space.variants) for _ in range(number)]
    found = engine.figures(chosen, [name.path for name in names])
    different = []
    for variant, row in zip(chosen, found, strict=True):
        values = asked.space.values(variant)
        try:
            expected: dict[str, Any] = figures_of_analysis(analysis_of(asked.spec, values, asked.fixed), names)
            problem = None
        except SpecError as error:
            place = error.diagnostics[0].place
            at = place.in_file() if place is not None else None
            problem = (error.diagnostics[0].code, at.line if at else 0, at.column if at else 0)
            expected = dict.fromkeys(row)
        own = problem_of(engine, variant)
        if own != problem:
            different.append(f"{values}: {own} and not {problem}")
        elif row != expected:
            wrong = [path for path in row if row[path] != expected[path]]
            different += [f"{values}: {path} {row[path]} and not {expected[path]}" for path in wrong]
    return different


def problem_of(engine: Engine, variant: int) -> tuple[str, int, int] | None:
    """The code and place of the error of a variant, which has exactly one structure; None if it fits."""
    found = []
    for plan in engine.plans:
        points, chosen = Points.of(plan, np.array([variant]))
        if len(chosen):
            states = points.states()
            state = 1 if states is None else int(np.broadcast_to(states, points.shape)[0])
            problem = plan.problems[state - FAILED] if state >= FAILED else None
            found.append(problem and (problem.code, problem.line, problem.column))
    (one,) = found
    return one


#: A number in a layer's text, behind a prefix or by itself.
NUMBER = re.compile(r"(?<![\w{.@])(?:x|s|p|d|g|:|\* ?)?(\d{1,4})(?=[\sx|,;)\n]|$)")


def with_lets(text: str, draw: random.Random, most: int = 3) -> tuple[str, dict[str, list[int]]] | None:
    """The spec with some of its numbers as lets, and values to try of these; None if it has no numbers."""

    def in_definition(at: int) -> bool:
        return text[:at].rsplit("\n", 1)[-1].lstrip().startswith(("let", "def", "#"))

    found = [match for match in NUMBER.finditer(text) if not in_definition(match.start())]
    if not found:
        return None
    lets, over = [], {}
    picked = draw.sample(found, min(most, len(found)))
    for number, match in enumerate(sorted(picked, key=lambda match: -match.start())):
        value, name = int(match[1]), f"v{number}"
        near = {value, max(value - 1, 0), value + 1, value * 2, max(value // 2, 1), value + 3}
        over[name] = sorted(near if value > 8 else {value, *range(5)})
        lets.append(f"let {name} = {value}\n")
        text = f"{text[: match.start(1)]}{{{name}}}{text[match.end(1) :]}"
    return "".join(lets) + text, over
