"""`cnncalc layers`: the catalogue of layers, or the page of one."""

from __future__ import annotations

import click

from cnncalc.cli.command import define_command
from cnncalc.cli.options import page_options
from cnncalc.cli.output import Output
from cnncalc.cli.pages import show_layer

EXAMPLES = """
cnncalc layers
cnncalc layers conv2d
cnncalc layers --format json | jq '.[].words'
"""


@define_command("layers", EXAMPLES)
@click.argument("word", required=False)
@page_options()
def command(word: str | None, output: Output) -> None:
    """List the layers, or show all about one.

    The page of a layer has its arguments, formulas and examples. WORD is any word for a layer: maxpool is pool.
    """
    from cnncalc.report import layers

    if word is None:
        output.emit_page(layers.catalogue_json, layers.layers_markdown, layers.catalogue_text)
    else:
        show_layer(word, output)
