"""What the commands on several specs share: reading them all, and saying which one is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from cnncalc.analysis import Analysis, Options, analyze_graph
from cnncalc.cli.output import Output, fail
from cnncalc.diagnostics import Source, SpecError
from cnncalc.report.columns import shortened

if TYPE_CHECKING:
    from cnncalc.sources import Found


def analyses(
    specs: Sequence[str],
    labels: Sequence[str],
    options: Options,
    output: Output,
    *,
    input: str | None,
    variables: Mapping[str, Any],
    dims: Mapping[str, int],
    strict: bool,
) -> list[Analysis]:
    """The figures of every spec. Where some are wrong, says so by their labels, and leaves with status 1.

    `variables` are for those that are text, `dims` and `strict` for the models among them.
    """
    from cnncalc.sources import load_source, parse_shape

    if list(specs).count("-") > 1:
        raise click.UsageError("only one of the specs can be standard input")
    try:
        shape = parse_shape(input.strip(), "--input") if input is not None else None
    except SpecError as error:
        fail(error, output, options)
    found = [_found(spec, label) for spec, label in zip(specs, labels, strict=True)]
    # An option that is for none of them is for each of them an error.
    any_text = any(isinstance(each, Source) for each in found)
    any_model = not all(isinstance(each, (Source, SpecError)) for each in found)

    def analysis(source: Found | SpecError) -> Analysis:
        if isinstance(source, SpecError):
            raise source
        text = isinstance(source, Source)
        own = variables if text or not any_text else {}, dims if not text or not any_model else {}
        return analyze_graph(load_source(source, shape, *own, strict), options)

    done = [_tried(analysis, *each) for each in zip(found, labels, specs, strict=True)]
    wrong = [each for each in done if isinstance(each, SpecError)]
    if wrong:
        told = [diagnostic for error in wrong for diagnostic in error.diagnostics]
        # The columns are those of networks: the table of the layers before the error has its own.
        fail(SpecError(told, wrong[0].partial if len(wrong) == 1 else None), output._replace(columns=None), options)
    return [each for each in done if isinstance(each, Analysis)]


def _found(spec: str, label: str) -> Found | SpecError:
    from cnncalc.sources import find

    try:
        source = find(spec)
    except SpecError as error:
        return error
    # Text has no name of its own, and here there may be several of it.
    is_text = isinstance(source, Source) and source.name == "<spec>"
    return source._replace(name=f"<{label}>") if is_text else source


def _tried(
    analysis: Callable[[Found | SpecError], Analysis], source: Found | SpecError, label: str, spec: str
) -> Analysis | SpecError:
    try:
        return analysis(source)
    except SpecError as error:
        return _in(label, spec, error)


def _in(label: str, spec: str, error: SpecError) -> SpecError:
    """The error with the spec's label where it has no place to tell which spec it is in."""
    told = [
        each if each.span is not None else each._replace(notes=(*each.notes, f"in {label}: {shortened(written(spec))}"))
        for each in error.diagnostics
    ]
    return SpecError(told, error.partial)


def written(spec: str) -> str:
    """A spec as a report calls it: as it was written, on one line, with nothing that a terminal would obey."""
    if spec == "-":
        return "<stdin>"
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in " ".join(spec.split()))
