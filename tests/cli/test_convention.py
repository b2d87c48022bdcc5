"""`--convention`: MACs as another tool counts them, and all conventions side by side."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import cnncalc
from cnncalc.figures.cost import CONVENTION_SYNONYMS, CONVENTIONS

#: 36·9·3·2 multiply-adds, 72 outputs: bn counts 144 by fvcore; the mean counts its 72 inputs.
SPEC = "input 8x8x3 | conv 3x3 x2 | bn | relu | gap"


def run(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """Status, output and errors of a run with its streams piped."""
    done = subprocess.run(
        [sys.executable, "-m", "cnncalc", *arguments],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_table() -> None:
    """The footer names the convention and says what it counts."""
    status, output, _ = run(SPEC, "--convention", "fvcore")

    rows = {line.split()[0]: line for line in output.split("\n") if line}
    assert status == 0
    assert rows["bn1"].split()[5] == "144"
    assert rows["total"].split() == ["total", "60", "2,160"]
    assert output.endswith(
        "convention   fvcore: FlopCountAnalysis, whose flops are MACs: no bias; norms count, and on two axes\n"
        "             mean pools over the whole input or to a size, and upsampling. Checked with fvcore\n"
        "             0.1.5.post20221221\n"
    )


@pytest.mark.parametrize("name", CONVENTION_SYNONYMS)
def test_synonym(name: str) -> None:
    """A tool that counts as another does is a name for that convention, which the output goes by."""
    assert run(SPEC, "--convention", name) == run(SPEC)
    assert run("compare", SPEC, "--convention", name) == run("compare", SPEC)
    assert json.loads(run(SPEC, "--convention", name, "-f", "json")[1])["convention"] == "torchvision"


def test_default_footer() -> None:
    """The default convention needs no word."""
    assert "convention" not in run(SPEC)[1]


def test_json() -> None:
    """The object carries the name; its rows add up to its total."""
    status, output, _ = run(SPEC, "--convention", "onnx-tool", "-f", "json", "--batch", "2")

    found = json.loads(output)
    assert status == 0
    assert found["convention"] == "onnx-tool"
    # 1944 and a bias 72; 31·72; 72; 72 and 4·2: for two samples.
    assert [layer["macs"] for layer in found["layers"]] == [0, 4032, 4464, 144, 160]
    assert found["totals"]["macs"] == 8800


def test_markdown() -> None:
    """Below the table stands by whose count the MACs are."""
    _, output, _ = run(SPEC, "--convention", "thop", "-f", "markdown")

    assert output.endswith(
        "\n\nMACs: as thop counts: no bias; a deconvolution is taken for a convolution of the output's size; norms "
        "count, of activations prelu and softmax, mean pools, and upsampling on one and two axes. Checked with thop "
        "0.1.1-2209072238\n"
    )


def test_unknown() -> None:
    """A name that is none is an error of the command line that lists them."""
    status, output, errors = run(SPEC, "--convention", "mine")

    assert (status, output) == (2, "")
    assert all(f"'{name}'" in errors for name in (*CONVENTIONS, *CONVENTION_SYNONYMS, "all"))


# -- side by side ------------------------------------------------------------------------------------------


def test_all() -> None:
    """A row for each convention: its total, and where it is more than torchvision's. Below, what each counts."""
    status, output, errors = run(SPEC, "--convention", "all", "--width", "120")

    table, definitions = output.split("\n\n")
    assert (status, errors) == (0, "")
    assert table.split("\n") == [
        "convention    MACs  over torchvision  where",
        "─" * 76,
        "torchvision  1,944",
        "fvcore       2,160              +216  bn +144, gap +72",
        "ptflops      2,448              +504  bn +144, relu +144, gap +144, conv +72",
        "thop         2,306              +362  bn +288, gap +74",
        "onnx-tool    4,400            +2,456  bn +2,232, gap +80, conv +72, relu +72",
    ]
    assert [line.split()[0] for line in definitions.split("\n") if line[:1].strip()] == list(CONVENTIONS)


def test_all_json() -> None:
    """Totals, parts and rules of each convention, exact, for the whole batch."""
    status, output, _ = run(SPEC, "--convention", "all", "-f", "json", "--batch", "3")

    found = json.loads(output)
    assert status == 0
    assert (found["schema"], found["name"], found["batch"]) == (2, None, 3)
    assert [each["convention"] for each in found["conventions"]] == list(CONVENTIONS)
    fvcore = found["conventions"][1]
    assert fvcore.pop("definition")
    assert fvcore.pop("decisions")["bn"] == "n + affine"
    assert fvcore == {
        "convention": "fvcore",
        "checked": "fvcore 0.1.5.post20221221",
        "macs": 6480,
        "flops": 12960,
        "difference": 648,
        "by_type": {"conv": 5832, "bn": 432, "gap": 216},
        "differences": {"bn": 432, "gap": 216},
    }


