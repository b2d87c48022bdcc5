"""`cnncalc diff`: whole outputs, what a format says, and the exit status."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import cnncalc
from cnncalc.cli import main

# By hand. A: 27·8 + 8 = 224, bn 2·8, fc 8·10 + 10 = 90 parameters; 32²·27·8 and 80 MACs; at conv1 3072 + 8192
# elements of 4 bytes are live; its field is 3 + 1. B: 448, 32, 9·16·16 + 16 = 2320, 32, 170 parameters;
# 32²·27·16, 16²·144·16 and 160 MACs; at pool1 32²·16 + 16²·16 elements; its field is 4 + 2·2.
# Traffic of A: 3·1024 + 8192 elements of conv1, 2 · 8192 each of bn1 and relu1, 8192 + 2048, 2048 + 8 and 8 + 10,
# of 4 bytes, and 1,384 bytes of weights; of B likewise 134,186 elements and 12,264 bytes.
OLD = "input 32x32x3\nconv 3x3 same x8 | bn | relu | pool 2\ngap | fc 10\n"
NEW = (
    "input 32x32x3\nconv 3x3 same x16 | bn | relu | pool 2\nconv 3x3 same x16 | bn | relu\ngap | dropout 0.2 | fc 10\n"
)

TEXT = """\
A  old.cnn
B  new.cnn
   4 layers added, 7 changed, 1 alike

   name      layer              output      parameters       MACs
─────────────────────────────────────────────────────────────────
   input1    input 32x32x3      32x32x3
~  conv1     conv 3x3 same x8   32x32x8            224    221,184
             → x16              → 32x32x16       → 448  → 442,368
~  bn1       bn                 32x32x8             16
                                → 32x32x16        → 32
~  relu1     relu               32x32x8
                                → 32x32x16
~  pool1     pool 2x2           16x16x8
                                → 16x16x16
+  conv2     conv 3x3 same x16  16x16x16         2,320    589,824
+  bn2       bn                 16x16x16            32
+  relu2     relu               16x16x16
~  gap1      gap                1x1x8
                                → 1x1x16
+  dropout1  dropout 0.2        1x1x16
~  flatten1  flatten            8
                                → 16
~  fc1       fc 10              10                  90         80
                                                 → 170      → 160

total as float32                 A          B      change  per cent
───────────────────────────────────────────────────────────────────
layers                           7         11          +4   +57.1 %
parameters                     330      3,002      +2,672  +809.7 %
buffers                         16         64         +48  +300.0 %
MACs                       221,264  1,032,352    +811,088  +366.6 %
FLOPs                      442,528  2,064,704  +1,622,176  +366.6 %
backward MACs              221,344  1,622,336  +1,400,992  +632.9 %
activations                 26,650     65,594     +38,944  +146.1 %
conv activations             8,202     20,490     +12,288  +149.8 %
weight bytes                 1,384     12,264     +10,880  +786.1 %
feature map bytes           53,320    110,696     +57,376  +107.6 %
peak bytes                  45,056     81,920     +36,864   +81.8 %
peak bytes, none in place   65,536    131,072     +65,536  +100.0 %
arena bytes                 45,056     81,920     +36,864   +81.8 %
traffic bytes              226,768    549,008    +322,240  +142.1 %
saved bytes, one sample     94,240    225,360    +131,120  +139.1 %
training bytes              96,944    249,632    +152,688  +157.5 %
receptive field                  4          8
"""

MARKDOWN = """\
**A** `old.cnn`<br>
**B** `new.cnn`

4 layers added, 7 changed, 1 alike

| total as float32 | A | B | change | per cent |
| --- | ---: | ---: | ---: | ---: |
| layers | 7 | 11 | +4 | +57.1 % |
| parameters | 330 | 3,002 | +2,672 | +809.7 % |
| buffers | 16 | 64 | +48 | +300.0 % |
| MACs | 221,264 | 1,032,352 | +811,088 | +366.6 % |
| FLOPs | 442,528 | 2,064,704 | +1,622,176 | +366.6 % |
| backward MACs | 221,344 | 1,622,336 | +1,400,992 | +632.9 % |
| activations | 26,650 | 65,594 | +38,944 | +146.1 % |
| conv activations | 8,202 | 20,490 | +12,288 | +149.8 % |
| weight bytes | 1,384 | 12,264 | +10,880 | +786.1 % |
| feature map bytes | 53,320 | 110,696 | +57,376 | +107.6 % |
| peak bytes | 45,056 | 81,920 | +36,864 | +81.8 % |
| peak bytes, none in place | 65,536 | 131,072 | +65,536 | +100.0 % |
| arena bytes | 45,056 | 81,920 | +36,864 | +81.8 % |
| traffic bytes | 226,768 | 549,008 | +322,240 | +142.1 % |
| saved bytes, one sample | 94,240 | 225,360 | +131,120 | +139.1 % |
| training bytes | 96,944 | 249,632 | +152,688 | +157.5 % |
| receptive field | 4 | 8 |  |  |

