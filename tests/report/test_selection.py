"""Which rows a table of layers shows: blocks and repeats collapsed, the heaviest, sorted; in every format alike."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from command_line import at_terminal, posix, run, run_process, without_colour

import cnncalc
from cnncalc.figures.rows import RowGroup, collapse, fitting_depth
from cnncalc.report.options import MOST_AT_ONCE

#: A repeat of a group, of a merge and of a layer; a block called again and again, which holds a repeat; a named group.
REPEATS = """
def twice(c) = (conv 3x3 same x{c} | relu) * 2 | bn
input 8x8x4
(conv 3x3 same x4 | relu) * 3
add(conv 1x1 x4 | bn ; ) * 2
conv 1x1 x4 * 4
twice(4) * 2
(conv 1x1 x4 | relu) as tail
"""
#: Layers in blocks of blocks: 1 input, then 3 blocks of 5 blocks of 2 layers.
DEEP = "def a(c) = conv 1x1 x{c} | relu\ndef b(c) = a(c) * 5\ninput 8x8x4 | b(4) * 3"


def lines(spec: str, depth: int | None) -> list[tuple[str, str]]:
    """Return the name and description of each row at a depth."""
    return [(line.name, line.description) for line in collapse(cnncalc.analyze(spec).rows, depth)]


def test_repeats_collapse() -> None:
    """A repeat is one row with what it repeats; copies of a call are blocks of their own, as they are named."""
    assert lines(REPEATS, 1) == [
        ("input1", "input 8x8x4"),
        ("repeat1", "(conv 3x3 same x4 | relu) * 3"),
        ("repeat2", "add(conv 1x1 x4 | bn ; ) * 2"),
        ("repeat3", "conv 1x1 x4 * 4"),
        ("twice1", "twice(4)"),
        ("twice2", "twice(4)"),
        ("tail", "2 layers"),
    ]


def test_a_repeat_within_a_block() -> None:
    """Within a block a repeat is one level deeper, and has the block's name in front."""
    assert lines(REPEATS, 2)[-6:] == [
        ("twice1.repeat1", "(conv 3x3 same x{c} | relu) * 2"),
        ("twice1.bn1", "bn"),
        ("twice2.repeat1", "(conv 3x3 same x{c} | relu) * 2"),
        ("twice2.bn1", "bn"),
        ("tail.conv1", "conv 1x1 x4"),
        ("tail.relu1", "relu"),
    ]


def test_blocks_within_a_repeat() -> None:
    """A repeat holds the blocks that it calls, though their names are not under its own."""
    spec = "def a(c) = conv 1x1 x{c} | relu\ninput 8x8x4 | (a(4) | bn) * 2"
    assert [[name for name, _ in lines(spec, depth)] for depth in (1, 2, 3)] == [
        ["input1", "repeat1"],
        ["input1", "a1", "bn1", "a2", "bn2"],
        ["input1", "a1.conv1", "a1.relu1", "bn1", "a2.conv1", "a2.relu1", "bn2"],
    ]


def test_repeats_within_a_repeat() -> None:
    """Each copy has a repeat of its own, numbered through."""
    spec = "input 8x8x4 | ((conv 1x1 x4 | relu) * 2 | bn) * 2"
    assert [[name for name, _ in lines(spec, depth)] for depth in (1, 2)] == [
        ["input1", "repeat1"],
        ["input1", "repeat2", "bn1", "repeat3", "bn2"],
    ]


def test_a_named_group_around_a_block() -> None:
    """A named group is not taken for the block in it."""
    spec = "def a(c) = conv 1x1 x{c} | relu\ninput 8x8x4 | (a(4) | a(4)) as enc"
    assert lines(spec, 1)[1:] == [("enc", "4 layers")]
    assert lines(spec, 2)[1:] == [("enc.a1", "a(4)"), ("enc.a2", "a(4)")]


def test_a_long_repeat() -> None:
    """What is repeated is left out where it is long, or takes several lines."""
    assert lines("input 8x8x4 | (" + " | ".join(["relu"] * 9) + ") * 1200", 1)[1] == ("repeat1", "(…) * 1,200")
    assert lines("input 8x8x4\n(\n  bn\n  relu\n) * 2", 1)[1] == ("repeat1", "(…) * 2")


def test_a_repeat_in_yaml(tmp_path: Path) -> None:
    """YAML's repeat is one as well; one that is named goes by its own names."""
    path = tmp_path / "net.yaml"
    path.write_text("input: 8x8x4\nlayers:\n  - repeat: {times: 2, layers: [bn, relu]}\n  - (bn | relu) * 2 as n\n")
    assert [line.name for line in collapse(cnncalc.analyze(path).rows, 1)] == ["input1", "repeat1", "n1", "n2"]


