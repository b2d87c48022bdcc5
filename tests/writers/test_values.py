"""The three exports mean the same: with one set of weights and one input they give the same values in every layer."""

from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reference import CONFORMANCE, options
from values import FRAMEWORKS, Values, differences, draw, inputs, onnx_values

import cnncalc
from cnncalc.diagnostics import Source, Span, SpecError
from cnncalc.explain.operation import operate, shown_layer
from cnncalc.graph import Graph
from cnncalc.writers import export
from cnncalc.zoo import members

pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.filterwarnings("ignore"),  # the frameworks' own, of what they do inside
]

#: What a random network may have that one of the frameworks lacks: the other two are compared then.
REFUSALS = (
    "its convolutions have a stride or a dilation, not both",  # Keras
    "its transposed convolutions have no groups",  # Keras
    "its pools have no dilation",  # Keras
    "its pools have windows of one size",  # ONNX
)


def values_or_refusal(name: str, graph: Graph, refusals: tuple[str, ...]) -> Values | None:
    """The values in a framework; None where it refuses the network for one of these reasons."""
    try:
        return FRAMEWORKS[name](graph, draw(graph))
    except SpecError as error:
        if not refusals or not all(str(each.label).startswith(refusals) for each in error.diagnostics):
            raise
        return None


def apart(graph: Graph, refusals: tuple[str, ...] = ()) -> list[str]:
    """Where two frameworks give other values; one that refuses the network for one of these reasons is left out."""
    tried = {name: values_or_refusal(name, graph, refusals) for name in FRAMEWORKS}
    found = {name: values for name, values in tried.items() if values is not None}
    if len(found) < 2:
        pytest.skip("all but one of the frameworks lack one of its layers")
    assert all(graph.nodes[index].name in each for index in graph.outputs for each in found.values())
    pairs = [(one, other) for one in found for other in found if one < other]
    return [
        f"{one} and {other}: {text}" for one, other in pairs for text in differences(graph, found[one], found[other])
    ]


HERE = Path(__file__).parent

RANDOM = [case for case in CONFORMANCE if case["id"].startswith("random")]


@pytest.mark.parametrize("case", RANDOM, ids=[case["id"] for case in RANDOM])
def test_random_networks(case: dict[str, Any]) -> None:
    """The random networks of the conformance cases: of any rank, with every padding, stride, group and merge."""
    graph = cnncalc.parse(case["spec"], input=options(case).get("input"))
    assert apart(graph, REFUSALS) == []


#: Networks of the zoo, at inputs small enough to be run and not square, where the network does not need that.
ZOO = {
    "lenet5": "32x32x1",
    "alexnet_2012": "67x67x3",
    "nin": "67x67x3",
    "googlenet_2014": "64x64x3",
    "resnet8": "32x32x3",
    "resnet18": "48x40x3",
    "resnet50_v1": "40x32x3",
    "zfnet": "67x67x3",
    "regnet_x_400mf": "40x48x3",
    "densenet121": "32x40x3",
    "squeezenet1_1": "48x40x3",
    "mobilenet_v1": "48x40x3",
    "mobilenet_v2": "48x40x3",
    "shufflenet_v2_x0_5": "48x40x3",
    "mnasnet0_5": "48x40x3",
    "yolov3_tiny": "64x64x3",
    "mobilenet_v3_small": "48x40x3",
    "efficientnet_b0": "48x40x3",
    "regnet_y_400mf": "48x40x3",
    "ds_cnn": "49x10x1",
    "convnext_tiny": "64x64x3",
}


@pytest.mark.parametrize("name", ZOO)
def test_zoo(name: str) -> None:
    """Networks of the zoo, from the first convolution to the last layer."""
    assert apart(cnncalc.parse(members()[name].text(), input=ZOO[name])) == []


