"""`cnncalc completion SHELL`: the script by which a shell completes commands, networks and files."""

from __future__ import annotations

import click

from cnncalc.cli.command import define_command
from cnncalc.cli.output import Output

SHELLS = ("bash", "zsh", "fish")

EXAMPLES = """
eval "$(cnncalc completion bash)"   # in ~/.bashrc
eval "$(cnncalc completion zsh)"    # in ~/.zshrc
cnncalc completion fish | source    # in ~/.config/fish/config.fish
"""


@define_command("completion", EXAMPLES, no_args_is_help=True)
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str, output: Output) -> None:
    """Print the script by which a shell completes words.

    It completes commands, options, networks of the zoo and files. Let your shell run it at its start, as the
    examples do.
    """
    from click.shell_completion import get_completion_class

    from cnncalc.cli import main

    complete = get_completion_class(shell)
    assert complete is not None
    output.write(complete(main, {}, "cnncalc", "_CNNCALC_COMPLETE").source() + "\n")
