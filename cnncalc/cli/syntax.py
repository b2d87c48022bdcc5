"""`cnncalc syntax`: the language on one page."""

from __future__ import annotations

import click

from cnncalc.cli.output import Output, page_options


@click.command("syntax")
@page_options
def command(output: Output) -> None:
    """The language on one page: separators, arguments, sizes, branches, blocks and YAML.

    \b
    cnncalc syntax
    cnncalc syntax --format markdown
    """
    from cnncalc.report import syntax

    output.emit(lambda _: syntax.syntax_document(), lambda: [section.to_dict() for section in syntax.sections()])
