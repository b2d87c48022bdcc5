"""Traffic, intensity and bounds: hand calculations, the table, JSON, and the picture."""

from __future__ import annotations

import csv
import io
import json
import re
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import pytest
from command_line import run

import cnncalc
from cnncalc.figures.roofline import Device, Roof, bound_of
from cnncalc.query.rates import parse_bandwidth, parse_peak

#: 2 · 64 · 16 = 2,048 FLOPs on 4 · (16 + 256 + 256) = 2,112 bytes; then relu, 4 · 512 bytes and no products;
#: and 2 · 256 · 2 = 1,024 FLOPs on 4 · (512 + 256 + 2) = 3,080 bytes.
NET = "input 8x8x4 | conv 1x1 x4 nobias | relu | fc 2 nobias"
RATES = ("--peak", "1GFLOP/s", "--bandwidth", "1GB/s")

PEAK_HELP = "  = help: write `10TFLOP/s`, or by type `float32=10TFLOP/s,int8=40TOP/s`"
BANDWIDTH_HELP = "  = help: write `900GB/s` (1000^n) or `800GiB/s` (1024^n)"

SVG = "{http://www.w3.org/2000/svg}"


def bounds(*arguments: str) -> list[list[str]]:
    """Name, bytes, FLOPs a byte, nanoseconds and what bounds them, of each layer that CSV has."""
    done = run(*arguments, "-f", "csv", "--columns", "name,traffic,intensity")
    assert done.exit_code == 0
    rows = list(csv.reader(io.StringIO(done.stdout)))
    assert rows[0] == ["name", "traffic", "intensity", "bound", "bound_by"]
    return [[name, bytes, flops, f"{float(bound) * 1e9:.0f}", by] for name, bytes, flops, bound, by in rows[1:]]


def test_bounds() -> None:
    """A layer is bound by whichever takes longer; the alias and the input have nothing to do."""
    assert bounds(NET, *RATES) == [
        ["input1", "0", "", "0", ""],
        ["conv1", "2112", "0.97", "2112", "memory"],
        ["relu1", "2048", "0.0", "2048", "memory"],
        ["flatten1", "0", "", "0", ""],
        ["fc1", "3080", "0.332", "3080", "memory"],
    ]


def test_peak_by_type() -> None:
    """The peak is that of the feature maps' type; in int8 a quarter of the bytes is moved."""
    peaks = ("--peak", "float32=1GFLOP/s,int8=2GOP/s", "--bandwidth", "1GB/s")
    assert bounds(NET, *peaks)[1] == ["conv1", "2112", "0.97", "2112", "memory"]
    assert bounds(NET, *peaks, "--dtype", "int8")[1] == ["conv1", "528", "3.879", "1024", "compute"]
    # Deployed, relu is fused: the same bytes, and none for itself.
    assert [row[0] for row in bounds(NET, *peaks, "--deploy", "int8")] == ["input1", "conv1", "flatten1", "fc1"]


def test_blocks_and_totals() -> None:
    """The bound of a block is the sum of its layers', bound by what most of it is."""
    roof = Roof(Fraction(10), Fraction(1))
    assert bound_of(roof, [(100, 1), (10, 3)]) == (110, 4, Fraction(13), "compute")
    assert bound_of(roof, [(0, 0)]) == (0, 0, Fraction(0), "")
    spec = "def b(c) = conv 1x1 x{c} nobias | relu\ninput 8x8x4 | b(4) | fc 2 nobias"
    assert bounds(spec, *RATES, "--depth", "1")[1] == ["b1", "4160", "0.492", "4160", "memory"]


def test_shared_inputs_and_weights() -> None:
    """A tensor that is read twice moves once; shared weights are read by each layer, and of a table the rows alone."""
    moved = {row.name: row.traffic_bytes for row in cnncalc.analyze("input 4x4x2 | add( ; )", dtype="int8").rows}
    assert moved == {"input1": 0, "add1": 32 + 32}
    shared = cnncalc.analyze("input 4x4x2 | conv 1x1 x2 as a | conv 1x1 x2 weights=@a", dtype="int8").rows
    assert [row.traffic_bytes for row in shared] == [0, 6 + 64, 6 + 64]
    # 3 indices are read, and 3 rows of 8 numbers looked up and written.
    assert cnncalc.analyze("input 3 | embedding 1000x8", dtype="int8").rows[1].traffic_bytes == 3 + 24 + 24


def test_table() -> None:
    """The table has the bounds and their sum, and says what they are; the word is always there."""
    lines = run(NET, "--peak", "1GFLOP/s", "--bandwidth", "2GB/s").stdout.split("\n")
    assert re.split(r" {2,}", lines[0].strip()) == [
        "name",
        "layer",
        "MACs",
        "traffic bytes",
        "FLOP/B",
        "bound",
        "bound by",
    ]
    assert re.split(r" {2,}", lines[3])[-3:] == ["1.0", "2.05 µs", "compute"]
    total = next(line for line in lines if line.startswith("total"))
    # 2,048 compute, 1,024 and 1,540 memory.
    assert total.split() == ["total", "1,536", "7,240", "0.4", "4.61", "µs"]
    assert "bound    4.61 µs at least: 2.05 µs in 1 compute bound layer, 2.56 µs in 2 memory bound layers" in lines
    assert "device   1.00 GFLOP/s and 2.00 GB/s: compute bound from 0.5 FLOPs a byte on" in lines
    assert "assumed  each layer by itself, its weights, inputs and outputs moved once; a bound, not a time" in lines
    picture = lines[lines.index("") + 1 :]
    assert sum(line.count("●") for line in picture) == 2  # conv1, and the legend
    assert sum(line.count("○") for line in picture) == 2


