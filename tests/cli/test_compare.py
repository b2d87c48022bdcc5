"""`cnncalc compare`: the table of a paper in every format."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import cnncalc
from cnncalc.cli import main
from cnncalc.compare.networks import NetworkRow
from cnncalc.report.networks import COLUMNS

# By hand: see test_diff.py.
SMALL = "input 32x32x3\nconv 3x3 same x8 | bn | relu | pool 2\ngap | fc 10\n"
LARGE = """\
name: large_net
input: 32x32x3
layers:
  - conv 3x3 same x16 | bn | relu | pool 2
  - conv 3x3 same x16 | bn | relu
  - gap | dropout 0.2 | fc 10
"""

TEXT = """\
network    input    parameters       MACs  peak bytes  field
────────────────────────────────────────────────────────────
small.cnn  32x32x3         330    221,264      45,056  4
large_net  32x32x3       3,002  1,032,352      81,920  8

peak bytes  peak memory of the feature maps as float32, without weights
field       receptive field of the last layer before those that see the whole input (gap, fc)
"""

CSV = """\
network,input,layers,params,buffers,macs,flops,backward,activations,conv_activations,params_bytes,saved,peak_bytes,field,field_layer
small.cnn,32x32x3,7,330,16,221264,442528,221344,26650,8202,1384,94240,45056,4,pool1
large_net,32x32x3,11,3002,64,1032352,2064704,1622336,65594,20490,12264,225360,81920,8,relu2
"""

MARKDOWN = """\
| network | input | parameters | MACs | peak bytes | field |
| --- | --- | ---: | ---: | ---: | --- |
| `small.cnn` | 32x32x3 | 330 | 221,264 | 45,056 | 4 |
| `large_net` | 32x32x3 | 3,002 | 1,032,352 | 81,920 | 8 |

peak bytes: peak memory of the feature maps as float32, without weights

field: receptive field of the last layer before those that see the whole input (gap, fc)
"""

LATEX = r"""% \usepackage{booktabs}
\begin{tabular}{llrrrl}
\toprule
network & input & parameters & MACs & peak bytes & field \\
\midrule
small.cnn & 32$\times$32$\times$3 & 330 & 221,264 & 45,056 & 4 \\
large\_net & 32$\times$32$\times$3 & 3,002 & 1,032,352 & 81,920 & 8 \\
\bottomrule
\end{tabular}
% peak bytes: peak memory of the feature maps as float32, without weights
% field: receptive field of the last layer before those that see the whole input (gap, fc)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with both files, in which the commands run."""
    (tmp_path / "small.cnn").write_text(SMALL)
    (tmp_path / "large.yaml").write_text(LARGE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, ["compare", *arguments], input=stdin)


@pytest.mark.parametrize(
    ("form", "expected"), [("table", TEXT), ("csv", CSV), ("markdown", MARKDOWN), ("latex", LATEX)]
)
def test_formats(form: str, expected: str) -> None:
    """A row for each network, in the order given."""
    result = run("small.cnn", "large.yaml", "-f", form)
    assert (result.exit_code, result.stdout, result.stderr) == (0, expected, "")


def test_json() -> None:
    """JSON has every total of each network, as its own object has them."""
    found = json.loads(run("small.cnn", "large.yaml", "-f", "json", "--batch", "3").stdout)
    networks = found.pop("networks")

    assert found == {"schema": 2, "batch": 3, "dtype": "float32", "convention": "torchvision"}
    assert networks[0] == {
        "name": "small.cnn",
        "input_shapes": [[32, 32, 3]],
        "totals": cnncalc.analyze(SMALL, batch=3).to_dict()["totals"],
        "receptive_field": {"layer": "pool1", "size": [4, 4], "jump": [2, 2], "left": [1, 1]},
        "unknown": [],
    }
    assert networks[1]["name"] == "large_net"


def test_columns() -> None:
    """`--columns` chooses among its own columns."""
    result = run("small.cnn", "--columns", "network,flops,field_layer", "-f", "csv")
    assert result.stdout == "network,flops,field_layer\nsmall.cnn,442528,pool1\n"


def test_unknown_column() -> None:
    """An unknown column is a wrong command line, and the nearest is named."""
    result = run("small.cnn", "--columns", "peak_byte")
    assert result.exit_code == 2
    assert "did you mean 'peak_bytes'?" in result.stderr


def test_batch_and_dtype() -> None:
    """The table says what its figures are for."""
    text = run("small.cnn", "--batch", "2", "--dtype", "int8").stdout
    assert "peak bytes  peak memory of the feature maps as int8, without weights\n" in text
    assert "batch       MACs and activations are for 2 samples, shapes for one\n" in text
    # 11,264 elements of a byte, twice.
    assert " 442,528      22,528 " in text


@pytest.mark.parametrize(
    ("spec", "field", "layer"),
    [
        # The last map, though gap, flatten and fc see everything.
        ("input 9x9x3 | conv 3x3 x4 | conv 3x3 x4 | gap | fc 3", "5", "conv2"),
        # A map of one place by its window, not by nature: its field is a number.
        ("input 5x5x3 | conv 5x5 x4 | fc 3", "5", "conv1"),
        # A gate that sees everything, and so does every place behind it.
        ("input 9x9x4 | conv 3x3 same x4 | mul( ; gap) | relu", "all", "relu1"),
        # Along each axis its own.
        ("input 9x9x3 | conv 3x5 x4", "3x5", "conv1"),
        ("input 16x2 | conv 3 x4", "3", "conv1"),
        # No axes, no field.
        ("input 8 | fc 3", "-", ""),
        ("input 8x8x3", "-", ""),
    ],
)
def test_field(spec: str, field: str, layer: str) -> None:
    """The network's field is that of its last layer with places to tell apart."""
    network = NetworkRow("", cnncalc.analyze(spec))
    assert [COLUMNS[key].text(network, "hwc") for key in ("field", "field_layer")] == [field, layer]


