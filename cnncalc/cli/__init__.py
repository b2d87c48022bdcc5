"""The command line: a group whose first word is a command, or else a spec to calculate.

Each command is one file, imported when it is called, since start-up is a feature.
"""

from __future__ import annotations

from importlib import import_module

import click

from cnncalc import __version__

#: Command → the first line of its help. A command is `command` in the module of its name.
COMMANDS = {
    "calc": "Calculate a network: what `cnncalc SPEC` does.",
    "compare": "Several networks in one table, a row each.",
    "diff": "Two networks side by side: what was added, removed and changed.",
    "explain": "The rules of each layer with its numbers in them; or an error's code.",
    "export": "Write a network as framework code, an ONNX file or a spec.",
    "format": "Write a spec in its canonical form.",
    "solve": "Backwards: the input's size, or one number of a layer, from the output's size.",
    "layers": "The layers, with their arguments, formulas and examples.",
    "syntax": "The language on one page.",
    "zoo": "Well-known networks by name, with their specs.",
}

DEFAULT = "calc"


class SpecGroup(click.Group):
    """A group that takes anything but a command's name to be the arguments of the default command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = {"--help", "-h", "--version"}
        first = args[0] if args else "--help"
        if first not in COMMANDS and not (first in own and (len(args) <= 1 or first == "--version")):
            _refuse_mistyped_command(args)
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args or ["--help"])

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = import_module(f"cnncalc.cli.{cmd_name}").command
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _refuse_mistyped_command(args: list[str]) -> None:
    """`cnncalc fromat net.cnn`: a spec is one argument, so the first of two was to be a command."""
    first, *rest = args
    if first.isalpha() and rest and not rest[0].startswith("-"):
        from cnncalc.diagnostics import nearest

        near = nearest(first, COMMANDS)
        hint = f"did you mean '{near}'?" if near else "a spec of several words needs quotes."
        raise click.UsageError(f"No such command '{first}': {hint}")


@click.group(
    cls=SpecGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    options_metavar="[OPTIONS]",
    subcommand_metavar="SPEC | COMMAND ...",
    epilog="`cnncalc calc --help` lists the options for a SPEC.",
)
@click.version_option(__version__, "--version", prog_name="cnncalc", message="%(prog)s %(version)s")
def main() -> None:
    """What a convolutional network does to its data: the output size, parameters, MACs and receptive field
    of every layer.

    \b
    cnncalc "input 5x5x3 | conv 3x3 s1 valid x2"
    cnncalc "conv3x3s1p0:16,pool2" --input 32x32x3
    cnncalc net.cnn --format json
    cnncalc resnet50
    cat net.cnn | cnncalc -

    SPEC is a file (.cnn, .yaml, or a model), - for standard input, a name of the zoo, or the network itself. Without an
    input, or with letters in it (HxWx3), the answer is in formulas; --at H=224,W=224 gives numbers for the letters.
    """
