"""One figure by its path: its raw text, its value, and what is near a path that leads nowhere."""

from __future__ import annotations

import pytest

import cnncalc
from cnncalc.query.paths import find_all

#: Two layers alone, a block twice, a flatten that is implicit, and a second output.
SPEC = """
def basic(c, s=1) = conv 3x3 s{s} p1 x{c} nobias | bn | relu
input 9x7x3
conv 3x5 p0-1x2 x4 as stem
basic(8, s=2)
basic(8)
fc 10 as totals
@stem | gap
"""

RESULT = cnncalc.analyze(SPEC)


def text(path: str) -> str:
    return find_all([path], RESULT)[0].text()


# stem: height 9 + 1 − 3 + 1 = 8, width 7 + 4 − 5 + 1 = 7; 3·5·3·4 + 4 = 184 parameters, 180 · 56 places = 10,080.
# basic1: 4x4x8; 3·3·4·8 = 288 weights and 16 of bn; 288 · 16 = 4,608. basic2: 576 + 16; 576 · 16 = 9,216.
# fc: 128 in, 1,290 parameters, 1,280. All: 184 + 304 + 592 + 1,290 = 2,370; 10,080 + 4,608 + 9,216 + 1,280 = 25,184.
TEXTS = {
    "totals.params": "2370",
    "params": "2370",
    "layers.totals.params": "1290",
    "totals.macs": "25184",
    "flops": "50368",
    # 8x7x4 = 224, three times 128 twice, its flatten, 10, and the gap's 4.
    "activations": "1134",
    "layers": "10",
    "buffers": "32",
    # 2,370 parameters and 32 buffers of 4 bytes.
    "params_bytes": "9608",
    # stem's 224, kept for the gap, and 128 into and out of the second block's convolution.
    "totals.activation_bytes.peak": "1920",
    "activation_bytes.peak": "1920",
    "peak": "1920",
    "totals.peak_at.layer": "basic2.conv1",
    "peak_at.tensors.basic1.relu1": "512",
    "peak_at.tensors.stem": "896",
    "outputs": "totals gap1",
    "batch": "1",
    "dtype": "float32",
    "convention": "torchvision",
    "optimizer": "sgd",
    "name": "",
    "stem.output_shape": "8x7x4",
    "stem.output_shape.2": "4",
    "stem.input_shapes": "9x7x3",
    "stem.input_shapes.0.1": "7",
    "stem.type": "conv",
    "stem.index": "1",
    "stem.implicit": "false",
    "flatten1.implicit": "true",
    "flatten1.output_shape": "128",
    "stem.receptive_field": "3x5",
    "stem.receptive_field.size": "3x5",
    "stem.receptive_field.left": "0x2",
    "basic1.conv1.receptive_field.jump": "2",
    "gap1.receptive_field": "all",
    "stem.fields.kernel": "3x5",
    "stem.fields.stride": "1",
    "stem.fields.padding": "0-1x2",
    "stem.fields.bias": "true",
    "basic1.conv1.macs": "4608",
    "layers.basic1.conv1.macs": "4608",
    "basic1.macs": "4608",
    "basic1.params": "304",
    "basic1.output_shape": "4x4x8",
    "basic2.receptive_field": "9x11",
    "basic2.inputs": "basic1.relu1",
    "basic2.type": "block",
    "input1.inputs": "",
}


@pytest.mark.parametrize(("path", "expected"), TEXTS.items())
def test_text(path: str, expected: str) -> None:
    """A figure reads as it is: exact, without separators, units or words."""
    assert text(path) == expected


def test_several_inputs() -> None:
    """Names and shapes stand behind one another with a space between."""
    result = cnncalc.analyze("input 8x8x4 | add(relu ; bn)")
    assert [figure.text() for figure in find_all(["add1.inputs", "add1.input_shapes"], result)] == [
        "relu1 bn1",
        "8x8x4 8x8x4",
    ]


def test_a_name_of_two_lines() -> None:
    """A value stays on its line, and a terminal has nothing to obey in it."""
    result = cnncalc.analyze(cnncalc.parse("input 5 | fc 2")._replace(name="two\nlines\x1b[31m"))
    assert find_all(["name"], result)[0].text() == "two lines [31m"


def test_fractions() -> None:
    """A jump between two elements is a fraction."""
    assert find_all(["upsample1.receptive_field.jump"], cnncalc.analyze("input 4x4x1 | upsample 2"))[0].text() == "1/2"


def test_the_last_layer() -> None:
    """Without a layer, the output shape and the receptive field are the last one's.

    By hand: 3 + 2 = 5, and 10 - 2 - 2 = 6 on an axis; the shape's figure of index 2 is the number of filters.
    """
    result = cnncalc.analyze("input 10x10x1 | conv 3x3 x2 | conv 3x3 x4")
    found = find_all(["output_shape", "receptive_field", "receptive_field.left", "output_shape.2"], result)
    assert [(each.path, each.text()) for each in found] == [
        ("conv2.output_shape", "6x6x4"), ("conv2.receptive_field", "5"), ("conv2.receptive_field.left", "0"),
        ("conv2.output_shape.2", "4"),
    ]  # fmt: skip


def test_layout() -> None:
    """Shapes follow the layout, numbers for each axis do not."""
    found = find_all(["stem.output_shape", "stem.input_shapes", "stem.fields.kernel"], RESULT)
    assert [figure.text("chw") for figure in found] == ["4x8x7", "3x9x7", "3x5"]


def test_every_total() -> None:
    """Every number among the totals of the JSON object has a path."""

    def leaves(value: object, path: str) -> list[tuple[str, object]]:
        if isinstance(value, dict):
            return [leaf for key, inner in value.items() for leaf in leaves(inner, f"{path}.{key}")]
        return [(path, value)]

    expected = leaves(RESULT.to_dict()["totals"], "totals")
    assert [(path, find_all([path], RESULT)[0].value) for path, _ in expected] == expected


