"""`cnncalc compare` of every combination of inputs and values; sorted, relative, limited, in the units of papers."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from command_line import run

#: By hand: the convolution has 27·8w weights and 8w biases, and 27·8w·N² MACs on N·N places; the fc has 8w·10 + 10
#: parameters and 8w·10 MACs. The peak is at the convolution: 4·(3 + 8w)·N² bytes.
NET = "let width = 1\ninput 8x8x3\nconv 3x3 same x{8 * width} | relu\ngap | fc 10\n"


def params(width: int) -> int:
    return 28 * 8 * width + 8 * width * 10 + 10


def macs(width: int, size: int) -> int:
    return 27 * 8 * width * size**2 + 8 * width * 10


GRID = """\
network  width  input    parameters     MACs  peak bytes  field
───────────────────────────────────────────────────────────────
net.cnn  1      8x8x3           314   13,904       2,816  3
net.cnn  1      16x16x3         314   55,376      11,264  3
net.cnn  2      8x8x3           618   27,808       4,864  3
net.cnn  2      16x16x3         618  110,752      19,456  3

peak bytes  peak memory of the feature maps as float32, without weights
field       receptive field of the last layer before those that see the whole input (gap, fc)
"""

RELATIVE = """\
network   parameters    MACs  peak bytes
────────────────────────────────────────
net.cnn          314  13,904       2,816
wide.cnn       1.97×   2.00×       1.73×
flat.cnn          0×      0×       0.34×

peak bytes  peak memory of the feature maps as float32, without weights
×           times the figure of net.cnn, the first network
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the networks, in which the commands run."""
    (tmp_path / "net.cnn").write_text(NET)
    (tmp_path / "wide.cnn").write_text(NET.replace("width = 1", "width = 2"))
    (tmp_path / "flat.cnn").write_text("input 8x8x3 | relu | pool 2\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows(*arguments: str) -> list[dict[str, str]]:
    done = run("compare", *arguments, "--format", "csv")
    assert done.exit_code == 0, done.output
    return list(csv.DictReader(io.StringIO(done.stdout)))


def test_the_grid() -> None:
    """There is a row for each combination, the sizes of a value together, and a column for what varies."""
    arguments = ("net.cnn", "--var", "width=1,2", "--input", "8x8x3", "--input", "16x16x3")
    assert run("compare", *arguments).stdout == GRID
    found = [(int(row["params"]), int(row["macs"])) for row in rows(*arguments)]
    assert found == [(params(width), macs(width, size)) for width in (1, 2) for size in (8, 16)]


def test_two_networks_in_the_grid() -> None:
    """Each network has every combination, in the order of the networks."""
    found = rows("net.cnn", "wide.cnn", "--var", "width=3,1", "--columns", "network,params")
    assert [tuple(row.values()) for row in found] == [
        ("net.cnn", "3", str(params(3))),
        ("net.cnn", "1", str(params(1))),
        ("wide.cnn", "3", str(params(3))),
        ("wide.cnn", "1", str(params(1))),
    ]


def test_two_variables() -> None:
    """Variables are combined with one another; one of a single value has no column."""
    spec = "let a = 1, b = 1, c = 1\ninput 8x8x1 | conv 1x1 x{a} | conv 1x1 x{b * c}"
    found = rows(spec, "--var", "a=1,2", "--var", "b=3,4", "--var", "c=2", "--columns", "network,params")
    # a·1 + a, and 2b·a + 2b.
    assert [(row["a"], row["b"], int(row["params"])) for row in found] == [
        (str(a), str(b), 2 * a + 2 * b * a + 2 * b) for a in (1, 2) for b in (3, 4)
    ]
    assert list(found[0]) == ["network", "a", "b", "params"]


def test_expressions_in_values() -> None:
    """A value is an expression; a comma within its brackets does not end it."""
    found = rows("net.cnn", "--var", "width=max(1, 2), 6 // 2", "--columns", "params")
    assert [tuple(row.values()) for row in found] == [("max(1, 2)", str(params(2))), ("6 // 2", str(params(3)))]


def test_inputs_alone() -> None:
    """The input is shown where it varies, whatever the columns."""
    found = rows("net.cnn", "--input", "8x8x3", "--input", "9x9x3", "--columns", "macs")
    assert [tuple(row.values()) for row in found] == [("8x8x3", str(macs(1, 8))), ("9x9x3", str(macs(1, 9)))]


def test_the_same_twice() -> None:
    """A value or an input that is given twice is there once."""
    assert len(rows("net.cnn", "--var", "width=1,1", "--input", "8x8x3", "--input", "8x8x3")) == 1


def test_a_variable_with_the_name_of_a_figure() -> None:
    """The column of a variable that is called as a figure is says that it is a let."""
    spec = "let macs = 1\ninput 8x8x1 | conv 1x1 x{macs}"
    assert list(rows(spec, "--var", "macs=1,2", "--columns", "network,macs")[0]) == ["network", "let macs", "macs"]


def test_json() -> None:
    """JSON has the values of each combination, and the multiples of the first."""
    document = json.loads(run("compare", "net.cnn", "--var", "width=1,2", "--relative", "-f", "json").stdout)
    assert [each["variables"] for each in document["networks"]] == [{"width": "1"}, {"width": "2"}]
    first, second = (each["relative"] for each in document["networks"])
    assert (first["params"], second["params"], second["macs"]) == (1, params(2) / params(1), 2)


@pytest.mark.parametrize(
    ("value", "message"),
    [("width=1,", "'width=1,'"), ("width=1,x", "unknown name `x`"), ("=1,2", "is not NAME=VALUE")],
)
def test_wrong_values(value: str, message: str) -> None:
    """A value that is none is a wrong command line."""
    done = run("compare", "net.cnn", "--var", value)
    assert done.exit_code == 2
    assert message in done.stderr


def test_a_combination_that_fails() -> None:
    """The error of a combination says which it is, once for each network."""
    done = run("compare", "net.cnn", "--var", "width=1,-1,-2", "--input", "8x8x3")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.count("error[") == 1
    assert "= note: with width=-1\n" in done.stderr


def test_an_unknown_variable() -> None:
    """A variable that a spec does not have is an error, as for a single network."""
    done = run("compare", "net.cnn", "--var", "wide=1,2")
    assert done.exit_code == 1
    assert "the spec has no let `wide` to set" in done.stderr


def test_relative() -> None:
    """Figures are multiples of the first network's, which keeps its own."""
    # The peak of the last is at its pool: 4·3·(8·8 + 4·4) = 960 bytes of 2,816.
    columns = ("--columns", "network,params,macs,peak_bytes")
    assert run("compare", "net.cnn", "wide.cnn", "flat.cnn", "--relative", *columns).stdout == RELATIVE


