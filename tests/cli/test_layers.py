"""`cnncalc layers`: what the classes say, as text, JSON and Markdown."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import cnncalc
from cnncalc.cli import main
from cnncalc.layers import REGISTRY, kinds
from cnncalc.layers.base import KINDS
from cnncalc.report.layers import examples, overview_document
from cnncalc.report.markdown import to_markdown

CONV = """\
conv (convolution, conv1d/2d/3d, convolution1d/2d/3d)
Slide `filters` kernels over the input; each spans the channels of its group.

arguments
  short               long        default   meaning
  ──────────────────────────────────────────────────────────────────────────────
  3x3                 kernel=     required  window size
  s2                  stride=     1         step of the window
  p1, valid, same,    padding=    valid     zeros at each end of an axis
  full, causal
  d2                  dilation=   1         distance between taps
  gN                  groups=     1         channel groups
  xN, :N              filters=    required  number of filters = output channels
  bias, nobias        bias=       bias      whether there is a bias
  frozen              trainable=  true      whether training changes its weights

rules
  input            1, 2 or 3 spatial axes, or as many as the word names
  output           floor((N + 2P − F')/S) + 1; filters
                   valid: P = 0
                   same: ceil(N/S), the smaller half of the padding first
                   full: P = F' − 1
                   causal, on one axis: P = F' − 1 before the first step, 0
                   behind the last
  parameters       ∏F·(C/g)·x + x
  buffers          0
  MACs             ∏O·∏F·(C/g)·x
  memory           of its own
  receptive field  grows by (F' − 1)·j, begins P·j earlier; j becomes j·S

  Signs: N input size, O output size, C input channels, F kernel size,
  F' = d(F − 1) + 1, P padding at each end, S stride, d dilation, g groups,
  x filters, j jump between neighbours' fields, ∏ product over the axes.

examples
  spec                                output   parameters  MACs
  ─────────────────────────────────────────────────────────────
  input 5x5x3 | conv 3x3 s1 valid x2  3x3x2            56   486
  input 5x6x1 | conv 3x3 s2 same x1   3x3x1            10    81
  input 5x5x1 | conv 3x3 full x1      7x7x1            10   441
  input 10x4 | conv 3 g2 x6 nobias    8x6              36   288
  input 4x5x6x1 | conv3d 2 x1         3x4x5x1           9   480
  input 10x2 | conv 3 causal d2 x3    10x3             21   180
"""

FC = {
    "kind": "fc",
    "words": ["fc", "dense", "linear"],
    "family": "fully connected",
    "description": "Every output is a weighted sum of all inputs; with `each`, of the channels of its own position.",
    "arguments": [
        {
            "name": "units",
            "short": ["N", "xN", ":N"],
            "long": "units=",
            "default": None,
            "help": "number of outputs",
            "required": True,
        },
        {
            "name": "bias",
            "short": ["bias", "nobias"],
            "long": "bias=",
            "default": True,
            "help": "whether there is a bias",
            "required": False,
        },
        {
            "name": "each",
            "short": ["each"],
            "long": "each=",
            "default": False,
            "help": "whether it works on the channels of each position, as Dense does",
            "required": False,
        },
        {
            "name": "trainable",
            "short": ["frozen"],
            "long": "trainable=",
            "default": True,
            "help": "whether training changes its weights",
            "required": False,
        },
    ],
    "output": "units; `each`: the input's positions",
    "params": "in·units + units",
    "buffers": "0",
    "macs": "in·units; `each`: that for every position",
    "memory": "own",
    "receptive_field": "the whole input; `each`: unchanged",
    "examples": [
        {"spec": "input 784 | fc 10", "output": [10], "params": 7850, "buffers": 0, "macs": 7840},
        {"spec": "input 2x2x3 | fc 4 nobias", "output": [4], "params": 48, "buffers": 0, "macs": 48},
        {"spec": "input 5x6x3 | fc 4 each", "output": [5, 6, 4], "params": 16, "buffers": 0, "macs": 360},
    ],
}

UNKNOWN = """\
error[E101]: unknown layer `cnov`
 --> <word>:1:1
  |
1 | cnov
  | ^^^^ not a layer word
  = help: write `conv`
"""


def run(*arguments: str, charset: str = "utf-8") -> Result:
    return CliRunner(charset=charset).invoke(main, ["layers", *arguments])


def test_page() -> None:
    """The page of a layer tells its arguments, its rules and its examples."""
    assert run("conv", "--width", "80").stdout == CONV


def test_page_json() -> None:
    """JSON of one layer is a list of one object, with two spaces of indent."""
    assert run("fc", "--format", "json").stdout == json.dumps([FC], indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("word", ["conv2d", "Convolution", "CONV"])
def test_any_word(word: str) -> None:
    """Every word for a layer, in capitals or not, leads to its page."""
    assert run(word, "--width", "80").stdout == CONV


@pytest.mark.parametrize("kind", list(kinds()))
@pytest.mark.parametrize("width", [80, 200])
def test_page_of_each(kind: str, width: int) -> None:
    """Every kind has a page, whose title names all its words and whose lines keep to the width."""
    text = run(kind, "--width", str(width)).stdout
    assert text.startswith(kind)
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("kind", list(kinds()))
def test_examples(kind: str) -> None:
    """The examples on a kind's page are in its own words, and give what the page says."""
    for example in examples(kind):
        assert set(re.findall(r"\w+", example.spec)) & set(REGISTRY[kind].synonyms(kind))
        result = cnncalc.analyze(example.spec)
        totals = result.totals
        assert (str(result.rows[-1].node.shape), totals.params, totals.buffers, totals.macs) == (
            example.output,
            example.params,
            example.buffers,
            example.macs,
        )


@pytest.mark.parametrize("width", [80, 100, 200])
def test_overview_is_whole(width: int) -> None:
    """The overview keeps to the width and yet has every word of every layer."""
    text = run("--width", str(width)).stdout
    assert max(map(len, text.splitlines())) <= width
    words = {word for word in KINDS if not re.search(r"[123]d$", word)}
    assert words - set(re.findall(r"\w+", text)) == set()


def test_overview_width_without_a_terminal() -> None:
    """Where no terminal says otherwise, the overview is 100 columns wide."""
    assert run().stdout == run("--width", "100").stdout


def test_overview_folds_between_words() -> None:
    """In 80 columns a cell is folded, not cut, and the next row begins below it."""
    lines = run("--width", "80").stdout.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("dwconv"))
    assert lines[start : start + 3] == [
        "dwconv (depthwise)      3x3 [s2                    floor((N + 2P  ∏F·C·m + C·m",
        "                        p1/same/full/causal d2 mN  − F')/S) + 1;",
        "                        nobias frozen]             C·m",
    ]


def test_narrow() -> None:
    """Where a word is wider than its column, it goes on below: no letter is lost."""
    text = run("conv", "--width", "20").stdout
    meaning = "".join(line[17:] for line in text.splitlines() if line.startswith("  ") and len(line) > 17)
    assert "windowsize" in meaning.replace(" ", "")
    assert "…" not in text


def test_overview_json() -> None:
    """JSON has an object for every kind, and every word of the language is in one of them."""
    found = json.loads(run("--format", "json").stdout)
    assert [each["kind"] for each in found] == list(kinds())
    assert sorted(word for each in found for word in each["words"]) == sorted(REGISTRY)


def test_markdown() -> None:
    """The Markdown table is what the README shows, and every kind stands in one of its rows."""
    text = run("--format", "markdown").stdout
    assert text == to_markdown(overview_document())
    rows = text.splitlines()[2:]
    assert [kind for row in rows for kind in re.findall(r"`(\w+)`", row.split("|")[1])] == list(kinds())
    assert {row.count(" | ") for row in rows} == {3}


def test_markdown_of_one() -> None:
    """In a Markdown table the bar of a spec is escaped."""
    assert "| `input 4x4x3 \\| pool 2` | 2x2x3 | 0 | 0 |\n" in run("pool", "-f", "markdown").stdout


@pytest.mark.parametrize("format", ["table", "json", "markdown"])
def test_ascii(format: str) -> None:
    """Where there is ASCII alone, formulas are written in it, and no sign is lost."""
    text = run("conv", "--format", format, charset="ascii").stdout
    assert "prod(O)*prod(F)*(C/g)*x" in text
    assert "floor((N + 2P - F')/S) + 1" in text
    assert "?" not in text


def test_file(tmp_path: Path) -> None:
    """`-o` writes the page there, as it goes into a pipe."""
    file = tmp_path / "conv.txt"
    assert run("conv", "-o", str(file)).stdout == ""
    assert file.read_text(encoding="utf-8") == run("conv").stdout


def test_colour() -> None:
    """Colour is there on demand, and changes no letter."""
    coloured = CliRunner().invoke(main, ["layers", "conv", "--width", "80", "--color", "always"], color=True).stdout
    assert coloured.startswith("\x1b[1mconv")
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == CONV


def test_unknown_word() -> None:
    """An unknown word is an error that tells the nearest one, and nothing goes to standard output."""
    result = run("cnov")
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", UNKNOWN)


def test_unknown_word_json() -> None:
    """In JSON mode the error is an object."""
    error = json.loads(run("zzz", "--format", "json").stderr)["errors"][0]
    assert (error["code"], error["help"]) == ("E101", "`cnncalc layers` lists them all")


def test_no_rich_without_colour() -> None:
    """A page without colour is made without the library for terminals."""
    code = "import sys; from cnncalc.cli import main; main(['layers', 'conv'], standalone_mode=False)"
    check = code + "; sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], capture_output=True, check=False).returncode == 0
