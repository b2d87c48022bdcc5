"""What a layer keeps for backward, whose it is, and the MACs of the gradients: by hand, and against published ones.

tests/training has whole networks as PyTorch trains them, tests/writers every layer.
"""

from __future__ import annotations

import pytest

import cnncalc
from cnncalc.diagnostics import Problems
from cnncalc.figures.training import OPTIMIZERS
from cnncalc.graph import GraphBuilder, StoredWeights
from cnncalc.layers import kinds
from cnncalc.layers.base import Layer
from cnncalc.layers.opaque import OpaqueOp
from cnncalc.shape import Shape


def saved(spec: str, **options: object) -> dict[str, int]:
    """What each layer is the first to keep, in bytes, or as int8 in elements; those that keep nothing left out."""
    result = cnncalc.analyze(spec, **{"dtype": "int8", **options})  # type: ignore[arg-type]
    assert sum(row.saved_bytes for row in result.rows) == result.totals.saved_bytes
    return {row.name: row.saved_bytes for row in result.rows if row.saved_bytes}


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_says_what_it_keeps(kind: str) -> None:
    """What backward keeps is a decision of each layer: `keeps` on its class, or on the base of its family."""
    cls = kinds()[kind]
    decided = [base for base in cls.__mro__ if issubclass(base, Layer) and base is not Layer and "keeps" in vars(base)]
    assert decided, (
        f"cnncalc/{cls.__module__.removeprefix('cnncalc.').replace('.', '/')}.py: {cls.__name__} lacks `keeps`"
    )


@pytest.mark.parametrize(
    ("layer", "kept"),
    [
        # A 4x4x8 map of 128 elements. The convolution in front makes the layer one that learns; it keeps the input.
        ("relu", 128), ("relu6", 128), ("gelu", 128), ("softmax", 128), ("leakyrelu", 128), ("prelu", 128),
        ("bn", 128), ("ln", 128), ("gn g2", 128), ("instancenorm", 128), ("scale", 128), ("scale bias", 128),
        # x / (1 + |x|): both.
        ("softsign", 256),
        # x, its scaled mean square and the power of that, and the squares of 8 + 4 channels.
        ("lrn 5", 3 * 128 + 192),
        ("conv 1x1 x3", 128), ("dwconv 3x3 same", 128), ("deconv 2 s2 x3", 128), ("fc 5", 128),
        # The depthwise output of 4x4x16 beside the input.
        ("sepconv 3x3 same m2 x3", 128 + 256),
        # Indices of 8 bytes for 2x2x8 outputs; a global one for 8.
        ("pool 2", 128 + 8 * 32), ("gmp", 128 + 8 * 8), ("adaptivemaxpool 3x3", 128 + 8 * 72),
        ("avgpool 2", 128), ("adaptiveavgpool 3x3", 128),
        # Queries, keys, values and what is read, 4·128, and a number for each of 2 heads and 16 positions; offsets
        # learn by the softmax: 4·128, and for both heads 16·16 or, within blocks of 4, 16·4. Values of 12 likewise.
        ("attention h2", 5 * 128 + 32), ("attention h2 relative", 5 * 128 + 512),
        ("attention h2 window=2x2 distance", 5 * 128 + 128), ("attention h2 kv=1", 128 + 3 * 128 + 32),
        ("attention h2 value_dim=12 noproj", 128 + 2 * 128 + 192 + 512),
        # The gradient of a mean is the same whatever the values.
        ("gap", 0), ("adaptiveavgpool 1x1", 0),
        # A mask of a byte for each element, or for the sample; where nothing is dropped there is none.
        ("dropout 0.5", 128), ("droppath 0.5", 1), ("dropout 0", 0),
        ("flatten", 0), ("reshape 128", 0), ("identity", 0), ("slice 0:4", 0), ("shuffle g2", 0), ("pad 1", 0),
        ("crop 1", 0), ("upsample 2", 0), ("pixelshuffle 2", 0), ("add( ; )", 0), ("concat( ; )", 0),
    ],
)  # fmt: skip
def test_layer(layer: str, kept: int) -> None:
    """By the formulas of PyTorch's derivatives.yaml, and by runs of it: tests/writers/test_pytorch.py."""
    found = saved(f"input 4x4x2 | conv 1x1 x8 | {layer}")
    assert (found.pop("conv1"), sum(found.values())) == (32, kept)