def test_all_csv() -> None:
    """Raw integers, a row for each convention."""
    _, output, _ = run(SPEC, "--convention", "all", "-f", "csv")

    assert output == (
        "convention,macs,difference,differences\n"
        "torchvision,1944,0,\n"
        "fvcore,2160,216,bn=144 gap=72\n"
        "ptflops,2448,504,conv=72 bn=144 relu=144 gap=144\n"
        "thop,2306,362,bn=288 gap=74\n"
        "onnx-tool,4400,2456,conv=72 bn=2232 relu=72 gap=80\n"
    )


def test_all_markdown() -> None:
    """A Markdown table, and below it the definitions."""
    _, output, _ = run(SPEC, "--convention", "all", "-f", "markdown")

    lines = output.split("\n")
    assert lines[1:4] == [
        "| --- | ---: | ---: | --- |",
        "| torchvision | 1,944 |  |  |",
        "| fvcore | 2,160 | +216 | bn +144, gap +72 |",
    ]
    assert sum(line.startswith(tuple(f"{name}: " for name in CONVENTIONS)) for line in lines) == len(CONVENTIONS)


def test_all_in_a_file(tmp_path: Path) -> None:
    """`-o` writes it to a file, and nothing to the screen."""
    file = tmp_path / "all.csv"
    assert run(SPEC, "--convention", "all", "-f", "csv", "-o", str(file)) == (0, "", "")
    assert file.read_text(encoding="utf-8").startswith("convention,macs,")


def test_all_ascii() -> None:
    """Where the stream has ASCII alone, so has the comparison."""
    status, output, _ = run(SPEC, "--convention", "all", PYTHONIOENCODING="ascii")
    assert status == 0
    assert output.isascii()
    assert "?" not in output


@pytest.mark.parametrize(
    "option",
    [
        ("--columns", "name"),
        ("--depth", "1"),
        ("--memory",),
        ("--get", "totals.macs"),
        ("--fail-if", "macs > 1"),
        ("--dtype", "int8"),
        ("--optimizer", "adam"),
        ("--layout", "chw"),
    ],
)
def test_all_shows_totals_alone(option: tuple[str, ...]) -> None:
    """What asks for one convention's figures does not go with all of them, and it says so."""
    status, output, errors = run(SPEC, "--convention", "all", *option)

    assert (status, output) == (2, "")
    reason = "with `--convention all`, which shows the totals of MACs alone"
    assert errors.endswith(f"Error: `{option[0]}` has no effect {reason}\n")


def test_all_of_a_wrong_spec() -> None:
    """A wrong spec is an error as ever."""
    status, output, errors = run("input 5x5x3 | conv 9x9 x8", "--convention", "all", "-f", "json")

    assert (status, output) == (1, "")
    assert json.loads(errors)["errors"][0]["code"] == "E201"


UNKNOWN = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
layer { name: "other" type: "Unheard" bottom: "data" top: "other" }
"""


def test_all_of_the_unknown(tmp_path: Path) -> None:
    """Where a model file has an operator that nobody knows, all totals are lower bounds, and it says so."""
    file = tmp_path / "net.prototxt"
    file.write_text(UNKNOWN, encoding="utf-8")
    text = run(str(file), "--convention", "all")[1]
    assert text.endswith("\nunknown      1 of the layers are not counted in full: all totals are lower bounds\n")
    assert json.loads(run(str(file), "--convention", "all", "-f", "json")[1])["unknown"] == ["other"]


def test_compare() -> None:
    """`cnncalc compare` counts by a convention too, and says by which."""
    status, output, _ = run("compare", SPEC, SPEC, "--convention", "thop", "--columns", "macs", "-f", "markdown")
    assert status == 0
    assert output.startswith("| MACs |\n| ---: |\n| 2,306 |\n| 2,306 |\n\nMACs: as thop counts: no bias;")


def test_diff() -> None:
    """`cnncalc diff` counts by a convention too: a relu is 2 for each of 72 elements by ptflops."""
    done = run("diff", "input 6x6x2 | identity", "input 6x6x2 | relu", "--convention", "ptflops")
    assert done[0] == 0
    assert "total as float32, MACs by ptflops" in done[1]
    assert re.search(r"^ *MACs +0 +144 +\+144", done[1], re.MULTILINE)


def test_library() -> None:
    """The library takes a convention by its names; `all` is the command line's."""
    assert cnncalc.analyze(SPEC, convention="thop").totals.macs == 2306
    with pytest.raises(
        ValueError, match=f"unknown convention 'all': one of {', '.join((*CONVENTIONS, *CONVENTION_SYNONYMS))}$"
    ):
        cnncalc.analyze(SPEC, convention="all")


def test_start() -> None:
    """The tables are imported only where a convention other than the default is asked for."""
    code = (
        "import sys\nfrom cnncalc.cli import main\n"
        "try: main(['input 5x5x3 | conv 3x3 x2'])\n"
        "except SystemExit: pass\n"
        "print('cnncalc.figures.conventions' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "False\n"
