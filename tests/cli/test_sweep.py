"""`cnncalc sweep`: tables, files and pages of a space, what it refuses, and what an interrupt leaves."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from command_line import run

import cnncalc
from cnncalc.cli import sweep as command
from cnncalc.cli.output import Output

NET = """# Two convolutions
let width = 1 in [0.5..2..0.5], n = 2  # copies
let k = 3 in [3, 5]
input 16x16x3
conv {k}x{k} x{8 * width} | relu
(conv 3x3 same x{8 * width} | relu) * {n}
pool 2 | fc 10
"""


@pytest.fixture(autouse=True)
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net.cnn").write_text(NET, encoding="utf-8")
    monkeypatch.chdir(tmp_path)


def test_table() -> None:
    """Values first, then figures; below, what the space came to, and the line for each row."""
    done = run(
        "sweep", "net.cnn", "--where", "params < 8k", "--pareto", "-macs,params", "--sort", "params", "--top", "5"
    )
    assert done.exit_code == 0
    assert done.stdout == (
        "row  width  k  front  parameters     MACs  peak bytes\n"
        "─────────────────────────────────────────────────────\n"
        "  1  0.5    5  ●           2,050   86,112       5,376\n"
        "  2  0.5    3              2,378   79,576       6,272\n"
        "  3  1      5  ●           4,666  255,168       9,216\n"
        "  4  1      3  ●           5,322  272,048      12,544\n"
        "  5  1.5    5  ●           7,858  507,168      13,824\n"
        "\n"
        "space  8 variants of 4 width × 2 k\n"
        "hold   5 of 8: `params < 8k`\n"
        "front  4 variants that no other is as good as: more MACs, fewer parameters\n"
        "bytes  as float32; the peak is of the feature maps, without weights\n"
        "\n"
        "row 1  cnncalc net.cnn --var width=0.5 --var k=5\n"
        "row 2  cnncalc net.cnn --var width=0.5 --var k=3\n"
        "row 3  cnncalc net.cnn --var width=1 --var k=5\n"
        "row 4  cnncalc net.cnn --var width=1 --var k=3\n"
        "row 5  cnncalc net.cnn --var width=1.5 --var k=5\n"
    )


def test_failures() -> None:
    """Variants that do not fit are counted by error and place."""
    done = run("sweep", "net.cnn", "--over", "k=3, 15..18", "--top", "1")
    assert "fit    8 of 20\nE201   8 variants fail at 5:1: output of `conv1` would be empty\n" in done.stdout
    assert "E201   4 variants fail at 7:1: output of `pool1` would be empty\n" in done.stdout


def rows_of(*arguments: str) -> list[dict[str, Any]]:
    done = run("sweep", "net.cnn", *arguments, "-f", "json")
    assert done.exit_code == 0, done.output
    found: list[dict[str, Any]] = json.loads(done.stdout)["rows"]
    return found


def test_json() -> None:
    """JSON has the space, the counts, and each row with the line that calculates it, which gives its figures."""
    data = json.loads(run("sweep", "net.cnn", "--dtype", "int8", "--batch", "2", "-f", "json").stdout)
    assert data["space"]["variants"] == data["looked_at"] == data["kept"] == 8
    assert data["space"]["axes"] == [
        {"names": ["width"], "values": [["0.5"], [1], ["1.5"], [2]]},
        {"names": ["k"], "values": [[3], [5]]},
    ]
    assert [row["row"] for row in data["rows"]] == list(range(1, 9))
    for row in data["rows"]:
        words = row["command"].split()[1:]
        totals = json.loads(run(*words, "-f", "json").stdout)["totals"]
        expected = {"params": totals["params"], "macs": totals["macs"], "peak": totals["activation_bytes"]["peak"]}
        assert row["figures"] == expected


def test_csv_and_lines() -> None:
    """CSV and JSON lines have the same rows, the command among them."""
    table = list(csv.DictReader(io.StringIO(run("sweep", "net.cnn", "--sort", "-params", "-f", "csv").stdout)))
    lines = [
        json.loads(line) for line in run("sweep", "net.cnn", "--sort", "-params", "-f", "jsonl").stdout.splitlines()
    ]
    assert list(table[0]) == ["row", "width", "k", "params", "macs", "peak", "command"]
    assert [row["command"] for row in table] == [line["command"] for line in lines]
    params = [int(row["params"]) for row in table]
    assert params == sorted(params, reverse=True) == [line["figures"]["params"] for line in lines]


@pytest.mark.parametrize(("format", "begins"), [("markdown", "|"), ("latex", "% \\usepackage{booktabs}")])
def test_other_formats(format: str, begins: str) -> None:
    """The table in Markdown and LaTeX."""
    assert run("sweep", "net.cnn", "-f", format).stdout.lstrip().startswith(begins)


def test_columns() -> None:
    """Any figure may be a column: one that is not searched by is worked out for the rows."""
    (first, *_) = rows_of("--columns", "arena,params,conv1.output_shape.0, peak_at.layer", "--top", "1")
    totals = cnncalc.analyze(NET, variables={"width": 0.5}).totals
    assert first["figures"] == {
        "params": totals.params, "conv1.output_shape.0": 14, "arena": totals.activation_bytes.arena,
        "peak_at.layer": totals.peak_layer,
    }  # fmt: skip


def test_front_alone() -> None:
    """A front is sorted by its first figure; --top cuts it."""
    whole = rows_of("--pareto", "params,-macs")
    params = [row["figures"]["params"] for row in whole]
    macs = [row["figures"]["macs"] for row in whole]
    assert params == sorted(params)
    assert macs == sorted(macs)
    assert all(row["front"] for row in whole)
    assert rows_of("--pareto", "params,-macs", "--top", "2") == whole[:2]


class Page(HTMLParser):
    """The points of a page, with what is said of each, and the rows of its table."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.points: list[dict[str, str | None]] = []
        self.titles: list[str] = []
        self.rows = 0
        self.inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag
        if tag == "circle":
            self.points.append(dict(attrs))
        self.rows += tag == "tr" and dict(attrs).get("id") is not None

    def handle_data(self, data: str) -> None:
        if self.inside == "title" and self.points and data.strip():
            self.titles.append(data)