|  | name | layer | output | parameters | MACs |
| --- | --- | --- | --- | ---: | ---: |
| changed | conv1 | conv 3x3 same x8 → x16 | 32x32x8 → 32x32x16 | 224 → 448 | 221,184 → 442,368 |
| changed | bn1 | bn | 32x32x8 → 32x32x16 | 16 → 32 |  |
| changed | relu1 | relu | 32x32x8 → 32x32x16 |  |  |
| changed | pool1 | pool 2x2 | 16x16x8 → 16x16x16 |  |  |
| added | conv2 | conv 3x3 same x16 | 16x16x16 | 2,320 | 589,824 |
| added | bn2 | bn | 16x16x16 | 32 |  |
| added | relu2 | relu | 16x16x16 |  |  |
| changed | gap1 | gap | 1x1x8 → 1x1x16 |  |  |
| added | dropout1 | dropout 0.2 | 1x1x16 |  |  |
| changed | flatten1 | flatten | 8 → 16 |  |  |
| changed | fc1 | fc 10 | 10 | 90 → 170 | 80 → 160 |
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with both files, in which the commands run."""
    (tmp_path / "old.cnn").write_text(OLD)
    (tmp_path / "new.cnn").write_text(NEW)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, ["diff", *arguments], input=stdin)


def layers(text: str) -> list[str]:
    """The table of layers, without its headings."""
    return text.split("\n\n")[1].split("\n")[2:]


# -- what is shown ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("folder")
def test_text() -> None:
    """A changed layer takes two lines; every total stands with its change."""
    result = run("old.cnn", "new.cnn")
    assert (result.exit_code, result.stdout, result.stderr) == (0, TEXT, "")


@pytest.mark.usefixtures("folder")
def test_markdown() -> None:
    """Markdown has a line for each layer that differs."""
    result = run("old.cnn", "new.cnn", "-f", "markdown")
    assert (result.exit_code, result.stdout, result.stderr) == (0, MARKDOWN, "")


@pytest.mark.usefixtures("folder")
def test_totals_are_the_analyses() -> None:
    """The JSON object's totals are those of each network by itself."""
    found = json.loads(run("old.cnn", "new.cnn", "-f", "json").stdout)
    for side, spec in (("a", OLD), ("b", NEW)):
        totals = cnncalc.analyze(spec).to_dict()["totals"]
        flat = {**totals, **{f"activation_bytes.{key}": value for key, value in totals["activation_bytes"].items()}}
        assert {key: total[side] for key, total in found["totals"].items()} == {
            key: flat[key] for key in found["totals"]
        }
    assert found["totals"]["params"] == {"a": 330, "b": 3002, "change": 2672, "percent": 809.697}


def test_json() -> None:
    """JSON is one object; the figures of a layer are B's, and its changes tell A's."""
    a, b = "input 5x5x3 | conv 3x3 x2 | relu", "input 5x5x3 | conv 3x3 x4"
    found = json.loads(run(a, b, "-f", "json", "--batch", "2", "--dtype", "int8").stdout)
    totals = found.pop("totals")

    # 27·2 + 2 and 27·4 + 4 parameters; 9 places · 27 · filters · 2 samples.
    assert found == {
        "schema": 2,
        "a": {
            "source": a, "name": None, "input_shapes": [[5, 5, 3]],
            "receptive_field": {"layer": "relu1", "size": [3, 3], "jump": [1, 1], "left": [0, 0]}, "unknown": [],
        },
        "b": {
            "source": b, "name": None, "input_shapes": [[5, 5, 3]],
            "receptive_field": {"layer": "conv1", "size": [3, 3], "jump": [1, 1], "left": [0, 0]}, "unknown": [],
        },
        "batch": 2,
        "dtype": "int8",
        "convention": "torchvision",
        "differs": True,
        "counts": {"same": 1, "changed": 1, "added": 0, "removed": 1},
        "layers": [
            {
                "status": "same", "a": "input1", "b": "input1", "type": "input", "layer": "input 5x5x3",
                "output_shape": [5, 5, 3], "params": 0, "frozen": 0, "buffers": 0, "macs": 0, "changes": {},
            },
            {
                "status": "changed", "a": "conv1", "b": "conv1", "type": "conv", "layer": "conv 3x3 x4",
                "output_shape": [3, 3, 4], "params": 112, "frozen": 0, "buffers": 0, "macs": 1944,
                "changes": {
                    "filters": [2, 4], "output_shape": [[3, 3, 2], [3, 3, 4]], "params": [56, 112],
                    "macs": [972, 1944], "output": [False, True],
                },
            },
            {
                "status": "removed", "a": "relu1", "b": None, "type": "relu", "layer": "relu",
                "output_shape": [3, 3, 2], "params": 0, "frozen": 0, "buffers": 0, "macs": 0, "changes": {},
            },
        ],
    }  # fmt: skip
    assert totals["params_bytes"] == {"a": 56, "b": 112, "change": 56, "percent": 100.0}