def test_json() -> None:
    roofline = json.loads(run(NET, *RATES, "-f", "json").stdout)["roofline"]
    assert (roofline["peak"], roofline["bandwidth"], roofline["ridge"]) == (1e9, 1e9, 1.0)
    assert roofline["layers"][1] == {
        "name": "conv1",
        "intensity": 2048 / 2112,
        "bound_seconds": 2.112e-6,
        "bound_by": "memory",
    }
    assert roofline["layers"][3] == {"name": "flatten1", "intensity": None, "bound_seconds": 0.0, "bound_by": None}
    assert roofline["total"]["bound_seconds"] == pytest.approx((2112 + 2048 + 3080) * 1e-9)


def test_picture(tmp_path: Path) -> None:
    """The SVG has a point for each layer that multiplies, on the roof, with its name; it is well formed."""
    path = tmp_path / "roof.svg"
    assert run(NET, *RATES, "--roofline", str(path), "--get", "params").exit_code == 2
    assert run(NET, *RATES, "--roofline", str(path)).exit_code == 0
    root = ElementTree.fromstring(path.read_text(encoding="utf-8"))
    circles = list(root.iter(f"{SVG}circle"))
    assert [circle.findtext(f"{SVG}title") for circle in circles] == [
        "conv1: 0.97 FLOP/B, memory bound, 2.11 µs at least",
        "fc1: 0.332 FLOP/B, memory bound, 3.08 µs at least",
    ]
    # Both lie on the slope, a line on logarithmic axes, at an attainable rate of intensity · bandwidth.
    # Coordinates have one decimal.
    (roof,) = root.iter(f"{SVG}polyline")
    corners = [tuple(map(float, corner.split(","))) for corner in roof.get("points", "").split()]
    (x0, y0), (x1, y1) = corners[:2]
    for circle in circles:
        x, y = float(circle.get("cx", "")), float(circle.get("cy", ""))
        assert y == pytest.approx(y0 + (x - x0) / (x1 - x0) * (y1 - y0), abs=0.11)
    assert corners[1][1] == corners[2][1]


def test_names_are_escaped(tmp_path: Path) -> None:
    """No layer's name is markup."""
    path = tmp_path / "net.cfg"
    path.write_text("[net]\nwidth=8\nheight=8\nchannels=3\n\n[convolutional]\nfilters=4\nsize=3\n")
    graph = cnncalc.load(path)._replace(name="<script>&")
    from cnncalc.analysis import analyze_graph
    from cnncalc.report.roofline import roofline_svg

    device = Device((("", Fraction(10**9)),), Fraction(10**9))
    picture = roofline_svg(analyze_graph(graph, cnncalc.Options(device=device)))
    assert "<script>" not in picture
    assert ElementTree.fromstring(picture).findtext(f"{SVG}title") == "Roofline of <script>&"


@pytest.mark.parametrize(
    ("text", "rates"),
    [
        ("10TFLOP/s", (("", 10**13),)),
        ("1.5 gflops", (("", 1_500_000_000),)),
        ("2GMAC/s", (("", 4 * 10**9),)),
        ("fp16=312TFLOP/s, int8=624TOPS", (("float16", 312 * 10**12), ("int8", 624 * 10**12))),
        ("1TFLOP/s,int8=4TOP/s", (("", 10**12), ("int8", 4 * 10**12))),
    ],
)
def test_peaks(text: str, rates: tuple[tuple[str, int], ...]) -> None:
    assert parse_peak(text) == rates


@pytest.mark.parametrize(
    ("text", "rate"), [("900GB/s", 900 * 10**9), ("1.5 TiB/s", 3 * 2**39), ("100kB/s", 10**5), ("7B/s", 7)]
)
def test_bandwidths(text: str, rate: int) -> None:
    assert parse_bandwidth(text) == rate


@pytest.mark.parametrize(
    ("options", "last"),
    [
        (["--peak", "1GFLOP/s"], "Error: `--peak` has no effect by itself: add `--bandwidth 900GB/s`"),
        (["--bandwidth", "1GB/s"], "Error: `--bandwidth` has no effect by itself: add `--peak 10TFLOP/s`"),
        (["--roofline", "a.svg"], "Error: `--roofline` has no effect without `--peak` and `--bandwidth`"),
        (["--peak", "9", "--bandwidth", "1GB/s"], PEAK_HELP),
        (["--peak", "-1GFLOP/s", "--bandwidth", "1GB/s"], PEAK_HELP),
        (["--peak", "", "--bandwidth", "1GB/s"], PEAK_HELP),
        (["--peak", "1GOP/s,2GOP/s", "--bandwidth", "1GB/s"], PEAK_HELP),
        (["--peak", "int7=1GOP/s", "--bandwidth", "1GB/s"], "  = help: write `int8=`"),
        (["--peak", "1GOP/s", "--bandwidth", "0GB/s"], BANDWIDTH_HELP),
        (["--peak", "1GOP/s", "--bandwidth", "1GFLOP/s"], BANDWIDTH_HELP),
        (
            ["--peak", "int8=1GOP/s", "--bandwidth", "1GB/s"],
            "Error: no peak is given for float32, but for int8: add float32=…",
        ),
    ],
)
def test_wrong(options: list[str], last: str) -> None:
    """What is wrong with a rate is said, with what to write; the status is that of a wrong command line."""
    done = run(NET, *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.rstrip("\n").split("\n")[-1] == last
