"""`cnncalc zoo`: the well-known networks with their figures, or the spec of one."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from cnncalc import zoo
from cnncalc.cli.output import FORMATS, Output, fail, side_by_side_options
from cnncalc.diagnostics import nearest

if TYPE_CHECKING:
    from cnncalc.zoo.survey import ZooEntry

#: What the list may be sorted by; told here so that `--help` needs no report.
KEYS = ("name", "year", "input", "params", "macs", "field", "memory")

#: A bar is shown once the list has taken so many seconds.
PATIENCE = 0.5


@click.command("zoo")
@click.argument("name", required=False)
@click.option("--copy", is_flag=True, help="Write the spec to NAME.cnn, or where -o says, for editing.")
@click.option("--sort", "key", type=click.Choice(KEYS), help="Sort the list; without it, as the years went by.")
@click.option("--family", metavar="NAME", help="Only this family, such as resnet.")
@side_by_side_options(*FORMATS)
def command(name: str | None, copy: bool, key: str | None, family: str | None, output: Output) -> None:
    """Well-known networks with their figures; with a NAME, the spec of that network.

    \b
    cnncalc zoo
    cnncalc zoo --family resnet --sort macs
    cnncalc zoo resnet50
    cnncalc zoo resnet50 --copy

    A name of the zoo stands wherever a spec does: cnncalc resnet50 --input 320x320x3.
    """
    if name is None:
        if copy:
            raise click.UsageError("--copy needs the name of a network")
        _list(key, family, output)
    elif key or family:
        raise click.UsageError("--sort and --family are for the list: leave the NAME out")
    elif copy:
        _copy(_member(name, output), output)
    else:
        _print(_member(name, output), output)


def _list(key: str | None, family: str | None, output: Output) -> None:
    from cnncalc.report import zoo as report

    chosen = list(zoo.members().values())
    if family is not None:
        chosen = [member for member in chosen if member.family == family.lower()]
        if not chosen:
            near = nearest(family, zoo.families())
            known = f"did you mean {near!r}?" if near else f"one of {', '.join(zoo.families())}"
            raise click.BadParameter(f"unknown family {family!r}: {known}", param_hint="--family")
    entries = report.sort(list(_surveyed(chosen)), key)
    output.emit(
        lambda options: report.zoo_document(entries, options.width, output.layout, grouped=key is None),
        lambda: [entry.to_dict() for entry in entries],
        lambda: report.zoo_table(entries, output.layout, every_column=output.format == "csv"),
    )


def _surveyed(members: list[zoo.Member]) -> Iterator[ZooEntry]:
    """The networks with their figures; on a terminal with a bar where that takes a while."""
    from cnncalc.zoo.survey import survey

    start, shown = time.monotonic(), False
    for number, member in enumerate(members):
        if sys.stderr.isatty() and time.monotonic() - start > PATIENCE:
            bar = ("#" * (30 * number // len(members))).ljust(30, "-")
            click.echo(f"\r[{bar}] {number}/{len(members)}", nl=False, err=True)
            shown = True
        yield survey(member)
    if shown:
        click.echo(f"\r{' ' * 60}\r", nl=False, err=True)


def _print(member: zoo.Member, output: Output) -> None:
    if output.format == "json":
        from cnncalc.report.json import to_json
        from cnncalc.zoo.survey import survey

        output.write(to_json({**survey(member).to_dict(), "spec": member.text()}))
    elif output.format == "table":
        output.write(member.text())
    else:
        raise click.UsageError(f"a spec has no {output.format}: leave --format out, or write json")


def _copy(member: zoo.Member, output: Output) -> None:
    path = output.file or f"{member.name}.cnn"
    if output.file is None and os.path.lexists(path):
        raise click.ClickException(f"`{path}` is there already: name another file with -o")
    Output("table", path).write(member.text())
    if path != "-":
        click.echo(f"wrote {path}: `cnncalc {path}` calculates it")


def _member(name: str, output: Output) -> zoo.Member:
    """The network of that name; leaves with an error that tells the nearest where there is none."""
    member = zoo.find(name.strip())
    if member is not None:
        return member
    from cnncalc.analysis import Options
    from cnncalc.diagnostics import Diagnostic, Source, Span, SpecError

    help = zoo.suggestion(name.strip()) or "`cnncalc zoo` lists them all"
    span = Span(Source("<name>", name), 0, len(name))
    fail(
        SpecError([Diagnostic("E101", f"unknown network `{name}`", span, "not a name of the zoo", help=help)]),
        output,
        Options(),
    )
