"""`cnncalc zoo`: the list in every format, the spec of one network, and the copy for editing."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import cnncalc
from cnncalc import zoo
from cnncalc.cli import main
from cnncalc.cli.zoo import KEYS
from cnncalc.language.prelude import described
from cnncalc.report.zoo import ORDERS

VGG = """\
name      year  input       parameters            MACs  field    memory
───────────────────────────────────────────────────────────────────────
Depth from 3x3 convolutions alone
vgg11     2014  224x224x3  132,863,336   7,609,090,048  150    15.3 MiB
vgg11_bn  2014  224x224x3  132,868,840   7,609,090,048  150    15.3 MiB
vgg13     2014  224x224x3  133,047,848  11,308,466,176  156    24.5 MiB
vgg13_bn  2014  224x224x3  133,053,736  11,308,466,176  156    24.5 MiB
vgg16     2014  224x224x3  138,357,544  15,470,264,320  212    24.5 MiB
vgg16_bn  2014  224x224x3  138,365,992  15,470,264,320  212    24.5 MiB
vgg19     2014  224x224x3  143,667,240  19,632,062,464  268*   24.5 MiB
vgg19_bn  2014  224x224x3  143,678,248  19,632,062,464  268*   24.5 MiB

field   receptive field of the last feature map; * is larger than the input, all is the whole input
memory  peak memory of the feature maps in float32, without weights

`cnncalc NAME` calculates a network, `cnncalc zoo NAME` prints its spec.
"""


def run(*arguments: str, charset: str = "utf-8") -> Result:
    return CliRunner(charset=charset).invoke(main, ["zoo", *arguments])


# -- the list ------------------------------------------------------------------------------------------------


def test_a_family() -> None:
    """The list of a family, whose figures are those of torchvision's table and of its published fields."""
    assert run("--family", "VGG").stdout == VGG


def test_every_network() -> None:
    """JSON lists every network in the order of the table, each with the figures that its name gives."""
    listed = json.loads(run("-f", "json").stdout)

    assert [each["name"] for each in listed] == list(zoo.members())
    for each in listed[::9]:
        totals = cnncalc.analyze(each["name"]).totals
        figures = (totals.params, totals.buffers, totals.macs, totals.activation_bytes.peak)
        assert (each["params"], each["buffers"], each["macs"], each["peak_bytes"]) == figures


def test_json() -> None:
    """An entry is an object of raw figures."""
    (entry,) = json.loads(run("--family", "lenet", "-f", "json").stdout)
    assert entry == {
        "name": "lenet5",
        "family": "lenet",
        "year": 1998,
        "contribution": "Convolutions, shared weights and pooling, trained end to end",
        "input": [32, 32, 1],
        "params": 61_706,
        "buffers": 0,
        "macs": 416_520,
        # 5, 6, 14, 16, 32: two 5x5 and two 2x2 by hand, then a 5x5 at a jump of 4.
        "receptive_field": {"size": [32, 32], "jump": [4, 4], "left": [0, 0]},
        # The 28x28x6 maps and, made of them, the 14x14x6, as float32.
        "peak_bytes": 4 * (28 * 28 * 6 + 14 * 14 * 6),
    }


def test_csv() -> None:
    """CSV has raw integers below a heading of keys."""
    rows = list(csv.DictReader(io.StringIO(run("--family", "squeezenet", "-f", "csv").stdout)))
    assert [(row["name"], row["input"], row["params"], row["macs"]) for row in rows] == [
        ("squeezenet1_0", "224x224x3", "1248424", "818924576"),
        ("squeezenet1_1", "224x224x3", "1235496", "349151936"),
    ]


def test_markdown() -> None:
    """Markdown is one table."""
    lines = run("--family", "nin", "-f", "markdown").stdout.splitlines()
    assert lines == [
        "| name | year | input | parameters | MACs | field | memory | contribution |",
        "| --- | --- | --- | ---: | ---: | --- | ---: | --- |",
        "| nin | 2013 | 32x32x3 | 966,986 | 222,486,528 | 27 | 1.38 MiB "
        "| 1x1 convolutions, and global pooling in place of fc |",
    ]


def test_latex() -> None:
    """LaTeX is one table in the manner of booktabs, channels first where they are asked for."""
    lines = run("--family", "nin", "-f", "latex", "--layout", "chw").stdout.splitlines()
    assert lines[1] == r"\begin{tabular}{lllrrlrl}"
    assert lines[3] == r"name & year & input & parameters & MACs & field & memory & contribution \\"
    assert lines[5] == (
        r"nin & 2013 & 3$\times$32$\times$32 & 966,986 & 222,486,528 & 27 & 1.38 MiB "
        r"& 1x1 convolutions, and global pooling in place of fc \\"
    )


