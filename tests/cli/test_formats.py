"""The formats of the table of layers, its columns and its depth."""

from __future__ import annotations

import csv
import io
import json

import pytest
from command_line import CARD, SMALL, cells, run_process

import cnncalc

CSV = """\
name,type,layer,inputs,input,output,params,frozen,buffers,macs,flops,backward,activations,conv_activations,saved,traffic,intensity,field,smallest,jump,left,implicit,bytes,live,share
input1,input,input 5x5x3,,,5x5x3,0,0,0,0,0,0,75,0,0,0,,1,1,1,0,false,0,300,0.0
conv1,conv,conv 3x3 x2,input1,5x5x3,3x3x2,56,0,0,486,972,486,18,18,300,596,1.631,3,3,1,0,false,224,372,72.973
bn1,bn,bn,conv1,3x3x2,3x3x2,4,0,4,0,0,0,18,0,72,176,0.0,3,3,1,0,false,32,72,0.0
flatten1,flatten,flatten,bn1,3x3x2,18,0,0,0,0,0,0,18,0,0,0,,all,all,1,0,true,0,72,0.0
fc1,fc,fc 10,flatten1,18,10,190,0,0,180,360,360,10,10,72,872,0.413,all,all,1,0,false,760,112,27.027
"""

MARKDOWN = """\
| name | layer | output | parameters | MACs | field |
| --- | --- | --- | ---: | ---: | --- |
| input1 | input 5x5x3 | 5x5x3 | 0 | 0 | 1 |
| conv1 | conv 3x3 x2 | 3x3x2 | 56 | 486 | 3 |
| bn1 | bn | 3x3x2 | 4 | 0 | 3 |
| flatten1 | flatten | 18 | 0 | 0 | all |
| fc1 | fc 10 | 10 | 190 | 180 | all |
| **total** |  |  | **250** | **666** |  |
"""

CARD_JSON = {
    "schema": 2,
    "name": None,
    "layout": "channels_last",
    "batch": 1,
    "dtype": "float32",
    "convention": "torchvision",
    "layers": [
        {
            "index": 0,
            "name": "input1",
            "type": "input",
            "inputs": [],
            "input_shapes": [],
            "output_shape": [5, 5, 3],
            "params": 0,
            "frozen": 0,
            "buffers": 0,
            "macs": 0,
            "flops": 0,
            "backward_macs": 0,
            "activations": 75,
            "conv_activations": 0,
            "params_bytes": 0,
            "live_bytes": 300,
            "traffic_bytes": 0,
            "saved_bytes": 0,
            "receptive_field": {"size": [1, 1], "jump": [1, 1], "left": [0, 0]},
            "implicit": False,
            "fields": {},
        },
        {
            "index": 1,
            "name": "conv1",
            "type": "conv",
            "inputs": ["input1"],
            "input_shapes": [[5, 5, 3]],
            "output_shape": [3, 3, 2],
            "params": 56,  # 3·3·3·2 weights, 2 biases
            "frozen": 0,
            "buffers": 0,
            "macs": 486,  # 3·3 places · 3·3·3 products · 2 filters
            "flops": 972,
            "backward_macs": 486,  # the weights' gradient: the input has none
            "activations": 18,
            "conv_activations": 18,
            "params_bytes": 224,
            "live_bytes": 372,
            "traffic_bytes": 596,  # weights, 75 elements in, 18 out
            "saved_bytes": 300,  # the input
            "receptive_field": {"size": [3, 3], "jump": [1, 1], "left": [0, 0]},
            "implicit": False,
            "fields": {
                "kernel": [3, 3],
                "stride": [1, 1],
                "padding": [[0, 0], [0, 0]],
                "padding_mode": "valid",
                "dilation": [1, 1],
                "groups": 1,
                "filters": 2,
                "bias": True,
            },
        },
    ],
    "outputs": ["conv1"],
    "totals": {
        "layers": 1,
        "params": 56,
        "frozen": 0,
        "buffers": 0,
        "macs": 486,
        "flops": 972,
        "backward_macs": 486,
        "activations": 18,
        "conv_activations": 18,
        "params_bytes": 224,
        # 75 + 18 elements of 4 bytes; in the arena each tensor begins at a multiple of 16: 304 + 72, to 384.
        "activation_bytes": {"sum": 372, "peak": 372, "peak_no_inplace": 372, "arena": 384},
        "peak_at": {"layer": "conv1", "tensors": {"input1": 300, "conv1": 72}},
        "traffic_bytes": 596,
        "saved_bytes": 300,
        "training_bytes": 748,  # weights 224, gradients 224, and what is saved
    },
    "warnings": [],
}


def test_csv() -> None:
    """CSV has every column, raw integers and no totals."""
    assert run_process(SMALL, "-f", "csv").all == (0, CSV, "")


def test_markdown() -> None:
    """Markdown has the table's columns and a row of totals."""
    assert run_process(SMALL, "-f", "markdown").all == (0, MARKDOWN, "")


def test_json() -> None:
    """JSON is the object of FIGURES, two-space indent, keys in order, a final newline."""
    done = run_process(CARD, "-f", "json")

    assert (done.status, done.output, done.errors) == (0, json.dumps(CARD_JSON, indent=2) + "\n", "")


