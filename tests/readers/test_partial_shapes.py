"""Behind an unknown operator: sizes are unknown, and what needs the channels alone is counted, in every face."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from command_line import run

import cnncalc
from cnncalc.diagnostics import SpecError
from cnncalc.figures.rows import Row
from cnncalc.layers.opaque import OpaqueOp
from cnncalc.readers.importer import Importer, make, unknown_op
from cnncalc.shape import UNDECIDED, UNKNOWN_SHAPE, UNKNOWN_SIZE, Shape, UndecidedError, Window, equal, known_part
from cnncalc.symbols import symbol

CONV = "[convolutional]\nfilters={}\nsize=3\nstride={}\npad=1\n{}activation=linear\n"
NORM = "batch_normalize=1\n"
#: Of a conv behind it the file states no channels; those of the conv behind that one are 8, its filters.
BEHIND = "[net]\nheight=32\nwidth=32\nchannels=3\n" + CONV.format(16, 1, "") + "[hologram]\n"
BEHIND += CONV.format(8, 1, NORM) + CONV.format(4, 2, "")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "net.cfg"
    path.write_text(BEHIND)
    return path


def figures(row: Row) -> tuple[str, str, int, int, tuple[str, ...]]:
    return row.description, str(row.node.shape), row.params, row.buffers, row.missing


# -- sizes -----------------------------------------------------------------------------------------------------


def test_arithmetic() -> None:
    """A rule on an unknown size gives an unknown size, on either side of an operator and beside a letter."""
    height = symbol("H")
    sizes = [
        Window(3, 2, 1, 1, 1).size(UNKNOWN_SIZE),
        Window(3, 2, 1, 1, 1, ceil=True).size(UNKNOWN_SIZE),
        2 * UNKNOWN_SIZE - 1,
        7 - UNKNOWN_SIZE // 2,
        height + UNKNOWN_SIZE,
        UNKNOWN_SIZE * height,
        height * UNKNOWN_SIZE - height,
        sum([3, UNKNOWN_SIZE]),
    ]
    assert sizes == [UNKNOWN_SIZE] * 8


@pytest.mark.parametrize("other", [3, UNKNOWN_SIZE, symbol("H")])
def test_comparisons(other: object) -> None:
    """No comparison of an unknown size is decided, and none can be branched on."""
    assert equal(UNKNOWN_SIZE, other) is equal(other, UNKNOWN_SIZE) is (other <= UNKNOWN_SIZE) is UNDECIDED
    with pytest.raises(UndecidedError, match="whether it holds depends on a size that is not known"):
        bool(UNDECIDED)


def test_known_part() -> None:
    """An unknown count is 0 in a sum; a number and a letter are themselves."""
    assert [known_part(size) for size in (UNKNOWN_SIZE, 5, symbol("H"))] == [0, 5, symbol("H")]


@pytest.mark.parametrize(
    ("shape", "text", "is_known", "rank"),
    [
        (Shape((4, 5), 6), "4x5x6", True, 2),
        (Shape((UNKNOWN_SIZE, 5), 6), "?x5x6", False, 2),
        (Shape.partial(6, rank=2), "?x?x6", False, 2),
        (Shape.partial(6), "...x6", False, None),
        (UNKNOWN_SHAPE, "...x?", False, None),
    ],
)
def test_shapes(shape: Shape, text: str, is_known: bool, rank: int | None) -> None:
    """A partial shape has a question mark for a size, and dots where even the number of axes is not known."""
    assert (str(shape), shape.is_known, shape.rank if shape.has_rank else None) == (text, is_known, rank)


# -- layers ----------------------------------------------------------------------------------------------------


def behind(*layers: tuple[str, dict[str, object]], shape: Shape | None = None) -> list[tuple[object, ...]]:
    """The figures of layers in a row behind an unknown operator."""
    importer = Importer()
    node = importer.add(make("input", shape=(8, 8, 3)), ())
    node = importer.add(OpaqueOp("Odd", shape, known=False), (node,))
    for kind, arguments in layers:
        node = importer.add(make(kind, **arguments), (node,))
    result = cnncalc.analyze(importer.builder.build(node))
    return [figures(row) for row in result.rows[2:]]


def test_channels_alone() -> None:
    """The number of axes is that of the kernel; a conv's filters are the channels of what follows."""
    # 3·3·6·5 weights and 5 biases; the norm's 2·6 and 2·6.
    assert behind(
        ("conv", {"kernel": (3, 3), "filters": 6}),
        ("bn", {}),
        ("conv", {"kernel": (3, 3), "filters": 5}),
    ) == [
        ("conv 3x3 x6", "?x?x6", 0, 0, ("params", "macs", "activations", "conv_activations")),
        ("bn", "?x?x6", 12, 12, ("activations",)),
        ("conv 3x3 x5", "?x?x5", 275, 0, ("macs", "activations", "conv_activations")),
    ]


