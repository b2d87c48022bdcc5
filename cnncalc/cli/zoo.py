"""`cnncalc zoo`: the well-known networks with their figures, or the spec of one."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from cnncalc import zoo
from cnncalc.cli.command import FIGURES, INPUT, define_command, option, refuse
from cnncalc.cli.options import FORMATS, report_options
from cnncalc.cli.output import Output
from cnncalc.diagnostics import Diagnostic, Source, Span, SpecError
from cnncalc.report.formats import FORMAT_OF_SUFFIX
from cnncalc.spelling import nearest

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from cnncalc.zoo.survey import ZooEntry

#: What the list may be sorted by; written here so that `--help` needs no report.
KEYS = ("name", "year", "input", "params", "macs", "field", "memory")

#: Seconds after which a bar shows how far the list has come.
PATIENCE = 0.5

EXAMPLES = """
cnncalc zoo
cnncalc zoo resnet --sort macs
cnncalc zoo resnet50
cnncalc zoo resnet50 --copy
cnncalc zoo --blocks
cnncalc zoo se
"""


def _complete_name(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from cnncalc.language.prelude import described

    names = [*zoo.members(), *described()]
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


@define_command("zoo", EXAMPLES, suffixes={**FORMAT_OF_SUFFIX, ".cnn": "table"})
@click.argument("name", required=False, shell_complete=_complete_name)
@option("--family", group=INPUT, metavar="NAME", help="List this family alone, such as resnet.")
@option("--blocks", is_flag=True, group=INPUT, help="List the blocks that every spec may call, such as se(r=4).")
@option(
    "--sort",
    "key",
    group=FIGURES,
    type=click.Choice([*KEYS, *(f"-{key}" for key in KEYS)]),
    metavar="KEY",
    help=f"Key to sort the list by, -KEY for largest first: {', '.join(KEYS)}",
)
@option("--copy", is_flag=True, help="Write the spec to NAME.cnn, or to the file of -o.")
@report_options(*FORMATS)
def command(name: str | None, copy: bool, blocks: bool, key: str | None, family: str | None, output: Output) -> None:
    """List well-known networks, or print the spec of one.

    The list has their figures. A NAME that no network has lists those that have it in theirs. A name of the zoo may
    stand wherever a spec does: cnncalc resnet50 --input 320x320x3.
    With --blocks, the list is of the blocks that stand ready in every spec. NAME may be one of these, too.
    """
    if blocks:
        if name is not None:
            raise click.UsageError(f"`--blocks` lists them all: `cnncalc zoo {name}` shows one")
        refuse(("key", "family", "copy", "layout"), "on the list of blocks")
        _list_blocks(output)
    elif name is None:
        if copy:
            raise click.UsageError("--copy needs the name of a network")
        _list(key, family, output, list(zoo.members().values()))
    else:
        from cnncalc.language.prelude import described

        known = name.strip() in described() or zoo.find(name.strip()) is not None
        if not known and not copy and (matching := zoo.matching(name)):
            _list(key, family, output, matching)
            return
        refuse(("key", "family"), "on one network: leave the NAME out for the list")
        refuse(("layout", "width"), "on a spec")
        if name.strip() in described():
            _print_block(name.strip(), copy, output)
        elif copy:
            refuse(("format",), "with `--copy`, which writes a spec")
            if output.format != "table":
                raise click.UsageError("`--copy` writes a spec: name a file in `.cnn`")
            _copy(_member(name), output)
        else:
            _print(_member(name), output)


def _list(key: str | None, family: str | None, output: Output, chosen: list[zoo.Member]) -> None:
    from cnncalc.report import zoo as report

    if family is not None:
        chosen = [member for member in chosen if member.family == family.lower()]
        if not chosen and family.lower() in zoo.families():
            raise click.UsageError("no network of that `--family` has NAME in its name")
        if not chosen:
            near = nearest(family, zoo.families())
            known = f"did you mean `{near}`?" if near else f"one of {', '.join(zoo.families())}"
            raise click.BadParameter(f"unknown family `{family}`: {known}", param_hint="--family")
    entries = report.sort(list(_entries(chosen, output)), key)
    output.emit(
        lambda options: report.zoo_document(entries, options.width, output.layout, grouped=key is None),
        lambda: [entry.to_dict() for entry in entries],
        lambda: report.zoo_table(entries, output.layout, every_column=output.format == "csv"),
    )


def _entries(members: list[zoo.Member], output: Output) -> Iterator[ZooEntry]:
    """Yield the networks with their figures, with a progress bar if that takes a while on a terminal."""
    from cnncalc.zoo.survey import survey

    start, shown = time.monotonic(), False
    wanted = sys.stderr.isatty() and not output.quiet
    for number, member in enumerate(members):
        if wanted and time.monotonic() - start > PATIENCE:
            bar = ("#" * (30 * number // len(members))).ljust(30, "-")
            click.echo(f"\r[{bar}] {number}/{len(members)}", nl=False, err=True)
            shown = True
        yield survey(member)
    if shown:
        click.echo(f"\r{' ' * 60}\r", nl=False, err=True)


def _list_blocks(output: Output) -> None:
    from cnncalc.language.prelude import described
    from cnncalc.report.zoo import blocks_document

    blocks = list(described().values())
    output.emit(
        lambda _: blocks_document(blocks),
        lambda: [block.to_dict() for block in blocks],
        lambda: blocks_document(blocks, table_only=True),
    )


def _print_block(name: str, copy: bool, output: Output) -> None:
    from cnncalc.language.prelude import described

    block = described()[name]
    if copy:
        raise click.UsageError(f"`--copy` is for networks, and `{name}` is a block: write its def into your spec")
    if output.format == "json":
        from cnncalc.report.json import to_json

        output.write(to_json(block.to_dict()))
    elif output.format == "table":
        output.write(block.text)
    else:
        raise click.UsageError(f"a block is written as text or as JSON, not as {output.format}")


def _print(member: zoo.Member, output: Output) -> None:
    if output.format == "json":
        from cnncalc.report.json import to_json
        from cnncalc.zoo.survey import survey

        output.write(to_json({**survey(member).to_dict(), "spec": member.text()}))
    elif output.format == "table":
        output.write(member.text())
    else:
        raise click.UsageError(f"a spec is written as text or as JSON, not as {output.format}")


def _copy(member: zoo.Member, output: Output) -> None:
    path = output.file or f"{member.name}.cnn"
    if output.file is None and os.path.lexists(path):
        raise click.ClickException(f"`{path}` exists already: name another file with `-o`")
    output._replace(file=path).write(member.text())
    if path != "-" and not output.quiet:
        click.echo(f"wrote {path}: `cnncalc {path}` calculates it")


def _member(name: str) -> zoo.Member:
    """Return the network of that name; raises `SpecError` E101 with the nearest name if there is none."""
    member = zoo.find(name.strip())
    if member is not None:
        return member
    help = zoo.suggestion(name.strip()) or "`cnncalc zoo` lists them all"
    span = Span(Source("<name>", name), 0, len(name))
    raise SpecError([Diagnostic("E101", f"unknown network `{name}`", span, "not a name of the zoo", help=help)])
