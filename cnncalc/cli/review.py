"""`cnncalc review BASE HEAD`: the networks that differ between two commits, as a comment on a pull request."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from cnncalc.cli.command import CHECKS, define_command, option, refuse
from cnncalc.cli.errors import EXCEEDED, WRONG_SPEC, note
from cnncalc.cli.options import (
    appearance_options,
    deployment_options,
    figure_options,
    file_option,
    format_option,
    quiet_option,
)
from cnncalc.cli.output import Output

if TYPE_CHECKING:
    from cnncalc.analysis import Options

EXAMPLES = """
cnncalc review main
cnncalc review origin/main HEAD --format markdown
cnncalc review "$BASE" "$HEAD" --post
"""


@define_command("review", EXAMPLES, no_args_is_help=True)
@click.argument("base")
@click.argument("head", default="HEAD")
@figure_options()
@deployment_options()
@option("--post", group=CHECKS, is_flag=True, help="Write it as the comment on the pull request, or update that.")
@option(
    "--pull-request",
    group=CHECKS,
    type=click.IntRange(1),
    metavar="N",
    help="With --post, the number of the pull request, in place of that of the job's event.",
)
@format_option("table", "markdown")
@file_option()
@appearance_options()
@quiet_option()
def command(base: str, head: str, options: Options, post: bool, pull_request: int | None, output: Output) -> None:
    """Review the networks that differ between two commits.

    HEAD is compared with what it and BASE have in common. Each network has its totals and layers that differ, its
    budgets before and after, and in Markdown a drawing. The exit status is 1 where a file at HEAD is wrong, and 3 where
    a budget is exceeded.

    BASE and HEAD are branches, tags or commits of the git repository around the working folder; files are those with
    the suffixes .cnn, .yaml, .yml, .onnx, .tflite and .keras.
    """
    from cnncalc.checks.repository import find_repository
    from cnncalc.checks.review import review
    from cnncalc.report.review import review_document

    if not post:
        refuse(("pull_request",), "without `--post`")
    target = None
    if post:
        from cnncalc.checks import github

        target = github.pull_request(os.environ, pull_request)
    found = review(find_repository(), base, head, options)
    output.emit(lambda _: review_document(found, drawings=False), dict, lambda: review_document(found))
    if target is not None:
        from cnncalc.report.markdown import to_markdown

        address = target.comment(to_markdown(review_document(found)), only_update=not found.files)
        note(f"the comment is {address}" if address else "no network differs, and there is no comment yet", output)
    if found.is_wrong:
        sys.exit(WRONG_SPEC)
    if found.exceeds:
        sys.exit(EXCEEDED)