def test_any_number_of_axes() -> None:
    """Where nothing states the number of axes, it stays open, and the channels count all the same."""
    # 6 channels to 4 units at each position: 24 weights and 4 biases.
    assert behind(("upsample", {"factor": (2,)}), ("fc", {"units": 4, "each": True}), shape=Shape.partial(6)) == [
        ("upsample 2", "...x6", 0, 0, ("activations",)),
        ("fc 4 each", "...x4", 28, 0, ("macs", "activations", "conv_activations")),
    ]


def test_stated_channels() -> None:
    """A file that states the channels alone gives the layer behind its weights."""
    # 3·3·3·2 weights and 2 biases.
    assert behind(("conv", {"kernel": (3, 3), "filters": 2}), shape=Shape.partial(3)) == [
        ("conv 3x3 x2", "?x?x2", 56, 0, ("macs", "activations", "conv_activations")),
    ]


def test_stated_shape() -> None:
    """Behind an operator whose shape the file states, everything is counted."""
    assert behind(("conv", {"kernel": (3, 3), "filters": 2}), shape=Shape((8, 8), 3)) == [
        ("conv 3x3 x2", "6x6x2", 56, 0, ()),
    ]


def test_known_again() -> None:
    """A reshape states its output, and so everything behind it is counted."""
    assert behind(("reshape", {"shape": (4, 4, 12)}), ("fc", {"units": 3, "each": True})) == [
        ("reshape 4x4x12", "4x4x12", 0, 0, ()),
        ("fc 3 each", "4x4x3", 39, 0, ()),
    ]


def test_flat() -> None:
    """A fully connected layer behind unknown sizes has an unknown number of inputs, and known outputs."""
    assert behind(("fc", {"units": 4}), ("fc", {"units": 3})) == [
        ("flatten", "?", 0, 0, ("activations",)),
        ("fc 4", "4", 0, 0, ("params", "macs")),
        ("fc 3", "3", 15, 0, ()),
    ]


def test_merge() -> None:
    """Arms of known size give theirs to those of unknown size; channels that are joined are all needed."""
    importer = Importer()
    first = importer.add(make("input", shape=(8, 8, 3)), ())
    odd = importer.add(unknown_op("Odd"), (first,))
    summed = importer.add(make("add"), (odd, first))
    joined = importer.add(make("concat"), (first, odd))
    shapes = [str(importer.builder.nodes[node].shape) for node in (summed, joined)]
    assert shapes == ["8x8x3", "8x8x?"]


def test_too_little() -> None:
    """A layer that may not fit what is not known is unknown itself, and no error."""
    # An embedding takes a flat vector, and the number of axes is not known.
    assert behind(("embedding", {"table": (10, 4)})) == [
        ("embedding (unknown)", "...x?", 0, 0, ("params", "macs", "activations")),
    ]


# -- faces -----------------------------------------------------------------------------------------------------


def test_table(file: Path) -> None:
    """Figures that are not known are question marks, a row says what its weights stand on, totals are at least."""
    lines = run(str(file), "--width", "110").stdout.splitlines()
    assert [" ".join(line.split()) for line in lines[4:9]] == [
        "hologram1 hologram (unknown) ? ? ? all",
        "conv2 conv 3x3 p1 x8 nobias (input unknown) ?x?x8 ? ? all",
        "bn1 bn ?x?x8 16 ▍ all",
        "conv3 conv 3x3 s2 p1 x4 (by channels alone) ?x?x4 292 █████▎ ? all",
        "─" * len(lines[8]),
    ]
    # 3·3·3·16 + 16, the norm's 16, and 3·3·8·4 + 4.
    assert lines[9].split() == ["total,", "at", "least", "756", "442,368"]


