"""`cnncalc explain`: a network's rules with its numbers in them, a layer on values, or the story of a code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cnncalc.analysis import Analysis, Options, analyze_graph
from cnncalc.cli.output import (
    Output,
    announce,
    at_option,
    fail,
    input_shape,
    model_options,
    page_options,
    spec_options,
)
from cnncalc.diagnostics import Diagnostic, Source, Span, SpecError, nearest
from cnncalc.figures.memory import DTYPES

if TYPE_CHECKING:
    from cnncalc.explain.codes import Page
    from cnncalc.explain.layers import Explanation
    from cnncalc.explain.matrix import Matrix
    from cnncalc.graph import Graph

#: So many layers are explained at once.
MOST_LAYERS = 1000
#: Pictures are drawn unasked for so many layers with windows.
MOST_DRAWN = 3


@click.command("explain", no_args_is_help=True)
@click.argument("spec", required=False)
@click.option(
    "--layer", "layers", multiple=True, metavar="NAME", help="Explain this layer or block alone; may be repeated."
)
@spec_options
@at_option
@model_options
@click.option("--batch", type=click.IntRange(1, 10**9 - 1), default=1, metavar="N", help="Samples at once.")
@click.option("--dtype", type=click.Choice(list(DTYPES)), default="float32", help="Type of weights and activations.")
@click.option("--pictures/--no-pictures", default=None, help="Draw the windows; unasked, for a few layers.")
@click.option("--image", metavar="MATRIX", help='Show the layer on values: "3 0 1; 1 5 7", a CSV file, or -.')
@click.option("--kernel", metavar="MATRIX", help="The kernel of a convolution on values.")
@click.option("--flip", is_flag=True, help="The true convolution on values, which flips its kernel.")
@click.option("--codes", is_flag=True, help="List the codes of errors and warnings.")
@page_options
def command(
    spec: str | None,
    layers: tuple[str, ...],
    input: str | None,
    variables: dict[str, Any],
    at: dict[str, int],
    dims: dict[str, int],
    strict: bool,
    batch: int,
    dtype: str,
    pictures: bool | None,
    image: str | None,
    kernel: str | None,
    flip: bool,
    codes: bool,
    output: Output,
) -> None:
    """The rules of every layer with its numbers in them: sizes, padding, channels, parameters, MACs, receptive
    field and memory; and pictures of the windows.

    \b
    cnncalc explain "input 5x5x3 | conv 3x3 s2 same x2"
    cnncalc explain net.cnn --layer conv2
    cnncalc explain "pool 2" --image "1 3 2 4; 5 6 1 2; 0 1 9 8; 2 2 7 7"
    cnncalc explain E201

    SPEC is a file (.cnn, .yaml, or a model), - for standard input, a name of the zoo, the network itself, or the
    code of an error.
    """
    if codes:
        _write_codes(output)
    elif spec is None:
        raise click.UsageError("what is to be explained? Give a SPEC or a code, or `--codes`")
    elif image is not None:
        _write_operation(spec, variables, image, kernel, flip, output)
    elif kernel is not None or flip:
        raise click.UsageError("--kernel and --flip are for values: add --image")
    elif _is_code(spec):
        _write_code(spec.upper(), output)
    else:
        options = Options(batch, dtype)
        reading = {"variables": variables, "dims": dims, "strict": strict}
        analysis = _analysis(spec, options, output, input=input, at=at, **reading)
        _write_layers(analysis, layers, pictures, output)


# -- layers --------------------------------------------------------------------------------------------------


def _analysis(
    spec: str, options: Options, output: Output, *, input: str | None, at: dict[str, int], **more: Any
) -> Analysis:
    from cnncalc.language.inputs import LetterMode
    from cnncalc.sources import find, load_source

    shape = input_shape(input, output, options)
    try:
        announce(spec, output)
        return analyze_graph(load_source(find(spec), shape, left_open=LetterMode(at=at), **more), options)
    except SpecError as error:
        fail(error, output, options)


def _write_layers(analysis: Analysis, names: tuple[str, ...], pictures: bool | None, output: Output) -> None:
    from cnncalc.explain.layers import explain
    from cnncalc.report import explain as report

    try:
        chosen = _chosen(analysis, names)
    except SpecError as error:
        fail(error, output, analysis.options)
    explained = tuple(explain(analysis, chosen[:MOST_LAYERS]))
    drawn = _few(explained) or len(explained) == len(names) if pictures is None else pictures
    more = len(chosen) - len(explained)
    output.emit_page(
        lambda: report.explanations_json(explained),
        lambda: report.explanations_markdown(explained, drawn, more),
        lambda look: report.explanations_text(explained, look, drawn, more),
    )


def _few(explained: tuple[Explanation, ...]) -> bool:
    return sum(1 for each in explained if each.places) <= MOST_DRAWN


def _chosen(analysis: Analysis, names: tuple[str, ...]) -> list[str]:
    """The layers that are named, or that stand in a block or group that is; all where none is named."""
    known = [row.name for row in analysis.rows]
    if not names:
        return known
    for name in names:
        if not any(_named(each, name) for each in known):
            near = nearest(name, known)
            help = f"write `{near}`" if near else "`cnncalc SPEC` lists the layers by name"
            span = Span(Source("--layer", name), 0, len(name))
            raise SpecError([Diagnostic("E506", f"the spec has no layer `{name}`", span, "not a name", help=help)])
    return [each for each in known if any(_named(each, name) for name in names)]


def _named(layer: str, name: str) -> bool:
    return layer == name or layer.startswith(f"{name}.")


# -- values --------------------------------------------------------------------------------------------------


def _write_operation(
    spec: str, variables: dict[str, Any], image: str, kernel: str | None, flip: bool, output: Output
) -> None:
    from cnncalc.explain.operation import check_kernel, operate, shown_layer, weighed
    from cnncalc.report import operation as report

    try:
        values, _ = _matrix("--image", image)
        source = _text("SPEC", spec)
        node = shown_layer(_graph(source, values, variables), Span(source, 0, len(source.text)))
        weighs = weighed(node)
        if weighs and kernel is None:
            raise click.UsageError(f"`{node.layer.kind}` needs a --kernel on values")
        if not weighs and (kernel is not None or flip):
            raise click.UsageError(f"`{node.layer.kind}` has no kernel on values: leave --kernel and --flip out")
        weights = None
        if kernel is not None:
            weights, place = _matrix("--kernel", kernel)
            check_kernel(node, weights, place)
    except SpecError as error:
        fail(error, output, Options())
    shown = operate(node, values, weights, flip)
    unflipped = operate(node, values, weights) if flip else None
    output.emit_page(
        lambda: report.operation_json(shown, unflipped),
        lambda: report.operation_markdown(shown, unflipped),
        lambda look: report.operation_text(shown, unflipped, look),
    )


def _matrix(option: str, given: str) -> tuple[Matrix, Span]:
    """The matrix of an option, a text or a file, and where it stands."""
    from cnncalc.explain.matrix import parse_matrix

    source = _text(option, given)
    return parse_matrix(source), Span(source, 0, len(source.text.rstrip()))


def _text(option: str, given: str) -> Source:
    """The text that an option gives, in a file or by itself."""
    from cnncalc.sources import find

    source = find(given)
    if not isinstance(source, Source):
        raise SpecError([Diagnostic("E309", f"`{source.name}` is a model", label=f"{option} is a text on values")])
    return source._replace(name=option) if source.name == "<spec>" and option != "SPEC" else source


def _graph(source: Source, image: Matrix, variables: dict[str, Any]) -> Graph:
    """The spec on a matrix of one channel; one row is one spatial axis, unless the layer asks for two."""
    from cnncalc.sources import load_source

    rows, columns = len(image), len(image[0])
    if rows == 1:
        try:
            return load_source(source, (columns, 1), variables)
        except SpecError:
            pass
    return load_source(source, (rows, columns, 1), variables)


# -- codes ---------------------------------------------------------------------------------------------------


def _is_code(spec: str) -> bool:
    from cnncalc.explain.codes import CODE

    return CODE.fullmatch(spec.upper()) is not None


def _write_codes(output: Output) -> None:
    from cnncalc.explain.codes import pages
    from cnncalc.report import codes as report

    found = pages().values()
    output.emit_page(
        lambda: report.codes_json(found),
        lambda: report.codes_markdown(found),
        lambda look: report.codes_text(found, look),
    )


def _write_code(code: str, output: Output) -> None:
    from cnncalc.explain.codes import pages
    from cnncalc.report import codes as report

    page = pages().get(code)
    if page is None:
        near = nearest(code, pages(), cutoff=0.7)
        help = f"write `{near}`" if near else "`cnncalc explain --codes` lists them all"
        span = Span(Source("<code>", code), 0, len(code))
        error = SpecError([Diagnostic("E507", f"unknown code `{code}`", span, "no such code", help=help)])
        fail(error, output, Options())
    message = _message(page)
    output.emit_page(
        lambda: report.code_json(page, message),
        lambda: report.code_markdown(page, message),
        lambda look: report.code_text(page, message, look),
    )


def _message(page: Page) -> str:
    """What the page's spec gives, so that the page shows the message as it is; a command is left to be tried."""
    from cnncalc.diagnostics import render
    from cnncalc.sources import load_source

    sample = page.spec
    if sample is None:
        return ""
    source = Source("net.yaml" if sample.language == "yaml" else "<spec>", sample.text.rstrip("\n"))
    try:
        found = analyze_graph(load_source(source), Options()).warnings
    except SpecError as error:
        found = error.diagnostics
    return render([each for each in found if each.code == page.code], 80)
