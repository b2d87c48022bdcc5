"""`cnncalc explain`: networks with the numbers in their rules, layers on values, and codes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cnncalc.cli import main
from cnncalc.explain.codes import pages
from cnncalc.layers import kinds

EXAMPLES = [example.spec for cls in dict.fromkeys(kinds().values()) for example in cls.examples]


def run(*arguments: str, charset: str = "utf-8", input: str | None = None, color: bool = False) -> Result:
    return CliRunner(charset=charset).invoke(main, ["explain", *arguments], input=input, color=color)


def drawn(*arguments: str) -> list[str]:
    """The last picture of a page, as lines."""
    *_, last = re.findall(r"^```text\n(.*?)^```$", run(*arguments, "-f", "markdown").stdout, re.MULTILINE | re.DOTALL)
    return str(last).splitlines()


# -- networks ------------------------------------------------------------------------------------------------

STRIDED = """\
conv1: conv 3x3 s2 same g2 x2
  Slide `filters` kernels over the input; each spans the channels of its group.
  input            5x6x4 from input1
  output           3x3x2
  size             floor((N + 2P − F')/S) + 1
  height           floor((5 + 2·1 − 3) / 2) + 1 = 3
  width            floor((6 + 0 + 1 − 3) / 2) + 1 = 3
  padding          same: height max((ceil(5 / 2) − 1)·2 + 3 − 5, 0) = 2 in all,
                   so 1 above and 1 below; width max((ceil(6 / 2) − 1)·2 + 3 −
                   6, 0) = 1 in all, so 0 left and 1 right
  channels         a filter has 2 kernels of 3x3, one for each channel of its
                   group (4 input channels and 2 filters in 2 groups); what they
                   give, with its bias, adds up to one feature map: 2 filters, 2
                   output channels
  parameters       ∏F·(C/g)·x + x
                   3·3·(4/2)·2 weights + 2 biases = 38
  MACs             ∏O·∏F·(C/g)·x
                   3·3 · 3·3·(4/2)·2 = 324
  receptive field  grows by (F' − 1)·j, begins P·j earlier; j becomes j·S
  height           size 1 + (3 − 1)·1 = 3, jump 1·2 = 2, left 0 + 1·1 = 1
  width            size 1 + (3 − 1)·1 = 3, jump 1·2 = 2, left 0 + 0·1 = 0
  memory           3·3·2 = 18 elements, 72 B
                   live while it runs: input1 480 B + conv1 72 B = 552 B

signs
  N input size, O output size, C input channels, F kernel size,
  F' = d(F − 1) + 1, P padding at each end, S stride, d dilation, g groups,
  x filters, j jump between neighbours' fields, ∏ product over the axes. Of a
  receptive field, its size, the jump to the next output's, and how far left of
  the input the first begins are counted in input elements.
"""


def test_page() -> None:
    """A layer's page shows every rule, and the rule with its numbers, an axis by itself where it differs.

    By hand: `same` gives ceil(5/2) = ceil(6/2) = 3; (3 − 1)·2 + 3 − 5 = 2 zeros and 1; 3·3·2·2 + 2 = 38; 9·36 = 324.
    """
    text = run("input 5x6x4 | conv 3x3 s2 same g2 x2", "--layer", "conv1", "--width", "80", "--no-pictures").stdout
    assert text == STRIDED


@pytest.mark.parametrize("spec", [*EXAMPLES, "input 224x224x3 | conv 7x7 s2 p3 x64 | bn | relu | pool 3 s2 p1"])
def test_width(spec: str) -> None:
    """At 80 columns no line of any layer's page is longer, pictures included."""
    assert max(map(len, run(spec, "--width", "80", "--pictures").stdout.splitlines())) <= 80


def test_chosen() -> None:
    """Only the layers that are named are explained."""
    text = run("input 8x8x3 | conv 3x3 x4 | relu | pool 2", "--layer", "pool1", "--layer", "relu1").stdout
    assert re.findall(r"^(\w+):", text, re.MULTILINE) == ["relu1", "pool1"]


def test_chosen_block() -> None:
    """A block's name stands for all layers in it, and not for those whose name begins alike."""
    text = run("def unit(c) = conv 3x3 x{c} | relu\ninput 29x29x3 | unit(4) * 11", "--layer", "unit1").stdout
    assert re.findall(r"^(\S+):", text, re.MULTILINE) == ["unit1.conv1", "unit1.relu1"]


def test_unknown_layer() -> None:
    """A name that no layer has is told with the nearest."""
    done = run("input 8x8x3 | conv 3x3 x4", "--layer", "conv2")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == (
        "error[E506]: the spec has no layer `conv2`\n --> --layer:1:1\n  |\n1 | conv2\n  | ^^^^^ not a name\n"
        "  = help: write `conv1`\n"
    )


def test_many_layers() -> None:
    """Of a network of many layers the first thousand are explained, and the rest counted."""
    text = run("input 10 | relu * 1200").stdout
    assert len(re.findall(r"^relu\d+: relu$", text, re.MULTILINE)) == 999
    assert "and 201 more layers: `--layer NAME` explains one" in text


def test_wrong_spec() -> None:
    """A wrong spec is told as everywhere, after the table of what comes before it."""
    done = run("input 5x5x3 | conv 9x9 x8")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "error[E201]: output of `conv1` would be empty" in done.stderr


def test_json() -> None:
    """JSON is a list of objects, one for each layer."""
    told = json.loads(run("input 5x5x3 | conv 3x3 x2", "-f", "json").stdout)
    assert [each["name"] for each in told] == ["input1", "conv1"]
    assert told[1]["macs"] == {"formula": "3·3 · 3·3·3·2", "value": 486}


def test_batch_and_dtype() -> None:
    """Several samples are a factor in MACs and elements; bytes are those of the type."""
    last = json.loads(run("input 5x5x3 | conv 3x3 x2", "-f", "json", "--batch", "8", "--dtype", "int8").stdout)[1]
    assert last["macs"] == {"formula": "8 · 3·3 · 3·3·3·2", "value": 3888}
    assert (last["memory"]["bytes"], last["memory"]["live"]) == (144, {"input1": 600, "conv1": 144})


# -- pictures ------------------------------------------------------------------------------------------------

PICTURE = """
  the input and its windows: □ an element, · padding, ■ the first window, ▣
  where the other windows begin, × in no window
  ■ ■ ■ · ▣ · · ·
  ■ ■ ■ □ □ □ □ ×
  ■ ■ ■ □ ▣ □ □ ×
  · □ □ □ □ □ □ ×
  · □ □ □ □ □ □ ×
  · × × × × × × ×

  height: 2 windows of 3 over 5 elements, in steps of 2, from 0, 2; 5 is in none
   · 1 2 3 4 5
   ■─■─■
       ■─■─■
             ×

  width: 3 windows of 3 over 7 elements, in steps of 2, from 0, 2, 4; 7 is in
  none
   · 1 2 3 4 5 6 7
   ■─■─■
       ■─■─■
           ■─■─■
                 ×

  how many windows each element takes part in, from 0 to 4
  ░1░▒2▒░1░▒2▒░1░░1░ 0
  ▒2▒█4█▒2▒█4█▒2▒▒2▒ 0
  ░1░▒2▒░1░▒2▒░1░░1░ 0
  ░1░▒2▒░1░▒2▒░1░░1░ 0
   0  0  0  0  0  0  0
"""


def test_pictures() -> None:
    """The grid has padding, windows and what none reaches; then come each axis with its windows, and the map."""
    assert PICTURE in run("input 5x7x1 | conv 3x3 s2 p1-0 x1", "--width", "80").stdout


def test_map() -> None:
    """The coverage map of a 3x3 window on 5x5: from 1 at the corner to 9 in the middle."""
    assert drawn("input 5x5x1 | conv 3x3 x1") == [
        "░1░░2░▒3▒░2░░1░",
        "░2░▒4▒▓6▓▒4▒░2░",
        "▒3▒▓6▓█9█▓6▓▒3▒",
        "░2░▒4▒▓6▓▒4▒░2░",
        "░1░░2░▒3▒░2░░1░",
    ]


def test_map_of_full() -> None:
    """With `full` padding the map says nine everywhere, in words too."""
    assert "how many windows each element takes part in: 9 everywhere" in run("input 5x5x1 | conv 3x3 full x1").stdout


def test_map_of_one_axis() -> None:
    """On one axis the map is a line; taps of a dilated window leave gaps in its picture."""
    text = run("input 7x1 | conv 3 d2 s2 x1").stdout
    assert "   1 2 3 4 5 6 7\n   ■───■───■\n       ■───■───■\n" in text
    assert drawn("input 7x1 | conv 3 d2 s2 x1") == ["▒1▒ 0 █2█ 0 █2█ 0 ▒1▒"]


def test_map_of_three_axes() -> None:
    """On three axes the map is the product of three."""
    text = run("input 4x5x6x1 | conv 3 x1").stdout
    assert "how many windows an element takes part in: the product of these, one for each axis" in text
    assert drawn("input 4x5x6x1 | conv 3 x1") == ["▒1▒▓2▓█3██3█▓2▓▒1▒"]


def test_sketch() -> None:
    """A large input is sketched: the ends and the middle, and the windows in words."""
    text = run("input 224x1 | conv 7 s2 p3 x1").stdout
    assert "length: 112 windows of 7 over 224 elements, in steps of 2, from −2, 0, 2, …, 220" in text
    assert drawn("input 224x1 | conv 7 s2 p3 x1") == ["▒2▒▓3▓▓3▓█4█▓3▓█4█ … ▓3▓ … ▓3▓█4█▓3▓▓3▓▒2▒▒2▒"]


def test_narrow() -> None:
    """Where there is little room, the map has fewer columns, and what does not fit is told in words alone."""
    text = run("input 22x22x4 | conv 3 x4", "--width", "40").stdout
    assert max(map(len, text.splitlines())) <= 40
    assert "\n  ░1░░2░▒3▒▒3▒ … ▒3▒ … ▒3▒▒3▒░2░░1░\n" in text


def test_transposed() -> None:
    """A deconvolution's map shows how unevenly its windows overlap in the output."""
    text = run("input 3x1 | deconv 3 s2 x1").stdout
    assert "length: 3 windows of 3 over 7 output elements, in steps of 2, from 1, 3, 5" in text
    assert drawn("input 3x1 | deconv 3 s2 x1") == ["▒1▒▒1▒█2█▒1▒█2█▒1▒▒1▒"]


def test_pictures_of_few() -> None:
    """Unasked, pictures are drawn for up to three layers with windows, or for those that are named."""
    four = "input 9x9x1 | (pool 2 s1) * 4"
    assert "takes part in" in run("input 9x9x1 | (pool 2 s1) * 3").stdout
    assert "takes part in" not in run(four).stdout
    assert "takes part in" in run(four, "--layer", "pool2").stdout
    assert "takes part in" in run(four, "--pictures").stdout


def test_ascii() -> None:
    """Where there is ASCII alone, pictures and formulas are drawn in it, and no sign is lost."""
    text = run("input 5x5x1 | conv 3x3 s2 same x1", charset="ascii").stdout
    assert "  # # # . @ . .\n  # # # o o o .\n" in text
    assert "   . 1 2 3 4 5 .\n   #-#-#\n" in text
    assert "   1  2  1  2  1\n   2  4  2  4  2\n" in text
    assert "max((ceil(5 / 2) - 1)*2 + 3 - 5, 0) = 2" in text
    assert "?" not in text


def test_colour() -> None:
    """In colour the map's cells have a ground, and a colour of letters that reads on it whatever the terminal's."""
    text = run("input 5x5x1 | conv 3x3 x1", "--color", "always", color=True).stdout
    corner, middle = re.search(r"\x1b\[([\d;]*)m 1 ", text), re.search(r"\x1b\[([\d;]*)m 9 ", text)
    assert corner is not None
    assert middle is not None
    assert (corner.group(1), middle.group(1)) == ("30;48;5;195", "97;48;5;25")


def test_no_rich_without_colour() -> None:
    """A page without colour is made without the library for terminals."""
    code = "import sys; from cnncalc.cli import main; main(['explain', 'input 5x5x3 | pool 2'], standalone_mode=False)"
    check = code + "; sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], capture_output=True, check=False).returncode == 0


# -- values --------------------------------------------------------------------------------------------------

EDGE = ("conv 3x3 valid x1", "--image", "3 0 1; 1 5 7; 2 7 5", "--kernel", "1 0 -1; 1 0 -1; 1 0 -1")

FLIPPED = """\
conv1: conv 2x2 x1
  the image, 2x2, its first window marked
  [1][2]
  [3][4]

  the kernel, 2x2, flipped
   1000  100
     10    1

  the first window  1×1000 + 2×100 + 3×10 + 4×1 = 1234
                    products with a zero are left out

  the feature map, 1x1
   1234

  The true convolution flips the kernel first, on every axis. A CNN's does not:
   4321
"""


def test_products() -> None:
    """Every product of the first window is written out, zeros left out."""
    assert "3×1 + 1×(−1) + 1×1 + 7×(−1) + 2×1 + 5×(−1) = −7\n" in run(*EDGE).stdout


def test_flip() -> None:
    """`--flip` shows the true convolution beside the one of CNNs."""
    assert run("conv 2 x1", "--image", "1 2; 3 4", "--kernel", "1 10; 100 1000", "--flip").stdout == FLIPPED


def test_values_json() -> None:
    """JSON has the window's formula and the map; what is not whole is an exact text."""
    found = json.loads(run("avgpool 2", "--image", "1 2; 3 5", "-f", "json").stdout)
    assert found["first_window"] == {"formula": "(1 + 2 + 3 + 5) / 4", "value": "11/4"}
    assert found["output"] == [["11/4"]]


def test_files_and_standard_input(tmp_path: Path) -> None:
    """A matrix comes from a file of CSV or from standard input as well."""
    (tmp_path / "image.csv").write_text("1,3,2,4\n5,6,1,2\n", encoding="utf-8")
    from_file = run("pool 2", "--image", str(tmp_path / "image.csv"), "-f", "json").stdout
    piped = run("pool 2", "--image", "-", "-f", "json", input="1,3,2,4\r\n5,6,1,2\r\n").stdout
    assert json.loads(from_file)["output"] == json.loads(piped)["output"] == [[6, 4]]


@pytest.mark.parametrize(("spec", "output"), [("pool 2", [[3, 4]]), ("pool 1x2", [[3, 4]]), ("pool1d 2", [[3, 4]])])
def test_a_row(spec: str, output: list[list[int]]) -> None:
    """One row is one spatial axis, unless the layer asks for two."""
    assert json.loads(run(spec, "--image", "1 3 2 4", "-f", "json").stdout)["output"] == output


def test_place_of_an_error() -> None:
    """An error in a matrix shows its place, and the option or file that it stands in."""
    done = run("pool 2", "--image", "1 2; 3 x")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.splitlines()[:5] == [
        "error[E502]: `x` is not a number",
        " --> --image:1:8",
        "  |",
        "1 | 1 2; 3 x",
        "  |        ^ expected a number such as 3, -0.5 or 1/9",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give a SPEC, a word for a layer, a code, or `--codes`"),
        (("conv 3x3 x1", "--kernel", "1"), "--kernel and --flip are for values: add --image"),
        (("conv 1 x1", "--image", "1"), "`conv` needs a --kernel on values"),
        (("pool 1", "--image", "1", "--flip"), "`pool` has no kernel on values: leave --kernel and --flip out"),
        (("pool 1", "--image", "1", "--kernel", "1"), "`pool` has no kernel on values: leave --kernel and --flip out"),
    ],
)
def test_usage(arguments: tuple[str, ...], message: str) -> None:
    """A command line that makes no sense is one of status 2."""
    done = run(*(arguments or ("--width", "80")))
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (2, f"Error: {message}")


# -- codes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", list(pages()))
def test_code(code: str) -> None:
    """The page of a code has its title, what its example gives, and the ways out; its prose fits 80 columns."""
    text = run(code, "--width", "80").stdout
    before, after = text.split("\nan example\n")
    example, ways_out = after.split("\nways out\n")
    assert before.startswith(f"{code}: ")
    assert f"[{code}]: " in example or "$ " in example
    assert ways_out.startswith("  - ")
    assert max(map(len, (before + ways_out).splitlines())) <= 80


def test_code_in_small_letters() -> None:
    """A code may be written in small letters."""
    assert run("e201").stdout == run("E201").stdout


def test_unknown_code() -> None:
    """An unknown code is told with the nearest."""
    done = run("E299")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.splitlines()[0] == "error[E507]: unknown code `E299`"


def test_unknown_code_like_no_other() -> None:
    """Where no code is near, the list of them is."""
    assert run("W999").stderr.splitlines()[-1] == "  = help: `cnncalc explain --codes` lists them all"


def test_codes() -> None:
    """The list has every code, by what they are about."""
    text = run("--codes").stdout
    assert re.findall(r"^([EW]\d{3})", text, re.MULTILINE) == list(pages())
    assert "\nshapes\nE201  the output would be empty\n" in text
    assert [each["code"] for each in json.loads(run("--codes", "-f", "json").stdout)] == list(pages())


@pytest.mark.parametrize("format", ["markdown", "json"])
def test_code_formats(format: str) -> None:
    """A code's page is Markdown or JSON as well."""
    text = run("W201", "-f", format).stdout
    assert "`conv1` never reaches the last row (of 6)" in text
    assert text.startswith("# W201: " if format == "markdown" else '{\n  "code": "W201"')
