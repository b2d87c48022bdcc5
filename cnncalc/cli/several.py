"""What the commands on several specs share: reading them all, and saying which one is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cnncalc.analysis import Analysis, Options, analyze_graph
from cnncalc.cli.output import Output, announce, fail, input_shape
from cnncalc.diagnostics import Source, SpecError
from cnncalc.notation import shortened

if TYPE_CHECKING:
    from cnncalc.sources import TextOrModel

Result = TypeVar("Result")


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
    at: Mapping[str, int],
) -> list[Analysis]:
    """The figures of every spec. Where some are wrong, says so by their labels, and leaves with status 1.

    `variables` and `at` are for those that are text, `dims` and `strict` for the models among them.
    """
    from cnncalc.language.inputs import LetterMode
    from cnncalc.sources import load_source, require_numbers

    if list(specs).count("-") > 1:
        raise click.UsageError("only one of the specs can be standard input")
    shape = input_shape(input, output, options)
    try:
        if shape is not None:
            require_numbers(shape, at)
    except SpecError as error:
        fail(error, output, options)
    for spec in specs:
        announce(spec, output)
    sources = [_tried(_source, spec, label) for spec, label in zip(specs, labels, strict=True)]
    # An option that is for none of them is an error for each.
    kinds = {isinstance(source, Source) for source in sources if not isinstance(source, SpecError)}

    def figures(source: TextOrModel) -> Analysis:
        text = isinstance(source, Source)
        lets, numbers = (variables, at) if text or kinds == {text} else ({}, {})
        sizes = dims if not text or kinds == {text} else {}
        return analyze_graph(load_source(source, shape, lets, sizes, strict, LetterMode(at=numbers)), options)

    done = [source if isinstance(source, SpecError) else _tried(figures, source) for source in sources]
    told = zip(done, labels, specs, strict=True)
    wrong = [_in(label, spec, error) for error, label, spec in told if isinstance(error, SpecError)]
    if wrong:
        diagnostics = [each for error in wrong for each in error.diagnostics]
        partial = wrong[0].partial if len(wrong) == 1 else None
        # The columns are those of networks: the table of the layers before the error has its own.
        fail(SpecError(diagnostics, partial), output._replace(columns=None), options)
    return [each for each in done if isinstance(each, Analysis)]


def _tried(step: Callable[..., Result], *arguments: Any) -> Result | SpecError:
    try:
        return step(*arguments)
    except SpecError as error:
        return error


def _source(spec: str, label: str) -> TextOrModel:
    from cnncalc.sources import find

    source = find(spec)
    if isinstance(source, Source) and source.name == "<spec>":
        # Text has no name of its own, and here there may be several of it.
        return source._replace(name=f"<{label}>")
    return source


def _in(label: str, spec: str, error: SpecError) -> SpecError:
    """The error with the spec's label where it has no place to tell which spec it is in."""
    told = [
        each if each.span is not None else each._replace(notes=(*each.notes, _place(label, spec)))
        for each in error.diagnostics
    ]
    return SpecError(told, error.partial)


def _place(label: str, spec: str) -> str:
    text = shortened(written(spec))
    return f"in {label}: {text}" if text else f"in {label}"


def written(spec: str) -> str:
    """A spec as a report calls it: as it was written, on one line, with nothing that a terminal would obey."""
    if spec == "-":
        return "<stdin>"
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in " ".join(spec.split()))
