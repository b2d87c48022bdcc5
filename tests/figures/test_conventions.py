"""What each convention counts, rule by rule, derived by hand; the tools themselves are in tests/conventions."""

import pytest

import cnncalc
from cnncalc.diagnostics import Problems
from cnncalc.figures.conventions import OPERATOR, TABLES, apart, compare, counting
from cnncalc.figures.cost import CONVENTIONS
from cnncalc.graph import GraphBuilder
from cnncalc.layers import kinds
from cnncalc.layers.opaque import OpaqueOp
from cnncalc.layers.rearrange import Input
from cnncalc.shape import Shape

#: In the order of CONVENTIONS: torchvision, fvcore, ptflops, thop, deepspeed, onnx-tool, netscope.
#: The input is 6x5x4: 120 elements, 30 places.
RULES = {
    # 4·3 places · 8 filters · 3·3·4 products = 3456; a bias for each of 96 outputs.
    "conv 3x3 x8": (3456, 3456, 3552, 3456, 3456, 3552, 3456),
    "conv 3x3 x8 nobias": (3456, 3456, 3456, 3456, 3456, 3456, 3456),
    # Half the products; netscope does not divide by the groups.
    "conv 3x3 g2 x8 nobias": (1728, 1728, 1728, 1728, 1728, 1728, 3456),
    # 96 outputs · 3·3 products; netscope takes each to span all 4 channels.
    "dwconv 3x3 m2": (864, 864, 960, 864, 864, 960, 3456),
    # 48·9 of the depthwise and 96·4 of the 1x1, whose bias it is; netscope: 48·9·4 and 96·4.
    "sepconv 3x3 x8": (816, 816, 912, 816, 816, 912, 2112),
    # To 13x11x6, 858 outputs. 30 places · 4 channels · 3 filters of a group · 9 = 3240. thop: 858 · 9 · 2 channels of
    # a group. onnx-tool: 858 · 9 · 3 filters of a group, and the bias. netscope: 858 · 4 channels · (3/2)².
    "deconv 3x3 s2 g2 x6": (3240, 3240, 4098, 15444, 3240, 24024, 7722),
    "fc 10": (1200, 1200, 1210, 1200, 1200, 1210, 1200),
    "bn": (0, 240, 240, 480, 0, 3720, 120),
    "bn noaffine": (0, 120, 120, 240, 0, 3720, 0),
    # onnx-tool: 7 for each element, 29 for each of 30 places.
    "ln": (0, 600, 120, 480, 0, 1710, 0),
    "ln noaffine": (0, 480, 120, 240, 0, 1710, 0),
    "gn g2": (0, 600, 240, 0, 0, 1080, 0),
    "gn g2 noaffine": (0, 480, 120, 0, 0, 1080, 0),
    "instancenorm": (0, 600, 240, 480, 0, 840, 0),
    # ptflops: the mean of 3 channels over 4 + 2 padded ones at 30 places, 180, and a square, a product and a sum, 360.
    # onnx-tool: (4 + 32 + 1 + 3)·120. netscope: 3 squares for each element.
    "lrn 3": (0, 0, 540, 0, 0, 4800, 360),
    "scale": (0, 0, 0, 0, 0, 120, 120),
    "scale bias": (0, 0, 0, 0, 0, 240, 120),
    "relu": (0, 0, 240, 0, 0, 120, 0),
    "relu6": (0, 0, 120, 0, 0, 240, 0),
    "leakyrelu": (0, 0, 120, 0, 0, 240, 0),
    "prelu": (0, 0, 240, 120, 0, 240, 0),
    "elu": (0, 0, 240, 0, 0, 4200, 0),
    "gelu": (0, 0, 240, 0, 0, 840, 0),
    # exp 32, and a product.
    "silu": (0, 0, 120, 0, 0, 3960, 0),
    "mish": (0, 0, 0, 0, 0, 18360, 0),
    "sigmoid": (0, 0, 0, 0, 0, 3840, 0),
    "hardsigmoid": (0, 0, 0, 0, 0, 480, 0),
    "hardswish": (0, 0, 0, 0, 0, 600, 0),
    "tanh": (0, 0, 0, 0, 0, 9120, 0),
    "hardtanh": (0, 0, 0, 0, 0, 240, 0),
    # exp 32, a sum, log 43.
    "softplus": (0, 0, 0, 0, 0, 9120, 0),
    "softsign": (0, 0, 0, 0, 0, 720, 0),
    # thop: at each of 30 places 4 exps, 3 sums, 4 divisions. onnx-tool: exp 32 and a division 4.
    "softmax": (0, 0, 120, 330, 0, 4320, 0),
    # exp 32, a division 4, a sum, log 43.
    "logsoftmax": (0, 0, 0, 0, 0, 9600, 0),
    "selu": (0, 0, 0, 0, 0, 0, 0),
    # To 3x2x4: 24 windows of 2·2.
    "pool 2": (0, 0, 240, 0, 0, 96, 0),
    "avgpool 2": (0, 0, 240, 24, 0, 96, 0),
    # thop: the 120 elements, and a division for each of 4 channels; onnx-tool's division is 4.
    "gap": (0, 120, 240, 124, 0, 136, 0),
    "gmp": (0, 0, 240, 0, 0, 120, 0),
    "adaptiveavgpool 1": (0, 120, 240, 124, 0, 136, 0),
    "adaptivemaxpool 1": (0, 0, 240, 0, 0, 120, 0),
    # 60 outputs of 2·1 elements.
    "adaptiveavgpool 3x5": (0, 120, 240, 180, 0, 120, 0),
    # 48 outputs of at most 2·3 elements.
    "adaptivemaxpool 4x3": (0, 0, 240, 0, 0, 288, 0),
    # To 12x10x4.
    "upsample 2": (0, 480, 960, 480, 0, 0, 0),
    "upsample 2 bilinear": (0, 1920, 960, 5280, 0, 1920, 0),
    # Two additions for three arms.
    "add( ; ; )": (0, 0, 0, 0, 0, 240, 0),
    "mul( ; ; )": (0, 0, 0, 0, 0, 240, 120),
    "concat( ; )": (0, 0, 0, 0, 0, 0, 0),
    "dropout": (0, 0, 0, 0, 0, 0, 0),
    "flatten": (0, 0, 0, 0, 0, 0, 0),
    "pad 1": (0, 0, 0, 0, 0, 0, 0),
}


