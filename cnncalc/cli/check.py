"""`cnncalc check FILES…`: what is wrong with files, and whether they keep to their budgets."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from cnncalc.cli.command import CHECKS, define_command, option
from cnncalc.cli.errors import EXCEEDED, WRONG_SPEC
from cnncalc.cli.options import appearance_options, file_option, format_option, numbers_options, quiet_option
from cnncalc.cli.output import Output, terminal_width

if TYPE_CHECKING:
    from cnncalc.checks.configuration import Configuration
    from cnncalc.checks.findings import Finding
    from cnncalc.diagnostics import Diagnostic

EXAMPLES = """
cnncalc check net.cnn
cnncalc check nets/ --strict
cnncalc check -f github *.cnn
cnncalc check -f sarif -o cnncalc.sarif
"""

FORMATS = ("text", "github", "sarif")
FORMAT_OF_SUFFIX = {".sarif": "sarif", ".txt": "text"}

#: The files that are checked in a folder.
IN_FOLDERS = (".cnn",)

#: The most files and folders that are looked at in one.
MOST_ENTRIES = 50_000


@define_command("check", EXAMPLES, suffixes=FORMAT_OF_SUFFIX)
@click.argument("files", metavar="[FILE]...", nargs=-1)
@numbers_options()
@option("--strict", group=CHECKS, is_flag=True, help="Make warnings errors, and a model file's unknown operators too.")
@format_option(*FORMATS)
@file_option()
@appearance_options()
@quiet_option()
def command(
    files: tuple[str, ...], at: Mapping[str, int], dims: Mapping[str, int], strict: bool, output: Output
) -> None:
    """Check files, and hold them to their budgets.

    What is checked is their syntax, sizes and warnings. A budget is a comment of the file,
    `# budget: params < 5M, peak < 256KiB`, or stands in the table [tool.cnncalc] of pyproject.toml. The exit status is
    1 where a file is wrong, and 3 where a budget is exceeded.

    Each FILE is a spec (.cnn, .yaml), a model file, or a folder of specs. Without one, the files of [tool.cnncalc] are
    checked.
    """
    from cnncalc.checks.configuration import find_configuration
    from cnncalc.checks.findings import CheckOptions, check_file

    configuration = find_configuration()
    paths = list(_paths(files, configuration))
    options = CheckOptions(strict or configuration.strict, at, dims)
    findings = [finding for path in paths for finding in check_file(path, configuration, options)]
    output.write(_rendered(findings, len(paths), output))
    if any(each.fails and not each.is_budget for each in findings):
        sys.exit(WRONG_SPEC)
    if any(each.fails for each in findings):
        sys.exit(EXCEEDED)


def _paths(files: Sequence[str], configuration: Configuration) -> Iterator[str]:
    """Yield the files to check; raises `click.UsageError` if there is none."""
    if not files:
        chosen = configuration.chosen()
        if not chosen:
            missing = "match no file" if configuration.files else "name none"
            raise click.UsageError(
                f"no file to check: give some; `files` of [tool.cnncalc] in pyproject.toml {missing}"
            )
        yield from chosen
    for file in files:
        if not os.path.isdir(file):
            yield file
            continue
        found = sorted(_specs_in(file))
        if not found:
            raise click.UsageError(f"the folder `{file}` has no {' or '.join(IN_FOLDERS)} file")
        yield from found


def _specs_in(top: str) -> Iterator[str]:
    """Yield the specs in a folder, hidden folders left out; raises `click.UsageError` where it is too large."""
    entries = 0
    for folder, folders, names in os.walk(top):
        folders[:] = [name for name in folders if not name.startswith(".")]
        entries += len(folders) + len(names)
        if entries > MOST_ENTRIES:
            raise click.UsageError(f"the folder `{top}` has over {MOST_ENTRIES:,} entries: name a smaller one")
        yield from (os.path.join(folder, name) for name in names if name.endswith(IN_FOLDERS))


def _with_file(finding: Finding) -> Diagnostic:
    """Return the diagnostic with a note on the file, if no place in that says which it is."""
    diagnostic = finding.diagnostic
    return diagnostic if finding.place else diagnostic._replace(notes=(*diagnostic.notes, f"in {finding.file}"))


def _rendered(findings: Sequence[Finding], files: int, output: Output) -> str:
    if output.format == "sarif":
        from cnncalc import __version__
        from cnncalc.report.json import to_json
        from cnncalc.report.sarif import to_sarif

        return to_json(to_sarif(findings, __version__))
    from cnncalc.report.findings import summary, to_annotations

    if output.format == "github":
        return to_annotations(findings)
    from cnncalc.report.terminal import diagnostics_text

    piped = output.file not in (None, "-")
    terminal = not piped and sys.stdout is not None and sys.stdout.isatty()
    width = output.width or (terminal_width(sys.stdout) if terminal else 100)
    text = ""
    if findings:
        text = diagnostics_text([_with_file(each) for each in findings], width, output.colour(terminal, piped))
    return text if output.quiet else f"{text}{chr(10) if text else ''}{summary(findings, files)}\n"
