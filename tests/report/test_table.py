"""The table for a person: golden files, each read again, so that no figure is lost on the way.

`pytest --update-goldens` writes the files in golden/ anew; look at the difference. They are checked even so: a wrong
sum, a lost digit or a line that is too wide is never written over a test.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner, Result

import cnncalc
from cnncalc.cli import main

GOLDEN = Path(__file__).parent / "golden"

#: Branches in branches, a skip by name and a block: rails in every way that there is.
BRANCHES = """
def basic(c, s=1) = add(conv 3x3 s{s} p1 x{c} nobias | bn | relu | conv 3x3 p1 x{c} nobias | bn
                      ; conv 1x1 s{s} x{c} nobias | bn) | relu
input 28x28x16
conv 3x3 same x32 as stem
concat(conv 1x1 x8 ; conv 1x1 x16 | add(conv 3x3 same x16 | relu ; ) ; pool 3x3 s1 same)
basic(64, s=2)
add( ; conv 1x1 x64)
@stem | gap | fc 10
"""

FAILING = """
input 32x32x3
conv 3x3 same x32 | relu | pool 2
conv 3x3 same x64 | relu | pool 2
(conv 3x3 x64 | pool 2) * 3
fc 10
"""

WAVE = "input 16000x1 | conv 80 s4 x128 | bn | relu | pool 4 | conv 3 x128 nobias | bn | relu | gap | fc 35"

#: A spec, or a name of the zoo.
NETS = {"lenet5": "lenet5", "vgg16": "vgg16", "branches": BRANCHES, "failing": FAILING, "wave": WAVE}

#: How wide: what `--width` asks for, or a pipe, where a table is as wide as it likes.
WIDTHS = (80, 200, None)


class Table(NamedTuple):
    """What a table shows: its headings, the cells of each row under them, and the row of totals."""

    headings: list[str]
    rows: list[dict[str, str]]
    totals: dict[str, str]


def shown(spec: str, *options: str) -> str:
    """What the command line shows: standard output, or where the spec is wrong standard error."""
    result: Result = CliRunner().invoke(main, [spec, *options])
    assert result.exit_code == (0 if result.stdout else 1)
    return result.stdout or result.stderr


def parsed(text: str) -> Table:
    """The table at the beginning of a text. A rule stands under its headings, and one over its totals."""
    lines = text.split("\n")
    rules = [index for index, line in enumerate(lines) if line and not line.strip("─-")]
    end = rules[1] if len(rules) > 1 else lines.index("")
    headings = {found.group(): found for found in re.finditer(r"\S+", lines[0])}

    def cell(line: str, name: str, place: re.Match[str]) -> str:
        if name in SUMMED:
            # A number ends where its heading ends; behind it stands a bar.
            return line[: place.end()].rpartition(" ")[2] if len(line) >= place.end() else ""
        words = re.split(r"\s{2,}", line[place.start() :])
        return words[0].strip()

    def cells(line: str) -> dict[str, str]:
        return {name: cell(line, name, place) for name, place in headings.items()}

    rows = [cells(line) for line in lines[rules[0] + 1 : end]]
    return Table(list(headings), rows, cells(lines[end + 1]) if len(rules) > 1 else {})


#: Columns that add up to their totals, and what the library calls them.
SUMMED = {"parameters": "params", "MACs": "macs"}


def number(cell: str) -> int:
    """`1,234` → 1234; nothing stands for nothing."""
    assert re.fullmatch(r"(\d{1,3}(,\d{3})*)?", cell), cell
    return int(cell.replace(",", "") or "0")


def cases() -> Iterator[object]:
    for (name, spec), width in product(NETS.items(), WIDTHS):
        yield pytest.param(spec, width, GOLDEN / f"{name}-{width or 'piped'}.txt", id=f"{name}-{width or 'piped'}")


def table_of(spec: str, width: int | None) -> str:
    return shown(spec, *([] if width is None else ["--width", str(width)]))


def figures(spec: str) -> cnncalc.Analysis:
    """The analysis of a spec, or of what comes before its first layer that does not fit."""
    try:
        return cnncalc.analyze(spec)
    except cnncalc.SpecError as error:
        if error.partial is None:
            raise
        return cnncalc.analyze(error.partial)


@pytest.mark.parametrize(("spec", "width", "file"), list(cases()))
def test_golden(spec: str, width: int | None, file: Path, goldens: Any) -> None:
    """The table looks as its golden file does."""
    goldens.file(file, table_of(spec, width))


@pytest.mark.parametrize(("spec", "width", "file"), list(cases()))
def test_sums(spec: str, width: int | None, file: Path) -> None:
    """Read again, the columns of a golden file add up to its totals, which are the library's, and so is each row."""
    table = parsed(file.read_text("utf-8"))
    analysis = figures(spec)

    for heading, key in SUMMED.items():
        column = [number(row[heading]) for row in table.rows]
        assert sum(column) == getattr(analysis.totals, key)
        if table.totals:
            assert number(table.totals[heading]) == sum(column)
        assert [n for n in column if n] == [getattr(row, key) for row in analysis.rows if getattr(row, key)]


