"""Each convention's decisions, one by one, derived by hand; the tools themselves are in tests/conventions."""

import pytest

import cnncalc
from cnncalc.diagnostics import Problems
from cnncalc.figures.conventions import (
    DECISIONS,
    OPERATOR,
    PARTS,
    TABLES,
    UndecidedKindError,
    compare_conventions,
    mac_counter,
    row_names,
)
from cnncalc.figures.cost import CONVENTION_SYNONYMS, CONVENTIONS
from cnncalc.graph import GraphBuilder
from cnncalc.layers import kinds
from cnncalc.layers.arguments import Choice
from cnncalc.layers.opaque import OpaqueOp
from cnncalc.layers.rearrange import Input
from cnncalc.shape import Shape

#: In the order of CONVENTIONS: torchvision, fvcore, ptflops, thop, onnx-tool.
#: The input is 6x5x4: 120 elements, 30 positions.
COUNTS = {
    # 4·3 positions · 8 filters · 3·3·4 products = 3456; a bias for each of 96 outputs.
    "conv 3x3 x8": (3456, 3456, 3552, 3456, 3552),
    "conv 3x3 x8 nobias": (3456, 3456, 3456, 3456, 3456),
    # Half the products.
    "conv 3x3 g2 x8 nobias": (1728, 1728, 1728, 1728, 1728),
    # 96 outputs · 3·3 products.
    "dwconv 3x3 m2": (864, 864, 960, 864, 960),
    # 48·9 of the depthwise and 96·4 of the 1x1, whose bias it is.
    "sepconv 3x3 x8": (816, 816, 912, 816, 912),
    # To 13x11x6, 858 outputs. 30 positions · 4 channels · 3 filters of a group · 9 = 3240. thop: 858 · 9 · 2 channels
    # of a group. onnx-tool: 858 · 9 · 3 filters of a group, and the bias.
    "deconv 3x3 s2 g2 x6": (3240, 3240, 4098, 15444, 24024),
    "fc 10": (1200, 1200, 1210, 1200, 1210),
    "bn": (0, 240, 240, 480, 3720),
    "bn noaffine": (0, 120, 120, 240, 3720),
    # onnx-tool: 7 for each element, 29 for each of 30 positions.
    "ln": (0, 600, 120, 480, 1710),
    "ln noaffine": (0, 480, 120, 240, 1710),
    "gn g2": (0, 600, 240, 0, 1080),
    "gn g2 noaffine": (0, 480, 120, 0, 1080),
    "instancenorm": (0, 600, 240, 480, 840),
    # ptflops: the mean of 3 channels over 4 + 2 padded ones at 30 positions, 180, and a square, a product and a sum,
    # 360.
    # onnx-tool: (4 + 32 + 1 + 3)·120.
    "lrn 3": (0, 0, 540, 0, 4800),
    "scale": (0, 0, 0, 0, 120),
    "scale bias": (0, 0, 0, 0, 240),
    "relu": (0, 0, 240, 0, 120),
    "relu6": (0, 0, 120, 0, 240),
    "leakyrelu": (0, 0, 120, 0, 240),
    "prelu": (0, 0, 240, 120, 240),
    "elu": (0, 0, 240, 0, 4200),
    "gelu": (0, 0, 240, 0, 840),
    # exp 32, and a product.
    "silu": (0, 0, 120, 0, 3960),
    "mish": (0, 0, 0, 0, 18360),
    "sigmoid": (0, 0, 0, 0, 3840),
    "hardsigmoid": (0, 0, 0, 0, 480),
    "hardswish": (0, 0, 0, 0, 600),
    "tanh": (0, 0, 0, 0, 9120),
    "hardtanh": (0, 0, 0, 0, 240),
    # exp 32, a sum, log 43.
    "softplus": (0, 0, 0, 0, 9120),
    "softsign": (0, 0, 0, 0, 720),
    # thop: at each of 30 positions 4 exps, 3 sums, 4 divisions. onnx-tool: exp 32 and a division 4.
    "softmax": (0, 0, 120, 330, 4320),
    # exp 32, a division 4, a sum, log 43.
    "logsoftmax": (0, 0, 0, 0, 9600),
    "selu": (0, 0, 0, 0, 0),
    # To 3x2x4: 24 windows of 2·2.
    "pool 2": (0, 0, 240, 0, 96),
    "avgpool 2": (0, 0, 240, 24, 96),
    # thop: the 120 elements, and a division for each of 4 channels; onnx-tool's division is 4.
    "gap": (0, 120, 240, 124, 136),
    "gmp": (0, 0, 240, 0, 120),
    "adaptiveavgpool 1": (0, 120, 240, 124, 136),
    "adaptivemaxpool 1": (0, 0, 240, 0, 120),
    # 60 outputs of 2·1 elements.
    "adaptiveavgpool 3x5": (0, 120, 240, 180, 120),
    # 48 outputs of at most 2·3 elements.
    "adaptivemaxpool 4x3": (0, 0, 240, 0, 288),
    # To 12x10x4.
    "upsample 2": (0, 480, 960, 480, 0),
    "upsample 2 bilinear": (0, 1920, 960, 5280, 1920),
    # To 7x9x4.
    "resize 7x9": (0, 252, 504, 252, 0),
    "resize 7x9 bilinear": (0, 1008, 504, 2772, 1008),
    # Two additions for three arms.
    "add( ; ; )": (0, 0, 0, 0, 240),
    "mul( ; ; )": (0, 0, 0, 0, 240),
    "concat( ; )": (0, 0, 0, 0, 0),
    "dropout": (0, 0, 0, 0, 0),
    "flatten": (0, 0, 0, 0, 0),
    "pad 1": (0, 0, 0, 0, 0),
}


