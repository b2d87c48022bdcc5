"""`cnncalc syntax`: the language on one page."""

from __future__ import annotations

from cnncalc.cli.command import define_command
from cnncalc.cli.options import page_options
from cnncalc.cli.output import Output

EXAMPLES = """
cnncalc syntax
cnncalc syntax --format markdown
"""


@define_command("syntax", EXAMPLES)
@page_options()
def command(output: Output) -> None:
    """Show the language on one page.

    It has separators, arguments, sizes, branches, blocks and YAML.
    """
    from cnncalc.report import syntax

    output.emit_page(syntax.syntax_json, syntax.syntax_markdown, syntax.syntax_text)
