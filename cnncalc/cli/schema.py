"""`cnncalc schema`: the JSON Schema of what commands write as JSON."""

from __future__ import annotations

import click

from cnncalc.cli.command import define_command
from cnncalc.cli.options import file_option
from cnncalc.cli.output import Output
from cnncalc.report.schema import SUBJECTS

EXAMPLES = """
cnncalc schema
cnncalc schema errors
cnncalc schema diff -o diff.schema.json
"""


@define_command("schema", EXAMPLES)
@click.argument("subject", type=click.Choice(SUBJECTS), default="calc")
@file_option()
def command(subject: str, output: Output) -> None:
    """Print the JSON Schema of what `--format json` writes.

    It is that of a calculation, or of SUBJECT: what compare or diff write, the conventions of `--convention all`,
    or the errors that every command writes to standard error.
    """
    from cnncalc.report.json import to_json
    from cnncalc.report.schema import schema_of

    output.write(to_json(schema_of(subject)))