def test_every_figure_of_a_layer() -> None:
    """Every key of a layer in the JSON object has a path, and the same value."""
    for row in RESULT.rows:
        for key, value in row.to_dict().items():
            if not isinstance(value, dict):
                assert find_all([f"layers.{row.name}.{key}"], RESULT)[0].value == value


ERRORS = {
    "totals.parms": """\
error[E140]: unknown figure `totals.parms`
 --> --get:1:1
  |
1 | totals.parms
  | ^^^^^^^^^^^^ no figure of this path
  = note: near it: totals.params, totals.layers, totals.macs
  = help: write `totals.params`""",
    "basic1.conv1.outpt_shape": """\
error[E140]: unknown figure `basic1.conv1.outpt_shape`
 --> --get:1:1
  |
1 | basic1.conv1.outpt_shape
  | ^^^^^^^^^^^^^^^^^^^^^^^^ no figure of this path
  = note: near it: basic1.conv1.output_shape, basic1.conv1.input_shapes, basic1.conv1.share
  = help: write `basic1.conv1.output_shape`""",
    "stemm.macs": """\
error[E140]: unknown figure `stemm.macs`
 --> --get:1:1
  |
1 | stemm.macs
  | ^^^^^^^^^^ no figure of this path
  = note: near it: stem.macs, flatten1.macs
  = help: write `stem.macs`""",
    "Peek": """\
error[E140]: unknown figure `Peek`
 --> --get:1:1
  |
1 | Peek
  | ^^^^ no figure of this path
  = help: write `peak`""",
    "stem": """\
error[E140]: unknown figure `stem`
 --> --get:1:1
  |
1 | stem
  | ^^^^ is a layer, not a figure
  = help: write `stem.output_shape`, `stem.params` or another of its figures""",
    "basic2": """\
error[E140]: unknown figure `basic2`
 --> --get:1:1
  |
1 | basic2
  | ^^^^^^ is a block, not a figure
  = help: write `basic2.output_shape`, `basic2.params` or another of its figures""",
    "activation_bytes": """\
error[E140]: unknown figure `activation_bytes`
 --> --get:1:1
  |
1 | activation_bytes
  | ^^^^^^^^^^^^^^^^ has several figures
  = note: its keys: sum, peak, peak_no_inplace, arena
  = help: write `activation_bytes.sum`""",
    "stem.output_shape.3": """\
error[E140]: unknown figure `stem.output_shape.3`
 --> --get:1:1
  |
1 | stem.output_shape.3
  | ^^^^^^^^^^^^^^^^^^^ `stem.output_shape` has 3 values
  = help: they are counted from 0""",
    "xyzzy": """\
error[E140]: unknown figure `xyzzy`
 --> --get:1:1
  |
1 | xyzzy
  | ^^^^^ no figure of this path
  = help: the paths are those of `--format json`, with layers by name""",
}


@pytest.mark.parametrize(("path", "expected"), ERRORS.items())
def test_errors(path: str, expected: str) -> None:
    """A path that leads nowhere is shown with what is near it."""
    with pytest.raises(cnncalc.SpecError) as caught:
        find_all([path], RESULT)
    assert str(caught.value) == expected


def test_several_errors() -> None:
    """Every unknown path is reported, in the order that they were asked for."""
    with pytest.raises(cnncalc.SpecError) as caught:
        find_all(["parms", "params", "mcs"], RESULT)
    assert [each.message for each in caught.value.diagnostics] == ["unknown figure `parms`", "unknown figure `mcs`"]


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "..",
        "stem.",
        ".stem",
        "totals.",
        "totals",
        "layers.",
        "stem..macs",
        "a." * 9_999,
        "stem.macs.0",
        "9" * 5000,
        "stem.output_shape." + "9" * 5000,
        "stem.output_shape.-1",
        "stem.output_shape.²",
    ],
)
def test_hostile_paths(path: str) -> None:
    """Whatever is asked for, the answer is an error that names it."""
    with pytest.raises(cnncalc.SpecError, match="unknown figure"):
        find_all([path], RESULT)


#: Other words for a figure, and what they are of LeNet-5 (32x32x1): parameters 61,706, so 246,824 bytes as float32;
#: 416,520 MACs, of which conv1 has 28·28·6·25 = 117,600; while avgpool1 runs, 28·28·6 + 14·14·6 elements are live.
SYNONYMS = {
    "parameters": "61706",
    "weights": "61706",
    "flash": "246824",
    "weight bytes": "246824",
    "ram": "23520",
    "peak memory": "23520",
    "totals.ram": "23520",
    "madds": "416520",
    "Mult-Adds": "416520",
    "conv1.output": "28x28x6",
    "conv1.rf": "5",
    "conv1.field": "5",
    "conv1.jump": "1",
    "conv1.input": "32x32x1",
    "conv1.bytes": "624",
    "avgpool1.live": "23520",
    "conv1.saved": "4096",
    "conv1.backward": "117600",
    "rf": "all",
    "output": "10",
}


@pytest.mark.parametrize(("word", "value"), SYNONYMS.items(), ids=SYNONYMS)
def test_synonyms(word: str, value: str) -> None:
    """What people call a figure, and what a table heads its column with, is taken for its key."""
    (figure,) = find_all([word], cnncalc.analyze("lenet5"))
    assert figure.text() == value


def test_share() -> None:
    """A layer's share is that of its MACs: 117,600 of 416,520 are 28.23 %."""
    (figure,) = find_all(["conv1.share"], cnncalc.analyze("lenet5"))
    assert round(figure.value, 2) == 28.23