#: Each where frameworks differ by themselves: what is padded, what counts, in what order elements go, which constants
#: there are.
LAYERS = [
    # On the channels of each position, and over all axes at once.
    "input 6x5x4 | fc 7 each",
    "input 6x4 | fc 7 each nobias",
    "input 6x5x4 | ln all noaffine",
    "input 6x5x4 | conv 1x1 x4 | grn",
    "input 6x4 | grn",
    # Average pools: padding alike at both ends and not, counted and not, and windows that hang over.
    "input 9x8x4 | avgpool 3 s2 p1",
    "input 9x8x4 | avgpool 3 s2 p1 countpad",
    "input 9x8x4 | avgpool 3 s2 p1 ceil",
    "input 9x8x4 | avgpool 3 s2 p1 ceil countpad",
    "input 9x8x4 | avgpool 2 s1 same",
    "input 9x8x4 | avgpool 2 s1 same countpad",
    "input 9x8x4 | avgpool 3 s2 same",
    "input 8x7x4 | avgpool 3 s2 p0-1 ceil countpad",
    "input 8x7x4 | avgpool 4 s3 p2-1 ceil countpad",
    "input 7x4 | avgpool 3 s2 p1 ceil",
    # A window wider than its axis, which PyTorch's pool of three axes refuses.
    "input 2x2x2x3 | avgpool 3 s1 p1",
    "input 2x2x2x3 | avgpool 3 s1 p1 countpad",
    "input 2x2x2x3 | avgpool 3 s1 same",
    # Max pools with other padding at the end, and where nothing is positive.
    "input 9x7x4 | pool 2 same",
    "input 9x8x4 | pool 3 s1 p1x0",
    "input 8x8x4 | pool 3 s2 p0-1 ceil",
    # Transposed convolutions: what is added at the end goes against what is cropped there.
    "input 8x7x4 | deconv 3 s2 p1 op1 x4",
    "input 8x7x4 | deconv 3 s2 op1 x4",
    "input 8x7x4 | deconv 3 s1 d3 p3 op2 x4",
    "input 8x7x4 | deconv 3 s3 same op1 x4",
    "input 8x7x4 | deconv 2 s4 p1 op3 x4",
    "input 8x4 | deconv 5 s2 same op1 x4",
    "input 8x7x4 | deconv 1 s3 same op2 x4",
    "input 8x7x4 | deconv 3 s2 p0-1 op1 x2",
    # Norms of so little variance that their epsilon is seen, and those without a weight, which ONNX lacks.
    *(f"input 8x8x4 | conv 1x1 x4 | {norm} noscale" for norm in ("bn", "ln", "gn g2", "instancenorm")),
    *(f"input 6x5x4 | {norm} noaffine" for norm in ("bn", "ln", "gn g2", "instancenorm")),
    *(f"input 6x5x4 | {norm}" for norm in ("bn", "ln", "gn g2", "instancenorm", "scale bias", "prelu", "prelu shared")),
    "input 9 | ln noaffine | gn g3 | gn g3 noaffine | bn noaffine",
    # Local response norms over an odd and an even number of channels, on any number of axes.
    "input 8x7x9 | lrn 5",
    "input 8x7x9 | lrn 4",
    "input 8x9 | lrn 6",
    "input 4x3x2x9 | lrn 3",
    # Activations, with their constants.
    "input 5x4x4 | relu6 | celu | selu | mish | hardtanh | hardsigmoid | elu 0.5 | leakyrelu 0.2",
    "input 5x4x4 | gelu | silu | softplus | tanh",
    "input 5x4x4 | hardswish | softsign | logsoftmax",
    "input 5x4x4 | softmax | sigmoid",
    # The order of elements: channels last.
    "input 4x3x5 | flatten",
    "input 4x3x5 | flatten | bn | fc 4",
    "input 4x3x5 | fc 8 | relu | fc 4",
    "input 4x3x5 | flatten as a | fc 60 | add( ; @a)",
    "input 48 | reshape 4x4x3 | conv 3x3 x4",
    "input 4x6x3 | reshape 3x2x12 | conv 2x2 x4",
    "input 4x6x3 | reshape 24x3 | conv 3 x2 | reshape 44",
    "input 5x3x8 | shuffle g2 | pixelshuffle 2",
    "input 3x2x2x8 | pixelshuffle 2",
    # Attention over a line, a plane and a volume; within blocks, with fewer heads of keys, with numbers for offsets.
    "input 7x8 | attention h2",
    "input 5x6x8 | attention h4 dim=12 kv=2 value_dim=20 qkvbias",
    "input 6x9x8 | attention h2 kv=1 window=3x3 nobias relative",
    "input 6x4x8 | attention h2 window=2x4 distance value_dim=12 noproj",
    "input 4x2x3x4 | attention h2 window=2x1x3 relative",
    "input 3x5x4 | attention h2 relative qkvbias",
    "input 6x4 | attention h2 distance",
    "input 6x4 | attention h2 vectors dim=6",
    "input 3x5x8 | attention h4 kv=2 vectors nobias value_dim=12",
    "input 6x4x3x4 | attention h2 window=3x2x3 vectors",
    # Learnt tensors: added, in front, and stretched.
    "input 5x4x3 | add( ; parameter 5x4x3) | mul( ; parameter 5x1x1)",
    "input 6x4 | concat axis=1 (parameter 1x4 ; ) | attention h2 | relu | mul( ; parameter 7x1) ",
    # Zeros before the first step alone.
    "input 9x4 | conv 3 causal d2 x4 | dwconv 3 causal | sepconv 4 causal x6",
    "input 9x4 | conv 3 causal s2 g2 x4 | sepconv 3 causal s2 m2 x3",
    # One behind the other, along any axis.
    "input 6x5x4 | concat axis=height ( ; pool 2x1 ; conv 3x1 x4)",
    "input 6x5x4 | concat axis=2 (pool 1x2 ; ) | concat axis=1 (crop 1x0 ; )",
    "input 6x4 | concat axis=1 ( ; relu ; conv 3 causal x4)",
    "input 3x4x5x2 | concat axis=depth ( ; ) | concat axis=3 ( ; )",
    # The same at each step, of whatever rank, and steps within steps.
    "input 3x6x5x2 | timewise(conv 3x3 x4 | bn | relu | pool 2 | fc 7)",
    "input 3x6x5x2 | timewise(sepconv 3x3 same x4 | add(dwconv 3x3 same ; ) | slice 1:3 | crop 1x0-1 | gap | flatten)",
    "input 4x9x2 | timewise(conv 3 causal x4 | concat axis=1 ( ; ) | ln | pool 3 s2 p0-1) | conv 1x1 x3",
    "input 3x4x2 | timewise(fc 6 | reshape 2x3 | ln noaffine | flatten) | ln",
    "input 2x3x4x2 | timewise(timewise(fc 5 | relu) | mul( ; gap) | conv 2 x3)",
    "input 3x4x4x4 | timewise(pixelshuffle 2 | shuffle g1 | upsample 2 | gn g1 | avgpool 3 s2 p1)",
    # Axes laid out anew: permuted, split, put together, with and without a change of order, and at each step.
    'input 6x5x4 | rearrange "h w c -> w (h c)" | fc 3 each',
    'input 6x4x4 | rearrange "(h p) (w q) c -> (h w) (p q) c" p=3 q=2 | conv 1x1 x3',
    'input 6x4x4 | rearrange "h w (g c) -> g h w c" g=2 | rearrange "g ... c -> ... (c g)"',
    'input 6x4 | rearrange "l c -> c l" | rearrange "c l -> (c l)" | fc 3',
    'input 24 | rearrange "(h w c) -> w h 1 c" h=2 w=3 | rearrange "w h 1 c -> h (c w)"',
    'input 6x4x3 | rearrange "h w c -> (h w) c" | rearrange "(h w) c -> h w c" w=4',
    'input 2x6x4x3 | timewise(rearrange "(p h) w c -> h w (c p)" p=2 | conv 1x1 x2)',
    # Sizes between, and parts.
    "input 5x4x3x4 | upsample 2",
    "input 5x7x4 | upsample 2x3 bilinear",
    "input 5x7x4 | resize 8x4",
    "input 5x7x4 | resize 9x3 bilinear",
    "input 9x4 | resize 6 bilinear | resize 15",
    "input 4x3x5x2 | resize 6x5x7 | resize 3x4x5 bilinear",
    "input 8x7x4 as a | pool 2 as b | conv 1x1 x4 | resize @a bilinear | concat( ; @a) | crop @b",
    "input 5x5x8 | slice 2:5 | crop 1x0-2 | pad 0-1x2 | dropout 0.3 | droppath 0.2",
    "input 15x12x4 | adaptiveavgpool 5x3",
    "input 15x12x4 | adaptivemaxpool 5x3",
    "input 15x11x4 | adaptiveavgpool 5x_ | adaptivemaxpool _x1",
    "input 8x8x4 as a | mul(gap ; ) | concat( ; @a) | add( ; ; relu)",
    "input 9x8x3 | sepconv 3 s2 p0-1 m2 x5 | dwconv 3 s2x1 m2 same | dwconv 3 p1 m3",
    # Shifted windows, on one axis and on two, one of which stays, with and without what is learnt for offsets.
    "input 12x8 | attention h2 window=4 shift=1",
    "input 8x9x8 | attention h4 kv=2 window=4x3 shift=2x1 relative",
    "input 8x6x8 | attention h2 window=4x6 shift=3x0 nobias vectors",
    # One set of weights for several layers, in blocks, at steps, with another padding.
    "input 6x4x4 | timewise(conv 3 same x4 as a | bn as n | conv 3 same x4 weights=@a) | timewise(bn weights=@n)",
    "input 6x4 | attention h2 as a | relu | attention h2 weights=@a | fc 24 as f | relu | fc 24 weights=@f",
]