def test_formats_agree() -> None:
    """The same figures stand in every format, and the library's are those too."""
    found = json.loads(run_process(SMALL, "-f", "json").output)
    rows = list(csv.DictReader(io.StringIO(run_process(SMALL, "-f", "csv").output)))

    assert found == cnncalc.analyze(SMALL).to_dict()
    for key in ("params", "macs"):
        assert [layer[key] for layer in found["layers"]] == [int(row[key]) for row in rows]
        assert sum(int(row[key]) for row in rows) == found["totals"][key]


def test_csv_quotes_what_it_must() -> None:
    """A CSV reader gets back what stood in a cell, commas and all."""
    spec = "input 8x8x4 as x | add(relu ; bn) | concat( ; @x)"
    rows = list(csv.DictReader(io.StringIO(run_process(spec, "-f", "csv").output)))

    assert [row["inputs"] for row in rows] == ["", "x", "x", "relu1 bn1", "add1 x"]


def test_layout() -> None:
    """`--layout chw` turns the shapes of a table."""
    done = run_process(SMALL, "--layout", "chw", "-f", "csv", "--columns", "input,output")

    assert done.output == "input,output\n,3x5x5\n3x5x5,2x3x3\n2x3x3,2x3x3\n2x3x3,18\n18,10\n"


@pytest.mark.parametrize(
    ("columns", "heading"),
    [
        ("name,params", ["name", "parameters"]),
        ("params, NAME", ["parameters", "name"]),
        ("+flops", ["name", "layer", "output", "parameters", "MACs", "field", "FLOPs"]),
        ("+jump,left", ["name", "layer", "output", "parameters", "MACs", "field", "jump", "left"]),
    ],
)
def test_columns(columns: str, heading: list[str]) -> None:
    """`--columns` chooses, in its order; with a plus it adds."""
    assert cells(run_process(CARD, "--columns", columns).output.split("\n")[0]) == heading


def test_all_columns() -> None:
    """`--columns all` is every column that CSV has."""
    assert len(cells(run_process(CARD, "--columns", "all").output.split("\n")[0])) == CSV.split("\n")[0].count(",") + 1


def test_depth() -> None:
    """`--depth 1` collapses blocks to a row each; the totals stay."""
    spec = "def b(c) = conv 3x3 same x{c} | relu\ninput 8x8x3 | b(4) * 2 | fc 10"
    rows = list(csv.DictReader(io.StringIO(run_process(spec, "-f", "csv", "--depth", "1").output)))

    assert [row["name"] for row in rows] == ["input1", "b1", "b2", "flatten1", "fc1"]
    assert sum(int(row["params"]) for row in rows) == cnncalc.analyze(spec).totals.params


def test_depth_in_json() -> None:
    """`--depth` holds for JSON: a block is one object with its layers' names and the sums of their figures."""
    spec = "def b(c) = conv 3x3 p1 x{c} nobias | bn | relu\ninput 8x8x3 | b(4) | b(8) | gap | fc 10"
    every, shown = (json.loads(run_process(spec, "-f", "json", *more).output) for more in ((), ("--depth", "1")))
    block = {
        "index": 4,
        "name": "b2",
        "type": "block",
        "inputs": ["b1.relu1"],
        "input_shapes": [[8, 8, 4]],
        "output_shape": [8, 8, 8],
        # 3·3·4·8 weights, and 8 scales and shifts; a mean and a variance for each; 8·8·288 products.
        "params": 304,
        "frozen": 0,
        "buffers": 16,
        "macs": 18432,
        "flops": 36864,
        "backward_macs": 2 * 18432,
        "activations": 3 * 8 * 8 * 8,
        "conv_activations": 8 * 8 * 8,
        "params_bytes": 4 * (304 + 16),
        # 8·8 positions with the 4 channels that conv1 reads and the 8 that it writes; bn1 and relu1 work in place.
        "live_bytes": 4 * 8 * 8 * (4 + 8),
        "traffic_bytes": 4 * (304 + 16) + 4 * 8 * 8 * (4 + 5 * 8),
        # bn1 its input, relu1 its output; what conv1 reads is b1.relu1's already.
        "saved_bytes": 2 * 4 * 8 * 8 * 8,
        # Two 3x3 kernels: 5.
        "receptive_field": {"size": [5, 5], "jump": [1, 1], "left": [2, 2]},
        "implicit": False,
        "layers": ["b2.conv1", "b2.bn1", "b2.relu1"],
    }
    assert [line["name"] for line in shown["layers"]] == ["input1", "b1", "b2", "gap1", "flatten1", "fc1"]
    assert shown["layers"][2] == block
    assert {**shown, "layers": every["layers"]} == every
    assert sum(line["params"] for line in shown["layers"]) == shown["totals"]["params"]


def test_depth_of_the_memory_in_json() -> None:
    """The timeline under `memory` has the same lines, each block by the layer in it with the most live."""
    spec = "def b(c) = conv 3x3 p1 x{c} | relu\ninput 8x8x3 | b(4) | gap"
    shown = json.loads(run_process(spec, "-f", "json", "--memory", "--depth", "1").output)
    # 8·8·3 and 8·8·4 numbers of four bytes while the convolution runs.
    line = {"name": "b1", "reads": 768, "writes": 1024, "kept": 0, "live": 1792}
    assert [each["name"] for each in shown["memory"]["layers"]] == ["input1", "b1", "gap1"]
    assert shown["memory"]["layers"][1] == line


def test_depth_of_the_library() -> None:
    """`to_dict(depth)` is what JSON writes."""
    result = cnncalc.analyze("resnet18")
    assert result.to_dict(1) == json.loads(run_process("resnet18", "-f", "json", "--depth", "1").output)
    assert result.to_dict(0)["layers"] == []
