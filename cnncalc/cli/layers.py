"""`cnncalc layers`: the catalogue of layers, or the page of one."""

from __future__ import annotations

import click

from cnncalc.cli.output import Output, fail, page_options


@click.command("layers")
@click.argument("word", required=False)
@page_options
def command(word: str | None, output: Output) -> None:
    """The layers by family; with a WORD, all about one: its arguments, formulas and examples.

    \b
    cnncalc layers
    cnncalc layers conv2d
    cnncalc layers --format json | jq '.[].words'

    WORD is any word for a layer: maxpool is pool.
    """
    from cnncalc.report import layers

    if word is None:
        output.emit_page(layers.catalogue_json, layers.layers_markdown, layers.catalogue_text)
        return
    kind = _kind(word, output)
    output.emit_page(
        lambda: layers.page_json(kind), lambda: layers.page_markdown(kind), lambda look: layers.page_text(kind, look)
    )


def _kind(word: str, output: Output) -> str:
    """The kind that a word names; leaves with an error that tells the nearest word where it names none."""
    from cnncalc.layers import KINDS

    kind = KINDS.get(word.strip().lower())
    if kind is not None:
        return kind
    from cnncalc.analysis import Options
    from cnncalc.diagnostics import Diagnostic, Source, Span, SpecError, nearest

    near = nearest(word, KINDS)
    help = f"write `{near}`" if near else "`cnncalc layers` lists them all"
    span = Span(Source("<word>", word), 0, len(word))
    fail(
        SpecError([Diagnostic("E101", f"unknown layer `{word}`", span, "not a layer word", help=help)]),
        output,
        Options(),
    )