def test_bytes_of_another_type() -> None:
    """Elements are as large as the type; indices are 8 bytes and a mask 1, whatever it is."""
    assert saved("input 4x4x2 | conv 1x1 x8 | pool 2 | dropout 0.5", dtype="float64") == {
        "conv1": 8 * 32,
        "pool1": 8 * 128 + 8 * 32,
        "dropout1": 32,
    }


def test_shared_tensor_counts_once() -> None:
    """relu keeps its output, which is what conv2 keeps as its input: it is relu's, the first."""
    assert saved("input 4x4x2 | conv 1x1 x8 | bn | relu | conv 1x1 x8") == {"conv1": 32, "bn1": 128, "relu1": 128}


def test_input_that_is_kept_by_two() -> None:
    """Both arms keep the same input."""
    assert saved("input 4x4x2 | concat(conv 1x1 x3 ; conv 3x3 same x5)") == {"conv1": 32}


@pytest.mark.parametrize("alias", ["flatten", "reshape 128", "identity", "dropout 0"])
def test_alias(alias: str) -> None:
    """What stands behind an alias keeps the tensor itself, which relu keeps already."""
    assert saved(f"input 4x4x2 | conv 1x1 x8 | relu | {alias} | fc 3") == {"conv1": 32, "relu1": 128}


def test_a_part_is_the_whole() -> None:
    """A slice is a view in PyTorch: to keep it is to keep all of what it is a part of."""
    assert saved("input 4x4x2 | conv 1x1 x8 | slice 0:2 | conv 1x1 x1") == {"conv1": 32, "conv2": 128}


def test_dropout_is_no_alias_in_training() -> None:
    """What stands behind a dropout keeps what the dropout gives: another tensor than relu's."""
    found = saved("input 4x4x2 | conv 1x1 x8 | relu | dropout 0.5 | conv 1x1 x8")
    assert found == {"conv1": 32, "relu1": 128, "dropout1": 128, "conv2": 128}


def test_gate() -> None:
    """A product keeps each factor, since the other learns: squeeze-and-excite keeps the gate and what it gates."""
    found = saved("input 4x4x2 | conv 1x1 x8 | mul( ; gap | conv 1x1 x8 | sigmoid)")
    # conv2 keeps the 8 means, the sigmoid its output of 8, mul the 128 of conv1 and the gate that is kept already.
    assert found == {"conv1": 32, "conv2": 8, "sigmoid1": 8, "mul1": 128}


def test_gate_that_does_not_learn() -> None:
    """Where one factor has no gradient, the other need not be kept: the input is, for the gradient of conv1's arm."""
    assert saved("input 4x4x2 | mul( ; conv 1x1 x2)") == {"conv1": 32}


def test_three_factors() -> None:
    """a·b·c is (a·b)·c: the product of the first two is kept beside the three."""
    found = saved("input 4x4x2 | mul(conv 1x1 x8 ; conv 1x1 x8 ; conv 1x1 x8)")
    assert found == {"conv1": 32, "mul1": 4 * 128}


def test_nothing_before_it_learns() -> None:
    """Without a weight before it nothing has a gradient: the pool and the relu keep nothing."""
    assert saved("input 8x8x2 | pool 2 | relu | conv 1x1 x8") == {"conv1": 32}


def test_network_without_weights() -> None:
    assert saved("input 8x8x2 | pool 2 | relu | mul( ; gap)") == {}


def test_letters() -> None:
    """Sizes that are letters go the same way: H·W·2 for conv1, and H·W·8 for the relu, of 4 bytes."""
    result = cnncalc.analyze("input HxWx2 | conv 1x1 x8 | relu | pool 2 | conv 1x1 x3")
    assert [str(row.saved_bytes) for row in result.rows[1:4]] == ["8*H*W", "32*H*W", "64*floor(H/2)*floor(W/2)"]
    assert str(result.totals.saved_bytes) == "40*H*W + 96*floor(H/2)*floor(W/2)"


