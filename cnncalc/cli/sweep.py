"""`cnncalc sweep SPEC`: every variant of a design space, and the best of them."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from cnncalc.analysis import Options
from cnncalc.cli.command import CHECKS, INPUT, OUTPUT, define_command, option, refuse
from cnncalc.cli.errors import OptionError, note
from cnncalc.cli.options import (
    appearance_options,
    figure_options,
    file_option,
    format_option,
    quiet_option,
    spec_argument,
    spec_options,
)
from cnncalc.cli.output import Output
from cnncalc.cli.specs import SpecOptions
from cnncalc.diagnostics import SpecError
from cnncalc.interrupts import INTERRUPTED, InterruptsRaised
from cnncalc.notation import short, thousands
from cnncalc.report.formats import FORMAT_OF_SUFFIX

if TYPE_CHECKING:
    from cnncalc.sweep.library import Sweep, SweepResult

EXAMPLES = """
cnncalc sweep net.cnn --where 'params < 1M' --where 'peak < 320KiB' --dtype int8 --pareto -macs,params
cnncalc sweep resnet50 --over base=32..128..8 --over input=96x96x3,128x128x3 --sort params --top 20
cnncalc sweep net.cnn --count
cnncalc sweep net.cnn --all -o all.parquet
"""

FORMATS = ("table", "json", "jsonl", "csv", "markdown", "latex", "html", "parquet")
SUFFIXES = {**FORMAT_OF_SUFFIX, ".jsonl": "jsonl", ".html": "html", ".parquet": "parquet"}
#: The formats of `--all`.
STREAMED = ("csv", "jsonl", "parquet")

#: Progress is shown on a terminal after so many seconds, and then so often.
PATIENCE, INTERVAL = 1.0, 0.2


@define_command("sweep", EXAMPLES, no_args_is_help=True, suffixes=SUFFIXES)
@spec_argument("spec")
@spec_options()
@option(
    "--over",
    group=INPUT,
    multiple=True,
    metavar="NAME=VALUES",
    help="Values to try of a let, of input, batch or dtype: base=32..128..8, size=96,128; may be repeated.",
)
@option("--sample", group=INPUT, type=click.IntRange(1, 10**8), metavar="N", help="Draw so many variants at random.")
@option("--seed", group=INPUT, type=click.IntRange(0), default=0, metavar="N", help="Seed of what is drawn")
@figure_options()
@option(
    "--where",
    group=CHECKS,
    multiple=True,
    metavar="CONDITION",
    help="Keep what it holds for: 'params < 1M', 'peak < 320KiB'; may be repeated.",
)
@option("--pareto", group=CHECKS, metavar="A,-B", help="Show the front: A as small, B as large as can be.")
@option(
    "--sort", "order", group=CHECKS, metavar="A", help="Sort by a figure, or with - in front from the largest down."
)
@option(
    "--top",
    "most",
    group=CHECKS,
    type=click.IntRange(1),
    metavar="N",
    help="Show so many variants (20 where nothing else is said).",
)
@option("--count", group=OUTPUT, is_flag=True, help="Say what the space comes to, and what it will take.")
@option("--pick", group=OUTPUT, type=click.IntRange(1), metavar="ROW", help="Print the spec of a row, its values set.")
@option(
    "--all", "everything", group=OUTPUT, is_flag=True, help="Write every variant that holds: csv, jsonl or parquet."
)
@option("--columns", "figures", metavar="A,B", help="Figures to show, by the paths of --get.")
@option("--workers", type=click.IntRange(1, 1024), default=1, metavar="N", help="Processes on this machine")
@option("--scheduler", metavar="ADDRESS", help="Dask scheduler whose workers do it: tcp://host:8786.")
@format_option(*FORMATS)
@file_option()
@appearance_options()
@quiet_option()
def command(
    spec: str,
    reading: SpecOptions,
    over: tuple[str, ...],
    sample: int | None,
    seed: int,
    options: Options,
    where: tuple[str, ...],
    pareto: str | None,
    order: str | None,
    most: int | None,
    count: bool,
    pick: int | None,
    everything: bool,
    figures: str | None,
    workers: int,
    scheduler: str | None,
    output: Output,
) -> None:
    """Look at every variant of a design space.

    All figures are exact. The space is what the lets of the spec say, as in `let width = 1 in [0.25..2..0.05]`, and
    --over. Without --pareto or --sort, the first variants that hold are shown.

    SPEC is a file (.cnn or .yaml), - for standard input, a name of the zoo, or the network itself.
    """
    from cnncalc.sources import find, text_of
    from cnncalc.sweep.library import Sweep

    _refuse_combinations(count, pick, everything, sample, output)
    source = text_of(find(spec))
    try:
        asked = Sweep(
            source, over=_over(over), where=where, pareto=pareto, sort=order, top=most,
            columns=[each.strip() for each in figures.split(",")] if figures else (),
            input=reading.shape(), variables=reading.variables, batch=options.batch, dtype=options.dtype,
            convention=options.convention, sample=sample, seed=seed,
        )  # fmt: skip
    except SpecError as error:
        raise _of_option(error) from None
    asked.called = spec
    if count:
        _count(asked, output)
    elif everything:
        _write_all(asked, output)
    else:
        _search(asked, pick, workers, scheduler, spec, output)


def _refuse_combinations(count: bool, pick: int | None, everything: bool, sample: int | None, output: Output) -> None:
    """Refuse options that have no effect in combination with others."""
    if sample is None:
        refuse(("seed",), "without `--sample`")
    else:
        refuse(("workers", "scheduler"), "with `--sample`, whose variants one process looks at")
    if everything:
        refuse(("pareto", "order", "most", "pick", "count", "scheduler", "workers"), "with `--all`, which writes all")
        if output.format not in STREAMED:
            raise click.UsageError("`--all` writes csv, jsonl or parquet: add `-o all.parquet`, or `-f csv`")
    elif output.format == "parquet":
        raise click.UsageError("Parquet is a format of `--all`, which writes every variant that holds")
    if output.format == "parquet" and output.file in (None, "-"):
        raise click.UsageError("Parquet is written to a file: add `-o all.parquet`")
    if output.format in ("jsonl", "html", "parquet"):
        refuse(("width", "color"), f"in {output.format}")
    if count:
        refuse(("pick", "most", "figures"), "with `--count`, which shows no variant")
        if output.format not in ("table", "json"):
            raise click.UsageError(f"`--count` is text, or JSON, not {output.format}")
    if pick is not None:
        refuse(("figures", "format", "width"), "with `--pick`, which writes a spec")
        if output.file is not None and output.format not in ("table",):
            raise click.UsageError("`--pick` writes a spec: name a file in `.cnn`")


def _over(values: tuple[str, ...]) -> dict[str, str]:
    """Return the names and values of `--over`."""
    over: dict[str, str] = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name.strip():
            raise click.BadParameter(f"{value!r} is not NAME=VALUES: base=32..128..8", param_hint="--over")
        if name.strip() in over:
            raise click.BadParameter(f"`{name.strip()}` is given twice", param_hint="--over")
        over[name.strip()] = text
    return over


def _of_option(error: SpecError) -> SpecError:
    """Return an error in the value of an option as one of the command line."""
    spans = [each.span.in_file() for each in error.diagnostics if each.span is not None]
    of_options = spans and all(span.source.name.startswith("--") for span in spans)
    return OptionError(error.diagnostics) if of_options else error


# -- what is shown -------------------------------------------------------------------------------------------


def _search(asked: Sweep, pick: int | None, workers: int, scheduler: str | None, spec: str, output: Output) -> None:
    if asked.by_one:
        refuse(("workers", "scheduler"), "without NumPy: install the extra `sweep`")
    with InterruptsRaised():
        progress = Progress(asked.count, output)
        result = asked.run(progress, workers, scheduler)
        progress.end()
    if pick is not None:
        _pick(result, pick, output)
    else:
        _show(result, spec, output)
    if not result.complete:
        note(f"interrupted: the answer is of {thousands(result.done)} variants alone", output)
        sys.exit(INTERRUPTED)


def _show(result: SweepResult, spec: str, output: Output) -> None:
    from cnncalc.report import sweep as report

    title = result.sweep.spec.name or result.sweep.source.name
    if output.format == "html":
        from cnncalc.report.sweep_page import sweep_page

        output.write(sweep_page(result, f"Variants of {title}"))
        return
    if output.format == "jsonl":
        from json import dumps

        rows = [report.row_data(line, result) for line in report.lines_of(result)]
        output.write("".join(dumps(row, ensure_ascii=False) + "\n" for row in rows))
        return

    def rows_alone() -> Any:
        from cnncalc.report.document import DataTable, Document

        columns = report.columns_of(result, commands=output.format == "csv")
        return Document((DataTable(columns, report.lines_of(result)),))

    plain = rows_alone if output.format in ("csv", "latex") else None
    output.emit(lambda _: report.sweep_document(result, title), lambda: report.sweep_data(result), plain)


def _pick(result: SweepResult, row: int, output: Output) -> None:
    """Write the spec of a row with the values of its variant."""
    from cnncalc.sweep.picking import picked

    if row > len(result.rows):
        raise click.BadParameter(f"there is no row {row}: the answer has {len(result.rows)}", param_hint="--pick")
    output.write(picked(result, result.rows[row - 1]))


def _count(asked: Sweep, output: Output) -> None:
    from cnncalc.report import sweep as report
    from cnncalc.sweep.space import axes_text

    engine = asked.engine
    from cnncalc.sweep.counting import estimate

    data = estimate(engine, asked.query)
    output.emit(lambda _: report.count_document(report.count_facts(data, axes_text(asked.whole))), lambda: data)


def _write_all(asked: Sweep, output: Output) -> None:
    """Write all variants that hold to a file or to standard output, as they are found."""
    if asked.analyzed:
        known = f"`{asked.analyzed[0]}` is worked out for single variants alone"
        raise click.UsageError(f"`--all` writes figures that are computed for all variants: {known}")
    engine = asked.engine
    from cnncalc.sweep.search import Answer
    from cnncalc.sweep.writing import Table, write_csv, write_jsonl

    answer = Answer(asked.query)
    paths = [name.path for name in asked.names]
    names = [path.removeprefix("totals.").removeprefix("activation_bytes.") for path in paths]
    table = Table(asked.space, paths, names, decimals=output.format == "csv")
    progress = Progress(asked.count, output)

    def batches() -> Iterator[Any]:
        for batch in engine.batches(asked.query, paths, answer):
            yield batch
            progress(answer.done, answer.kept)

    write = write_csv if output.format == "csv" else write_jsonl
    with InterruptsRaised():
        if output.file in (None, "-"):
            write(sys.stdout, table, batches())
        else:
            _write_file(str(output.file), output.format, table, batches())
    progress.end()
    if answer.kept < answer.done:
        note(f"{thousands(answer.kept)} of {thousands(answer.done)} variants", output)


def _write_file(path: str, format: str, table: Any, batches: Iterator[Any]) -> None:
    """Write a file whole or not at all: it has its name only once all of it is there."""
    import os
    import tempfile

    from cnncalc.sweep.writing import write_csv, write_jsonl, write_parquet

    folder = os.path.dirname(os.path.realpath(path))
    try:
        handle, temporary = tempfile.mkstemp(prefix=".cnncalc-", dir=folder)
        os.close(handle)
    except OSError as error:
        raise click.ClickException(f"cannot write `{path}`: {(error.strerror or str(error)).lower()}") from None
    try:
        if format == "parquet":
            write_parquet(temporary, table, batches)
        else:
            with open(temporary, "w", encoding="utf-8", newline="") as stream:
                (write_csv if format == "csv" else write_jsonl)(stream, table, batches)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


class Progress:
    """Shows on a terminal how far a sweep is, how fast, and how long it will take, once that is a while."""

    def __init__(self, total: int, output: Output) -> None:
        self.total, self.start, self.last, self.shown = total, time.monotonic(), 0.0, False
        self.wanted = sys.stderr is not None and sys.stderr.isatty() and not output.quiet

    def __call__(self, done: int, kept: int | None) -> None:
        now = time.monotonic() - self.start
        if not self.wanted or now < PATIENCE or now - self.last < INTERVAL or not done:
            return
        self.last, self.shown = now, True
        rate = done / now
        left = int((self.total - done) / rate)
        held = f", {short(kept)} hold" if kept is not None else ""
        text = f"{100 * done // self.total} % of {short(self.total)} variants{held}, {short(int(rate))}/s, "
        click.echo(f"\r{text}{left // 60}:{left % 60:02d} left ".ljust(79), nl=False, err=True)

    def end(self) -> None:
        """Clear what is shown."""
        if self.shown:
            click.echo(f"\r{' ' * 79}\r", nl=False, err=True)
