"""The memory over time: texts whole, and each report read again, so that no byte is lost on the way."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import cnncalc
from cnncalc.cli import main
from cnncalc.diagnostics import Problems
from cnncalc.graph import GraphBuilder
from cnncalc.layers import REGISTRY
from cnncalc.layers.opaque import OpaqueOp
from cnncalc.notation import bytes_text
from cnncalc.report.memory import memory_document
from cnncalc.report.options import RenderOptions
from cnncalc.report.terminal import to_terminal

NETWORKS = sorted((Path(__file__).parents[1] / "networks").glob("*.cnn"))

#: 56x56 = 3,136 places of 4 bytes: 256 channels are 3.06 MiB, 64 are 784 KiB.
BLOCK = "input 56x56x256 | add(conv 1x1 x64 | relu | conv 3x3 same x64 | conv 1x1 x256 ; ) | flatten"

BLOCK_80 = """\
name         reads    writes      live                          kept for later
────────────────────────────────────────────────────────────────────────────────
input1              3.06 MiB  3.06 MiB █████████▉
├─ conv1  3.06 MiB   784 KiB  3.83 MiB ████████████▎
│  relu1   784 KiB  in place  3.83 MiB ████████████▎            3.06 MiB: input1
│  conv2   784 KiB   784 KiB  4.59 MiB ██████████████▊          3.06 MiB: input1
│  conv3   784 KiB  3.06 MiB  6.89 MiB ██████████████████████◀  3.06 MiB: input1
└─ add1   6.12 MiB  in place  6.12 MiB ███████████████████▋
flatten1  3.06 MiB     alias  3.06 MiB █████████▉

◀ peak        7,225,344 B  6.89 MiB  the most that is live at once, while conv3
                                     runs:
              3,211,264 B  3.06 MiB  input1
              3,211,264 B  3.06 MiB  conv3
                802,816 B   784 KiB  conv2
not in place  9,633,792 B  9.19 MiB  the peak where every layer but an alias has
                                     its own output
arena         7,225,344 B  6.89 MiB  one buffer with a place for each tensor,
                                     the largest placed first, 16-byte aligned
sum           8,028,160 B  7.66 MiB  all feature maps, none ever freed; those
                                     that share memory counted once
weights         280,064 B   274 KiB  parameters and buffers: in none of the
                                     above
training      5,377,024 B  5.13 MiB  weights, gradients, what the backward pass
                                     reads, and for sgd no state

All as float32, for one sample; layers run in order. In place: norms,
activations and add write over an input that nothing reads afterwards. Alias:
flatten, reshape, dropout and identity are their input under another name. Not
counted: the workspace of a kernel, and what a runtime needs for itself.
"""

# 25 places: 3 channels in, which both heads read, and 2 of each head, which stay to the end.
HEADS_ASCII = """\
name   reads  writes   live                    kept for later
-------------------------------------------------------------
image           75 B   75 B #######
conv1   75 B    50 B  125 B ############
conv2   75 B    50 B  175 B ################<  50 B: conv1

< peak        175 B    the most that is live at once, while conv2 runs:
               75 B    image
               50 B    conv1
               50 B    conv2
not in place  175 B    the peak where every layer but an alias has its own output
arena         208 B    one buffer with a place for each tensor, the largest placed first,
                       16-byte aligned
sum           175 B    all feature maps, none ever freed; those that share memory counted once
weights        16 B    parameters and buffers: in none of the above
training      139 B    weights, gradients, what the backward pass reads, and for adam 2 more
                       copies of the parameters

All as int8, for one sample; layers run in order. In place: norms, activations and add write over an
input that nothing reads afterwards. Alias: flatten, reshape, dropout and identity are their input
under another name. Not counted: the workspace of a kernel, and what a runtime needs for itself.
"""


def shown(*arguments: str, charset: str = "utf-8") -> str:
    result = CliRunner(charset=charset).invoke(main, [*arguments, "--memory"])
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def test_a_block() -> None:
    """The skip's input is kept until the add; the peak is marked, and what is live there is named with its bytes."""
    assert shown(BLOCK, "--width", "80") == BLOCK_80