@pytest.mark.parametrize("spec", LAYERS)
def test_layer(spec: str) -> None:
    """A layer that the frameworks' own conventions differ in."""
    assert apart(cnncalc.parse(spec)) == []


@pytest.mark.parametrize(
    "spec",
    [
        # Other strides and dilations, and other padding, the second in a block.
        "input 11x9x4 | conv 3x3 same x4 as a | relu | conv 3x3 s2 same x4 weights=@a | conv 3x3 same d2 x4 weights=@a",
        "input 9x8x4 | (conv 3x3 same x4 as a | relu | conv 3x3 p2x0 x4 weights=@a) as b | conv 3x3 x4 weights=@a",
    ],
)
def test_shared_weights(spec: str) -> None:
    """Layers with one set of weights and other windows, which a layer of Keras cannot have: the others are compared."""
    assert apart(cnncalc.parse(spec), ("a layer called again is the same",)) == []


def test_shared_weights_of_a_block() -> None:
    """Shared weights that every framework has."""
    assert apart(cnncalc.parse((HERE / "networks" / "shared.cnn").read_text("utf-8"))) == []


@pytest.mark.parametrize("spec", ["pool 3 s1 same d3", "pool 3 s1 same d2", "pool 2x3 s2 same d4x3 ceil"])
def test_dilated_pool(spec: str) -> None:
    """Padding of a dilated pool, wider than half of its taps, which PyTorch and ONNX Runtime refuse, is in front."""
    assert apart(cnncalc.parse(f"input 9x8x4 | {spec}"), ("its pools have no dilation",)) == []


