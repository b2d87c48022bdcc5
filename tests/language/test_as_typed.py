"""Layers, shapes and networks as people write them first: the same network as in canonical words, figure by figure.

The cases stand in as_typed.txt, whose head says how to read it.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from command_line import run
from reference import BESIDE, read_json

import cnncalc

CASES = Path(__file__).parent / "as_typed.txt"


def read_cases(prefix: str, section: str) -> dict[str, str]:
    """Return each text of a section of the file as typed, and in canonical words, both behind a prefix."""
    found = {}
    for line in section.splitlines()[1:]:
        typed, _, canonical = line.rpartition(" => ")
        if typed:
            found[prefix + typed.replace("\\n", "\n")] = prefix + canonical.replace("\\n", "\n")
    return found


_, LAYERS, SPECS, MORE = CASES.read_text("utf-8").split("=== ")
TYPED = {**read_cases("input 32x32x3 | ", LAYERS), **read_cases("", SPECS)}
#: As many cases again, for the slow stage.
MORE_TYPED = read_cases("input 32x32x3 | ", MORE)

#: Shapes of `input=`, all of them 32x32x3 for the network `input 64x64x3 | conv 3x3 x8`.
SHAPES = ["32x32x3", "32X32X3", "32×32×3", "32*32*3", "32,32,3", "(32, 32, 3)", "[32,32,3]", "32", "32x32"]


@cache
def figures(spec: str, input: str | None = None) -> list[object]:
    analysis = cnncalc.analyze(spec, input=input)
    rows = [(row.type, row.output_shape, row.params, row.buffers, row.macs) for row in analysis.rows]
    return [rows, analysis.totals.activation_bytes]


@pytest.mark.parametrize(("typed", "canonical"), TYPED.items(), ids=TYPED)
def test_figures(typed: str, canonical: str) -> None:
    """What is typed has the figures of the canonical text."""
    assert figures(typed) == figures(canonical)


@pytest.mark.slow
@pytest.mark.parametrize(("typed", "canonical"), MORE_TYPED.items(), ids=MORE_TYPED)
def test_more_figures(typed: str, canonical: str) -> None:
    assert figures(typed) == figures(canonical)


@pytest.mark.parametrize("shape", SHAPES)
def test_shape(shape: str) -> None:
    """A shape is read in every notation, and completed from the spec's own."""
    assert figures("input 64x64x3 | conv 3x3 x8", input=shape) == figures("input 32x32x3 | conv 3x3 x8")


#: What `--input` takes in other orders and in words, and what comes out of `conv 3x3 x4` on an input of 8x8x3.
NOTATIONS = {
    ("10",): "8x8x4",
    ("10x12",): "8x10x4",
    ("10 x 12 x 3",): "8x10x4",
    ("10 12 3",): "8x10x4",
    ("3x10x12 chw",): "8x10x4",
    ("3x10x12 channels first",): "8x10x4",
    ("10x12 rgb",): "8x10x4",
    ("3x10x12", "--layout", "chw"): "4x8x10",
    ("10x12", "--layout", "chw"): "4x8x10",
}


@pytest.mark.parametrize(("given", "output"), NOTATIONS.items(), ids=[" ".join(each) for each in NOTATIONS])
def test_notations_of_the_option(given: tuple[str, ...], output: str) -> None:
    """Channels come first where the option or the layout says so; two sizes are height and width in either."""
    done = run("input 8x8x3 | conv 3x3 x4", "--input", *given, "--get", "output_shape")
    assert done.stdout == f"{output}\n"


def test_solve_reads_the_same() -> None:
    """What is solved for may be written as people write it: (32 + 2 − 3)/2 rounded down, + 1, is 16."""
    done = run("solve", "3x3 conv, 64, s? p1", "--input", "32x32x3", "--output-size", "16x16")
    assert "height and width  2;" in done.stdout


PAPER = """\
# as a paper has it
224x224x3
7x7 conv, 64, /2, same        # stem
BN, ReLU
3x3 max pool, /2, same
def block(c) = residual(3x3 conv, {c}, same | bn | relu | 3x3 conv, {c}, same | bn) | relu
block(64) x2
global average pool → 1000-d fc → softmax
"""

CANONICAL = """\
# as a paper has it
input 224x224x3
conv 7x7 s2 same x64  # stem
bn | relu
pool 3x3 s2 same
def block(c) = add(conv 3x3 same x{c} | bn | relu | conv 3x3 same x{c} | bn ; ) | relu
block(64) * 2
gap | fc 1000 | softmax
"""


def test_a_network_of_a_paper() -> None:
    """A whole file is written in canonical words, its lines and comments as they were."""
    assert run("format", PAPER).output == CANONICAL
    assert figures(PAPER) == figures(CANONICAL)


#: Specs with two readings of different figures, and both of them as the help writes them.
DOUBTFUL = {
    "conv 64 3": "a number of filters has an x: write `conv 3 x64` or `conv 64 x3`",
    "conv 3, 64": "a number of filters has an x: write `conv 3 x64` or `conv 64 x3`",
    "maxpool 3 2": "a stride has an s: write `maxpool 3 s2` or `maxpool 3x2`",
    "pool 3, 2": "a stride has an s: write `pool 3 s2` or `pool 3x2`",
}