def test_context() -> None:
    """Layers alike far from any that differs are counted, not shown."""
    many = " | ".join(["relu"] * 9)
    specs = f"input 8x8x4 | {many} | conv 1x1 x4 | {many}", f"input 8x8x4 | {many} | {many}"

    assert [line.split()[:3] for line in layers(run(*specs, "--context", "1").stdout)] == [
        ["…", "9", "layers"],
        ["relu9", "relu", "8x8x4"],
        ["-", "conv1", "conv"],
        ["relu10", "relu", "8x8x4"],
        ["…", "8", "layers"],
    ]


def test_what_is_read() -> None:
    """A layer that reads another is shown with what it reads."""
    before = "input 8x8x4 | relu as a | conv 3x3 same x4 as b | add(conv 1x1 x4 ; @a)"
    shown = layers(run(before, before.replace("@a", "@b"), "--context", "0").stdout)

    assert [line.split() for line in shown] == [
        ["…", "4", "layers", "alike"],
        ["~", "add1", "add", "from", "conv1,", "a", "8x8x4"],
        ["→", "from", "conv1,", "b"],
    ]


def test_other_default() -> None:
    """A word that changed stands there even where it was the default, on either side."""
    result = run("input 9x9x3 | pool 3x3 | conv 1x1 x8", "input 9x9x3 | pool 3x3 s2 | conv 1x1 x8 nobias")
    shown = [re.split(r" {2,}", line)[1:3] for line in layers(result.stdout)[1:]]

    assert shown == [
        ["pool1", "pool 3x3 s3"],
        ["→ s2", "→ 4x4x3"],
        ["conv1", "conv 1x1 x8 bias"],
        ["→ nobias", "→ 4x4x8"],
    ]


@pytest.mark.parametrize("width", [60, 80, 200])
def test_width(width: int, folder: Path) -> None:
    """`--width` is kept to by a table whose numbers fit, and no number is folded."""
    text = run("old.cnn", "new.cnn", "--width", str(width)).stdout
    assert max(map(len, text.splitlines())) <= max(width, 67)
    assert "+1,622,176" in text


@pytest.mark.usefixtures("folder")
def test_ascii() -> None:
    """Where the stream has no more than ASCII, so has the difference."""
    text = CliRunner(charset="ascii").invoke(main, ["diff", "old.cnn", "new.cnn"]).stdout

    def words(text: str) -> list[str]:
        return [word for word in text.split() if word.strip("─-")]

    assert text.isascii()
    assert words(text) == words(TEXT.replace("→", "->"))


@pytest.mark.usefixtures("folder")
def test_colour() -> None:
    """Colours change no character."""
    text = run("old.cnn", "new.cnn", "--color", "always").stdout
    assert "\x1b[32m" in text
    assert [line.rstrip() for line in re.sub(r"\x1b\[[\d;]*m", "", text).splitlines()] == TEXT.splitlines()


def test_long_specs_are_cut() -> None:
    """Text that stands for a network's name is cut where it is long; JSON has it whole."""
    spec = "input 8x8x4 | " + " | ".join(["relu"] * 100)
    assert len(run(spec, spec, "-f", "markdown").stdout.split("\n")[0]) < 150
    assert json.loads(run(spec, spec, "-f", "json").stdout)["a"]["source"] == spec


