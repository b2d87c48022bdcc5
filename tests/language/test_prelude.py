"""The prelude's blocks, and `C`, the channels that come into a block."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

import cnncalc
from cnncalc.diagnostics import Problems, Source
from cnncalc.language.parse import parse
from cnncalc.language.prelude import FILE, described, prelude
from cnncalc.language.write import write
from cnncalc.layers.base import REGISTRY

#: A spec, its output, and by hand its parameters and MACs.
FIGURES = {
    # A 3x3 from 4 to 8 channels, and the batch norm's 2 for each of 8.
    "input 8x8x4 | convbn(3, 8)": ("8x8x8", 9 * 4 * 8 + 16, 64 * 9 * 4 * 8),
    # In two groups, each filter sees 2 channels; at stride 2 there are 4x4 positions.
    "input 8x8x4 | convbn(3, 8, s=2, g=2)": ("4x4x8", 9 * 2 * 8 + 16, 16 * 9 * 2 * 8),
    "input 8x8x4 | dwbn(5)": ("8x8x4", 25 * 4 + 8, 64 * 25 * 4),
    "input 100x4 | convbn(3, 8)": ("100x8", 3 * 4 * 8 + 16, 100 * 3 * 4 * 8),
    # 32 to 8 and back to 32, with biases, at one position.
    "input 8x8x32 | se()": ("8x8x32", 32 * 8 + 8 + 8 * 32 + 32, 2 * 32 * 8),
    "input 8x8x32 | se(r=16)": ("8x8x32", 32 * 2 + 2 + 2 * 32 + 32, 2 * 32 * 2),
    # At least one channel is left in between.
    "input 8x8x2 | se(r=16)": ("8x8x2", 2 + 1 + 2 + 2, 4),
    "input 4x4x4x8 | se()": ("4x4x4x8", 8 * 2 + 2 + 2 * 8 + 8, 32),
    # A window of 3 over the means of 8 channels, with padding.
    "input 8x8x8 | eca()": ("8x8x8", 3, 3 * 8),
    # Two 3x3 and their batch norms; with another number of channels, a 1x1 in the shortcut.
    "input 8x8x4 | basic(4)": ("8x8x4", 2 * (144 + 8), 64 * 2 * 144),
    "input 8x8x4 | basic(6)": ("8x8x6", 9 * 24 + 12 + 9 * 36 + 12 + 24 + 12, 64 * (216 + 324 + 24)),
    "input 8x8x4 | basic(4, s=2)": ("4x4x4", 2 * (144 + 8) + 16 + 8, 16 * (144 + 144 + 16)),
    # 1x1 to 2, 3x3, 1x1 to 8: the shortcut has a 1x1 unless 8 channels come in.
    "input 8x8x8 | bottleneck(2)": ("8x8x8", 16 + 4 + 36 + 4 + 16 + 16, 64 * (16 + 36 + 16)),
    "input 8x8x4 | bottleneck(2)": ("8x8x8", 8 + 4 + 36 + 4 + 16 + 16 + 32 + 16, 64 * (8 + 36 + 16 + 32)),
    # 4 to 24, a depthwise 3x3, and 24 to 4.
    "input 8x8x4 | inverted(4)": ("8x8x4", 96 + 48 + 216 + 48 + 96 + 8, 64 * (96 + 216 + 96)),
    "input 8x8x4 | inverted(6, e=1, k=5)": ("8x8x6", 100 + 8 + 24 + 12, 64 * (100 + 24)),
    "input 8x8x4 | inverted(4, e=1.5, s=2)": ("4x4x4", 24 + 12 + 54 + 12 + 24 + 8, 64 * 24 + 16 * (54 + 24)),
    # As `inverted(4)`, and from 24 to one and back to 24.
    "input 8x8x4 | mbconv(4)": ("8x8x4", 512 + 24 + 1 + 24 + 24, 64 * 408 + 48),
    "input 8x8x8 | mbconv(4, e=1, s=2)": ("4x4x4", 72 + 16 + 8 * 2 + 2 + 2 * 8 + 8 + 32 + 8, 16 * 104 + 32),
}


def output(result: cnncalc.Analysis) -> str:
    return "x".join(map(str, result.rows[-1].output_shape))


@pytest.mark.parametrize("spec", FIGURES)
def test_figures(spec: str) -> None:
    """A block has the output, the parameters and the MACs that follow by hand from what it is said to be."""
    result = cnncalc.analyze(spec)
    assert (output(result), result.totals.params, result.totals.macs) == FIGURES[spec]


@pytest.mark.parametrize(
    ("call", "arms"),
    [
        ("inverted(4)", 1),
        ("inverted(4, s=2)", 0),
        ("inverted(8)", 0),
        ("mbconv(4, k=5)", 1),
        ("mbconv(8)", 0),
        ("basic(4)", 1),
        ("basic(8, s=2)", 2),
    ],
)
def test_shortcut(call: str, arms: int) -> None:
    """`inverted` has a shortcut where stride is 1 and channels stay; `basic` always, with a 1x1 where they do not."""
    nodes = cnncalc.parse(f"input 8x8x4 | {call}").nodes
    adds = [node for node in nodes if node.layer.kind == "add"]
    projections = [node for node in nodes if node.layer.kind == "conv" and set(vars(node.layer)["kernel"]) == {1}]

    assert len(adds) == (arms > 0)
    if call.startswith("basic"):
        assert len(projections) == arms - 1


def test_own_def() -> None:
    """A def of the same name takes a block's place in the spec, and not within the prelude."""
    own = "def convbn(k, c, s=1) = conv {k}x{k} x{c}\ninput 8x8x4 | convbn(3, 8)"
    assert cnncalc.analyze(own).totals.params == 9 * 4 * 8 + 8

    let = "let C = 7, r = 2\ninput 8x8x32 | se()"
    assert cnncalc.analyze(let).totals == cnncalc.analyze("input 8x8x32 | se()").totals