def test_ascii() -> None:
    """In ASCII the same stands there."""
    spec = "input 5x5x3 as image | conv 1x1 x2 | @image | conv 1x1 x2"
    assert shown(spec, "--dtype", "int8", "--optimizer", "adam", charset="ascii") == HEADS_ASCII


def test_colour() -> None:
    """Colour changes nothing but colour."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown(BLOCK, "--color", "always", "--width", "80"))
    assert [line.rstrip() for line in plain.splitlines()] == BLOCK_80.splitlines()


def test_a_chain_keeps_nothing() -> None:
    """Where nothing is kept for later there is no such column."""
    heading, rule, *_ = shown("input 5x5x3 | conv 3x3 x2 | relu", "--width", "60").split("\n")
    assert (heading, len(rule)) == ("name    reads    writes   live", 60)


def test_many_outputs() -> None:
    """Of what is kept the oldest four are named, of what is live at the peak the largest eight; the rest is counted."""
    text = shown("input 2x2x1 as x | (conv 1x1 x1 | @x) * 12")
    assert re.search(r"^conv12 .*176 B: conv1, conv2, conv3, conv4 and 7 more$", text, re.MULTILINE)
    assert re.search(r"^ +16 B +conv7\n +and 5 smaller$", text, re.MULTILINE)


def test_batch_and_type() -> None:
    """What it is for is said."""
    assert "\nAll as float16, for 1,024 samples;" in shown(BLOCK, "--batch", "1024", "--dtype", "float16")


@pytest.mark.parametrize("join", [".", "/"])
def test_names_beside_their_reader(join: str) -> None:
    """What is kept goes by its name within the block of the layer that runs; what is outside, by its whole name."""
    names = ("input1", f"b{join}conv1", f"b{join}conv2", "add1")
    graph = cnncalc.parse("input 2x2x2 | add(conv 1x1 x2 ; conv 1x1 x2)")
    nodes = tuple(node._replace(name=name) for node, name in zip(graph.nodes, names, strict=True))
    text = to_terminal(memory_document(cnncalc.analyze(graph._replace(nodes=nodes)), None), RenderOptions(60))
    assert re.search(rf"^├─ b{re.escape(join)}conv2 .* 32 B: conv1$", text, re.MULTILINE)


def test_depth() -> None:
    """A block is shown by the layer in it with the most live, and the shape of the timeline stays."""
    spec = "def b(c) = conv 1x1 x{c} | relu | conv 1x1 x2\ninput 4x4x2 | b(4) | b(8)"
    rows = shown(spec, "--depth", "1", "--dtype", "int8").split("\n")[2:5]
    # 16 places: 2 channels in, 4 or 8 between. The first of equals is named.
    assert [re.split(r" {2,}| [█▏▎▍▌▋▊▉]+", row)[:4] for row in rows] == [
        ["input1", "32 B", "32 B", ""],
        ["b1: conv1", "32 B", "64 B", "96 B"],
        ["b2: conv1", "32 B", "128 B", "160 B"],
    ]


def test_no_rows() -> None:
    """`--depth 0` leaves the figures in words."""
    assert shown(BLOCK, "--depth", "0", "--width", "80") == BLOCK_80.split("\n\n", 1)[1]


def test_an_unknown_operator() -> None:
    """An operator that leaves its output open is marked, and the figures are said to be lower bounds."""
    builder = GraphBuilder(Problems())
    image = builder.add(REGISTRY["input"]("input", shape=(8, 8, 3)), ())
    graph = builder.build(builder.add(OpaqueOp("NonMaxSuppression", None, known=False), (image,)))
    text = to_terminal(memory_document(cnncalc.analyze(graph), None), RenderOptions(100))

    assert re.search(r"^NonMaxSuppression1  768 B  unknown  768 B █+$", text, re.MULTILINE)
    assert re.search(r"^unknown +NonMaxSuppression: not counted in full, so that .*\n +bounds$", text, re.MULTILINE)


@pytest.mark.parametrize("width", [80, 100, 200])
@pytest.mark.parametrize("network", NETWORKS, ids=lambda path: path.stem)
def test_width(network: Path, width: int) -> None:
    """No line is wider than its width, no figure is cut, and each layer has its line."""
    text = shown(str(network), "--width", str(width))
    timeline, figures, _ = text.split("\n\n")
    result = cnncalc.analyze(network)

    assert max(map(len, text.splitlines())) <= width
    assert timeline.count("◀") == 1
    rows = list(csv.DictReader(io.StringIO(shown(str(network), "-f", "csv"))))
    at = 0
    for row in rows:
        line = re.compile(rf"{bytes_text(int(row['live']))} [█▏▎▍▌▋▊▉]")
        found = line.search(timeline, at)
        assert found, row["name"]
        at = found.end()
    assert f"{result.totals.activation_bytes.peak:,} B" in figures


@pytest.mark.parametrize("network", NETWORKS, ids=lambda path: path.stem)
@pytest.mark.parametrize("width", [20, 40, 60])
def test_narrow(network: Path, width: int) -> None:
    """However narrow, every layer's live bytes stand there whole."""
    timeline = shown(str(network), "--width", str(width)).split("\n\n")[0]
    steps = cnncalc.analyze(network)
    assert len(re.findall(r"(?: B|iB) [█▁▂▃▄▅▆▇▏▎▍▌▋▊▉]", timeline)) == len(steps)


