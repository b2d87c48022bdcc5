"""The pages of layers and codes, shown by `help`, `explain` and `layers`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnncalc.cli.output import Output
from cnncalc.diagnostics import Diagnostic, Source, Span, SpecError
from cnncalc.spelling import nearest

if TYPE_CHECKING:
    from cnncalc.explain.codes import Page


def layer_kind(word: str) -> str | None:
    """Return the kind of layer that a word names, or None."""
    from cnncalc.layers import KINDS

    return KINDS.get(word.strip().lower())


def is_code(word: str) -> bool:
    """Return whether a word has the form of an error's or a warning's code, such as `E201`."""
    return len(word) == 4 and word[0] in "EWew" and word[1:].isdigit()


def show_layer(word: str, output: Output) -> None:
    """Write the page of the layer that a word names; raises `SpecError` E101 if it names none."""
    from cnncalc.report import layers

    kind = layer_kind(word)
    if kind is None:
        from cnncalc.layers import KINDS

        near = nearest(word, KINDS)
        help = f"write `{near}`" if near else "`cnncalc layers` lists them all"
        span = Span(Source("<word>", word), 0, len(word))
        raise SpecError([Diagnostic("E101", f"unknown layer `{word}`", span, "not a layer word", help=help)])
    output.emit(lambda _: layers.layer_document(kind), lambda: [layers.layer_data(kind)])


def show_codes(output: Output) -> None:
    """Write the list of all codes."""
    from cnncalc.explain.codes import pages
    from cnncalc.report import codes as report

    entries = pages().values()
    output.emit(lambda _: report.codes_document(entries), lambda: [report.code_data(page) for page in entries])


def show_code(code: str, output: Output) -> None:
    """Write the page of a code; raises `SpecError` E507 if there is none."""
    from cnncalc.explain.codes import pages
    from cnncalc.report import codes as report

    code = code.upper()
    page = pages().get(code)
    if page is None:
        near = nearest(code, pages(), cutoff=0.7)
        help = f"write `{near}`" if near else "`cnncalc explain --codes` lists them all"
        span = Span(Source("<code>", code), 0, len(code))
        raise SpecError([Diagnostic("E507", f"unknown code `{code}`", span, "no such code", help=help)])
    message = _message(page)
    output.emit(lambda _: report.code_document(page, message), lambda: report.code_data(page) | {"message": message})


def _message(page: Page) -> str:
    """Return the output of the spec on the page, so that the page shows the actual message; a command is not run."""
    from cnncalc.analysis import Options, analyze_graph
    from cnncalc.diagnostics import render
    from cnncalc.sources import load_source

    sample = page.spec
    if sample is None:
        return ""
    source = Source("net.yaml" if sample.language == "yaml" else "<spec>", sample.text.rstrip("\n"))
    try:
        diagnostics = analyze_graph(load_source(source), Options()).warnings
    except SpecError as error:
        diagnostics = error.diagnostics
    return render([each for each in diagnostics if each.code == page.code], 80)
