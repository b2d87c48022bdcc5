"""What the commands on several specs share: reading them all, and saying which one is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from cnncalc.analysis import Analysis, Options, analyze_graph
from cnncalc.cli.output import Output, fail
from cnncalc.diagnostics import SpecError
from cnncalc.report.columns import shortened


def analyses(
    specs: Sequence[str],
    labels: Sequence[str],
    input: str | None,
    variables: Mapping[str, Any],
    options: Options,
    output: Output,
) -> list[Analysis]:
    """The figures of every spec. Where some are wrong, says so by their labels, and leaves with status 1."""
    from cnncalc.sources import parse_shape

    if list(specs).count("-") > 1:
        raise click.UsageError("only one of the specs can be standard input")
    try:
        shape = parse_shape(input.strip(), "--input") if input is not None else None
    except SpecError as error:
        fail(error, output, options)
    read = [_analysis(*each, shape, variables, options) for each in zip(specs, labels, strict=True)]
    wrong = [each for each in read if isinstance(each, SpecError)]
    if wrong:
        told = [diagnostic for error in wrong for diagnostic in error.diagnostics]
        # The columns are those of networks: the table of the layers before the error has its own.
        fail(SpecError(told, wrong[0].partial if len(wrong) == 1 else None), output._replace(columns=None), options)
    return [each for each in read if isinstance(each, Analysis)]


def _analysis(
    spec: str, label: str, shape: tuple[int, ...] | None, variables: Mapping[str, Any], options: Options
) -> Analysis | SpecError:
    from cnncalc.sources import find, load_source

    try:
        source = find(spec)
        if source.name == "<spec>":
            # Text has no name of its own, and here there may be several of it.
            source = source._replace(name=f"<{label}>")
        return analyze_graph(load_source(source, shape, variables), options)
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
