"""Loading of the specs that a command names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from cnncalc.analysis import Analysis, Options, analyze_graph
from cnncalc.cli.errors import from_options, note
from cnncalc.cli.output import Output
from cnncalc.diagnostics import MAX_ERRORS, Source, SpecError
from cnncalc.notation import shortened

if TYPE_CHECKING:
    from cnncalc.graph import Graph
    from cnncalc.sources import TextOrModel

Result = TypeVar("Result")


class SpecOptions(NamedTuple):
    """The options for reading a spec: `variables` and `at` are for text, `dims` and `strict` for models.

    `layout` is the order of the sizes in `input`.
    """

    input: str | None = None
    #: The shapes of a PyTorch module's further inputs.
    more_inputs: tuple[str, ...] = ()
    variables: Mapping[str, Any] = {}
    at: Mapping[str, int] = {}
    dims: Mapping[str, int] = {}
    strict: bool = False
    layout: str = "hwc"

    def shape(self) -> tuple[Any, ...] | None:
        """Return the shape that `--input` gives; raises `OptionError` if it is not a shape."""
        if self.input is None:
            return None
        from cnncalc.sources import parse_shape

        with from_options():
            return parse_shape(self.input.strip(), "--input", self.layout)

    def load(self, spec: str, output: Output, letters: bool = False) -> Graph:
        """Return the graph of a spec of the command line; with `letters`, sizes may be left open."""
        shape = self.shape()
        source = find_source(spec, output)
        graph = self.build(source, shape, letters)
        note_reading(source, output)
        return graph

    def build(self, source: TextOrModel, shape: tuple[Any, ...] | None, letters: bool = False) -> Graph:
        """Return the graph of a source."""
        from cnncalc.language.inputs import LetterMode
        from cnncalc.sources import load_source, parse_shape

        with from_options():
            more = [parse_shape(each.strip(), "--input") for each in self.more_inputs]
        open_sizes = LetterMode(letters, self.at)
        return load_source(source, shape, self.variables, self.dims, self.strict, open_sizes, more)


def find_source(spec: str, output: Output) -> TextOrModel:
    """Return the source that a spec denotes, with a note on the code that `torch:module:factory` runs."""
    from cnncalc.sources import TORCH, find, language_of_code

    if spec.startswith(TORCH):
        note(f"running the code of {spec.removeprefix(TORCH)}", output)
    source = find(spec)
    language = None if isinstance(source, Source) else language_of_code(source)
    if language is not None:
        note(f"read as {language}; `cnncalc format` writes it as a spec", output)
    return source


#: So many items are shown as they are read.
MOST_READINGS = 2


def note_reading(source: TextOrModel, output: Output) -> None:
    """Say how a text is read whose layers are not in the words of the language."""
    if not isinstance(source, Source) or output.quiet or output.format == "json" or source.title is not None:
        return
    from cnncalc.language.meant import readings

    said = readings(source)
    if said:
        shown = [f"`{one_line(typed)}` as `{meant}`" for typed, meant in said[:MOST_READINGS]]
        more = [f"{len(said) - len(shown)} more"] if len(said) > len(shown) else []
        note(f"read {', '.join([*shown, *more])}; `cnncalc format` writes it so", output)


def analyze_all(
    specs: Sequence[str], labels: Sequence[str], reading: SpecOptions, options: Options, output: Output
) -> list[Analysis]:
    """Return the figures of every spec; raises one `SpecError` with the errors of all, by their labels."""
    found = analyze_readings(specs, labels, lambda _: {"": reading}, options, output)
    return [analysis for (analysis,) in found]


def analyze_readings(
    specs: Sequence[str],
    labels: Sequence[str],
    readings: Callable[[bool], Mapping[str, SpecOptions]],
    options: Options,
    output: Output,
) -> list[list[Analysis]]:
    """Return the figures of every spec in each of its readings.

    `readings` returns those of a spec that is text, or of a model file, with the words that tell them apart. Raises one
    `SpecError` with the errors of all specs, by their labels; of one spec those of the first reading that has any.
    """
    from cnncalc.sources import require_numbers

    if list(specs).count("-") > 1:
        raise click.UsageError("only one of the specs can be standard input")
    shapes: dict[str | None, tuple[Any, ...] | None] = {}
    for reading in readings(True).values():
        if reading.input not in shapes:
            shapes[reading.input] = shape = reading.shape()
            if shape is not None:
                require_numbers(shape, reading.at)
    sources = [_attempt(_find_labelled, spec, label, output) for spec, label in zip(specs, labels, strict=True)]
    # An option that is for none of the specs is an error for each.
    kinds = {isinstance(source, Source) for source in sources if not isinstance(source, SpecError)}

    def analyze(source: TextOrModel) -> list[Analysis]:
        text = isinstance(source, Source)
        found = []
        for words, reading in readings(text or kinds == {False}).items():
            applying = reading
            if kinds != {text}:
                applying = reading._replace(dims={}, strict=False) if text else reading._replace(variables={}, at={})
            graph = _attempt(applying.build, source, shapes[reading.input])
            if isinstance(graph, SpecError):
                raise _noted(graph, f"with {words}") if words else graph
            found.append(analyze_graph(graph, options))
        return found

    results = [source if isinstance(source, SpecError) else _attempt(analyze, source) for source in sources]
    errors = [
        _labelled(result, label, spec)
        for result, label, spec in zip(results, labels, specs, strict=True)
        if isinstance(result, SpecError)
    ]
    if errors:
        raise _combined(errors)
    return [result for result in results if not isinstance(result, SpecError)]


def _attempt(step: Callable[..., Result], *arguments: Any) -> Result | SpecError:
    try:
        return step(*arguments)
    except SpecError as error:
        return error


def _find_labelled(spec: str, label: str, output: Output) -> TextOrModel:
    source = find_source(spec, output)
    if isinstance(source, Source) and source.name == "<spec>":
        # Text has no name of its own, and here there may be several of it.
        return source._replace(name=f"<{label}>")
    return source


def _combined(errors: Sequence[SpecError]) -> SpecError:
    """Return one error for all; only a single error keeps its table of the layers before it."""
    if len(errors) == 1:
        return errors[0]
    return SpecError([each for error in errors for each in error.diagnostics][:MAX_ERRORS])


def _labelled(error: SpecError, label: str, spec: str) -> SpecError:
    """Return the error with a note on its spec if no source location identifies the spec."""
    if all(each.span is not None for each in error.diagnostics):
        return error
    text = shortened(one_line(spec))
    place = f"in {label}: {text}" if text else f"in {label}"
    return error.with_diagnostics(
        [each if each.span is not None else each._replace(notes=(*each.notes, place)) for each in error.diagnostics]
    )


def _noted(error: SpecError, note: str) -> SpecError:
    """Return the error with a note on each of its diagnostics."""
    return error.with_diagnostics([each._replace(notes=(*each.notes, note)) for each in error.diagnostics])


def drawing_name(source: TextOrModel, spec: str) -> str:
    """Return what a figure of a network without a name is called: its file or zoo network, or the text that it is."""
    import os

    if source.name.startswith("<"):
        return shortened(one_line(spec))
    return os.path.splitext(os.path.basename(source.name))[0]


def one_line(spec: str) -> str:
    """Return a spec as it was written, on one line, without control characters."""
    if spec == "-":
        return "<stdin>"
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in " ".join(spec.split()))