def test_page() -> None:
    """A page has a point for each row, inside the picture, and under the pointer what variant it is."""
    done = run("sweep", "net.cnn", "--pareto", "-macs,params", "--sort", "params", "--top", "8", "-o", "front.html")
    assert (done.exit_code, done.output) == (0, "")
    page = Page(Path("front.html").read_text(encoding="utf-8"))
    assert len(page.points) == page.rows == len(page.titles) == 8
    for point in page.points:
        assert 0 <= float(str(point["cx"])) <= 720
        assert 0 <= float(str(point["cy"])) <= 440
    assert page.titles[0].split("\n")[:2] == ["row 1", "width 0.5, k 5"]
    alone = run("sweep", "net.cnn", "--where", "params < 1.4k", "-o", "one.html")
    assert alone.exit_code == 0
    none = run("sweep", "net.cnn", "--where", "params < 1", "-o", "none.html")
    assert none.exit_code == 0
    assert "<circle" not in Path("none.html").read_text(encoding="utf-8")


def test_pick() -> None:
    """A picked spec has the row's values, no others to try, its comments, and the row's figures."""
    row = rows_of("--sort", "-params")[1]
    text = run("sweep", "net.cnn", "--sort", "-params", "--pick", "2").stdout
    assert text.startswith("# Two convolutions\nlet width = 2, n = 2  # copies\nlet k = 5\n")
    assert cnncalc.analyze(text).totals.params == row["figures"]["params"]
    done = run("sweep", "net.cnn", "--over", "input=20x20x3,24x24x1", "--over", "batch=2,4", "--pick", "3")
    assert "input 24x24x1\n" in done.stdout
    assert done.stdout.startswith("# --batch 2\n# Two convolutions\n")
    bare = run("sweep", "conv 3x3 x4", "--over", "input=8x8x3,9x9x3", "--pick", "2").stdout
    assert cnncalc.analyze(bare)["input1"].output_shape == (9, 9, 3)
    Path("tied.yaml").write_text(
        "let:\n  (a, b): {value: [1, 2], in: [[3, 4], [5, 6]]}\ninput: 8x8x{a}\nlayers: ['conv 1 x{b}']\n"
    )
    assert run("sweep", "tied.yaml", "--pick", "2").stdout == (
        "input: 8x8x{a}\nlet:\n  (a, b): (5, 6)\nlayers:\n  - conv 1 x{b}\n"
    )


def test_count() -> None:
    """What a space comes to, in words and as JSON."""
    text = run("sweep", "net.cnn", "--over", "n=0..20", "--count").stdout
    assert text.startswith("space       168 variants of 4 width × 2 k × 21 n\nstructures  2, each built once: ")
    assert "variants a second" in text
    data = json.loads(run("sweep", "net.cnn", "--count", "-f", "json").stdout)
    assert (data["variants"], data["structures"]) == (8, 1)


