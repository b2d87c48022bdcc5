"""Budgets: what must hold of a network, as a comment of its file or the project's configuration says it.

    # budget: params < 5M, macs < 600M
    # budget deploy=int8 in-place=dw: ram < 256KiB, flash < 1MiB

In front of the colon stand the options that the figures depend on, with the names of the command line's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cnncalc.analysis import Analysis, Options, analyze_graph
from cnncalc.diagnostics import Diagnostic, Source, Span, SpecError
from cnncalc.figures.cost import DEFAULT_CONVENTION
from cnncalc.graph import Graph
from cnncalc.query.conditions import Condition, Outcome, judge, parse_requirements
from cnncalc.spelling import nearest

#: A comment that is a budget: what stands before the colon, and what must hold.
COMMENT = re.compile(r"(?:^|(?<=\s))#[ \t]*budget\b([^:\n]*):([^\n]*)", re.MULTILINE)
#: One whose colon is missing.
WITHOUT_COLON = re.compile(r"(?:^|(?<=\s))#[ \t]*budget\b([^:\n]*[<>=][^:\n]*)$", re.MULTILINE)

#: The options of a budget, and what each would be without it.
DEFAULTS: dict[str, Any] = {
    "batch": 1,
    "dtype": None,
    "convention": DEFAULT_CONVENTION,
    "deploy": None,
    "in-place": (),
}


class Budget(NamedTuple):
    """What must hold of a network, and the options that its figures depend on."""

    options: Options
    conditions: tuple[Condition, ...]

    def outcomes(self, graph: Graph) -> tuple[Analysis, list[Outcome]]:
        """Return the network's figures, and the outcome of each condition; raises `SpecError` as `judge`."""
        analysis = analyze_graph(graph, self.options)
        return analysis, judge(self.conditions, analysis)


def budgets_of(source: Source) -> list[Budget]:
    """Return the budgets in the comments of a text; raises `SpecError` with every error in them."""
    errors: list[Diagnostic] = []
    budgets = []
    for comment in COMMENT.finditer(source.text):
        options, conditions = (_part(source, comment, group) for group in (1, 2))
        try:
            budgets.append(Budget(options_of(options), tuple(parse_requirements(conditions))))
        except SpecError as error:
            errors += error.diagnostics
    for comment in WITHOUT_COLON.finditer(source.text):
        span = Span(source, *comment.span(1))
        help = f"write `# budget: {comment.group(1).strip()}`"
        errors.append(Diagnostic("E020", "a budget without its colon", span, "no `:` before what must hold", help=help))
    if errors:
        raise SpecError(errors)
    return budgets


def _part(source: Source, comment: re.Match[str], group: int) -> Source:
    return Source(source.name, comment.group(group), base=source, offset=comment.start(group))


def options_of(source: Source) -> Options:
    """Return the options in a text, `deploy=int8 in-place=dw`; raises `SpecError` E020 if they cannot be read."""
    given: dict[str, Any] = {}
    for word in re.finditer(r"\S+", source.text):
        span = Span(source, *word.span())
        name, equals, value = word.group().partition("=")
        if name not in DEFAULTS or not equals:
            near = nearest(name, DEFAULTS)
            help = f"write `{near}=…`" if near else f"one of {', '.join(f'{each}=…' for each in DEFAULTS)}"
            raise SpecError(
                [Diagnostic("E020", f"a budget has no `{name}`", span, "not one of its options", help=help)]
            )
        if name in given:
            raise SpecError([Diagnostic("E020", f"`{name}` is given twice", span, "the second time")])
        given[name] = (
            int(value) if name == "batch" and value.isascii() and value.isdigit() and len(value) < 12 else value
        )
    return make_options(given, Span(source, 0, len(source.text)))


def make_options(given: Mapping[str, Any], span: Span | None) -> Options:
    """Return the options of these names; raises `SpecError` E020, at the span, for a value that they do not have."""
    values = {**DEFAULTS, **given}
    if isinstance(values["in-place"], list):
        values["in-place"] = tuple(values["in-place"])
    try:
        return Options.checked(
            values["batch"], values["dtype"], values["convention"], "sgd", values["deploy"], values["in-place"]
        )
    except (ValueError, TypeError) as error:
        raise SpecError([Diagnostic("E020", "an option of a budget cannot be read", span, str(error))]) from None


def exceeded(outcome: Outcome, analysis: Analysis) -> Diagnostic:
    """Return the error of a budget that is exceeded, with the layers that have most of its figure."""
    condition = outcome.condition
    span = condition.span
    notes = [f"figures as {analysis.options.types.words}"] if outcome.figure.in_bytes and analysis.options.types else []
    layers = list(_heaviest(outcome, analysis))
    help = f"most of it: {', '.join(layers)}" if layers else None
    message = f"the budget `{condition.text}` is exceeded"
    return Diagnostic("E142", message, span, outcome.words, tuple(notes), help)


#: The last key of a total → the figure of a layer that adds up to it, or that is largest where it is.
FIGURES_OF_LAYERS = {
    **{key: key for key in ("params", "frozen", "buffers", "macs", "flops", "backward_macs", "activations")},
    **{key: key for key in ("conv_activations", "params_bytes", "traffic_bytes", "saved_bytes")},
    "flash_bytes": "params_bytes",
    "ram_bytes": "live_bytes",
    "peak": "live_bytes",
    "arena": "live_bytes",
}


def _heaviest(outcome: Outcome, analysis: Analysis) -> Iterator[str]:
    """Yield the three layers that have most of a total."""
    figure = outcome.figure
    if not figure.path.startswith("totals.") or figure.key not in FIGURES_OF_LAYERS or outcome.by == 0:
        return
    key = FIGURES_OF_LAYERS[figure.key]
    sizes: Sequence[tuple[str, int]] = [(row.name, getattr(row, key)) for row in analysis.rows]
    unit = " B" if figure.in_bytes else ""
    for name, size in sorted(sizes, key=lambda each: -each[1])[:3]:
        if size:
            yield f"{name} ({size:,}{unit})"