@pytest.mark.parametrize("to", ["keras", "onnx"])
def test_output_padding_of_the_stride(to: str) -> None:
    """Rows that a dilation allows and the stride does not: PyTorch has them, the others refuse them themselves."""
    with pytest.raises(SpecError, match="its output padding is below the stride"):
        export(cnncalc.parse("input 8x8x4 | deconv 2 s1 d3 op2 x4"), to)


# -- against explain -----------------------------------------------------------------------------------------

SPAN = Span(Source("<spec>", "avgpool"), 0, 7)
PADDINGS = ("valid", "p1", "p0-1", "p1-0", "same")


@pytest.mark.parametrize("kind", ["avgpool", "pool"])
def test_explained(kind: str) -> None:
    """A pool's values in all three are those that `explain` computes by the definition, in exact fractions."""
    wrong = []
    flags = ("", " countpad") if kind == "avgpool" else ("",)
    for kernel, stride, padding, ceil, flag in product((2, 3), (1, 3), PADDINGS, ("", " ceil"), flags):
        spec = f"{kind} {kernel} s{stride} {padding}{ceil}{flag}"
        graph = cnncalc.parse(spec, input="5x6x1")
        given = inputs(graph)[0]
        image = tuple(tuple(Fraction(float(number)) for number in row) for row in given[0, :, :, 0])
        wanted = np.array(operate(shown_layer(graph, SPAN), image, None).output, float)
        for name, run in FRAMEWORKS.items():
            got = run(graph, {})[graph.nodes[-1].name][0, :, :, 0]
            if got.shape != wanted.shape or not np.allclose(got, wanted, atol=1e-5):
                wrong.append(f"{name}: {spec}")
    assert wrong == []


def test_a_difference_is_found() -> None:
    """The comparison tells a network from one with another constant."""
    one, other = (cnncalc.parse(f"input 5x4x4 | leakyrelu 0.{digit}") for digit in (1, 2))
    found = list(differences(one, onnx_values(one, {}), onnx_values(other, {})))
    assert len(found) == 1
    assert found[0].startswith("leakyrelu1: leakyrelu 0.1 differs by ")
