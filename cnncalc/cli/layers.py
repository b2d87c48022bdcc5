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
    from cnncalc.layers import kinds
    from cnncalc.report import layers

    chosen = list(kinds()) if word is None else [_kind(word, output)]
    output.emit(
        lambda _: layers.catalogue_document() if word is None else layers.layer_document(*chosen),
        lambda: [layers.layer_data(kind) for kind in chosen],
        layers.overview_document if word is None else None,
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