@pytest.mark.parametrize("network", NETWORKS, ids=lambda path: path.stem)
def test_rows_add_up(network: Path) -> None:
    """What is read, written and kept is what is live, in CSV and Markdown as in JSON; the most of it is the peak."""
    found = json.loads(shown(str(network), "-f", "json"))
    rows = list(csv.DictReader(io.StringIO(shown(str(network), "-f", "csv"))))
    _, _, *lines = shown(str(network), "-f", "markdown").splitlines()

    assert [{key: str(value) for key, value in layer.items()} for layer in found["memory"]["layers"]] == rows
    assert [[cell.replace(",", "") for cell in line.strip("| ").split(" | ")] for line in lines] == [
        list(row.values()) for row in rows
    ]
    for layer in found["memory"]["layers"]:
        assert layer["reads"] + layer["writes"] + layer["kept"] == layer["live"]
    assert max(layer["live"] for layer in found["memory"]["layers"]) == found["totals"]["activation_bytes"]["peak"]


@pytest.mark.parametrize("network", NETWORKS, ids=lambda path: path.stem)
def test_tensors_in_json(network: Path) -> None:
    """The tensors of the JSON timeline give every total again: sum, peak and arena."""
    found = json.loads(shown(str(network), "-f", "json"))
    totals, tensors = found["totals"]["activation_bytes"], found["memory"]["tensors"]
    order = {layer["name"]: layer["index"] for layer in found["layers"]}
    live = [
        sum(each["bytes"] for each in tensors if order[each["first"]] <= at <= order[each["last"]])
        for at in range(len(order))
    ]

    assert sum(each["bytes"] for each in tensors) == totals["sum"]
    assert live == [layer["live"] for layer in found["memory"]["layers"]]
    assert max(each["offset"] + -(-each["bytes"] // 16) * 16 for each in tensors) == totals["arena"]
    assert sorted(name for each in tensors for name in each["layers"]) == sorted(order)


def test_json_of_a_card() -> None:
    """The timeline of a convolution in JSON, whole: 75 and 18 elements of 4 bytes, the larger placed first."""
    found = json.loads(shown("input 5x5x3 | conv 3x3 x2 | relu", "-f", "json", "--optimizer", "momentum"))

    assert list(found)[-1] == "memory"
    assert found["memory"] == {
        "optimizer": "momentum",
        "layers": [
            {"name": "input1", "reads": 0, "writes": 300, "kept": 0, "live": 300},
            {"name": "conv1", "reads": 300, "writes": 72, "kept": 0, "live": 372},
            {"name": "relu1", "reads": 72, "writes": 0, "kept": 0, "live": 72},
        ],
        "tensors": [
            {"layers": ["input1"], "bytes": 300, "first": "input1", "last": "conv1", "offset": 0},
            {"layers": ["conv1", "relu1"], "bytes": 72, "first": "conv1", "last": "relu1", "offset": 304},
        ],
    }


def test_not_without_being_asked() -> None:
    """JSON has no timeline where none was asked for."""
    result = CliRunner().invoke(main, [BLOCK, "-f", "json"])
    assert "memory" not in json.loads(result.stdout)
