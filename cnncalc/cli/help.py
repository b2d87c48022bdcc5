"""`cnncalc help TOPIC`: a page of the manual, a command's options, a layer or a code."""

from __future__ import annotations

import sys

import click
from click.shell_completion import CompletionItem

from cnncalc.cli import main, topics
from cnncalc.cli.command import COMMANDS, define_command
from cnncalc.cli.options import appearance_options
from cnncalc.cli.output import Output
from cnncalc.cli.pages import is_code, layer_kind, show_code, show_layer
from cnncalc.spelling import nearest

EXAMPLES = """
cnncalc help
cnncalc help language
cnncalc help conv
cnncalc help diff
cnncalc help E201
"""

#: A page is no wider than this, for the sake of reading.
MOST_WIDTH = 100
#: The width of the column of names in the list of topics.
LIST_WIDTH = 11


def _complete_topic(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in (*topics.names(), *COMMANDS) if name.startswith(incomplete)]


@define_command("help", EXAMPLES)
@click.argument("topic", required=False, shell_complete=_complete_topic)
@appearance_options()
@click.pass_context
def command(ctx: click.Context, topic: str | None, output: Output) -> None:
    """Show a page of the manual, a command, a layer or a code.

    Without a TOPIC, the pages and commands are listed.
    """
    if topic is None:
        output.write(_list(ctx))
    elif is_code(topic):
        show_code(topic, output)
    elif topic.lower() in topics.names():
        _show_page(topics.read(topic.lower()), output)
    elif topic.lower() in COMMANDS:
        output.write(_command_help(topic.lower(), ctx))
    elif layer_kind(topic) is not None:
        show_layer(topic, output)
    else:
        raise click.UsageError(_unknown(topic))


def _list(ctx: click.Context) -> str:
    formatter = ctx.make_formatter()
    formatter.write_usage("cnncalc help", "TOPIC")
    pages = [topics.read(name) for name in topics.names()]
    _write_list(formatter, "Pages", [(page.name, page.summary) for page in pages])
    _write_list(formatter, "Commands", list(COMMANDS.items()))
    _write_list(formatter, "Layers and codes", [("conv", "Any word for a layer."), ("E201", "Any code of an error.")])
    return formatter.getvalue()


def _write_list(formatter: click.HelpFormatter, heading: str, lines: list[tuple[str, str]]) -> None:
    if lines:
        with formatter.section(heading):
            formatter.write_dl([(name.ljust(LIST_WIDTH), text) for name, text in lines])


def _command_help(name: str, ctx: click.Context) -> str:
    command = main.get_command(ctx, name)
    assert command is not None
    return click.Context(command, info_name=name, parent=ctx.parent).get_help() + "\n"


def _show_page(page: topics.Topic, output: Output) -> None:
    """Write a page: coloured and in a pager on a terminal, else as Markdown."""
    options = output.render_options()
    terminal = sys.stdout is not None and sys.stdout.isatty()
    if not (terminal or options.colour):
        output.write(page.text)
        return
    text = _painted(page.text, min(options.width or MOST_WIDTH, MOST_WIDTH), options.colour)
    if terminal and text.count("\n") >= _terminal_height():
        click.echo_via_pager(text, color=options.colour)
    else:
        output.write(text)


def _painted(markdown: str, width: int, colour: bool) -> str:
    import io

    from rich.console import Console
    from rich.markdown import Markdown
    from rich.theme import Theme

    # Without a background for code: it is black, on a light terminal too.
    theme = Theme({"markdown.code": "bold cyan", "markdown.code_block": "cyan"})
    stream = io.StringIO()
    console = Console(
        file=stream, width=width, force_terminal=colour, color_system="standard" if colour else None, theme=theme
    )
    text = topics.PAGE_LINK.sub(r"\1", markdown)
    console.print(Markdown(text, code_theme="ansi_light", hyperlinks=False))
    return stream.getvalue()


def _terminal_height() -> int:
    import shutil

    return shutil.get_terminal_size().lines


def _unknown(topic: str) -> str:
    from cnncalc.layers import KINDS

    near = nearest(topic, (*topics.names(), *COMMANDS, *KINDS))
    hint = f"did you mean `{near}`?" if near else "`cnncalc help` lists them all"
    return f"unknown topic `{topic}`: {hint}"