@pytest.mark.parametrize("key", KEYS)
def test_sort(key: str) -> None:
    """The list is sorted by the figure, smallest first."""
    listed = json.loads(run("--family", "resnet", "--sort", key, "-f", "json").stdout)
    place = {"field": "receptive_field", "memory": "peak_bytes"}.get(key, key)
    values = [_largest(each) if key == "field" else each[place] for each in listed]

    assert len(values) > 10
    assert values == sorted(values)


def _largest(entry: dict[str, Any]) -> float:
    """The largest size of the receptive field; that of the whole input is above all."""
    size = entry["receptive_field"]["size"]
    return float("inf") if size == "all" else max(size)


def test_keys() -> None:
    """What the command offers to sort by is what the list has an order for."""
    assert tuple(ORDERS) == KEYS


def test_what_sees_everything_comes_last() -> None:
    """Sorted by field, a network that looks at its whole input from a gate on comes behind those of any size."""
    listed = json.loads(run("--family", "mobilenet", "--sort", "field", "-f", "json").stdout)
    assert [each["receptive_field"]["size"] for each in listed] == [
        [315] * 2,
        [315] * 2,
        [491] * 2,
        [943] * 2,
        [1871] * 2,
        "all",
        "all",
    ]


@pytest.mark.parametrize("width", [80, 149, 150])
def test_width(width: int) -> None:
    """The list keeps to the width; from 150 columns on, what a network brought stands beside it."""
    text = run("--width", str(width)).stdout
    table = text.partition("\n\nfield:")[0]

    assert max(map(len, table.splitlines())) <= width
    assert table.splitlines()[0].endswith("contribution") == (width >= 150)
    assert {line.split()[0] for line in table.splitlines() if line} >= set(zoo.members())


def test_narrow_columns() -> None:
    """In 80 columns, numbers are rounded and the year is left out rather than a name broken; narrower, the memory."""
    narrow, narrower = run("--width", "80").stdout, run("--width", "70").stdout

    assert narrow.split("\n")[0].split() == ["name", "input", "params", "MACs", "field", "memory"]
    assert narrower.split("\n")[0].split() == ["name", "input", "params", "MACs", "field"]
    assert "\nmemory" in narrow
    assert "\nmemory" not in narrower


def test_ascii() -> None:
    """Where there is ASCII alone, no sign is lost."""
    text = run("--family", "vgg", charset="ascii").stdout
    assert text == VGG.replace("─", "-")


def test_a_family_that_is_none() -> None:
    """An unknown family is told with the nearest one."""
    result = run("--family", "resnets")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "unknown family `resnets`: did you mean `resnet`?" in result.stderr


# -- one network ---------------------------------------------------------------------------------------------


def test_spec() -> None:
    """With a name, the spec comes out: the family's file, its lets set."""
    text = run("resnet152").stdout
    assert "let n1 = 3, n2 = 8, n3 = 36, n4 = 3  # blocks of each stage\n" in text
    assert cnncalc.analyze(text).totals.params == 60_192_808


def test_spec_as_json() -> None:
    """As JSON it comes with its figures."""
    entry = json.loads(run("lenet5", "-f", "json").stdout)
    assert (entry["params"], entry["spec"]) == (61_706, run("lenet5").stdout)