@pytest.mark.parametrize("spec", ["resnet18", "mobilenet_v3_large", "shufflenet_v2_x1_0", "densenet121"])
def test_letters_with_numbers(spec: str) -> None:
    """The formulas at 64x96 are the figures of the network at 64x96."""
    from cnncalc import zoo
    from cnncalc.symbols import substitute

    text = zoo.members()[spec].text()
    numbers, letters = cnncalc.analyze(text, input="64x96x3"), cnncalc.analyze(text, input="HxWx3")
    for key in ("saved_bytes", "backward_macs", "conv_activations", "training_bytes"):
        formula = getattr(letters.totals, key)
        assert substitute(formula, {"H": 64, "W": 96}) == getattr(numbers.totals, key)


# -- what training takes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("batch", [1, 8])
def test_training_bytes(optimizer: str, batch: int) -> None:
    """Weights, gradients, state and saved bytes.

    conv1 has 56 parameters and bn1 4, with 4 buffers that have neither gradient nor state. For each sample the 75
    elements of the input and the 18 of conv1 are kept.
    """
    totals = cnncalc.analyze("input 5x5x3 | conv 3x3 x2 | bn", batch=batch, optimizer=optimizer).totals
    copies = {"sgd": 0, "momentum": 1, "adam": 2}[optimizer]
    assert totals.saved_bytes == 4 * 93
    assert totals.training_bytes == 4 * (64 + 60 + copies * 60 + batch * 93)


# -- MACs of the gradients -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "backward"),
    [
        # 16 positions, 2·8 products: the gradient of the weights alone, since the input has none.
        ("input 4x4x2 | conv 1x1 x8", 256),
        # Then 8·3 products a position, for the weights and for the input.
        ("input 4x4x2 | conv 1x1 x8 | relu | conv 1x1 x3", 256 + 2 * 384),
        # A norm's weights learn, so that its output has a gradient.
        ("input 4x4x2 | bn | conv 1x1 x8", 512),
        ("input 4x4x2 | pool 2 | conv 1x1 x8", 64),
        ("input 32 | fc 8 | fc 3", 256 + 2 * 24),
        # Each of 4·4 inputs writes 2·2·2·3 products.
        ("input 4x4x2 | deconv 2 s2 x3", 384),
        # The depthwise 4·4·9·2 for its weights; the 1x1 4·4·2·3 for its weights and for its input.
        ("input 4x4x2 | sepconv 3x3 same x3", 288 + 2 * 96),
        ("input 4x4x2 | bn | sepconv 3x3 same x3", 2 * 288 + 2 * 96),
        ("input 4x4x2 | relu | pool 2", 0),
    ],
)
def test_backward_macs(spec: str, backward: int) -> None:
    """A convolution or fc has its MACs once for the gradient of its weights, and once for that of its input."""
    for batch in (1, 3):
        result = cnncalc.analyze(spec, batch=batch)
        assert result.totals.backward_macs == batch * backward == sum(row.backward_macs for row in result.rows)


def test_backward_macs_are_of_no_convention() -> None:
    """Another tool's way of counting the forward pass changes nothing of the gradients."""
    spec = "input 4x4x2 | conv 1x1 x8 | bn | relu | conv 1x1 x3"
    assert {cnncalc.analyze(spec, convention=name).totals.backward_macs for name in ("torchvision", "ptflops")} == {
        1024
    }


def test_weights_of_a_file() -> None:
    """Weights that a model file holds learn, whatever node has them: a product with constants keeps its input."""
    builder = GraphBuilder(Problems())
    image = builder.add(kinds()["input"]("input", shape=(4, 4, 2)), ())
    scaled = builder.add(OpaqueOp("Mul", Shape((4, 4), 2), local=True), (image,), stored=StoredWeights(2))
    product = builder.add(OpaqueOp("MatMul", Shape((4, 4), 5), macs=160), (scaled, scaled))
    result = cnncalc.analyze(builder.build(product))
    # MatMul's factors are one tensor here, of 32 elements; its gradients are two products.
    assert [(row.saved_bytes, row.backward_macs) for row in result.rows] == [(0, 0), (128, 0), (128, 320)]


