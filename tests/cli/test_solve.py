"""`cnncalc solve` and the letters of `cnncalc SPEC`, as they are called."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cnncalc.cli import main


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_the_sizes_of_the_input() -> None:
    """Each axis has a line of its own, unless all say the same."""
    # Stride 2 and 3x3 without padding: 7 = floor((N − 3)/2) + 1 for 15 and 16, 6 for 13 and 14.
    done = run("solve", "conv 3x3 s2", "--output-size", "7x6")
    assert done.output == (
        "7x6 at `conv1` from an input HxWxC\n\n"
        "height  15, 16; nothing is dropped at 15\n"
        "width   13, 14; nothing is dropped at 13\n"
    )
    assert done.exit_code == 0


def test_none() -> None:
    """Where nothing gives the size, the nearest are told, and the exit status is 1."""
    done = run("solve", "conv 3x3 | upsample 2", "--output-size", "7x7")
    assert done.output == (
        "7x7 at `upsample1` from an input HxWxC\n\nheight and width  none gives 7; 5 gives 6; 6 gives 8\n"
    )
    assert done.exit_code == 1


def answer(*arguments: str) -> str:
    """The lines for the axes."""
    return run("solve", *arguments).output.partition("\n\n")[2]


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        # Width: 6 + 4 − 4 + 1 = 7, and 2 is half of 4; height: 29 + 1 − 3 + 1 = 28.
        ("avgpool 3x4 s1|--input|29x6|--output-size|28x7", "height  `p0-1`\nwidth   `p2`\n"),
        # 4 + 2·3 − 7 + 1 = 4, though the window does not fit without padding.
        ("conv 7x7|--input|4x4|--output-size|4x4", "height and width  `p3 (same)`\n"),
        # floor((38 + 4 − k)/2) + 1 = 19 and floor((36 + 4 − k)/2) + 1 = 18 for k = 5, 6.
        ("pool ?x? s2 p2|--input|38x36|--output-size|19x18", "height and width  5, 6; nothing is dropped\n"),
        # Padding of 1 asks for a kernel of 2 or more, padding of 3 for one of 6 or more: each on its axis.
        (
            "pool ?x? s2 p1x3|--input|8x8|--output-size|5x5",
            "height  2; nothing is dropped\nwidth   6; nothing is dropped\n",
        ),
        # 2·8 = 16, and (16 − 3) is no multiple of 2: a row is left over.
        ("upsample 2 | conv 3x3 s2|--output-size|7x7", "height and width  8; every one drops something\n"),
        # 64, 34, 19, 11, 7, 5, 4, 4, …
        (
            "(conv 2x2 s2 p2 x1) * ?|--input|64x64|--output-size|4x4",
            "height and width  6 or more; nothing is dropped\n",
        ),
        # 3 − 2 = 1, which add stretches to 3.
        ("add(conv 3x3 x4 ; )|--output-size|3x3", "height and width  3; nothing is dropped\n"),
        (
            "conv 1x1 s2|--output-size|7x7",
            "height and width  13, 14; nothing is dropped but what `conv1` skips: it reads 1 in 2\n",
        ),
        # Another layer reads what the first skips.
        ("add(conv 1x1 s2 x4 ; conv 3x3 s2 p1 x4)|--output-size|7x7", "height and width  13, 14; nothing is dropped\n"),
        # One window of 3 taps, 5 apart: 0, 5 and 10 of 11.
        (
            "conv 3x3 d5|--output-size|1x1",
            "height and width  11; nothing is dropped but what `conv1` skips: it reads 1 in 5\n",
        ),
        # Each takes 2 off: (99999 − 1)/2.
        ("(conv 3x3) * ?|--input|99999x99999|--output-size|1x1", "height and width  49999; nothing is dropped\n"),
        # 5, 3, 1 by the block, then 2 times as much.
        (
            "conv 3x3 | (conv 3x3) * ? | upsample 2|--input|7x7|--output-size|2x2",
            "height and width  2; nothing is dropped\n",
        ),
        # 6 becomes 7, which is 3 pairs and a row that is left over, and 6 again.
        (
            "(pad 0-1 | pool 2 | upsample 2) * ?|--input|6x6|--output-size|6x6",
            "height and width  0 or more; nothing is dropped at 0\n",
        ),
    ],
)  # fmt: skip
def test_answers(arguments: str, lines: str) -> None:
    """The answer for each axis, derived by hand from floor((N + 2P − F')/S) + 1."""
    assert answer(*arguments.replace(" | ", " -> ").split("|")) == lines


def test_one_number_for_axes_that_disagree() -> None:
    """What each axis would take is told, and that no one number does for both."""
    done = run("solve", "conv 3x3 s2 p?", "--input", "32x32", "--output-size", "30x32")
    assert done.output.splitlines()[2:4] == ["height    15; nothing is dropped", "width     17; nothing is dropped"]
    assert done.output.splitlines()[4].startswith("together  none up to ")
    assert done.exit_code == 1


def test_sizes_without_end() -> None:
    """A size that every larger input gives too is told as such."""
    done = run("solve", "conv 3x3 | gap", "--output-size", "1x1")
    assert done.output.splitlines()[2] == "height and width  3 or more; nothing is dropped"


def test_json() -> None:
    """JSON has every value, as runs of first, last and step."""
    done = run("solve", "input 9x9x3 | pool 4", "--output-size", "3x3", "-f", "json")
    found = json.loads(done.output)
    assert {key: found[key] for key in ("unknown", "layer", "given", "wanted", "solved")} == {
        "unknown": "input", "layer": "pool1", "given": "HxWx3", "wanted": [3, 3], "solved": True,
    }  # fmt: skip
    assert found["axes"][1] == {
        "axis": "width",
        "wanted": 3,
        "values": {"sizes": [[12, 15, 1]], "from": None, "every": None, "offsets": []},
        "nothing_dropped": {"sizes": [[12, 12, 1]], "from": None, "every": None, "offsets": []},
        "skipped": [],
        "written": [],
        "nearest": [],
    }


def test_a_file(tmp_path: Path) -> None:
    """The answer goes to a file, and as Markdown where that is asked for."""
    path = tmp_path / "answer.md"
    assert run("solve", "conv 3x3 s2", "--output-size", "7x7", "-f", "markdown", "-o", str(path)).output == ""
    assert "15, 16; nothing is dropped at 15" in path.read_text("utf-8")


@pytest.mark.parametrize(
    ("spec", "wanted", "text"),
    [
        # 1 + 2n elements: far more layers than are built for it.
        ("(conv 3x3 same) * ?", 99999, "* 49999 of `(conv 3x3 same)` sees 99999; * 49998 sees 99997"),
        # The repeated block may stand in an arm.
        ("add((conv 3x3 same x4) * ? ; )", 9, "* 4 of `(conv 3x3 same x4)` sees 9; * 3 sees 7"),
    ],
)
def test_repeats_along_a_line(spec: str, wanted: int, text: str) -> None:
    """Where every repeat adds as much, the count is worked out and not tried."""
    assert run("solve", spec, "--receptive-field", str(wanted)).output == text + "\n"


def test_repeats() -> None:
    """A receptive field gives the repeats of a block, and what one less sees."""
    done = run("solve", "(conv 3x3 same | relu) * ?", "--receptive-field", "64")
    assert done.output == "* 32 of `(conv 3x3 same | relu)` sees 65; * 31 sees 63\n"
    field = json.loads(run("solve", "(conv 3x3 same) * ?", "--receptive-field", "64", "-f", "json").output)
    assert (field["count"], field["field"], field["field_before"]) == (32, [65, 65], [63, 63])


def test_repeats_behind_upsampling() -> None:
    """The field of the output that sees most decides: a window of 2n + 1 over squares of 8 reads at most 2n/8 + 2."""
    done = run("solve", "pool 8 | upsample 8 | (conv 3x3 same) * ?", "--receptive-field", "20")
    # 9 neighbours touch two squares, 11 may touch three: from 2n + 1 = 10 on.
    assert done.output == "* 5 of `(conv 3x3 same)` sees 24; * 4 sees 16\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["conv 3x3"], "give either --output-size or --receptive-field"),
        (["conv 3x3", "--output-size", "HxW"], "sizes are numbers"),
        (["conv 3x3", "--receptive-field", "0"], "0 is not in the range"),
    ],
)
def test_a_wrong_command_line(arguments: list[str], message: str) -> None:
    """A wrong command line says so with exit status 2."""
    done = run("solve", *arguments)
    assert (done.exit_code, message in done.output) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["conv ?x? s?", "--input", "5x5", "--output-size", "2x2"], "error[E117]: two numbers are unknown at once"),
        (["conv 3x3 | relu", "--input", "5x5", "--output-size", "2x2"], "error[E117]: nothing is unknown"),
        (["conv 3x3 p?", "--output-size", "2x2"], "error[E130]: the input's size is not given"),
        (["conv 3x3 | fc 4", "--output-size", "2x2"], "error[E203]: the output of `fc1` has no spatial axes"),
        (["conv 3x3", "--output-size", "2x2", "--layer", "cnov1"], "error[E110]: no layer is named `cnov1`"),
        (["input 48 | reshape 4x4x3 | conv 3x3", "--output-size", "2x2"], "error[E211]: the sizes cannot be solved"),
        (["input HxWx3 | reshape 4x4x3 | conv 3x3", "--output-size", "2x2"], "error[E211]: the sizes cannot be solved"),
        (["conv 3x3 x4", "--output-size", "2x2x5"], "`conv1` has 4 channels, not 5"),
        (["deconv 4 s? p1 x4", "--receptive-field", "64"], "error[E117]: with a receptive field, a `?` stands for"),
        (
            ["(conv 3x3) * ? | (conv 3x3) * ?", "--receptive-field", "9"],
            "error[E117]: two numbers of repeats are unknown",
        ),
        (["cnov 3x3", "--output-size", "2x2"], "error[E101]: unknown layer `cnov`"),
    ],
)
def test_a_wrong_spec(arguments: list[str], message: str) -> None:
    """What cannot be solved is an error, with exit status 1."""
    done = subprocess.run(
        [sys.executable, "-m", "cnncalc", "solve", *arguments], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_formulas_without_an_end() -> None:
    """Formulas that would grow on and on are refused, at the layer where they do."""
    done = run("(conv 3x3 s2 same x3 | upsample 3) * 20")
    assert done.exit_code == 1
    assert "cannot be written in letters" in done.output


def test_deep_strides() -> None:
    """Strides that come to more than 10^18 are refused."""
    done = run("(pool 2) * 100")
    assert done.exit_code == 1
    assert "error[E210]: the size of `pool60` cannot be written in letters" in done.output


def test_too_many_layers_for_letters() -> None:
    """A network of over 10,000 layers needs numbers, and is fine with them."""
    done = run("relu * 10001")
    assert done.output == (
        "error[E005]: the spec comes to more than 10,000 layers, too many for sizes in letters\n"
        " = help: give its shape in numbers: `--input 32x32x3`\n"
    )
    assert run("relu * 10001", "--at", "H=2,W=2,C=2", "--depth", "0").exit_code == 0


def test_numbers_for_letters() -> None:
    """`--at` gives numbers for some letters or all."""
    shapes = "--columns", "output", "-f", "csv"
    assert run("conv 3x3 x16", *shapes, "--at", "H=32").output == "output\n32xWxC\n30x(W - 2)x16\n"
    assert run("conv 3x3 x16", *shapes, "--at", "h=32, W=30,C=3").output == "output\n32x30x3\n30x28x16\n"


@pytest.mark.parametrize("at", ["H", "H=0", "H=1,H=2", "HH=3", "H=-1", "H=1.5", "H=1000000000"])
def test_wrong_numbers_for_letters(at: str) -> None:
    """What is no letter with its number is a wrong command line."""
    assert run("conv 3x3 x16", "--at", at).exit_code == 2


def test_a_letter_that_is_not_there() -> None:
    """A number for a letter that no input has is an error which names those that it has."""
    done = run("conv 3x3 x16", "--at", "N=3")
    assert done.output == "error[E110]: the spec has no letter `N`\n = help: its letters: C, H, W\n"


def test_letters_in_json() -> None:
    """In JSON formulas are strings, and what depends on numbers alone is null."""
    found = json.loads(run("input HxWx3 | conv 3x3 s2 p1 x2", "-f", "json").output)
    row = found["layers"][1]
    assert found["letters"] == {letter: {"runs": [[1, None, 1]], "conditions": []} for letter in "HW"}
    assert row["output_shape"] == ["floor((H + 1)/2)", "floor((W + 1)/2)", 2]
    assert (row["params"], row["macs"]) == (56, "54*floor((H + 1)/2)*floor((W + 1)/2)")
    assert found["totals"]["activation_bytes"]["arena"] is None


def test_the_axes_of_letters() -> None:
    """A spec without an input has letters for as many axes as its windows have."""
    for spec, shape in (("conv 3 x2", "HxWxC"), ("conv1d 3 x2", "LxC"), ("bn | pool 2x2x2", "DxHxWxC"), ("fc 3", "N")):
        assert run(spec, "-f", "csv", "--columns", "output").output.splitlines()[1] == shape