def test_many_rows_are_folded_away() -> None:
    """In a comment, a long list of layers is opened by who wants it."""
    text = run("input 8x8x4 | (relu) * 21", "input 8x8x4 | (gelu) * 21", "-f", "markdown").stdout
    _, _, rows = text.partition("<details><summary>21 layers</summary>\n\n")
    assert rows.count("| changed |") == 21
    assert rows.endswith("|\n\n</details>\n")


def test_layout() -> None:
    """`--layout chw` turns the shapes of the table."""
    text = run("input 8x8x4 | relu", "input 8x8x4 | gelu", "--layout", "chw").stdout
    assert "4x8x8" in text


@pytest.mark.usefixtures("folder")
def test_file(folder: Path) -> None:
    """`-o` writes to a file."""
    result = run("old.cnn", "new.cnn", "-o", "diff.txt")
    assert (result.exit_code, result.stdout) == (0, "")
    assert (folder / "diff.txt").read_text(encoding="utf-8") == TEXT


# -- what goes in, and the exit status -----------------------------------------------------------------------------


@pytest.mark.usefixtures("folder")
def test_standard_input() -> None:
    """One of the two can be standard input."""
    assert run("-", "new.cnn", stdin=OLD).stdout == TEXT.replace("A  old.cnn", "A  <stdin>")


def test_input_and_variables() -> None:
    """`--input` and `--var` speak for both."""
    result = run("let w = 2\nfc {w}", "let w = 3\nfc {w} nobias", "--input", "5", "--var", "w=4", "-f", "json")
    found = json.loads(result.stdout)["totals"]
    assert (found["params"]["a"], found["params"]["b"]) == (24, 20)


@pytest.mark.parametrize(
    ("b", "options", "status"),
    [
        (OLD, ["--exit-code"], 0),
        (NEW, ["--exit-code"], 1),
        (NEW, [], 0),
        (OLD.replace("fc 10", "fc 10 as it"), ["--exit-code"], 0),
    ],
)
def test_exit_code(b: str, options: list[str], status: int) -> None:
    """With `--exit-code` the status is 1 where the networks differ; names do not count."""
    assert run(OLD, b, *options).exit_code == status


def test_wrong_text() -> None:
    """Text that is wrong is called by its side."""
    result = run("input 5 | fc 3", "input 5 | cnov 3")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "error[E101]: unknown layer `cnov`\n --> <B>:1:11\n  |\n1 | input 5 | cnov 3\n"
        "  |           ^^^^ not a layer word\n  = help: write `conv`\n"
    )


@pytest.mark.usefixtures("folder")
def test_wrong_on_both_sides() -> None:
    """Errors on both sides are told together, those without a place by their side."""
    result = run("input 5 | cnov 3", "old.cnn", "--var", "w=3")
    assert result.exit_code == 1
    assert " --> <A>:1:11\n" in result.stderr
    assert "error[E110]: the spec has no let `w` to set\n = note: in B: old.cnn\n" in result.stderr


def test_options_for_none_of_them() -> None:
    """An option for model files is an error where both are text."""
    result = run("input 5", "input 6", "--dim", "n=1")
    assert (result.exit_code, result.stderr.count("error[E309]")) == (1, 2)


def test_shape_error() -> None:
    """The table before a failing layer is that of the spec which fails."""
    result = run("input 5x5x3 | relu", "input 5x5x3 | conv 3x3 x2 | conv 9x9 x2")
    assert result.exit_code == 1
    assert "conv1   conv 3x3 x2  3x3x2" in result.stderr
    assert " --> <B>:1:29\n" in result.stderr


def test_wrong_in_json() -> None:
    """In JSON mode errors are JSON, and name the side."""
    result = run("input 5 | cnov 3", "input 5", "-f", "json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert [error["source"] for error in json.loads(result.stderr)["errors"]] == ["<A>"]


@pytest.mark.parametrize("arguments", [("-", "-"), ("input 5",), ("input 5", "input 5", "-f", "csv"), ("a", "b", "c")])
def test_wrong_command_line(arguments: tuple[str, ...]) -> None:
    """A wrong command line is told with status 2."""
    result = run(*arguments, stdin=OLD)
    assert (result.exit_code, result.stdout) == (2, "")


def test_wrong_input() -> None:
    """A wrong `--input` is neither side's, and is told once: it is the command line that is wrong."""
    result = run("relu", "gelu", "--input", "0x3")
    assert result.exit_code == 2
    assert result.stderr.count("error[") == 1
    assert "--input:1:1" in result.stderr