def test_json(file: Path) -> None:
    """JSON has null for a size that is not known, and says which figures are missing and what the others stand on."""
    found = json.loads(run(str(file), "--format", "json").stdout)
    assert [layer["output_shape"] for layer in found["layers"][2:]] == [None, *[[None, None, 8]] * 2, [None, None, 4]]
    assert found["unknown"][1:] == [
        {
            "layer": "conv2",
            "operator": "conv",
            "output_shape": [None, None, 8],
            "missing": ["params", "macs", "activations", "conv_activations"],
            "stands_on": "nothing: its input is unknown",
        },
        {
            "layer": "bn1",
            "operator": "bn",
            "output_shape": [None, None, 8],
            "missing": ["activations"],
            "stands_on": "the channels alone: sizes are unknown",
        },
        {
            "layer": "conv3",
            "operator": "conv",
            "output_shape": [None, None, 4],
            "missing": ["macs", "activations", "conv_activations"],
            "stands_on": "the channels alone: sizes are unknown",
        },
    ]


def test_csv(file: Path) -> None:
    """In CSV, a figure that is not known is empty, not 0."""
    columns = "name,output,params,macs,activations"
    rows = csv.reader(io.StringIO(run(str(file), "--format", "csv", "--columns", columns).stdout))
    assert list(rows)[3:] == [
        ["hologram1", "?", "", "", ""],
        ["conv2", "?x?x8", "", "", ""],
        ["bn1", "?x?x8", "16", "0", ""],
        ["conv3", "?x?x4", "292", "", ""],
    ]


def test_explain(file: Path) -> None:
    """The rules are shown with a question mark in place of what is not known."""
    (told,) = json.loads(run("explain", str(file), "--layer", "conv3", "--format", "json").stdout)
    assert (told["sizes"][0], told["macs"], told["params"]["value"]) == (
        {"axis": "height", "formula": "floor((? + 2·1 − 3) / 2) + 1", "value": None},
        {"formula": "?·? · 3·3·8·4", "value": None},
        292,
    )


def test_explained_basis(file: Path) -> None:
    """The explanation of a layer says what it stands on."""
    text = run("explain", str(file), "--layer", "bn1").stdout
    assert "stands on        the channels alone: sizes are unknown\n" in text


def test_memory(file: Path) -> None:
    """A tensor of unknown size counts as nothing, and the note says so."""
    text = run(str(file), "--memory").stdout
    assert "conv2                 unknown       0 B\n" in text
    assert "hologram: not counted in full, so that all totals are lower\n" in text


def test_a_figure(file: Path) -> None:
    """A figure that is asked for alone comes with a warning."""
    done = run(str(file), "--get", "conv3.output_shape")
    assert (done.stdout, done.stderr) == (
        "?x?x4\n",
        "warning: hologram: not counted in full, so that all totals are lower bounds; behind, sizes are not known of 3 "
        "layers\n",
    )


def test_diff(file: Path, tmp_path: Path) -> None:
    """Sizes that are not known on either side are no difference."""
    other = tmp_path / "other.cfg"
    other.write_text(BEHIND.replace("hologram", "mirror"))
    found = json.loads(run("diff", str(file), str(other), "--format", "json").stdout)
    assert [layer["changes"] for layer in found["layers"] if layer["changes"]] == [
        {"type": ["hologram", "mirror"], "layer": ["hologram (unknown)", "mirror (unknown)"]}
    ]


@pytest.mark.parametrize("form", ["cnn", "pytorch", "keras", "onnx"])
def test_export(file: Path, form: str) -> None:
    """Nothing is written, and the error names the operator, not what stands behind it."""
    from cnncalc.writers import export

    graph = cnncalc.load(file)
    with pytest.raises(SpecError) as raised:
        export(graph, form)
    assert [(each.code, each.layer) for each in raised.value.diagnostics] == [("E320", "hologram1")]


@pytest.mark.parametrize("convention", ["fvcore", "ptflops", "thop", "onnx-tool"])
def test_conventions(file: Path, convention: str) -> None:
    """What a convention counts for a layer of unknown size is missing from it as well."""
    result = cnncalc.analyze(file, convention=convention)
    # All but thop count norms; every one counts convolutions.
    assert ("macs" in result["conv3"].missing, result["conv3"].macs) == (True, 0)