@pytest.mark.parametrize(("layer", "macs"), COUNTS.items())
def test_decision(layer: str, macs: tuple[int, ...]) -> None:
    """A layer counts by each convention what was decided for its kind."""
    graph = cnncalc.parse(f"input 6x5x4 | {layer}")
    assert tuple(cnncalc.analyze(graph, convention=name).totals.macs for name in CONVENTIONS) == macs


#: On one and on three axes, where the decisions for two do not hold: 24 and 240 elements.
OTHER_AXES = {
    "input 6x4 | gap": (0, 0, 48, 28, 40),
    "input 6x4 | upsample 2": (0, 0, 96, 48, 0),
    "input 6x4 | upsample 2 bilinear": (0, 0, 96, 240, 192),
    "input 6x5x2x4 | gap": (0, 0, 480, 244, 256),
    "input 6x5x2x4 | upsample 2 bilinear": (0, 0, 3840, 0, 7680),
}


@pytest.mark.parametrize(("spec", "macs"), OTHER_AXES.items())
def test_axes(spec: str, macs: tuple[int, ...]) -> None:
    """fvcore's pools and upsampling are for two axes, thop's interpolation differs by axes."""
    assert tuple(cnncalc.analyze(spec, convention=name).totals.macs for name in CONVENTIONS) == macs


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_compare(convention: str) -> None:
    """The comparison has the total of each convention, and its parts add up to it."""
    text = "input 9x9x4 | (conv 3x3 same x4 | bn | relu) * 2 | add( ; conv 1x1 x4) | gap | fc 3 | softmax"
    graph = cnncalc.parse(text)
    counts = compare_conventions(graph.nodes, 3)
    count = next(each for each in counts if each.name == convention)
    assert count.macs == cnncalc.analyze(graph, batch=3, convention=convention).totals.macs
    assert sum(count.by_kind.values()) == count.macs
    assert sum(count.differences.values()) == count.difference == count.macs - counts[0].macs