def test_relative_to_nothing() -> None:
    """Where the first network has none of a figure, the others have no multiple of it."""
    found = rows("flat.cnn", "net.cnn", "--relative", "--columns", "params,layers")
    assert [row["params"] for row in found] == ["", ""]
    assert [row["layers"] for row in found] == ["1.0", "2.5"]
    assert run("compare", "flat.cnn", "net.cnn", "--relative", "--columns", "params").stdout.split()[2:4] == ["0", "–"]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("params", ["flat.cnn", "net.cnn", "wide.cnn"]),
        ("-params", ["wide.cnn", "net.cnn", "flat.cnn"]),
        ("network", ["flat.cnn", "net.cnn", "wide.cnn"]),
    ],
)
def test_sort(key: str, expected: list[str]) -> None:
    """Networks are sorted by any column."""
    assert [row["network"] for row in rows("wide.cnn", "flat.cnn", "net.cnn", "--sort", key)] == expected


def test_sort_by_what_varies() -> None:
    """They are sorted by a variable, too."""
    found = rows("net.cnn", "--var", "width=10,2,1", "--sort", "width")
    assert [row["width"] for row in found] == ["1", "2", "10"]


def test_the_first_stays_the_first() -> None:
    """Sorted, they are multiples of the network that was given first."""
    found = run("compare", "wide.cnn", "net.cnn", "--relative", "--sort", "macs", "--columns", "network,macs").stdout
    assert [line.split() for line in found.splitlines()[2:4]] == [["net.cnn", "0.50×"], ["wide.cnn", "27,808"]]


def test_an_unknown_order() -> None:
    """What is no column is a wrong command line."""
    done = run("compare", "net.cnn", "--sort", "widht", "--var", "width=1,2")
    assert done.exit_code == 2
    assert "unknown column 'widht': did you mean 'width'?" in done.stderr