def test_several_inputs() -> None:
    """Every input stands there."""
    spec = "input 8x8x3 as a | input 8x8x1 as b | concat(@a ; @b)"
    assert run(spec, "--columns", "input", "-f", "csv").stdout == "input\n8x8x3 8x8x1\n"
    assert run(spec, "--columns", "input", "-f", "csv", "--layout", "chw").stdout == "input\n3x8x8 1x8x8\n"


def test_names_that_collide(folder: Path) -> None:
    """Two networks of one name go by what was written, a third by its own."""
    (folder / "again.yaml").write_text(LARGE)
    result = run("large.yaml", "again.yaml", "small.cnn", "--columns", "network", "-f", "csv")
    assert result.stdout == "network\nlarge.yaml\nagain.yaml\nsmall.cnn\n"


def test_text_as_a_name() -> None:
    """A spec without a name goes by its text: whole in CSV, cut in a table, a code span in Markdown."""
    spec = "input 8x8x4 | " + " | ".join(["relu"] * 40)
    rows = list(csv.DictReader(io.StringIO(run(spec, "-f", "csv").stdout)))
    assert rows[0]["network"] == spec
    cut = spec[:119].replace("|", r"\|") + "…"
    assert run(spec, "--columns", "network", "-f", "markdown").stdout.split("\n")[2] == f"| `{cut}` |"


def test_standard_input() -> None:
    """One network can be standard input."""
    assert run("-", "--columns", "network,params", "-f", "csv", stdin=SMALL).stdout == "network,params\n<stdin>,330\n"


def test_hostile_name(folder: Path) -> None:
    """A name is shown, never obeyed: by no spreadsheet, and by no terminal."""
    (folder / "bad.yaml").write_text('name: "=1+1"\ninput: 5x5x3\nlayers: [relu]\n')
    (folder / "worse.yaml").write_text('name: "\\x1b[31mred\\n&"\ninput: 5x5x3\nlayers: [relu]\n')
    arguments = ("bad.yaml", "worse.yaml", "--columns", "network")

    assert run(*arguments, "-f", "csv").stdout == "network\n'=1+1\n\N{REPLACEMENT CHARACTER}[31mred &\n"
    assert "\x1b" not in run(*arguments).stdout
    assert r"{[}31mred \&" in run(*arguments, "-f", "latex").stdout


@pytest.mark.parametrize("form", ["table", "json", "csv", "markdown", "latex"])
def test_one_wrong_spec(form: str) -> None:
    """One wrong spec is told by its number, with status 1, and nothing is on standard output."""
    result = run("small.cnn", "input 5 | cnov 3", "large.yaml", "-f", form)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "<spec 2>" in result.stderr


def test_shape_error() -> None:
    """A layer that fails is shown in the table of its own network."""
    result = run("small.cnn", "input 5x5x3 | conv 9x9 x2", "--columns", "network")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[3].split() == ["conv1", "conv", "9x9", "x2", "✗"]
    assert " --> <spec 2>:1:15\n" in result.stderr


def test_no_spec() -> None:
    """Without a spec there is the help."""
    assert "Usage:" in run().output
    assert run("-", "-", stdin=SMALL).exit_code == 2