@pytest.mark.parametrize(("layer", "macs"), RULES.items())
def test_rule(layer: str, macs: tuple[int, ...]) -> None:
    """A layer counts by each convention what its rule says."""
    graph = cnncalc.parse(f"input 6x5x4 | {layer}")
    assert tuple(cnncalc.analyze(graph, convention=name).totals.macs for name in CONVENTIONS) == macs


#: On one and on three axes, where the rules for two do not hold: 24 and 240 elements.
OTHER_AXES = {
    "input 6x4 | gap": (0, 0, 48, 28, 0, 40, 0),
    "input 6x4 | upsample 2": (0, 0, 96, 48, 0, 0, 0),
    "input 6x4 | upsample 2 bilinear": (0, 0, 96, 240, 0, 192, 0),
    "input 6x5x2x4 | gap": (0, 0, 480, 244, 0, 256, 0),
    "input 6x5x2x4 | upsample 2 bilinear": (0, 0, 3840, 0, 0, 7680, 0),
}


@pytest.mark.parametrize(("spec", "macs"), OTHER_AXES.items())
def test_axes(spec: str, macs: tuple[int, ...]) -> None:
    """fvcore's pools and upsampling are for two axes, thop's interpolation differs by axes."""
    assert tuple(cnncalc.analyze(spec, convention=name).totals.macs for name in CONVENTIONS) == macs


APART = {
    "relu": (120, 0, 0, 0),
    "dropout": (120, 0, 0, 0),
    "pool 2": (96, 0, 0, 0),
    "gmp": (120, 0, 0, 0),
    "avgpool 2": (0, 96, 0, 0),
    "gap": (0, 120, 0, 0),
    "add( ; )": (0, 120, 0, 0),
    "bn": (0, 120, 120, 0),
    "lrn": (0, 120, 240, 120),
    "softmax": (0, 120, 120, 120),
    "conv 1x1 x2": (0, 0, 0, 0),
}


@pytest.mark.parametrize(("layer", "counts"), APART.items())
def test_apart(layer: str, counts: tuple[int, ...]) -> None:
    """netscope counts comparisons, additions, divisions and exponentials apart, one for each of 120 elements or of 24
    windows of 4."""
    graph = cnncalc.parse(f"input 6x5x4 | {layer}")
    assert apart(graph.nodes, "netscope", 2) == dict(
        zip(("comp", "add", "div", "exp"), [2 * count for count in counts], strict=True)
    )


