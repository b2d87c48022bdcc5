"""The command line: a group whose first word is a command, or else a spec to calculate.

Each command is one file, imported when it is called, since start-up is a feature.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from cnncalc import __version__
from cnncalc.cli.command import COMMANDS, DEFAULT

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

#: What may stand in place of a command without being a spec.
OWN_OPTIONS = ("--help", "-h", "--version")


class SpecGroup(click.Group):
    """A group in which arguments that do not begin with a command's name are those of the default command."""

    def main(self, *args: Any, standalone_mode: bool = True, **settings: Any) -> Any:
        """Run the command line; where the errors that click finds itself end, which echo what was given."""
        run: Any = super().main
        if not standalone_mode:
            return run(*args, standalone_mode=False, **settings)
        try:
            status = run(*args, standalone_mode=False, **settings)
        except click.ClickException as error:
            from cnncalc.cli.errors import report_click_error

            status = report_click_error(error)
        except click.Abort:  # an interrupt before there is a command
            from cnncalc.cli.errors import report_interrupted

            status = report_interrupted()
        except OSError as error:  # standard output takes no more of what click writes itself
            from cnncalc.cli.errors import report_os_error

            status = report_os_error(error)
        sys.exit(status)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing:
            args = _as_meant(args)
        first = args[0] if args else "--help"
        if first not in COMMANDS and not (first in OWN_OPTIONS and (len(args) <= 1 or first == "--version")):
            if not ctx.resilient_parsing:
                _refuse_unknown_command(args)
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args or ["--help"])

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"cnncalc.cli.{cmd_name}").command
        return command

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options for a spec, then the commands."""
        from cnncalc.cli.calc import command
        from cnncalc.cli.command import write_section

        command.format_examples(formatter)
        command.format_groups(ctx, formatter)
        write_section(formatter, "Other", [each.get_help_record(ctx) for each in self.get_params(ctx)])
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the completions of the first word: a command, an option, a network of the zoo, or a file."""
        from click.shell_completion import CompletionItem

        from cnncalc.cli.calc import command
        from cnncalc.cli.options import complete_spec

        if incomplete.startswith("-"):
            own = [CompletionItem(name) for name in ("--version",) if name.startswith(incomplete)]
            return [*command.shell_complete(click.Context(command, ctx), incomplete), *own]
        commands = [CompletionItem(name, help=text) for name, text in COMMANDS.items() if name.startswith(incomplete)]
        return [*commands, *complete_spec(ctx, command.params[0], incomplete)]


def _as_meant(args: list[str]) -> list[str]:
    """Return the command line in the words of this program, with a note on a command that is called otherwise."""
    from cnncalc.cli.manners import as_command, rewritten

    meant = as_command(args)
    note = rewritten(args, meant)
    if note is not None and not {"-q", "--quiet", "json"} & {*meant}:
        click.echo(f"note: {note}", err=True)
    return meant


def _refuse_unknown_command(args: list[str]) -> None:
    """Raise for `cnncalc fromat net.cnn`: a spec is one argument, so the first of two was meant as a command."""
    first, *rest = args
    if first.isalpha() and rest and not rest[0].startswith("-"):
        from cnncalc.spelling import nearest

        near = nearest(first, COMMANDS)
        guess = f": did you mean `{near}`?" if near else "."
        raise click.UsageError(f"unknown command `{first}`{guess} To calculate a spec of several words, quote it.")


@click.group(
    cls=SpecGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    options_metavar="[OPTIONS]",
    subcommand_metavar="SPEC | COMMAND ...",
    epilog="`cnncalc COMMAND --help` shows the options of a command, `cnncalc help` the pages of the manual.",
)
@click.version_option(__version__, "--version", prog_name="cnncalc", message="%(prog)s %(version)s")
def main() -> None:
    """Calculate what a convolutional network does to its data: the output size, parameters, MACs and receptive
    field of every layer.

    SPEC is a file (.cnn, .yaml, or a model), - for standard input, a name of the zoo, or the network itself. Without an
    input, or with letters in it (HxWx3), the answer is in formulas; --at H=224,W=224 gives numbers for the letters.
    """