@pytest.mark.parametrize(("typed", "help"), DOUBTFUL.items(), ids=DOUBTFUL)
def test_two_readings_are_both_shown(typed: str, help: str) -> None:
    """`conv 64 3` may be 64 filters of 3x3, or 3 of 64x64: which, nobody guesses."""
    with pytest.raises(cnncalc.SpecError, match=r"^error\[E103\]") as error:
        cnncalc.analyze(f"input 32x32x3 | {typed}")
    assert error.value.diagnostics[0].help == help


#: What is understood in part is not understood: these stay errors.
REFUSED = [
    "conv 3x3 64 128", "conv k=96 f=11 s=4", "Conv2d(3, 8, k)", "nn.Conv2d(3, 8)", "fc 10 20 30", "conv 3x3, 64, 128",
    "conv 3x3 x8, relu, same", "relu, 5", "8 8 8", "2 relu", "conv 3x3 stride 2 stride 3 x8", "upconv 2x2 x8", "norm",
    "dilated conv 3x3 x8", "conv 3x3 with 8 filtres", "conv 3x3 x8 groups", "conv 3x3 64 filters x8",
    "max averge pool 2", "nn.Conv2d(3, 16, 3, stride=w)",
]  # fmt: skip


@pytest.mark.parametrize("typed", REFUSED)
def test_refused(typed: str) -> None:
    with pytest.raises(cnncalc.SpecError, match=r"^error\[E1\d\d\]"):
        cnncalc.analyze(f"input 32x32x3 | {typed}")


#: Channels that a framework's layer states, and are not those that come in.
MISMATCHES = {
    "nn.Conv2d(8, 16, 3)": "`conv1` expects 8 channels: `in_channels` is 8, and 3 channels come in",
    "Conv2d in_channels=8 out_channels=4 kernel_size=3": (
        "`conv1` expects 8 channels: `in_channels` is 8, and 3 channels come in"
    ),
    "BatchNorm2d 64": "`bn1` expects 64 channels: `num_features` is 64, and 3 channels come in",
    "linear 100 10": "`fc1` expects 100 features: `in_features` is 100, and 3072 features come in",
}


@pytest.mark.parametrize(("typed", "fact"), MISMATCHES.items(), ids=MISMATCHES)
def test_stated_channels(typed: str, fact: str) -> None:
    """The channels that a text states are checked against those that come in."""
    with pytest.raises(cnncalc.SpecError, match=r"^error\[E213\]") as error:
        cnncalc.analyze(f"input 32x32x3 | {typed}")
    (found,) = error.value.diagnostics
    assert f"{found.message}: {found.label}" == fact


def test_errors_stand_in_the_text_as_typed() -> None:
    """Only what is not understood is an error, at its place in the text that was typed."""
    with pytest.raises(cnncalc.SpecError) as error:
        cnncalc.analyze("input 32x32x3 | 3x3 conv, 64 | 45x45 conv 64 | cnov 3x3")
    places = [(each.code, each.span.in_file().text) for each in error.value.diagnostics if each.span]
    assert places == [("E201", "45x45 conv 64"), ("E101", "cnov")]


@pytest.mark.slow
def test_format_writes_the_canonical_form() -> None:
    """Both texts are written alike, in the words of the language."""
    layers = {
        typed: canonical
        for typed, canonical in {**TYPED, **MORE_TYPED}.items()
        if canonical.startswith("input 32x32x3 | ")
    }
    texts = {typed: canonical for typed, canonical in layers.items() if "\n" not in typed}
    written = {text: _items(run("format", text).output) for text in (*texts, *texts.values())}
    assert [typed for typed, canonical in texts.items() if written[typed] != written[canonical]] == []


def _items(text: str) -> list[str]:
    """Return the items of a formatted text: line breaks are the author's."""
    return [item.strip() for item in text.replace("\n", "|").split("|") if item.strip()]


LATE = """\
# a network
input 32x32x3  # its input

let c = 4, d = 5  # filters
conv 3x3 x{c}
# a block
def unit(n) = conv 3x3 x{n} | relu  # of two layers

unit(d) * 2
# the end
"""


def test_late_definitions_are_written_where_they_stand() -> None:
    """Lets and defs between the layers stay there, with their comments."""
    assert run("format", LATE).output == LATE


def test_what_is_read_otherwise_is_said() -> None:
    """A note says how a text was read, and which command writes it so."""
    assert run("input 32x32x3 | 3x3 conv, 64 | MaxPooling2D 2").stderr.splitlines()[0] == (
        "note: read `3x3 conv, 64` as `conv 3x3 x64`, `MaxPooling2D 2` as `pool2d 2`; `cnncalc format` writes it so"
    )


ENTRIES: list[dict[str, Any]] = list(read_json(BESIDE / "cases" / "as-typed.json"))  # type: ignore[arg-type]


@pytest.mark.reference
@pytest.mark.parametrize("entry", ENTRIES, ids=[each["typed"] for each in ENTRIES])
def test_as_typed(entry: dict[str, Any]) -> None:
    """What was collected of people's first attempts."""
    done = run(entry["typed"], *entry.get("args", []), "-f", "json")
    if "help_has" in entry:
        text = done.stderr
        assert done.exit_code in (1, 2)
        assert [word for word in entry["help_has"] if word not in text] == []
        return
    same = run(entry["same_as"], *entry.get("same_args", []), "-f", "json")
    totals = [json.loads(each.output)["totals"] for each in (done, same)]
    got, expected = [{key: each[key] for key in ("params", "buffers", "macs", "activations")} for each in totals]
    assert got == expected
