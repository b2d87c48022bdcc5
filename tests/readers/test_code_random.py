"""Sequentials drawn at random, as PyTorch and Keras code in several forms: the figures are those of the frameworks."""

import os
from math import prod
from random import Random
from typing import Any

import pytest

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import cnncalc

pytestmark = pytest.mark.slow

#: How many networks of each framework are drawn, and in how many tests.
EACH, TESTS = 50, 10

#: Layers that need no number of channels.
PYTORCH_ALIKE = [
    "nn.ReLU(inplace=True)", "nn.GELU()", "nn.LeakyReLU(0.2)", "nn.PReLU()", "nn.ReLU6(True)", "nn.Dropout()",
    "nn.MaxPool2d(2)", "nn.MaxPool2d(3, 2, 1)", "nn.AvgPool2d(3, stride=1, padding=1)",
    "nn.Upsample(scale_factor=2, mode='bilinear')", "nn.ZeroPad2d((1, 0, 2, 1))",
]  # fmt: skip
KERAS_ALIKE = [
    "ReLU()", "Activation('swish')", "LeakyReLU(negative_slope=0.1)", "PReLU(shared_axes=[1, 2])", "Dropout(0.5)",
    "MaxPooling2D()", "MaxPool2D(pool_size=3, strides=2, padding='same')", "AveragePooling2D(2)",
    "UpSampling2D()", "ZeroPadding2D(((1, 0), (2, 1)))", "Cropping2D(1)", "Dense(7)",
]  # fmt: skip

Figures = tuple[int, int, tuple[int, ...]]


def drawn_pytorch(choose: Random) -> tuple[list[str], tuple[int, int, int]]:
    """Layers of a network in PyTorch's words, and its input, channels first."""
    channels, size = choose.choice([1, 3, 4]), choose.choice([16, 20, 32])
    shape, lines = (channels, size, size), []
    for _ in range(choose.randint(1, 6)):
        filters, c = choose.choice([4, 6, 8]), channels
        options = {
            f"nn.Conv2d({c}, {filters}, {choose.choice(['3', '(3, 3)', '1', '(1, 3)'])}{choose.choice(CONV)})": filters,
            f"nn.Conv2d({c}, {2 * c}, 3, groups={c}, padding=1)": 2 * c,
            f"nn.ConvTranspose2d({c}, {filters}, 2, stride=2)": filters,
            f"nn.Sequential(nn.Conv2d({c}, {c}, 1), nn.SiLU())": c,
            choose.choice([f"nn.BatchNorm2d({c})", f"nn.BatchNorm2d({c}, affine=False)", f"nn.GroupNorm(1, {c})"]): c,
            choose.choice(PYTORCH_ALIKE): c,
        }
        line = choose.choice(list(options))
        lines.append(line)
        channels = options[line]
    ends: list[list[str]] = [
        [],
        ["nn.AdaptiveAvgPool2d(1)", "nn.Flatten()", f"nn.Linear({channels}, 10)"],
        ["nn.Flatten()", "nn.LazyLinear(10)"],
    ]
    return [*lines, *choose.choice(ends)], shape


CONV = [
    "",
    ", stride=2",
    ", padding=1",
    ", padding='same'",
    ", bias=False",
    ", 1, 1",
    ", dilation=2",
    ", padding=(1, 0)",
]


def pytorch_figures(module: nn.Module, shape: tuple[int, ...]) -> Figures:
    """Parameters, MACs and the output of a module, by PyTorch's own counters."""
    module.eval()
    with torch.no_grad():
        module(torch.zeros(1, *shape))
        with FlopCounterMode(display=False) as counter:
            first, *others = module(torch.zeros(1, *shape)).shape[1:]
    return sum(each.numel() for each in module.parameters()), counter.get_total_flops() // 2, (*others, first)


@pytest.mark.parametrize("seed", range(TESTS))
def test_pytorch(seed: int) -> None:
    choose = Random(seed)
    for _ in range(EACH):
        lines, shape = drawn_pytorch(choose)
        code = f"nn.Sequential({', '.join(lines)})"
        try:
            module: Any = eval(code)
            expected = pytorch_figures(module, shape)
        except RuntimeError:
            continue  # a window that does not fit
        for text in (code, f"net = {code}\nnet.train()", "\n".join(lines), ",\n".join(lines) + ",", str(module)):
            analysis = cnncalc.analyze(text, input=(*shape[1:], shape[0]))
            totals = analysis.totals
            assert (totals.params, totals.macs, analysis.rows[-1].output_shape) == expected, text


def drawn_keras(choose: Random) -> tuple[list[str], tuple[int, int, int]]:
    """Layers of a network in Keras's words, and its input."""
    size = choose.choice([16, 20, 32])
    lines = []
    for _ in range(choose.randint(1, 6)):
        activation = choose.choice(["", ", activation='relu'", ', activation="tanh"', ", activation=None"])
        window = choose.choice(["3", "(3, 3)", "kernel_size=(1, 3)", "1"])
        more = choose.choice(["", ", strides=2", ", padding='same'", ", use_bias=False", ", dilation_rate=2"])
        options = [
            f"Conv2D({choose.choice([4, 6])}, {window}{more}{activation})",
            f"DepthwiseConv2D(3, padding='same'{activation})",
            f"SeparableConv2D(5, (3, 3), padding='same'{activation})",
            f"Conv2DTranspose(4, 2, strides=2, padding='same'{activation})",
            choose.choice(["BatchNormalization(momentum=0.9)", "LayerNormalization()", "GroupNormalization(groups=1)"]),
            choose.choice(KERAS_ALIKE),
        ]
        lines.append(choose.choice(options))
    ends = [[], ["GlobalAveragePooling2D()", "Dense(10, activation='softmax')"], ["Flatten()", "Dense(10)"]]
    return [*lines, *choose.choice(ends)], (size, size, choose.choice([1, 3, 4]))


@pytest.mark.parametrize("seed", range(TESTS))
def test_keras(seed: int) -> None:
    choose, names = Random(seed), {**vars(keras), **vars(keras.layers)}
    for _ in range(EACH):
        lines, shape = drawn_keras(choose)
        code = f"Sequential([Input(shape={shape}), {', '.join(lines)}])"
        try:
            model = eval(code, names)
        except ValueError:
            continue  # a window that does not fit
        trained = sum(prod(weight.shape) for weight in model.trainable_variables)
        expected = trained, model.count_params(), tuple(model.output_shape[1:])
        applied = "".join(f"x = {line}(x)\n" for line in lines)
        added = "".join(f"model.add({line})\n" for line in lines)
        for text in (
            code,
            f"import tensorflow as tf\nmodel = {code}\nmodel.fit(x, y, epochs=3)",
            f"inputs = keras.Input(shape={shape})\nx = inputs\n{applied}model = keras.Model(inputs, x)",
            f"model = Sequential()\nmodel.add(Input({shape}))\n{added}model.compile(loss='mse')",
        ):
            analysis = cnncalc.analyze(text)
            totals = analysis.totals
            assert (totals.params, totals.params + totals.buffers, analysis.rows[-1].output_shape) == expected, text
