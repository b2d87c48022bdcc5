"""Keras's layers with arguments drawn at random: their shapes and parameters are Keras's own."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

import cnncalc
from cnncalc.readers.keras.importer import rules

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

pytestmark = pytest.mark.frameworks

#: Draws for each class, and how many of them Keras must take at least: what it refuses is not compared.
DRAWS, TAKEN = 12, 3

Values = dict[str, Any]


class Draw(Random):
    """Random arguments."""

    def per_axis(self, rank: int, values: list[int]) -> int | list[int]:
        """One number for all axes, or one for each."""
        return self.choice(values) if self.random() < 0.5 else [self.choice(values) for _ in range(rank)]

    def ends(self, rank: int) -> Any:
        """Padding or cropping: a number, or a pair for each axis; on one axis there is no pair of pairs."""
        pairs = [(self.randrange(3), self.randrange(3)) for _ in range(rank)]
        return self.randrange(1, 3) if self.random() < 0.4 else pairs[0] if rank == 1 else tuple(pairs)

    def flag(self) -> bool:
        return self.random() < 0.5


def window(draw: Draw, rank: int) -> Values:
    strides, dilation = (draw.per_axis(rank, [1, 2, 3]), 1) if draw.flag() else (1, draw.per_axis(rank, [1, 2]))
    return {
        "kernel_size": draw.per_axis(rank, [1, 2, 3, 4]),
        "strides": strides,
        "dilation_rate": dilation,
        "padding": draw.choice(["valid", "same"]),
        "use_bias": draw.flag(),
        "activation": draw.choice([None, "relu", "hard_sigmoid"]),
    }


def conv(draw: Draw, rank: int) -> Values:
    causal = {"padding": "causal"} if rank == 1 and draw.random() < 0.3 else {}
    return {**window(draw, rank), **causal, "filters": draw.choice([2, 6]), "groups": draw.choice([1, 2])}


def depthwise(draw: Draw, rank: int) -> Values:
    # One stride for all axes: Keras has no other.
    return {**window(draw, rank), "strides": draw.choice([1, 1, 2]), "depth_multiplier": draw.choice([1, 2])}


def separable(draw: Draw, rank: int) -> Values:
    return {**depthwise(draw, rank), "filters": draw.choice([2, 6])}


def transposed(draw: Draw, rank: int) -> Values:
    return {
        **window(draw, rank),
        "filters": 3,
        "output_padding": draw.choice([None, None, 0, 1, [draw.randrange(2) for _ in range(rank)]]),
    }


def pool(draw: Draw, rank: int) -> Values:
    strides = draw.choice([None, draw.per_axis(rank, [1, 2, 3])])
    return {
        "pool_size": draw.per_axis(rank, [1, 2, 3]),
        "strides": strides if rank > 1 or not isinstance(strides, list) else strides[0],
        "padding": draw.choice(["valid", "same"]),
    }


def affine(draw: Draw, rank: int) -> Values:
    return {"center": draw.flag(), "scale": draw.flag()}


def shared_axes(draw: Draw, rank: int) -> Values:
    return {"shared_axes": draw.choice([None, *([axis] for axis in range(1, rank + 2)), list(range(1, rank + 1))])}


def nothing(draw: Draw, rank: int) -> Values:
    return {}


def always(**values: Any) -> Callable[[Draw, int], Values]:
    return lambda draw, rank: values


def sizes(draw: Draw, rank: int) -> Values:
    return {"height": draw.randrange(1, 5), "width": draw.randrange(1, 5)}


#: How the arguments of each class are drawn, by its name without the number of axes.
ARGUMENTS: dict[str, Callable[[Draw, int], Values]] = {
    **dict.fromkeys(("Conv", "Convolution"), conv),
    "DepthwiseConv": depthwise,
    **dict.fromkeys(("SeparableConv", "SeparableConvolution"), separable),
    **dict.fromkeys(("ConvTranspose", "ConvolutionTranspose"), transposed),
    **dict.fromkeys(("MaxPooling", "AveragePooling", "MaxPool", "AvgPool"), pool),
    **dict.fromkeys(
        ("GlobalAveragePooling", "GlobalMaxPooling", "GlobalAvgPool", "GlobalMaxPool"),
        lambda draw, rank: {"keepdims": draw.flag()},
    ),
    **dict.fromkeys(
        ("AdaptiveAveragePooling", "AdaptiveMaxPooling"),
        lambda draw, rank: {"output_size": draw.per_axis(rank, [1, 2, 3])},
    ),
    "Dense": lambda draw, rank: {"units": 5, "use_bias": draw.flag(), "activation": draw.choice([None, "gelu"])},
    **dict.fromkeys(("BatchNormalization", "LayerNormalization"), affine),
    "GroupNormalization": lambda draw, rank: {**affine(draw, rank), "groups": draw.choice([-1, 1, 2, 4])},
    "Activation": lambda draw, rank: {"activation": draw.choice(["linear", "relu", "softmax", "log_softmax"])},
    "ReLU": lambda draw, rank: {"max_value": draw.choice([None, 6]), "negative_slope": draw.choice([0, 0.2])},
    "PReLU": shared_axes,
    "ZeroPadding": lambda draw, rank: {"padding": draw.ends(rank)},
    "Cropping": lambda draw, rank: {"cropping": draw.ends(rank)},
    "UpSampling": lambda draw, rank: {"size": draw.choice([1, 3]) if rank == 1 else draw.per_axis(rank, [1, 2, 3])},
    "Reshape": lambda draw, rank: {"target_shape": draw.choice([(-1,), (-1, 2), (2, -1, 2), (4, -1)])},
    "Permute": lambda draw, rank: {"dims": draw.sample(range(1, rank + 2), rank + 1)},
    "RepeatVector": always(n=3),
    **dict.fromkeys(("Resizing", "CenterCrop", "RandomCrop"), sizes),
    "Rescaling": always(scale=0.5),
    "GaussianNoise": always(stddev=0.1),
    **dict.fromkeys(("Dropout", "SpatialDropout", "AlphaDropout", "GaussianDropout"), always(rate=0.25)),
    **dict.fromkeys(("RandomRotation", "RandomContrast", "RandomBrightness"), always(factor=0.2)),
    "RandomZoom": always(height_factor=0.2),
    "RandomTranslation": always(height_factor=0.2, width_factor=0.2),
    "Embedding": always(input_dim=7, output_dim=3),
    **dict.fromkeys(("Add", "Multiply", "Subtract", "Average", "Maximum", "Minimum"), nothing),
    "Concatenate": lambda draw, rank: {"axis": draw.choice([-1, *range(1, rank + 2)])},
}

MERGES = ("Add", "Multiply", "Subtract", "Average", "Maximum", "Minimum", "Concatenate")

#: The ranks of the classes whose names do not say them; all else takes any.
RANKS = {
    "RepeatVector": (0,),
    "Embedding": (0, 1),
    **dict.fromkeys(("Resizing", "CenterCrop", *(kind for kind in rules if kind.startswith("Random"))), (2,)),
}

#: No layers of Keras 3: layers of Keras 2, an operation, and the names that go on to three axes by our rule alone.
ABSENT = (
    "SyncBatchNormalization",
    "ThresholdedReLU",
    "GetItem",
    "DepthwiseConv3D",
    "SeparableConv3D",
    "SeparableConvolution3D",
    # They take steps; the round trips of tests/writers read them.
    *("LSTM", "GRU", "SimpleRNN", "Bidirectional", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"),
)


def models(kind: str) -> Iterator[tuple[Values, Any]]:
    """Models of one layer whose arguments Keras takes, on the meta device."""
    import keras

    draw = Draw(kind)
    found = re.search(r"([123])D", kind)
    base, rank = (kind.replace(found[0], ""), int(found[1])) if found else (kind, None)
    make = getattr(keras.layers, kind)
    for _ in range(DRAWS):
        axes = draw.choice(RANKS.get(kind, (0, 1, 2, 3))) if rank is None else rank
        values = ARGUMENTS.get(base, nothing)(draw, axes)
        if rank is not None and draw.random() < 0.3 and kind != "SpatialDropout1D":
            values["data_format"] = "channels_first"
        shape = tuple(draw.randrange(4, 9) for _ in range(axes))
        shape = (4, *shape) if values.get("data_format") == "channels_first" else (*shape, 4)
        try:
            with keras.device("meta"):
                inputs = [keras.Input(shape) for _ in range(2 if base in MERGES else 1)]
                model = keras.Model(inputs, make(**values)(inputs if len(inputs) > 1 else inputs[0]))
        except (ValueError, TypeError, RuntimeError):
            continue
        if None not in model.output_shape[1:] and 0 not in model.output_shape[1:]:
            yield {**values, "shape": shape}, model


@pytest.mark.parametrize("kind", sorted(set(rules) - set(ABSENT)))
@pytest.mark.filterwarnings("ignore")  # Keras's own
def test_as_keras(kind: str, tmp_path: Path) -> None:
    """The output's shape and the number of weights are those that Keras says."""
    compared = 0
    for values, model in models(kind):
        (tmp_path / "net.json").write_text(model.to_json())
        result = cnncalc.analyze(tmp_path / "net.json")
        _, *shape = model.output_shape
        turned = values.get("data_format") == "channels_first" and len(shape) > 1
        wanted = (*shape[1:], shape[0]) if turned else tuple(shape)
        totals = result.totals
        got = (result.rows[-1].output_shape, totals.params + totals.buffers, [row.type for row in result.unknown])
        assert (values, *got) == (values, wanted, model.count_params(), [])
        compared += 1
    assert compared >= TAKEN