def test_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--copy writes the spec for editing, and gives the figures of the name."""
    monkeypatch.chdir(tmp_path)
    result = run("resnet50", "--copy")

    assert (result.exit_code, result.stdout) == (0, "wrote resnet50.cnn: `cnncalc resnet50.cnn` calculates it\n")
    assert (tmp_path / "resnet50.cnn").read_text(encoding="utf-8") == run("resnet50").stdout
    assert cnncalc.analyze(tmp_path / "resnet50.cnn").totals == cnncalc.analyze("resnet50").totals


def test_copy_keeps_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--copy writes over no file, unless -o names it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lenet5.cnn").write_text("mine", encoding="utf-8")
    result = run("lenet5", "--copy")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: `lenet5.cnn` exists already: name another file with `-o`\n"
    assert (tmp_path / "lenet5.cnn").read_text(encoding="utf-8") == "mine"
    assert run("lenet5", "--copy", "-o", "lenet5.cnn").exit_code == 0
    assert (tmp_path / "lenet5.cnn").read_text(encoding="utf-8") == run("lenet5").stdout


def test_no_such_network() -> None:
    """An unknown name is an error with the nearest one, or with what lists them all."""
    result = run("resnet51")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "error[E101]: unknown network `resnet51`\n"
        " --> <name>:1:1\n"
        "  |\n"
        "1 | resnet51\n"
        "  | ^^^^^^^^ not a name of the zoo\n"
        "  = help: write `resnet50`\n"
    )
    assert run("xyz").stderr.endswith("= help: `cnncalc zoo` lists them all\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--copy"], "--copy needs the name of a network"),
        (["lenet5", "--sort", "macs"], "`--sort` has no effect on one network: leave the NAME out for the list"),
        (["lenet5", "--family", "lenet"], "`--family` has no effect on one network: leave the NAME out for the list"),
        (["se", "--blocks"], "`--blocks` lists them all: `cnncalc zoo se` shows one"),
        (["--blocks", "--sort", "macs"], "`--sort` has no effect on the list of blocks"),
        (["se", "--copy"], "`--copy` is for networks, and `se` is a block: write its def into your spec"),
        (["se", "-f", "csv"], "a block is written as text or as JSON, not as csv"),
        (["lenet5", "-f", "csv"], "a spec is written as text or as JSON, not as csv"),
    ],
)
def test_wrong_command_lines(arguments: list[str], message: str) -> None:
    """What makes no sense together is refused with status 2."""
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


# -- blocks --------------------------------------------------------------------------------------------------


def test_blocks() -> None:
    """The list of blocks has each with its call, what it is, and its source; JSON has its text, too."""
    listed = json.loads(run("--blocks", "-f", "json").stdout)
    text = run("--blocks").stdout

    assert [each["name"] for each in listed] == list(described())
    for each in listed:
        assert each["signature"] in text
        assert each["text"].splitlines()[-1] in run(each["name"]).stdout
    rows = csv.DictReader(io.StringIO(run("--blocks", "-f", "csv").stdout))
    assert [row["signature"] for row in rows] == [each["signature"] for each in listed]


def test_a_block() -> None:
    """The name of a block prints its def with the comment above it, as text and in JSON."""
    text = (
        "# Squeeze-and-excite: a gate on each channel, from the means of all; relu on C / r in between.\n"
        "# Squeeze-and-Excitation Networks, Hu et al., 2017, arXiv:1709.01507\n"
        "def se(r=4) = mul( ; gap | conv 1 x{max(C // r, 1)} | relu | conv 1 x{C} | sigmoid)\n"
    )
    assert run("se").stdout == text
    assert json.loads(run("se", "-f", "json").stdout)["text"] == text


# -- a name in place of a spec ---------------------------------------------------------------------------------


def calc(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_a_name_as_a_spec() -> None:
    """A name stands wherever a spec does, with its input and its lets set from outside."""
    result = json.loads(calc("mobilenet_v2", "--input", "320x320x3", "--var", "width=0.5", "-f", "json").stdout)

    assert result["name"] == "mobilenet_v2"
    assert result["layers"][0]["output_shape"] == [320, 320, 3]
    assert result["layers"][1]["fields"]["filters"] == 16
    assert calc("format", "resnet50").stdout == run("resnet50").stdout


def test_a_file_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of a network's name is what the name means."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "resnet50").write_text("input 5x5x3 | conv 3x3 x2", encoding="utf-8")
    assert calc("resnet50", "--depth", "0").stdout.startswith("parameters   56\n")


def test_a_folder_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of a network's name is in nobody's way."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "resnet50").mkdir()
    assert calc("resnet50", "--depth", "0").stdout.startswith("parameters   25,557,032")


@pytest.mark.parametrize(
    ("word", "headline", "help"),
    [
        ("resnet5O", "unknown network `resnet5O`", "write `resnet50`"),
        ("resnet", "unknown network `resnet`", "write `resnet18`, or another that `cnncalc zoo --family resnet` lists"),
        ("cnov", "unknown layer `cnov`", "write `conv`"),
        ("laeyrs", "unknown layer `laeyrs`", "write `cnncalc layers`"),
    ],
)
def test_a_word_that_is_nothing(word: str, headline: str, help: str) -> None:
    """A word that is no file, network or layer is told what it was tried as, with what it is nearest to."""
    result = calc(word)
    lines = result.stderr.splitlines()

    assert (result.exit_code, result.stdout) == (1, "")
    assert lines[0] == f"error[E101]: {headline}"
    assert lines[-2:] == [
        "  = note: tried as a file (there is none of this name), as a network of the zoo and as a spec",
        f"  = help: {help}",
    ]


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        ("squeeze", ["squeezenet1_0", "squeezenet1_1"]),
        ("SqueezeNet-1", ["squeezenet1_0", "squeezenet1_1"]),
        ("vgg1", ["vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn"]),
    ],
)
def test_part_of_a_name(name: str, listed: list[str]) -> None:
    """A name that no network has lists those that have it in theirs."""
    assert [each["name"] for each in json.loads(run(name, "-f", "json").stdout)] == listed


def test_part_of_a_name_with_options() -> None:
    """That list is sorted and filtered as any, with a minus the largest first."""
    found = json.loads(run("v1", "--sort", "-params", "--family", "resnet", "-f", "json").stdout)
    assert [each["name"] for each in found] == ["resnet152_v1", "resnet101_v1", "resnet50_v1"]


def test_no_part_of_any_name() -> None:
    """What is in no network's name is an error, and so is a family without one of those."""
    assert run("resnext999").exit_code == 1
    assert "no network of that `--family` has NAME in its name" in run("vgg", "--family", "resnet").stderr


def test_a_network_is_not_a_list() -> None:
    """The name of a network is that of its spec, though it is a part of others' names."""
    assert run("vgg16").stdout.startswith("# VGG")
