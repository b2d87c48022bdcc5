"""`weights=@NAME`: a layer whose weights are those of another one, with which they are counted."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import cnncalc
from cnncalc.cli import main
from cnncalc.compare.diff import difference
from cnncalc.writers import export

#: 3·3·8·8 + 8 weights of the head, at 16·16 and 8·8 positions.
HEADS = "input 16x16x8 | conv 3x3 same x8 as head | pool 2 | conv 3x3 same x8 weights=@head"


def run(*arguments: str) -> str:
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize(
    ("spec", "params", "frozen", "buffers"),
    [
        (HEADS, 584, 0, 0),
        (HEADS.replace("x8 as", "x8 frozen as"), 0, 584, 0),
        # A stride, a padding and a dilation shape no weights.
        ("input 9x9x4 | conv 3x3 p1 x4 as a | conv 3x3 s2 x4 weights=@a | conv 3x3 same d2 x4 weights=@a", 148, 0, 0),
        # A norm's 2·4 weights and 2·4 statistics.
        ("input 9x9x4 | bn as n | relu | bn weights=@n", 8, 0, 8),
        ("input 9x9x4 | flatten | fc 324 nobias as a | fc 324 nobias weights=@a", 324 * 324, 0, 0),
        ("input 9x4 | lstm 4 as a | lstm 4 last weights=@a", 4 * 4 * (4 + 4) + 2 * 4 * 4, 0, 0),
        ("input 9x9x4 | attention h2 as a | attention h2 weights=@a", 4 * (4 * 4 + 4), 0, 0),
        ("input 9x9x4 | prelu as p | dwconv 3x3 as d | dwconv 3x3 weights=@d | prelu weights=@p", 4 + 40, 0, 0),
        # The weights of one that has another's are that one's.
        ("input 9x4 | conv 1 x4 as a | conv 1 x4 weights=@a as b | conv 1 x4 weights=@b", 20, 0, 0),
        # At each of the steps, and on all of the map.
        ("input 9x7x4 | timewise(conv 3 same x4 as a) | timewise(conv 3 same x4 weights=@a)", 52, 0, 0),
        # A learnt tensor, for which what comes in does not matter; an embedding.
        ("input 6x4 | add( ; parameter 1x4 as p) | conv 1 x4 | add( ; parameter 1x4 weights=@p)", 24, 0, 0),
        ("input 6 as x | embedding 9x2 as e | gap | add( ; @x | embedding 9x2 weights=@e | gap)", 18, 0, 0),
        # In a block, where each call has a name of its own: 4·4 + 4 each.
        ("def b() = conv 1 x4 as a | conv 1 x4 weights=@a\ninput 6x4 | b() | b()", 40, 0, 0),
        # Of the copies of a repeat, the latest is meant: three of the first, one set of the last.
        ("input 6x4 | (conv 1 x4 as a) * 3 | (conv 1 x4 weights=@a) * 2", 60, 0, 0),
        ("input 6x4 | (conv 1 x4 as a | relu | conv 1 x4 weights=@a) * 3", 60, 0, 0),
        # The name of a group is that of its last layer.
        (
            "input 6x4 | (conv 3 x8 | conv 1 x4) as g | conv 3 x4 | conv 1 x8 | conv 1 x4 weights=@g",
            104 + 36 + 52 + 40,
            0,
            0,
        ),
    ],
)
def test_counted_once(spec: str, params: int, frozen: int, buffers: int) -> None:
    """Weights of several layers are counted with the first of them alone."""
    totals = cnncalc.analyze(spec).totals
    assert (totals.params, totals.frozen, totals.buffers) == (params, frozen, buffers)


def test_macs_of_each() -> None:
    """Each layer has its own MACs: 576 for each of 16·16 and of 8·8 positions; backward, twice those of what learns."""
    result = cnncalc.analyze(HEADS)
    assert [row.macs for row in result.rows if row.type == "conv"] == [576 * 256, 576 * 64]
    # The first has no gradient for its input.
    assert [row.backward_macs for row in result.rows if row.type == "conv"] == [576 * 256, 2 * 576 * 64]


def test_trained_once() -> None:
    """There is one gradient for each weight, and one state of the optimizer: 584 numbers, four times with Adam."""
    totals = cnncalc.analyze(HEADS, optimizer="adam").totals
    assert totals.params_bytes == 4 * 584
    assert totals.training_bytes == 4 * 4 * 584 + totals.saved_bytes


def test_frozen_like_the_first() -> None:
    """A layer with frozen weights has no gradient for them, whether it says so or not."""
    result = cnncalc.analyze(HEADS.replace("x8 as", "x8 frozen as"))
    assert [(str(row.node.layer), row.backward_macs) for row in result.rows if row.type == "conv"] == [
        ("conv 3x3 same x8 frozen", 0),
        ("conv 3x3 same x8 frozen", 0),
    ]


def test_reports() -> None:
    """The table, `explain` and JSON say whose weights they are."""
    assert "conv 3x3 same x8 weights=@head" in run(HEADS)
    assert "those of head, counted there" in run("explain", HEADS, "--layer", "conv1")
    rows = json.loads(run(HEADS, "--format", "json"))["layers"]
    assert [row.get("weights_of") for row in rows] == [None, None, None, "head"]


def test_letters() -> None:
    """In letters the shared weights are counted once; missing filters have the letter, or the number, of the first."""
    spec = "input HxWxC | conv 3x3 same | conv 1x1 x5 as a | conv 1x1 x5 as b | conv 1x1 x5 weights=@b"
    # 9·C·K1 + K1 and 5·K1 + 5, and 5·5 + 5 once.
    assert str(cnncalc.analyze(spec, at={"C": 3, "K1": 4}).totals.params) == str(9 * 3 * 4 + 4 + 25 + 30)
    missing = "input HxWx4 | conv 1x1 x4 | conv 1x1 as a | conv 1x1 x4 | conv 1x1 s2 weights=@a | conv 1x1"
    kept = "input HxWx4 | conv 1x1 x4 | conv 1x1 x4 as a | conv 1x1 x4 | conv 1x1 s2 x4 weights=@a | conv 1x1 x7"
    assert cnncalc.analyze(missing, at={"K1": 4, "K2": 7}).totals == cnncalc.analyze(kept).totals


def test_yaml(tmp_path: Path) -> None:
    """YAML has it as text and in the long form, and `format` writes each as the other."""
    path = tmp_path / "net.yaml"
    path.write_text(
        "input: 16x16x8\nlayers:\n  - conv: {kernel: 3x3, padding: same, filters: 8, name: head}\n  - pool 2\n"
        '  - conv: {kernel: 3x3, padding: same, filters: 8, weights: "@head"}\n'
    )
    assert cnncalc.analyze(path).totals.params == 584
    assert run("format", str(path), "--to", "cnn").splitlines()[-1] == "conv 3x3 same x8 weights=@head"
    assert run("format", HEADS, "--to", "yaml").splitlines()[-1] == "  - conv 3x3 same x8 weights=@head"


@pytest.mark.parametrize(
    ("first", "written", "canonical"),
    [
        ("conv 3x3 same x8 as a", "conv3x3same:8 WEIGHTS=@a", "conv 3x3 same x8 weights=@a"),
        ("conv 3x3 x8 frozen as a", "conv weights=@a frozen kernel=3x3 filters=8", "conv 3x3 x8 frozen weights=@a"),
        ("timewise(conv 3 x8 as a)", "timewise(conv weights=@a 3 x8)", "timewise(conv 3 x8 weights=@a)"),
    ],
)
def test_format(first: str, written: str, canonical: str) -> None:
    """It stands last, with a space before it even where all else is glued; and what is written means the same."""
    whole = f"input 16x16x8 | {first} | {canonical}"
    assert run("format", f"input 16x16x8 | {first} | {written}").strip() == whole
    assert run("format", run("format", "--compact", whole)).strip().replace("\n", " | ") == whole


@pytest.mark.parametrize(
    "spec",
    [
        HEADS,
        Path(__file__).parents[1].joinpath("writers", "networks", "shared.cnn").read_text(),
        "input 9x9x4 | (conv 3x3 same x4 as a | relu | conv 3x3 same x4 weights=@a) * 3 | bn",
        "input 9x9x4 | add(conv 3x3 same x4 as a | bn ; ) | add(conv 3x3 same x4 weights=@a | bn ; )",
    ],
)
def test_exported_as_a_spec(spec: str) -> None:
    """The spec that is written of a graph has the same layers, with weights of the same layers."""
    graph = cnncalc.parse(spec)
    again = cnncalc.parse(str(export(graph, "cnn")))
    assert [node.weights_from for node in again.nodes] == [node.weights_from for node in graph.nodes]
    assert cnncalc.analyze(again).totals == cnncalc.analyze(graph).totals._replace(
        peak_layer=cnncalc.analyze(again).totals.peak_layer, peak_tensors=cnncalc.analyze(again).totals.peak_tensors
    )


def test_difference() -> None:
    """A layer that has its own weights in the other network is another layer."""
    differs = difference(cnncalc.analyze(HEADS), cnncalc.analyze(HEADS.replace("weights=@head", "")))
    changed = {each.row.name: dict(each.changes) for each in differs.layers if each.changes}
    assert changed == {"conv1": {"weights_of": ("head", None), "params": (0, 584)}}
    assert not difference(cnncalc.analyze(HEADS), cnncalc.analyze(HEADS.replace("head", "eye")))