@pytest.mark.parametrize(("spec", "width", "file"), list(cases()))
def test_nothing_is_lost(spec: str, width: int | None, file: Path) -> None:
    """Each layer's name and output stand in a golden file whole, in order; nothing is cut, and no space ends a line."""
    text = file.read_text("utf-8")
    table = text.split("\n\n")[0]
    analysis = figures(spec)
    at = 0
    for row in analysis.rows:
        found = re.compile(
            rf"(?<![\w.]){re.escape(row.name)}(?![\w.]).*?(?<!\S){'x'.join(map(str, row.output_shape))}(?!\S)"
        )
        place = found.search(table, at)
        assert place, row.name
        at = place.end()

    assert "…" not in table
    assert not re.search(r"[ \t]+$", text, re.MULTILINE)
    assert text.endswith("\n")


@pytest.mark.parametrize(("spec", "width", "file"), list(cases()))
def test_width(spec: str, width: int | None, file: Path) -> None:
    """No line of a table or its footer is wider than its width, and no warning is wrapped."""
    lines = file.read_text("utf-8").split("\n")
    upto = next((index for index, line in enumerate(lines) if line.startswith(("warning[", "error["))), len(lines))

    assert all(len(line) <= (width or 200) for line in lines[:upto])


@pytest.mark.parametrize("width", range(20, 200, 7))
@pytest.mark.parametrize("spec", NETS.values(), ids=NETS)
def test_any_width(spec: str, width: int) -> None:
    """However narrow, a table keeps every figure: it goes over the edge before it loses a digit."""
    table = parsed(table_of(spec, width))
    analysis = figures(spec)

    assert all(
        sum(number(row[heading]) for row in table.rows) == getattr(analysis.totals, key)
        for heading, key in SUMMED.items()
    )


@pytest.mark.parametrize("spec", NETS.values(), ids=NETS)
def test_the_widest_is_no_wider_than_the_pipe(spec: str) -> None:
    """In a pipe nothing is folded: a row for each layer."""
    text = table_of(spec, None)
    marked = 1 if "✗" in text else 0

    assert len(parsed(text).rows) == len(figures(spec).rows) + marked


@pytest.mark.parametrize("spec", NETS.values(), ids=NETS)
def test_ascii(spec: str) -> None:
    """In ASCII the table has the same cells."""
    result = CliRunner(charset="ascii").invoke(main, [spec])
    text = result.stdout or result.stderr
    plain, fancy = parsed(text), parsed(table_of(spec, None))

    assert text.split("\nerror")[0].isascii()
    for heading in ("output", "parameters", "MACs", "field"):
        expected = [row[heading].replace("✗", "x") for row in fancy.rows]
        assert [row[heading] for row in plain.rows] == expected


def test_every_golden_file_has_a_case() -> None:
    """No golden file is left over from a net that is no longer shown."""
    assert {path.name for path in GOLDEN.iterdir()} == {f"{n}-{w or 'piped'}.txt" for n, w in product(NETS, WIDTHS)}