def test_limits() -> None:
    """Each network is held to the limits; what exceeds them is named, and the status is 3."""
    done = run("compare", "net.cnn", "wide.cnn", "--fail-if", "params > 400", "--fail-if", "peak > 1MiB")
    assert done.exit_code == 3
    assert done.stdout.count("\n") > 4
    assert done.stderr == "exceeded: wide.cnn: `params > 400`: 618 is over 400 by 218 (54.5 %)\n"


def test_limits_in_the_grid() -> None:
    """The combination is named as well, and JSON has every outcome."""
    arguments = ("compare", "net.cnn", "--var", "width=1,2", "--fail-if", "params > 400")
    assert run(*arguments).stderr == ("exceeded: net.cnn (width=2): `params > 400`: 618 is over 400 by 218 (54.5 %)\n")
    networks = json.loads(run(*arguments, "-f", "json").stdout)["networks"]
    assert [[each["exceeded"] for each in network["budgets"]] for network in networks] == [[False], [True]]


def test_a_wrong_limit() -> None:
    """A limit that cannot be read, or is on no figure, is a wrong command line."""
    assert run("compare", "net.cnn", "--fail-if", "params >").exit_code == 2
    assert run("compare", "net.cnn", "--fail-if", "parms > 5").exit_code == 2


@pytest.mark.parametrize(
    ("unit", "headings", "cells"),
    [
        # 314, 13,904 and 2,816 B.
        ("k", "parameters (k) MACs (k) peak (KiB)", "0.31 13.90 2.75"),
        ("M", "parameters (M) MACs (M) peak (MiB)", "0.00031 0.014 0.0027"),
        ("auto", "parameters MACs peak", "314 13.9 k 2.75 KiB"),
    ],
)
def test_units(unit: str, headings: str, cells: str) -> None:
    """Counts are in units of 1000^n and bytes of 1024^n; there are two significant digits at least."""
    shown = run("compare", "net.cnn", "--units", unit, "--columns", "params,macs,peak_bytes,layers").stdout
    first, _, second = shown.splitlines()[:3]
    assert first.split() == [*headings.split(), "layers"]
    # How many layers there are has no unit.
    assert second.split() == [*cells.split(), "5"]


def test_columns_of_papers() -> None:
    """`mparams`, `gmacs` and `gflops` are in their units, in CSV with every digit; `all` does not have them."""
    found = rows("resnet50", "--columns", "mparams,gmacs,gflops")
    assert found == [{"mparams": "25.557032", "gmacs": "4.089184256", "gflops": "8.178368512"}]
    shown = run("compare", "resnet50", "--columns", "mparams,gmacs,gflops", "--units", "k").stdout
    assert shown.splitlines()[2].split() == ["25.56", "4.09", "8.18"]
    assert "gmacs" not in rows("net.cnn")[0]


def test_units_of_layers() -> None:
    """The table of layers has them too, with its totals and bars; what is 0 stays blank."""
    shown = run("resnet50", "--depth", "1", "--units", "M", "--columns", "name,params,gmacs").stdout.splitlines()
    assert shown[0].split() == ["name", "parameters", "(M)", "GMACs"]
    assert next(line.split() for line in shown if line.startswith("stage4")) == ["stage4", "14.96", "████████", "0.81"]
    assert next(line for line in shown if line.startswith("relu1")).split() == ["relu1"]
    assert next(line.split() for line in shown if line.startswith("total")) == ["total", "25.56", "4.09"]


def test_units_of_formulas() -> None:
    """Formulas have no unit; the numbers beside them do."""
    shown = run("input HxWx3 | conv 3x3 same x64", "--units", "k", "--columns", "params,macs").stdout
    assert shown.splitlines()[3].split() == ["1.79", "1,728·H·W"]


def test_a_narrow_terminal() -> None:
    """At 60 columns the table fits: columns are left out, and no name is broken."""
    shown = run("compare", "resnet18", "resnet34", "mobilenet_v2", "--width", "60").stdout.splitlines()
    assert max(map(len, shown)) <= 60
    assert [line.split()[0] for line in shown[2:5]] == ["resnet18", "resnet34", "mobilenet_v2"]
    assert shown[5] == "no room for: peak bytes"