def test_a_repeat_does_not_take_a_name() -> None:
    """A name of the spec is nobody else's, and the layers are called as ever."""
    rows = cnncalc.analyze("input 8x8x4 | bn as repeat1 | (bn | relu) * 2").rows
    assert [row.name for row in rows] == ["input1", "repeat1", "bn1", "relu1", "bn2", "relu2"]
    assert [line.name for line in collapse(rows, 1)] == ["input1", "repeat1", "repeat2"]


@pytest.mark.parametrize("spec", [REPEATS, DEEP, "resnet50"], ids=["repeats", "deep", "resnet50"])
def test_sums_at_every_depth(spec: str) -> None:
    """At each depth there are no fewer rows than before; each layer is in one of them, and sums are the totals."""
    analysis, before = cnncalc.analyze(spec), 0
    for depth in (1, 2, 3, 4, 9):
        shown = collapse(analysis.rows, depth)
        members = [row for line in shown for row in (line.rows if isinstance(line, RowGroup) else (line,))]
        assert members == list(analysis.rows)
        assert sum(line.macs for line in shown) == analysis.totals.macs
        assert len(shown) >= before
        before = len(shown)


def test_figures_of_a_repeat() -> None:
    """`--get` knows a repeat by the name in the table. By hand: 3·(3·3·4·4 + 4) weights, 8·8 places each."""
    done = run(REPEATS, "--get", "repeat1.params", "--get", "repeat1.macs", "--get", "twice2.repeat1.output_shape")
    assert done.stdout == f"{3 * 148}\n{3 * 144 * 64}\n8x8x4\n"


@pytest.mark.parametrize(
    ("most", "depth"),
    # 31 rows; a row for each inner block makes 16, for each outer block 4.
    [(40, None), (31, None), (30, 2), (16, 2), (15, 1), (4, 1), (3, 1)],
)
def test_the_deepest_that_fits(most: int, depth: int | None) -> None:
    """The depth is the greatest that fits; that of the fewest rows if none does; none if there is no need."""
    assert fitting_depth(cnncalc.analyze(DEEP).rows, most) == depth


def test_nothing_to_collapse() -> None:
    """A network without blocks has no depth."""
    assert fitting_depth(cnncalc.analyze("vgg16").rows, 5) == 1
    assert fitting_depth(cnncalc.analyze("lenet5").rows, 5) is None


def test_a_pipe_has_every_row() -> None:
    """In a pipe there is a row for each layer, however many."""
    table = run("input 8x8x2 | conv 1x1 x2 * 3000").stdout.split("\n\n")[0].splitlines()
    assert len(table) == 2 + 3001 + 2
    # 3,000 convolutions of 2·2 weights and 2 biases.
    assert table[-1].split()[1] == "18,000"


@posix
@pytest.mark.parametrize("columns", [60, 80, 200])
def test_a_long_table_at_a_terminal(columns: int) -> None:
    """A terminal has no more than its rows, none too wide; the last line says how to see them all."""
    shown = without_colour(at_terminal("resnet50", columns=columns)[1]).rstrip("\n")
    table, last = shown.split("\n\n")[0].splitlines(), " ".join(shown.split("\n\n")[-1].split())

    assert max(map(len, shown.splitlines())) <= columns
    assert last == "blocks are collapsed, 176 rows to 60: `--depth all` shows every layer"
    # Torchvision's ResNet-50; the line of totals is under the second rule.
    (totals,) = (line.split() for line in table if line.startswith("total"))
    assert totals == ["total", "25,557,032", "4,089,184,256"]


@posix
def test_every_row_at_a_terminal() -> None:
    """`--depth all` shows a terminal what a pipe gets."""
    shown = without_colour(at_terminal("resnet50", "--depth", "all", columns=200)[1])
    assert shown == run_process("resnet50", "--width", "200").output
    assert len(shown.split("\n\n")[0].splitlines()) == 2 + 176 + 2


@posix
def test_a_timeline_at_a_terminal() -> None:
    """The timeline of memory collapses as the table does."""
    shown = without_colour(at_terminal("resnet50", "--memory", columns=200)[1])
    assert len(shown.split("\n\n")[0].splitlines()) == 2 + MOST_AT_ONCE
    assert "\nblocks are collapsed, 176 rows to 60: `--depth all` shows every layer\n" in f"{shown}\n"


@posix
def test_more_rows_than_anyone_reads() -> None:
    """Where nothing can be collapsed, a terminal shows the first and the last of thousands, and the totals of all."""
    spec = "input 8x8x2 | " + " | ".join(["conv 1x1 x2"] * 3000)
    shown = without_colour(at_terminal(spec, columns=100)[1]).splitlines()

    assert shown[2 + 999].split()[0] == "conv999"
    assert shown[2 + 1000].split() == ["…", "1,001", "rows"]
    assert shown[2 + 1001].split()[0] == "conv2001"
    assert next(line.split()[1] for line in shown if line.startswith("total")) == "18,000"
    assert shown[-1] == "1,001 rows are left out: `--depth all` shows every layer"