@pytest.mark.parametrize(("name", "convention"), CONVENTION_SYNONYMS.items())
def test_synonym(name: str, convention: str) -> None:
    """Another name for a convention gives that convention's figures, under its own name."""
    spec = "input 9x9x4 | conv 3x3 x4 | relu"
    assert cnncalc.analyze(spec, convention=name).to_dict() == cnncalc.analyze(spec, convention=convention).to_dict()


# -- a decision for every kind -----------------------------------------------------------------------------------

#: The layers' own worked examples.
EXAMPLES = [example.spec for cls in dict.fromkeys(kinds().values()) for example in cls.examples]

FILE = "cnncalc/figures/conventions.py"
#: The single names of the rows: a kind, a kind and a mode, …
NAMES = [name for names in DECISIONS for name in names.split()]


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_is_decided(kind: str) -> None:
    """Every kind of layer has a decision by every convention, on every number of axes and in every mode."""
    argument = kinds()[kind].arguments.get("mode")
    for mode in argument.options if isinstance(argument, Choice) else [""]:
        for rank in (1, 2, 3):
            decided = set(row_names(kind, mode, rank)) & set(NAMES)
            label = " ".join(filter(None, (kind, mode)))
            assert decided, f"no convention has a decision for `{label}`: add a row for it to DECISIONS in {FILE}"


@pytest.mark.parametrize("names", DECISIONS)
def test_every_convention_decides(names: str) -> None:
    """A row has one decision for all conventions, or one for each."""
    row = DECISIONS[names]
    assert isinstance(row, str) or len(row) == len(CONVENTIONS), f"decide for {', '.join(CONVENTIONS)} in {FILE}"


def test_decided_once() -> None:
    """No kind has two rows, and every row is for a kind of layer that there is."""
    assert len(NAMES) == len(set(NAMES))
    assert {name.partition(":")[0] for name in NAMES} - set(kinds()) == {OPERATOR}


def test_parts() -> None:
    """A kind that is counted by its parts is made of several layers, or of one at each step; no other kind is."""
    made_of_others = set()
    for spec in EXAMPLES:
        for node in cnncalc.parse(spec).nodes[1:]:
            if len(node.layer.decompose(node.input_shapes[0])) > 1:
                made_of_others.add(node.layer.kind)
    assert {names for names, row in DECISIONS.items() if row == PARTS} == made_of_others | {"timewise"}


@pytest.mark.parametrize("convention", CONVENTIONS[1:])
def test_undecided(convention: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind that nobody decided on is an error that names the file to edit, never a silent 0."""
    decisions = {name: decision for name, decision in TABLES[convention].decisions.items() if name != "relu"}
    monkeypatch.setitem(TABLES, convention, TABLES[convention]._replace(decisions=decisions))
    with pytest.raises(UndecidedKindError, match=f"^no convention has a decision for `relu`: add a row .* in {FILE}, "):
        cnncalc.analyze("input 6x5x4 | relu", convention=convention)


def test_default() -> None:
    """The default convention's table counts what every layer calls its multiply-adds."""
    macs_of = mac_counter("torchvision")
    for spec in EXAMPLES:
        for node in cnncalc.parse(spec).nodes[1:]:
            assert macs_of(node) == node.layer.multiply_adds(node.input_shapes[0], node.shape)


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("spec", EXAMPLES)
def test_every_layer(spec: str, convention: str) -> None:
    """Every layer has its figure by every convention: an integer, and never less than nothing."""
    result = cnncalc.analyze(spec, convention=convention)
    assert all(isinstance(row.macs, int) and row.macs >= 0 for row in result)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_operator(convention: str) -> None:
    """An operator that the language has no word for counts its multiply-adds, whatever its name."""
    builder = GraphBuilder(Problems())
    x = builder.add(Input("input", shape=(6, 5, 4)), ())
    for name in ("softmax", "scale", "lrn"):
        x = builder.add(OpaqueOp(name, Shape((6, 5), 4), macs=100), (x,))
    graph = builder.build(x)
    assert cnncalc.analyze(graph, convention=convention).totals.macs == 300