def test_rounded_down() -> None:
    """netscope's 3/2 taps for each of 5 outputs, 7.5, are 7, for each sample: so rows, batch and totals add up."""
    result = cnncalc.analyze("input 2x1 | deconv 3 s2 x1 | deconv 1 x1", batch=2, convention="netscope")
    assert [row.macs for row in result.rows] == [0, 14, 10]
    assert result.totals.macs == 24


#: ResNet-50 as its authors released it for Caffe: the stride in the first 1x1, a bias in the first convolution.
RESNET = """
def main(c, s) =
    conv 1x1 s{s} x{c} nobias | bn | relu | conv 3x3 p1 x{c} nobias | bn | relu | conv 1x1 x{4*c} nobias | bn
def bottleneck(c) = add(main(c, 1) ; ) | relu
def down(c, s=2) = add(main(c, s) ; conv 1x1 s{s} x{4*c} nobias | bn) | relu

input 224x224x3
conv 7x7 s2 p3 x64 | bn | relu | pool 3x3 s2 ceil
down(64, s=1) | bottleneck(64) * 2
down(128) | bottleneck(128) * 3
down(256) | bottleneck(256) * 5
down(512) | bottleneck(512) * 2
gap | fc 1000 | softmax
"""


def test_netscope() -> None:
    """The totals that netscope shows for this network in its table: 3.87G macc, 10.89M comp, 16.21M add, 10.59M div,
    1000 exp and 25.56M param."""
    result = cnncalc.analyze(RESNET, convention="netscope")
    counts = apart(result.graph.nodes, "netscope", 1)
    assert round(result.totals.macs / 10**9, 2) == 3.87
    assert [round(counts[name] / 10**6, 2) for name in ("comp", "add", "div")] == [10.89, 16.21, 10.59]
    assert counts["exp"] == 1000
    # It gives batch norm two parameters for each channel, as many as the weight and bias are.
    assert round(result.totals.params / 10**6, 2) == 25.56


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_compare(convention: str) -> None:
    """The comparison has the total of each convention, and its parts add up to it."""
    text = "input 9x9x4 | (conv 3x3 same x4 | bn | relu) * 2 | add( ; conv 1x1 x4) | gap | fc 3 | softmax"
    graph = cnncalc.parse(text)
    counts = compare(graph.nodes, 3)
    its = next(each for each in counts if each.name == convention)
    assert its.macs == cnncalc.analyze(graph, batch=3, convention=convention).totals.macs
    assert sum(its.by_kind.values()) == its.macs
    assert sum(its.differences.values()) == its.difference == its.macs - counts[0].macs


#: The layers' own worked examples.
EXAMPLES = [example.spec for cls in dict.fromkeys(kinds().values()) for example in cls.examples]


def test_default() -> None:
    """The default convention's table counts what every layer calls its multiply-adds."""
    count = counting(TABLES["torchvision"].rules)
    for spec in EXAMPLES:
        for node in cnncalc.parse(spec).nodes[1:]:
            assert count(node) == node.layer.multiply_adds(node.input_shapes[0], node.shape)


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("spec", EXAMPLES)
def test_every_layer(spec: str, convention: str) -> None:
    """Every layer has its figure by every convention: an integer, and never less than nothing."""
    result = cnncalc.analyze(spec, convention=convention)
    counts = [*(row.macs for row in result), *apart(result.graph.nodes, convention, 1).values()]
    assert all(isinstance(count, int) and count >= 0 for count in counts)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_operator(convention: str) -> None:
    """An operator that the language has no word for counts its multiply-adds, whatever its name; it has none apart."""
    builder = GraphBuilder(Problems())
    x = builder.add(Input("input", shape=(6, 5, 4)), ())
    for name in ("softmax", "scale", "lrn"):
        x = builder.add(OpaqueOp(name, Shape((6, 5), 4), macs=100), (x,))
    graph = builder.build(x)
    assert cnncalc.analyze(graph, convention=convention).totals.macs == 300
    assert set(apart(graph.nodes, convention, 1).values()) <= {0}


def test_rules_name_layers() -> None:
    """Every rule is for a kind of layer that there is."""
    tables = [rules for convention in TABLES.values() for rules in (convention.rules, *convention.apart.values())]
    named = {name.partition(":")[0] for rules in tables for names in rules for name in names.split()}
    assert named - set(kinds()) == {OPERATOR}