@posix
def test_an_error_in_a_long_network() -> None:
    """The layers before the one that fails collapse as well."""
    status, shown = at_terminal("input 8x8x4 | (conv 1x1 x4 | relu) * 50 | conv 9x9 x4", columns=100)
    names = [line.split()[0] for line in without_colour(shown).splitlines()[2:5]]
    assert (status, names) == (1, ["input1", "repeat1", "conv51"])


def rows(*arguments: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(run(*arguments, "--format", "csv").stdout)))


def test_top() -> None:
    """The heaviest rows come first, and a note says how much of all they are."""
    done = run("vgg16", "--top", "2", "params", "--columns", "name,params")
    # Its first two fc, by hand: 25,088 · 4,096 + 4,096 and 4,096 · 4,096 + 4,096, of 138,357,544.
    assert [line.split() for line in done.stdout.splitlines()[2:4]] == [
        ["fc1", "102,764,544", "████████"],
        ["fc2", "16,781,312", "█▍"],
    ]
    assert "heaviest     2 of 41 rows by parameters: 119,545,856, 86.4 % of the total\n" in done.stdout


def test_top_of_blocks() -> None:
    """With a depth, they are the heaviest of the rows at that depth."""
    found = rows("resnet50", "--top", "2", "macs", "--depth", "1")
    assert [(row["name"], row["macs"]) for row in found] == [("stage3", "1464336384"), ("stage2", "1027604480")]


def test_top_of_more_than_there_are() -> None:
    """Asked for more rows than there are, it shows all."""
    assert len(rows("lenet5", "--top", "99", "macs")) == len(cnncalc.analyze("lenet5").rows)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("macs", ["input1", "relu1", "relu2", "gap1", "flatten1", "fc1", "conv1", "conv2"]),
        ("-macs", ["conv2", "conv1", "fc1", "input1", "relu1", "relu2", "gap1", "flatten1"]),
        # Axis by axis, and numbers by their value: 8x8x16 is above 8x8x4.
        ("output", ["gap1", "conv1", "relu1", "input1", "conv2", "relu2", "fc1", "flatten1"]),
        # What sees the whole input comes behind every number.
        ("field", ["input1", "conv1", "relu1", "conv2", "relu2", "gap1", "flatten1", "fc1"]),
    ],
)
def test_sort(key: str, expected: list[str]) -> None:
    """Rows are sorted by any column, the smallest first; with a minus the largest. Equal ones stay in order."""
    spec = "input 8x8x8 | conv 1x1 x4 | relu | conv 3x3 same x16 | relu | gap | fc 10"
    found = [row["name"] for row in rows(spec, "--sort", key)]
    assert found == expected


def test_sort_of_names() -> None:
    """A number in a name counts as one: conv2 comes before conv10."""
    spec = "input 8x8x2 | " + " | ".join(["conv 1x1 x2"] * 10)
    assert [row["name"] for row in rows(spec, "--sort", "name")][-2:] == ["conv10", "input1"]


@pytest.mark.parametrize("arguments", [("--sort", "-params"), ("--top", "3", "activations"), ("--depth", "1")])
def test_json_has_the_same_rows(arguments: tuple[str, ...]) -> None:
    """JSON has the rows of the table in their order, with the totals of the whole network."""
    document = json.loads(run("resnet18", *arguments, "--format", "json").stdout)
    assert [line["name"] for line in document["layers"]] == [row["name"] for row in rows("resnet18", *arguments)]
    assert document["totals"]["params"] == 11_689_512


def test_no_branches_beside_sorted_rows() -> None:
    """Branches are drawn beside rows in order only."""
    spec = "input 8x8x4 | add(conv 1x1 x4 | bn ; )"
    assert "├" in run(spec).stdout
    assert "├" not in run(spec, "--sort", "macs").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--sort", "parms"), "unknown column 'parms': did you mean 'params'?"),
        (("--top", "5", "layer"), "'layer' is no figure that a row is heavy by: one of params, "),
        (("--top", "0", "macs"), "0 is not in the range x>=1"),
        (("--depth", "deep"), "'deep' is neither a whole number from 0 to 100 nor `all`"),
        (("--depth", "101"), "'101' is neither a whole number from 0 to 100 nor `all`"),
        (("--top", "5", "macs", "--get", "params"), "`--top` has no effect with `--get`"),
        (("--sort", "macs", "--memory"), "`--sort` has no effect with `--memory`"),
        (("--units", "M", "--format", "csv"), "`--units` has no effect in CSV"),
    ],
)
def test_wrong_options(arguments: tuple[str, ...], message: str) -> None:
    """What is no column, no figure or no depth is a wrong command line, and so is what has no effect."""
    done = run("lenet5", *arguments)
    assert done.exit_code == 2
    assert message in " ".join(done.stderr.split())


def test_letters_have_no_order() -> None:
    """Formulas are not sorted: numbers are asked for."""
    done = run("input HxWx3 | conv 3x3 x4", "--sort", "macs")
    assert done.exit_code == 1
    assert "error[E130]" in done.stderr or "--at" in done.stderr