def test_all() -> None:
    """--all writes each variant that holds, with its number and values."""
    rows = list(
        csv.DictReader(io.StringIO(run("sweep", "net.cnn", "--all", "--where", "params >= 8k", "-f", "csv").stdout))
    )
    assert rows == [
        {"variant": "4", "width": "1.5", "k": "3", "params": "8842", "macs": "577416", "peak": "18816"},
        {"variant": "6", "width": "2", "k": "3", "params": "12938", "macs": "995680", "peak": "25088"},
        {"variant": "7", "width": "2", "k": "5", "params": "11626", "macs": "842112", "peak": "18432"},
    ]
    totals = cnncalc.analyze(NET, variables={"width": 1.5}).totals
    assert (totals.params, totals.macs, totals.activation_bytes.peak) == (8842, 577_416, 18_816)
    done = run("sweep", "net.cnn", "--over", "input=16x16x3,2x2x3", "--all", "-o", "all.jsonl")
    assert done.stderr == "note: 8 of 16 variants\n"
    lines = [json.loads(line) for line in Path("all.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(line["width"], line["input"]) for line in lines[::2]] == [(w / 2, "16x16x3") for w in range(1, 5)]


@pytest.mark.slow
def test_parquet(tmp_path: Path) -> None:
    """Parquet by row groups: DuckDB and pandas find in it what the search finds, and memory stays within bounds."""
    duckdb = pytest.importorskip("duckdb")
    parquet = pytest.importorskip("pyarrow.parquet")
    space = ["--over", "width=0.3..1.29..0.01", "--over", "depth=0.5..2.4..0.1", "--over", "size=64..318..2"]
    done = run("sweep", "efficientnet_b0", *space, "--all", "-o", "all.parquet")
    assert (done.exit_code, done.stderr) == (0, "")
    (row,) = duckdb.sql("select count(*), max(macs), min(params) from 'all.parquet' where params < 4000000").fetchall()
    result = cnncalc.sweep(
        "efficientnet_b0",
        over={"width": "0.3..1.29..0.01", "depth": "0.5..2.4..0.1", "size": "64..318..2"},
        where=["params < 4000000"],
        pareto="-macs,params",
    )
    front = [variant.figures for variant in result.front]
    assert row == (
        result.kept,
        max(each["totals.macs"] for each in front),
        duckdb.sql("select min(params) from 'all.parquet'").fetchall()[0][0],
    )
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_parquet("all.parquet", columns=["width", "macs"])
    assert (len(frame), frame.width.max()) == (256_000, 1.29)
    assert parquet.ParquetFile("all.parquet").schema_arrow.names == [
        "variant", "width", "depth", "size", "params", "macs", "peak",
    ]  # fmt: skip


def test_partial(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt shows what is known so far and says that it is partial; the exit status is 130."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command.Progress, "__call__", interrupt)
    done = run("sweep", "net.cnn", "--over", "n=0..3", "--top", "2")
    assert done.exit_code == 130
    assert re.search(r"space +\d+ of 32 variants .*: the sweep was interrupted", done.stdout)
    assert done.stderr.startswith("note: interrupted: the answer is of ")


def test_progress(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """On a terminal, a line tells how far it is, how fast, and what is left."""
    clock = iter([0.0, 0.5, 2.0, 2.1, 4.0])
    monkeypatch.setattr(command.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    progress = command.Progress(4000, Output("table"))
    for done in (500, 1000, 1050, 2000):
        progress(done, done // 2)
    progress.end()
    shown = [part.strip() for part in capsys.readouterr().err.split("\r") if part.strip()]
    assert shown == [
        "25 % of 4.00 k variants, 500 hold, 500/s, 0:06 left",
        "50 % of 4.00 k variants, 1.00 k hold, 500/s, 0:04 left",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seed", "3"], "`--seed` has no effect without `--sample`"),
        (["--all"], "`--all` writes csv, jsonl or parquet: add `-o all.parquet`, or `-f csv`"),
        (["--all", "-f", "parquet"], "Parquet is written to a file: add `-o all.parquet`"),
        (["-f", "parquet", "-o", "x.parquet"], "Parquet is a format of `--all`"),
        (["--all", "-f", "csv", "--sort", "params"], "`--sort` has no effect with `--all`, which writes all"),
        (["--all", "-f", "csv", "--columns", "arena"], "`arena` is worked out for single variants alone"),
        (["-f", "jsonl", "--width", "60"], "`--width` has no effect in jsonl"),
        (["--sample", "3", "--workers", "2"], "`--workers` has no effect with `--sample`"),
        (["--count", "--top", "3"], "`--top` has no effect with `--count`, which shows no variant"),
        (["--count", "-f", "csv"], "`--count` is text, or JSON, not csv"),
        (["--pick", "1", "-f", "json"], "`--format` has no effect with `--pick`, which writes a spec"),
        (["--pick", "1", "-o", "x.json"], "`--pick` writes a spec: name a file in `.cnn`"),
        (["--pick", "9"], "there is no row 9: the answer has 8"),
        (["--over", "k"], "'k' is not NAME=VALUES"),
        (["--over", "k=1", "--over", "k=2"], "`k` is given twice"),
        (["--where", "params"], "an operator is missing"),
        (["--over", "kk=1..3"], "the spec has no let `kk` to vary"),
        (["--var", "k=?"], "'k=?'"),
    ],
)
def test_refused(arguments: list[str], message: str) -> None:
    """What has no effect or no meaning is refused with what to write instead."""
    done = run("sweep", "net.cnn", *arguments)
    assert done.exit_code in (1, 2)
    assert message in " ".join(done.stderr.split())


def test_without_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without NumPy a small space is looked at one by one, with the same answer; a large one says what to install."""
    asked = ("sweep", "net.cnn", "--where", "params < 8k", "--pareto", "-macs,params", "--sort", "params")
    expected = run(*asked).stdout
    monkeypatch.setitem(sys.modules, "numpy", None)
    assert run(*asked).stdout == expected
    done = run("sweep", "net.cnn", "--over", "n=1..5000")
    assert done.exit_code == 1
    assert "error[E301]: a sweep of 40,000 variants needs `numpy`" in done.stderr
    assert 'pip install "cnncalc[sweep]"' in done.stderr
    assert "without NumPy" in run("sweep", "net.cnn", "--workers", "2").stderr


def test_a_cannot_be_written() -> None:
    done = run("sweep", "net.cnn", "--all", "-o", "nowhere/all.csv")
    assert done.exit_code == 1
    assert "cannot write `nowhere/all.csv`" in done.stderr


# -- solve --where -------------------------------------------------------------------------------------------


def test_largest() -> None:
    """The largest value that holds, of those of the let, with the next one, which does not."""
    done = run("solve", "net.cnn", "--var", "width=?", "--var", "k=3", "--where", "params <= 9k")
    assert done.exit_code == 0
    (asked, _, value, following, line, _) = done.stdout.split("\n")
    assert asked == "the largest `width` for which `params <= 9k`"
    found, after = (cnncalc.analyze(NET, variables={"width": width}).totals.params for width in (1.5, 2))
    assert found <= 9000 < after
    assert value.startswith(f"width    1.5: params {found:,}")
    assert following.startswith(f"next     2: params {after:,}")
    assert line == "command  cnncalc net.cnn --var width=1.5 --var k=3"


def test_largest_of_what_it_takes() -> None:
    """Without values to try, whole numbers are tried as far as it takes: 9·c² + c <= 10^8 for c = 3333."""
    spec = "let c = 1\ninput 8x8x{c} | conv 3x3 x{c}"
    data = json.loads(run("solve", spec, "--var", "c=?", "--where", "params <= 100M", "-f", "json").stdout)
    assert (data["value"], data["next"], data["figures"]["params"]) == (3333, 3334, 9 * 3333**2 + 3333)
    assert data["command"].endswith("--var c=3333")
    hundredths = "let w = 0.5\ninput 8x8x3 | conv 3x3 x{round(100 * w)}"
    data = json.loads(run("solve", hundredths, "--var", "w=?", "--where", "params <= 3k", "-f", "json").stdout)
    assert (data["value"], data["figures"]["params"]) == ("1.07", 107 * 28)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--var", "width=? in [0.5, 1]", "--var", "k=3", "--where", "params < 1M"], 0, "no larger one is to be tried"),
        (["--var", "width=? [8..9]", "--var", "k=3", "--where", "params < 1"], 1, "none of 2 tried"),
        (["--var", "k=? in [1..20]", "--var", "width=1", "--where", "params < 1M"], 0, "next 16: output of `pool1`"),
        (["--var", "width=?"], 2, "`--var NAME=?` needs a condition"),
        (["--where", "params < 1"], 2, "`--where` is for one unknown"),
        (["--var", "width=?", "--where", "params < 1M"], 1, "`k` has values to try as well"),
        (["--var", "wdth=?", "--where", "params < 1M"], 1, "no let `wdth` to vary"),
        (
            ["--var", "width=?", "--where", "params < 1M", "--layer", "conv1"],
            2,
            "`--layer` has no effect with `--where`",
        ),
        (["--output-size", "3x3", "--batch", "2"], 2, "`--batch` has no effect without `--where`"),
    ],
)
def test_solve_where(arguments: list[str], status: int, message: str) -> None:
    done = run("solve", "net.cnn", *arguments)
    assert (done.exit_code, message in " ".join(done.output.split())) == (status, True), done.output


def test_limited() -> None:
    """Where even the largest number that is tried holds, the answer says so."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cnncalc.sweep.largest.MOST_TRIED", 2000)
        done = run("solve", "let c = 1\ninput 8x8x1 | conv 1 x{c}", "--var", "c=?", "--where", "params < 1G")
    assert "next     not tried: larger ones may hold" in done.stdout