# -- activations of convolutions -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "activations"),
    [
        ("input 4x4x2 | conv 1x1 x8 | bn | relu | pool 2 | fc 5", 128 + 5),
        ("input 4x4x2 | deconv 2 s2 x3", 192),
        # The depthwise part gives 4·4·4, the 1x1 part 4·4·3.
        ("input 4x4x2 | sepconv 3x3 same m2 x3", 64 + 48),
        ("input 4x4x2 | dwconv 3x3 same m2 | add( ; )", 64),
    ],
)
def test_conv_activations(spec: str, activations: int) -> None:
    """The output elements of convolutions, deconvolutions and fc, and of nothing else."""
    result = cnncalc.analyze(spec, batch=3)
    assert result.totals.conv_activations == 3 * activations == sum(row.conv_activations for row in result.rows)


@pytest.mark.parametrize(
    ("name", "millions"),
    [
        # Designing Network Design Spaces (arXiv:2003.13678) and its MODEL_ZOO.md, column `acts`. RegNetX-400MF,
        # RegNetY-800MF and 8.0GF are other networks in torchvision than in the paper: so they are not here.
        ("regnet_x_800mf", 5.1), ("regnet_x_1_6gf", 7.9), ("regnet_x_3_2gf", 11.4),
        ("regnet_x_8gf", 14.1), ("regnet_x_16gf", 25.5), ("regnet_x_32gf", 36.3), ("regnet_y_400mf", 3.9),
        ("regnet_y_1_6gf", 8.0), ("regnet_y_3_2gf", 11.3), ("regnet_y_16gf", 23.0), ("regnet_y_32gf", 30.3),
        ("resnet50", 11.1), ("resnet101", 16.2), ("resnet152", 22.6), ("resnext50_32x4d", 14.4),
        ("efficientnet_b0", 6.7), ("efficientnet_b1", 10.9), ("efficientnet_b3", 23.8),
    ],
)  # fmt: skip
def test_published_activations(name: str, millions: float) -> None:
    """What RegNet's authors publish as activations, to the digit that they give."""
    assert abs(cnncalc.analyze(name).totals.conv_activations / 1e6 - millions) <= 0.05


def test_frozen() -> None:
    """Frozen weights have no gradient and no optimizer's state, and no MACs are spent on their gradients.

    conv1 27·4 + 4 = 112 frozen, 3·3·27·4 = 972 MACs, and nothing before it learns: nothing backward, nothing kept.
    conv2 4·16 = 64, 3·3·64 = 576 MACs, for its weights alone; it keeps 3x3x4. conv3 16·4 = 64 frozen, 576 MACs for
    the gradient of its input, 3x3x16; PyTorch's convolution keeps that all the same. Adam: weights, and of 64 three
    copies more: gradients and two of state.
    """
    spec = "input 5x5x3 | conv 3x3 x4 frozen | conv 1x1 x16 nobias | conv 1x1 x4 frozen nobias"
    result = cnncalc.analyze(spec, optimizer="adam")
    assert [(row.params, row.frozen, row.macs, row.backward_macs, row.saved_bytes) for row in result.rows[1:]] == [
        (0, 112, 972, 0, 0),
        (64, 0, 576, 576, 4 * 36),
        (0, 64, 576, 576, 4 * 144),
    ]
    totals = result.totals
    assert (totals.params, totals.frozen, totals.params_bytes) == (64, 176, 4 * 240)
    assert totals.training_bytes == 4 * (64 + 176 + 3 * 64) + 4 * 180


def test_all_frozen() -> None:
    """Where nothing learns, nothing is computed backward and nothing kept."""
    spec = "input 4x4x2 | conv 1x1 x2 frozen | fc 1 frozen"
    assert (cnncalc.analyze(spec).totals.backward_macs, saved(spec)) == (0, {})