def test_channels() -> None:
    """`C` is the number of channels that come into the block, wherever in the block it stands."""
    graph = cnncalc.parse("def f(n=C) = conv 1x1 x{2 * C} | conv 1x1 x{n + C}\ninput 8x8x4 | f() | f(1)")
    assert [node.shape.channels for node in graph.nodes] == [4, 8, 8, 16, 9]


def test_channels_of_each_copy() -> None:
    """Each copy of a repeat has its own, and each call within a block."""
    graph = cnncalc.parse("def g() = conv 1x1 x{2 * C}\ndef f() = g() * 2\ninput 8x8x1 | f() * 2 | g()")
    assert [node.shape.channels for node in graph.nodes] == [1, 2, 4, 8, 16, 32]


def test_channels_as_repeats() -> None:
    """A number of repeats may depend on it, also by way of a parameter."""
    graph = cnncalc.parse("def g(n) = relu * {n - 2}\ndef f() = g(C) | bn * {C - 3}\ninput 8x8x3 | f()")
    assert [node.layer.kind for node in graph.nodes] == ["input", "relu"]


@pytest.mark.parametrize("text", ["let C = 5\ndef f() = conv 1x1 x{C}", "def f(C=5) = conv 1x1 x{C}"])
def test_a_let_or_parameter_of_that_name(text: str) -> None:
    """A let or parameter `C` is meant before the channels that come in."""
    assert cnncalc.parse(f"{text}\ninput 8x8x3 | f()").nodes[-1].shape.channels == 5


def test_letters() -> None:
    """Sizes may be letters, as long as the channels are a number."""
    result = cnncalc.analyze("input HxWx8 | se()")
    assert (str(result.totals.params), result.rows[-1].output_shape[2]) == ("42", 8)


def test_yaml() -> None:
    """In YAML, a call is the same call."""
    text = Source("net.yaml", "input: 8x8x4\nlayers:\n  - convbn(3, 8)\n  - relu\n  - se()\n")
    from cnncalc.sources import load_source

    graph = load_source(text)
    assert [node.name for node in graph.nodes[:4]] == ["input1", "convbn1.conv1", "convbn1.bn1", "relu1"]


def test_names() -> None:
    """No block has the name of a layer word, and each has a comment that says what it is and names its paper."""
    assert list(prelude()) == list(described())
    assert not set(prelude()) & set(REGISTRY)
    for block in described().values():
        assert block.summary.endswith(".")
        assert "arXiv:" in block.source


def test_canonical() -> None:
    """The file is in the form that `cnncalc format` gives."""
    with open(FILE, encoding="utf-8") as stream:
        text = stream.read()
    whole = f"{text}\ninput 1x1x1\n"
    source, problems = Source("prelude.cnn", whole), Problems()
    assert write(parse(source, problems), problems, source) == whole


def test_lazy() -> None:
    """A spec that calls no block of the prelude does not load it."""
    code = (
        "import sys, cnncalc; cnncalc.analyze('def f() = relu\\ninput 8x8x3 | f()');"
        "print('cnncalc.language.prelude' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_one_by_one() -> None:
    """A block is parsed when it is first called, and the others are not."""
    code = (
        "import cnncalc; from cnncalc.language.prelude import find; cnncalc.analyze('input 8x8x4 | se() | se(2)');"
        "print(find.cache_info().currsize)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


def test_blocks_call_no_blocks() -> None:
    """No block of the prelude calls another: a def of the spec cannot change what it is."""
    for block in described().values():
        definition = block.text[block.text.index("def ") :]
        assert set(re.findall(r"(\w+)\(", definition)) & set(prelude()) == {block.name}
