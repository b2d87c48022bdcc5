"""Every layer's worked examples, by looping over the registry; and that the registry has every word it must."""

import pytest

import cnncalc
from cnncalc.layers import KINDS, REGISTRY, Example, Layer, kinds

CASES = [
    pytest.param(kind, example, id=example.spec)
    for kind, cls in kinds().items()
    for example in (cls.examples if next(iter(cls.words)) == kind else ())
]

#: The words of the language, each kind with its other words.
WORDS = [
    *("input", "flatten", "reshape", "slice", "shuffle", "dropout", "droppath", "identity"),
    *("gap", "gmp", "globalavgpool", "globalmaxpool", "conv", "convolution", "conv1d", "conv2d"),
    *("conv3d", "dwconv", "depthwise", "sepconv", "separable", "deconv", "convtranspose", "tconv"),
    *("conv_transpose", "deconv1d", "deconv2d", "deconv3d", "pool", "maxpool", "maxpool1d", "maxpool2d"),
    *("maxpool3d", "avgpool", "avgpool1d", "avgpool2d", "avgpool3d", "adaptiveavgpool", "adaptivemaxpool", "upsample"),
    *(
        "pixelshuffle",
        "pixelunshuffle",
        "spacetodepth",
        "pad",
        "crop",
        "bn",
        "batchnorm",
        "ln",
        "layernorm",
        "instancenorm",
    ),
    *("gn", "groupnorm", "lrn", "scale", "fc", "dense", "linear", "relu"),
    *("relu6", "leakyrelu", "elu", "selu", "celu", "gelu", "silu", "swish"),
    *("mish", "sigmoid", "hardsigmoid", "hardswish", "tanh", "hardtanh", "softplus", "softsign"),
    *("softmax", "logsoftmax", "prelu", "add", "mul", "concat", "grn", "embedding"),
    *("lstm", "gru", "rnn", "convlstm", "attention", "mhsa", "resize", "interpolate"),
]


@pytest.mark.parametrize(("kind", "example"), CASES)
def test_example(kind: str, example: Example) -> None:
    """A worked example gives the figures that the class states."""
    result = cnncalc.analyze(example.spec)
    last, totals = result.rows[-1], result.totals
    shape = "x".join(map(str, last.output_shape))
    assert Example(example.spec, shape, totals.params, totals.buffers, totals.macs) == example


@pytest.mark.parametrize(("kind", "cls"), list(kinds().items()))
def test_declared(kind: str, cls: type[Layer]) -> None:
    """A class says what it is, with an example, and what each of its arguments means."""
    assert cls.__doc__
    assert cls.examples
    assert [name for name, argument in cls.arguments.items() if not argument.help] == []


@pytest.mark.parametrize("word", WORDS)
def test_word(word: str) -> None:
    """A word of the language names a layer, under its kind."""
    assert KINDS[word] in REGISTRY[word].words


SPATIAL = [
    *("conv 3x3 x8", "dwconv 3 m2", "sepconv 3 x4", "deconv 2 s2 x4", "pool 2", "avgpool 3", "gap"),
    *("adaptiveavgpool 2", "upsample 2", "pad 1", "crop 1", "instancenorm"),
]


@pytest.mark.parametrize("spec", [spec.replace("3x3", "3") for spec in SPATIAL])
@pytest.mark.parametrize("shape", ["16x8", "16x16x8", "16x16x16x8"])
def test_ranks(spec: str, shape: str) -> None:
    """A spatial layer works on one, two and three axes, and gives as many."""
    result = cnncalc.analyze(spec, input=shape)
    assert result.rows[-1].node.shape.rank == shape.count("x")
